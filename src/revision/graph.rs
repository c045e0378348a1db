//! The graph of one component's revisions, immutable once built.
//!
//! Broken histories are ordinary input here: `build` never fails, it returns
//! the graph of what can be connected and says what could not.

use std::collections::HashMap;
use std::ops::Range;

use super::walk;
use super::{BranchLabel, RevisionId, RevisionRef};

/// One revision as its script declares it. Empty `down_revisions` is a base,
/// two or more a merge point.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    pub id: RevisionId,
    /// As written, duplicates included.
    pub down_revisions: Vec<RevisionId>,
    /// Ids or branch labels, as written.
    pub depends_on: Vec<RevisionRef>,
    /// Declared labels, not the inherited ones.
    pub branch_labels: Vec<BranchLabel>,
    /// First paragraph of the docstring, on one line; empty without one.
    pub message: String,
}

/// A position in the list a graph was built from. It is what tells two scripts
/// with the same revision id apart.
pub type Node = usize;

/// What keeps a history from being one well-formed graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GraphProblem {
    /// Two or more revisions carry one id.
    DuplicateId { nodes: Vec<Node> },
    /// A down revision that no revision has.
    MissingDownRevision { node: Node, missing: RevisionId },
    /// The nodes lie on a cycle; `through_dependencies` if `depends_on` takes part.
    Cycle { nodes: Vec<Node>, through_dependencies: bool },
    /// A dependency that is neither an id nor a label.
    UnresolvedDependency { node: Node, reference: RevisionRef },
    /// A label declared by more than one revision.
    DuplicateLabel { nodes: Vec<Node>, label: BranchLabel },
}

/// Flat adjacency lists: one allocation for all edges of a kind.
#[derive(Clone, Debug, Default)]
struct Edges {
    targets: Vec<Node>,
    ranges: Vec<Range<usize>>,
}

impl Edges {
    fn of(lists: &[Vec<Node>]) -> Self {
        let mut edges = Self::default();
        for list in lists {
            let start = edges.targets.len();
            edges.targets.extend_from_slice(list);
            edges.ranges.push(start..edges.targets.len());
        }
        edges
    }

    fn reversed(lists: &[Vec<Node>]) -> Self {
        let mut back = vec![Vec::new(); lists.len()];
        for (from, list) in lists.iter().enumerate() {
            for &to in list {
                back[to].push(from);
            }
        }
        Self::of(&back)
    }

    fn from(&self, node: Node) -> &[Node] {
        &self.targets[self.ranges[node].clone()]
    }
}

/// The revisions of one component and the edges between them.
///
/// Of several revisions with one id the last one stands for it, as in
/// Alembic's map; the others keep their own node and stay visible.
#[derive(Clone, Debug)]
pub struct RevisionGraph {
    revisions: Vec<Revision>,
    by_id: HashMap<RevisionId, Node>,
    by_label: HashMap<BranchLabel, Node>,
    down: Edges,
    up: Edges,
    /// Down revisions and resolved dependencies together.
    below: Edges,
    above: Edges,
}

