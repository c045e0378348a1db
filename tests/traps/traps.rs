//! S1 to S7, H1, H2, K1 and K2.

use super::support::{TestRepo, VERSIONS};
use super::{database, repoint, sql, status, sync};

/// `f` ran, on top of `a`; `m` has arrived beside it since.
///
/// ```text
/// a -> f   ran
///  `-> m
/// ```
fn f_ran_and_m_arrived() -> TestRepo {
    let repo = TestRepo::new().adds("<base> -> a, root\na -> f, feature");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    sql(&repo, &["INSERT INTO t_f (id) VALUES (7)"]);
    // A look, as a hook or a command takes one.
    assert_eq!(status(&repo), "up-to-date");
    repo.adds("a -> m, main work")
}

#[test]
fn s1_what_lies_below_a_rewritten_revision_is_run_and_no_data_is_lost() {
    let repo = f_ran_and_m_arrived();
    repoint(&repo, "f_feature.py", "'a'", "'m'");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    assert_eq!(database(&repo), "f: t_a t_f", "the trap: alembic skips m and says nothing");
    assert_eq!(status(&repo), "skipped, skipped m");
    sync(&repo);
    assert_eq!(database(&repo), "f: t_a t_f t_m");
    assert_eq!(sql(&repo, &["SELECT id FROM t_f"]), "7");
}

#[test]
fn s1_without_any_earlier_look_the_schema_tells() {
    let repo = TestRepo::new().adds("<base> -> a, root\na -> f, feature");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    sql(&repo, &["INSERT INTO t_f (id) VALUES (7)"]);
    let repo = repo.adds("a -> m, main work");
    repoint(&repo, "f_feature.py", "'a'", "'m'");
    repo.commit("Rewrite by hand");
    assert_eq!(status(&repo), "skipped, skipped m");
    sync(&repo);
    assert_eq!(database(&repo), "f: t_a t_f t_m");
    assert_eq!(sql(&repo, &["SELECT id FROM t_f"]), "7");
}

#[test]
fn s1_by_our_own_rebase_is_seen_and_mended() {
    let repo = TestRepo::new()
        .adds("<base> -> a, root")
        .branch("feature")
        .adds("a -> f, feature")
        .on("main", "a -> m, main work")
        .publish("main")
        .switch("feature");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    sql(&repo, &["INSERT INTO t_f (id) VALUES (7)"]);
    repo.git(["merge", "--quiet", "--no-edit", "main"]);
    let rebase = repo.dbm(["rebase"]).expect_code(0);
    assert!(rebase.stderr.contains("`f` ran in `sqlite:///db.sqlite` already"), "{rebase}");
    assert_eq!(status(&repo), "skipped, skipped m");
    sync(&repo);
    assert_eq!(database(&repo), "f: t_a t_f t_m");
    assert_eq!(sql(&repo, &["SELECT id FROM t_f"]), "7");
}

#[test]
fn s1_with_a_dependency_and_a_label_keeps_all_rows() {
    let repo = TestRepo::new()
        .adds("<base> -> a, root\n<base> -> b (shop), shop\na -> f, feature\nb (f) -> c, depends");
    repo.alembic(["upgrade", "heads"]).expect_code(0);
    assert_eq!(status(&repo), "up-to-date");
    let repo = repo.adds("a -> m, main work");
    repoint(&repo, "f_feature.py", "'a'", "'m'");
    assert_eq!(status(&repo), "skipped, skipped m");
    // `current --check-heads` calls a head that is only depended on missing.
    repo.dbm(["sync"]).expect_code(0);
    assert_eq!(database(&repo), "c: t_a t_b t_c t_f t_m");
    repo.alembic(["upgrade", "heads"]).expect_code(0);
    assert_eq!(database(&repo), "c: t_a t_b t_c t_f t_m");
    assert_eq!(status(&repo), "up-to-date");
}

#[test]
fn s1b_the_half_repair_by_stamping_is_finished() {
    let repo = f_ran_and_m_arrived();
    repoint(&repo, "f_feature.py", "'a'", "'m'");
    assert_eq!(status(&repo), "skipped, skipped m");
    repo.alembic(["stamp", "a"]).expect_code(0);
    // F fails: its table is there. The database is left at M.
    repo.alembic(["upgrade", "head"]).expect_code(1);
    assert_eq!(database(&repo), "m: t_a t_f t_m");
    sync(&repo);
    assert_eq!(database(&repo), "f: t_a t_f t_m");
    assert_eq!(sql(&repo, &["SELECT id FROM t_f"]), "7");
}

#[test]
fn s2_overlapping_rows_are_cleaned_and_nothing_is_dropped() {
    let repo = f_ran_and_m_arrived();
    repo.alembic(["upgrade", "heads"]).expect_code(0);
    assert_eq!(status(&repo), "diverged");
    repoint(&repo, "f_feature.py", "'a'", "'m'");
    repo.alembic(["upgrade", "head"]).expect_code(255);
    assert_eq!(status(&repo), "overlapping");
    sync(&repo);
    assert_eq!(database(&repo), "f: t_a t_f t_m");
    assert_eq!(sql(&repo, &["SELECT id FROM t_f"]), "7");
}

#[test]
fn s3_a_merge_revision_is_plainly_applied() {
    let repo = f_ran_and_m_arrived().adds("m, f -> x, merge");
    assert_eq!(status(&repo), "behind");
    sync(&repo);
    assert_eq!(database(&repo), "x: t_a t_f t_m t_x");
    assert_eq!(sql(&repo, &["SELECT id FROM t_f"]), "7");
}

