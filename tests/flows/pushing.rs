//! What pre-push lets through, what it warns of, and what it stops.

use super::support::TestRepo;
use super::{
    assert_untouched, clone_with_hooks, commits, feature_with_hooks, heard, heard_beside_git,
    lands, lands_with,
};

/// Where `branch` is in `origin`, empty if nowhere.
fn remote(repo: &TestRepo, branch: &str) -> String {
    repo.git(["ls-remote", "origin", branch])
}

/// `main` merged with what landed: `f` and `m` both follow `a`.
fn diverged_main() -> TestRepo {
    let repo = clone_with_hooks();
    commits(&repo, "a -> f, feature");
    lands(&repo, "a -> m, main work");
    repo.git(["-c", "core.hooksPath=/dev/null", "pull", "--quiet", "--no-rebase", "--no-edit"]);
    repo
}

#[test]
fn a_clean_push_is_silent() {
    let repo = clone_with_hooks();
    commits(&repo, "a -> b, mine");
    assert_eq!(heard(&repo, ["push", "--quiet"]), "");
    assert_eq!(heard(&repo, ["push", "--quiet"]), "", "nothing to push");
    assert!(remote(&repo, "main").starts_with(&repo.git(["rev-parse", "HEAD"])));
}

#[test]
fn what_a_review_finds_is_for_check_and_not_for_a_push() {
    let repo = clone_with_hooks();
    repo.write("dbm-git.toml", "review = true\n");
    repo.write_revisions("a -> b, mine");
    let path = "migrations/versions/b_mine.py";
    let script = repo.read(path);
    let (start, _) = script.split_once("def upgrade").expect("a function");
    repo.write(path, format!("{start}def upgrade():\n    op.drop_table('t')\n"));
    repo.commit("Drop a table");
    let said = repo.dbm(["check"]).stdout;
    assert!(said.contains("DBM202") && said.contains("DBM203"), "{said}");
    assert_eq!(heard(&repo, ["push", "--quiet"]), "");
    assert!(remote(&repo, "main").starts_with(&repo.git(["rev-parse", "HEAD"])));
}

