//! The part of a history in which heads have diverged, for whoever draws it.

use super::diverged::common_revision;
use super::{Code, Finding, Judged};
use crate::revision::{Node, RevisionId};
use crate::script::History;

/// Diverged heads with all that is below them down to the revision that they
/// stem from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DivergedPart {
    /// Down revisions first.
    pub revisions: Vec<PartRevision>,
}

/// One revision of such a part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartRevision {
    pub id: RevisionId,
    pub message: String,
    /// Positions in [`DivergedPart::revisions`].
    pub down: Vec<usize>,
    pub is_head: bool,
    /// `None` where nothing tells landed from own.
    pub is_landed: Option<bool>,
}

/// The parts that the findings about diverged heads are about.
pub fn diverged_parts(judged: &Judged<'_>, findings: &[Finding]) -> Vec<DivergedPart> {
    let part = |finding: &Finding| {
        let history = match (finding.code, judged.upstream) {
            (Code(1), _) => judged.history,
            // Seen in the preview only, unless that is what is judged.
            (Code(15), Some(upstream)) => upstream.preview,
            _ => return None,
        };
        let heads = finding.revisions.iter().filter_map(|id| history.graph.node(id.as_str()));
        Some(part_below(judged, history, &heads.collect::<Vec<_>>()))
    };
    findings.iter().filter_map(part).collect()
}

fn part_below(judged: &Judged<'_>, history: &History, heads: &[Node]) -> DivergedPart {
    let graph = &history.graph;
    let common = common_revision(history, heads);
    let mut is_in = graph.ancestors(heads.iter().copied());
    let below = graph.ancestors(common);
    is_in.iter_mut().zip(below).for_each(|(is_in, below)| *is_in &= !below);
    common.into_iter().for_each(|node| is_in[node] = true);
    let nodes: Vec<Node> = graph.topological().into_iter().filter(|&node| is_in[node]).collect();
    let mut position = vec![None; graph.len()];
    nodes.iter().enumerate().for_each(|(at, &node)| position[node] = Some(at));
    let revision = |&node: &Node| {
        let revision = graph.revision(node);
        PartRevision {
            id: revision.id.clone(),
            message: revision.message.clone(),
            down: graph.down(node).iter().filter_map(|&down| position[down]).collect(),
            is_head: heads.contains(&node),
            is_landed: judged.upstream.map(|_| judged.is_landed(&revision.id)),
        }
    };
    DivergedPart { revisions: nodes.iter().map(revision).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history, judge, with_upstream};
    use crate::check::{Level, run_rules};

    /// Each revision with its downs; heads are starred, own ones marked.
    #[track_caller]
    fn check(judged: &Judged<'_>, expected: &[&str]) {
        let parts = diverged_parts(judged, &run_rules(judged));
        let text = |part: &DivergedPart| {
            let each = |r: &PartRevision| {
                let down: Vec<&str> =
                    r.down.iter().map(|&at| part.revisions[at].id.as_str()).collect();
                let star = if r.is_head { "*" } else { "" };
                let own = if r.is_landed == Some(false) { " own" } else { "" };
                format!("{}{star}<{}>{own}", r.id, down.join(","))
            };
            part.revisions.iter().map(each).collect::<Vec<_>>().join("; ")
        };
        assert_eq!(parts.iter().map(text).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn it_reaches_down_to_the_common_revision_and_no_further() {
        let ours = history("<base> -> r\nr -> a\na -> m\na -> f\nf -> g");
        check(&judge(&ours), &["a<>; m*<a>; f<a>; g*<f>"]);
        let landed = history("<base> -> r\nr -> a\na -> m");
        check(&with_upstream(&ours, &landed, &ours), &["a<>; m*<a>; f<a> own; g*<f> own"]);
        check(&judge(&history("<base> -> a\n<base> -> b")), &["a*<>; b*<>"]);
        check(&judge(&history("<base> -> a\na -> b")), &[]);
    }

    #[test]
    fn what_would_diverge_is_in_the_preview() {
        let ours = history("<base> -> a\na -> f");
        let landed = history("<base> -> a\na -> m");
        let preview = history("<base> -> a\na -> f\na -> m");
        let judged =
            Judged { would_diverge: Some(Level::Error), ..with_upstream(&ours, &landed, &preview) };
        check(&judged, &["a<>; f*<a> own; m*<a>"]);
    }
}
