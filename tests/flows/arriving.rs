//! What the hooks say once git has brought, moved or taken away revisions.

use super::support::TestRepo;
use super::{
    assert_untouched, clone_with_hooks, commits, feature_with_hooks, heard, heard_beside_git,
    lands, lands_with,
};

#[test]
fn a_fast_forward_pull_names_what_arrived() {
    let repo = clone_with_hooks();
    lands(&repo, "a -> m, main work\nm -> n, more of it");
    insta::assert_snapshot!(heard(&repo, ["pull", "--quiet"]), @"
    dbm-git: 2 new revisions (`m`, `n`): `dbm-git status` compares your database
    ");
    assert_untouched(&repo);
    assert_eq!(heard(&repo, ["pull", "--quiet"]), "");
}

#[test]
fn a_pull_without_revisions_is_silent() {
    let repo = clone_with_hooks();
    lands_with(&repo, |colleague| colleague.write("README", "Read me."));
    assert_eq!(heard(&repo, ["pull", "--quiet"]), "");
    assert_untouched(&repo);
}

#[test]
fn many_arrivals_take_one_line() {
    let repo = clone_with_hooks();
    lands(&repo, "a -> b\nb -> c\nc -> d\nd -> e\ne -> f\nf -> g");
    insta::assert_snapshot!(heard(&repo, ["pull", "--quiet"]), @"
    dbm-git: 6 new revisions (`b`, `c`, `d`, `e` and 2 more): `dbm-git status` compares your database
    ");
}

#[test]
fn a_true_merge_that_diverges_says_what_to_run() {
    let repo = feature_with_hooks();
    lands(&repo, "a -> m, main work");
    insta::assert_snapshot!(heard(&repo, ["pull", "--quiet", "--no-rebase", "--no-edit", "origin", "main"]), @"
    dbm-git: the heads `f`, `m` have diverged
    dbm-git: `dbm-git rebase` puts your revisions on top, `dbm-git merge` merges
    ");
    assert_untouched(&repo);
    assert_eq!(repo.git(["rev-list", "--count", "--merges", "HEAD"]), "1");
}

#[test]
fn a_conflicted_merge_speaks_when_it_is_finished_either_way() {
    for finish in [["commit", "--no-edit"], ["merge", "--continue"]] {
        let repo = conflicting();
        repo.git(["fetch", "--quiet"]);
        let said = heard_beside_git(&repo, ["merge", "--quiet", "--no-edit", "origin/main"]);
        assert_eq!(said, "exit 1\n", "a conflicted merge fires no hook");
        repo.write("notes.txt", "both\n");
        repo.git(["add", "notes.txt"]);
        insta::allow_duplicates! {
            insta::assert_snapshot!(heard(&repo, finish), @"
            dbm-git: the heads `f`, `m` have diverged
            dbm-git: `dbm-git rebase` puts your revisions on top, `dbm-git merge` merges
            ");
        }
        assert_untouched(&repo);
        assert_eq!(repo.git(["rev-list", "--count", "--merges", "HEAD"]), "1");
    }
}

/// On `feature`: `f`, then a note. Landed: `m` and another note.
fn conflicting() -> TestRepo {
    let repo = feature_with_hooks();
    repo.write("notes.txt", "ours\n");
    repo.git(["add", "--all"]);
    assert_eq!(heard(&repo, ["commit", "--quiet", "-m", "Note"]), "");
    lands_with(&repo, |colleague| {
        colleague.write_revisions("a -> m, main work");
        colleague.write("notes.txt", "theirs\n");
    });
    repo
}

#[test]
fn a_pull_with_rebase_speaks_once_at_its_end() {
    let repo = feature_with_hooks();
    commits(&repo, "f -> g, more of it");
    lands(&repo, "a -> m, main work");
    insta::assert_snapshot!(heard(&repo, ["pull", "--quiet", "--rebase", "origin", "main"]), @"
    dbm-git: the heads `g`, `m` have diverged
    dbm-git: `dbm-git rebase` puts your revisions on top, `dbm-git merge` merges
    ");
    assert_untouched(&repo);
    assert_eq!(repo.git(["rev-list", "--count", "--merges", "HEAD"]), "0");
    assert_eq!(repo.git(["branch", "--show-current"]), "feature");
}

#[test]
fn a_rebase_that_only_fast_forwards_is_noticed_by_the_next_hook() {
    let repo = clone_with_hooks();
    lands(&repo, "a -> m, main work");
    repo.git(["fetch", "--quiet"]);
    // git calls no hook once such a rebase is done.
    assert_eq!(heard(&repo, ["rebase", "--quiet", "origin/main"]), "");
    insta::assert_snapshot!(heard(&repo, ["switch", "--quiet", "--create", "next"]), @"
    dbm-git: 1 new revision (`m`): `dbm-git status` compares your database
    ");
    assert_eq!(heard(&repo, ["switch", "--quiet", "main"]), "");
    assert_untouched(&repo);
}

#[test]
fn a_rebase_with_a_conflict_speaks_after_continue() {
    let repo = conflicting();
    let said = heard_beside_git(&repo, ["pull", "--quiet", "--rebase", "origin", "main"]);
    assert_eq!(said, "exit 1\n");
    repo.write("notes.txt", "both\n");
    repo.git(["add", "notes.txt"]);
    insta::assert_snapshot!(heard_beside_git(&repo, ["rebase", "--continue"]), @"
    dbm-git: the heads `f`, `m` have diverged
    dbm-git: `dbm-git rebase` puts your revisions on top, `dbm-git merge` merges
    ");
    assert_untouched(&repo);
}

#[test]
fn a_rebase_with_a_conflict_speaks_after_skip() {
    let repo = conflicting();
    let said = heard_beside_git(&repo, ["pull", "--quiet", "--rebase", "origin", "main"]);
    assert_eq!(said, "exit 1\n");
    insta::assert_snapshot!(heard_beside_git(&repo, ["rebase", "--skip"]), @"
    dbm-git: the heads `f`, `m` have diverged
    dbm-git: `dbm-git rebase` puts your revisions on top, `dbm-git merge` merges
    ");
    assert_untouched(&repo);
    assert_eq!(repo.read("notes.txt"), "theirs\n");
}

#[test]
fn an_aborted_rebase_leaves_nothing_to_say() {
    let repo = conflicting();
    let said = heard_beside_git(&repo, ["pull", "--quiet", "--rebase", "origin", "main"]);
    assert_eq!(said, "exit 1\n");
    assert_eq!(heard(&repo, ["rebase", "--abort"]), "");
    assert_eq!(heard(&repo, ["switch", "--quiet", "--create", "next"]), "");
    assert_untouched(&repo);
}

#[test]
fn a_squash_merge_speaks_of_files_that_are_only_staged() {
    let repo = feature_with_hooks();
    repo.git(["switch", "--quiet", "main"]);
    commits(&repo, "a -> m, main work");
    insta::assert_snapshot!(heard_beside_git(&repo, ["merge", "--squash", "feature"]), @"
    dbm-git: the heads `f`, `m` have diverged
    dbm-git: `dbm-git rebase` puts your revisions on top, `dbm-git merge` merges
    ");
    assert_eq!(repo.git(["status", "--porcelain"]), "A  migrations/versions/f_feature.py");
    insta::assert_snapshot!(heard(&repo, ["commit", "--quiet", "-m", "Squash"]), @"
    dbm-git: the heads `f`, `m` have diverged
    dbm-git: `dbm-git rebase` puts your revisions on top, `dbm-git merge` merges
    ");
}

#[test]
fn a_squash_merge_ahead_names_what_arrived() {
    let repo = feature_with_hooks();
    repo.git(["switch", "--quiet", "main"]);
    insta::assert_snapshot!(heard_beside_git(&repo, ["merge", "--squash", "feature"]), @"
    dbm-git: 1 new revision (`f`): `dbm-git status` compares your database
    ");
    assert_eq!(heard(&repo, ["commit", "--quiet", "-m", "Squash"]), "");
}

#[test]
fn a_cherry_picked_revision_is_told_now_or_by_the_next_hook() {
    let repo = feature_with_hooks();
    repo.git(["switch", "--quiet", "main"]);
    let picked = heard_beside_git(&repo, ["cherry-pick", "feature"]);
    let next = heard(&repo, ["switch", "--quiet", "--create", "next"]);
    insta::assert_snapshot!(picked + "-- next\n" + &next, @"
    -- next
    dbm-git: 1 new revision (`f`): `dbm-git status` compares your database
    ");
    assert_untouched(&repo);
}

#[test]
fn ones_own_commit_and_its_amendment_are_no_news() {
    let repo = clone_with_hooks();
    commits(&repo, "a -> b, mine");
    repo.write_revisions("b -> c, forgotten");
    repo.git(["add", "--all"]);
    assert_eq!(heard(&repo, ["commit", "--quiet", "--amend", "--no-edit"]), "");
    assert_eq!(heard(&repo, ["switch", "--quiet", "--create", "next"]), "");
    assert_untouched(&repo);
}

#[test]
fn an_own_commit_that_diverges_says_so() {
    let repo = feature_with_hooks();
    repo.write_revisions("a -> g, beside it");
    repo.git(["add", "--all"]);
    insta::assert_snapshot!(heard(&repo, ["commit", "--quiet", "-m", "Diverge"]), @"
    dbm-git: the heads `f`, `g` have diverged
    dbm-git: `dbm-git rebase` puts your revisions on top, `dbm-git merge` merges
    ");
    insta::assert_snapshot!(heard(&repo, ["commit", "--quiet", "--amend", "-m", "Reword"]), @"");
}

#[test]
fn a_switch_tells_what_went_and_what_came_back() {
    let repo = feature_with_hooks();
    insta::assert_snapshot!(heard(&repo, ["switch", "--quiet", "main"]), @"
    dbm-git: 1 revision is not here any more (`f`); a database that ran it needs the other branch to go down
    ");
    insta::assert_snapshot!(heard(&repo, ["switch", "--quiet", "feature"]), @"
    dbm-git: 1 new revision (`f`): `dbm-git status` compares your database
    ");
    insta::assert_snapshot!(heard(&repo, ["checkout", "--quiet", "--detach", "origin/main"]), @"
    dbm-git: 1 revision is not here any more (`f`); a database that ran it needs the other branch to go down
    ");
    assert_untouched(&repo);
}

#[test]
fn a_reset_is_noticed_by_the_next_hook() {
    let repo = feature_with_hooks();
    assert_eq!(heard(&repo, ["reset", "--quiet", "--hard", "HEAD~1"]), "");
    insta::assert_snapshot!(heard(&repo, ["switch", "--quiet", "--create", "next"]), @"
    dbm-git: 1 revision is not here any more (`f`); a database that ran it needs the other branch to go down
    ");
    assert_untouched(&repo);
}

#[test]
fn a_reverted_revision_is_gone() {
    let repo = feature_with_hooks();
    let reverted = heard_beside_git(&repo, ["revert", "--no-edit", "HEAD"]);
    let next = heard(&repo, ["switch", "--quiet", "--create", "next"]);
    insta::assert_snapshot!(reverted + "-- next\n" + &next, @"
    dbm-git: 1 revision is not here any more (`f`); a database that ran it needs the other branch to go down
    -- next
    ");
    assert_untouched(&repo);
}

#[test]
fn every_linked_worktree_remembers_for_itself() {
    let repo = clone_with_hooks();
    let (linked, added) = repo.worktree("linked", "feature");
    assert_eq!((added.code, added.stderr.as_str()), (0, ""));
    commits(&linked, "a -> f, feature");
    lands(&repo, "a -> m, main work");
    repo.git(["fetch", "--quiet"]);
    insta::assert_snapshot!(heard(&linked, ["merge", "--quiet", "--no-edit", "origin/main"]), @"
    dbm-git: the heads `f`, `m` have diverged
    dbm-git: `dbm-git rebase` puts your revisions on top, `dbm-git merge` merges
    ");
    assert_untouched(&linked);
    insta::assert_snapshot!(heard(&repo, ["merge", "--quiet", "--ff-only", "origin/main"]), @"
    dbm-git: 1 new revision (`m`): `dbm-git status` compares your database
    ");
    assert_untouched(&repo);
}

#[test]
fn a_new_worktree_of_diverged_files_says_so() {
    let repo = feature_with_hooks();
    lands(&repo, "a -> m, main work");
    repo.git([
        "-c",
        "core.hooksPath=/dev/null",
        "pull",
        "--quiet",
        "--no-rebase",
        "origin",
        "main",
    ]);
    let (linked, added) = repo.worktree("linked", "next");
    insta::assert_snapshot!(added, @"
    --- stderr
    dbm-git: the heads `f`, `m` have diverged
    dbm-git: `dbm-git rebase` puts your revisions on top, `dbm-git merge` merges
    ");
    assert_untouched(&linked);
}

#[test]
fn on_a_detached_head_hooks_speak_too() {
    let repo = clone_with_hooks();
    assert_eq!(heard(&repo, ["switch", "--quiet", "--detach"]), "");
    commits(&repo, "a -> f, feature");
    lands(&repo, "a -> m, main work");
    repo.git(["fetch", "--quiet"]);
    insta::assert_snapshot!(heard(&repo, ["merge", "--quiet", "--no-edit", "origin/main"]), @"
    dbm-git: the heads `f`, `m` have diverged
    dbm-git: `dbm-git rebase` puts your revisions on top, `dbm-git merge` merges
    ");
    assert_untouched(&repo);
}

#[test]
fn a_merge_in_a_subfolder_is_heard_as_well() {
    let repo = clone_with_hooks();
    lands(&repo, "a -> m, main work");
    insta::assert_snapshot!(heard(&repo, ["-C", "migrations/versions", "pull", "--quiet"]), @"
    dbm-git: 1 new revision (`m`): `dbm-git status` compares your database
    ");
    assert_untouched(&repo);
}

#[test]
fn errors_that_arrive_are_counted() {
    let repo = clone_with_hooks();
    lands_with(&repo, |colleague| colleague.write("migrations/versions/x.py", "def (\n"));
    insta::assert_snapshot!(heard(&repo, ["pull", "--quiet"]), @"
    dbm-git: 1 error in the migration files: `dbm-git check` shows them
    ");
    assert_untouched(&repo);
}

#[test]
fn a_broken_configuration_takes_one_line() {
    let repo = clone_with_hooks();
    lands_with(&repo, |colleague| {
        colleague.write("dbm-git.toml", "upstraem = \"origin/main\"\n");
        colleague.write_revisions("a -> m, main work");
    });
    insta::assert_snapshot!(heard(&repo, ["pull", "--quiet"]), @"
    dbm-git: post-merge could not look: unknown key `upstraem` in `dbm-git.toml` line 1, the nearest known one is `upstream`
    ");
    assert_untouched(&repo);
}
