//! A worktree, as the journal knows it: a name that survives a move of the
//! repository, and the mark that says in one `stat` that an operation may be open.
//!
//! The mark is written before an operation is recorded as prepared and removed
//! after it is recorded as finished. So an open operation always has its mark,
//! while a mark may be stale: whoever sees one asks the database.

#![expect(clippy::disallowed_methods, reason = "the mark is state of ours, not a user's file")]

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::JournalError;

/// One worktree of a repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worktree {
    name: String,
    git_dir: PathBuf,
}

impl Worktree {
    /// The worktree whose git directory is `git_dir`, in the repository of `common_dir`.
    pub fn new(common_dir: &Path, git_dir: &Path) -> Self {
        // Git gives both in several spellings (relative, with `..`, through links).
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let (common_dir, git_dir) = (real(common_dir), real(git_dir));
        let inside = git_dir.strip_prefix(&common_dir).unwrap_or(&git_dir);
        let parts: Vec<_> = inside.iter().map(|part| part.to_string_lossy()).collect();
        let name = if parts.is_empty() { ".".to_owned() } else { parts.join("/") };
        Self { name, git_dir }
    }

    /// `.` for the main worktree, `worktrees/<name>` for a linked one.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether an operation may be open here: no is certain, yes is for the database to confirm.
    pub fn may_be_open(&self) -> bool {
        // What cannot be looked at is not known to be absent.
        self.mark().try_exists().unwrap_or(true)
    }

    /// Sets the mark, durably.
    pub fn set_mark(&self) -> Result<(), JournalError> {
        let mark = self.mark();
        write_mark(&mark).map_err(|source| JournalError::Mark { path: mark, source })
    }

    /// Removes the mark, if it is set. Only for whoever holds the repository's lock.
    pub fn clear_mark(&self) -> Result<(), JournalError> {
        let mark = self.mark();
        match fs::remove_file(&mark) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(JournalError::Mark { path: mark, source })
            }
            _ => Ok(()),
        }
    }

    fn mark(&self) -> PathBuf {
        self.git_dir.join("dbm-git").join("open")
    }
}

fn write_mark(mark: &Path) -> io::Result<()> {
    let folder = mark.parent().unwrap_or(mark);
    fs::create_dir_all(folder)?;
    File::create(mark)?.sync_all()?;
    sync_folder(folder)?;
    folder.parent().map_or(Ok(()), sync_folder)
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Does nothing: a folder cannot be opened for syncing here.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worktree_is_named_by_its_place_in_the_common_directory() {
        let common = tempfile::tempdir().expect("a folder");
        let linked = common.path().join("worktrees/feature");
        fs::create_dir_all(&linked).expect("made");
        assert_eq!(Worktree::new(common.path(), common.path()).name(), ".");
        assert_eq!(Worktree::new(common.path(), &linked).name(), "worktrees/feature");
        let roundabout = linked.join("../..");
        assert_eq!(Worktree::new(&roundabout, &linked).name(), "worktrees/feature");
    }

    #[test]
    fn the_mark_of_one_worktree_is_not_another_ones() {
        let common = tempfile::tempdir().expect("a folder");
        let linked = common.path().join("worktrees/feature");
        fs::create_dir_all(&linked).expect("made");
        let (main, linked) =
            (Worktree::new(common.path(), common.path()), Worktree::new(common.path(), &linked));
        linked.set_mark().expect("set");
        assert!(linked.may_be_open() && !main.may_be_open());
        linked.clear_mark().expect("cleared");
        linked.clear_mark().expect("nothing to clear");
        assert!(!linked.may_be_open());
    }
}
