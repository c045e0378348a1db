//! Hooks in git's configuration, which git runs from 2.54 on: what is written is
//! tested with any git, that they run with one that knows them.

use super::World;
use super::world::{HOOKS, say};

/// Whether the git on `PATH` runs them.
fn knows(world: &World) -> bool {
    let version = world.run("git", &["version"]).stdout;
    let mut numbers = version.trim_start_matches("git version ").split('.');
    let mut number = || numbers.next().and_then(|n| n.parse::<u32>().ok()).expect("a number");
    let knows = (number(), number()) >= (2, 54);
    if !knows {
        say(&format!("{}: it runs no hooks of its configuration", version.trim()));
    }
    knows
}

#[test]
fn a_section_for_each_hook_has_its_command_first() {
    let world = World::with_any_git();
    let before = world.repo.read(".git/config");
    world.install_via("config");
    let config = world.repo.read(".git/config");
    let added = config.strip_prefix(before.as_str()).expect("only added to");
    let shape: Vec<&str> =
        added.lines().map(|line| line.split(" = ").next().unwrap_or(line).trim()).collect();
    let expected: Vec<String> = HOOKS
        .iter()
        .flat_map(|hook| {
            [format!("[hook \"dbm-git-{hook}\"]"), "command".to_owned(), "event".to_owned()]
        })
        .collect();
    assert_eq!(shape, expected);
    assert_eq!(world.files(".git/hooks"), []);
    world.install_via("config");
    assert_eq!(world.repo.read(".git/config"), config);
    world.dbm(&["uninstall"]);
    assert_eq!(world.repo.read(".git/config"), before);
}

#[test]
fn whoever_goes_one_road_clears_the_other() {
    let world = World::with_any_git();
    let before = world.repo.read(".git/config");
    world.install();
    world.install_via("config");
    assert_eq!(world.files(".git/hooks"), []);
    world.install();
    assert_eq!(world.repo.read(".git/config"), before);
    assert_eq!(world.files(".git/hooks").len(), 5);
}

#[test]
fn without_being_told_the_road_is_the_one_that_git_knows() {
    let world = World::with_any_git();
    world.dbm(&["install"]);
    assert_eq!(world.repo.read(".git/config").contains("dbm-git-post-merge"), knows(&world));
    assert_eq!(world.files(".git/hooks").is_empty(), knows(&world));
}

#[test]
fn they_run_where_git_knows_them_and_doctor_says_where_it_does_not() {
    let world = World::with_any_git();
    world.install_via("config");
    if !knows(&world) {
        insta::assert_snapshot!(world.seen().replace(&version(&world), "<version>"), @"all: not ours | error: hook.dbm-git-<hook> is in git's configuration, and git <version> runs none from there | dbm-git install");
        return;
    }
    assert_eq!(world.seen(), "all: ours | ok: ours runs, from git's configuration\n");
    // No manager of files is in the way, nor another folder.
    world.repo.git(["config", "core.hooksPath", "/dev/null"]);
    assert_eq!(world.seen(), "all: ours | ok: ours runs, from git's configuration\n");
    world.repo.git(["config", "hook.dbm-git-post-merge.enabled", "false"]);
    let seen = world.seen();
    assert!(
        seen.contains("post-merge: not ours | error: switched off by git's hook.dbm-git-"),
        "{seen}"
    );
    world.repo.git(["config", "--unset", "hook.dbm-git-post-merge.enabled"]);
    world.repo.git(["config", "hook.post-merge.enabled", "false"]);
    let seen = world.seen();
    assert!(seen.contains("not ours | error: switched off by git's hook.<hook>.enabled"), "{seen}");
    world.repo.git(["config", "--unset", "hook.post-merge.enabled"]);
    world.repo.git(["config", "hook.half.event", "post-commit"]);
    let seen = world.seen();
    assert!(
        seen.starts_with("all: not ours | error: git runs no hook at all: hook.half"),
        "{seen}"
    );
    world.repo.git(["config", "--remove-section", "hook.half"]);
    let expected = world.run("git", &["hook", "list", "post-merge"]).stdout;
    assert!(expected.contains("dbm-git-post-merge"), "{expected}");
}

fn version(world: &World) -> String {
    let version = world.run("git", &["version"]).stdout;
    let numbers: Vec<&str> =
        version.trim_start_matches("git version ").split('.').take(2).collect();
    numbers.join(".")
}

#[test]
fn the_command_does_nothing_where_it_is_told_to_or_its_program_is_gone() {
    let world = World::with_any_git();
    world.install_via("config");
    let key = "hook.dbm-git-pre-push.command";
    let command = world.repo.git(["config", key]);
    // As git runs it.
    let run = |variable: &str| {
        let script =
            format!("{variable} sh -c '{} \"$@\"' hook origin url", command.replace('\'', r"'\''"));
        let run = world.try_run("sh", &["-c", &script]);
        let called = std::fs::read_to_string(world.log()).unwrap_or_default();
        let _ = std::fs::remove_file(world.log());
        (run.code, run.stderr, called)
    };
    assert_eq!(run(""), (0, String::new(), "ours pre-push\n".to_owned()));
    assert_eq!(run("DBM_GIT=0"), (0, String::new(), String::new()));
    assert_eq!(run("DBM_GIT_IN_HOOK=1"), (0, String::new(), String::new()));
    std::fs::remove_file(world.ours()).expect("it was there");
    let skipped = "dbm-git: program not found, the pre-push hook is skipped\n";
    assert_eq!(run(""), (0, skipped.to_owned(), String::new()));
}
