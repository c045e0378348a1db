//! Copies of a database, taken before something that can lose data.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;

use tempfile::{Builder, NamedTempFile};

use super::dump;
use super::session::block_on;
use super::url::{DatabaseUrl, Place};
use super::{DatabaseError, Limits, mysql, postgres, sqlite};

const ACTION: &str = "write the backup";

/// What the name of a copy begins and ends with until it is complete.
pub(super) const UNFINISHED: (&str, &str) = (".dbm-git-", ".tmp");

/// Writes a copy of the database to `target`, readable by its owner alone and
/// all there or not at all: of SQLite a database file, of PostgreSQL an archive
/// for `pg_restore`, of MySQL and MariaDB a script. The tools for the servers
/// are looked for in the folders `path`.
pub fn backup(url: &DatabaseUrl, target: &Path, path: &[PathBuf]) -> Result<(), DatabaseError> {
    let failed =
        |source| DatabaseError::File { action: ACTION, path: target.to_path_buf(), source };
    let limits = Limits::default();
    let folder = target.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(failed)?;
    // Its mode is 0600 from the beginning.
    let copy = Builder::new()
        .prefix(UNFINISHED.0)
        .suffix(UNFINISHED.1)
        .tempfile_in(folder)
        .map_err(failed)?;
    match url.place() {
        Place::Sqlite(file) => block_on(sqlite::copy_to(url, file, copy.path(), &limits))?,
        Place::Postgres(server) => {
            let tool = dump::find(&["pg_dump"], path)?;
            // Whatever is wrong with the connection is said as for every other use of it.
            block_on(async {
                let connection = postgres::connect(url, server, &limits).await?;
                postgres::hang_up(connection).await;
                Ok(())
            })?;
            dump::postgres(&tool, url, server, copy.path())?;
        }
        Place::MySql(server) => {
            let is_mariadb = block_on(mysql::is_mariadb(url, server, &limits))?;
            let tool = dump::find(dump::mysql_names(is_mariadb), path)?;
            dump::mysql(&tool, url, server, copy.path(), dump::Purpose::Keep)?;
        }
    }
    keep(copy, target, folder).map_err(failed)
}

/// How much room the copies in a folder take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeptCopies {
    pub files: usize,
    pub bytes: u64,
}

/// What is kept in `folder`; nothing where there is no such folder.
pub fn kept_copies(folder: &Path) -> KeptCopies {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.filter_map(|entry| entry.metadata().ok()).filter(fs::Metadata::is_file);
    sizes.fold(KeptCopies::default(), |kept, data| KeptCopies {
        files: kept.files + 1,
        bytes: kept.bytes + data.len(),
    })
}

/// Puts the content of a SQLite backup back into the database file, in one
/// transaction of the database, so that whoever has it open sees it as a commit.
pub fn restore_file(url: &DatabaseUrl, backup: &Path) -> Result<(), DatabaseError> {
    let Place::Sqlite(file) = url.place() else {
        return Err(DatabaseError::NotAFile { url: url.shown().to_owned() });
    };
    block_on(sqlite::restore(url, file, backup, &Limits::default()))
}

/// The same, with a copy at `kept` of what was there: nobody can write in between.
pub fn exchange_file(url: &DatabaseUrl, restored: &Path, kept: &Path) -> Result<(), DatabaseError> {
    let Place::Sqlite(file) = url.place() else {
        return Err(DatabaseError::NotAFile { url: url.shown().to_owned() });
    };
    // A runtime does not run in another one's thread.
    let keep = || {
        let copied = thread::scope(|scope| scope.spawn(|| backup(url, kept, &[])).join());
        copied.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    };
    block_on(sqlite::exchange(url, file, restored, keep, &Limits::default()))
}

/// Gives the complete copy its name, so that it survives a power cut.
fn keep(copy: NamedTempFile, target: &Path, folder: &Path) -> io::Result<()> {
    // The tool may have written the file anew; the name is what counts.
    File::open(copy.path())?.sync_all()?;
    restrict(copy.path())?;
    copy.persist(target).map_err(|error| error.error)?;
    sync_folder(folder)
}

#[cfg(unix)]
fn restrict(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

#[cfg(not(unix))]
fn restrict(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Does nothing: a folder cannot be opened for syncing here.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
