//! Commits, and commands that write refs or the index and move no branch.

use super::{COMMIT, Row, row};

pub fn rows() -> Vec<Row> {
    vec![
        row("git commit", |s| s.writes("a -> f"), ["commit", "-m", "F"]).fires(COMMIT),
        row(
            "git commit --amend",
            |s| {
                s.adds("a -> f");
                s.writes("f -> g");
            },
            ["commit", "--amend", "-m", "F and G"],
        )
        .fires(
            "pre-commit → prepare-commit-msg(message) → commit-msg → post-commit \
             → post-rewrite(amend,1 lines)",
        ),
        row("git commit --no-verify", |s| s.writes("a -> f"), ["commit", "--no-verify", "-m", "F"])
            .fires("prepare-commit-msg(message) → post-commit"),
        row(
            "git commit -a",
            |s| {
                s.adds("a -> f");
                s.repo.write("notes.txt", "changed\n");
            },
            ["commit", "-a", "-m", "All"],
        )
        .fires(COMMIT),
        row(
            "git commit <path> (partial)",
            |s| {
                s.writes("a -> f");
                s.edits("staged, and not committed");
            },
            ["commit", "-m", "F", "migrations"],
        )
        .fires(COMMIT),
        row("git branch (create)", |_| {}, ["branch", "other"]),
        row("git branch -d", |s| drop(s.git(["branch", "other"])), ["branch", "-d", "other"]),
        row("git update-ref", |s| s.on_feature(), ["update-ref", "refs/heads/other", "main"]),
        row("git tag", |_| {}, ["tag", "v1"]),
        row(
            "git commit-tree+merge --ff-only",
            |s| drop(s.git(["commit-tree", "-p", "HEAD", "-m", "Beside", "HEAD^{tree}"])),
            ["merge", "--ff-only", "main"],
        ),
        row("git fetch", |s| s.lands("a -> m"), ["fetch"]),
        // A file is no folder, which is what a cone is made of.
        row("git sparse-checkout set", |_| {}, ["sparse-checkout", "set", "notes.txt"]).exits(128),
    ]
}
