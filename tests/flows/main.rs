//! The installed hooks in git's own flows: the built binary, real git, and
//! exactly what a person at the prompt gets to read.
//!
//! Commands of git are told to be quiet, so that what is left on stderr is
//! ours. Every flow that ends well leaves the working tree as git made it.

mod arriving;
mod failing;
mod living_beside;
mod pushing;
#[cfg(unix)]
mod scenarios;
#[path = "../support/mod.rs"]
mod support;
mod surroundings;
mod unchanged;

use support::TestRepo;

/// A clone of a project with the landed revision `a`, on branch `main`, hooks
/// installed.
fn clone_with_hooks() -> TestRepo {
    let repo = TestRepo::new().adds("<base> -> a, root").publish("main");
    repo.git(["branch", "--quiet", "--set-upstream-to", "origin/main"]);
    install(&repo);
    repo
}

/// The same on the branch `feature` with the own revision `f`.
fn feature_with_hooks() -> TestRepo {
    let repo = clone_with_hooks();
    repo.git(["switch", "--quiet", "--create", "feature"]);
    commits(&repo, "a -> f, feature");
    repo
}

#[track_caller]
fn install(repo: &TestRepo) {
    let run = repo.dbm(["install"]).expect_code(0);
    let hooks = run.stdout.lines().take_while(|line| !line.is_empty());
    assert_eq!(hooks.count(), 5, "{run}");
}

/// Commits the notation's scripts, which is no news to whoever wrote them.
#[track_caller]
fn commits(repo: &TestRepo, notation: &str) {
    repo.write_revisions(notation);
    repo.git(["add", "--all"]);
    let message = format!("Add {}", notation.trim());
    assert_eq!(heard(repo, ["commit", "--quiet", "-m", &message]), "");
}

/// Pushes the notation's scripts to `main` from another clone.
#[track_caller]
fn lands(repo: &TestRepo, notation: &str) {
    lands_with(repo, |colleague| colleague.write_revisions(notation));
}

/// Pushes what `change` makes of `main` from another clone.
#[track_caller]
fn lands_with(repo: &TestRepo, change: impl FnOnce(&TestRepo)) {
    let colleague = repo.colleague("colleague");
    change(&colleague);
    colleague.commit("Land something");
    colleague.git(["push", "--quiet", "origin", "main"]);
    repo.remove_folder("../colleague");
}

/// All that a quiet command of git wrote to stderr, and its exit code unless 0.
#[track_caller]
fn heard<const N: usize>(repo: &TestRepo, args: [&str; N]) -> String {
    let run = repo.try_git(args);
    match run.code {
        0 => run.stderr,
        code => format!("{}exit {code}\n", run.stderr),
    }
}

/// The same of a command that git itself complains about: only our lines.
#[track_caller]
fn heard_beside_git<const N: usize>(repo: &TestRepo, args: [&str; N]) -> String {
    let text = heard(repo, args);
    assert!(!text.contains("panicked"), "{text}");
    let ours = |line: &&str| line.starts_with("dbm-git") || line.starts_with("exit ");
    text.lines().filter(ours).map(|line| format!("{line}\n")).collect()
}

/// Nothing but git has touched the working tree or the index.
#[track_caller]
fn assert_untouched(repo: &TestRepo) {
    assert_eq!(repo.git(["status", "--porcelain"]), "");
}
