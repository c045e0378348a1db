//! What the parser made of contents: how batches are found in the file, appended
//! to it, and dropped when it has grown too large.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::sealed::{entry_at, first_of, push_entry, seal, sealed_at};
use super::stored_header::StoredParsed;
use crate::script::Parsed;

/// What a batch begins with. Its number stands for what the parser makes of a file
/// as much as for how that is written.
const MAGIC: &str = concat!("dbm-git headers ", env!("CARGO_PKG_VERSION"), " 2\n");

/// A file that has grown beyond this begins anew, with what is in use.
const MAX_BYTES: usize = 16 << 20;

const KEY: usize = 16;

/// The first half of a content's BLAKE3 hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ContentKey([u8; KEY]);

impl ContentKey {
    /// The key of a file's bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(first_of(blake3::hash(bytes).as_bytes()))
    }
}

/// What was parsed before.
#[derive(Debug)]
pub struct HeaderCache {
    path: PathBuf,
    /// The file as it was read.
    bytes: Vec<u8>,
    /// Where each entry lies in `bytes`.
    places: HashMap<ContentKey, (usize, usize)>,
    /// How large the file was.
    size: usize,
}

impl HeaderCache {
    /// Reads the cache of a repository; an empty one where none can be had.
    pub fn read(common_dir: &Path) -> Self {
        let path = common_dir.join("dbm-git").join("headers");
        let bytes = fs::read(&path).unwrap_or_default();
        let mut places = HashMap::new();
        let mut rest = 0;
        while let Some(batch) = sealed_at(MAGIC, &bytes, rest) {
            let mut at = batch.start;
            while let Some((key, place)) = entry_at(&bytes[..batch.end], at) {
                at = place.end;
                places.insert(ContentKey(key), (place.start, place.end));
            }
            rest = batch.end;
        }
        let size = bytes.len();
        // What is no batch ends the file: the next one is appended in its place.
        let size = if rest < size { MAX_BYTES + 1 } else { size };
        Self { path, bytes, places, size }
    }

    /// What the parser made of a content.
    pub fn find(&self, key: ContentKey) -> Option<Parsed> {
        let &(start, end) = self.places.get(&key)?;
        let stored: StoredParsed = postcard::from_bytes(&self.bytes[start..end]).ok()?;
        Some(stored.into())
    }

    /// Remembers what the parser made of contents; `used` are those found here in
    /// this invocation. Not being able to costs parsing them again.
    pub fn add<'a>(
        &mut self,
        parsed: impl IntoIterator<Item = (ContentKey, &'a Parsed)>,
        used: impl IntoIterator<Item = ContentKey>,
    ) {
        let mut entries = Vec::new();
        for (key, parsed) in parsed {
            if let Ok(stored) = postcard::to_allocvec(&StoredParsed::from(parsed)) {
                push_entry(&mut entries, &key.0, &stored);
            }
        }
        if entries.is_empty() {
            return;
        }
        let written = if self.size + entries.len() <= MAX_BYTES {
            self.append(&seal(MAGIC, &entries))
        } else {
            let kept = used.into_iter().filter_map(|key| Some((key, *self.places.get(&key)?)));
            for (key, (start, end)) in kept {
                push_entry(&mut entries, &key.0, &self.bytes[start..end]);
            }
            self.replace(&seal(MAGIC, &entries))
        };
        // A git directory that cannot be written to is read all the same.
        if let Ok(size) = written {
            self.size = size;
        }
    }

    /// One write at the end: whoever appends at the same moment comes before or after it.
    fn append(&self, batch: &[u8]) -> io::Result<usize> {
        if let Some(folder) = self.path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut file = fs::OpenOptions::new().append(true).create(true).open(&self.path)?;
        file.write_all(batch)?;
        Ok(self.size + batch.len())
    }

