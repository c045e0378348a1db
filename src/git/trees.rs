//! Commits and the index as snapshots of files.

use std::cell::RefCell;
use std::collections::BTreeMap;

use git2::{ErrorCode, IndexEntry, IndexEntryExtendedFlag, ObjectType, Oid};

use crate::tree::{ContentId, Entry, EntryKind, MAX_FILE_BYTES, RepoPath, Tree, TreeError};

const FOLDER: i32 = 0o040_000;
const SYMLINK: i32 = 0o120_000;
const SUBMODULE: i32 = 0o160_000;

/// How many links may point at links before it is called dangling (git's own limit is the system's 40).
const MAX_LINKS: usize = 40;

/// The files of a commit.
pub struct CommitTree<'r> {
    git: &'r git2::Repository,
    root: git2::Tree<'r>,
    /// The folder that was read last: files are asked for folder by folder.
    last: RefCell<Option<(RepoPath, git2::Tree<'r>)>>,
}

impl<'r> CommitTree<'r> {
    pub(super) fn new(git: &'r git2::Repository, root: git2::Tree<'r>) -> Self {
        Self { git, root, last: RefCell::new(None) }
    }

    /// The tree id of a folder, as hexadecimal text; `None` if there is no such folder.
    pub fn folder_id(&self, folder: &RepoPath) -> Result<Option<String>, TreeError> {
        // The tree itself is not read: it is as large as the folder.
        let Some(real) = self.follow(folder)? else { return Ok(None) };
        Ok(self.tree_at(&real, folder)?.map(|id| id.to_string()))
    }

    /// The blob id of a file, as hexadecimal text.
    pub fn file_id(&self, path: &RepoPath) -> Result<Option<String>, TreeError> {
        Ok(self.raw(path)?.filter(|(_, mode)| *mode != SYMLINK).map(|(id, _)| id.to_string()))
    }

    fn folder(&self, folder: &RepoPath) -> Result<Option<git2::Tree<'r>>, TreeError> {
        if let Some((path, tree)) = self.last.borrow().as_ref()
            && path == folder
        {
            return Ok(Some(tree.clone()));
        }
        let Some(real) = self.follow(folder)? else { return Ok(None) };
        let Some(id) = self.tree_at(&real, folder)? else { return Ok(None) };
        let tree = self.git.find_tree(id).map_err(|e| failed(folder, &e))?;
        *self.last.borrow_mut() = Some((folder.clone(), tree.clone()));
        Ok(Some(tree))
    }

    /// The tree id of the folder `real`, in which no part is a link; `asked` is
    /// what an error names.
    fn tree_at(&self, real: &RepoPath, asked: &RepoPath) -> Result<Option<Oid>, TreeError> {
        if real.is_root() {
            return Ok(Some(self.root.id()));
        }
        match self.root.get_path(std::path::Path::new(real.as_str())) {
            Ok(entry) => Ok((entry.kind() == Some(ObjectType::Tree)).then(|| entry.id())),
            Err(e) if e.code() == ErrorCode::NotFound => Ok(None),
            Err(e) => Err(failed(asked, &e)),
        }
    }

    /// Id and mode of what lies at `path` itself, links in its folders followed.
    fn raw(&self, path: &RepoPath) -> Result<Option<(Oid, i32)>, TreeError> {
        let Some(folder) = self.folder(&path.folder())? else { return Ok(None) };
        Ok(folder.get_name(path.file_name()).map(|entry| (entry.id(), entry.filemode())))
    }

    /// Replaces links among the parts of `path` by what they point at.
    fn follow(&self, path: &RepoPath) -> Result<Option<RepoPath>, TreeError> {
        follow(path, |real| match self.root.get_path(std::path::Path::new(real.as_str())) {
            Ok(entry) if entry.filemode() == SYMLINK => {
                let target = self.blob(entry.id(), path)?;
                Ok(Part::Link(String::from_utf8_lossy(&target).into_owned()))
            }
            Ok(_) => Ok(Part::Plain),
            Err(e) if e.code() == ErrorCode::NotFound => Ok(Part::Absent),
            Err(e) => Err(failed(path, &e)),
        })
    }

    fn blob(&self, id: Oid, path: &RepoPath) -> Result<Vec<u8>, TreeError> {
        read_blob(self.git, id, path)
    }
}

