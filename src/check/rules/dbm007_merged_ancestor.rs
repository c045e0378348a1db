//! DBM007: a merge revision that merges a revision with its own ancestor.

use super::{Rule, Run};
use crate::check::words::named;
use crate::check::{Code, Finding, Judged, Level, places};
use crate::revision::{Node, RevisionGraph, walk};

pub const RULE: Rule = Rule {
    code: Code(7),
    name: "merged ancestor",
    level: Level::Error,
    summary: "a merge revision lists an ancestor of another of its down revisions",
    explanation: "\
A merge revision names two down revisions of which one already contains the other. It
comes of merge revisions written by hand, or of re-pointing one side afterwards.

Why it matters
  `alembic heads` shows one head and all seems well, but where two or more branches are
  left to merge, `alembic upgrade head` removes a version row that is gone already and
  dies: KeyError: 'aaaa00000001'. Where the ancestor stands beside one descendant only,
  upgrades work and this is a warning: `alembic downgrade -1` calls the walk ambiguous.

How to mend it
  Take the ancestor out of `down_revision`. If one down revision is left, the merge
  revision is a plain link, which is fine.

Example
  a -> b, b -> c, a -> d
  b, c, d -> m    b is below c already

  down_revision = (\"b\", \"c\", \"d\")     becomes     down_revision = (\"c\", \"d\")
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    let graph = &judged.history.graph;
    let merges: Vec<Node> = (0..graph.len()).filter(|&n| graph.down(n).len() > 1).collect();
    if merges.is_empty() {
        return Vec::new();
    }
    let mut walker = Walker::new(graph);
    merges
        .into_iter()
        .filter_map(|merge| {
            let redundant = walker.redundant(merge);
            (!redundant.is_empty()).then(|| finding(judged, merge, &redundant))
        })
        .collect()
}

fn finding(judged: &Judged<'_>, merge: Node, redundant: &[Node]) -> Finding {
    let history = judged.history;
    let id = history.id(merge);
    let rest: Vec<Node> = history
        .graph
        .down(merge)
        .iter()
        .copied()
        .filter(|down| !redundant.contains(down))
        .collect();
    let ancestors = named(redundant.iter().map(|&n| history.id(n)));
    let others = named(rest.iter().map(|&n| history.id(n)));
    let (are, they) =
        if redundant.len() == 1 { ("is", "an ancestor") } else { ("are", "ancestors") };
    let mut finding =
        RULE.finding(format!("`{id}` merges {ancestors}, which {are} {they} of {others}"));
    // With one branch left Alembic takes the revision for a plain link and
    // never looks for the ancestor's version row.
    if rest.iter().all(|&down| down == rest[0]) {
        finding.level = Level::Warning;
    }
    finding
        .at(places::down_revision_of(history, merge))
        .about(history.graph.ids(std::iter::once(merge).chain(redundant.iter().copied())))
        .help(format!("take {ancestors} out of `down_revision`, so that `{id}` follows {others}"))
}

/// Looks below merge points, no deeper than the deepest down revision.
///
/// Walking to the bottom from every merge point would be quadratic. A
/// revision's generation (the length of its longest way to a base) is larger
/// than that of all its ancestors, so a walk can stop below the smallest one
/// that it looks for; branches that met are seldom more than a few long.
struct Walker<'a> {
    graph: &'a RevisionGraph,
    /// `None` on and after a cycle, which is DBM004.
    generation: Vec<Option<u32>>,
    /// The walk that saw a node last: clearing a set per walk would cost more than the walk.
    seen_in: Vec<u32>,
    walk: u32,
}

impl<'a> Walker<'a> {
    fn new(graph: &'a RevisionGraph) -> Self {
        Self { graph, generation: generations(graph), seen_in: vec![0; graph.len()], walk: 0 }
    }

