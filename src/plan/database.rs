//! What the version rows of a database mean, held against the checked-out
//! files and against what is known to have run.

use super::ledger::{Ledger, LedgerEntry, Matching, Snapshot, Verdict};
use crate::revision::{Divergence, Node, RevisionGraph, RevisionId, walk};

/// The state of a database, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DatabaseState {
    Unreachable,
    /// The files have errors.
    Broken,
    /// The database has run, or names, revisions that the files don't have.
    Foreign,
    /// Revisions below its rows are known never to have run.
    Skipped,
    /// The rows are not those of what ran: one is an ancestor of another, or
    /// they name it otherwise.
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
    /// All of them, the gravest first.
    pub const ALL: [Self; 10] = [
        Self::Unreachable,
        Self::Broken,
        Self::Foreign,
        Self::Skipped,
        Self::Overlapping,
        Self::Unknown,
        Self::Diverged,
        Self::NoRevision,
        Self::Behind,
        Self::UpToDate,
    ];

    /// Their names in the JSON contract.
    pub fn names() -> [&'static str; 10] {
        Self::ALL.map(Self::name)
    }

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

/// A database's rows in the light of a graph and a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseView {
    pub state: DatabaseState,
    /// The rows, as the database has them.
    pub current: Vec<String>,
    /// What it names, or has run, and the files don't have.
    pub foreign: Vec<String>,
    /// Pairs of rows of which the first is an ancestor of the second.
    pub overlapping: Vec<(RevisionId, RevisionId)>,
    /// Below the rows, and known never to have run; in the order they would run.
    pub skipped: Vec<Node>,
    /// Nobody knows whether they ran.
    pub unknown: Vec<Node>,
    /// Not applied, on the way to the heads, in the order they would run.
    pub pending: Vec<Node>,
    /// What has run, as far as anybody knows.
    pub applied: Vec<bool>,
    /// Which entry of the ledger is which revision of the files.
    pub matching: Matching,
}

/// What the files are like, beside their graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FilesState<'a> {
    pub divergences: &'a [Divergence],
    /// They have errors.
    pub is_broken: bool,
}

/// Judges `rows` by the files and by what is known to have run.
pub fn judge_database(
    snapshot: &Snapshot,
    files: FilesState<'_>,
    rows: &[String],
    ledger: &Ledger,
) -> DatabaseView {
    let graph = &snapshot.graph;
    let entries = &ledger.entries;
    let matching = Matching::new(entries, snapshot);
    // Rows that no graph explains so far say of each revision what alembic would say.
    let is_explained = ledger.seen.as_ref().is_some_and(|seen| seen.rows == rows);
    let by_rows = snapshot.applied(rows);
    let verdicts: Vec<Verdict> = (0..graph.len())
        .map(|node| match matching.verdict(node, entries) {
            Verdict::NotApplied if !is_explained && by_rows[node] => Verdict::Applied,
            verdict => verdict,
        })
        .collect();
    let applied: Vec<bool> = verdicts.iter().map(|&v| v == Verdict::Applied).collect();

    let foreign = foreign(graph, rows, entries, &matching);
    let known: Vec<Node> = rows
        .iter()
        .filter(|row| !foreign.contains(row))
        .filter_map(|row| graph.node(row))
        .collect();
    // What alembic takes for applied, and what lies below anything that ran.
    let tops = known.iter().copied().chain((0..graph.len()).filter(|&n| applied[n]));
    let claimed = graph.ancestors_with_dependencies(tops);
    let wanted = graph.ancestors_with_dependencies(graph.heads());
    let select = |is_in: &dyn Fn(Node) -> bool| -> Vec<Node> {
        let set: Vec<bool> = (0..graph.len()).map(is_in).collect();
        snapshot.in_order(&set)
    };
    let skipped = select(&|n| claimed[n] && verdicts[n] == Verdict::NotApplied);
    let unknown = select(&|n| verdicts[n] == Verdict::Unknown && (claimed[n] || wanted[n]));
    let missing: Vec<Node> = (0..graph.len())
        .filter(|&n| wanted[n] && !claimed[n] && verdicts[n] == Verdict::NotApplied)
        .collect();
    let pending = walk::topological(graph.len(), &missing, |n| graph.below(n)).unwrap_or(missing);
    let overlapping = overlapping(graph, &known);
    let is_untidy = rows_of(graph, &applied) != rows;
    let state = if files.is_broken {
        DatabaseState::Broken
    } else if !foreign.is_empty() {
        DatabaseState::Foreign
    } else if !skipped.is_empty() {
        DatabaseState::Skipped
    } else if !overlapping.is_empty() || is_untidy && unknown.is_empty() {
        DatabaseState::Overlapping
    } else if !unknown.is_empty() {
        DatabaseState::Unknown
    } else if !files.divergences.is_empty() {
        DatabaseState::Diverged
    } else if rows.is_empty() && !graph.is_empty() {
        DatabaseState::NoRevision
    } else if !pending.is_empty() {
        DatabaseState::Behind
    } else {
        DatabaseState::UpToDate
    };
    let current = rows.to_vec();
    DatabaseView {
        state,
        current,
        foreign,
        overlapping,
        skipped,
        unknown,
        pending,
        applied,
        matching,
    }
}

/// Rows that are no revision of the files, and what ran and is none either.
/// What did nothing when it ran has left nothing behind.
fn foreign(
    graph: &RevisionGraph,
    rows: &[String],
    entries: &[LedgerEntry],
    matching: &Matching,
) -> Vec<String> {
    let mut foreign: Vec<String> =
        rows.iter().filter(|row| graph.node(row).is_none()).cloned().collect();
    for (entry, node) in entries.iter().zip(&matching.node_of) {
        let id = entry.revision.as_str();
        let is_residue = node.is_none() && entry.is_known() && !entry.is_empty;
        if is_residue && !foreign.iter().any(|f| f == id) {
            foreign.push(id.to_owned());
        }
    }
    foreign
}

fn overlapping(graph: &RevisionGraph, rows: &[Node]) -> Vec<(RevisionId, RevisionId)> {
    let mut pairs = Vec::new();
    for &high in rows {
        let below = graph.ancestors_with_dependencies([high]);
        for &low in rows {
            if low != high && below[low] {
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

/// The rows that stand for a set of applied revisions: those that nothing else
/// in it builds on, as the graph has it.
pub fn rows_of(graph: &RevisionGraph, applied: &[bool]) -> Vec<String> {
    let covered = walk::reachable(
        graph.len(),
        (0..graph.len()).filter(|&n| applied[n]).flat_map(|n| graph.below(n).iter().copied()),
        |n| graph.below(n),
    );
    let mut rows: Vec<String> = (0..graph.len())
        .filter(|&n| applied[n] && !covered[n])
        .map(|n| graph.revision(n).id.to_string())
        .collect();
    rows.sort();
    rows
}
