//! Putting a copy's content back into a database that others may have open.
//!
//! Everything happens in one transaction of the database itself: it is all
//! there or not at all, whenever the power fails, and whoever has the file open
//! sees it as a commit. What is done is what SQLite's own `VACUUM` does: the
//! tables are made by their own statements and filled row by row, everything
//! that has no rows of its own is copied from catalogue to catalogue. So
//! virtual tables come back without their module, which may not be ours.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;

use sqlx::AssertSqlSafe;
use sqlx::sqlite::SqliteConnection;

use super::open::{require_database, writing};
use crate::database::url::DatabaseUrl;
use crate::database::{DatabaseError, Dialect, Limits};

const ACTION: &str = "restore";

/// Views, triggers and virtual tables: rows of the catalogue and nothing else.
const WITHOUT_ROWS: &str = "type IN ('view', 'trigger') OR (type = 'table' AND rootpage = 0)";

/// Tables with rows; the sequence belongs to SQLite and stays.
const WITH_ROWS: &str = "type = 'table' AND rootpage > 0 AND name <> 'sqlite_sequence'";

/// Makes the content of `file` that of `copy`; makes the file if it is not there.
pub(in crate::database) async fn restore(
    url: &DatabaseUrl,
    file: &Path,
    copy: &Path,
    limits: &Limits,
) -> Result<(), DatabaseError> {
    exchange(url, file, copy, || Ok(()), limits).await
}

/// The same, once `keep` has seen to what is there: nobody else writes in between.
/// It may read the database, from a thread of its own.
pub(in crate::database) async fn exchange(
    url: &DatabaseUrl,
    file: &Path,
    copy: &Path,
    keep: impl FnOnce() -> Result<(), DatabaseError>,
    limits: &Limits,
) -> Result<(), DatabaseError> {
    require_database(copy, ACTION)?;
    // Empty it is a database too, and a log of the one from before does not count for it.
    let is_new = match File::create_new(file) {
        Ok(_) => true,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
        Err(source) => {
            let path = file.to_path_buf();
            return Err(DatabaseError::File { action: ACTION, path, source });
        }
    };
    let result = restore_into(url, file, copy, keep, limits).await;
    if is_new && result.is_err() {
        remove(file);
    }
    result
}

async fn restore_into(
    url: &DatabaseUrl,
    file: &Path,
    copy: &Path,
    keep: impl FnOnce() -> Result<(), DatabaseError>,
    limits: &Limits,
) -> Result<(), DatabaseError> {
    let mut kept = Ok(());
    let name: String = copy.to_string_lossy().bytes().map(|byte| format!("%{byte:02X}")).collect();
    let restored = writing(url, file, limits, ACTION, async |connection| {
        sqlx::query("ATTACH ? AS copy")
            .bind(format!("file:{name}?mode=ro"))
            .execute(&mut *connection)
            .await?;
        sql(connection, "PRAGMA ignore_check_constraints = ON").await?;
        // A connection that is closed without a commit has done nothing.
        sql(connection, "BEGIN IMMEDIATE").await?;
        kept = keep();
        if kept.is_err() {
            return sql(connection, "ROLLBACK").await;
        }
        replace(connection).await?;
        sql(connection, "COMMIT").await
    })
    .await;
    kept.and(restored)
}

#[expect(clippy::disallowed_methods, reason = "the file is of our own making, and empty")]
fn remove(file: &Path) {
    // The error that led here is the one that counts.
    let _ = fs::remove_file(file);
}

async fn replace(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let cookie = number(connection, "PRAGMA main.schema_version").await?;
    let copied = number(connection, "PRAGMA copy.schema_version").await?;
    clear(connection).await?;
    // Statistics are in tables whose names SQLite keeps for itself.
    sql(connection, "PRAGMA writable_schema = ON").await?;
    for table in names(connection, "copy", WITH_ROWS).await? {
        create(connection, &table).await?;
        fill(connection, &table).await?;
    }
    copy_sequence(connection).await?;
    let made = "SELECT sql FROM copy.sqlite_master WHERE type = 'index' AND sql IS NOT NULL";
    let indexes: Vec<String> = sqlx::query_scalar(made).fetch_all(&mut *connection).await?;
    for index in indexes {
        sql(connection, &index).await?;
    }
    let rest = format!(
        "INSERT INTO main.sqlite_master SELECT * FROM copy.sqlite_master WHERE {WITHOUT_ROWS}"
    );
    sql(connection, &rest).await?;
    for pragma in ["user_version", "application_id"] {
        let value = number(connection, &format!("PRAGMA copy.{pragma}")).await?;
        sql(connection, &format!("PRAGMA main.{pragma} = {value}")).await?;
    }
    // Everybody else has to read the schema again, and sees that somebody was here.
    let cookie = cookie.max(copied).max(number(connection, "PRAGMA main.schema_version").await?);
    sql(connection, &format!("PRAGMA main.schema_version = {}", (cookie + 1) & 0x7fff_ffff)).await
}

