//! The version table of a SQLite file.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};

use super::open::{reading, writing};
use crate::database::url::DatabaseUrl;
use crate::database::{DatabaseError, Dialect, Limits, VersionTable};
use crate::plan::{Fingerprint, Observation};

const READ: &str = "read the version table of";
const WRITE: &str = "write the version table of";

/// What is not there.
const ABSENT: &str = "-";

/// The rows of the table, and what the file and its schema are.
pub(in crate::database) async fn look(
    url: &DatabaseUrl,
    file: &Path,
    table: &VersionTable,
    limits: &Limits,
) -> Result<Observation, DatabaseError> {
    let found = reading(url, file, limits, READ, async |connection| {
        let mut transaction = connection.begin().await?;
        let cookie: i64 =
            sqlx::query_scalar("PRAGMA schema_version").fetch_one(&mut *transaction).await?;
        let rows = rows(&mut transaction, table).await?;
        transaction.rollback().await?;
        Ok((cookie, rows.unwrap_or_default()))
    })
    .await?;
    let Some((cookie, rows)) = found else {
        let fingerprint = Fingerprint { identity: ABSENT.to_owned(), content: ABSENT.to_owned() };
        return Ok(Observation { rows: Vec::new(), fingerprint });
    };
    let metadata = fs::metadata(file).map_err(|source| DatabaseError::File {
        action: READ,
        path: file.to_path_buf(),
        source,
    })?;
    let fingerprint = Fingerprint { identity: identity(&metadata), content: cookie.to_string() };
    Ok(Observation { rows, fingerprint })
}

/// Sets the rows, if they are `expected`; waits for others who write.
pub(in crate::database) async fn replace_rows(
    url: &DatabaseUrl,
    file: &Path,
    table: &VersionTable,
    limits: &Limits,
    expected: &[String],
    wanted: &[String],
) -> Result<(), DatabaseError> {
    let replaced = writing(url, file, limits, WRITE, async |connection| {
        // The lock comes first: what is read after it stays so.
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        let found = rows(&mut transaction, table).await?;
        if found.as_deref().unwrap_or_default() != expected {
            return Ok(Replaced::Moved(found.unwrap_or_default()));
        }
        if found.is_none() {
            return Ok(Replaced::NoTable);
        }
        let name = table.quoted(Dialect::Sqlite);
        transaction.execute(AssertSqlSafe(format!("DELETE FROM {name}"))).await?;
        for row in wanted {
            sqlx::query(AssertSqlSafe(format!("INSERT INTO {name} (version_num) VALUES (?)")))
                .bind(row)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(Replaced::Done)
    })
    .await;
    let replaced = match replaced {
        Err(DatabaseError::File { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            if expected.is_empty() {
                Replaced::NoTable
            } else {
                Replaced::Moved(Vec::new())
            }
        }
        replaced => replaced?,
    };
    let url = url.shown().to_owned();
    match replaced {
        Replaced::Done => Ok(()),
        Replaced::NoTable if wanted.is_empty() => Ok(()),
        Replaced::NoTable => Err(DatabaseError::NoVersionTable { url, table: table.clone() }),
        Replaced::Moved(found) => {
            Err(DatabaseError::RowsMoved { url, expected: expected.to_vec(), found })
        }
    }
}

/// What became of the rows.
enum Replaced {
    Done,
    /// As expected, there are none.
    NoTable,
    Moved(Vec<String>),
}

/// The rows, sorted; `None` without a table.
async fn rows(
    connection: &mut SqliteConnection,
    table: &VersionTable,
) -> Result<Option<Vec<String>>, sqlx::Error> {
    let master = match &table.schema {
        Some(schema) => format!("{}.sqlite_master", Dialect::Sqlite.quoted(schema)),
        None => "sqlite_master".to_owned(),
    };
    let there: i64 = sqlx::query_scalar(AssertSqlSafe(format!(
        "SELECT count(*) FROM {master} WHERE type IN ('table', 'view') AND lower(name) = lower(?)"
    )))
    .bind(&table.name)
    .fetch_one(&mut *connection)
    .await?;
    if there == 0 {
        return Ok(None);
    }
    let sql = format!(
        "SELECT CAST(version_num AS TEXT) FROM {} WHERE version_num IS NOT NULL",
        table.quoted(Dialect::Sqlite)
    );
    let mut rows: Vec<String> =
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(connection).await?;
    rows.sort();
    Ok(Some(rows))
}

/// Another one when the file was deleted and made again: the number alone may be taken anew.
fn identity(metadata: &Metadata) -> String {
    let born = metadata.created().ok();
    let born = born.and_then(|moment| moment.duration_since(SystemTime::UNIX_EPOCH).ok());
    let born = born.map_or(ABSENT.to_owned(), |moment| moment.as_nanos().to_string());
    format!("{}:{born}", inode(metadata))
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> String {
    use std::os::unix::fs::MetadataExt;
    format!("{}:{}", metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn inode(_metadata: &Metadata) -> String {
    ABSENT.to_owned()
}
