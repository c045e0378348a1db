//! What can be completed to: names of components, revisions, refs and
//! operations, each with a few words. Reads, and asks nobody.

use super::OpsError;
use super::session::Session;
use crate::git::Repository;
use crate::journal::{Journal, OperationState};
use crate::revision::Node;
use crate::script::History;

/// How many operations are worth choosing from.
const OPERATIONS: u32 = 50;

/// One thing that a word can become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    pub value: String,
    /// What a shell may show beside it; may be empty.
    pub help: String,
}

impl Candidate {
    /// A candidate with its help.
    pub fn new(value: impl Into<String>, help: impl Into<String>) -> Self {
        Self { value: value.into(), help: help.into() }
    }
}

/// The components, in the configuration's order.
pub fn components(session: &Session) -> Vec<Candidate> {
    let all = session.project.components.iter();
    all.map(|c| Candidate::new(&c.name, c.script_location.to_string())).collect()
}

/// The revisions of the selected components, the newest first.
pub fn revisions(session: &Session) -> Result<Vec<Candidate>, OpsError> {
    let newest = |history: &History| {
        let nodes = history.graph.topological().into_iter().rev();
        nodes.map(|node| revision(history, node)).collect()
    };
    each_history(session, newest)
}

/// The heads of the selected components, and `label@head` of those that have labels.
pub fn heads(session: &Session) -> Result<Vec<Candidate>, OpsError> {
    each_history(session, |history| {
        let heads = history.graph.heads();
        let labelled = heads.iter().flat_map(|&head| {
            let labels = history.graph.inherited_labels(head).into_iter();
            let words = message(history, head);
            labels.map(move |label| Candidate::new(format!("{label}@head"), words))
        });
        let plain = heads.iter().map(|&head| revision(history, head));
        plain.chain(labelled).collect()
    })
}

/// Branches, remote-tracking branches and tags.
pub fn refs(repository: &Repository) -> Result<Vec<Candidate>, OpsError> {
    Ok(repository.ref_names()?.into_iter().map(|name| Candidate::new(name, "")).collect())
}

/// The last operations, the newest first; those alone that can be undone, or all.
pub fn operations(repository: &Repository, undoable: bool) -> Result<Vec<Candidate>, OpsError> {
    let Some(mut journal) = Journal::open_existing(repository.common_dir())? else {
        return Ok(Vec::new());
    };
    let entries = journal.list(OPERATIONS)?;
    let wanted = entries.iter().filter(|e| !undoable || e.state == OperationState::Applied);
    Ok(wanted.map(|entry| Candidate::new(entry.id.to_string(), &entry.summary)).collect())
}

/// The snapshots by what they are called, the newest first.
pub fn snapshots(repository: &Repository) -> Result<Vec<Candidate>, OpsError> {
    let Some(mut journal) = Journal::open_existing(repository.common_dir())? else {
        return Ok(Vec::new());
    };
    let mut found: Vec<Candidate> = Vec::new();
    for snapshot in journal.snapshots()?.iter().rev() {
        if !found.iter().any(|known| known.value == snapshot.title()) {
            found.push(Candidate::new(snapshot.title(), super::shown(&snapshot.rows)));
        }
    }
    Ok(found)
}

fn each_history(
    session: &Session,
    of: impl Fn(&History) -> Vec<Candidate>,
) -> Result<Vec<Candidate>, OpsError> {
    let mut all = Vec::new();
    for component in session.components()? {
        all.extend(of(&session.history(component, &session.source)?));
    }
    Ok(all)
}

fn revision(history: &History, node: Node) -> Candidate {
    Candidate::new(history.id(node).to_string(), message(history, node))
}

fn message(history: &History, node: Node) -> &str {
    &history.graph.revision(node).message
}
