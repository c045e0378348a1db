//! Putting own revisions on top of the landed ones.
//!
//! The planner works on items (scripts, and merge revisions still to be
//! written) under keys that are unique even where two files claim one id; it
//! resolves one diverged lineage after the other until none is left, then
//! turns the difference into edits, and checks the result as if it had been
//! read from disk.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::merge::{NewScript, ScriptConventions, merge_script};
use super::sequence::{Numbered, is_sequence, number_of, renamed_file};
use super::{Change, Image, Strategy};
use crate::revision::{
    Divergence, GraphProblem, HeadPolicy, Node, ResolveError, Revision, RevisionGraph, RevisionId,
    RevisionRef, divergences, resolve, walk,
};
use crate::script::{
    Edit, EditError, History, Parsed, Script, ScriptFile, ScriptProblem, apply_edits, parse_script,
    set_depends_on, set_down_revisions, set_revision,
};
use crate::tree::RepoPath;

/// Where a script stands towards the others' history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In upstream or another landed ref: never rewritten.
    Landed,
    /// Own, and on nobody else's branch.
    Own,
    /// Own, but also on another remote-tracking branch.
    Shared,
}

/// What git knows of one script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptStanding {
    pub standing: Standing,
    /// Position of the commit that added it; `None` when it is not committed yet.
    pub added: Option<usize>,
    /// Whether any remote-tracking ref has it, this branch's own included.
    pub is_pushed: bool,
}

/// What a rebase is planned from.
#[derive(Clone, Debug)]
pub struct RebaseRequest<'a> {
    pub history: &'a History,
    /// By node of `history`.
    pub standings: &'a [ScriptStanding],
    /// Whether anything tells landed from own; without it `onto` must.
    pub knows_landed: bool,
    pub policy: HeadPolicy,
    pub strategy: Strategy,
    pub conventions: &'a ScriptConventions,
    /// `Some(true)`: renumber; `None`: where the landed ids are a sequence.
    pub sequential: Option<bool>,
    pub onto: Option<RevisionRef>,
    /// The revision that is to be moved with all that follows it, landed or not.
    pub moved: Option<RevisionRef>,
    pub include_shared: bool,
    /// Write a merge revision instead of re-pointing, whatever the strategy.
    pub merge_only: bool,
    /// The message of merge revisions; Alembic-like by default.
    pub message: Option<String>,
}

/// One re-pointed revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Under its new id, if it was renumbered.
    pub revision: RevisionId,
    pub from: Vec<RevisionId>,
    pub to: Vec<RevisionId>,
    /// The file's path after the change.
    pub path: RepoPath,
}

/// One renumbered revision or renamed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renumbered {
    pub from: (RevisionId, RepoPath),
    pub to: (RevisionId, RepoPath),
}

/// What a rebase (or merge) will do to one component. Empty when there is nothing to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RebasePlan {
    pub moved: Vec<Move>,
    pub renumbered: Vec<Renumbered>,
    pub created: Vec<NewScript>,
    /// Own merge revisions that have become plain links.
    pub deleted: Vec<(RevisionId, RepoPath)>,
    /// The edits of all files; modes are those of the files on disk, filled in by who reads them.
    pub changes: Vec<Change>,
    /// Heads of the resulting graph.
    pub heads: Vec<RevisionId>,
    /// Every own revision of the lineages that were touched, in their new order.
    pub order: Vec<RevisionId>,
}

