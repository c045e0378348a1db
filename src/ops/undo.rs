//! `undo`: the databases first, then the files. So whether the files can go
//! back is known before a database loses anything.

use std::path::PathBuf;

use super::OpsError;
use super::host::Host;
use super::look::{Look, Moment, Reached, look, reach, read_rows};
use super::running::unsettle;
use super::session::{Session, SessionOptions};
use super::snapshots::undo_exchanges;
use super::transaction::UndoOutcome;
use super::undo_steps::take_back;
use super::write_access::WriteAccess;
use crate::database::{DatabaseLock, Dialect, Limits, restore_file};
use crate::git::Repository;
use crate::journal::{OperationId, RecordedStep, StepKind, StepState, components_of};
use crate::plan::list;
use crate::project::Component;

/// What is to become of the databases.
#[derive(Clone, Copy)]
pub enum Databases<'a> {
    /// They are left as they are.
    Keep,
    /// They go back step by step.
    TakeBack(&'a Host),
    /// SQLite files are replaced by the copies from before.
    Restore(&'a Host),
}

/// Takes operation `id` back, the last one by default. `line` hears what
/// happens to a database.
pub fn undo(
    repository: &Repository,
    access: &mut WriteAccess,
    id: Option<OperationId>,
    databases: Databases<'_>,
    line: &mut dyn FnMut(&str),
) -> Result<UndoOutcome, OpsError> {
    let undone = access.undoable(repository, id)?;
    let (host, restores) = match databases {
        Databases::Keep => return Ok(access.undo(repository, Some(undone))?),
        Databases::TakeBack(host) => (host, false),
        Databases::Restore(host) => (host, true),
    };
    let steps = access.journal().steps(undone)?;
    let done: Vec<RecordedStep> =
        steps.into_iter().filter(|s| s.step.state == StepState::Done).collect();
    if !done.is_empty() {
        let session = Session::open(SessionOptions::default())?;
        for name in components_of(&done).iter().rev() {
            let component = session.component(name)?;
            let own: Vec<RecordedStep> =
                done.iter().filter(|s| &s.step.component == name).cloned().collect();
            let mut looked = look_at(&session, component, host, &own, access)?;
            let copy = access.journal().backup(undone, name)?;
            if restores {
                let copy = copy
                    .ok_or_else(|| OpsError::NoBackup { database: looked.target.shown.clone() })?;
                restore(&session, component, &mut looked, own, copy, access)?;
            } else {
                for said in losses(component, &own, &looked.target.shown, copy) {
                    line(&said);
                }
                take_back(&session, component, host, &mut looked, &own, access, line)?;
            }
        }
    }
    if !access.journal().exchanges(undone)?.is_empty() {
        let session = Session::open(SessionOptions::default())?;
        undo_exchanges(&session, host, undone, access)?;
    }
    Ok(access.undo(repository, Some(undone))?)
}

/// The database, which has to be as the operation has left it.
fn look_at(
    session: &Session,
    component: &Component,
    host: &Host,
    steps: &[RecordedStep],
    access: &mut WriteAccess,
) -> Result<Look, OpsError> {
    let journal = access.journal();
    let reached = reach(session, component, host, journal)?;
    let Reached { target, observation: now } = &reached;
    let last = steps.last().map(|s| &s.step);
    let is_other = last.is_some_and(|step| {
        step.rows_after != now.rows || !step.identity.is_empty() && step.identity != target.identity
    });
    if is_other {
        return Err(OpsError::DatabaseMoved {
            database: target.shown.clone(),
            expected: last.map(|step| super::shown(&step.rows_after)).unwrap_or_default(),
            found: super::shown(&now.rows),
        });
    }
    look(session, component, reached, Moment::AnyTime, Some(journal))
}

/// What goes, and does not come back, in plain words.
fn losses(
    component: &Component,
    steps: &[RecordedStep],
    database: &str,
    copy: Option<PathBuf>,
) -> Vec<String> {
    let of = |kinds: &[StepKind]| -> Vec<String> {
        steps
            .iter()
            .filter(|s| kinds.contains(&s.step.kind))
            .flat_map(|s| s.step.entries.iter().map(|entry| entry.revision.to_string()))
            .collect()
    };
    let name = &component.name;
    let mut said = Vec::new();
    let ran = of(&[StepKind::Run, StepKind::Upgrade]);
    if !ran.is_empty() {
        said.push(format!(
            "{name}: taking down {} in `{database}`; what they created is dropped, and the data in it with it",
            list(&ran)
        ));
    }
    let dropped = of(&[StepKind::Downgrade]);
    if !dropped.is_empty() {
        said.push(format!(
            "{name}: running {} again; the data that was dropped with them does not come back{}",
            list(&dropped),
            copy.map_or(String::new(), |copy| format!(", and is in `{}`", copy.display()))
        ));
    }
    said
}

/// Puts the copy from before the operation back, with all its data.
fn restore(
    session: &Session,
    component: &Component,
    looked: &mut Look,
    steps: Vec<RecordedStep>,
    copy: PathBuf,
    access: &mut WriteAccess,
) -> Result<(), OpsError> {
    let Some((url, table)) = looked.target.direct().filter(|(u, _)| u.dialect() == Dialect::Sqlite)
    else {
        return Err(OpsError::NoBackup { database: looked.target.shown.clone() });
    };
    let _lock = DatabaseLock::acquire(url, table, &Limits::default())?;
    restore_file(url, &copy)?;
    for mut step in steps.into_iter().rev() {
        unsettle(looked, &step.step);
        access.journal().mark_step(&mut step, StepState::TakenBack)?;
    }
    let now = read_rows(&looked.target, &Limits::default())?;
    looked.settle(session, component, access.journal(), now)
}
