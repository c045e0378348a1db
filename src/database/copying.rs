//! Fills a scratch database with what another one holds, so that a plan can be tried
//! out where it does no harm. All of it arrives, or there is no copy.

use std::path::{Path, PathBuf};

use super::error::code_of;
use super::lock::DatabaseLock;
use super::session::{block_on, pairs_of};
use super::url::{DatabaseUrl, Place};
use super::{DatabaseError, Dialect, Limits, ScratchFile, backup, dump, mysql, postgres};

const ACTION: &str = "copy";
const SIZE: &str = "read the size of";

/// How a copy was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CopyWay {
    /// The file's pages.
    File,
    /// By the server itself, from the files of the other database.
    Template,
    /// By the server's tools; who is connected, where that kept the server from it.
    Dump { connected: Vec<String> },
}

/// How many bytes a database takes; nothing where its file does not exist.
///
/// # Errors
/// The server cannot be asked.
pub fn database_size(url: &DatabaseUrl) -> Result<u64, DatabaseError> {
    let sql = match url.place() {
        Place::Sqlite(file) => {
            let wal = PathBuf::from(format!("{}-wal", file.display()));
            let sizes = [file, &wal].map(|path| path.metadata().map_or(0, |data| data.len()));
            return Ok(sizes.iter().sum());
        }
        Place::Postgres(_) => "SELECT pg_database_size(current_database())::text",
        Place::MySql(_) => {
            "SELECT CAST(coalesce(sum(data_length + index_length), 0) AS CHAR) \
               FROM information_schema.tables WHERE table_schema = database()"
        }
    };
    let rows = block_on(pairs_of(url, sql, SIZE, &Limits::default()))?;
    Ok(rows.first().and_then(|(size, _)| size.parse().ok()).unwrap_or(0))
}

/// Copies a file that may not exist yet; then nor does the copy.
pub(super) fn copy_file(origin: &DatabaseUrl, file: &ScratchFile) -> Result<(), DatabaseError> {
    match origin.file() {
        Some(from) if from.exists() => backup(origin, file.path(), &[]),
        _ => Ok(()),
    }
}

/// Has PostgreSQL make `name` of the files of `origin`, through the session that holds
/// `lock`: the only one that may be connected there meanwhile. Who else is, if that is so.
///
/// # Errors
/// The server fails, or does not let this user.
pub(super) fn by_template(
    origin: &DatabaseUrl,
    lock: &mut DatabaseLock,
    name: &str,
) -> Result<Result<(), Vec<String>>, DatabaseError> {
    // Our own that have just ended are waited for by the server.
    let connected = connected(origin, lock, "AND a.application_name <> 'dbm-git'")?;
    if !connected.is_empty() {
        return Ok(Err(connected));
    }
    let Place::Postgres(server) = origin.place() else { return Ok(Err(Vec::new())) };
    let quoted = |name: &str| Dialect::Postgres.quoted(name);
    let from = quoted(server.name.as_deref().unwrap_or_default());
    match lock.run(&format!("CREATE DATABASE {} TEMPLATE {from}", quoted(name))) {
        Ok(_) => Ok(Ok(())),
        // Sessions have come in between, or transactions are prepared there.
        Err(error) if code_of(&error) == "55006" => Ok(Err(self::connected(origin, lock, "")?)),
        // Only its owner may: whoever can read all of it has the other way.
        Err(error) if code_of(&error) == "42501" => Ok(Err(Vec::new())),
        Err(error) => Err(DatabaseError::of(origin, ACTION, error)),
    }
}

