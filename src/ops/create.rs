//! `create`: a new revision, written by the project's own alembic once the
//! files, and for `--autogenerate` the database, are in a state to build on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::OpsError;
use super::database_target::alembic_target;
use super::review::review_of;
use super::session::{Session, Source};
use super::status::{self, Host};
use super::target::{NoTarget, target};
use super::write_access::WriteAccess;
use crate::alembic::{AlembicError, run_target};
use crate::check::{Code, Finding, Judged, Level, run_rules};
use crate::journal::{OperationId, OperationKind};
use crate::plan::{Change, DatabaseState, Image, list, lock_change};
use crate::project::Component;
use crate::revision::{BranchLabel, RevisionId, RevisionRef};
use crate::script::{Destructive, History, ScriptProblem, function_body, read_footprint};
use crate::tree::RepoPath;

/// A comparison of a large schema takes a while, but it ends.
const LIMIT: Duration = Duration::from_secs(600);

/// What the command line asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CreateRequest {
    pub message: String,
    pub autogenerate: bool,
    /// `--head`, as alembic takes it: an id, a label, `label@head`, `base`.
    pub head: Option<String>,
    pub rev_id: Option<String>,
    pub branch_label: Option<String>,
    pub depends_on: Vec<String>,
    /// `--version-path`, for components of several version locations.
    pub version_path: Option<String>,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreateOutcome {
    pub component: String,
    pub autogenerate: bool,
    /// `None` if nothing was written.
    pub operation: Option<OperationId>,
    /// None where `env.py` keeps empty revisions from being written.
    pub scripts: Vec<NewRevisionFile>,
}

/// One new script, and what is to be said of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRevisionFile {
    pub path: RepoPath,
    pub revision: RevisionId,
    pub message: String,
    /// Each with its message.
    pub down_revisions: Vec<(RevisionId, String)>,
    pub depends_on: Vec<RevisionRef>,
    pub branch_labels: Vec<BranchLabel>,
    /// The source text of `upgrade`; empty if it does nothing.
    pub upgrade: String,
    pub destructive: Vec<Destructive>,
    /// Neither `upgrade` nor `downgrade` does anything.
    pub is_empty: bool,
    /// What somebody ought to look at before it is committed.
    pub review: Vec<Finding>,
}

/// Why no revision is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreateRefusal {
    #[error("the migration files have errors")]
    Broken,
    #[error("the heads {} have diverged", list(heads))]
    Diverged { heads: Vec<RevisionId> },
    #[error("there are several heads, and a revision follows one: {}", heads.join(", "))]
    SeveralHeads {
        /// As `--head` takes them, by label where they have one.
        heads: Vec<String>,
    },
    #[error("`{id}` is in `{path}` already")]
    Taken { id: RevisionId, path: RepoPath },
    #[error("the database is not at the head, but {}{}", state.name(), reason(error.as_deref()))]
    NotAtHead { state: DatabaseState, error: Option<String>, recommended: String },
    #[error(transparent)]
    NoTarget(NoTarget),
}

fn reason(error: Option<&str>) -> String {
    error.map_or(String::new(), |error| format!(": {error}"))
}

/// Why there is no new revision.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    #[error("several components, and none is the default: {}", names.join(", "))]
    WhichComponent { names: Vec<String> },
    #[error("nothing was written for `{component}`: {refusal}")]
    Refused { component: String, refusal: CreateRefusal },
    #[error(transparent)]
    Alembic(AlembicError),
    #[error("alembic wrote over `{path}`; it is as it was, and the new revision is gone")]
    WroteOver { path: RepoPath },
    #[error("alembic wrote `{path}`, which cannot be read: {reason}")]
    Unreadable { path: RepoPath, reason: String },
}

/// The component that a revision is meant for, where none or one was named.
pub fn component(session: &Session) -> Result<&Component, OpsError> {
    let components = session.components()?;
    if let [only] = components.as_slice() {
        return Ok(only);
    }
    let names = || components.iter().map(|c| c.name.clone()).collect();
    let default = components.iter().find(|c| c.is_default).copied();
    default.ok_or_else(|| CreateError::WhichComponent { names: names() }.into())
}

