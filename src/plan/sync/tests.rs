//! Plans in notation: what ran, what the files say, and the steps in between.

use std::collections::HashMap;

use super::*;
use crate::plan::{
    BodyHash, Evidence, FilesState, Ledger, Observation, SeenScript, Snapshot, judge_database,
};
use crate::revision::parse_history;
use crate::script::{Footprint, read_footprint};
use crate::tree::RepoPath;

fn files(notation: &str) -> Snapshot {
    let revisions = parse_history(notation).expect("notation");
    let scripts = revisions
        .iter()
        .map(|revision| SeenScript {
            path: RepoPath::new(&format!("versions/{}.py", revision.id)).expect("inside"),
            body: BodyHash::from_hex(revision.id.as_str()),
            is_empty: revision.id.as_str().starts_with('x'),
        })
        .collect();
    Snapshot::build(revisions, scripts)
}

/// Each revision makes a table of its own, or adds to the one that is named.
fn footprints(shared: &[(&str, &str)]) -> HashMap<BodyHash, Footprint> {
    ["a", "b", "c", "f", "g", "m", "n"]
        .into_iter()
        .map(|id| {
            let text = match shared.iter().find(|(of, _)| *of == id) {
                Some((_, "irreversible")) => {
                    format!("def upgrade():\n    op.create_table('t_{id}')\n\ndef downgrade():\n    pass\n")
                }
                Some((_, table)) => format!(
                    "def upgrade():\n    op.add_column('{table}', sa.Column('{id}'))\n\n\
                     def downgrade():\n    op.drop_column('{table}', '{id}')\n"
                ),
                None => format!(
                    "def upgrade():\n    op.create_table('t_{id}')\n\n\
                     def downgrade():\n    op.drop_table('t_{id}')\n"
                ),
            };
            let text = format!("from alembic import op\n\n{text}");
            (BodyHash::from_hex(id), read_footprint(text.as_bytes()).expect("Python"))
        })
        .collect()
}

fn rows(text: &str) -> Vec<String> {
    text.split(", ").filter(|row| !row.is_empty()).map(str::to_owned).collect()
}

/// A database that ran `ran`, in that order, with the files `then`.
fn ledger(then: &Snapshot, ran: &str, now: &str) -> Ledger {
    let entries = rows(ran)
        .iter()
        .map(|id| then.entry(then.graph.node(id).expect("a revision"), Evidence::Ran))
        .collect();
    let seen = Some(Observation { rows: rows(now), ..Observation::default() });
    Ledger { seen, entries, ..Ledger::default() }
}

struct Case<'a> {
    then: &'a str,
    ran: &'a str,
    rows: &'a str,
    today: &'a str,
    shared: &'a [(&'a str, &'a str)],
}

impl Case<'_> {
    fn plan(&self, strategy: SyncStrategy) -> Result<SyncPlan, SyncRefusal> {
        let (then, today) = (files(self.then), files(self.today));
        let ledger = ledger(&then, self.ran, self.rows);
        let sound = FilesState { divergences: &[], is_broken: false };
        let view = judge_database(&today, sound, &rows(self.rows), &ledger);
        plan_sync(&SyncRequest {
            snapshot: &today,
            ledger: &ledger,
            view: &view,
            strategy,
            footprints: &footprints(self.shared),
        })
    }

    #[track_caller]
    fn check(&self, strategy: SyncStrategy, expected: &[&str]) {
        let plan = self.plan(strategy).expect("a plan");
        let found: Vec<String> = plan.steps.iter().map(line).collect();
        assert_eq!(found, expected);
    }
}

fn line(step: &PlannedStep) -> String {
    let ids: Vec<String> = step.step.revisions().iter().map(ToString::to_string).collect();
    let what = format!("{} {}", step.step.kind(), ids.join(" "));
    format!("{}: {} => {}", what.trim(), step.rows_before.join(" "), step.rows_after.join(" "))
}

const S1: Case<'_> = Case {
    then: "<base> -> a\na -> f",
    ran: "a, f",
    rows: "f",
    today: "<base> -> a\na -> m\nm -> f",
    shared: &[],
};

#[test]
fn what_was_skipped_runs_beside_the_rest() {
    S1.check(SyncStrategy::Auto, &["replay m: f => f m", "set-rows: f m => f"]);
    assert!(S1.plan(SyncStrategy::Auto).expect("a plan").is_proven);
}

#[test]
fn or_what_lies_above_goes_down_and_up_again() {
    S1.check(SyncStrategy::Downgrade, &["downgrade f: f => a", "upgrade m f: a => f"]);
}

#[test]
fn operations_on_the_same_table_prove_nothing() {
    let case = Case { shared: &[("m", "t_a"), ("f", "t_a")], ..S1 };
    let plan = case.plan(SyncStrategy::Auto).expect("a plan");
    assert!(!plan.is_proven);
    assert_eq!(plan.meetings.len(), 1);
}

