//! The pieces a plan is made of, under keys of their own.

use std::collections::{BTreeMap, HashMap};

use super::refusal::{Refusal, broken};
use super::request::{RebaseRequest, Standing};
use crate::plan::NewScript;
use crate::revision::{GraphProblem, Node, Revision, RevisionId, RevisionRef};
use crate::script::History;

/// Where an item comes from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A node in the request's history.
    Script(Node),
    /// A merge revision still to be written.
    New(Box<NewScript>),
}

/// One script, there or to be.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub source: Source,
    /// Position among the component's version locations.
    pub location: usize,
    /// As it is to become, under keys.
    pub revision: Revision,
    pub own: bool,
    /// Topological ties: commit order, then file name.
    pub rank: (usize, String),
    pub deleted: bool,
    /// The id it gets in the end.
    pub id: RevisionId,
}

impl Item {
    /// The node in the request's history, if there is a script already.
    pub fn node(&self) -> Option<Node> {
        match self.source {
            Source::Script(node) => Some(node),
            Source::New(_) => None,
        }
    }
}

/// Gives each script a key of its own. Where an own and a landed file claim one
/// id, the own one gets another key, and own references follow it: they were
/// written when only the own file was there.
pub(super) fn unique_items(request: &RebaseRequest<'_>) -> Result<Vec<Item>, Refusal> {
    let keys = keys_of_twins(request)?;
    let items = request.history.scripts.iter().zip(request.standings).enumerate().map(
        |(node, (script, standing))| {
            let own = standing.standing != Standing::Landed;
            let written = request.history.graph.revision(node);
            Item {
                source: Source::Script(node),
                location: script.file.location,
                revision: if own { under_keys(written, &keys) } else { written.clone() },
                own,
                rank: (
                    standing.added.unwrap_or(usize::MAX),
                    script.file.path.file_name().to_owned(),
                ),
                deleted: false,
                id: written.id.clone(),
            }
        },
    );
    Ok(items.collect())
}

/// The key of the own file, for each id that an own and a landed file claim.
fn keys_of_twins(request: &RebaseRequest<'_>) -> Result<HashMap<RevisionId, RevisionId>, Refusal> {
    let history = request.history;
    let mut claimed: BTreeMap<&RevisionId, Vec<Node>> = BTreeMap::new();
    for node in 0..history.scripts.len() {
        claimed.entry(history.id(node)).or_default().push(node);
    }
    let mut keys = HashMap::new();
    for (id, nodes) in claimed.into_iter().filter(|(_, nodes)| nodes.len() > 1) {
        let is_own = |node: &Node| request.standings[*node].standing != Standing::Landed;
        if nodes.len() > 2 || nodes.iter().filter(|node| is_own(node)).count() != 1 {
            let paths = nodes.iter().map(|&n| history.script(n).file.path.clone()).collect();
            return Err(Refusal::DuplicateId { id: id.clone(), paths });
        }
        let key = RevisionId::new(format!("{id}\u{0}own"))
            .expect("a legal id stays legal with a NUL in it");
        keys.insert(id.clone(), key);
    }
    Ok(keys)
}

/// An own revision, and what it names, under the keys.
fn under_keys(written: &Revision, keys: &HashMap<RevisionId, RevisionId>) -> Revision {
    let mut revision = written.clone();
    if let Some(key) = keys.get(&revision.id) {
        revision.id = key.clone();
    }
    for down in &mut revision.down_revisions {
        if let Some(key) = keys.get(down).filter(|key| **key != revision.id) {
            *down = key.clone();
        }
    }
    for reference in &mut revision.depends_on {
        if let Some(key) = keys.get(reference.as_str()) {
            *reference = RevisionRef::new(key.as_str());
        }
    }
    revision
}

/// A script that cannot be read in full cannot be edited, and a down revision
/// that is not in the tree must not be lost by re-pointing what names it.
pub(super) fn must_be_sound(history: &History, node: Node) -> Result<(), Refusal> {
    let path = &history.script(node).file.path;
    if let Some(problem) = history.problems.iter().find(|p| &p.path == path && p.is_grave()) {
        return Err(broken(problem));
    }
    down_revisions_must_exist(history, node)
}

pub(super) fn down_revisions_must_exist(history: &History, node: Node) -> Result<(), Refusal> {
    let missing = history.graph_problems.iter().find_map(|problem| match problem {
        GraphProblem::MissingDownRevision { node: at, missing } if *at == node => Some(missing),
        _ => None,
    });
    match missing {
        Some(missing) => Err(Refusal::Broken {
            path: history.script(node).file.path.clone(),
            line: history.script(node).header.down_revision.as_ref().map_or(1, |f| f.line),
            reason: format!("its down revision `{missing}` is not in the tree"),
        }),
        None => Ok(()),
    }
}
