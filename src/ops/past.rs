//! Histories that this clone had once: where `HEAD` was, and other branches.

use std::collections::HashSet;

use super::OpsError;
use super::session::{Session, Source};
use super::whereabouts::locate;
use crate::check::Whereabouts;
use crate::git::{CommitId, CommitTree, GitError};
use crate::plan::Snapshot;
use crate::project::Component;
use crate::revision::RevisionId;
use crate::script::{History, ScriptFile, parse_script};
use crate::tree::{RepoPath, Tree};

/// So many distinct states of the scripts are read before giving up.
const STATES: usize = 40;

/// So far back the reflog is followed.
const REFLOG: usize = 400;

/// A state of the scripts in some commit.
pub struct Past {
    pub history: History,
    pub snapshot: Snapshot,
}

impl Past {
    /// The scripts of a commit.
    pub fn at(
        session: &Session,
        component: &Component,
        commit: CommitId,
    ) -> Result<Self, OpsError> {
        let history = session.history(component, &Source::Commit(commit))?;
        Ok(Self { snapshot: Snapshot::of(&history), history })
    }

    /// The scripts of several places together.
    pub fn of_files(files: Vec<ScriptFile>) -> Self {
        let parsed = files.into_iter().map(|file| {
            let parsed = parse_script(&file.bytes);
            (file, parsed)
        });
        let history = History::build(parsed.collect(), Vec::new());
        Self { snapshot: Snapshot::of(&history), history }
    }

    /// This state with the files of `later` that it has not: some of them may
    /// have lain there already, before they were committed.
    fn with_files_of(self, later: &History) -> Self {
        let known = |path: &RepoPath| self.history.node_at(path).is_some();
        let new: Vec<ScriptFile> = later
            .scripts
            .iter()
            .filter(|script| !known(&script.file.path))
            .map(|script| script.file.clone())
            .collect();
        let own = self.history.scripts.into_iter().map(|script| script.file);
        Self::of_files(own.chain(new).collect())
    }
}

/// The distinct states that `HEAD` of this worktree had, the youngest first:
/// those that know all of `rows`, and at most `wanted` of them.
pub fn states_of_head(
    session: &Session,
    component: &Component,
    rows: &[String],
    wanted: usize,
) -> Result<Vec<Past>, OpsError> {
    let mut commits: Vec<CommitId> = session.repository.head()?.into_iter().collect();
    commits.extend(session.repository.reflog(REFLOG)?);
    states(session, component, commits, rows, wanted)
}

/// The states that `HEAD` of this worktree had since its log was at `position`,
/// with files that are there `now`, where only those explain the rows.
pub fn states_since(
    session: &Session,
    component: &Component,
    rows: &[String],
    position: &str,
    now: &History,
) -> Result<Vec<Past>, OpsError> {
    let commits = session.repository.reflog_since(position, REFLOG)?;
    states_with(session, component, commits, Some(now), rows, STATES)
}

/// The states that the other worktrees have.
pub fn states_of_worktrees(
    session: &Session,
    component: &Component,
    rows: &[String],
) -> Result<Vec<Past>, OpsError> {
    states(session, component, session.repository.other_heads()?, rows, STATES)
}

/// The states that others have: upstream and its like.
pub fn states_of_others(
    session: &Session,
    component: &Component,
    rows: &[String],
) -> Result<Vec<Past>, OpsError> {
    let protected = &session.project.settings.protected;
    let upstream = match session.upstream() {
        // A database can be looked at without: others then have nothing to tell.
        Err(OpsError::Git(GitError::UnknownUpstream { .. })) => None,
        found => found?,
    };
    let tips = session.repository.landed_refs(upstream, protected)?;
    let commits = tips.into_iter().map(|tip| tip.commit).collect();
    states(session, component, commits, rows, STATES)
}

/// The script files that `HEAD` has had at all times that the reflog remembers;
/// `None` where it remembers nothing. What is not among them has arrived, or was
/// written, since.
pub fn long_known(
    session: &Session,
    component: &Component,
) -> Result<Option<HashSet<RepoPath>>, OpsError> {
    let mut seen = HashSet::new();
    let mut known: Option<HashSet<RepoPath>> = None;
    for commit in session.repository.reflog(REFLOG)? {
        let tree = session.repository.tree(commit)?;
        if !seen.insert(folder_ids(&tree, component)?) {
            continue;
        }
        if seen.len() > STATES {
            break;
        }
        let mut files = HashSet::new();
        for folder in &component.version_locations {
            let entries = tree.list(folder)?.unwrap_or_default();
            files.extend(entries.into_iter().map(|entry| folder.entry(&entry.name)));
        }
        known = Some(match known {
            Some(known) => known.intersection(&files).cloned().collect(),
            None => files,
        });
    }
    Ok(known)
}

fn folder_ids(
    tree: &CommitTree<'_>,
    component: &Component,
) -> Result<Vec<Option<String>>, OpsError> {
    let ids = component.version_locations.iter().map(|folder| tree.folder_id(folder));
    Ok(ids.collect::<Result<Vec<_>, _>>()?)
}

/// A state that knows all of `rows`, wherever it is: where `HEAD` was, on
/// another branch, in an older commit.
pub fn state_with(
    session: &Session,
    component: &Component,
    rows: &[String],
) -> Result<Option<Past>, OpsError> {
    let mut commits = session.repository.reflog(REFLOG)?;
    commits.extend(session.repository.all_branches()?.into_iter().map(|tip| tip.commit));
    if let Some(found) = states(session, component, commits, rows, 1)?.pop() {
        return Ok(Some(found));
    }
    for id in rows.iter().filter_map(|row| RevisionId::new(row.as_str()).ok()) {
        let commit = match locate(session, component, &id)? {
            Some(Whereabouts::Branch { name, .. }) => session.repository.commit(&name),
            Some(Whereabouts::Commit { id, .. }) => session.repository.commit(&id),
            Some(Whereabouts::WorkingTree { .. }) | None => continue,
        };
        let found = Past::at(session, component, commit?)?;
        if found.snapshot.knows(rows) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn states(
    session: &Session,
    component: &Component,
    commits: Vec<CommitId>,
    rows: &[String],
    wanted: usize,
) -> Result<Vec<Past>, OpsError> {
    states_with(session, component, commits, None, rows, wanted)
}

/// The same; a state that does not know the rows may do so with files of `later`.
fn states_with(
    session: &Session,
    component: &Component,
    commits: Vec<CommitId>,
    later: Option<&History>,
    rows: &[String],
    wanted: usize,
) -> Result<Vec<Past>, OpsError> {
    let mut seen = HashSet::new();
    let mut found = Vec::new();
    for commit in commits {
        let tree = session.repository.tree(commit)?;
        if !seen.insert(folder_ids(&tree, component)?) {
            continue;
        }
        if seen.len() > STATES || found.len() >= wanted {
            break;
        }
        let past = Past::at(session, component, commit)?;
        if past.snapshot.knows(rows) {
            found.push(past);
        } else if let Some(later) = later {
            let together = past.with_files_of(later);
            // Alembic runs nothing of files that don't fit.
            if together.history.graph_problems.is_empty() && together.snapshot.knows(rows) {
                found.push(together);
            }
        }
    }
    Ok(found)
}
