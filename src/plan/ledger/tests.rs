//! The stories of the ledger, in notation: which rows were seen, what the files
//! said then, and what is believed to have run afterwards.

use super::*;
use crate::plan::{DatabaseState, FilesState, Fingerprint, Observation, Proof, judge_database};
use crate::revision::parse_history;
use crate::tree::RepoPath;

/// The files of a moment. `id=body` gives a script another body than its id's.
fn files(notation: &str) -> Snapshot {
    files_with(notation, &[])
}

fn files_with(notation: &str, bodies: &[(&str, &str)]) -> Snapshot {
    let revisions = parse_history(notation).expect("notation");
    let scripts = revisions
        .iter()
        .map(|revision| {
            let id = revision.id.as_str();
            let body = bodies.iter().find(|(of, _)| *of == id).map_or(id, |(_, body)| body);
            SeenScript {
                path: RepoPath::new(&format!("versions/{id}_{body}.py")).expect("inside"),
                body: BodyHash::from_hex(body),
                is_empty: body == "nothing",
            }
        })
        .collect();
    Snapshot::build(revisions, scripts)
}

/// What a look sees: `a, b` or nothing, in a database that is otherwise the same.
fn rows(text: &str) -> Observation {
    seen(text, "db", text)
}

fn seen(text: &str, identity: &str, content: &str) -> Observation {
    Observation {
        rows: text.split(", ").filter(|row| !row.is_empty()).map(str::to_owned).collect(),
        fingerprint: Fingerprint { identity: identity.to_owned(), content: content.to_owned() },
    }
}

/// A ledger that grows look by look.
struct Story {
    ledger: Ledger,
    now: Observation,
}

impl Story {
    fn begin() -> Self {
        Self { ledger: Ledger::default(), now: Observation::default() }
    }

    /// A look with exactly one graph that alembic can have had.
    fn looks(self, now: Observation, files: &Snapshot) -> Self {
        self.looks_with(now, &[vec![files]], files)
    }

    fn looks_with(self, now: Observation, tiers: &[Vec<&Snapshot>], current: &Snapshot) -> Self {
        Self { ledger: explain(&self.ledger, &now, tiers, current), now }
    }

    /// State, skipped, unknown and foreign, as `status` would have them.
    #[track_caller]
    fn is(self, files: &Snapshot, state: DatabaseState, lists: [&str; 3]) -> Self {
        let sound = FilesState { divergences: &[], is_broken: false };
        let view = judge_database(files, sound, &self.now.rows, &self.ledger);
        let ids = |nodes: &[usize]| {
            nodes.iter().map(|&n| files.id(n).to_string()).collect::<Vec<_>>().join(" ")
        };
        let found = [ids(&view.skipped), ids(&view.unknown), view.foreign.join(" ")];
        assert_eq!((view.state, found.each_ref().map(String::as_str)), (state, lists));
        self
    }
}

//  a ── f          a ── m ── f
const BEFORE: &str = "<base> -> a\na -> f";
const AFTER: &str = "<base> -> a\na -> m\nm -> f";

#[test]
fn s1_a_rewritten_revision_leaves_what_comes_below_it_skipped() {
    let (before, after) = (files(BEFORE), files(AFTER));
    Story::begin()
        .looks(rows("f"), &before)
        .is(&before, DatabaseState::UpToDate, ["", "", ""])
        .looks(rows("f"), &after)
        .is(&after, DatabaseState::Skipped, ["m", "", ""]);
}

#[test]
fn s2_both_ran_before_the_rewriting() {
    let (before, after) = (files("<base> -> a\na -> f\na -> m"), files(AFTER));
    Story::begin().looks(rows("f, m"), &before).looks(rows("f, m"), &after).is(
        &after,
        DatabaseState::Overlapping,
        ["", "", ""],
    );
}

#[test]
fn s7_what_is_inserted_below_a_row_is_skipped() {
    let (before, after) = (files("<base> -> a\na -> c"), files("<base> -> a\na -> b\nb -> c"));
    Story::begin().looks(rows("c"), &before).looks(rows("c"), &after).is(
        &after,
        DatabaseState::Skipped,
        ["b", "", ""],
    );
}

#[test]
fn alembic_by_hand_grows_and_shrinks_the_set() {
    let after = files(AFTER);
    Story::begin()
        .looks(rows(""), &after)
        .is(&after, DatabaseState::NoRevision, ["", "", ""])
        .looks(rows("f"), &after)
        .is(&after, DatabaseState::UpToDate, ["", "", ""])
        .looks(rows("a"), &after)
        .is(&after, DatabaseState::Behind, ["", "", ""]);
}

#[test]
fn a_downgrade_with_the_new_files_takes_down_what_alembic_takes_down() {
    let (before, after) = (files(BEFORE), files(AFTER));
    Story::begin()
        .looks(rows("f"), &before)
        .looks(rows("f"), &after)
        // `downgrade -1` lands on m, which never ran.
        .looks(rows("m"), &after)
        .is(&after, DatabaseState::Skipped, ["m", "", ""]);
}

