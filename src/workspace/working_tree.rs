//! The working tree as a snapshot of files.

use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use crate::tree::{Entry, EntryKind, MAX_FILE_BYTES, RepoPath, Tree, TreeError};

/// The checked-out files below a root folder.
///
/// Reads straight from the file system at every call: it holds no state, so
/// nothing it says can be stale.
#[derive(Clone, Debug)]
pub struct WorkingTree {
    root: PathBuf,
}

impl WorkingTree {
    /// The files below `root`, the top folder of a worktree. Does not touch the disk.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The top folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether there is a symlink, wherever it leads.
    pub fn is_symlink(&self, path: &RepoPath) -> bool {
        fs::symlink_metadata(self.locate(path)).is_ok_and(|found| found.is_symlink())
    }

    /// Another text whenever files have come into the folder or gone from it;
    /// `None` if there is no such folder.
    pub fn folder_stamp(&self, folder: &RepoPath) -> Option<String> {
        let found = fs::metadata(self.locate(folder)).ok().filter(fs::Metadata::is_dir)?;
        let since = found.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(since.as_nanos().to_string())
    }

    /// Where `path` lies on disk, symlinks not followed.
    pub(super) fn locate(&self, path: &RepoPath) -> PathBuf {
        if path.is_root() { self.root.clone() } else { self.root.join(path.as_str()) }
    }

    /// The repository path of the existing file or folder `real`, all symlinks
    /// followed; `None` if that is outside of the repository or in its `.git`.
    pub(super) fn resolve(&self, real: &Path) -> io::Result<Option<RepoPath>> {
        let (real, root) = (real.canonicalize()?, self.root.canonicalize()?);
        let Ok(inside) = real.strip_prefix(root) else { return Ok(None) };
        let mut path = RepoPath::root();
        for part in inside.iter() {
            match part.to_str() {
                // A tracked link may lead into `.git`; what lies there is no script of anybody.
                None | Some(".git") => return Ok(None),
                Some(name) => path = path.entry(name),
            }
        }
        Ok(Some(path))
    }

    fn entry(&self, found: &DirEntry) -> io::Result<Entry> {
        let kind = found.file_type()?;
        // A name that is not UTF-8 has no repository path, so nothing can be read by it.
        let Ok(name) = found.file_name().into_string() else {
            let name = found.file_name().to_string_lossy().into_owned();
            return Ok(Entry { name, kind: EntryKind::Other, link_target: None, content: None });
        };
        if !kind.is_symlink() {
            return Ok(Entry { name, kind: entry_kind(kind), link_target: None, content: None });
        }
        // Whatever keeps a link from being followed (no target, a loop, a locked
        // folder) leaves it as good as dangling.
        let link_target = self.resolve(&found.path()).ok().flatten();
        let kind = match &link_target {
            None => EntryKind::Dangling,
            Some(target) => entry_kind(fs::metadata(self.locate(target))?.file_type()),
        };
        Ok(Entry { name, kind, link_target, content: None })
    }
}

impl Tree for WorkingTree {
    fn list(&self, folder: &RepoPath) -> Result<Option<Vec<Entry>>, TreeError> {
        let failed = |source| TreeError::Io { path: folder.clone(), source };
        let found = match fs::read_dir(self.locate(folder)) {
            Ok(found) => found,
            Err(error) if is_absence(&error) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut entries = found
            .map(|entry| self.entry(&entry?))
            .collect::<io::Result<Vec<Entry>>>()
            .map_err(failed)?;
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(Some(entries))
    }

    fn read(&self, path: &RepoPath) -> Result<Option<Vec<u8>>, TreeError> {
        let place = self.locate(path);
        let failed = |source| TreeError::Io { path: path.clone(), source };
        // To open a pipe is to wait for somebody at its other end.
        let found = match fs::metadata(&place) {
            Ok(found) => found,
            Err(error) if is_absence(&error) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        if found.is_dir() {
            return Ok(None);
        }
        if !found.is_file() {
            return Err(TreeError::NotAFile { path: path.clone() });
        }
        if found.len() > MAX_FILE_BYTES as u64 {
            return Err(TreeError::TooLarge { path: path.clone() });
        }
        match fs::read(&place) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(failed(error)),
        }
    }

    fn has_folder(&self, path: &RepoPath) -> Result<bool, TreeError> {
        Ok(self.locate(path).is_dir())
    }
}

/// Whether an error means that there is nothing at the path.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn entry_kind(kind: fs::FileType) -> EntryKind {
    if kind.is_file() {
        EntryKind::File
    } else if kind.is_dir() {
        EntryKind::Folder
    } else {
        EntryKind::Other
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make files to look at")]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).expect("inside")
    }

