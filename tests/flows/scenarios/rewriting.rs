//! Rebases by hand, cherry-picks, reverts and mailed patches.

use super::pulling::{REBASE, apart};
use super::scene::Scene;
use super::{Row, diverged, gone, new, row};

/// Two local commits, and `m` on `origin/main`.
fn fetched(scene: &Scene) {
    apart(scene);
    scene.git(["fetch", "--quiet"]);
}

fn edited(scene: &Scene) {
    fetched(scene);
    scene.git(["-c", "sequence.editor=sed -i 1s/pick/edit/", "rebase", "-i", "origin/main"]);
}

/// A commit on `main` that `feature`, which adds `f` and then `g`, does not have.
fn beside_feature(scene: &Scene) {
    scene.on_feature();
    scene.adds("f -> g");
    scene.switch("main");
    scene.notes("ours");
}

/// A pick of notes that conflict, stopped.
fn stopped_pick(scene: &Scene) {
    conflicting_pick(scene);
    scene.git_fails(["cherry-pick", "feature"]);
}

/// `feature` notes what `main` notes differently, and adds `f`.
fn conflicting_pick(scene: &Scene) {
    scene.branch("feature");
    scene.writes("a -> f");
    scene.notes("theirs");
    scene.switch("main");
    scene.notes("ours");
}