#[test]
fn diverged_heads_do_not_get_to_main() {
    let repo = diverged_main();
    let before = remote(&repo, "main");
    insta::assert_snapshot!(heard_beside_git(&repo, ["push", "--quiet"]), @"
    dbm-git: DBM001: heads `f` and `m` have diverged since `a` (run `dbm-git rebase` to put your own revisions on top of `m`, or `dbm-git merge` to write a merge revision)
    dbm-git: the push is blocked; `git push --no-verify` pushes all the same
    exit 1
    ");
    assert_eq!(remote(&repo, "main"), before);
    assert_untouched(&repo);

    assert_eq!(heard(&repo, ["push", "--quiet", "--no-verify"]), "");
    assert_ne!(remote(&repo, "main"), before);
}

#[test]
fn a_push_to_main_from_another_branch_is_judged_too() {
    let repo = diverged_main();
    repo.git(["switch", "--quiet", "--create", "fix"]);
    let before = remote(&repo, "main");
    insta::assert_snapshot!(heard_beside_git(&repo, ["push", "--quiet", "origin", "HEAD:main"]), @"
    dbm-git: DBM001: heads `f` and `m` have diverged since `a` (run `dbm-git rebase` to put your own revisions on top of `m`, or `dbm-git merge` to write a merge revision)
    dbm-git: the push is blocked; `git push --no-verify` pushes all the same
    exit 1
    ");
    assert_eq!(remote(&repo, "main"), before);
}

#[test]
fn what_is_judged_is_the_commit_and_not_the_working_tree() {
    let repo = clone_with_hooks();
    commits(&repo, "a -> b, mine");
    repo.write("migrations/versions/x.py", "def (\n");
    assert_eq!(heard(&repo, ["push", "--quiet"]), "");

    let repo = diverged_main();
    repo.dbm(["rebase"]).expect_code(0);
    let said = heard_beside_git(&repo, ["push", "--quiet"]);
    assert!(said.contains("DBM001") && said.ends_with("exit 1\n"), "{said}");
}

#[test]
fn a_long_list_of_errors_ends_with_the_verdict() {
    let repo = clone_with_hooks();
    for n in 0..9 {
        repo.write(&format!("migrations/versions/x{n}.py"), "def (\n");
    }
    repo.git(["add", "--all"]);
    repo.git(["commit", "--quiet", "-m", "Garbage"]);
    insta::assert_snapshot!(heard_beside_git(&repo, ["push", "--quiet"]), @"
    dbm-git: DBM005: `migrations/versions/x0.py` cannot be read: Expected an identifier (mend the file: no alembic command runs before it can be imported)
    dbm-git: DBM005: `migrations/versions/x1.py` cannot be read: Expected an identifier (mend the file: no alembic command runs before it can be imported)
    dbm-git: DBM005: `migrations/versions/x2.py` cannot be read: Expected an identifier (mend the file: no alembic command runs before it can be imported)
    dbm-git: DBM005: `migrations/versions/x3.py` cannot be read: Expected an identifier (mend the file: no alembic command runs before it can be imported)
    dbm-git: and 5 more like these: `dbm-git check` shows all
    dbm-git: the push is blocked; `git push --no-verify` pushes all the same
    exit 1
    ");
}

#[test]
fn a_revision_that_was_never_added_blocks() {
    let repo = clone_with_hooks();
    repo.write_revisions("a -> b, forgotten\nb -> c, mine");
    repo.git(["add", "migrations/versions/c_mine.py"]);
    repo.git(["commit", "--quiet", "-m", "Add c"]);
    insta::assert_snapshot!(heard_beside_git(&repo, ["push", "--quiet"]), @"
    dbm-git: DBM016: `c` follows `b`, which is not committed: `migrations/versions/b_forgotten.py` (run `git add migrations/versions/b_forgotten.py` and commit it)
    dbm-git: the push is blocked; `git push --no-verify` pushes all the same
    exit 1
    ");
    repo.git(["add", "--all"]);
    repo.git(["commit", "--quiet", "--amend", "--no-edit"]);
    assert_eq!(heard(&repo, ["push", "--quiet"]), "");
}

#[test]
fn a_dependency_that_was_never_added_blocks() {
    let repo = clone_with_hooks();
    repo.write_revisions("<base> -> b (other), forgotten\na (b) -> c, mine");
    repo.git(["add", "migrations/versions/c_mine.py"]);
    repo.git(["commit", "--quiet", "-m", "Add c"]);
    insta::assert_snapshot!(heard_beside_git(&repo, ["push", "--quiet"]), @"
    dbm-git: DBM016: `c` depends on `b`, which is not committed: `migrations/versions/b_forgotten.py` (run `git add migrations/versions/b_forgotten.py` and commit it)
    dbm-git: the push is blocked; `git push --no-verify` pushes all the same
    exit 1
    ");
}

#[test]
fn what_is_broken_on_main_already_does_not_block() {
    let repo = clone_with_hooks();
    lands_with(&repo, |colleague| colleague.write_revisions("a -> m\na -> n"));
    repo.git(["-c", "core.hooksPath=/dev/null", "pull", "--quiet"]);
    repo.write("README", "Read me.");
    repo.git(["add", "--all"]);
    repo.git(["commit", "--quiet", "-m", "Read me"]);
    insta::assert_snapshot!(heard(&repo, ["push", "--quiet"]), @"
    dbm-git: 1 error that is not new: `dbm-git check` shows more
    ");
    assert!(remote(&repo, "main").starts_with(&repo.git(["rev-parse", "HEAD"])));
}

#[test]
fn a_branch_that_would_diverge_is_warned_of_and_strictly_blocked() {
    let repo = feature_with_hooks();
    lands(&repo, "a -> m, main work");
    repo.git(["fetch", "--quiet"]);
    insta::assert_snapshot!(heard(&repo, ["push", "--quiet", "origin", "feature"]), @"
    dbm-git: warning: DBM015: merged with origin/main, heads `f` and `m` have diverged since `a` (run `git merge origin/main`, then `dbm-git rebase`)
    ");
    assert!(remote(&repo, "feature").starts_with(&repo.git(["rev-parse", "HEAD"])));

    commits(&repo, "f -> g, more of it");
    repo.git(["config", "dbm-git.prePush", "strict"]);
    insta::assert_snapshot!(heard_beside_git(&repo, ["push", "--quiet", "origin", "feature"]), @"
    dbm-git: DBM015: merged with origin/main, heads `g` and `m` have diverged since `a` (run `git merge origin/main`, then `dbm-git rebase`)
    dbm-git: the push is blocked; `git push --no-verify` pushes all the same
    exit 1
    ");
    repo.git(["config", "dbm-git.prePush", "off"]);
    assert_eq!(heard(&repo, ["push", "--quiet", "origin", "feature"]), "");
}

#[test]
fn new_branches_tags_and_deletions_pass() {
    let repo = feature_with_hooks();
    assert_eq!(heard(&repo, ["push", "--quiet", "-u", "origin", "feature"]), "");
    repo.git(["tag", "v1"]);
    assert_eq!(heard(&repo, ["push", "--quiet", "origin", "v1"]), "");
    assert_eq!(heard(&repo, ["push", "--quiet", "origin", "--delete", "feature"]), "");
    assert_eq!(remote(&repo, "feature"), "");
}

#[test]
fn a_tag_of_diverged_files_is_not_judged() {
    let repo = diverged_main();
    repo.git(["tag", "v1"]);
    assert_eq!(heard(&repo, ["push", "--quiet", "origin", "v1"]), "");
}

#[test]
fn several_branches_in_one_push_are_judged_each() {
    let repo = diverged_main();
    repo.git(["branch", "fine", "origin/main"]);
    insta::assert_snapshot!(heard_beside_git(&repo, ["push", "--quiet", "origin", "fine", "main"]), @"
    dbm-git: DBM001: heads `f` and `m` have diverged since `a` (run `dbm-git rebase` to put your own revisions on top of `m`, or `dbm-git merge` to write a merge revision)
    dbm-git: the push is blocked; `git push --no-verify` pushes all the same
    exit 1
    ");
    assert_eq!(remote(&repo, "fine"), "", "git pushes all or nothing");
}

/// More references than a pipe holds: git is killed where nobody reads them.
#[test]
fn all_of_gits_input_is_read_whatever_the_hook_does_with_it() {
    let repo = clone_with_hooks();
    let references: String =
        (0..1500).map(|n| format!("create refs/heads/many/branch-{n:04} HEAD\n")).collect();
    repo.write(".git/references", references);
    let script = "git update-ref --stdin <.git/references";
    super::support::Run::of(repo.command("sh").args(["-c", script])).expect_code(0);
    for (name, value) in [("DBM_GIT", "0"), ("DBM_GIT", "1")] {
        let mut push = repo.command("git");
        push.env(name, value).args(["push", "--quiet", "--dry-run", "origin", "--all"]);
        let run = super::support::Run::of(&mut push);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{name}={value}");
    }
    repo.git(["config", "dbm-git.prePush", "off"]);
    assert_eq!(heard(&repo, ["push", "--quiet", "--dry-run", "origin", "--all"]), "");
}

#[test]
fn a_broken_configuration_lets_the_push_pass_with_one_line() {
    let repo = clone_with_hooks();
    repo.write("dbm-git.toml", "upstraem = \"origin/main\"\n");
    repo.git(["add", "--all"]);
    insta::assert_snapshot!(heard(&repo, ["commit", "--quiet", "-m", "Configure"]), @"
    dbm-git: post-commit could not look: unknown key `upstraem` in `dbm-git.toml` line 1, the nearest known one is `upstream`
    ");
    insta::assert_snapshot!(heard(&repo, ["push", "--quiet"]), @"
    dbm-git: pre-push could not look: unknown key `upstraem` in `dbm-git.toml` line 1, the nearest known one is `upstream`
    ");
    assert!(remote(&repo, "main").starts_with(&repo.git(["rev-parse", "HEAD"])));
}

#[test]
fn a_first_push_to_an_empty_remote_passes() {
    let repo = TestRepo::new().adds("<base> -> a, root");
    super::install(&repo);
    let origin = repo.origin().display().to_string();
    repo.git(["init", "--quiet", "--bare", "--initial-branch=main", &origin]);
    repo.git(["remote", "add", "origin", &origin]);
    assert_eq!(heard(&repo, ["push", "--quiet", "-u", "origin", "main"]), "");
}

/// A fork: `origin` is one's own, `upstream` what it was made of.
fn fork() -> TestRepo {
    let repo = feature_with_hooks();
    repo.git(["clone", "--quiet", "--bare", "../origin.git", "../fork.git"]);
    repo.git(["remote", "rename", "origin", "upstream"]);
    let fork = repo.beside("fork.git").path().display().to_string();
    repo.git(["remote", "add", "origin", &fork]);
    repo.git(["fetch", "--quiet", "--all"]);
    repo
}

#[test]
fn in_a_fork_the_parents_main_is_what_counts() {
    let repo = fork();
    assert_eq!(heard(&repo, ["push", "--quiet", "origin", "feature"]), "");
    let parent = repo.beside("parent");
    repo.git(["clone", "--quiet", "../origin.git", "../parent"]);
    let parent = parent.adds("a -> m, main work");
    parent.git(["push", "--quiet", "origin", "main"]);
    repo.git(["fetch", "--quiet", "--all"]);
    commits(&repo, "f -> g, more of it");
    insta::assert_snapshot!(heard(&repo, ["push", "--quiet", "origin", "feature"]), @"
    dbm-git: warning: DBM015: merged with upstream/main, heads `g` and `m` have diverged since `a` (run `git merge upstream/main`, then `dbm-git rebase`)
    ");
    // What is broken there is not this push's doing.
    parent.adds("a -> n, beside it").git(["push", "--quiet", "origin", "main"]);
    repo.git(["fetch", "--quiet", "--all"]);
    repo.git(["switch", "--quiet", "--create", "mirror", "upstream/main"]);
    insta::assert_snapshot!(heard(&repo, ["push", "--quiet", "origin", "mirror:main"]), @"
    dbm-git: 1 error that is not new: `dbm-git check` shows more
    ");
}

#[test]
fn wherever_a_diverged_commit_goes_it_is_judged() {
    let repo = diverged_main();
    let url = repo.origin().display().to_string();
    for target in [
        &["origin", "HEAD:refs/heads/x"][..],
        &["origin", "HEAD:refs/for/main"],
        &["origin", "--force", "main"],
        &["origin", "main", "main:y"],
        &[&url, "main:z"],
    ] {
        let run = repo.try_git(["push", "--quiet"].iter().chain(target));
        assert_eq!(run.code, 1, "{target:?}: {run}");
        assert_eq!(run.stderr.matches("DBM001").count(), 1, "{target:?}: {run}");
    }
    // With something to delete, too.
    repo.git(["push", "--quiet", "--no-verify", "origin", "main~1:refs/heads/old"]);
    let run = repo.try_git(["push", "--quiet", "origin", ":old", "main"]);
    assert_eq!(run.code, 1, "{run}");
    assert_ne!(remote(&repo, "old"), "");
}

#[test]
fn a_force_push_over_commits_that_this_clone_lacks_is_judged_by_itself() {
    let repo = feature_with_hooks();
    assert_eq!(heard(&repo, ["push", "--quiet", "-u", "origin", "feature"]), "");
    let colleague = repo.colleague("colleague").switch("feature").adds("f -> theirs");
    colleague.git(["push", "--quiet", "origin", "feature"]);
    commits(&repo, "f -> g, mine");
    assert_eq!(heard(&repo, ["push", "--quiet", "--force", "origin", "feature"]), "");
    repo.git(["switch", "--quiet", "main"]);
    assert_eq!(heard(&repo, ["push", "--quiet", "--force", "origin", "main:feature"]), "");
}

#[test]
fn a_landed_revision_is_not_rewritten_by_force() {
    let repo = clone_with_hooks();
    commits(&repo, "a -> b\nb -> c");
    assert_eq!(heard(&repo, ["push", "--quiet"]), "");
    repo.write_revisions("a -> c\nc -> b");
    repo.git(["add", "--all"]);
    repo.git(["commit", "--quiet", "--amend", "-m", "The other way round"]);
    let run = repo.try_git(["push", "--quiet", "--force"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("dbm-git: DBM008: "), "{run}");
    repo.git(["-c", "core.hooksPath=/dev/null", "reset", "--quiet", "--hard", "origin/main~1"]);
    let run = repo.try_git(["push", "--quiet", "--force"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("dbm-git: DBM009: "), "{run}");
}

#[test]
fn what_is_no_commit_is_pushed_and_hides_nothing_beside_it() {
    let repo = diverged_main();
    let blob = repo.git(["rev-parse", "HEAD:alembic.ini"]);
    assert_eq!(heard(&repo, ["push", "--quiet", "origin", &format!("{blob}:refs/blobs/ini")]), "");
    repo.git(["-c", "core.hooksPath=/dev/null", "notes", "add", "-m", "Noted"]);
    assert_eq!(heard(&repo, ["push", "--quiet", "origin", "refs/notes/commits"]), "");
    let run = repo.try_git(["push", "--quiet", "origin", &format!("{blob}:refs/blobs/a"), "main"]);
    assert_eq!(run.code, 1, "{run}");
}

#[test]
fn a_ref_that_cannot_be_judged_opens_no_door_for_another_one() {
    let repo = diverged_main();
    repo.git(["switch", "--quiet", "--create", "broken", "main~1"]);
    repo.write("dbm-git.toml", "nonsense = 1\n");
    repo.git(["add", "--all"]);
    repo.git(["commit", "--quiet", "-m", "Configure"]);
    repo.git(["switch", "--quiet", "main"]);
    let said = heard_beside_git(&repo, ["push", "--quiet", "origin", "broken", "main"]);
    insta::assert_snapshot!(said, @"
    dbm-git: DBM001: heads `f` and `m` have diverged since `a` (run `dbm-git rebase` to put your own revisions on top of `m`, or `dbm-git merge` to write a merge revision)
    dbm-git: a part could not be judged: unknown key `nonsense` in `dbm-git.toml` line 1, the nearest known one is `ignore`
    dbm-git: the push is blocked; `git push --no-verify` pushes all the same
    exit 1
    ");
}

#[test]
fn where_only_a_commit_is_missing_the_hook_says_so() {
    let repo = feature_with_hooks();
    lands(&repo, "a -> m, main work");
    repo.git(["pull", "--quiet", "--no-rebase", "--no-edit", "origin", "main"]);
    repo.dbm(["rebase"]).expect_code(0);
    let said = heard_beside_git(&repo, ["push", "--quiet", "origin", "feature"]);
    let line = "dbm-git: the files here are in order already: commit them, then push\n";
    assert!(said.contains(line), "{said}");
    commits(&repo, "f -> g, more of it");
    assert_eq!(heard(&repo, ["push", "--quiet", "origin", "feature"]), "");
}

#[test]
fn a_lock_file_that_main_has_neglected_blocks_nobody_and_one_that_is_ones_own_does() {
    let repo = clone_with_hooks();
    repo.write("dbm-git.toml", "lock-file = true\n");
    repo.write("migrations/versions/HEADS", "nothing\n");
    repo.commit("Lock, and forget about it");
    repo.git(["push", "--quiet", "--no-verify", "origin", "main"]);
    repo.git(["switch", "--quiet", "--create", "feature"]);
    repo.write_revisions("a -> f, feature");
    repo.commit("Add f");
    insta::assert_snapshot!(heard(&repo, ["push", "--quiet", "origin", "feature"]), @"
    dbm-git: 1 error that is not new: `dbm-git check` shows more
    ");
    repo.write("migrations/versions/HEADS", "a\n");
    repo.git(["switch", "--quiet", "main"]);
    repo.commit("Name the head");
    repo.git(["push", "--quiet", "--no-verify", "origin", "main"]);
    repo.git(["switch", "--quiet", "--create", "other"]);
    repo.write_revisions("a -> g, other");
    repo.commit("Add g");
    let said = heard_beside_git(&repo, ["push", "--quiet", "origin", "other"]);
    assert!(said.contains("DBM018: the lock file `migrations/versions/HEADS` names `a`"), "{said}");
    assert!(said.contains("the push is blocked"), "{said}");
}