    /// `name kind [-> target]`, one entry a line.
    fn listing(tree: &WorkingTree, folder: &str) -> String {
        let entries = tree.list(&path(folder)).expect("readable").expect("a folder");
        let line = |entry: &Entry| match &entry.link_target {
            Some(target) => format!("{} {:?} -> {target}", entry.name, entry.kind),
            None => format!("{} {:?}", entry.name, entry.kind),
        };
        entries.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn entries_come_in_byte_order_of_their_names() {
        let root = tempfile::tempdir().expect("a folder");
        for name in ["b.py", "B.py", "a_.py", "a.py"] {
            fs::write(root.path().join(name), "").expect("written");
        }
        fs::create_dir(root.path().join("a-folder")).expect("made");
        insta::assert_snapshot!(listing(&WorkingTree::new(root.path()), ""), @"
        B.py File
        a-folder Folder
        a.py File
        a_.py File
        b.py File
        ");
    }

    #[cfg(unix)]
    #[test]
    fn links_tell_what_they_lead_to() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().expect("a folder");
        let outside = tempfile::NamedTempFile::new().expect("a file");
        for folder in ["shared/deep", "versions", ".git"] {
            fs::create_dir_all(root.path().join(folder)).expect("made");
        }
        fs::write(root.path().join("shared/deep/real.py"), "").expect("written");
        fs::write(root.path().join(".git/config"), "").expect("written");
        for (target, link) in [
            ("../shared/deep/real.py", "file.py"),
            ("../shared/deep", "folder"),
            ("file.py", "chain.py"),
            ("nowhere.py", "dangling.py"),
            ("loop.py", "loop.py"),
            ("../.git/config", "git.py"),
            (outside.path().to_str().expect("utf-8"), "outside.py"),
        ] {
            symlink(target, root.path().join("versions").join(link)).expect("linked");
        }
        insta::assert_snapshot!(listing(&WorkingTree::new(root.path()), "versions"), @"
        chain.py File -> shared/deep/real.py
        dangling.py Dangling
        file.py File -> shared/deep/real.py
        folder Folder -> shared/deep
        git.py Dangling
        loop.py Dangling
        outside.py Dangling
        ");
    }

    #[test]
    fn what_is_not_there_is_no_error() {
        let root = tempfile::tempdir().expect("a folder");
        fs::write(root.path().join("file"), "bytes").expect("written");
        fs::create_dir(root.path().join("folder")).expect("made");
        let tree = WorkingTree::new(root.path());
        assert_eq!(tree.read(&path("file")).expect("readable"), Some(b"bytes".to_vec()));
        for absent in ["nothing", "no/where", "file/below", "folder"] {
            assert_eq!(tree.read(&path(absent)).expect("no error"), None, "{absent}");
        }
        for absent in ["nothing", "no/where", "file/below", "file"] {
            assert_eq!(tree.list(&path(absent)).expect("no error"), None, "{absent}");
            assert!(!tree.has_folder(&path(absent)).expect("no error"), "{absent}");
        }
        assert!(tree.has_folder(&path("folder")).expect("no error"));
    }
}
