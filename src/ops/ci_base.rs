//! What a commit is judged against in continuous integration: the platform says
//! what it builds, and what the clone lacks is fetched, in one go where that is
//! enough. An unknown base is an error: "no findings" would not be true.

use super::OpsError;
use super::session::{GivenBase, Session, SessionOptions};
pub use crate::ci_platform::ci_run;
use crate::git::{CommitId, Depth, Fetch, GitError, Repository, Upstream};
use crate::plan::{BasePlan, CiEvent, CiRun, HeadCommit, Proposal, is_ref_name, plan_base};

/// Where a merge that the platform made is kept.
const MERGE_REF: &str = "refs/dbm-git/ci/merge";

/// Where the target branch of another repository is kept.
const TARGET_REF: &str = "refs/dbm-git/ci/target";

/// By how many commits a shallow clone is deepened, one after the other, until
/// it shows what two commits have in common; then all is fetched.
const DEEPENING: [u32; 3] = [50, 200, 1000];

/// What was found out about the base.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FoundBase {
    /// `None` leaves it to the configuration and the refs of this clone.
    pub base: Option<GivenBase>,
    /// The commit to judge, where it is not the one that is checked out.
    pub at: Option<String>,
    /// What was judged and why, for people.
    pub notes: Vec<String>,
}

/// Finds the base of what is checked out, for a platform's run.
///
/// `options` are those that the check will have; `may_fetch` lets it ask the remote.
///
/// # Errors
/// [`OpsError::BaseUnknown`], where no base can be found or fetched.
pub fn find_base(
    run: &CiRun,
    options: &SessionOptions,
    may_fetch: bool,
) -> Result<FoundBase, OpsError> {
    let repository = Repository::open()?;
    let Some(commit) = repository.head()? else { return Ok(FoundBase::default()) };
    let head = HeadCommit { id: commit.to_string(), parents: repository.recorded_parents(commit)? };
    let cloned_from = repository.cloned_from();
    let event = with_explicit(&run.event, options.base.as_deref(), cloned_from.as_deref());
    let remote = match &event {
        CiEvent::Proposal(Proposal { target_url: Some(url), .. }) => Some(url.clone()),
        _ => cloned_from,
    };
    let name = match &event {
        CiEvent::Proposal(proposal) => proposal.name.clone(),
        _ => "HEAD".to_owned(),
    };
    let finder = Finder {
        repository,
        head: commit,
        remote,
        may_fetch,
        name,
        notes: Vec::new(),
        failed: None,
    };
    match plan_base(&event, &head) {
        BasePlan::Merged { target, merged_with, proposal } => {
            finder.merged(&target, &merged_with, &proposal)
        }
        BasePlan::Unmerged { target, judged, merge_base, merge_ref } => {
            finder.unmerged(&target, judged, merge_base, merge_ref)
        }
        BasePlan::InPlace { base } => finder.in_place(&base, &event),
        BasePlan::Alone => Ok(FoundBase::default()),
        BasePlan::Unknown => finder.told_by_nobody(options),
    }
}

/// What was typed wins over the event, unless it says the same.
fn with_explicit(event: &CiEvent, base: Option<&str>, remote: Option<&str>) -> CiEvent {
    let Some(base) = base else { return event.clone() };
    match event {
        CiEvent::Proposal(proposal) => {
            let tracking = remote.map(|remote| format!("{remote}/{}", proposal.target));
            let is_same = base == proposal.target || tracking.as_deref() == Some(base);
            if is_same { event.clone() } else { CiEvent::Unknown }
        }
        _ => CiEvent::Unknown,
    }
}

struct Finder {
    repository: Repository,
    head: CommitId,
    /// A remote's name or a URL; `None` in a repository without any.
    remote: Option<String>,
    may_fetch: bool,
    /// What is judged, for people.
    name: String,
    notes: Vec<String>,
    /// Why git did not fetch, the last time that it was asked to.
    failed: Option<GitError>,
}

impl Finder {
    /// `HEAD` joins the target, as it was at `merged_with`, with the proposal.
    fn merged(
        mut self,
        target: &str,
        merged_with: &str,
        proposal: &str,
    ) -> Result<FoundBase, OpsError> {
        let mut wanted = vec![self.refspec(target)];
        wanted.extend([merged_with, proposal].map(str::to_owned));
        wanted.retain(|want| want.contains(':') || !self.repository.has_commit(want));
        // Not every server gives commits by their id. Those of a merge are next to it.
        let is_refused = !self.fetch(wanted, Depth::Commits(1)) && self.repository.is_shallow();
        if is_refused {
            self.fetch(vec![self.refspec(target)], Depth::Commits(1));
        }
        let tip = self.tip(target)?;
        if is_refused {
            self.fetch(vec!["HEAD".to_owned(), self.head.to_string()], Depth::Deepen(1));
        }
        let merge_base = self.known(merged_with)?;
        let alone = self.known(proposal).ok();
        self.note(self.head, &tip);
        Ok(self.found(tip, Some(merge_base), alone, None))
    }

