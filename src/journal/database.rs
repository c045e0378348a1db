//! The database file: opened, brought to our schema, asked. sqlx is asynchronous
//! and the crate is not, so a runtime of one thread lives and ends in here.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};
use tokio::runtime::{Builder, Runtime};

use super::{OperationId, lock};

static MIGRATIONS: Migrator = sqlx::migrate!();

/// Two processes rarely meet, and never for long: a transaction here is a few rows.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Why the journal could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    #[error("cannot open `{}`", path.display())]
    Open { path: PathBuf, source: io::Error },
    #[error("cannot {action} in `{}`", path.display())]
    Sql { action: &'static str, path: PathBuf, source: sqlx::Error },
    #[error("`{}` is damaged; move it away, and dbm-git begins a new one", path.display())]
    Damaged { path: PathBuf },
    #[error("`{}` is not dbm-git's; move it away, and dbm-git begins its own", path.display())]
    Foreign { path: PathBuf },
    #[error(
        "`{}` was written by a newer dbm-git (schema {version}, this one knows {known}); \
         use that one, or move the file away",
        path.display()
    )]
    Newer { path: PathBuf, version: i64, known: i64 },
    #[error("`{}` holds a `{word}`, which only a newer dbm-git knows", path.display())]
    Unknown { path: PathBuf, word: String },
    #[error("cannot change the mark `{}`", path.display())]
    Mark { path: PathBuf, source: io::Error },
    #[error("operation {id} is still open in this worktree")]
    StillOpen { id: OperationId },
    #[error("operation {id} is not open")]
    NotOpen { id: OperationId },
    #[error("there is no operation {id}")]
    NoSuchOperation { id: OperationId },
}

/// An open connection to the state of a repository.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    runtime: Runtime,
    /// Taken only when dropped, since closing needs it by value.
    connection: Option<SqliteConnection>,
}

impl Database {
    /// Opens the database of a repository, and creates it if there is none.
    pub(super) fn open(common_dir: &Path) -> Result<Self, JournalError> {
        let path = path_in(common_dir);
        fs::create_dir_all(common_dir.join("dbm-git"))
            .map_err(|source| JournalError::Open { path: path.clone(), source })?;
        Self::connect(path)
    }

    /// Opens the database of a repository; `None`, and no trace, if there is none.
    pub(super) fn open_existing(common_dir: &Path) -> Result<Option<Self>, JournalError> {
        let path = path_in(common_dir);
        match path.try_exists() {
            Ok(true) => Self::connect(path).map(Some),
            Ok(false) => Ok(None),
            Err(source) => Err(JournalError::Open { path, source }),
        }
    }

    fn connect(path: PathBuf) -> Result<Self, JournalError> {
        let failed = |source| JournalError::Open { path: path.clone(), source };
        // SQLite refuses rather than waits when two processes turn a new file to
        // WAL, and sqlx's own lock around migrations does nothing on SQLite.
        let setup = lock::open(&path.with_file_name("setup.lock")).map_err(failed)?;
        setup.lock().map_err(failed)?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let options = SqliteConnectOptions::new()
            .filename(&path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What is committed has to be on the disk before the first file changes.
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY_TIMEOUT)
            .foreign_keys(true)
            .disable_statement_logging();
        let connection = runtime
            .block_on(options.connect())
            .map_err(|source| sql_error("open the journal", &path, source))?;
        let mut database = Self { path, runtime, connection: Some(connection) };
        database.migrate()?;
        Ok(database)
    }

    /// Whether every migration has been run, as it is now. One question: sqlx's
    /// own look takes one for each migration, and each crosses a thread.
    fn is_current(&mut self) -> bool {
        let applied = self.ask("read the schema", async |connection| {
            sqlx::query_as::<_, (i64, Vec<u8>, bool)>(
                "SELECT version, checksum, success FROM _sqlx_migrations ORDER BY version",
            )
            .fetch_all(connection)
            .await
        });
        // Whatever is wrong, the long way says it.
        let Ok(applied) = applied else { return false };
        let known = MIGRATIONS.iter().map(|m| (m.version, m.checksum.to_vec(), true));
        applied.into_iter().eq(known)
    }

    fn migrate(&mut self) -> Result<(), JournalError> {
        if self.is_current() {
            return Ok(());
        }
        let tables: Vec<String> = self.ask("read the schema", async |connection| {
            sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE type = 'table'")
                .fetch_all(connection)
                .await
        })?;
        if !tables.is_empty() && !tables.iter().any(|name| name == "_sqlx_migrations") {
            return Err(JournalError::Foreign { path: self.path.clone() });
        }
        let connection = self.connection.as_mut().expect("taken only when dropped");
        let path = self.path.clone();
        let known = MIGRATIONS.iter().map(|migration| migration.version).max().unwrap_or(0);
        self.runtime.block_on(MIGRATIONS.run(connection)).map_err(|error| match error {
            MigrateError::VersionMissing(version) if version > known => {
                JournalError::Newer { path, version, known }
            }
            MigrateError::Execute(source) | MigrateError::ExecuteMigration(source, _) => {
                sql_error("set up the schema", &path, source)
            }
            _ => JournalError::Foreign { path },
        })
    }

    /// Runs `work` on the connection; `action` completes "cannot … in `state.db`".
    pub(super) fn ask<T>(
        &mut self,
        action: &'static str,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, JournalError> {
        let connection = self.connection.as_mut().expect("taken only when dropped");
        self.runtime
            .block_on(work(connection))
            .map_err(|source| sql_error(action, &self.path, source))
    }

    /// The error for a word that a later version must have written.
    pub(super) fn unknown(&self, word: &str) -> JournalError {
        JournalError::Unknown { path: self.path.clone(), word: word.to_owned() }
    }

    /// The error for a row that no version can have written.
    pub(super) fn damaged(&self) -> JournalError {
        JournalError::Damaged { path: self.path.clone() }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            // Folds the WAL into the file. Nothing is lost if that fails: the
            // next one to open the database does it.
            let _ = self.runtime.block_on(connection.close());
        }
    }
}

fn path_in(common_dir: &Path) -> PathBuf {
    common_dir.join("dbm-git").join("state.db")
}

fn sql_error(action: &'static str, path: &Path, source: sqlx::Error) -> JournalError {
    const SQLITE_CORRUPT: i32 = 11;
    const SQLITE_NOTADB: i32 = 26;
    let path = path.to_owned();
    let code = source.as_database_error().and_then(|error| error.code()?.parse::<i32>().ok());
    // The low byte of an extended code is the primary one.
    match code.map(|code| code & 0xff) {
        Some(SQLITE_CORRUPT | SQLITE_NOTADB) => JournalError::Damaged { path },
        _ => JournalError::Sql { action, path, source },
    }
}