#[test]
fn a_switch_there_and_back_forgets_nothing() {
    let (main, feature) = (files("<base> -> a"), files(BEFORE));
    Story::begin()
        .looks(rows("f"), &feature)
        .looks(rows("f"), &main)
        .is(&main, DatabaseState::Foreign, ["", "", "f"])
        .looks(rows("f"), &feature)
        .is(&feature, DatabaseState::UpToDate, ["", "", ""]);
}

#[test]
fn what_ran_and_was_stamped_away_is_unknown_once_its_files_are_back() {
    let (main, feature) = (files("<base> -> a"), files(BEFORE));
    Story::begin()
        .looks(rows("f"), &feature)
        .looks(rows("a"), &main)
        .is(&main, DatabaseState::UpToDate, ["", "", ""])
        .looks(rows("a"), &feature)
        .is(&feature, DatabaseState::Unknown, ["", "f", ""]);
}

#[test]
fn a_database_made_anew_leaves_what_was_skipped_unknown() {
    let (before, after) = (files(BEFORE), files(AFTER));
    Story::begin()
        .looks(seen("f", "first", "1"), &before)
        .looks(seen("f", "first", "1"), &after)
        .is(&after, DatabaseState::Skipped, ["m", "", ""])
        .looks(seen("f", "second", "1"), &after)
        .is(&after, DatabaseState::Unknown, ["", "m", ""]);
}

#[test]
fn a_dropped_database_has_run_nothing() {
    let after = files(AFTER);
    Story::begin()
        .looks(seen("f", "first", "1"), &after)
        .looks(seen("", "second", "1"), &after)
        .is(&after, DatabaseState::NoRevision, ["", "", ""]);
}

#[test]
fn rows_written_by_hand_leave_what_was_skipped_unknown() {
    let (before, after) = (files(BEFORE), files(AFTER));
    Story::begin().looks(seen("f", "db", "1"), &before).looks(seen("f", "db", "2"), &after).is(
        &after,
        DatabaseState::Unknown,
        ["", "m", ""],
    );
}

#[test]
fn what_ran_above_rows_that_were_written_since_may_have_been_taken_down() {
    // Mine is 3 now. Alembic, at 2, goes up to it and down again.
    let before = files_with("<base> -> 1\n1 -> 2", &[("2", "mine")]);
    let after = files_with("<base> -> 1\n1 -> 2\n2 -> 3", &[("2", "theirs"), ("3", "mine")]);
    let story = || Story::begin().looks(rows("2"), &before).looks(rows("2"), &after);
    story().is(&after, DatabaseState::Skipped, ["2", "", ""]);
    story().looks(seen("2", "db", "written"), &after).is(
        &after,
        DatabaseState::Unknown,
        ["", "2 3", ""],
    );
}

#[test]
fn graphs_that_disagree_leave_it_open() {
    let (before, after) = (files(BEFORE), files(AFTER));
    Story::begin().looks_with(rows("f"), &[vec![&after, &before]], &after).is(
        &after,
        DatabaseState::Unknown,
        ["", "m", ""],
    );
    Story::begin().looks_with(rows("f"), &[vec![&before], vec![&after]], &after).is(
        &after,
        DatabaseState::Skipped,
        ["m", "", ""],
    );
}

#[test]
fn rows_that_no_files_explain_wait_for_the_files_that_do() {
    let (before, arrived) = (files(BEFORE), files("<base> -> a\na -> f\nf -> n"));
    Story::begin()
        .looks(rows("f"), &before)
        .looks(rows("n"), &before)
        .is(&before, DatabaseState::Foreign, ["", "", "n"])
        .looks_with(rows("n"), &[vec![&before, &arrived]], &arrived)
        .is(&arrived, DatabaseState::UpToDate, ["", "", ""]);
}

#[test]
fn a_renumbered_revision_is_known_by_what_it_says() {
    // Both people drew 2. Mine, which ran, is 3 now.
    let before = files_with("<base> -> 1\n1 -> 2", &[("2", "mine")]);
    let after = files_with("<base> -> 1\n1 -> 2\n2 -> 3", &[("2", "theirs"), ("3", "mine")]);
    Story::begin().looks(rows("2"), &before).looks(rows("2"), &after).is(
        &after,
        DatabaseState::Skipped,
        ["2", "", ""],
    );
}

#[test]
fn another_script_with_the_same_number_is_another_revision() {
    let mine = files_with("<base> -> 1\n1 -> 2", &[("2", "mine")]);
    let theirs = files_with("<base> -> 1\n1 -> 2", &[("2", "theirs")]);
    Story::begin().looks(rows("2"), &mine).looks(rows("2"), &theirs).is(
        &theirs,
        DatabaseState::Foreign,
        ["", "", "2"],
    );
}

