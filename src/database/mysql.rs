//! MySQL and MariaDB: the version table and the schema, in as few round trips
//! as can be. Comments that begin with `!` are for the one server, those with
//! `M!` for the other.

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::mysql::{
    MySqlConnectOptions, MySqlConnection, MySqlDatabaseError, MySqlRow, MySqlSslMode,
};
use sqlx::{ConnectOptions, Connection, Row};

use super::error::is_timeout;
use super::session::{batch, within};
use super::url::{DatabaseUrl, Endpoint, Server, TlsMode};
use super::{DatabaseError, Dialect, Limits, VersionTable};
use crate::plan::Observation;
use crate::script::SchemaObjects;

const CONNECT: &str = "connect to";
const READ: &str = "read the version table of";
const WRITE: &str = "write the version table of";
const READ_SCHEMA: &str = "read the schema of";

const SOCKETS: [&str; 4] = [
    "/run/mysqld/mysqld.sock",
    "/var/run/mysqld/mysqld.sock",
    "/var/lib/mysql/mysql.sock",
    "/tmp/mysql.sock",
];

/// Of the server itself.
const SYSTEM_SCHEMAS: &str = "('mysql', 'sys', 'information_schema', 'performance_schema')";

/// No such table, no such database.
const NO_TABLE: [u16; 2] = [1146, 1049];

/// The rows and the fingerprint, in one round trip once there is a connection.
pub(super) async fn look(
    url: &DatabaseUrl,
    server: &Server,
    table: &VersionTable,
    limits: &Limits,
) -> Result<Observation, DatabaseError> {
    let mut connection = connect(url, server, limits).await?;
    let schema = schema_of(table);
    let name = Dialect::MySql.literal(&table.name);
    // MariaDB has no id of its own; the second at which the table was made has to do.
    let sql = format!(
        "{}; START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY; \
         SHOW VARIABLES LIKE 'server_uuid'; \
         SELECT 'place', \
                CAST(coalesce(max(CASE WHEN table_name = {name} THEN create_time END), '-') AS CHAR), \
                CAST(concat(count(*), ' ', coalesce(max(create_time), '-')) AS CHAR) \
           FROM information_schema.tables WHERE table_schema = {schema}; \
         SELECT 'row', CAST(version_num AS CHAR) FROM {} WHERE version_num IS NOT NULL; \
         COMMIT",
        session_limits(limits),
        table.quoted(Dialect::MySql),
    );
    let answer = batch(&mut connection, sql).await;
    match answer.error {
        Some(error) if !is(&error, &NO_TABLE) => {
            let error = failed(url, limits, READ, error);
            Err(error)
        }
        _ => {
            hang_up(connection).await;
            observation(&answer.rows).map_err(|error| failed(url, limits, READ, error))
        }
    }
}

fn observation(rows: &[MySqlRow]) -> Result<Observation, sqlx::Error> {
    let mut observation = Observation::default();
    let mut server = "-".to_owned();
    for row in rows {
        let (kind, value): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        match kind.as_str() {
            "server_uuid" => server = value,
            "place" => {
                observation.fingerprint.identity = value;
                observation.fingerprint.content = row.try_get(2)?;
            }
            _ => observation.rows.push(value),
        }
    }
    observation.fingerprint.identity = format!("{server} {}", observation.fingerprint.identity);
    observation.rows.sort();
    Ok(observation)
}

/// Sets the rows, if they are `expected`, with all of them locked.
pub(super) async fn replace_rows(
    url: &DatabaseUrl,
    server: &Server,
    table: &VersionTable,
    limits: &Limits,
    expected: &[String],
    wanted: &[String],
) -> Result<(), DatabaseError> {
    let failed = |error| failed(url, limits, WRITE, error);
    let no_table =
        || DatabaseError::NoVersionTable { url: url.shown().to_owned(), table: table.clone() };
    let mut connection = connect(url, server, limits).await?;
    let name = table.quoted(Dialect::MySql);
    let begin = format!(
        "{}; START TRANSACTION; \
         SELECT CAST(version_num AS CHAR) FROM {name} WHERE version_num IS NOT NULL FOR UPDATE",
        session_limits(limits),
    );
    let answer = batch(&mut connection, begin).await;
    let rows = match answer.error {
        Some(error) if is(&error, &NO_TABLE) => {
            return if expected.is_empty() && wanted.is_empty() { Ok(()) } else { Err(no_table()) };
        }
        Some(error) => return Err(failed(error)),
        None => answer.rows,
    };
    let mut found: Vec<String> =
        rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>().map_err(failed)?;
    found.sort();
    if found != expected {
        return Err(DatabaseError::RowsMoved {
            url: url.shown().to_owned(),
            expected: expected.to_vec(),
            found,
        });
    }
    let mut change = format!("DELETE FROM {name}; ");
    for row in wanted {
        let row = Dialect::MySql.literal(row);
        change += &format!("INSERT INTO {name} (version_num) VALUES ({row}); ");
    }
    batch(&mut connection, change + "COMMIT").await.complete().map_err(failed)?;
    hang_up(connection).await;
    Ok(())
}

