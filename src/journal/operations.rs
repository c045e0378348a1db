//! Operations and their changes: recorded, marked, read back.

use std::path::Path;

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection, Row};

use super::database::{Database, JournalError};
use super::{JournalEntry, NewOperation, OperationId, OperationKind, OperationState, Worktree};
use crate::plan::{Change, Image};
use crate::tree::RepoPath;

/// The operations of one repository, all worktrees.
///
/// Its calls block; they must not be made from within an asynchronous runtime.
#[derive(Debug)]
pub struct Journal {
    pub(super) database: Database,
}

impl Journal {
    /// Opens the journal of a repository by its common git directory; creates it if there is none.
    pub fn open(common_dir: &Path) -> Result<Self, JournalError> {
        Ok(Self { database: Database::open(common_dir)? })
    }

    /// Opens the journal if there is one; otherwise creates nothing.
    pub fn open_existing(common_dir: &Path) -> Result<Option<Self>, JournalError> {
        Ok(Database::open_existing(common_dir)?.map(|database| Self { database }))
    }

    /// Writes down, durably, what is about to be done; fails if its worktree has an open operation.
    pub fn record(
        &mut self,
        operation: &NewOperation,
        changes: &[Change],
    ) -> Result<OperationId, JournalError> {
        if let Some(open) = self.open_operation(&operation.invocation.worktree)? {
            return Err(JournalError::StillOpen { id: open.id });
        }
        self.database.ask("record the operation", async |connection| {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            let id = insert_operation(&mut transaction, operation).await?;
            for (seq, change) in (0_i64..).zip(changes) {
                insert_change(&mut transaction, id, seq, change).await?;
            }
            transaction.commit().await?;
            Ok(OperationId(id))
        })
    }

    /// Closes an open operation. If it takes another one back, that one changes
    /// too, in the same instant: `undone`, or `applied` again if it was itself undone.
    pub fn mark(&mut self, id: OperationId, state: OperationState) -> Result<(), JournalError> {
        let is_closed = self.database.ask("mark the operation", async |connection| {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            let closed =
                sqlx::query("UPDATE operation SET state = ? WHERE id = ? AND state = 'prepared'")
                    .bind(state.as_str())
                    .bind(id.0)
                    .execute(&mut *transaction)
                    .await?;
            if state == OperationState::Applied {
                mark_undone(&mut transaction, id.0).await?;
            }
            transaction.commit().await?;
            Ok(closed.rows_affected() == 1)
        })?;
        if is_closed { Ok(()) } else { Err(JournalError::NotOpen { id }) }
    }

    /// The operation that is open in a worktree; there is never more than one.
    pub fn open_operation(
        &mut self,
        worktree: &Worktree,
    ) -> Result<Option<JournalEntry>, JournalError> {
        let row = self.database.ask("look for an open operation", async |connection| {
            sqlx::query("SELECT * FROM operation WHERE worktree = ? AND state = 'prepared'")
                .bind(worktree.name())
                .fetch_optional(connection)
                .await
        })?;
        row.map(|row| self.entry(&row)).transpose()
    }

    /// The newest operation of a worktree that can be undone without being named:
    /// not itself an undo, so that undoing twice goes back two operations.
    pub fn last_undoable(
        &mut self,
        worktree: &Worktree,
    ) -> Result<Option<JournalEntry>, JournalError> {
        let row = self.database.ask("look for the last operation", async |connection| {
            sqlx::query(
                "SELECT * FROM operation \
                 WHERE worktree = ? AND state = 'applied' AND kind <> 'undo' \
                 ORDER BY id DESC LIMIT 1",
            )
            .bind(worktree.name())
            .fetch_optional(connection)
            .await
        })?;
        row.map(|row| self.entry(&row)).transpose()
    }

    /// The operation with this number.
    pub fn operation(&mut self, id: OperationId) -> Result<JournalEntry, JournalError> {
        let row = self.database.ask("read an operation", async |connection| {
            sqlx::query("SELECT * FROM operation WHERE id = ?")
                .bind(id.0)
                .fetch_optional(connection)
                .await
        })?;
        self.entry(&row.ok_or(JournalError::NoSuchOperation { id })?)
    }

    /// The newest operations of all worktrees, newest first.
    pub fn list(&mut self, limit: u32) -> Result<Vec<JournalEntry>, JournalError> {
        let rows = self.database.ask("list the operations", async |connection| {
            sqlx::query("SELECT * FROM operation ORDER BY id DESC LIMIT ?")
                .bind(i64::from(limit))
                .fetch_all(connection)
                .await
        })?;
        rows.iter().map(|row| self.entry(row)).collect()
    }

