//! Snapshots of a database, and the exchange of one for what is there now: of
//! SQLite a file, of PostgreSQL a database beside the one that it was taken of, of
//! MySQL and MariaDB a dump.
//!
//! Each is there completely or not at all, and so is an exchange of the first two: a
//! file's content is put back in one transaction, and on PostgreSQL two databases
//! change their names in one. How far that of a dump has come can be told at any
//! moment. Which snapshots there are is not known here.

mod mysql;
mod postgres;

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::backup::UNFINISHED;
use super::url::{DatabaseUrl, Place, Server};
use super::{
    DatabaseError, Limits, VersionTable, backup, database_size, exchange_file, restore_file,
};
use crate::plan::SnapshotKind;
use mysql::Dumped;

pub use mysql::ExchangeProgress;

/// What the names of the databases begin with.
const PREFIX: &str = "dbm_git_snapshot_";

/// What the names of the files end with.
const SUFFIX: &str = ".snapshot";

const DELETE: &str = "delete the snapshot";

/// The snapshots of one database: where they lie, and how they are made.
#[derive(Clone, Debug)]
pub struct SnapshotStore<'a> {
    origin: &'a DatabaseUrl,
    folder: PathBuf,
    path: &'a [PathBuf],
    limits: Limits,
}

impl<'a> SnapshotStore<'a> {
    /// Those of `origin`; files are kept in `folder`, and the tools of a server are looked
    /// for in the folders `path`.
    pub fn of(origin: &'a DatabaseUrl, folder: &Path, path: &'a [PathBuf], limits: Limits) -> Self {
        Self { origin, folder: folder.to_path_buf(), path, limits }
    }

    /// What a snapshot of it is made of.
    pub fn kind(&self) -> SnapshotKind {
        match self.origin.place() {
            Place::Sqlite(_) => SnapshotKind::File,
            Place::Postgres(_) => SnapshotKind::Database,
            Place::MySql(_) => SnapshotKind::Dump,
        }
    }

    /// Refuses a version table that no snapshot would have with it: of MySQL and MariaDB
    /// one in another database, which they call a schema.
    ///
    /// # Errors
    /// [`DatabaseError::NoSnapshot`], if it is such a one.
    pub fn refuse_without(&self, table: &VersionTable) -> Result<(), DatabaseError> {
        let Place::MySql(server) = self.origin.place() else { return Ok(()) };
        match &table.schema {
            Some(schema) if server.name.as_ref() != Some(schema) => {
                let what = format!("its version table `{table}`, which is in another database");
                Err(DatabaseError::NoSnapshot { url: self.origin.shown().to_owned(), what })
            }
            _ => Ok(()),
        }
    }

    /// A place that no other snapshot has, whoever else uses the server.
    pub fn new_place(&self) -> String {
        let random = RandomState::new().hash_one(std::process::id());
        match self.server() {
            Some(server) => format!("{}{random:016x}", prefix(server)),
            None => format!("{random:016x}{SUFFIX}"),
        }
    }

    /// Whether there is a database to take one of: a file may be missing.
    pub fn has_origin(&self) -> bool {
        self.origin.file().is_none_or(Path::exists)
    }

    /// How large the database is now.
    pub fn bytes(&self) -> Result<u64, DatabaseError> {
        match self.server() {
            Some(server) => {
                let name = server.name.as_deref().unwrap_or_default();
                postgres::bytes(self.origin, name, &self.limits)
            }
            None => database_size(self.origin),
        }
    }

    /// How many tables a snapshot of it would have to make anew; none where that is no matter.
    pub fn tables(&self) -> Result<u64, DatabaseError> {
        self.dumped().map_or(Ok(0), |dumped| dumped.tables())
    }

    /// Takes a snapshot, and says how large it is.
    ///
    /// # Errors
    /// [`DatabaseError::InUse`] where a server makes none while others are connected.
    pub fn take(&self, place: &str) -> Result<u64, DatabaseError> {
        match self.server() {
            Some(server) => {
                let name = server.name.as_deref().unwrap_or_default();
                postgres::copy(self.origin, name, place, &self.limits)?;
                self.bytes()
            }
            None => {
                let file = self.file(place);
                match self.dumped() {
                    Some(dumped) => dumped.dump(&file)?,
                    None => backup(self.origin, &file, &[])?,
                }
                Ok(size(&file))
            }
        }
    }

    /// Copies a snapshot on a server, where the one that is put back is one no more.
    pub fn copy(&self, from: &str, place: &str) -> Result<(), DatabaseError> {
        match self.server() {
            Some(_) => postgres::copy(self.origin, from, place, &self.limits),
            None => Ok(()),
        }
    }

    /// How large a snapshot is.
    pub fn bytes_of(&self, place: &str) -> Result<u64, DatabaseError> {
        match self.server() {
            Some(_) => postgres::bytes(self.origin, place, &self.limits),
            None => Ok(size(&self.file(place))),
        }
    }

    /// Whether the snapshot is there.
    pub fn holds(&self, place: &str) -> Result<bool, DatabaseError> {
        match self.server() {
            Some(_) => Ok(postgres::names(self.origin, &self.limits)?.iter().any(|n| n == place)),
            None => Ok(self.file(place).exists()),
        }
    }