impl RebasePlan {
    /// Whether nothing has to change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// `1 revision rebased, 1 merge revision written`.
pub fn summarize(plans: &[&RebasePlan]) -> String {
    let count = |f: fn(&RebasePlan) -> usize| plans.iter().map(|p| f(p)).sum::<usize>();
    let mut parts = Vec::new();
    let mut add = |n: usize, one: &str, many: &str, verb: &str| {
        if n > 0 {
            parts.push(format!("{n} {} {verb}", if n == 1 { one } else { many }));
        }
    };
    add(count(|p| p.created.len()), "merge revision", "merge revisions", "written");
    add(count(|p| p.moved.len()), "revision", "revisions", "rebased");
    add(count(|p| p.renumbered.len()), "file", "files", "renumbered");
    add(count(|p| p.deleted.len()), "merge revision", "merge revisions", "deleted");
    parts.join(", ")
}

/// Why no plan can be made; nothing is touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("nothing tells landed revisions from own ones: there is no upstream and no merge")]
    NothingLanded,
    #[error("`{path}`:{line} has to be mended first: {reason}")]
    Broken { path: RepoPath, line: u32, reason: String },
    #[error("revision `{id}` is claimed by {}", list(paths))]
    DuplicateId { id: RevisionId, paths: Vec<RepoPath> },
    #[error("revisions {} lie on a cycle", list(revisions))]
    Cycle { revisions: Vec<RevisionId> },
    #[error(
        "upstream itself has diverged heads ({}), and the strategy `linear` writes no merge revision",
        list(heads)
    )]
    LandedDiverged { heads: Vec<RevisionId> },
    #[error(
        "own revisions join lineages that are separate upstream ({}): put one of them elsewhere with --onto",
        list(heads)
    )]
    JoinsLineages { heads: Vec<RevisionId> },
    #[error(
        "{} would have to be rewritten, but other branches have them too ({})",
        list(revisions),
        branches
    )]
    Shared { revisions: Vec<RevisionId>, branches: String },
    #[error("{} would have to be rewritten, but they have landed", list(revisions))]
    Landed { revisions: Vec<RevisionId> },
    #[error("`{path}` exists already and is not what would be written")]
    FileExists { path: RepoPath },
    #[error("cannot edit `{path}`: {source}")]
    Edit { path: RepoPath, source: EditError },
    #[error(transparent)]
    Reference(#[from] ResolveError),
    #[error("revision `{onto}` lies above `{moved}`, so `{moved}` cannot be put on it")]
    OntoDescendant { moved: RevisionId, onto: RevisionId },
    #[error("the result would not be sound: {reason}")]
    Unsound { reason: String },
}

/// `a`, `b`: names in a sentence.
pub fn list(items: &[impl ToString]) -> String {
    items.iter().map(|item| format!("`{}`", item.to_string())).collect::<Vec<_>>().join(", ")
}

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

/// One script, or one merge revision still to be written.
#[derive(Clone, Debug)]
struct Item {
    /// The node in the request's history; `None` for a new script.
    node: Option<Node>,
    /// As it is to become, under keys.
    revision: Revision,
    own: bool,
    /// Topological ties: commit order, then file name.
    rank: (usize, String),
    deleted: bool,
    written: Option<NewScript>,
    /// The id it gets in the end.
    id: RevisionId,
}

struct Planner<'a> {
    request: &'a RebaseRequest<'a>,
    items: Vec<Item>,
    onto: Option<RevisionId>,
    /// Own revisions of treated lineages, by key, in their new order.
    order: Vec<RevisionId>,
    /// The landed head each treated lineage was put on.
    targets: Vec<Option<RevisionId>>,
}