impl RevisionGraph {
    /// Connects `revisions`, given in file order, and lists what is wrong with them.
    pub fn build(revisions: Vec<Revision>) -> (Self, Vec<GraphProblem>) {
        let mut problems = Vec::new();
        let mut by_id: HashMap<RevisionId, Node> = HashMap::with_capacity(revisions.len());
        let mut same: HashMap<&RevisionId, Vec<Node>> = HashMap::new();
        for (node, revision) in revisions.iter().enumerate() {
            if let Some(earlier) = by_id.insert(revision.id.clone(), node) {
                same.entry(&revision.id).or_insert_with(|| vec![earlier]).push(node);
            }
        }
        let mut duplicates: Vec<Vec<Node>> = same.into_values().collect();
        duplicates.sort();
        problems.extend(duplicates.into_iter().map(|nodes| GraphProblem::DuplicateId { nodes }));

        let by_label = labels(&revisions, &mut problems);

        let mut down = vec![Vec::new(); revisions.len()];
        let mut below = vec![Vec::new(); revisions.len()];
        for (node, revision) in revisions.iter().enumerate() {
            for id in &revision.down_revisions {
                match by_id.get(id) {
                    Some(&target) => {
                        push_once(&mut down[node], target);
                        push_once(&mut below[node], target);
                    }
                    None => problems
                        .push(GraphProblem::MissingDownRevision { node, missing: id.clone() }),
                }
            }
            for reference in &revision.depends_on {
                // Only exact keys count: Alembic does not resolve prefixes here.
                let target = by_id
                    .get(reference.as_str())
                    .or_else(|| by_label.get(&BranchLabel::new(reference.as_str())));
                match target {
                    Some(&target) => push_once(&mut below[node], target),
                    None => problems.push(GraphProblem::UnresolvedDependency {
                        node,
                        reference: reference.clone(),
                    }),
                }
            }
        }
        let graph = Self {
            down: Edges::of(&down),
            up: Edges::reversed(&down),
            below: Edges::of(&below),
            above: Edges::reversed(&below),
            revisions,
            by_id,
            by_label,
        };
        graph.collect_cycles(&mut problems);
        (graph, problems)
    }

    fn collect_cycles(&self, problems: &mut Vec<GraphProblem>) {
        let plain = walk::cycles(self.len(), |n| self.down.from(n));
        let all = walk::cycles(self.len(), |n| self.below.from(n));
        let is_plain = {
            let mut is_plain = vec![false; self.len()];
            plain.iter().flatten().for_each(|&node| is_plain[node] = true);
            is_plain
        };
        for nodes in all {
            if !nodes.iter().any(|&node| is_plain[node]) {
                problems.push(GraphProblem::Cycle { nodes, through_dependencies: true });
            }
        }
        for nodes in plain {
            problems.push(GraphProblem::Cycle { nodes, through_dependencies: false });
        }
    }

    /// Number of revisions, those with a duplicate id included.
    pub fn len(&self) -> usize {
        self.revisions.len()
    }

    /// Whether there is no revision at all.
    pub fn is_empty(&self) -> bool {
        self.revisions.is_empty()
    }

    /// The revision at `node`.
    pub fn revision(&self, node: Node) -> &Revision {
        &self.revisions[node]
    }

    /// All revisions in file order.
    pub fn revisions(&self) -> &[Revision] {
        &self.revisions
    }

    /// The node that stands for `id`.
    pub fn node(&self, id: &str) -> Option<Node> {
        self.by_id.get(id).copied()
    }

    /// The node that declares `label`.
    pub fn labelled(&self, label: &BranchLabel) -> Option<Node> {
        self.by_label.get(label).copied()
    }

    /// All declared labels.
    pub fn labels(&self) -> impl Iterator<Item = (&BranchLabel, Node)> {
        self.by_label.iter().map(|(label, &node)| (label, node))
    }

    /// The down revisions of `node` that exist, each once.
    pub fn down(&self, node: Node) -> &[Node] {
        self.down.from(node)
    }

    /// The revisions whose down revision is `node`.
    pub fn up(&self, node: Node) -> &[Node] {
        self.up.from(node)
    }

    /// Down revisions and dependencies of `node`.
    pub fn below(&self, node: Node) -> &[Node] {
        self.below.from(node)
    }

    /// The revisions that name `node` as down revision or dependency.
    pub fn above(&self, node: Node) -> &[Node] {
        self.above.from(node)
    }

    /// Revisions that no other names as its down revision, in file order.
    // `depends_on` is left out on purpose: Alembic still calls a depended-on
    // revision a head, and prints it as "(effective head)".
    pub fn heads(&self) -> Vec<Node> {
        (0..self.len()).filter(|&n| self.up(n).is_empty()).collect()
    }

    /// Heads that no other revision depends on either (Alembic's `_real_heads`).
    pub fn real_heads(&self) -> Vec<Node> {
        (0..self.len()).filter(|&n| self.above(n).is_empty()).collect()
    }

