//! A database of the same kind as a given one, with nothing in it, to try things
//! out in: for SQLite a file, on a server a database beside the given one.
//!
//! On a server its name tells what it is, and a lock of the server's, in the given
//! database, that somebody is using it. What a killed process has left has its name
//! and no lock.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use sqlx::Row;

use super::session::{batch, block_on, within};
use super::url::{DatabaseUrl, Place, Server};
use super::{DatabaseError, DatabaseLock, Dialect, Limits, ScratchFile, Secret, VersionTable};
use super::{mysql, postgres};

/// What the names of the databases begin with.
const PREFIX: &str = "dbm_git_scratch_";

const MAKE: &str = "make a scratch database on";
const DROP: &str = "drop a scratch database on";
const LIST: &str = "list the databases of";

/// An empty database, gone when dropped.
#[derive(Debug)]
pub struct ScratchDatabase {
    url: DatabaseUrl,
    text: Secret,
    _kind: Kind,
}

#[derive(Debug)]
enum Kind {
    File { _file: ScratchFile },
    Server { _database: Box<ServerDatabase> },
}

/// Dropped with all that is in it, and only then free for others.
#[derive(Debug)]
struct ServerDatabase {
    origin: DatabaseUrl,
    name: String,
    _lock: DatabaseLock,
}

impl ScratchDatabase {
    /// Makes one beside `origin`; a file lies below the folder `parent`.
    ///
    /// # Errors
    /// The server does not let this user make databases, or the URL names its
    /// database in more than one place.
    pub fn create(origin: &DatabaseUrl, parent: &Path) -> Result<Self, DatabaseError> {
        if origin.file().is_some() {
            let file = ScratchFile::create(parent)?;
            let text = DatabaseUrl::for_file(file.path());
            let url = DatabaseUrl::parse(&text, Path::new("/"))?;
            return Ok(Self { url, text: Secret::new(text), _kind: Kind::File { _file: file } });
        }
        let name = format!("{PREFIX}{:016x}", RandomState::new().hash_one(std::process::id()));
        let no_place = || DatabaseError::NoScratch { url: origin.shown().to_owned() };
        let text = origin.beside(&name).ok_or_else(no_place)?;
        let url = DatabaseUrl::parse(text.reveal(), Path::new("/"))?;
        let lock = DatabaseLock::acquire(origin, &lock_of(&name), &Limits::default())?;
        execute(origin, MAKE, &create_statement(origin, &name)?)?;
        let database = ServerDatabase { origin: origin.clone(), name, _lock: lock };
        Ok(Self { url, text, _kind: Kind::Server { _database: Box::new(database) } })
    }

    /// Where it is.
    pub fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// SQLAlchemy's URL, with the password, for alembic alone.
    pub fn text(&self) -> &Secret {
        &self.text
    }
}

impl Drop for ServerDatabase {
    fn drop(&mut self) {
        // What cannot be dropped now is a stray one, and named by `doctor`.
        let _ = drop_database(&self.origin, &self.name);
    }
}

/// The scratch databases beside `origin` that nobody uses.
///
/// # Errors
/// The server cannot be asked.
pub fn stray_databases(origin: &DatabaseUrl) -> Result<Vec<String>, DatabaseError> {
    let names = scratch_names(origin)?;
    Ok(names.into_iter().filter(|name| free(origin, name).is_some()).collect())
}

/// Drops the scratch databases beside `origin` that nobody uses.
///
/// # Errors
/// The server cannot be asked, or does not let this user drop them.
pub fn drop_stray_databases(origin: &DatabaseUrl) -> Result<Vec<String>, DatabaseError> {
    let mut dropped = Vec::new();
    for name in scratch_names(origin)? {
        // Held until it is gone, so that nobody drops it a second time.
        if let Some(_lock) = free(origin, &name) {
            drop_database(origin, &name)?;
            dropped.push(name);
        }
    }
    Ok(dropped)
}

/// The lock of a scratch database that nobody uses.
fn free(origin: &DatabaseUrl, name: &str) -> Option<DatabaseLock> {
    let limits = Limits { statement: std::time::Duration::from_millis(100), ..Limits::default() };
    DatabaseLock::acquire(origin, &lock_of(name), &limits).ok()
}

/// Locks are named by tables, and this is the name of none.
fn lock_of(name: &str) -> VersionTable {
    VersionTable { schema: None, name: name.to_owned() }
}