pub fn rows() -> Vec<Row> {
    let rebase = |name, args: &[&str]| {
        let mut row = row(name, fetched, ["rebase"]).fires(REBASE).says(diverged("g", "m"));
        row.runs = args.iter().map(|&arg| arg.to_owned()).collect();
        row
    };
    let picked = "prepare-commit-msg(message) → post-commit";
    vec![
        rebase("git rebase origin/main", &["rebase", "origin/main"]),
        rebase("git rebase --apply origin/main", &["rebase", "--apply", "origin/main"]).fires(
            "pre-rebase → post-checkout(old→new,flag=1) \
             → applypatch-msg → pre-applypatch → post-applypatch \
             → applypatch-msg → pre-applypatch → post-applypatch → post-rewrite(rebase,2 lines)",
        ),
        rebase(
            "git rebase --merge -i (pick,squash)",
            &["-c", "sequence.editor=sed -i 2s/pick/squash/", "rebase", "-i", "origin/main"],
        )
        .fires(
            "pre-rebase → post-checkout(old→new,flag=1) → prepare-commit-msg(message) \
             → post-commit → prepare-commit-msg(message) → post-commit \
             → post-rewrite(amend,1 lines) → post-rewrite(rebase,2 lines)",
        ),
        rebase(
            "git rebase -i (reword 1st)",
            &["-c", "sequence.editor=sed -i 1s/pick/reword/", "rebase", "-i", "origin/main"],
        )
        .fires(
            "pre-rebase → post-checkout(old→new,flag=1) → prepare-commit-msg(message) \
             → post-commit → pre-commit → prepare-commit-msg(commit HEAD) → commit-msg \
             → post-commit → post-rewrite(amend,1 lines) → prepare-commit-msg(message) \
             → post-commit → post-rewrite(rebase,2 lines)",
        ),
        row(
            "git rebase -i (drop 1st)",
            |s| {
                s.notes("ours");
                s.adds("a -> f");
                s.lands("a -> m");
                s.git(["fetch", "--quiet"]);
            },
            ["-c", "sequence.editor=sed -i 1s/pick/drop/", "rebase", "-i", "origin/main"],
        )
        .fires(
            "pre-rebase → post-checkout(old→new,flag=1) → prepare-commit-msg(message) \
             → post-commit → post-rewrite(rebase,1 lines)",
        )
        .says(diverged("f", "m")),
        row(
            "git rebase -i (edit 1st: stops)",
            fetched,
            ["-c", "sequence.editor=sed -i 1s/pick/edit/", "rebase", "-i", "origin/main"],
        )
        .fires(
            "pre-rebase → post-checkout(old→new,flag=1) \
             → prepare-commit-msg(message) → post-commit",
        )
        .leaves_git_busy(),
        row("git rebase -i (edit) ↳ git rebase --continue", edited, ["rebase", "--continue"])
            .fires("prepare-commit-msg(message) → post-commit → post-rewrite(rebase,2 lines)")
            .says(diverged("g", "m")),
        rebase("git rebase -x true", &["rebase", "-x", "true", "origin/main"]),
        row(
            "git rebase (fast-forward only)",
            |s| {
                s.lands("a -> m");
                s.git(["fetch", "--quiet"]);
            },
            ["rebase", "origin/main"],
        )
        .fires("pre-rebase → post-checkout(old→new,flag=1)")
        .then(new("m")),
        row("git rebase (up to date)", |s| s.adds("a -> f"), ["rebase", "origin/main"]),
        rebase(
            "git rebase --update-refs",
            &["rebase", "--update-refs", "origin/main"],
        ),
        rebase("git rebase --no-verify", &["rebase", "--no-verify", "origin/main"]).fires(
            "post-checkout(old→new,flag=1) → prepare-commit-msg(message) → post-commit \
             → prepare-commit-msg(message) → post-commit → post-rewrite(rebase,2 lines)",
        ),
        row(
            "git rebase origin/main main (switches)",
            |s| {
                fetched(s);
                s.git(["switch", "--quiet", "--detach", "origin/main"]);
            },
            ["rebase", "origin/main", "main"],
        )
        .fires(
            "pre-rebase → post-checkout(old→same,flag=1) → prepare-commit-msg(message) \
             → post-commit → prepare-commit-msg(message) → post-commit \
             → post-rewrite(rebase,2 lines)",
        )
        .says(diverged("g", "m")),
        // Others than the last hook of a pick come after it.
        row("git cherry-pick (1)", beside_feature, ["cherry-pick", "feature~1"])
            .fires(picked)
            .then(new("f")),
        row(
            "git cherry-pick (2, range)",
            beside_feature,
            ["cherry-pick", "feature~2..feature"],
        )
        .fires(
            "prepare-commit-msg(message) → post-commit → prepare-commit-msg(message) → post-commit",
        )
        .then("dbm-git: 2 new revisions (`f`, `g`): `dbm-git status` compares your database"),
        row("git cherry-pick -n", beside_feature, ["cherry-pick", "-n", "feature~1"]),
        row(
            "git cherry-pick (non-ff)",
            |s| {
                s.on_feature();
                s.switch("main");
                s.adds("a -> m");
            },
            ["cherry-pick", "feature"],
        )
        .fires(picked)
        .then(diverged("f", "m")),
        row("git cherry-pick (conflict)", conflicting_pick, ["cherry-pick", "feature"])
            .exits(1)
            .leaves_git_busy(),
        row(
            "git cherry-pick ↳ cherry-pick --continue",
            |s| {
                stopped_pick(s);
                s.edits("both");
            },
            ["cherry-pick", "--continue"],
        )
        .fires("pre-commit → prepare-commit-msg(merge) → commit-msg → post-commit"),
        row("git revert", |s| s.on_feature(), ["revert", "--no-edit", "HEAD"])
            .fires(picked)
            .says(gone("f")),
        row(
            "git am (2 patches)",
            |s| {
                beside_feature(s);
                s.git(["format-patch", "--quiet", "-o", "../patches", "main..feature"]);
            },
            ["am", "../patches/0001-Add-a-f.patch", "../patches/0002-Add-f-g.patch"],
        )
        .fires(
            "applypatch-msg → pre-applypatch → post-applypatch \
             → applypatch-msg → pre-applypatch → post-applypatch",
        )
        .then("dbm-git: 2 new revisions (`f`, `g`): `dbm-git status` compares your database"),
    ]
}
