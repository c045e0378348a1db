//! What killed processes have left behind, deleted for good.

use std::fs;
use std::io;
use std::path::Path;

/// What the names of our temporary files and folders begin with.
const PREFIXES: [&str; 3] = [".dbm-git-", "dbm-git-scratch-", "copy-"];

/// Deletes a file, or a folder with all that is in it; links are not followed.
/// Refuses what is not named as ours are. That it is gone already is no error.
#[expect(clippy::disallowed_methods, reason = "temporary files and folders of our own making")]
pub fn remove_leftover(path: &Path) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if !PREFIXES.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(io::Error::other("it is not named as a file of ours"));
    }
    let is_folder = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found?.is_dir(),
    };
    if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "sets up what is to be deleted")]
    fn only_what_is_named_as_ours_goes_and_links_are_not_followed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        fs::create_dir(path("kept")).expect("made");
        fs::write(path("kept/file"), "").expect("written");
        fs::create_dir(path("copy-x")).expect("made");
        #[cfg(unix)]
        std::os::unix::fs::symlink(path("kept"), path("copy-x/link")).expect("linked");
        remove_leftover(&path("copy-x")).expect("deleted");
        remove_leftover(&path("copy-x")).expect("gone already");
        assert!(!path("copy-x").exists() && path("kept/file").exists());
        remove_leftover(&path("kept")).expect_err("not ours");
        assert!(path("kept/file").exists());
    }
}
