//! When two heads mean that two people built on the same revision.

use std::collections::BTreeMap;

use super::{BranchLabel, Node, RevisionGraph};

/// What counts as diverged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HeadPolicy {
    /// Heads told apart by labels, locations or dependencies are intended.
    #[default]
    Auto,
    /// Any second head is a divergence (`heads = "single"`).
    Single,
}

/// A set of heads that ought to be one, in file order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Divergence {
    pub heads: Vec<Node>,
    /// The inherited labels that all of them carry.
    pub labels: Vec<BranchLabel>,
}

/// The divergences of `graph`.
///
/// Two heads are diverged when the same set of labels reaches both, neither
/// depends on the other, and they stem from a common revision or lie in the
/// same version location (`location_of(node)`).
pub fn divergences(
    graph: &RevisionGraph,
    location_of: impl Fn(Node) -> usize,
    policy: HeadPolicy,
) -> Vec<Divergence> {
    let heads = graph.heads();
    if heads.len() < 2 {
        return Vec::new();
    }
    let facts: Vec<HeadFacts> = heads.iter().map(|&h| HeadFacts::of(graph, h)).collect();
    let mut group: Vec<usize> = (0..heads.len()).collect();
    for a in 0..heads.len() {
        for b in 0..a {
            if group[a] == group[b] {
                continue;
            }
            let together = match policy {
                HeadPolicy::Single => true,
                HeadPolicy::Auto => {
                    facts[a].labels == facts[b].labels
                        && !facts[a].below[heads[b]]
                        && !facts[b].below[heads[a]]
                        && (facts[a].shares_base_with(&facts[b])
                            || location_of(heads[a]) == location_of(heads[b]))
                }
            };
            if together {
                let (from, to) = (group[a], group[b]);
                group.iter_mut().filter(|g| **g == from).for_each(|g| *g = to);
            }
        }
    }
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (position, &g) in group.iter().enumerate() {
        members.entry(g).or_default().push(position);
    }
    members
        .into_values()
        .filter(|positions| positions.len() > 1)
        .map(|positions| Divergence {
            labels: facts[positions[0]].labels.clone(),
            heads: positions.into_iter().map(|p| heads[p]).collect(),
        })
        .collect()
}

/// What has to be known of a head to compare it with another.
struct HeadFacts {
    labels: Vec<BranchLabel>,
    /// Sorted; a common revision always has a common base below it.
    bases: Vec<Node>,
    /// By down revision or dependency.
    below: Vec<bool>,
}

impl HeadFacts {
    fn of(graph: &RevisionGraph, head: Node) -> Self {
        let ancestors = graph.ancestors([head]);
        let mut labels: Vec<BranchLabel> = Vec::new();
        let mut bases = Vec::new();
        for node in (0..graph.len()).filter(|&n| ancestors[n]) {
            labels.extend(graph.revision(node).branch_labels.iter().cloned());
            if graph.down(node).is_empty() {
                bases.push(node);
            }
        }
        labels.sort();
        labels.dedup();
        Self { labels, bases, below: graph.ancestors_with_dependencies([head]) }
    }

    fn shares_base_with(&self, other: &Self) -> bool {
        self.bases.iter().any(|base| other.bases.binary_search(base).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revision::parse_history;

    /// `located` gives the version location of a revision by its id; others lie in 0.
    #[track_caller]
    fn check(history: &str, located: &[(&str, usize)], expected: &[&[&str]]) {
        let (graph, _) = RevisionGraph::build(parse_history(history).expect("notation"));
        let location = |n: Node| {
            let id = graph.revision(n).id.as_str();
            located.iter().find(|(name, _)| *name == id).map_or(0, |(_, at)| *at)
        };
        let found: Vec<Vec<String>> = divergences(&graph, location, HeadPolicy::Auto)
            .into_iter()
            .map(|d| graph.ids(d.heads).iter().map(ToString::to_string).collect())
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn two_heads_on_one_revision_are_diverged() {
        check("<base> -> a\na -> b\na -> c", &[], &[&["b", "c"]]);
    }

    #[test]
    fn one_head_is_not() {
        check("<base> -> a\na -> b\na -> c\nb, c -> d", &[], &[]);
    }

    #[test]
    fn labels_tell_heads_apart() {
        check("<base> -> a\na -> b (expand)\na -> c (contract)", &[], &[]);
        check("<base> -> a (x)\na -> b\na -> c", &[], &[&["b", "c"]]);
        check("<base> -> a\na -> b (expand)\nb -> e1\nb -> e2\na -> c", &[], &[&["e1", "e2"]]);
    }

    #[test]
    fn a_dependency_does_not_unseat_a_head_but_explains_it() {
        check("<base> -> a\n<base> -> b\na (b) -> c", &[], &[]);
    }

    #[test]
    fn an_explained_head_can_still_diverge_from_a_third() {
        check("<base> -> a\na -> b\na -> c\n<base> (b) -> d", &[("d", 1)], &[&["b", "c"]]);
    }

    #[test]
    fn separate_bases_are_diverged_only_in_one_location() {
        check("<base> -> a\n<base> -> b", &[], &[&["a", "b"]]);
        check("<base> -> a\n<base> -> b", &[("b", 1)], &[]);
    }
}
