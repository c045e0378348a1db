//! pre-commit, prek and lefthook.

use std::path::PathBuf;

use super::World;
use super::support::test_python;
use super::world::HOOKS;

/// What is common to the three: all they run is written down.
#[derive(Clone, Copy)]
struct Manager {
    name: &'static str,
    configure: fn(&World),
    uninstall: &'static [&'static str],
}

const PRE_COMMIT: Manager = Manager {
    name: "pre-commit",
    configure: configure_pre_commit,
    uninstall: &[
        "uninstall",
        "-t",
        "post-merge",
        "-t",
        "post-commit",
        "-t",
        "post-checkout",
        "-t",
        "post-rewrite",
        "-t",
        "pre-push",
    ],
};
const PREK: Manager = Manager { name: "prek", ..PRE_COMMIT };
const LEFTHOOK: Manager =
    Manager { name: "lefthook", configure: configure_lefthook, uninstall: &["uninstall"] };

fn configure_pre_commit(world: &World) {
    let mut text = format!(
        "default_install_hook_types: [{}]\nrepos:\n- repo: local\n  hooks:\n",
        HOOKS.join(", ")
    );
    for hook in HOOKS {
        text += &format!(
            "  - id: {hook}\n    name: theirs\n    language: system\n    always_run: true\n    \
             pass_filenames: false\n    stages: [{hook}]\n    entry: sh -c '{}'\n",
            world.theirs(hook)
        );
    }
    world.repo.write(".pre-commit-config.yaml", text);
    world.repo.commit("Set up pre-commit");
}

fn configure_lefthook(world: &World) {
    let command = |hook: &str| {
        format!("{hook}:\n  commands:\n    theirs:\n      run: {}\n", world.theirs(hook))
    };
    let text: String = HOOKS.iter().map(|hook| command(hook)).collect();
    world.repo.write("lefthook.yml", text);
    world.repo.commit("Set up lefthook");
}

impl Manager {
    fn world(self) -> World {
        let world = World::new();
        (self.configure)(&world);
        world
    }

    fn install(self, world: &World) {
        world.tool(self.name, &["install"]);
    }

    fn uninstall(self, world: &World) {
        world.tool(self.name, self.uninstall);
    }
}

#[test]
fn ours_first_then_pre_commit() {
    for manager in [PRE_COMMIT, PREK] {
        let world = manager.world();
        world.install();
        let own = world.files(".git/hooks");
        manager.install(&world);
        let expected = format!(
            "all: ours and theirs | ok: ours runs, called by {} from *.legacy\n",
            manager.name
        );
        assert_eq!(world.seen(), expected);
        // They keep what they have moved aside, also when they come again, and
        // there it is found when ours comes again.
        manager.install(&world);
        assert_eq!(world.seen(), expected);
        let both = world.files(".git/hooks");
        world.dbm(&["install", "--via", "files"]);
        assert!(world.fired().iter().all(|called| called.starts_with("theirs ")));
        world.install();
        assert_eq!(world.files(".git/hooks"), both);
        assert_eq!(world.seen(), expected);
        manager.uninstall(&world);
        assert_eq!(world.files(".git/hooks"), own);
        assert_eq!(world.seen(), "all: ours | ok: ours runs, alone\n");
        manager.install(&world);
        world.dbm(&["uninstall"]);
        assert_eq!(
            world.seen(),
            "all: not ours and theirs | error: not installed | dbm-git install\n"
        );
        manager.uninstall(&world);
        assert_eq!(world.files(".git/hooks"), []);
    }
}

#[test]
fn pre_commit_first_then_ours() {
    for manager in [PRE_COMMIT, PREK] {
        let world = manager.world();
        manager.install(&world);
        let theirs = world.files(".git/hooks");
        world.install();
        let beside = format!("all: ours and theirs | ok: ours runs, then {}\n", manager.name);
        assert_eq!(world.seen(), beside);
        world.dbm(&["uninstall"]);
        assert_eq!(world.files(".git/hooks"), theirs);

        world.install();
        manager.install(&world);
        assert_eq!(world.files(".git/hooks"), theirs, "they have written their files anew");
        assert_eq!(
            world.seen(),
            "all: not ours and theirs | error: not installed | dbm-git install\n"
        );
        world.install();
        assert_eq!(world.seen(), beside);
        manager.uninstall(&world);
        assert_eq!(world.seen(), "all: not ours | error: not installed | dbm-git install\n");
    }
}

#[test]
fn ours_first_then_lefthook() {
    let world = LEFTHOOK.world();
    world.install();
    let own = world.files(".git/hooks");
    LEFTHOOK.install(&world);
    insta::assert_snapshot!(world.seen(), @"all: not ours and theirs | error: lefthook has moved ours to `<repo>/.git/hooks/<hook>.old`, which nobody runs | dbm-git install");
    world.install();
    insta::assert_snapshot!(world.seen(), @"all: ours and theirs | ok: ours runs, then lefthook");
    LEFTHOOK.uninstall(&world);
    assert_eq!(world.files(".git/hooks"), own);
    insta::assert_snapshot!(world.seen(), @"all: ours | ok: ours runs, alone");
}

