//! PostgreSQL: a database is copied by the server, and exchanged by names.
//!
//! Both want nobody to be connected, and are asked for from a third database.

use std::path::Path;

use sqlx::Row;
use sqlx::postgres::{PgConnection, PgRow};

use super::super::postgres::{connect, failed, hang_up};
use super::super::session::{batch, block_on};
use super::super::url::{DatabaseUrl, Place, Server};
use super::super::{DatabaseError, Dialect, Limits};

const ASK: &str = "ask for the databases beside";
const TAKE: &str = "take a snapshot of";
const EXCHANGE: &str = "exchange a snapshot for";
const DROP: &str = "drop a snapshot of";

/// From where databases are made, renamed and dropped: those that every server has.
const ELSEWHERE: [&str; 2] = ["postgres", "template1"];

/// How large a database is.
pub(super) fn bytes(
    origin: &DatabaseUrl,
    name: &str,
    limits: &Limits,
) -> Result<u64, DatabaseError> {
    let sql = format!("SELECT pg_database_size({})::text", literal(name));
    let rows = ask(origin, ASK, &sql, limits)?;
    Ok(rows.first().and_then(|size| size.parse().ok()).unwrap_or(0))
}

/// The names of all databases of the server.
pub(super) fn names(origin: &DatabaseUrl, limits: &Limits) -> Result<Vec<String>, DatabaseError> {
    ask(origin, ASK, "SELECT datname::text FROM pg_database ORDER BY 1", limits)
}

/// Has the server copy a database, with what is set for it as a whole.
pub(super) fn copy(
    origin: &DatabaseUrl,
    from: &str,
    place: &str,
    limits: &Limits,
) -> Result<(), DatabaseError> {
    let name = literal(from);
    refuse_if_used(origin, &[&name], limits)?;
    let sql = format!(
        "SELECT format('CREATE DATABASE %I TEMPLATE %I OWNER %I CONNECTION LIMIT %s', \
                       {place}::text, datname, pg_get_userbyid(datdba), datconnlimit) \
           FROM pg_database WHERE datname = {name}",
        place = literal(place),
    );
    let statements = ask(origin, TAKE, &sql, limits)?;
    let settings = ask(origin, TAKE, &settings(&name, place), limits)?;
    for statement in statements.iter().chain(&settings) {
        in_use(origin, &[&name], limits, ask(origin, TAKE, statement, limits))?;
    }
    Ok(())
}

/// The statements that give a copy what belongs to the database as such, and is
/// not in it: who may connect, and its parameters.
fn settings(name: &str, place: &str) -> String {
    let place = literal(place);
    format!(
        "SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', {place}::text) \
           FROM pg_database WHERE datname = {name} AND datacl IS NOT NULL \
         UNION ALL \
         SELECT format('GRANT %s ON DATABASE %I TO %s', privilege_type, {place}::text, \
                       CASE grantee WHEN 0 THEN 'PUBLIC' \
                                    ELSE quote_ident(pg_get_userbyid(grantee)) END) \
           FROM pg_database, aclexplode(datacl) WHERE datname = {name} \
         UNION ALL \
         SELECT format('ALTER %s SET %s TO %s', \
                       CASE setrole WHEN 0 THEN format('DATABASE %I', {place}::text) \
                                    ELSE format('ROLE %I IN DATABASE %I', \
                                                pg_get_userbyid(setrole), {place}::text) END, \
                       split_part(setting, '=', 1), \
                       CASE WHEN split_part(setting, '=', 1) IN ('search_path', \
                                 'temp_tablespaces', 'session_preload_libraries', \
                                 'local_preload_libraries') \
                            THEN substr(setting, strpos(setting, '=') + 1) \
                            ELSE quote_literal(substr(setting, strpos(setting, '=') + 1)) END) \
           FROM pg_db_role_setting JOIN pg_database d ON d.oid = setdatabase, \
                unnest(setconfig) AS setting \
          WHERE datname = {name}"
    )
}

