//! The hooks next to other hooks, in other places, and gone again.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::support::TestRepo;
use super::{assert_untouched, clone_with_hooks, heard, install, lands};

/// Path, mode and content of each file below `folder`.
fn files(folder: &Path) -> BTreeMap<String, (u32, Vec<u8>)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let mode = path.metadata().expect("metadata").permissions().mode();
            let bytes = fs::read(&path).expect("a readable file");
            found.insert(path.display().to_string(), (mode, bytes));
        }
    }
    found
}

fn write_hook(repo: &TestRepo, path: &str, text: &str) {
    repo.write(path, text);
    let path = repo.path().join(path);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("our own file");
}

#[test]
fn an_existing_hook_runs_as_before_and_ours_beside_it() {
    let repo = TestRepo::new().adds("<base> -> a, root").publish("main");
    repo.git(["branch", "--quiet", "--set-upstream-to", "origin/main"]);
    write_hook(&repo, ".git/hooks/post-merge", "#!/bin/sh\necho \"theirs $1\" >&2\nexec true\n");
    install(&repo);
    lands(&repo, "a -> m, main work");
    insta::assert_snapshot!(heard(&repo, ["pull", "--quiet"]), @"
    dbm-git: 1 new revision (`m`): `dbm-git status` compares your database
    theirs 0
    ");
    assert_untouched(&repo);
}

#[test]
fn uninstalling_leaves_no_trace_in_hooks_or_configuration() {
    let repo = TestRepo::new().adds("<base> -> a, root").publish("main");
    repo.git(["branch", "--quiet", "--set-upstream-to", "origin/main"]);
    write_hook(&repo, ".git/hooks/post-merge", "#!/bin/bash\necho theirs >&2");
    write_hook(&repo, ".git/hooks/pre-push", "#!/bin/sh\r\nexit 0\r\n".replace('\r', "").as_str());
    let hooks = repo.path().join(".git/hooks");
    let state = || (files(&hooks), repo.read(".git/config"));
    let before = state();
    install(&repo);
    let installed = state();
    assert_ne!(installed, before);
    install(&repo);
    assert_eq!(state(), installed, "installing twice changes nothing");
    repo.dbm(["uninstall"]).expect_code(0);
    assert_eq!(state(), before);
    repo.dbm(["uninstall"]).expect_code(0);
    assert_eq!(state(), before);
    lands(&repo, "a -> m, main work");
    assert_eq!(heard(&repo, ["pull", "--quiet"]), "theirs\n");
}

#[test]
fn a_relative_hooks_path_is_where_the_hooks_go() {
    let repo = TestRepo::new().adds("<base> -> a, root").publish("main");
    repo.git(["branch", "--quiet", "--set-upstream-to", "origin/main"]);
    repo.git(["config", "core.hooksPath", ".githooks"]);
    install(&repo);
    assert!(repo.has(".githooks/post-merge") && !repo.has(".git/hooks/post-merge"));
    lands(&repo, "a -> m, main work");
    insta::assert_snapshot!(heard(&repo, ["pull", "--quiet"]), @"
    dbm-git: 1 new revision (`m`): `dbm-git status` compares your database
    ");
    repo.dbm(["uninstall"]).expect_code(0);
    assert!(!repo.has(".githooks/post-merge"));
    assert_untouched(&repo);
}

#[test]
fn a_dry_run_of_the_installation_writes_nothing() {
    let repo = TestRepo::new().adds("<base> -> a, root");
    let before = files(&repo.path().join(".git"));
    repo.dbm(["install", "--dry-run"]).expect_code(0);
    assert_eq!(files(&repo.path().join(".git")), before);
}

#[test]
fn without_the_binary_git_goes_on() {
    let repo = clone_with_hooks();
    repo.dbm(["uninstall"]).expect_code(0);
    repo.dbm(["install", "--program", "/nowhere/dbm-git"]).expect_code(0);
    lands(&repo, "a -> m, main work");
    insta::assert_snapshot!(heard(&repo, ["pull", "--quiet"]), @"dbm-git: program not found, the post-merge hook is skipped");
    assert_untouched(&repo);
}
