//! `status`: each component's database, held against the checked-out files.

use std::path::PathBuf;

use super::OpsError;
use super::session::{Session, Source};
use super::whereabouts::locate;
use crate::alembic::{AlembicCommand, Surroundings, find_alembic};
use crate::check::{Judged, Level, Whereabouts, run_rules};
use crate::database::{DatabaseError, DatabaseUrl, read_version_rows};
use crate::plan::{DatabaseState, DatabaseView, judge_database};
use crate::project::Component;
use crate::revision::{Divergence, RevisionId, divergences};
use crate::script::History;

/// What of the process's environment an operation may know, read at the edge.
pub struct Host {
    pub variable: fn(&str) -> Option<String>,
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
    /// `--database-url`.
    pub database_url: Option<String>,
}

/// One component's database.
#[derive(Clone, Debug)]
pub struct ComponentStatus {
    pub name: String,
    pub state: DatabaseState,
    /// Version rows, each with its message where the files have it.
    pub current: Vec<(String, String)>,
    pub heads: Vec<(RevisionId, String)>,
    pub pending: Vec<(RevisionId, String)>,
    pub foreign: Vec<String>,
    /// The URL as it may be shown.
    pub database: Option<String>,
    pub error: Option<String>,
    /// The command that helps; empty when nothing has to be done.
    pub recommended: String,
}

/// Looks at every selected component's database.
pub fn status(session: &Session, host: &Host) -> Result<Vec<ComponentStatus>, OpsError> {
    session.components()?.into_iter().map(|component| look(session, component, host)).collect()
}

fn look(
    session: &Session,
    component: &Component,
    host: &Host,
) -> Result<ComponentStatus, OpsError> {
    let history = session.history(component, &Source::WorkingTree)?;
    let named = |ids: Vec<usize>| -> Vec<(RevisionId, String)> {
        ids.into_iter()
            .map(|n| (history.id(n).clone(), history.graph.revision(n).message.clone()))
            .collect()
    };
    let mut status = ComponentStatus {
        name: component.name.clone(),
        state: DatabaseState::Unreachable,
        current: Vec::new(),
        heads: named(history.graph.heads()),
        pending: Vec::new(),
        foreign: Vec::new(),
        database: None,
        error: None,
        recommended: String::new(),
    };
    let url = match database_url(session, component, host) {
        Ok(url) => url,
        Err(reason) => {
            status.error = Some(reason.to_string());
            status.recommended = "dbm-git status --database-url URL".to_owned();
            return Ok(status);
        }
    };
    status.database = Some(url.shown().to_owned());
    match read_version_rows(&url) {
        Err(error) => {
            status.error = Some(with_causes(&error));
            Ok(status)
        }
        Ok(rows) => {
            let view = view(component, &history, &rows);
            status.state = view.state;
            status.current = rows
                .iter()
                .map(|row| {
                    let node = history.graph.node(row);
                    let message = node.map(|n| history.graph.revision(n).message.clone());
                    (row.clone(), message.unwrap_or_default())
                })
                .collect();
            status.pending = named(view.pending.clone());
            status.error = explain(&history, &view);
            status.recommended = recommended(component, status.state);
            if let Some(place) = whereabouts(session, component, &view.foreign)? {
                let (words, command) = said_of(&place);
                status.error = status.error.map(|error| format!("{error}; {words}"));
                status.recommended = command;
            }
            status.foreign = view.foreign;
            Ok(status)
        }
    }
}

/// The rows in the light of the component's checked-out files.
pub(super) fn view(component: &Component, history: &History, rows: &[String]) -> DatabaseView {
    let judged =
        Judged { policy: component.heads, ..Judged::alone(history, &component.version_locations) };
    let diverged_codes = [crate::check::Code(1)];
    let is_broken = run_rules(&judged)
        .iter()
        .any(|f| f.level == Level::Error && !diverged_codes.contains(&f.code));
    judge_database(&history.graph, &diverged(component, history), is_broken, rows)
}

