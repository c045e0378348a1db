//! The ledger in the stories that databases live through, with the real alembic
//! in between.
#![expect(clippy::disallowed_methods, reason = "tests set up and look at the real world")]

use std::fs;

use super::support::{TestRepo, VERSIONS};
use super::{database, repoint, sql, status, sync};

fn line() -> TestRepo {
    let repo = TestRepo::new().adds("<base> -> a, root\na -> f, feature");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    sql(&repo, &["INSERT INTO t_f (id) VALUES (7)"]);
    assert_eq!(status(&repo), "up-to-date");
    repo
}

/// The same, with `m` inserted below `f` by hand: a skipped revision.
fn skipped() -> TestRepo {
    let repo = line().adds("a -> m, main work");
    repoint(&repo, "f_feature.py", "'a'", "'m'");
    repo.commit("Rewrite by hand");
    assert_eq!(status(&repo), "skipped, skipped m");
    repo
}

#[test]
fn alembic_run_by_hand_is_followed_up_and_down() {
    let repo = line();
    repo.alembic(["downgrade", "base"]).expect_code(0);
    assert_eq!(status(&repo), "no-revision");
    repo.alembic(["upgrade", "+1"]).expect_code(0);
    assert_eq!(status(&repo), "behind");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    assert_eq!(status(&repo), "up-to-date");
}

#[test]
fn a_colleagues_rebase_that_arrives_by_pull_is_seen_by_the_hook() {
    let mine = TestRepo::new().adds("<base> -> a, root").publish("main");
    let theirs = mine.colleague("theirs");
    theirs.write_revisions("a -> f, their feature");
    theirs.commit("Add f");
    theirs.git(["push", "--quiet", "origin", "main"]);
    mine.dbm(["install"]).expect_code(0);
    mine.git(["pull", "--quiet", "origin", "main"]);
    mine.alembic(["upgrade", "head"]).expect_code(0);
    sql(&mine, &["INSERT INTO t_f (id) VALUES (7)"]);
    // They insert m below f, and rewrite what I have run.
    theirs.write_revisions("a -> m, inserted");
    repoint(&theirs, "f_their_feature.py", "'a'", "'m'");
    theirs.commit("Rewrite");
    theirs.git(["push", "--quiet", "origin", "main"]);
    let pull = mine.try_git(["pull", "--quiet", "origin", "main"]);
    assert!(pull.stderr.contains("`m` never ran in your database"), "{pull}");
    assert_eq!(status(&mine), "skipped, skipped m");
    sync(&mine);
    assert_eq!(database(&mine), "f: t_a t_f t_m");
    assert_eq!(sql(&mine, &["SELECT id FROM t_f"]), "7");
}

#[test]
fn a_reset_makes_foreign_what_the_reflog_still_has() {
    let repo = line();
    fs::remove_dir_all(repo.path().join(".git/dbm-git")).expect("the ledger is there");
    repo.git(["reset", "--quiet", "--hard", "HEAD~1"]);
    assert_eq!(repo.files_in(VERSIONS).len(), 0);
    assert_eq!(status(&repo), "foreign, foreign f a");
    sync(&repo);
    assert_eq!(database(&repo), ": ");
}

#[test]
fn a_database_dropped_and_built_anew_has_run_everything() {
    let repo = skipped();
    repo.remove("db.sqlite");
    assert_eq!(status(&repo), "no-revision");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    assert_eq!(status(&repo), "up-to-date");
    // And so it is when nobody has looked in between.
    let repo = skipped();
    repo.remove("db.sqlite");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    assert_eq!(status(&repo), "up-to-date");
}

#[test]
fn an_older_copy_brings_back_what_was_repaired_since() {
    let repo = skipped();
    let copy = fs::read(repo.path().join("db.sqlite")).expect("a database");
    sync(&repo);
    repo.remove("db.sqlite");
    repo.write("db.sqlite", copy);
    assert_eq!(status(&repo), "skipped, skipped m");
    sync(&repo);
    assert_eq!(database(&repo), "f: t_a t_f t_m");
}

#[test]
fn a_repair_by_hand_is_believed_when_the_schema_shows_it() {
    let repo = skipped();
    repo.alembic(["stamp", "a"]).expect_code(0);
    repo.alembic(["upgrade", "m"]).expect_code(0);
    repo.alembic(["stamp", "f"]).expect_code(0);
    assert_eq!(status(&repo), "up-to-date");
    assert_eq!(database(&repo), "f: t_a t_f t_m");
}

