//! From a node to the place in its file that a finding points at.

use super::Location;
use crate::revision::Node;
use crate::script::{Field, History, ScriptProblem, Span};
use crate::tree::RepoPath;

/// The value of `revision`, or the file where it has none.
pub fn revision_of(history: &History, node: Node) -> Location {
    place(history, node, history.script(node).header.revision.as_ref())
}

/// The value of `down_revision`.
pub fn down_revision_of(history: &History, node: Node) -> Location {
    place(history, node, history.script(node).header.down_revision.as_ref())
}

/// The value of `depends_on`.
pub fn depends_on_of(history: &History, node: Node) -> Location {
    place(history, node, history.script(node).header.depends_on.as_ref())
}

/// The value of `branch_labels`.
pub fn branch_labels_of(history: &History, node: Node) -> Location {
    place(history, node, history.script(node).header.branch_labels.as_ref())
}

/// Where an operation begins: its first line is enough to know it by.
pub fn of_operation(path: &RepoPath, bytes: &[u8], line: u32, span: &Span) -> Location {
    let text = bytes.get(span.clone()).unwrap_or_default();
    let first = text.split(|&byte| matches!(byte, b'\n' | b'\r')).next().unwrap_or_default();
    let end = span.start + first.trim_ascii_end().len();
    Location::at(path.clone(), line, &(span.start..end))
}

/// Where a file's problem was seen.
pub fn of_problem(problem: &ScriptProblem) -> Location {
    Location {
        path: problem.path.clone(),
        line: problem.line,
        span: problem.span.as_ref().map(|span| (span.start, span.end)),
    }
}

/// Whether another file with the same id, later in file order, stands for it:
/// such a script is DBM003 and nothing else.
pub fn is_shadowed(history: &History, node: Node) -> bool {
    history.graph.node(history.id(node).as_str()) != Some(node)
}

fn place(history: &History, node: Node, field: Option<&Field>) -> Location {
    let path = history.script(node).file.path.clone();
    match field {
        Some(field) => Location::at(path, field.line, &field.span),
        None => Location::file(path),
    }
}
