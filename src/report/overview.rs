//! The repository at a glance.

use schemars::JsonSchema;
use serde::Serialize;

use super::status::{ComponentStatusReport, state_words};
use crate::ops::overview::{ComponentOverview, Overview};
use crate::plan::{DatabaseState, HooksInPlace, list};

/// `dbm-git --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OverviewReport {
    pub version: u32,
    pub branch: Option<String>,
    pub upstream: Option<String>,
    pub components: Vec<ComponentOverviewReport>,
    /// `all`, `some` or `none` of git's hooks call dbm-git.
    #[schemars(extend("enum" = ["all", "some", "none"]))]
    pub hooks: &'static str,
    pub next: Option<NextReport>,
}

/// One component of an [`OverviewReport`].
#[derive(Debug, Serialize, JsonSchema)]
pub struct ComponentOverviewReport {
    pub name: String,
    pub revisions: usize,
    pub own: Option<usize>,
    pub diverged: bool,
    pub errors: usize,
    pub database: ComponentStatusReport,
}

/// What to do next.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NextReport {
    pub command: String,
    pub reason: String,
}

impl OverviewReport {
    /// The report of what was seen.
    pub fn new(overview: &Overview) -> Self {
        let component = |component: &ComponentOverview| ComponentOverviewReport {
            name: component.name.clone(),
            revisions: component.revisions,
            own: component.own,
            diverged: component.is_diverged,
            errors: component.errors,
            database: ComponentStatusReport::new(&component.status),
        };
        let next = overview.next.clone();
        Self {
            version: 1,
            branch: overview.branch.clone(),
            upstream: overview.upstream.clone(),
            components: overview.components.iter().map(component).collect(),
            hooks: match overview.hooks {
                HooksInPlace::All => "all",
                HooksInPlace::Some => "some",
                HooksInPlace::None => "none",
            },
            next: next.map(|step| NextReport { command: step.command, reason: step.reason }),
        }
    }
}

/// A line each for the branch, files, databases and hooks, then the next command.
pub fn render_overview(overview: &Overview, unicode: bool) -> String {
    let branch = overview.branch.as_deref().unwrap_or("(detached)");
    let mut text = format!("branch:    {branch}");
    if let Some(work) = overview.in_progress {
        text += &format!(", in the middle of a {work}");
    }
    text += &match &overview.upstream {
        Some(upstream) => format!(", to land on {upstream}\n"),
        None => ", without any upstream\n".to_owned(),
    };
    let several = overview.components.len() > 1;
    for component in &overview.components {
        if several {
            text += &format!("{}\n", component.name);
        }
        text += &format!("files:     {}\n", files(component));
        text += &format!("database:  {}\n", database(component, unicode));
    }
    text += "hooks:     ";
    text += match overview.hooks {
        HooksInPlace::All => "in place\n",
        HooksInPlace::Some => "some are not in place\n",
        HooksInPlace::None => "not installed\n",
    };
    text += &match &overview.next {
        Some(step) => format!("next:      {}  ({})\n", step.command, step.reason),
        None => "next:      nothing to do\n".to_owned(),
    };
    text
}

fn files(component: &ComponentOverview) -> String {
    let count = component.revisions;
    let revisions = if count == 1 { "revision" } else { "revisions" };
    let own = match component.own {
        Some(own) if own > 0 => format!(", {own} of your own"),
        _ => String::new(),
    };
    let heads = match component.heads.as_slice() {
        [] => ", no head".to_owned(),
        [one] => format!(", head `{one}`"),
        many if component.is_diverged => format!(", diverged heads {}", list(many)),
        many => format!(", heads {}", list(many)),
    };
    let errors = match component.errors {
        0 => String::new(),
        1 => ", 1 error".to_owned(),
        errors => format!(", {errors} errors"),
    };
    format!("{count} {revisions}{own}{heads}{errors}")
}

fn database(component: &ComponentOverview, unicode: bool) -> String {
    let status = &component.status;
    let (icon, words) = state_words(status.state);
    let lead = if unicode { format!("{icon} ") } else { String::new() };
    let pending = match status.pending.len() {
        0 => String::new(),
        pending => format!(", {pending} pending"),
    };
    let reason = match (&status.error, status.state) {
        (Some(error), DatabaseState::Unreachable) => format!(": {error}"),
        _ => String::new(),
    };
    if status.state == DatabaseState::Broken {
        let url = status.database.as_deref().unwrap_or_default();
        return format!("{url}, not compared: the files have errors");
    }
    let (verb, words) = match status.state {
        DatabaseState::NoRevision => ("has run", "no revision"),
        _ => ("is", words),
    };
    let name = status.database.as_ref().map_or(String::new(), |url| format!("{url} {verb} "));
    if status.state == DatabaseState::Diverged {
        // That is said of the files; of the database it says nothing yet.
        let url = status.database.as_deref().unwrap_or_default();
        return format!("{url}{pending} once there is one head");
    }
    format!("{lead}{name}{words}{pending}{reason}")
}
