//! One repository, seen from one of its worktrees.

use std::fmt;
use std::path::{Path, PathBuf};

use git2::{ErrorCode, Oid};

use super::{CommitTree, GitError, IndexTree};
use crate::tree::RepoPath;

/// The id of a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CommitId(pub(super) Oid);

impl CommitId {
    /// The first characters, as git abbreviates.
    pub fn short(&self) -> String {
        self.0.to_string().chars().take(9).collect()
    }
}

impl fmt::Display for CommitId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// An operation of git that is not finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InProgress {
    Merge,
    Rebase,
    CherryPick,
    Revert,
    Bisect,
    ApplyMailbox,
}

/// An open repository.
pub struct Repository {
    pub(super) git: git2::Repository,
    root: PathBuf,
}

impl Repository {
    /// Opens the repository of the current folder, as git itself would find it:
    /// `GIT_DIR` and its companions first, else upwards from here.
    pub fn open() -> Result<Self, GitError> {
        // As git does: that an object is what its name says is for `git fsck` to find
        // out. libgit2 would spend more on that than on reading the object.
        git2::opts::strict_hash_verification(false);
        let git = git2::Repository::open_from_env().map_err(|error| match error.code() {
            ErrorCode::NotFound => GitError::NoRepository,
            ErrorCode::Owner => GitError::NotOwned { reason: error.message().to_owned() },
            _ if error.message().contains("object format") => {
                GitError::ObjectFormat { reason: error.message().to_owned() }
            }
            _ => GitError::Open { reason: error.message().to_owned() },
        })?;
        // For `--work-tree` git sets GIT_WORK_TREE to `.`, as seen from here;
        // libgit2 takes that for a place in the git directory.
        if git.workdir() == Some(git.path()) {
            git.set_workdir(Path::new("."), false)
                .map_err(GitError::on("find the working tree"))?;
        }
        let root = git.workdir().unwrap_or_else(|| git.path()).to_path_buf();
        // git reports the root with a trailing slash, which `join` would keep.
        let root = root.components().collect();
        Ok(Self { git, root })
    }

    /// The worktree's top folder; the git directory of a bare repository.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether there are no checked-out files.
    pub fn is_bare(&self) -> bool {
        self.git.is_bare()
    }

    /// The git directory of this worktree.
    pub fn git_dir(&self) -> &Path {
        self.git.path()
    }

    /// Whether the repository has worktrees beside this one.
    pub fn has_other_worktrees(&self) -> Result<bool, GitError> {
        let linked = self.git.worktrees().map_err(GitError::on("list the worktrees"))?.len();
        // The main worktree is not in the list, this one may be.
        Ok(linked > usize::from(self.git.is_worktree()) || self.git.is_worktree())
    }

    /// Whether the worktree whose git directory is `name`, below the common one,
    /// is still there.
    pub fn has_worktree(&self, name: &str) -> bool {
        let linked = name.strip_prefix("worktrees/");
        linked.is_none_or(|name| self.git.find_worktree(name).is_ok())
    }

    /// The git directory that all worktrees share.
    pub fn common_dir(&self) -> &Path {
        self.git.commondir()
    }

    /// The commit that is checked out; `None` on an unborn branch.
    pub fn head(&self) -> Result<Option<CommitId>, GitError> {
        match self.git.head() {
            Ok(head) => Ok(head.target().map(CommitId)),
            Err(e) if matches!(e.code(), ErrorCode::UnbornBranch | ErrorCode::NotFound) => Ok(None),
            Err(source) => Err(GitError::Git { action: "read HEAD".to_owned(), source }),
        }
    }

    /// The short name of the branch that is checked out, born or not; `None` when detached.
    pub fn branch(&self) -> Option<String> {
        let head = self.git.find_reference("HEAD").ok()?;
        let target = head.symbolic_target().ok().flatten()?;
        target.strip_prefix("refs/heads/").map(str::to_owned)
    }

