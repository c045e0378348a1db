//! One look at a database: its version rows and its fingerprint.

use super::session::{all, block_on, runtime, within};
use super::url::{DatabaseUrl, Place};
use super::{DatabaseError, Limits, VersionTable, mysql, postgres, sqlite};
use crate::plan::Observation;
use crate::script::SchemaObjects;

/// Looks once, changing nothing: the version rows, none where the table or the
/// file does not exist, and what changes when somebody has been at the database.
pub fn observe(
    url: &DatabaseUrl,
    table: &VersionTable,
    limits: &Limits,
) -> Result<Observation, DatabaseError> {
    block_on(look(url, table, limits))
}

/// Looks at several databases at once; the results are in the order of `urls`.
pub fn observe_all(
    urls: &[(DatabaseUrl, VersionTable)],
    limits: &Limits,
) -> Vec<Result<Observation, DatabaseError>> {
    // One runtime for all, but every database has its own error to show.
    let Ok(runtime) = runtime() else {
        return urls.iter().map(|(url, table)| observe(url, table, limits)).collect();
    };
    let looks = urls.iter().map(|(url, table)| look(url, table, limits)).collect();
    let results = runtime.block_on(all(looks));
    runtime.shutdown_background();
    results
}

/// The version rows of Alembic's default table, sorted.
pub fn read_version_rows(url: &DatabaseUrl) -> Result<Vec<String>, DatabaseError> {
    Ok(observe(url, &VersionTable::default(), &Limits::default())?.rows)
}

/// Sets the version rows to `wanted` in one transaction, if they are `expected`
/// now. Creates no table and no file.
pub fn replace_rows(
    url: &DatabaseUrl,
    table: &VersionTable,
    limits: &Limits,
    expected: &[String],
    wanted: &[String],
) -> Result<(), DatabaseError> {
    let mut expected = expected.to_vec();
    expected.sort();
    let replacing = async {
        match url.place() {
            Place::Sqlite(file) => {
                sqlite::replace_rows(url, file, table, limits, &expected, wanted).await
            }
            Place::Postgres(server) => {
                postgres::replace_rows(url, server, table, limits, &expected, wanted).await
            }
            Place::MySql(server) => {
                mysql::replace_rows(url, server, table, limits, &expected, wanted).await
            }
        }
    };
    block_on(within(url, limits.overall() * 2, replacing))
}

/// The tables with their columns, and the indexes: those that the connection
/// finds without naming a schema, and all once more as `schema.name`.
pub fn schema_objects(url: &DatabaseUrl, limits: &Limits) -> Result<SchemaObjects, DatabaseError> {
    let reading = async {
        match url.place() {
            Place::Sqlite(file) => sqlite::schema_objects(url, file, limits).await,
            Place::Postgres(server) => postgres::schema_objects(url, server, limits).await,
            Place::MySql(server) => mysql::schema_objects(url, server, limits).await,
        }
    };
    block_on(within(url, limits.overall(), reading))
}

async fn look(
    url: &DatabaseUrl,
    table: &VersionTable,
    limits: &Limits,
) -> Result<Observation, DatabaseError> {
    let looking = async {
        match url.place() {
            Place::Sqlite(file) => sqlite::look(url, file, table, limits).await,
            Place::Postgres(server) => postgres::look(url, server, table, limits).await,
            Place::MySql(server) => mysql::look(url, server, table, limits).await,
        }
    };
    within(url, limits.overall(), looking).await
}
