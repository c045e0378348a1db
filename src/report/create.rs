//! A revision that alembic wrote, and what to look at in it.

use schemars::JsonSchema;
use serde::Serialize;

use super::FindingReport;
use super::review::render_review;
use crate::ops::create::{CreateOutcome, NewRevisionFile};

/// How many lines of `upgrade` are shown.
const SHOWN_LINES: usize = 40;

/// `create --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CreateReport {
    pub version: u32,
    pub component: String,
    pub autogenerate: bool,
    /// What `undo` takes to delete it again; null if nothing was written.
    pub operation: Option<i64>,
    /// Empty where the project keeps empty revisions from being written.
    pub revisions: Vec<NewRevisionReport>,
}

/// One new script.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NewRevisionReport {
    pub revision: String,
    pub down_revisions: Vec<String>,
    pub depends_on: Vec<String>,
    pub branch_labels: Vec<String>,
    pub path: String,
    pub message: String,
    /// Whether neither function does anything.
    pub empty: bool,
    /// The source text of `upgrade`.
    pub upgrade: String,
    pub destructive: Vec<DestructiveReport>,
    /// What somebody ought to look at before it is committed, as `check --review` says it.
    pub review: Vec<FindingReport>,
}

/// An operation that loses data.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DestructiveReport {
    pub line: u32,
    pub what: String,
}

impl CreateReport {
    /// The report of `outcome`.
    pub fn new(outcome: &CreateOutcome) -> Self {
        Self {
            version: 1,
            component: outcome.component.clone(),
            autogenerate: outcome.autogenerate,
            operation: outcome.operation.map(|id| id.0),
            revisions: outcome.scripts.iter().map(NewRevisionReport::new).collect(),
        }
    }
}

impl NewRevisionReport {
    fn new(script: &NewRevisionFile) -> Self {
        let destructive = script
            .destructive
            .iter()
            .map(|d| DestructiveReport { line: d.line, what: d.what.clone() });
        Self {
            revision: script.revision.to_string(),
            down_revisions: script.down_revisions.iter().map(|(id, _)| id.to_string()).collect(),
            depends_on: script.depends_on.iter().map(ToString::to_string).collect(),
            branch_labels: script.branch_labels.iter().map(ToString::to_string).collect(),
            path: script.path.to_string(),
            message: script.message.clone(),
            empty: script.is_empty,
            upgrade: script.upgrade.clone(),
            destructive: destructive.collect(),
            review: script.review.iter().map(FindingReport::from).collect(),
        }
    }
}

/// The human form: what was written and where, what it does, what to look at.
pub fn render_created(outcome: &CreateOutcome, unicode: bool) -> String {
    if outcome.scripts.is_empty() {
        return if outcome.autogenerate {
            format!(
                "{}{}: the models and the database agree, and nothing was written\n",
                icon("✅", unicode),
                outcome.component
            )
        } else {
            format!("{}{}: alembic wrote nothing\n", icon("❓", unicode), outcome.component)
        };
    }
    let render = |script| render_one(outcome, script, unicode);
    outcome.scripts.iter().map(render).collect::<Vec<_>>().join("\n")
}

fn icon(icon: &str, unicode: bool) -> String {
    if unicode { format!("{icon} ") } else { String::new() }
}

fn render_one(outcome: &CreateOutcome, script: &NewRevisionFile, unicode: bool) -> String {
    let mark = if script.destructive.is_empty() { "✅" } else { "⚠️ " };
    let mut text = format!("{}{}: {}\n", icon(mark, unicode), outcome.component, script.path);
    text += &format!("  revision: {}\n", named(script.revision.as_str(), &script.message));
    let down: Vec<String> =
        script.down_revisions.iter().map(|(id, message)| named(id.as_str(), message)).collect();
    let down = if down.is_empty() { "nothing, it is a base".to_owned() } else { down.join(", ") };
    text += &format!("  follows:  {down}\n");
    if outcome.autogenerate && script.is_empty {
        text += "  upgrade:  nothing: the models and the database agree\n";
        return text;
    }
    if outcome.autogenerate {
        text += "  upgrade:\n";
        let lines: Vec<&str> = script.upgrade.lines().collect();
        for line in lines.iter().take(SHOWN_LINES) {
            text += format!("    {line}").trim_end();
            text.push('\n');
        }
        if lines.len() > SHOWN_LINES {
            text += &format!("    … and {} lines more\n", lines.len() - SHOWN_LINES);
        }
    }
    if !script.destructive.is_empty() {
        text += "  destroys:\n";
        for operation in &script.destructive {
            text += &format!("    line {}: {}\n", operation.line, operation.what);
        }
    }
    let review = render_review(&script.review, &script.destructive, "    ");
    if !review.is_empty() {
        text += "  review:\n";
        text += &review;
    }
    text
}

fn named(id: &str, message: &str) -> String {
    if message.is_empty() { id.to_owned() } else { format!("{id} ({message})") }
}
