//! Reading and parsing on all cores, each distinct content once, and not again
//! in later invocations.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crate::cache::{ContentKey, HeaderCache};
use crate::parallel::{self, Sharing, work_off};
use crate::script::{ParseFailure, Parsed, parse_script};
use crate::tree::{ContentId, RepoPath, Tree, TreeError};

/// What the nesting limit lets through needs a sixteenth of it to be dropped.
const STACK: usize = 8 << 20;

/// Below this number of files a further thread costs more than it saves.
const FILES_PER_THREAD: usize = 24;

/// So many files change hands at once: waking somebody costs as much as parsing one.
const FILES_AT_ONCE: usize = 8;

/// What the parser made of a content.
pub type ParseResult = Result<Parsed, ParseFailure>;

/// What the parser made of contents: the same scripts are read from the working
/// tree, from upstream and from the merge preview, and again the next time.
pub struct ParseCache {
    common_dir: PathBuf,
    known: RefCell<Known>,
    /// What was parsed in this invocation by git's ids, where a tree told them: such
    /// a file need not even be read again.
    by_id: RefCell<HashMap<ContentId, Found>>,
}

/// A content and what the parser made of it.
pub type ParsedContent = (Arc<Vec<u8>>, ParseResult);

#[derive(Default)]
struct Known {
    /// In this invocation.
    now: HashMap<ContentKey, ParsedContent>,
    /// In earlier ones.
    earlier: Earlier,
    /// Whether there was anything new.
    has_parsed: bool,
}

/// What was found out in earlier invocations.
#[derive(Default)]
enum Earlier {
    /// Nobody has asked yet.
    #[default]
    Unread,
    Read(HeaderCache),
    /// Another thread adds to it; there is enough to do besides.
    Written(JoinHandle<HeaderCache>),
}

impl Earlier {
    fn read(self, common_dir: &Path) -> HeaderCache {
        match self {
            Self::Unread => HeaderCache::read(common_dir),
            Self::Read(cache) => cache,
            // What has panicked has at worst written nothing.
            Self::Written(writing) => {
                writing.join().unwrap_or_else(|_| HeaderCache::read(common_dir))
            }
        }
    }
}

/// How a content is known.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Origin {
    Now,
    Earlier,
    Parsed,
}

impl ParseCache {
    /// The cache of the repository with this common git directory.
    pub fn new(common_dir: &Path) -> Self {
        Self {
            common_dir: common_dir.to_owned(),
            known: RefCell::default(),
            by_id: RefCell::default(),
        }
    }

    /// What was parsed in this invocation, by git's id.
    fn known(&self, id: ContentId) -> Option<Found> {
        self.by_id.borrow().get(&id).cloned()
    }

    /// Whether anything had to be parsed.
    pub fn has_parsed(&self) -> bool {
        self.known.borrow().has_parsed
    }
}

impl Drop for ParseCache {
    fn drop(&mut self) {
        if let Earlier::Written(writing) = std::mem::take(&mut self.known.get_mut().earlier) {
            // Nobody misses what could not be written.
            let _ = writing.join();
        }
    }
}

impl Known {
    /// Remembers what was found, for later invocations too.
    fn add(&mut self, found: &[Found], mut earlier: HeaderCache) {
        let is_new = |found: &&Found| found.origin != Origin::Now;
        self.now.extend(found.iter().filter(is_new).map(|f| (f.key, f.content.clone())));
        // What cannot be read at all fails fast enough.
        let parsed: Vec<(ContentKey, Parsed)> = found
            .iter()
            .filter(|found| found.origin == Origin::Parsed)
            .filter_map(|found| Some((found.key, found.content.1.clone().ok()?)))
            .collect();
        self.earlier = if parsed.is_empty() {
            Earlier::Read(earlier)
        } else {
            self.has_parsed = true;
            let used: Vec<ContentKey> = self.now.keys().copied().collect();
            let write = move || {
                earlier.add(parsed.iter().map(|(key, parsed)| (*key, parsed)), used);
                earlier
            };
            match thread::Builder::new().spawn(write) {
                Ok(writing) => Earlier::Written(writing),
                // It is found out once more the next time.
                Err(_) => Earlier::Unread,
            }
        };
    }
}

