//! Merges: with and without a commit, with and without a conflict.

use super::scene::Scene;
use super::{COMMIT, COMMIT_OF_MERGE, MERGE, Row, diverged, new, row};

/// `f` on `feature`, one commit ahead of `main`, which is checked out.
fn ahead(scene: &Scene) {
    scene.on_feature();
    scene.switch("main");
}

/// `m` on `main`, and `f` on `feature`, which is checked out.
fn apart(scene: &Scene) {
    ahead(scene);
    scene.adds("a -> m");
    scene.switch("feature");
}

/// The same with notes that conflict.
fn in_conflict(scene: &Scene) {
    scene.on_feature();
    scene.notes("ours");
    scene.switch("main");
    scene.adds("a -> m");
    scene.notes("theirs");
    scene.switch("feature");
}

fn conflicted(scene: &Scene) {
    in_conflict(scene);
    scene.git_fails(["merge", "main"]);
}

fn resolved(scene: &Scene) {
    conflicted(scene);
    scene.edits("both");
}

pub fn rows() -> Vec<Row> {
    vec![
        row("git merge (fast-forward)", ahead, ["merge", "feature"])
            .fires("post-merge(0)")
            .says(new("f")),
        row("git merge (already up to date)", |s| s.on_feature(), ["merge", "main"]),
        row("git merge (true merge)", apart, ["merge", "main"])
            .fires(MERGE)
            .says(diverged("f", "m")),
        row("git merge --no-ff", ahead, ["merge", "--no-ff", "feature"])
            .fires(MERGE)
            .says(new("f")),
        row("git merge --squash (ff-able)", ahead, ["merge", "--squash", "feature"])
            .fires("post-merge(1)")
            .says(new("f")),
        row(
            "git merge --squash ↳ then git commit",
            |s| {
                ahead(s);
                s.git(["merge", "--squash", "feature"]);
            },
            ["commit", "-m", "Squash"],
        )
        .fires(COMMIT),
        row("git merge --squash (diverged)", apart, ["merge", "--squash", "main"])
            .fires("post-merge(1)")
            .says(diverged("f", "m")),
        row("git merge --no-commit (diverged)", apart, ["merge", "--no-commit", "main"])
            .leaves_git_busy(),
        row(
            "git merge --no-commit ↳ then git commit",
            |s| {
                apart(s);
                s.git(["merge", "--no-commit", "main"]);
            },
            ["commit", "--no-edit"],
        )
        .fires(COMMIT_OF_MERGE)
        .says(diverged("f", "m")),
        row("git merge with conflict", in_conflict, ["merge", "main"]).exits(1).leaves_git_busy(),
        row("git merge ↳ resolved, git commit", resolved, ["commit", "--no-edit"])
            .fires(COMMIT_OF_MERGE)
            .says(diverged("f", "m")),
        row("git merge ↳ resolved, git merge --continue", resolved, ["merge", "--continue"])
            .fires(COMMIT_OF_MERGE)
            .says(diverged("f", "m")),
        row("git merge --abort", conflicted, ["merge", "--abort"]),
        row("git merge --no-verify", apart, ["merge", "--no-verify", "main"])
            .fires("prepare-commit-msg(merge) → post-merge(0)")
            .says(diverged("f", "m")),
        row(
            "git merge octopus",
            |s| {
                ahead(s);
                s.branch("other");
                s.adds("a -> g");
                s.switch("main");
                s.notes("ours");
            },
            ["merge", "feature", "other"],
        )
        .fires(MERGE)
        .says(diverged("f", "g")),
    ]
}