impl Tree for CommitTree<'_> {
    fn list(&self, folder: &RepoPath) -> Result<Option<Vec<Entry>>, TreeError> {
        let Some(tree) = self.folder(folder)? else { return Ok(None) };
        let mut entries = Vec::with_capacity(tree.len());
        for item in &tree {
            let name = String::from_utf8_lossy(item.name_bytes()).into_owned();
            let entry = if item.name().is_err() {
                Entry { name, kind: EntryKind::Other, link_target: None, content: None }
            } else if item.filemode() == SYMLINK {
                self.link_entry(folder, name)?
            } else {
                let kind = match item.kind() {
                    Some(ObjectType::Blob) => EntryKind::File,
                    // A submodule is checked out as a folder.
                    _ => EntryKind::Folder,
                };
                Entry { name, kind, link_target: None, content: Some(content_id(item.id())) }
            };
            entries.push(entry);
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Some(entries))
    }

    fn read(&self, path: &RepoPath) -> Result<Option<Vec<u8>>, TreeError> {
        match self.raw(path)? {
            None => Ok(None),
            Some((_, SYMLINK)) => match self.follow(path)? {
                Some(real) if &real != path => self.read(&real),
                _ => Ok(None),
            },
            // A folder, or a submodule, whose commits are elsewhere.
            Some((_, FOLDER | SUBMODULE)) => Ok(None),
            Some((id, _)) => self.blob(id, path).map(Some),
        }
    }

    fn has_folder(&self, path: &RepoPath) -> Result<bool, TreeError> {
        Ok(self.folder(path)?.is_some())
    }
}

impl CommitTree<'_> {
    fn link_entry(&self, folder: &RepoPath, name: String) -> Result<Entry, TreeError> {
        let target = self.follow(&folder.entry(&name))?;
        let kind = match &target {
            None => EntryKind::Dangling,
            Some(real) => match self.root.get_path(std::path::Path::new(real.as_str())) {
                Ok(entry) if entry.kind() == Some(ObjectType::Tree) => EntryKind::Folder,
                Ok(entry) if entry.kind() == Some(ObjectType::Blob) => EntryKind::File,
                _ => EntryKind::Dangling,
            },
        };
        Ok(Entry { name, kind, link_target: target, content: None })
    }
}

/// The files of the index, as the next commit would have them. Of a conflicted
/// file our side counts.
pub struct IndexTree<'r> {
    git: &'r git2::Repository,
    files: BTreeMap<RepoPath, (Oid, bool)>,
}

impl<'r> IndexTree<'r> {
    pub(super) fn new(git: &'r git2::Repository, index: &git2::Index) -> Self {
        Self::of(git, index, |_| true)
    }

    /// Only what a sparse checkout leaves out of the working tree.
    pub(super) fn left_out(git: &'r git2::Repository, index: &git2::Index) -> Self {
        Self::of(git, index, |entry| {
            let flags = IndexEntryExtendedFlag::from_bits_truncate(entry.flags_extended);
            flags.is_skip_worktree()
        })
    }

    fn of(
        git: &'r git2::Repository,
        index: &git2::Index,
        is_wanted: impl Fn(&IndexEntry) -> bool,
    ) -> Self {
        let mut files = BTreeMap::new();
        for entry in index.iter() {
            let stage = (entry.flags >> 12) & 3;
            if stage != 0 && stage != 2 {
                continue;
            }
            if is_wanted(&entry)
                && let Some(path) = RepoPath::new(&String::from_utf8_lossy(&entry.path))
            {
                let is_link = entry.mode == SYMLINK.unsigned_abs();
                files.insert(path, (entry.id, is_link));
            }
        }
        Self { git, files }
    }

    /// Replaces links among the parts of `path` by what they point at.
    fn follow(&self, path: &RepoPath) -> Result<Option<RepoPath>, TreeError> {
        follow(path, |real| match self.files.get(real) {
            Some((id, true)) => {
                let target = read_blob(self.git, *id, path)?;
                Ok(Part::Link(String::from_utf8_lossy(&target).into_owned()))
            }
            Some(_) => Ok(Part::Plain),
            None if self.below(real).next().is_some() => Ok(Part::Plain),
            None => Ok(Part::Absent),
        })
    }

