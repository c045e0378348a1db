//! git-lfs, husky, simple-git-hooks, and hooks that somebody has written.

use super::World;
use super::world::{HOOKS, say};

const LFS: [&str; 4] = ["post-checkout", "post-commit", "post-merge", "pre-push"];

/// Sets up git-lfs: the real one, or else, and saying so, the files that it
/// writes and a program that only writes down that it was called.
fn install_git_lfs(world: &World) {
    if world.try_run("git", &["lfs", "version"]).code == 0 {
        world.run("git", &["lfs", "install", "--local"]);
        return;
    }
    say("git-lfs is not installed: in its place stand the files that it writes");
    for hook in LFS {
        world.write_hook(&format!(".git/hooks/{hook}"), &lfs_hook(hook));
    }
    let program = world.repo.programs().join("git-lfs");
    world.program(&program, &format!("#!/bin/sh\n{}\n", world.theirs("\"$1\"")));
}

fn lfs_hook(hook: &str) -> String {
    format!(
        "#!/bin/sh\ncommand -v git-lfs >/dev/null 2>&1 || {{ echo >&2 \"\\nThis repository is configured \
         for Git LFS but 'git-lfs' was not found on your path.\\n\"; exit 2; }}\ngit lfs {hook} \"$@\"\n"
    )
}

