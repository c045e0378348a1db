//! A snapshot of files by repository path, wherever it comes from: the working
//! tree, the index, a commit, a merge preview. The adapters implement it; the
//! rest of the crate reads through it and so cannot tell them apart.

use std::fmt;

/// A path relative to the repository's root, `/`-separated, without `.` or
/// `..` parts; empty for the root itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RepoPath(String);

impl RepoPath {
    /// Normalises `text`; `None` if it is absolute or climbs above the root.
    pub fn new(text: &str) -> Option<Self> {
        Self::default().join(text)
    }

    /// The root of the repository.
    pub fn root() -> Self {
        Self::default()
    }

    /// `self/relative`, normalised; `None` if that leaves the repository.
    pub fn join(&self, relative: &str) -> Option<Self> {
        if relative.starts_with('/') {
            return None;
        }
        let mut parts: Vec<&str> = self.parts().collect();
        for part in relative.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    parts.pop()?;
                }
                name => parts.push(name),
            }
        }
        Some(Self(parts.join("/")))
    }

    /// The entry `name` of this folder. `name` must be one plain path part.
    pub fn entry(&self, name: &str) -> Self {
        if self.0.is_empty() { Self(name.to_owned()) } else { Self(format!("{}/{name}", self.0)) }
    }

    /// The parts from the root down; none for the root.
    pub fn parts(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// The folder that holds this path; the root holds itself.
    pub fn folder(&self) -> Self {
        Self(self.0.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned()))
    }

    /// The last part.
    pub fn file_name(&self) -> &str {
        self.0.rsplit_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// Whether this is `folder` or lies below it.
    pub fn is_within(&self, folder: &Self) -> bool {
        folder.0.is_empty()
            || self.0 == folder.0
            || self.0.strip_prefix(&folder.0).is_some_and(|rest| rest.starts_with('/'))
    }

    /// The text, `/`-separated.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the repository's root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

/// What an entry of a folder is, symlinks followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    File,
    Folder,
    /// A symlink whose target does not exist (or lies outside of the snapshot).
    Dangling,
    /// A device, a pipe, a socket, or a name that is not UTF-8.
    Other,
}

/// What identifies a file's content without reading it: git's object id, padded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentId(pub [u8; 32]);

/// One entry of a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub kind: EntryKind,
    /// Where the content really is, if the entry is a symlink.
    pub link_target: Option<RepoPath>,
    /// Known without reading in git's trees, not in a working tree.
    pub content: Option<ContentId>,
}

/// Larger files are not read: a syntax tree of one would take gigabytes.
pub const MAX_FILE_BYTES: usize = 64 << 20;

/// Why a snapshot could not answer.
#[derive(Debug, thiserror::Error)]
pub enum TreeError {
    #[error("cannot read `{path}`")]
    Io { path: RepoPath, source: std::io::Error },
    #[error("cannot read `{path}` from git: {reason}")]
    Git { path: RepoPath, reason: String },
    #[error("`{path}` is not in this clone's object store")]
    MissingObject { path: RepoPath },
    #[error("`{path}` is a device, a pipe or a socket")]
    NotAFile { path: RepoPath },
    #[error("`{path}` is larger than {} MB", MAX_FILE_BYTES >> 20)]
    TooLarge { path: RepoPath },
}

/// Files by repository path. Implemented for the working tree by
/// [`workspace`](crate::workspace), for git's trees and the index by [`git`](crate::git).
pub trait Tree {
    /// The entries of a folder in byte order of their names; `None` if there is no such folder.
    fn list(&self, folder: &RepoPath) -> Result<Option<Vec<Entry>>, TreeError>;

    /// The bytes of a file, symlinks followed; `None` if there is no such file.
    fn read(&self, path: &RepoPath) -> Result<Option<Vec<u8>>, TreeError>;

    /// Whether a folder has such an entry. The first one that is found will do.
    fn has_entry(
        &self,
        folder: &RepoPath,
        is_wanted: &dyn Fn(&Entry) -> bool,
    ) -> Result<bool, TreeError> {
        Ok(self.list(folder)?.is_some_and(|entries| entries.iter().any(is_wanted)))
    }

