//! Errors as people meet them: what failed, why, and what to do next. The one
//! place for advice: each adapter's error gets its hint here.

use std::error::Error;

use super::exit::Exit;
use crate::git::GitError;
use crate::ops::apply::ApplyRefusal;
use crate::ops::demo::DemoError;
use crate::ops::transaction::TransactionError;
use crate::ops::{JournalError, LockError, OpsError};
use crate::plan::Refusal;

/// What sort of failure it is; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Refused,
    Usage,
    Environment,
    Database,
    Interrupted,
    /// A defect of this program.
    Internal,
}

impl Kind {
    /// The name in the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Usage => "usage",
            Self::Environment => "environment",
            Self::Database => "database",
            Self::Interrupted => "interrupted",
            Self::Internal => "internal",
        }
    }
}

/// A failure, ready to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliError {
    pub kind: Kind,
    pub message: String,
    /// The chain of causes, outermost first.
    pub causes: Vec<String>,
    pub hints: Vec<String>,
}

impl CliError {
    /// Something that was typed makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }

    /// A panic that said `text`.
    pub fn internal(text: &str) -> Self {
        let message = text.to_owned();
        Self { kind: Kind::Internal, message, causes: Vec::new(), hints: Vec::new() }
            .hint("please report it with the command and its output")
    }

