//! `sync`: a database is brought to the heads of the checked-out files,
//! whatever has happened to it before. Look, plan, try out where that settles
//! something, and only then run, one recorded step after the other.

use std::collections::HashMap;
use std::path::PathBuf;

use super::OpsError;
use super::database_target::DatabaseTarget;
use super::host::Host;
use super::look::{Look, Moment, look, reach};
use super::running::{Running, Work};
use super::session::Session;
use super::trial::try_out;
use super::write_access::WriteAccess;
use crate::database::Dialect;
use crate::journal::{DatabaseStep, Journal, OperationId, OperationKind, StepKind, StepState};
use crate::plan::{
    BodyHash, DatabaseView, Evidence, LedgerEntry, PlannedStep, Repair, Snapshot, SyncPlan,
    SyncRefusal, SyncRequest, SyncStep, SyncStrategy, plan_sync,
};
use crate::project::Component;
use crate::revision::RevisionId;
use crate::script::Footprint;

/// What the command line asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncOptions {
    pub strategy: SyncStrategy,
    /// `--assume`: whether what is unknown has run.
    pub assume: Option<bool>,
    pub no_backup: bool,
}

/// One component's database with the way to the heads.
pub struct PreparedSync<'a> {
    pub component: &'a Component,
    pub look: Look,
    pub plan: Result<SyncPlan, SyncRefusal>,
    /// What a trial on a copy has shown, where one was made.
    pub trial: Option<Trial>,
}

/// How a trial on a copy went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trial {
    Passed,
    /// Why it did not.
    Failed(String),
}

/// What became of one component's database.
#[derive(Clone, Debug)]
pub struct ComponentSync {
    pub name: String,
    /// The URL as it may be shown.
    pub database: String,
    pub plan: Result<SyncPlan, SyncRefusal>,
    pub trial: Option<Trial>,
    /// How many of the plan's steps were done.
    pub done: usize,
    /// The version rows now.
    pub current: Vec<String>,
    /// Where the copy from before lies; relative where it is in the working tree's folder.
    pub backup: Option<PathBuf>,
    /// By revision, for whoever shows the plan.
    pub messages: HashMap<RevisionId, String>,
    /// The heads of the files are diverged.
    pub is_diverged: bool,
}

impl ComponentSync {
    /// Whether more is to be done than alembic's own `upgrade` would do.
    pub fn has_repair(&self) -> bool {
        self.plan.as_ref().is_ok_and(SyncPlan::is_repair)
    }
}

/// What a sync did, or would do.
#[derive(Clone, Debug)]
pub struct SyncOutcome {
    pub operation: Option<OperationId>,
    pub dry_run: bool,
    pub components: Vec<ComponentSync>,
}

impl SyncOutcome {
    /// Whether any component was refused; then nothing was changed at all.
    pub fn is_refused(&self) -> bool {
        self.components.iter().any(|component| component.plan.is_err())
    }
}

/// Looks at every selected component's database and plans its way.
pub fn prepare<'a>(
    session: &'a Session,
    host: &Host,
    options: SyncOptions,
    journal: &mut Journal,
) -> Result<Vec<PreparedSync<'a>>, OpsError> {
    session
        .components()?
        .into_iter()
        .map(|component| prepare_component(session, component, host, options, journal))
        .collect()
}

/// Looks at one component's database and plans its way.
pub fn prepare_component<'a>(
    session: &Session,
    component: &'a Component,
    host: &Host,
    options: SyncOptions,
    journal: &mut Journal,
) -> Result<PreparedSync<'a>, OpsError> {
    let reached = reach(session, component, host, journal)?;
    let mut look = look(session, component, reached, Moment::AnyTime, Some(&mut *journal))?;
    if let Some(have_run) = options.assume {
        look.ledger = look.ledger.assuming(have_run);
        look.judge_again(component);
    }
    let footprints = look.footprints(journal)?;
    let plan = plan_from(&look, &look.snapshot, &look.view, options.strategy, &footprints);
    let mut prepared = PreparedSync { component, look, plan, trial: None };
    if options.strategy != SyncStrategy::Downgrade {
        decide(session, host, options, journal, &footprints, &mut prepared)?;
    }
    Ok(prepared)
}

