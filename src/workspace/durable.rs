//! Single steps on the disk, each of which is durable when it returns: a file
//! is all old or all new at any moment, and so is its folder's entry for it.

#![expect(clippy::disallowed_methods, reason = "the one writer of the user's files")]

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

use super::fault;

const TEMPORARY_PREFIX: &str = ".dbm-git-";
// Not `.py`: Alembic imports every file of a version location that ends so, hidden or not.
const TEMPORARY_SUFFIX: &str = ".tmp";

/// Creates `path`; an error of kind `AlreadyExists` if anything is there.
pub(super) fn create(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = folder_of(path);
    let temporary = write_temporary(folder, bytes, permissions(mode))?;
    fault::point("create: before the rename");
    temporary.persist_noclobber(path).map_err(|error| error.error)?;
    fault::point("create: after the rename");
    sync_folder(folder)
}

/// Replaces the content of the existing file `path`; its mode stays.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(path);
    let mode = fs::metadata(path)?.permissions();
    let temporary = write_temporary(folder, bytes, Some(mode))?;
    fault::point("replace: before the rename");
    temporary.persist(path).map_err(|error| error.error)?;
    fault::point("replace: after the rename");
    sync_folder(folder)
}

/// Deletes the file `path`.
pub(super) fn delete(path: &Path) -> io::Result<()> {
    fault::point("delete: before");
    fs::remove_file(path)?;
    fault::point("delete: after");
    sync_folder(folder_of(path))
}

/// Creates `folder` and what is missing above it.
pub(super) fn create_folders(folder: &Path) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let above = folder_of(folder);
    create_folders(above)?;
    fault::point("create folder: before");
    match fs::create_dir(folder) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists || !folder.is_dir() => Err(error),
        _ => sync_folder(above),
    }
}

/// Removes the temporary files that a killed process has left in `folder`.
pub(super) fn remove_leftovers(folder: &Path) -> io::Result<()> {
    for path in leftovers(folder)? {
        fs::remove_file(path)?;
    }
    Ok(())
}

/// The temporary files in `folder`, sorted; none where there is no such folder.
pub(super) fn leftovers(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if super::working_tree::is_absence(&error) => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        if name.starts_with(TEMPORARY_PREFIX) && name.ends_with(TEMPORARY_SUFFIX) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

fn write_temporary(
    folder: &Path,
    bytes: &[u8],
    mode: Option<Permissions>,
) -> io::Result<NamedTempFile> {
    fault::point("temporary file: before");
    let mut temporary =
        Builder::new().prefix(TEMPORARY_PREFIX).suffix(TEMPORARY_SUFFIX).tempfile_in(folder)?;
    fault::point("temporary file: created");
    temporary.write_all(bytes)?;
    fault::point("temporary file: written");
    if let Some(mode) = mode {
        temporary.as_file().set_permissions(mode)?;
    }
    temporary.as_file().sync_all()?;
    Ok(temporary)
}

/// The folder that holds `path`; every path here has one, as all lie below a root.
fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// Makes renames and deletions in `folder` survive a power cut.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()?;
    fault::point("folder: synced");
    Ok(())
}

/// Does nothing: a folder cannot be opened for syncing here.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn permissions(mode: u32) -> Option<Permissions> {
    use std::os::unix::fs::PermissionsExt;
    Some(Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn permissions(_mode: u32) -> Option<Permissions> {
    None
}