    /// An error of the given kind with its chain of causes.
    pub fn of(kind: Kind, error: &dyn Error) -> Self {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        Self { kind, message: error.to_string(), causes, hints: Vec::new() }
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Message and causes in one line.
    pub fn full_message(&self) -> String {
        std::iter::once(&self.message).chain(&self.causes).cloned().collect::<Vec<_>>().join(": ")
    }

    /// The exit code that goes with the kind.
    pub fn exit(&self) -> Exit {
        match self.kind {
            Kind::Refused => Exit::Problems,
            Kind::Usage => Exit::Usage,
            Kind::Environment => Exit::Environment,
            Kind::Database => Exit::Database,
            Kind::Interrupted => Exit::Interrupted,
            Kind::Internal => Exit::Internal,
        }
    }
}

/// What helps against a refusal.
pub fn advice(refusal: &Refusal) -> Option<String> {
    Some(match refusal {
        Refusal::NothingLanded => {
            "say what stays: `dbm-git rebase --onto REVISION`, or name upstream with --base".to_owned()
        }
        Refusal::Broken { .. } | Refusal::Cycle { .. } => {
            "`dbm-git check` shows all that is broken".to_owned()
        }
        Refusal::DuplicateId { .. } => {
            "give one of the files another id, or let `ids = \"sequential\"` renumber".to_owned()
        }
        Refusal::LandedDiverged { .. } => "`dbm-git merge` writes the merge revision".to_owned(),
        Refusal::Shared { .. } => {
            "others may have run them: talk to them, then say --include-shared".to_owned()
        }
        Refusal::Landed { .. } => {
            "`dbm-git merge` needs no rewriting; `rebase REV --onto X --landed` rewrites all the same"
                .to_owned()
        }
        Refusal::LandedOnOwn { .. } => {
            "give the landed revision its down revision back: `dbm-git check --base` says which"
                .to_owned()
        }
        Refusal::FileExists { .. } => "move that file away, or remove it, and try again".to_owned(),
        Refusal::Edit { .. } => "write the value as a plain string, then try again".to_owned(),
        Refusal::Reference(_) => "`dbm-git graph` lists the revisions".to_owned(),
        Refusal::OntoDescendant { .. } => return None,
        Refusal::OntoDiverged { .. } => "name the head that they have to follow".to_owned(),
        Refusal::Unsound { .. } => "`dbm-git graph` shows the history as it is now".to_owned(),
    })
}

fn journal_advice(error: &JournalError, of: impl Fn(Kind) -> CliError) -> CliError {
    match error {
        JournalError::NoSuchOperation { .. } => {
            of(Kind::Usage).hint("`dbm-git log` lists what was done")
        }
        _ => of(Kind::Environment),
    }
}

impl From<OpsError> for CliError {
    // One exhaustive match: a new error stops the build until someone has
    // thought of the advice.
    fn from(error: OpsError) -> Self {
        let of = |kind| Self::of(kind, &error);
        match &error {
            OpsError::Git(git) => match git {
                GitError::NoRepository => of(Kind::Environment)
                    .hint("run it in a repository, or name one with -C DIR"),
                GitError::Open { .. } => of(Kind::Environment)
                    .hint("`git status` there says what git itself makes of it"),
                GitError::UnknownCommit { spec } => of(Kind::Usage).hint(format!(
                    "`git fetch` may bring it; `git log {spec}` shows what git makes of it"
                )),
                GitError::UnknownUpstream { .. } => of(Kind::Environment)
                    .hint("`git fetch` it, or mend `upstream` in dbm-git.toml"),
                GitError::Git { .. } => of(Kind::Environment)
                    .hint("`git fsck` tells whether the repository is sound"),
                GitError::Command { .. } => of(Kind::Refused)
                    .hint("the files are changed already; `dbm-git undo` takes that back"),
                GitError::Spawn { .. } => of(Kind::Environment).hint("is git on PATH?"),
            },
            OpsError::Project(_) => of(Kind::Environment),
            OpsError::Tree(_) => of(Kind::Environment),
            OpsError::Workspace(_) => of(Kind::Refused),
            OpsError::Journal(journal) => journal_advice(journal, of),
            OpsError::Lock(LockError::Held { .. }) => {
                of(Kind::Environment).hint("try again when it is done")
            }
            OpsError::Lock(LockError::Io { .. }) => of(Kind::Environment),
            OpsError::Transaction(transaction) => match transaction {
                TransactionError::Interrupted { .. } => of(Kind::Interrupted)
                    .hint("`dbm-git recover --finish` or `--rollback` settles it"),
                TransactionError::Journal(journal) => journal_advice(journal, of),
                TransactionError::Workspace(_) => of(Kind::Refused),
                TransactionError::NothingToUndo => of(Kind::Refused)
                    .hint("`dbm-git log` lists what was done"),
                TransactionError::NotApplied { .. } | TransactionError::OtherWorktree { .. } => {
                    of(Kind::Refused).hint("`dbm-git log` lists what was done, and where")
                }
                TransactionError::UndoConflict { id, .. } => of(Kind::Refused).hint(format!(
                    "`dbm-git log {id}` shows what it changed; bring the files back by hand, or commit \
                     them as they are"
                )),
            },
            OpsError::Database(_) => of(Kind::Database)
                .hint("name the database with --database-url, or with `database-url` in dbm-git.toml"),
            OpsError::Alembic(_) => of(Kind::Database)
                .hint("the files are changed already; `dbm-git undo` takes that back"),
            OpsError::ApplyRefused { refusal, .. } => {
                let shown = of(Kind::Refused);
                match refusal {
                    ApplyRefusal::AlreadyApplied { .. } => shown.hint(
                        "go down with the old files first (`alembic downgrade` to the common revision), \
                         then rebase and apply; or run without --apply and mend the database by hand",
                    ),
                    ApplyRefusal::Foreign { .. } => shown.hint(
                        "switch to the branch that has them and go down there, then come back",
                    ),
                    ApplyRefusal::Overlapping { low, .. } => shown.hint(format!(
                        "delete the row `{low}` from the version table: its descendant says as much"
                    )),
                    ApplyRefusal::Broken => shown.hint("`dbm-git check` shows the errors"),
                    ApplyRefusal::NoConfig => {
                        shown.hint("name the ini with `config` in dbm-git.toml")
                    }
                    ApplyRefusal::NoAlembic => shown.hint(
                        "activate the project's environment, or set `alembic = [..]` in dbm-git.toml",
                    ),
                    ApplyRefusal::TwoRoads { .. } => shown.hint(
                        "env.py seems to take another URL: name that one with --database-url",
                    ),
                }
            }
            OpsError::UnexpectedRows { .. } => of(Kind::Database)
                .hint("`alembic current` and `dbm-git status` show where it is"),
            OpsError::DatabaseMoved { .. } => of(Kind::Refused).hint(
                "`dbm-git undo --keep-database` takes the files back only",
            ),
            OpsError::Interrupted { .. } => of(Kind::Interrupted).hint(
                "`dbm-git recover --finish` makes all files new, `--rollback` all old, \
                 `--discard` leaves them as they are",
            ),
            OpsError::NoComponent { notes } => {
                let mut shown = of(Kind::Environment).hint(
                    "name one in dbm-git.toml: `[components.default]` with `config` or `script-location`",
                );
                shown.hints.extend(notes.iter().cloned());
                shown
            }
            OpsError::UnknownComponent { known, .. } => of(Kind::Usage)
                .hint(format!("there are: {}", known.join(", "))),
            OpsError::Bare => of(Kind::Environment).hint("--at COMMIT looks at a commit instead"),
            OpsError::NothingCheckedOut => of(Kind::Environment),
            OpsError::Seen(_) => of(Kind::Environment),
        }
    }
}

impl From<DemoError> for CliError {
    fn from(error: DemoError) -> Self {
        match &error {
            DemoError::Stage(_) => {
                Self::of(Kind::Environment, &error).hint("the demo needs git on PATH")
            }
            DemoError::Code { .. } | DemoError::Output { .. } => Self::of(Kind::Refused, &error)
                .hint("--keep leaves the scratch folder behind, to look at"),
        }
    }
}
