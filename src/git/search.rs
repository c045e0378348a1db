//! Where else a file could be: other branches, older commits.

use super::{CommitId, GitError, RefTip, Repository};
use crate::tree::RepoPath;

/// How many commits back a deleted file is looked for.
const DEPTH: usize = 5_000;

impl Repository {
    /// Local and remote-tracking branches, without the checked-out one.
    pub fn all_branches(&self) -> Result<Vec<RefTip>, GitError> {
        let current = self.branch();
        let branches = self.git.branches(None).map_err(GitError::on("list the branches"))?;
        let mut tips = Vec::new();
        for (branch, _) in branches.filter_map(Result::ok) {
            let Ok(Some(name)) = branch.name() else { continue };
            if name.ends_with("/HEAD") || Some(name) == current.as_deref() {
                continue;
            }
            if let Ok(commit) = branch.get().peel_to_commit() {
                tips.push(RefTip { name: name.to_owned(), commit: CommitId(commit.id()) });
            }
        }
        Ok(tips)
    }

    /// The commits that are checked out in the other worktrees.
    pub fn other_heads(&self) -> Result<Vec<CommitId>, GitError> {
        let names = self.git.worktrees().map_err(GitError::on("list the worktrees"))?;
        let linked = names.iter().filter_map(Result::ok).flatten().filter_map(|name| {
            let worktree = self.git.find_worktree(name).ok()?;
            // Its folder may be gone.
            git2::Repository::open_from_worktree(&worktree).ok()
        });
        let main = git2::Repository::open(self.git.commondir()).ok();
        let others = linked.chain(main).filter(|other| other.path() != self.git.path());
        let commit = |other: git2::Repository| other.head().ok()?.target().map(CommitId);
        Ok(others.filter_map(commit).collect())
    }

    /// The commits that `HEAD` of this worktree was at, the youngest first, each
    /// once; at most `limit`. The present one is not among them.
    pub fn reflog(&self, limit: usize) -> Result<Vec<CommitId>, GitError> {
        self.reflog_since("", limit)
    }

    /// The same, since the log was at `position`; all of it where that is unknown.
    pub fn reflog_since(&self, position: &str, limit: usize) -> Result<Vec<CommitId>, GitError> {
        let head = self.head()?;
        // A new repository has none, and a bare one keeps none.
        let Ok(log) = self.git.reflog("HEAD") else { return Ok(Vec::new()) };
        let entries =
            (0..log.len()).take_while(|&at| position_at(&log, at).as_deref() != Some(position));
        let mut seen = std::collections::HashSet::new();
        let mut commits = Vec::new();
        for entry in entries.filter_map(|at| log.get(at)) {
            for id in [entry.id_new(), entry.id_old()] {
                let commit = CommitId(id);
                if !id.is_zero() && Some(commit) != head && seen.insert(id) {
                    commits.push(commit);
                }
            }
            if commits.len() >= limit {
                break;
            }
        }
        // What git has thrown away since is of no use.
        commits.retain(|commit| self.git.find_commit(commit.0).is_ok());
        Ok(commits)
    }

    /// Where the log of this worktree's `HEAD` is now; empty where there is none.
    pub fn reflog_position(&self) -> Result<String, GitError> {
        let Ok(log) = self.git.reflog("HEAD") else { return Ok(String::new()) };
        Ok(position_at(&log, 0).unwrap_or_default())
    }

    /// What git noted when `HEAD` of this worktree moved last.
    pub fn last_move(&self) -> Option<String> {
        let log = self.git.reflog("HEAD").ok()?;
        Some(log.get(0)?.message().ok()??.to_owned())
    }

    /// The youngest commits that removed a file below `folders` whose name
    /// satisfies `wanted`, each with the commit that still has the file.
    pub fn removed_files(
        &self,
        folders: &[RepoPath],
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<(CommitId, RepoPath)>, GitError> {
        let Some(head) = self.head()? else { return Ok(Vec::new()) };
        let action = || GitError::on("look for removed files");
        let mut walk = self.git.revwalk().map_err(action())?;
        walk.push(head.0).map_err(action())?;
        let mut options = git2::DiffOptions::new();
        for folder in folders.iter().filter(|f| !f.is_root()) {
            options.pathspec(folder.as_str());
        }
        let mut found = Vec::new();
        for id in walk.filter_map(Result::ok).take(DEPTH) {
            let Ok(commit) = self.git.find_commit(id) else { continue };
            let Ok(parent) = commit.parent(0) else { continue };
            let (Ok(old), Ok(new)) = (parent.tree(), commit.tree()) else { continue };
            let Ok(diff) = self.git.diff_tree_to_tree(Some(&old), Some(&new), Some(&mut options))
            else {
                continue;
            };
            for delta in diff.deltas().filter(|d| d.status() == git2::Delta::Deleted) {
                let path =
                    delta.old_file().path().and_then(|p| RepoPath::new(&p.to_string_lossy()));
                if let Some(path) = path.filter(|p| wanted(p.file_name())) {
                    found.push((CommitId(parent.id()), path));
                }
            }
        }
        Ok(found)
    }
}

/// An entry of a log, the youngest being 0. Its position is part of it: within
/// a second somebody can go back and forth and leave the same entry twice.
fn position_at(log: &git2::Reflog, at: usize) -> Option<String> {
    let entry = log.get(at)?;
    let seconds = entry.committer().when().seconds();
    Some(format!("{} {} {} {seconds}", log.len() - at, entry.id_old(), entry.id_new()))
}
