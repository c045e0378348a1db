//! A place for a copy of a database that nobody keeps.

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::{Builder, TempDir};

use super::{DatabaseError, DatabaseUrl};

/// What the names of the folders begin with.
const PREFIX: &str = "copy-";

/// A path for a database file, in a folder that goes with it: SQLite puts its
/// `-wal` and `-journal` beside.
#[derive(Debug)]
pub struct ScratchFile {
    path: PathBuf,
    _folder: TempDir,
}

impl ScratchFile {
    /// A free path in a new folder below `parent`.
    pub fn create(parent: &Path) -> Result<Self, DatabaseError> {
        let failed = |source| DatabaseError::File {
            action: "make a place for a copy",
            path: parent.to_path_buf(),
            source,
        };
        fs::create_dir_all(parent).map_err(failed)?;
        let folder = Builder::new().prefix(PREFIX).tempdir_in(parent).map_err(failed)?;
        Ok(Self { path: folder.path().join("copy.db"), _folder: folder })
    }

    /// The path, of a file that is not there yet.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The folders below `parent` that hold such files, or held them when their
/// process was killed.
pub fn stray_copies(parent: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .map(|entry| entry.path())
        .collect();
    found.sort();
    found
}

/// Keeps a missing SQLite file missing: whoever connects to one makes it, with
/// nothing in it.
#[derive(Debug)]
pub struct MissingFile(Option<PathBuf>);

impl MissingFile {
    /// Remembers whether the file is there.
    pub fn of(url: &DatabaseUrl) -> Self {
        Self(url.file().filter(|file| !file.exists()).map(Path::to_path_buf))
    }
}

impl Drop for MissingFile {
    #[expect(clippy::disallowed_methods, reason = "an empty file that our own question has made")]
    fn drop(&mut self) {
        if let Some(file) = &self.0
            && fs::metadata(file).is_ok_and(|data| data.is_file() && data.len() == 0)
        {
            // An empty file more is no harm.
            let _ = fs::remove_file(file);
        }
    }
}
