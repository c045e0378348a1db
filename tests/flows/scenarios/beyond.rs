//! Rows of C.1 that the appendix has no line for, and changes that pass
//! without any hook.

use super::scene::Scene;
use super::{COMMIT, MERGE, Row, diverged, gone, new, row};

fn apart(scene: &Scene) {
    scene.on_feature();
    scene.switch("main");
    scene.adds("a -> m");
    scene.switch("feature");
}

pub fn rows() -> Vec<Row> {
    let other = "post-checkout(old→new,flag=1)";
    let rebase_without_end = "pre-rebase → post-checkout(old→new,flag=1)";
    vec![
        row("git merge -s ours", apart, ["merge", "-s", "ours", "main"]).fires(MERGE),
        row("git merge -X theirs", apart, ["merge", "-X", "theirs", "main"])
            .fires(MERGE)
            .says(diverged("f", "m")),
        row(
            "git merge --squash with conflict",
            |s| {
                s.on_feature();
                s.repo.write("migrations/versions/a_root.py", "# ours\nrevision = 'a'\n");
                s.git(["commit", "--quiet", "-a", "-m", "Edit"]);
                s.switch("main");
                s.repo.write("migrations/versions/a_root.py", "# theirs\nrevision = 'a'\n");
                s.git(["commit", "--quiet", "-a", "-m", "Edit"]);
            },
            ["merge", "--squash", "feature"],
        )
        .exits(1)
        .fires("post-merge(1)")
        .says(format!(
            "dbm-git: 1 error in the migration files: `dbm-git check` shows them\n{}",
            new("f")
        ))
        .leaves_git_busy(),
        row(
            "git pull --rebase (all local commits already upstream)",
            |s| {
                s.adds("a -> f");
                s.git(["push", "--quiet", "origin", "main:picked"]);
                s.lands_with(|colleague| {
                    colleague.write("notes.txt", "theirs\n");
                    colleague.commit("Note");
                    colleague.git(["cherry-pick", "origin/picked"]);
                    colleague.write_revisions("f -> m");
                });
            },
            ["pull", "--rebase"],
        )
        .fires(rebase_without_end)
        .then(new("m")),
        row(
            "git pull (pull.rebase = merges)",
            |s| {
                s.adds("a -> f");
                s.lands("a -> m");
            },
            ["-c", "pull.rebase=merges", "pull"],
        )
        .fires(
            "pre-rebase → post-checkout(old→new,flag=1) \
             → prepare-commit-msg(message) → post-commit → post-rewrite(rebase,1 lines)",
        )
        .says(diverged("f", "m")),
        row(
            "git rebase --apply (fast-forward only)",
            |s| {
                s.lands("a -> m");
                s.git(["fetch", "--quiet"]);
            },
            ["rebase", "--apply", "origin/main"],
        )
        .fires(rebase_without_end)
        .then(new("m")),
        row("git revert -n", |s| s.on_feature(), ["revert", "-n", "HEAD"]).leaves_git_busy(),
        row("git checkout -B", |s| s.on_feature(), ["checkout", "-B", "again", "main"])
            .fires(other)
            .says(gone("f")),
        row("git switch --orphan", |s| s.on_feature(), ["switch", "--orphan", "empty"])
            .fires(other),
        row(
            "git stash branch",
            |s| {
                s.writes("a -> f");
                s.git(["stash"]);
                s.adds("a -> m");
            },
            ["stash", "branch", "stashed"],
        )
        .fires(other)
        .says(gone("m")),
        row("git branch -f (another one)", |s| s.on_feature(), ["branch", "-f", "main", "HEAD"]),
        row("git branch -m", |s| s.on_feature(), ["branch", "-m", "renamed"]),
        row("git notes", |s| s.on_feature(), ["notes", "add", "-m", "Noted"]),
        row("git gc", |s| s.on_feature(), ["gc", "--quiet"]),
        row("git merge-tree", apart, ["merge-tree", "feature", "main"]),
        row(
            "git fetch origin main:main",
            |s| {
                s.on_feature();
                s.lands("a -> m");
            },
            ["fetch", "origin", "main:main"],
        ),
        row(
            "git update-ref (of the branch that is checked out)",
            |s| {
                s.lands("a -> m");
                s.git(["fetch", "--quiet"]);
            },
            ["update-ref", "refs/heads/main", "origin/main"],
        ),
        row("git reset --keep", |s| s.on_feature(), ["reset", "--keep", "main"]).then(gone("f")),
        row(
            "git stash pop (diverging)",
            |s| {
                s.writes("a -> f");
                s.git(["stash"]);
                s.lands("a -> m");
                s.git(["pull", "--quiet"]);
            },
            ["stash", "pop"],
        )
        .then(diverged("f", "m")),
        row(
            "git pull --rebase --autostash (of a revision)",
            |s| {
                s.notes("ours");
                s.writes("a -> f");
                s.lands("a -> m");
            },
            ["pull", "--rebase", "--autostash"],
        )
        .fires(
            "pre-rebase → post-checkout(old→new,flag=1) \
             → prepare-commit-msg(message) → post-commit → post-rewrite(rebase,1 lines)",
        )
        .says(new("m"))
        .then(diverged("f", "m")),
        row(
            "git pull --autostash (of a revision)",
            |s| {
                s.writes("a -> f");
                s.lands("a -> m");
            },
            ["pull", "--ff-only", "--autostash"],
        )
        .fires("post-merge(0)")
        .says(new("m"))
        .then(diverged("f", "m")),
        row(
            "git merge --ff-only of a commit of commit-tree",
            |s| {
                s.on_feature();
                s.switch("main");
                let commit = s.git(["commit-tree", "-p", "main", "-m", "F", "feature^{tree}"]);
                s.git(["tag", "made", &commit]);
            },
            ["merge", "--ff-only", "made"],
        )
        .fires("post-merge(0)")
        .says(new("f")),
        row(
            "git rebase --skip of all there is",
            |s| {
                s.notes("ours");
                s.lands_with(|colleague| {
                    colleague.write_revisions("a -> m");
                    colleague.write("notes.txt", "theirs\ntwo\nthree\n");
                });
                s.git_fails(["pull", "--rebase"]);
            },
            ["rebase", "--skip"],
        )
        .fires("post-rewrite(rebase,1 lines)")
        .says(new("m")),
        row(
            "git rebase --quit",
            |s| {
                s.notes("ours");
                s.lands_with(|colleague| {
                    colleague.write_revisions("a -> m");
                    colleague.write("notes.txt", "theirs\ntwo\nthree\n");
                });
                s.git_fails(["pull", "--rebase"]);
                s.edits("both");
            },
            ["rebase", "--quit"],
        )
        .then(new("m")),
        row(
            "git cherry-pick --skip of the last one",
            |s| {
                s.branch("feature");
                s.adds("a -> f");
                s.notes("theirs");
                s.switch("main");
                s.notes("ours");
                s.git_fails(["cherry-pick", "main..feature"]);
            },
            ["cherry-pick", "--skip"],
        )
        .then(new("f")),
        row(
            "git cherry-pick --abort",
            |s| {
                s.branch("feature");
                s.adds("a -> f");
                s.notes("theirs");
                s.switch("main");
                s.notes("ours");
                s.git_fails(["cherry-pick", "main..feature"]);
            },
            ["cherry-pick", "--abort"],
        ),
        row(
            "git commit with another index",
            |s| {
                s.writes("a -> f");
                s.repo.write("notes.txt", "changed\n");
            },
            ["commit", "-m", "Both", "--include", "notes.txt"],
        )
        .fires(COMMIT),
    ]
}
