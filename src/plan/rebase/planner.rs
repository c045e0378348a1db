//! One diverged lineage after the other, until none is left.

use std::collections::HashSet;

use super::item::{Item, must_be_sound, unique_items};
use super::rebase_plan::RebasePlan;
use super::refusal::{Refusal, broken};
use super::request::{RebaseRequest, Standing};
use super::verify::verify;
use crate::plan::Strategy;
use crate::plan::merge::merge_script;
use crate::revision::{
    Divergence, Node, Revision, RevisionGraph, RevisionId, divergences, resolve,
};

/// Plans the rebase, and checks the plan on the resulting graph.
pub fn plan_rebase(request: &RebaseRequest<'_>) -> Result<RebasePlan, Refusal> {
    let mut planner = Planner::new(request)?;
    planner.resolve_all()?;
    planner.renumber()?;
    let plan = planner.into_plan()?;
    if !plan.is_empty() {
        verify(request, &plan)?;
    }
    Ok(plan)
}

pub(super) struct Planner<'a> {
    pub request: &'a RebaseRequest<'a>,
    pub items: Vec<Item>,
    pub onto: Option<RevisionId>,
    /// Own revisions of treated lineages, by key, in their new order.
    pub order: Vec<RevisionId>,
    /// The landed head each treated lineage was put on.
    pub targets: Vec<Option<RevisionId>>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(request: &'a RebaseRequest<'a>) -> Result<Self, Refusal> {
        let mut planner = Self {
            request,
            items: unique_items(request)?,
            onto: None,
            order: Vec::new(),
            targets: Vec::new(),
        };
        let graph = planner.graph();
        if let Some(reference) = &request.onto {
            let node = resolve(&graph, reference)?;
            planner.onto = Some(graph.revision(node).id.clone());
            if !request.knows_landed || request.moved.is_some() {
                let moved = request.moved.as_ref().map(|m| resolve(&graph, m)).transpose()?;
                planner.declare_landed(&graph, node, moved)?;
            }
        } else if !request.knows_landed && !request.merge_only {
            let has_diverged = !planner.divergences(&graph).is_empty();
            if has_diverged && request.strategy != Strategy::Merge {
                return Err(Refusal::NothingLanded);
            }
        }
        Ok(planner)
    }

    /// With `--onto` the command line says what stays: everything but the moved
    /// revision and what follows it, or everything below the target.
    pub(super) fn declare_landed(
        &mut self,
        graph: &RevisionGraph,
        onto: Node,
        moved: Option<Node>,
    ) -> Result<(), Refusal> {
        let below_target = graph.ancestors([onto]);
        if let Some(moved) = moved {
            if below_target[moved] {
                return Err(Refusal::OntoDescendant {
                    moved: graph.revision(moved).id.clone(),
                    onto: graph.revision(onto).id.clone(),
                });
            }
            let above = graph.descendants([moved]);
            for (item, above) in self.items.iter_mut().zip(above) {
                item.own = above;
            }
        } else {
            for (item, stays) in self.items.iter_mut().zip(below_target) {
                item.own = !stays;
            }
        }
        Ok(())
    }

    /// The graph of what is not deleted. Node numbers are item numbers, since
    /// deleted items stay in place without edges.
    pub(super) fn graph(&self) -> RevisionGraph {
        let deleted: HashSet<&RevisionId> =
            self.items.iter().filter(|i| i.deleted).map(|i| &i.revision.id).collect();
        let revisions = self
            .items
            .iter()
            .map(|item| {
                let mut revision = item.revision.clone();
                if item.deleted {
                    revision.down_revisions.clear();
                    revision.depends_on.clear();
                    revision.branch_labels.clear();
                }
                revision.down_revisions.retain(|id| !deleted.contains(id));
                revision
            })
            .collect();
        RevisionGraph::build(revisions).0
    }

    pub(super) fn divergences(&self, graph: &RevisionGraph) -> Vec<Divergence> {
        let location = |node: Node| match self.items[node].node {
            Some(node) => self.request.history.script(node).file.location,
            None => 0,
        };
        divergences(graph, location, self.request.policy)
            .into_iter()
            .filter_map(|mut divergence| {
                divergence.heads.retain(|&head| !self.items[head].deleted);
                (divergence.heads.len() > 1).then_some(divergence)
            })
            .collect()
    }

    /// Resolves one lineage after the other. Each step lowers the number of
    /// diverged heads, which bounds the loop.
    pub(super) fn resolve_all(&mut self) -> Result<(), Refusal> {
        if let (Some(_), Some(onto)) = (&self.request.moved, self.onto.clone()) {
            return self.move_explicitly(&onto);
        }
        for _ in 0..=self.items.len() {
            let graph = self.graph();
            let found = self.divergences(&graph);
            let Some(divergence) = found.first() else { return Ok(()) };
            // A file that cannot be read could be any revision, a head too.
            if let Some(problem) = self.request.history.problems.iter().find(|p| p.is_grave()) {
                return Err(broken(problem));
            }
            let merges = self.request.merge_only || self.request.strategy == Strategy::Merge;
            if merges {
                let heads = divergence.heads.clone();
                self.add_merge(&graph, &heads)?;
            } else {
                self.rebase_lineage(&graph, divergence)?;
            }
        }
        Err(Refusal::Unsound { reason: "the heads would still be diverged".to_owned() })
    }

    pub(super) fn move_explicitly(&mut self, onto: &RevisionId) -> Result<(), Refusal> {
        let graph = self.graph();
        let own: Vec<Node> = (0..self.items.len()).filter(|&n| self.items[n].own).collect();
        let first: Vec<Node> = own
            .iter()
            .copied()
            .filter(|&n| !graph.down(n).iter().any(|&below| self.items[below].own))
            .collect();
        for node in first {
            self.repoint(node, vec![onto.clone()])?;
        }
        let order = self.ordered(&graph, &own)?;
        self.order.extend(order.iter().map(|&n| self.items[n].revision.id.clone()));
        self.targets.push(Some(onto.clone()));
        Ok(())
    }

    pub(super) fn repoint(&mut self, node: Node, downs: Vec<RevisionId>) -> Result<(), Refusal> {
        if self.items[node].revision.down_revisions == downs {
            return Ok(());
        }
        self.must_be_editable(node)?;
        self.items[node].revision.down_revisions = downs;
        Ok(())
    }

    pub(super) fn must_be_editable(&self, node: Node) -> Result<(), Refusal> {
        let Some(original) = self.items[node].node else { return Ok(()) };
        let id = self.request.history.id(original).clone();
        let explicit = self.request.moved.is_some();
        if !self.items[node].own {
            return Err(Refusal::Landed { revisions: vec![id] });
        }
        let is_shared = self.request.standings[original].standing == Standing::Shared;
        if is_shared && !self.request.include_shared && !explicit {
            let branches = "say --include-shared to move them all the same".to_owned();
            return Err(Refusal::Shared { revisions: vec![id], branches });
        }
        must_be_sound(self.request.history, original)
    }

    /// Adds the merge revision over `heads` and returns its key.
    pub(super) fn add_merge(
        &mut self,
        graph: &RevisionGraph,
        heads: &[Node],
    ) -> Result<RevisionId, Refusal> {
        let originals: Vec<Node> = heads.iter().filter_map(|&n| self.items[n].node).collect();
        if originals.len() != heads.len() {
            let reason = "a merge revision of a merge revision that is not written yet".to_owned();
            return Err(Refusal::Unsound { reason });
        }
        let _ = graph;
        let message = self.request.message.as_deref();
        let script =
            merge_script(self.request.history, &originals, message, self.request.conventions);
        if let Some(there) = self.request.history.node_at(&script.path)
            && self.request.history.script(there).file.bytes.as_slice() != script.text.as_bytes()
        {
            return Err(Refusal::FileExists { path: script.path });
        }
        let revision = Revision {
            id: script.revision.id.clone(),
            down_revisions: script.revision.down_revisions.clone(),
            depends_on: Vec::new(),
            branch_labels: Vec::new(),
            message: script.revision.message.clone(),
        };
        if self.items.iter().any(|item| item.revision.id == revision.id) {
            let reason = format!("the merge revision `{}` is in the tree already", revision.id);
            return Err(Refusal::Unsound { reason });
        }
        let id = revision.id.clone();
        self.items.push(Item {
            node: None,
            revision,
            own: true,
            rank: (0, String::new()),
            deleted: false,
            written: Some(script),
            id: id.clone(),
        });
        Ok(id)
    }
}