#[test]
fn stamping_runs_nothing_and_is_not_believed_where_the_schema_tells() {
    let repo = line().adds("f -> g, more");
    repo.alembic(["stamp", "head"]).expect_code(0);
    assert_eq!(status(&repo), "skipped, skipped g");
    sync(&repo);
    assert_eq!(database(&repo), "g: t_a t_f t_g");
}

#[test]
fn with_the_ledger_deleted_the_schema_tells() {
    let repo = skipped();
    fs::remove_dir_all(repo.path().join(".git/dbm-git")).expect("the ledger is there");
    assert_eq!(status(&repo), "skipped, skipped m");
    sync(&repo);
    fs::remove_dir_all(repo.path().join(".git/dbm-git")).expect("the ledger is there");
    assert_eq!(status(&repo), "up-to-date");
}

#[test]
fn where_nothing_tells_it_is_unknown_and_nothing_runs_unless_somebody_says_so() {
    let repo = line().adds("a -> m, data only");
    let path = format!("{VERSIONS}/m_data_only.py");
    let text = repo.read(&path);
    let (head, _) = text.split_once("def upgrade").expect("an upgrade");
    let body = "def upgrade() -> None:\n    op.execute(\"INSERT INTO t_a (id) VALUES (1)\")\n\n\n\
                def downgrade() -> None:\n    op.execute(\"DELETE FROM t_a\")\n";
    repo.write(&path, format!("{head}{body}"));
    repoint(&repo, "f_feature.py", "'a'", "'m'");
    repo.commit("Rewrite by hand");
    fs::remove_dir_all(repo.path().join(".git/dbm-git")).expect("the ledger is there");
    assert_eq!(status(&repo), "unknown, unknown m");
    let refused = repo.dbm(["sync"]).expect_code(1);
    assert!(refused.stderr.contains("--assume"), "{refused}");
    assert_eq!(sql(&repo, &["SELECT count(*) FROM t_a"]), "0");
    repo.dbm(["sync", "--assume", "skipped"]).expect_code(0);
    assert_eq!(status(&repo), "up-to-date");
    assert_eq!(sql(&repo, &["SELECT count(*) FROM t_a"]), "1");
}

#[test]
fn two_files_with_the_same_number_are_two_revisions() {
    let repo =
        TestRepo::new().adds("<base> -> 0001, root").branch("feature").adds("0001 -> 0002, mine");
    // Both files carry the number, and each makes a table of its own.
    let name = |text: String, table: &str| text.replace("'t_0002'", table);
    let path = format!("{VERSIONS}/0002_mine.py");
    repo.write(&path, name(repo.read(&path), "'t_mine'"));
    repo.commit("Name the table");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    sql(&repo, &["INSERT INTO t_mine (id) VALUES (7)"]);
    assert_eq!(status(&repo), "up-to-date");
    let repo = repo.on("main", "0001 -> 0002, theirs");
    let path = format!("{VERSIONS}/0002_theirs.py");
    repo.write(&path, name(repo.read(&path), "'t_theirs'"));
    repo.commit("Name the table");
    // Alembic sees 0002 and is content; it is another one.
    repo.alembic(["current", "--check-heads"]).expect_code(0);
    assert_eq!(status(&repo), "foreign, foreign 0002");
    let repo = repo.publish("main").switch("feature");
    repo.git(["merge", "--quiet", "--no-edit", "main"]);
    repo.dbm(["rebase", "--apply"]).expect_code(0);
    assert_eq!(database(&repo), "0003: t_0001 t_mine t_theirs");
    assert_eq!(sql(&repo, &["SELECT id FROM t_mine"]), "7");
    assert_eq!(status(&repo), "up-to-date");
}

/// Has the file of a number make a table of its own.
fn name_table(repo: &TestRepo, file: &str, table: &str) {
    let path = format!("{VERSIONS}/{file}");
    repo.write(&path, repo.read(&path).replace("'t_0002'", &format!("'{table}'")));
    repo.git(["add", "migrations"]);
    repo.git(["commit", "--quiet", "-m", "Name the table"]);
}

#[test]
fn a_number_that_ran_on_another_branch_is_that_branchs_revision() {
    let repo =
        TestRepo::new().adds("<base> -> 0001, root").branch("side").adds("0001 -> 0002, theirs");
    name_table(&repo, "0002_theirs.py", "t_theirs");
    let repo = repo.switch("main");
    assert_eq!(status(&repo), "no-revision");
    // There and back, and alembic in between: the files are those of the last look.
    let repo = repo.switch("side");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    let repo = repo.switch("main").adds("0001 -> 0002, mine");
    name_table(&repo, "0002_mine.py", "t_mine");
    assert_eq!(status(&repo), "foreign, foreign 0002");
    sync(&repo);
    assert_eq!(database(&repo), "0002: t_0001 t_mine");
    assert_eq!(status(&repo), "up-to-date");
}

