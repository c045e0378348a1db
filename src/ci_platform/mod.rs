//! Continuous-integration platforms: what their variables and event files say of
//! a run. Nothing is asked over a network, and git is not known here.

mod github;
mod others;

use crate::plan::{CiEvent, CiRun, Proposal, is_commit_id, is_ref_name};

/// Reads a variable of the environment.
pub type Variable = fn(&str) -> Option<String>;

/// A platform: the variable that gives it away, its name, and how it is read.
type Platform = (&'static str, &'static str, fn(Variable) -> CiEvent);

const PLATFORMS: [Platform; 4] = [
    ("GITHUB_ACTIONS", "GitHub Actions", github::event),
    ("GITLAB_CI", "GitLab", others::gitlab),
    ("BITBUCKET_BUILD_NUMBER", "Bitbucket Pipelines", others::bitbucket),
    ("TF_BUILD", "Azure Pipelines", others::azure),
];

/// What builds this, if anything does.
pub fn ci_run(variable: Variable) -> Option<CiRun> {
    let is_set = |name: &str| variable(name).is_some_and(|v| !["false", "0"].contains(&&*v));
    PLATFORMS
        .into_iter()
        .find(|(name, ..)| is_set(name))
        .map(|(_, platform, event)| CiRun { platform, event: sound(event(variable)) })
        .or_else(|| is_set("CI").then_some(CiRun { platform: "CI", event: CiEvent::Unknown }))
}

/// The event without what is no id, no name of a branch and no address that a
/// platform has: all of that goes to git. Without a target nothing is known.
fn sound(event: CiEvent) -> CiEvent {
    let id = |text: Option<String>| text.filter(|text| is_commit_id(text));
    let name = |text: Option<String>| text.filter(|text| is_ref_name(text));
    match event {
        CiEvent::Proposal(proposal)
            if is_ref_name(&proposal.target)
                && proposal.target_url.as_deref().is_none_or(is_address) =>
        {
            CiEvent::Proposal(Proposal {
                head: id(proposal.head),
                target_commit: id(proposal.target_commit),
                diff_base: id(proposal.diff_base),
                merge_ref: name(proposal.merge_ref),
                ..proposal
            })
        }
        CiEvent::Proposal(_) => CiEvent::Unknown,
        CiEvent::Queue { base } => CiEvent::Queue { base: id(base) },
        CiEvent::Push { branch, before, default_branch } => {
            CiEvent::Push { branch, before: id(before), default_branch: name(default_branch) }
        }
        CiEvent::Unknown => CiEvent::Unknown,
    }
}

/// Whether git may be sent there: not by helpers that run commands, nor with a
/// password that would be shown.
fn is_address(url: &str) -> bool {
    let known = ["https://", "http://", "ssh://", "file://"];
    known.iter().any(|scheme| url.starts_with(scheme)) && !url.contains(['@', ' '])
}

/// `refs/heads/main` as `main`.
fn branch(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}
