//! `dbm-git undo`, `log` and `recover`.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde::Deserialize;

use super::support::{ErrorJson, TestRepo, VERSIONS};
use super::{changes, diverged};

/// `log --format json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct LogJson {
    version: u32,
    operations: Vec<OperationJson>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "every field is named, so that an unknown one fails")]
struct OperationJson {
    id: i64,
    kind: String,
    state: String,
    time: String,
    command: String,
    branch: Option<String>,
    head: Option<String>,
    worktree: String,
    summary: String,
    undoes: Option<i64>,
    diff: Option<String>,
}

fn image(repo: &TestRepo, path: &str) -> (u32, Vec<u8>) {
    let path = repo.path().join(path);
    let mode = path.metadata().expect("metadata").permissions().mode();
    (mode, fs::read(path).expect("readable"))
}

#[test]
fn files_come_back_byte_for_byte_with_their_modes() {
    let repo = diverged();
    let path = format!("{VERSIONS}/f_feature.py");
    repo.write(&path, repo.read(&path).replace('\n', "\r\n"));
    fs::set_permissions(repo.path().join(&path), fs::Permissions::from_mode(0o754)).expect("ours");
    let before = image(&repo, &path);
    repo.dbm(["rebase"]).expect_code(0);
    let after = image(&repo, &path);
    assert_ne!(after.1, before.1);
    assert_eq!(after.0, before.0);
    insta::assert_snapshot!(repo.dbm(["undo"]), @"
    migrations/versions/f_feature.py
    1 file is as before operation 1 (1 revision rebased). Take that back with: dbm-git undo 2
    ");
    assert_eq!(image(&repo, &path), before);
    repo.dbm(["undo", "2"]).expect_code(0);
    assert_eq!(image(&repo, &path), after);
}

#[test]
fn a_written_merge_revision_goes_again() {
    let repo = diverged();
    repo.dbm(["merge"]).expect_code(0);
    assert_ne!(changes(&repo), "");
    repo.dbm(["undo"]).expect_code(0);
    assert_eq!(changes(&repo), "");
}

#[test]
fn what_was_edited_since_is_not_overwritten() {
    let repo = diverged();
    repo.dbm(["rebase"]).expect_code(0);
    let path = format!("{VERSIONS}/f_feature.py");
    let edited = repo.read(&path) + "# thought of something\n";
    repo.write(&path, &edited);
    insta::assert_snapshot!(repo.dbm(["undo"]), @"
    --- stderr
    error: operation 1 cannot be undone
      caused by: changed since the operation: `migrations/versions/f_feature.py`
    hint: `dbm-git log 1` shows what it changed; bring the files back by hand, or commit them as they are
    --- exit 1
    ");
    assert_eq!(repo.read(&path), edited);
    let error: ErrorJson = repo.dbm(["undo", "--format", "json"]).expect_code(1).json();
    assert_eq!(error.error.kind, "refused");
}

#[test]
fn there_is_nothing_to_undo_twice() {
    let repo = diverged();
    insta::assert_snapshot!(repo.dbm(["undo"]), @"
    --- stderr
    error: there is nothing to undo
    hint: `dbm-git log` lists what was done
    --- exit 1
    ");
    repo.dbm(["rebase"]).expect_code(0);
    repo.dbm(["undo"]).expect_code(0);
    insta::assert_snapshot!(repo.dbm(["undo", "1"]), @"
    --- stderr
    error: operation 1 is undone, and only an applied one can be undone
    hint: `dbm-git log` lists what was done, and where
    --- exit 1
    ");
    insta::assert_snapshot!(repo.dbm(["undo", "7"]), @"
    --- stderr
    error: there is no operation 7
    hint: `dbm-git log` lists what was done
    --- exit 2
    ");
}

#[test]
fn the_log_lists_what_was_done_and_shows_one_operation() {
    let repo = diverged();
    insta::assert_snapshot!(repo.dbm(["log"]), @"nothing was done here yet");
    repo.dbm(["rebase"]).expect_code(0);
    repo.dbm(["undo"]).expect_code(0);
    let log: LogJson = repo.dbm(["log", "--format", "json"]).expect_code(0).json();
    assert_eq!(log.version, 1);
    let listed: Vec<String> = log
        .operations
        .iter()
        .map(|o| {
            format!("{} {} {} {} {:?} {:?}", o.id, o.kind, o.state, o.command, o.branch, o.undoes)
        })
        .collect();
    insta::assert_snapshot!(listed.join("\n"), @r#"
    2 undo applied dbm-git undo Some("feature") Some(1)
    1 rebase undone dbm-git rebase Some("feature") None
    "#);
    let human = repo.dbm(["log", "-n", "1"]).expect_code(0);
    assert_eq!(human.stdout.lines().count(), 2, "{human}");
    assert!(human.stdout.contains("undo operation 1: 1 revision rebased on feature"), "{human}");

    insta::assert_snapshot!(repo.dbm(["log", "1"]), @r#"
    --- a/migrations/versions/f_feature.py
    +++ b/migrations/versions/f_feature.py
    @@ -1,7 +1,7 @@
     """feature
     
     Revision ID: f
    -Revises: a
    +Revises: m
     Create Date: 2026-01-01 00:00:00.000000
     
     """
    @@ -13,7 +13,7 @@
     
     # revision identifiers, used by Alembic.
     revision: str = 'f'
    -down_revision: Union[str, Sequence[str], None] = 'a'
    +down_revision: Union[str, Sequence[str], None] = 'm'
     branch_labels: Union[str, Sequence[str], None] = None
     depends_on: Union[str, Sequence[str], None] = None
    "#);
    let one: LogJson = repo.dbm(["log", "1", "--format", "json"]).expect_code(0).json();
    let [operation] = one.operations.as_slice() else { panic!("{one:?}") };
    assert_eq!(operation.diff.as_ref(), Some(&repo.dbm(["log", "1"]).stdout));
}

#[test]
fn an_operation_that_never_was_is_an_error() {
    let repo = diverged();
    repo.dbm(["log", "7"]).expect_code(2);
    repo.dbm(["rebase"]).expect_code(0);
    insta::assert_snapshot!(repo.dbm(["log", "7"]), @"
    --- stderr
    error: there is no operation 7
    hint: `dbm-git log` lists what was done
    --- exit 2
    ");
}

#[test]
fn linked_worktrees_share_the_log_and_undo_their_own() {
    let repo = diverged();
    let (linked, _) = repo.worktree("linked", "other");
    repo.dbm(["rebase"]).expect_code(0);
    linked.dbm(["undo"]).expect_code(1);
    insta::assert_snapshot!(linked.dbm(["undo", "1"]), @"
    --- stderr
    error: operation 1 happened in another worktree (`.`)
    hint: `dbm-git log` lists what was done, and where
    --- exit 1
    ");
    assert_eq!(linked.dbm(["log"]).stdout, repo.dbm(["log"]).stdout);
    linked.dbm(["rebase"]).expect_code(0);
    linked.dbm(["undo"]).expect_code(0);
    assert_eq!(changes(&linked), "");
    assert_eq!(changes(&repo), " M migrations/versions/f_feature.py");
}

#[test]
fn with_nothing_interrupted_there_is_nothing_to_recover() {
    let repo = diverged();
    for flag in [
        &["recover"][..],
        &["recover", "--finish"],
        &["recover", "--rollback"],
        &["recover", "--discard"],
    ] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(repo.dbm(flag), @"nothing to recover: no operation was interrupted here");
        }
    }
    repo.dbm(["recover", "--finish", "--rollback"]).expect_code(2);
    assert_eq!(changes(&repo), "");
}