#[test]
fn lefthook_first_then_ours() {
    let world = LEFTHOOK.world();
    LEFTHOOK.install(&world);
    let theirs = world.files(".git/hooks");
    world.install();
    insta::assert_snapshot!(world.seen(), @"all: ours and theirs | ok: ours runs, then lefthook");
    world.dbm(&["uninstall"]);
    assert_eq!(world.files(".git/hooks"), theirs);

    world.install();
    LEFTHOOK.install(&world);
    insta::assert_snapshot!(world.seen(), @"all: not ours and theirs | error: not installed | dbm-git install");
    world.install();
    // It looks at its configuration whenever a hook runs, and then installs by itself.
    let text = world.repo.read("lefthook.yml");
    world.repo.write("lefthook.yml", format!("{text}# changed\n"));
    world.run("touch", &["-d", "2040-01-01", "lefthook.yml"]);
    world.fired();
    insta::assert_snapshot!(world.seen(), @"all: ours and theirs | ok: ours runs, then lefthook");
    LEFTHOOK.uninstall(&world);
    insta::assert_snapshot!(world.seen(), @"all: not ours | error: not installed | dbm-git install");
}

/// Ours was told what git told the hooks.
#[track_caller]
fn check_calls(world: &World) {
    let calls = world.calls();
    for expected in [
        "post-checkout <id> <id> 1",
        "post-commit",
        "post-merge 0",
        "pre-push origin <origin> < refs/heads/main <id> refs/heads/main <id>",
    ] {
        assert!(calls.iter().any(|call| call == expected), "no `{expected}` in {calls:#?}");
    }
    assert!(calls.iter().any(|call| call.starts_with("post-rewrite amend")), "{calls:#?}");
}

#[test]
fn in_lefthooks_own_file_ours_outlives_its_installation() {
    let world = LEFTHOOK.world();
    LEFTHOOK.install(&world);
    let said = world.install();
    world.dbm(&["uninstall"]);
    world.repo.write("lefthook-local.yml", World::lines_for(&said, "lefthook-local.yml"));
    LEFTHOOK.install(&world);
    let expected =
        "all: ours and theirs | ok: ours runs, called by lefthook from lefthook-local.yml\n";
    assert_eq!(world.seen(), expected);
    check_calls(&world);
    // Ours is called: there is nothing to install.
    let files = world.files(".git/hooks");
    world.install();
    assert_eq!(world.files(".git/hooks"), files);
    LEFTHOOK.install(&world);
    assert_eq!(world.seen(), expected);
    LEFTHOOK.uninstall(&world);
    insta::assert_snapshot!(world.seen(), @"all: not ours | error: `lefthook-local.yml` names ours, and lefthook has not set this hook up | lefthook install");
}

#[test]
fn in_pre_commits_own_file_ours_outlives_its_installation() {
    for manager in [PRE_COMMIT, PREK] {
        let world = manager.world();
        manager.install(&world);
        let said = world.install();
        world.dbm(&["uninstall"]);
        let text = world.repo.read(".pre-commit-config.yaml");
        let lines = World::lines_for(&said, ".pre-commit-config.yaml");
        world.repo.write(".pre-commit-config.yaml", text + &lines);
        world.repo.commit("Call dbm-git");
        manager.install(&world);
        let expected = format!(
            "all: ours and theirs | ok: ours runs, called by {} from .pre-commit-config.yaml\n",
            manager.name
        );
        assert_eq!(world.seen(), expected);
        check_calls(&world);
        let files = world.files(".git/hooks");
        world.install();
        assert_eq!(world.files(".git/hooks"), files);
        manager.uninstall(&world);
        let seen = world.seen();
        assert!(seen.contains("names ours, and pre-commit has not set this hook up"), "{seen}");
    }
}

/// A wheel of the program that writes down how it is called.
#[track_caller]
fn wheel_of_ours(world: &World) -> PathBuf {
    const PACK: &str = r#"
import sys, zipfile

program, wheel = sys.argv[1:]
with zipfile.ZipFile(wheel, "w") as files:
    files.write(program, "dbm_git-7.data/scripts/dbm-git")
    info = "dbm_git-7.dist-info"
    files.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: dbm-git\nVersion: 7\n")
    files.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
    files.writestr(f"{info}/RECORD", f"dbm_git-7.data/scripts/dbm-git,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
"#;
    let wheel = world.repo.home().join("dbm_git-7-py3-none-any.whl");
    let (program, python) = (world.ours().display().to_string(), test_python());
    let python = python.display().to_string();
    world.run(&python, &["-c", PACK, &program, &wheel.display().to_string()]);
    wheel
}

#[test]
fn by_our_manifest_ours_is_told_what_git_told() {
    for manager in [PRE_COMMIT, PREK] {
        let mut world = manager.world();
        // prek has uv install for it, and would fetch one.
        let uv = std::env::var_os("DBM_GIT_TEST_PACKAGING").expect("run tests/run, which sets it");
        let python = test_python().parent().expect("a folder").to_path_buf();
        let system = std::env::var_os("PATH").expect("programs of the system");
        let folders = [world.repo.programs(), python, uv.into()];
        let path = std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&system)));
        let path = path.expect("plain folders").into_string().expect("plain names");
        world.variables.push(("PATH".to_owned(), path));

        let ours = world.repo.manifest_repository(&wheel_of_ours(&world));
        let text = world.repo.read(".pre-commit-config.yaml");
        let ids = HOOKS.map(|hook| format!("dbm-git-{hook}"));
        let lines = ours.uses_of_manifest(&ids.each_ref().map(String::as_str));
        world.repo.write(".pre-commit-config.yaml", text + &lines);
        world.repo.commit("Use dbm-git");
        manager.install(&world);
        let expected = format!(
            "all: ours and theirs | ok: ours runs, called by {} from .pre-commit-config.yaml\n",
            manager.name
        );
        assert_eq!(world.seen(), expected);
        check_calls(&world);
    }
}
