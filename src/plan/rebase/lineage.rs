//! One diverged lineage: its own revisions become one chain on the landed head.

use std::collections::{BTreeSet, HashSet};

use super::planner::Planner;
use super::refusal::Refusal;
use crate::plan::Strategy;
use crate::revision::{Divergence, Node, RevisionGraph, RevisionId, walk};

impl Planner<'_> {
    pub(super) fn rebase_lineage(
        &mut self,
        graph: &RevisionGraph,
        divergence: &Divergence,
    ) -> Result<(), Refusal> {
        let lineage = graph.ancestors(divergence.heads.iter().copied());
        let in_lineage = |n: &Node| lineage[*n] && !self.items[*n].deleted;
        let all: Vec<Node> = (0..self.items.len()).filter(in_lineage).collect();
        let own: Vec<Node> = all.iter().copied().filter(|&n| self.items[n].own).collect();
        let landed_heads: Vec<Node> = all
            .iter()
            .copied()
            .filter(|&n| !self.items[n].own)
            .filter(|&n| !graph.up(n).iter().any(|&up| lineage[up] && !self.items[up].own))
            .collect();
        let mut order = self.ordered(graph, &own)?;

        let mut target = self.target(graph, &landed_heads)?;
        if target.is_none() && landed_heads.len() > 1 {
            // An own merge revision over exactly these heads serves as the one
            // that would be written.
            let wanted: BTreeSet<Node> = landed_heads.iter().copied().collect();
            let covers =
                |n: &Node| graph.down(*n).iter().copied().collect::<BTreeSet<_>>() == wanted;
            match order.iter().position(covers) {
                Some(position) => {
                    let merge = order.remove(position);
                    self.order.push(self.items[merge].revision.id.clone());
                    target = Some(self.items[merge].revision.id.clone());
                }
                None => {
                    let merge = self.merge_landed(graph, &landed_heads)?;
                    self.order.push(merge.clone());
                    target = Some(merge);
                }
            }
        }
        if own.is_empty() && landed_heads.len() <= 1 {
            let reason = "the heads are all landed, and there is nothing own to move".to_owned();
            return Err(Refusal::Unsound { reason });
        }
        self.targets.push(target.clone());
        self.chain(graph, order, target)
    }

    /// The single landed head, or what `--onto` names.
    pub(super) fn target(
        &self,
        graph: &RevisionGraph,
        landed_heads: &[Node],
    ) -> Result<Option<RevisionId>, Refusal> {
        if let Some(onto) = &self.onto {
            return Ok(Some(onto.clone()));
        }
        match landed_heads {
            [one] => Ok(Some(graph.revision(*one).id.clone())),
            _ => Ok(None),
        }
    }

    pub(super) fn merge_landed(
        &mut self,
        graph: &RevisionGraph,
        landed_heads: &[Node],
    ) -> Result<RevisionId, Refusal> {
        let heads = || graph.ids(landed_heads.iter().copied());
        let labels: HashSet<_> = landed_heads.iter().map(|&n| graph.inherited_labels(n)).collect();
        if labels.len() > 1 {
            return Err(Refusal::JoinsLineages { heads: heads() });
        }
        if self.request.strategy == Strategy::Linear {
            return Err(Refusal::LandedDiverged { heads: heads() });
        }
        self.add_merge(graph, landed_heads)
    }

    /// Own revisions by topology, ties by commit order, then file name.
    pub(super) fn ordered(
        &self,
        graph: &RevisionGraph,
        own: &[Node],
    ) -> Result<Vec<Node>, Refusal> {
        let mut nodes = own.to_vec();
        nodes.sort_by(|&a, &b| self.items[a].rank.cmp(&self.items[b].rank));
        walk::topological(graph.len(), &nodes, |n| graph.below(n))
            .map_err(|stuck| Refusal::Cycle { revisions: graph.ids(stuck) })
    }

    /// Links `order` into one chain on `target`; own merge revisions that have
    /// become plain links go, where nobody can have seen them.
    pub(super) fn chain(
        &mut self,
        graph: &RevisionGraph,
        order: Vec<Node>,
        target: Option<RevisionId>,
    ) -> Result<(), Refusal> {
        let mut below = target;
        for &node in &order {
            let was_merge = self.items[node].revision.down_revisions.len() > 1;
            if was_merge && self.is_disposable(graph, node, &order) {
                self.items[node].deleted = true;
                continue;
            }
            let downs: Vec<RevisionId> = below.clone().into_iter().collect();
            self.repoint(node, downs)?;
            below = Some(self.items[node].revision.id.clone());
            self.order.push(self.items[node].revision.id.clone());
        }
        Ok(())
    }

    pub(super) fn is_disposable(&self, graph: &RevisionGraph, node: Node, order: &[Node]) -> bool {
        let Some(original) = self.items[node].node else { return false };
        let script = self.request.history.script(original);
        let depended_on = graph.above(node).len() > graph.up(node).len();
        let is_only_below_own = graph.up(node).iter().all(|up| order.contains(up));
        script.header.is_empty_revision
            && !script.is_broken
            && !self.request.standings[original].is_pushed
            && self.items[node].revision.branch_labels.is_empty()
            && !depended_on
            && is_only_below_own
    }
}