/// The tables of the database by their names alone, and those of all as `database.table`.
pub(super) async fn schema_objects(
    url: &DatabaseUrl,
    server: &Server,
    limits: &Limits,
) -> Result<SchemaObjects, DatabaseError> {
    let mut connection = connect(url, server, limits).await?;
    let chars = |columns: &[&str]| -> String {
        columns.iter().map(|column| format!(", CAST({column} AS CHAR)")).collect()
    };
    let sql = format!(
        "{}; \
         SELECT 'column'{}, CAST(coalesce(c.table_schema = DATABASE(), 0) AS CHAR) \
           FROM information_schema.columns c JOIN information_schema.tables t \
             ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
          WHERE t.table_type <> 'VIEW' AND c.table_schema NOT IN {SYSTEM_SCHEMAS}; \
         SELECT DISTINCT 'index'{}, NULL, CAST(coalesce(table_schema = DATABASE(), 0) AS CHAR) \
           FROM information_schema.statistics \
          WHERE index_name <> 'PRIMARY' AND table_schema NOT IN {SYSTEM_SCHEMAS}",
        session_limits(limits),
        chars(&["c.table_schema", "c.table_name", "c.column_name"]),
        chars(&["table_schema", "index_name"]),
    );
    let failed = |error| failed(url, limits, READ_SCHEMA, error);
    let rows = batch(&mut connection, sql).await.complete().map_err(failed)?;
    hang_up(connection).await;
    objects(&rows).map_err(failed)
}

fn objects(rows: &[MySqlRow]) -> Result<SchemaObjects, sqlx::Error> {
    let mut objects = SchemaObjects::default();
    for row in rows {
        let (kind, schema, name): (String, String, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let is_own = row.try_get::<String, _>(4)? == "1";
        let full = format!("{schema}.{name}");
        for name in std::iter::once(full).chain(is_own.then_some(name)) {
            if kind == "index" {
                objects.indexes.insert(name);
            } else {
                let column: String = row.try_get(3)?;
                objects.tables.entry(name).or_default().insert(column);
            }
        }
    }
    Ok(objects)
}

/// A connection to the first endpoint that answers.
pub(super) async fn connect(
    url: &DatabaseUrl,
    server: &Server,
    limits: &Limits,
) -> Result<MySqlConnection, DatabaseError> {
    let limit = server.connect_timeout.map_or(limits.connect, |own| own.min(limits.connect));
    let endpoint = server.endpoints.first().expect("a server has an endpoint");
    let connecting = async {
        let options = options(server, endpoint);
        let result = match options.connect().await {
            // What prefers TLS does without if there is something wrong with it.
            Err(sqlx::Error::Tls(_)) if server.tls.mode == TlsMode::Prefer => {
                options.ssl_mode(MySqlSslMode::Disabled).connect().await
            }
            result => result,
        };
        result.map_err(|error| DatabaseError::of(url, CONNECT, error))
    };
    within(url, limit, connecting).await
}

fn options(server: &Server, endpoint: &Endpoint) -> MySqlConnectOptions {
    // Nothing is set that would cost a round trip.
    let mut options = MySqlConnectOptions::new()
        .username(server.user.as_deref().unwrap_or_default())
        .pipes_as_concat(false)
        .no_engine_substitution(false)
        .timezone(None)
        .set_names(false)
        .ssl_mode(match server.tls.mode {
            TlsMode::Disable => MySqlSslMode::Disabled,
            TlsMode::Prefer => MySqlSslMode::Preferred,
            TlsMode::Require => MySqlSslMode::Required,
            TlsMode::VerifyCa => MySqlSslMode::VerifyCa,
            TlsMode::VerifyFull => MySqlSslMode::VerifyIdentity,
        });
    options = match address(endpoint) {
        Address::Socket(path) => options.socket(path),
        Address::Tcp(host, port) => options.host(&host).port(port),
    };
    if let Some(password) = &server.password {
        options = options.password(password.reveal());
    }
    if let Some(name) = &server.name {
        options = options.database(name);
    }
    if let Some(root) = &server.tls.root {
        options = options.ssl_ca(root);
    }
    if let Some(certificate) = &server.tls.certificate {
        options = options.ssl_client_cert(certificate);
    }
    if let Some(key) = &server.tls.key {
        options = options.ssl_client_key(key);
    }
    options
}

/// Where a server really listens.
pub(super) enum Address {
    Socket(PathBuf),
    Tcp(String, u16),
}

pub(super) fn address(endpoint: &Endpoint) -> Address {
    match endpoint {
        Endpoint::Tcp { host, port } => Address::Tcp(host.clone(), *port),
        Endpoint::Socket { path, .. } => Address::Socket(path.clone()),
        Endpoint::Local { port } => {
            match SOCKETS.iter().map(Path::new).find(|path| path.exists()) {
                Some(path) => Address::Socket(path.to_path_buf()),
                None => Address::Tcp("localhost".to_owned(), *port),
            }
        }
    }
}

/// The schema of the table, as an expression.
fn schema_of(table: &VersionTable) -> String {
    match &table.schema {
        Some(schema) => Dialect::MySql.literal(schema),
        None => "DATABASE()".to_owned(),
    }
}

/// The session ends with us, so its limits may stay. MariaDB skips what is meant
/// for a version from 5.7 on: https://mariadb.com/kb/en/comment-syntax/
pub(super) fn session_limits(limits: &Limits) -> String {
    let (millis, seconds) = (limits.statement_millis(), limits.lock_seconds());
    let exact = limits.statement.as_secs_f64();
    format!(
        "SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds} \
         /*M!100101 , max_statement_time = {exact} */ \
         /*!50708 , max_execution_time = {millis} */ \
         /*!80000 , information_schema_stats_expiry = 0 */"
    )
}

pub(super) fn failed(
    url: &DatabaseUrl,
    limits: &Limits,
    action: &'static str,
    error: sqlx::Error,
) -> DatabaseError {
    if is_timeout(&error) {
        return DatabaseError::TimedOut { url: url.shown().to_owned(), limit: limits.statement };
    }
    DatabaseError::of(url, action, error)
}

fn is(error: &sqlx::Error, numbers: &[u16]) -> bool {
    let error = error.as_database_error();
    let error = error.and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>());
    error.is_some_and(|error| numbers.contains(&error.number()))
}