    /// Revisions that declare no down revision, in file order.
    pub fn bases(&self) -> Vec<Node> {
        (0..self.len()).filter(|&n| self.revisions[n].down_revisions.is_empty()).collect()
    }

    /// Whether more than one revision follows `node`.
    pub fn is_branch_point(&self, node: Node) -> bool {
        self.up(node).len() > 1
    }

    /// Whether `node` has two or more down revisions.
    pub fn is_merge_point(&self, node: Node) -> bool {
        self.revisions[node].down_revisions.len() > 1
    }

    /// `nodes` and all their ancestors by down revision.
    pub fn ancestors(&self, nodes: impl IntoIterator<Item = Node>) -> Vec<bool> {
        walk::reachable(self.len(), nodes, |n| self.down(n))
    }

    /// `nodes` and all their ancestors by down revision or dependency: what
    /// `upgrade` would have run.
    pub fn ancestors_with_dependencies(&self, nodes: impl IntoIterator<Item = Node>) -> Vec<bool> {
        walk::reachable(self.len(), nodes, |n| self.below(n))
    }

    /// `nodes` and all their descendants by down revision.
    pub fn descendants(&self, nodes: impl IntoIterator<Item = Node>) -> Vec<bool> {
        walk::reachable(self.len(), nodes, |n| self.up(n))
    }

    /// Whether `ancestor` lies strictly below `node` by down revision.
    pub fn is_ancestor(&self, ancestor: Node, node: Node) -> bool {
        ancestor != node && self.ancestors([node])[ancestor]
    }

    /// The labels that reach `node`: declared by it or by an ancestor, sorted.
    pub fn inherited_labels(&self, node: Node) -> Vec<&BranchLabel> {
        let below = self.ancestors([node]);
        let mut labels: Vec<&BranchLabel> = (0..self.len())
            .filter(|&n| below[n])
            .flat_map(|n| &self.revisions[n].branch_labels)
            .collect();
        labels.sort();
        labels.dedup();
        labels
    }

    /// All nodes, down revisions and dependencies first, ties in file order.
    /// Nodes on a cycle come last, in file order.
    pub fn topological(&self) -> Vec<Node> {
        let all: Vec<Node> = (0..self.len()).collect();
        match walk::topological(self.len(), &all, |n| self.below(n)) {
            Ok(order) => order,
            Err(rest) => {
                let stuck: std::collections::HashSet<Node> = rest.iter().copied().collect();
                let free: Vec<Node> = all.into_iter().filter(|n| !stuck.contains(n)).collect();
                let mut order =
                    walk::topological(self.len(), &free, |n| self.below(n)).unwrap_or(free);
                order.extend(rest);
                order
            }
        }
    }

    /// The ids of `nodes`, in their order.
    pub fn ids(&self, nodes: impl IntoIterator<Item = Node>) -> Vec<RevisionId> {
        nodes.into_iter().map(|n| self.revisions[n].id.clone()).collect()
    }
}

fn labels(revisions: &[Revision], problems: &mut Vec<GraphProblem>) -> HashMap<BranchLabel, Node> {
    let mut declared: HashMap<&BranchLabel, Vec<Node>> = HashMap::new();
    for (node, revision) in revisions.iter().enumerate() {
        for label in &revision.branch_labels {
            declared.entry(label).or_default().push(node);
        }
    }
    let mut twice: Vec<(Vec<Node>, BranchLabel)> = declared
        .iter()
        // One id in two files is DBM003 already; its label is not a second finding.
        .filter(|(_, nodes)| nodes.iter().any(|&n| revisions[n].id != revisions[nodes[0]].id))
        .map(|(label, nodes)| (nodes.clone(), (*label).clone()))
        .collect();
    twice.sort();
    problems.extend(
        twice.into_iter().map(|(nodes, label)| GraphProblem::DuplicateLabel { nodes, label }),
    );
    declared.into_iter().map(|(label, nodes)| (label.clone(), nodes[0])).collect()
}

fn push_once(list: &mut Vec<Node>, node: Node) {
    if !list.contains(&node) {
        list.push(node);
    }
}
