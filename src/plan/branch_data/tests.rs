//! Switches in notation: what the files say, what has run, what is kept.

use super::*;
use crate::plan::{
    BodyHash, Evidence, FilesState, Ledger, Observation, SeenScript, Snapshot, judge_database,
};
use crate::revision::{RevisionId, parse_history};
use crate::tree::RepoPath;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Everything that anybody may have, on whichever branch.
const ALL: &str = "<base> -> a\na -> f\nf -> g\ng -> h\na -> m";

fn files(notation: &str) -> Snapshot {
    let revisions = parse_history(notation).expect("notation");
    let scripts = revisions
        .iter()
        .map(|revision| SeenScript {
            path: RepoPath::new(&format!("versions/{}.py", revision.id)).expect("inside"),
            body: BodyHash::from_hex(revision.id.as_str()),
            is_empty: false,
        })
        .collect();
    Snapshot::build(revisions, scripts)
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

/// What is known of a database in which `ran` ran, of which the last is its row.
fn ledger(ran: &str) -> (Vec<String>, Ledger) {
    let all = files(ALL);
    let entry = |id: &String| all.entry(all.graph.node(id).expect("a revision"), Evidence::Ran);
    let ids = words(ran);
    let rows: Vec<String> = ids.last().cloned().into_iter().collect();
    let seen = Some(Observation { rows: rows.clone(), ..Observation::default() });
    let entries = ids.iter().map(entry).collect();
    (rows, Ledger { seen, entries, ..Ledger::default() })
}

/// `1 main: a m`, with a megabyte of data; `1 =name: a` for one that has a name.
fn snapshots(text: &str) -> Vec<DatabaseSnapshot> {
    let snapshot = |line: &str| {
        let (head, ran) = line.split_once(':').expect("what ran");
        let (id, title) = head.split_once(' ').expect("a title");
        let id: i64 = id.parse().expect("a number");
        let (rows, ledger) = ledger(ran);
        let name = title.strip_prefix('=').map(str::to_owned);
        DatabaseSnapshot {
            id: SnapshotId(id),
            branch: name.is_none().then(|| title.to_owned()),
            name,
            commit: None,
            component: "default".to_owned(),
            database: "sqlite:///db".to_owned(),
            identity: "db".to_owned(),
            kind: SnapshotKind::File,
            place: format!("{id}.db"),
            rows,
            ledger,
            bytes: MIB,
            created_at: id,
        }
    };
    text.lines().map(snapshot).collect()
}

struct Case<'a> {
    switch: &'a str,
    files: &'a str,
    ran: &'a str,
    kept: &'a str,
    uncommitted: &'a [&'a str],
    kind: SnapshotKind,
    bytes: u64,
    tables: u64,
    bounds: Bounds,
}

const ON_MAIN: &str = "<base> -> a\na -> m";
const ON_FEATURE: &str = "<base> -> a\na -> f";

impl Default for Case<'_> {
    fn default() -> Self {
        Self {
            switch: "feature -> main",
            files: ON_MAIN,
            ran: "a f",
            kept: "",
            uncommitted: &[],
            kind: SnapshotKind::File,
            bytes: KIB,
            tables: 3,
            bounds: Bounds::default(),
        }
    }
}

fn shown(plan: &SwitchPlan) -> String {
    let going = |pruning: &Pruning| {
        let going: Vec<String> = pruning.dropped.iter().map(ToString::to_string).collect();
        if going.is_empty() { String::new() } else { format!(", dropping {}", going.join(" ")) }
    };
    match plan {
        SwitchPlan::Stay => "stay".to_owned(),
        SwitchPlan::Swap { restored, pruning } => format!("swap {restored}{}", going(pruning)),
        SwitchPlan::Descend { pruning } => format!("descend{}", going(pruning)),
        SwitchPlan::Keep { pruning } => format!("keep{}", going(pruning)),
        SwitchPlan::Delay(SwitchDelay::Uncommitted { .. }) => "uncommitted".to_owned(),
        SwitchPlan::Delay(SwitchDelay::TooSlow { restored: Some(id), .. }) => {
            format!("too slow for {id}")
        }
        SwitchPlan::Delay(SwitchDelay::TooSlow { .. }) => "too slow".to_owned(),
        SwitchPlan::Delay(SwitchDelay::Waiting { snapshot, revisions }) => {
            format!("{snapshot} waits for {}", revisions.join(" "))
        }
        SwitchPlan::Delay(SwitchDelay::NoRoom { .. }) => "no room".to_owned(),
    }
}

