//! Changes of files that survive a kill at any moment, and their recovery and undo.
//!
//! The order of [`run`], and what a death leaves behind:
//!
//! 1. *Mark* the worktree. Died before 2: a mark without an open operation;
//!    stale, and removed by the next command that writes.
//! 2. *Record* the operation with all images, synced. Died before 3: all files old.
//! 3. *Apply*. Died in between: each file old or new, and the journal has both.
//! 4. *Close* the operation. Died before it: all files new, and only to be closed.
//! 5. *Remove the mark*. Died before it: stale again.
//!
//! The mark comes first and goes last because readers trust its absence. Writers
//! trust only the database. Every function here that writes expects its caller to
//! hold the [`RepositoryLock`](crate::journal::RepositoryLock).

use crate::journal::{
    Invocation, Journal, JournalEntry, JournalError, NewOperation, OperationId, OperationKind,
    OperationState, Worktree,
};
use crate::plan::{
    Change, FileState, FileStates, Recovery, UndoConflict, inverse, plan_recovery, plan_undo,
};
use crate::tree::RepoPath;
use crate::workspace::{WorkingTree, WorkspaceError, fault};

/// Why files were not changed.
#[derive(Debug, thiserror::Error)]
pub enum TransactionError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Nothing was changed, or all of it was taken back.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    #[error("operation {id} was interrupted, and could not be taken back")]
    Interrupted { id: OperationId, source: WorkspaceError },
    #[error("there is nothing to undo")]
    NothingToUndo,
    #[error("operation {id} is {state}, and only an applied one can be undone")]
    NotApplied { id: OperationId, state: OperationState },
    #[error("operation {id} happened in another worktree (`{worktree}`)")]
    OtherWorktree { id: OperationId, worktree: String },
    #[error("operation {id} cannot be undone")]
    UndoConflict { id: OperationId, source: UndoConflict },
}

/// What is to become of an interrupted operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecoverMode {
    /// What is safe without asking: nothing written is called off, anything written is completed.
    Auto,
    /// All files new.
    Finish,
    /// All files old.
    Rollback,
    /// All files as they are; the operation is forgotten.
    Discard,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecoverOutcome {
    /// No operation was open in this worktree.
    NothingOpen,
    /// All files are new; `written` are those that were still old.
    Finished { operation: JournalEntry, written: Vec<RepoPath> },
    /// All files are old; `written` are those that were new already.
    RolledBack { operation: JournalEntry, written: Vec<RepoPath> },
    /// The files are as they were found.
    Discarded { operation: JournalEntry, states: FileStates },
    /// Still open, nothing touched: these files are neither old nor new.
    Blocked { operation: JournalEntry, paths: Vec<RepoPath> },
}

/// What an undo did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoOutcome {
    /// The undo itself, which can be undone by this number.
    pub id: OperationId,
    pub undone: JournalEntry,
    pub changes: Vec<Change>,
}

/// Records `changes` as an operation and applies them: all of them, or none.
pub fn run(
    journal: &mut Journal,
    workspace: &WorkingTree,
    operation: &NewOperation,
    changes: &[Change],
) -> Result<OperationId, TransactionError> {
    workspace.validate(changes)?;
    let worktree = &operation.invocation.worktree;
    fault::point("mark: before");
    worktree.set_mark()?;
    fault::point("record: before");
    let id = journal.record(operation, changes)?;
    fault::point("record: after");
    match workspace.apply(changes) {
        Ok(_) => {
            close(journal, worktree, id, OperationState::Applied)?;
            Ok(id)
        }
        Err(failure) => Err(take_back(journal, workspace, worktree, id, changes, failure)),
    }
}

