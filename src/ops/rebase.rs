//! `rebase` and `merge`: load each component, plan, write all plans or none.

use std::collections::HashMap;

use super::OpsError;
use super::beside::Beside;
use super::session::{Session, Source};
use super::standing::standings;
use super::write_access::WriteAccess;
use crate::check::{Encounters, encounters};
use crate::git::InProgress;
use crate::journal::{OperationId, OperationKind};
use crate::plan::{
    Change, RebasePlan, RebaseRequest, Refusal, ScriptConventions, Standing, Strategy,
    commit_message, plan_rebase, summarize, with_lock_file,
};
use crate::project::Component;
use crate::revision::{Node, RevisionId, RevisionRef};
use crate::tree::{RepoPath, Tree};

/// What the command line asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RebaseOptions {
    /// `--onto`.
    pub onto: Option<String>,
    /// The revision that is to be moved, with `--onto`.
    pub revision: Option<String>,
    /// `--landed`: `revision` may have landed.
    pub landed: bool,
    pub include_shared: bool,
    /// `merge`: write a merge revision whatever the strategy.
    pub merge_only: bool,
    /// `--strategy`.
    pub strategy: Option<Strategy>,
    pub message: Option<String>,
    pub dry_run: bool,
    pub commit: Committing,
}

/// Whether the changed files are committed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Committing {
    #[default]
    Not,
    /// `--commit`.
    New,
    /// `--amend`: into the last commit, which has not landed.
    Amend,
}

/// What became of one component.
#[derive(Clone, Debug)]
pub struct ComponentRebase {
    pub name: String,
    pub plan: Result<RebasePlan, ComponentRefusal>,
    /// What own revisions were put on: a ref, or how else it was told.
    pub landed_by: Option<String>,
    /// Upstream has revisions that these files lack: there may be more to come.
    pub is_behind: bool,
    /// What own revisions and the landed ones beside them are to each other.
    pub beside: Beside,
    /// What ran on a scratch database as it is planned, in that order.
    pub verified: Option<Vec<RevisionId>>,
}

/// Why a component's plan is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ComponentRefusal {
    #[error(transparent)]
    Plan(#[from] Refusal),
    #[error("`{path}` has unresolved conflicts: resolve them and `git add` the file first")]
    Unmerged { path: RepoPath },
    #[error("`{path}` waits in an autostash that git has yet to apply: finish that first")]
    Autostashed { path: RepoPath },
    #[error("`{path}` has changes that are not committed, so they would be committed too")]
    Uncommitted { path: RepoPath },
    #[error(
        "`{commit}` is the last commit and is on {upstream} already: say --commit to make a new one"
    )]
    LandedCommit { commit: String, upstream: String },
    #[error("there is no commit yet that could be amended")]
    NothingToAmend,
    #[error("`{path}` is not checked out here: `git sparse-checkout add {path}` first")]
    NotCheckedOut { path: RepoPath },
    #[error(
        "the lock file `{path}` is a symlink: replace it by a file, nothing is written through it"
    )]
    LinkedLock { path: RepoPath },
    #[error("`{path}` has landed: say --landed to rewrite it all the same")]
    Landed { path: RepoPath },
    /// On a scratch database, in its new place.
    #[error("`{revision}` (`{path}`) does not work in its new place: {says}")]
    Fault { revision: RevisionId, path: RepoPath, says: String },
    #[error("what lies below own revisions does not run from an empty database: {error}")]
    GroundFails { error: String },
}

/// What a rebase did, or would do.
#[derive(Clone, Debug)]
pub struct RebaseOutcome {
    pub operation: Option<OperationId>,
    pub dry_run: bool,
    pub components: Vec<ComponentRebase>,
    /// The abbreviated id of the commit that was made.
    pub committed: Option<String>,
    /// What of git's the changes were staged for: `merge`, `rebase`, …
    pub staged_for: Option<&'static str>,
}

impl RebaseOutcome {
    /// Whether any component was refused; then nothing was changed at all.
    pub fn is_refused(&self) -> bool {
        self.components.iter().any(|c| c.plan.is_err())
    }

    /// The plans, where there are any.
    pub fn plans(&self) -> Vec<&RebasePlan> {
        self.components.iter().filter_map(|c| c.plan.as_ref().ok()).collect()
    }
}

/// Plans every selected component; changes nothing.
pub fn plan(session: &Session, options: &RebaseOptions) -> Result<RebaseOutcome, OpsError> {
    let mut components = Vec::new();
    for component in session.components()? {
        components.push(plan_component(session, component, options)?);
    }
    Ok(RebaseOutcome {
        operation: None,
        dry_run: true,
        components,
        committed: None,
        staged_for: None,
    })
}

