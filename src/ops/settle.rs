//! Steps that a killed process has left: each is found done, or not begun, or
//! half done, and then all of them are finished or taken back.

use std::path::PathBuf;

use super::OpsError;
use super::host::Host;
use super::look::{Look, Moment, look, reach, read_rows, worktree};
use super::running::{Running, Work, settle_rows, settle_step, unsettle};
use super::session::Session;
use super::snapshots::recover_exchanges;
use super::step_runner::{content, lifeline, schema};
use super::sync::{self, SyncOptions, SyncOutcome};
use super::transaction::RecoverMode;
use super::undo_steps;
use super::write_access::WriteAccess;
use crate::alembic::wait_for_strays;
use crate::database::{Dialect, Limits, restore_file};
use crate::journal::{
    DatabaseStep, OperationId, OperationKind, RecordedStep, StepKind, StepState, components_of,
};
use crate::plan::Trying;
use crate::project::Component;

/// What became of interrupted steps.
#[derive(Clone, Debug)]
pub enum SettleOutcome {
    NothingOpen,
    /// The databases are at the heads.
    Finished {
        operation: OperationId,
        outcome: SyncOutcome,
    },
    /// The databases are as they were before.
    RolledBack {
        operation: OperationId,
        restored: Option<PathBuf>,
    },
    /// The databases are as they were found.
    Discarded {
        operation: OperationId,
    },
}

/// Settles the steps that are open in this worktree.
pub fn settle(
    session: &Session,
    host: &Host,
    access: &mut WriteAccess,
    mode: RecoverMode,
    line: &mut dyn FnMut(&str),
) -> Result<SettleOutcome, OpsError> {
    let worktree = worktree(session);
    let Some(operation) = access.journal().open_steps(&worktree)? else {
        return Ok(SettleOutcome::NothingOpen);
    };
    // What was killed may still be at it.
    wait_for_strays(&lifeline(session));
    if access.journal().operation(operation)?.kind == OperationKind::Restore {
        return settle_exchanges(session, host, operation, access, mode);
    }
    let mut steps = access.journal().steps(operation)?;
    if mode == RecoverMode::Discard {
        call_off(&mut steps, access)?;
        worktree.clear_mark()?;
        return Ok(SettleOutcome::Discarded { operation });
    }
    let names = components_of(&steps);
    let mut restored = None;
    for name in &names {
        let component = session.component(name)?;
        let mut own: Vec<RecordedStep> =
            steps.iter().filter(|s| &s.step.component == name).cloned().collect();
        // What was completed stays, unless all of it is to go.
        let is_done = !own.iter().any(|s| is_open(s.step.state));
        if is_done && mode != RecoverMode::Rollback {
            continue;
        }
        let mut looked = look_now(session, component, host, &own, access)?;
        let is_half_done = find_out(session, component, &mut looked, &mut own, access)?;
        let copy = access.journal().backup(operation, name)?;
        let can_restore =
            looked.target.direct().is_some_and(|(u, _)| u.dialect() == Dialect::Sqlite);
        match (is_half_done || mode == RecoverMode::Rollback, copy) {
            (true, Some(copy)) if can_restore && copy.exists() => {
                restore(session, component, &mut looked, &mut own, &copy, access)?;
                restored = Some(copy);
            }
            (true, copy) if is_half_done => {
                return Err(OpsError::HalfDone {
                    operation,
                    database: looked.target.shown.clone(),
                    step: own
                        .iter()
                        .find(|s| s.step.state == StepState::Started)
                        .map(|s| super::running::described(&s.step))
                        .unwrap_or_default(),
                    backup: copy,
                });
            }
            (true, _) => {
                undo_steps::take_back(session, component, host, &mut looked, &own, access, line)?;
            }
            (false, _) => {}
        }
    }
    steps = access.journal().steps(operation)?;
    call_off(&mut steps, access)?;
    worktree.clear_mark()?;
    if mode == RecoverMode::Rollback {
        return Ok(SettleOutcome::RolledBack { operation, restored });
    }
    let mut components = Vec::new();
    let kind = access.journal().operation(operation)?.kind;
    for name in &names {
        let component = session.component(name)?;
        if kind == OperationKind::Migrate {
            migrate_on(session, component, host, operation, access, line)?;
            continue;
        }
        // What is left to do follows from where the database is now.
        let options = SyncOptions { trying: Trying::WhereItDecides, ..SyncOptions::default() };
        let prepared =
            sync::prepare_component(session, component, host, options, access.journal())?;
        let outcome =
            sync::apply(session, host, options, vec![prepared], Some(operation), access, line)?;
        components.extend(outcome.components);
    }
    let outcome = SyncOutcome { operation: Some(operation), dry_run: false, components };
    Ok(SettleOutcome::Finished { operation, outcome })
}

/// Settles an operation that put snapshots in the place of databases.
pub fn settle_exchanges(
    session: &Session,
    host: &Host,
    operation: OperationId,
    access: &mut WriteAccess,
    mode: RecoverMode,
) -> Result<SettleOutcome, OpsError> {
    let is_made = recover_exchanges(session, host, operation, mode, access)?;
    if mode == RecoverMode::Discard {
        return Ok(SettleOutcome::Discarded { operation });
    }
    if !is_made {
        return Ok(SettleOutcome::RolledBack { operation, restored: None });
    }
    let outcome =
        SyncOutcome { operation: Some(operation), dry_run: false, components: Vec::new() };
    Ok(SettleOutcome::Finished { operation, outcome })
}