/// The plan for a look, against any state of the files.
pub fn plan_from(
    look: &Look,
    snapshot: &Snapshot,
    view: &DatabaseView,
    strategy: SyncStrategy,
    footprints: &HashMap<BodyHash, Footprint>,
) -> Result<SyncPlan, SyncRefusal> {
    plan_sync(&SyncRequest { snapshot, ledger: &look.ledger, view, strategy, footprints })
}

/// A replay that is not proven is tried out on a copy, or not made.
fn decide(
    session: &Session,
    host: &Host,
    options: SyncOptions,
    journal: &mut Journal,
    footprints: &HashMap<BodyHash, Footprint>,
    prepared: &mut PreparedSync<'_>,
) -> Result<(), OpsError> {
    let Ok(plan) = &prepared.plan else { return Ok(()) };
    if plan.is_proven || plan.repair != Repair::Replay {
        return Ok(());
    }
    let trial = try_out(session, prepared.component, host, &prepared.look, plan, journal)?;
    let is_asked_for = options.strategy == SyncStrategy::Replay;
    if trial != Some(Trial::Passed) && !is_asked_for {
        let look = &prepared.look;
        prepared.plan =
            plan_from(look, &look.snapshot, &look.view, SyncStrategy::Downgrade, footprints);
    }
    prepared.trial = trial;
    Ok(())
}

