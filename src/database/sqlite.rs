//! The version table of a SQLite file, read without writing a byte.

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection, Row};

use super::{DatabaseError, DatabaseUrl};

/// Alembic's default; a project can rename it in `env.py` only.
const VERSION_TABLE: &str = "alembic_version";

/// The version rows, sorted; none where the file or the table does not exist.
pub fn read_version_rows(url: &DatabaseUrl) -> Result<Vec<String>, DatabaseError> {
    if !url.path().exists() {
        return Ok(Vec::new());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|source| DatabaseError::Runtime { source })?;
    runtime
        .block_on(rows(url))
        .map_err(|source| DatabaseError::Read { path: url.path().to_path_buf(), source })
}

async fn rows(url: &DatabaseUrl) -> Result<Vec<String>, sqlx::Error> {
    let options = SqliteConnectOptions::new()
        .filename(url.path())
        .read_only(true)
        .busy_timeout(std::time::Duration::from_secs(5));
    let mut connection: SqliteConnection = options.connect().await?;
    let there: i64 =
        sqlx::query_scalar("SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = ?")
            .bind(VERSION_TABLE)
            .fetch_one(&mut connection)
            .await?;
    let mut versions = Vec::new();
    if there > 0 {
        let found = sqlx::query("SELECT version_num FROM alembic_version ORDER BY version_num")
            .fetch_all(&mut connection)
            .await?;
        for row in found {
            versions.push(row.try_get(0)?);
        }
    }
    connection.close().await?;
    Ok(versions)
}
