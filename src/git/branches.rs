//! The branches of this clone, and which of them was checked out before.

use super::{GitError, Repository};

/// How git notes a checkout in the log of `HEAD`.
const MOVED: &str = "checkout: moving from ";

impl Repository {
    /// The names of the local branches.
    pub fn local_branches(&self) -> Result<Vec<String>, GitError> {
        let branches = self
            .git
            .branches(Some(git2::BranchType::Local))
            .map_err(GitError::on("list the branches"))?;
        let name = |branch: git2::Branch<'_>| branch.name().ok().flatten().map(str::to_owned);
        Ok(branches.filter_map(Result::ok).filter_map(|(branch, _)| name(branch)).collect())
    }

    /// The branch that was checked out last before `HEAD` came to where it is, commits
    /// that were looked at in between left out; `None` where the log does not tell.
    pub fn branch_left(&self) -> Option<String> {
        let log = self.git.reflog("HEAD").ok()?;
        let branches = self.local_branches().ok()?;
        (0..log.len()).filter_map(|at| log.get(at)).find_map(|entry| {
            let message = entry.message().ok().flatten()?;
            let (from, _) = message.strip_prefix(MOVED)?.split_once(" to ")?;
            branches.iter().find(|branch| *branch == from).cloned()
        })
    }
}