    /// What an operation changed, in its order.
    pub fn changes(&mut self, id: OperationId) -> Result<Vec<Change>, JournalError> {
        let rows = self.database.ask("read an operation's changes", async |connection| {
            sqlx::query("SELECT * FROM change WHERE operation = ? ORDER BY seq")
                .bind(id.0)
                .fetch_all(connection)
                .await
        })?;
        let change = |row| read_change(row).ok().flatten().ok_or_else(|| self.database.damaged());
        rows.iter().map(change).collect()
    }

    fn entry(&self, row: &SqliteRow) -> Result<JournalEntry, JournalError> {
        let damaged = |_| self.database.damaged();
        let word: &str = row.try_get("kind").map_err(damaged)?;
        let kind = OperationKind::parse(word).ok_or_else(|| self.database.unknown(word))?;
        let word: &str = row.try_get("state").map_err(damaged)?;
        let state = OperationState::parse(word).ok_or_else(|| self.database.unknown(word))?;
        read_entry(row, kind, state).map_err(damaged)
    }
}

async fn insert_operation(
    connection: &mut SqliteConnection,
    operation: &NewOperation,
) -> Result<i64, sqlx::Error> {
    let NewOperation { invocation, kind, summary, undoes } = operation;
    let inserted = sqlx::query(
        "INSERT INTO operation \
         (kind, worktree, state, created_at, command, head, branch, summary, undoes) \
         VALUES (?, ?, 'prepared', ?, ?, ?, ?, ?, ?)",
    )
    .bind(kind.as_str())
    .bind(invocation.worktree.name())
    .bind(invocation.created_at)
    .bind(&invocation.command)
    .bind(&invocation.head)
    .bind(&invocation.branch)
    .bind(summary)
    .bind(undoes.map(|id| id.0))
    .execute(connection)
    .await?;
    Ok(inserted.last_insert_rowid())
}

async fn insert_change(
    connection: &mut SqliteConnection,
    operation: i64,
    seq: i64,
    change: &Change,
) -> Result<(), sqlx::Error> {
    let bytes = |image: &Option<Image>| image.as_ref().map(|image| image.bytes.clone());
    let mode = |image: &Option<Image>| image.as_ref().map(|image| i64::from(image.mode));
    sqlx::query(
        "INSERT INTO change \
         (operation, seq, path, before_bytes, before_mode, after_bytes, after_mode) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )
    .bind(operation)
    .bind(seq)
    .bind(change.path.as_str())
    .bind(bytes(&change.before))
    .bind(mode(&change.before))
    .bind(bytes(&change.after))
    .bind(mode(&change.after))
    .execute(connection)
    .await?;
    Ok(())
}

/// Follows the chain of undoes from `id` on: undone, applied again, undone, …
async fn mark_undone(connection: &mut SqliteConnection, id: i64) -> Result<(), sqlx::Error> {
    let mut state = OperationState::Undone;
    let mut undone = undone_by(connection, id).await?;
    while let Some(id) = undone {
        sqlx::query("UPDATE operation SET state = ? WHERE id = ?")
            .bind(state.as_str())
            .bind(id)
            .execute(&mut *connection)
            .await?;
        state = match state {
            OperationState::Undone => OperationState::Applied,
            _ => OperationState::Undone,
        };
        undone = undone_by(connection, id).await?;
    }
    Ok(())
}

async fn undone_by(connection: &mut SqliteConnection, id: i64) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar("SELECT undoes FROM operation WHERE id = ?")
        .bind(id)
        .fetch_one(connection)
        .await
}

fn read_entry(
    row: &SqliteRow,
    kind: OperationKind,
    state: OperationState,
) -> Result<JournalEntry, sqlx::Error> {
    Ok(JournalEntry {
        id: OperationId(row.try_get("id")?),
        kind,
        worktree: row.try_get("worktree")?,
        state,
        created_at: row.try_get("created_at")?,
        command: row.try_get("command")?,
        head: row.try_get("head")?,
        branch: row.try_get("branch")?,
        summary: row.try_get("summary")?,
        undoes: row.try_get::<Option<i64>, _>("undoes")?.map(OperationId),
    })
}