/// Restores a dump of `origin` into the empty database `to`; the tools are looked for
/// in the folders `path`, and the dump lies below `parent` for the moment.
pub(super) fn by_dump(
    origin: &DatabaseUrl,
    to: &DatabaseUrl,
    parent: &Path,
    path: &[PathBuf],
) -> Result<(), DatabaseError> {
    let file = ScratchFile::create(parent)?;
    match (origin.place(), to.place()) {
        (Place::Postgres(_), Place::Postgres(server)) => {
            let tool = dump::find(&["pg_restore"], path)?;
            backup(origin, file.path(), path)?;
            dump::restore_postgres(&tool, to, server, file.path())
        }
        (Place::MySql(from), Place::MySql(server)) => {
            let is_mariadb = block_on(mysql::is_mariadb(origin, from, &Limits::default()))?;
            let tool = dump::find(dump::mysql_names(is_mariadb), path)?;
            let client = dump::find(dump::client_names(is_mariadb), path)?;
            dump::mysql(&tool, origin, from, file.path(), dump::Purpose::TryOut)?;
            dump::restore_mysql(&client, to, server, "", file.path())
        }
        _ => Ok(()),
    }
}

/// What of a database would not stay in a copy of it.
pub(super) fn refuse_what_reaches_out(origin: &DatabaseUrl) -> Result<(), DatabaseError> {
    let sql = match origin.place() {
        Place::Sqlite(_) => return Ok(()),
        // The tables of another server are written to through the copy, too.
        Place::Postgres(_) => {
            "SELECT 'the foreign server ' || srvname FROM pg_foreign_server ORDER BY 1 LIMIT 1"
                .to_owned()
        }
        Place::MySql(server) => {
            let name = server.name.as_deref().unwrap_or_default();
            let literal = |text: &str| Dialect::MySql.literal(text);
            let named = |text: &str| {
                let (plain, quoted) = (literal(&format!("{name}.")), literal(&format!("`{name}`")));
                format!("(instr({text}, {plain}) > 0 OR instr({text}, {quoted}) > 0)")
            };
            format!(
                "SELECT CAST(concat('the trigger ', trigger_name) AS CHAR) \
                   FROM information_schema.triggers \
                  WHERE trigger_schema = database() AND {} UNION ALL \
                 SELECT CAST(concat('the routine ', routine_name) AS CHAR) \
                   FROM information_schema.routines \
                  WHERE routine_schema = database() AND {} LIMIT 1",
                named("action_statement"),
                named("routine_definition"),
            )
        }
    };
    let found = block_on(pairs_of(origin, &sql, ACTION, &Limits::default()))?;
    match found.into_iter().next() {
        None => Ok(()),
        Some((what, _)) => Err(DatabaseError::ReachesOut { url: origin.shown().to_owned(), what }),
    }
}

/// What is set for the database as a whole belongs to no copy by itself. What only a
/// superuser may set (logging, say) decides nothing about a schema.
pub(super) fn copy_settings(
    origin: &DatabaseUrl,
    lock: &mut DatabaseLock,
    name: &str,
) -> Result<(), DatabaseError> {
    let failed = |error| DatabaseError::of(origin, ACTION, error);
    let sql = "SELECT split_part(unnest(s.setconfig), '=', 1) FROM pg_db_role_setting s \
                 JOIN pg_database d ON d.oid = s.setdatabase \
                WHERE s.setrole = 0 AND d.datname = current_database()";
    for (setting, _) in lock.run(sql).map_err(failed)? {
        // This session has it from there.
        let quoted = |name: &str| Dialect::Postgres.quoted(name);
        let setting = setting.split('.').map(quoted).collect::<Vec<_>>().join(".");
        let statement = format!("ALTER DATABASE {} SET {setting} FROM CURRENT", quoted(name));
        match lock.run(&statement) {
            Err(error) if code_of(&error) != "42501" => return Err(failed(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Who is connected to the database, but for the session of `lock`.
fn connected(
    origin: &DatabaseUrl,
    lock: &mut DatabaseLock,
    condition: &str,
) -> Result<Vec<String>, DatabaseError> {
    // Whose sessions one may not look into still have a name and an application.
    let sql = format!(
        "SELECT {} FROM pg_stat_activity a \
          WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() \
            AND coalesce(a.backend_type, 'client backend') = 'client backend' {condition} \
          ORDER BY a.backend_start, a.pid",
        postgres::SESSION
    );
    let rows = lock.run(&sql).map_err(|error| DatabaseError::of(origin, ACTION, error))?;
    Ok(rows.into_iter().map(|(who, _)| who).collect())
}
