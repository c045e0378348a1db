//! Pulls, from the fast-forward to the rebase that stops half-way.

use super::scene::Scene;
use super::{MERGE, Row, diverged, new, row};

/// The hooks of a rebase of two commits.
pub const REBASE: &str = "pre-rebase → post-checkout(old→new,flag=1) \
     → prepare-commit-msg(message) → post-commit → prepare-commit-msg(message) → post-commit \
     → post-rewrite(rebase,2 lines)";

/// Two local commits with `f` and `g`; `m` has landed.
pub fn apart(scene: &Scene) {
    scene.adds("a -> f");
    scene.adds("f -> g");
    scene.lands("a -> m");
}

/// A local note and then `f`; another note and `m` have landed.
fn in_conflict(scene: &Scene) {
    scene.notes("ours");
    scene.adds("a -> f");
    scene.lands_with(|colleague| {
        colleague.write_revisions("a -> m");
        colleague.write("notes.txt", "theirs\ntwo\nthree\n");
    });
}

fn stopped(scene: &Scene) {
    in_conflict(scene);
    scene.git_fails(["pull", "--rebase"]);
}

pub fn rows() -> Vec<Row> {
    vec![
        row("git pull (fast-forward)", |s| s.lands("a -> m"), ["pull"])
            .fires("post-merge(0)")
            .says(new("m")),
        row("git pull (already up to date)", |_| {}, ["pull"]),
        row("git pull (diverged, no strategy)", apart, ["pull"]).exits(128),
        row("git pull --no-rebase (true merge)", apart, ["pull", "--no-rebase"])
            .fires(MERGE)
            .says(diverged("g", "m")),
        row("git pull --rebase (2 local commits)", apart, ["pull", "--rebase"])
            .fires(REBASE)
            .says(diverged("g", "m")),
        row("git pull --rebase (no local commits)", |s| s.lands("a -> m"), ["pull", "--rebase"])
            .fires("post-merge(0)")
            .says(new("m")),
        row("git pull --rebase (up to date)", |_| {}, ["pull", "--rebase"]),
        row(
            "git pull --rebase (only local commits ahead)",
            |s| s.adds("a -> f"),
            ["pull", "--rebase"],
        ),
        row("git pull --squash", |s| s.lands("a -> m"), ["pull", "--squash"])
            .fires("post-merge(1)")
            .says(new("m")),
        row(
            "git pull --rebase --autostash (dirty)",
            |s| {
                apart(s);
                s.repo.write("notes.txt", "one\ntwo\nthree\nfour\n");
            },
            ["pull", "--rebase", "--autostash"],
        )
        .fires(REBASE)
        .says(diverged("g", "m")),
        row("git pull --rebase (conflict)", in_conflict, ["pull", "--rebase"])
            .exits(1)
            .fires("pre-rebase → post-checkout(old→new,flag=1)")
            .leaves_git_busy(),
        row(
            "git pull --rebase ↳ git rebase --continue",
            |s| {
                stopped(s);
                s.edits("both");
            },
            ["rebase", "--continue"],
        )
        .fires(
            "prepare-commit-msg(message) → post-commit → prepare-commit-msg(message) \
             → post-commit → post-rewrite(rebase,2 lines)",
        )
        .says(diverged("f", "m")),
        row("git pull --rebase ↳ git rebase --skip", stopped, ["rebase", "--skip"])
            .fires("prepare-commit-msg(message) → post-commit → post-rewrite(rebase,2 lines)")
            .says(diverged("f", "m")),
        row("git pull --rebase ↳ git rebase --abort", stopped, ["rebase", "--abort"]),
    ]
}