/// Writes what [`plan`] has planned: one journaled operation, staged in the
/// middle of a merge, committed with `--commit`.
pub fn apply(
    session: &Session,
    options: &RebaseOptions,
    planned: RebaseOutcome,
    access: &mut WriteAccess,
) -> Result<RebaseOutcome, OpsError> {
    let mut outcome = RebaseOutcome { dry_run: false, ..planned };
    let mut changes: Vec<Change> = Vec::new();
    for plan in outcome.plans() {
        // Two components may share their files, and then plan the very same.
        let new: Vec<Change> =
            plan.changes.iter().filter(|change| !changes.contains(change)).cloned().collect();
        changes.extend(new);
    }
    if outcome.is_refused() || changes.is_empty() {
        return Ok(outcome);
    }
    let kind = if options.merge_only { OperationKind::Merge } else { OperationKind::Rebase };
    let summary = summarize(&outcome.plans());
    let working_tree = session.working_tree()?;
    outcome.operation = Some(access.run(working_tree, kind, &summary, &changes)?);
    let paths: Vec<RepoPath> = changes.iter().map(|change| change.path.clone()).collect();
    outcome.staged_for = waiting(session, &paths)?;
    if outcome.staged_for.is_some() {
        session.repository.stage(&paths)?;
    } else {
        outcome.committed = match options.commit {
            Committing::Not => None,
            Committing::New => {
                let message = commit_message(&outcome.plans());
                Some(session.repository.commit_only(&paths, &message)?)
            }
            Committing::Amend => Some(session.repository.amend_only(&paths)?),
        };
    }
    Ok(outcome)
}

/// What of git's waits for these files: a merge for all of them, a rebase or a
/// cherry-pick where it has stopped for one of them.
fn waiting(session: &Session, paths: &[RepoPath]) -> Result<Option<&'static str>, OpsError> {
    let stopped = match session.repository.in_progress() {
        Some(InProgress::Merge) => return Ok(Some("merge")),
        Some(InProgress::Rebase) => "rebase",
        Some(InProgress::CherryPick) => "cherry-pick",
        Some(InProgress::ApplyMailbox) => "git am",
        Some(InProgress::Revert | InProgress::Bisect) | None => return Ok(None),
    };
    let unmerged = session.repository.unmerged()?;
    Ok(paths.iter().any(|path| unmerged.contains(path)).then_some(stopped))
}

fn plan_component(
    session: &Session,
    component: &Component,
    options: &RebaseOptions,
) -> Result<ComponentRebase, OpsError> {
    let history = session.history(component, &Source::WorkingTree)?;
    let standings = standings(session, component, &history)?;
    let conventions = conventions(session, component)?;
    let moved = options.revision.as_ref().map(RevisionRef::new);
    let request = RebaseRequest {
        history: &history,
        standings: &standings.of,
        knows_landed: standings.knows_landed(),
        policy: component.heads,
        strategy: options.strategy.unwrap_or(session.project.settings.strategy),
        conventions: &conventions,
        sequential: component.sequential_ids,
        onto: options.onto.as_ref().map(RevisionRef::new),
        moved,
        include_shared: options.include_shared,
        merge_only: options.merge_only,
        message: options.message.clone(),
    };
    let plan = plan_rebase(&request).map_err(ComponentRefusal::from);
    let plan = match plan {
        Ok(plan) => with_real_files(session, plan)?,
        Err(refusal) => Err(refusal),
    };
    let plan = match (plan, &component.lock_file) {
        (Ok(_), Some(path)) if session.working_tree()?.is_symlink(path) => {
            Err(ComponentRefusal::LinkedLock { path: path.clone() })
        }
        (Ok(plan), Some(path)) => {
            let heads = history.graph.ids(history.graph.heads());
            let before = session.working_tree()?.image(path)?;
            Ok(with_lock_file(plan, path, &heads, before))
        }
        (plan, _) => plan,
    };
    let plan = match plan {
        Ok(plan) => match obstacle(session, options, &standings.of, &request, &plan)? {
            Some(refusal) => Err(refusal),
            None => Ok(plan),
        },
        Err(refusal) => Err(refusal),
    };
    let is_landed = |node: Node| standings.of[node].standing == Standing::Landed;
    let encounters = match standings.knows_landed() {
        true => encounters(&history, component.heads, is_landed),
        false => Encounters::default(),
    };
    Ok(ComponentRebase {
        name: component.name.clone(),
        beside: Beside::of(&history, &encounters),
        plan,
        landed_by: standings.landed_refs.first().map(|tip| tip.name.clone()),
        is_behind: is_behind(session)?,
        verified: None,
    })
}

