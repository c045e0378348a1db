//! PostgreSQL: its version table and its schema, in as few round trips as can be.

use std::path::Path;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgConnection, PgRow, PgSslMode};
use sqlx::{ConnectOptions, Connection, Row};

use super::error::is_timeout;
use super::session::{Answer, batch, within};
use super::url::{DatabaseUrl, Endpoint, Server, TlsMode};
use super::{DatabaseError, Dialect, Limits, VersionTable};
use crate::plan::{Fingerprint, Observation};
use crate::script::SchemaObjects;

const CONNECT: &str = "connect to";
const READ: &str = "read the version table of";
const WRITE: &str = "write the version table of";
const READ_SCHEMA: &str = "read the schema of";

/// Debian's, Fedora's, Homebrew's and PostgreSQL's own.
const SOCKET_FOLDERS: [&str; 4] =
    ["/var/run/postgresql", "/run/postgresql", "/private/tmp", "/tmp"];

/// The last change of what migrations make, read off the catalogue: rows and
/// statistics leave no trace there, nor does what a session makes for itself. Ids
/// below 16384 are those of the system (`FirstNormalObjectId`). With as few tables as
/// can be: a new connection looks up each of them before it can plan.
const SCHEMA: &str = "\
    (SELECT count(*) || ':' || coalesce(max(a.xmin::text::bigint), 0) \
       FROM pg_attribute a \
      WHERE a.attnum > 0 AND a.attrelid >= 16384 \
        AND a.attrelid NOT IN (SELECT oid FROM pg_class WHERE relpersistence = 't')) \
    || ' ' || \
    (SELECT count(*) || ':' || coalesce(max(k.xmin::text::bigint), 0) \
       FROM pg_constraint k \
      WHERE k.oid >= 16384 \
        AND k.conrelid NOT IN (SELECT oid FROM pg_class WHERE relpersistence = 't'))";

/// The rows and the fingerprint, in one round trip once there is a connection.
pub(super) async fn look(
    url: &DatabaseUrl,
    server: &Server,
    table: &VersionTable,
    limits: &Limits,
) -> Result<Observation, DatabaseError> {
    let mut connection = connect(url, server, limits).await?;
    let system = "(SELECT system_identifier::text FROM pg_control_system())";
    let mut answer = ask(&mut connection, "", table, limits, system).await;
    if answer.error.as_ref().is_some_and(|error| is(error, &["42501", "42883"])) {
        // Not everybody may read it, and not everything that speaks the protocol has it. The
        // failed batch has left its transaction open.
        answer = ask(&mut connection, "ROLLBACK; ", table, limits, "'-'").await;
    }
    match answer.error.take() {
        // No such table, so no row.
        Some(error) if !is(&error, &["42P01", "3F000"]) => {
            let error = failed(url, limits, READ, error);
            Err(named(&mut connection, table, error).await)
        }
        _ => {
            hang_up(connection).await;
            observation(&answer.rows).map_err(|error| failed(url, limits, READ, error))
        }
    }
}

async fn ask(
    connection: &mut PgConnection,
    first: &str,
    table: &VersionTable,
    limits: &Limits,
    system: &str,
) -> Answer<sqlx::Postgres> {
    let name = table.quoted(Dialect::Postgres);
    let literal = Dialect::Postgres.literal(&name);
    batch(
        connection,
        format!(
            "{first}BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; {}; \
             SELECT 'place', d.oid::text || ' ' || coalesce(to_regclass({literal})::oid::text, '-') \
                    || ' ' || {system}, {SCHEMA} \
               FROM pg_database d WHERE d.datname = current_database(); \
             SELECT 'row', version_num::text, xmin::text FROM {name} WHERE version_num IS NOT NULL; \
             COMMIT",
            local_limits(limits),
        ),
    )
    .await
}

fn observation(rows: &[PgRow]) -> Result<Observation, sqlx::Error> {
    let mut observation = Observation::default();
    let mut written = Vec::new();
    let mut schema = String::new();
    for row in rows {
        let (kind, first, second): (&str, String, String) =
            (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        if kind == "place" {
            (observation.fingerprint.identity, schema) = (first, second);
        } else {
            written.push(format!("{first}@{second}"));
            observation.rows.push(first);
        }
    }
    observation.rows.sort();
    written.sort();
    observation.fingerprint = Fingerprint {
        content: format!("{} {schema}", written.join(",")),
        ..observation.fingerprint
    };
    Ok(observation)
}

/// Sets the rows, if they are `expected`, with the table locked against writers.
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
    let name = table.quoted(Dialect::Postgres);
    let begin = format!(
        "BEGIN; {}; LOCK TABLE {name} IN SHARE ROW EXCLUSIVE MODE; \
         SELECT version_num::text FROM {name} WHERE version_num IS NOT NULL",
        local_limits(limits),
    );
    let answer = batch(&mut connection, begin).await;
    let rows = match answer.error {
        Some(error) if is(&error, &["42P01", "3F000"]) => {
            return if expected.is_empty() && wanted.is_empty() { Ok(()) } else { Err(no_table()) };
        }
        Some(error) => {
            let error = failed(error);
            return Err(named(&mut connection, table, error).await);
        }
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
        let row = Dialect::Postgres.literal(row);
        change += &format!("INSERT INTO {name} (version_num) VALUES ({row}); ");
    }
    batch(&mut connection, change + "COMMIT").await.complete().map_err(failed)?;
    hang_up(connection).await;
    Ok(())
}

