//! Platforms that say nothing, bases that are named, and what cannot be fetched.

use crate::forge::{Forge, Job, Story, payload};

/// `git clone --depth 1 --branch proposal`, and a variable that all platforms set.
fn plain(forge: &Forge) -> Job {
    forge.checkout(&forge.proposal).set(&[("CI", "true")])
}

#[test]
fn without_a_known_platform_the_remotes_default_branch_is_the_base() {
    for story in Story::ALL {
        let forge = Forge::new(story);
        assert_eq!(plain(&forge).codes(&[]), story.findings(), "{story:?}");
    }
}

#[test]
fn a_base_that_is_named_is_fetched() {
    for story in Story::ALL {
        for base in ["origin/main", "main"] {
            let forge = Forge::new(story);
            let job = plain(&forge);
            assert_eq!(job.codes(&["--base", base]), story.findings(), "{story:?} {base}");
        }
    }
}

#[test]
fn a_whole_clone_fetches_nothing_that_it_has() {
    for story in Story::ALL {
        let forge = Forge::new(story);
        let job = forge.whole_checkout(&forge.proposal).set(&[("CI", "true")]);
        assert_eq!(job.codes(&["--base", "origin/main"]), story.findings(), "{story:?}");
        assert_eq!(job.fetches(), 0, "{story:?}");
    }
}

#[test]
fn outside_of_continuous_integration_nothing_is_fetched() {
    let forge = Forge::new(Story::Diverged);
    let job = forge.checkout(&forge.proposal);
    assert_eq!(job.codes(&[]), [""; 0]);
    job.run(&["check", "--base", "origin/main"]).expect_code(2);
    assert_eq!(job.fetches(), 0);
}

fn pull_request(forge: &Forge) -> Job {
    let git_ref = "refs/pull/1/merge";
    let job = forge.checkout(git_ref).github("pull_request", git_ref, &payload(forge));
    job.set(&[("GITHUB_BASE_REF", "main")])
}

#[test]
fn a_base_that_cannot_be_fetched_is_an_error_and_not_a_clean_answer() {
    let forge = Forge::new(Story::Diverged);
    let job = pull_request(&forge);
    job.repo.git(["remote", "set-url", "origin", "file:///nowhere.git"]);
    let run = job.run(&["check"]).expect_code(3);
    let error = "error: what pull request 1 is to be merged with is not known: \
                 this clone lacks branch `main`";
    assert!(run.stderr.contains(error), "{run}");
    assert!(run.stderr.contains("nowhere.git"), "{run}");
    assert!(run.stderr.contains("fetch-depth: 0"), "{run}");
    assert_eq!(run.stdout, "");
}

#[test]
fn what_an_earlier_job_has_fetched_is_not_taken_for_today() {
    let forge = Forge::new(Story::DivergedSince);
    let git_ref = "refs/pull/1/merge";
    let job = forge.whole_checkout(git_ref).github("pull_request", git_ref, &payload(&forge));
    job.repo.git(["update-ref", "refs/remotes/origin/main", &forge.base]);
    job.repo.git(["remote", "set-url", "origin", "file:///nowhere.git"]);
    let run = job.run(&["check"]).expect_code(3);
    assert!(run.stderr.contains("lacks branch `main`, and `git fetch"), "{run}");
}

#[test]
fn without_fetching_what_the_clone_has_must_do() {
    let forge = Forge::new(Story::Diverged);
    let job = pull_request(&forge);
    job.run(&["check", "--no-fetch"]).expect_code(3);
    assert_eq!(job.fetches(), 0);
    let forge = Forge::new(Story::Diverged);
    let git_ref = "refs/pull/1/merge";
    let job = forge.whole_checkout(git_ref).github("pull_request", git_ref, &payload(&forge));
    assert_eq!(job.codes(&["--no-fetch"]), ["DBM015"]);
    assert_eq!(job.fetches(), 0);
}

#[test]
fn a_merge_that_the_platform_could_not_make_is_looked_at_all_the_same() {
    let forge = Forge::new(Story::Diverged);
    forge.ada.git(["push", "--quiet", "origin", ":refs/pull/1/merge"]);
    let job = forge
        .checkout(&forge.proposal)
        .github("pull_request_target", "refs/heads/main", &payload(&forge))
        .set(&[("GITHUB_BASE_REF", "main")]);
    assert_eq!(job.codes(&[]), ["DBM015"]);
}

#[test]
fn a_server_that_gives_no_commit_by_its_id_is_asked_for_refs() {
    for story in Story::ALL {
        let forge = Forge::new(story);
        // Version 0 of git's protocol knows refs only, unless a server allows more.
        let old = [
            ("GIT_CONFIG_COUNT", "1"),
            ("GIT_CONFIG_KEY_0", "protocol.version"),
            ("GIT_CONFIG_VALUE_0", "0"),
        ];
        let job = pull_request(&forge).set(&old);
        assert_eq!(job.codes(&[]), story.findings(), "{story:?}");
    }
}

#[test]
fn an_empty_repository_and_one_without_remote_have_no_base() {
    let forge = Forge::new(Story::Clean);
    let job = forge.whole_checkout(&forge.proposal).set(&[("CI", "true")]);
    job.repo.git(["remote", "remove", "origin"]);
    assert_eq!(job.codes(&[]), [""; 0]);
}

#[test]
fn what_is_no_id_does_not_reach_git() {
    let forge = Forge::new(Story::Diverged);
    let hostile = payload(&forge).replace(&forge.proposal, "+refs/heads/main:refs/heads/mine");
    let git_ref = "refs/pull/1/merge";
    let job = forge.checkout(git_ref).github("pull_request", git_ref, &hostile);
    let job = job.set(&[("GITHUB_BASE_REF", "main")]);
    job.repo.git(["branch", "mine", "HEAD"]);
    let before = job.repo.git(["rev-parse", "mine"]);
    assert_eq!(job.codes(&[]), ["DBM015"]);
    assert_eq!(job.repo.git(["rev-parse", "mine"]), before);
    // Such a target is none, and the remote's default branch stands in for it.
    let job = job.set(&[("GITHUB_BASE_REF", "*")]);
    assert_eq!(job.codes(&[]), ["DBM001"]);
    let refs = job.repo.git(["for-each-ref", "--format=%(refname)"]);
    assert!(!refs.contains("origin/proposal"), "{refs}");
}

#[test]
fn a_clone_keeps_all_the_history_that_it_has() {
    let forge = Forge::new(Story::Diverged);
    let job = forge.deep_checkout(&forge.proposal, 3).set(&[
        ("GITLAB_CI", "true"),
        ("CI_COMMIT_SHA", &forge.proposal),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &forge.fork_point),
        ("CI_MERGE_REQUEST_IID", "1"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
    ]);
    let count = || job.repo.git(["rev-list", "--count", "HEAD"]);
    let before = count();
    assert_eq!(job.codes(&[]), ["DBM015"]);
    assert!(count() >= before, "{before} commits before, {} now", count());
    assert_eq!(before, "3");
}
