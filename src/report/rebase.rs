//! What a rebase or merge did, or would do.

use schemars::JsonSchema;
use serde::Serialize;

use super::unified_diff;
use crate::plan::{Change, RebasePlan};
use crate::revision::RevisionId;

/// `rebase --format json` and `merge --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RebaseReport {
    pub version: u32,
    /// What `undo` takes to take it back; null if nothing changed.
    pub operation: Option<i64>,
    pub dry_run: bool,
    pub components: Vec<RebaseComponentReport>,
}

/// One component of a rebase.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RebaseComponentReport {
    pub name: String,
    pub moved: Vec<Moved>,
    pub renamed: Vec<Renamed>,
    /// Paths of new files.
    pub created: Vec<String>,
    /// Paths of files that are gone.
    pub deleted: Vec<String>,
    /// The heads afterwards.
    pub heads: Vec<String>,
    /// Why nothing was changed.
    pub refused: Option<String>,
}

/// A re-pointed revision.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Moved {
    pub revision: String,
    /// Its down revisions before.
    pub from: Vec<String>,
    /// Its down revisions now.
    pub to: Vec<String>,
    pub path: String,
}

/// A file under its old and its new path.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Renamed {
    pub from: String,
    pub to: String,
}

impl RebaseComponentReport {
    /// The report of a plan; `refused` and `plan` exclude each other.
    pub fn new(name: &str, plan: Option<&RebasePlan>, refused: Option<String>) -> Self {
        let empty = RebasePlan::default();
        let plan = plan.unwrap_or(&empty);
        Self {
            name: name.to_owned(),
            moved: plan
                .moved
                .iter()
                .map(|m| Moved {
                    revision: m.revision.to_string(),
                    from: texts(&m.from),
                    to: texts(&m.to),
                    path: m.path.to_string(),
                })
                .collect(),
            renamed: plan
                .renumbered
                .iter()
                .map(|r| Renamed { from: r.from.1.to_string(), to: r.to.1.to_string() })
                .collect(),
            created: plan.created.iter().map(|new| new.path.to_string()).collect(),
            deleted: plan.deleted.iter().map(|(_, path)| path.to_string()).collect(),
            heads: texts(&plan.heads),
            refused,
        }
    }
}

/// The plan in Alembic's notation, one line for each thing that happens.
pub fn render_plan(plan: &RebasePlan) -> String {
    let mut text = String::new();
    for new in &plan.created {
        let downs = joined(&new.revision.down_revisions);
        text += &format!("{downs} -> {} (mergepoint), written to {}\n", new.revision.id, new.path);
    }
    for m in &plan.moved {
        text += &format!(
            "{} -> {id} (was {} -> {id})\n",
            joined(&m.to),
            joined(&m.from),
            id = m.revision
        );
    }
    for r in &plan.renumbered {
        let ((old, from), (new, to)) = (&r.from, &r.to);
        if old != new {
            text += &format!("{old} is {new} now");
            text += &if from == to { "\n".to_owned() } else { format!(", renamed to {to}\n") };
        } else {
            text += &format!("{from} renamed to {to}\n");
        }
    }
    for (id, path) in &plan.deleted {
        text += &format!("{id} deleted: the merge had become a plain link ({path})\n");
    }
    text
}

/// The unified diff of all changes.
pub fn render_diff(changes: &[Change]) -> String {
    changes
        .iter()
        .map(|change| {
            let bytes =
                |image: &Option<crate::plan::Image>| image.as_ref().map(|i| i.bytes.clone());
            unified_diff(
                &change.path,
                bytes(&change.before).as_deref(),
                bytes(&change.after).as_deref(),
            )
        })
        .collect()
}

fn joined(ids: &[RevisionId]) -> String {
    if ids.is_empty() { "<base>".to_owned() } else { texts(ids).join(", ") }
}

fn texts(ids: &[RevisionId]) -> Vec<String> {
    ids.iter().map(ToString::to_string).collect()
}