/// What the search path finds by its name alone, and everything with its schema.
pub(super) async fn schema_objects(
    url: &DatabaseUrl,
    server: &Server,
    limits: &Limits,
) -> Result<SchemaObjects, DatabaseError> {
    let mut connection = connect(url, server, limits).await?;
    let sql = format!(
        "BEGIN READ ONLY; {}; \
         SELECT n.nspname::text, c.relname::text, pg_table_is_visible(c.oid), a.attname::text, \
                c.relkind IN ('i', 'I') \
           FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
           LEFT JOIN pg_attribute a \
                  ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
                     AND c.relkind NOT IN ('i', 'I') \
          WHERE c.relkind IN ('r', 'p', 'f', 'i', 'I') \
            AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'; \
         COMMIT",
        local_limits(limits),
    );
    let answer = batch(&mut connection, sql).await;
    let failed = |error| failed(url, limits, READ_SCHEMA, error);
    let rows = answer.complete().map_err(failed)?;
    hang_up(connection).await;
    objects(&rows).map_err(failed)
}

fn objects(rows: &[PgRow]) -> Result<SchemaObjects, sqlx::Error> {
    let mut objects = SchemaObjects::default();
    for row in rows {
        let (schema, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let column: Option<String> = row.try_get(3)?;
        let (is_visible, is_index): (bool, bool) = (row.try_get(2)?, row.try_get(4)?);
        let full = format!("{schema}.{name}");
        for name in std::iter::once(full).chain(is_visible.then_some(name)) {
            if is_index {
                objects.indexes.insert(name);
            } else {
                objects.tables.entry(name).or_default().extend(column.clone());
            }
        }
    }
    Ok(objects)
}

/// A session that goes by the limits, on the first endpoint that answers.
pub(super) async fn connect(
    url: &DatabaseUrl,
    server: &Server,
    limits: &Limits,
) -> Result<PgConnection, DatabaseError> {
    let limit = server.connect_timeout.map_or(limits.connect, |own| own.min(limits.connect));
    let mut last = None;
    for endpoint in &server.endpoints {
        match within(url, limit, connect_to(url, server, endpoint)).await {
            Err(error @ (DatabaseError::Unreachable { .. } | DatabaseError::TimedOut { .. })) => {
                last = Some(error)
            }
            result => return result,
        }
    }
    Err(last.expect("a server has an endpoint"))
}

async fn connect_to(
    url: &DatabaseUrl,
    server: &Server,
    endpoint: &Endpoint,
) -> Result<PgConnection, DatabaseError> {
    let options = options(server, endpoint);
    let result = match options.connect().await {
        // What prefers TLS does without if there is something wrong with it, as libpq does.
        Err(sqlx::Error::Tls(_)) if server.tls.mode == TlsMode::Prefer => {
            options.ssl_mode(PgSslMode::Disable).connect().await
        }
        result => result,
    };
    result.map_err(|error| DatabaseError::of(url, CONNECT, error))
}

fn options(server: &Server, endpoint: &Endpoint) -> PgConnectOptions {
    let (host, port) = address(endpoint);
    // Nobody listens in on a socket, so libpq leaves it alone too.
    let tls = if host.starts_with('/') { TlsMode::Disable } else { server.tls.mode };
    let mut options = known(server, &host, port)
        .host(&host)
        .port(port)
        .application_name("dbm-git")
        // A connection pooler may refuse whatever it does not know.
        .extra_float_digits(None)
        .ssl_mode(match tls {
            TlsMode::Disable => PgSslMode::Disable,
            TlsMode::Prefer => PgSslMode::Prefer,
            TlsMode::Require => PgSslMode::Require,
            TlsMode::VerifyCa => PgSslMode::VerifyCa,
            TlsMode::VerifyFull => PgSslMode::VerifyFull,
        });
    if let Some(user) = &server.user {
        options = options.username(user);
    }
    if let Some(password) = &server.password {
        options = options.password(password.reveal());
    }
    if let Some(name) = &server.name {
        options = options.database(name);
    }
    if let Some(root) = &server.tls.root {
        options = options.ssl_root_cert(root);
    }
    if let Some(certificate) = &server.tls.certificate {
        options = options.ssl_client_cert(certificate);
    }
    if let Some(key) = &server.tls.key {
        options = options.ssl_client_key(key);
    }
    if !server.settings.is_empty() {
        options = options.options(server.settings.iter().map(|(name, value)| (name, value)));
    }
    options
}

/// What libpq would know without the URL: its environment, and the password
/// that `~/.pgpass` has for this server.
fn known(server: &Server, host: &str, port: u16) -> PgConnectOptions {
    let options = PgConnectOptions::new_without_pgpass();
    if server.password.is_some() {
        return options;
    }
    // sqlx looks the password up only for a URL.
    let escaped =
        |text: &str| -> String { text.bytes().map(|byte| format!("%{byte:02X}")).collect() };
    let user = server.user.as_deref().unwrap_or(options.get_username());
    let name = server.name.as_deref().or(options.get_database()).unwrap_or(user);
    let url = format!(
        "postgres://{}@{}:{port}/{}",
        escaped(user),
        if host.contains(':') { format!("[{host}]") } else { escaped(host) },
        escaped(name)
    );
    url.parse().unwrap_or(options)
}

/// The host, or the folder of the socket, and the port.
pub(super) fn address(endpoint: &Endpoint) -> (String, u16) {
    match endpoint {
        Endpoint::Tcp { host, port } => (host.clone(), *port),
        Endpoint::Socket { path, port } => (path.to_string_lossy().into_owned(), *port),
        Endpoint::Local { port } => {
            let usual = PgConnectOptions::new_without_pgpass().get_host().to_owned();
            let has_socket = |folder: &&str| {
                folder.starts_with('/')
                    && Path::new(folder).join(format!(".s.PGSQL.{port}")).exists()
            };
            let folder = [usual.as_str()].into_iter().chain(SOCKET_FOLDERS).find(has_socket);
            (folder.unwrap_or("localhost").to_owned(), *port)
        }
    }
}

/// Limits that end with the transaction: a pooler may give the session to others.
pub(super) fn local_limits(limits: &Limits) -> String {
    format!(
        "SET LOCAL statement_timeout = {}; SET LOCAL lock_timeout = {}",
        limits.statement_millis(),
        limits.lock_millis()
    )
}

/// The error, with whoever holds a lock on the table if it is that.
async fn named(
    connection: &mut PgConnection,
    table: &VersionTable,
    error: DatabaseError,
) -> DatabaseError {
    let DatabaseError::Locked { url, by } = error else { return error };
    let condition = format!(
        "l.relation = to_regclass({})",
        Dialect::Postgres.literal(&table.quoted(Dialect::Postgres))
    );
    DatabaseError::Locked { url, by: holder(connection, &condition).await.unwrap_or(by) }
}

/// A session `a` of `pg_stat_activity`, as people know it: `pid 12 (alembic, user me)`.
pub(super) const SESSION: &str = "'pid ' || a.pid || ' (' \
    || coalesce(nullif(a.application_name, ''), 'unnamed') \
    || coalesce(', user ' || a.usename, '') || ')'";

/// Who has a lock.
pub(super) async fn holder(connection: &mut PgConnection, condition: &str) -> Option<String> {
    let sql = format!(
        "ROLLBACK; \
         SELECT {SESSION} FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid \
          WHERE l.granted AND a.pid <> pg_backend_pid() AND {condition} \
          ORDER BY a.backend_start LIMIT 1"
    );
    batch(connection, sql).await.complete().ok()?.first()?.try_get(0).ok()
}

/// Says goodbye, so that the server has no broken connection to log.
pub(super) async fn hang_up(connection: PgConnection) {
    // Everything is done already.
    let _ = tokio::time::timeout(Duration::from_millis(100), connection.close()).await;
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

fn is(error: &sqlx::Error, codes: &[&str]) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| codes.contains(&code.as_ref()))
}

/// A lock of the whole database that ends with the session.
pub(super) async fn lock(
    url: &DatabaseUrl,
    server: &Server,
    key: i64,
    limits: &Limits,
) -> Result<PgConnection, DatabaseError> {
    let mut connection = connect(url, server, limits).await?;
    let sql = format!(
        "SET statement_timeout = 0; SET lock_timeout = {}; SELECT pg_advisory_lock({key})",
        limits.lock_millis()
    );
    let result = batch(&mut connection, sql).await.complete();
    match result.map_err(|error| failed(url, limits, "lock", error)) {
        Ok(_) => Ok(connection),
        Err(DatabaseError::Locked { url, by }) => {
            let condition = format!(
                "l.locktype = 'advisory' AND l.objsubid = 1 \
                 AND (l.classid::bigint << 32) | l.objid::bigint = {key} \
                 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            );
            let by = holder(&mut connection, &condition).await.unwrap_or(by);
            Err(DatabaseError::Locked { url, by })
        }
        Err(error) => Err(error),
    }
}
