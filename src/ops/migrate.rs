//! `migrate`: the plain road. Nothing but alembic's own `upgrade` or
//! `downgrade`, between a look before and a look after.

use std::path::PathBuf;

use super::OpsError;
use super::database_target::{Asking, database_target};
use super::host::Host;
use super::look::{Look, Moment, Reached, look};
use super::review::review_of;
use super::running::{Running, Work};
use super::session::Session;
use super::write_access::WriteAccess;
use crate::check::Finding;
use crate::database::Limits;
use crate::journal::{DatabaseStep, Journal, OperationId, OperationKind, StepKind, StepState};
use crate::plan::{
    DatabaseState, Direction, Evidence, MigratePlan, MigrateRefusal, plan_migration,
};
use crate::project::Component;
use crate::revision::RevisionId;
use crate::script::{Destructive, read_footprint};

/// What the command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigrateOptions {
    pub direction: Direction,
    pub target: String,
    pub dry_run: bool,
    pub no_backup: bool,
}

/// Why nothing was run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreflightRefusal {
    #[error("the database is {}", state.name())]
    State { state: DatabaseState },
    #[error("the files have diverged heads: {}", crate::plan::list(heads))]
    Diverged { heads: Vec<RevisionId> },
    #[error(transparent)]
    Target(#[from] MigrateRefusal),
}

/// One revision that runs, or would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Migration {
    pub revision: RevisionId,
    pub message: String,
    pub path: String,
    /// What of it loses data.
    pub destructive: Vec<Destructive>,
    /// What there is to look at before it runs; nothing once it has.
    pub review: Vec<Finding>,
}

/// What became of one component's database.
#[derive(Clone, Debug)]
pub struct ComponentMigration {
    pub name: String,
    /// The URL as it may be shown.
    pub database: String,
    pub direction: Direction,
    pub target: String,
    pub migrations: Result<Vec<Migration>, PreflightRefusal>,
    pub rows_before: Vec<String>,
    pub rows_after: Vec<String>,
    /// The state afterwards.
    pub state: DatabaseState,
    /// How many revisions are pending afterwards.
    pub pending: usize,
    pub backup: Option<PathBuf>,
    pub operation: Option<OperationId>,
    /// `hint-after-migrate`.
    pub hint: Option<String>,
}

impl ComponentMigration {
    /// Whether anything ran, or would run.
    pub fn has_work(&self) -> bool {
        self.migrations.as_ref().is_ok_and(|migrations| !migrations.is_empty())
    }
}

/// Migrates one component's database, or says what would run.
pub fn migrate(
    session: &Session,
    component: &Component,
    host: &Host,
    options: &MigrateOptions,
    access: &mut WriteAccess,
    line: &mut dyn FnMut(&str),
) -> Result<ComponentMigration, OpsError> {
    let mut looked = look_at(session, component, host, options, access.journal())?;
    let planned = preflight(component, &looked, options);
    let mut outcome = describe(component, &looked, options, &planned);
    let Ok(plan) = planned else { return Ok(outcome) };
    if options.dry_run && plan.direction == Direction::Upgrade {
        review(session, component, &looked, &plan, &mut outcome)?;
    }
    if options.dry_run || plan.nodes.is_empty() {
        return Ok(outcome);
    }
    let summary = summary(component, &looked, &plan);
    let steps = vec![step(component, &looked, &plan)];
    let needs_backup = plan.direction == Direction::Downgrade && !options.no_backup;
    let mut running = Running::begin(session, component, host, &mut looked)?;
    let operation = access.begin_steps(session, OperationKind::Migrate, &summary)?;
    let work = Work { operation, steps, needs_backup, settled: Vec::new(), takes_back: None };
    let copy = running.run(work, access, host, line)?;
    outcome.backup = copy.map(|path| super::from_root(session, path));
    outcome.operation = Some(operation);
    outcome.rows_after = looked.observation.rows.clone();
    outcome.state = looked.view.state;
    outcome.pending = looked.view.pending.len();
    outcome.hint = component.hint_after_migrate.clone();
    Ok(outcome)
}

/// Says of each revision that would run what there is to look at in it.
fn review(
    session: &Session,
    component: &Component,
    look: &Look,
    plan: &MigratePlan,
    outcome: &mut ComponentMigration,
) -> Result<(), OpsError> {
    let told = review_of(session, component, &look.history, plan.nodes.clone())?;
    for migration in outcome.migrations.iter_mut().flatten() {
        let is_its = |finding: &&Finding| finding.revisions.contains(&migration.revision);
        migration.review = told.findings.iter().filter(is_its).cloned().collect();
    }
    Ok(())
}

