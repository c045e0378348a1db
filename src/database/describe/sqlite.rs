//! What a SQLite file holds, by its pragmas.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::Row;
use sqlx::sqlite::SqliteConnection;

use super::ACTION;
use super::checks::{checks, has_word};
use crate::database::sqlite::reading;
use crate::database::url::DatabaseUrl;
use crate::database::{DatabaseError, Limits};
use crate::plan::SchemaDescription;

pub(super) async fn describe(
    url: &DatabaseUrl,
    file: &Path,
    limits: &Limits,
) -> Result<SchemaDescription, DatabaseError> {
    let things = reading(url, file, limits, ACTION, async |connection| things(connection).await);
    Ok(SchemaDescription { things: things.await?.unwrap_or_default() })
}

async fn things(
    connection: &mut SqliteConnection,
) -> Result<BTreeMap<String, String>, sqlx::Error> {
    let mut things = BTreeMap::new();
    let made: Vec<(String, String, String, Option<String>)> = sqlx::query_as(
        "SELECT type, name, tbl_name, sql FROM sqlite_master \
         WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
    )
    .fetch_all(&mut *connection)
    .await?;
    for (kind, name, table, sql) in &made {
        let sql = sql.as_deref().unwrap_or_default();
        match kind.as_str() {
            "table" => {
                let number = if has_word(sql, "AUTOINCREMENT") { "autoincrement" } else { "" };
                things.insert(format!("table {name}"), number.to_owned());
                for (at, (check, text)) in checks(sql).into_iter().enumerate() {
                    // What has no name is told by what it says.
                    let check = check.unwrap_or_else(|| format!("{text} {at}"));
                    things.insert(format!("check {check} of {name}"), text);
                }
                columns(connection, name, &mut things).await?;
                foreign_keys(connection, name, &mut things).await?;
                indexes(connection, name, &mut things).await?;
            }
            "index" => {}
            _ => {
                let of = if kind == "trigger" { format!(" of {table}") } else { String::new() };
                things.insert(format!("{kind} {name}{of}"), in_one_line(sql));
            }
        }
    }
    Ok(things)
}

async fn columns(
    connection: &mut SqliteConnection,
    table: &str,
    things: &mut BTreeMap<String, String>,
) -> Result<(), sqlx::Error> {
    let rows: Vec<(String, String, bool, Option<String>, i64, i64)> = sqlx::query_as(
        "SELECT name, type, \"notnull\", dflt_value, pk, hidden FROM pragma_table_xinfo(?)",
    )
    .bind(table)
    .fetch_all(&mut *connection)
    .await?;
    for (name, kind, not_null, default, key, hidden) in rows {
        let mut words = vec![kind];
        words.extend(not_null.then(|| "not null".to_owned()));
        words.extend(default.map(|default| format!("default {default}")));
        words.extend((key > 0).then(|| format!("primary key {key}")));
        words.extend((hidden > 0).then(|| "generated".to_owned()));
        things.insert(format!("column {name} of {table}"), words.join(" "));
    }
    Ok(())
}

async fn foreign_keys(
    connection: &mut SqliteConnection,
    table: &str,
    things: &mut BTreeMap<String, String>,
) -> Result<(), sqlx::Error> {
    let rows = sqlx::query(
        "SELECT group_concat(\"from\", ', ') AS own, \"table\" AS other, \
                coalesce(group_concat(\"to\", ', '), '') AS theirs, on_update, on_delete \
           FROM (SELECT * FROM pragma_foreign_key_list(?) ORDER BY id, seq) GROUP BY id",
    )
    .bind(table)
    .fetch_all(&mut *connection)
    .await?;
    for row in rows {
        let text = |name: &str| row.try_get::<String, _>(name);
        let (own, other, theirs) = (text("own")?, text("other")?, text("theirs")?);
        things.insert(
            format!("foreign key ({own}) to {other} ({theirs}) of {table}"),
            format!("on update {} on delete {}", text("on_update")?, text("on_delete")?),
        );
    }
    Ok(())
}

/// Name, whether it is unique, what made it, its statement, its columns.
type IndexRow = (String, bool, String, Option<String>, Option<String>);

async fn indexes(
    connection: &mut SqliteConnection,
    table: &str,
    things: &mut BTreeMap<String, String>,
) -> Result<(), sqlx::Error> {
    let rows: Vec<IndexRow> = sqlx::query_as(
        "SELECT l.name, l.\"unique\", l.origin, m.sql, \
                (SELECT group_concat(coalesce(name, '?') || iif(desc, ' desc', '') || \
                                     iif(coll = 'BINARY', '', ' ' || coll), ', ') \
                   FROM pragma_index_xinfo(l.name) WHERE key = 1) \
           FROM pragma_index_list(?) l LEFT JOIN sqlite_master m \
             ON m.type = 'index' AND m.name = l.name",
    )
    .bind(table)
    .fetch_all(&mut *connection)
    .await?;
    for (name, is_unique, origin, sql, columns) in rows {
        let columns = format!("({})", columns.unwrap_or_default());
        let unique = if is_unique { "unique " } else { "" };
        match origin.as_str() {
            // The primary key is with its columns.
            "pk" => {}
            "u" => {
                things.insert(format!("unique {columns} of {table}"), String::new());
            }
            _ => {
                // What it is made for, or of: only the statement has it.
                let sql = sql.unwrap_or_default();
                let rest = sql.split_once('(').map_or("", |(_, rest)| rest);
                let is_special = columns.contains('?') || has_word(rest, "WHERE");
                let what = if is_special { in_one_line(rest) } else { columns };
                things.insert(format!("index {name} of {table}"), format!("{unique}{what}"));
            }
        }
    }
    Ok(())
}

fn in_one_line(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}
