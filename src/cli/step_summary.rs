//! The only file that writes to GitHub Actions' step summary, a file outside
//! of the repository that belongs to the runner.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

/// GitHub drops a summary that is larger than 1 MiB, all steps of a job apart.
const LARGEST: u64 = 1 << 20;

/// Appends the page that `render` makes of the room that is left in bytes.
pub fn append(path: &Path, render: impl FnOnce(usize) -> String) -> io::Result<()> {
    // Nobody may ever read from a pipe.
    if std::fs::metadata(path).is_ok_and(|found| !found.is_file()) {
        return Err(io::Error::other("it is no file"));
    }
    let mut file = OpenOptions::new().append(true).create(true).open(path)?;
    let taken = file.metadata()?.len();
    let room = usize::try_from(LARGEST.saturating_sub(taken)).unwrap_or_default();
    // An earlier command of the step may have left its last line open.
    let page = render(room.saturating_sub(2));
    if page.is_empty() {
        return Ok(());
    }
    let gap = if taken == 0 { "" } else { "\n\n" };
    file.write_all((gap.to_owned() + &page).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_appends_within_the_room_that_is_left() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("summary.md");
        let mut rooms = Vec::new();
        for page in ["one\n", "", "two\n"] {
            append(&path, |room| {
                rooms.push(room);
                page.to_owned()
            })
            .expect("writable");
        }
        assert_eq!(std::fs::read_to_string(&path).expect("readable"), "one\n\n\ntwo\n");
        assert_eq!(rooms, [(1 << 20) - 2, (1 << 20) - 6, (1 << 20) - 6]);
        assert!(append(folder.path(), |_| "x".to_owned()).is_err());
    }
}