/// Says goodbye, so that the server has no broken connection to log.
pub(super) async fn hang_up(connection: MySqlConnection) {
    // Everything is done already.
    let _ = tokio::time::timeout(Duration::from_millis(100), connection.close()).await;
}

/// A lock by name that ends with the session.
pub(super) async fn lock(
    url: &DatabaseUrl,
    server: &Server,
    name: &str,
    limits: &Limits,
) -> Result<MySqlConnection, DatabaseError> {
    let mut connection = connect(url, server, limits).await?;
    let seconds = limits.lock_seconds();
    // Whoever holds it may hold it for longer than a server likes its guests to be idle.
    let sql = format!(
        "SET SESSION wait_timeout = 604800; SELECT coalesce(GET_LOCK('{name}', {seconds}), 0)"
    );
    let failed = |error| failed(url, limits, "lock", error);
    let rows = batch(&mut connection, sql).await.complete().map_err(failed)?;
    let is_held = match rows.first() {
        Some(row) => row.try_get_unchecked::<i64, _>(0).map_err(failed)? == 1,
        None => false,
    };
    if is_held {
        return Ok(connection);
    }
    let sql = format!(
        "SELECT CAST(concat('connection ', id, ' (user ', user, ')') AS CHAR) \
           FROM information_schema.processlist WHERE id = IS_USED_LOCK('{name}')"
    );
    let rows = batch(&mut connection, sql).await.complete().unwrap_or_default();
    let by = rows.first().and_then(|row| row.try_get(0).ok());
    let by = by.unwrap_or_else(|| "somebody else".to_owned());
    Err(DatabaseError::Locked { url: url.shown().to_owned(), by })
}

/// Whether the server is MariaDB, whose tools have names of their own.
pub(super) async fn is_mariadb(
    url: &DatabaseUrl,
    server: &Server,
    limits: &Limits,
) -> Result<bool, DatabaseError> {
    let mut connection = connect(url, server, limits).await?;
    let failed = |error| failed(url, limits, CONNECT, error);
    let rows = batch(&mut connection, "SELECT CAST(version() AS CHAR)".to_owned()).await;
    let rows = rows.complete().map_err(failed)?;
    let version: String = match rows.first() {
        Some(row) => row.try_get(0).map_err(failed)?,
        None => String::new(),
    };
    hang_up(connection).await;
    Ok(version.contains("MariaDB"))
}
