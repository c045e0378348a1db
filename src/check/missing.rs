//! What a down revision that no readable script has may mean.

use super::{Judged, Whereabouts};
use crate::revision::{BranchLabel, GraphProblem, Node, RevisionId};
use crate::script::{History, ScriptProblemKind};
use crate::tree::RepoPath;

/// The explanation of a missing revision, the likeliest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing<'a> {
    /// A file of that name is there, but its id cannot be read.
    Unread { path: &'a RepoPath },
    /// Found outside of the judged files.
    Elsewhere(&'a Whereabouts),
    /// It is the branch label of `node`.
    Label { node: Node },
    /// It is the beginning of these nodes' ids.
    Abbreviated { nodes: Vec<Node> },
    /// Nothing is known of it.
    Gone,
}

/// Explains `text`, which is no revision id of the judged history.
pub fn explain<'a>(judged: &Judged<'a>, text: &str) -> Missing<'a> {
    let history = judged.history;
    if let Some(path) = unread_file_named(history, text) {
        return Missing::Unread { path };
    }
    if let Some(whereabouts) = judged.whereabouts.get(text) {
        return Missing::Elsewhere(whereabouts);
    }
    if let Some(node) = history.graph.labelled(&BranchLabel::new(text)) {
        return Missing::Label { node };
    }
    let nodes = longer_ids(history, text);
    if nodes.is_empty() { Missing::Gone } else { Missing::Abbreviated { nodes } }
}

/// The missing down revisions of the judged history, each once per script.
pub fn missing_down_revisions<'a>(
    judged: &Judged<'a>,
) -> impl Iterator<Item = (Node, &'a RevisionId)> {
    let mut seen = std::collections::HashSet::new();
    judged.history.graph_problems.iter().filter_map(move |problem| match problem {
        GraphProblem::MissingDownRevision { node, missing } => {
            seen.insert((*node, missing)).then_some((*node, missing))
        }
        _ => None,
    })
}

/// The nodes whose id `text` abbreviates, by the length that Alembic's command
/// line takes for an abbreviation.
pub fn longer_ids(history: &History, text: &str) -> Vec<Node> {
    if text.chars().count() <= 3 {
        return Vec::new();
    }
    (0..history.scripts.len()).filter(|&n| history.id(n).as_str().starts_with(text)).collect()
}

/// A file whose revision could not be read and whose name carries `id`.
pub fn unread_file_named<'a>(history: &'a History, id: &str) -> Option<&'a RepoPath> {
    history
        .problems
        .iter()
        .filter(|problem| {
            matches!(
                problem.kind,
                ScriptProblemKind::Unreadable { .. }
                    | ScriptProblemKind::NotInClone { .. }
                    | ScriptProblemKind::Dynamic { field: "revision", .. }
                    | ScriptProblemKind::Absent { field: "revision" }
                    | ScriptProblemKind::IllegalId { .. }
            )
        })
        .map(|problem| &problem.path)
        .find(|path| carries(path.file_name(), id))
}

/// Whether `id` stands in `name` as a part of its own: `0042` in
/// `0042_add.py`, but not in `10042.py`.
fn carries(name: &str, id: &str) -> bool {
    let ends_open = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    name.match_indices(id).any(|(at, _)| {
        let (before, after) = (&name[..at], &name[at + id.len()..]);
        ends_open(before.chars().next_back())
            && (ends_open(after.chars().next()) || ends_open(id.chars().next_back()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_recognised_in_a_file_name_only_as_a_part_of_its_own() {
        assert!(carries("0042_add.py", "0042"));
        assert!(carries("2024_01_02-ab12_add.py", "ab12"));
        assert!(carries("ecb6985693c0_add.py", "ecb6985693c0_"));
        assert!(!carries("10042_add.py", "0042"));
        assert!(!carries("ab123_add.py", "ab12"));
    }
}
