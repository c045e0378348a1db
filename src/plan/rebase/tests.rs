//! Histories in notation in, plans in words out.

use super::*;
use crate::plan::{ScriptConventions, Strategy};
use crate::revision::{HeadPolicy, RevisionId, RevisionRef};
use crate::script::{History, history_of};
use crate::tree::RepoPath;

/// A history in notation, its own revisions, and how the request departs from the default.
struct Case<'a> {
    history: &'a str,
    own: &'a [&'a str],
    adjust: fn(&mut RebaseRequest<'_>),
}

impl Case<'_> {
    fn plan(&self) -> Result<(History, RebasePlan), Refusal> {
        let history = history_of(self.history);
        let standings: Vec<ScriptStanding> = (0..history.scripts.len())
            .map(|node| {
                let position = self.own.iter().position(|id| *id == history.id(node).as_str());
                ScriptStanding {
                    standing: if position.is_some() { Standing::Own } else { Standing::Landed },
                    added: position,
                    is_pushed: false,
                }
            })
            .collect();
        let conventions = ScriptConventions {
            version_locations: vec![RepoPath::new("versions").expect("inside")],
            ..ScriptConventions::default()
        };
        let mut request = RebaseRequest {
            history: &history,
            standings: &standings,
            knows_landed: true,
            policy: HeadPolicy::Auto,
            strategy: Strategy::Auto,
            conventions: &conventions,
            sequential: None,
            onto: None,
            moved: None,
            include_shared: false,
            merge_only: false,
            message: None,
        };
        (self.adjust)(&mut request);
        let plan = plan_rebase(&request)?;
        drop(request);
        Ok((history, plan))
    }
}

fn shown(plan: &RebasePlan) -> String {
    let join = |ids: &[RevisionId]| match ids {
        [] => "<base>".to_owned(),
        ids => ids.iter().map(RevisionId::as_str).collect::<Vec<_>>().join(", "),
    };
    let mut lines = Vec::new();
    for new in &plan.created {
        lines.push(format!("write {} -> {}", join(&new.revision.down_revisions), new.revision.id));
    }
    for m in &plan.moved {
        lines.push(format!("{} -> {} (was {})", join(&m.to), m.revision, join(&m.from)));
    }
    for r in &plan.renumbered {
        lines.push(format!("rename {} to {}", r.from.1, r.to.1));
    }
    for (id, _) in &plan.deleted {
        lines.push(format!("delete {id}"));
    }
    lines.push(format!("heads: {}", join(&plan.heads)));
    lines.join("\n")
}

#[track_caller]
fn check(history: &str, own: &[&str], expected: &str) {
    check_with(history, own, |_| {}, expected);
}

