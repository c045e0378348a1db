//! The ledger held against a graph: which script of today is which entry.

use std::collections::{HashMap, HashSet};

use super::entry::{BodyHash, LedgerEntry};
use super::snapshot::Snapshot;
use crate::revision::{Node, RevisionId};

/// Ids of at least this many characters are not given twice by chance.
const RANDOM_LENGTH: usize = 10;

/// Which node each entry is today, if any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matching {
    /// By position of the entry.
    pub node_of: Vec<Option<Node>>,
    /// By node.
    entry_of: Vec<Option<usize>>,
}

/// What the ledger says of one revision of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Applied,
    NotApplied,
    Unknown,
}

impl Matching {
    /// Finds each entry's script: by id, unless another script has taken the id
    /// over; then by what the script says, since a renumbered one says the same.
    pub fn new(entries: &[LedgerEntry], snapshot: &Snapshot) -> Self {
        let mut matching =
            Self { node_of: vec![None; entries.len()], entry_of: vec![None; snapshot.graph.len()] };
        let places = Places::of(snapshot);
        for (at, entry) in entries.iter().enumerate() {
            if let Some(node) = snapshot.graph.node(entry.revision.as_str())
                && is_same_revision(entry, node, snapshot, &places)
            {
                matching.join(at, node);
            }
        }
        let taken: HashSet<&RevisionId> = entries
            .iter()
            .zip(&matching.node_of)
            .filter(|(_, node)| node.is_some())
            .map(|(entry, _)| &entry.revision)
            .collect();
        for (at, entry) in entries.iter().enumerate() {
            if matching.node_of[at].is_none()
                && let Some(node) = places.only(&entry.body)
                && !taken.contains(snapshot.id(node))
                && matching.entry_of[node].is_none()
            {
                matching.join(at, node);
            }
        }
        matching
    }

    fn join(&mut self, entry: usize, node: Node) {
        self.node_of[entry] = Some(node);
        self.entry_of[node] = Some(entry);
    }

    /// Whether any entry is this node.
    pub fn has(&self, node: Node) -> bool {
        self.entry_of[node].is_some()
    }

    /// What `entries` say of a node.
    pub fn verdict(&self, node: Node, entries: &[LedgerEntry]) -> Verdict {
        match self.entry_of[node].map(|at| entries[at].is_known()) {
            Some(true) => Verdict::Applied,
            Some(false) => Verdict::Unknown,
            None => Verdict::NotApplied,
        }
    }

    /// What alembic takes for applied, though no entry tells of it.
    pub fn without_entry(&self, snapshot: &Snapshot, rows: &[String]) -> Vec<Node> {
        let mut applied = snapshot.applied(rows);
        for (node, is_applied) in applied.iter_mut().enumerate() {
            *is_applied = *is_applied && !self.has(node);
        }
        snapshot.in_order(&applied)
    }
}

/// Bodies that tell scripts apart, each with the nodes that have it.
struct Places<'a> {
    by_body: HashMap<&'a BodyHash, Vec<Node>>,
}

impl<'a> Places<'a> {
    fn of(snapshot: &'a Snapshot) -> Self {
        let mut by_body: HashMap<&BodyHash, Vec<Node>> = HashMap::new();
        for (node, script) in snapshot.scripts.iter().enumerate() {
            // All that do nothing say the same.
            if !script.is_empty {
                by_body.entry(&script.body).or_default().push(node);
            }
        }
        Self { by_body }
    }

    /// The one node that says this.
    fn only(&self, body: &BodyHash) -> Option<Node> {
        match self.by_body.get(body).map(Vec::as_slice) {
            Some([node]) => Some(*node),
            _ => None,
        }
    }
}

/// Whether the script that has the entry's id today is the one that ran.
/// Numbers are given twice, by two people; an id that was drawn is not.
fn is_same_revision(
    entry: &LedgerEntry,
    node: Node,
    snapshot: &Snapshot,
    places: &Places<'_>,
) -> bool {
    let script = &snapshot.scripts[node];
    if script.body == entry.body || entry.is_empty && script.is_empty {
        return true;
    }
    let is_elsewhere = places.only(&entry.body).is_some();
    // Edited after it ran: still the same place, or an id of its own.
    !is_elsewhere && (script.path == entry.path || is_random(&entry.revision))
}

fn is_random(id: &RevisionId) -> bool {
    id.as_str().len() >= RANDOM_LENGTH && id.as_str().bytes().all(|b| b.is_ascii_hexdigit())
}
