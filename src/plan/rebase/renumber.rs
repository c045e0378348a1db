//! Numbers after the landed head's, where a project numbers its revisions.

use std::cmp::Reverse;
use std::collections::HashSet;

use super::item::Item;
use super::lineage::Treated;
use super::planner::Planner;
use super::refusal::Refusal;
use crate::plan::sequence::{Numbered, is_sequence, number_of};
use crate::revision::{Node, RevisionGraph, RevisionId};

impl Planner<'_> {
    /// Gives own revisions of a sequential project the numbers after the landed head.
    pub fn renumber(&mut self) -> Result<(), Refusal> {
        let graph = self.graph();
        for lineage in self.treated.clone() {
            if self.is_sequential(&graph, &lineage) {
                let last = self.last_landed(&graph, &lineage);
                self.renumber_lineage(&lineage.order, last)?;
            }
        }
        self.renumber_twins()?;
        let mut ids = HashSet::new();
        let twice = self.items.iter().filter(|i| !i.deleted).find(|i| !ids.insert(&i.id));
        twice.map_or(Ok(()), |item| Err(self.duplicate(&item.id)))
    }

    /// Own files that claim a landed id although nothing has diverged: told
    /// apart by labels, say. They and what follows them get the next free numbers.
    pub fn renumber_twins(&mut self) -> Result<(), Refusal> {
        let graph = self.graph();
        let twins = self.nodes_where(|n| self.has_landed_twin(n));
        let Some(&first) = twins.first() else { return Ok(()) };
        let above = graph.descendants(twins);
        let own = self.nodes_where(|n| above[n] && self.items[n].own);
        let mut order = graph.ids(self.ordered(&graph, &own)?);
        order.retain(|key| !self.is_treated(key));
        let target = Some(self.items[first].id.clone());
        let lineage = Treated { target, order, is_onto: false };
        if self.is_sequential(&graph, &lineage) {
            let landed = self.items.iter().filter(|item| !item.own);
            let last = landed.filter_map(|item| number_of(&item.id)).max();
            self.renumber_lineage(&lineage.order, last)?;
        }
        Ok(())
    }

    fn has_landed_twin(&self, node: Node) -> bool {
        let item = &self.items[node];
        let is_twin = |other: &Item| !other.deleted && other.revision.id == item.id;
        !item.deleted && item.revision.id != item.id && self.items.iter().any(is_twin)
    }

    fn is_treated(&self, key: &RevisionId) -> bool {
        self.treated.iter().any(|lineage| lineage.order.contains(key))
    }

    fn renumber_lineage(
        &mut self,
        order: &[RevisionId],
        mut last: Option<u64>,
    ) -> Result<(), Refusal> {
        // What is in the chain itself gets a number above all before it anyway.
        let taken: HashSet<RevisionId> = self
            .items
            .iter()
            .filter(|item| !item.deleted && !order.contains(&item.revision.id))
            .map(|item| item.id.clone())
            .collect();
        for key in order {
            let Some(at) = self.items.iter().position(|item| item.revision.id == *key) else {
                continue;
            };
            let Some(numbered) = Numbered::parse(self.items[at].id.as_str()) else { continue };
            let id = next_free(&numbered, last, &taken);
            last = number_of(&id);
            if id != self.items[at].id {
                self.must_be_editable(at)?;
                self.items[at].id = id;
            }
        }
        Ok(())
    }

    fn duplicate(&self, id: &RevisionId) -> Refusal {
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

    /// The highest number among the landed revisions that the lineage follows.
    fn last_landed(&self, graph: &RevisionGraph, lineage: &Treated) -> Option<u64> {
        let keys = lineage.target.iter().chain(&lineage.order);
        let below = graph.ancestors(keys.filter_map(|key| graph.node(key.as_str())));
        let landed = self.items.iter().zip(below).filter(|(item, below)| *below && !item.own);
        landed.filter_map(|(item, _)| number_of(&item.id)).max()
    }

    /// Whether the last stretch of landed ids below the lineage is a sequence.
    fn is_sequential(&self, graph: &RevisionGraph, lineage: &Treated) -> bool {
        const STRETCH: usize = 12;
        if let Some(explicit) = self.request.sequential {
            return explicit;
        }
        let first_down = |&node: &Node| graph.down(node).first().copied();
        let start = lineage.target.as_ref().or(lineage.order.first());
        let start = start.and_then(|key| graph.node(key.as_str()));
        // Merge revisions get random ids in sequential projects, too.
        let landed = |node: &Node| {
            let item = &self.items[*node];
            !item.deleted && !item.own && !is_unnumbered_merge(item)
        };
        // A cycle has no end.
        let line = std::iter::successors(start, first_down).take(graph.len()).filter(landed);
        let mut line: Vec<&RevisionId> = line.map(|node| &self.items[node].id).collect();
        if line.is_empty() {
            // A branch of one's own from its base on is numbered as the others are.
            let all = self.nodes_where(|n| landed(&n));
            line = all.into_iter().map(|node| &self.items[node].id).collect();
            line.sort_by_key(|id| Reverse(number_of(id)));
        }
        line.truncate(STRETCH);
        is_sequence(&line)
    }
}

fn is_unnumbered_merge(item: &Item) -> bool {
    item.revision.down_revisions.len() > 1 && number_of(&item.id).is_none()
}

/// The id with its own number, or the first above `last` that nobody has.
fn next_free(
    numbered: &Numbered<'_>,
    last: Option<u64>,
    taken: &HashSet<RevisionId>,
) -> RevisionId {
    let from = last.map_or(numbered.number, |last| numbered.number.max(last + 1));
    (from..)
        .map(|number| {
            RevisionId::new(numbered.with_number(number))
                .expect("digits and the rest of a legal id are a legal id")
        })
        .find(|id| !taken.contains(id))
        .expect("there are more numbers than revisions")
}
