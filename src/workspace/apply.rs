//! Applying changes: every file is looked at before the first is written, and
//! once more right before its own turn; one that holds neither the old nor the
//! new content is never touched. Creations and modifications come first,
//! deletions last, so that a crash leaves too many scripts rather than too few.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::durable;
use super::working_tree::{WorkingTree, is_absence};
use crate::plan::{Change, FileState, FileStates, Image, same_content};
use crate::tree::RepoPath;

/// What [`WorkingTree::apply`] did, in the order in which it did it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    pub written: Vec<RepoPath>,
    /// Already as they were to become.
    pub skipped: Vec<RepoPath>,
}

/// Why the user's files could not be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum WorkspaceError {
    #[error("edited by someone else: {}", names(.paths))]
    EditedElsewhere { paths: Vec<RepoPath> },
    #[error("`{path}` is not a regular file")]
    NotAFile { path: RepoPath },
    #[error("`{path}` leads out of the repository")]
    OutsideRepository { path: RepoPath },
    #[error("`{first}` and `{second}` are one and the same file")]
    SameFile { first: RepoPath, second: RepoPath },
    #[error("`{path}` is a symbolic link, and links are not deleted")]
    LinkDeletion { path: RepoPath },
    #[error("cannot read `{path}`")]
    Read { path: RepoPath, source: io::Error },
    #[error("cannot write `{path}`")]
    Write { path: RepoPath, source: io::Error },
    #[error("cannot delete `{path}`")]
    Delete { path: RepoPath, source: io::Error },
}

/// What is at a path, symlinks followed.
struct Place {
    /// Where the file really is (or would be).
    real: RepoPath,
    found: Option<Image>,
    is_link: bool,
}

impl WorkingTree {
    /// The content and mode of a file, symlinks followed; `None` if there is no such file.
    pub fn image(&self, path: &RepoPath) -> Result<Option<Image>, WorkspaceError> {
        Ok(self.place(path)?.found)
    }

    /// Says for each change whether its file is old, new or neither.
    pub fn classify(&self, changes: &[Change]) -> Result<FileStates, WorkspaceError> {
        let state = |change: &Change| match self.place(&change.path) {
            Ok(place) => Ok(change.state_of(place.found.as_ref())),
            Err(WorkspaceError::NotAFile { .. } | WorkspaceError::OutsideRepository { .. }) => {
                Ok(FileState::Other)
            }
            Err(error) => Err(error),
        };
        changes.iter().map(|change| Ok((change.path.clone(), state(change)?))).collect()
    }

    /// Whether [`apply`](Self::apply) would find nothing to object to; writes nothing.
    pub fn validate(&self, changes: &[Change]) -> Result<(), WorkspaceError> {
        let mut paths = Vec::new();
        let mut seen: BTreeMap<RepoPath, &RepoPath> = BTreeMap::new();
        for change in changes {
            let place = self.place(&change.path)?;
            let state = change.state_of(place.found.as_ref());
            if state == FileState::Other {
                paths.push(change.path.clone());
            }
            if state == FileState::Old && change.after.is_none() && place.is_link {
                return Err(WorkspaceError::LinkDeletion { path: change.path.clone() });
            }
            if let Some(first) = seen.insert(place.real, &change.path) {
                let (first, second) = (first.clone(), change.path.clone());
                return Err(WorkspaceError::SameFile { first, second });
            }
        }
        if paths.is_empty() { Ok(()) } else { Err(WorkspaceError::EditedElsewhere { paths }) }
    }

    /// Makes every file what its change says it is to become.
    ///
    /// A modified file keeps its mode, a created one gets that of its image.
    /// When this fails before anything is written, all files are as they were;
    /// when it fails later, each file is still either old or new.
    pub fn apply(&self, changes: &[Change]) -> Result<Applied, WorkspaceError> {
        self.validate(changes)?;
        self.remove_leftovers(changes)?;
        let mut applied = Applied::default();
        let (deletions, writes): (Vec<_>, Vec<_>) =
            changes.iter().partition(|change| change.after.is_none());
        for change in writes.into_iter().chain(deletions) {
            let is_written = self.apply_one(change)?;
            let list = if is_written { &mut applied.written } else { &mut applied.skipped };
            list.push(change.path.clone());
        }
        Ok(applied)
    }

    /// Applies one change; `false` if its file is already new.
    fn apply_one(&self, change: &Change) -> Result<bool, WorkspaceError> {
        let place = self.place(&change.path)?;
        let state = change.state_of(place.found.as_ref());
        if state == FileState::Other {
            return Err(WorkspaceError::EditedElsewhere { paths: vec![change.path.clone()] });
        }
        let to_write =
            state == FileState::Old && !same_content(change.before.as_ref(), change.after.as_ref());
        if to_write {
            self.write(&place, change)?;
        }
        // Also for a file that is new already: a killed process may have written
        // it and not have come to its caches.
        for script in BTreeSet::from([&change.path, &place.real]) {
            self.remove_caches(script)
                .map_err(|source| WorkspaceError::Write { path: script.clone(), source })?;
        }
        Ok(to_write)
    }

