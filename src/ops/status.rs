//! `status`: each component's database, held against the checked-out files.

use std::thread;

use super::OpsError;
use super::database_target::{Asking, DatabaseTarget, Road, database_target};
pub use super::host::Host;
use super::look::{Known, Look, Moment, Reached, is_diverged, look_knowing, seen_by_alembic};
use super::session::{Session, Source};
use super::target::command;
use super::whereabouts::locate;
use crate::alembic::AlembicError;
use crate::check::Whereabouts;
use crate::database::{DatabaseError, DatabaseUrl, Limits, VersionTable, observe_all};
use crate::journal::Journal;
use crate::plan::{DatabaseState, DatabaseView, Observation};
use crate::project::Component;
use crate::revision::{Node, RevisionId};
use crate::script::History;

/// One component's database.
#[derive(Clone, Debug)]
pub struct ComponentStatus {
    pub name: String,
    pub state: DatabaseState,
    /// Version rows, each with its message where the files have it.
    pub current: Vec<(String, String)>,
    pub heads: Vec<(RevisionId, String)>,
    pub pending: Vec<(RevisionId, String)>,
    pub skipped: Vec<(RevisionId, String)>,
    pub unknown: Vec<(RevisionId, String)>,
    pub foreign: Vec<String>,
    /// The URL as it may be shown.
    pub database: Option<String>,
    pub error: Option<String>,
    /// The command that helps; empty when nothing has to be done.
    pub recommended: String,
    /// What the project itself says to do.
    pub hint: Option<String>,
}

/// Looks at every selected component's database; at all of them at once.
pub fn status(session: &Session, host: &Host) -> Result<Vec<ComponentStatus>, OpsError> {
    let components = session.components()?;
    // What cannot be remembered is still worth being said.
    let mut journal = match session.repository.is_bare() {
        true => None,
        false => Journal::open(session.repository.common_dir()).ok(),
    };
    let targets: Vec<Result<DatabaseTarget, OpsError>> = components
        .iter()
        .map(|component| database_target(session, component, host, journal.as_mut(), Asking::Once))
        .collect();
    // The servers' time is long enough to read everything else.
    let (observed, known) = while_asking(&targets, &Limits::default(), || {
        let read = |(component, target): (&&Component, &Result<DatabaseTarget, OpsError>)| {
            let target = target.as_ref().ok()?;
            Some(Known::read(session, component, target, journal.as_mut()))
        };
        components.iter().zip(&targets).map(read).collect::<Vec<_>>()
    });
    components
        .into_iter()
        .zip(targets.into_iter().zip(observed.into_iter().zip(known)))
        .map(|(component, (target, (observed, known)))| {
            let looked = match (target, observed) {
                (Ok(target), Some(Ok(observation))) => {
                    let journal = journal.as_mut();
                    let reached = Reached { target, observation };
                    let at = Moment::AnyTime;
                    known.expect("read for each target").and_then(|known| {
                        look_knowing(session, component, reached, known, at, journal)
                    })
                }
                (Ok(target), Some(Err(error))) => {
                    return unreachable(session, component, Some(target.shown), &error);
                }
                (Ok(_), None) => Err(DatabaseError::Unknown.into()),
                (Err(error), _) => Err(error),
            };
            match looked {
                Ok(looked) => describe(session, component, host, &looked),
                Err(error) if is_of_the_database(&error) => {
                    unreachable(session, component, None, &error)
                }
                Err(error) => Err(error),
            }
        })
        .collect()
}

/// Asks all databases that can be reached directly, at once, and does `meanwhile`
/// while they answer.
fn while_asking<T>(
    targets: &[Result<DatabaseTarget, OpsError>],
    limits: &Limits,
    meanwhile: impl FnOnce() -> T,
) -> (Vec<Option<Result<Observation, OpsError>>>, T) {
    let direct: Vec<(DatabaseUrl, VersionTable)> = targets
        .iter()
        .flatten()
        .filter_map(|target| target.direct())
        .map(|(url, table)| (url.clone(), table.clone()))
        .collect();
    let (answers, done) = thread::scope(|scope| {
        let asking = thread::Builder::new().spawn_scoped(scope, || observe_all(&direct, limits));
        let done = meanwhile();
        let answers = match asking.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(answers)) => answers,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            // No thread to be had: one after the other, then.
            Err(_) => observe_all(&direct, limits),
        };
        (answers, done)
    });
    let mut answers = answers.into_iter();
    let observed = targets.iter().map(|target| match target {
        Ok(target) => match &target.road {
            Road::Direct { .. } => answers.next().map(|answer| answer.map_err(OpsError::from)),
            Road::Alembic { current, .. } => Some(Ok(seen_by_alembic(current))),
        },
        Err(_) => None,
    });
    (observed.collect(), done)
}

/// Whether it is the database, or the way to it, that fails: then there is
/// still something to say about the other components.
fn is_of_the_database(error: &OpsError) -> bool {
    matches!(
        error,
        OpsError::Database(_)
            | OpsError::Alembic(_)
            | OpsError::SeveralDatabases { .. }
            | OpsError::TwoVersionTables { .. }
    )
}

fn named(history: &History, nodes: &[Node]) -> Vec<(RevisionId, String)> {
    nodes
        .iter()
        .map(|&node| (history.id(node).clone(), history.graph.revision(node).message.clone()))
        .collect()
}

