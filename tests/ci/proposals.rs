//! Pull requests and merge requests, whatever the platform checks out for them.

use crate::forge::{Forge, Job, Story, payload};

/// Plays all stories; `job` is what a platform makes of each.
#[track_caller]
fn check(job: impl Fn(&Forge) -> Job) {
    for story in Story::ALL {
        let forge = Forge::new(story);
        let job = job(&forge);
        assert_eq!(job.codes(&[]), story.findings(), "{story:?}");
        assert_eq!(job.fetches(), 1, "{story:?}");
    }
}

const PULL: &str = "refs/pull/1/merge";

fn pull_request(job: Job, forge: &Forge) -> Job {
    job.github("pull_request", PULL, &payload(forge)).set(&[("GITHUB_BASE_REF", "main")])
}

#[test]
fn github_with_the_merge_that_it_checks_out() {
    check(|forge| pull_request(forge.checkout(PULL), forge));
}

#[test]
fn github_with_all_history() {
    check(|forge| pull_request(forge.whole_checkout(PULL), forge));
}

#[test]
fn github_with_the_proposals_own_commit() {
    check(|forge| pull_request(forge.checkout(&forge.proposal), forge));
}

#[test]
fn github_with_the_proposals_own_commit_and_all_history() {
    check(|forge| pull_request(forge.whole_checkout(&forge.proposal), forge));
}

#[test]
fn github_where_the_target_is_checked_out() {
    check(|forge| {
        forge
            .checkout(&forge.base)
            .github("pull_request_target", "refs/heads/main", &payload(forge))
            .set(&[("GITHUB_BASE_REF", "main")])
    });
}

#[test]
fn github_without_a_payload() {
    check(|forge| {
        forge.checkout(PULL).github("pull_request", PULL, "").set(&[("GITHUB_BASE_REF", "main")])
    });
}

fn merge_request(job: Job, kind: &str) -> Job {
    job.set(&[
        ("CI", "true"),
        ("GITLAB_CI", "true"),
        ("CI_PROJECT_URL", "https://example.org/p"),
        ("CI_MERGE_REQUEST_PROJECT_URL", "https://example.org/p"),
        ("CI_MERGE_REQUEST_IID", "1"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_MERGE_REQUEST_EVENT_TYPE", kind),
    ])
}

#[test]
fn gitlab_with_the_requests_own_commit() {
    check(|forge| {
        merge_request(forge.checkout(&forge.proposal), "detached").set(&[
            ("CI_COMMIT_SHA", &forge.proposal),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &forge.fork_point),
        ])
    });
}

#[test]
fn gitlab_with_a_merge_made_for_the_pipeline() {
    check(|forge| {
        merge_request(forge.checkout("refs/merge-requests/1/merge"), "merged_result").set(&[
            ("CI_COMMIT_SHA", &forge.merge),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA", &forge.proposal),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", &forge.base),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &forge.base),
        ])
    });
}

#[test]
fn gitlab_in_a_fork_asks_the_project_that_it_goes_to() {
    check(|forge| {
        let fork = forge.ada.home().join("fork.git");
        let fork = fork.to_str().expect("a plain path").to_owned();
        forge.ada.git(["init", "--quiet", "--bare", &fork]);
        forge.ada.git(["push", "--quiet", &fork, "proposal:proposal"]);
        let job = merge_request(forge.checkout(&forge.proposal), "detached");
        job.repo.git(["remote", "set-url", "origin", &fork]);
        let origin = format!("file://{}", forge.ada.origin().display());
        let project = origin.strip_suffix(".git").expect("a bare repository").to_owned();
        job.set(&[
            ("CI_COMMIT_SHA", &forge.proposal),
            ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &forge.fork_point),
            ("CI_MERGE_REQUEST_PROJECT_URL", &project),
        ])
    });
}

#[test]
fn bitbucket_merges_the_target_into_the_proposal() {
    check(|forge| {
        let job = forge.whole_checkout(&forge.proposal);
        job.repo.git(["merge", "--quiet", "--no-edit", &forge.base]);
        job.set(&[
            ("CI", "true"),
            ("BITBUCKET_BUILD_NUMBER", "7"),
            ("BITBUCKET_PR_ID", "1"),
            ("BITBUCKET_COMMIT", &forge.proposal),
            ("BITBUCKET_PR_DESTINATION_BRANCH", "main"),
            ("BITBUCKET_PR_DESTINATION_COMMIT", &forge.base[..12]),
        ])
    });
}

#[test]
fn azure_with_the_merge_that_it_checks_out() {
    check(|forge| {
        forge.checkout(PULL).set(&[
            ("TF_BUILD", "True"),
            ("BUILD_REASON", "PullRequest"),
            ("BUILD_SOURCEBRANCH", PULL),
            ("SYSTEM_PULLREQUEST_PULLREQUESTID", "1"),
            ("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/main"),
            ("SYSTEM_PULLREQUEST_SOURCECOMMITID", &forge.proposal),
        ])
    });
}

#[test]
fn what_a_person_reads_says_what_was_judged() {
    let forge = Forge::new(Story::DivergedSince);
    let run = pull_request(forge.checkout(PULL), &forge).run(&["check"]).expect_code(1);
    let tip = forge.ada.git(["rev-parse", "main"]);
    let note = format!(
        "note: GitHub Actions: pull request 1 ({}) is judged as merged into origin/main ({})\n",
        &forge.merge[..9],
        &tip[..9]
    );
    assert!(run.stderr.starts_with(&note), "{run}");
    assert!(run.stdout.contains("help: run `git fetch`, `git merge origin/main`"), "{run}");
    assert!(
        run.stdout.contains("merged with origin/main, heads `f` and `m` have diverged"),
        "{run}"
    );
}

#[test]
fn a_landed_revision_that_a_proposal_edits_is_found_in_a_shallow_clone() {
    let forge = Forge::new(Story::Clean);
    let ada = forge.ada.beside("repo").switch("proposal");
    let path = "migrations/versions/a_root.py";
    ada.write(
        path,
        ada.read(path).replace(
            "down_revision: Union[str, Sequence[str], None] = None",
            "down_revision = 'x'",
        ),
    );
    let proposal = ada.commit("Edit what has landed");
    ada.git(["push", "--quiet", "origin", "proposal", "proposal:refs/pull/1/head"]);
    ada.git(["switch", "--quiet", "--detach", &forge.base]);
    ada.git(["merge", "--quiet", "--no-edit", "--no-ff", "proposal"]);
    ada.git(["push", "--quiet", "--force", "origin", "HEAD:refs/pull/1/merge"]);
    let forge = Forge { proposal, ..forge };
    let job = pull_request(forge.checkout(PULL), &forge);
    assert_eq!(job.codes(&[]), ["DBM002", "DBM008", "DBM013"]);
    assert_eq!(job.fetches(), 1);
}