#[track_caller]
fn check_with(history: &str, own: &[&str], adjust: fn(&mut RebaseRequest<'_>), expected: &str) {
    let case = Case { history, own, adjust };
    let (_, plan) = case.plan().expect("a plan");
    assert_eq!(shown(&plan), expected);
}

#[track_caller]
fn refused(history: &str, own: &[&str], adjust: fn(&mut RebaseRequest<'_>), expected: &str) {
    let case = Case { history, own, adjust };
    let refusal = case.plan().expect_err("a refusal");
    assert_eq!(refusal.to_string(), expected);
}

#[test]
fn one_own_revision_goes_on_the_landed_head() {
    check("<base> -> a\na -> m\na -> f", &["f"], "m -> f (was a)\nheads: f");
}

#[test]
fn nothing_is_done_where_nothing_has_diverged() {
    check("<base> -> a\na -> m\nm -> f", &["f"], "heads: f");
    check("<base> -> a\na -> e (x)\na -> c (y)", &["c"], "heads: e, c");
}

// a ── m ── n
//  ╰── f ── g      only f moves, g follows on its own
#[test]
fn of_a_chain_only_the_first_is_re_pointed() {
    check("<base> -> a\na -> m\nm -> n\na -> f\nf -> g", &["f", "g"], "n -> f (was a)\nheads: g");
}

#[test]
fn several_own_heads_become_one_chain_in_commit_order() {
    check(
        "<base> -> a\na -> m\na -> f\na -> g\na -> h",
        &["h", "f", "g"],
        "m -> h (was a)\nh -> f (was a)\nf -> g (was a)\nheads: g",
    );
}

#[test]
fn a_dependency_among_own_revisions_keeps_its_order() {
    check(
        "<base> -> a\na -> m\na (g) -> f\na -> g",
        &["f", "g"],
        "m -> g (was a)\ng -> f (was a)\nheads: f",
    );
}

// a ── m1 ── m2
//  ╰─ f ─╲
//     m1 ── x (own merge)     x is a plain link then, and goes
#[test]
fn an_own_merge_that_has_become_a_link_is_deleted() {
    check(
        "<base> -> a\na -> m1\nm1 -> m2\na -> f\nm1, f -> x\nx -> g",
        &["f", "x", "g"],
        "m2 -> f (was a)\nf -> g (was x)\ndelete x\nheads: g",
    );
}

#[test]
fn an_own_merge_with_a_body_or_a_reader_is_kept_as_a_link() {
    let history = "<base> -> a\na -> m1\nm1 -> m2\na -> f\nm1, f -> x";
    check_with(
        history,
        &["f", "x"],
        |request| {
            let mut pushed = request.standings.to_vec();
            pushed.iter_mut().for_each(|s| s.is_pushed = true);
            request.standings = Box::leak(pushed.into_boxed_slice());
        },
        "m2 -> f (was a)\nf -> x (was m1, f)\nheads: x",
    );
}

#[test]
fn landed_heads_that_diverged_are_merged_and_own_ones_follow() {
    check(
        "<base> -> a\na -> m1\na -> m2\na -> f",
        &["f"],
        "write m1, m2 -> 1af4920a8620\n1af4920a8620 -> f (was a)\nheads: f",
    );
    refused(
        "<base> -> a\na -> m1\na -> m2\na -> f",
        &["f"],
        |request| request.strategy = Strategy::Linear,
        "upstream itself has diverged heads (`m1`, `m2`), and the strategy `linear` writes no merge revision",
    );
}

#[test]
fn an_own_merge_over_exactly_the_landed_heads_is_the_one() {
    check(
        "<base> -> a\na -> m1\na -> m2\nm1, m2 -> x\nm1 -> f",
        &["x", "f"],
        "x -> f (was m1)\nheads: f",
    );
}

#[test]
fn the_strategy_merge_re_points_nothing() {
    check_with(
        "<base> -> a\na -> m\na -> f",
        &["f"],
        |request| request.strategy = Strategy::Merge,
        "write f, m -> 1c5349cc5dec\nheads: 1c5349cc5dec",
    );
}

#[test]
fn labels_stay_with_their_lineage() {
    check(
        "<base> -> a\na -> e (x)\na -> c (y)\ne -> m\ne -> f",
        &["f"],
        "m -> f (was e)\nheads: c, f",
    );
}

#[test]
fn a_second_own_base_goes_on_the_landed_head_too() {
    check("<base> -> a\na -> m\n<base> -> f", &["f"], "m -> f (was <base>)\nheads: f");
}

#[test]
fn sequential_ids_are_renumbered_with_their_files() {
    check(
        "<base> -> 0001\n0001 -> 0002_m\n0001 -> 0002_f\n0002_f -> 0003_g",
        &["0002_f", "0003_g"],
        "0002_m -> 0003_f (was 0001)\n0003_f -> 0004_g (was 0002_f)\n\
         rename versions/0002_f.py to versions/0003_f.py\n\
         rename versions/0003_g.py to versions/0004_g.py\nheads: 0004_g",
    );
}

#[test]
fn without_upstream_onto_must_say() {
    let history = "<base> -> a\na -> m\na -> f\nf -> g";
    refused(
        history,
        &[],
        |request| request.knows_landed = false,
        "nothing tells landed revisions from own ones: there is no upstream and no merge",
    );
    check_with(
        history,
        &[],
        |request| {
            request.knows_landed = false;
            request.onto = Some(RevisionRef::new("m"));
        },
        "m -> f (was a)\nheads: g",
    );
}

#[test]
fn a_landed_revision_moves_only_when_it_is_named() {
    check_with(
        "<base> -> a\na -> m\na -> f\nf -> g",
        &[],
        |request| {
            request.onto = Some(RevisionRef::new("m"));
            request.moved = Some(RevisionRef::new("f"));
        },
        "m -> f (was a)\nheads: g",
    );
}

#[test]
fn shared_revisions_stay_unless_included() {
    let share = |request: &mut RebaseRequest<'_>| {
        let mut shared = request.standings.to_vec();
        shared[2].standing = Standing::Shared;
        request.standings = Box::leak(shared.into_boxed_slice());
    };
    refused(
        "<base> -> a\na -> m\na -> f",
        &["f"],
        share,
        "`f` would have to be rewritten, but other branches have them too (say --include-shared to move them all the same)",
    );
}

#[test]
fn a_cycle_is_not_nothing_to_do() {
    refused("<base> -> a\nc -> b\nb -> c", &["c"], |_| {}, "revisions `b`, `c` lie on a cycle");
}

#[test]
fn a_down_revision_that_is_missing_is_not_lost() {
    refused(
        "<base> -> a\na -> m\ngone -> f",
        &["f"],
        |_| {},
        "`versions/f.py`:9 has to be mended first: its down revision `gone` is not in the tree",
    );
}

/// FlexMeasures 188fa731fb: the branch had put `e` below landed `b`, and main went on from `b`.
#[test]
fn an_own_revision_below_a_landed_one_is_not_moved_above_it() {
    refused(
        "<base> -> a\na -> e\ne -> b\nb -> f\nb -> m",
        &["e", "f"],
        |_| {},
        "landed `b` has been re-pointed to own `e`, which so cannot be put above it",
    );
}

/// A branch that deletes landed `b` leaves landed `c` without a place;
/// taking it for a head of its own would merge a revision with its descendant.
#[test]
fn nothing_is_put_on_a_landed_revision_that_has_lost_its_own() {
    refused(
        "<base> -> a\nb -> c\na -> f",
        &["f"],
        |_| {},
        "`versions/c.py`:9 has to be mended first: its down revision `b` is not in the tree",
    );
}

#[test]
fn only_values_and_docstring_lines_differ() {
    let case = Case { history: "<base> -> a\na -> m\na -> f, add f", own: &["f"], adjust: |_| {} };
    let (history, plan) = case.plan().expect("a plan");
    let [change] = plan.changes.as_slice() else { panic!("one change: {:?}", plan.changes) };
    let node = history.graph.node("f").expect("there");
    let before = String::from_utf8(history.script(node).file.bytes.to_vec()).expect("text");
    let after = String::from_utf8(change.after.clone().expect("kept").bytes).expect("text");
    assert_eq!(
        after,
        before
            .replace("Revises: a\n", "Revises: m\n")
            .replace("down_revision = \"a\"", "down_revision = \"m\"")
    );
}

// a ── m1 (x) ── f ── g      m2 ── g
//  ╰── m2 (y) ── k ── h      m1 ── h     g and h both join x and y
#[test]
fn own_merges_of_labelled_lineages_are_chained_and_lose_no_down_revision() {
    check(
        "<base> -> a\na -> m1 (x)\na -> m2 (y)\nm1 -> f\nm2 -> k\nf, m2 -> g\nm1, k -> h",
        &["f", "k", "g", "h"],
        "g, k -> h (was m1, k)\nheads: h",
    );
}

// a ── m                     g joins the trunk's f with the branch x
//  ├── f ── h
//  ╰── e (x) ── e2           f ── g
#[test]
fn an_own_revision_below_a_labelled_merge_stays_on_its_own_lineage() {
    check(
        "<base> -> a\na -> m\na -> e (x)\ne -> e2\na -> f\nf -> h\nf, e -> g",
        &["f", "h", "g"],
        "m -> f (was a)\nf, e2 -> g (was f, e)\nheads: h, g",
    );
}

#[test]
fn a_landed_head_that_another_depends_on_is_not_merged() {
    check(
        "<base> -> a\na -> m1\na (m1) -> m2\na -> f\nm1 -> g",
        &["f", "g"],
        "m2 -> f (was a)\nf -> g (was m1)\nheads: m1, g",
    );
}

// What a branch grows from is not what has to be followed: `e` is labelled, so
// the trunk's head is m, and b has only to stay below f.
#[test]
fn a_branch_point_below_a_label_is_no_second_landed_head() {
    check(
        "<base> -> a\na -> b\nb -> e (x)\na -> m\nb -> f",
        &["f"],
        "m, b -> f (was b)\nheads: e, f",
    );
}

#[test]
fn a_merge_loses_the_down_revision_that_another_move_has_put_below_it() {
    check(
        "<base> -> a\na -> m\nm -> n\na -> f\nf -> h\nf, m -> g (x)",
        &["f", "h", "g"],
        "n -> f (was a)\nf -> g (was f, m)\nheads: h, g",
    );
}

#[test]
fn own_order_respects_dependencies_that_lead_through_another_lineage() {
    check(
        "<base> -> a\na -> e (x)\na -> m\na (c) -> f\na -> g\ne (g) -> c",
        &["f", "g", "c"],
        "m -> g (was a)\ng -> f (was a)\nheads: f, c",
    );
}

#[test]
fn an_own_merge_that_depends_on_something_is_kept_as_a_link() {
    check(
        "<base> -> a\na -> e (x)\na -> m1\nm1 -> m2\na -> f\nm1, f (x) -> g",
        &["f", "g"],
        "m2 -> f (was a)\nf -> g (was m1, f)\nheads: e, g",
    );
}

#[test]
fn a_deleted_merge_does_not_make_others_diverge() {
    check(
        "<base> -> a\na -> b\na -> c\nc (b) -> m\nb -> f\nc, f -> x\na -> g",
        &["f", "x", "g"],
        "m -> f (was b)\nf -> g (was a)\ndelete x\nheads: b, g",
    );
}

#[test]
fn a_single_head_is_made_of_labelled_ones_where_only_one_may_be() {
    check_with(
        "<base> -> a\na -> m1 (x)\na -> m2 (y)\nm1 -> f",
        &["f"],
        |request| request.policy = HeadPolicy::Single,
        "write m1, m2 -> 1af4920a8620\n1af4920a8620 -> f (was m1)\nheads: f",
    );
}

#[test]
fn onto_concerns_the_lineage_that_it_lies_in() {
    check_with(
        "<base> -> a\na -> e (x)\ne -> e2\ne -> f\na -> m\na -> g",
        &["f", "g"],
        |request| request.onto = Some(RevisionRef::new("m")),
        "e2 -> f (was e)\nm -> g (was a)\nheads: f, g",
    );
}

#[test]
fn onto_an_own_revision_leaves_what_lies_below_it() {
    check_with(
        "<base> -> a\na -> m\na -> f\nm -> g",
        &["f", "g"],
        |request| request.onto = Some(RevisionRef::new("g")),
        "g -> f (was a)\nheads: f",
    );
}

#[test]
fn onto_a_revision_that_is_no_head_is_refused_where_the_head_has_landed() {
    refused(
        "<base> -> a\na -> m\nm -> n\na -> f",
        &["f"],
        |request| request.onto = Some(RevisionRef::new("m")),
        "on `m` own revisions would still be diverged: the heads would be `n`, `f`",
    );
}

#[test]
fn a_revision_is_not_put_on_what_depends_on_it() {
    refused(
        "<base> -> a\na -> f\na (f) -> m",
        &["f"],
        |request| {
            request.moved = Some(RevisionRef::new("f"));
            request.onto = Some(RevisionRef::new("m"));
        },
        "revision `m` lies above `f`, so `f` cannot be put on it",
    );
}

#[test]
fn own_numbers_follow_the_landed_ones_below_a_new_merge() {
    check(
        "<base> -> 0001\n0001 -> 0002\n0001 -> 0003\n0001 -> 0003_f",
        &["0003_f"],
        "write 0002, 0003 -> 87fe00ed52ea\n87fe00ed52ea -> 0004_f (was 0001)\n\
         rename versions/0003_f.py to versions/0004_f.py\nheads: 0004_f",
    );
}

#[test]
fn a_number_that_another_lineage_has_is_left_out() {
    check(
        "<base> -> 0001\n0001 -> 0002\n0001 -> 0003 (x)\n0001 -> 0002_f",
        &["0002_f"],
        "0002 -> 0003_f (was 0001)\nrename versions/0002_f.py to versions/0003_f.py\n\
         heads: 0003, 0003_f",
    );
}
