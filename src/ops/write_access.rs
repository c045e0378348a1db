//! The right to change this repository's files: the lock, the journal, and
//! nothing left half done by somebody else.

use super::OpsError;
use super::session::Session;
use super::transaction::{self, RecoverMode, RecoverOutcome, TransactionError, UndoOutcome};
use crate::git::Repository;
use crate::journal::{
    Invocation, Journal, JournalEntry, JournalError, NewOperation, OperationId, OperationKind,
    RepositoryLock, Worktree,
};
use crate::plan::Change;
use crate::workspace::WorkingTree;

/// Held while a command may write; the lock goes with it.
pub struct WriteAccess {
    _lock: RepositoryLock,
    journal: Journal,
    invocation: Invocation,
    /// What was finished or rolled back on the way in.
    pub settled: RecoverOutcome,
}

impl WriteAccess {
    /// Takes the lock and settles an interrupted operation where every file is
    /// either old or new.
    ///
    /// # Errors
    /// [`OpsError::Interrupted`] where some file is neither.
    pub fn begin(repository: &Repository, command: &str, now: i64) -> Result<Self, OpsError> {
        let mut access = Self::locked(repository, command, now)?;
        if !repository.is_bare() {
            access.settled = access.recover(repository, RecoverMode::Auto)?;
            if let RecoverOutcome::Blocked { operation, paths } = &access.settled {
                return Err(OpsError::Interrupted { id: operation.id, paths: paths.clone() });
            }
            if let Some(operation) = access.open_steps()? {
                return Err(OpsError::InterruptedSteps { operation });
            }
        }
        Ok(access)
    }

    /// Takes the lock and looks at nothing; for `recover` itself.
    pub fn locked(repository: &Repository, command: &str, now: i64) -> Result<Self, OpsError> {
        let lock = RepositoryLock::acquire(repository.common_dir(), command)?;
        Ok(Self {
            _lock: lock,
            journal: Journal::open(repository.common_dir())?,
            invocation: Invocation {
                worktree: worktree_of(repository),
                created_at: now,
                command: command.to_owned(),
                head: repository.head()?.map(|id| id.to_string()),
                branch: repository.branch(),
            },
            settled: RecoverOutcome::NothingOpen,
        })
    }

    /// Records and applies `changes` as one operation.
    pub fn run(
        &mut self,
        working_tree: &WorkingTree,
        kind: OperationKind,
        summary: &str,
        changes: &[Change],
    ) -> Result<OperationId, TransactionError> {
        let operation = NewOperation {
            invocation: self.invocation.clone(),
            kind,
            summary: summary.to_owned(),
            undoes: None,
        };
        transaction::run(&mut self.journal, working_tree, &operation, changes)
    }

    /// Records an operation whose steps are taken in databases alone.
    pub fn begin_steps(
        &mut self,
        session: &Session,
        kind: OperationKind,
        summary: &str,
    ) -> Result<OperationId, OpsError> {
        Ok(self.run(session.working_tree()?, kind, summary, &[])?)
    }

    /// Settles the interrupted operation of this worktree.
    pub fn recover(
        &mut self,
        repository: &Repository,
        mode: RecoverMode,
    ) -> Result<RecoverOutcome, OpsError> {
        let working_tree = WorkingTree::new(repository.root());
        let worktree = &self.invocation.worktree;
        Ok(transaction::recover(&mut self.journal, &working_tree, worktree, mode)?)
    }

    /// The operation that an undo would take back; an error where it could not.
    pub fn undoable(
        &mut self,
        repository: &Repository,
        id: Option<OperationId>,
    ) -> Result<OperationId, TransactionError> {
        let working_tree = WorkingTree::new(repository.root());
        let worktree = &self.invocation.worktree;
        let (entry, _) = transaction::undoable(&mut self.journal, &working_tree, worktree, id)?;
        Ok(entry.id)
    }

    /// Takes an operation back, the last one by default.
    pub fn undo(
        &mut self,
        repository: &Repository,
        id: Option<OperationId>,
    ) -> Result<UndoOutcome, TransactionError> {
        let working_tree = WorkingTree::new(repository.root());
        transaction::undo(&mut self.journal, &working_tree, self.invocation.clone(), id)
    }

    /// The operation of this worktree whose steps in a database were interrupted.
    pub fn open_steps(&mut self) -> Result<Option<OperationId>, OpsError> {
        let worktree = self.invocation.worktree.clone();
        Ok(self.journal.open_steps(&worktree)?)
    }

    /// When the command was started, in Unix seconds.
    pub fn started_at(&self) -> i64 {
        self.invocation.created_at
    }

    /// The journal, for what else an operation has to record.
    pub fn journal(&mut self) -> &mut Journal {
        &mut self.journal
    }
}

/// Whether an operation of this worktree may have been interrupted: one `stat`.
pub fn may_be_open(repository: &Repository) -> bool {
    !repository.is_bare() && worktree_of(repository).may_be_open()
}

/// The newest operations of the repository; none where nothing was ever done.
pub fn log(repository: &Repository, limit: u32) -> Result<Vec<JournalEntry>, JournalError> {
    match Journal::open_existing(repository.common_dir())? {
        Some(mut journal) => journal.list(limit),
        None => Ok(Vec::new()),
    }
}

/// One operation, and the changes that it made.
pub fn operation(
    repository: &Repository,
    id: OperationId,
) -> Result<(JournalEntry, Vec<Change>), JournalError> {
    let mut journal = Journal::open_existing(repository.common_dir())?
        .ok_or(JournalError::NoSuchOperation { id })?;
    Ok((journal.operation(id)?, journal.changes(id)?))
}

fn worktree_of(repository: &Repository) -> Worktree {
    Worktree::new(repository.common_dir(), repository.git_dir())
}
