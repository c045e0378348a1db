//! All that a schema holds, from the catalogue: what a migration can change, and
//! nothing that rows or statistics do.

mod checks;
mod mysql;
mod postgres;
mod sqlite;

use super::session::{block_on, within};
use super::url::{DatabaseUrl, Place};
use super::{DatabaseError, Limits, VersionTable};
use crate::plan::SchemaDescription;

const ACTION: &str = "read the schema of";

/// Everything in the database but Alembic's version table.
pub fn describe_schema(
    url: &DatabaseUrl,
    table: &VersionTable,
    limits: &Limits,
) -> Result<SchemaDescription, DatabaseError> {
    let reading = async {
        match url.place() {
            Place::Sqlite(file) => sqlite::describe(url, file, limits).await,
            Place::Postgres(server) => postgres::describe(url, server, limits).await,
            Place::MySql(server) => mysql::describe(url, server, limits).await,
        }
    };
    let mut schema = block_on(within(url, limits.overall() * 2, reading))?;
    let own = table.name.as_str();
    schema.things.retain(|thing, _| {
        // `table T`, `column C of T`, qualified on servers that have schemas.
        let of = thing
            .rsplit_once(" of ")
            .map_or_else(|| thing.strip_prefix("table ").unwrap_or_default(), |(_, table)| table);
        of != own && of.rsplit_once('.').is_none_or(|(_, plain)| plain != own)
    });
    Ok(schema)
}
