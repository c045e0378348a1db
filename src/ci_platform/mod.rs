//! Continuous-integration platforms: what their variables and event files say of
//! a run. Nothing is asked over a network, and git is not known here.

mod github;
mod others;

use crate::plan::{CiEvent, CiRun};

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
        .map(|(_, platform, event)| CiRun { platform, event: event(variable) })
        .or_else(|| is_set("CI").then_some(CiRun { platform: "CI", event: CiEvent::Unknown }))
}

/// `refs/heads/main` as `main`.
fn branch(name: &str) -> &str {
    name.strip_prefix("refs/heads/").unwrap_or(name)
}
