//! Snapshots of a database, and the exchange of one for what is there now: of
//! SQLite a file, of PostgreSQL a database beside the one that it was taken of.
//!
//! Either is there completely or not at all, and so is an exchange: a file's
//! content is put back in one transaction, and on a server two databases change
//! their names in one. Which snapshots there are is not known here.

mod postgres;

use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::url::{DatabaseUrl, Place, Server};
use super::{DatabaseError, Limits, backup, exchange_file, restore_file};
use crate::plan::SnapshotKind;

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
    limits: Limits,
}

impl<'a> SnapshotStore<'a> {
    /// Those of `origin`; files are kept in `folder`.
    ///
    /// # Errors
    /// [`DatabaseError::NoSnapshot`] where none can be made of it.
    pub fn of(
        origin: &'a DatabaseUrl,
        folder: &Path,
        limits: Limits,
    ) -> Result<Self, DatabaseError> {
        if matches!(origin.place(), Place::MySql(_)) {
            return Err(DatabaseError::NoSnapshot { url: origin.shown().to_owned() });
        }
        Ok(Self { origin, folder: folder.to_path_buf(), limits })
    }

    /// What a snapshot of it is made of.
    pub fn kind(&self) -> SnapshotKind {
        if self.server().is_some() { SnapshotKind::Database } else { SnapshotKind::File }
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
            None => Ok(self.origin.file().map_or(0, size)),
        }
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
                backup(self.origin, &file, &[])?;
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
    /// at `kept`, with whatever anybody has written until then.
    ///
    /// # Errors
    /// [`DatabaseError::InUse`] where a server renames none while others are connected.
    pub fn exchange(&self, restored: &str, kept: Option<&str>) -> Result<(), DatabaseError> {
        match self.server() {
            Some(server) => postgres::exchange(
                self.origin,
                server,
                restored,
                kept.unwrap_or_default(),
                &self.limits,
            ),
            None => match kept {
                Some(kept) => exchange_file(self.origin, &self.file(restored), &self.file(kept)),
                None => restore_file(self.origin, &self.file(restored)),
            },
        }
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
