//! What the journal knows of one operation.

use std::fmt;

use super::Worktree;

/// The number of an operation; never used twice in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperationId(pub i64);

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What kind of operation it was: the command it came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationKind {
    Rebase,
    Merge,
    Create,
    Migrate,
    Sync,
    /// A snapshot was put in a database's place.
    Restore,
    Undo,
}

impl OperationKind {
    const ALL: [Self; 7] = [
        Self::Rebase,
        Self::Merge,
        Self::Create,
        Self::Migrate,
        Self::Sync,
        Self::Restore,
        Self::Undo,
    ];

    /// The word for it, in the journal and for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rebase => "rebase",
            Self::Merge => "merge",
            Self::Create => "create",
            Self::Migrate => "migrate",
            Self::Sync => "sync",
            Self::Restore => "restore",
            Self::Undo => "undo",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

impl fmt::Display for OperationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far an operation has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationState {
    /// Open: recorded, and perhaps begun.
    Prepared,
    Applied,
    /// Taken back by a later operation.
    Undone,
    /// Called off before it was complete; the files are as before.
    RolledBack,
    /// Given up on; the files are as someone left them.
    Discarded,
}

impl OperationState {
    const ALL: [Self; 5] =
        [Self::Prepared, Self::Applied, Self::Undone, Self::RolledBack, Self::Discarded];

    /// The word for it, in the journal and for people.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Prepared => "prepared",
            Self::Applied => "applied",
            Self::Undone => "undone",
            Self::RolledBack => "rolled-back",
            Self::Discarded => "discarded",
        }
    }

    pub(super) fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

impl fmt::Display for OperationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Where, when and by which command an operation was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invocation {
    pub worktree: Worktree,
    /// Unix seconds.
    pub created_at: i64,
    /// The command line as typed, without secrets.
    pub command: String,
    /// The commit checked out; `None` on an unborn branch.
    pub head: Option<String>,
    /// The branch checked out; `None` for a detached HEAD.
    pub branch: Option<String>,
}

/// An operation that is about to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOperation {
    pub invocation: Invocation,
    pub kind: OperationKind,
    /// One line for `dbm-git log`.
    pub summary: String,
    /// The operation that this one takes back.
    pub undoes: Option<OperationId>,
}

/// A recorded operation, without its changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    pub id: OperationId,
    pub kind: OperationKind,
    /// The [name](Worktree::name) of the worktree it happened in.
    pub worktree: String,
    pub state: OperationState,
    /// Unix seconds.
    pub created_at: i64,
    pub command: String,
    pub head: Option<String>,
    pub branch: Option<String>,
    pub summary: String,
    pub undoes: Option<OperationId>,
}
