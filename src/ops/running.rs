//! Steps being run: each is marked before it starts, and marked again once the
//! version rows were read and found to be the expected ones.

use std::path::{Path, PathBuf};

use super::OpsError;
use super::database_target::DatabaseTarget;
use super::host::Host;
use super::left::{Left, traces};
use super::look::{Look, read_rows, worktree};
use super::session::Session;
use super::step_runner::{StepRunner, content, schema};
use super::write_access::WriteAccess;
use crate::database::{DatabaseLock, DatabaseUrl, Dialect, Limits, backup, restore_file};
use crate::journal::{DatabaseStep, Journal, OperationId, RecordedStep, StepKind, StepState};
use crate::plan::{LedgerEntry, Observation, explain};
use crate::project::Component;
use crate::script::{Footprint, SchemaObjects, read_footprint};
use crate::workspace::fault;

/// What is to be done in one component's database.
pub struct Work {
    pub operation: OperationId,
    pub steps: Vec<DatabaseStep>,
    pub needs_backup: bool,
    /// Entries of revisions that do nothing, and count as applied in the end.
    pub settled: Vec<LedgerEntry>,
    /// The step that is undone once all of these have run; they then count as
    /// undone with it.
    pub takes_back: Option<RecordedStep>,
}

/// The right to change one database: its lock, and alembic confirmed to be at
/// the same one.
pub struct Running<'a> {
    session: &'a Session,
    component: &'a Component,
    runner: StepRunner,
    look: &'a mut Look,
    /// The schema at the start of the step that is being run.
    schema: Option<SchemaObjects>,
    _lock: Option<DatabaseLock>,
}

impl<'a> Running<'a> {
    /// Takes the lock and makes sure that nothing has moved since the look.
    pub fn begin(
        session: &'a Session,
        component: &'a Component,
        host: &Host,
        look: &'a mut Look,
    ) -> Result<Self, OpsError> {
        let runner = StepRunner::new(session, component, host)?;
        let lock = match look.target.direct() {
            Some((url, table)) => Some(DatabaseLock::acquire(url, table, &Limits::default())?),
            None => None,
        };
        // Where alembic is the only road, confirming is looking again.
        if look.target.direct().is_some() {
            let now = read_rows(&look.target, &Limits::default())?;
            if now.rows != look.observation.rows {
                return Err(OpsError::DatabaseMoved {
                    database: look.target.shown.clone(),
                    expected: super::shown(&look.observation.rows),
                    found: super::shown(&now.rows),
                });
            }
        }
        runner.confirm(&look.target, &look.observation.rows)?;
        Ok(Self { session, component, runner, look, schema: None, _lock: lock })
    }

    /// Runs all steps, and returns where the backup lies, if one was made.
    pub fn run(
        &mut self,
        work: Work,
        access: &mut WriteAccess,
        host: &Host,
        line: &mut dyn FnMut(&str),
    ) -> Result<Option<PathBuf>, OpsError> {
        let worktree = worktree(self.session);
        worktree.set_mark()?;
        fault::point("steps: before");
        let mut steps = access.journal().record_steps(work.operation, &work.steps)?;
        fault::point("steps: recorded");
        let copied = match work.needs_backup {
            true => self.back_up(work.operation, access.journal(), host),
            false => Ok(None),
        };
        let copy = match copied {
            Ok(copy) => copy,
            Err(error) => {
                // Nothing was begun, and nothing is to be recovered.
                for step in &mut steps {
                    access.journal().mark_step(step, StepState::CalledOff)?;
                }
                worktree.clear_mark()?;
                return Err(error);
            }
        };
        for at in 0..steps.len() {
            let described = (steps[at].operation, described(&steps[at].step));
            let closes = work.takes_back.as_ref().filter(|_| at + 1 == steps.len());
            let result = self.step(&mut steps, at, closes, access.journal(), line);
            if let Err(source) = result {
                let left = self.stop(&mut steps, at, copy.as_deref(), access.journal());
                if !matches!(left, Left::Unknown { .. }) {
                    worktree.clear_mark()?;
                }
                return Err(self.failure(&described, left, copy, source));
            }
        }
        if let Some(undone) = work.takes_back.filter(|_| steps.is_empty()) {
            access.journal().mark_taken_back(&undone, &mut steps)?;
        }
        if !work.settled.is_empty() {
            self.look.ledger.add(&work.settled);
            let now = self.look.observation.clone();
            self.look.settle(self.session, self.component, access.journal(), now)?;
        }
        fault::point("steps: done");
        worktree.clear_mark()?;
        Ok(copy)
    }

