//! One diverged lineage after the other, until none is left.

use std::collections::HashSet;

use super::item::{Item, Source, down_revisions_must_exist, must_be_sound, unique_items};
use super::lineage::Treated;
use super::rebase_plan::RebasePlan;
use super::refusal::{Refusal, broken};
use super::request::{RebaseRequest, Standing};
use super::verify::verify;
use crate::plan::Strategy;
use crate::plan::merge::{MergedHead, merge_script};
use crate::revision::{
    BranchLabel, Divergence, GraphProblem, Node, Revision, RevisionGraph, RevisionId, divergences,
    resolve,
};

/// Plans the rebase, and checks the plan on the resulting graph.
pub fn plan_rebase(request: &RebaseRequest<'_>) -> Result<RebasePlan, Refusal> {
    let mut planner = Planner::new(request)?;
    planner.resolve_all()?;
    planner.prune_merges()?;
    planner.renumber()?;
    let plan = planner.into_plan()?;
    if plan.is_empty() {
        must_be_acyclic(request)?;
    } else {
        verify(request, &plan)?;
    }
    Ok(plan)
}

/// Revisions on a cycle have no head, so nothing seems to have diverged; to say
/// that there is nothing to do would be wrong.
fn must_be_acyclic(request: &RebaseRequest<'_>) -> Result<(), Refusal> {
    let graph = &request.history.graph;
    let cycle = request.history.graph_problems.iter().find_map(|problem| match problem {
        GraphProblem::Cycle { nodes, .. } => Some(graph.ids(nodes.iter().copied())),
        _ => None,
    });
    cycle.map_or(Ok(()), |revisions| Err(Refusal::Cycle { revisions }))
}

pub(super) struct Planner<'a> {
    pub request: &'a RebaseRequest<'a>,
    pub items: Vec<Item>,
    pub onto: Option<RevisionId>,
    /// Whether no diverged lineage holds what `--onto` names: then all go there.
    pub onto_is_elsewhere: bool,
    pub treated: Vec<Treated>,
}

impl<'a> Planner<'a> {
    fn new(request: &'a RebaseRequest<'a>) -> Result<Self, Refusal> {
        let items = unique_items(request)?;
        let mut planner =
            Self { request, items, onto: None, onto_is_elsewhere: false, treated: Vec::new() };
        let graph = planner.graph();
        let found = planner.divergences(&graph);
        if let Some(reference) = &request.onto {
            let node = resolve(&graph, reference)?;
            planner.onto = Some(graph.revision(node).id.clone());
            planner.onto_is_elsewhere = !found.iter().any(|d| planner.members(&graph, d)[node]);
            if !request.knows_landed || request.moved.is_some() {
                let moved = request.moved.as_ref().map(|m| resolve(&graph, m)).transpose()?;
                planner.declare_landed(&graph, node, moved)?;
            }
        } else if !request.knows_landed && !planner.only_merges() && !found.is_empty() {
            return Err(Refusal::NothingLanded);
        }
        Ok(planner)
    }

    fn only_merges(&self) -> bool {
        self.request.merge_only || self.request.strategy == Strategy::Merge
    }

    /// With `--onto` the command line says what stays: everything but the moved
    /// revision and what follows it, or everything below the target.
    fn declare_landed(
        &mut self,
        graph: &RevisionGraph,
        onto: Node,
        moved: Option<Node>,
    ) -> Result<(), Refusal> {
        let Some(moved) = moved else {
            for (item, stays) in self.items.iter_mut().zip(graph.ancestors([onto])) {
                item.own = !stays;
            }
            return Ok(());
        };
        let below_target = graph.ancestors_with_dependencies([onto]);
        let above = graph.descendants([moved]);
        if (0..graph.len()).any(|n| above[n] && below_target[n]) {
            let (moved, onto) = (self.items[moved].id.clone(), self.items[onto].id.clone());
            return Err(Refusal::OntoDescendant { moved, onto });
        }
        for (item, above) in self.items.iter_mut().zip(above) {
            item.own = above;
        }
        Ok(())
    }

