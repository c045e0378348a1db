//! Which refs others build on: upstream, default branches, protected refs, and
//! what this branch itself has pushed.

use std::collections::HashMap;

use git2::{BranchType, Oid};
use globset::Glob;

use super::{CommitId, GitError, Repository};
use crate::tree::RepoPath;

/// The ref that others build on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// As a person would write it: `origin/main`, or what `--base` said.
    pub name: String,
    pub commit: CommitId,
}

/// A ref and the commit it is at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefTip {
    pub name: String,
    pub commit: CommitId,
}

impl Repository {
    /// Upstream, in this order: `explicit` (`--base`), the configuration,
    /// the default branch of the remote `upstream`, `origin/HEAD`,
    /// `origin/main`, `origin/master`, else the local `main` or `master` when
    /// another branch is checked out. A branch that is itself protected has its
    /// own remote-tracking ref.
    pub fn upstream(
        &self,
        explicit: Option<&str>,
        configured: Option<&str>,
        protected: &[String],
    ) -> Result<Option<Upstream>, GitError> {
        if let Some(spec) = explicit {
            let commit = self.commit(spec)?;
            return Ok(Some(Upstream { name: spec.to_owned(), commit }));
        }
        if let Some(own) = self.protected_tracking_ref(protected) {
            return Ok(Some(own));
        }
        if let Some(name) = configured {
            let commit = self
                .commit(name)
                .map_err(|_| GitError::UnknownUpstream { name: name.to_owned() })?;
            return Ok(Some(Upstream { name: name.to_owned(), commit }));
        }
        let branch = self.branch();
        let local = ["main", "master"].into_iter().filter(|name| branch.as_deref() != Some(name));
        let candidates = [
            "upstream/HEAD",
            "upstream/main",
            "upstream/master",
            "origin/HEAD",
            "origin/main",
            "origin/master",
        ]
        .into_iter()
        .map(|name| (name, format!("refs/remotes/{name}")))
        .chain(local.map(|name| (name, format!("refs/heads/{name}"))));
        for (name, full) in candidates {
            if let Some(tip) = self.tip(name, &full) {
                return Ok(Some(Upstream { name: tip.name, commit: tip.commit }));
            }
        }
        Ok(None)
    }

    /// A symbolic ref (`origin/HEAD`) is named by what it points at.
    fn tip(&self, name: &str, full: &str) -> Option<RefTip> {
        let reference = self.git.find_reference(full).ok()?;
        let target = reference.symbolic_target().ok().flatten();
        let name = target.and_then(|t| t.strip_prefix("refs/remotes/")).unwrap_or(name).to_owned();
        let commit = reference.peel_to_commit().ok()?;
        Some(RefTip { name, commit: CommitId(commit.id()) })
    }

    fn protected_tracking_ref(&self, protected: &[String]) -> Option<Upstream> {
        let tracking = self.tracking_ref()?;
        let matches = protected
            .iter()
            .filter_map(|pattern| Glob::new(pattern).ok())
            .any(|glob| glob.compile_matcher().is_match(&tracking.name));
        matches.then_some(Upstream { name: tracking.name, commit: tracking.commit })
    }

    /// The remote-tracking ref of the branch that is checked out, or being rebased.
    pub fn tracking_ref(&self) -> Option<RefTip> {
        let branch = self.git.find_branch(&self.branch_at_work()?, BranchType::Local).ok()?;
        let upstream = branch.upstream().ok()?;
        let name = upstream.name().ok()??.to_owned();
        let commit = upstream.get().peel_to_commit().ok()?;
        Some(RefTip { name, commit: CommitId(commit.id()) })
    }

    /// All remote-tracking branches, `HEAD` aliases left out.
    pub fn remote_branches(&self) -> Result<Vec<RefTip>, GitError> {
        let branches = self
            .git
            .branches(Some(BranchType::Remote))
            .map_err(GitError::on("list the remote-tracking branches"))?;
        let mut tips = Vec::new();
        for (branch, _) in branches.filter_map(Result::ok) {
            let Ok(Some(name)) = branch.name() else { continue };
            if name.ends_with("/HEAD") {
                continue;
            }
            if let Ok(commit) = branch.get().peel_to_commit() {
                tips.push(RefTip { name: name.to_owned(), commit: CommitId(commit.id()) });
            }
        }
        Ok(tips)
    }

    /// The names of all branches, remote-tracking branches and tags, as they are typed.
    pub fn ref_names(&self) -> Result<Vec<String>, GitError> {
        let references = self.git.references().map_err(GitError::on("list the refs"))?;
        let names = references.filter_map(Result::ok).filter_map(|reference| {
            let is_typed = reference.is_branch() || reference.is_remote() || reference.is_tag();
            is_typed.then(|| reference.shorthand().ok().map(str::to_owned)).flatten()
        });
        Ok(names.collect())
    }

