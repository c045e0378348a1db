//! The working tree as a snapshot of files.

use std::ffi::OsString;
use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use crate::parallel::{self, Sharing, work_off};
use crate::tree::{Entry, EntryKind, MAX_FILE_BYTES, RepoPath, Tree, TreeError};

/// What a file system says of a folder and the files in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentStamp {
    /// Others whenever a file has come, gone or been written to.
    pub bytes: Vec<u8>,
    /// When that was last so, by the file system's clock, since 1970.
    pub changed: Option<Duration>,
}

/// The checked-out files below a root folder.
///
/// Reads straight from the file system at every call: it holds no state, so
/// nothing it says can be stale.
#[derive(Clone, Debug)]
pub struct WorkingTree {
    root: PathBuf,
}

impl WorkingTree {
    /// The files below `root`, the top folder of a worktree. Does not touch the disk.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The top folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether there is a symlink, wherever it leads.
    pub fn is_symlink(&self, path: &RepoPath) -> bool {
        fs::symlink_metadata(self.locate(path)).is_ok_and(|found| found.is_symlink())
    }

    /// Another text whenever files have come into the folder or gone from it;
    /// `None` if there is no such folder.
    pub fn folder_stamp(&self, folder: &RepoPath) -> Option<String> {
        let found = fs::metadata(self.locate(folder)).ok().filter(fs::Metadata::is_dir)?;
        let since = found.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
        Some(since.as_nanos().to_string())
    }

    /// What the file system says of a folder and all files in it, and below it if
    /// `is_recursive`. `None` where that does not tell what they hold: a link may
    /// lead to any other file.
    pub fn content_stamp(&self, folder: &RepoPath, is_recursive: bool) -> Option<ContentStamp> {
        let mut stamp = ContentStamp { bytes: Vec::new(), changed: None };
        self.add_stamp(folder, is_recursive, &mut stamp)?;
        Some(stamp)
    }

    fn add_stamp(
        &self,
        folder: &RepoPath,
        is_recursive: bool,
        stamp: &mut ContentStamp,
    ) -> Option<()> {
        let place = self.locate(folder);
        let found = match fs::symlink_metadata(&place) {
            Ok(found) if found.is_dir() => found,
            // The folders above are the repository's own.
            Err(error) if error.kind() == ErrorKind::NotFound => {
                stamp.bytes.extend(folder.as_str().as_bytes());
                return Some(());
            }
            _ => return None,
        };
        stamp.add(folder.as_str().as_bytes(), &found)?;
        // In the file system's order, which is the same while nothing comes or goes.
        let found = work_off(sharing(), stamp_of, |found| {
            for entry in fs::read_dir(&place)? {
                found(entry?);
            }
            Ok::<(), io::Error>(())
        });
        let mut folders = Vec::new();
        for stamped in found.ok()? {
            let (files, more) = stamped?;
            stamp.bytes.extend(files.bytes);
            stamp.changed = stamp.changed.max(files.changed);
            folders.extend(more);
        }
        for name in folders.iter().filter(|_| is_recursive) {
            self.add_stamp(&folder.entry(name.to_str()?), true, stamp)?;
        }
        Some(())
    }

    /// Where `path` lies on disk, symlinks not followed.
    pub(super) fn locate(&self, path: &RepoPath) -> PathBuf {
        if path.is_root() { self.root.clone() } else { self.root.join(path.as_str()) }
    }

    /// The repository path of the existing file or folder `real`, all symlinks
    /// followed; `None` if that is outside of the repository or in its `.git`.
    pub(super) fn resolve(&self, real: &Path) -> io::Result<Option<RepoPath>> {
        let (real, root) = (real.canonicalize()?, self.root.canonicalize()?);
        let Ok(inside) = real.strip_prefix(root) else { return Ok(None) };
        let mut path = RepoPath::root();
        for part in inside.iter() {
            match part.to_str() {
                // A tracked link may lead into `.git`; what lies there is no script of anybody.
                None | Some(".git") => return Ok(None),
                Some(name) => path = path.entry(name),
            }
        }
        Ok(Some(path))
    }

