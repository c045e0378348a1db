//! Reading a component's scripts: which files, in Alembic's order.

use std::collections::HashSet;

use super::OpsError;
use super::parsing::{FoundFile, ParseCache, parse_all};
use crate::project::Component;
use crate::script::{History, ScriptFile, ScriptProblem, ScriptProblemKind, is_script_file_name};
use crate::tree::{EntryKind, RepoPath, Tree, TreeError};

/// Reads and parses all scripts of `component` in `tree`.
pub fn read_history(
    tree: &dyn Tree,
    component: &Component,
    cache: &ParseCache,
) -> Result<History, OpsError> {
    let mut problems = Vec::new();
    let files = parse_all(cache, tree, |found| {
        let mut reader =
            Reader { tree, component, found, problems: &mut problems, seen: HashSet::new() };
        for (location, folder) in component.version_locations.iter().enumerate() {
            reader.read_folder(folder, location)?;
        }
        Ok::<(), OpsError>(())
    })?;
    let mut parsed = Vec::with_capacity(files.len());
    for (FoundFile { path, location, .. }, read) in files {
        match read {
            Ok(Some((bytes, result))) => {
                parsed.push((ScriptFile { path, location, bytes }, result));
            }
            Ok(None) => problems.push(unreadable(path, "the file is not there any more")),
            Err(error) => problems.push(unread(path, error)?),
        }
    }
    Ok(History::build(parsed, problems))
}

/// What keeps one file from being read; an error if it is more than that.
fn unread(path: RepoPath, error: TreeError) -> Result<ScriptProblem, OpsError> {
    match error {
        TreeError::Io { source, .. } => Ok(unreadable(path, &source.to_string())),
        TreeError::MissingObject { .. } => {
            let kind = ScriptProblemKind::NotInClone { reason: error.to_string() };
            Ok(ScriptProblem { path, line: 1, span: None, kind })
        }
        TreeError::NotAFile { .. } | TreeError::TooLarge { .. } => {
            Ok(unreadable(path, &error.to_string()))
        }
        error @ TreeError::Git { .. } => Err(error.into()),
    }
}

fn unreadable(path: RepoPath, reason: &str) -> ScriptProblem {
    let kind = ScriptProblemKind::Unreadable { reason: reason.to_owned() };
    ScriptProblem { path, line: 1, span: None, kind }
}

struct Reader<'a> {
    tree: &'a dyn Tree,
    component: &'a Component,
    /// Takes each file.
    found: &'a mut dyn FnMut(FoundFile),
    problems: &'a mut Vec<ScriptProblem>,
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
                EntryKind::File if entry.name.ends_with(".py") => {
                    (self.found)(FoundFile { path, location, id: entry.content });
                }
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

    fn unreadable(&mut self, path: RepoPath, reason: &str) {
        self.problems.push(unreadable(path, reason));
    }
}