#[test]
fn s4_going_down_with_the_old_files_first_needs_no_repair() {
    let repo = f_ran_and_m_arrived();
    repo.alembic(["downgrade", "a"]).expect_code(0);
    repoint(&repo, "f_feature.py", "'a'", "'m'");
    assert_eq!(status(&repo), "behind");
    sync(&repo);
    assert_eq!(database(&repo), "f: t_a t_f t_m");
}

#[test]
fn s5_only_one_of_two_branches_goes_down() {
    let repo = f_ran_and_m_arrived();
    repo.alembic(["upgrade", "heads"]).expect_code(0);
    assert_eq!(status(&repo), "diverged");
    // The feature branch is gone, and its file with it.
    repo.remove(&format!("{VERSIONS}/f_feature.py"));
    repo.commit("Drop the feature");
    assert_eq!(status(&repo), "foreign, foreign f");
    sync(&repo);
    assert_eq!(database(&repo), "m: t_a t_m");
}

#[test]
fn s6_rewriting_what_has_not_run_is_safe() {
    let repo = TestRepo::new().adds("<base> -> a, root\na -> m, main work");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    assert_eq!(status(&repo), "up-to-date");
    let repo = repo.adds("a -> f, feature");
    repoint(&repo, "f_feature.py", "'a'", "'m'");
    assert_eq!(status(&repo), "behind");
    sync(&repo);
    assert_eq!(database(&repo), "f: t_a t_f t_m");
}

#[test]
fn s7_what_is_inserted_below_is_run() {
    let repo = TestRepo::new().adds("<base> -> a, root\na -> c, top");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    sql(&repo, &["INSERT INTO t_c (id) VALUES (7)"]);
    assert_eq!(status(&repo), "up-to-date");
    let repo = repo.adds("a -> b, inserted");
    repoint(&repo, "c_top.py", "'a'", "'b'");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    assert_eq!(status(&repo), "skipped, skipped b");
    sync(&repo);
    assert_eq!(database(&repo), "c: t_a t_b t_c");
    assert_eq!(sql(&repo, &["SELECT id FROM t_c"]), "7");
}

#[test]
fn h1_what_a_downgraded_merge_leaves_behind_goes_where_its_files_are_gone() {
    let repo = TestRepo::new()
        .adds("<base> -> a, root\na -> r, release")
        .branch("develop")
        .adds("a -> d, develop\nr, d -> x, merge");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    assert_eq!(status(&repo), "up-to-date");
    repo.alembic(["downgrade", "r"]).expect_code(0);
    assert_eq!(database(&repo), "d r: t_a t_d t_r");
    let repo = repo.switch("main");
    repo.alembic(["current"]).expect_code(255);
    assert_eq!(status(&repo), "foreign, foreign d");
    sync(&repo);
    assert_eq!(database(&repo), "r: t_a t_r");
}

#[test]
fn h2_a_revision_of_another_branch_goes_down_with_its_own_script() {
    let repo = TestRepo::new().adds("<base> -> a, root").branch("feature").adds("a -> f, feature");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    let repo = repo.on("main", "a -> m, main work");
    repo.alembic(["upgrade", "head"]).expect_code(255);
    assert_eq!(status(&repo), "foreign, foreign f");
    sync(&repo);
    assert_eq!(database(&repo), "m: t_a t_m");
    let repo = repo.switch("feature");
    assert_eq!(status(&repo), "foreign, foreign m");
    sync(&repo);
    assert_eq!(database(&repo), "f: t_a t_f");
}

#[test]
fn h2_even_when_the_branch_is_gone_the_ledger_has_its_script() {
    let repo =
        TestRepo::new().adds("<base> -> a, root").branch("feature").writes("a -> f, feature");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    assert_eq!(status(&repo), "up-to-date");
    // It was never committed, so that no git object has it.
    repo.remove(&format!("{VERSIONS}/f_feature.py"));
    let repo = repo.switch("main");
    assert_eq!(status(&repo), "foreign, foreign f");
    sync(&repo);
    assert_eq!(database(&repo), "a: t_a");
}

#[test]
fn k1_a_merge_revision_over_an_ancestor_is_refused_before_alembic_dies() {
    let repo = TestRepo::new().adds(
        "<base> -> a, root\na -> b, one\na -> c, two\nb -> d, above\na, c, d -> x, wrong merge",
    );
    let path = format!("{VERSIONS}/x_wrong_merge.py");
    let does_nothing = repo.read(&path).replace("op.create_table('t_x', ", "print(");
    repo.write(&path, does_nothing.replace("op.drop_table('t_x')", "pass"));
    repo.alembic(["upgrade", "c"]).expect_code(0);
    repo.alembic(["upgrade", "head"]).expect_code(1);
    assert_eq!(database(&repo), "c d: t_a t_b t_c t_d");
    assert_eq!(status(&repo), "broken");
    repo.dbm(["sync"]).expect_code(1);
    assert_eq!(database(&repo), "c d: t_a t_b t_c t_d");
    repoint(&repo, "x_wrong_merge.py", "('a', 'c', 'd')", "('c', 'd')");
    sync(&repo);
    assert_eq!(database(&repo), "x: t_a t_b t_c t_d");
}

#[test]
fn k2_two_merge_revisions_over_the_same_heads_are_diverged_and_both_apply() {
    let repo = TestRepo::new().adds(
        "<base> -> a, root\na -> b, one\na -> c, two\nb, c -> x, my merge\nb, c -> y, your merge",
    );
    repo.alembic(["upgrade", "x"]).expect_code(0);
    assert_eq!(status(&repo), "diverged");
    repo.dbm(["sync"]).expect_code(0);
    assert_eq!(database(&repo), "x y: t_a t_b t_c t_x t_y");
    let repo = repo.adds("x, y -> z, third merge");
    assert_eq!(status(&repo), "behind");
    sync(&repo);
    assert_eq!(database(&repo), "z: t_a t_b t_c t_x t_y t_z");
}
