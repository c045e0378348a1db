//! Steps taken in databases: written down before they run, marked once the
//! version rows were read again.

use std::path::PathBuf;

use sqlx::sqlite::SqliteRow;
use sqlx::{Connection, Row};

use super::ledger::{lines, read_entries, written_entries};
use super::{Journal, JournalError, OperationId, Worktree};
use crate::plan::LedgerEntry;

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// Revisions go down: one, by the script that it ran from, or with a target.
    Downgrade,
    /// One revision runs by itself.
    Run,
    /// Only the version rows are written.
    SetRows,
    /// Alembic's own `upgrade`, with the project's files.
    Upgrade,
}

impl StepKind {
    const ALL: [Self; 4] = [Self::Downgrade, Self::Run, Self::SetRows, Self::Upgrade];

    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Downgrade => "downgrade",
            Self::Run => "run",
            Self::SetRows => "set-rows",
            Self::Upgrade => "upgrade",
        }
    }
}

/// How far a step has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    Planned,
    /// It may have run, or a part of it.
    Started,
    Done,
    Failed,
    /// It was planned, and never will be run.
    CalledOff,
    /// It was done, and undone.
    TakenBack,
}

impl StepState {
    const ALL: [Self; 6] =
        [Self::Planned, Self::Started, Self::Done, Self::Failed, Self::CalledOff, Self::TakenBack];

    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Started => "started",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::CalledOff => "called-off",
            Self::TakenBack => "taken-back",
        }
    }
}

/// One step in one component's database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseStep {
    pub component: String,
    /// The URL as it may be shown.
    pub database: String,
    /// Which database it is; empty where nobody wrote it down.
    pub identity: String,
    pub kind: StepKind,
    /// What alembic is told to go to, with the project's own files; `None` where
    /// a scratch project holds nothing but the one revision.
    pub target: Option<String>,
    /// What runs, in order: what the ledger has of it, or gets.
    pub entries: Vec<LedgerEntry>,
    /// Version rows, sorted.
    pub rows_before: Vec<String>,
    pub rows_after: Vec<String>,
    pub state: StepState,
    /// What the schema was when it was started.
    pub content: Option<String>,
}

/// A step that is written down, by its place in its operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedStep {
    pub operation: OperationId,
    pub seq: i64,
    pub step: DatabaseStep,
}

