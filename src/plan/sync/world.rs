//! What is in a database while a plan is made: the files' revisions that ran,
//! and the foreign ones, with what each builds on.

use super::super::ledger::{BodyHash, LedgerEntry, Matching, Snapshot};
use crate::revision::{RevisionId, walk};

/// A revision that the plan deals with: a position in [`World`].
pub(super) type Item = usize;

/// The revisions of the files, by node, then the foreign entries.
pub(super) struct World<'a> {
    snapshot: &'a Snapshot,
    entries: &'a [LedgerEntry],
    /// Positions of the entries that are no revision of the files.
    foreign: Vec<usize>,
    /// What each item builds on: as the files have it, or as it ran.
    below: Vec<Vec<Item>>,
    /// What builds on each item, by the files.
    above: Vec<Vec<Item>>,
    /// What was built on each item, by what was recorded when it ran.
    built_upon: Vec<Vec<Item>>,
    /// Position of each item's entry.
    entry_of: Vec<Option<usize>>,
    pub is_applied: Vec<bool>,
}

impl<'a> World<'a> {
    pub(super) fn new(
        snapshot: &'a Snapshot,
        entries: &'a [LedgerEntry],
        matching: &Matching,
        applied: &[bool],
    ) -> Self {
        let count = snapshot.graph.len();
        let foreign: Vec<usize> = (0..entries.len())
            .filter(|&at| matching.node_of[at].is_none() && entries[at].is_known())
            .collect();
        let mut entry_of: Vec<Option<usize>> = vec![None; count];
        for (at, node) in matching.node_of.iter().enumerate() {
            if let Some(node) = *node {
                entry_of[node] = Some(at);
            }
        }
        entry_of.extend(foreign.iter().map(|&at| Some(at)));
        let item_of_entry = |at: usize| -> Option<Item> {
            matching.node_of[at]
                .or_else(|| foreign.iter().position(|&f| f == at).map(|f| count + f))
        };
        // What a recorded id was then: an entry's, else the files'.
        let item_named = |id: &RevisionId| -> Option<Item> {
            let entry = entries.iter().position(|e| &e.revision == id);
            entry.and_then(item_of_entry).or_else(|| snapshot.graph.node(id.as_str()))
        };
        let recorded: Vec<Vec<Item>> = entry_of
            .iter()
            .map(|entry| match entry {
                Some(at) => entries[*at].below.iter().filter_map(item_named).collect(),
                None => Vec::new(),
            })
            .collect();
        let mut below: Vec<Vec<Item>> =
            (0..count).map(|node| snapshot.graph.below(node).to_vec()).collect();
        below.extend(recorded[count..].iter().cloned());
        let mut is_applied = applied.to_vec();
        is_applied.extend(foreign.iter().map(|_| true));
        let (above, built_upon) = (reversed(&below), reversed(&recorded));
        Self { snapshot, entries, foreign, below, above, built_upon, entry_of, is_applied }
    }

    /// The item that ran as this entry.
    pub(super) fn item_of(&self, entry: &LedgerEntry) -> Option<Item> {
        let at = self.entries.iter().position(|known| known.is_same(entry))?;
        self.items().find(|&item| self.entry_of[item] == Some(at))
    }

    /// All items.
    pub(super) fn items(&self) -> std::ops::Range<Item> {
        0..self.below.len()
    }

    /// The foreign items.
    pub(super) fn foreign(&self) -> std::ops::Range<Item> {
        self.below.len() - self.foreign.len()..self.below.len()
    }

    pub(super) fn is_foreign(&self, item: Item) -> bool {
        self.foreign().contains(&item)
    }

    pub(super) fn id(&self, item: Item) -> &RevisionId {
        match self.is_foreign(item) {
            true => &self.entries[self.foreign[item - self.foreign().start]].revision,
            false => self.snapshot.id(item),
        }
    }

    /// The script that an item ran from, else the one of the files.
    pub(super) fn ran_as(&self, item: Item) -> &BodyHash {
        match self.entry_of[item] {
            Some(at) => &self.entries[at].body,
            None => &self.snapshot.scripts[item].body,
        }
    }

    /// Whether neither function of it does anything.
    pub(super) fn is_empty(&self, item: Item) -> bool {
        match self.entry_of[item] {
            Some(at) => self.entries[at].is_empty,
            None => self.snapshot.scripts[item].is_empty,
        }
    }

    /// When it ran, as a sort key; what never ran comes last.
    pub(super) fn ran_at(&self, item: Item) -> usize {
        self.entry_of[item].unwrap_or(usize::MAX)
    }

    /// Applied revisions that the files put above `item`.
    pub(super) fn applied_above(&self, item: Item) -> Vec<Item> {
        self.applied_from(item, &self.above)
    }

    /// Applied revisions that were built on `item` when they ran.
    pub(super) fn built_upon(&self, item: Item) -> Vec<Item> {
        self.applied_from(item, &self.built_upon)
    }

    fn applied_from(&self, item: Item, next: &[Vec<Item>]) -> Vec<Item> {
        let reached = walk::reachable(next.len(), next[item].iter().copied(), |n| &next[n]);
        self.items().filter(|&i| i != item && reached[i] && self.is_applied[i]).collect()
    }

    /// The rows that stand for what is applied now.
    pub(super) fn rows(&self) -> Vec<String> {
        let starts =
            self.items().filter(|&i| self.is_applied[i]).flat_map(|i| self.below[i].clone());
        let covered = walk::reachable(self.below.len(), starts, |n| &self.below[n]);
        let mut rows: Vec<String> = self
            .items()
            .filter(|&i| self.is_applied[i] && !covered[i])
            .map(|i| self.id(i).to_string())
            .collect();
        rows.sort();
        rows.dedup();
        rows
    }
}

fn reversed(lists: &[Vec<Item>]) -> Vec<Vec<Item>> {
    let mut back = vec![Vec::new(); lists.len()];
    for (from, list) in lists.iter().enumerate() {
        for &to in list {
            back[to].push(from);
        }
    }
    back
}