    /// `HEAD`, or `judged`, is to be merged with the target.
    fn unmerged(
        mut self,
        target: &str,
        judged: Option<String>,
        merge_base: Option<String>,
        merge_ref: Option<String>,
    ) -> Result<FoundBase, OpsError> {
        let is_shallow = self.repository.is_shallow();
        let mut wanted = vec![self.refspec(target)];
        let missing = |commit: &&String| !self.repository.has_commit(commit);
        wanted.extend(judged.iter().filter(missing).cloned());
        let (mut depth, mut has_merge) = (1, false);
        match (&merge_base, &merge_ref) {
            (Some(base), _) => wanted.extend(Some(base).filter(missing).cloned()),
            (None, Some(merge_ref)) if self.can_fetch() && (is_shallow || judged.is_some()) => {
                // The platform's own merge, with both of its parents.
                wanted.push(format!("+{merge_ref}:{MERGE_REF}"));
                (depth, has_merge) = (2, true);
            }
            _ => {}
        }
        if !self.fetch(wanted.clone(), Depth::Commits(depth)) && has_merge {
            // There is none where the two conflict.
            has_merge = false;
            wanted.pop();
            self.fetch(wanted, Depth::Commits(1));
        }
        let tip = self.tip(target)?;
        let judged_commit = match &judged {
            Some(id) => self.known(id)?,
            None => self.head,
        };
        self.note(judged_commit, &tip);
        if has_merge && let Some((merge, merged_with)) = self.merge_of(judged_commit)? {
            let base = Some(merged_with);
            return Ok(self.found(tip, base, Some(judged_commit), Some(merge)));
        }
        let merge_base = match merge_base {
            Some(id) => Some(self.known(&id)?),
            None => self.ancestry(judged_commit, target, tip.commit)?,
        };
        Ok(self.found(tip, merge_base, None, judged.map(|_| judged_commit)))
    }

    /// `HEAD` takes the place of `base`.
    fn in_place(mut self, base: &str, event: &CiEvent) -> Result<FoundBase, OpsError> {
        if !self.repository.has_commit(base) {
            self.fetch(vec![base.to_owned()], Depth::Commits(1));
        }
        let commit = match (self.repository.commit(base), event) {
            (Ok(commit), _) => commit,
            // What was pushed over by force is nowhere any more.
            (Err(_), CiEvent::Push { .. }) if self.may_fetch => {
                self.notes.push(format!(
                    "`{base}`, which was there before this push, cannot be had: \
                     what it changes of landed revisions is not judged"
                ));
                return Ok(FoundBase { notes: self.notes, ..FoundBase::default() });
            }
            (Err(_), _) => return Err(self.unknown(base)),
        };
        self.notes.push(format!("HEAD is judged in place of {}", commit.short()));
        let upstream = Upstream { name: commit.short(), commit };
        Ok(self.found(upstream, Some(commit), None, None))
    }

    /// Nothing but this clone, its configuration and its remote tells.
    fn told_by_nobody(mut self, options: &SessionOptions) -> Result<FoundBase, OpsError> {
        let session = Session::open(options.clone())?;
        let known = match session.upstream() {
            Ok(known) => known.cloned(),
            Err(OpsError::Git(
                GitError::UnknownUpstream { .. } | GitError::UnknownCommit { .. },
            )) => None,
            Err(error) => return Err(error),
        };
        let named = options.base.clone().or(session.project.settings.upstream.clone());
        let branch = self.repository.branch();
        drop(session);
        let Some(remote) = self.remote.clone() else { return Ok(FoundBase::default()) };
        let target = match (named, &known) {
            (Some(named), _) => Some(named),
            (None, Some(upstream)) => Some(upstream.name.clone()),
            (None, None) if self.may_fetch => {
                let asked = self.repository.default_branch_of(&remote);
                asked.unwrap_or_else(|error| {
                    self.failed = Some(error);
                    None
                })
            }
            (None, None) => None,
        };
        let target = target.map(|name| {
            let short = name.strip_prefix(&format!("{remote}/"));
            short.map_or_else(|| name.clone(), str::to_owned)
        });
        let Some(target) = target.filter(|target| is_ref_name(target)) else {
            return Err(self.unknown("the name of the default branch"));
        };
        if branch.as_deref() == Some(&*target) && options.base.is_none() {
            return Ok(FoundBase::default());
        }
        let is_enough = |upstream: &Upstream| -> Result<bool, OpsError> {
            let base = self.repository.merge_base(self.head, upstream.commit)?;
            Ok(base.is_some() || !self.repository.is_shallow())
        };
        if let Some(upstream) = &known
            && is_enough(upstream)?
        {
            let base = Some(upstream.clone()).filter(|_| options.base.is_none());
            let base = base.map(|upstream| GivenBase { upstream, merge_base: None, alone: None });
            return Ok(FoundBase { base, ..FoundBase::default() });
        }
        self.unmerged(&target, None, None, None)
    }