#[test]
fn git_lfs_first_then_ours() {
    let world = World::new();
    install_git_lfs(&world);
    let theirs = world.files(".git/hooks");
    assert_eq!(theirs.len(), 4, "{theirs:?}");
    world.install();
    // Whether theirs is called is told by the program that may stand in its place.
    let seen = || world.seen().replace("ours and theirs", "ours");
    insta::assert_snapshot!(seen(), @"
    post-merge post-commit post-checkout pre-push: ours | ok: ours runs, then git-lfs
    post-rewrite: ours | ok: ours runs, alone
    ");
    // It leaves alone what it finds changed.
    world.try_run("git", &["lfs", "install", "--local"]);
    insta::assert_snapshot!(seen(), @"
    post-merge post-commit post-checkout pre-push: ours | ok: ours runs, then git-lfs
    post-rewrite: ours | ok: ours runs, alone
    ");
    world.dbm(&["uninstall"]);
    assert_eq!(world.files(".git/hooks"), theirs);
}

#[test]
fn ours_first_then_git_lfs() {
    let world = World::new();
    world.install();
    let own = world.files(".git/hooks");
    if world.try_run("git", &["lfs", "version"]).code == 0 {
        let run = world.try_run("git", &["lfs", "install", "--local"]);
        assert_eq!(run.code, 2, "{run}");
        assert_eq!(world.files(".git/hooks"), own);
    } else {
        say("git-lfs is not installed: that it leaves ours alone is not seen");
    }
    // It tells people to add its line by hand; below ours it depends on ours.
    let hook = ".git/hooks/post-merge";
    world.write_hook(hook, &format!("{}{}\n", world.repo.read(hook), world.theirs("post-merge")));
    let seen = world.seen();
    assert!(
        seen.contains(
            "post-merge: ours and theirs | warning: ours runs, and below it what somebody has added"
        ),
        "{seen}"
    );
    world.install();
    assert!(world.fired().contains("theirs post-merge"));
    let seen = world.seen();
    assert!(seen.contains("post-merge: ours and theirs | ok: "), "{seen}");
}

/// What husky 9 writes: a folder of hooks that all source `h`, and that runs
/// `.husky/<hook>`, the file of the user.
fn install_husky(world: &World) {
    world.repo.git(["config", "core.hooksPath", ".husky/_"]);
    world.repo.write(".husky/_/.gitignore", "*");
    world.repo.write(
        ".husky/_/h",
        "#!/usr/bin/env sh\nn=$(basename \"$0\")\ns=$(dirname \"$(dirname \"$0\")\")/$n\n\
         [ ! -f \"$s\" ] && exit 0\n[ \"${HUSKY-}\" = \"0\" ] && exit 0\n\
         sh -e \"$s\" \"$@\"\nc=$?\n[ $c != 0 ] && echo \"husky - $n script failed (code $c)\"\nexit $c\n",
    );
    for hook in HOOKS {
        let path = format!(".husky/_/{hook}");
        world.write_hook(&path, "#!/usr/bin/env sh\n. \"$(dirname \"$0\")/h\"");
    }
}

fn husky_hooks(world: &World) {
    for hook in HOOKS {
        world.repo.write(&format!(".husky/{hook}"), format!("{}\n", world.theirs(hook)));
    }
}

#[test]
fn ours_first_then_husky() {
    let world = World::new();
    world.install();
    husky_hooks(&world);
    install_husky(&world);
    insta::assert_snapshot!(world.seen(), @"all: not ours and theirs | error: ours is in `<repo>/.git/hooks/<hook>`, and core.hooksPath = `.husky/_` (local) leads elsewhere | dbm-git install");
    world.install();
    insta::assert_snapshot!(world.seen(), @"all: ours and theirs | ok: ours runs, then husky");
    // `npm uninstall husky`, and what its manual says to do then.
    world.repo.git(["config", "--unset", "core.hooksPath"]);
    insta::assert_snapshot!(world.seen(), @"all: ours | ok: ours runs, alone");
}

#[test]
fn husky_first_then_ours() {
    let world = World::new();
    husky_hooks(&world);
    install_husky(&world);
    let theirs = world.files(".husky/_");
    world.install();
    insta::assert_snapshot!(world.seen(), @"all: ours and theirs | ok: ours runs, then husky");
    world.dbm(&["uninstall"]);
    assert_eq!(world.files(".husky/_"), theirs);
    world.install();
    install_husky(&world);
    insta::assert_snapshot!(world.seen(), @"all: not ours and theirs | error: not installed | dbm-git install");
}

#[test]
fn in_huskys_own_file_ours_outlives_its_installation() {
    let mut world = World::new();
    husky_hooks(&world);
    install_husky(&world);
    let said = world.install();
    world.dbm(&["uninstall"]);
    for hook in HOOKS {
        let file = format!(".husky/{hook}");
        world.repo.write(&file, World::lines_for(&said, &file));
    }
    install_husky(&world);
    insta::assert_snapshot!(world.seen(), @"all: ours | ok: ours runs, called by husky from .husky");
    world.variables.push(("HUSKY".to_owned(), "0".to_owned()));
    insta::assert_snapshot!(world.seen(), @"all: not ours | error: husky would call ours, and HUSKY=0 silences it | unset HUSKY");
}

/// What simple-git-hooks 2 writes, without a look at what is there.
fn install_simple_git_hooks(world: &World, command: impl Fn(&str) -> String) {
    for hook in HOOKS {
        let text = format!(
            "#!/bin/sh\n\nif [ \"$SKIP_SIMPLE_GIT_HOOKS\" = \"1\" ]; then\n    echo \"[INFO] \
             SKIP_SIMPLE_GIT_HOOKS is set to 1, skipping hook.\"\n    exit 0\nfi\n\n\
             if [ -f \"$SIMPLE_GIT_HOOKS_RC\" ]; then\n    . \"$SIMPLE_GIT_HOOKS_RC\"\nfi\n\n{}",
            command(hook)
        );
        world.write_hook(&format!(".git/hooks/{hook}"), &text);
    }
}

#[test]
fn simple_git_hooks_writes_over_ours_and_doctor_tells() {
    let world = World::new();
    world.install();
    install_simple_git_hooks(&world, |hook| world.theirs(hook));
    insta::assert_snapshot!(world.seen(), @"all: not ours and theirs | error: not installed | dbm-git install");
    let theirs = world.files(".git/hooks");
    world.install();
    insta::assert_snapshot!(world.seen(), @"all: ours and theirs | ok: ours runs, then simple-git-hooks");
    world.dbm(&["uninstall"]);
    assert_eq!(world.files(".git/hooks"), theirs);
    world.install();
    install_simple_git_hooks(&world, |hook| world.theirs(hook));
    insta::assert_snapshot!(world.seen(), @"all: not ours and theirs | error: not installed | dbm-git install");
    // Its uninstallation deletes every hook there is.
    world.install();
    world.repo.remove_folder(".git/hooks");
    insta::assert_snapshot!(world.seen(), @"all: not ours | error: not installed | dbm-git install");
}

#[test]
fn in_simple_git_hooks_own_configuration_ours_outlives_its_installation() {
    #[derive(serde::Deserialize)]
    struct Package {
        #[serde(rename = "simple-git-hooks")]
        hooks: std::collections::BTreeMap<String, String>,
    }
    let world = World::new();
    install_simple_git_hooks(&world, |hook| world.theirs(hook));
    let said = world.install();
    world.dbm(&["uninstall"]);
    let package = format!("{{{}}}", World::lines_for(&said, "package.json"));
    world.repo.write("package.json", &package);
    insta::assert_snapshot!(world.seen(), @"all: not ours and theirs | error: `package.json` names ours, and simple-git-hooks has not set this hook up | npx simple-git-hooks");
    let package: Package = serde_json::from_str(&package).expect("JSON");
    install_simple_git_hooks(&world, |hook| package.hooks[hook].clone());
    insta::assert_snapshot!(world.seen(), @"all: ours | ok: ours runs, then simple-git-hooks");
}

#[test]
fn hooks_by_hand_in_sh_bash_and_python_that_work_and_that_do_not() {
    let world = World::new();
    let log = world.log();
    let log = log.display();
    world.write_hook(".git/hooks/post-merge", &format!("{}\n", world.theirs("post-merge")));
    world.write_hook(
        ".git/hooks/post-commit",
        &format!(
            "#!/usr/bin/env bash\nset -euo pipefail\n{}\nexit 0\n",
            world.theirs("post-commit")
        ),
    );
    let python =
        format!("#!/usr/bin/env python3\nopen('{log}', 'a').write('theirs post-checkout\\n')\n");
    world.write_hook(".git/hooks/post-checkout", &python);
    world.write_hook(".git/hooks/post-rewrite", "#!/nowhere/sh\nexit 0\n");
    world.repo.write(".git/hooks/pre-push", "#!/bin/sh\nexit 1\n");
    insta::assert_snapshot!(world.seen(), @"
    post-merge post-commit: not ours and theirs | error: not installed | dbm-git install
    post-checkout: not ours and theirs | error: not installed: it is a script for `python3`, not for sh or bash | `dbm-git install --partial` says what to add by hand
    post-rewrite: not ours | error: not installed | dbm-git install
    pre-push: not ours | error: not installed: it is not executable, so git ignores it; making it run is not ours to decide | `dbm-git install --partial` says what to add by hand
    ");
    let before = world.files(".git/hooks");
    let ours = world.ours().display().to_string();
    let refused = world
        .try_run(env!("CARGO_BIN_EXE_dbm-git"), &["install", "--via", "files", "--program", &ours]);
    assert_eq!(refused.code, 1, "{refused}");
    assert_eq!(world.files(".git/hooks"), before);
    let partial = world.dbm(&["install", "--via", "files", "--partial", "--program", &ours]);
    insta::assert_snapshot!(world.seen(), @"
    post-merge post-commit: ours and theirs | ok: ours runs, with the rest of that file
    post-checkout: not ours and theirs | error: not installed: it is a script for `python3`, not for sh or bash | `dbm-git install --partial` says what to add by hand
    post-rewrite: not ours | error: `<repo>/.git/hooks/<hook>` wants `/nowhere/sh`, which is not on this machine | install /nowhere/sh, or change the first line
    pre-push: not ours | error: not installed: it is not executable, so git ignores it; making it run is not ours to decide | `dbm-git install --partial` says what to add by hand
    ");
    // What it says to add by hand does it.
    let (_, snippet) = partial.stderr.split_once("by hand:\n").expect("a snippet");
    let (snippet, _) = snippet.split_once("# <<< dbm-git hook v1 <<<\n").expect("its end");
    let (shebang, rest) = python.split_once('\n').expect("lines");
    let added = format!("{shebang}\n{snippet}# <<< dbm-git hook v1 <<<\n{rest}");
    world.write_hook(".git/hooks/post-checkout", &added);
    let seen = world.seen();
    assert!(seen.contains("post-checkout: ours and theirs | ok"), "{seen}");
    world.write_hook(".git/hooks/post-checkout", &python);
    world.dbm(&["uninstall"]);
    assert_eq!(world.files(".git/hooks"), before);
}