    fn write(&self, place: &Place, change: &Change) -> Result<(), WorkspaceError> {
        let path = change.path.clone();
        let real = self.locate(&place.real);
        match &change.after {
            None => {
                durable::delete(&real).map_err(|source| WorkspaceError::Delete { path, source })
            }
            Some(image) if place.found.is_some() => durable::replace(&real, &image.bytes)
                .map_err(|source| WorkspaceError::Write { path, source }),
            Some(image) => durable::create_folders(&self.locate(&place.real.folder()))
                .and_then(|()| durable::create(&real, &image.bytes, image.mode))
                .map_err(|source| match source.kind() {
                    io::ErrorKind::AlreadyExists => {
                        WorkspaceError::EditedElsewhere { paths: vec![path] }
                    }
                    _ => WorkspaceError::Write { path, source },
                }),
        }
    }

    fn place(&self, path: &RepoPath) -> Result<Place, WorkspaceError> {
        let read = |source| WorkspaceError::Read { path: path.clone(), source };
        let not_a_file = || WorkspaceError::NotAFile { path: path.clone() };
        let outside = || WorkspaceError::OutsideRepository { path: path.clone() };
        let kind = match fs::symlink_metadata(self.locate(path)) {
            Err(error) if is_absence(&error) => {
                let real = self.resolve_absent(path).map_err(read)?.ok_or_else(outside)?;
                return Ok(Place { real, found: None, is_link: false });
            }
            found => found.map_err(read)?.file_type(),
        };
        let real = match self.resolve(&self.locate(path)) {
            // A link without a target: nothing can be read here, nor created.
            Err(error) if is_absence(&error) => return Err(not_a_file()),
            resolved => resolved.map_err(read)?.ok_or_else(outside)?,
        };
        let place = self.locate(&real);
        let metadata = fs::metadata(&place).map_err(read)?;
        if !metadata.is_file() {
            return Err(not_a_file());
        }
        let bytes = fs::read(&place).map_err(read)?;
        let found = Some(Image { bytes, mode: mode(&metadata) });
        Ok(Place { real, found, is_link: kind.is_symlink() })
    }

    /// Where a file that does not exist would be created; `None` if not in the repository.
    fn resolve_absent(&self, path: &RepoPath) -> io::Result<Option<RepoPath>> {
        if path.is_root() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let folder = path.folder();
        let resolved = match self.resolve(&self.locate(&folder)) {
            Err(error) if is_absence(&error) => self.resolve_absent(&folder)?,
            resolved => resolved?,
        };
        Ok(resolved.map(|folder| folder.entry(path.file_name())))
    }

    fn remove_leftovers(&self, changes: &[Change]) -> Result<(), WorkspaceError> {
        let mut done = BTreeSet::new();
        for change in changes {
            let folder = self.place(&change.path)?.real.folder();
            if !done.contains(&folder) {
                durable::remove_leftovers(&self.locate(&folder)).map_err(|source| {
                    WorkspaceError::Write { path: change.path.clone(), source }
                })?;
                done.insert(folder);
            }
        }
        Ok(())
    }

    /// Removes what Python has compiled of `script`. It trusts a cache by size and
    /// whole second of the source, so that an id replaced by another in the second
    /// of the last import would go unnoticed.
    fn remove_caches(&self, script: &RepoPath) -> io::Result<()> {
        let Some(stem) = script.file_name().strip_suffix(".py") else { return Ok(()) };
        let entries = match fs::read_dir(self.locate(&script.folder()).join("__pycache__")) {
            Err(error) if is_absence(&error) => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let rest = name.to_str().and_then(|name| name.strip_prefix(stem));
            let is_cache = rest.is_some_and(|rest| rest.starts_with('.') && rest.ends_with(".pyc"));
            if is_cache && fs::remove_file(entry.path()).is_err() {
                // Often another user's, written from within a container.
                outdate_caches(&self.locate(script))?;
            }
        }
        Ok(())
    }
}

/// Moves a source that exists to another second than its caches know.
fn outdate_caches(source: &Path) -> io::Result<()> {
    match File::options().append(true).open(source) {
        Err(error) if is_absence(&error) => Ok(()),
        file => {
            let file = file?;
            file.set_modified(file.metadata()?.modified()? + Duration::from_secs(2))
        }
    }
}

#[cfg(unix)]
fn mode(metadata: &Metadata) -> u32 {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o7777
}

/// A mode that git would give; what permissions there are is kept by the copying of them.
#[cfg(not(unix))]
fn mode(_metadata: &Metadata) -> u32 {
    0o644
}

fn names(paths: &[RepoPath]) -> String {
    paths.iter().map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ")
}
