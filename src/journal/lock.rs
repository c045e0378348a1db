//! One dbm-git at a time changes a repository. The lock is the kernel's: it dies
//! with its process, so the file that carries it is never stale and never removed.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The right to change a repository, held until dropped.
#[derive(Debug)]
pub struct RepositoryLock {
    _file: File,
}

/// The process that has the lock, as far as it has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    pub pid: u32,
    pub command: String,
}

/// Why the lock was not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("another dbm-git{} is at work in this repository", holder_note(.holder.as_ref()))]
    Held { holder: Option<Holder> },
    #[error("cannot lock `{}`", path.display())]
    Io { path: PathBuf, source: io::Error },
}

impl RepositoryLock {
    /// Takes the lock of the repository, or fails soon if another process keeps it.
    pub fn acquire(common_dir: &Path, command: &str) -> Result<Self, LockError> {
        let folder = common_dir.join("dbm-git");
        let path = folder.join("lock");
        let failed = |source| LockError::Io { path: path.clone(), source };
        fs::create_dir_all(&folder).map_err(failed)?;
        let mut file = open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) if lock_in_time(&file) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::Held { holder: read_holder(&path) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // Only for the message that others show, so never a reason to fail.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}\n{command}\n", std::process::id()));
        Ok(Self { _file: file })
    }

    /// Whether a process has the lock of the repository right now.
    pub fn is_held(common_dir: &Path) -> bool {
        let Ok(file) = File::open(common_dir.join("dbm-git").join("lock")) else { return false };
        matches!(file.try_lock(), Err(TryLockError::WouldBlock))
    }
}

/// What was started by a process that has been killed holds its locks for as long
/// as the kernel takes to make another program of it; a hook takes no longer.
const PATIENCE: Duration = Duration::from_secs(1);

/// Locks the file, if it is to be had in time.
fn lock_in_time(file: &File) -> bool {
    let Ok(same) = file.try_clone() else { return false };
    let (sender, locked) = mpsc::channel();
    // Nobody may be waiting for it any more: then it is free again at once.
    thread::spawn(move || sender.send(same.lock().is_ok()));
    locked.recv_timeout(PATIENCE) == Ok(true)
}

/// Opens a lock file, without truncating what its holder has written.
pub(super) fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)
}

/// The holder may be about to write, so that anything incomplete is nobody.
fn read_holder(path: &Path) -> Option<Holder> {
    let text = fs::read_to_string(path).ok()?;
    let (pid, command) = text.strip_suffix('\n')?.split_once('\n')?;
    Some(Holder { pid: pid.parse().ok()?, command: command.to_owned() })
}

fn holder_note(holder: Option<&Holder>) -> String {
    holder.map_or_else(String::new, |holder| format!(" (pid {})", holder.pid))
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pid {}: {}", self.pid, self.command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_one_is_told_who_has_the_lock() {
        let common = tempfile::tempdir().expect("a folder");
        let lock = RepositoryLock::acquire(common.path(), "dbm-git rebase").expect("free");
        let refused = RepositoryLock::acquire(common.path(), "dbm-git merge").expect_err("held");
        let pid = std::process::id();
        assert_eq!(
            refused.to_string(),
            format!("another dbm-git (pid {pid}) is at work in this repository")
        );
        let LockError::Held { holder: Some(holder) } = refused else { panic!("nobody named") };
        assert_eq!(holder, Holder { pid, command: "dbm-git rebase".to_owned() });
        assert!(RepositoryLock::is_held(common.path()));
        drop(lock);
        RepositoryLock::acquire(common.path(), "dbm-git merge").expect("free again");
    }

    #[test]
    fn a_lock_that_its_holder_gives_back_in_time_is_had() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let [holder, waiting] = [(), ()].map(|()| open(&path).expect("a file"));
        holder.lock().expect("free");
        assert!(waiting.try_lock().is_err());
        let (begun, begins) = mpsc::channel();
        let waits = thread::spawn(move || {
            begun.send(()).expect("somebody listens");
            lock_in_time(&waiting)
        });
        begins.recv().expect("it has begun");
        drop(holder);
        assert!(waits.join().expect("no panic"));
    }
}
