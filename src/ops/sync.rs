//! `sync`: a database is brought to the heads of the checked-out files,
//! whatever has happened to it before. Look, plan, try out on a copy, and only
//! then run, one recorded step after the other.

use std::collections::HashMap;
use std::path::PathBuf;

use super::OpsError;
use super::database_target::DatabaseTarget;
use super::host::Host;
use super::look::{Look, Moment, look, reach};
use super::running::{Running, Work};
use super::session::Session;
use super::trial::{Ground, Trial, try_out};
use super::write_access::WriteAccess;
use crate::database::Dialect;
use crate::journal::{DatabaseStep, Journal, OperationId, OperationKind, StepKind, StepState};
use crate::plan::{
    BodyHash, DatabaseView, Evidence, LedgerEntry, PlannedStep, Snapshot, SyncPlan, SyncRefusal,
    SyncRequest, SyncStep, SyncStrategy, Trying, plan_sync,
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
    /// `--verify`, `--no-verify`: whether the plan is tried out on a copy first.
    pub trying: Trying,
}

/// One component's database with the way to the heads.
pub struct PreparedSync<'a> {
    pub component: &'a Component,
    pub look: Look,
    pub decision: Decision,
}

/// What is to be done, and what a trial has had to do with it.
#[derive(Clone, Debug)]
pub struct Decision {
    pub plan: Result<SyncPlan, SyncRefusal>,
    /// What the trial of that plan has shown, where one was in order.
    pub trial: Option<Trial>,
    /// Why a replay, which would have been the better plan, is none.
    pub no_replay: Option<SyncRefusal>,
}

/// What became of one component's database.
#[derive(Clone, Debug)]
pub struct ComponentSync {
    pub name: String,
    /// The URL as it may be shown.
    pub database: String,
    pub plan: Result<SyncPlan, SyncRefusal>,
    pub trial: Option<Trial>,
    pub no_replay: Option<SyncRefusal>,
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
    let ground = Ground {
        session,
        component,
        host,
        look: &look,
        history: &look.history,
        snapshot: &look.snapshot,
        view: &look.view,
    };
    let decision = decide(&ground, options, plan, &footprints, journal)?;
    Ok(PreparedSync { component, look, decision })
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

/// Tries a plan out where that is in order: one that fails is none. A replay of which
/// nobody knows that it is sound makes way for going down and up again.
///
/// # Errors
/// Somebody insists on a trial, and there can be none.
pub fn decide(
    ground: &Ground<'_>,
    options: SyncOptions,
    plan: Result<SyncPlan, SyncRefusal>,
    footprints: &HashMap<BodyHash, Footprint>,
    journal: &mut Journal,
) -> Result<Decision, OpsError> {
    let planned = match plan {
        Ok(plan) => plan,
        refused => return Ok(Decision { plan: refused, trial: None, no_replay: None }),
    };
    let trial = try_out(ground, options.trying, &planned, journal)?;
    let is_passed = trial.as_ref().is_some_and(Trial::is_passed);
    if is_passed || !planned.is_open() || options.strategy != SyncStrategy::Auto {
        return Ok(Decision::of(planned, trial, None));
    }
    let no_replay = trial.as_ref().and_then(Trial::refusal);
    let strategy = SyncStrategy::Downgrade;
    match plan_from(ground.look, ground.snapshot, ground.view, strategy, footprints) {
        Err(refusal) => Ok(Decision { plan: Err(refusal), trial: None, no_replay }),
        Ok(planned) => {
            let trial = match trial {
                Some(Trial::NotMade(_)) => trial,
                _ => try_out(ground, options.trying, &planned, journal)?,
            };
            Ok(Decision::of(planned, trial, no_replay))
        }
    }
}

impl Decision {
    fn of(plan: SyncPlan, trial: Option<Trial>, no_replay: Option<SyncRefusal>) -> Self {
        let refusal = trial.as_ref().and_then(Trial::refusal);
        Self { plan: refusal.map_or(Ok(plan), Err), trial, no_replay }
    }
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
        plan: prepared.decision.plan.clone(),
        trial: prepared.decision.trial.clone(),
        no_replay: prepared.decision.no_replay.clone(),
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
        if !has_work(&prepared.decision.plan) {
            remember_settled(session, &mut prepared, access)?;
            continue;
        }
        let Ok(plan) = prepared.decision.plan.clone() else { continue };
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
    if let Ok(plan) = &prepared.decision.plan {
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
    let (component, look) = (prepared.component, &prepared.look);
    plan.steps.iter().map(|step| recorded(component, look, &look.snapshot, step)).collect()
}

/// One planned step as the journal keeps it; `snapshot` is of the files that it leads to.
pub fn recorded(
    component: &Component,
    look: &Look,
    snapshot: &Snapshot,
    planned: &PlannedStep,
) -> DatabaseStep {
    let today = |id: &RevisionId| -> Option<LedgerEntry> {
        let node = snapshot.graph.node(id.as_str())?;
        Some(snapshot.entry(node, Evidence::Ran))
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
