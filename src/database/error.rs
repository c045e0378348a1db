//! What can go wrong with a database, told apart as far as different advice helps.

use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use sqlx::mysql::MySqlDatabaseError;

use super::url::DatabaseUrl;
use super::{Dialect, VersionTable};

/// A database that cannot be asked, or will not do as it is told. No variant
/// shows a password, nor does a cause.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("`{url}` is not a database URL")]
    NotAUrl { url: String },
    #[error("databases of the dialect `{dialect}` cannot be read directly (`{url}`)")]
    UnsupportedDialect { dialect: String, url: String },
    #[error("`{url}` is a database in memory: it ends with the process that made it")]
    InMemory { url: String },
    #[error(
        "no database URL is known: neither --database-url, nor the component's variable, nor the configuration, nor `sqlalchemy.url` gives one"
    )]
    Unknown,
    #[error("cannot start the database driver")]
    Runtime { source: io::Error },
    /// Nobody listens, no such host, no way there, or a server that takes nobody in.
    #[error("cannot reach `{url}`")]
    Unreachable { url: String, source: DriverError },
    /// Wrong user or password, or one that may not use this database.
    #[error("`{url}` does not let this user in")]
    Authentication { url: String, source: DriverError },
    #[error("the server of `{url}` has no such database")]
    UnknownDatabase { url: String, source: DriverError },
    #[error("no secure connection to `{url}`")]
    Tls { url: String, source: DriverError },
    #[error("`{url}` did not answer within {}", shown(limit))]
    TimedOut { url: String, limit: Duration },
    #[error("`{url}` is locked by {by}")]
    Locked { url: String, by: String },
    /// What is done to a database as a whole waits for all of them to leave.
    #[error("`{url}` is in use by {by}")]
    InUse { url: String, by: String },
    /// A dump leaves it out, or does not come back with it.
    #[error("no snapshot is taken of `{url}`, because of {what}")]
    NoSnapshot { url: String, what: String },
    #[error("somebody has written to `{url}` while what is there was being kept")]
    WrittenMeanwhile { url: String },
    /// Both are whole, and neither is in the database.
    #[error(
        "`{url}` holds a part of a snapshot, since that could not be loaded ({load}), nor what was there before, which is kept in `{}`", kept.display()
    )]
    HalfExchanged { url: String, load: String, kept: PathBuf, source: Box<DatabaseError> },
    #[error("`{}` is not a SQLite database", path.display())]
    NotADatabase { path: PathBuf },
    /// A hot journal, which only somebody who may write can roll back.
    #[error("`{}` was left in the middle of a write: whoever writes to it next puts that right", path.display())]
    Unfinished { path: PathBuf },
    #[error("cannot {action} `{url}`")]
    Failed { action: &'static str, url: String, source: DriverError },
    #[error("cannot {action} `{}`", path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error(
        "the version rows of `{url}` are {} now, where {} were expected",
        rows(found),
        rows(expected)
    )]
    RowsMoved { url: String, expected: Vec<String>, found: Vec<String> },
    #[error("`{url}` has no version table `{table}`")]
    NoVersionTable { url: String, table: VersionTable },
    #[error("`{url}` is not a file: its backup is put back by the server's own tools")]
    NotAFile { url: String },
    #[error("no `{tool}` is in PATH to back up the database with")]
    NoDumpTool { tool: String },
    #[error("no other database can be named beside `{url}`: its query names one, too")]
    NoScratch { url: String },
    #[error("the user of `{url}` may not create databases")]
    MayNotCreate { url: String, source: DriverError },
    /// Neither the server nor its tools make one.
    #[error("no copy of `{url}` can be made{}", others(connected))]
    NoCopy { url: String, connected: Vec<String>, source: Box<DatabaseError> },
    #[error("what is tried out on a copy of `{url}` would not stay there, because of {what}")]
    ReachesOut { url: String, what: String },
    #[error("cannot run `{tool}`")]
    Spawn { tool: String, source: io::Error },
    #[error("`{tool}` has not written all of `{url}`")]
    TornDump { tool: String, url: String },
    #[error("`{tool}` failed for `{url}` ({status}): {output}")]
    Dump { tool: String, url: String, status: String, output: String },
}

/// What the driver says, said once: its own errors repeat their causes.
#[derive(Debug)]
pub struct DriverError(sqlx::Error);

impl fmt::Display for DriverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            sqlx::Error::Database(error) => error.fmt(f),
            sqlx::Error::Io(error) => error.fmt(f),
            sqlx::Error::Tls(error) | sqlx::Error::Configuration(error) => error.fmt(f),
            error => error.fmt(f),
        }
    }
}

impl std::error::Error for DriverError {}

impl DatabaseError {
    /// The same, as the reason why there is no copy of `url`.
    pub(super) fn of_copy(self, url: &DatabaseUrl, connected: Vec<String>) -> Self {
        Self::NoCopy { url: url.shown().to_owned(), connected, source: Box::new(self) }
    }

    /// What the server says to `CREATE DATABASE`.
    pub(super) fn of_creating(url: &DatabaseUrl, action: &'static str, error: sqlx::Error) -> Self {
        match is_denied(&error) {
            true => Self::MayNotCreate { url: url.shown().to_owned(), source: DriverError(error) },
            false => Self::of(url, action, error),
        }
    }