/// `None` if the row holds something that this program does not write.
fn read_change(row: &SqliteRow) -> Result<Option<Change>, sqlx::Error> {
    let image = |bytes: &str, mode: &str| -> Result<Option<Image>, sqlx::Error> {
        let (bytes, mode) = (row.try_get(bytes)?, row.try_get::<Option<u32>, _>(mode)?);
        Ok(Option::zip(bytes, mode).map(|(bytes, mode)| Image { bytes, mode }))
    };
    let Some(path) = RepoPath::new(row.try_get("path")?) else { return Ok(None) };
    let before = image("before_bytes", "before_mode")?;
    let after = image("after_bytes", "after_mode")?;
    Ok(Some(Change { path, before, after }))
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make and damage files")]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;
    use crate::journal::Invocation;

    struct Repository {
        common: TempDir,
    }

    impl Repository {
        fn new() -> Self {
            Self { common: tempfile::tempdir().expect("a folder") }
        }

        fn main(&self) -> Worktree {
            Worktree::new(self.common.path(), self.common.path())
        }

        fn linked(&self, name: &str) -> Worktree {
            let git_dir = self.common.path().join("worktrees").join(name);
            fs::create_dir_all(&git_dir).expect("made");
            Worktree::new(self.common.path(), &git_dir)
        }

        fn journal(&self) -> Journal {
            Journal::open(self.common.path()).expect("opens")
        }

        fn state_db(&self) -> std::path::PathBuf {
            self.common.path().join("dbm-git/state.db")
        }

        /// Runs SQL on the database file behind the journal's back.
        fn tamper(&self, sql: &'static str) {
            let mut database = Database::open(self.common.path()).expect("opens");
            database
                .ask("tamper", async |connection| sqlx::raw_sql(sql).execute(connection).await)
                .expect("tampered");
        }
    }

    fn operation(worktree: &Worktree, undoes: Option<OperationId>) -> NewOperation {
        NewOperation {
            invocation: Invocation {
                worktree: worktree.clone(),
                created_at: 1_700_000_000,
                command: "dbm-git rebase".to_owned(),
                head: Some("0123abcd".to_owned()),
                branch: None,
            },
            kind: if undoes.is_some() { OperationKind::Undo } else { OperationKind::Rebase },
            summary: "1 revision rebased".to_owned(),
            undoes,
        }
    }

    fn applied(journal: &mut Journal, worktree: &Worktree, undoes: Option<i64>) -> OperationId {
        let id =
            journal.record(&operation(worktree, undoes.map(OperationId)), &[]).expect("recorded");
        journal.mark(id, OperationState::Applied).expect("marked");
        id
    }

    /// `id state`, oldest first.
    fn states(journal: &mut Journal) -> String {
        let mut entries = journal.list(100).expect("listed");
        entries.reverse();
        entries.iter().map(|e| format!("{} {}", e.id, e.state)).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn what_is_recorded_comes_back_the_same() {
        let repository = Repository::new();
        let image = |bytes: &[u8], mode| Some(Image { bytes: bytes.to_vec(), mode });
        let path = |text| RepoPath::new(text).expect("inside");
        let changes = [
            Change {
                path: path("v/a.py"),
                before: image(b"\xff\0", 0o755),
                after: image(b"", 0o755),
            },
            Change { path: path("v/caf\u{e9}.py"), before: None, after: image(b"", 0o644) },
            Change { path: path("v/b.py"), before: image(b"b", 0o600), after: None },
        ];
        let new = operation(&repository.main(), None);
        let id = repository.journal().record(&new, &changes).expect("recorded");

        let mut journal = repository.journal();
        assert_eq!(journal.changes(id).expect("read"), changes);
        let entry = JournalEntry {
            id,
            kind: OperationKind::Rebase,
            worktree: ".".to_owned(),
            state: OperationState::Prepared,
            created_at: 1_700_000_000,
            command: "dbm-git rebase".to_owned(),
            head: Some("0123abcd".to_owned()),
            branch: None,
            summary: "1 revision rebased".to_owned(),
            undoes: None,
        };
        assert_eq!(journal.operation(id).expect("read"), entry);
        assert_eq!(journal.open_operation(&repository.main()).expect("read"), Some(entry));
    }

    #[test]
    fn a_worktree_has_one_open_operation_and_another_ones_is_not_its_own() {
        let repository = Repository::new();
        let (main, linked) = (repository.main(), repository.linked("feature"));
        let mut journal = repository.journal();
        let id = journal.record(&operation(&linked, None), &[]).expect("recorded");
        assert_eq!(journal.open_operation(&main).expect("read"), None);
        journal.record(&operation(&main, None), &[]).expect("another worktree");
        let error = journal.record(&operation(&linked, None), &[]).expect_err("refused");
        assert_eq!(error.to_string(), "operation 1 is still open in this worktree");
        journal.mark(id, OperationState::Discarded).expect("marked");
        journal.record(&operation(&linked, None), &[]).expect("recorded");
    }

    #[test]
    fn only_an_open_operation_can_be_marked() {
        let repository = Repository::new();
        let mut journal = repository.journal();
        let id = applied(&mut journal, &repository.main(), None);
        let error = journal.mark(id, OperationState::RolledBack).expect_err("refused");
        assert_eq!(error.to_string(), "operation 1 is not open");
        assert_eq!(states(&mut journal), "1 applied");
        assert!(journal.operation(OperationId(7)).is_err());
    }

    #[test]
    fn undoing_an_undo_applies_again_what_it_undid() {
        let repository = Repository::new();
        let (mut journal, main) = (repository.journal(), repository.main());
        applied(&mut journal, &main, None);
        applied(&mut journal, &main, Some(1));
        assert_eq!(states(&mut journal), "1 undone, 2 applied");
        applied(&mut journal, &main, Some(2));
        assert_eq!(states(&mut journal), "1 applied, 2 undone, 3 applied");
        applied(&mut journal, &main, Some(3));
        assert_eq!(states(&mut journal), "1 undone, 2 applied, 3 undone, 4 applied");
    }

    #[test]
    fn an_undo_that_is_called_off_leaves_its_operation_as_it_was() {
        let repository = Repository::new();
        let (mut journal, main) = (repository.journal(), repository.main());
        let first = applied(&mut journal, &main, None);
        let undo = journal.record(&operation(&main, Some(first)), &[]).expect("recorded");
        journal.mark(undo, OperationState::RolledBack).expect("marked");
        assert_eq!(states(&mut journal), "1 applied, 2 rolled-back");
    }

    #[test]
    fn undoing_without_a_number_walks_back_through_a_worktrees_operations() {
        let repository = Repository::new();
        let (mut journal, main) = (repository.journal(), repository.main());
        let last = |worktree: &Worktree, journal: &mut Journal| {
            journal.last_undoable(worktree).expect("read").map(|entry| entry.id.0)
        };
        assert_eq!(last(&main, &mut journal), None);
        applied(&mut journal, &main, None);
        applied(&mut journal, &main, None);
        applied(&mut journal, &repository.linked("feature"), None);
        assert_eq!(last(&main, &mut journal), Some(2));
        applied(&mut journal, &main, Some(2));
        assert_eq!(last(&main, &mut journal), Some(1));
        applied(&mut journal, &main, Some(1));
        assert_eq!(last(&main, &mut journal), None);
    }

    #[test]
    fn a_reader_creates_nothing() {
        let repository = Repository::new();
        assert!(Journal::open_existing(repository.common.path()).expect("no error").is_none());
        assert_eq!(fs::read_dir(repository.common.path()).expect("readable").count(), 0);
        applied(&mut repository.journal(), &repository.main(), None);
        let mut journal =
            Journal::open_existing(repository.common.path()).expect("opens").expect("exists");
        assert_eq!(states(&mut journal), "1 applied");
    }

    #[test]
    fn a_damaged_file_is_named_and_left_alone() {
        let repository = Repository::new();
        drop(repository.journal());
        let garbage = "this is no database, ".repeat(500);
        fs::write(repository.state_db(), &garbage).expect("written");
        let error = Journal::open(repository.common.path()).expect_err("damaged").to_string();
        assert!(error.contains("state.db` is damaged; move it away"), "{error}");
        assert_eq!(fs::read_to_string(repository.state_db()).expect("still there"), garbage);
    }

    #[test]
    fn a_truncated_file_is_damaged_too() {
        let repository = Repository::new();
        applied(&mut repository.journal(), &repository.main(), None);
        let file = fs::File::options().write(true).open(repository.state_db()).expect("opens");
        file.set_len(5000).expect("truncated");
        let error = Journal::open(repository.common.path()).expect_err("damaged");
        assert!(matches!(error, JournalError::Damaged { .. }), "{error:?}");
    }

    #[test]
    fn a_newer_schema_is_told_apart_from_a_foreign_one() {
        let repository = Repository::new();
        repository.tamper("UPDATE _sqlx_migrations SET version = 9000 WHERE version = 1");
        let error = Journal::open(repository.common.path()).expect_err("newer").to_string();
        assert!(error.contains("newer dbm-git (schema 9000, this one knows "), "{error}");

        let repository = Repository::new();
        repository.tamper("UPDATE _sqlx_migrations SET checksum = x'00'");
        let error = Journal::open(repository.common.path()).expect_err("foreign");
        assert!(matches!(error, JournalError::Foreign { .. }), "{error:?}");

        let repository = Repository::new();
        repository.tamper("DROP TABLE _sqlx_migrations");
        let error = Journal::open(repository.common.path()).expect_err("foreign");
        assert!(matches!(error, JournalError::Foreign { .. }), "{error:?}");
    }

    #[test]
    fn a_kind_of_operation_that_only_a_newer_version_knows_is_no_damage() {
        let repository = Repository::new();
        let id = applied(&mut repository.journal(), &repository.main(), None);
        repository.tamper("UPDATE operation SET kind = 'dance'");
        let error = repository.journal().operation(id).expect_err("unknown").to_string();
        assert!(error.ends_with("holds a `dance`, which only a newer dbm-git knows"), "{error}");
    }
}
