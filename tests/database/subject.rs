//! A database of any kind that a test is about.

use std::path::{Path, PathBuf};

use dbm_git::database::{
    DatabaseError, DatabaseUrl, Dialect, Limits, VersionTable, observe, replace_rows,
};
use dbm_git::plan::Observation;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Row};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::support::{Server, Session};

/// Alembic's own statement.
pub const VERSION_TABLE: &str = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, \
                                 CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))";

/// A fresh and empty database; a SQLite file that does not exist yet.
pub enum Subject {
    File(TempDir),
    Server(Server, Dialect),
}

/// A connection that stays open.
pub enum Open {
    File(Runtime, Option<SqliteConnection>),
    Server(Session),
}

impl Subject {
    pub fn sqlite() -> Self {
        Self::File(tempfile::tempdir().expect("a folder"))
    }

    pub fn postgres() -> Self {
        Self::Server(Server::postgres(), Dialect::Postgres)
    }

    pub fn mariadb() -> Self {
        Self::Server(Server::mariadb(), Dialect::MySql)
    }

    /// One of each kind.
    pub fn all() -> [Self; 3] {
        [Self::sqlite(), Self::postgres(), Self::mariadb()]
    }

    /// One of each kind, with these version rows.
    pub fn all_at(rows: &[&str]) -> [Self; 3] {
        Self::all().map(|subject| subject.at(rows))
    }

    /// With a version table that has these rows.
    pub fn at(self, rows: &[&str]) -> Self {
        self.execute(VERSION_TABLE);
        for row in rows {
            self.execute(&format!("INSERT INTO alembic_version VALUES ('{row}')"));
        }
        self
    }

    pub fn dialect(&self) -> Dialect {
        match self {
            Self::File(_) => Dialect::Sqlite,
            Self::Server(_, dialect) => *dialect,
        }
    }

    pub fn server(&self) -> &Server {
        match self {
            Self::File(_) => panic!("a file has no server"),
            Self::Server(server, _) => server,
        }
    }

    pub fn file(&self) -> PathBuf {
        match self {
            Self::File(folder) => folder.path().join("app.db"),
            Self::Server(..) => panic!("a server has no file"),
        }
    }

    /// As a project would have it in its ini.
    pub fn text(&self) -> String {
        match self {
            Self::File(_) => DatabaseUrl::for_file(&self.file()),
            Self::Server(server, _) => server.url(),
        }
    }

    pub fn url(&self) -> DatabaseUrl {
        DatabaseUrl::parse(&self.text(), Path::new("/")).expect("a database URL")
    }

    #[track_caller]
    pub fn execute(&self, sql: &str) {
        self.open().execute(sql);
    }

    #[track_caller]
    pub fn column(&self, sql: &str) -> Vec<String> {
        self.open().column(sql)
    }

    #[track_caller]
    pub fn open(&self) -> Open {
        match self {
            Self::File(_) => open_file(&self.file()),
            Self::Server(server, _) => Open::Server(server.session()),
        }
    }

    /// Drops the database and makes it anew.
    pub fn recreate(&self) {
        match self {
            Self::File(_) => {
                std::fs::remove_file(self.file()).expect("a file");
                std::fs::write(self.file(), "").expect("a writable folder");
            }
            Self::Server(server, _) => server.recreate(),
        }
    }

    #[track_caller]
    pub fn observe(&self) -> Observation {
        self.try_observe().expect("a look")
    }

    pub fn try_observe(&self) -> Result<Observation, DatabaseError> {
        observe(&self.url(), &VersionTable::default(), &Limits::default())
    }

    #[track_caller]
    pub fn rows(&self) -> Vec<String> {
        self.observe().rows
    }

    pub fn replace_rows(&self, expected: &[&str], wanted: &[&str]) -> Result<(), DatabaseError> {
        let owned =
            |rows: &[&str]| -> Vec<String> { rows.iter().map(ToString::to_string).collect() };
        let (expected, wanted) = (owned(expected), owned(wanted));
        let table = VersionTable::default();
        replace_rows(&self.url(), &table, &Limits::default(), &expected, &wanted)
    }
}

/// A connection to a SQLite file, which is made if it is not there.
#[track_caller]
pub fn open_file(file: &Path) -> Open {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let options = SqliteConnectOptions::new().filename(file).create_if_missing(true);
    let connection = runtime.block_on(options.connect()).expect("a connection");
    Open::File(runtime, Some(connection))
}

impl Drop for Open {
    /// What is only dropped is closed by another thread, some time later.
    fn drop(&mut self) {
        if let Self::File(runtime, connection) = self
            && let Some(connection) = connection.take()
        {
            runtime.block_on(connection.close()).expect("an end");
        }
    }
}

impl Open {
    #[track_caller]
    pub fn execute(&mut self, sql: &str) {
        match self {
            Self::File(runtime, connection) => {
                let connection = connection.as_mut().expect("open");
                let statements = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
                let result = runtime.block_on(statements.execute(connection));
                result.unwrap_or_else(|error| panic!("{sql}: {error}"));
            }
            Self::Server(session) => session.execute(sql),
        }
    }

    #[track_caller]
    pub fn column(&mut self, sql: &str) -> Vec<String> {
        match self {
            Self::File(runtime, connection) => {
                let connection = connection.as_mut().expect("open");
                let statement = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
                let rows = runtime.block_on(statement.fetch_all(connection));
                let rows = rows.unwrap_or_else(|error| panic!("{sql}: {error}"));
                rows.iter().map(|row| row.try_get(0).expect("text")).collect()
            }
            Self::Server(session) => session.column(sql),
        }
    }
}
