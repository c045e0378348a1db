//! What becomes of a database when another branch is checked out.

use super::super::database::{DatabaseState, DatabaseView, FilesState, judge_database};
use super::super::ledger::Snapshot;
use super::bounds::{Bounds, Pruning, prune};
use super::kept::{DatabaseSnapshot, SnapshotId, SnapshotKind};
use crate::revision::RevisionId;

/// Nobody waits longer than that for a `git switch`.
const LIMIT_MILLIS: u64 = 2000;

/// To start Python, and to have alembic do one thing.
const ALEMBIC_MILLIS: u64 = 550;

/// Bytes in a millisecond, on a slow machine: a database copied, as a file or by its server.
const COPIED: u64 = 60_000;

/// The same of a SQLite file that is put back, row by row.
const PUT_BACK: u64 = 30_000;

/// What a server needs to make a database, however small.
const SERVER_MILLIS: u64 = 300;

/// Bytes in a millisecond that a dump tool reads of a database, with its tables locked.
const DUMPED: u64 = 10_000;

/// The same of a dump that a server takes in, statement by statement.
const LOADED: u64 = 2_500;

/// To start the tools, to take the locks, and to be sure that nobody has written meanwhile.
const DUMP_MILLIS: u64 = 400;

/// What a dump tool asks a server about a table, however small.
const TABLE_DUMPED: u64 = 10;

/// What a server needs to drop a table and to make it anew, with its indexes.
const TABLE_MADE: u64 = 50;

/// All that decides about a database at a switch of branches.
#[derive(Clone, Copy)]
pub struct SwitchFacts<'a> {
    /// The branch that was left; `None` where nobody knows.
    pub left: Option<&'a str>,
    pub entered: &'a str,
    /// The files of the entered branch, and what was not committed.
    pub files: &'a Snapshot,
    /// The database as it is, by those files.
    pub live: &'a DatabaseView,
    pub kind: SnapshotKind,
    pub bytes: u64,
    /// How many tables there are, where that makes a difference.
    pub tables: u64,
    /// What has run there and is in no commit: it has come along.
    pub uncommitted: &'a [RevisionId],
    /// Those of this database.
    pub snapshots: &'a [DatabaseSnapshot],
    /// Those of all databases of the clone.
    pub all: &'a [DatabaseSnapshot],
    /// Those that can be switched to.
    pub branches: &'a [String],
    pub bounds: Bounds,
}

/// What is done about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwitchPlan {
    /// The database serves the entered branch as it is.
    Stay,
    /// What is there is kept for the branch that was left, and the snapshot takes its place.
    Swap { restored: SnapshotId, pruning: Pruning },
    /// What is there is kept, and what the entered branch lacks is taken down.
    Descend { pruning: Pruning },
    /// What is there is kept, and a person takes it down: alembic would take too long.
    Keep { pruning: Pruning },
    /// Nothing now: a person decides.
    Delay(SwitchDelay),
}

/// Why a hook leaves a database as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SwitchDelay {
    /// They belong to whoever wrote them, on whichever branch.
    Uncommitted { revisions: Vec<RevisionId> },
    /// `restored` would come back.
    TooSlow { millis: u64, restored: Option<SnapshotId> },
    /// The entered branch's snapshot has run what is not in its files: stashed, say.
    Waiting { snapshot: SnapshotId, revisions: Vec<String> },
    /// The bounds leave no room, whatever goes.
    NoRoom { bytes: u64 },
}

/// Decides what a switch means for a database.
pub fn plan_switch(facts: &SwitchFacts<'_>) -> SwitchPlan {
    let is_left_behind = !facts.live.foreign.is_empty();
    let returning = returning(facts).filter(|s| is_left_behind || brings_more(s, facts));
    let is_settled = facts.left == Some(facts.entered)
        || facts.live.state == DatabaseState::Broken
        || !is_left_behind && returning.is_none();
    if is_settled {
        return waiting(facts).map_or(SwitchPlan::Stay, SwitchPlan::Delay);
    }
    if !facts.uncommitted.is_empty() {
        let revisions = facts.uncommitted.to_vec();
        return SwitchPlan::Delay(SwitchDelay::Uncommitted { revisions });
    }
    let restored = returning.map(|snapshot| snapshot.id);
    let millis = copying_millis(facts, returning);
    if millis > LIMIT_MILLIS {
        return SwitchPlan::Delay(SwitchDelay::TooSlow { millis, restored });
    }
    let pruning = make_room(facts, restored);
    if !pruning.is_enough {
        return SwitchPlan::Delay(SwitchDelay::NoRoom { bytes: facts.bytes });
    }
    match restored {
        Some(restored) => SwitchPlan::Swap { restored, pruning },
        None if millis + alembic_millis(facts) > LIMIT_MILLIS => SwitchPlan::Keep { pruning },
        None => SwitchPlan::Descend { pruning },
    }
}