/// Settles the operation that is open in `worktree`, if there is one.
pub fn recover(
    journal: &mut Journal,
    workspace: &WorkingTree,
    worktree: &Worktree,
    mode: RecoverMode,
) -> Result<RecoverOutcome, TransactionError> {
    let Some(operation) = journal.open_operation(worktree)? else {
        worktree.clear_mark()?;
        return Ok(RecoverOutcome::NothingOpen);
    };
    let changes = journal.changes(operation.id)?;
    let states = workspace.classify(&changes)?;
    let is_forward = match (mode, plan_recovery(&states)) {
        (RecoverMode::Discard, _) => {
            close(journal, worktree, operation.id, OperationState::Discarded)?;
            return Ok(RecoverOutcome::Discarded { operation, states });
        }
        (_, Recovery::Foreign { paths }) => {
            return Ok(RecoverOutcome::Blocked { operation, paths });
        }
        (RecoverMode::Finish, _) => true,
        (RecoverMode::Rollback, _) => false,
        // Nobody has seen an effect of it yet, and who runs another command now
        // does not expect one any more.
        (RecoverMode::Auto, Recovery::AllOld) => false,
        (RecoverMode::Auto, Recovery::AllNew | Recovery::Mixed) => true,
    };
    // Also when all files are right already: what the dead process has left
    // beside them (temporary files, stale caches) goes too.
    if is_forward {
        let written = workspace.apply(&changes)?.written;
        close(journal, worktree, operation.id, OperationState::Applied)?;
        Ok(RecoverOutcome::Finished { operation, written })
    } else {
        let written = workspace.apply(&inverse(&changes))?.written;
        close(journal, worktree, operation.id, OperationState::RolledBack)?;
        Ok(RecoverOutcome::RolledBack { operation, written })
    }
}

/// Takes an operation back, by default the last one of the worktree that is not an undo.
pub fn undo(
    journal: &mut Journal,
    workspace: &WorkingTree,
    invocation: Invocation,
    id: Option<OperationId>,
) -> Result<UndoOutcome, TransactionError> {
    let undone = match id {
        Some(id) => journal.operation(id)?,
        None => {
            journal.last_undoable(&invocation.worktree)?.ok_or(TransactionError::NothingToUndo)?
        }
    };
    let id = undone.id;
    if undone.worktree != invocation.worktree.name() {
        return Err(TransactionError::OtherWorktree { id, worktree: undone.worktree });
    }
    if undone.state != OperationState::Applied {
        return Err(TransactionError::NotApplied { id, state: undone.state });
    }
    let recorded = journal.changes(id)?;
    let current = recorded
        .iter()
        .map(|change| workspace.image(&change.path))
        .collect::<Result<Vec<_>, WorkspaceError>>()?;
    let changes = plan_undo(&recorded, &current)
        .map_err(|source| TransactionError::UndoConflict { id, source })?;
    let operation = NewOperation {
        invocation,
        kind: OperationKind::Undo,
        summary: format!("undo operation {id}: {}", undone.summary),
        undoes: Some(id),
    };
    let id = run(journal, workspace, &operation, &changes)?;
    Ok(UndoOutcome { id, undone, changes })
}

fn close(
    journal: &mut Journal,
    worktree: &Worktree,
    id: OperationId,
    state: OperationState,
) -> Result<(), JournalError> {
    fault::point("close: before");
    journal.mark(id, state)?;
    fault::point("close: after");
    worktree.clear_mark()?;
    fault::point("mark: removed");
    Ok(())
}

/// Takes back what a failed `apply` has written; the error to tell.
fn take_back(
    journal: &mut Journal,
    workspace: &WorkingTree,
    worktree: &Worktree,
    id: OperationId,
    changes: &[Change],
    failure: WorkspaceError,
) -> TransactionError {
    let written = match workspace.classify(changes) {
        Err(source) => return TransactionError::Interrupted { id, source },
        Ok(states) => {
            let is_new = |(_, state): &(RepoPath, FileState)| *state == FileState::New;
            states.iter().any(is_new)
        }
    };
    // A file edited by someone else stands in the way of a rollback, but not if
    // there is nothing to roll back.
    if written && workspace.apply(&inverse(changes)).is_err() {
        return TransactionError::Interrupted { id, source: failure };
    }
    match close(journal, worktree, id, OperationState::RolledBack) {
        Ok(()) => TransactionError::Workspace(failure),
        Err(error) => TransactionError::Journal(error),
    }
}