/// A content, and where what is known of it comes from.
#[derive(Clone)]
struct Found {
    key: ContentKey,
    origin: Origin,
    content: ParsedContent,
}

/// A file that is to be parsed.
#[derive(Debug)]
pub struct FoundFile {
    pub path: RepoPath,
    /// Position among the component's version locations.
    pub location: usize,
    /// By which git knows its content.
    pub id: Option<ContentId>,
}

/// What reading gave; `None` if there is no such file.
pub type Read<T> = Result<Option<T>, TreeError>;

/// All files of `tree` that `find` hands out, in its order, each with its bytes and
/// what the parser makes of them.
///
/// # Errors
/// Those of `find`.
pub fn parse_all<E>(
    cache: &ParseCache,
    tree: &dyn Tree,
    find: impl FnOnce(&mut dyn FnMut(FoundFile)) -> Result<(), E>,
) -> Result<Vec<(FoundFile, Read<ParsedContent>)>, E> {
    let mut known = cache.known.borrow_mut();
    let earlier = std::mem::take(&mut known.earlier).read(&cache.common_dir);
    let parsing = Parsing { now: &known.now, earlier: &earlier, tree: tree.shared() };
    let files = parsing.run(|id| cache.known(id), tree, find)?;
    let (mut parsed, mut all) = (Vec::with_capacity(files.len()), Vec::new());
    for (file, read) in files {
        let content = read.map(|found| {
            let found = found?;
            let content = found.content.clone();
            if let Some(id) = file.id {
                let now = Found { origin: Origin::Now, ..found.clone() };
                cache.by_id.borrow_mut().entry(id).or_insert(now);
            }
            all.push(found);
            Some(content)
        });
        parsed.push((file, content));
    }
    known.add(&all, earlier);
    Ok(parsed)
}

/// What threads need to read and to parse.
struct Parsing<'a> {
    now: &'a HashMap<ContentKey, ParsedContent>,
    earlier: &'a HeaderCache,
    /// The files, where several threads can read them.
    tree: Option<&'a (dyn Tree + Sync)>,
}

impl Parsing<'_> {
    /// The files, and in the same order what became of them.
    fn run<E>(
        &self,
        known: impl Fn(ContentId) -> Option<Found>,
        tree: &dyn Tree,
        find: impl FnOnce(&mut dyn FnMut(FoundFile)) -> Result<(), E>,
    ) -> Result<Vec<(FoundFile, Read<Found>)>, E> {
        let sharing = Sharing {
            threads: parallel::cores,
            pieces_per_thread: FILES_PER_THREAD,
            pieces_at_once: FILES_AT_ONCE,
            pieces_alone: 0,
            stack: STACK,
        };
        let done = work_off(
            sharing,
            |jobs| self.work_off(jobs),
            |found| {
                find(&mut |file| {
                    let state = match file.id.and_then(&known) {
                        Some(known) => State::Known(known),
                        None if self.tree.is_some() => State::Unread,
                        None => State::Read(tree.read(&file.path)),
                    };
                    found((file, state));
                })
            },
        )?;
        Ok(done.into_iter().flatten().collect())
    }

    fn work_off(&self, files: Vec<(FoundFile, State)>) -> Vec<(FoundFile, Read<Found>)> {
        let work_off = |(file, state): (FoundFile, State)| {
            let read = match (state, self.tree) {
                (State::Known(found), _) => return (file, Ok(Some(found))),
                (State::Read(read), _) => read,
                (State::Unread, Some(tree)) => tree.read(&file.path),
                (State::Unread, None) => Ok(None),
            };
            let found = read.map(|bytes| Some(self.find(bytes?)));
            (file, found)
        };
        files.into_iter().map(work_off).collect()
    }

    fn find(&self, bytes: Vec<u8>) -> Found {
        let key = ContentKey::of(&bytes);
        if let Some(known) = self.now.get(&key) {
            return Found { key, origin: Origin::Now, content: known.clone() };
        }
        let (origin, parsed) = match self.earlier.find(key) {
            Some(parsed) => (Origin::Earlier, Ok(parsed)),
            None => (Origin::Parsed, parse_script(&bytes)),
        };
        Found { key, origin, content: (Arc::new(bytes), parsed) }
    }
}