    /// The down revisions of `merge` that lie below another of them.
    fn redundant(&mut self, merge: Node) -> Vec<Node> {
        let graph = self.graph;
        let downs = graph.down(merge);
        let Some(deepest) = downs.iter().map(|&down| self.generation[down]).min().flatten() else {
            return Vec::new();
        };
        self.walk += 1;
        let mut stack: Vec<Node> = downs.to_vec();
        let mut found = Vec::new();
        while let Some(node) = stack.pop() {
            for &below in graph.down(node) {
                if self.seen_in[below] == self.walk || self.generation[below] < Some(deepest) {
                    continue;
                }
                self.seen_in[below] = self.walk;
                if downs.contains(&below) {
                    found.push(below);
                }
                stack.push(below);
            }
        }
        found.sort_unstable();
        found
    }
}

fn generations(graph: &RevisionGraph) -> Vec<Option<u32>> {
    let all: Vec<Node> = (0..graph.len()).collect();
    let order = walk::topological(graph.len(), &all, |n| graph.down(n)).unwrap_or_else(|stuck| {
        let mut is_stuck = vec![false; graph.len()];
        stuck.into_iter().for_each(|node| is_stuck[node] = true);
        let free: Vec<Node> = all.into_iter().filter(|&node| !is_stuck[node]).collect();
        walk::topological(graph.len(), &free, |n| graph.down(n)).unwrap_or_default()
    });
    let mut generation = vec![None; graph.len()];
    for node in order {
        let below = graph.down(node).iter().filter_map(|&down| generation[down]).max();
        generation[node] = Some(below.map_or(0, |deepest: u32| deepest + 1));
    }
    generation
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history, judge, shown};

    /// ```text
    /// r - a - b - m
    ///       \____/
    /// ```
    ///
    /// DataJunction and keep have lived with such a revision for months.
    #[test]
    fn an_ancestor_beside_its_only_descendant_is_a_warning() {
        let ours = history("<base> -> r\nr -> a\na -> b\na, b -> m\nm -> n");
        insta::assert_snapshot!(shown(&RULE, &judge(&ours)), @"
        Warning: `m` merges `a`, which is an ancestor of `b`
          [m a] at versions/m.py:7
          help: take `a` out of `down_revision`, so that `m` follows `b`
        ");
    }

    /// ```text
    /// r - a - b - m
    ///  \    \____/|
    ///   x --------+
    /// ```
    #[test]
    fn an_ancestor_beside_two_branches_is_an_error() {
        let ours = history("<base> -> r\nr -> a\na -> b\nr -> x\na, b, x -> m");
        insta::assert_snapshot!(shown(&RULE, &judge(&ours)), @"
        Error: `m` merges `a`, which is an ancestor of `b` and `x`
          [m a] at versions/m.py:7
          help: take `a` out of `down_revision`, so that `m` follows `b` and `x`
        ");
    }

    /// backend.ai 9d553de441: two of four were ancestors of the other two.
    #[test]
    fn several_ancestors_are_named_together() {
        let ours = history("<base> -> r\nr -> a\na -> b\nb -> c\nr -> x\nx -> y\na, c, x, y -> m");
        insta::assert_snapshot!(shown(&RULE, &judge(&ours)), @"
        Error: `m` merges `a` and `x`, which are ancestors of `c` and `y`
          [m a x] at versions/m.py:7
          help: take `a` and `x` out of `down_revision`, so that `m` follows `c` and `y`
        ");
    }

    #[test]
    fn ordinary_merges_repeated_ids_and_dependencies_are_fine() {
        for fine in [
            "<base> -> r\nr -> a\nr -> b\na, b -> m",
            "<base> -> r\nr, r -> m",
            "<base> -> r\nr -> a\nr (a) -> b\na, b -> m",
            "<base> -> r\nr -> a\nr -> b\na, b -> m\na, b -> n",
        ] {
            assert_eq!(shown(&RULE, &judge(&history(fine))), "", "{fine}");
        }
    }

    #[test]
    fn a_merge_above_a_cycle_is_left_alone() {
        let ours = history("<base> -> r\nb -> a\na -> b\nr -> c\nb, c -> m");
        assert_eq!(shown(&RULE, &judge(&ours)), "");
    }
}