fn look_at(
    session: &Session,
    component: &Component,
    host: &Host,
    options: &MigrateOptions,
    journal: &mut Journal,
) -> Result<Look, OpsError> {
    let target = database_target(session, component, host, Some(&mut *journal), Asking::Once)?;
    if !options.dry_run {
        target.refuse_remote(host)?;
    }
    let reached = Reached::new(target, &Limits::default())?;
    look(session, component, reached, Moment::AnyTime, Some(journal))
}

fn preflight(
    component: &Component,
    look: &Look,
    options: &MigrateOptions,
) -> Result<MigratePlan, PreflightRefusal> {
    match look.view.state {
        state @ (DatabaseState::Unreachable
        | DatabaseState::Broken
        | DatabaseState::Foreign
        | DatabaseState::Skipped
        | DatabaseState::Overlapping
        | DatabaseState::Unknown) => return Err(PreflightRefusal::State { state }),
        DatabaseState::Diverged
        | DatabaseState::NoRevision
        | DatabaseState::Behind
        | DatabaseState::UpToDate => {}
    }
    let wants_all_heads = matches!(options.target.as_str(), "head" | "heads");
    if wants_all_heads
        && options.direction == Direction::Upgrade
        && super::look::is_diverged(component, &look.history)
    {
        let heads = look.history.graph.ids(look.history.graph.heads());
        return Err(PreflightRefusal::Diverged { heads });
    }
    Ok(plan_migration(&look.snapshot, &look.view, options.direction, &options.target)?)
}

fn describe(
    component: &Component,
    look: &Look,
    options: &MigrateOptions,
    planned: &Result<MigratePlan, PreflightRefusal>,
) -> ComponentMigration {
    let migrations = planned
        .as_ref()
        .map_err(Clone::clone)
        .map(|plan| plan.nodes.iter().map(|&node| migration(look, node, plan.direction)).collect());
    let rows = look.observation.rows.clone();
    ComponentMigration {
        name: component.name.clone(),
        database: look.target.shown.clone(),
        direction: options.direction,
        target: options.target.clone(),
        migrations,
        rows_after: match planned {
            Ok(plan) if options.dry_run => plan.rows_after.clone(),
            _ => rows.clone(),
        },
        rows_before: rows,
        state: look.view.state,
        pending: look.view.pending.len(),
        backup: None,
        operation: None,
        hint: None,
    }
}

fn migration(look: &Look, node: usize, direction: Direction) -> Migration {
    let script = look.history.script(node);
    let touches = read_footprint(&script.file.bytes).map(|footprint| match direction {
        Direction::Upgrade => footprint.upgrade,
        Direction::Downgrade => footprint.downgrade,
    });
    Migration {
        revision: look.snapshot.id(node).clone(),
        message: look.snapshot.graph.revision(node).message.clone(),
        path: script.file.path.to_string(),
        destructive: touches.map(|touches| touches.destructive).unwrap_or_default(),
        review: Vec::new(),
    }
}

fn step(component: &Component, look: &Look, plan: &MigratePlan) -> DatabaseStep {
    let kind = match plan.direction {
        Direction::Upgrade => StepKind::Upgrade,
        Direction::Downgrade => StepKind::Downgrade,
    };
    let entry = |&node: &usize| {
        let today = look.snapshot.entry(node, Evidence::Ran);
        let ran = look.ledger.entries.iter().find(|entry| entry.is_same(&today)).cloned();
        // What goes down is noted as it was.
        match plan.direction {
            Direction::Upgrade => today,
            Direction::Downgrade => ran.unwrap_or(today),
        }
    };
    DatabaseStep {
        component: component.name.clone(),
        database: look.target.shown.clone(),
        identity: look.target.identity.clone(),
        kind,
        target: Some(plan.target.clone()),
        entries: plan.nodes.iter().map(entry).collect(),
        rows_before: plan.rows_before.clone(),
        rows_after: plan.rows_after.clone(),
        state: StepState::Planned,
        content: None,
    }
}

fn summary(component: &Component, look: &Look, plan: &MigratePlan) -> String {
    let ids: Vec<String> =
        plan.nodes.iter().map(|&node| look.snapshot.id(node).to_string()).collect();
    let named = match ids.len() {
        0..=3 => ids.join(", "),
        count => format!("{count} revisions"),
    };
    format!("{}: {} {named}", component.name, plan.direction.name())
}
