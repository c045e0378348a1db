//! `dbm-git doctor`.

use std::fs::File;

use serde::Deserialize;

use super::support::{Run, TestRepo, VERSIONS, test_python};
use super::{diverged, sql};

/// `doctor --format json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DoctorJson {
    version: u32,
    ok: bool,
    checks: Vec<CheckupJson>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckupJson {
    id: String,
    component: Option<String>,
    verdict: String,
    message: String,
    mend: Option<String>,
}

/// What doctor says, without this machine's folders.
fn said(repo: &TestRepo, run: &Run) -> String {
    let tools = test_python();
    let tools = tools.parent().expect("a folder of programs");
    let real = repo.path().canonicalize().expect("it is there");
    run.to_string()
        .replace(&real.display().to_string(), "<repo>")
        .replace(&repo.path().display().to_string(), "<repo>")
        .replace(&tools.display().to_string(), "<tools>")
}

#[track_caller]
fn doctor(repo: &TestRepo) -> String {
    said(repo, &repo.dbm(["doctor"]))
}

/// The one check with this id that is a problem.
#[track_caller]
fn problem(repo: &TestRepo, id: &str) -> CheckupJson {
    let report: DoctorJson = repo.dbm(["doctor", "--format", "json"]).expect_code(1).json();
    assert_eq!((report.version, report.ok), (1, false));
    let found = report.checks.into_iter().find(|c| c.id == id && c.verdict == "problem");
    found.unwrap_or_else(|| panic!("no problem with {id}:\n{}", doctor(repo)))
}

fn healthy() -> TestRepo {
    let repo = TestRepo::new().adds("<base> -> a, root").publish("main");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    repo.dbm(["install"]).expect_code(0);
    repo
}

