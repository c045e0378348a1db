//! A temporary configuration with which the project's own `env.py` sees other
//! scripts than the project's.
//!
//! Alembic's graph is then exactly the scripts that are given, and a *stub*, a
//! script without operations that carries a version row's id, makes alembic
//! content with that row. In a graph of one revision `v` and such stubs, this
//! is how alembic (1.13 to 1.20, `tests/alembic_found`) moves by exactly `v`:
//!
//! | `v`'s down revisions in the scratch graph | down | rows |
//! |---|---|---|
//! | none | `downgrade v@base` | `v` goes |
//! | the stub `r` | `downgrade v@r` | `v` goes, `r` comes |
//! | the stubs `r`, `s` | `downgrade v@r` (or `v@s`) | `v` goes, `r` and `s` come |
//!
//! and up, whatever the down revisions, `upgrade v`: those of them that are
//! rows go, `v` comes. The rows of stubs that `v` does not name stay. Exactly
//! this holds as long as
//!
//! * every row of the table is `v` or a stub (else `Can't locate revision`);
//! * going up, every down revision of `v` is a row (else alembic runs the stub
//!   of one that is not, which does nothing, but is not what was meant);
//! * no stub depends on `v` or names it as its down revision, for it would go
//!   down along with it;
//! * `v` depends on nothing that is not there (`KeyError`). On a stub it may
//!   depend: going up, that stub's row goes too, going down it comes;
//! * no label is in two scripts (`Branch name … already used`); alone it is
//!   without effect;
//! * `v` is not called `head`, `heads`, `base` or `current`.
//!
//! `downgrade v@-1` is no substitute (`Ambiguous walk` above two), nor is
//! `downgrade r`, which needs `r` to be below nothing but `v`.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::ini_copy::rewrite;
use super::mirror::Mirror;
use super::target::{config_arguments, relative};
use super::{AlembicError, CommandKind, ProjectFiles, Target};

/// An ini for projects that have none: `env.py` may hand its ini to `fileConfig`.
const PLAIN_INI: &str = "\
[loggers]
keys = root

[handlers]
keys = console

[formatters]
keys = plain

[logger_root]
level = WARNING
handlers = console

[handler_console]
class = StreamHandler
args = (sys.stderr,)
formatter = plain

[formatter_plain]
format = %(levelname)-5.5s [%(name)s] %(message)s

";

/// What the names of scratch folders begin with.
pub(super) const PREFIX: &str = "dbm-git-scratch-";

/// The file in a scratch folder that is locked while the folder is in use.
const IN_USE: &str = ".dbm-git-in-use";

/// Where the scripts are put if the project has no place for them.
const VERSIONS: &str = "versions";

/// A temporary configuration with scripts of its own; gone when dropped.
#[derive(Debug)]
pub struct ScratchProject {
    target: Target,
    /// Held while the folder is in use.
    _lock: File,
    /// Removed with all that is in it, links not followed.
    _folder: TempDir,
}

impl ScratchProject {
    /// Lays out a configuration like that of `files`, in a new folder below
    /// `parent`, for the command of `base`.
    ///
    /// `scripts` are file names (with folders, if need be) and bytes, and become
    /// the only scripts that alembic sees. `url` takes the place of
    /// `sqlalchemy.url`; an `env.py` that makes its URL by itself, as
    /// Flask-Migrate's does, never looks at that.
    ///
    /// The folder mirrors the repository by links, so that what scripts and
    /// `env.py` look up beside their own file, or beside the ini, is there. The
    /// command runs where `base` runs, and `%(here)s` means what it meant.
    pub fn create(
        parent: &Path,
        base: &Target,
        files: &ProjectFiles,
        scripts: &[(String, Vec<u8>)],
        url: Option<&str>,
    ) -> Result<Self, AlembicError> {
        let folder = scratch_folder(parent)?;
        let failed =
            |source| AlembicError::Scratch { folder: folder.path().display().to_string(), source };
        let lock = hold(&folder.path().join(IN_USE)).map_err(failed)?;
        let target = lay_out(folder.path(), base, files, scripts, url).map_err(failed)?;
        Ok(Self { target, _lock: lock, _folder: folder })
    }

    /// The command to run on it.
    pub fn target(&self) -> &Target {
        &self.target
    }
}