/// Where the first foreign revision is to be found.
fn whereabouts(
    session: &Session,
    component: &Component,
    foreign: &[String],
) -> Result<Option<Whereabouts>, OpsError> {
    match foreign.first().and_then(|id| RevisionId::new(id.as_str()).ok()) {
        Some(id) => locate(session, component, &id),
        None => Ok(None),
    }
}

/// The place in words, and the command that leads there.
fn said_of(place: &Whereabouts) -> (String, String) {
    match place {
        Whereabouts::Branch { name, .. } => {
            // A remote-tracking branch can only be looked at.
            let detach = if name.contains('/') { "--detach " } else { "" };
            (format!("the branch `{name}` has it"), format!("git switch {detach}{name}"))
        }
        Whereabouts::Commit { id, path } => {
            (format!("commit {id} still has it (`{path}`)"), format!("git show {id}:{path}"))
        }
        Whereabouts::WorkingTree { path } => {
            (format!("`{path}` has it"), format!("git add {path}"))
        }
    }
}

fn diverged(component: &Component, history: &History) -> Vec<Divergence> {
    divergences(&history.graph, |n| history.script(n).file.location, component.heads)
}

fn explain(history: &History, view: &DatabaseView) -> Option<String> {
    match view.state {
        DatabaseState::Foreign => Some(format!(
            "the database names {}, which the checked-out files don't have",
            crate::plan::list(&view.foreign)
        )),
        DatabaseState::Overlapping => view.overlapping.first().map(|(low, high)| {
            format!("the database names `{low}` beside `{high}`, which stands above it")
        }),
        DatabaseState::Broken => Some("the migration files have errors".to_owned()),
        DatabaseState::Diverged => {
            let heads = history.graph.ids(history.graph.heads());
            Some(format!("the files have diverged heads: {}", crate::plan::list(&heads)))
        }
        _ => None,
    }
}

fn recommended(component: &Component, state: DatabaseState) -> String {
    let config = component.config.as_ref().map_or(String::new(), |c| {
        let mut flags = format!(" -c {}", c.path.file_name());
        if c.section != "alembic" {
            flags += &format!(" -n {}", c.section);
        }
        flags
    });
    match state {
        DatabaseState::UpToDate | DatabaseState::Unreachable => String::new(),
        DatabaseState::Diverged => "dbm-git rebase --apply".to_owned(),
        DatabaseState::Behind | DatabaseState::NoRevision => {
            format!("alembic{config} upgrade heads")
        }
        DatabaseState::Broken => "dbm-git check".to_owned(),
        DatabaseState::Foreign => "git fetch".to_owned(),
        DatabaseState::Skipped | DatabaseState::Overlapping | DatabaseState::Unknown => {
            "dbm-git graph".to_owned()
        }
    }
}

/// The component's database URL: the command line, the component's variable,
/// the configuration, the ini.
pub(super) fn database_url(
    session: &Session,
    component: &Component,
    host: &Host,
) -> Result<DatabaseUrl, DatabaseError> {
    let text = host
        .database_url
        .clone()
        .or_else(|| component.database_url_env.as_deref().and_then(host.variable))
        .or_else(|| component.database_url.clone())
        .or_else(|| component.sqlalchemy_url.clone())
        .ok_or(DatabaseError::Unknown)?;
    DatabaseUrl::parse(&text, &folder(session, component))
}

/// Where the component's alembic runs.
pub(super) fn folder(session: &Session, component: &Component) -> PathBuf {
    session.repository.root().join(component.working_folder.as_str())
}

/// The component's alembic, if it can be found.
pub(super) fn alembic(
    session: &Session,
    component: &Component,
    host: &Host,
) -> Option<AlembicCommand> {
    let virtual_env = (host.variable)("VIRTUAL_ENV").map(PathBuf::from);
    let surroundings = Surroundings { virtual_env: virtual_env.as_deref(), path: &host.path };
    find_alembic(
        component.alembic_command.as_deref(),
        session.repository.root(),
        &folder(session, component),
        surroundings,
    )
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}
