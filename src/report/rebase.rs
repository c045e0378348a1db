//! What a rebase or merge did, or would do.

use schemars::JsonSchema;
use serde::Serialize;

use super::unified_diff;
use crate::ops::beside::{Beside, Met, MetAt};
use crate::ops::rebase::ComponentRebase;
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
    /// Where own revisions and the landed ones beside them have a hand in the same thing.
    pub met: Vec<MetReport>,
    /// Whether the order of the two is of no importance; null where nobody can tell.
    pub independent: Option<bool>,
    /// With `--verify`: what ran on a scratch database as it is planned, in that order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<Vec<String>>,
}

/// An own and a landed operation on the same thing.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MetReport {
    /// ``column `users.name` ``
    pub thing: String,
    pub own: MetAtReport,
    pub landed: MetAtReport,
}

/// One of them.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MetAtReport {
    pub revision: String,
    pub path: String,
    pub line: u32,
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
    /// The report of a plan, or of why there is none.
    pub fn new(component: &ComponentRebase) -> Self {
        let refused = component.plan.as_ref().err().map(ToString::to_string);
        let empty = RebasePlan::default();
        let plan = component.plan.as_ref().unwrap_or(&empty);
        Self {
            name: component.name.clone(),
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
            met: component.beside.met.iter().map(MetReport::new).collect(),
            independent: component.beside.are_independent,
            verified: component.verified.as_deref().map(texts),
        }
    }
}

impl MetReport {
    fn new(met: &Met) -> Self {
        let at = |at: &MetAt| MetAtReport {
            revision: at.revision.to_string(),
            path: at.path.to_string(),
            line: at.line,
        };
        Self { thing: met.thing.to_string(), own: at(&met.own), landed: at(&met.landed) }
    }
}

/// What own revisions and landed ones beside them are to each other, where somebody
/// has to know.
pub fn render_beside(beside: &Beside, is_settled: bool) -> String {
    let met = beside.met.iter().map(|met| {
        let (own, landed) = (placed(&met.own), placed(&met.landed));
        format!("warning: {}\n  own     {own}\n  landed  {landed}\n", meeting(met))
    });
    let met: String = met.collect();
    if !met.is_empty() {
        let command = if is_settled { "verify" } else { "rebase --verify" };
        return met + &format!("hint: `dbm-git {command}` runs them on a scratch database\n");
    }
    match beside.are_independent {
        Some(true) => "own and landed revisions touch nothing in common\n".to_owned(),
        _ => String::new(),
    }
}

/// The same in a sentence for each meeting, for whoever has to know why something fails.
pub fn met_in_words(beside: &Beside) -> impl Iterator<Item = String> {
    beside
        .met
        .iter()
        .map(|met| format!("{}: {} and {}", meeting(met), placed(&met.own), placed(&met.landed)))
}

fn meeting(met: &Met) -> String {
    let (own, landed) = (&met.own.revision, &met.landed.revision);
    format!("`{own}` and `{landed}`, landed, meet on {}", met.thing)
}

fn placed(at: &MetAt) -> String {
    format!("{}:{}", at.path, at.line)
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

/// What has run on a scratch database, in one line; nothing where that was not asked for.
pub fn render_verified(verified: Option<&[RevisionId]>) -> String {
    match verified {
        None | Some([]) => String::new(),
        Some(ids) => {
            format!("verified on a scratch database, up, down and up again: {}\n", joined(ids))
        }
    }
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