    /// Runs step `at`; the last one of those that undo `closes` marks that too.
    fn step(
        &mut self,
        steps: &mut [RecordedStep],
        at: usize,
        closes: Option<&RecordedStep>,
        journal: &mut Journal,
        line: &mut dyn FnMut(&str),
    ) -> Result<(), OpsError> {
        let step = &mut steps[at];
        let target = self.look.target.clone();
        let fingerprint = self.look.observation.fingerprint.content.clone();
        self.schema = schema(&target)?;
        step.step.content = Some(content(self.schema.as_ref(), &fingerprint));
        journal.mark_step(step, StepState::Started)?;
        fault::point("step: started");
        self.runner.run(&target, &step.step, &mut |body| Ok(journal.script(body)?), line)?;
        fault::point("step: ran");
        let now = read_rows(&target, &Limits::default())?;
        if now.rows != step.step.rows_after {
            return Err(OpsError::UnexpectedRows {
                database: target.shown.clone(),
                expected: super::shown(&step.step.rows_after),
                found: super::shown(&now.rows),
            });
        }
        settle_step(self.look, self.session, self.component, journal, &step.step, now)?;
        fault::point("step: settled");
        match closes {
            Some(undone) => journal.mark_taken_back(undone, steps)?,
            None => journal.mark_step(step, StepState::Done)?,
        }
        fault::point("step: done");
        Ok(())
    }

    fn back_up(
        &self,
        operation: OperationId,
        journal: &mut Journal,
        host: &Host,
    ) -> Result<Option<PathBuf>, OpsError> {
        let Some((url, _)) = self.look.target.direct() else {
            return Err(OpsError::NoBackup { database: self.look.target.shown.clone() });
        };
        if url.file().is_some_and(|file| !file.exists()) {
            return Ok(None);
        }
        let path = backup_path(self.session, operation, self.component, &self.look.target);
        backup(url, &path, &host.path)?;
        journal.record_backup(operation, &self.component.name, &path.to_string_lossy())?;
        fault::point("steps: backed up");
        Ok(Some(path))
    }

    fn failure(
        &self,
        (operation, step): &(OperationId, String),
        left: Left,
        backup: Option<PathBuf>,
        source: OpsError,
    ) -> OpsError {
        OpsError::StepFailed {
            operation: *operation,
            database: self.look.target.shown.clone(),
            step: step.clone(),
            left: Box::new(left),
            backup,
            source: Box::new(source),
        }
    }

    /// Stops at a failed step: a file goes back to its backup, since half a
    /// migration may be in it; a server keeps what was completed. Where nobody
    /// can tell what that is, the steps stay open.
    fn stop(
        &mut self,
        steps: &mut [RecordedStep],
        at: usize,
        copy: Option<&Path>,
        journal: &mut Journal,
    ) -> Left {
        let left = match (copy, self.sqlite()) {
            (Some(copy), Some(url)) => self.go_back(steps, at, &url, copy, journal),
            _ => self.keep_what_was_done(steps, at, journal),
        };
        left.unwrap_or_else(|error| Left::Unknown { reason: super::with_causes(&error) })
    }

    fn go_back(
        &mut self,
        steps: &mut [RecordedStep],
        at: usize,
        url: &DatabaseUrl,
        copy: &Path,
        journal: &mut Journal,
    ) -> Result<Left, OpsError> {
        restore_file(url, copy)?;
        let now = read_rows(&self.look.target, &Limits::default())?;
        for step in &mut steps[at..] {
            journal.mark_step(step, StepState::CalledOff)?;
        }
        for step in steps[..at].iter_mut().rev() {
            unsettle(self.look, &step.step);
            journal.mark_step(step, StepState::TakenBack)?;
        }
        settle_rows(self.look, self.session, self.component, journal, now)?;
        Ok(Left::AsBefore { state: super::shown(&self.look.observation.rows) })
    }

    fn keep_what_was_done(
        &mut self,
        steps: &mut [RecordedStep],
        at: usize,
        journal: &mut Journal,
    ) -> Result<Left, OpsError> {
        let now = read_rows(&self.look.target, &Limits::default())?;
        let schema_now = schema(&self.look.target)?;
        for step in &mut steps[at + 1..] {
            journal.mark_step(step, StepState::CalledOff)?;
        }
        let completed = self.split(&mut steps[at], &now, journal)?;
        let traces = match (&self.schema, &schema_now) {
            (Some(before), Some(now)) => traces(before, now, &completed),
            _ => Vec::new(),
        };
        let is_undoable = steps.iter().any(|step| step.step.state == StepState::Done);
        let is_as_before =
            !is_undoable && traces.is_empty() && now.rows == steps[0].step.rows_before;
        settle_rows(self.look, self.session, self.component, journal, now)?;
        let state = super::shown(&self.look.observation.rows);
        Ok(match is_as_before {
            true => Left::AsBefore { state },
            false => Left::At { state, traces, is_undoable },
        })
    }

