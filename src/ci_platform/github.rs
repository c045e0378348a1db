//! GitHub Actions: variables, and the file with the event that started the run.

use serde::Deserialize;

use super::{Variable, branch};
use crate::plan::{CiEvent, Proposal};

/// The parts of an event's payload that matter here.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Payload {
    pull_request: Option<PullRequest>,
    merge_group: Option<MergeGroup>,
    repository: Option<RepositoryPart>,
    before: Option<String>,
}

#[derive(Debug, Deserialize)]
struct PullRequest {
    number: u64,
    head: Tip,
    base: Tip,
}

#[derive(Debug, Deserialize)]
struct Tip {
    sha: String,
    #[serde(rename = "ref")]
    name: String,
}

#[derive(Debug, Deserialize)]
struct MergeGroup {
    base_sha: String,
}

#[derive(Debug, Deserialize)]
struct RepositoryPart {
    default_branch: Option<String>,
}

/// What the run is for.
pub fn event(variable: Variable) -> CiEvent {
    let payload = payload(variable);
    let git_ref = variable("GITHUB_REF").unwrap_or_default();
    match variable("GITHUB_EVENT_NAME").as_deref() {
        // Its variable for the base branch is empty; the payload has the commit.
        Some("merge_group") => CiEvent::Queue { base: payload.merge_group.map(|g| g.base_sha) },
        Some(name) if name.starts_with("pull_request") => pull_request(variable, payload, &git_ref),
        _ => match git_ref.strip_prefix("refs/heads/") {
            Some(name) => CiEvent::Push {
                branch: name.to_owned(),
                before: payload.before,
                default_branch: payload.repository.and_then(|r| r.default_branch),
            },
            None => CiEvent::Unknown,
        },
    }
}

fn pull_request(variable: Variable, payload: Payload, git_ref: &str) -> CiEvent {
    let base_ref = variable("GITHUB_BASE_REF").map(|name| branch(&name).to_owned());
    let merge_ref = git_ref.starts_with("refs/pull/").then(|| git_ref.to_owned());
    match (payload.pull_request, base_ref) {
        (Some(pull), base_ref) => CiEvent::Proposal(Proposal {
            name: format!("pull request {}", pull.number),
            target: base_ref.unwrap_or(pull.base.name),
            head: Some(pull.head.sha),
            merge_ref: merge_ref.or_else(|| Some(format!("refs/pull/{}/merge", pull.number))),
            ..Proposal::default()
        }),
        // Without the payload the merge commit's own parents will do.
        (None, Some(target)) => CiEvent::Proposal(Proposal {
            name: "this pull request".to_owned(),
            target,
            merge_ref,
            ..Proposal::default()
        }),
        (None, None) => CiEvent::Unknown,
    }
}

/// More than any event has; what is larger is no payload.
const LARGEST: u64 = 64 << 20;

/// The event's payload; an empty one where there is none that could be read.
fn payload(variable: Variable) -> Payload {
    let is_plain = |path: &String| {
        // Nobody may ever write to a pipe.
        std::fs::metadata(path).is_ok_and(|file| file.is_file() && file.len() <= LARGEST)
    };
    let path = variable("GITHUB_EVENT_PATH").filter(is_plain);
    let text = path.and_then(|path| std::fs::read_to_string(path).ok());
    text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
}
