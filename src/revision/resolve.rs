//! From what a person wrote to a revision: exact id, label, unique prefix, head.

use super::{BranchLabel, Node, RevisionGraph, RevisionRef};

/// Why a reference names no single revision.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    #[error("no revision is named `{reference}`")]
    Unknown { reference: RevisionRef },
    #[error("`{reference}` is short for several revisions: {}", candidates.join(", "))]
    Ambiguous { reference: RevisionRef, candidates: Vec<String> },
    #[error("`head` names several revisions: {}", heads.join(", "))]
    SeveralHeads { heads: Vec<String> },
}

/// Resolves `reference` as Alembic's command line does: an exact id or label,
/// else a unique prefix of more than three characters, else `head`.
pub fn resolve(graph: &RevisionGraph, reference: &RevisionRef) -> Result<Node, ResolveError> {
    let text = reference.as_str();
    let label = BranchLabel::new(text);
    if let Some(node) = graph.node(text).or_else(|| graph.labelled(&label)) {
        return Ok(node);
    }
    if text == "head" {
        return single_head(graph);
    }
    let mut candidates: Vec<Node> = if text.chars().count() > 3 {
        let by_id = (0..graph.len()).filter(|&n| graph.revision(n).id.as_str().starts_with(text));
        let by_label = graph.labels().filter(|(l, _)| l.as_str().starts_with(text)).map(|(_, n)| n);
        by_id.chain(by_label).collect()
    } else {
        Vec::new()
    };
    candidates.sort_unstable();
    candidates.dedup();
    match candidates.as_slice() {
        [] => Err(ResolveError::Unknown { reference: reference.clone() }),
        [one] => Ok(*one),
        many => Err(ResolveError::Ambiguous {
            reference: reference.clone(),
            candidates: names(graph, many),
        }),
    }
}

fn single_head(graph: &RevisionGraph) -> Result<Node, ResolveError> {
    match graph.heads().as_slice() {
        [one] => Ok(*one),
        [] => Err(ResolveError::Unknown { reference: RevisionRef::new("head") }),
        many => Err(ResolveError::SeveralHeads { heads: names(graph, many) }),
    }
}

fn names(graph: &RevisionGraph, nodes: &[Node]) -> Vec<String> {
    graph.ids(nodes.iter().copied()).iter().map(ToString::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revision::parse_history;

    #[track_caller]
    fn check(reference: &str, expected: Result<&str, ResolveError>) {
        let history = "<base> -> aaaa1111 (shop)\naaaa1111 -> aaaa2222\naaaa2222 -> bbbb";
        let (graph, _) = RevisionGraph::build(parse_history(history).expect("notation"));
        let found =
            resolve(&graph, &RevisionRef::new(reference)).map(|n| graph.revision(n).id.to_string());
        assert_eq!(found, expected.map(str::to_owned));
    }

    #[test]
    fn ids_labels_unique_prefixes_and_head_resolve() {
        check("bbbb", Ok("bbbb"));
        check("shop", Ok("aaaa1111"));
        check("aaaa1", Ok("aaaa1111"));
        check("head", Ok("bbbb"));
    }

    #[test]
    fn a_prefix_must_be_longer_than_three_and_unique() {
        let unknown = |text: &str| Err(ResolveError::Unknown { reference: RevisionRef::new(text) });
        check("bbb", unknown("bbb"));
        check("zzzz", unknown("zzzz"));
        check(
            "aaaa",
            Err(ResolveError::Ambiguous {
                reference: RevisionRef::new("aaaa"),
                candidates: vec!["aaaa1111".to_owned(), "aaaa2222".to_owned()],
            }),
        );
    }
}