/// Has alembic write a revision, reads what it wrote, and records it, so that
/// an undo deletes it. alembic's own words go to `line`.
pub fn create(
    session: &Session,
    component: &Component,
    request: &CreateRequest,
    host: &Host,
    access: &mut WriteAccess,
    line: &mut dyn FnMut(&str),
) -> Result<CreateOutcome, OpsError> {
    let refuse = |refusal| -> OpsError {
        CreateError::Refused { component: component.name.clone(), refusal }.into()
    };
    let before = session.history(component, &Source::WorkingTree)?;
    if let Some(refusal) = objection(component, &before, request) {
        return Err(refuse(refusal));
    }
    let reason = target(session, component, host).err();
    let target = alembic_target(session, component, host)
        .ok_or_else(|| refuse(CreateRefusal::NoTarget(reason.unwrap_or(NoTarget::NoAlembic))))?;
    if request.autogenerate
        && let Some(refusal) = not_at_head(session, component, host)?
    {
        return Err(refuse(refusal));
    }
    let words = words(request);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let ran = run_target(&target, &words, &[], LIMIT, line);
    // What it wrote counts, also where it failed later.
    let after = session.history(component, &Source::WorkingTree)?;
    if let Some(path) = restored(session, &before, &after)? {
        return Err(CreateError::WroteOver { path }.into());
    }
    let operation = record(session, component, request, (&before, &after), access)?;
    if let Some(problem) = new_problem(&before, &after) {
        let ScriptProblem { path, kind, .. } = problem;
        let (path, reason) = (path.clone(), kind.to_string());
        return Err(CreateError::Unreadable { path, reason }.into());
    }
    ran.map_err(CreateError::Alembic)?;
    let is_new = |&node: &usize| before.node_at(&after.script(node).file.path).is_none();
    let new: Vec<usize> = (0..after.scripts.len()).filter(is_new).collect();
    let told = review_of(session, component, &after, new.clone())?;
    Ok(CreateOutcome {
        component: component.name.clone(),
        autogenerate: request.autogenerate,
        operation,
        scripts: new.iter().map(|&node| new_script(&after, node, &told.findings)).collect(),
    })
}

/// What the files themselves object.
fn objection(
    component: &Component,
    history: &History,
    request: &CreateRequest,
) -> Option<CreateRefusal> {
    const DIVERGED: Code = Code(1);
    let judged =
        Judged { policy: component.heads, ..Judged::alone(history, &component.version_locations) };
    let findings = run_rules(&judged);
    if findings.iter().any(|f| f.level == Level::Error && f.code != DIVERGED) {
        return Some(CreateRefusal::Broken);
    }
    if let Some(finding) = findings.into_iter().find(|f| f.code == DIVERGED) {
        return Some(CreateRefusal::Diverged { heads: finding.revisions });
    }
    let graph = &history.graph;
    if let Some(node) = request.rev_id.as_deref().and_then(|id| graph.node(id)) {
        let path = history.script(node).file.path.clone();
        return Some(CreateRefusal::Taken { id: history.id(node).clone(), path });
    }
    let heads = graph.heads();
    if heads.len() > 1 && request.head.is_none() {
        let heads = heads.into_iter().map(|head| match graph.inherited_labels(head).as_slice() {
            [label, ..] => format!("{label}@head"),
            [] => history.id(head).to_string(),
        });
        return Some(CreateRefusal::SeveralHeads { heads: heads.collect() });
    }
    None
}

/// Autogenerate compares the models with the database: what is pending there
/// would be generated once more.
fn not_at_head(
    session: &Session,
    component: &Component,
    host: &Host,
) -> Result<Option<CreateRefusal>, OpsError> {
    let statuses = status::status(session, host)?;
    Ok(statuses.into_iter().find(|s| s.name == component.name).and_then(|status| {
        let is_at_head = status.state == DatabaseState::UpToDate;
        (!is_at_head).then_some(CreateRefusal::NotAtHead {
            state: status.state,
            error: status.error,
            recommended: status.recommended,
        })
    }))
}

/// The subcommand with its options.
fn words(request: &CreateRequest) -> Vec<String> {
    let mut words = vec!["revision".to_owned(), "-m".to_owned(), request.message.clone()];
    if request.autogenerate {
        words.push("--autogenerate".to_owned());
    }
    let mut option = |name: &str, value: Option<&String>| {
        words.extend(value.into_iter().flat_map(|value| [name.to_owned(), value.clone()]));
    };
    option("--head", request.head.as_ref());
    option("--rev-id", request.rev_id.as_ref());
    option("--branch-label", request.branch_label.as_ref());
    option("--version-path", request.version_path.as_ref());
    for reference in &request.depends_on {
        option("--depends-on", Some(reference));
    }
    words
}