    /// Whoever appends at the same moment appends to a file that is gone, and parses once more.
    fn replace(&self, batch: &[u8]) -> io::Result<usize> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(batch)?;
        file.persist(&self.path).map_err(|error| error.error)?;
        Ok(batch.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::parse_script;
    use proptest::prelude::*;

    const SCRIPTS: [&str; 4] = [
        "\"\"\"add a table\n\nRevision ID: b2\nRevises: a1\n\"\"\"\nrevision = 'b2'\n\
         down_revision = 'a1'\nbranch_labels = None\ndepends_on = ('x', y)\n",
        "revision: str = 'c3'\ndown_revision = branch_labels = f()\ndef upgrade():\n    op.f()\n",
        "revision = 'd4'\n<<<<<<< ours\n",
        "",
    ];

    fn parsed(text: &str) -> (ContentKey, Parsed) {
        let bytes = text.as_bytes();
        (ContentKey::of(bytes), parse_script(bytes).expect("readable"))
    }

    fn add(cache: &mut HeaderCache, texts: &[&str], used: &[ContentKey]) {
        let new: Vec<_> = texts.iter().map(|text| parsed(text)).collect();
        cache.add(new.iter().map(|(key, parsed)| (*key, parsed)), used.iter().copied());
    }

    fn file_in(folder: &tempfile::TempDir) -> PathBuf {
        folder.path().join("dbm-git/headers")
    }

    #[test]
    fn what_was_parsed_is_found_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cache = HeaderCache::read(folder.path());
        add(&mut cache, &SCRIPTS[..2], &[]);
        // Nothing was known of these when the cache was read.
        add(&mut HeaderCache::read(folder.path()), &SCRIPTS[2..], &[]);
        add(&mut cache, &SCRIPTS[..1], &[]);
        let cache = HeaderCache::read(folder.path());
        for text in SCRIPTS {
            let (key, parsed) = parsed(text);
            assert_eq!(cache.find(key), Some(parsed), "{text}");
        }
        assert_eq!(cache.find(ContentKey::of(b"another one")), None);
    }

    #[test]
    fn a_file_that_is_not_ours_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("dbm-git")).expect("made");
        let other = seal(MAGIC, b"")
            .iter()
            .map(|&byte| if byte == b'1' { b'0' } else { byte })
            .collect::<Vec<u8>>();
        for garbage in [b"garbage".as_slice(), &[0; 4096], &other] {
            fs::write(file_in(&folder), garbage).expect("written");
            let (key, parsed) = parsed(SCRIPTS[0]);
            let mut cache = HeaderCache::read(folder.path());
            assert_eq!(cache.find(key), None);
            cache.add([(key, &parsed)], []);
            assert_eq!(HeaderCache::read(folder.path()).find(key), Some(parsed));
        }
    }

    #[test]
    fn a_file_that_has_grown_too_large_keeps_what_is_in_use() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cache = HeaderCache::read(folder.path());
        add(&mut cache, &SCRIPTS[..3], &[]);
        let keys = SCRIPTS.map(|text| ContentKey::of(text.as_bytes()));
        let mut cache = HeaderCache::read(folder.path());
        cache.size = MAX_BYTES;
        add(&mut cache, &SCRIPTS[3..], &keys[1..2]);
        let cache = HeaderCache::read(folder.path());
        let found = keys.map(|key| cache.find(key).is_some());
        assert_eq!(found, [false, true, false, true]);
    }

    #[test]
    fn where_nothing_can_be_written_nothing_is_missed() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("dbm-git"), "a file").expect("written");
        let mut cache = HeaderCache::read(folder.path());
        add(&mut cache, &SCRIPTS, &[]);
        assert_eq!(HeaderCache::read(folder.path()).find(ContentKey::of(b"")), None);
    }

    proptest! {
        #[test]
        fn damage_is_as_if_nothing_had_been_parsed(
            at in any::<prop::sample::Index>(), byte: u8, is_cut: bool,
        ) {
            let folder = tempfile::tempdir().expect("a folder");
            let mut cache = HeaderCache::read(folder.path());
            add(&mut cache, &SCRIPTS[..2], &[]);
            add(&mut cache, &SCRIPTS[2..], &[]);
            let mut bytes = fs::read(file_in(&folder)).expect("written");
            let at = at.index(bytes.len());
            if is_cut { bytes.truncate(at) } else { bytes[at] = byte }
            fs::write(file_in(&folder), &bytes).expect("written");
            let mut cache = HeaderCache::read(folder.path());
            for text in SCRIPTS {
                let (key, parsed) = parsed(text);
                prop_assert!(cache.find(key).is_none_or(|found| found == parsed));
            }
            add(&mut cache, &SCRIPTS, &[]);
            let cache = HeaderCache::read(folder.path());
            for text in SCRIPTS {
                let (key, parsed) = parsed(text);
                prop_assert_eq!(cache.find(key), Some(parsed));
            }
        }
    }
}
