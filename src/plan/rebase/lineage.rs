//! One diverged lineage: its own revisions become one chain on the landed head.
//!
//! A lineage is what the very labels of the diverged heads reach. An own
//! revision below that (one on the unlabelled trunk, say, that an own merge
//! joins with a labelled branch) stays where it is, and stays a down revision.

use std::collections::BTreeSet;

use super::planner::Planner;
use super::refusal::Refusal;
use crate::plan::Strategy;
use crate::revision::{BranchLabel, Divergence, HeadPolicy, Node, RevisionGraph, RevisionId, walk};

/// A lineage that was put in order, by keys.
#[derive(Clone, Debug)]
pub(super) struct Treated {
    /// What its own revisions were put on; `None` if nothing of it has landed.
    pub target: Option<RevisionId>,
    /// Its own revisions in their new order.
    pub order: Vec<RevisionId>,
    /// Whether `--onto` named the target.
    pub is_onto: bool,
}

/// What a chain starts from.
struct Target {
    key: Option<RevisionId>,
    /// The nodes that are the target, or that its merge revision joins.
    nodes: Vec<Node>,
    onto: Option<Onto>,
}

/// Where `--onto` points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Onto {
    /// Into the diverged lineage.
    Here,
    /// Into another one: own revisions leave theirs altogether.
    Elsewhere,
}

/// Where the landed part of a lineage ends.
enum LandedTips {
    Heads(Vec<Node>),
    /// No heads: every one of them has landed revisions of other labels above it.
    Ends(Vec<Node>),
}

