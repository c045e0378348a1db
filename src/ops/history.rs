//! Reading a component's scripts: which files, in Alembic's order, parsed on
//! all cores, each distinct content once per invocation.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::num::NonZero;
use std::sync::Arc;
use std::thread;

use super::OpsError;
use crate::project::Component;
use crate::script::{
    History, ParseFailure, Parsed, ScriptFile, ScriptProblem, ScriptProblemKind,
    is_script_file_name, parse_script,
};
use crate::tree::{EntryKind, RepoPath, Tree, TreeError};

/// What the nesting limit lets through needs a sixteenth of it to be dropped.
const STACK: usize = 8 << 20;

/// Below this number of files a second thread costs more than it saves.
const FILES_PER_THREAD: usize = 24;

type ParseResult = Result<Parsed, ParseFailure>;

/// Contents that were parsed in this invocation: the same scripts are read
/// from the working tree, from upstream and from the merge preview.
#[derive(Default)]
pub struct ParseCache {
    by_hash: RefCell<HashMap<u64, Vec<ParsedContent>>>,
}

/// A content and what the parser made of it.
type ParsedContent = (Arc<Vec<u8>>, ParseResult);

impl ParseCache {
    fn find(&self, hash: u64, bytes: &[u8]) -> Option<ParsedContent> {
        let known = self.by_hash.borrow();
        known.get(&hash)?.iter().find(|(content, _)| content.as_slice() == bytes).cloned()
    }

    fn insert(&self, hash: u64, bytes: Arc<Vec<u8>>, parsed: ParseResult) {
        self.by_hash.borrow_mut().entry(hash).or_default().push((bytes, parsed));
    }
}

/// Reads and parses all scripts of `component` in `tree`.
pub fn read_history(
    tree: &dyn Tree,
    component: &Component,
    cache: &ParseCache,
) -> Result<History, OpsError> {
    let mut reader =
        Reader { tree, component, files: Vec::new(), problems: Vec::new(), seen: HashSet::new() };
    for (location, folder) in component.version_locations.iter().enumerate() {
        reader.read_folder(folder, location)?;
    }
    Ok(History::build(parse_all(reader.files, cache), reader.problems))
}

struct Reader<'a> {
    tree: &'a dyn Tree,
    component: &'a Component,
    files: Vec<ScriptFile>,
    problems: Vec<ScriptProblem>,
    /// Real paths: Alembic ignores a file that it meets a second time.
    seen: HashSet<RepoPath>,
}

impl Reader<'_> {
    /// Files by name first, then the folders below, as `os.walk` gives them.
    fn read_folder(&mut self, folder: &RepoPath, location: usize) -> Result<(), OpsError> {
        let Some(entries) = self.tree.list(folder)? else { return Ok(()) };
        let (folders, files): (Vec<_>, Vec<_>) =
            entries.into_iter().partition(|e| e.kind == EntryKind::Folder);
        for entry in files {
            if !is_script_file_name(&entry.name, self.component.sourceless) {
                continue;
            }
            let path = folder.entry(&entry.name);
            let real = entry.link_target.unwrap_or_else(|| path.clone());
            if !self.seen.insert(real) {
                continue;
            }
            match entry.kind {
                EntryKind::File if entry.name.ends_with(".py") => self.read_file(path, location)?,
                EntryKind::Dangling => {
                    self.unreadable(path, "the symlink points at nothing in this repository");
                }
                EntryKind::Other if entry.name.contains(char::REPLACEMENT_CHARACTER) => {
                    self.unreadable(path, "its name is not UTF-8");
                }
                EntryKind::Other => self.unreadable(path, "it is no file, and Python would hang"),
                _ => {}
            }
        }
        if self.component.recursive {
            for entry in folders {
                // `os.walk` does not follow links to folders.
                if entry.link_target.is_none() && !entry.name.ends_with("__pycache__") {
                    self.read_folder(&folder.entry(&entry.name), location)?;
                }
            }
        }
        Ok(())
    }

    fn read_file(&mut self, path: RepoPath, location: usize) -> Result<(), OpsError> {
        match self.tree.read(&path) {
            Ok(Some(bytes)) => {
                self.files.push(ScriptFile { path, location, bytes: Arc::new(bytes) });
            }
            Ok(None) => self.unreadable(path, "the file is not there any more"),
            Err(TreeError::Io { source, .. }) => self.unreadable(path, &source.to_string()),
            Err(error @ TreeError::MissingObject { .. }) => {
                self.unread(path, ScriptProblemKind::NotInClone { reason: error.to_string() });
            }
            Err(error @ (TreeError::NotAFile { .. } | TreeError::TooLarge { .. })) => {
                self.unreadable(path, &error.to_string());
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn unreadable(&mut self, path: RepoPath, reason: &str) {
        self.unread(path, ScriptProblemKind::Unreadable { reason: reason.to_owned() });
    }

    fn unread(&mut self, path: RepoPath, kind: ScriptProblemKind) {
        self.problems.push(ScriptProblem { path, line: 1, span: None, kind });
    }
}

fn parse_all(files: Vec<ScriptFile>, cache: &ParseCache) -> Vec<(ScriptFile, ParseResult)> {
    let mut results: Vec<Option<ParseResult>> = vec![None; files.len()];
    let mut files = files;
    let mut waiting = Vec::new();
    for (at, file) in files.iter_mut().enumerate() {
        let hash = hash_of(&file.bytes);
        match cache.find(hash, &file.bytes) {
            Some((bytes, parsed)) => {
                file.bytes = bytes;
                results[at] = Some(parsed);
            }
            None => waiting.push((at, hash)),
        }
    }
    let contents: Vec<Arc<Vec<u8>>> =
        waiting.iter().map(|&(at, _)| Arc::clone(&files[at].bytes)).collect();
    for ((at, hash), parsed) in waiting.into_iter().zip(parse_contents(&contents)) {
        cache.insert(hash, Arc::clone(&files[at].bytes), parsed.clone());
        results[at] = Some(parsed);
    }
    files
        .into_iter()
        .zip(results)
        .map(|(file, parsed)| (file, parsed.expect("each file was found or parsed")))
        .collect()
}

fn parse_contents(contents: &[Arc<Vec<u8>>]) -> Vec<ParseResult> {
    if contents.is_empty() {
        return Vec::new();
    }
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.min(contents.len().div_ceil(FILES_PER_THREAD)).max(1);
    let share = contents.len().div_ceil(threads);
    let parse = |chunk: &[Arc<Vec<u8>>]| chunk.iter().map(|bytes| parse_script(bytes)).collect();
    thread::scope(|scope| {
        let workers: Vec<_> = contents
            .chunks(share)
            .map(|chunk| {
                let builder = thread::Builder::new().stack_size(STACK);
                (chunk, builder.spawn_scoped(scope, move || -> Vec<ParseResult> { parse(chunk) }))
            })
            .collect();
        workers
            .into_iter()
            .flat_map(|(chunk, worker)| match worker.map(thread::ScopedJoinHandle::join) {
                Ok(Ok(parsed)) => parsed,
                // No thread to be had, or the parser panicked: one file at a time, here.
                _ => parse(chunk),
            })
            .collect()
    })
}

fn hash_of(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}