/// The entered branch's newest snapshot, if the files know all that has run in it.
fn returning<'a>(facts: &SwitchFacts<'a>) -> Option<&'a DatabaseSnapshot> {
    newest(facts).filter(|s| judged(s, facts.files).foreign.is_empty())
}

/// The entered branch's newest snapshot, if it cannot come back with these files, though
/// nothing else is in its way.
fn waiting(facts: &SwitchFacts<'_>) -> Option<SwitchDelay> {
    let is_elsewhere = facts.left == Some(facts.entered) || !facts.live.foreign.is_empty();
    let newest = newest(facts).filter(|_| !is_elsewhere)?;
    let revisions = judged(newest, facts.files).foreign;
    (!revisions.is_empty()).then_some(SwitchDelay::Waiting { snapshot: newest.id, revisions })
}

fn newest<'a>(facts: &SwitchFacts<'a>) -> Option<&'a DatabaseSnapshot> {
    facts.snapshots.iter().filter(|s| s.is_of_branch(facts.entered)).max_by_key(|s| s.id)
}

/// Whether anything has run in the snapshot that has not run in the database.
fn brings_more(snapshot: &DatabaseSnapshot, facts: &SwitchFacts<'_>) -> bool {
    let there = judged(snapshot, facts.files).applied;
    there.iter().zip(&facts.live.applied).any(|(&there, &here)| there && !here)
}

fn judged(snapshot: &DatabaseSnapshot, files: &Snapshot) -> DatabaseView {
    let state = FilesState { divergences: &[], is_broken: false };
    judge_database(files, state, &snapshot.rows, &snapshot.ledger)
}

fn make_room(facts: &SwitchFacts<'_>, restored: Option<SnapshotId>) -> Pruning {
    // What comes back makes room by itself.
    let others: Vec<DatabaseSnapshot> =
        facts.all.iter().filter(|s| Some(s.id) != restored).cloned().collect();
    prune(&others, facts.branches, facts.bounds, Some(facts.bytes), &[])
}

/// How long it takes to keep what is there and to bring `returning` back, on a machine
/// that is not fast.
fn copying_millis(facts: &SwitchFacts<'_>, returning: Option<&DatabaseSnapshot>) -> u64 {
    let copying = facts.bytes / COPIED;
    match (facts.kind, returning) {
        // Two names change, however much is behind them.
        (SnapshotKind::Database, Some(_)) => SERVER_MILLIS,
        (SnapshotKind::Database, None) => SERVER_MILLIS + copying,
        (SnapshotKind::File, Some(back)) => copying + back.bytes / PUT_BACK,
        (SnapshotKind::File, None) => copying,
        (SnapshotKind::Dump, Some(back)) => {
            // All rows are read once more for their sums, and the snapshot has as many tables.
            dumping_millis(facts)
                + facts.bytes / DUMPED
                + facts.tables * TABLE_MADE
                + back.bytes / LOADED
        }
        (SnapshotKind::Dump, None) => dumping_millis(facts),
    }
}

fn dumping_millis(facts: &SwitchFacts<'_>) -> u64 {
    DUMP_MILLIS + facts.bytes / DUMPED + facts.tables * TABLE_DUMPED
}

/// How long alembic takes to say where it is, and to take each revision down.
fn alembic_millis(facts: &SwitchFacts<'_>) -> u64 {
    let runs = u64::try_from(facts.live.foreign.len()).unwrap_or(u64::MAX).saturating_add(1);
    runs.saturating_mul(ALEMBIC_MILLIS)
}
