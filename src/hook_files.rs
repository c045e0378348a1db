//! Reads and writes git's hook files, one at a time and all or nothing. Knows
//! nothing of what should be in them; the only place that writes there.

#![expect(clippy::disallowed_methods, reason = "the one writer of hook files")]

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::plan::Image;
use crate::plan::hook::FoundHook;

/// A hook file that could not be read, written or deleted.
#[derive(Debug, thiserror::Error)]
pub enum HookFileError {
    #[error("cannot read the hook `{}`", path.display())]
    Read { path: PathBuf, source: io::Error },
    #[error("cannot write the hook `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot delete the hook `{}`", path.display())]
    Delete { path: PathBuf, source: io::Error },
}

/// What lies at `path`, a symlink followed but told.
pub fn read_hook(path: &Path) -> Result<FoundHook, HookFileError> {
    let failed = |source| HookFileError::Read { path: path.to_owned(), source };
    let link = match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Some(fs::read_link(path).map_err(failed)?),
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(FoundHook::Nothing),
        Err(error) => return Err(failed(error)),
    };
    match fs::metadata(path) {
        Ok(found) if found.is_file() => {
            let bytes = fs::read(path).map_err(failed)?;
            Ok(FoundHook::File { image: Image { bytes, mode: mode(&found) }, link })
        }
        Ok(_) => Ok(FoundHook::Other),
        Err(error) if link.is_some() && error.kind() == io::ErrorKind::NotFound => {
            Ok(FoundHook::Other)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Puts `image` at `path`, making the folder if need be: a file beside it takes
/// its place once it is complete, so that git never runs half a hook.
pub fn write_hook(path: &Path, image: &Image) -> Result<(), HookFileError> {
    replace(path, image).map_err(|source| HookFileError::Write { path: path.to_owned(), source })
}

fn replace(path: &Path, image: &Image) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    let mut file = tempfile::Builder::new().prefix(".dbm-git-").tempfile_in(folder)?;
    file.write_all(&image.bytes)?;
    set_mode(file.as_file(), image.mode)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// Deletes the file at `path`; that it is gone already is no error.
pub fn delete_hook(path: &Path) -> Result<(), HookFileError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(HookFileError::Delete { path: path.to_owned(), source: error })
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn mode(found: &fs::Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt as _;
    found.permissions().mode() & 0o7777
}

#[cfg(unix)]
fn set_mode(file: &fs::File, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(mode))
}

/// Where files have no mode bits, git takes every hook for executable.
#[cfg(not(unix))]
fn mode(_: &fs::Metadata) -> u32 {
    0o755
}

#[cfg(not(unix))]
fn set_mode(_: &fs::File, _: u32) -> io::Result<()> {
    Ok(())
}