    /// The graph of what is not deleted. Node numbers are item numbers, since
    /// deleted items stay in place without edges.
    pub fn graph(&self) -> RevisionGraph {
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
                    // A label of its own keeps it from being diverged from anything.
                    revision.branch_labels = vec![BranchLabel::new(format!("\0{}", revision.id))];
                }
                revision.down_revisions.retain(|id| !deleted.contains(id));
                revision
            })
            .collect();
        RevisionGraph::build(revisions).0
    }

    /// The items, by number, for which `holds`.
    pub fn nodes_where(&self, holds: impl Fn(Node) -> bool) -> Vec<Node> {
        (0..self.items.len()).filter(|&node| holds(node)).collect()
    }

    fn divergences(&self, graph: &RevisionGraph) -> Vec<Divergence> {
        divergences(graph, |node| self.items[node].location, self.request.policy)
            .into_iter()
            .filter_map(|mut divergence| {
                divergence.heads.retain(|&head| !self.items[head].deleted);
                (divergence.heads.len() > 1).then_some(divergence)
            })
            .collect()
    }

    /// Resolves one lineage after the other. Each step lowers the number of
    /// diverged heads, which bounds the loop.
    fn resolve_all(&mut self) -> Result<(), Refusal> {
        if let (Some(_), Some(onto)) = (&self.request.moved, self.onto.clone()) {
            return self.move_explicitly(&onto);
        }
        if self.only_merges() {
            // A merge revision names what it joins by the ids they will have.
            self.renumber_twins()?;
        }
        for _ in 0..=self.items.len() {
            let graph = self.graph();
            let found = self.divergences(&graph);
            let Some(divergence) = found.iter().find(|d| self.is_concerned(&graph, d)) else {
                return Ok(());
            };
            self.lineage_must_be_whole(&graph, divergence)?;
            // A file that cannot be read could be any revision, a head too.
            if let Some(problem) = self.request.history.problems.iter().find(|p| p.is_grave()) {
                return Err(broken(problem));
            }
            if self.only_merges() {
                self.add_merge(&divergence.heads)?;
            } else {
                self.must_be_new(&graph, divergence)?;
                self.rebase_lineage(&graph, divergence)?;
            }
        }
        let graph = self.graph();
        let onto = self.onto.as_ref().and_then(|onto| graph.node(onto.as_str()));
        match (onto, self.divergences(&graph).first()) {
            (Some(onto), Some(left)) => Err(self.onto_diverged(onto, left)),
            _ => Err(Refusal::Unsound { reason: "the heads would still be diverged".to_owned() }),
        }
    }

    /// Where only `--onto` tells what stays, it tells nothing of other lineages.
    fn is_concerned(&self, graph: &RevisionGraph, divergence: &Divergence) -> bool {
        self.request.knows_landed
            || self.onto_is_elsewhere
            || self
                .onto
                .as_ref()
                .and_then(|onto| graph.node(onto.as_str()))
                .is_none_or(|onto| self.members(graph, divergence)[onto])
    }

    /// Own revisions may be diverged where `--onto` has put them, too.
    fn must_be_new(&self, graph: &RevisionGraph, divergence: &Divergence) -> Result<(), Refusal> {
        let is_member = self.members(graph, divergence);
        let onto = self.onto.as_ref().and_then(|onto| graph.node(onto.as_str()));
        match onto {
            Some(onto) if is_member[onto] && self.treated.iter().any(|t| t.is_onto) => {
                Err(self.onto_diverged(onto, divergence))
            }
            _ => Ok(()),
        }
    }

    /// A head that stands on a missing revision may well sit on top of the
    /// other head, landed or not: nobody can say yet where anything belongs.
    fn lineage_must_be_whole(
        &self,
        graph: &RevisionGraph,
        divergence: &Divergence,
    ) -> Result<(), Refusal> {
        let lineage = graph.ancestors(divergence.heads.iter().copied());
        let nodes = self.items.iter().zip(lineage).filter(|(_, is_in)| *is_in);
        nodes
            .filter_map(|(item, _)| item.node())
            .try_for_each(|node| down_revisions_must_exist(self.request.history, node))
    }

    fn move_explicitly(&mut self, onto: &RevisionId) -> Result<(), Refusal> {
        let graph = self.graph();
        let own = self.nodes_where(|n| self.items[n].own);
        let first: Vec<Node> = own
            .iter()
            .copied()
            .filter(|&n| !graph.down(n).iter().any(|&below| self.items[below].own))
            .collect();
        for node in first {
            self.repoint(node, vec![onto.clone()])?;
        }
        let order = graph.ids(self.ordered(&graph, &own)?);
        self.treated.push(Treated { target: Some(onto.clone()), order, is_onto: true });
        Ok(())
    }

    /// Gives a revision other down revisions, if it may have them.
    pub fn repoint(&mut self, node: Node, downs: Vec<RevisionId>) -> Result<(), Refusal> {
        if self.items[node].revision.down_revisions == downs {
            return Ok(());
        }
        self.must_be_editable(node)?;
        self.items[node].revision.down_revisions = downs;
        Ok(())
    }

    pub fn must_be_editable(&self, node: Node) -> Result<(), Refusal> {
        let Some(original) = self.items[node].node() else { return Ok(()) };
        let id = self.request.history.id(original).clone();
        let explicit = self.request.moved.is_some();
        if !self.items[node].own && !explicit {
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
    pub fn add_merge(&mut self, heads: &[Node]) -> Result<RevisionId, Refusal> {
        let RebaseRequest { history, conventions, .. } = *self.request;
        let merged = heads.iter().map(|&head| self.merged_head(head)).collect();
        let script = merge_script(merged, self.request.message.as_deref(), conventions);
        if let Some(there) = history.node_at(&script.path)
            && history.script(there).file.bytes.as_slice() != script.text.as_bytes()
        {
            return Err(Refusal::FileExists { path: script.path });
        }
        let revision = Revision {
            id: script.revision.id.clone(),
            down_revisions: heads.iter().map(|&n| self.items[n].revision.id.clone()).collect(),
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
            location: script.location,
            source: Source::New(Box::new(script)),
            revision,
            own: true,
            rank: (0, String::new()),
            deleted: false,
            id: id.clone(),
        });
        Ok(id)
    }

    fn merged_head(&self, head: Node) -> MergedHead {
        let item = &self.items[head];
        match &item.source {
            Source::Script(node) => {
                MergedHead::of_script(self.request.history, *node, item.id.clone())
            }
            Source::New(script) => MergedHead::of_new(script),
        }
    }
}