    /// The branch that is checked out; in a rebase, which detaches `HEAD`, the one
    /// that is being rebased.
    pub fn branch_at_work(&self) -> Option<String> {
        let head_name = |folder: &str| {
            let text = std::fs::read_to_string(self.git.path().join(folder).join("head-name"));
            Some(text.ok()?.trim().strip_prefix("refs/heads/")?.to_owned())
        };
        self.branch().or_else(|| head_name("rebase-merge")).or_else(|| head_name("rebase-apply"))
    }

    /// What git is in the middle of.
    pub fn in_progress(&self) -> Option<InProgress> {
        use git2::RepositoryState as State;
        match self.git.state() {
            State::Clean => None,
            State::Merge => Some(InProgress::Merge),
            State::Revert | State::RevertSequence => Some(InProgress::Revert),
            State::CherryPick | State::CherryPickSequence => Some(InProgress::CherryPick),
            State::Bisect => Some(InProgress::Bisect),
            State::Rebase | State::RebaseInteractive | State::RebaseMerge => {
                Some(InProgress::Rebase)
            }
            State::ApplyMailbox | State::ApplyMailboxOrRebase => Some(InProgress::ApplyMailbox),
        }
    }

    /// The commit that is being merged in, in the middle of a merge.
    pub fn merge_head(&self) -> Option<CommitId> {
        self.git.revparse_single("MERGE_HEAD").ok().map(|object| CommitId(object.id()))
    }

    /// The commit that `spec` names (a branch, a tag, an id, `HEAD~2`).
    pub fn commit(&self, spec: &str) -> Result<CommitId, GitError> {
        self.git
            .revparse_single(spec)
            .and_then(|object| object.peel_to_commit())
            .map(|commit| CommitId(commit.id()))
            .map_err(|_| GitError::UnknownCommit { spec: spec.to_owned() })
    }

