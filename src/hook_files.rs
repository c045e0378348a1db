//! Reads and writes git's hook files, one at a time and all or nothing. Knows
//! nothing of what should be in them; the only place that writes there. Says also
//! what of the programs that they name is on this machine.

#![expect(
    clippy::disallowed_methods,
    reason = "the one writer of hook files, and asks the programs in them who they are"
)]

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::plan::Image;
use crate::plan::hook::FoundHook;
use crate::plan::hook_run::ProgramState;

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
        // `core.hooksPath = /dev/null` is a way to have no hooks.
        Err(error) if is_absence(&error) => return Ok(FoundHook::Nothing),
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

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The text of a file that a manager of hooks reads; `None` without one.
pub fn read_manager_file(path: &Path) -> Option<String> {
    fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Where `program` is: itself, or in one of the folders, if it has no folder of its own.
pub fn find_program(program: &Path, folders: &[PathBuf]) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return is_program(program).then(|| program.to_owned());
    }
    folders.iter().map(|folder| folder.join(program)).find(|path| is_program(path))
}

fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|found| found.is_file() && mode(&found) & 0o111 != 0)
}

/// Whether two paths are the same file.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// What the dbm-git at `path`, which a hook of ours runs anyway, says of itself.
pub fn ask_version(path: &Path) -> ProgramState {
    if !is_program(path) {
        return ProgramState::Missing;
    }
    let asked = Command::new(path).arg("--version").stdin(Stdio::null()).output();
    let output = match asked {
        Ok(output) if output.status.success() => output,
        Ok(output) => return ProgramState::Broken(output.status.to_string()),
        Err(error) => return ProgramState::Broken(error.to_string()),
    };
    let text = String::from_utf8_lossy(&output.stdout);
    match text.trim().strip_prefix("dbm-git ") {
        Some(version) => ProgramState::Version(version.to_owned()),
        None => ProgramState::Broken("it is another program".to_owned()),
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
