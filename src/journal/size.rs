//! How much room the state of ours takes.

use std::fs;
use std::path::Path;

/// The bytes of all files below `folder`; links are not followed.
pub fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some((entry.path(), entry.metadata().ok()?)))
        .map(|(path, found)| if found.is_dir() { size_of(&path) } else { found.len() })
        .sum()
}
