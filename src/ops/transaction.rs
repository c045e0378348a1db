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

impl UndoOutcome {
    /// Whether an undo was taken back: that brings files only.
    pub fn is_of_an_undo(&self) -> bool {
        self.undone.kind == OperationKind::Undo
    }
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

/// The operation that [`undo`] would take back, and how; an error where it could not.
pub fn undoable(
    journal: &mut Journal,
    workspace: &WorkingTree,
    worktree: &Worktree,
    id: Option<OperationId>,
) -> Result<(JournalEntry, Vec<Change>), TransactionError> {
    let undone = match id {
        Some(id) => journal.operation(id)?,
        None => journal.last_undoable(worktree)?.ok_or(TransactionError::NothingToUndo)?,
    };
    let id = undone.id;
    if undone.worktree != worktree.name() {
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
    Ok((undone, changes))
}

/// Takes an operation back, by default the last one of the worktree that is not an undo.
pub fn undo(
    journal: &mut Journal,
    workspace: &WorkingTree,
    invocation: Invocation,
    id: Option<OperationId>,
) -> Result<UndoOutcome, TransactionError> {
    let (undone, changes) = undoable(journal, workspace, &invocation.worktree, id)?;
    let id = undone.id;
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make and damage files")]
mod tests {
    use std::collections::BTreeMap;
    use std::fs;

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;
    use crate::plan::Image;

    /// A folder that stands for a worktree, with a `.git` that only the journal uses.
    struct Repository {
        folder: TempDir,
        journal: Journal,
    }

    impl Repository {
        fn new(files: &[(&str, &str)]) -> Self {
            let folder = tempfile::tempdir().expect("a folder");
            let git_dir = folder.path().join(".git");
            fs::create_dir(&git_dir).expect("made");
            let journal = Journal::open(&git_dir).expect("opens");
            let repository = Self { folder, journal };
            for (name, text) in files {
                repository.write(name, text);
            }
            repository
        }

        fn write(&self, name: &str, text: &str) {
            fs::write(self.folder.path().join(name), text).expect("written");
        }

        fn tree(&self) -> WorkingTree {
            WorkingTree::new(self.folder.path())
        }

        fn worktree(&self) -> Worktree {
            let git_dir = self.folder.path().join(".git");
            Worktree::new(&git_dir, &git_dir)
        }

        fn invocation(&self) -> Invocation {
            Invocation {
                worktree: self.worktree(),
                created_at: 1_700_000_000,
                command: "dbm-git rebase".to_owned(),
                head: None,
                branch: Some("feature".to_owned()),
            }
        }

        fn operation(&self) -> NewOperation {
            NewOperation {
                invocation: self.invocation(),
                kind: OperationKind::Rebase,
                summary: "1 revision rebased".to_owned(),
                undoes: None,
            }
        }

        fn run(&mut self, changes: &[Change]) -> Result<OperationId, TransactionError> {
            let (tree, operation) = (self.tree(), self.operation());
            run(&mut self.journal, &tree, &operation, changes)
        }

        fn undo(&mut self, id: Option<i64>) -> Result<UndoOutcome, TransactionError> {
            let (tree, invocation) = (self.tree(), self.invocation());
            undo(&mut self.journal, &tree, invocation, id.map(OperationId))
        }

        fn recover(&mut self, mode: RecoverMode) -> RecoverOutcome {
            let (tree, worktree) = (self.tree(), self.worktree());
            recover(&mut self.journal, &tree, &worktree, mode).expect("recovered")
        }

        /// Leaves an operation open, as a process that was killed while it applied.
        fn interrupt(&mut self, changes: &[Change], written: &[Change]) {
            self.worktree().set_mark().expect("set");
            let operation = self.operation();
            self.journal.record(&operation, changes).expect("recorded");
            self.tree().apply(written).expect("applied");
        }

        /// `name=text` of all files, sorted.
        fn files(&self) -> String {
            let mut files: Vec<String> = fs::read_dir(self.folder.path())
                .expect("readable")
                .map(|entry| entry.expect("readable").path())
                .filter(|path| path.is_file())
                .map(|path| {
                    let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                    format!("{name}={}", fs::read_to_string(path).expect("readable"))
                })
                .collect();
            files.sort();
            files.join(" ")
        }

        fn states(&mut self) -> String {
            let entries = self.journal.list(100).expect("listed");
            let words: Vec<_> =
                entries.iter().rev().map(|e| format!("{} {}", e.kind, e.state)).collect();
            words.join(", ")
        }
    }

    fn change(path: &str, before: Option<&str>, after: Option<&str>) -> Change {
        let image = |text: &str| Image { bytes: text.into(), mode: 0o644 };
        let path = RepoPath::new(path).expect("inside");
        Change { path, before: before.map(image), after: after.map(image) }
    }

    fn three() -> (Repository, Vec<Change>) {
        let changes = vec![
            change("a", Some("1"), Some("2")),
            change("b", None, Some("2")),
            change("c", Some("1"), None),
        ];
        (Repository::new(&[("a", "1"), ("c", "1")]), changes)
    }

    #[test]
    fn an_undo_can_be_undone() {
        let (mut repository, changes) = three();
        repository.run(&changes).expect("applied");
        assert_eq!(repository.files(), "a=2 b=2");
        assert!(!repository.worktree().may_be_open());
        let undo = repository.undo(None).expect("undone");
        assert_eq!(repository.files(), "a=1 c=1");
        repository.undo(Some(undo.id.0)).expect("undone");
        assert_eq!(repository.files(), "a=2 b=2");
        assert_eq!(repository.states(), "rebase applied, undo undone, undo applied");
    }

    #[test]
    fn an_undo_is_refused_when_a_file_has_changed_since() {
        let (mut repository, changes) = three();
        repository.run(&changes).expect("applied");
        repository.write("a", "edited");
        repository.write("c", "back");
        let Err(TransactionError::UndoConflict { source, .. }) = repository.undo(None) else {
            panic!("not refused");
        };
        assert_eq!(source.to_string(), "changed since the operation: `a`, `c`");
        assert_eq!(repository.files(), "a=edited b=2 c=back");
        assert_eq!(repository.states(), "rebase applied");
    }

    #[test]
    fn only_what_is_applied_can_be_undone() {
        let (mut repository, changes) = three();
        assert!(matches!(repository.undo(None), Err(TransactionError::NothingToUndo)));
        repository.run(&changes).expect("applied");
        repository.undo(None).expect("undone");
        let error = repository.undo(Some(1)).expect_err("refused").to_string();
        assert_eq!(error, "operation 1 is undone, and only an applied one can be undone");
    }

    #[test]
    fn a_plan_that_no_longer_fits_leaves_no_trace() {
        let (mut repository, changes) = three();
        repository.write("a", "edited");
        let error = repository.run(&changes).expect_err("refused").to_string();
        assert_eq!(error, "edited by someone else: `a`");
        assert_eq!(repository.states(), "");
        assert!(!repository.worktree().may_be_open());
    }

    #[test]
    fn a_failure_halfway_is_taken_back_at_once() {
        let mut repository = Repository::new(&[("a", "1")]);
        // `x` becomes a file, so that `x/y` cannot be created below it.
        let changes = [
            change("a", Some("1"), Some("2")),
            change("x", None, Some("2")),
            change("x/y", None, Some("2")),
        ];
        let error = repository.run(&changes).expect_err("impossible").to_string();
        assert_eq!(error, "cannot write `x/y`");
        assert_eq!(repository.files(), "a=1");
        assert_eq!(repository.states(), "rebase rolled-back");
        assert!(!repository.worktree().may_be_open());
    }

    #[test]
    fn an_interrupted_operation_is_completed_or_called_off_by_what_was_written() {
        let (mut repository, changes) = three();
        repository.interrupt(&changes, &[]);
        let outcome = repository.recover(RecoverMode::Auto);
        assert!(matches!(outcome, RecoverOutcome::RolledBack { .. }), "{outcome:?}");
        assert_eq!(repository.files(), "a=1 c=1");

        repository.interrupt(&changes, &changes[1..2]);
        let RecoverOutcome::Finished { written, .. } = repository.recover(RecoverMode::Auto) else {
            panic!("not finished");
        };
        let written: Vec<_> = written.iter().map(RepoPath::as_str).collect();
        assert_eq!(written, ["a", "c"]);
        assert_eq!(repository.files(), "a=2 b=2");

        let back = inverse(&changes);
        repository.interrupt(&back, &back);
        let outcome = repository.recover(RecoverMode::Auto);
        assert!(matches!(outcome, RecoverOutcome::Finished { .. }), "{outcome:?}");
        assert_eq!(repository.files(), "a=1 c=1");
        assert_eq!(repository.recover(RecoverMode::Auto), RecoverOutcome::NothingOpen);
        assert_eq!(repository.states(), "rebase rolled-back, rebase applied, rebase applied");
    }

    #[test]
    fn a_person_decides_the_direction() {
        let (mut repository, changes) = three();
        repository.interrupt(&changes, &changes[1..2]);
        assert!(matches!(
            repository.recover(RecoverMode::Rollback),
            RecoverOutcome::RolledBack { written, .. } if written.len() == 1
        ));
        assert_eq!(repository.files(), "a=1 c=1");
        repository.interrupt(&changes, &[]);
        assert!(matches!(
            repository.recover(RecoverMode::Finish),
            RecoverOutcome::Finished { written, .. } if written.len() == 3
        ));
        assert_eq!(repository.files(), "a=2 b=2");
    }

    #[test]
    fn a_later_edit_blocks_recovery_until_it_is_discarded() {
        let (mut repository, changes) = three();
        repository.interrupt(&changes, &changes[1..2]);
        repository.write("a", "edited");
        for mode in [RecoverMode::Auto, RecoverMode::Finish, RecoverMode::Rollback] {
            let RecoverOutcome::Blocked { paths, .. } = repository.recover(mode) else {
                panic!("not blocked: {mode:?}");
            };
            assert_eq!(paths, [RepoPath::new("a").expect("inside")]);
        }
        let error = repository.run(&[]).expect_err("refused").to_string();
        assert_eq!(error, "operation 1 is still open in this worktree");
        assert!(repository.worktree().may_be_open());
        assert!(matches!(
            repository.recover(RecoverMode::Discard),
            RecoverOutcome::Discarded { .. }
        ));
        assert_eq!(repository.files(), "a=edited b=2 c=1");
        assert!(!repository.worktree().may_be_open());
        repository.run(&[]).expect("no longer open");
    }

    #[test]
    fn a_stale_mark_is_removed() {
        let (mut repository, _) = three();
        repository.worktree().set_mark().expect("set");
        assert_eq!(repository.recover(RecoverMode::Auto), RecoverOutcome::NothingOpen);
        assert!(!repository.worktree().may_be_open());
    }

    fn image() -> impl Strategy<Value = Image> {
        let mode = prop::sample::select(vec![0o600_u32, 0o644, 0o755, 0o664]);
        let bytes = prop::collection::vec(any::<u8>(), 0..40);
        (bytes, mode).prop_map(|(bytes, mode)| Image { bytes, mode })
    }

    /// Up to six files, each before and after.
    fn files() -> impl Strategy<Value = Vec<Change>> {
        let name = "[ab]{1,2}(/[cd]{1,2}\\.py)?";
        let images = (prop::option::of(image()), prop::option::of(image()));
        prop::collection::btree_map(name, images, 1..6).prop_map(|files: BTreeMap<_, _>| {
            let is_folder = |name: &str| {
                files.keys().any(|other: &String| other.starts_with(&format!("{name}/")))
            };
            let change = |(name, images): (&String, &(Option<Image>, Option<Image>))| {
                let (before, mut after) = images.clone();
                // A plan does not change the mode of a file that stays.
                if let (Some(before), Some(after)) = (&before, &mut after) {
                    after.mode = before.mode;
                }
                Change { path: RepoPath::new(name).expect("inside"), before, after }
            };
            files.iter().filter(|(name, _)| !is_folder(name)).map(change).collect()
        })
    }

    fn images(tree: &WorkingTree, changes: &[Change]) -> Vec<Option<Image>> {
        changes.iter().map(|change| tree.image(&change.path).expect("readable")).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[cfg(unix)]
        #[test]
        fn apply_then_undo_is_the_identity_on_bytes_and_modes(changes in files()) {
            let mut repository = Repository::new(&[]);
            let tree = repository.tree();
            let setup: Vec<Change> = changes
                .iter()
                .map(|c| Change { path: c.path.clone(), before: None, after: c.before.clone() })
                .collect();
            tree.apply(&setup).expect("set up");
            let before: Vec<_> = changes.iter().map(|c| c.before.clone()).collect();
            let after: Vec<_> = changes.iter().map(|c| c.after.clone()).collect();
            repository.run(&changes).expect("applied");
            prop_assert_eq!(images(&tree, &changes), after);
            repository.undo(None).expect("undone");
            prop_assert_eq!(images(&tree, &changes), before);
        }

        #[cfg(unix)]
        #[test]
        fn whatever_was_written_recovery_makes_all_of_it_or_none(
            changes in files(),
            written in prop::collection::vec(any::<bool>(), 6),
            forward in any::<bool>(),
        ) {
            let mut repository = Repository::new(&[]);
            let tree = repository.tree();
            let setup: Vec<Change> = changes
                .iter()
                .map(|c| Change { path: c.path.clone(), before: None, after: c.before.clone() })
                .collect();
            tree.apply(&setup).expect("set up");
            let some: Vec<Change> = changes
                .iter()
                .zip(written)
                .filter(|(_, written)| *written)
                .map(|(change, _)| change.clone())
                .collect();
            repository.interrupt(&changes, &some);
            repository.recover(if forward { RecoverMode::Finish } else { RecoverMode::Rollback });
            let expected: Vec<_> = changes
                .iter()
                .map(|c| if forward { c.after.clone() } else { c.before.clone() })
                .collect();
            prop_assert_eq!(images(&tree, &changes), expected);
        }
    }
}
