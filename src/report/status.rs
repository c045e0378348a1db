//! Databases against files.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ops::status::ComponentStatus;
use crate::plan::DatabaseState;
use crate::revision::RevisionId;

/// `status --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StatusReport {
    pub version: u32,
    pub components: Vec<ComponentStatusReport>,
}

/// One component of a status.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ComponentStatusReport {
    pub name: String,
    #[schemars(extend("enum" = DatabaseState::names()))]
    pub state: &'static str,
    /// The version rows.
    pub current: Vec<String>,
    /// The heads of the files.
    pub heads: Vec<String>,
    /// Not applied, on the way to the heads.
    pub pending: Vec<String>,
    /// Below the rows, and known never to have run.
    pub skipped: Vec<String>,
    /// Below the rows, and nobody knows whether they ran.
    pub unknown: Vec<String>,
    /// In the database, and not in the files.
    pub foreign: Vec<String>,
    /// The command that helps; empty where nothing is to be done.
    pub recommended: String,
    /// Why the database could not be looked at.
    pub error: Option<String>,
}

impl StatusReport {
    /// The report of `statuses`.
    pub fn new(statuses: &[ComponentStatus]) -> Self {
        let components = statuses.iter().map(ComponentStatusReport::new).collect();
        Self { version: 1, components }
    }
}

impl ComponentStatusReport {
    /// The report of one status.
    pub fn new(status: &ComponentStatus) -> Self {
        let ids = |of: &[(RevisionId, String)]| of.iter().map(|(id, _)| id.to_string()).collect();
        Self {
            name: status.name.clone(),
            state: status.state.name(),
            current: status.current.iter().map(|(id, _)| id.clone()).collect(),
            heads: ids(&status.heads),
            pending: ids(&status.pending),
            skipped: ids(&status.skipped),
            unknown: ids(&status.unknown),
            foreign: status.foreign.clone(),
            recommended: status.recommended.clone(),
            error: status.error.clone(),
        }
    }
}

/// The human form: icon and state, component, current, heads, pending, what to run.
pub fn render_status(statuses: &[ComponentStatus], unicode: bool) -> String {
    statuses.iter().map(|status| render_one(status, unicode)).collect::<Vec<_>>().join("\n")
}

/// A state's icon, and its name for people.
pub(super) fn state_words(state: DatabaseState) -> (&'static str, &'static str) {
    match state {
        DatabaseState::UpToDate => ("✅", "up to date"),
        DatabaseState::Behind => ("⚠️ ", "behind"),
        DatabaseState::Diverged => ("🔀", "diverged"),
        DatabaseState::NoRevision => ("❓", "no revision"),
        DatabaseState::Unreachable => ("🔌", "unreachable"),
        DatabaseState::Broken => ("💥", "broken"),
        DatabaseState::Foreign => ("👽", "foreign"),
        DatabaseState::Skipped => ("⏭️ ", "skipped"),
        DatabaseState::Overlapping => ("🪢", "overlapping"),
        DatabaseState::Unknown => ("❔", "unknown"),
    }
}

fn render_one(status: &ComponentStatus, unicode: bool) -> String {
    let (icon, words) = state_words(status.state);
    let lead = if unicode { format!("{icon} ") } else { String::new() };
    let mut text = format!("{lead}{}: {words}\n", status.name);
    if let Some(database) = &status.database {
        text += &format!("  database: {database}\n");
        let current = if status.current.is_empty() {
            "none".to_owned()
        } else {
            named(status.current.iter().map(|(id, message)| (id.as_str(), message.as_str())))
        };
        text += &format!("  current:  {current}\n");
    }
    let heads = named(status.heads.iter().map(|(id, message)| (id.as_str(), message.as_str())));
    text +=
        &format!("  {} {heads}\n", if status.heads.len() == 1 { "head:    " } else { "heads:   " });
    for (title, revisions) in [
        ("pending: ", &status.pending),
        ("skipped: ", &status.skipped),
        ("unknown: ", &status.unknown),
    ] {
        if revisions.is_empty() {
            continue;
        }
        text += &format!("  {title} {}\n", revisions.len());
        for (id, message) in revisions {
            text += &format!("    {}\n", named([(id.as_str(), message.as_str())].into_iter()));
        }
    }
    if let Some(error) = &status.error {
        text += &format!("  reason:   {error}\n");
    }
    if !status.recommended.is_empty() {
        text += &format!("  run:      {}\n", status.recommended);
    }
    text
}

fn named<'a>(items: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    items
        .map(
            |(id, message)| {
                if message.is_empty() { id.to_owned() } else { format!("{id} ({message})") }
            },
        )
        .collect::<Vec<_>>()
        .join(", ")
}