    /// The refs whose scripts have landed: upstream, the default branch of any
    /// remote, and what matches `protected`; each commit once.
    pub fn landed_refs(
        &self,
        upstream: Option<&Upstream>,
        protected: &[String],
    ) -> Result<Vec<RefTip>, GitError> {
        let mut tips: Vec<RefTip> = upstream
            .map(|u| RefTip { name: u.name.clone(), commit: u.commit })
            .into_iter()
            .collect();
        let remotes = self.git.remotes().map_err(GitError::on("list the remotes"))?;
        for remote in remotes.iter().filter_map(|r| r.ok().flatten()) {
            tips.extend(
                self.tip(&format!("{remote}/HEAD"), &format!("refs/remotes/{remote}/HEAD")),
            );
        }
        tips.extend(self.protected_refs(protected)?);
        let mut seen = std::collections::HashSet::new();
        tips.retain(|tip| seen.insert(tip.commit));
        Ok(tips)
    }

    /// The remote-tracking branches that match `protected`.
    pub fn protected_refs(&self, protected: &[String]) -> Result<Vec<RefTip>, GitError> {
        let globs: Vec<_> = protected
            .iter()
            .filter_map(|pattern| Glob::new(pattern).ok())
            .map(|glob| glob.compile_matcher())
            .collect();
        if globs.is_empty() {
            return Ok(Vec::new());
        }
        let mut branches = self.remote_branches()?;
        branches.retain(|branch| globs.iter().any(|glob| glob.is_match(&branch.name)));
        Ok(branches)
    }

    /// The remote-tracking branch `name` (`origin/main`), if there is one.
    pub fn remote_branch(&self, name: &str) -> Option<RefTip> {
        self.tip(name, &format!("refs/remotes/{name}"))
    }

    /// Remote-tracking branches that are neither landed refs nor this branch's own.
    pub fn foreign_branches(&self, landed: &[RefTip]) -> Result<Vec<RefTip>, GitError> {
        let own = self.tracking_ref().map(|tip| tip.name);
        let branch = self.branch_at_work();
        Ok(self
            .remote_branches()?
            .into_iter()
            .filter(|tip| Some(&tip.name) != own.as_ref())
            // `git push` without -u leaves no tracking ref, but the name tells.
            .filter(|tip| {
                branch
                    .as_deref()
                    .is_none_or(|b| tip.name.split_once('/').is_none_or(|(_, n)| n != b))
            })
            .filter(|tip| !landed.iter().any(|l| l.commit == tip.commit || l.name == tip.name))
            .collect())
    }

    /// For each file added on the way from `landed` to `HEAD`, the position of
    /// the commit that added it, oldest first.
    pub fn addition_order(
        &self,
        landed: &[RefTip],
        folders: &[RepoPath],
    ) -> Result<HashMap<RepoPath, usize>, GitError> {
        let mut order = HashMap::new();
        let Some(head) = self.head()? else { return Ok(order) };
        let action = || GitError::on("walk the commits of this branch");
        let mut walk = self.git.revwalk().map_err(action())?;
        walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::TIME | git2::Sort::REVERSE)
            .map_err(action())?;
        walk.push(head.0).map_err(action())?;
        if let Some(merging) = self.merge_head() {
            walk.push(merging.0).map_err(action())?;
        }
        for tip in landed {
            // A commit that a shallow clone lacks cannot be hidden, nor reached.
            if walk.hide(tip.commit.0).is_err() {
                continue;
            }
        }
        let mut options = git2::DiffOptions::new();
        for folder in folders.iter().filter(|f| !f.is_root()) {
            options.pathspec(folder.as_str());
        }
        for (position, id) in walk.filter_map(Result::ok).enumerate() {
            for path in self.added_by(id, &mut options).map_err(action())? {
                order.entry(path).or_insert(position);
            }
        }
        Ok(order)
    }

    fn added_by(
        &self,
        id: Oid,
        options: &mut git2::DiffOptions,
    ) -> Result<Vec<RepoPath>, git2::Error> {
        let commit = self.git.find_commit(id)?;
        if commit.parent_count() > 1 {
            return Ok(Vec::new());
        }
        let parent = commit.parent(0).ok().map(|p| p.tree()).transpose()?;
        let tree = commit.tree()?;
        let diff = self.git.diff_tree_to_tree(parent.as_ref(), Some(&tree), Some(options))?;
        Ok(diff
            .deltas()
            .filter(|delta| delta.status() == git2::Delta::Added)
            .filter_map(|delta| {
                delta.new_file().path().and_then(|p| RepoPath::new(&p.to_string_lossy()))
            })
            .collect())
    }
}