    /// What the driver says of `url`, told apart. `action` is what was tried:
    /// `connect to`, `read the version table of`.
    pub(super) fn of(url: &DatabaseUrl, action: &'static str, error: sqlx::Error) -> Self {
        let kind = Kind::of(url.dialect(), &error);
        let url_shown = url.shown().to_owned();
        match kind {
            Kind::Unreachable => Self::Unreachable { url: url_shown, source: DriverError(error) },
            Kind::Authentication => {
                Self::Authentication { url: url_shown, source: DriverError(error) }
            }
            Kind::UnknownDatabase => {
                Self::UnknownDatabase { url: url_shown, source: DriverError(error) }
            }
            Kind::Tls => Self::Tls { url: url_shown, source: DriverError(error) },
            Kind::Locked => Self::Locked { url: url_shown, by: "somebody else".to_owned() },
            Kind::NotADatabase => {
                Self::NotADatabase { path: url.file().map(PathBuf::from).unwrap_or_default() }
            }
            Kind::Unfinished => {
                Self::Unfinished { path: url.file().map(PathBuf::from).unwrap_or_default() }
            }
            Kind::Other => Self::Failed { action, url: url_shown, source: DriverError(error) },
        }
    }
}

enum Kind {
    Unreachable,
    Authentication,
    UnknownDatabase,
    Tls,
    Locked,
    NotADatabase,
    Unfinished,
    Other,
}

impl Kind {
    fn of(dialect: Dialect, error: &sqlx::Error) -> Self {
        let error = match error {
            // A file that SQLite cannot open is told by its own code.
            sqlx::Error::Io(_) => return Self::Unreachable,
            sqlx::Error::Tls(_) => return Self::Tls,
            sqlx::Error::Database(error) => error,
            _ => return Self::Other,
        };
        let code = error.code().unwrap_or_default();
        match dialect {
            // https://www.postgresql.org/docs/current/errcodes-appendix.html
            Dialect::Postgres => match code.as_ref() {
                "28P01" | "28000" => Self::Authentication,
                "3D000" => Self::UnknownDatabase,
                "55P03" => Self::Locked,
                // Too many connections, shutting down, starting up.
                "53300" | "57P01" | "57P02" | "57P03" => Self::Unreachable,
                code if code.starts_with("08") => Self::Unreachable,
                _ => Self::Other,
            },
            // https://mariadb.com/kb/en/mariadb-error-code-reference/
            Dialect::MySql => {
                match error.try_downcast_ref::<MySqlDatabaseError>().map(|e| e.number()) {
                    // 1044 is the database, 1045 the password, 1130 the host, 1698 the plugin.
                    Some(1044 | 1045 | 1130 | 1698) => Self::Authentication,
                    // 1046: the URL names none.
                    Some(1046 | 1049) => Self::UnknownDatabase,
                    Some(1205 | 3572) => Self::Locked,
                    // Too many connections, a blocked host, shutting down.
                    Some(1040 | 1053 | 1129 | 1203) => Self::Unreachable,
                    _ => Self::Other,
                }
            }
            // https://www.sqlite.org/rescode.html; the lowest byte is the primary code.
            Dialect::Sqlite => match code.parse::<u32>().unwrap_or_default() {
                // SQLITE_READONLY_ROLLBACK, SQLITE_READONLY_RECOVERY, SQLITE_READONLY_CANTINIT
                776 | 264 | 1288 => Self::Unfinished,
                code => match code & 0xff {
                    5 | 6 => Self::Locked,
                    26 => Self::NotADatabase,
                    _ => Self::Other,
                },
            },
        }
    }
}

/// SQLSTATE, as the server said it.
pub(super) fn code_of(error: &sqlx::Error) -> String {
    let code = error.as_database_error().and_then(|error| error.code());
    code.unwrap_or_default().into_owned()
}

/// Whether the server has refused to make a database for this user.
pub(super) fn is_denied(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    match error.try_downcast_ref::<MySqlDatabaseError>() {
        Some(error) => matches!(error.number(), 1044 | 1142 | 1227),
        None => error.code().as_deref() == Some("42501"),
    }
}

/// Whether the server ended a statement because of its time limit.
pub(super) fn is_timeout(error: &sqlx::Error) -> bool {
    let Some(error) = error.as_database_error() else { return false };
    match error.try_downcast_ref::<MySqlDatabaseError>() {
        // MySQL's `max_execution_time`, MariaDB's `max_statement_time`.
        Some(error) => matches!(error.number(), 3024 | 1969),
        None => error.code().as_deref() == Some("57014"),
    }
}

fn others(connected: &[String]) -> String {
    match connected {
        [] => String::new(),
        [one] => format!(" while {one} is connected to it"),
        many => format!(" while {} are connected to it", many.join(", ")),
    }
}

fn shown(limit: &Duration) -> String {
    match limit.as_millis() {
        millis if millis % 1000 == 0 => format!("{} s", millis / 1000),
        millis => format!("{millis} ms"),
    }
}

fn rows(rows: &[String]) -> String {
    if rows.is_empty() {
        return "none".to_owned();
    }
    rows.iter().map(|row| format!("`{row}`")).collect::<Vec<_>>().join(", ")
}
