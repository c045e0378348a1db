//! A file that alembic holds locked as long as it lives. Whoever is killed
//! leaves alembic to its guard, which takes a moment to end it; until then a
//! database may still change, and nobody should judge it.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// A guard takes two seconds at most. What lives longer is no alembic of ours,
/// but something that it has started and left behind.
const PATIENCE: Duration = Duration::from_secs(3);

/// Waits until no alembic runs any more that holds the file.
pub fn wait_for_strays(path: &Path) {
    // Without a file none has ever been started.
    if let Ok(file) = File::open(path) {
        lock_in_time(&file);
    }
}

/// The locked file, for a process to inherit: as its stdin, where it is empty.
pub(super) fn held(path: &Path) -> io::Result<File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().append(true).create(true).open(path)?;
    let file = File::open(path)?;
    lock_in_time(&file);
    Ok(file)
}

/// Locks the file, if it is to be had in time.
fn lock_in_time(file: &File) {
    if file.try_lock().is_ok() {
        return;
    }
    let Ok(same) = file.try_clone() else { return };
    let (sender, locked) = mpsc::channel();
    thread::spawn(move || {
        let result = same.lock();
        // Nobody may be waiting any more.
        let _ = sender.send(result.is_ok());
    });
    // Late or never, the way on is the same.
    let _ = locked.recv_timeout(PATIENCE);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_next_waits_for_the_end_and_finds_an_empty_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("dbm-git").join("alembic");
        wait_for_strays(&path);
        assert!(!path.exists());
        let first = held(&path).expect("a file");
        assert!(File::open(&path).expect("a file").try_lock().is_err());
        let waiting = thread::spawn(move || io::read_to_string(held(&path).expect("a file")));
        drop(first);
        assert_eq!(waiting.join().expect("no panic").expect("readable"), "");
    }
}
