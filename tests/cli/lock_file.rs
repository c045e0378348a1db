//! `lock-file = true`: git itself has a conflict where two branches add
//! revisions, and `rebase` resolves both it and the revisions.

use super::support::{CheckJson, TestRepo, VERSIONS};

const HEADS: &str = "migrations/versions/HEADS";

/// ```text
/// a ── f   (feature, checked out; `HEADS` names f)
/// └─── m   (main, landed;         `HEADS` names m)
/// ```
fn locked() -> TestRepo {
    let repo = TestRepo::new();
    repo.write(
        "dbm-git.toml",
        "[components.default]\nconfig = \"alembic.ini\"\nlock-file = true\n",
    );
    repo.write(HEADS, "a\n");
    let repo = repo.adds("<base> -> a, root").branch("feature");
    repo.write(HEADS, "f\n");
    let repo = repo.adds("a -> f, feature").switch("main");
    repo.write(HEADS, "m\n");
    repo.adds("a -> m, main work").publish("main").switch("feature")
}

#[track_caller]
fn assert_mended(repo: &TestRepo) {
    assert_eq!(repo.git(["status", "--porcelain"]), "");
    assert_eq!(repo.read(HEADS), "f\n");
    let check: CheckJson = repo.dbm(["check", "--format", "json"]).expect_code(0).json();
    assert_eq!(check.components[0].heads, ["f"]);
    assert!(repo.read(&format!("{VERSIONS}/f_feature.py")).contains("= 'm'"));
}

#[test]
fn a_merge_stops_at_the_lock_file_and_rebase_resolves_it() {
    let repo = locked();
    let run = repo.try_git(["merge", "--no-edit", "main"]);
    assert_eq!(run.code, 1, "{run}");
    assert_eq!(repo.git(["diff", "--name-only", "--diff-filter=U"]), HEADS);
    insta::assert_snapshot!(repo.dbm(["rebase"]), @"
    m -> f (was a -> f)
    own and landed revisions touch nothing in common
    1 revision rebased, 1 lock file written and staged for the merge in progress. Undo with: dbm-git undo
    ");
    repo.git(["commit", "--quiet", "--no-edit"]);
    assert_mended(&repo);
}

#[test]
fn what_is_verified_first_is_the_scripts_alone() {
    let repo = locked();
    repo.try_git(["merge", "--no-edit", "main"]);
    let run = repo.dbm(["rebase", "--verify"]).expect_code(0);
    assert!(
        run.stdout.contains("verified on a scratch database, up, down and up again: f"),
        "{run}"
    );
    repo.git(["commit", "--quiet", "--no-edit"]);
    assert_mended(&repo);
}

#[test]
fn a_rebase_of_git_stops_there_too() {
    let repo = locked();
    let run = repo.try_git(["rebase", "main"]);
    assert_eq!(run.code, 1, "{run}");
    insta::assert_snapshot!(repo.dbm(["rebase"]), @"
    m -> f (was a -> f)
    own and landed revisions touch nothing in common
    1 revision rebased, 1 lock file written and staged for the rebase in progress. Undo with: dbm-git undo
    ");
    repo.git(["rebase", "--continue"]);
    assert_mended(&repo);
}

#[test]
fn a_file_that_was_not_kept_up_is_found_and_written() {
    let repo = locked();
    repo.write(HEADS, "a\n");
    let check: CheckJson = repo.dbm(["check", "--format", "json"]).expect_code(1).json();
    let finding = &check.components[0].findings[0];
    assert_eq!((finding.code.as_str(), finding.path.as_deref()), ("DBM018", Some(HEADS)));
    insta::assert_snapshot!(repo.dbm(["rebase"]), @"1 lock file written. Undo with: dbm-git undo");
    assert_eq!(repo.read(HEADS), "f\n");
    repo.dbm(["check"]).expect_code(0);
    repo.dbm(["undo"]).expect_code(0);
    assert_eq!(repo.read(HEADS), "a\n");
}

#[test]
fn it_says_nothing_where_nobody_asked_for_it() {
    let repo = locked();
    repo.write("dbm-git.toml", "[components.default]\nconfig = \"alembic.ini\"\n");
    repo.write(HEADS, "nonsense\n");
    repo.dbm(["check"]).expect_code(0);
    repo.dbm(["rebase"]).expect_code(0);
    assert_eq!(repo.read(HEADS), "nonsense\n");
}

#[test]
fn a_new_revision_is_named_at_once_and_an_undo_takes_both_back() {
    let repo = locked();
    repo.dbm(["create", "-m", "more", "--rev-id", "g"]).expect_code(0);
    assert_eq!(repo.read(HEADS), "g\n");
    repo.dbm(["check"]).expect_code(0);
    repo.dbm(["undo"]).expect_code(0);
    assert_eq!(repo.read(HEADS), "f\n");
    assert_eq!(repo.git(["status", "--porcelain"]), "");
}

#[test]
fn a_branch_that_was_pushed_is_still_ones_own_while_it_is_rebased() {
    let repo = locked().publish("feature");
    let run = repo.try_git(["rebase", "main"]);
    assert_eq!(run.code, 1, "{run}");
    let overview = repo.dbm([""; 0]).expect_code(0).stdout;
    assert!(overview.contains("branch:    feature, in the middle of a rebase, "), "{overview}");
    repo.dbm(["rebase"]).expect_code(0);
    let overview = repo.dbm([""; 0]).expect_code(0).stdout;
    assert!(overview.contains("next:      git rebase --continue  ("), "{overview}");
    repo.git(["rebase", "--continue"]);
    assert_mended(&repo);
}

#[test]
fn one_line_turns_it_on_for_all_components() {
    let repo = locked();
    repo.write("dbm-git.toml", "lock-file = true\n");
    repo.write(HEADS, "a\n");
    repo.dbm(["check"]).expect_code(1);
    repo.write(
        "dbm-git.toml",
        "lock-file = true\n[components.default]\nconfig = \"alembic.ini\"\nlock-file = false\n",
    );
    repo.dbm(["check"]).expect_code(0);
}

#[test]
fn nothing_is_read_out_or_written_through_a_link() {
    let repo = locked();
    repo.remove(HEADS);
    let link = repo.path().join(HEADS);
    std::os::unix::fs::symlink("../../alembic.ini", link).expect("a new link");
    let before = repo.read("alembic.ini");
    let run = repo.dbm(["check"]).expect_code(1);
    assert!(run.stdout.contains("names something else, which is not the head"), "{run}");
    let run = repo.dbm(["rebase"]).expect_code(1);
    assert!(run.stderr.contains("is a symlink: replace it by a file"), "{run}");
    assert_eq!(repo.read("alembic.ini"), before);
}
