//! What a hook does about the databases: a short look, so that the ledger knows
//! what had run before the files changed; and, where this clone has asked for
//! it, an upgrade. Nothing here asks alembic where a database is, and nothing
//! touches one that is not on this machine.

use super::OpsError;
use super::database_target::{Asking, DatabaseTarget, database_target};
use super::host::Host;
use super::look::{Look, Moment, Reached, look, worktree};
use super::session::{Session, Source};
use super::sync::{self, PreparedSync, SyncOptions};
use super::write_access::{WriteAccess, may_be_open};
use crate::git::{CommitId, Repository};
use crate::journal::Journal;
use crate::plan::{DatabaseState, SyncStep, Trying, list};
use crate::project::{Component, read_project};
use crate::tree::RepoPath;

/// Looks at a component's database, right after the files have changed. `None`
/// where there is none that a hook may look at: elsewhere, not known, not there.
/// `before` is the commit whose files were there until now.
pub fn look_after_change(
    session: &Session,
    component: &Component,
    host: &Host,
    before: Option<CommitId>,
) -> Result<Option<Look>, OpsError> {
    let common = session.repository.common_dir();
    // A first look begins the ledger, but only of a database that has run something.
    let mut journal = Journal::open_existing(common)?;
    let target = database_target(session, component, host, journal.as_mut(), Asking::Never)?;
    if !target.is_local || target.direct().is_none() {
        return Ok(None);
    }
    let moment = Moment::AfterChange { before };
    let reached = Reached::new(target, &moment.limits())?;
    if journal.is_none() {
        if reached.observation.rows.is_empty() {
            return Ok(None);
        }
        journal = Some(Journal::open(common)?);
    }
    look(session, component, reached, moment, journal.as_mut()).map(Some)
}

/// What a look shows that is worth a line.
pub fn said_of(look: &Look) -> Option<String> {
    let ids = |nodes: &[usize]| list(&look.history.graph.ids(nodes.iter().copied()));
    match look.view.state {
        DatabaseState::Skipped => Some(format!(
            "{} never ran in your database, and alembic would skip it: `dbm-git sync` makes up for it",
            ids(&look.view.skipped)
        )),
        DatabaseState::Foreign => Some(format!(
            "your database has run {}, which {} not here: `dbm-git sync` brings it in line",
            list(&look.view.foreign),
            if look.view.foreign.len() == 1 { "is" } else { "are" },
        )),
        DatabaseState::Overlapping => {
            Some("the version rows of your database overlap: `dbm-git sync` cleans them".to_owned())
        }
        DatabaseState::Unknown => Some(format!(
            "nobody knows whether {} ran in your database: `dbm-git status` says more",
            ids(&look.view.unknown)
        )),
        _ => None,
    }
}

/// Brings the database to the heads, if that is nothing but an upgrade with
/// files that have landed; says what was done, or why nothing was.
pub fn sync_in_hook(
    session: &Session,
    component: &Component,
    host: &Host,
    look: Look,
    now: i64,
) -> Result<Option<String>, OpsError> {
    if !matches!(look.view.state, DatabaseState::Behind | DatabaseState::NoRevision) {
        return Ok(None);
    }
    if let Some(reason) = objection(session, component, &look)? {
        return Ok(Some(format!("not upgraded: {reason}; `dbm-git migrate` does it")));
    }
    let mut access = WriteAccess::begin(&session.repository, "dbm-git hook (sync)", now)?;
    // It is nothing but alembic's own upgrade, or it is not done.
    let options = SyncOptions { trying: Trying::Never, ..SyncOptions::default() };
    let prepared = sync::prepare_component(session, component, host, options, access.journal())?;
    if !is_plain_upgrade(&prepared) {
        return Ok(Some("not upgraded: `dbm-git sync` shows what there is to do".to_owned()));
    }
    let outcome =
        sync::apply(session, host, options, vec![prepared], None, &mut access, &mut |_| {})?;
    let plans = outcome.components.iter().filter_map(|c| c.plan.as_ref().ok());
    let ran: Vec<_> = plans.flat_map(|p| p.steps.iter().flat_map(|s| s.step.revisions())).collect();
    let named = match ran.len() {
        1..=4 => list(&ran),
        count => format!("{count} revisions"),
    };
    let undo = outcome.operation.map_or(String::new(), |id| format!(" (`dbm-git undo {id}`)"));
    Ok((!ran.is_empty()).then(|| format!("applied {named} to your database{undo}")))
}