/// Removes everything that the database holds.
async fn clear(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sql(connection, "PRAGMA writable_schema = ON").await?;
    sql(connection, &format!("DELETE FROM main.sqlite_master WHERE {WITHOUT_ROWS}")).await?;
    // Forgets what was known of them, so that what were their tables are plain tables.
    sql(connection, "PRAGMA writable_schema = RESET").await?;
    for table in names(connection, "main", WITH_ROWS).await? {
        let table = Dialect::Sqlite.quoted(&table);
        sql(connection, &format!("DROP TABLE main.{table}")).await?;
    }
    Ok(())
}

async fn create(connection: &mut SqliteConnection, table: &str) -> Result<(), sqlx::Error> {
    let statement: String =
        sqlx::query_scalar("SELECT sql FROM copy.sqlite_master WHERE type = 'table' AND name = ?")
            .bind(table)
            .fetch_one(&mut *connection)
            .await?;
    sql(connection, &statement).await
}

/// Copies the rows with their row ids, which other tables may refer to.
async fn fill(connection: &mut SqliteConnection, table: &str) -> Result<(), sqlx::Error> {
    // Generated columns are not written.
    let mut columns: Vec<String> =
        sqlx::query_scalar("SELECT name FROM pragma_table_xinfo(?, 'copy') WHERE hidden = 0")
            .bind(table)
            .fetch_all(&mut *connection)
            .await?;
    let has_row_ids: bool = sqlx::query_scalar(
        "SELECT wr = 0 FROM pragma_table_list(?) WHERE schema = 'copy' AND type IN ('table', 'shadow')",
    )
    .bind(table)
    .fetch_one(&mut *connection)
    .await?;
    let is_taken = |name: &str, columns: &[String]| {
        columns.iter().any(|column| column.eq_ignore_ascii_case(name))
    };
    if has_row_ids {
        let free = ["rowid", "_rowid_", "oid"].into_iter().find(|name| !is_taken(name, &columns));
        columns.extend(free.map(str::to_owned));
    }
    let columns: Vec<String> =
        columns.iter().map(|column| Dialect::Sqlite.quoted(column)).collect();
    let (table, columns) = (Dialect::Sqlite.quoted(table), columns.join(", "));
    let copying =
        format!("INSERT INTO main.{table} ({columns}) SELECT {columns} FROM copy.{table}");
    sql(connection, &copying).await
}

/// The last number of each `AUTOINCREMENT`.
async fn copy_sequence(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    let is_sequence = "name = 'sqlite_sequence'";
    if !names(connection, "main", is_sequence).await?.is_empty() {
        sql(connection, "DELETE FROM main.sqlite_sequence").await?;
    }
    if !names(connection, "copy", is_sequence).await?.is_empty() {
        let copying = "INSERT INTO main.sqlite_sequence SELECT * FROM copy.sqlite_sequence";
        if names(connection, "main", is_sequence).await?.is_empty() {
            create(connection, "sqlite_sequence").await?;
        }
        sql(connection, copying).await?;
    }
    Ok(())
}

async fn names(
    connection: &mut SqliteConnection,
    schema: &str,
    condition: &str,
) -> Result<Vec<String>, sqlx::Error> {
    let sql = format!("SELECT name FROM {schema}.sqlite_master WHERE {condition} ORDER BY rowid");
    sqlx::query_scalar(AssertSqlSafe(sql)).persistent(false).fetch_all(connection).await
}

async fn number(connection: &mut SqliteConnection, sql: &str) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(connection).await
}

async fn sql(connection: &mut SqliteConnection, sql: &str) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(connection).await.map(|_| ())
}