/// Scratch folders in `parent` that killed processes have left behind.
pub fn stray_scratch_folders(parent: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = fs::read_dir(parent)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX))
        .map(|entry| entry.path())
        .filter(|folder| !is_in_use(folder))
        .collect();
    found.sort();
    found
}

/// Takes the lock that says that a folder is in use; it dies with the process.
fn hold(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.lock()?;
    Ok(file)
}

fn is_in_use(folder: &Path) -> bool {
    let Ok(file) = File::open(folder.join(IN_USE)) else { return false };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

/// A new folder below `parent`, or else in the system's temporary folder, whose
/// path no version of Alembic splits, whatever the project's separator.
fn scratch_folder(parent: &Path) -> Result<TempDir, AlembicError> {
    let temporary = std::env::temp_dir();
    let is_whole = |path: &Path| {
        let splits = |c: char| c.is_whitespace() || matches!(c, ',' | ':' | ';');
        path.is_absolute() && !path.to_string_lossy().contains(splits)
    };
    let place = [parent, &temporary]
        .into_iter()
        .find(|path| is_whole(path))
        .ok_or_else(|| AlembicError::ScratchPath { folder: parent.display().to_string() })?;
    let failed = |source| AlembicError::Scratch { folder: place.display().to_string(), source };
    fs::create_dir_all(place).map_err(failed)?;
    // Readable to nobody else, since the ini may hold a password.
    tempfile::Builder::new().prefix(PREFIX).tempdir_in(place).map_err(failed)
}

fn lay_out(
    folder: &Path,
    base: &Target,
    files: &ProjectFiles,
    scripts: &[(String, Vec<u8>)],
    url: Option<&str>,
) -> io::Result<Target> {
    let command = base.command.clone();
    let inside = |path: &Path| path.strip_prefix(&files.root).ok().map(Path::to_owned);
    let script_location = &files.script_location;
    let is_flask = command.kind == CommandKind::Flask;

    let mut mirror = Mirror::new(&files.root, folder);
    let versions = files.version_locations.iter().find_map(|path| inside(path));
    let versions = versions.unwrap_or_else(|| PathBuf::from(VERSIONS));
    mirror.scripts(&versions);
    for (name, bytes) in scripts {
        mirror.file(&versions.join(name), bytes.clone());
    }

    // Flask-Migrate's configuration is the folder: its ini, and `env.py` beside it.
    let ini = if is_flask {
        mirror.folder(&inside(script_location).unwrap_or_default());
        Some(script_location.join("alembic.ini"))
    } else {
        files.ini(&command.folder)
    };
    let place = ini.as_deref().and_then(inside).unwrap_or_else(|| PathBuf::from("alembic.ini"));
    let text = match ini.as_deref().map(fs::read) {
        Some(Ok(bytes)) => bytes,
        Some(Err(error)) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Some(Err(_)) | None => PLAIN_INI.as_bytes().to_vec(),
    };
    let here = ini.as_deref().and_then(Path::parent).unwrap_or(&command.folder);
    let mut options = vec![
        ("script_location", script_location.display().to_string()),
        ("version_locations", mirror.at(&versions).display().to_string()),
        ("recursive_version_locations", "false".to_owned()),
        ("sourceless", "false".to_owned()),
    ];
    options.extend(url.map(|url| ("sqlalchemy.url", url.to_owned())));
    mirror.file(&place, rewrite(&text, &files.section, &options, &posix(here)));
    mirror.build()?;

    let place = mirror.at(&place).display().to_string();
    let arguments = if is_flask {
        let directory = inside(script_location).unwrap_or_default();
        vec!["--directory".to_owned(), mirror.at(&directory).display().to_string()]
    } else {
        let mut configs = vec![place];
        configs.extend(files.pyproject().map(|path| relative(&command.folder, path)));
        config_arguments(&configs, &files.section)
    };
    let mut target = Target { command, arguments, ..base.clone() };
    // What is compiled here would outlive its source elsewhere.
    target.environment.push(("PYTHONDONTWRITEBYTECODE".to_owned(), "1".to_owned()));
    Ok(target)
}

/// As Python's `as_posix` writes it.
fn posix(path: &Path) -> String {
    let text = path.display().to_string();
    if cfg!(windows) { text.replace('\\', "/") } else { text }
}