    /// The entries of a folder in no order; `None` if there is no such folder.
    fn entries(
        &self,
        folder: &RepoPath,
    ) -> Result<Option<impl Iterator<Item = Result<Entry, TreeError>>>, TreeError> {
        let failed = move |source| TreeError::Io { path: folder.clone(), source };
        let found = match fs::read_dir(self.locate(folder)) {
            Ok(found) => found,
            Err(error) if is_absence(&error) => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        Ok(Some(found.map(move |entry| self.entry(&entry.map_err(failed)?).map_err(failed))))
    }

    /// Whether a wanted file is among the first entries of a folder: all entries of a
    /// large one take a tenth of a whole `check` to be read.
    #[cfg(target_os = "linux")]
    fn begins_with(&self, folder: &RepoPath, is_wanted: &dyn Fn(&Entry) -> bool) -> bool {
        use rustix::fs::{FileType, Mode, OFlags, RawDir};
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let Ok(opened) = rustix::fs::open(self.locate(folder), flags, Mode::empty()) else {
            return false;
        };
        let mut buffer = [std::mem::MaybeUninit::uninit(); 2048];
        let mut entries = RawDir::new(opened, &mut buffer);
        while let Some(Ok(found)) = entries.next() {
            if let (FileType::RegularFile, Ok(name)) =
                (found.file_type(), found.file_name().to_str())
            {
                let (name, kind) = (name.to_owned(), EntryKind::File);
                if is_wanted(&Entry { name, kind, link_target: None, content: None }) {
                    return true;
                }
            }
            if entries.is_buffer_empty() {
                break;
            }
        }
        false
    }

    /// Elsewhere nothing reads a part of a folder.
    #[cfg(not(target_os = "linux"))]
    fn begins_with(&self, _folder: &RepoPath, _is_wanted: &dyn Fn(&Entry) -> bool) -> bool {
        false
    }

    /// What is wrong with what is neither a file nor a folder.
    fn no_file(&self, path: &RepoPath) -> Option<TreeError> {
        let found = fs::metadata(self.locate(path)).ok()?;
        let is_other = !found.is_file() && !found.is_dir();
        is_other.then(|| TreeError::NotAFile { path: path.clone() })
    }

    fn entry(&self, found: &DirEntry) -> io::Result<Entry> {
        let kind = found.file_type()?;
        // A name that is not UTF-8 has no repository path, so nothing can be read by it.
        let Ok(name) = found.file_name().into_string() else {
            let name = found.file_name().to_string_lossy().into_owned();
            return Ok(Entry { name, kind: EntryKind::Other, link_target: None, content: None });
        };
        if !kind.is_symlink() {
            return Ok(Entry { name, kind: entry_kind(kind), link_target: None, content: None });
        }
        // Whatever keeps a link from being followed (no target, a loop, a locked
        // folder) leaves it as good as dangling.
        let link_target = self.resolve(&found.path()).ok().flatten();
        let kind = match &link_target {
            None => EntryKind::Dangling,
            Some(target) => entry_kind(fs::metadata(self.locate(target))?.file_type()),
        };
        Ok(Entry { name, kind, link_target, content: None })
    }
}

/// How files are asked for. One thread asks for some thousand of them in the time in
/// which another could be started.
fn sharing() -> Sharing {
    const FOR_ONE: usize = 1000;
    Sharing {
        threads: parallel::cores,
        pieces_per_thread: FOR_ONE,
        pieces_at_once: FOR_ONE / 8,
        pieces_alone: FOR_ONE,
        stack: 128 << 10,
    }
}

/// What the file system says of the files among the entries, as a hash, and which are
/// folders; `None` if there is a link among them.
fn stamp_of(entries: Vec<DirEntry>) -> Option<(ContentStamp, Vec<OsString>)> {
    let mut folders = Vec::new();
    let mut stamp = ContentStamp { bytes: Vec::with_capacity(100 * entries.len()), changed: None };
    for entry in entries {
        let (name, found) = (entry.file_name(), entry.metadata().ok()?);
        if found.is_symlink() {
            return None;
        }
        if found.is_dir() {
            folders.push(name);
        } else {
            stamp.add(name.as_encoded_bytes(), &found)?;
        }
    }
    stamp.bytes = blake3::hash(&stamp.bytes).as_bytes().to_vec();
    Some((stamp, folders))
}

impl ContentStamp {
    #[cfg(unix)]
    fn add(&mut self, name: &[u8], found: &fs::Metadata) -> Option<()> {
        use std::os::unix::fs::MetadataExt;
        let (mtime, ctime) = (found.mtime(), found.ctime());
        let numbers = [found.size(), found.ino(), u64::from(found.mode())];
        let times = [mtime, found.mtime_nsec(), ctime, found.ctime_nsec()];
        self.bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        self.bytes.extend(times.iter().flat_map(|time| time.to_le_bytes()));
        self.bytes.extend(name);
        self.bytes.push(0);
        // Whoever sets a file's time back does not set this one.
        let since =
            Duration::new(u64::try_from(ctime).ok()?, u32::try_from(found.ctime_nsec()).ok()?);
        self.changed = self.changed.max(Some(since));
        Some(())
    }

