//! GitLab, Bitbucket Pipelines and Azure Pipelines, which say all in variables.

use super::{Variable, branch};
use crate::plan::{CiEvent, Proposal};

/// GitLab: merge requests, with or without a merge made for the pipeline, merge
/// trains, and branches.
pub fn gitlab(variable: Variable) -> CiEvent {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let Some(target) = set("CI_MERGE_REQUEST_TARGET_BRANCH_NAME") else {
        return match set("CI_COMMIT_BRANCH") {
            Some(branch) => CiEvent::Push {
                branch,
                before: set("CI_COMMIT_BEFORE_SHA"),
                default_branch: set("CI_DEFAULT_BRANCH"),
            },
            None => CiEvent::Unknown,
        };
    };
    let kind = set("CI_MERGE_REQUEST_EVENT_TYPE");
    if kind.as_deref() == Some("merge_train") {
        // Its first parent holds the requests that stand before this one.
        return CiEvent::Queue { base: None };
    }
    // Only where a merge was made for the pipeline is the request's own commit another one.
    let head = match kind.as_deref() {
        Some("merged_result") => set("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"),
        _ => set("CI_COMMIT_SHA"),
    };
    let (here, there) = (set("CI_PROJECT_URL"), set("CI_MERGE_REQUEST_PROJECT_URL"));
    let number = set("CI_MERGE_REQUEST_IID").unwrap_or_default();
    CiEvent::Proposal(Proposal {
        name: format!("merge request {number}").trim_end().to_owned(),
        target,
        // A fork's pipeline runs in the fork, whose own copy of the target may be old.
        target_url: there.filter(|url| here.as_ref() != Some(url)).map(|url| format!("{url}.git")),
        head,
        target_commit: set("CI_MERGE_REQUEST_TARGET_BRANCH_SHA"),
        diff_base: set("CI_MERGE_REQUEST_DIFF_BASE_SHA"),
        merge_ref: None,
    })
}

/// Bitbucket merges the destination into the branch when it sets a build up.
pub fn bitbucket(variable: Variable) -> CiEvent {
    match variable("BITBUCKET_PR_DESTINATION_BRANCH") {
        Some(target) => CiEvent::Proposal(Proposal {
            name: format!("pull request {}", variable("BITBUCKET_PR_ID").unwrap_or_default()),
            target,
            head: variable("BITBUCKET_COMMIT"),
            target_commit: variable("BITBUCKET_PR_DESTINATION_COMMIT"),
            ..Proposal::default()
        }),
        None => pushed(variable("BITBUCKET_BRANCH")),
    }
}

/// Azure checks a merge commit out for a pull request.
pub fn azure(variable: Variable) -> CiEvent {
    let source = variable("BUILD_SOURCEBRANCH");
    match variable("SYSTEM_PULLREQUEST_TARGETBRANCH") {
        Some(target) => CiEvent::Proposal(Proposal {
            name: format!(
                "pull request {}",
                variable("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER")
                    .or_else(|| variable("SYSTEM_PULLREQUEST_PULLREQUESTID"))
                    .unwrap_or_default()
            ),
            target: branch(&target).to_owned(),
            head: variable("SYSTEM_PULLREQUEST_SOURCECOMMITID"),
            merge_ref: source.filter(|name| name.starts_with("refs/pull/")),
            ..Proposal::default()
        }),
        None => pushed(source.as_deref().map(|name| branch(name).to_owned())),
    }
}

/// Which branch is the default one is not said.
fn pushed(branch: Option<String>) -> CiEvent {
    branch.map_or(CiEvent::Unknown, |branch| CiEvent::Push {
        branch,
        before: None,
        default_branch: None,
    })
}
