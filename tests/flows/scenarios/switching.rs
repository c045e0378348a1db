//! What moves `HEAD` or the files without making a commit.

use super::{Row, gone, new, row};

const SAME: &str = "post-checkout(old→same,flag=1)";
const OTHER: &str = "post-checkout(old→new,flag=1)";
const FILES: &str = "post-checkout(old→same,flag=0)";

pub fn rows() -> Vec<Row> {
    vec![
        row("git switch -c new", |_| {}, ["switch", "-c", "new"]).fires(SAME),
        row("git switch main", |s| s.branch("new"), ["switch", "main"]).fires(SAME),
        row("git checkout new", |s| drop(s.git(["branch", "new"])), ["checkout", "new"])
            .fires(SAME),
        row("git switch --detach", |s| s.on_feature(), ["switch", "--detach", "main"])
            .fires(OTHER)
            .says(gone("f")),
        row(
            "git switch -",
            |s| {
                s.on_feature();
                s.switch("main");
            },
            ["switch", "-"],
        )
        .fires(OTHER)
        .says(new("f")),
        row("git checkout <same branch>", |_| {}, ["checkout", "main"]).fires(SAME),
        row(
            "git checkout -- file",
            |s| s.repo.write("migrations/versions/a_root.py", "edited\n"),
            ["checkout", "--", "migrations/versions/a_root.py"],
        )
        .fires(FILES),
        row("git restore file", |s| s.repo.remove("notes.txt"), ["restore", "notes.txt"])
            .fires(FILES),
        row("git reset --hard HEAD~1", |s| s.on_feature(), ["reset", "--hard", "HEAD~1"])
            .then(gone("f")),
        // The files are still there.
        row("git reset --soft HEAD~1", |s| s.on_feature(), ["reset", "--soft", "HEAD~1"]),
        row("git stash", |s| s.writes("a -> f"), ["stash"]),
        row(
            "git stash pop",
            |s| {
                s.writes("a -> f");
                s.git(["stash"]);
            },
            ["stash", "pop"],
        ),
        row(
            "git read-tree -u",
            |s| {
                s.on_feature();
                s.switch("main");
            },
            ["read-tree", "-m", "-u", "HEAD", "feature"],
        ),
        row(
            "git bisect good (checks out)",
            |s| {
                for notation in ["a -> b", "b -> c", "c -> d", "d -> e"] {
                    s.adds(notation);
                }
                s.git(["bisect", "start"]);
                s.git(["bisect", "bad"]);
            },
            ["bisect", "good", "HEAD~4"],
        )
        .fires(OTHER)
        .leaves_git_busy(),
    ]
}
