//! Alembic's own notation for histories, `a, b (dep) -> c (label) (head), message`:
//! read for tests and small inputs, written wherever a revision is shown.

use super::{BranchLabel, Node, Revision, RevisionGraph, RevisionId, RevisionRef};

/// A line that is not in the notation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: `{text}` is not of the form `a, b (dependency) -> c (label), message`")]
pub struct NotationError {
    pub line: usize,
    pub text: String,
}

/// Parses one revision per line; blank lines are skipped. The marks that
/// Alembic derives from the graph (`(head)`, `(mergepoint)`, …) are ignored.
pub fn parse_history(text: &str) -> Result<Vec<Revision>, NotationError> {
    text.lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
        .map(|(at, line)| {
            parse_line(line.trim())
                .ok_or_else(|| NotationError { line: at + 1, text: line.trim().to_owned() })
        })
        .collect()
}

fn parse_line(line: &str) -> Option<Revision> {
    let (left, right) = line.split_once(" -> ")?;
    let (right, message) = split_message(right);
    let (downs, dependencies) = split_groups(left);
    let (id, marks) = split_groups(right);
    let down_revisions = match downs {
        "<base>" => Vec::new(),
        list => list.split(',').map(|d| RevisionId::new(d.trim()).ok()).collect::<Option<_>>()?,
    };
    Some(Revision {
        id: RevisionId::new(id).ok()?,
        down_revisions,
        depends_on: dependencies.into_iter().map(RevisionRef::new).collect(),
        branch_labels: marks
            .into_iter()
            .filter(|mark| !DERIVED_MARKS.contains(mark))
            .map(BranchLabel::new)
            .collect(),
        message: message.to_owned(),
    })
}

/// The message begins at the first comma that is not between parentheses.
fn split_message(text: &str) -> (&str, &str) {
    let mut depth = 0usize;
    for (at, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                if let Some(message) = text[at..].strip_prefix(", ") {
                    return (&text[..at], message);
                }
            }
            _ => {}
        }
    }
    (text, "")
}

const DERIVED_MARKS: [&str; 5] = ["head", "effective head", "current", "branchpoint", "mergepoint"];

/// `a, b (x, y) (z)` → `("a, b", ["x", "y", "z"])`.
fn split_groups(text: &str) -> (&str, Vec<&str>) {
    let (name, groups) = text.split_once(" (").unwrap_or((text, ""));
    let inner = groups.split(['(', ')', ',']).map(str::trim).filter(|part| !part.is_empty());
    (name.trim(), inner.collect())
}

/// One line as `alembic history` prints it, without the message.
pub fn render_revision(graph: &RevisionGraph, node: Node) -> String {
    let revision = graph.revision(node);
    let mut text = if revision.down_revisions.is_empty() {
        "<base>".to_owned()
    } else {
        join(revision.down_revisions.iter().map(RevisionId::as_str))
    };
    if !revision.depends_on.is_empty() {
        text += &format!(" ({})", join(revision.depends_on.iter().map(RevisionRef::as_str)));
    }
    text += &format!(" -> {}", revision.id);
    if !revision.branch_labels.is_empty() {
        text += &format!(" ({})", join(revision.branch_labels.iter().map(BranchLabel::as_str)));
    }
    for mark in marks(graph, node) {
        text += &format!(" ({mark})");
    }
    text
}

/// The marks Alembic derives from the graph, in its order.
fn marks(graph: &RevisionGraph, node: Node) -> Vec<&'static str> {
    let mut marks = Vec::new();
    if graph.up(node).is_empty() {
        marks.push(if graph.above(node).is_empty() { "head" } else { "effective head" });
    }
    if graph.is_branch_point(node) {
        marks.push("branchpoint");
    }
    if graph.is_merge_point(node) {
        marks.push("mergepoint");
    }
    marks
}

/// All revisions, newest first, one per line, with their messages.
pub fn render_history(graph: &RevisionGraph) -> String {
    let mut text = String::new();
    for node in graph.topological().into_iter().rev() {
        text += &render_revision(graph, node);
        let message = &graph.revision(node).message;
        if !message.is_empty() {
            text += &format!(", {message}");
        }
        text.push('\n');
    }
    text
}

fn join<'a>(parts: impl Iterator<Item = &'a str>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_history_is_shown_as_alembic_shows_it() {
        let history = "<base> -> base1, root\nbase1 -> a, main2\nbase1 -> b (shop), feat1\n\
                       a, b -> m, merge a b\nm (shop) -> z";
        let (graph, problems) = RevisionGraph::build(parse_history(history).expect("notation"));
        assert_eq!(problems, []);
        insta::assert_snapshot!(render_history(&graph), @r"
        m (shop) -> z (head)
        a, b -> m (mergepoint), merge a b
        base1 -> b (shop), feat1
        base1 -> a, main2
        <base> -> base1 (branchpoint), root
        ");
    }

    #[test]
    fn what_is_shown_can_be_read_back() {
        let history = "<base> -> a (one, two), first\na -> b\n<base> (a, b) -> c, with, commas";
        let revisions = parse_history(history).expect("notation");
        let (graph, _) = RevisionGraph::build(revisions.clone());
        let mut again = parse_history(&render_history(&graph)).expect("its own notation");
        again.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(again, revisions);
    }

    #[test]
    fn a_comma_between_parentheses_is_not_where_the_message_begins() {
        let revisions = parse_history("<base> -> a (one, two), first (of, two)").expect("notation");
        let labels: Vec<&str> =
            revisions[0].branch_labels.iter().map(BranchLabel::as_str).collect();
        assert_eq!(labels, ["one", "two"]);
        assert_eq!(revisions[0].message, "first (of, two)");
    }

    #[test]
    fn a_line_without_an_arrow_is_an_error_with_its_number() {
        let error = parse_history("<base> -> a\n\nb").expect_err("no arrow");
        assert_eq!((error.line, error.text.as_str()), (3, "b"));
    }
}