#[track_caller]
fn check(case: &Case<'_>, expected: &str) {
    let files = files(case.files);
    let (left, entered) = case.switch.split_once(" -> ").expect("an arrow");
    let (rows, ledger) = ledger(case.ran);
    let sound = FilesState { divergences: &[], is_broken: false };
    let live = judge_database(&files, sound, &rows, &ledger);
    let uncommitted: Vec<RevisionId> =
        case.uncommitted.iter().map(|id| RevisionId::new(*id).expect("an id")).collect();
    let kept = snapshots(case.kept);
    let facts = SwitchFacts {
        left: (left != "?").then_some(left),
        entered,
        files: &files,
        live: &live,
        kind: case.kind,
        bytes: case.bytes,
        tables: case.tables,
        uncommitted: &uncommitted,
        snapshots: &kept,
        all: &kept,
        branches: &words("main feature other"),
        bounds: case.bounds,
    };
    assert_eq!(shown(&plan_switch(&facts)), expected);
}

#[test]
fn a_database_that_serves_both_branches_stays() {
    check(&Case { ran: "a", ..Case::default() }, "stay");
    check(&Case { ran: "a m", kept: "1 main: a m", ..Case::default() }, "stay");
    let case = Case { switch: "main -> feature", files: ON_FEATURE, ..Case::default() };
    check(&Case { ran: "a", ..case }, "stay");
}

#[test]
fn what_the_entered_branch_lacks_is_kept_and_then_taken_down_or_swapped() {
    check(&Case::default(), "descend");
    check(&Case { kept: "1 main: a m", ..Case::default() }, "swap 1");
    // The newest is what the branch was left with.
    check(&Case { kept: "1 main: a\n2 main: a m", ..Case::default() }, "swap 2");
    // What a person has named is no branch's.
    check(&Case { kept: "1 =main: a m", ..Case::default() }, "descend");
}

#[test]
fn back_on_the_branch_its_data_come_back() {
    let case = || Case { switch: "main -> feature", files: ON_FEATURE, ..Case::default() };
    check(&Case { ran: "a", kept: "1 feature: a f", ..case() }, "swap 1");
    // The database was never brought in line: it has what the branch had, and what was done since.
    check(&Case { ran: "a f", kept: "1 feature: a f", ..case() }, "stay");
    // Detached in between, nobody knows of which branch it was.
    check(&Case { switch: "? -> feature", ran: "a", kept: "1 feature: a f", ..case() }, "swap 1");
    check(&Case { switch: "feature -> feature", ..Case::default() }, "stay");
}

#[test]
fn a_snapshot_with_revisions_that_are_not_here_waits() {
    let case = || Case { switch: "main -> feature", files: ON_FEATURE, ..Case::default() };
    check(&Case { ran: "a", kept: "1 feature: a f g", ..case() }, "1 waits for g");
    check(&Case { ran: "a m", kept: "1 feature: a f g", ..case() }, "descend");
}

#[test]
fn what_is_uncommitted_goes_with_its_author() {
    let with_f = "<base> -> a\na -> f";
    check(&Case { files: with_f, uncommitted: &["f"], ..Case::default() }, "stay");
    let case = || Case { uncommitted: &["m"], ran: "a m f", ..Case::default() };
    check(&case(), "uncommitted");
    check(&Case { kept: "1 main: a m", ..case() }, "uncommitted");
}

