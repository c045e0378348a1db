//! The way of a database to the heads of the files.

use schemars::JsonSchema;
use serde::Serialize;

use crate::ops::sync::{ComponentSync, SyncOutcome};
use crate::ops::trial::{CopyWay, Trial, Verdict};
use crate::plan::{PlannedStep, Repair, SyncStep};
use crate::revision::RevisionId;

/// `sync --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SyncReport {
    pub version: u32,
    /// What `undo` takes to take it back; null if nothing changed.
    pub operation: Option<i64>,
    pub dry_run: bool,
    pub components: Vec<ComponentSyncReport>,
}

/// One component of a sync.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ComponentSyncReport {
    pub name: String,
    /// Its URL, without the password.
    pub database: String,
    /// How what was skipped is made up for.
    #[schemars(extend("enum" = ["none", "replay", "downgrade"]))]
    pub strategy: &'static str,
    pub steps: Vec<StepReport>,
    /// The version rows afterwards.
    pub current: Vec<String>,
    /// The copy from before it.
    pub backup: Option<String>,
    /// Why nothing was done.
    pub refused: Option<String>,
    /// How the plan went on a copy of the database; null where it was not tried out.
    pub trial: Option<TrialReport>,
    /// Why running what was skipped beside the rest is no way; null where nothing said so.
    pub no_replay: Option<String>,
}

/// A trial on a copy of the database, with its data.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TrialReport {
    /// `not-made`: one was in order, and `error` says why there was none.
    #[schemars(extend("enum" = ["passed", "failed", "not-made"]))]
    pub verdict: &'static str,
    /// By what the copy was made.
    #[schemars(extend("enum" = ["file", "template", "dump", null]))]
    pub copied_by: Option<&'static str>,
    /// Who was connected, so that PostgreSQL could not make the copy by itself.
    pub connected: Vec<String>,
    /// The step that failed, in words.
    pub step: Option<String>,
    /// What that step was to run.
    pub revisions: Vec<String>,
    /// What alembic said, or how else it went wrong.
    pub error: Option<String>,
    /// What differs from a new database, and did so before.
    pub drift: Option<String>,
}

impl TrialReport {
    fn new(trial: &Trial) -> Self {
        let mut report = Self {
            verdict: "not-made",
            copied_by: None,
            connected: Vec::new(),
            step: None,
            revisions: Vec::new(),
            error: None,
            drift: None,
        };
        match trial {
            Trial::NotMade(reason) => report.error = Some(reason.clone()),
            Trial::Made { way, verdict } => {
                report.verdict = if trial.is_passed() { "passed" } else { "failed" };
                report.add_way(way);
                report.add_verdict(verdict);
            }
        }
        report
    }

    fn add_way(&mut self, way: &CopyWay) {
        self.copied_by = Some(match way {
            CopyWay::File => "file",
            CopyWay::Template => "template",
            CopyWay::Dump { .. } => "dump",
        });
        if let CopyWay::Dump { connected } = way {
            self.connected.clone_from(connected);
        }
    }

    fn add_verdict(&mut self, verdict: &Verdict) {
        match verdict {
            Verdict::Passed { drift } => self.drift.clone_from(drift),
            Verdict::Otherwise(what) => self.error = Some(otherwise(what)),
            Verdict::StepFailed { step, revisions, error } => {
                self.step = Some(step.clone());
                self.revisions = revisions.iter().map(ToString::to_string).collect();
                self.error = Some(error.clone());
            }
        }
    }
}

fn otherwise(what: &str) -> String {
    format!("{what} came out otherwise than in a new database")
}

/// One step of a component's sync.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StepReport {
    #[schemars(extend("enum" = ["downgrade", "replay", "set-rows", "upgrade"]))]
    pub kind: &'static str,
    pub revisions: Vec<String>,
    pub rows_before: Vec<String>,
    pub rows_after: Vec<String>,
    /// Whether it was taken.
    pub done: bool,
}

impl SyncReport {
    /// The report of `outcome`.
    pub fn new(outcome: &SyncOutcome) -> Self {
        Self {
            version: 1,
            operation: outcome.operation.map(|id| id.0),
            dry_run: outcome.dry_run,
            components: outcome.components.iter().map(component).collect(),
        }
    }
}

fn component(sync: &ComponentSync) -> ComponentSyncReport {
    let plan = sync.plan.as_ref().ok();
    let steps = plan.map_or(&[][..], |plan| &plan.steps);
    ComponentSyncReport {
        name: sync.name.clone(),
        database: sync.database.clone(),
        strategy: plan.map_or(Repair::None, |plan| plan.repair).name(),
        steps: steps
            .iter()
            .enumerate()
            .map(|(at, planned)| StepReport {
                kind: planned.step.kind(),
                revisions: planned.step.revisions().iter().map(ToString::to_string).collect(),
                rows_before: planned.rows_before.clone(),
                rows_after: planned.rows_after.clone(),
                done: at < sync.done,
            })
            .collect(),
        current: sync.current.clone(),
        backup: sync.backup.as_ref().map(|path| path.display().to_string()),
        refused: sync.plan.as_ref().err().map(ToString::to_string),
        trial: sync.trial.as_ref().map(TrialReport::new),
        no_replay: sync.no_replay.as_ref().map(ToString::to_string),
    }
}