/// Runs the one step of a `migrate` that was called off: towards its own
/// target, which need not be the heads.
fn migrate_on(
    session: &Session,
    component: &Component,
    host: &Host,
    operation: OperationId,
    access: &mut WriteAccess,
    line: &mut dyn FnMut(&str),
) -> Result<(), OpsError> {
    let steps = access.journal().steps(operation)?;
    let last = steps.into_iter().rfind(|s| s.step.component == component.name);
    let Some(called_off) = last.filter(|s| s.step.state == StepState::CalledOff) else {
        return Ok(());
    };
    let journal = access.journal();
    let reached = reach(session, component, host, journal)?;
    let mut looked = look(session, component, reached, Moment::AnyTime, Some(journal))?;
    let step = DatabaseStep {
        rows_before: looked.observation.rows.clone(),
        state: StepState::Planned,
        content: None,
        ..called_off.step
    };
    let work = Work {
        operation,
        steps: vec![step],
        needs_backup: false,
        settled: Vec::new(),
        takes_back: None,
    };
    Running::begin(session, component, host, &mut looked)?.run(work, access, host, line)?;
    Ok(())
}

fn is_open(state: StepState) -> bool {
    matches!(state, StepState::Planned | StepState::Started)
}

fn call_off(steps: &mut [RecordedStep], access: &mut WriteAccess) -> Result<(), OpsError> {
    for step in steps.iter_mut().filter(|s| is_open(s.step.state)) {
        access.journal().mark_step(step, StepState::CalledOff)?;
    }
    Ok(())
}

/// The database as it is, held against the ledger as it was after the last
/// step that was completed: nothing is explained before the steps are settled.
fn look_now(
    session: &Session,
    component: &Component,
    host: &Host,
    steps: &[RecordedStep],
    access: &mut WriteAccess,
) -> Result<Look, OpsError> {
    let journal = access.journal();
    let reached = reach(session, component, host, journal)?;
    let target = &reached.target;
    if steps.iter().any(|s| s.step.identity != target.identity) {
        return Err(OpsError::DatabaseMoved {
            database: target.shown.clone(),
            expected: format!("the database `{}`", steps[0].step.database),
            found: "another one".to_owned(),
        });
    }
    let stored = journal.ledger(&target.identity)?;
    let mut looked = look(session, component, reached, Moment::AnyTime, None)?;
    looked.ledger = stored.ledger.clone();
    looked.stored = stored;
    looked.judge_again(component);
    Ok(looked)
}

/// Finds out how far the started step has come. `true`: a part of it was done.
fn find_out(
    session: &Session,
    component: &Component,
    looked: &mut Look,
    steps: &mut [RecordedStep],
    access: &mut WriteAccess,
) -> Result<bool, OpsError> {
    let Some(at) = steps.iter().position(|s| s.step.state == StepState::Started) else {
        return Ok(false);
    };
    let now = looked.observation.clone();
    let step = &steps[at].step;
    let is_transactional =
        looked.target.direct().is_some_and(|(url, _)| url.dialect() == Dialect::Postgres);
    if now.rows == step.rows_after && step.rows_after != step.rows_before {
        let step = step.clone();
        settle_step(looked, session, component, access.journal(), &step, now)?;
        access.journal().mark_step(&mut steps[at], StepState::Done)?;
        return Ok(false);
    }
    let content = content(schema(&looked.target)?.as_ref(), &now.fingerprint.content);
    let is_untouched = now.rows == step.rows_before
        && (is_transactional || step.content.as_deref() == Some(content.as_str()));
    if is_untouched {
        return Ok(false);
    }
    let is_on_the_way = step.kind == StepKind::Upgrade && looked.snapshot.knows(&now.rows);
    if is_transactional && is_on_the_way {
        // With a transaction for each migration some of them are complete.
        settle_rows(looked, session, component, access.journal(), now)?;
        return Ok(false);
    }
    Ok(true)
}

/// Puts the copy from before the operation back.
fn restore(
    session: &Session,
    component: &Component,
    looked: &mut Look,
    steps: &mut [RecordedStep],
    copy: &std::path::Path,
    access: &mut WriteAccess,
) -> Result<(), OpsError> {
    let Some((url, _)) = looked.target.direct() else { return Ok(()) };
    restore_file(url, copy)?;
    for step in steps.iter_mut().rev() {
        match step.step.state {
            StepState::Done => {
                unsettle(looked, &step.step);
                access.journal().mark_step(step, StepState::TakenBack)?;
            }
            StepState::Planned | StepState::Started => {
                access.journal().mark_step(step, StepState::CalledOff)?;
            }
            StepState::Failed | StepState::CalledOff | StepState::TakenBack => {}
        }
    }
    let now = read_rows(&looked.target, &Limits::default())?;
    looked.settle(session, component, access.journal(), now)
}