#[test]
fn a_number_that_ran_in_another_worktree_is_that_worktrees_revision() {
    let main = TestRepo::new().adds("<base> -> 0001, root");
    let shared = format!("sqlite:///{}", main.path().join("db.sqlite").display());
    main.write("alembic.ini", main.read("alembic.ini").replace("sqlite:///db.sqlite", &shared));
    main.commit("Name the database by its full path");
    let (linked, _) = main.worktree("linked", "other");
    let linked = linked.adds("0001 -> 0002, theirs");
    name_table(&linked, "0002_theirs.py", "t_theirs");
    linked.alembic(["upgrade", "head"]).expect_code(0);
    let main = main.adds("0001 -> 0002, mine");
    name_table(&main, "0002_mine.py", "t_mine");
    assert_eq!(status(&main), "foreign, foreign 0002");
    sync(&main);
    assert_eq!(database(&main), "0002: t_0001 t_mine");
}

#[test]
fn a_colleagues_file_that_arrives_late_tells_what_a_number_stood_for() {
    let mine = TestRepo::new().adds("<base> -> 0001, root").publish("main");
    let theirs = mine.colleague("theirs");
    let shared = format!("sqlite:///{}", mine.path().join("db.sqlite").display());
    let ini = theirs.read("alembic.ini").replace("sqlite:///db.sqlite", &shared);
    theirs.write("alembic.ini", ini);
    theirs.write_revisions("0001 -> 0002, theirs");
    name_table(&theirs, "0002_theirs.py", "t_theirs");
    theirs.alembic(["upgrade", "head"]).expect_code(0);
    let mine = mine.adds("0001 -> 0002, mine");
    name_table(&mine, "0002_mine.py", "t_mine");
    // Whoever made the other table is not known here.
    assert_eq!(status(&mine), "skipped, skipped 0002");
    theirs.git(["push", "--quiet", "origin", "main"]);
    mine.git(["pull", "--quiet", "--no-rebase", "origin", "main"]);
    mine.dbm(["rebase"]).expect_code(0);
    assert_eq!(status(&mine), "behind");
    sync(&mine);
    assert_eq!(database(&mine), "0003: t_0001 t_mine t_theirs");
}

#[test]
fn two_clones_on_one_database_each_learn_what_the_other_did() {
    let mine = line().publish("main");
    let theirs = mine.colleague("theirs");
    let shared = format!("sqlite:///{}", mine.path().join("db.sqlite").display());
    let ini = theirs.read("alembic.ini").replace("sqlite:///db.sqlite", &shared);
    theirs.write("alembic.ini", ini);
    assert_eq!(status(&theirs), "up-to-date");
    theirs.write_revisions("f -> n, next");
    theirs.git(["add", "migrations"]);
    theirs.git(["commit", "--quiet", "-m", "Add n"]);
    theirs.alembic(["upgrade", "head"]).expect_code(0);
    assert_eq!(status(&mine), "foreign, foreign n");
    theirs.git(["push", "--quiet", "origin", "main"]);
    mine.git(["pull", "--quiet", "origin", "main"]);
    assert_eq!(status(&mine), "up-to-date");
    assert_eq!(database(&mine), "n: t_a t_f t_n");
}

#[test]
fn two_worktrees_on_one_database_share_what_is_known() {
    let main = line();
    let shared = format!("sqlite:///{}", main.path().join("db.sqlite").display());
    main.write("alembic.ini", main.read("alembic.ini").replace("sqlite:///db.sqlite", &shared));
    main.commit("Name the database by its full path");
    assert_eq!(status(&main), "up-to-date");
    let (linked, _) = main.worktree("linked", "other");
    let linked = linked.adds("a -> m, main work");
    repoint(&linked, "f_feature.py", "'a'", "'m'");
    linked.commit("Rewrite by hand");
    assert_eq!(status(&linked), "skipped, skipped m");
    assert_eq!(status(&main), "up-to-date");
    linked.dbm(["sync"]).expect_code(0);
    assert_eq!(status(&linked), "up-to-date");
    assert_eq!(database(&main), "f: t_a t_f t_m");
    assert_eq!(status(&main), "foreign, foreign m");
}