impl Journal {
    /// Writes down, durably, what is about to be done to databases.
    pub fn record_steps(
        &mut self,
        operation: OperationId,
        steps: &[DatabaseStep],
    ) -> Result<Vec<RecordedStep>, JournalError> {
        self.database.ask("record the steps", async |connection| {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            let first: i64 = sqlx::query_scalar(
                "SELECT coalesce(max(seq) + 1, 0) FROM step WHERE operation = ?",
            )
            .bind(operation.0)
            .fetch_one(&mut *transaction)
            .await?;
            let mut recorded = Vec::with_capacity(steps.len());
            for (seq, step) in (first..).zip(steps) {
                sqlx::query(
                    "INSERT INTO step (operation, seq, component, database, identity, kind, \
                     target, revisions, rows_before, rows_after, state, content) \
                     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                )
                .bind(operation.0)
                .bind(seq)
                .bind(&step.component)
                .bind(&step.database)
                .bind(&step.identity)
                .bind(step.kind.as_str())
                .bind(&step.target)
                .bind(written_entries(&step.entries))
                .bind(step.rows_before.join("\n"))
                .bind(step.rows_after.join("\n"))
                .bind(step.state.as_str())
                .bind(&step.content)
                .execute(&mut *transaction)
                .await?;
                recorded.push(RecordedStep { operation, seq, step: step.clone() });
            }
            transaction.commit().await?;
            Ok(recorded)
        })
    }

    /// Marks how far a step has come, durably.
    pub fn mark_step(
        &mut self,
        recorded: &mut RecordedStep,
        state: StepState,
    ) -> Result<(), JournalError> {
        recorded.step.state = state;
        let RecordedStep { operation, seq, step } = &*recorded;
        self.database.ask("mark the step", async |connection| {
            sqlx::query(
                "UPDATE step SET state = ?, content = ?, revisions = ?, rows_after = ? \
                 WHERE operation = ? AND seq = ?",
            )
            .bind(step.state.as_str())
            .bind(&step.content)
            .bind(written_entries(&step.entries))
            .bind(step.rows_after.join("\n"))
            .bind(operation.0)
            .bind(*seq)
            .execute(connection)
            .await?;
            Ok(())
        })
    }

    /// Marks a step and those that took it back, in one transaction: whoever is
    /// killed must not find the one without the other.
    pub fn mark_taken_back(
        &mut self,
        undone: &RecordedStep,
        inverse: &mut [RecordedStep],
    ) -> Result<(), JournalError> {
        let steps = inverse.iter().map(|step| step.seq).chain([undone.seq]);
        let steps: Vec<i64> = steps.collect();
        let operation = undone.operation.0;
        self.database.ask("mark the step", async |connection| {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            for seq in steps {
                sqlx::query("UPDATE step SET state = ? WHERE operation = ? AND seq = ?")
                    .bind(StepState::TakenBack.as_str())
                    .bind(operation)
                    .bind(seq)
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await
        })?;
        for step in inverse {
            step.step.state = StepState::TakenBack;
        }
        Ok(())
    }

    /// The steps of an operation, in order.
    pub fn steps(&mut self, operation: OperationId) -> Result<Vec<RecordedStep>, JournalError> {
        let rows = self.database.ask("read the steps", async |connection| {
            sqlx::query("SELECT * FROM step WHERE operation = ? ORDER BY seq")
                .bind(operation.0)
                .fetch_all(connection)
                .await
        })?;
        rows.iter().map(|row| read_step(row).ok_or_else(|| self.database.damaged())).collect()
    }

    /// The newest operation of a worktree with steps, or an exchange, that are
    /// neither finished nor called off.
    pub fn open_steps(&mut self, worktree: &Worktree) -> Result<Option<OperationId>, JournalError> {
        let id: Option<i64> =
            self.database.ask("look for interrupted steps", async |connection| {
                sqlx::query_scalar(
                    "SELECT max(id) FROM operation WHERE worktree = ? AND (\
                     id IN (SELECT operation FROM step WHERE state IN ('planned', 'started')) \
                     OR id IN (SELECT operation FROM exchange WHERE state = 'started'))",
                )
                .bind(worktree.name())
                .fetch_one(connection)
                .await
            })?;
        Ok(id.map(OperationId))
    }

    /// Writes down where a copy of a component's database lies.
    pub fn record_backup(
        &mut self,
        operation: OperationId,
        component: &str,
        path: &str,
    ) -> Result<(), JournalError> {
        self.database.ask("record the backup", async |connection| {
            sqlx::query(
                "INSERT OR REPLACE INTO backup (operation, component, path) VALUES (?, ?, ?)",
            )
            .bind(operation.0)
            .bind(component)
            .bind(path)
            .execute(connection)
            .await?;
            Ok(())
        })
    }

    /// Where the copy of a component's database from before an operation lies.
    pub fn backup(
        &mut self,
        operation: OperationId,
        component: &str,
    ) -> Result<Option<PathBuf>, JournalError> {
        let path: Option<String> =
            self.database.ask("look for the backup", async |connection| {
                sqlx::query_scalar("SELECT path FROM backup WHERE operation = ? AND component = ?")
                    .bind(operation.0)
                    .bind(component)
                    .fetch_optional(connection)
                    .await
            })?;
        Ok(path.map(PathBuf::from))
    }
}

/// The components in whose databases steps are, each once, in order.
pub fn components_of(steps: &[RecordedStep]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for RecordedStep { step, .. } in steps {
        if !names.contains(&step.component) {
            names.push(step.component.clone());
        }
    }
    names
}

fn read_step(row: &SqliteRow) -> Option<RecordedStep> {
    let word: &str = row.try_get("kind").ok()?;
    let kind = StepKind::ALL.into_iter().find(|kind| kind.as_str() == word)?;
    let word: &str = row.try_get("state").ok()?;
    let state = StepState::ALL.into_iter().find(|state| state.as_str() == word)?;
    let entries = read_entries(row.try_get("revisions").ok()?)?;
    Some(RecordedStep {
        operation: OperationId(row.try_get("operation").ok()?),
        seq: row.try_get("seq").ok()?,
        step: DatabaseStep {
            component: row.try_get("component").ok()?,
            database: row.try_get("database").ok()?,
            identity: row.try_get("identity").ok()?,
            kind,
            target: row.try_get("target").ok()?,
            entries,
            rows_before: lines(row.try_get("rows_before").ok()?),
            rows_after: lines(row.try_get("rows_after").ok()?),
            state,
            content: row.try_get("content").ok()?,
        },
    })
}
