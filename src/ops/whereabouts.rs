//! Where a revision that the judged files lack does exist: in the working
//! tree, on another branch, in an older commit.

use std::collections::HashMap;

use super::OpsError;
use super::session::{Session, Source};
use crate::check::Whereabouts;
use crate::git::{CommitId, RefTip};
use crate::project::Component;
use crate::revision::{GraphProblem, RevisionId};
use crate::script::{FieldValue, History, parse_script};
use crate::tree::{EntryKind, RepoPath, Tree};

/// More branches than this are not looked through for one missing file.
const BRANCHES: usize = 200;

/// Looks for every down revision and dependency that `history` lacks.
pub fn find_missing(
    session: &Session,
    component: &Component,
    history: &History,
) -> Result<HashMap<RevisionId, Whereabouts>, OpsError> {
    let mut missing: Vec<RevisionId> = history
        .graph_problems
        .iter()
        .filter_map(|problem| match problem {
            GraphProblem::MissingDownRevision { missing, .. } => Some(missing.clone()),
            GraphProblem::UnresolvedDependency { reference, .. } => {
                RevisionId::new(reference.as_str()).ok()
            }
            _ => None,
        })
        .collect();
    let mut found = HashMap::new();
    if missing.is_empty() {
        return Ok(found);
    }
    session.note_search();
    if session.source != Source::WorkingTree && !session.repository.is_bare() {
        let local = session.history(component, &Source::WorkingTree)?;
        missing.retain(|id| match local.graph.node(id.as_str()) {
            Some(node) => {
                let path = local.script(node).file.path.clone();
                found.insert(id.clone(), Whereabouts::WorkingTree { path });
                false
            }
            None => true,
        });
    }
    for id in missing {
        if let Some(place) = locate(session, component, &id)? {
            found.insert(id, place);
        }
    }
    Ok(found)
}

/// Looks for a revision on other branches, then in older commits.
pub fn locate(
    session: &Session,
    component: &Component,
    id: &RevisionId,
) -> Result<Option<Whereabouts>, OpsError> {
    let branches = session.repository.all_branches()?;
    match on_a_branch(session, component, id, &branches)? {
        Some(place) => Ok(Some(place)),
        None => in_a_commit(session, component, id),
    }
}

fn on_a_branch(
    session: &Session,
    component: &Component,
    id: &RevisionId,
    branches: &[RefTip],
) -> Result<Option<Whereabouts>, OpsError> {
    for tip in branches.iter().take(BRANCHES) {
        if let Some(path) = file_of(session, component, id, tip.commit)? {
            return Ok(Some(Whereabouts::Branch { name: tip.name.clone(), path }));
        }
    }
    Ok(None)
}

/// Only files that carry the id in their name are opened: nearly all do.
fn file_of(
    session: &Session,
    component: &Component,
    id: &RevisionId,
    commit: CommitId,
) -> Result<Option<RepoPath>, OpsError> {
    let tree = session.repository.tree(commit)?;
    for folder in &component.version_locations {
        for entry in tree.list(folder).ok().flatten().unwrap_or_default() {
            if entry.kind == EntryKind::File && entry.name.contains(id.as_str()) {
                let path = folder.entry(&entry.name);
                if tree.read(&path).ok().flatten().is_some_and(|bytes| declares(&bytes, id)) {
                    return Ok(Some(path));
                }
            }
        }
    }
    Ok(None)
}

fn in_a_commit(
    session: &Session,
    component: &Component,
    id: &RevisionId,
) -> Result<Option<Whereabouts>, OpsError> {
    let removed = session
        .repository
        .removed_files(&component.version_locations, |name| name.contains(id.as_str()))?;
    for (commit, path) in removed {
        let bytes = session.repository.tree(commit)?.read(&path).ok().flatten();
        if bytes.is_some_and(|bytes| declares(&bytes, id)) {
            return Ok(Some(Whereabouts::Commit { id: commit.short(), path }));
        }
    }
    Ok(None)
}

fn declares(bytes: &[u8], id: &RevisionId) -> bool {
    let Ok(parsed) = parse_script(bytes) else { return false };
    let value = parsed.header.revision.as_ref().map(|field| &field.value);
    matches!(value, Some(FieldValue::Text(text)) if text == id.as_str())
}