/// alembic takes a file name for free without looking (ALEMBIC.md 1.8). A script
/// that is another one now gets its bytes back.
fn restored(
    session: &Session,
    before: &History,
    after: &History,
) -> Result<Option<RepoPath>, OpsError> {
    let old: BTreeMap<&RepoPath, &Arc<Vec<u8>>> =
        before.scripts.iter().map(|script| (&script.file.path, &script.file.bytes)).collect();
    let mut changes = Vec::new();
    for script in &after.scripts {
        let (path, now) = (&script.file.path, &script.file.bytes);
        let Some(&was) = old.get(path).filter(|&&was| was != now) else { continue };
        let found = session.working_tree()?.image(path)?;
        let mode = found.as_ref().map_or(0o644, |image| image.mode);
        let after = Some(Image { bytes: was.to_vec(), mode });
        changes.push(Change { path: path.clone(), before: found, after });
    }
    session.working_tree()?.apply(&changes)?;
    Ok(changes.into_iter().next().map(|change| change.path))
}

/// Notes the new files, which are there already, as created by an operation.
/// Nothing of the user's was changed, so that it is early enough now.
fn record(
    session: &Session,
    component: &Component,
    request: &CreateRequest,
    (before, after): (&History, &History),
    access: &mut WriteAccess,
) -> Result<Option<OperationId>, OpsError> {
    let working_tree = session.working_tree()?;
    let scripts = after.scripts.iter().map(|script| &script.file.path);
    let mut paths: Vec<&RepoPath> =
        scripts.chain(after.problems.iter().map(|problem| &problem.path)).collect();
    paths.retain(|path| !was_there(before, path));
    paths.sort();
    paths.dedup();
    let mut changes = Vec::new();
    for path in paths {
        if let Some(image) = working_tree.image(path)? {
            changes.push(Change { path: path.clone(), before: None, after: Some(image) });
        }
    }
    if changes.is_empty() {
        return Ok(None);
    }
    if let Some(path) = component.lock_file.as_ref().filter(|path| !working_tree.is_symlink(path)) {
        let heads = after.graph.ids(after.graph.heads());
        changes.extend(lock_change(path, &heads, working_tree.image(path)?));
    }
    let summary = format!("create \"{}\"", request.message);
    Ok(Some(access.run(working_tree, OperationKind::Create, &summary, &changes)?))
}

fn was_there(before: &History, path: &RepoPath) -> bool {
    before.node_at(path).is_some() || before.problems.iter().any(|p| p.path == *path)
}

/// What keeps a new file from being a revision: a message is put between the
/// docstring's quotes as it is (ALEMBIC.md 1.8).
fn new_problem<'a>(before: &History, after: &'a History) -> Option<&'a ScriptProblem> {
    after.problems.iter().find(|problem| problem.is_grave() && !was_there(before, &problem.path))
}

fn new_script(history: &History, node: usize, review: &[Finding]) -> NewRevisionFile {
    let graph = &history.graph;
    let revision = graph.revision(node);
    let file = &history.script(node).file;
    let upgrade = function_body(&file.bytes, "upgrade").unwrap_or_default();
    let footprint = read_footprint(&file.bytes).unwrap_or_default();
    let below = |id: &RevisionId| {
        let message = graph.node(id.as_str()).map(|n| graph.revision(n).message.clone());
        (id.clone(), message.unwrap_or_default())
    };
    NewRevisionFile {
        path: file.path.clone(),
        revision: revision.id.clone(),
        message: revision.message.clone(),
        down_revisions: revision.down_revisions.iter().map(below).collect(),
        depends_on: revision.depends_on.clone(),
        branch_labels: revision.branch_labels.clone(),
        is_empty: footprint.upgrade.is_empty && footprint.downgrade.is_empty,
        review: review.iter().filter(|f| f.revisions.contains(&revision.id)).cloned().collect(),
        destructive: footprint.upgrade.destructive,
        upgrade,
    }
}
