//! What merging two states of the files would give, folder by folder and only
//! where somebody looks: no index, no tree is written, and folders that only
//! one side changed cost what reading that side costs. Where both sides changed
//! the same lines, theirs are shown, and the file is named as a conflict.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};

use crate::tree::{Entry, EntryKind, RepoPath, Tree, TreeError};

/// The three-way merge of two snapshots from their common base.
pub struct Preview<'a> {
    base: &'a dyn Tree,
    ours: &'a dyn Tree,
    theirs: &'a dyn Tree,
    conflicts: RefCell<Vec<RepoPath>>,
    /// What listing a folder has found out already.
    known: RefCell<HashMap<RepoPath, Side>>,
}

/// Which side a path of the merge comes from.
#[derive(Clone)]
enum Side {
    Ours,
    Theirs,
    Merged(Vec<u8>),
    Nowhere,
}

impl<'a> Preview<'a> {
    /// The merge of `theirs` into `ours`.
    pub fn new(base: &'a dyn Tree, ours: &'a dyn Tree, theirs: &'a dyn Tree) -> Self {
        Self { base, ours, theirs, conflicts: RefCell::default(), known: RefCell::default() }
    }

    /// The files that git could not merge, among those that were read.
    pub fn conflicts(&self) -> Vec<RepoPath> {
        let mut paths = self.conflicts.borrow().clone();
        paths.sort();
        paths.dedup();
        paths
    }

    /// Whether the base and theirs have the same file at `path`.
    fn unchanged_by_theirs(&self, base: Option<&Entry>, theirs: Option<&Entry>) -> bool {
        match (base, theirs) {
            (None, None) => true,
            (Some(b), Some(t)) => b.kind == t.kind && b.content.is_some() && b.content == t.content,
            _ => false,
        }
    }

    fn side(&self, path: &RepoPath) -> Result<Side, TreeError> {
        // What cannot be read is shown as the file that cannot be read, so that
        // it becomes a finding; it is no reason to see nothing of the others.
        let (ours, theirs) = match (self.ours.read(path), self.theirs.read(path)) {
            (Err(error), _) if is_of_one_file(&error) => return Ok(Side::Ours),
            (_, Err(error)) if is_of_one_file(&error) => return Ok(Side::Theirs),
            (ours, theirs) => (ours?, theirs?),
        };
        let base = match self.base.read(path) {
            Err(error) if is_of_one_file(&error) => None,
            base => base?,
        };
        if theirs == base || ours == theirs {
            return Ok(if ours.is_some() { Side::Ours } else { Side::Nowhere });
        }
        if ours == base {
            return Ok(if theirs.is_some() { Side::Theirs } else { Side::Nowhere });
        }
        match (ours, theirs) {
            (Some(ours), Some(theirs)) => {
                Ok(Side::Merged(self.merge(path, base.as_deref(), &ours, &theirs)))
            }
            // One side deleted what the other changed: git leaves the changed file.
            (Some(_), None) => {
                self.conflicts.borrow_mut().push(path.clone());
                Ok(Side::Ours)
            }
            (None, _) => {
                self.conflicts.borrow_mut().push(path.clone());
                Ok(Side::Theirs)
            }
        }
    }

    fn merge(&self, path: &RepoPath, base: Option<&[u8]>, ours: &[u8], theirs: &[u8]) -> Vec<u8> {
        let mut input =
            [git2::MergeFileInput::new(), git2::MergeFileInput::new(), git2::MergeFileInput::new()];
        input[0].content(base.unwrap_or_default());
        input[1].content(ours);
        input[2].content(theirs);
        let [base, ours_input, theirs_input] = &input;
        let merged = git2::merge_file(base, ours_input, theirs_input, None);
        if let Ok(result) = &merged
            && result.is_automergeable()
        {
            return result.content().to_vec();
        }
        self.conflicts.borrow_mut().push(path.clone());
        // Conflict markers would hide the revision, and with it a divergence
        // that the merge brings however the conflict is resolved.
        let mut options = git2::MergeFileOptions::new();
        options.favor(git2::FileFavor::Theirs);
        let resolved = git2::merge_file(base, ours_input, theirs_input, Some(&mut options));
        resolved.map_or_else(|_| ours.to_vec(), |result| result.content().to_vec())
    }
}