    /// The same files for several threads at once, where that is possible.
    fn shared(&self) -> Option<&(dyn Tree + Sync)> {
        None
    }

    /// Whether a folder exists at `path`.
    fn has_folder(&self, path: &RepoPath) -> Result<bool, TreeError> {
        Ok(self.list(path)?.is_some())
    }

    /// Whether a file exists at `path`, be it one whose content is elsewhere.
    fn has_file(&self, path: &RepoPath) -> Result<bool, TreeError> {
        match self.read(path) {
            Err(TreeError::MissingObject { .. }) => Ok(true),
            found => Ok(found?.is_some()),
        }
    }
}

/// A snapshot made of literals, for tests.
#[cfg(test)]
#[derive(Clone, Debug, Default)]
pub struct MemoryTree {
    files: std::collections::BTreeMap<RepoPath, Vec<u8>>,
}

#[cfg(test)]
impl MemoryTree {
    /// A tree of the given files, as `(path, text)`; a path that ends in `/` makes an empty folder.
    pub fn new(files: &[(&str, &str)]) -> Self {
        files.iter().fold(Self::default(), |tree, (path, text)| tree.with(path, text))
    }

    /// The same tree with one file added or replaced.
    #[must_use]
    pub fn with(mut self, path: &str, text: &str) -> Self {
        let file = if path.ends_with('/') { format!("{path}.keep") } else { path.to_owned() };
        self.files.insert(RepoPath::new(&file).expect("inside"), text.into());
        self
    }
}

#[cfg(test)]
impl Tree for MemoryTree {
    fn list(&self, folder: &RepoPath) -> Result<Option<Vec<Entry>>, TreeError> {
        let depth = folder.parts().count();
        let mut kinds = std::collections::BTreeMap::new();
        for path in self.files.keys().filter(|path| path.is_within(folder)) {
            let mut below = path.parts().skip(depth);
            if let Some(name) = below.next() {
                let kind = if below.next().is_some() { EntryKind::Folder } else { EntryKind::File };
                kinds.insert(name.to_owned(), kind);
            }
        }
        let entry = |(name, kind)| Entry { name, kind, link_target: None, content: None };
        let exists = folder.is_root() || !kinds.is_empty();
        Ok(exists.then(|| kinds.into_iter().map(entry).collect()))
    }

    fn read(&self, path: &RepoPath) -> Result<Option<Vec<u8>>, TreeError> {
        Ok(self.files.get(path).cloned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_of_literals_lists_files_and_folders_in_byte_order() {
        let tree = MemoryTree::new(&[("b/x.py", ""), ("a.py", "1"), ("b/c/", "")]);
        let list = |path: &str| {
            let listed = tree.list(&RepoPath::new(path).expect("inside")).expect("no I/O");
            listed.map(|all| all.into_iter().map(|e| (e.name, e.kind)).collect::<Vec<_>>())
        };
        let entry = |name: &str, kind| (name.to_owned(), kind);
        assert_eq!(
            list(""),
            Some(vec![entry("a.py", EntryKind::File), entry("b", EntryKind::Folder)])
        );
        assert_eq!(
            list("b"),
            Some(vec![entry("c", EntryKind::Folder), entry("x.py", EntryKind::File)])
        );
        assert_eq!(list("a.py"), None);
        assert_eq!(list("nowhere"), None);
    }

    #[test]
    fn paths_are_normalised_and_cannot_leave_the_repository() {
        let path = |text| RepoPath::new(text).map(|p| p.to_string());
        assert_eq!(path("a/./b//c/../d"), Some("a/b/d".to_owned()));
        assert_eq!(path(""), Some(".".to_owned()));
        assert_eq!(path("a/../.."), None);
        assert_eq!(path("/etc"), None);
    }

    #[test]
    fn a_folder_holds_itself_and_what_lies_below_but_not_its_namesakes() {
        let path = |text| RepoPath::new(text).expect("inside");
        assert!(path("a/b").is_within(&path("a")));
        assert!(path("a").is_within(&path("a")));
        assert!(path("a").is_within(&RepoPath::root()));
        assert!(!path("ab").is_within(&path("a")));
    }
}