/// Whether upstream has commits that the checked-out branch lacks.
fn is_behind(session: &Session) -> Result<bool, OpsError> {
    let (Some(upstream), Some(head)) = (session.upstream()?, session.repository.head()?) else {
        return Ok(false);
    };
    if session.repository.merge_head() == Some(upstream.commit) {
        return Ok(false);
    }
    Ok(session.repository.merge_base(head, upstream.commit)? != Some(upstream.commit))
}

fn conventions(session: &Session, component: &Component) -> Result<ScriptConventions, OpsError> {
    let template = component.script_location.entry("script.py.mako");
    let template = session.working_tree()?.read(&template)?;
    Ok(ScriptConventions {
        template: template.and_then(|bytes| String::from_utf8(bytes).ok()),
        file_template: component.file_template.clone(),
        version_locations: component.version_locations.clone(),
    })
}

/// Gives the planned changes the modes of the files on disk, and makes sure
/// that a new file's name is free.
fn with_real_files(
    session: &Session,
    mut plan: RebasePlan,
) -> Result<Result<RebasePlan, ComponentRefusal>, OpsError> {
    let working_tree = session.working_tree()?;
    // A renumbered file keeps the mode of the file that it was.
    let old_names: HashMap<RepoPath, RepoPath> =
        plan.renumbered.iter().map(|r| (r.to.1.clone(), r.from.1.clone())).collect();
    for change in &mut plan.changes {
        let there = working_tree.image(&change.path)?;
        match (&mut change.before, &there) {
            (Some(before), Some(there)) => before.mode = there.mode,
            (Some(_), None) => {
                return Ok(Err(ComponentRefusal::NotCheckedOut { path: change.path.clone() }));
            }
            (None, Some(_)) => {
                return Ok(Err(Refusal::FileExists { path: change.path.clone() }.into()));
            }
            _ => {}
        }
        let source = match old_names.get(&change.path) {
            Some(old) => working_tree.image(old)?,
            None => there,
        };
        if let (Some(after), Some(source)) = (&mut change.after, source) {
            after.mode = source.mode;
        }
    }
    Ok(Ok(plan))
}

/// What stands in the way of carrying a sound plan out.
fn obstacle(
    session: &Session,
    options: &RebaseOptions,
    standings: &[crate::plan::ScriptStanding],
    request: &RebaseRequest<'_>,
    plan: &RebasePlan,
) -> Result<Option<ComponentRefusal>, OpsError> {
    let paths: Vec<&RepoPath> = plan.changes.iter().map(|change| &change.path).collect();
    // The lock file's conflict is there to be resolved by this.
    let unmerged = session.repository.unmerged()?;
    let is_lock = |path: &RepoPath| plan.lock_file.as_ref() == Some(path);
    if let Some(path) = paths.iter().find(|path| unmerged.contains(path) && !is_lock(path)) {
        return Ok(Some(ComponentRefusal::Unmerged { path: (*path).clone() }));
    }
    let stashed = session.repository.autostashed()?;
    if let Some(path) = paths.iter().find(|path| stashed.contains(path)) {
        return Ok(Some(ComponentRefusal::Autostashed { path: (*path).clone() }));
    }
    if request.knows_landed && !options.landed {
        let landed = paths.iter().find(|path| {
            request
                .history
                .node_at(path)
                .is_some_and(|node| standings[node].standing == Standing::Landed)
        });
        if let Some(path) = landed {
            return Ok(Some(ComponentRefusal::Landed { path: (*path).clone() }));
        }
    }
    // In a merge they are staged, and that is all.
    let is_committed = session.repository.in_progress() != Some(InProgress::Merge);
    if options.commit != Committing::Not && !options.dry_run && is_committed {
        if options.commit == Committing::Amend
            && let Some(refusal) = unamendable(session)?
        {
            return Ok(Some(refusal));
        }
        for change in plan.changes.iter().filter(|change| change.before.is_some()) {
            if session.repository.is_changed(&change.path)? {
                let path = change.path.clone();
                return Ok(Some(ComponentRefusal::Uncommitted { path }));
            }
        }
    }
    Ok(None)
}

/// Why the last commit is not to be changed: others build on it.
fn unamendable(session: &Session) -> Result<Option<ComponentRefusal>, OpsError> {
    let Some(head) = session.repository.head()? else {
        return Ok(Some(ComponentRefusal::NothingToAmend));
    };
    let protected = &session.project.settings.protected;
    let mut tips = session.repository.landed_refs(session.upstream()?, protected)?;
    // Nor is what is on the branch of somebody else.
    tips.extend(session.repository.foreign_branches(&[])?);
    for tip in tips {
        if session.repository.merge_base(head, tip.commit)? == Some(head) {
            let (commit, upstream) = (head.short(), tip.name);
            return Ok(Some(ComponentRefusal::LandedCommit { commit, upstream }));
        }
    }
    Ok(None)
}