fn is_of_one_file(error: &TreeError) -> bool {
    !matches!(error, TreeError::Git { .. })
}

impl Tree for Preview<'_> {
    fn list(&self, folder: &RepoPath) -> Result<Option<Vec<Entry>>, TreeError> {
        let named = |entries: Option<Vec<Entry>>| -> BTreeMap<String, Entry> {
            entries.unwrap_or_default().into_iter().map(|e| (e.name.clone(), e)).collect()
        };
        let (ours, theirs) = (self.ours.list(folder)?, self.theirs.list(folder)?);
        if ours.is_none() && theirs.is_none() {
            return Ok(None);
        }
        let base = named(self.base.list(folder)?);
        let (mut ours, mut theirs) = (named(ours), named(theirs));
        let names: std::collections::BTreeSet<String> =
            ours.keys().chain(theirs.keys()).cloned().collect();
        let mut entries = Vec::new();
        for name in names {
            let (our, their) = (ours.remove(&name), theirs.remove(&name));
            if self.unchanged_by_theirs(base.get(&name), their.as_ref()) {
                if our.is_some() {
                    self.known.borrow_mut().insert(folder.entry(&name), Side::Ours);
                }
                entries.extend(our);
                continue;
            }
            let is_folder =
                |entry: &Option<Entry>| entry.as_ref().is_some_and(|e| e.kind == EntryKind::Folder);
            if is_folder(&our) || is_folder(&their) {
                entries.extend(our.filter(|e| e.kind == EntryKind::Folder).or(their));
                continue;
            }
            let path = folder.entry(&name);
            let side = self.side(&path)?;
            self.known.borrow_mut().insert(path, side.clone());
            match side {
                Side::Ours => entries.extend(our.or(their)),
                Side::Theirs => entries.extend(their.or(our)),
                Side::Merged(_) => entries.push(Entry {
                    name,
                    kind: EntryKind::File,
                    link_target: None,
                    content: None,
                }),
                Side::Nowhere => {}
            }
        }
        Ok(Some(entries))
    }

    fn read(&self, path: &RepoPath) -> Result<Option<Vec<u8>>, TreeError> {
        let known = self.known.borrow().get(path).cloned();
        let side = match known {
            Some(side) => side,
            None => self.side(path)?,
        };
        match side {
            Side::Ours => self.ours.read(path),
            Side::Theirs => self.theirs.read(path),
            Side::Merged(bytes) => Ok(Some(bytes)),
            Side::Nowhere => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::MemoryTree;

    /// What the preview of one file shows, and whether it is named as a conflict.
    #[track_caller]
    fn check(base: &str, ours: &str, theirs: &str, shown: &str, is_conflict: bool) {
        let path = RepoPath::new("versions/a.py").expect("inside");
        let [base, ours, theirs] =
            [base, ours, theirs].map(|text| MemoryTree::new(&[(path.as_str(), text)]));
        let preview = Preview::new(&base, &ours, &theirs);
        let bytes = preview.read(&path).expect("readable").expect("there");
        assert_eq!(String::from_utf8(bytes).expect("text"), shown);
        assert_eq!(preview.conflicts(), if is_conflict { vec![path] } else { Vec::new() });
    }

    #[test]
    fn changes_far_apart_are_merged() {
        check("1\n2\n3\n4\n5\n", "0\n2\n3\n4\n5\n", "1\n2\n3\n4\n6\n", "0\n2\n3\n4\n6\n", false);
    }

    #[test]
    fn a_conflict_is_named_and_shows_their_lines() {
        check("1\n2\n3\n4\n5\n", "0\n2\n3\n4\n7\n", "1\n2\n3\n4\n6\n", "0\n2\n3\n4\n6\n", true);
    }
}
