//! Hooks folders of all kinds: `core.hooksPath` in every scope, relative, empty,
//! per worktree; linked worktrees, submodules, links.

use std::os::unix::fs::symlink;

use super::World;

#[test]
fn a_relative_folder_is_each_worktrees_own() {
    let world = World::new();
    world.repo.git(["config", "core.hooksPath", ".githooks"]);
    world.install();
    insta::assert_snapshot!(world.seen(), @"all: ours | ok: ours runs, alone");
    let (linked, _) = world.repo.worktree("linked", "linked");
    let linked = World { repo: linked, variables: world.variables.clone() };
    let checks = linked.doctor();
    let hook = checks.iter().find(|check| check.id == "hook-post-merge").expect("looked at");
    assert_eq!((hook.state.as_str(), hook.message.as_str()), ("error", "not installed"));
    linked.install();
    let checks = linked.doctor();
    let hook = checks.iter().find(|check| check.id == "hook-post-merge").expect("looked at");
    assert_eq!(hook.state, "ok");
}

#[test]
fn an_empty_path_is_the_root_of_the_file_system() {
    let world = World::new();
    world.install();
    world.repo.git(["config", "core.hooksPath", ""]);
    insta::assert_snapshot!(world.seen(), @"all: not ours | error: ours is in `<repo>/.git/hooks/<hook>`, and core.hooksPath = `` (local) leads elsewhere | git config --unset core.hooksPath");
    let refused = world.try_run(env!("CARGO_BIN_EXE_dbm-git"), &["install", "--via", "files"]);
    assert_eq!(refused.code, 1, "{refused}");
}

#[test]
fn a_path_in_the_global_configuration_or_the_environment_is_seen() {
    let mut world = World::new();
    world.install();
    let shared = world.repo.home().join("hooks").display().to_string();
    world.run("git", &["config", "--global", "core.hooksPath", &shared]);
    insta::assert_snapshot!(world.seen(), @"all: not ours | error: ours is in `<repo>/.git/hooks/<hook>`, and core.hooksPath = `<home>/hooks` (global) leads elsewhere | git config core.hooksPath <repo>/.git/hooks");
    let refused = world.try_run(env!("CARGO_BIN_EXE_dbm-git"), &["install", "--via", "files"]);
    assert_eq!(refused.code, 1, "{refused}");
    world.run("git", &["config", "--global", "--unset", "core.hooksPath"]);
    for (key, value) in [
        ("GIT_CONFIG_COUNT", "1"),
        ("GIT_CONFIG_KEY_0", "core.hooksPath"),
        ("GIT_CONFIG_VALUE_0", "/nowhere"),
    ] {
        world.variables.push((key.to_owned(), value.to_owned()));
    }
    insta::assert_snapshot!(world.seen(), @"all: not ours | error: ours is in `<repo>/.git/hooks/<hook>`, and core.hooksPath = `/nowhere` (command) leads elsewhere | git config core.hooksPath <repo>/.git/hooks");
}

#[test]
fn a_path_of_one_worktree_concerns_that_one_alone() {
    let world = World::new();
    world.install();
    world.repo.git(["config", "extensions.worktreeConfig", "true"]);
    let (linked, _) = world.repo.worktree("linked", "linked");
    linked.git(["config", "--worktree", "core.hooksPath", "/dev/null"]);
    let linked = World { repo: linked, variables: world.variables.clone() };
    let told = |world: &World| {
        let checks = world.doctor();
        let hook = checks.iter().find(|check| check.id == "hook-post-checkout").expect("looked at");
        (hook.state.clone(), hook.message.contains("core.hooksPath = `/dev/null` (worktree)"))
    };
    assert_eq!(told(&linked), ("error".to_owned(), true));
    // Its making was seen by the hooks that were there then.
    let _ = std::fs::remove_file(world.log());
    linked.repo.git(["switch", "--quiet", "--create", "other"]);
    assert!(!world.log().exists());
    assert_eq!(told(&world), ("ok".to_owned(), false));
    insta::assert_snapshot!(world.seen(), @"all: ours | ok: ours runs, alone");
}

#[test]
fn a_submodule_has_hooks_of_its_own() {
    let world = World::new();
    let origin = world.repo.origin().display().to_string();
    world.run(
        "git",
        &["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", &origin, "sub"],
    );
    let inside = World { repo: world.repo.beside("repo/sub"), variables: world.variables.clone() };
    insta::assert_snapshot!(inside.seen(), @"all: not ours | error: not installed | dbm-git install");
    inside.install();
    assert!(world.repo.has(".git/modules/sub/hooks/post-merge"));
    assert!(!world.repo.has(".git/hooks/post-merge"));
    insta::assert_snapshot!(inside.seen(), @"all: ours | ok: ours runs, alone");
    insta::assert_snapshot!(world.seen(), @"all: not ours | error: not installed | dbm-git install");
}

#[test]
fn links_are_told_whether_they_lead_somewhere_or_not() {
    let world = World::new();
    world.install();
    let hooks = world.repo.path().join(".git/hooks");
    let moved = world.repo.path().join("post-merge.sh");
    std::fs::rename(hooks.join("post-merge"), &moved).expect("moved");
    symlink("../../post-merge.sh", hooks.join("post-merge")).expect("linked");
    world.repo.remove(".git/hooks/post-commit");
    symlink("nowhere", hooks.join("post-commit")).expect("linked");
    insta::assert_snapshot!(world.seen(), @"
    post-merge: ours | ok: ours runs, with the rest of that file
    post-commit: not ours | error: not installed: `<repo>/.git/hooks/<hook>` is no file, or a link to nowhere | rm -r <repo>/.git/hooks/<hook> && dbm-git install
    post-checkout post-rewrite pre-push: ours | ok: ours runs, alone
    ");
}

#[test]
fn a_folder_in_the_place_of_a_hook_is_told() {
    let world = World::new();
    world.install();
    world.repo.remove(".git/hooks/post-merge");
    std::fs::create_dir(world.repo.path().join(".git/hooks/post-merge")).expect("made");
    insta::assert_snapshot!(world.seen(), @"
    post-merge: not ours | error: not installed: `<repo>/.git/hooks/<hook>` is no file, or a link to nowhere | rm -r <repo>/.git/hooks/<hook> && dbm-git install
    post-commit post-checkout post-rewrite pre-push: ours | ok: ours runs, alone
    ");
}
