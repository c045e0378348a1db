//! `--apply` and its undo, with the real alembic on SQLite.

use super::support::{ErrorJson, RebaseJson, TestRepo, VERSIONS};
use super::{changes, diverged, down_revision, rows, sql, tables};

/// Diverged files, and a database that has run everything up to `revision`.
fn diverged_at(revision: &str) -> TestRepo {
    let repo = diverged();
    repo.alembic(["upgrade", revision]).expect_code(0);
    repo
}

#[track_caller]
fn assert_nothing_changed(repo: &TestRepo, expected_rows: &str) {
    assert_eq!(changes(repo), "");
    assert_eq!(rows(repo), expected_rows);
    repo.dbm(["undo"]).expect_code(1);
}

#[test]
fn what_is_pending_runs_and_undo_takes_database_and_files_back() {
    let repo = diverged_at("m");
    assert_eq!(tables(&repo), "t_a t_m");
    insta::assert_snapshot!(repo.dbm(["rebase", "--apply"]), @"
    m -> f (was a -> f)
    own and landed revisions touch nothing in common
    1 revision rebased. Undo with: dbm-git undo
    applied f: feature
    default: the database is at f now, as it should be
    ");
    assert_eq!((rows(&repo), tables(&repo)), ("f".to_owned(), "t_a t_f t_m".to_owned()));
    assert_eq!(down_revision(&repo, "f_feature.py"), "'m'");
    assert!(repo.dbm(["status"]).stdout.contains("up to date"));

    insta::assert_snapshot!(repo.dbm(["undo"]), @"
    migrations/versions/f_feature.py
    1 file is as before operation 1 (1 revision rebased). Take that back with: dbm-git undo 2
    --- stderr
    default: taking down `f` in `sqlite:///db.sqlite`; what they created is dropped, and the data in it with it
    ");
    assert_eq!((rows(&repo), tables(&repo)), ("m".to_owned(), "t_a t_m".to_owned()));
    assert_eq!(changes(&repo), "");
}

#[test]
fn an_empty_database_is_brought_all_the_way_and_back_to_nothing() {
    let repo = diverged();
    repo.dbm(["rebase", "--apply"]).expect_code(0);
    assert_eq!((rows(&repo), tables(&repo)), ("f".to_owned(), "t_a t_f t_m".to_owned()));
    repo.dbm(["undo"]).expect_code(0);
    assert_eq!((rows(&repo), tables(&repo)), (String::new(), String::new()));
    assert_eq!(changes(&repo), "");
}

#[test]
fn json_is_one_answer_although_alembic_talks() {
    let repo = diverged_at("m");
    let report: RebaseJson =
        repo.dbm(["rebase", "--apply", "--format", "json"]).expect_code(0).json();
    assert_eq!(report.components[0].moved.len(), 1);
    assert_eq!(rows(&repo), "f");
}

#[test]
fn with_nothing_to_rebase_what_is_pending_still_runs() {
    let repo = TestRepo::new().adds("<base> -> a, root\na -> b, more").publish("main");
    repo.alembic(["upgrade", "a"]).expect_code(0);
    insta::assert_snapshot!(repo.dbm(["rebase", "--apply"]), @"
    nothing to do: no own revision has diverged from the landed ones
    applied b: more
    default: the database is at b now, as it should be
    ");
    assert_eq!((rows(&repo), tables(&repo)), ("b".to_owned(), "t_a t_b".to_owned()));
    insta::assert_snapshot!(repo.dbm(["rebase", "--apply"]), @"
    nothing to do: no own revision has diverged from the landed ones
    default: the database is at b, nothing was pending
    ");
}

#[test]
fn an_own_revision_that_ran_already_keeps_its_data_and_what_it_skips_is_run() {
    let repo = diverged_at("f");
    sql(&repo, &["INSERT INTO t_f (id) VALUES (7)"]);
    insta::assert_snapshot!(repo.dbm(["rebase", "--apply"]), @"
    m -> f (was a -> f)
    own and landed revisions touch nothing in common
    1 revision rebased. Undo with: dbm-git undo
    applied m: main work
    default: tried out on a copy first: it runs, and the schema comes out right
    default: the database is at f now, as it should be
    default: as it was before: .git/dbm-git/backups/1-default.db
    ");
    assert_eq!((rows(&repo), tables(&repo)), ("f".to_owned(), "t_a t_f t_m".to_owned()));
    assert_eq!(sql(&repo, &["SELECT id FROM t_f"]), "7");
    repo.dbm(["undo"]).expect_code(0);
    assert_eq!((rows(&repo), tables(&repo)), ("f".to_owned(), "t_a t_f".to_owned()));
    assert_eq!(sql(&repo, &["SELECT id FROM t_f"]), "7");
    assert_eq!(changes(&repo), "");
}

#[test]
fn a_database_with_a_row_that_nobody_knows_is_left_alone() {
    let repo = diverged_at("m");
    sql(&repo, &["UPDATE alembic_version SET version_num = 'elsewhere'"]);
    insta::assert_snapshot!(repo.dbm(["rebase", "--apply"]), @"
    --- stderr
    error: nothing was changed: the database of `default` cannot be brought along: the database names `elsewhere`, and no script of it was found anywhere
    hint: `git fetch`: the branch that has it may be on a remote; or ask who shares this database
    --- exit 1
    ");
    assert_nothing_changed(&repo, "elsewhere");
}

#[test]
fn overlapping_rows_are_cleaned_on_the_way() {
    let repo = diverged_at("m");
    sql(&repo, &["INSERT INTO alembic_version VALUES ('a')"]);
    insta::assert_snapshot!(repo.dbm(["rebase", "--apply"]), @"
    m -> f (was a -> f)
    own and landed revisions touch nothing in common
    1 revision rebased. Undo with: dbm-git undo
    applied f: feature
    default: tried out on a copy first: it runs, and the schema comes out right
    default: the database is at f now, as it should be
    default: as it was before: .git/dbm-git/backups/1-default.db
    ");
    assert_eq!((rows(&repo), tables(&repo)), ("f".to_owned(), "t_a t_f t_m".to_owned()));
    repo.dbm(["undo"]).expect_code(0);
    assert_eq!((rows(&repo), tables(&repo)), ("a m".to_owned(), "t_a t_m".to_owned()));
    assert_eq!(changes(&repo), "");
}

#[test]
fn a_database_that_alembic_does_not_mean_is_left_alone() {
    let repo = diverged_at("m");
    insta::assert_snapshot!(repo.dbm(["rebase", "--apply", "--database-url", "sqlite:///other.sqlite"]), @"
    --- stderr
    error: alembic and dbm-git look at different databases for `default`: `sqlite:///db.sqlite` is at `m` for alembic, `sqlite:///other.sqlite` is at no revision for dbm-git
    hint: env.py seems to take another URL: name that one with --database-url, or set `database-url-env` in dbm-git.toml to the variable that it reads
    --- exit 1
    ");
    assert_nothing_changed(&repo, "m");
    assert!(!repo.has("other.sqlite"));
}

#[test]
fn without_alembic_nothing_is_changed() {
    let repo = diverged_at("m");
    let mut rebase = repo.dbm_command();
    rebase.env("PATH", "/nowhere").args(["rebase", "--apply"]);
    insta::assert_snapshot!(super::support::Run::of(&mut rebase), @"
    --- stderr
    error: no alembic was found for `default`, or no ini file that it could be run with
    hint: activate the project's environment, or set `alembic = [..]` in dbm-git.toml; name the ini with `config` there
    --- exit 3
    ");
    assert_nothing_changed(&repo, "m");
}

#[test]
fn a_migration_that_fails_is_told_once_and_can_be_undone() {
    let repo = diverged_at("m");
    let path = format!("{VERSIONS}/f_feature.py");
    let text = repo.read(&path).replace(
        "op.create_table(",
        "raise RuntimeError(\"no table today\")\n    op.create_table(",
    );
    repo.write(&path, text);
    repo.commit("Break the migration");
    let error: ErrorJson =
        repo.dbm(["rebase", "--apply", "--format", "json"]).expect_code(4).json();
    assert_eq!(error.error.kind, "database");
    assert!(error.error.message.contains("no table today"), "{error:?}");
    assert_eq!(rows(&repo), "m");
    assert_eq!(down_revision(&repo, "f_feature.py"), "'m'");
    repo.dbm(["undo"]).expect_code(0);
    assert_eq!((rows(&repo), changes(&repo)), ("m".to_owned(), String::new()));
}

#[test]
fn a_merge_revision_is_applied_over_what_ran() {
    let repo = diverged_at("f");
    insta::assert_snapshot!(repo.dbm(["merge", "--apply"]), @"
    f, m -> 1c5349cc5dec (mergepoint), written to migrations/versions/1c5349cc5dec_merge_f_m.py
    own and landed revisions touch nothing in common
    1 merge revision written. Undo with: dbm-git undo
    applied m: main work
    applied 1c5349cc5dec: merge f, m
    default: the database is at 1c5349cc5dec now, as it should be
    ");
    assert_eq!(tables(&repo), "t_a t_f t_m");
    assert_eq!(sql(&repo, &["SELECT count(*) FROM alembic_version"]), "1");
    repo.dbm(["undo"]).expect_code(0);
    assert_eq!((rows(&repo), tables(&repo)), ("f".to_owned(), "t_a t_f".to_owned()));
    assert_eq!(changes(&repo), "");
}

#[test]
fn both_heads_had_run_before_the_merge_and_have_afterwards() {
    let repo = diverged_at("heads");
    repo.dbm(["merge", "--apply"]).expect_code(0);
    assert_eq!(sql(&repo, &["SELECT count(*) FROM alembic_version"]), "1");
    repo.dbm(["undo"]).expect_code(0);
    assert_eq!((rows(&repo), tables(&repo)), ("f m".to_owned(), "t_a t_f t_m".to_owned()));
    assert_eq!(changes(&repo), "");
}

/// ```text
/// a -> f           ran
///  `-> m -> n      did not
/// ```
#[test]
fn a_whole_branch_that_the_merge_brought_goes_down_again() {
    let repo = diverged_at("f");
    repo.write_revisions("m -> n, more of it");
    repo.commit("Add n");
    repo.dbm(["merge", "--apply"]).expect_code(0);
    assert_eq!(tables(&repo), "t_a t_f t_m t_n");
    repo.dbm(["undo"]).expect_code(0);
    assert_eq!((rows(&repo), tables(&repo)), ("f".to_owned(), "t_a t_f".to_owned()));
    assert_eq!(changes(&repo), "");
}

/// The files cannot go back, so the database must not either.
#[test]
fn an_undo_that_is_refused_leaves_the_database_alone() {
    let repo = diverged_at("m");
    repo.dbm(["rebase", "--apply"]).expect_code(0);
    let path = format!("{VERSIONS}/f_feature.py");
    repo.write(&path, repo.read(&path) + "# thought of something\n");
    sql(&repo, &["INSERT INTO t_f VALUES (7)"]);
    repo.dbm(["undo"]).expect_code(1);
    assert_eq!((rows(&repo), tables(&repo)), ("f".to_owned(), "t_a t_f t_m".to_owned()));
    assert_eq!(sql(&repo, &["SELECT id FROM t_f"]), "7");
}

#[test]
fn an_operation_that_is_undone_already_does_not_touch_the_database_again() {
    let repo = diverged_at("m");
    repo.dbm(["rebase", "--apply"]).expect_code(0);
    repo.dbm(["undo"]).expect_code(0);
    repo.alembic(["upgrade", "heads"]).expect_code(0);
    sql(&repo, &["DELETE FROM alembic_version WHERE version_num = 'm'"]);
    insta::assert_snapshot!(repo.dbm(["undo", "1"]), @"
    --- stderr
    error: operation 1 is undone, and only an applied one can be undone
    hint: `dbm-git log` lists what was done, and where
    --- exit 1
    ");
    assert_eq!((rows(&repo), tables(&repo)), ("f".to_owned(), "t_a t_f t_m".to_owned()));
}

#[test]
fn a_database_that_moved_on_is_not_taken_down() {
    let repo = diverged_at("m");
    repo.dbm(["rebase", "--apply"]).expect_code(0);
    repo.write_revisions("f -> g, next");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    insta::assert_snapshot!(repo.dbm(["undo"]), @"
    --- stderr
    error: `sqlite:///db.sqlite` is at `g`, not at `f` any more
    hint: `dbm-git undo --keep-database` takes the files back only
    --- exit 1
    ");
    assert_eq!(rows(&repo), "g");
    assert_eq!(down_revision(&repo, "f_feature.py"), "'m'");
    repo.dbm(["undo", "--keep-database"]).expect_code(0);
    assert_eq!(rows(&repo), "g");
    assert_eq!(down_revision(&repo, "f_feature.py"), "'a'");
}