impl Planner<'_> {
    /// Puts the own revisions of a diverged lineage on its landed head.
    pub fn rebase_lineage(
        &mut self,
        graph: &RevisionGraph,
        divergence: &Divergence,
    ) -> Result<(), Refusal> {
        let is_member = self.members(graph, divergence);
        let own = self.nodes_where(|n| is_member[n] && self.items[n].own);
        let mut order = self.ordered(graph, &own)?;
        let mut treated = Treated { target: None, order: Vec::new(), is_onto: false };
        let target = match self.onto_for(graph, &is_member) {
            Some(onto) => {
                let below = graph.ancestors_with_dependencies([onto]);
                order.retain(|&n| !below[n]);
                self.onto_target(graph, &is_member, divergence, onto)?
            }
            None => {
                self.nothing_landed_stands_on(graph, &own)?;
                let tips = self.landed_tips(graph, &is_member);
                self.landed_target(graph, tips, &mut order, &mut treated)?
            }
        };
        treated.target.clone_from(&target.key);
        treated.is_onto = target.onto.is_some();
        let chain = self.chain(graph, &is_member, order, &target)?;
        treated.order.extend(chain);
        self.treated.push(treated);
        Ok(())
    }

    /// Nobody could build on an own revision before it landed: the landed one
    /// above it was re-pointed here, and putting the own one on top makes a cycle.
    fn nothing_landed_stands_on(&self, graph: &RevisionGraph, own: &[Node]) -> Result<(), Refusal> {
        let is_landed = |up: &Node| !self.items[*up].own && !self.items[*up].deleted;
        let stands = |&node: &Node| {
            let landed = graph.up(node).iter().copied().find(is_landed)?;
            Some(Refusal::LandedOnOwn {
                landed: graph.revision(landed).id.clone(),
                own: graph.revision(node).id.clone(),
            })
        };
        own.iter().find_map(stands).map_or(Ok(()), Err)
    }

    /// Which revisions belong to the diverged lineage, landed and own.
    pub fn members(&self, graph: &RevisionGraph, divergence: &Divergence) -> Vec<bool> {
        let below = graph.ancestors(divergence.heads.iter().copied());
        let labels: Vec<&BranchLabel> = divergence.labels.iter().collect();
        let is_labelled_alike = |n: Node| {
            // Where any second head is one too many, labels tell nothing apart.
            self.request.policy == HeadPolicy::Single || graph.inherited_labels(n) == labels
        };
        (0..graph.len())
            .map(|n| below[n] && !self.items[n].deleted && is_labelled_alike(n))
            .collect()
    }

    /// The landed revisions that the lineage's own ones have to follow: its
    /// heads upstream, or else where it ends and labelled branches go on.
    fn landed_tips(&self, graph: &RevisionGraph, is_member: &[bool]) -> LandedTips {
        let is_landed = |n: Node| !self.items[n].own && !self.items[n].deleted;
        let is_tip = |n: Node, among: &dyn Fn(Node) -> bool| !graph.up(n).iter().any(|&u| among(u));
        let landed = self.nodes_where(|n| is_member[n] && is_landed(n));
        let heads: Vec<Node> = landed.iter().copied().filter(|&n| is_tip(n, &is_landed)).collect();
        if heads.is_empty() {
            let here = |n: Node| is_member[n] && is_landed(n);
            return LandedTips::Ends(landed.into_iter().filter(|&n| is_tip(n, &here)).collect());
        }
        if self.request.policy == HeadPolicy::Single {
            return LandedTips::Heads(heads);
        }
        // A landed head that another one depends on is no second head upstream,
        // so it must not be made one half of a merge.
        let is_explained =
            |n: Node| heads.iter().any(|&h| h != n && graph.ancestors_with_dependencies([h])[n]);
        LandedTips::Heads(heads.iter().copied().filter(|&n| !is_explained(n)).collect())
    }

    /// What `--onto` names, where it concerns this lineage.
    fn onto_for(&self, graph: &RevisionGraph, is_member: &[bool]) -> Option<Node> {
        let onto = graph.node(self.onto.as_ref()?.as_str())?;
        (is_member[onto] || self.onto_is_elsewhere).then_some(onto)
    }

    /// What `--onto` names, if own revisions can be above all landed heads there.
    fn onto_target(
        &self,
        graph: &RevisionGraph,
        is_member: &[bool],
        divergence: &Divergence,
        onto: Node,
    ) -> Result<Target, Refusal> {
        let below = graph.ancestors_with_dependencies([onto]);
        let place = if is_member[onto] { Onto::Here } else { Onto::Elsewhere };
        if place == Onto::Here
            && let LandedTips::Heads(heads) = self.landed_tips(graph, is_member)
            && !heads.iter().all(|&head| below[head])
        {
            return Err(self.onto_diverged(onto, divergence));
        }
        let key = Some(self.items[onto].revision.id.clone());
        Ok(Target { key, nodes: vec![onto], onto: Some(place) })
    }

    pub fn onto_diverged(&self, onto: Node, divergence: &Divergence) -> Refusal {
        Refusal::OntoDiverged {
            onto: self.items[onto].id.clone(),
            heads: divergence.heads.iter().map(|&n| self.items[n].id.clone()).collect(),
        }
    }

    /// The landed head; of several, the merge revision over them.
    fn landed_target(
        &mut self,
        graph: &RevisionGraph,
        tips: LandedTips,
        order: &mut Vec<Node>,
        treated: &mut Treated,
    ) -> Result<Target, Refusal> {
        let onto = None;
        let nodes = match tips {
            LandedTips::Heads(heads) if heads.len() > 1 => heads,
            LandedTips::Heads(tips) | LandedTips::Ends(tips) => {
                // Several ends are not to be joined: who stands on one stays there.
                let [one] = tips.as_slice() else {
                    return Ok(Target { key: None, nodes: Vec::new(), onto });
                };
                let key = Some(graph.revision(*one).id.clone());
                return Ok(Target { key, nodes: tips, onto });
            }
        };
        let merge = match own_merge_over(graph, &nodes, order) {
            Some(position) => graph.revision(order.remove(position)).id.clone(),
            None if self.request.strategy == Strategy::Linear => {
                return Err(Refusal::LandedDiverged { heads: graph.ids(nodes) });
            }
            None => self.add_merge(&nodes)?,
        };
        treated.order.push(merge.clone());
        Ok(Target { key: Some(merge), nodes, onto })
    }

    /// Own revisions by topology, ties by commit order, then file name. What
    /// lies between two of them may belong to another lineage.
    pub fn ordered(&self, graph: &RevisionGraph, own: &[Node]) -> Result<Vec<Node>, Refusal> {
        let mut nodes = own.to_vec();
        nodes.sort_by(|&a, &b| self.items[a].rank.cmp(&self.items[b].rank));
        let mut before = vec![Vec::new(); graph.len()];
        for &node in own {
            let below = graph.ancestors_with_dependencies(graph.below(node).iter().copied());
            before[node] = own.iter().copied().filter(|&other| below[other]).collect();
        }
        walk::topological(graph.len(), &nodes, |n| &before[n])
            .map_err(|stuck| Refusal::Cycle { revisions: graph.ids(stuck) })
    }

    /// Links `order` into one chain on `target` and returns what is left of
    /// it: own merge revisions that have become plain links go, where nobody
    /// can have seen them.
    fn chain(
        &mut self,
        graph: &RevisionGraph,
        is_member: &[bool],
        order: Vec<Node>,
        target: &Target,
    ) -> Result<Vec<RevisionId>, Refusal> {
        let mut below = target.key.clone();
        // What the chain so far has among its ancestors.
        let mut covered = graph.ancestors(target.nodes.iter().copied());
        let behind_target = match target.onto {
            Some(Onto::Elsewhere) => vec![true; graph.len()],
            _ => graph.ancestors_with_dependencies(target.nodes.iter().copied()),
        };
        let mut chain = Vec::with_capacity(order.len());
        for &node in &order {
            let key = self.items[node].revision.id.clone();
            if let Some(below) = &below {
                let stays = |n: Node| !(covered[n] || is_member[n] && behind_target[n]);
                let written = &self.items[node].revision.down_revisions;
                let downs = chained(graph, written, below, stays);
                if self.becomes_disposable(graph, node, &downs) {
                    self.dispose(graph, node, below, &order)?;
                    covered[node] = true;
                    continue;
                }
                self.repoint(node, downs)?;
            }
            for (at, is_below) in graph.ancestors([node]).into_iter().enumerate() {
                covered[at] |= is_below;
            }
            chain.push(key.clone());
            below = Some(key);
        }
        Ok(chain)
    }

    /// Whether an own merge revision becomes a link that does nothing and that
    /// nobody has seen.
    fn becomes_disposable(&self, graph: &RevisionGraph, node: Node, downs: &[RevisionId]) -> bool {
        let item = &self.items[node];
        let Some(original) = item.node() else { return false };
        let script = self.request.history.script(original);
        let depended_on = graph.above(node).len() > graph.up(node).len();
        item.revision.down_revisions.len() > 1
            && downs.len() == 1
            && script.header.is_empty_revision
            && !script.is_broken
            && !self.request.standings[original].is_pushed
            && item.revision.branch_labels.is_empty()
            && item.revision.depends_on.is_empty()
            && !depended_on
            && graph.up(node).iter().all(|&up| self.must_be_editable(up).is_ok())
    }

    /// Deletes a merge revision; what followed it follows `below`, but for the
    /// rest of its `chain`, which is linked anyway.
    fn dispose(
        &mut self,
        graph: &RevisionGraph,
        node: Node,
        below: &RevisionId,
        chain: &[Node],
    ) -> Result<(), Refusal> {
        let key = self.items[node].revision.id.clone();
        self.items[node].deleted = true;
        for &up in graph.up(node).iter().filter(|up| !chain.contains(up)) {
            let downs = linked(&self.items[up].revision.down_revisions, below, |d| *d != key);
            self.repoint(up, downs)?;
        }
        Ok(())
    }

    /// Takes the down revisions out of own merge revisions that other moves
    /// have made ancestors of their other down revisions.
    pub fn prune_merges(&mut self) -> Result<(), Refusal> {
        for node in 0..self.items.len() {
            let item = &self.items[node];
            if !item.own || item.deleted || item.revision.down_revisions.len() < 2 {
                continue;
            }
            let graph = self.graph();
            let downs = graph.down(node).to_vec();
            let redundant = |d: Node| {
                downs.iter().any(|&other| graph.is_ancestor(d, other) && !self.was_below(d, other))
            };
            let left: Vec<Node> = downs.iter().copied().filter(|&d| !redundant(d)).collect();
            if left.len() == downs.len() {
                continue;
            }
            let left = graph.ids(left);
            if self.becomes_disposable(&graph, node, &left) {
                self.dispose(&graph, node, &left[0], &[])?;
            } else {
                self.repoint(node, left)?;
            }
        }
        Ok(())
    }

    /// Whether one revision was an ancestor of another before anything was moved.
    fn was_below(&self, ancestor: Node, node: Node) -> bool {
        match (self.items[ancestor].node(), self.items[node].node()) {
            (Some(ancestor), Some(node)) => self.request.history.graph.is_ancestor(ancestor, node),
            _ => false,
        }
    }
}