    /// What two commits have in common, after as much fetching as that takes.
    fn ancestry(
        &mut self,
        judged: CommitId,
        target: &str,
        tip: CommitId,
    ) -> Result<Option<CommitId>, OpsError> {
        let steps = DEEPENING.into_iter().map(Depth::Deepen).chain([Depth::Whole]);
        for depth in steps {
            let found = self.repository.merge_base(judged, tip)?;
            if found.is_some() || !self.repository.is_shallow() || !self.may_fetch {
                return Ok(found);
            }
            let wanted = vec![self.refspec(target), judged.to_string()];
            // By id it may not be given: whatever this clone was told to fetch has it.
            if !self.fetch(wanted, depth) && !self.fetch(Vec::new(), depth) {
                return Err(self.unknown("what the two have in common"));
            }
        }
        Ok(self.repository.merge_base(judged, tip)?)
    }

    /// The merge that the platform keeps, if it is one of `judged`, and what it
    /// was merged with.
    fn merge_of(&self, judged: CommitId) -> Result<Option<(CommitId, CommitId)>, OpsError> {
        let merge = self.repository.commit(MERGE_REF)?;
        let parents = self.repository.parents(merge)?;
        Ok(match parents.as_slice() {
            [target, proposal] if *proposal == judged => Some((merge, *target)),
            _ => None,
        })
    }

    /// Says what is judged, and by which commits.
    fn note(&mut self, judged: CommitId, tip: &Upstream) {
        self.notes.push(format!(
            "{} ({}) is judged as merged into {} ({})",
            self.name,
            judged.short(),
            tip.name,
            tip.commit.short()
        ));
    }

    /// The target's last commit goes to its remote-tracking ref, as usual.
    fn refspec(&self, target: &str) -> String {
        let local = match &self.remote {
            Some(remote) if !self.is_url(remote) => format!("refs/remotes/{remote}/{target}"),
            _ => TARGET_REF.to_owned(),
        };
        format!("+refs/heads/{target}:{local}")
    }

    fn can_fetch(&self) -> bool {
        self.may_fetch && self.remote.is_some()
    }

    fn is_url(&self, remote: &str) -> bool {
        self.repository.cloned_from().as_deref() != Some(remote)
    }

    /// The target's last commit. One from an earlier fetch is none: what has
    /// landed since would be missing.
    fn tip(&self, target: &str) -> Result<Upstream, OpsError> {
        let refspec = self.refspec(target);
        let local = refspec.rsplit(':').next().unwrap_or_default();
        // One ref serves all other repositories: what it has is from the last of them.
        let is_new = self.failed.is_none() && (self.may_fetch || local != TARGET_REF);
        let commit = self.repository.commit(local).ok().filter(|_| is_new);
        let commit = commit.ok_or_else(|| self.unknown(&format!("branch `{target}`")))?;
        let name = local.strip_prefix("refs/remotes/").unwrap_or(target).to_owned();
        Ok(Upstream { name, commit })
    }

    fn known(&self, id: &str) -> Result<CommitId, OpsError> {
        self.repository.commit(id).map_err(|_| self.unknown(&format!("commit `{id}`")))
    }

    /// Whether it is there now, as far as git is allowed to ask for it.
    fn fetch(&mut self, wanted: Vec<String>, depth: Depth) -> bool {
        let Some(remote) = self.remote.clone().filter(|_| self.may_fetch) else { return true };
        self.failed = self.repository.fetch(&Fetch { remote, wanted, depth }).err();
        // libgit2 has read where history ends, and reads it once.
        match Repository::open() {
            Ok(repository) => self.repository = repository,
            Err(error) => self.failed = Some(error),
        }
        self.failed.is_none()
    }

    fn unknown(&self, missing: &str) -> OpsError {
        OpsError::BaseUnknown {
            name: self.name.clone(),
            missing: missing.to_owned(),
            reason: self.failed.as_ref().map(ToString::to_string),
        }
    }

    fn found(
        self,
        upstream: Upstream,
        merge_base: Option<CommitId>,
        alone: Option<CommitId>,
        at: Option<CommitId>,
    ) -> FoundBase {
        FoundBase {
            base: Some(GivenBase { upstream, merge_base, alone }),
            at: at.map(|commit| commit.to_string()),
            notes: self.notes,
        }
    }
}