    /// The files of a commit.
    pub fn tree(&self, commit: CommitId) -> Result<CommitTree<'_>, GitError> {
        let tree = self
            .git
            .find_commit(commit.0)
            .and_then(|c| c.tree())
            .map_err(GitError::on(format!("read commit `{commit}`")))?;
        Ok(CommitTree::new(&self.git, tree))
    }

    /// The files of the index.
    pub fn index(&self) -> Result<IndexTree<'_>, GitError> {
        let index = self.git.index().map_err(GitError::on("read the index"))?;
        Ok(IndexTree::new(&self.git, &index))
    }

    /// Whether a part of the files is not checked out.
    pub fn is_sparse(&self) -> bool {
        let is_sparse = self.git.config().and_then(|c| c.get_bool("core.sparseCheckout"));
        is_sparse.unwrap_or(false)
    }

    /// The files that a sparse checkout leaves out of the working tree; `None` if it is whole.
    pub fn left_out_by_sparse_checkout(&self) -> Result<Option<IndexTree<'_>>, GitError> {
        if !self.is_sparse() {
            return Ok(None);
        }
        let index = self.git.index().map_err(GitError::on("read the index"))?;
        Ok(Some(IndexTree::left_out(&self.git, &index)))
    }

    /// The best common ancestor; `None` if the histories are unrelated (or too shallow).
    pub fn merge_base(&self, one: CommitId, other: CommitId) -> Result<Option<CommitId>, GitError> {
        match self.git.merge_base(one.0, other.0) {
            Ok(base) => Ok(Some(CommitId(base))),
            Err(e) if e.code() == ErrorCode::NotFound => Ok(None),
            Err(source) => Err(GitError::Git { action: "find the merge base".to_owned(), source }),
        }
    }

    /// The parents of a commit that this clone has.
    pub fn parents(&self, commit: CommitId) -> Result<Vec<CommitId>, GitError> {
        let commit = self
            .git
            .find_commit(commit.0)
            .map_err(GitError::on(format!("read commit `{commit}`")))?;
        Ok(commit.parent_ids().map(CommitId).collect())
    }

    /// The first parent of the last merge on `tip`'s first-parent line.
    pub fn last_merge_first_parent(&self, tip: CommitId) -> Result<Option<CommitId>, GitError> {
        let mut at = Some(tip);
        while let Some(commit) = at {
            // A shallow clone ends here; what it cannot show is no merge to it.
            let Ok(parents) = self.parents(commit) else { return Ok(None) };
            if parents.len() > 1 {
                return Ok(Some(parents[0]));
            }
            at = parents.first().copied();
        }
        Ok(None)
    }

    /// Files of the index with unresolved conflicts.
    pub fn unmerged(&self) -> Result<Vec<RepoPath>, GitError> {
        let index = self.git.index().map_err(GitError::on("read the index"))?;
        let conflicts = index.conflicts().map_err(GitError::on("read the index's conflicts"))?;
        let mut paths: Vec<RepoPath> = conflicts
            .filter_map(Result::ok)
            .flat_map(|c| [c.our, c.their, c.ancestor])
            .flatten()
            .filter_map(|entry| RepoPath::new(&String::from_utf8_lossy(&entry.path)))
            .collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    /// The lock that git holds while it writes the index, if it is there.
    pub fn index_lock(&self) -> Option<PathBuf> {
        let lock = self.git.path().join("index.lock");
        lock.exists().then_some(lock)
    }

    /// Files that wait in an autostash of an unfinished merge or rebase.
    pub fn autostashed(&self) -> Result<Vec<RepoPath>, GitError> {
        let git_dir = self.git.path();
        let stored = ["MERGE_AUTOSTASH", "rebase-merge/autostash", "rebase-apply/autostash"]
            .iter()
            .find_map(|name| std::fs::read_to_string(git_dir.join(name)).ok());
        let Some(id) = stored.and_then(|text| Oid::from_str(text.trim()).ok()) else {
            return Ok(Vec::new());
        };
        let failed = || GitError::on("read the pending autostash");
        let stash = self.git.find_commit(id).map_err(failed())?;
        let parent = stash.parent(0).map_err(failed())?;
        let (old, new) = (parent.tree().map_err(failed())?, stash.tree().map_err(failed())?);
        let diff = self.git.diff_tree_to_tree(Some(&old), Some(&new), None).map_err(failed())?;
        Ok(diff
            .deltas()
            .filter_map(|delta| delta.new_file().path().or(delta.old_file().path()))
            .filter_map(|path| RepoPath::new(&path.to_string_lossy()))
            .collect())
    }

    /// Whether the file differs from `HEAD` (or is not in it).
    pub fn is_changed(&self, path: &RepoPath) -> Result<bool, GitError> {
        match self.git.status_file(Path::new(path.as_str())) {
            Ok(status) => Ok(status != git2::Status::CURRENT),
            Err(e) if e.code() == ErrorCode::NotFound => Ok(false),
            Err(source) => {
                Err(GitError::Git { action: format!("read the status of `{path}`"), source })
            }
        }
    }

    /// Tracked files that differ from `HEAD`, in the index or on the disk.
    pub fn changed_files(&self) -> Result<Vec<RepoPath>, GitError> {
        let mut options = git2::StatusOptions::new();
        options.include_untracked(false).include_ignored(false).exclude_submodules(true);
        let failed = GitError::on("look for changed files");
        let statuses = self.git.statuses(Some(&mut options)).map_err(failed)?;
        Ok(statuses
            .iter()
            .filter_map(|entry| RepoPath::new(&String::from_utf8_lossy(entry.path_bytes())))
            .collect())
    }

    /// A value of git's configuration, as git itself would find it.
    pub fn config(&self, key: &str) -> Option<String> {
        self.git.config().ok()?.snapshot().ok()?.get_string(key).ok()
    }
}