/// The human form: what is done, step by step, and where the database ends.
pub fn render_sync(outcome: &SyncOutcome, unicode: bool) -> String {
    let several = outcome.components.len() > 1;
    let mut text = String::new();
    for component in &outcome.components {
        let lead = if several { format!("{}: ", component.name) } else { String::new() };
        let Ok(plan) = &component.plan else { continue };
        if plan.is_empty() {
            text += &format!(
                "{lead}nothing to do: {} is at {}\n",
                component.database,
                rows(&component.current)
            );
            continue;
        }
        text += &format!("{lead}{}\n", component.database);
        for (at, step) in plan.steps.iter().enumerate() {
            let mark = if at < component.done { tick(unicode) } else { "-" };
            for line in lines(step, component) {
                text += &format!("  {mark} {line}\n");
            }
        }
        text += &remarks(component);
        if component.done > 0 {
            text += &format!("  now at {}", rows(&component.current));
            if let Some(backup) = &component.backup {
                text += &format!("; as it was before: {}", backup.display());
            }
            text.push('\n');
        }
    }
    if outcome.dry_run {
        text += "dry run, nothing was changed\n";
    } else if let Some(operation) = outcome.operation {
        text += &format!("Undo with: dbm-git undo {operation}\n");
    }
    text
}

fn tick(unicode: bool) -> &'static str {
    if unicode { "✓" } else { "*" }
}

fn rows(rows: &[String]) -> String {
    if rows.is_empty() { "no revision".to_owned() } else { rows.join(", ") }
}

fn lines(planned: &PlannedStep, component: &ComponentSync) -> Vec<String> {
    let named = |id: &RevisionId| match component.messages.get(id).map(String::as_str) {
        None | Some("") => id.to_string(),
        Some(message) => format!("{id} ({message})"),
    };
    match &planned.step {
        SyncStep::Downgrade { revision, .. } => {
            vec![format!("take down {}, with the script that it ran from", named(revision))]
        }
        SyncStep::Replay { revision, .. } => {
            vec![format!("run {}, which was skipped", named(revision))]
        }
        SyncStep::SetRows => vec![format!(
            "write the version rows: {} instead of {}",
            rows(&planned.rows_after),
            rows(&planned.rows_before)
        )],
        SyncStep::Upgrade { revisions } => {
            revisions.iter().map(|id| format!("apply {}", named(id))).collect()
        }
    }
}

fn remarks(component: &ComponentSync) -> String {
    let mut text = String::new();
    if let Some(refusal) = &component.no_replay {
        text += &format!("  running only what was skipped is no way: {refusal}\n");
    }
    text += &component.trial.as_ref().map_or_else(String::new, |trial| {
        tried(trial).iter().map(|line| format!("  {line}\n")).collect()
    });
    if let Ok(plan) = &component.plan
        && !plan.reverted.is_empty()
    {
        let ids: Vec<String> = plan.reverted.iter().map(ToString::to_string).collect();
        text +=
            &format!("  the data that only {} held goes with what they created\n", ids.join(", "));
    }
    if component.is_diverged {
        text += "  the files have diverged heads: `dbm-git rebase` puts yours on top\n";
    }
    text
}

/// How a trial went, where the plan was not refused for it.
fn tried(trial: &Trial) -> Vec<String> {
    let (way, verdict) = match trial {
        Trial::NotMade(reason) => return vec![format!("not tried out on a copy: {reason}")],
        Trial::Made { way, verdict } => (way, verdict),
    };
    let mut lines = Vec::new();
    if let Verdict::Passed { drift } = verdict {
        lines.push(match drift {
            None => "tried out on a copy first: it runs, and the schema comes out right".to_owned(),
            Some(what) => format!(
                "tried out on a copy first: it runs; {what} differs from a new database, as before"
            ),
        });
    }
    if let CopyWay::Dump { connected } = way
        && !connected.is_empty()
    {
        let others = connected.join(", ");
        lines.push(format!("the copy was made by dump and restore, since {others} is connected"));
    }
    lines
}

/// What `--apply` did to the databases, behind what it did to the files.
pub fn render_applied(outcome: &SyncOutcome) -> String {
    let mut text = String::new();
    for component in &outcome.components {
        let (name, rows) = (&component.name, rows(&component.current));
        let Ok(plan) = &component.plan else { continue };
        if plan.is_empty() {
            text += &format!("{name}: the database is at {rows}, nothing was pending\n");
            continue;
        }
        for planned in &plan.steps {
            let verb = match &planned.step {
                SyncStep::Downgrade { .. } => "took down",
                SyncStep::Replay { .. } | SyncStep::Upgrade { .. } => "applied",
                SyncStep::SetRows => continue,
            };
            for id in planned.step.revisions() {
                let message = component.messages.get(&id).map_or("", String::as_str);
                text += format!("{verb} {id}: {message}").trim_end_matches([' ', ':']);
                text.push('\n');
            }
        }
        for line in component.trial.iter().flat_map(tried) {
            text += &format!("{name}: {line}\n");
        }
        text += &format!("{name}: the database is at {rows} now, as it should be\n");
        if let Some(backup) = component.backup.as_ref().filter(|_| plan.is_repair()) {
            text += &format!("{name}: as it was before: {}\n", backup.display());
        }
    }
    text
}