#[test]
fn a_hook_takes_on_what_is_done_in_two_seconds() {
    check(&Case { bytes: 20 * MIB, ..Case::default() }, "descend");
    check(&Case { bytes: 80 * MIB, ..Case::default() }, "keep");
    check(&Case { bytes: 200 * MIB, ..Case::default() }, "too slow");
    // Each one that goes down is a Python that has to start.
    check(&Case { ran: "a f g h", ..Case::default() }, "keep");
    let kept = "1 main: a m";
    check(&Case { ran: "a f g h", kept, ..Case::default() }, "swap 1");
    check(&Case { bytes: 200 * MIB, kept, ..Case::default() }, "too slow for 1");
    // On a server names are changed, not rows.
    let kind = SnapshotKind::Database;
    let bounds = Bounds { bytes: u64::MAX, ..Bounds::default() };
    check(&Case { bytes: 900 << 30, kept, kind, bounds, ..Case::default() }, "swap 1");
    check(&Case { bytes: 200 * MIB, kind, ..Case::default() }, "too slow");
    // A dump is written and read statement by statement.
    let kind = SnapshotKind::Dump;
    check(&Case { bytes: MIB, kind, ..Case::default() }, "descend");
    check(&Case { bytes: 8 * MIB, kind, ..Case::default() }, "keep");
    check(&Case { bytes: 20 * MIB, kind, ..Case::default() }, "too slow");
    check(&Case { bytes: MIB, kept, kind, ..Case::default() }, "swap 1");
    check(&Case { bytes: 8 * MIB, kept, kind, ..Case::default() }, "too slow for 1");
    // Each table is dropped and made anew.
    check(&Case { tables: 15, kept, kind, ..Case::default() }, "swap 1");
    check(&Case { tables: 25, kept, kind, ..Case::default() }, "too slow for 1");
    check(&Case { tables: 40, kind, ..Case::default() }, "descend");
    check(&Case { tables: 400, kind, ..Case::default() }, "too slow");
}

#[test]
fn the_bounds_hold_and_what_comes_back_makes_room() {
    let bounds = |count, bytes| Bounds { count, bytes };
    let kept = "1 other: a\n2 main: a m\n3 feature: a f";
    check(&Case { kept, bounds: bounds(3, MIB * 9), ..Case::default() }, "swap 2");
    check(&Case { kept, bounds: bounds(2, MIB * 9), ..Case::default() }, "swap 2, dropping 1");
    check(&Case { kept, bounds: bounds(1, MIB * 9), ..Case::default() }, "swap 2, dropping 1 3");
    check(&Case { kept, bounds: bounds(9, 1), ..Case::default() }, "no room");
    let named = "1 =before: a\n2 =after: a m";
    check(&Case { kept: named, bounds: bounds(2, MIB * 9), ..Case::default() }, "no room");
}

#[track_caller]
fn check_pruning(kept: &str, count: usize, spared: &[i64], expected: &str) {
    let spared: Vec<SnapshotId> = spared.iter().copied().map(SnapshotId).collect();
    let bounds = Bounds { count, bytes: u64::MAX };
    let pruning = prune(&snapshots(kept), &words("main feature"), bounds, None, &spared);
    let dropped: Vec<String> = pruning.dropped.iter().map(ToString::to_string).collect();
    let enough = if pruning.is_enough { "" } else { " and not enough" };
    assert_eq!(format!("{}{enough}", dropped.join(" ")), expected);
}

#[test]
fn what_nothing_would_bring_back_goes_first_and_then_the_oldest() {
    let kept = "1 main: a\n2 gone: a\n3 feature: a\n4 feature: a f\n5 =name: a";
    check_pruning(kept, 5, &[], "");
    check_pruning(kept, 4, &[], "3");
    check_pruning(kept, 3, &[], "3 2");
    check_pruning(kept, 2, &[], "3 2 1");
    check_pruning(kept, 2, &[1], "3 2 4");
    check_pruning(kept, 0, &[4], "3 2 1 and not enough");
    let worn: Vec<i64> =
        worn_out(&snapshots(kept), &words("main feature")).iter().map(|id| id.0).collect();
    assert_eq!(worn, [2, 3]);
}

#[test]
fn a_snapshot_is_found_by_name_by_branch_and_by_number() {
    let kept = snapshots("1 main: a\n2 main: a m\n3 =main: a\n4 =7: a\n7 feature: a f");
    let found = |meant| find_snapshot(&kept, meant).map(|snapshot| snapshot.id.0);
    assert_eq!(found("main"), Some(3));
    assert_eq!(found("feature"), Some(7));
    assert_eq!(found("7"), Some(4));
    assert_eq!(found("2"), Some(2));
    assert_eq!(found("8"), None);
}

#[test]
fn sizes_are_written_as_in_git() {
    assert_eq!(parse_bytes("500"), Some(500));
    assert_eq!(parse_bytes("3k"), Some(3 * KIB));
    assert_eq!(parse_bytes(" 5M "), Some(5 * MIB));
    assert_eq!(parse_bytes("2g"), Some(2 << 30));
    for wrong in ["", "g", "1gg", "-1", "much"] {
        assert_eq!(parse_bytes(wrong), None, "{wrong}");
    }
}
