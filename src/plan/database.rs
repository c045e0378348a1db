//! What the version rows of a database mean, held against the checked-out files.

use std::collections::HashMap;

use crate::revision::{Divergence, Node, RevisionGraph, RevisionId, walk};

/// The state of a database, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DatabaseState {
    Unreachable,
    /// The files have errors.
    Broken,
    /// The database names revisions that the files don't have.
    Foreign,
    /// Revisions below its rows are known never to have run.
    Skipped,
    /// One row is an ancestor of another.
    Overlapping,
    /// Of revisions below its rows nothing is known.
    Unknown,
    /// The heads of the files are diverged.
    Diverged,
    NoRevision,
    Behind,
    UpToDate,
}

impl DatabaseState {
    /// The name in the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Broken => "broken",
            Self::Foreign => "foreign",
            Self::Skipped => "skipped",
            Self::Overlapping => "overlapping",
            Self::Unknown => "unknown",
            Self::Diverged => "diverged",
            Self::NoRevision => "no-revision",
            Self::Behind => "behind",
            Self::UpToDate => "up-to-date",
        }
    }
}

/// A database's rows in the light of a graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseView {
    pub state: DatabaseState,
    /// The rows, as the database has them.
    pub current: Vec<String>,
    /// Rows that the files don't have.
    pub foreign: Vec<String>,
    /// Pairs of rows of which the first is an ancestor of the second.
    pub overlapping: Vec<(RevisionId, RevisionId)>,
    /// Not applied, on the way to the heads, in the order they would run.
    pub pending: Vec<Node>,
    /// Everything that the rows say has run.
    pub applied: Vec<bool>,
}

/// Judges `rows` by `graph`. `is_broken` says that the files have errors.
pub fn judge_database(
    graph: &RevisionGraph,
    divergences: &[Divergence],
    is_broken: bool,
    rows: &[String],
) -> DatabaseView {
    let known: Vec<Node> = rows.iter().filter_map(|row| graph.node(row)).collect();
    let foreign: Vec<String> = rows.iter().filter(|r| graph.node(r).is_none()).cloned().collect();
    let applied = graph.ancestors_with_dependencies(known.iter().copied());
    let wanted = graph.ancestors_with_dependencies(graph.heads());
    let missing: Vec<Node> =
        (0..graph.len()).filter(|&node| wanted[node] && !applied[node]).collect();
    let pending = walk::topological(graph.len(), &missing, |n| graph.below(n)).unwrap_or(missing);
    let overlapping = overlapping(graph, &known);
    let state = if is_broken {
        DatabaseState::Broken
    } else if !foreign.is_empty() {
        DatabaseState::Foreign
    } else if !overlapping.is_empty() {
        DatabaseState::Overlapping
    } else if !divergences.is_empty() {
        DatabaseState::Diverged
    } else if rows.is_empty() && !graph.is_empty() {
        DatabaseState::NoRevision
    } else if !pending.is_empty() {
        DatabaseState::Behind
    } else {
        DatabaseState::UpToDate
    };
    DatabaseView { state, current: rows.to_vec(), foreign, overlapping, pending, applied }
}

fn overlapping(graph: &RevisionGraph, rows: &[Node]) -> Vec<(RevisionId, RevisionId)> {
    let mut pairs = Vec::new();
    let below: HashMap<Node, Vec<bool>> =
        rows.iter().map(|&row| (row, graph.ancestors_with_dependencies([row]))).collect();
    for &low in rows {
        for &high in rows {
            if low != high && below[&high][low] {
                pairs.push((graph.revision(low).id.clone(), graph.revision(high).id.clone()));
            }
        }
    }
    pairs
}

/// The rows that a database has once everything up to the heads has run: the
/// heads that nothing else depends on (ALEMBIC.md 1.5).
pub fn rows_at_heads(graph: &RevisionGraph) -> Vec<String> {
    let mut rows: Vec<String> =
        graph.ids(graph.real_heads()).iter().map(ToString::to_string).collect();
    rows.sort();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revision::{HeadPolicy, divergences, parse_history};

    #[track_caller]
    fn check(history: &str, rows: &[&str], state: DatabaseState, pending: &[&str]) {
        let (graph, _) = RevisionGraph::build(parse_history(history).expect("notation"));
        let diverged = divergences(&graph, |_| 0, HeadPolicy::Auto);
        let rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
        let view = judge_database(&graph, &diverged, false, &rows);
        let found: Vec<String> = graph.ids(view.pending).iter().map(ToString::to_string).collect();
        assert_eq!((view.state, found), (state, pending.iter().map(ToString::to_string).collect()));
    }

    #[test]
    fn rows_are_held_against_the_graph() {
        let line = "<base> -> a\na -> b\nb -> c";
        check(line, &["c"], DatabaseState::UpToDate, &[]);
        check(line, &["a"], DatabaseState::Behind, &["b", "c"]);
        check(line, &[], DatabaseState::NoRevision, &["a", "b", "c"]);
        check(line, &["x"], DatabaseState::Foreign, &["a", "b", "c"]);
        check(line, &["c", "a"], DatabaseState::Overlapping, &[]);
        check("<base> -> a\na -> b\na -> c", &["b"], DatabaseState::Diverged, &["c"]);
    }

    #[test]
    fn a_dependency_that_ran_is_not_pending() {
        check("<base> -> a\n<base> (a) -> b (x)", &["b"], DatabaseState::UpToDate, &[]);
    }
}