    /// Only where the time of a file's change cannot be set is it worth anything.
    #[cfg(not(unix))]
    fn add(&mut self, _name: &[u8], _found: &fs::Metadata) -> Option<()> {
        None
    }
}

impl Tree for WorkingTree {
    fn list(&self, folder: &RepoPath) -> Result<Option<Vec<Entry>>, TreeError> {
        let Some(found) = self.entries(folder)? else { return Ok(None) };
        let mut entries = found.collect::<Result<Vec<Entry>, _>>()?;
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(Some(entries))
    }

    fn has_entry(
        &self,
        folder: &RepoPath,
        is_wanted: &dyn Fn(&Entry) -> bool,
    ) -> Result<bool, TreeError> {
        if self.begins_with(folder, is_wanted) {
            return Ok(true);
        }
        for entry in self.entries(folder)?.into_iter().flatten() {
            if is_wanted(&entry?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn read(&self, path: &RepoPath) -> Result<Option<Vec<u8>>, TreeError> {
        let failed = |source| TreeError::Io { path: path.clone(), source };
        let file = match open(&self.locate(path)) {
            Ok(file) => file,
            Err(error) if is_absence(&error) => return Ok(None),
            // Sockets cannot even be opened.
            Err(error) => return Err(self.no_file(path).unwrap_or_else(|| failed(error))),
        };
        let found = file.metadata().map_err(failed)?;
        if found.is_dir() {
            return Ok(None);
        }
        if !found.is_file() {
            return Err(TreeError::NotAFile { path: path.clone() });
        }
        if found.len() > MAX_FILE_BYTES as u64 {
            return Err(TreeError::TooLarge { path: path.clone() });
        }
        let length = usize::try_from(found.len()).unwrap_or_default();
        read_all(file, length).map(Some).map_err(failed)
    }

    fn shared(&self) -> Option<&(dyn Tree + Sync)> {
        Some(self)
    }

    fn has_folder(&self, path: &RepoPath) -> Result<bool, TreeError> {
        Ok(self.locate(path).is_dir())
    }
}

/// Opens a file for reading; a pipe without waiting for somebody at its other end.
#[cfg(unix)]
fn open(place: &Path) -> io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    fs::OpenOptions::new().read(true).custom_flags(flags).open(place)
}

#[cfg(not(unix))]
fn open(place: &Path) -> io::Result<fs::File> {
    fs::File::open(place)
}

/// The bytes of a file that had `length` of them. Room for one more tells that
/// these are all without asking a second time: there are hundreds of scripts.
fn read_all(mut file: fs::File, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length + 1];
    let read = file.read(&mut bytes)?;
    bytes.truncate(read);
    if read != length {
        file.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Whether an error means that there is nothing at the path.
pub(super) fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

fn entry_kind(kind: fs::FileType) -> EntryKind {
    if kind.is_file() {
        EntryKind::File
    } else if kind.is_dir() {
        EntryKind::Folder
    } else {
        EntryKind::Other
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make files to look at")]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).expect("inside")
    }

    /// `name kind [-> target]`, one entry a line.
    fn listing(tree: &WorkingTree, folder: &str) -> String {
        let entries = tree.list(&path(folder)).expect("readable").expect("a folder");
        let line = |entry: &Entry| match &entry.link_target {
            Some(target) => format!("{} {:?} -> {target}", entry.name, entry.kind),
            None => format!("{} {:?}", entry.name, entry.kind),
        };
        entries.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn entries_come_in_byte_order_of_their_names() {
        let root = tempfile::tempdir().expect("a folder");
        for name in ["b.py", "B.py", "a_.py", "a.py"] {
            fs::write(root.path().join(name), "").expect("written");
        }
        fs::create_dir(root.path().join("a-folder")).expect("made");
        insta::assert_snapshot!(listing(&WorkingTree::new(root.path()), ""), @"
        B.py File
        a-folder Folder
        a.py File
        a_.py File
        b.py File
        ");
    }

    #[cfg(unix)]
    #[test]
    fn links_tell_what_they_lead_to() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().expect("a folder");
        let outside = tempfile::NamedTempFile::new().expect("a file");
        for folder in ["shared/deep", "versions", ".git"] {
            fs::create_dir_all(root.path().join(folder)).expect("made");
        }
        fs::write(root.path().join("shared/deep/real.py"), "").expect("written");
        fs::write(root.path().join(".git/config"), "").expect("written");
        for (target, link) in [
            ("../shared/deep/real.py", "file.py"),
            ("../shared/deep", "folder"),
            ("file.py", "chain.py"),
            ("nowhere.py", "dangling.py"),
            ("loop.py", "loop.py"),
            ("../.git/config", "git.py"),
            (outside.path().to_str().expect("utf-8"), "outside.py"),
        ] {
            symlink(target, root.path().join("versions").join(link)).expect("linked");
        }
        insta::assert_snapshot!(listing(&WorkingTree::new(root.path()), "versions"), @"
        chain.py File -> shared/deep/real.py
        dangling.py Dangling
        file.py File -> shared/deep/real.py
        folder Folder -> shared/deep
        git.py Dangling
        loop.py Dangling
        outside.py Dangling
        ");
    }

    #[cfg(unix)]
    #[test]
    fn a_stamp_is_another_one_whenever_a_file_is() {
        let root = tempfile::tempdir().expect("a folder");
        let tree = WorkingTree::new(root.path());
        let stamp = |is_recursive| tree.content_stamp(&path("versions"), is_recursive);
        let text = |is_recursive| stamp(is_recursive).expect("told").bytes;
        let place = |name: &str| root.path().join("versions").join(name);
        let absent = text(false);
        fs::create_dir_all(place("below")).expect("made");
        let empty = text(false);
        assert_ne!(empty, absent);
        fs::write(place("a.py"), "1").expect("written");
        let (flat, whole) = (text(false), text(true));
        assert_ne!(flat, empty);
        assert_eq!(text(false), flat);
        let before = fs::metadata(place("a.py")).expect("there");
        fs::remove_file(place("a.py")).expect("removed");
        fs::write(place("b.py"), "1").expect("written");
        fs::rename(place("b.py"), place("a.py")).expect("renamed");
        let file = fs::File::options().write(true).open(place("a.py")).expect("writable");
        file.set_modified(before.modified().expect("a time")).expect("set");
        assert_ne!(text(false), flat);
        let (flat, old) = (text(false), whole);
        fs::write(place("below/c.py"), "1").expect("written");
        assert_eq!(text(false), flat);
        assert_ne!(text(true), old);
        let last = fs::metadata(place("below/c.py")).expect("there").modified().expect("a time");
        let last = last.duration_since(UNIX_EPOCH).expect("after 1970");
        assert!(stamp(true).expect("told").changed >= Some(last));
        std::os::unix::fs::symlink("a.py", place("d.py")).expect("linked");
        assert_eq!(stamp(false), None);
    }

    #[test]
    fn what_is_not_there_is_no_error() {
        let root = tempfile::tempdir().expect("a folder");
        fs::write(root.path().join("file"), "bytes").expect("written");
        fs::create_dir(root.path().join("folder")).expect("made");
        let tree = WorkingTree::new(root.path());
        assert_eq!(tree.read(&path("file")).expect("readable"), Some(b"bytes".to_vec()));
        for absent in ["nothing", "no/where", "file/below", "folder"] {
            assert_eq!(tree.read(&path(absent)).expect("no error"), None, "{absent}");
        }
        for absent in ["nothing", "no/where", "file/below", "file"] {
            assert_eq!(tree.list(&path(absent)).expect("no error"), None, "{absent}");
            assert!(!tree.has_folder(&path(absent)).expect("no error"), "{absent}");
        }
        assert!(tree.has_folder(&path("folder")).expect("no error"));
    }
}