#[test]
fn s2_rows_that_overlap_are_cleaned() {
    let case = Case { then: "<base> -> a\na -> f\na -> m", ran: "a, f, m", rows: "f, m", ..S1 };
    case.check(SyncStrategy::Auto, &["set-rows: f m => f"]);
}

#[test]
fn h2_a_foreign_revision_goes_down_with_what_is_below_it_shown_again() {
    let case = Case { today: "<base> -> a\na -> m", ..S1 };
    case.check(SyncStrategy::Auto, &["downgrade f: f => a", "upgrade m: a => m"]);
}

#[test]
fn several_foreign_revisions_go_down_from_the_top() {
    let case = Case {
        then: "<base> -> a\na -> f\nf -> g",
        ran: "a, f, g",
        rows: "g",
        today: "<base> -> a",
        shared: &[],
    };
    case.check(SyncStrategy::Auto, &["downgrade g: g => f", "downgrade f: f => a"]);
}

#[test]
fn a_foreign_revision_below_what_stays_is_taken_down_beside_it() {
    let case = Case {
        then: "<base> -> a\na -> f\nf -> g",
        ran: "a, f, g",
        rows: "g",
        today: "<base> -> a\na -> g",
        shared: &[],
    };
    case.check(SyncStrategy::Auto, &["set-rows: g => f g", "downgrade f: f g => g"]);
    case.check(
        SyncStrategy::Downgrade,
        &[
            "set-rows: g => f g",
            "downgrade g: f g => f",
            "downgrade f: f => a",
            "upgrade g: a => g",
        ],
    );
}

#[test]
fn h1_the_foreign_row_beside_a_known_one_goes_down_alone() {
    let case = Case {
        then: "<base> -> a\na -> b\na -> f",
        ran: "a, b, f",
        rows: "b, f",
        today: "<base> -> a\na -> b",
        shared: &[],
    };
    case.check(SyncStrategy::Auto, &["downgrade f: b f => b"]);
}

#[test]
fn a_merge_point_gives_back_both_rows() {
    let case = Case {
        then: "<base> -> a\na -> b\na -> c\nb, c -> f",
        ran: "a, b, c, f",
        rows: "f",
        today: "<base> -> a\na -> b\na -> c",
        shared: &[],
    };
    case.check(SyncStrategy::Auto, &["downgrade f: f => b c"]);
}

#[test]
fn a_foreign_merge_revision_that_did_nothing_just_vanishes_from_the_rows() {
    let case =
        Case { then: "<base> -> a\na -> f\na -> m\nm, f -> x", ran: "a, f, m, x", rows: "x", ..S1 };
    case.check(SyncStrategy::Auto, &["set-rows: x => f"]);
}

#[test]
fn a_skipped_merge_revision_has_nothing_to_run() {
    let case = Case {
        then: "<base> -> a\na -> b\na -> c\nb -> f",
        ran: "a, b, c, f",
        rows: "c, f",
        today: "<base> -> a\na -> b\na -> c\nb, c -> x\nx -> f",
        shared: &[],
    };
    let plan = case.plan(SyncStrategy::Auto).expect("a plan");
    assert_eq!(plan.settled.iter().map(ToString::to_string).collect::<Vec<_>>(), ["x"]);
    case.check(SyncStrategy::Auto, &["set-rows: c f => f"]);
}

#[test]
fn dependencies_and_labels_keep_their_rows() {
    let case = Case {
        then: "<base> -> a\n<base> -> b\na -> f",
        ran: "a, b, f",
        rows: "b, f",
        today: "<base> -> a\n<base> -> b\na -> m\nm -> f\nb -> n",
        shared: &[],
    };
    case.check(
        SyncStrategy::Auto,
        &["replay m: b f => b f m", "set-rows: b f m => b f", "upgrade n: b f => f n"],
    );
}

#[test]
fn what_cannot_be_taken_down_is_refused_before_anything_is() {
    let case = Case { today: "<base> -> a\na -> m", shared: &[("f", "irreversible")], ..S1 };
    assert!(matches!(
        case.plan(SyncStrategy::Auto),
        Err(SyncRefusal::Irreversible { revision }) if revision.as_str() == "f"
    ));
}

#[test]
fn a_row_without_any_script_is_refused() {
    let case = Case { ran: "a", rows: "q", today: "<base> -> a", ..S1 };
    assert!(matches!(case.plan(SyncStrategy::Auto), Err(SyncRefusal::NoScript { .. })));
}

#[test]
fn with_nothing_wrong_alembic_does_it_all() {
    let case = Case { then: "<base> -> a", ran: "a", rows: "a", ..S1 };
    case.check(SyncStrategy::Auto, &["upgrade m f: a => f"]);
    let case = Case { then: S1.today, ran: "a, m, f", ..S1 };
    case.check(SyncStrategy::Auto, &[]);
}
