//! Merge queues and trains, and pushes: nothing is left to be merged, or it is
//! a branch that nobody has proposed yet.

use crate::forge::{Forge, Job, Story};

const QUEUE: &str = "refs/heads/gh-readonly-queue/main/pr-1";

fn queued(forge: &Forge) -> Job {
    let payload = format!(r#"{{"merge_group": {{"base_sha": "{}"}}}}"#, forge.base);
    forge
        .checkout(&forge.merge)
        .github("merge_group", QUEUE, &payload)
        .set(&[("GITHUB_BASE_REF", "")])
}

#[test]
fn a_queue_judges_what_main_becomes() {
    for (story, findings) in [(Story::Clean, &[][..]), (Story::Diverged, &["DBM001"])] {
        let job = queued(&Forge::new(story));
        assert_eq!(job.codes(&[]), findings, "{story:?}");
        assert_eq!(job.fetches(), 1, "{story:?}");
    }
}

#[test]
fn a_train_judges_what_its_first_parent_becomes() {
    // What lands on main meanwhile is no concern of a train: it is ahead of main.
    for (story, findings) in [(Story::DivergedSince, &[][..]), (Story::Diverged, &["DBM001"])] {
        let forge = Forge::new(story);
        let job = forge.checkout(&forge.merge).set(&[
            ("GITLAB_CI", "true"),
            ("CI_COMMIT_SHA", &forge.merge),
            ("CI_MERGE_REQUEST_IID", "1"),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
            ("CI_MERGE_REQUEST_EVENT_TYPE", "merge_train"),
        ]);
        assert_eq!(job.codes(&[]), findings, "{story:?}");
        assert_eq!(job.fetches(), 1, "{story:?}");
    }
}

fn pushed(forge: &Forge, branch: &str, commit: &str, before: &str) -> Job {
    let payload =
        format!(r#"{{"before": "{before}", "repository": {{"default_branch": "main"}}}}"#);
    let git_ref = format!("refs/heads/{branch}");
    forge.checkout(commit).github("push", &git_ref, &payload)
}

#[test]
fn a_push_to_main_is_judged_in_place_of_what_was_there() {
    for (story, findings) in [(Story::Clean, &[][..]), (Story::Diverged, &["DBM001"])] {
        let forge = Forge::new(story);
        let job = pushed(&forge, "main", &forge.merge, &forge.base);
        assert_eq!(job.codes(&[]), findings, "{story:?}");
        assert_eq!(job.fetches(), 1, "{story:?}");
    }
}

#[test]
fn what_was_pushed_over_by_force_is_said_not_to_be_judged() {
    let forge = Forge::new(Story::Clean);
    let gone = "1234567890123456789012345678901234567890";
    let run = pushed(&forge, "main", &forge.merge, gone).run(&["check"]).expect_code(0);
    assert!(
        run.stderr.contains("cannot be had: what it changes of landed revisions is not judged"),
        "{run}"
    );
}

#[test]
fn a_first_push_has_nothing_before_it() {
    let forge = Forge::new(Story::Diverged);
    let job = pushed(&forge, "main", &forge.merge, &"0".repeat(40));
    assert_eq!(job.codes(&[]), ["DBM001"]);
    assert_eq!(job.fetches(), 0);
}

#[test]
fn a_pushed_branch_is_compared_with_the_default_branch_however_deep_that_is() {
    for story in Story::ALL {
        let forge = Forge::new(story);
        let job = pushed(&forge, "proposal", &forge.proposal, &"0".repeat(40));
        assert_eq!(job.codes(&[]), story.findings(), "{story:?}");
        // The tip, and once more for what both have in common.
        assert_eq!(job.fetches(), 2, "{story:?}");
    }
}

#[test]
fn gitlab_compares_a_pushed_branch_with_its_default_branch() {
    for story in Story::ALL {
        let forge = Forge::new(story);
        let job = forge.checkout(&forge.proposal).set(&[
            ("GITLAB_CI", "true"),
            ("CI_COMMIT_BRANCH", "proposal"),
            ("CI_COMMIT_BEFORE_SHA", &"0".repeat(40)),
            ("CI_DEFAULT_BRANCH", "main"),
        ]);
        assert_eq!(job.codes(&[]), story.findings(), "{story:?}");
    }
}
