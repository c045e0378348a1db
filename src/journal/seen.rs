//! What a worktree's hooks saw last: the commit, the git ids of everything that
//! decides about its migration history, and when each checked-out folder was
//! changed last, since a stash brings files that no commit tells of. Comparing
//! them costs a few tree look-ups; only a difference is worth opening anything else.
//!
//! Losing these files costs one superfluous look, so they are not synced.

#![expect(
    clippy::disallowed_methods,
    reason = "state of ours, in the git directory, not the user's files"
)]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// The commit that was checked out, in hexadecimal.
    pub commit: String,
    /// In a stable order.
    pub places: Vec<SeenPlace>,
}

/// One file or folder as it was seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPlace {
    /// Its repository path.
    pub path: String,
    /// Its git id in the commit, `-` where there was nothing.
    pub id: String,
    /// The stamp of a checked-out folder, `-` where there was none.
    pub stamp: String,
}

const FORMAT: &str = "dbm-git seen 2";

impl Seen {
    /// Reads what was seen last; `None` if nothing was, or it cannot be read.
    pub fn read(git_dir: &Path) -> Option<Self> {
        let text = fs::read_to_string(file(git_dir)).ok()?;
        let mut lines = text.lines();
        if lines.next()? != FORMAT {
            return None;
        }
        let commit = lines.next()?.to_owned();
        let places = lines.map(place).collect::<Option<_>>()?;
        Some(Self { commit, places })
    }

    /// Remembers it, by rename, so that a reader sees the old or the new file.
    pub fn write(&self, git_dir: &Path) -> io::Result<()> {
        let path = file(git_dir);
        let folder = git_dir.join("dbm-git");
        fs::create_dir_all(&folder)?;
        let lines: Vec<String> =
            self.places.iter().map(|p| format!("{} {} {}\n", p.id, p.stamp, p.path)).collect();
        let text = format!("{FORMAT}\n{}\n{}", self.commit, lines.concat());
        let temporary = tempfile::NamedTempFile::new_in(&folder)?;
        io::Write::write_all(&mut temporary.as_file(), text.as_bytes())?;
        temporary.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

fn place(line: &str) -> Option<SeenPlace> {
    let (id, rest) = line.split_once(' ')?;
    let (stamp, path) = rest.split_once(' ')?;
    Some(SeenPlace { path: path.to_owned(), id: id.to_owned(), stamp: stamp.to_owned() })
}

/// Leaves word for the next hook that one was skipped in the middle of a rebase.
pub fn leave_pending(git_dir: &Path) -> io::Result<()> {
    let folder = git_dir.join("dbm-git");
    fs::create_dir_all(&folder)?;
    fs::File::create(folder.join("pending")).map(drop)
}

/// Whether a hook was skipped; forgets it.
pub fn take_pending(git_dir: &Path) -> bool {
    fs::remove_file(git_dir.join("dbm-git").join("pending")).is_ok()
}

fn file(git_dir: &Path) -> PathBuf {
    git_dir.join("dbm-git").join("seen")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_read_back_and_damage_is_nothing_seen() {
        let git_dir = tempfile::tempdir().expect("a folder");
        assert_eq!(Seen::read(git_dir.path()), None);
        let seen = Seen {
            commit: "abc".to_owned(),
            places: vec![SeenPlace {
                path: "a b/versions".to_owned(),
                id: "123".to_owned(),
                stamp: "-".to_owned(),
            }],
        };
        seen.write(git_dir.path()).expect("written");
        assert_eq!(Seen::read(git_dir.path()), Some(seen));
        fs::File::create(file(git_dir.path())).expect("emptied");
        assert_eq!(Seen::read(git_dir.path()), None);
    }

    #[test]
    fn a_pending_look_is_taken_once() {
        let git_dir = tempfile::tempdir().expect("a folder");
        assert!(!take_pending(git_dir.path()));
        leave_pending(git_dir.path()).expect("left");
        assert!(take_pending(git_dir.path()));
        assert!(!take_pending(git_dir.path()));
    }
}