    /// Marks a failed step. Of an upgrade, the revisions that were completed
    /// are a step that was done, and only the others failed.
    fn split(
        &self,
        step: &mut RecordedStep,
        now: &Observation,
        journal: &mut Journal,
    ) -> Result<Vec<Option<Footprint>>, OpsError> {
        let snapshot = &self.look.snapshot;
        let is_on_the_way = step.step.kind == StepKind::Upgrade
            && now.rows != step.step.rows_before
            && snapshot.knows(&now.rows);
        if !is_on_the_way {
            journal.mark_step(step, StepState::Failed)?;
            return Ok(Vec::new());
        }
        let applied = snapshot.applied(&now.rows);
        let entries = std::mem::take(&mut step.step.entries);
        let (done, rest): (Vec<_>, Vec<_>) = entries.into_iter().partition(|entry| {
            snapshot.graph.node(entry.revision.as_str()).is_some_and(|node| applied[node])
        });
        let failed = DatabaseStep {
            entries: rest,
            rows_before: now.rows.clone(),
            state: StepState::Failed,
            ..step.step.clone()
        };
        step.step.entries = done;
        step.step.rows_after.clone_from(&now.rows);
        journal.mark_step(step, StepState::Done)?;
        journal.record_steps(step.operation, &[failed])?;
        let mut footprints = Vec::new();
        for entry in &step.step.entries {
            let bytes = journal.script(&entry.body)?;
            footprints.push(bytes.and_then(|bytes| read_footprint(&bytes)));
        }
        Ok(footprints)
    }

    fn sqlite(&self) -> Option<DatabaseUrl> {
        let (url, _) = self.look.target.direct()?;
        (url.dialect() == Dialect::Sqlite).then(|| url.clone())
    }
}

/// Where the copy of a database from before an operation lies.
fn backup_path(
    session: &Session,
    operation: OperationId,
    component: &Component,
    target: &DatabaseTarget,
) -> PathBuf {
    let extension = match target.direct().map(|(url, _)| url.dialect()) {
        Some(Dialect::Postgres) => "dump",
        Some(Dialect::MySql) => "sql",
        _ => "db",
    };
    let folder = session.repository.common_dir().join("dbm-git").join("backups");
    folder.join(format!("{operation}-{}.{extension}", component.name.replace('/', "-")))
}

/// What a step did, in words.
pub fn described(step: &DatabaseStep) -> String {
    let ids: Vec<_> = step.entries.iter().map(|entry| &entry.revision).collect();
    match step.kind {
        StepKind::Downgrade => format!("taking down {}", crate::plan::list(&ids)),
        StepKind::Run => format!("running {} by itself", crate::plan::list(&ids)),
        StepKind::SetRows => format!("writing the version rows {}", super::shown(&step.rows_after)),
        StepKind::Upgrade => format!("upgrading to {}", super::shown(&step.rows_after)),
    }
}

/// Notes in the ledger what a step did, once its rows were seen.
pub fn settle_step(
    look: &mut Look,
    session: &Session,
    component: &Component,
    journal: &mut Journal,
    step: &DatabaseStep,
    now: Observation,
) -> Result<(), OpsError> {
    match step.kind {
        StepKind::Downgrade => look.ledger.remove(&step.entries),
        StepKind::Run | StepKind::Upgrade => look.ledger.add(&step.entries),
        StepKind::SetRows => {}
    }
    look.settle(session, component, journal, now)
}

/// Takes back in the ledger what a step did.
pub fn unsettle(look: &mut Look, step: &DatabaseStep) {
    match step.kind {
        StepKind::Downgrade => look.ledger.add(&step.entries),
        StepKind::Run | StepKind::Upgrade => look.ledger.remove(&step.entries),
        StepKind::SetRows => {}
    }
}

/// Notes in the ledger what rows show that a step has left half way: alembic
/// walked with the files of now.
pub fn settle_rows(
    look: &mut Look,
    session: &Session,
    component: &Component,
    journal: &mut Journal,
    now: Observation,
) -> Result<(), OpsError> {
    let explained = explain(&look.ledger, &now, &[vec![&look.snapshot]], &look.snapshot);
    if explained.seen.as_ref() == Some(&now) {
        look.ledger = explained;
    }
    look.observation = now;
    look.judge_again(component);
    look.remember(session, journal, &[])
}
