//! Other places than the main worktree: linked worktrees, new clones,
//! submodules, and git told from elsewhere where to work.

use super::scene::Scene;
use super::{COMMIT, MERGE, Row, diverged, new, row};

const CREATED: &str = "post-checkout(NULL→new,flag=1)";

/// `feature` with `f` in a linked worktree, `m` on `main`.
fn linked(scene: &Scene) {
    scene.git(["worktree", "add", "--quiet", "-b", "feature", "../linked"]);
    let linked = scene.repo.beside("linked");
    linked.write_revisions("a -> f");
    linked.git(["add", "--all"]);
}

fn linked_apart(scene: &Scene) {
    linked(scene);
    scene.repo.beside("linked").git(["commit", "--quiet", "-m", "F"]);
    scene.adds("a -> m");
}

/// `f` on `feature`, which is checked out, `m` on `main`.
fn apart(scene: &Scene) {
    scene.on_feature();
    scene.switch("main");
    scene.adds("a -> m");
    scene.switch("feature");
}

/// What is cloned has diverged already.
fn diverged_origin(scene: &Scene) {
    scene.lands("a -> m\na -> n");
    scene.hooks_for_new_repositories();
}

fn with_submodule(scene: &Scene) {
    scene.hooks_for_new_repositories();
    scene.git(["submodule", "--quiet", "add", "../origin.git", "lib"]);
    scene.git(["commit", "--quiet", "-m", "Add lib"]);
}

pub fn rows() -> Vec<Row> {
    vec![
        row(
            "git worktree add (existing branch)",
            |s| {
                s.on_feature();
                s.switch("main");
            },
            ["worktree", "add", "../linked", "feature"],
        )
        .fires(CREATED),
        row("git commit in linked worktree", linked, ["commit", "-m", "F"])
            .inside("linked")
            .fires(COMMIT),
        row("git merge (true) in linked worktree", linked_apart, ["merge", "main"])
            .inside("linked")
            .fires(MERGE)
            .says(diverged("f", "m")),
        row("git worktree add -b (new)", |_| {}, ["worktree", "add", "-b", "new", "../linked"])
            .fires(CREATED),
        row(
            "git worktree add --no-checkout",
            |_| {},
            ["worktree", "add", "--no-checkout", "-b", "new", "../linked"],
        ),
        row(
            "git worktree remove",
            |s| drop(s.git(["worktree", "add", "-b", "new", "../linked"])),
            ["worktree", "remove", "../linked"],
        ),
        row("git clone", diverged_origin, ["clone", "../origin.git", "../clone"])
            .fires(CREATED)
            .says(diverged("m", "n")),
        row(
            "git clone --no-checkout",
            diverged_origin,
            ["clone", "--no-checkout", "../origin.git", "../clone"],
        ),
        row(
            "git clone --bare",
            diverged_origin,
            ["clone", "--bare", "../origin.git", "../clone.git"],
        ),
        row(
            "git clone --depth 1",
            diverged_origin,
            // A path is copied whole.
            ["clone", "--depth", "1", "--no-local", "../origin.git", "../clone"],
        )
        .fires(CREATED)
        .says(diverged("m", "n")),
        row(
            "git submodule add",
            |s| s.hooks_for_new_repositories(),
            ["submodule", "add", "../origin.git", "lib"],
        )
        .fires("post-checkout(old→same,flag=1)"),
        row(
            "git submodule update --remote",
            |s| {
                with_submodule(s);
                s.lands("a -> m");
            },
            ["submodule", "update", "--remote"],
        )
        .fires("post-checkout(old→new,flag=1)")
        .says(new("m")),
        row(
            "git commit inside submodule",
            |s| {
                with_submodule(s);
                let lib = s.repo.beside("repo/lib");
                lib.write_revisions("a -> f");
                lib.git(["add", "--all"]);
            },
            ["commit", "-m", "F"],
        )
        .inside("repo/lib")
        .fires(COMMIT),
        row("git merge from subdirectory", apart, ["merge", "main"])
            .inside("repo/migrations/versions")
            .fires(MERGE)
            .says(diverged("f", "m")),
        row("git -C (from outside)", apart, ["-C", "repo", "merge", "main"])
            .inside(".")
            .fires(MERGE)
            .says(diverged("f", "m")),
        row(
            "git --git-dir --work-tree",
            apart,
            ["--git-dir=repo/.git", "--work-tree=repo", "merge", "main"],
        )
        .inside(".")
        .fires(MERGE)
        .says(diverged("f", "m")),
    ]
}