#[test]
fn where_everything_is_in_place_it_says_so() {
    let repo = healthy();
    insta::assert_snapshot!(doctor(&repo), @"
    ✅ configuration: 1 component: default
    ✅ upstream: origin/main
    ✅ journal: nothing was done here yet
    ✅ operation: none was interrupted
    ✅ hooks folder: <repo>/.git/hooks
    ✅ hooks: post-merge, post-commit, post-checkout, post-rewrite, pre-push: installed

    default
    ✅ config: alembic.ini
    ✅ script location: migrations
    ✅ version locations: migrations/versions
    ✅ alembic: <tools>/alembic, 1.20.1
    ✅ history: 1 revision
    ✅ database: sqlite:///db.sqlite, up-to-date

    everything is in place
    ");
    let report: DoctorJson = repo.dbm(["doctor", "--format", "json"]).expect_code(0).json();
    assert!(report.ok && report.checks.iter().all(|check| check.mend.is_none()), "{report:?}");
    let ids: Vec<&str> = report.checks.iter().map(|check| check.id.as_str()).collect();
    insta::assert_snapshot!(ids.join(" "), @"configuration upstream journal operation hooks-folder hook-post-merge hook-post-commit hook-post-checkout hook-post-rewrite hook-pre-push config script-location version-locations alembic history database");
}

#[test]
fn a_new_clone_lacks_hooks() {
    let repo = TestRepo::new().adds("<base> -> a, root");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    insta::assert_snapshot!(doctor(&repo), @"
    ✅ configuration: 1 component: default
    ℹ️  upstream: none, so nothing counts as landed
    ✅ journal: nothing was done here yet
    ✅ operation: none was interrupted
    ✅ hooks folder: <repo>/.git/hooks
    ⚠️  hooks: post-merge, post-commit, post-checkout, post-rewrite, pre-push: not installed
         mend: dbm-git install

    default
    ✅ config: alembic.ini
    ✅ script location: migrations
    ✅ version locations: migrations/versions
    ✅ alembic: <tools>/alembic, 1.20.1
    ✅ history: 1 revision
    ✅ database: sqlite:///db.sqlite, up-to-date

    1 problem
    --- exit 1
    ");
}

#[test]
fn each_component_has_its_own_lines() {
    let repo = healthy();
    repo.write("other/env.py", "");
    repo.write(
        "dbm-git.toml",
        "[components.main]\nconfig = \"alembic.ini\"\n\
         [components.other]\nscript-location = \"other\"\ndatabase-url = \"sqlite:///o.db\"\n",
    );
    insta::assert_snapshot!(doctor(&repo), @"
    ✅ configuration: 2 components: main, other
    ✅ upstream: origin/main
    ✅ journal: nothing was done here yet
    ✅ operation: none was interrupted
    ✅ hooks folder: <repo>/.git/hooks
    ✅ hooks: post-merge, post-commit, post-checkout, post-rewrite, pre-push: installed

    main
    ✅ config: alembic.ini
    ✅ script location: migrations
    ✅ version locations: migrations/versions
    ✅ alembic: <tools>/alembic, 1.20.1
    ✅ history: 1 revision
    ✅ database: sqlite:///db.sqlite, up-to-date

    other
    ℹ️  config: none: alembic is not told where the scripts are
    ✅ script location: other
    ℹ️  version locations: not there yet: other/versions
    ⚠️  alembic: <tools>/alembic, but no ini for it
         mend: name the ini with `config` in dbm-git.toml
    ✅ history: 0 revisions
    ✅ database: sqlite:///o.db, up-to-date

    1 problem
    --- exit 1
    ");
}

#[test]
fn a_broken_configuration_is_a_finding_and_not_the_end() {
    let repo = healthy();
    repo.write("dbm-git.toml", "upstreem = 1\n");
    insta::assert_snapshot!(doctor(&repo), @"
    ⚠️  configuration: unknown key `upstreem` in `dbm-git.toml` line 1, the nearest known one is `upstream`
         mend: mend that file
    ✅ journal: nothing was done here yet
    ✅ operation: none was interrupted
    ✅ hooks folder: <repo>/.git/hooks
    ✅ hooks: post-merge, post-commit, post-checkout, post-rewrite, pre-push: installed

    1 problem
    --- exit 1
    ");
    repo.remove("dbm-git.toml");
    repo.remove("alembic.ini");
    repo.remove_folder("migrations");
    assert!(problem(&repo, "configuration").message.contains("no Alembic environment"));
    repo.dbm(["doctor", "--component", "nonesuch"]).expect_code(1);
}

#[test]
fn an_upstream_that_is_not_there_is_told() {
    let repo = healthy();
    repo.write("dbm-git.toml", "upstream = \"origin/gone\"\n");
    let found = problem(&repo, "upstream");
    assert!(found.message.contains("origin/gone"), "{found:?}");
    assert!(found.mend.is_some_and(|mend| mend.contains("git fetch")));
}

#[test]
fn errors_in_the_files_are_counted() {
    let repo = diverged();
    let found = problem(&repo, "history");
    assert_eq!(
        (found.message.as_str(), found.mend.as_deref()),
        ("3 revisions, 1 error", Some("dbm-git check"))
    );
    assert_eq!(found.component.as_deref(), Some("default"));
}

#[test]
fn a_hook_of_somebody_else_and_one_that_is_switched_off() {
    let repo = healthy();
    repo.git(["config", "dbm-git.postCommit", "off"]);
    repo.write(".git/hooks/pre-push", "#!/usr/bin/env python3\n");
    repo.write(".git/hooks/post-merge", "#!/bin/sh\n# mine\n");
    insta::assert_snapshot!(doctor(&repo), @"
    ✅ configuration: 1 component: default
    ✅ upstream: origin/main
    ✅ journal: nothing was done here yet
    ✅ operation: none was interrupted
    ✅ hooks folder: <repo>/.git/hooks
    ⚠️  hooks: post-merge: not installed
         mend: dbm-git install
    ℹ️  hooks: post-commit: installed, and switched off by git's dbm-git.postCommit
    ✅ hooks: post-checkout, post-rewrite: installed
    ⚠️  hooks: pre-push: not installed: it is a script for `python3`, not for sh or bash
         mend: `dbm-git install --partial` says what to add by hand

    default
    ✅ config: alembic.ini
    ✅ script location: migrations
    ✅ version locations: migrations/versions
    ✅ alembic: <tools>/alembic, 1.20.1
    ✅ history: 1 revision
    ✅ database: sqlite:///db.sqlite, up-to-date

    2 problems
    --- exit 1
    ");
    let mut silenced = repo.dbm_command();
    let run = Run::of(silenced.env("DBM_GIT", "0").arg("doctor"));
    assert!(run.stdout.contains("DBM_GIT=0 silences"), "{run}");
}

#[test]
fn another_hooks_folder_is_named() {
    let repo = TestRepo::new().adds("<base> -> a");
    repo.git(["config", "core.hooksPath", ".husky"]);
    let report: DoctorJson = repo.dbm(["doctor", "--format", "json"]).expect_code(1).json();
    let folder = report.checks.iter().find(|c| c.id == "hooks-folder").expect("it is looked at");
    assert!(folder.message.ends_with(".husky, by core.hooksPath"), "{folder:?}");
    repo.git(["config", "core.hooksPath", "/somewhere/else"]);
    let report: DoctorJson = repo.dbm(["doctor", "--format", "json"]).expect_code(1).json();
    let folder = report.checks.iter().find(|c| c.id == "hooks-folder").expect("it is looked at");
    assert!(folder.message.ends_with("shared with other repositories"), "{folder:?}");
}

#[test]
fn a_mark_without_an_operation_and_a_scratch_folder_are_left_overs() {
    let repo = healthy();
    repo.write(".git/dbm-git/open", "");
    repo.write(".git/dbm-git/scratch/dbm-git-scratch-x1/alembic.ini", "");
    insta::assert_snapshot!(doctor(&repo), @"
    ✅ configuration: 1 component: default
    ✅ upstream: origin/main
    ✅ journal: nothing was done here yet
    ℹ️  operation: the mark of an operation is there, but none is open; the next change removes it
    ✅ hooks folder: <repo>/.git/hooks
    ✅ hooks: post-merge, post-commit, post-checkout, post-rewrite, pre-push: installed
    ⚠️  leftovers: <repo>/.git/dbm-git/scratch/dbm-git-scratch-x1, of a dbm-git that was killed
         mend: rm -r <repo>/.git/dbm-git/scratch/dbm-git-scratch-x1

    default
    ✅ config: alembic.ini
    ✅ script location: migrations
    ✅ version locations: migrations/versions
    ✅ alembic: <tools>/alembic, 1.20.1
    ✅ history: 1 revision
    ✅ database: sqlite:///db.sqlite, up-to-date

    1 problem
    --- exit 1
    ");
}

#[test]
fn what_killed_processes_left_behind_is_told_apart_from_what_is_in_use() {
    let repo = healthy();
    let temporary = format!("{VERSIONS}/.dbm-git-x1.tmp");
    repo.write(&temporary, "");
    repo.write(".git/dbm-git/scratch/copy-x1/copy.db", "");
    let in_use = ".git/dbm-git/scratch/dbm-git-scratch-x1/.dbm-git-in-use";
    repo.write(in_use, "");
    let found = problem(&repo, "leftovers");
    assert!(found.message.ends_with("copy-x1 and 2 more, of a dbm-git that was killed"));
    let file = File::open(repo.path().join(in_use)).expect("it is there");
    file.lock().expect("free");
    let found = problem(&repo, "leftovers");
    assert!(found.message.ends_with("copy-x1 and 1 more, of a dbm-git that was killed"));
    let mend = found.mend.expect("a command");
    assert!(mend.starts_with("rm -r ") && mend.ends_with(&temporary), "{mend}");
    // And it works.
    Run::of(repo.command("sh").args(["-c", &mend])).expect_code(0);
    assert!(!repo.has(&temporary));
    let said = doctor(&repo);
    assert!(said.contains("everything is in place"), "{said}");
    // While another dbm-git is at work, its temporary files are its own.
    repo.write(&temporary, "");
    repo.write(".git/dbm-git/lock", "");
    let lock = File::open(repo.path().join(".git/dbm-git/lock")).expect("it is there");
    lock.lock().expect("free");
    let said = doctor(&repo);
    assert!(said.contains("everything is in place"), "{said}");
}

#[test]
fn steps_that_were_interrupted_wait_and_backups_have_a_size() {
    let repo = healthy();
    repo.write_revisions("a -> b, more\nb -> c, and more");
    repo.dbm(["migrate"]).expect_code(0);
    let said = doctor(&repo);
    assert!(!said.contains("backups: "), "{said}");
    repo.dbm(["migrate", "--direction", "downgrade", "--target", "-1"]).expect_code(0);
    let said = doctor(&repo);
    assert!(said.contains("backups: 1 copy of databases, "), "{said}");
    assert!(said.contains("KiB in <repo>/.git/dbm-git/backups\n"), "{said}");
    // As a process has left it that was killed while alembic ran.
    let script = "import sqlite3\nc = sqlite3.connect('.git/dbm-git/state.db')\n\
                  c.execute(\"UPDATE step SET state = 'started' WHERE operation = 2\")\nc.commit()";
    Run::of(repo.command(test_python()).args(["-c", script])).expect_code(0);
    let found = problem(&repo, "operation");
    assert!(
        found
            .message
            .starts_with("operation 2 was interrupted in sqlite:///db.sqlite after 0 of 1 step (")
    );
    assert_eq!(found.mend.as_deref(), Some("dbm-git recover"));
}

#[test]
fn a_database_that_is_not_at_the_head_is_told_with_the_way_there() {
    let repo = healthy();
    repo.write_revisions("a -> b, more");
    let found = problem(&repo, "database");
    assert_eq!(found.message, "sqlite:///db.sqlite, behind");
    assert!(found.mend.is_some(), "{found:?}");
    sql(&repo, &["UPDATE alembic_version SET version_num = 'elsewhere'"]);
    assert!(problem(&repo, "database").message.contains("foreign"));
}

#[test]
fn an_alembic_that_does_not_run_or_is_not_there_is_told() {
    let repo = healthy();
    repo.write(
        "dbm-git.toml",
        "[components.default]\nconfig = \"alembic.ini\"\nalembic = [\"./nonesuch\"]\n",
    );
    let found = problem(&repo, "alembic");
    assert!(found.message.contains("cannot run `./nonesuch --version`"), "{found:?}");
    repo.remove("dbm-git.toml");
    let mut alone = repo.dbm_command();
    let run = Run::of(alone.env("PATH", "/nowhere").args(["doctor", "--format", "json"]));
    let report: DoctorJson = run.expect_code(1).json();
    let alembic = report.checks.iter().find(|c| c.id == "alembic").expect("it is looked for");
    assert_eq!((alembic.verdict.as_str(), alembic.message.as_str()), ("problem", "none was found"));
}

#[test]
fn a_script_location_without_env_is_told() {
    let repo = healthy();
    repo.remove("migrations/env.py");
    let found = problem(&repo, "script-location");
    assert_eq!(found.message, "`migrations` has no env.py");
    repo.remove_folder(VERSIONS);
    let report: DoctorJson = repo.dbm(["doctor", "--format", "json"]).expect_code(1).json();
    let locations = report.checks.iter().find(|c| c.id == "version-locations");
    assert!(
        locations.is_some_and(|c| c.message == "not there yet: migrations/versions"),
        "{report:?}"
    );
}

#[test]
fn a_commit_is_looked_at_without_database_and_alembic() {
    let repo = healthy();
    let report: DoctorJson =
        repo.dbm(["doctor", "--at", "HEAD", "--format", "json"]).expect_code(0).json();
    assert!(!report.checks.iter().any(|c| ["alembic", "database"].contains(&c.id.as_str())));
}
