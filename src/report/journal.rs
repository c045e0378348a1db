//! What was done, undone and recovered.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::sync::render_applied;
use crate::ops::settle::SettleOutcome;
use crate::ops::transaction::{RecoverOutcome, UndoOutcome};
use crate::ops::{JournalEntry, OperationId};

/// `log --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LogReport {
    pub version: u32,
    pub operations: Vec<OperationReport>,
}

/// One operation of the log.
#[derive(Debug, Serialize, JsonSchema)]
pub struct OperationReport {
    pub id: i64,
    #[schemars(extend("enum" = ["rebase", "merge", "create", "migrate", "sync", "restore", "undo"]))]
    pub kind: String,
    #[schemars(extend("enum" = ["prepared", "applied", "undone", "rolled-back", "discarded"]))]
    pub state: String,
    /// RFC 3339, in the local time zone.
    pub time: String,
    /// What was typed.
    pub command: String,
    pub branch: Option<String>,
    /// The commit that was checked out.
    pub head: Option<String>,
    pub worktree: String,
    pub summary: String,
    /// The operation that this one takes back.
    pub undoes: Option<i64>,
    /// What it changed, where a single operation was asked for.
    pub diff: Option<String>,
}

impl LogReport {
    /// The report of `entries`, newest first.
    pub fn new(entries: &[JournalEntry]) -> Self {
        Self { version: 1, operations: entries.iter().map(OperationReport::from).collect() }
    }

    /// The report of one operation with what it changed.
    pub fn with_diff(entry: &JournalEntry, diff: &str) -> Self {
        let diff = Some(diff.to_owned());
        Self { version: 1, operations: vec![OperationReport { diff, ..entry.into() }] }
    }
}

impl From<&JournalEntry> for OperationReport {
    fn from(entry: &JournalEntry) -> Self {
        Self {
            id: entry.id.0,
            kind: entry.kind.to_string(),
            state: entry.state.to_string(),
            time: local_time(entry.created_at),
            command: entry.command.clone(),
            branch: entry.branch.clone(),
            head: entry.head.clone(),
            worktree: entry.worktree.clone(),
            summary: entry.summary.clone(),
            undoes: entry.undoes.map(|id| id.0),
            diff: None,
        }
    }
}

impl fmt::Display for LogReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.operations.is_empty() {
            return writeln!(f, "nothing was done here yet");
        }
        for operation in &self.operations {
            let branch = operation.branch.as_deref().map_or(String::new(), |b| format!(" on {b}"));
            writeln!(
                f,
                "{:>4}  {}  {:<11}  {}{branch}",
                operation.id,
                operation.time.get(..16).unwrap_or(&operation.time).replace('T', " "),
                operation.state,
                operation.summary,
            )?;
            writeln!(f, "      {}", operation.command)?;
        }
        Ok(())
    }
}

pub(super) fn local_time(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(
        |_| seconds.to_string(),
        |time| {
            let zoned = time.to_zoned(jiff::tz::TimeZone::system());
            zoned.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
        },
    )
}

/// `undo --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UndoReport {
    pub version: u32,
    /// The undoing, which can be undone.
    pub operation: i64,
    /// The operation that was taken back.
    pub undone: i64,
    pub summary: String,
    pub files: Vec<String>,
}

impl UndoReport {
    /// The report of an undo.
    pub fn new(outcome: &UndoOutcome) -> Self {
        Self {
            version: 1,
            operation: outcome.id.0,
            undone: outcome.undone.id.0,
            summary: outcome.undone.summary.clone(),
            files: outcome.changes.iter().map(|change| change.path.to_string()).collect(),
        }
    }
}

impl fmt::Display for UndoReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in &self.files {
            writeln!(f, "{file}")?;
        }
        if self.files.is_empty() {
            // Only databases were concerned; `sync` brings them to the heads again.
            return writeln!(
                f,
                "operation {} ({}) is taken back; `dbm-git sync` brings the database forward again",
                self.undone, self.summary
            );
        }
        let count = self.files.len();
        let files = if count == 1 { "file is" } else { "files are" };
        writeln!(
            f,
            "{count} {files} as before operation {} ({}). Take that back with: dbm-git undo {}",
            self.undone, self.summary, self.operation
        )
    }
}

/// `recover --format json` where files were concerned, or nothing was.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RecoverReport {
    pub version: u32,
    #[schemars(extend("enum" = ["nothing-open", "finished", "rolled-back", "discarded"]))]
    pub outcome: String,
    pub operation: Option<i64>,
    /// The files that were written to get there.
    pub files: Vec<String>,
}

impl RecoverReport {
    /// The report of a recovery; one that is blocked is an error, not a report.
    pub fn new(outcome: &RecoverOutcome) -> Self {
        let (word, operation, files) = match outcome {
            RecoverOutcome::NothingOpen => ("nothing-open", None, Vec::new()),
            RecoverOutcome::Finished { operation, written } => {
                ("finished", Some(operation.id.0), written.clone())
            }
            RecoverOutcome::RolledBack { operation, written } => {
                ("rolled-back", Some(operation.id.0), written.clone())
            }
            RecoverOutcome::Discarded { operation, .. } => {
                ("discarded", Some(operation.id.0), Vec::new())
            }
            RecoverOutcome::Blocked { operation, paths } => {
                ("blocked", Some(operation.id.0), paths.clone())
            }
        };
        Self {
            version: 1,
            outcome: word.to_owned(),
            operation,
            files: files.iter().map(ToString::to_string).collect(),
        }
    }
}

impl fmt::Display for RecoverReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(id) = self.operation else {
            return writeln!(f, "nothing to recover: no operation was interrupted here");
        };
        match self.outcome.as_str() {
            "finished" => writeln!(f, "operation {id} is finished: all files are new"),
            "rolled-back" => writeln!(f, "operation {id} is called off: all files are old"),
            _ => writeln!(f, "operation {id} is forgotten: all files stay as they are"),
        }
    }
}

/// `recover --format json` where databases were concerned.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SettleReport {
    pub version: u32,
    #[schemars(extend("enum" = ["nothing-open", "finished", "rolled-back", "discarded"]))]
    pub outcome: &'static str,
    pub operation: Option<i64>,
    /// The copy that was put back, if one was.
    pub restored: Option<String>,
    #[serde(skip)]
    text: String,
}

impl SettleReport {
    /// The report of `outcome`.
    pub fn new(outcome: &SettleOutcome) -> Self {
        let report = |outcome, operation: Option<OperationId>, text: String| Self {
            version: 1,
            outcome,
            operation: operation.map(|id| id.0),
            restored: None,
            text,
        };
        match outcome {
            SettleOutcome::NothingOpen => {
                report("nothing-open", None, "nothing to recover\n".to_owned())
            }
            SettleOutcome::Finished { operation, outcome } => report(
                "finished",
                Some(*operation),
                format!("operation {operation} is finished\n{}", render_applied(outcome)),
            ),
            SettleOutcome::RolledBack { operation, restored } => Self {
                restored: restored.as_ref().map(|path| path.display().to_string()),
                ..report(
                    "rolled-back",
                    Some(*operation),
                    format!(
                        "operation {operation} is called off; the database is as it was before\n"
                    ),
                )
            },
            SettleOutcome::Discarded { operation } => report(
                "discarded",
                Some(*operation),
                format!("operation {operation} is forgotten; the database is as it was found\n"),
            ),
        }
    }
}

impl fmt::Display for SettleReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