fn is_plain_upgrade(prepared: &PreparedSync<'_>) -> bool {
    prepared
        .decision
        .plan
        .as_ref()
        .is_ok_and(|plan| plan.steps.iter().all(|s| matches!(s.step, SyncStep::Upgrade { .. })))
}

/// Why a hook must leave a database as it is, whatever it would do.
pub(super) fn obstacle(session: &Session, look: &Look) -> Result<Option<String>, OpsError> {
    if may_be_open(&session.repository) {
        return Ok(Some("an interrupted operation waits for `dbm-git recover`".to_owned()));
    }
    let is_shared = is_shared(session, &look.target, look)?;
    Ok(is_shared.then(|| "other worktrees share this database".to_owned()))
}

/// Why a hook must not run alembic here. Running it runs `env.py`, and with it
/// whatever that imports: so everything that is checked out has to have landed.
pub(super) fn objection(
    session: &Session,
    component: &Component,
    look: &Look,
) -> Result<Option<String>, OpsError> {
    let repository = &session.repository;
    if let Some(obstacle) = obstacle(session, look)? {
        return Ok(Some(obstacle));
    }
    let Some(head) = repository.head()? else { return Ok(Some("there is no commit".to_owned())) };
    if !has_landed(repository, head)? {
        return Ok(Some("this commit has not landed".to_owned()));
    }
    let committed = session.tree(&Source::Commit(head))?;
    let checked_out = session.tree(&Source::WorkingTree)?;
    let mut edited = None;
    for path in deciding_paths(component, look) {
        if committed.read(&path)? != checked_out.read(&path)? {
            edited = Some(path);
            break;
        }
    }
    if edited.is_none() {
        // A squash merge, say, of what somebody has asked to be reviewed.
        edited = repository.changed_files()?.into_iter().find(may_be_run);
    }
    Ok(edited.map(|path| format!("`{path}` is not as it was committed")))
}

/// Whether others have the commit already, by refs that the checked-out files
/// have no say in: a pull request may bring a configuration that calls itself
/// upstream. The configuration that counts is the one that has landed.
fn has_landed(repository: &Repository, head: CommitId) -> Result<bool, OpsError> {
    let Some(base) = repository.upstream(None, None, &[])? else { return Ok(false) };
    if repository.merge_base(head, base.commit)? == Some(head) {
        return Ok(true);
    }
    let landed = repository.tree(base.commit)?;
    // One that cannot be read names no further refs.
    let settings = read_project(&landed, None, repository.root()).map(|p| p.settings);
    let settings = settings.unwrap_or_default();
    let mut tips = repository.protected_refs(&settings.protected)?;
    tips.extend(settings.upstream.iter().filter_map(|name| repository.remote_branch(name)));
    for tip in tips {
        if repository.merge_base(head, tip.commit)? == Some(head) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Everything that alembic reads, and what says how it is run.
fn deciding_paths(component: &Component, look: &Look) -> Vec<RepoPath> {
    let mut paths: Vec<RepoPath> =
        look.history.scripts.iter().map(|script| script.file.path.clone()).collect();
    paths.extend(look.history.problems.iter().map(|problem| problem.path.clone()));
    paths.push(component.script_location.entry("env.py"));
    paths.extend(component.config.iter().map(|config| config.path.clone()));
    paths.extend(["dbm-git.toml", "pyproject.toml"].into_iter().filter_map(RepoPath::new));
    paths
}

/// What `env.py` may import, or what decides about how Python is started.
fn may_be_run(path: &RepoPath) -> bool {
    let extension = path.file_name().rsplit_once('.').map_or("", |(_, extension)| extension);
    matches!(extension, "py" | "toml" | "ini" | "cfg" | "lock")
}

/// Whether another worktree of this repository uses the database: it may be at
/// other files.
fn is_shared(session: &Session, target: &DatabaseTarget, look: &Look) -> Result<bool, OpsError> {
    let own = worktree(session);
    let mut others = look.stored.files.keys().filter(|name| *name != own.name());
    if others.any(|name| session.repository.has_worktree(name)) {
        return Ok(true);
    }
    let is_inside = target
        .direct()
        .and_then(|(url, _)| url.file())
        .is_some_and(|file| file.starts_with(session.repository.root()));
    Ok(!is_inside && session.repository.has_other_worktrees()?)
}
