//! What a SQLite file holds.

use std::collections::BTreeSet;
use std::path::Path;

use super::open::reading;
use crate::database::url::DatabaseUrl;
use crate::database::{DatabaseError, Limits};
use crate::script::SchemaObjects;

/// The tables with their columns, and the indexes, of the main database.
pub(in crate::database) async fn schema_objects(
    url: &DatabaseUrl,
    file: &Path,
    limits: &Limits,
) -> Result<SchemaObjects, DatabaseError> {
    let found = reading(url, file, limits, "read the schema of", async |connection| {
        // A virtual table's columns are known only to its module, which may not be ours.
        let tables: Vec<(String, Option<String>)> = sqlx::query_as(
            "SELECT t.name, c.name FROM sqlite_master t \
             LEFT JOIN pragma_table_xinfo(t.name) c ON t.rootpage > 0 \
             WHERE t.type = 'table' AND t.rootpage > 0 AND t.name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
             UNION ALL SELECT name, NULL FROM sqlite_master WHERE type = 'table' AND rootpage = 0",
        )
        .fetch_all(&mut *connection)
        .await?;
        let indexes: Vec<String> = sqlx::query_scalar(
            "SELECT name FROM sqlite_master \
             WHERE type = 'index' AND name NOT LIKE 'sqlite\\_autoindex\\_%' ESCAPE '\\'",
        )
        .fetch_all(&mut *connection)
        .await?;
        Ok((tables, indexes))
    })
    .await?;
    let mut objects = SchemaObjects::default();
    let (tables, indexes) = found.unwrap_or_default();
    for (table, column) in tables {
        for name in [format!("main.{table}"), table] {
            let columns: &mut BTreeSet<String> = objects.tables.entry(name).or_default();
            columns.extend(column.clone());
        }
    }
    for index in indexes {
        objects.indexes.extend([format!("main.{index}"), index]);
    }
    Ok(objects)
}
