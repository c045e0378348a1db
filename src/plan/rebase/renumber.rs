//! Numbers after the landed head's, where a project numbers its revisions.

use std::collections::{HashMap, HashSet};

use super::item::Item;
use super::planner::Planner;
use super::refusal::Refusal;
use crate::plan::sequence::{Numbered, is_sequence, number_of};
use crate::revision::RevisionId;

impl Planner<'_> {
    /// Gives own revisions of a sequential project the numbers after the landed head.
    pub(super) fn renumber(&mut self) -> Result<(), Refusal> {
        let duplicated = self.items.iter().any(|item| item.id != item.revision.id);
        let is_sequential = match self.request.sequential {
            Some(explicit) => explicit,
            None => self.targets.iter().flatten().any(|target| self.is_sequential_below(target)),
        };
        if !is_sequential {
            return match self.items.iter().find(|item| item.id != item.revision.id) {
                Some(item) if duplicated => Err(self.duplicate(&item.id)),
                _ => Ok(()),
            };
        }
        let mut last = self.targets.iter().flatten().filter_map(number_of).max();
        for key in self.order.clone() {
            let Some(at) = self.items.iter().position(|item| item.revision.id == key) else {
                continue;
            };
            let Some(numbered) = Numbered::parse(self.items[at].id.as_str()) else { continue };
            let number = match last {
                Some(below) if numbered.number <= below => below + 1,
                _ => numbered.number,
            };
            last = Some(number);
            if number != numbered.number {
                let id = RevisionId::new(numbered.with_number(number))
                    .expect("digits and the rest of a legal id are a legal id");
                self.must_be_editable(at)?;
                self.items[at].id = id;
            }
        }
        let mut ids = HashSet::new();
        let twice = self.items.iter().filter(|i| !i.deleted).find(|i| !ids.insert(&i.id));
        match twice {
            Some(item) => Err(self.duplicate(&item.id)),
            None => Ok(()),
        }
    }

    pub(super) fn duplicate(&self, id: &RevisionId) -> Refusal {
        let paths = self
            .request
            .history
            .scripts
            .iter()
            .enumerate()
            .filter(|(node, _)| self.request.history.id(*node) == id)
            .map(|(_, script)| script.file.path.clone())
            .collect();
        Refusal::DuplicateId { id: id.clone(), paths }
    }

    /// The last stretch of landed ids below `target`, newest first.
    pub(super) fn is_sequential_below(&self, target: &RevisionId) -> bool {
        const STRETCH: usize = 12;
        let by_key: HashMap<&RevisionId, &Item> =
            self.items.iter().map(|item| (&item.revision.id, item)).collect();
        let mut line = Vec::new();
        let mut at = Some(target);
        while let Some(item) = at.and_then(|key| by_key.get(key)) {
            if item.written.is_none() {
                line.push(&item.id);
            }
            if line.len() == STRETCH {
                break;
            }
            at = item.revision.down_revisions.first();
        }
        is_sequence(&line)
    }
}
