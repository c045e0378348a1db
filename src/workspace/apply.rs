//! Applying changes: every file is looked at before the first is written, and
//! once more right before its own turn; one that holds neither the old nor the
//! new content is never touched. Creations and modifications come first,
//! deletions last, so that a crash leaves too many scripts rather than too few.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::working_tree::{WorkingTree, is_absence};
use super::{durable, fault};
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
        fault::point("caches: before");
        for script in BTreeSet::from([&change.path, &place.real]) {
            self.remove_caches(script)
                .map_err(|source| WorkspaceError::Write { path: script.clone(), source })?;
        }
        Ok(to_write)
    }

    fn write(&self, place: &Place, change: &Change) -> Result<(), WorkspaceError> {
        let path = change.path.clone();
        let real = self.locate(&place.real);
        let Some(image) = &change.after else {
            return durable::delete(&real)
                .map_err(|source| WorkspaceError::Delete { path, source });
        };
        if place.found.is_some() {
            return durable::replace(&real, &image.bytes)
                .map_err(|source| WorkspaceError::Write { path, source });
        }
        if let Err(source) = durable::create_folders(&self.locate(&place.real.folder())) {
            return Err(WorkspaceError::Write { path, source });
        }
        durable::create(&real, &image.bytes, image.mode).map_err(|source| match source.kind() {
            // Someone was faster.
            io::ErrorKind::AlreadyExists => WorkspaceError::EditedElsewhere { paths: vec![path] },
            _ => WorkspaceError::Write { path, source },
        })
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

    /// Temporary files that a killed process has left in `folder`.
    pub fn leftovers(&self, folder: &RepoPath) -> Result<Vec<PathBuf>, WorkspaceError> {
        durable::leftovers(&self.locate(folder))
            .map_err(|source| WorkspaceError::Read { path: folder.clone(), source })
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
    #[expect(clippy::disallowed_methods, reason = "Python's caches, which it makes anew")]
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

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make files to look at")]
mod tests {
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;

    /// A folder to change, described by lines.
    struct Sandbox {
        folder: TempDir,
    }

    impl Sandbox {
        fn new() -> Self {
            Self { folder: tempfile::tempdir().expect("a folder") }
        }

        fn tree(&self) -> WorkingTree {
            WorkingTree::new(self.folder.path())
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn with(self, name: &str, text: &str) -> Self {
            let path = self.path(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
            self
        }

        #[cfg(unix)]
        fn linked(self, name: &str, target: &str) -> Self {
            std::os::unix::fs::symlink(target, self.path(name)).expect("linked");
            self
        }

        fn text(&self, name: &str) -> String {
            fs::read_to_string(self.path(name)).expect("readable")
        }

        /// Applies changes written as `name: before -> after`, one a line, `-` for no file.
        fn apply(&self, changes: &str) -> Result<Applied, WorkspaceError> {
            self.tree().apply(&parse(changes))
        }

        #[track_caller]
        fn refuses(&self, changes: &str, expected: &str) {
            let error = self.apply(changes).expect_err("refused");
            assert_eq!(error.to_string(), expected);
        }

        /// All files, `name: text`, sorted.
        fn files(&self) -> String {
            let mut lines = Vec::new();
            let mut folders = vec![RepoPath::root()];
            while let Some(folder) = folders.pop() {
                use crate::tree::{EntryKind, Tree};
                for entry in self.tree().list(&folder).expect("readable").expect("a folder") {
                    let path = folder.entry(&entry.name);
                    match entry.kind {
                        EntryKind::Folder if entry.link_target.is_none() => folders.push(path),
                        EntryKind::Folder => lines.push(format!("{path}/")),
                        _ => lines.push(format!("{path}: {}", self.text(path.as_str()))),
                    }
                }
            }
            lines.sort();
            lines.join("\n")
        }
    }

    fn parse(changes: &str) -> Vec<Change> {
        let image = |text: &str| (text != "-").then(|| Image { bytes: text.into(), mode: 0o644 });
        let parse_one = |line: &str| {
            let (name, images) = line.trim().split_once(": ").expect("a name");
            let (before, after) = images.split_once(" -> ").expect("an arrow");
            let path = RepoPath::new(name).expect("inside");
            Change { path, before: image(before), after: image(after) }
        };
        changes.lines().map(parse_one).collect()
    }

    fn names_of(paths: &[RepoPath]) -> Vec<&str> {
        paths.iter().map(RepoPath::as_str).collect()
    }

    #[test]
    fn deletions_come_last_and_what_is_new_already_is_skipped() {
        let sandbox = Sandbox::new().with("v/a.py", "1").with("v/b.py", "2").with("v/c.py", "new");
        let applied = sandbox
            .apply("v/a.py: 1 -> -\nv/b.py: 2 -> 3\nv/c.py: old -> new\nw/x/d.py: - -> 4")
            .expect("applied");
        assert_eq!(names_of(&applied.written), ["v/b.py", "w/x/d.py", "v/a.py"]);
        assert_eq!(names_of(&applied.skipped), ["v/c.py"]);
        assert_eq!(sandbox.files(), "v/b.py: 3\nv/c.py: new\nw/x/d.py: 4");
    }

    #[test]
    fn one_edited_file_keeps_all_from_being_written_and_all_such_are_named() {
        let sandbox = Sandbox::new().with("a", "1").with("b", "edited").with("c", "there");
        sandbox.refuses(
            "a: 1 -> 2\nb: 1 -> 2\nc: - -> 2\nd: 1 -> 2",
            "edited by someone else: `b`, `c`, `d`",
        );
        assert_eq!(sandbox.files(), "a: 1\nb: edited\nc: there");
    }

    #[test]
    fn each_file_is_old_new_or_other() {
        let sandbox = Sandbox::new().with("a", "1").with("b", "2").with("c/d", "1");
        let changes = parse("a: 1 -> 2\nb: 1 -> 2\nc: - -> 2\nd: - -> 2\ne: 1 -> -");
        let states = sandbox.tree().classify(&changes).expect("readable");
        let states: Vec<FileState> = states.into_iter().map(|(_, state)| state).collect();
        use FileState::{New, Old, Other};
        assert_eq!(states, [Old, New, Other, Old, New]);
    }

    #[test]
    fn a_folder_or_a_file_in_the_way_is_named() {
        let sandbox = Sandbox::new().with("folder/x", "1").with("file", "1");
        sandbox.refuses("folder: - -> 2", "`folder` is not a regular file");
        sandbox.refuses("file/below: - -> 2", "cannot write `file/below`");
        assert_eq!(sandbox.files(), "file: 1\nfolder/x: 1");
    }

    #[test]
    fn leftovers_of_a_killed_process_are_removed_and_nothing_else() {
        let sandbox = Sandbox::new()
            .with("v/a.py", "1")
            .with("v/.dbm-git-x7.tmp", "half")
            .with("v/.other.tmp", "kept");
        sandbox.apply("v/a.py: 0 -> 1").expect("nothing to write");
        assert_eq!(sandbox.files(), "v/.other.tmp: kept\nv/a.py: 1");
    }

    #[test]
    fn caches_of_changed_and_deleted_scripts_go_and_others_stay() {
        let sandbox = Sandbox::new().with("v/a.py", "1").with("v/b.py", "1").with("v/new.py", "2");
        let cache = |name: &str| format!("v/__pycache__/{name}");
        let gone = ["a.cpython-311.pyc", "a.cpython-39.opt-1.pyc", "b.pypy310.pyc", "new.x.pyc"];
        let kept = ["ab.cpython-311.pyc", "a.cpython-311.pyc.140", "other.cpython-311.pyc"];
        let sandbox = gone.iter().chain(&kept).fold(sandbox, |s, name| s.with(&cache(name), ""));
        sandbox.apply("v/a.py: 1 -> 2\nv/b.py: 1 -> -\nv/new.py: 1 -> 2").expect("applied");
        for name in gone {
            assert!(!sandbox.path(&cache(name)).exists(), "{name}");
        }
        for name in kept {
            assert!(sandbox.path(&cache(name)).exists(), "{name}");
        }
    }

    #[test]
    fn a_cache_that_cannot_be_removed_is_outdated_instead() {
        // A folder stands in for a file that the user may not delete.
        let sandbox = Sandbox::new().with("v/a.py", "1").with("v/__pycache__/a.x.pyc/f", "");
        let modified = || fs::metadata(sandbox.path("v/a.py")).and_then(|m| m.modified());
        let before = modified().expect("a time");
        sandbox.apply("v/a.py: 1 -> 2").expect("applied");
        assert!(modified().expect("a time") >= before + Duration::from_secs(2));
    }

    #[cfg(unix)]
    mod unix {
        use std::os::unix::fs::PermissionsExt;

        use super::*;

        fn mode_of(sandbox: &Sandbox, name: &str) -> u32 {
            fs::metadata(sandbox.path(name)).expect("there").permissions().mode() & 0o7777
        }

        #[test]
        fn a_modified_file_keeps_its_mode_and_a_created_one_gets_its_images() {
            let sandbox = Sandbox::new().with("a", "1");
            fs::set_permissions(sandbox.path("a"), fs::Permissions::from_mode(0o751)).expect("set");
            let mut changes = parse("a: 1 -> 2\nb: - -> 1");
            changes[1].after.as_mut().expect("created").mode = 0o664;
            sandbox.tree().apply(&changes).expect("applied");
            assert_eq!([mode_of(&sandbox, "a"), mode_of(&sandbox, "b")], [0o751, 0o664]);
            let image = sandbox.tree().image(&changes[0].path).expect("readable").expect("there");
            assert_eq!(image, Image { bytes: b"2".to_vec(), mode: 0o751 });
        }

        #[test]
        fn a_linked_script_is_changed_where_it_really_is() {
            let sandbox = Sandbox::new()
                .with("shared/a.py", "1")
                .with("shared/__pycache__/a.x.pyc", "")
                .with("v/__pycache__/a.x.pyc", "")
                .linked("v/a.py", "../shared/a.py");
            sandbox.apply("v/a.py: 1 -> 2").expect("applied");
            assert_eq!(sandbox.text("shared/a.py"), "2");
            assert!(fs::symlink_metadata(sandbox.path("v/a.py")).expect("there").is_symlink());
            assert_eq!(sandbox.files(), "shared/a.py: 2\nv/a.py: 2");
        }

        #[test]
        fn a_linked_folder_is_followed_too() {
            let sandbox = Sandbox::new().with("real/a.py", "1").linked("v", "real");
            sandbox.apply("v/a.py: 1 -> -\nv/b/c.py: - -> 2").expect("applied");
            assert_eq!(sandbox.files(), "real/b/c.py: 2\nv/");
        }

        #[test]
        fn links_are_neither_deleted_nor_filled_nor_followed_out() {
            let outside = tempfile::tempdir().expect("a folder");
            let sandbox = Sandbox::new()
                .with("real.py", "1")
                .with(".git/config", "1")
                .linked("link.py", "real.py")
                .linked("dangling.py", "nowhere.py")
                .linked("git.py", ".git/config")
                .linked("out", outside.path().to_str().expect("utf-8"));
            sandbox.refuses(
                "link.py: 1 -> -",
                "`link.py` is a symbolic link, and links are not deleted",
            );
            sandbox.refuses("dangling.py: - -> 1", "`dangling.py` is not a regular file");
            sandbox.refuses("git.py: 1 -> 2", "`git.py` leads out of the repository");
            sandbox.refuses("out/x.py: - -> 1", "`out/x.py` leads out of the repository");
            sandbox.refuses(
                "real.py: 1 -> 2\nlink.py: 1 -> 2",
                "`real.py` and `link.py` are one and the same file",
            );
            assert_eq!(fs::read_dir(outside.path()).expect("readable").count(), 0);
            assert_eq!(sandbox.text("real.py"), "1");
        }
    }
}