/// What the plans come to, with nothing done.
pub fn outcome_of(prepared: &[PreparedSync<'_>], dry_run: bool) -> SyncOutcome {
    let components = prepared.iter().map(|prepared| component_sync(prepared, 0)).collect();
    SyncOutcome { operation: None, dry_run, components }
}

fn component_sync(prepared: &PreparedSync<'_>, done: usize) -> ComponentSync {
    let look = &prepared.look;
    let revisions = look.snapshot.graph.revisions();
    ComponentSync {
        name: prepared.component.name.clone(),
        database: look.target.shown.clone(),
        plan: prepared.plan.clone(),
        trial: prepared.trial.clone(),
        done,
        current: look.observation.rows.clone(),
        backup: None,
        messages: revisions.iter().map(|r| (r.id.clone(), r.message.clone())).collect(),
        is_diverged: super::look::is_diverged(prepared.component, &look.history),
    }
}

/// Carries the plans out, as steps of `operation` or of one of their own.
/// `line` hears what alembic says.
pub fn apply(
    session: &Session,
    host: &Host,
    options: SyncOptions,
    prepared: Vec<PreparedSync<'_>>,
    operation: Option<OperationId>,
    access: &mut WriteAccess,
    line: &mut dyn FnMut(&str),
) -> Result<SyncOutcome, OpsError> {
    let mut outcome = outcome_of(&prepared, false);
    let has_work =
        |plan: &Result<SyncPlan, SyncRefusal>| plan.as_ref().is_ok_and(|p| !p.is_empty());
    if outcome.is_refused() {
        return Ok(outcome);
    }
    outcome.operation = operation;
    for (mut prepared, outcome_of_it) in prepared.into_iter().zip(&mut outcome.components) {
        if !has_work(&prepared.plan) {
            remember_settled(session, &mut prepared, access)?;
            continue;
        }
        let Ok(plan) = prepared.plan.clone() else { continue };
        let summary = summary(&prepared, &plan);
        let steps = steps_of(&prepared, &plan);
        let settled = settled(&prepared, &plan);
        let needs_backup =
            !options.no_backup && (plan.is_repair() || is_sqlite(&prepared.look.target));
        let mut running = Running::begin(session, prepared.component, host, &mut prepared.look)?;
        let operation = match outcome.operation {
            Some(operation) => operation,
            None => access.begin_steps(session, OperationKind::Sync, &summary)?,
        };
        outcome.operation = Some(operation);
        let work = Work { operation, steps, needs_backup, settled, takes_back: None };
        let copy = running.run(work, access, host, line)?;
        outcome_of_it.backup = copy.map(|path| super::from_root(session, path));
        outcome_of_it.done = plan.steps.len();
        outcome_of_it.current = prepared.look.observation.rows.clone();
    }
    Ok(outcome)
}

fn is_sqlite(target: &DatabaseTarget) -> bool {
    target.direct().is_some_and(|(url, _)| url.dialect() == Dialect::Sqlite)
}

/// What somebody assumed, or what does nothing, is known from now on.
fn remember_settled(
    session: &Session,
    prepared: &mut PreparedSync<'_>,
    access: &mut WriteAccess,
) -> Result<(), OpsError> {
    if let Ok(plan) = &prepared.plan {
        let entries = settled(prepared, plan);
        prepared.look.ledger.add(&entries);
    }
    prepared.look.remember(session, access.journal(), &[])
}

/// Entries for what does nothing, and so counts as applied.
fn settled(prepared: &PreparedSync<'_>, plan: &SyncPlan) -> Vec<LedgerEntry> {
    let snapshot = &prepared.look.snapshot;
    let nodes = plan.settled.iter().filter_map(|id| snapshot.graph.node(id.as_str()));
    nodes.map(|node| snapshot.entry(node, Evidence::Inferred)).collect()
}

/// The plan as the journal keeps it.
pub fn steps_of(prepared: &PreparedSync<'_>, plan: &SyncPlan) -> Vec<DatabaseStep> {
    plan.steps.iter().map(|step| recorded(prepared.component, &prepared.look, step)).collect()
}

/// One planned step as the journal keeps it.
pub fn recorded(component: &Component, look: &Look, planned: &PlannedStep) -> DatabaseStep {
    let today = |id: &RevisionId| -> Option<LedgerEntry> {
        let node = look.snapshot.graph.node(id.as_str())?;
        Some(look.snapshot.entry(node, Evidence::Ran))
    };
    let (kind, entries) = match &planned.step {
        SyncStep::SetRows => (StepKind::SetRows, Vec::new()),
        SyncStep::Upgrade { revisions } => {
            (StepKind::Upgrade, revisions.iter().filter_map(today).collect())
        }
        SyncStep::Replay { revision, .. } => (StepKind::Run, today(revision).into_iter().collect()),
        SyncStep::Downgrade { revision, body } => {
            let known = look.ledger.entries.iter().find(|entry| &entry.body == body);
            // The row may carry another number than the script had when it ran.
            let entry = known.map(|e| LedgerEntry { revision: revision.clone(), ..e.clone() });
            (StepKind::Downgrade, entry.into_iter().collect())
        }
    };
    DatabaseStep {
        component: component.name.clone(),
        database: look.target.shown.clone(),
        identity: look.target.identity.clone(),
        kind,
        target: (kind == StepKind::Upgrade).then(|| "heads".to_owned()),
        entries,
        rows_before: planned.rows_before.clone(),
        rows_after: planned.rows_after.clone(),
        state: StepState::Planned,
        content: None,
    }
}

fn summary(prepared: &PreparedSync<'_>, plan: &SyncPlan) -> String {
    let ran: usize = plan
        .steps
        .iter()
        .filter(|s| matches!(s.step, SyncStep::Replay { .. } | SyncStep::Upgrade { .. }))
        .map(|s| s.step.revisions().len())
        .sum();
    let name = &prepared.component.name;
    match plan.reverted.len() {
        0 => format!("{name}: {ran} applied"),
        down => format!("{name}: {down} taken down, {ran} applied"),
    }
}
