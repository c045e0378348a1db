//! Which scripts have landed, which are own, and which of those others have too.

use std::collections::{HashMap, HashSet};

use super::OpsError;
use super::session::{Session, Source};
use crate::git::{CommitId, RefTip};
use crate::plan::{ScriptStanding, Standing};
use crate::project::Component;
use crate::revision::RevisionId;
use crate::script::{History, Script};
use crate::tree::Tree;

/// The standings of a history's scripts, and by what they were judged.
#[derive(Clone, Debug)]
pub struct Standings {
    pub of: Vec<ScriptStanding>,
    /// The refs whose scripts count as landed; empty if nothing tells.
    pub landed_refs: Vec<RefTip>,
}

impl Standings {
    /// Whether anything tells landed from own.
    pub fn knows_landed(&self) -> bool {
        !self.landed_refs.is_empty()
    }
}

/// Judges each script of `history`, a state of the checked-out branch.
pub fn standings(
    session: &Session,
    component: &Component,
    history: &History,
) -> Result<Standings, OpsError> {
    let landed_refs = landed_refs(session)?;
    let landed = landed_nodes(session, component, history, &landed_refs)?;
    let own: Vec<usize> = (0..history.scripts.len()).filter(|n| !landed.contains(n)).collect();

    let mut of = vec![
        ScriptStanding { standing: Standing::Landed, added: None, is_pushed: true };
        history.scripts.len()
    ];
    if !own.is_empty() {
        let added =
            session.repository.addition_order(&landed_refs, &component.version_locations)?;
        let foreign = foreign_branches(session, &landed_refs)?;
        let pushed = session.repository.remote_branches()?;
        for &node in &own {
            let script = history.script(node);
            let sharing = branches_with(session, history, node, &foreign)?;
            of[node] = ScriptStanding {
                standing: if sharing.is_empty() { Standing::Own } else { Standing::Shared },
                added: added.get(&script.file.path).copied(),
                // Only a merge revision is ever deleted, so only there it matters.
                is_pushed: history.graph.is_merge_point(node)
                    && !branches_with(session, history, node, &pushed)?.is_empty(),
            };
        }
    }
    Ok(Standings { of, landed_refs })
}

/// Upstream and its like; without any, the side of the last merge that was
/// there first (in the middle of a merge: the branch that is being merged into).
pub fn landed_refs(session: &Session) -> Result<Vec<RefTip>, OpsError> {
    let repository = &session.repository;
    let protected = &session.project.settings.protected;
    let tips = repository.landed_refs(session.upstream()?, protected)?;
    if !tips.is_empty() {
        return Ok(tips);
    }
    let Some(head) = repository.head()? else { return Ok(Vec::new()) };
    let name = "the first parent of the last merge".to_owned();
    let first = if repository.merge_head().is_some() {
        Some(head)
    } else {
        repository.last_merge_first_parent(head)?
    };
    Ok(first.map(|commit| RefTip { name, commit }).into_iter().collect())
}

/// Same revision id, and same path or same body outside header and docstring.
pub fn landed_nodes(
    session: &Session,
    component: &Component,
    history: &History,
    landed_refs: &[RefTip],
) -> Result<HashSet<usize>, OpsError> {
    let mut landed = HashSet::new();
    for tip in landed_refs {
        let theirs = session.history(component, &Source::Commit(tip.commit))?;
        let mut by_id: HashMap<&RevisionId, Vec<&Script>> = HashMap::new();
        for (node, script) in theirs.scripts.iter().enumerate() {
            by_id.entry(theirs.id(node)).or_default().push(script);
        }
        for (node, script) in history.scripts.iter().enumerate() {
            let same = by_id.get(history.id(node)).into_iter().flatten();
            if same.into_iter().any(|other| is_same_script(script, other)) {
                landed.insert(node);
            }
        }
    }
    Ok(landed)
}

fn is_same_script(one: &Script, other: &Script) -> bool {
    one.file.path == other.file.path
        || one.header.body(&one.file.bytes) == other.header.body(&other.file.bytes)
}

/// Remote-tracking branches of others. On a detached `HEAD` those that stand
/// where it does, or where a parent of it does, are this branch's own.
fn foreign_branches(session: &Session, landed: &[RefTip]) -> Result<Vec<RefTip>, OpsError> {
    let repository = &session.repository;
    let mut branches = repository.foreign_branches(landed)?;
    if repository.branch().is_none()
        && let Some(head) = repository.head()?
    {
        let mut own: Vec<CommitId> = repository.parents(head)?;
        own.push(head);
        branches.retain(|tip| !own.contains(&tip.commit));
    }
    Ok(branches)
}

/// The branches that have this script: the same id in the same file.
fn branches_with(
    session: &Session,
    history: &History,
    node: usize,
    branches: &[RefTip],
) -> Result<Vec<String>, OpsError> {
    let (path, id) = (&history.script(node).file.path, history.id(node));
    let mut names = Vec::new();
    for tip in branches {
        let Some(bytes) = session.repository.tree(tip.commit)?.read(path).ok().flatten() else {
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        if text.contains(id.as_str()) {
            names.push(tip.name.clone());
        }
    }
    Ok(names)
}