fn create_statement(origin: &DatabaseUrl, name: &str) -> Result<String, DatabaseError> {
    let Place::MySql(server) = origin.place() else {
        return Ok(format!("CREATE DATABASE {}", Dialect::Postgres.quoted(name)));
    };
    // Columns have the database's collation unless they say otherwise.
    let sql = "SELECT CAST(default_character_set_name AS CHAR), \
                      CAST(default_collation_name AS CHAR) \
                 FROM information_schema.schemata WHERE schema_name = database()";
    let rows = block_on(async {
        let mut connection = mysql::connect(origin, server, &Limits::default()).await?;
        let rows = batch(&mut connection, sql.to_owned()).await.complete();
        mysql::hang_up(connection).await;
        rows.map_err(|error| DatabaseError::of(origin, MAKE, error))
    })?;
    let failed = |error| DatabaseError::of(origin, MAKE, error);
    let mut statement = format!("CREATE DATABASE {}", Dialect::MySql.quoted(name));
    if let Some(row) = rows.first() {
        let (set, collation): (String, String) =
            (row.try_get(0).map_err(failed)?, row.try_get(1).map_err(failed)?);
        statement += &format!(" CHARACTER SET {set} COLLATE {collation}");
    }
    Ok(statement)
}

fn drop_database(origin: &DatabaseUrl, name: &str) -> Result<(), DatabaseError> {
    let quoted = origin.dialect().quoted(name);
    match origin.dialect() {
        // A connection that alembic has not closed yet keeps it from going.
        Dialect::Postgres => {
            execute(origin, DROP, &format!("DROP DATABASE IF EXISTS {quoted} WITH (FORCE)"))
                // PostgreSQL 12 does not know the word.
                .or_else(|_| execute(origin, DROP, &format!("DROP DATABASE IF EXISTS {quoted}")))
        }
        _ => execute(origin, DROP, &format!("DROP DATABASE IF EXISTS {quoted}")),
    }
}

fn scratch_names(origin: &DatabaseUrl) -> Result<Vec<String>, DatabaseError> {
    let names = match origin.place() {
        Place::Sqlite(_) => Vec::new(),
        Place::Postgres(server) => names_on_postgres(origin, server)?,
        Place::MySql(server) => names_on_mysql(origin, server)?,
    };
    Ok(names.into_iter().filter(|name| name.starts_with(PREFIX)).collect())
}

fn names_on_postgres(origin: &DatabaseUrl, server: &Server) -> Result<Vec<String>, DatabaseError> {
    let limits = Limits::default();
    let asking = async {
        let mut connection = postgres::connect(origin, server, &limits).await?;
        let sql = "SELECT datname::text FROM pg_database".to_owned();
        let rows = batch(&mut connection, sql).await.complete();
        postgres::hang_up(connection).await;
        let rows = rows.map_err(|error| DatabaseError::of(origin, LIST, error))?;
        let names: Result<_, _> = rows.iter().map(|row| row.try_get(0)).collect();
        names.map_err(|error| DatabaseError::of(origin, LIST, error))
    };
    block_on(within(origin, limits.overall(), asking))
}

fn names_on_mysql(origin: &DatabaseUrl, server: &Server) -> Result<Vec<String>, DatabaseError> {
    let limits = Limits::default();
    let asking = async {
        let mut connection = mysql::connect(origin, server, &limits).await?;
        let sql = "SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata".to_owned();
        let rows = batch(&mut connection, sql).await.complete();
        mysql::hang_up(connection).await;
        let rows = rows.map_err(|error| DatabaseError::of(origin, LIST, error))?;
        let names: Result<_, _> = rows.iter().map(|row| row.try_get(0)).collect();
        names.map_err(|error| DatabaseError::of(origin, LIST, error))
    };
    block_on(within(origin, limits.overall(), asking))
}

/// One statement, which may take as long as it needs: a server copies files.
fn execute(origin: &DatabaseUrl, action: &'static str, sql: &str) -> Result<(), DatabaseError> {
    let failed = |error| DatabaseError::of(origin, action, error);
    let limits = Limits::default();
    block_on(async {
        match origin.place() {
            Place::Sqlite(_) => Ok(()),
            Place::Postgres(server) => {
                let mut connection = postgres::connect(origin, server, &limits).await?;
                let done = batch(&mut connection, sql.to_owned()).await.complete();
                postgres::hang_up(connection).await;
                done.map(drop).map_err(failed)
            }
            Place::MySql(server) => {
                let mut connection = mysql::connect(origin, server, &limits).await?;
                let done = batch(&mut connection, sql.to_owned()).await.complete();
                mysql::hang_up(connection).await;
                done.map(drop).map_err(failed)
            }
        }
    })
}