/// The position in `order` of an own merge revision over exactly these heads:
/// it serves as the one that would be written.
fn own_merge_over(graph: &RevisionGraph, heads: &[Node], order: &[Node]) -> Option<usize> {
    let wanted: BTreeSet<Node> = heads.iter().copied().collect();
    order.iter().position(|&node| {
        let covers = graph.down(node).iter().copied().collect::<BTreeSet<_>>() == wanted;
        let below = graph.ancestors_with_dependencies([node]);
        covers && !order.iter().any(|&other| other != node && below[other])
    })
}

/// The down revisions of the next link of a chain, `below` among them unless
/// one that stays lies above it already.
fn chained(
    graph: &RevisionGraph,
    written: &[RevisionId],
    below: &RevisionId,
    stays: impl Fn(Node) -> bool,
) -> Vec<RevisionId> {
    let node = |id: &RevisionId| graph.node(id.as_str());
    // What is missing is not dropped: it is refused as soon as the file is to change.
    let stays = |down: &RevisionId| node(down).is_none_or(&stays);
    let is_above = |down: &RevisionId| match (node(below), node(down)) {
        (Some(low), Some(high)) => graph.is_ancestor(low, high),
        _ => false,
    };
    if written.iter().any(|down| stays(down) && is_above(down)) {
        return written.to_vec();
    }
    linked(written, below, stays)
}

/// `downs` with `below` in the place of the first that does not stay.
fn linked(
    downs: &[RevisionId],
    below: &RevisionId,
    stays: impl Fn(&RevisionId) -> bool,
) -> Vec<RevisionId> {
    let mut linked: Vec<RevisionId> = Vec::with_capacity(downs.len());
    let mut place = None;
    for down in downs.iter().filter(|down| *down != below) {
        if stays(down) {
            linked.push(down.clone());
        } else {
            place.get_or_insert(linked.len());
        }
    }
    let written = downs.iter().position(|down| down == below);
    linked.insert(written.or(place).unwrap_or(0).min(linked.len()), below.clone());
    linked
}
