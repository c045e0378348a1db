//! A database of the same kind as a given one, with nothing in it, to try things
//! out in: for SQLite a file, on a server a database beside the given one.
//!
//! On a server its name tells what it is and which database it is like, and a lock in
//! that database that somebody is using it. What a killed process has left has its
//! name and no lock. Those of other databases are not looked at: their locks are
//! elsewhere.

use std::hash::{BuildHasher, RandomState};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::session::{batch, block_on, pairs};
use super::url::{DatabaseUrl, Place};
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
        let random = RandomState::new().hash_one(std::process::id());
        let name = format!("{}{random:016x}", prefix(origin));
        let no_place = || DatabaseError::NoScratch { url: origin.shown().to_owned() };
        let text = origin.beside(&name).ok_or_else(no_place)?;
        let url = DatabaseUrl::parse(text.reveal(), Path::new("/"))?;
        let lock = DatabaseLock::acquire(origin, &lock_of(&name), &Limits::default())?;
        ask(origin, MAKE, &create_statement(origin, &name)?)?;
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

/// What the names of those beside `origin` begin with.
fn prefix(origin: &DatabaseUrl) -> String {
    let name = match origin.place() {
        Place::Sqlite(_) => "",
        Place::Postgres(server) | Place::MySql(server) => server.name.as_deref().unwrap_or(""),
    };
    let hash = Sha256::digest(name);
    let digits: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{digits}_")
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
    if origin.dialect() != Dialect::MySql {
        return Ok(format!("CREATE DATABASE {}", Dialect::Postgres.quoted(name)));
    }
    // Columns have the database's collation unless they say otherwise.
    let sql = "SELECT CAST(default_character_set_name AS CHAR), \
                      CAST(default_collation_name AS CHAR) \
                 FROM information_schema.schemata WHERE schema_name = database()";
    let mut statement = format!("CREATE DATABASE {}", Dialect::MySql.quoted(name));
    if let Some((set, Some(collation))) = ask(origin, MAKE, sql)?.into_iter().next() {
        statement += &format!(" CHARACTER SET {set} COLLATE {collation}");
    }
    Ok(statement)
}

fn drop_database(origin: &DatabaseUrl, name: &str) -> Result<(), DatabaseError> {
    let drop_it = format!("DROP DATABASE IF EXISTS {}", origin.dialect().quoted(name));
    let dropped = match origin.dialect() {
        // A connection that alembic has not closed yet keeps it from going.
        Dialect::Postgres => ask(origin, DROP, &format!("{drop_it} WITH (FORCE)"))
            // PostgreSQL 12 does not know the word.
            .or_else(|_| ask(origin, DROP, &drop_it)),
        _ => ask(origin, DROP, &drop_it),
    };
    dropped.map(drop)
}

fn scratch_names(origin: &DatabaseUrl) -> Result<Vec<String>, DatabaseError> {
    let sql = match origin.dialect() {
        Dialect::Sqlite => return Ok(Vec::new()),
        Dialect::Postgres => "SELECT datname::text FROM pg_database",
        Dialect::MySql => "SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata",
    };
    let names = ask(origin, LIST, sql)?.into_iter().map(|(name, _)| name);
    let own = prefix(origin);
    Ok(names.filter(|name| name.starts_with(&own)).collect())
}

/// The server's answer to one statement, which may take as long as it needs: a new
/// database is files that are copied.
fn ask(
    origin: &DatabaseUrl,
    action: &'static str,
    sql: &str,
) -> Result<Vec<(String, Option<String>)>, DatabaseError> {
    let limits = Limits::default();
    let answer = async {
        match origin.place() {
            Place::Sqlite(_) => Ok(Ok(Vec::new())),
            Place::Postgres(server) => {
                let mut connection = postgres::connect(origin, server, &limits).await?;
                let rows = batch(&mut connection, sql.to_owned()).await.complete();
                postgres::hang_up(connection).await;
                Ok(rows.and_then(|rows| pairs(&rows)))
            }
            Place::MySql(server) => {
                let mut connection = mysql::connect(origin, server, &limits).await?;
                let rows = batch(&mut connection, sql.to_owned()).await.complete();
                mysql::hang_up(connection).await;
                Ok(rows.and_then(|rows| pairs(&rows)))
            }
        }
    };
    block_on(answer)?.map_err(|error| DatabaseError::of(origin, action, error))
}