/// Renames the database to `kept` and `restored` to its name, both or neither.
pub(super) fn exchange(
    origin: &DatabaseUrl,
    server: &Server,
    restored: &str,
    kept: &str,
    limits: &Limits,
) -> Result<(), DatabaseError> {
    let (name, other) = (name_of(server), literal(restored));
    let both = [name.as_str(), other.as_str()];
    refuse_if_used(origin, &both, limits)?;
    let live = quoted(server.name.as_deref().unwrap_or_default());
    let sql = format!(
        "BEGIN; ALTER DATABASE {live} RENAME TO {kept}; ALTER DATABASE {restored} RENAME TO {live}; COMMIT",
        kept = quoted(kept),
        restored = quoted(restored),
    );
    in_use(origin, &both, limits, ask(origin, EXCHANGE, &sql, limits)).map(drop)
}

/// Drops a snapshot.
pub(super) fn drop_database(
    origin: &DatabaseUrl,
    place: &str,
    limits: &Limits,
) -> Result<(), DatabaseError> {
    let sql = format!("DROP DATABASE IF EXISTS {}", quoted(place));
    in_use(origin, &[&literal(place)], limits, ask(origin, DROP, &sql, limits)).map(drop)
}

/// An error that names whoever is connected to one of the databases.
fn refuse_if_used(
    origin: &DatabaseUrl,
    names: &[&str],
    limits: &Limits,
) -> Result<(), DatabaseError> {
    // Ours and alembic's are about to go: the server waits for them by itself.
    let sql = format!(
        "SELECT format('pid %s (%s, user %s)', pid, \
                       coalesce(nullif(application_name, ''), 'unnamed'), usename) \
           FROM pg_stat_activity \
          WHERE datname IN ({}) AND pid <> pg_backend_pid() \
            AND backend_type = 'client backend' AND application_name <> 'dbm-git' \
          ORDER BY backend_start",
        names.join(", ")
    );
    let by = ask(origin, ASK, &sql, limits)?;
    if by.is_empty() {
        return Ok(());
    }
    Err(DatabaseError::InUse { url: origin.shown().to_owned(), by: by.join(", ") })
}

/// What came of a statement, with whoever was in its way by name.
fn in_use<T>(
    origin: &DatabaseUrl,
    names: &[&str],
    limits: &Limits,
    result: Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    result.map_err(|error| match refuse_if_used(origin, names, limits) {
        Err(used @ DatabaseError::InUse { .. }) => used,
        _ => error,
    })
}

/// The first column of the answer, from a database that is not concerned.
fn ask(
    origin: &DatabaseUrl,
    action: &'static str,
    sql: &str,
    limits: &Limits,
) -> Result<Vec<String>, DatabaseError> {
    let url = origin.clone();
    block_on(async {
        let mut connection = connect_elsewhere(&url, limits).await?;
        let limited = format!("SET statement_timeout = {}; ", limits.statement_millis());
        // A statement that makes or drops a database runs by itself, not in a batch.
        let answer = batch(&mut connection, limited).await.complete();
        let rows = match answer {
            Ok(_) => batch(&mut connection, sql.to_owned()).await.complete(),
            Err(error) => Err(error),
        };
        hang_up(connection).await;
        let rows = rows.and_then(|rows| rows.iter().map(first).collect());
        rows.map_err(|error| failed(&url, limits, action, error))
    })
}

fn first(row: &PgRow) -> Result<String, sqlx::Error> {
    row.try_get(0)
}

async fn connect_elsewhere(
    origin: &DatabaseUrl,
    limits: &Limits,
) -> Result<PgConnection, DatabaseError> {
    let mut last = DatabaseError::NoScratch { url: origin.shown().to_owned() };
    for name in ELSEWHERE {
        let Some(text) = origin.beside(name) else { return Err(last) };
        let url = DatabaseUrl::parse(text.reveal(), Path::new("/"))?;
        let Place::Postgres(server) = url.place() else { return Err(last) };
        match connect(&url, server, limits).await {
            Ok(connection) => return Ok(connection),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// The database's name as a value.
fn name_of(server: &Server) -> String {
    literal(server.name.as_deref().unwrap_or_default())
}

fn literal(text: &str) -> String {
    Dialect::Postgres.literal(text)
}

fn quoted(name: &str) -> String {
    Dialect::Postgres.quoted(name)
}