//  1 ── 2 (mine)        1 ── 2 (theirs)
#[test]
fn files_that_the_schema_refutes_are_not_those_that_alembic_had() {
    let mine = files_with("<base> -> 1\n1 -> 2", &[("2", "mine")]);
    let theirs = files_with("<base> -> 1\n1 -> 2", &[("2", "theirs")]);
    let (before, now) = (files("<base> -> 1"), rows("2"));
    let ledger = Story::begin().looks(rows("1"), &before).ledger;
    let tiers = [vec![&mine, &theirs]];
    let all = possibilities(&ledger, &now, &tiers, &mine);
    // The two say that one of them ran; a proof of either tells of both.
    for (body, proof) in [("mine", Proof::DidNotRun), ("theirs", Proof::Ran)] {
        let ledger = all.unrefuted(|entry, _| (entry.body.as_str() == body).then_some(proof));
        let story = Story { ledger, now: now.clone() };
        story.is(&mine, DatabaseState::Foreign, ["", "", "2"]);
    }
    // Nothing is proved; or what somebody has stamped proves all of them wrong.
    for proof in [None, Some(Proof::DidNotRun)] {
        let ledger = all.unrefuted(|_, _| proof);
        Story { ledger, now: now.clone() }.is(&mine, DatabaseState::Unknown, ["", "2", ""]);
    }
}

#[test]
fn files_that_seemed_sure_give_way_to_those_that_the_schema_bears_out() {
    let mine = files_with("<base> -> 1\n1 -> 2", &[("2", "mine")]);
    let arrived = files_with("<base> -> 1\n1 -> 2\n2 -> 3", &[("2", "theirs"), ("3", "mine")]);
    let (before, now) = (files("<base> -> 1"), rows("2"));
    let ledger = Story::begin().looks(rows("1"), &before).ledger;
    let all = possibilities(&ledger, &now, &[vec![&mine], vec![&arrived]], &arrived);
    let ledger = all.unrefuted(|entry, ran| {
        // Each is judged in the database that it would be in.
        assert!(ran.iter().any(|other| other.body.as_str() == "1"));
        (entry.body.as_str() == "mine").then_some(Proof::DidNotRun)
    });
    Story { ledger, now: now.clone() }.is(&arrived, DatabaseState::Behind, ["", "", ""]);
    Story { ledger: all.ledger(), now }.is(&arrived, DatabaseState::Skipped, ["2", "", ""]);
}

#[test]
fn graphs_that_know_a_revision_by_different_numbers_agree_about_it() {
    let before = files_with("<base> -> 1\n1 -> 2", &[("2", "mine")]);
    let after = files_with("<base> -> 1\n1 -> 2\n2 -> 3", &[("2", "theirs"), ("3", "mine")]);
    Story::begin().looks_with(rows("2"), &[vec![&before]], &after).is(
        &after,
        DatabaseState::Skipped,
        ["2", "", ""],
    );
    // Either has run 1; what else did depends on which files those were.
    Story::begin().looks_with(rows("2"), &[vec![&before, &after]], &after).is(
        &after,
        DatabaseState::Unknown,
        ["", "2 3", ""],
    );
    let merged = files_with("<base> -> 1\n1 -> 3\n3 -> 2", &[("2", "theirs"), ("3", "mine")]);
    Story::begin().looks_with(rows("2"), &[vec![&before, &merged]], &merged).is(
        &merged,
        DatabaseState::Unknown,
        ["", "2", ""],
    );
}

#[test]
fn an_edited_script_is_still_the_one_that_ran() {
    let before = files("<base> -> aaaa00000001");
    let mut after = before.clone();
    after.scripts[0].body = BodyHash::from_hex("another");
    Story::begin().looks(rows("aaaa00000001"), &before).looks(rows("aaaa00000001"), &after).is(
        &after,
        DatabaseState::UpToDate,
        ["", "", ""],
    );
}

#[test]
fn a_merge_revision_that_vanished_has_left_nothing_behind() {
    let merged = files_with("<base> -> a\na -> f\na -> m\nm, f -> x", &[("x", "nothing")]);
    let linear = files("<base> -> a\na -> m\nm -> f");
    Story::begin().looks(rows("x"), &merged).looks(rows("x"), &linear).is(
        &linear,
        DatabaseState::Foreign,
        ["", "", "x"],
    );
}

#[test]
fn a_dependency_and_a_label_are_below_like_anything_else() {
    let before = files("<base> -> a\n<base> (a) -> b (x)");
    let after = files("<base> -> a\na -> c\n<base> (c) -> b (x)");
    Story::begin()
        .looks(rows("b"), &before)
        .is(&before, DatabaseState::UpToDate, ["", "", ""])
        .looks(rows("b"), &after)
        .is(&after, DatabaseState::Skipped, ["c", "", ""]);
}

#[test]
fn a_copy_from_before_a_repair_makes_what_was_repaired_unknown() {
    let (before, after) = (files(BEFORE), files(AFTER));
    let story = Story::begin()
        .looks(seen("f", "first", "1"), &before)
        .looks(seen("f", "first", "1"), &after);
    let mut repaired = story.ledger.clone();
    repaired.once_skipped.insert(after.id(1).clone());
    repaired.entries.push(after.entry(1, Evidence::Ran));
    repaired.seen = Some(seen("f", "first", "2"));
    Story { ledger: repaired, now: seen("f", "first", "2") }
        .is(&after, DatabaseState::UpToDate, ["", "", ""])
        .looks(seen("f", "restored", "1"), &after)
        .is(&after, DatabaseState::Unknown, ["", "m", ""]);
}