    /// The files in `folder` and its folders.
    fn below<'a>(
        &'a self,
        folder: &'a RepoPath,
    ) -> impl Iterator<Item = (&'a RepoPath, &'a (Oid, bool))> {
        // `a-b` sorts between `a` and `a/b`, so the range of a folder has gaps.
        let end = format!("{}/", folder.as_str());
        self.files
            .range(folder.clone()..)
            .take_while(move |(path, _)| path.is_within(folder) || path.as_str() < end.as_str())
            .filter(move |(path, _)| path.is_within(folder) && *path != folder)
    }

    fn entry(&self, path: &RepoPath, name: &str, id: Oid) -> Result<Entry, TreeError> {
        let name = name.to_owned();
        if !matches!(self.files.get(path), Some((_, true))) {
            // The index names files only; their folders are seen from these.
            let is_file = self.files.contains_key(path);
            let kind = match is_file {
                true if name.contains(char::REPLACEMENT_CHARACTER) => EntryKind::Other,
                true => EntryKind::File,
                false => EntryKind::Folder,
            };
            let content = is_file.then(|| content_id(id));
            return Ok(Entry { name, kind, link_target: None, content });
        }
        let link_target = self.follow(path)?;
        let kind = match &link_target {
            None => EntryKind::Dangling,
            Some(real) if self.files.contains_key(real) => EntryKind::File,
            Some(_) => EntryKind::Folder,
        };
        Ok(Entry { name, kind, link_target, content: None })
    }
}

impl Tree for IndexTree<'_> {
    fn list(&self, folder: &RepoPath) -> Result<Option<Vec<Entry>>, TreeError> {
        let Some(real) = self.follow(folder)? else { return Ok(None) };
        let depth = real.parts().count();
        let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
        for (path, (id, _)) in self.below(&real) {
            let Some(name) = path.parts().nth(depth) else { continue };
            if !entries.contains_key(name) {
                entries.insert(name.to_owned(), self.entry(&real.entry(name), name, *id)?);
            }
        }
        let exists = !entries.is_empty() || real.is_root();
        Ok(exists.then(|| entries.into_values().collect()))
    }

    fn read(&self, path: &RepoPath) -> Result<Option<Vec<u8>>, TreeError> {
        let Some(real) = self.follow(path)? else { return Ok(None) };
        let Some((id, _)) = self.files.get(&real) else { return Ok(None) };
        read_blob(self.git, *id, path).map(Some)
    }
}

/// A tree without any file: the merge base of unrelated histories.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyTree;

impl Tree for EmptyTree {
    fn list(&self, folder: &RepoPath) -> Result<Option<Vec<Entry>>, TreeError> {
        Ok(folder.is_root().then(Vec::new))
    }

    fn read(&self, _path: &RepoPath) -> Result<Option<Vec<u8>>, TreeError> {
        Ok(None)
    }
}

/// What one part of a path is.
enum Part {
    Plain,
    Link(String),
    Absent,
}

/// Replaces links among the parts of `path` by what they point at; `None` if
/// that is nothing in the snapshot. `look` says what lies at a path itself.
fn follow(
    path: &RepoPath,
    look: impl Fn(&RepoPath) -> Result<Part, TreeError>,
) -> Result<Option<RepoPath>, TreeError> {
    let mut real = RepoPath::root();
    let mut waiting: Vec<String> = path.parts().rev().map(str::to_owned).collect();
    let mut links = 0;
    while let Some(part) = waiting.pop() {
        if part == ".." {
            if real.is_root() {
                return Ok(None);
            }
            real = real.folder();
            continue;
        }
        let next = real.entry(&part);
        match look(&next)? {
            Part::Absent => return Ok(None),
            Part::Plain => real = next,
            Part::Link(target) => {
                links += 1;
                if links > MAX_LINKS || target.starts_with('/') {
                    return Ok(None);
                }
                let parts = target.split('/').filter(|p| !p.is_empty() && *p != ".");
                waiting.extend(parts.rev().map(str::to_owned));
            }
        }
    }
    Ok(Some(real))
}

/// The bytes of a blob that is not too large to be of use.
fn read_blob(git: &git2::Repository, id: Oid, path: &RepoPath) -> Result<Vec<u8>, TreeError> {
    let database = git.odb().map_err(|e| failed(path, &e))?;
    let (size, _) = database.read_header(id).map_err(|e| failed(path, &e))?;
    if size > MAX_FILE_BYTES {
        return Err(TreeError::TooLarge { path: path.clone() });
    }
    git.find_blob(id).map(|blob| blob.content().to_vec()).map_err(|e| failed(path, &e))
}

fn content_id(id: Oid) -> ContentId {
    let mut bytes = [0; 32];
    bytes[..id.as_bytes().len()].copy_from_slice(id.as_bytes());
    ContentId(bytes)
}

/// libgit2 says "object not found" for what a partial clone has left out.
fn failed(path: &RepoPath, error: &git2::Error) -> TreeError {
    if error.code() == ErrorCode::NotFound {
        TreeError::MissingObject { path: path.clone() }
    } else {
        TreeError::Git { path: path.clone(), reason: error.message().to_owned() }
    }
}
