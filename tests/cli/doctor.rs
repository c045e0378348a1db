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
    fixed: Vec<FixedJson>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FixedJson {
    what: String,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CheckupJson {
    id: String,
    component: Option<String>,
    state: String,
    message: String,
    command: Option<String>,
    advice: Option<String>,
    fixable: bool,
    runs: Vec<String>,
}

/// What doctor says, without this machine's folders.
fn said(repo: &TestRepo, run: &Run) -> String {
    let tools = test_python();
    let tools = tools.parent().expect("a folder of programs");
    let real = repo.path().canonicalize().expect("it is there");
    let said = run.to_string();
    // Its size depends on git and SQLite.
    let state = |line: &str| !line.contains(" state: ");
    let said: String = said.split_inclusive('\n').filter(|line| state(line)).collect();
    said.replace(&real.display().to_string(), "<repo>")
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
    let found = report.checks.into_iter().find(|c| c.id == id && c.state == "error");
    found.unwrap_or_else(|| panic!("no problem with {id}:\n{}", doctor(repo)))
}

fn healthy() -> TestRepo {
    let repo = TestRepo::new().adds("<base> -> a, root").publish("main");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    // What is in files can be damaged; there is a newer way, which is not.
    repo.pretend_older_git();
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
    ✅ hooks: post-merge, post-commit, post-checkout, post-rewrite, pre-push: ours runs, alone

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
    assert!(report.ok && report.checks.iter().all(|check| check.command.is_none()), "{report:?}");
    let ids: Vec<&str> = report.checks.iter().map(|check| check.id.as_str()).collect();
    insta::assert_snapshot!(ids.join(" "), @"configuration upstream journal operation hooks-folder hook-post-merge hook-post-commit hook-post-checkout hook-post-rewrite hook-pre-push state config script-location version-locations alembic history database");
}

#[test]
fn a_new_clone_lacks_hooks() {
    let repo = TestRepo::new().adds("<base> -> a, root");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    insta::assert_snapshot!(doctor(&repo), @"
    ✅ configuration: 1 component: default
    ⚠️  upstream: none, so nothing counts as landed
         to do: add a remote and fetch it, or set `upstream` in dbm-git.toml
    ✅ journal: nothing was done here yet
    ✅ operation: none was interrupted
    ✅ hooks folder: <repo>/.git/hooks
    ❌ hooks: post-merge, post-commit, post-checkout, post-rewrite, pre-push: not installed
         mend: dbm-git install

    default
    ✅ config: alembic.ini
    ✅ script location: migrations
    ✅ version locations: migrations/versions
    ✅ alembic: <tools>/alembic, 1.20.1
    ✅ history: 1 revision
    ✅ database: sqlite:///db.sqlite, up-to-date

    1 problem, 1 warning
    `dbm-git doctor --fix` mends 1 of these
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
    ✅ hooks: post-merge, post-commit, post-checkout, post-rewrite, pre-push: ours runs, alone

    main
    ✅ config: alembic.ini
    ✅ script location: migrations
    ✅ version locations: migrations/versions
    ✅ alembic: <tools>/alembic, 1.20.1
    ✅ history: 1 revision
    ✅ database: sqlite:///db.sqlite, up-to-date

    other
    ✅ config: none: alembic is not told where the scripts are
    ✅ script location: other
    ✅ version locations: not there yet: other/versions
    ❌ alembic: <tools>/alembic, but no ini for it
         to do: name the ini with `config` in dbm-git.toml
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
    ❌ configuration: unknown key `upstreem` in `dbm-git.toml` line 1, the nearest known one is `upstream`
         to do: mend that file
    ✅ journal: nothing was done here yet
    ✅ operation: none was interrupted
    ✅ hooks folder: <repo>/.git/hooks
    ✅ hooks: post-merge, post-commit, post-checkout, post-rewrite, pre-push: ours runs, alone

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
    assert!(found.command.is_some_and(|mend| mend.contains("git fetch")));
}

#[test]
fn errors_in_the_files_are_counted() {
    let repo = diverged();
    let found = problem(&repo, "history");
    assert_eq!(
        (found.message.as_str(), found.command.as_deref()),
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
    ❌ hooks: post-merge: not installed
         mend: dbm-git install
    ⚠️  hooks: post-commit: ours does nothing: git's dbm-git.postCommit is off
         mend: git config --unset dbm-git.postCommit
    ✅ hooks: post-checkout, post-rewrite: ours runs, alone
    ❌ hooks: pre-push: not installed: it is a script for `python3`, not for sh or bash
         to do: `dbm-git install --partial` says what to add by hand

    default
    ✅ config: alembic.ini
    ✅ script location: migrations
    ✅ version locations: migrations/versions
    ✅ alembic: <tools>/alembic, 1.20.1
    ✅ history: 1 revision
    ✅ database: sqlite:///db.sqlite, up-to-date

    2 problems, 1 warning
    `dbm-git doctor --fix` mends 1 of these
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
    assert!(folder.message.ends_with(".husky, by core.hooksPath = `.husky` (local)"), "{folder:?}");
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
    ⚠️  operation: the mark of an operation is there, but none is open
         mend: dbm-git doctor --fix
    ✅ hooks folder: <repo>/.git/hooks
    ✅ hooks: post-merge, post-commit, post-checkout, post-rewrite, pre-push: ours runs, alone
    ❌ leftovers: <repo>/.git/dbm-git/scratch/dbm-git-scratch-x1, of a dbm-git that was killed
         mend: rm -r <repo>/.git/dbm-git/scratch/dbm-git-scratch-x1

    default
    ✅ config: alembic.ini
    ✅ script location: migrations
    ✅ version locations: migrations/versions
    ✅ alembic: <tools>/alembic, 1.20.1
    ✅ history: 1 revision
    ✅ database: sqlite:///db.sqlite, up-to-date

    1 problem, 1 warning
    `dbm-git doctor --fix` mends 2 of these
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
    let mend = found.command.expect("a command");
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
    assert_eq!(found.command.as_deref(), Some("dbm-git recover"));
}

#[test]
fn a_database_that_is_not_at_the_head_is_told_with_the_way_there() {
    let repo = healthy();
    repo.write_revisions("a -> b, more");
    let found = problem(&repo, "database");
    assert_eq!(found.message, "sqlite:///db.sqlite, behind");
    assert!(found.command.is_some(), "{found:?}");
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
    assert_eq!((alembic.state.as_str(), alembic.message.as_str()), ("error", "none was found"));
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

/// The check of one hook, healthy or not.
#[track_caller]
fn hook(repo: &TestRepo, hook: &str) -> CheckupJson {
    // Hooks are the same at a commit, and no alembic has to be started for them.
    let report: DoctorJson = repo.dbm(["doctor", "--at", "HEAD", "--format", "json"]).json();
    let id = format!("hook-{hook}");
    report.checks.into_iter().find(|check| check.id == id).expect("it is looked at")
}

#[test]
fn fix_says_what_it_mends_and_mends_it() {
    let repo = healthy();
    repo.remove(".git/hooks/post-merge");
    repo.write(".git/dbm-git/open", "");
    let scratch = ".git/dbm-git/scratch/dbm-git-scratch-x1";
    repo.write(&format!("{scratch}/alembic.ini"), "");
    let planned = repo.dbm(["doctor", "--fix", "--dry-run"]).expect_code(1);
    insta::assert_snapshot!(planned.stderr.replace(&real_path(&repo), "<repo>"), @"
    fix: settle the interrupted operation: finish or roll back its files; `dbm-git log` shows it
    fix: install the hooks that can be installed; `dbm-git uninstall` takes them out again
    fix: delete what a killed dbm-git has left: <repo>/.git/dbm-git/scratch/dbm-git-scratch-x1
    ");
    assert!(repo.has(scratch) && !repo.has(".git/hooks/post-merge"));

    let run = repo.dbm(["doctor", "--fix", "--format", "json"]).expect_code(0);
    assert_eq!(run.stderr, planned.stderr);
    let report: DoctorJson = run.json();
    assert_eq!(report.fixed.len(), 3);
    assert!(report.fixed.iter().all(|fixed| fixed.error.is_none() && !fixed.what.is_empty()));
    assert!(report.checks.iter().all(|check| check.state == "ok" && !check.fixable), "{report:?}");
    assert!(!repo.has(scratch) && !repo.has(".git/dbm-git/open"));
    let again = repo.dbm(["doctor", "--fix"]).expect_code(0);
    assert_eq!(again.stderr, "");
    repo.dbm(["uninstall"]).expect_code(0);
    assert!(!repo.has(".git/hooks/post-merge"));
}

fn real_path(repo: &TestRepo) -> String {
    repo.path().canonicalize().expect("it is there").display().to_string()
}

#[test]
fn what_somebody_has_to_decide_is_not_fixed() {
    let repo = healthy();
    let theirs = "#!/usr/bin/env python3\n";
    repo.write(".git/hooks/pre-push", theirs);
    let run = repo.dbm(["doctor", "--fix"]).expect_code(1);
    assert_eq!(run.stderr, "");
    assert_eq!(repo.read(".git/hooks/pre-push"), theirs);
}

#[test]
fn the_program_of_a_hook_is_looked_at() {
    let repo = healthy();
    let fake = repo.path().join("../other/dbm-git");
    let fake = fake.display().to_string();
    repo.dbm(["install", "--program", &fake]).expect_code(0);
    let found = hook(&repo, "post-merge");
    assert_eq!(found.state, "error", "{found:?}");
    assert!(found.message.ends_with("is gone, so ours does nothing"), "{found:?}");
    assert_eq!((found.command.as_deref(), found.fixable), (Some("dbm-git install"), true));

    executable(&repo, "../other/dbm-git", "#!/bin/sh\necho dbm-git 0.0.1\n");
    let found = hook(&repo, "post-merge");
    assert_eq!(found.state, "warning", "{found:?}");
    assert!(found.message.contains("version 0.0.1; this is "), "{found:?}");
    executable(&repo, "../other/dbm-git", "#!/bin/sh\nexit 3\n");
    assert!(hook(&repo, "post-merge").message.ends_with("does not run: exit status: 3"));

    repo.remove("../other/dbm-git");
    executable(&repo, "bin/dbm-git", "#!/bin/sh\n");
    let path = format!("{}:/usr/bin:/bin", repo.path().join("bin").display());
    let mut command = repo.dbm_command();
    let run = Run::of(command.env("PATH", path).args(["doctor", "--format", "json"]));
    let report: DoctorJson = run.json();
    let found = report.checks.iter().find(|c| c.id == "hook-post-merge").expect("looked at");
    assert!(found.message.ends_with("the dbm-git on PATH runs instead"), "{found:?}");
}

fn executable(repo: &TestRepo, path: &str, text: &str) {
    repo.write(path, text);
    Run::of(repo.command("chmod").args(["+x", path])).expect_code(0);
}

#[test]
fn what_silences_a_hook_is_named_with_what_brings_it_back() {
    let repo = healthy();
    let own = repo.read(".git/hooks/post-merge");
    let post_merge = || {
        let path = repo.path().canonicalize().expect("it is there");
        let found = hook(&repo, "post-merge");
        let mend = found.command.or(found.advice).unwrap_or_default();
        format!("{}: {} | {mend}", found.state, found.message)
            .replace(&path.display().to_string(), "<repo>")
            .replace(&repo.path().display().to_string(), "<repo>")
    };
    insta::assert_snapshot!(post_merge(), @"ok: ours runs, alone | ");
    // git ignores it.
    Run::of(repo.command("chmod").args(["-x", ".git/hooks/post-merge"])).expect_code(0);
    insta::assert_snapshot!(post_merge(), @"error: `<repo>/.git/hooks/post-merge` is not executable, so git ignores it | dbm-git install");
    let block = own.replace("# This file belongs to dbm-git.\n", "");
    for (text, _) in [(block.replace('\n', "\r\n"), ()), (format!("#!/bin/sh\r\n{own}"), ())] {
        executable(&repo, ".git/hooks/post-merge", &text);
        insta::allow_duplicates!({
            insta::assert_snapshot!(post_merge(), @r"error: the first line of `<repo>/.git/hooks/post-merge` ends in CRLF, so git cannot run it | sed -i 's/\r$//' <repo>/.git/hooks/post-merge");
        });
    }
    executable(&repo, ".git/hooks/post-merge", &block.replace("/bin/sh", "/nowhere/bash"));
    insta::assert_snapshot!(post_merge(), @"error: `<repo>/.git/hooks/post-merge` wants `/nowhere/bash`, which is not on this machine | install /nowhere/bash, or change the first line");
    executable(
        &repo,
        ".git/hooks/post-merge",
        &block.replace("#!/bin/sh\n", "#!/bin/sh\nexit 0\n"),
    );
    insta::assert_snapshot!(post_merge(), @"error: ours in `<repo>/.git/hooks/post-merge` comes after `exit 0`, and is never reached | dbm-git uninstall && dbm-git install");
    executable(
        &repo,
        ".git/hooks/post-merge",
        &block.replace("#!/bin/sh\n", "#!/bin/sh\nif test -e x; then\n  exit 0\nfi\n"),
    );
    insta::assert_snapshot!(post_merge(), @"warning: ours in `<repo>/.git/hooks/post-merge` comes after `exit 0`, and may not be reached | dbm-git uninstall && dbm-git install");
    executable(&repo, ".git/hooks/post-merge", "#!/bin/sh\n# >>> dbm-git hook v1 >>>\n");
    insta::assert_snapshot!(post_merge(), @"error: our marker lines in `<repo>/.git/hooks/post-merge` are incomplete or doubled | take all of our lines out of <repo>/.git/hooks/post-merge, then `dbm-git install`");
    executable(&repo, ".git/hooks/post-merge", &format!("{own}echo theirs\n"));
    insta::assert_snapshot!(post_merge(), @"warning: ours runs, and below it what somebody has added, which DBM_GIT=0 switches off too | dbm-git install");
    repo.dbm(["install"]).expect_code(0);
    insta::assert_snapshot!(post_merge(), @"ok: ours runs, with the rest of that file | ");
    executable(&repo, ".git/hooks/post-merge", "#!/bin/sh\n/opt/dbm-git hook post-merge \"$@\"\n");
    insta::assert_snapshot!(post_merge(), @"ok: ours runs, with the rest of that file | ");
    executable(&repo, ".git/hooks/post-merge", "#!/bin/sh\n# dbm-git hook post-merge\n");
    insta::assert_snapshot!(post_merge(), @"error: not installed | dbm-git install");
    repo.git(["config", "dbm-git.postMerge", "often"]);
    executable(&repo, ".git/hooks/post-merge", &own);
    insta::assert_snapshot!(post_merge(), @"warning: git's dbm-git.postMerge is `often`, which means nothing: off, report or sync would | git config --unset dbm-git.postMerge");
    repo.git(["config", "--unset", "dbm-git.postMerge"]);
    repo.git(["config", "core.hooksPath", ".githooks"]);
    insta::assert_snapshot!(post_merge(), @"error: ours is in `<repo>/.git/hooks/post-merge`, and core.hooksPath = `.githooks` (local) leads elsewhere | dbm-git install");
    repo.git(["config", "core.hooksPath", "/dev/null"]);
    insta::assert_snapshot!(post_merge(), @"error: ours is in `<repo>/.git/hooks/post-merge`, and core.hooksPath = `/dev/null` (local) leads elsewhere | git config --unset core.hooksPath");
    repo.git(["config", "core.hooksPath", ""]);
    insta::assert_snapshot!(post_merge(), @"error: ours is in `<repo>/.git/hooks/post-merge`, and core.hooksPath = `` (local) leads elsewhere | git config --unset core.hooksPath");
    repo.git(["config", "--unset", "core.hooksPath"]);
    repo.write(".git/index.lock", "");
    let report: DoctorJson = repo.dbm(["doctor", "--format", "json"]).json();
    let lock = report.checks.iter().find(|check| check.id == "index-lock").expect("it is told");
    assert!(lock.advice.as_ref().is_some_and(|advice| advice.contains("rm ")), "{lock:?}");
}

#[test]
fn all_that_git_runs_is_told_in_its_order() {
    let repo = healthy();
    let alone = hook(&repo, "post-merge");
    let path = repo.path().join(".git/hooks/post-merge");
    let path = path.canonicalize().expect("it is there").display().to_string();
    assert_eq!(alone.runs, [format!("ours: {path}")]);
    executable(&repo, ".git/hooks/post-merge", "#!/bin/sh\n. \"$(dirname \"$0\")/h\"\n");
    repo.dbm(["install"]).expect_code(0);
    let both = hook(&repo, "post-merge");
    assert_eq!(both.message, "ours runs, then husky");
    assert_eq!(both.runs, [format!("ours: {path}"), format!("{path} (husky)")]);
}
