//! A lock for what has no server: the kernel's, on a file in the temporary
//! folder, which is there only while somebody has it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::url::DatabaseUrl;
use super::{DatabaseError, Limits};

/// How long a file is left alone between two tries: the kernel tells nobody when it is free.
const PAUSE: Duration = Duration::from_millis(20);

/// A lock that ends with [`free`](Self::free), or with the process.
pub(super) struct LockFile {
    file: File,
    path: PathBuf,
}

impl LockFile {
    /// Waits for whoever has it as long as a statement may take.
    pub async fn acquire(
        url: &DatabaseUrl,
        path: PathBuf,
        limits: &Limits,
    ) -> Result<Self, DatabaseError> {
        let mut by = None;
        let waiting = async {
            loop {
                match attempt(&path)? {
                    Attempt::Locked(file) => return Ok(file),
                    Attempt::Held(holder) => by = holder,
                    Attempt::Removed => {}
                }
                tokio::time::sleep(PAUSE).await;
            }
        };
        match tokio::time::timeout(limits.statement, waiting).await {
            Ok(Ok(file)) => Ok(Self { file, path }),
            Ok(Err(source)) => Err(DatabaseError::File { action: "lock", path, source }),
            Err(_) => {
                let by = by.map_or("another dbm-git".to_owned(), |pid: u32| format!("pid {pid}"));
                Err(DatabaseError::Locked { url: url.shown().to_owned(), by })
            }
        }
    }

    /// Leaves no file behind. It is removed while it is still locked, so that
    /// it is nobody else's; who waits for it sees that it has no name any more.
    #[expect(clippy::disallowed_methods, reason = "the file is of our own making")]
    pub fn free(self) {
        if is_named(&self.file, &self.path) {
            // What belongs to another user stays, and is taken again the next time.
            let _ = fs::remove_file(&self.path);
        }
    }
}

enum Attempt {
    Locked(File),
    /// The process that has it, as far as it has said.
    Held(Option<u32>),
    /// Somebody has removed what was locked.
    Removed,
}

fn attempt(path: &Path) -> io::Result<Attempt> {
    let mut file = open(path)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            // Only for the message.
            let _ = file.read_to_string(&mut text);
            return Ok(Attempt::Held(text.trim().parse().ok()));
        }
        Err(TryLockError::Error(error)) => return Err(error),
    }
    if !is_named(&file, path) {
        return Ok(Attempt::Removed);
    }
    // Only for the message that others show: what belongs to another user cannot be written.
    let _ = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
    Ok(Attempt::Locked(file))
}

/// Opens a lock file in a folder that everybody writes to. What is there is
/// only read where it belongs to another user, which is enough to lock it.
fn open(path: &Path) -> io::Result<File> {
    loop {
        match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => return File::open(path),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            file => return file,
        }
        match create(path) {
            // Somebody was faster.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            file => return file,
        }
    }
}

#[cfg(unix)]
fn create(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o666).open(path)
}

#[cfg(not(unix))]
fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).open(path)
}

/// Whether the file is the one that has this name, and no other name: in a
/// folder that everybody writes to it may be a link to what nobody wants to be
/// overwritten.
#[cfg(unix)]
fn is_named(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let (Ok(opened), Ok(named)) = (file.metadata(), fs::symlink_metadata(path)) else {
        return false;
    };
    let is_same = opened.dev() == named.dev() && opened.ino() == named.ino();
    is_same && opened.is_file() && opened.nlink() == 1
}

#[cfg(not(unix))]
fn is_named(_file: &File, path: &Path) -> bool {
    path.exists()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::session::block_on;

    fn acquire(path: &Path) -> Result<LockFile, DatabaseError> {
        let url = DatabaseUrl::parse("sqlite:///app.db", Path::new("/")).expect("a URL");
        let statement = Duration::from_millis(100);
        let limits = Limits { statement, ..Limits::default() };
        block_on(LockFile::acquire(&url, path.to_path_buf(), &limits))
    }

    #[test]
    fn nothing_is_left_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let held = acquire(&path).expect("free");
        assert!(matches!(acquire(&path), Err(DatabaseError::Locked { .. })));
        held.free();
        assert!(!path.exists());
        // Who was killed leaves the file, and it is free.
        fs::File::create_new(&path).expect("a file");
        acquire(&path).expect("free").free();
        assert!(!path.exists());
    }

    #[test]
    fn a_lock_on_a_removed_file_is_none() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("lock");
        let held = acquire(&path).expect("free");
        let waiting = OpenOptions::new().read(true).write(true).open(&path).expect("a file");
        held.free();
        waiting.try_lock().expect("free");
        let own = acquire(&path).expect("another file");
        assert!(!is_named(&waiting, &path) && is_named(&own.file, &path));
    }

    #[cfg(unix)]
    #[test]
    fn what_a_link_leads_to_is_not_overwritten() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, other) = (folder.path().join("lock"), folder.path().join("other"));
        File::create_new(&other).and_then(|mut file| file.write_all(b"precious")).expect("a file");
        std::os::unix::fs::symlink(&other, &path).expect("a link");
        assert!(acquire(&path).is_err());
        assert_eq!(fs::read_to_string(other).expect("a file"), "precious");
    }
}
