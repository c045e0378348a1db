//! Pushes that have nothing wrong with them; what is stopped is in `flows/pushing.rs`.

use super::scene::Scene;
use super::{Row, row};

/// `feature`, pushed and then amended.
fn amended(scene: &Scene) {
    scene.on_feature();
    scene.git(["push", "--quiet", "-u", "origin", "feature"]);
    scene.git(["commit", "--quiet", "--amend", "-m", "Anew"]);
}

pub fn rows() -> Vec<Row> {
    let one = "pre-push(1 lines)";
    vec![
        row("git push (update)", |s| s.adds("a -> f"), ["push"]).fires(one),
        row("git push (up to date)", |_| {}, ["push"]).fires("pre-push(0 lines)"),
        row(
            "git push -u origin nb (new branch)",
            |s| s.on_feature(),
            ["push", "-u", "origin", "feature"],
        )
        .fires(one),
        row("git push --force", amended, ["push", "--force"]).fires(one),
        row(
            "git push (rejected non-ff)",
            |s| {
                s.adds("a -> f");
                s.lands_with(|colleague| colleague.write("notes.txt", "theirs\n"));
                s.git(["fetch", "--quiet"]);
            },
            ["push"],
        )
        .exits(1)
        .fires("pre-push(0 lines)"),
        row(
            "git push --force-with-lease --dry-run",
            amended,
            ["push", "--force-with-lease", "--dry-run"],
        )
        .fires(one),
        row("git push --no-verify --force", amended, ["push", "--no-verify", "--force"]),
        row("git push --tags", |s| drop(s.git(["tag", "v1"])), ["push", "--tags"]).fires(one),
        row(
            "git push HEAD:refs/heads/x two refspecs",
            |s| s.on_feature(),
            ["push", "origin", "HEAD:refs/heads/x", "HEAD:refs/heads/y"],
        )
        .fires("pre-push(2 lines)"),
        row(
            "git push --delete",
            |s| {
                s.on_feature();
                s.git(["push", "--quiet", "origin", "feature"]);
            },
            ["push", "origin", "--delete", "feature"],
        )
        .fires(one),
        row(
            "git push <url> (no remote name)",
            |s| s.on_feature(),
            ["push", "../origin.git", "feature"],
        )
        .fires(one),
    ]
}