fn unreachable(
    session: &Session,
    component: &Component,
    database: Option<String>,
    error: &OpsError,
) -> Result<ComponentStatus, OpsError> {
    let history = session.history(component, &Source::WorkingTree)?;
    let is_unknown = matches!(error, OpsError::Database(DatabaseError::Unknown));
    let recommended = match &component.hint_unreachable {
        Some(hint) => hint.clone(),
        None if is_unknown => "dbm-git status --database-url URL".to_owned(),
        None => String::new(),
    };
    Ok(ComponentStatus {
        name: component.name.clone(),
        state: DatabaseState::Unreachable,
        current: Vec::new(),
        heads: named(&history, &history.graph.heads()),
        pending: Vec::new(),
        skipped: Vec::new(),
        unknown: Vec::new(),
        foreign: Vec::new(),
        database,
        error: Some(briefly(error)),
        recommended,
        hint: component.hint_unreachable.clone(),
    })
}

/// What failed, in a line: which of alembic's commands it was is not of interest.
fn briefly(error: &OpsError) -> String {
    match error {
        OpsError::Alembic(alembic @ AlembicError::Failed { .. }) => {
            format!("alembic current failed{}", alembic.brief())
        }
        _ => super::with_causes(error),
    }
}

fn describe(
    session: &Session,
    component: &Component,
    host: &Host,
    looked: &Look,
) -> Result<ComponentStatus, OpsError> {
    let Look { history, view, .. } = looked;
    let current = view
        .current
        .iter()
        .map(|row| {
            let node = history.graph.node(row);
            let message = node.map(|n| history.graph.revision(n).message.clone());
            (row.clone(), message.unwrap_or_default())
        })
        .collect();
    let mut error = explain(history, view, component);
    if let Some(id) = view.foreign.first().and_then(|id| RevisionId::new(id.as_str()).ok())
        && view.state == DatabaseState::Foreign
        && let Some(place) = locate(session, component, &id)?
    {
        error = error.map(|error| format!("{error}; {}", said_of(&place)));
    }
    Ok(ComponentStatus {
        name: component.name.clone(),
        state: view.state,
        current,
        heads: named(history, &history.graph.heads()),
        pending: named(history, &view.pending),
        skipped: named(history, &view.skipped),
        unknown: named(history, &view.unknown),
        foreign: view.foreign.clone(),
        database: Some(looked.target.shown.clone()),
        error,
        recommended: recommended(session, component, host, looked),
        hint: None,
    })
}

/// Where a foreign revision is, in words.
fn said_of(place: &Whereabouts) -> String {
    match place {
        Whereabouts::Branch { name, .. } => format!("the branch `{name}` has it"),
        Whereabouts::Commit { id, path } => format!("commit {id} still has it (`{path}`)"),
        Whereabouts::WorkingTree { path } => format!("`{path}` has it"),
    }
}

fn explain(history: &History, view: &DatabaseView, component: &Component) -> Option<String> {
    let ids = |nodes: &[Node]| crate::plan::list(&history.graph.ids(nodes.iter().copied()));
    match view.state {
        DatabaseState::Foreign => Some(format!(
            "the database has run {}, which the checked-out files don't have",
            crate::plan::list(&view.foreign)
        )),
        DatabaseState::Skipped => Some(format!(
            "{} lies below what the database has run, and never ran there: alembic would skip it without a word",
            ids(&view.skipped)
        )),
        DatabaseState::Unknown => Some(format!(
            "nobody knows whether {} ran there: the database was changed in a way that its version rows don't show",
            ids(&view.unknown)
        )),
        DatabaseState::Overlapping => Some(match view.overlapping.first() {
            Some((low, high)) => {
                format!("the database names `{low}` beside `{high}`, which stands above it")
            }
            None => "the version rows are not those of what has run".to_owned(),
        }),
        DatabaseState::Broken => Some("the migration files have errors".to_owned()),
        DatabaseState::Diverged if is_diverged(component, history) => {
            let heads = history.graph.ids(history.graph.heads());
            Some(format!("the files have diverged heads: {}", crate::plan::list(&heads)))
        }
        _ => None,
    }
}

/// The command that helps; with the component, where there are several.
fn recommended(session: &Session, component: &Component, host: &Host, looked: &Look) -> String {
    let only = match session.project.components.len() {
        1 => String::new(),
        _ => format!(" --component {}", component.name),
    };
    let url = if host.database_url.is_some() { " --database-url URL" } else { "" };
    match looked.view.state {
        DatabaseState::UpToDate | DatabaseState::Unreachable => String::new(),
        DatabaseState::Broken => "dbm-git check".to_owned(),
        DatabaseState::Diverged => format!("dbm-git rebase --apply{only}{url}"),
        DatabaseState::Unknown => format!("dbm-git sync --assume applied|skipped{only}{url}"),
        DatabaseState::Foreign | DatabaseState::Skipped | DatabaseState::Overlapping => {
            format!("dbm-git sync{only}{url}")
        }
        DatabaseState::Behind | DatabaseState::NoRevision => {
            match command(session, component, host) {
                Some(_) => format!("dbm-git migrate{only}{url}"),
                None => format!("alembic{} upgrade heads", config_flags(component)),
            }
        }
    }
}

fn config_flags(component: &Component) -> String {
    component.config.as_ref().map_or(String::new(), |config| {
        let mut flags = format!(" -c {}", config.path.file_name());
        if config.section != "alembic" {
            flags += &format!(" -n {}", config.section);
        }
        flags
    })
}