/// How far one has come with a file where it is found.
enum State {
    /// By its id.
    Known(Found),
    Read(Read<Vec<u8>>),
    Unread,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::FieldValue;
    use crate::tree::MemoryTree;

    /// What several threads may read.
    struct Shared(MemoryTree);

    impl Tree for Shared {
        fn list(&self, folder: &RepoPath) -> Result<Option<Vec<crate::tree::Entry>>, TreeError> {
            self.0.list(folder)
        }

        fn read(&self, path: &RepoPath) -> Read<Vec<u8>> {
            self.0.read(path)
        }

        fn shared(&self) -> Option<&(dyn Tree + Sync)> {
            Some(self)
        }
    }

    fn tree() -> MemoryTree {
        // More than one thread has at once, and some of them the same.
        let texts: Vec<(String, String)> = (0..10 * FILES_PER_THREAD)
            .map(|at| (format!("v/{at:03}.py"), format!("revision = 'r{}'\n", at / 2)))
            .collect();
        let files: Vec<(&str, &str)> =
            texts.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        MemoryTree::new(&files)
    }

    /// The revision of each file, `-` where there is none, in the order of the files.
    fn revisions(cache: &ParseCache, tree: &dyn Tree) -> Vec<String> {
        let folder = RepoPath::new("v").expect("inside");
        let files = parse_all(cache, tree, |found| {
            for entry in tree.list(&folder)?.unwrap_or_default() {
                found(FoundFile {
                    path: folder.entry(&entry.name),
                    location: 0,
                    id: entry.content,
                });
            }
            found(FoundFile { path: folder.entry("gone.py"), location: 0, id: None });
            Ok::<(), TreeError>(())
        });
        let revision = |(_, read): (FoundFile, Read<ParsedContent>)| {
            let (_, parsed) = read.expect("readable")?;
            match &parsed.expect("Python").header.revision.as_ref()?.value {
                FieldValue::Text(text) => Some(text.clone()),
                _ => None,
            }
        };
        let word = |file| revision(file).unwrap_or_else(|| "-".to_owned());
        files.expect("listed").into_iter().map(word).collect()
    }

    #[test]
    fn files_come_in_their_order_whoever_has_read_them_and_are_parsed_once() {
        let git_dir = tempfile::tempdir().expect("a folder");
        let expected: Vec<String> = (0..10 * FILES_PER_THREAD)
            .map(|at| format!("r{}", at / 2))
            .chain(["-".to_owned()])
            .collect();
        let first = ParseCache::new(git_dir.path());
        assert_eq!(revisions(&first, &tree()), expected);
        assert!(first.has_parsed());
        assert_eq!(revisions(&first, &Shared(tree())), expected);
        drop(first);
        let second = ParseCache::new(git_dir.path());
        assert_eq!(revisions(&second, &Shared(tree())), expected);
        assert!(!second.has_parsed());
    }

    #[test]
    fn what_keeps_the_files_from_being_found_is_the_answer() {
        let git_dir = tempfile::tempdir().expect("a folder");
        let path = RepoPath::new("v/000.py").expect("inside");
        let found = parse_all(&ParseCache::new(git_dir.path()), &tree(), |found| {
            found(FoundFile { path: path.clone(), location: 0, id: None });
            Err("no more")
        });
        assert_eq!(found.map(|files| files.len()), Err("no more"));
    }
}
