//! Opening a SQLite file without leaving a trace.
//!
//! A database in WAL mode is more than its file: recent writes are in `-wal`,
//! and `-shm` is what its users share. SQLite makes both when it opens such a
//! database, even only for reading, and one that may only read cannot remove
//! them. So where no user has the database open, it is read without: the file
//! alone if there is no `-wal`, else a copy of both. That is right only as long
//! as nobody comes in between, which is looked at afterwards.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use crate::database::url::DatabaseUrl;
use crate::database::{DatabaseError, Limits};

/// How often a look is taken again because somebody came in between.
const ATTEMPTS: usize = 5;

/// The format of a file, by its header: https://www.sqlite.org/fileformat.html
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Whether the file can be read as others share it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Shared,
    /// In WAL mode, with nobody in it and nothing in its log.
    FileAlone,
    /// In WAL mode, with nobody in it and a log that was left behind. Rare: who
    /// crashes leaves `-shm` too, but who copies files may not.
    Copied,
}

/// What changes when somebody opens or writes the database.
#[derive(Debug, PartialEq, Eq)]
struct Surroundings {
    file: (u64, Option<SystemTime>),
    log: Option<(u64, Option<SystemTime>)>,
    has_shared: bool,
}

/// Runs `work` on a connection that can only read. `None` if there is no file.
pub(in crate::database) async fn reading<T>(
    url: &DatabaseUrl,
    file: &Path,
    limits: &Limits,
    action: &'static str,
    mut work: impl AsyncFnMut(&mut SqliteConnection) -> Result<T, sqlx::Error>,
) -> Result<Option<T>, DatabaseError> {
    let failed = |source| DatabaseError::File { action, path: file.to_path_buf(), source };
    // SQLite looks for the log beside the file itself.
    let file = match fs::canonicalize(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(failed)?,
    };
    let mut attempt = 1;
    loop {
        let before = surroundings(&file).map_err(failed)?;
        let way = match header(&file).map_err(failed)? {
            Header::Wal if before.has_shared && before.log.is_some() => Way::Shared,
            Header::Wal if before.log.is_some_and(|(length, _)| length > 0) => Way::Copied,
            Header::Wal => Way::FileAlone,
            Header::Plain => Way::Shared,
            Header::Foreign => return Err(DatabaseError::NotADatabase { path: file }),
        };
        // Removed when this attempt has ended.
        let mut scratch = None;
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .read_only(true)
            .busy_timeout(limits.statement);
        let options = match way {
            Way::Shared => options,
            Way::FileAlone => options.immutable(true),
            Way::Copied => {
                let scratch = scratch.insert(tempfile::tempdir().map_err(failed)?);
                options.filename(copy_into(scratch.path(), &file).map_err(failed)?)
            }
        };
        let result = run(&options, &mut work).await;
        let is_alone = way == Way::Shared || surroundings(&file).map_err(failed)? == before;
        if is_alone {
            return result.map(Some).map_err(|error| DatabaseError::of(url, action, error));
        }
        if attempt == ATTEMPTS {
            let by = "somebody who opens and closes it all the time".to_owned();
            return Err(DatabaseError::Locked { url: url.shown().to_owned(), by });
        }
        attempt += 1;
    }
}

/// Runs `work` on a connection that can write; the file has to exist.
pub(super) async fn writing<T>(
    url: &DatabaseUrl,
    file: &Path,
    limits: &Limits,
    action: &'static str,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
) -> Result<T, DatabaseError> {
    require_database(file, action)?;
    let options = SqliteConnectOptions::new()
        .filename(file)
        .foreign_keys(false)
        .busy_timeout(limits.statement);
    run(&options, work).await.map_err(|error| DatabaseError::of(url, action, error))
}

/// Opens, works and closes again, whatever came of it: what is only dropped is
/// closed later, and locked until then.
async fn run<T>(
    options: &SqliteConnectOptions,
    work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
) -> Result<T, sqlx::Error> {
    let mut connection = options.connect().await?;
    let result = work(&mut connection).await;
    match connection.close().await {
        Ok(()) => result,
        Err(error) => result.and(Err(error)),
    }
}

/// Refuses what is not there or is something else.
pub(super) fn require_database(file: &Path, action: &'static str) -> Result<(), DatabaseError> {
    let path = file.to_path_buf();
    match header(file) {
        Ok(Header::Plain | Header::Wal) => Ok(()),
        Ok(Header::Foreign) => Err(DatabaseError::NotADatabase { path }),
        Err(source) => Err(DatabaseError::File { action, path, source }),
    }
}

enum Header {
    Plain,
    Wal,
    Foreign,
}

fn header(file: &Path) -> io::Result<Header> {
    let mut header = Vec::with_capacity(20);
    File::open(file)?.take(20).read_to_end(&mut header)?;
    Ok(match header.as_slice() {
        // A database that nobody has written to yet.
        [] => Header::Plain,
        header if !header.starts_with(MAGIC) || header.len() < 20 => Header::Foreign,
        header if header[18] == 2 || header[19] == 2 => Header::Wal,
        _ => Header::Plain,
    })
}

fn surroundings(file: &Path) -> io::Result<Surroundings> {
    let stamp = |metadata: fs::Metadata| (metadata.len(), metadata.modified().ok());
    Ok(Surroundings {
        file: stamp(fs::metadata(file)?),
        log: fs::metadata(beside(file, "-wal")).ok().map(stamp),
        has_shared: beside(file, "-shm").exists(),
    })
}

/// Copies the database and its log; the name of the copy.
#[expect(clippy::disallowed_methods, reason = "into a folder of our own, removed at once")]
fn copy_into(folder: &Path, file: &Path) -> io::Result<PathBuf> {
    let copy = folder.join("copy.db");
    fs::copy(file, &copy)?;
    fs::copy(beside(file, "-wal"), beside(&copy, "-wal"))?;
    Ok(copy)
}

fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(suffix);
    name.into()
}