impl<'a> Planner<'a> {
    fn new(request: &'a RebaseRequest<'a>) -> Result<Self, Refusal> {
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
    fn declare_landed(
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
    fn graph(&self) -> RevisionGraph {
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

    fn divergences(&self, graph: &RevisionGraph) -> Vec<Divergence> {
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
    fn resolve_all(&mut self) -> Result<(), Refusal> {
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

    fn move_explicitly(&mut self, onto: &RevisionId) -> Result<(), Refusal> {
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

    fn rebase_lineage(
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
    fn target(
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

    fn merge_landed(
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
    fn ordered(&self, graph: &RevisionGraph, own: &[Node]) -> Result<Vec<Node>, Refusal> {
        let mut nodes = own.to_vec();
        nodes.sort_by(|&a, &b| self.items[a].rank.cmp(&self.items[b].rank));
        walk::topological(graph.len(), &nodes, |n| graph.below(n))
            .map_err(|stuck| Refusal::Cycle { revisions: graph.ids(stuck) })
    }

    /// Links `order` into one chain on `target`; own merge revisions that have
    /// become plain links go, where nobody can have seen them.
    fn chain(
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

    fn is_disposable(&self, graph: &RevisionGraph, node: Node, order: &[Node]) -> bool {
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

    fn repoint(&mut self, node: Node, downs: Vec<RevisionId>) -> Result<(), Refusal> {
        if self.items[node].revision.down_revisions == downs {
            return Ok(());
        }
        self.must_be_editable(node)?;
        self.items[node].revision.down_revisions = downs;
        Ok(())
    }

    fn must_be_editable(&self, node: Node) -> Result<(), Refusal> {
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
    fn add_merge(&mut self, graph: &RevisionGraph, heads: &[Node]) -> Result<RevisionId, Refusal> {
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

    /// Gives own revisions of a sequential project the numbers after the landed head.
    fn renumber(&mut self) -> Result<(), Refusal> {
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

    /// The last stretch of landed ids below `target`, newest first.
    fn is_sequential_below(&self, target: &RevisionId) -> bool {
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

    fn into_plan(self) -> Result<RebasePlan, Refusal> {
        let final_id: HashMap<&RevisionId, &RevisionId> =
            self.items.iter().map(|item| (&item.revision.id, &item.id)).collect();
        let rename = |ids: &[RevisionId]| -> Vec<RevisionId> {
            ids.iter().map(|id| final_id.get(id).map_or(id, |to| *to).clone()).collect()
        };
        let mut plan = RebasePlan { order: rename(&self.order), ..RebasePlan::default() };
        for item in &self.items {
            match (item.node, &item.written) {
                (Some(node), _) if item.deleted => self.delete(node, &mut plan),
                (Some(node), _) if item.own => self.edit(item, node, &rename, &mut plan)?,
                (None, Some(script)) => create(script, &mut plan),
                _ => {}
            }
        }
        plan.changes = coalesced(plan.changes);
        let graph = self.graph();
        let heads = graph.heads().into_iter().filter(|&head| !self.items[head].deleted);
        plan.heads = heads.map(|head| self.items[head].id.clone()).collect();
        let position: HashMap<&RevisionId, usize> =
            plan.order.iter().enumerate().map(|(at, id)| (id, at)).collect();
        plan.moved.sort_by_key(|m| position.get(&m.revision).copied());
        Ok(plan)
    }

    fn delete(&self, node: Node, plan: &mut RebasePlan) {
        let file = &self.request.history.script(node).file;
        plan.deleted.push((self.request.history.id(node).clone(), file.path.clone()));
        plan.changes.push(Change {
            path: file.path.clone(),
            before: Some(image(&file.bytes)),
            after: None,
        });
    }

    fn edit(
        &self,
        item: &Item,
        node: Node,
        rename: &impl Fn(&[RevisionId]) -> Vec<RevisionId>,
        plan: &mut RebasePlan,
    ) -> Result<(), Refusal> {
        let script = self.request.history.script(node);
        let written = &self.request.history.graph.revision(node).down_revisions;
        let downs = rename(&item.revision.down_revisions);
        let references = self.renamed_dependencies(node, rename);
        let edits = edits_of(script, written, &downs, &item.id, references)
            .map_err(|source| Refusal::Edit { path: script.file.path.clone(), source })?;
        let old_id = self.request.history.id(node);
        let path = self.new_path(script, old_id, &item.id)?;
        if edits.is_empty() && path == script.file.path {
            return Ok(());
        }
        self.must_be_editable_again(item, node)?;
        let after = apply_edits(&script.file.bytes, edits);
        if &downs != written {
            plan.moved.push(Move {
                revision: item.id.clone(),
                from: written.clone(),
                to: downs,
                path: path.clone(),
            });
        }
        if &item.id != old_id || path != script.file.path {
            plan.renumbered.push(Renumbered {
                from: (old_id.clone(), script.file.path.clone()),
                to: (item.id.clone(), path.clone()),
            });
        }
        let before = Some(image(&script.file.bytes));
        if path == script.file.path {
            plan.changes.push(Change { path, before, after: Some(image(&after)) });
        } else {
            plan.changes.push(Change { path, before: None, after: Some(image(&after)) });
            let path = script.file.path.clone();
            plan.changes.push(Change { path, before, after: None });
        }
        Ok(())
    }

    /// A revision may change although it was not re-pointed: because one that
    /// it names was renumbered.
    fn must_be_editable_again(&self, item: &Item, node: Node) -> Result<(), Refusal> {
        let at = self.items.iter().position(|other| other.node == Some(node));
        debug_assert!(item.own, "landed scripts are never edited");
        at.map_or(Ok(()), |at| self.must_be_editable(at))
    }

    /// The dependencies of a script under the new ids; `None` when none changes.
    fn renamed_dependencies(
        &self,
        node: Node,
        rename: &impl Fn(&[RevisionId]) -> Vec<RevisionId>,
    ) -> Option<Vec<RevisionRef>> {
        let item = self.items.iter().find(|item| item.node == Some(node))?;
        let written = &self.request.history.graph.revision(node).depends_on;
        let renamed: Vec<RevisionRef> = item
            .revision
            .depends_on
            .iter()
            .map(|reference| match RevisionId::new(reference.as_str()) {
                Ok(id) => RevisionRef::new(rename(&[id])[0].as_str()),
                Err(_) => reference.clone(),
            })
            .collect();
        (&renamed != written).then_some(renamed)
    }

    fn new_path(
        &self,
        script: &Script,
        old: &RevisionId,
        new: &RevisionId,
    ) -> Result<RepoPath, Refusal> {
        let path = &script.file.path;
        if old == new {
            return Ok(path.clone());
        }
        let Some(name) = renamed_file(path.file_name(), old, new) else { return Ok(path.clone()) };
        let renamed = path.folder().entry(&name);
        if self.request.history.node_at(&renamed).is_some_and(|n| !self.will_leave(n)) {
            return Err(Refusal::FileExists { path: renamed });
        }
        Ok(renamed)
    }

    /// Whether the script at `node` gives its file name up in this plan.
    fn will_leave(&self, node: Node) -> bool {
        self.items.iter().any(|item| {
            item.node == Some(node) && (item.deleted || &item.id != self.request.history.id(node))
        })
    }
}

/// Gives each script a key of its own. Where an own and a landed file claim one
/// id, the own one gets another key, and own references follow it: they were
/// written when only the own file was there.
fn unique_items(request: &RebaseRequest<'_>) -> Result<Vec<Item>, Refusal> {
    let history = request.history;
    let own = |node: Node| request.standings[node].standing != Standing::Landed;
    let mut claimed: HashMap<&RevisionId, Vec<Node>> = HashMap::new();
    for node in 0..history.scripts.len() {
        claimed.entry(history.id(node)).or_default().push(node);
    }
    let mut keys: HashMap<RevisionId, RevisionId> = HashMap::new();
    for (id, nodes) in &claimed {
        let own_nodes = nodes.iter().filter(|&&n| own(n)).count();
        if nodes.len() - own_nodes > 1 || own_nodes > 1 {
            return Err(Refusal::DuplicateId {
                id: (*id).clone(),
                paths: nodes.iter().map(|&n| history.script(n).file.path.clone()).collect(),
            });
        }
        if nodes.len() == 2 {
            let key = RevisionId::new(format!("{id}\u{0}own"))
                .expect("a legal id stays legal with a NUL in it");
            keys.insert((*id).clone(), key);
        }
    }
    let items = (0..history.scripts.len()).map(|node| {
        let script = history.script(node);
        let is_own = own(node);
        let mut revision = history.graph.revision(node).clone();
        let id = revision.id.clone();
        if is_own {
            if let Some(key) = keys.get(&revision.id) {
                revision.id = key.clone();
            }
            for down in &mut revision.down_revisions {
                if let Some(key) = keys.get(down).filter(|key| **key != revision.id) {
                    *down = key.clone();
                }
            }
            for reference in &mut revision.depends_on {
                if let Some(key) = keys.get(reference.as_str()) {
                    *reference = RevisionRef::new(key.as_str());
                }
            }
        }
        let added = request.standings[node].added.unwrap_or(usize::MAX);
        Item {
            node: Some(node),
            revision,
            own: is_own,
            rank: (added, script.file.path.file_name().to_owned()),
            deleted: false,
            written: None,
            id,
        }
    });
    Ok(items.collect())
}

/// A script that cannot be read in full cannot be edited, and a down revision
/// that is not in the tree must not be lost by re-pointing what names it.
fn must_be_sound(history: &History, node: Node) -> Result<(), Refusal> {
    let path = &history.script(node).file.path;
    if let Some(problem) = history.problems.iter().find(|p| &p.path == path && p.is_grave()) {
        return Err(broken(problem));
    }
    let missing = history.graph_problems.iter().find_map(|problem| match problem {
        GraphProblem::MissingDownRevision { node: at, missing } if *at == node => Some(missing),
        _ => None,
    });
    match missing {
        Some(missing) => Err(Refusal::Broken {
            path: path.clone(),
            line: history.script(node).header.down_revision.as_ref().map_or(1, |f| f.line),
            reason: format!("its down revision `{missing}` is not in the tree"),
        }),
        None => Ok(()),
    }
}

fn broken(problem: &ScriptProblem) -> Refusal {
    Refusal::Broken {
        path: problem.path.clone(),
        line: problem.line,
        reason: problem.kind.to_string(),
    }
}

fn edits_of(
    script: &Script,
    written: &[RevisionId],
    downs: &[RevisionId],
    id: &RevisionId,
    dependencies: Option<Vec<RevisionRef>>,
) -> Result<Vec<Edit>, EditError> {
    let (bytes, header) = (script.file.bytes.as_slice(), &script.header);
    let mut edits = Vec::new();
    if downs != written {
        edits.extend(set_down_revisions(bytes, header, downs)?);
    }
    if let Some(dependencies) = dependencies {
        edits.extend(set_depends_on(bytes, header, &dependencies)?);
    }
    let old = header.revision.as_ref().map(|field| &field.value);
    let is_same = match old {
        Some(crate::script::FieldValue::Text(text)) => text == id.as_str(),
        // A legacy script has its id in the file name only.
        _ => true,
    };
    if !is_same {
        edits.extend(set_revision(bytes, header, id)?);
    }
    Ok(edits)
}

fn create(script: &NewScript, plan: &mut RebasePlan) {
    plan.changes.push(Change {
        path: script.path.clone(),
        before: None,
        after: Some(image(script.text.as_bytes())),
    });
    plan.created.push(script.clone());
}

/// One change per path: a file may leave a name that another one takes.
fn coalesced(changes: Vec<Change>) -> Vec<Change> {
    let mut merged: Vec<Change> = Vec::with_capacity(changes.len());
    for change in changes {
        match merged.iter_mut().find(|earlier| earlier.path == change.path) {
            Some(earlier) => {
                earlier.before = earlier.before.take().or(change.before);
                earlier.after = earlier.after.take().or(change.after);
            }
            None => merged.push(change),
        }
    }
    merged
}

/// The mode of a new file; an existing one's is filled in by who reads it.
fn image(bytes: &[u8]) -> Image {
    Image { bytes: bytes.to_vec(), mode: 0o644 }
}

/// The history as it will be once `changes` are applied.
pub fn history_after(history: &History, changes: &[Change]) -> History {
    let mut changed: HashMap<&RepoPath, &Change> = changes.iter().map(|c| (&c.path, c)).collect();
    let reread = |path: &RepoPath, location: usize, bytes: &[u8]| {
        let file = ScriptFile { path: path.clone(), location, bytes: Arc::new(bytes.to_vec()) };
        let parsed = parse_script(bytes);
        (file, parsed)
    };
    let mut files = Vec::with_capacity(history.scripts.len() + 1);
    for script in &history.scripts {
        let ScriptFile { path, location, .. } = &script.file;
        match changed.remove(path) {
            // What is not touched need not be parsed again.
            None => {
                let parsed = Parsed { header: script.header.clone(), syntax: None };
                files.push((script.file.clone(), Ok(parsed)));
            }
            Some(Change { after: Some(after), .. }) => {
                files.push(reread(path, *location, &after.bytes));
            }
            Some(_) => {}
        }
    }
    for change in changes.iter().filter(|c| changed.contains_key(&c.path)) {
        if let Some(after) = &change.after {
            files.push(reread(&change.path, 0, &after.bytes));
        }
    }
    History::build(files, Vec::new())
}

/// Reads the planned files back and looks at the graph they make: the wanted
/// heads, no problem that was not there before, landed scripts untouched.
fn verify(request: &RebaseRequest<'_>, plan: &RebasePlan) -> Result<(), Refusal> {
    let after = history_after(request.history, &plan.changes);
    let unsound = |reason: String| Err(Refusal::Unsound { reason });
    let heads: BTreeSet<RevisionId> = after.graph.ids(after.graph.heads()).into_iter().collect();
    let wanted: BTreeSet<RevisionId> = plan.heads.iter().cloned().collect();
    if heads != wanted {
        let (heads, wanted): (Vec<_>, Vec<_>) =
            (heads.into_iter().collect(), wanted.into_iter().collect());
        return unsound(format!("the heads would be {}, not {}", list(&heads), list(&wanted)));
    }
    if after.graph_problems.len() > request.history.graph_problems.len() {
        return unsound("the graph would have problems that it does not have now".to_owned());
    }
    let touched: HashSet<&RepoPath> = plan.changes.iter().map(|c| &c.path).collect();
    let explicit = request.moved.is_some();
    let landed_touched = request.history.scripts.iter().enumerate().any(|(node, script)| {
        request.standings[node].standing == Standing::Landed && touched.contains(&script.file.path)
    });
    if landed_touched && request.knows_landed && !explicit {
        return unsound("a landed file would be changed".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::history_of;

    /// A history in notation, its own revisions, and how the request departs from the default.
    struct Case<'a> {
        history: &'a str,
        own: &'a [&'a str],
        adjust: fn(&mut RebaseRequest<'_>),
    }

    impl Case<'_> {
        fn plan(&self) -> Result<(History, RebasePlan), Refusal> {
            let history = history_of(self.history);
            let standings: Vec<ScriptStanding> = (0..history.scripts.len())
                .map(|node| {
                    let position = self.own.iter().position(|id| *id == history.id(node).as_str());
                    ScriptStanding {
                        standing: if position.is_some() { Standing::Own } else { Standing::Landed },
                        added: position,
                        is_pushed: false,
                    }
                })
                .collect();
            let conventions = ScriptConventions {
                version_locations: vec![RepoPath::new("versions").expect("inside")],
                ..ScriptConventions::default()
            };
            let mut request = RebaseRequest {
                history: &history,
                standings: &standings,
                knows_landed: true,
                policy: HeadPolicy::Auto,
                strategy: Strategy::Auto,
                conventions: &conventions,
                sequential: None,
                onto: None,
                moved: None,
                include_shared: false,
                merge_only: false,
                message: None,
            };
            (self.adjust)(&mut request);
            let plan = plan_rebase(&request)?;
            drop(request);
            Ok((history, plan))
        }
    }

    fn shown(plan: &RebasePlan) -> String {
        let join = |ids: &[RevisionId]| match ids {
            [] => "<base>".to_owned(),
            ids => ids.iter().map(RevisionId::as_str).collect::<Vec<_>>().join(", "),
        };
        let mut lines = Vec::new();
        for new in &plan.created {
            lines.push(format!(
                "write {} -> {}",
                join(&new.revision.down_revisions),
                new.revision.id
            ));
        }
        for m in &plan.moved {
            lines.push(format!("{} -> {} (was {})", join(&m.to), m.revision, join(&m.from)));
        }
        for r in &plan.renumbered {
            lines.push(format!("rename {} to {}", r.from.1, r.to.1));
        }
        for (id, _) in &plan.deleted {
            lines.push(format!("delete {id}"));
        }
        lines.push(format!("heads: {}", join(&plan.heads)));
        lines.join("\n")
    }

    #[track_caller]
    fn check(history: &str, own: &[&str], expected: &str) {
        check_with(history, own, |_| {}, expected);
    }

    #[track_caller]
    fn check_with(history: &str, own: &[&str], adjust: fn(&mut RebaseRequest<'_>), expected: &str) {
        let case = Case { history, own, adjust };
        let (_, plan) = case.plan().expect("a plan");
        assert_eq!(shown(&plan), expected);
    }

    #[track_caller]
    fn refused(history: &str, own: &[&str], adjust: fn(&mut RebaseRequest<'_>), expected: &str) {
        let case = Case { history, own, adjust };
        let refusal = case.plan().expect_err("a refusal");
        assert_eq!(refusal.to_string(), expected);
    }

    #[test]
    fn one_own_revision_goes_on_the_landed_head() {
        check("<base> -> a\na -> m\na -> f", &["f"], "m -> f (was a)\nheads: f");
    }

    #[test]
    fn nothing_is_done_where_nothing_has_diverged() {
        check("<base> -> a\na -> m\nm -> f", &["f"], "heads: f");
        check("<base> -> a\na -> e (x)\na -> c (y)", &["c"], "heads: e, c");
    }

    // a ── m ── n
    //  ╰── f ── g      only f moves, g follows on its own
    #[test]
    fn of_a_chain_only_the_first_is_re_pointed() {
        check(
            "<base> -> a\na -> m\nm -> n\na -> f\nf -> g",
            &["f", "g"],
            "n -> f (was a)\nheads: g",
        );
    }

    #[test]
    fn several_own_heads_become_one_chain_in_commit_order() {
        check(
            "<base> -> a\na -> m\na -> f\na -> g\na -> h",
            &["h", "f", "g"],
            "m -> h (was a)\nh -> f (was a)\nf -> g (was a)\nheads: g",
        );
    }

    #[test]
    fn a_dependency_among_own_revisions_keeps_its_order() {
        check(
            "<base> -> a\na -> m\na (g) -> f\na -> g",
            &["f", "g"],
            "m -> g (was a)\ng -> f (was a)\nheads: f",
        );
    }

    // a ── m1 ── m2
    //  ╰─ f ─╲
    //     m1 ── x (own merge)     x is a plain link then, and goes
    #[test]
    fn an_own_merge_that_has_become_a_link_is_deleted() {
        check(
            "<base> -> a\na -> m1\nm1 -> m2\na -> f\nm1, f -> x\nx -> g",
            &["f", "x", "g"],
            "m2 -> f (was a)\nf -> g (was x)\ndelete x\nheads: g",
        );
    }

    #[test]
    fn an_own_merge_with_a_body_or_a_reader_is_kept_as_a_link() {
        let history = "<base> -> a\na -> m1\nm1 -> m2\na -> f\nm1, f -> x";
        check_with(
            history,
            &["f", "x"],
            |request| {
                let mut pushed = request.standings.to_vec();
                pushed.iter_mut().for_each(|s| s.is_pushed = true);
                request.standings = Box::leak(pushed.into_boxed_slice());
            },
            "m2 -> f (was a)\nf -> x (was m1, f)\nheads: x",
        );
    }

    #[test]
    fn landed_heads_that_diverged_are_merged_and_own_ones_follow() {
        check(
            "<base> -> a\na -> m1\na -> m2\na -> f",
            &["f"],
            "write m1, m2 -> 1af4920a8620\n1af4920a8620 -> f (was a)\nheads: f",
        );
        refused(
            "<base> -> a\na -> m1\na -> m2\na -> f",
            &["f"],
            |request| request.strategy = Strategy::Linear,
            "upstream itself has diverged heads (`m1`, `m2`), and the strategy `linear` writes no merge revision",
        );
    }

    #[test]
    fn an_own_merge_over_exactly_the_landed_heads_is_the_one() {
        check(
            "<base> -> a\na -> m1\na -> m2\nm1, m2 -> x\nm1 -> f",
            &["x", "f"],
            "x -> f (was m1)\nheads: f",
        );
    }

    #[test]
    fn the_strategy_merge_re_points_nothing() {
        check_with(
            "<base> -> a\na -> m\na -> f",
            &["f"],
            |request| request.strategy = Strategy::Merge,
            "write f, m -> 1c5349cc5dec\nheads: 1c5349cc5dec",
        );
    }

    #[test]
    fn labels_stay_with_their_lineage() {
        check(
            "<base> -> a\na -> e (x)\na -> c (y)\ne -> m\ne -> f",
            &["f"],
            "m -> f (was e)\nheads: c, f",
        );
    }

    #[test]
    fn a_second_own_base_goes_on_the_landed_head_too() {
        check("<base> -> a\na -> m\n<base> -> f", &["f"], "m -> f (was <base>)\nheads: f");
    }

    #[test]
    fn sequential_ids_are_renumbered_with_their_files() {
        check(
            "<base> -> 0001\n0001 -> 0002_m\n0001 -> 0002_f\n0002_f -> 0003_g",
            &["0002_f", "0003_g"],
            "0002_m -> 0003_f (was 0001)\n0003_f -> 0004_g (was 0002_f)\n\
             rename versions/0002_f.py to versions/0003_f.py\n\
             rename versions/0003_g.py to versions/0004_g.py\nheads: 0004_g",
        );
    }

    #[test]
    fn without_upstream_onto_must_say() {
        let history = "<base> -> a\na -> m\na -> f\nf -> g";
        refused(
            history,
            &[],
            |request| request.knows_landed = false,
            "nothing tells landed revisions from own ones: there is no upstream and no merge",
        );
        check_with(
            history,
            &[],
            |request| {
                request.knows_landed = false;
                request.onto = Some(RevisionRef::new("m"));
            },
            "m -> f (was a)\nheads: g",
        );
    }

    #[test]
    fn a_landed_revision_moves_only_when_it_is_named() {
        check_with(
            "<base> -> a\na -> m\na -> f\nf -> g",
            &[],
            |request| {
                request.onto = Some(RevisionRef::new("m"));
                request.moved = Some(RevisionRef::new("f"));
            },
            "m -> f (was a)\nheads: g",
        );
    }

    #[test]
    fn shared_revisions_stay_unless_included() {
        let share = |request: &mut RebaseRequest<'_>| {
            let mut shared = request.standings.to_vec();
            shared[2].standing = Standing::Shared;
            request.standings = Box::leak(shared.into_boxed_slice());
        };
        refused(
            "<base> -> a\na -> m\na -> f",
            &["f"],
            share,
            "`f` would have to be rewritten, but other branches have them too (say --include-shared to move them all the same)",
        );
    }

    #[test]
    fn a_down_revision_that_is_missing_is_not_lost() {
        refused(
            "<base> -> a\na -> m\ngone -> f",
            &["f"],
            |_| {},
            "`versions/f.py`:9 has to be mended first: its down revision `gone` is not in the tree",
        );
    }

    #[test]
    fn only_values_and_docstring_lines_differ() {
        let case =
            Case { history: "<base> -> a\na -> m\na -> f, add f", own: &["f"], adjust: |_| {} };
        let (history, plan) = case.plan().expect("a plan");
        let [change] = plan.changes.as_slice() else { panic!("one change: {:?}", plan.changes) };
        let node = history.graph.node("f").expect("there");
        let before = String::from_utf8(history.script(node).file.bytes.to_vec()).expect("text");
        let after = String::from_utf8(change.after.clone().expect("kept").bytes).expect("text");
        assert_eq!(
            after,
            before
                .replace("Revises: a\n", "Revises: m\n")
                .replace("down_revision = \"a\"", "down_revision = \"m\"")
        );
    }
}
