//! Which divergences are real: those that would still be there if every file
//! could be read.

use super::places::is_shadowed;
use crate::revision::{Divergence, GraphProblem, HeadPolicy, Node, divergences};
use crate::script::History;

/// The divergences of `history` among heads whose whole lineage is known.
///
/// A head with an unreadable or missing down revision somewhere below may well
/// sit on top of the other head; what is wrong there has a finding already.
pub fn diverged_heads(history: &History, policy: HeadPolicy) -> Vec<Divergence> {
    let graph = &history.graph;
    let mut found = divergences(graph, |n| history.script(n).file.location, policy);
    if found.is_empty() {
        return found;
    }
    let uncertain = graph.descendants(incomplete(history));
    for divergence in &mut found {
        divergence.heads.retain(|&head| !uncertain[head] && !is_shadowed(history, head));
    }
    found.retain(|divergence| divergence.heads.len() > 1);
    found
}

/// Scripts of which not all down revisions are known.
fn incomplete(history: &History) -> Vec<Node> {
    let unread = (0..history.scripts.len()).filter(|&n| history.script(n).has_unknown_down);
    let dangling = history.graph_problems.iter().filter_map(|problem| match problem {
        GraphProblem::MissingDownRevision { node, .. } => Some(*node),
        _ => None,
    });
    unread.chain(dangling).collect()
}

/// The newest revision that all `nodes` stem from.
pub fn common_revision(history: &History, nodes: &[Node]) -> Option<Node> {
    let graph = &history.graph;
    let mut common = vec![true; graph.len()];
    for &node in nodes {
        let ancestors = graph.ancestors([node]);
        common.iter_mut().zip(ancestors).for_each(|(all, one)| *all &= one);
    }
    graph.topological().into_iter().rev().find(|&n| common[n])
}
