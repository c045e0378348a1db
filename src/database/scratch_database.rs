//! A database of the same kind as a given one, with nothing or the same in it, to try
//! things out in: for SQLite a file, on a server a database beside the given one.
//!
//! On a server its name tells what it is and which database it is like, and a lock in
//! that database that somebody is using it. What a killed process has left has its
//! name and no lock. Those of other databases are not looked at: their locks are
//! elsewhere.

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::copying::{self, CopyWay};
use super::session::{block_on, pairs_of};
use super::url::{DatabaseUrl, Place};
use super::{DatabaseError, DatabaseLock, Dialect, Limits, ScratchFile, Secret, VersionTable};

/// What the names of the databases begin with.
const PREFIX: &str = "dbm_git_scratch_";

const MAKE: &str = "make a scratch database on";
const DROP: &str = "drop a scratch database on";
const LIST: &str = "list the databases of";

/// A database of our own, gone when dropped.
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
    /// Makes an empty one beside `origin`; a file lies below the folder `parent`.
    ///
    /// # Errors
    /// The server does not let this user make databases, or the URL names its
    /// database in more than one place.
    pub fn create(origin: &DatabaseUrl, parent: &Path) -> Result<Self, DatabaseError> {
        if origin.file().is_some() {
            return Self::in_file(ScratchFile::create(parent)?);
        }
        let mut draft = Draft::of(origin)?;
        draft.create_empty(Content::AsNew)?;
        Ok(draft.finish())
    }

    /// Makes one that holds all that `origin` does, which nobody changes meanwhile on
    /// PostgreSQL; the server's tools are looked for in the folders `path`.
    ///
    /// # Errors
    /// [`DatabaseError::NoCopy`] where neither the server nor its tools make one, and
    /// [`DatabaseError::ReachesOut`] where a copy would touch more than itself.
    pub fn copy(
        origin: &DatabaseUrl,
        parent: &Path,
        path: &[PathBuf],
    ) -> Result<(Self, CopyWay), DatabaseError> {
        let failed = |error: DatabaseError| error.of_copy(origin, Vec::new());
        if origin.file().is_some() {
            let file = ScratchFile::create(parent)?;
            copying::copy_file(origin, &file).map_err(failed)?;
            return Ok((Self::in_file(file)?, CopyWay::File));
        }
        copying::refuse_what_reaches_out(origin)?;
        let mut draft = Draft::of(origin)?;
        let connected = match draft.copy_by_template().map_err(failed)? {
            Ok(()) => return Ok((draft.finish(), CopyWay::Template)),
            Err(connected) => connected,
        };
        let failed = |error: DatabaseError| error.of_copy(origin, connected.clone());
        draft.create_empty(Content::Nothing).map_err(failed)?;
        // Dropped with what has arrived so far, should it not be all.
        let database = draft.finish();
        copying::by_dump(origin, &database.url, parent, path).map_err(failed)?;
        Ok((database, CopyWay::Dump { connected }))
    }

    fn in_file(file: ScratchFile) -> Result<Self, DatabaseError> {
        let text = DatabaseUrl::for_file(file.path());
        let url = DatabaseUrl::parse(&text, Path::new("/"))?;
        Ok(Self { url, text: Secret::new(text), _kind: Kind::File { _file: file } })
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

/// What is in a database that is made without a template of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Content {
    /// What every new one of the server has: extensions, say.
    AsNew,
    /// For a dump, which brings all of that along.
    Nothing,
}

/// A name for a database that is yet to be made, locked against those who look for
/// strays: from before it is there until after it is gone.
struct Draft<'a> {
    origin: &'a DatabaseUrl,
    name: String,
    url: DatabaseUrl,
    text: Secret,
    lock: DatabaseLock,
}

impl<'a> Draft<'a> {
    fn of(origin: &'a DatabaseUrl) -> Result<Self, DatabaseError> {
        let random = RandomState::new().hash_one(std::process::id());
        let name = format!("{}{random:016x}", prefix(origin));
        let no_place = || DatabaseError::NoScratch { url: origin.shown().to_owned() };
        let text = origin.beside(&name).ok_or_else(no_place)?;
        let url = DatabaseUrl::parse(text.reveal(), Path::new("/"))?;
        let lock = DatabaseLock::acquire(origin, &lock_of(&name), &Limits::default())?;
        Ok(Self { origin, name, url, text, lock })
    }

    fn create_empty(&mut self, content: Content) -> Result<(), DatabaseError> {
        let statement = create_statement(self.origin, &mut self.lock, &self.name, content);
        statement
            .and_then(|statement| self.lock.run(&statement))
            .map_err(|error| DatabaseError::of_creating(self.origin, MAKE, error))?;
        self.copy_settings()
    }

    /// Who is connected to the origin, where that keeps the server from it.
    fn copy_by_template(&mut self) -> Result<Result<(), Vec<String>>, DatabaseError> {
        if self.origin.dialect() != Dialect::Postgres {
            return Ok(Err(Vec::new()));
        }
        let copied = copying::by_template(self.origin, &mut self.lock, &self.name)?;
        if copied.is_ok() {
            self.copy_settings()?;
        }
        Ok(copied)
    }

    fn copy_settings(&mut self) -> Result<(), DatabaseError> {
        if self.origin.dialect() != Dialect::Postgres {
            return Ok(());
        }
        copying::copy_settings(self.origin, &mut self.lock, &self.name).inspect_err(|_| {
            // What cannot be dropped now is a stray one.
            let _ = drop_database(self.origin, &self.name);
        })
    }

    fn finish(self) -> ScratchDatabase {
        let Self { origin, name, url, text, lock } = self;
        let database = ServerDatabase { origin: origin.clone(), name, _lock: lock };
        ScratchDatabase { url, text, _kind: Kind::Server { _database: Box::new(database) } }
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

fn create_statement(
    origin: &DatabaseUrl,
    lock: &mut DatabaseLock,
    name: &str,
    content: Content,
) -> Result<String, sqlx::Error> {
    let dialect = origin.dialect();
    let mut statement = format!("CREATE DATABASE {}", dialect.quoted(name));
    if dialect == Dialect::Postgres {
        if content == Content::AsNew {
            return Ok(statement);
        }
        // Text is sorted, compared and stored as there; only `template0` allows it.
        let sql = "SELECT pg_encoding_to_char(encoding)::text, \
                          quote_literal(datcollate) || ' LC_CTYPE ' || quote_literal(datctype) \
                     FROM pg_database WHERE datname = current_database()";
        if let Some((encoding, Some(locale))) = lock.run(sql)?.into_iter().next() {
            let encoding = dialect.literal(&encoding);
            statement += &format!(" TEMPLATE template0 ENCODING {encoding} LC_COLLATE {locale}");
        }
        return Ok(statement);
    }
    // Columns have the database's collation unless they say otherwise.
    let sql = "SELECT CAST(default_character_set_name AS CHAR), \
                      CAST(default_collation_name AS CHAR) \
                 FROM information_schema.schemata WHERE schema_name = database()";
    if let Some((set, Some(collation))) = lock.run(sql)?.into_iter().next() {
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
    block_on(pairs_of(origin, sql, action, &Limits::default()))
}