    /// Puts a snapshot in the place of the database. What was there is afterwards
    /// at `kept`, with whatever anybody has written until then. `pass` is told of each
    /// point at which a death would leave something else, where it is not made at once.
    ///
    /// # Errors
    /// [`DatabaseError::InUse`] where a server renames none while others are connected,
    /// and [`DatabaseError::Locked`] where it does not let them be locked out.
    pub fn exchange(
        &self,
        restored: &str,
        kept: Option<&str>,
        pass: fn(&str),
    ) -> Result<(), DatabaseError> {
        let restored_file = self.file(restored);
        match (self.origin.place(), kept) {
            (Place::Postgres(server), _) => {
                let kept = kept.unwrap_or_default();
                postgres::exchange(self.origin, server, restored, kept, &self.limits)
            }
            (Place::MySql(_), Some(kept)) => match self.dumped() {
                Some(dumped) => dumped.exchange(&restored_file, &self.file(kept), pass),
                None => Ok(()),
            },
            (_, Some(kept)) => exchange_file(self.origin, &restored_file, &self.file(kept)),
            (_, None) => restore_file(self.origin, &restored_file),
        }
    }

    /// How far an exchange has come, where that can be told; an exchange that is made at
    /// once is known by other means.
    pub fn progress(&self, kept: &str) -> Result<Option<ExchangeProgress>, DatabaseError> {
        self.dumped().map(|dumped| dumped.progress(&self.file(kept))).transpose()
    }

    /// Goes on with an exchange that was not made at once.
    pub fn finish(&self, restored: &str, kept: &str, pass: fn(&str)) -> Result<(), DatabaseError> {
        let (restored, kept) = (self.file(restored), self.file(kept));
        self.dumped().map_or(Ok(()), |dumped| dumped.finish(&restored, &kept, pass))
    }

    /// Brings back what was there before an exchange that was not made at once.
    pub fn put_back(&self, kept: &str) -> Result<(), DatabaseError> {
        self.dumped().map_or(Ok(()), |dumped| dumped.put_back(&self.file(kept)))
    }

    /// Takes away what an exchange has left that was not made.
    pub fn abandon(&self, kept: &str) -> Result<(), DatabaseError> {
        self.dumped().map_or(Ok(()), |dumped| dumped.abandon(&self.file(kept)))
    }

    /// Deletes a snapshot; that it is gone already is no error.
    pub fn delete(&self, place: &str) -> Result<(), DatabaseError> {
        match self.server() {
            Some(_) if place.starts_with(PREFIX) => {
                postgres::drop_database(self.origin, place, &self.limits)
            }
            Some(_) => Ok(()),
            None => delete_snapshot_file(&self.folder, place),
        }
    }

    /// Deletes what a killed process has left of files that never became snapshots.
    #[expect(clippy::disallowed_methods, reason = "files of our own making, by names of our own")]
    pub fn sweep(&self) {
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.starts_with(UNFINISHED.0) && name.ends_with(UNFINISHED.1) {
                // What cannot be deleted now goes with the next one.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// The places of all snapshots of this database, whoever has made them.
    pub fn places(&self) -> Result<Vec<String>, DatabaseError> {
        let Some(server) = self.server() else { return Ok(snapshot_files(&self.folder)) };
        let names = postgres::names(self.origin, &self.limits)?;
        let own = prefix(server);
        Ok(names.into_iter().filter(|name| name.starts_with(&own)).collect())
    }

    fn server(&self) -> Option<&'a Server> {
        match self.origin.place() {
            Place::Postgres(server) => Some(server),
            Place::Sqlite(_) | Place::MySql(_) => None,
        }
    }

    fn dumped(&self) -> Option<Dumped<'_>> {
        let Place::MySql(server) = self.origin.place() else { return None };
        Some(Dumped { origin: self.origin, server, path: self.path, limits: self.limits })
    }

    fn file(&self, place: &str) -> PathBuf {
        self.folder.join(place)
    }
}

/// The names of the snapshots that are files in `folder`.
pub fn snapshot_files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(SUFFIX)).collect();
    names.sort();
    names
}

/// Deletes a snapshot that is a file; that it is gone already is no error.
#[expect(clippy::disallowed_methods, reason = "a file of our own making, by a name of our own")]
pub fn delete_snapshot_file(folder: &Path, place: &str) -> Result<(), DatabaseError> {
    let path = folder.join(place);
    // A name and no path: whatever the journal says, nothing else is deleted.
    if !place.ends_with(SUFFIX) || path.file_name().is_none_or(|name| name != place) {
        return Ok(());
    }
    match fs::remove_file(&path) {
        Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
            Err(DatabaseError::File { action: DELETE, path, source })
        }
        _ => Ok(()),
    }
}

/// What the names of those beside this database begin with, as those of scratch databases do.
fn prefix(server: &Server) -> String {
    let hash = Sha256::digest(server.name.as_deref().unwrap_or(""));
    let digits: String = hash[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{PREFIX}{digits}_")
}

/// With the log of a database in WAL mode, in which a part of it may be.
fn size(file: &Path) -> u64 {
    let mut log = file.as_os_str().to_owned();
    log.push("-wal");
    [file, Path::new(&log)].iter().filter_map(|path| fs::metadata(path).ok()).map(|d| d.len()).sum()
}
