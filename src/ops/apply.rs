//! `--apply`, on SQLite: a database that is up to date or plainly behind is
//! brought to the heads by the project's own alembic. In every other state
//! nothing is changed: Alembic would skip migrations without a word
//! (ALEMBIC.md 1.9, S1 and S2).

use std::collections::HashSet;

use super::rebase::RebaseOutcome;
use super::session::{Session, Source};
use super::status::{self, Host};
use super::write_access::WriteAccess;
use super::{OperationId, OpsError};
use crate::alembic::{self, AlembicCommand};
use crate::database::{DatabaseUrl, read_version_rows};
use crate::journal::DatabaseStep;
use crate::plan::{DatabaseState, RebasePlan, list, rows_at_heads};
use crate::project::Component;
use crate::revision::RevisionId;
use crate::script::History;

/// A database that may be brought to the heads once the files have changed.
#[derive(Clone, Debug)]
pub struct PreparedDatabase {
    component: String,
    url: DatabaseUrl,
    alembic: AlembicCommand,
    /// `-c alembic.ini -n section`.
    arguments: Vec<String>,
    rows: Vec<String>,
}

/// Why a database is left alone.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyRefusal {
    #[error(
        "{} ran in `{database}` already: once re-pointed, alembic would take what comes below for applied and skip it without a word",
        list(revisions)
    )]
    AlreadyApplied { revisions: Vec<RevisionId>, database: String },
    #[error("`{database}` names {}, which the files don't have", list(revisions))]
    Foreign { revisions: Vec<String>, database: String },
    #[error("`{database}` names `{low}` beside `{high}`, which stands above it")]
    Overlapping { low: RevisionId, high: RevisionId, database: String },
    #[error("the migration files have errors")]
    Broken,
    #[error("the component has no ini file that alembic could be run with")]
    NoConfig,
    #[error("no alembic was found for it")]
    NoAlembic,
    #[error(
        "alembic and dbm-git look at different databases: alembic says {}, `{database}` says {}",
        shown(alembic),
        shown(ours)
    )]
    TwoRoads { alembic: Vec<String>, ours: Vec<String>, database: String },
}

fn shown(rows: &[String]) -> String {
    if rows.is_empty() { "no revision".to_owned() } else { list(rows) }
}

/// What became of one database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    pub component: String,
    pub database: String,
    pub rows_before: Vec<String>,
    pub rows_after: Vec<String>,
    /// What ran, in order, each with its message.
    pub ran: Vec<(RevisionId, String)>,
}

/// Looks at every component's database before a file is changed, and refuses
/// where applying the plan could lose or skip anything.
pub fn prepare(
    session: &Session,
    planned: &RebaseOutcome,
    host: &Host,
) -> Result<Vec<PreparedDatabase>, OpsError> {
    let mut prepared = Vec::new();
    for component in session.components()? {
        let plan = planned.components.iter().find(|c| c.name == component.name);
        let Some(Ok(plan)) = plan.map(|c| &c.plan) else { continue };
        prepared.push(prepare_component(session, component, plan, host)?);
    }
    Ok(prepared)
}

/// What has run already of what the plan would rewrite: for who rebases without
/// `--apply`, where nothing stops them. A database that cannot be asked says nothing.
pub fn rewritten_but_applied(
    session: &Session,
    planned: &RebaseOutcome,
    host: &Host,
) -> Result<Vec<(String, ApplyRefusal)>, OpsError> {
    let mut found = Vec::new();
    for component in session.components()? {
        let plan = planned.components.iter().find(|c| c.name == component.name);
        let Some(Ok(plan)) = plan.map(|c| &c.plan) else { continue };
        if plan.is_empty() {
            continue;
        }
        let Ok(url) = status::database_url(session, component, host) else { continue };
        let Ok(rows) = read_version_rows(&url) else { continue };
        let history = session.history(component, &Source::WorkingTree)?;
        let refusal = objection(component, &history, plan, &rows, url.shown());
        if let Some(refusal @ ApplyRefusal::AlreadyApplied { .. }) = refusal {
            found.push((component.name.clone(), refusal));
        }
    }
    Ok(found)
}

fn prepare_component(
    session: &Session,
    component: &Component,
    plan: &RebasePlan,
    host: &Host,
) -> Result<PreparedDatabase, OpsError> {
    let refuse = |refusal: ApplyRefusal| OpsError::ApplyRefused {
        component: component.name.clone(),
        refusal,
    };
    let url = status::database_url(session, component, host)?;
    let rows = read_version_rows(&url)?;
    let history = session.history(component, &Source::WorkingTree)?;
    if let Some(refusal) = objection(component, &history, plan, &rows, url.shown()) {
        return Err(refuse(refusal));
    }
    let Some(arguments) = arguments(component) else { return Err(refuse(ApplyRefusal::NoConfig)) };
    let Some(alembic) = status::alembic(session, component, host) else {
        return Err(refuse(ApplyRefusal::NoAlembic));
    };
    let prepared =
        PreparedDatabase { component: component.name.clone(), url, alembic, arguments, rows };
    confirm(&prepared, &prepared.rows).map_err(|error| match error {
        Disagreement::Rows(refusal) => refuse(refusal),
        Disagreement::Failed(error) => error,
    })?;
    Ok(prepared)
}

/// Up to date, plainly behind, and diverged (which the plan mends) are fine,
/// as long as nothing that ran is rewritten.
fn objection(
    component: &Component,
    history: &History,
    plan: &RebasePlan,
    rows: &[String],
    database: &str,
) -> Option<ApplyRefusal> {
    let view = status::view(component, history, rows);
    let database = database.to_owned();
    match view.state {
        DatabaseState::Foreign => {
            return Some(ApplyRefusal::Foreign { revisions: view.foreign, database });
        }
        DatabaseState::Overlapping => {
            let (low, high) = view.overlapping.into_iter().next()?;
            return Some(ApplyRefusal::Overlapping { low, high, database });
        }
        DatabaseState::Broken if plan.is_empty() => return Some(ApplyRefusal::Broken),
        _ => {}
    }
    let rewritten: HashSet<&RevisionId> = plan
        .moved
        .iter()
        .map(|m| &m.revision)
        .chain(plan.renumbered.iter().flat_map(|r| [&r.from.0, &r.to.0]))
        .chain(plan.deleted.iter().map(|(id, _)| id))
        .collect();
    let applied: Vec<RevisionId> = (0..history.graph.len())
        .filter(|&node| view.applied[node])
        .map(|node| history.id(node).clone())
        .filter(|id| rewritten.contains(id))
        .collect();
    (!applied.is_empty()).then_some(ApplyRefusal::AlreadyApplied { revisions: applied, database })
}

/// How alembic is told which configuration is meant, from the folder it runs in.
fn arguments(component: &Component) -> Option<Vec<String>> {
    let config = component.config.as_ref()?;
    let depth = component.working_folder.parts().count();
    let inside = config.path.is_within(&component.working_folder);
    let path = if inside {
        config.path.parts().skip(depth).collect::<Vec<_>>().join("/")
    } else {
        format!("{}{}", "../".repeat(depth), config.path.as_str())
    };
    let mut arguments = vec!["-c".to_owned(), path];
    if config.section != "alembic" {
        arguments.extend(["-n".to_owned(), config.section.clone()]);
    }
    Some(arguments)
}

/// Why the two roads to the rows do not agree.
enum Disagreement {
    Rows(ApplyRefusal),
    Failed(OpsError),
}

/// Every write is confirmed on both roads: ours, and alembic's own.
fn confirm(database: &PreparedDatabase, ours: &[String]) -> Result<(), Disagreement> {
    let arguments: Vec<&str> = database.arguments.iter().map(String::as_str).collect();
    let theirs = alembic::current_rows(&database.alembic, &arguments, &[])
        .map_err(|error| Disagreement::Failed(error.into()))?;
    if theirs == ours {
        return Ok(());
    }
    Err(Disagreement::Rows(ApplyRefusal::TwoRoads {
        alembic: theirs,
        ours: ours.to_vec(),
        database: database.url.shown().to_owned(),
    }))
}

/// Runs `upgrade heads` where something is pending, reads the rows again and
/// compares. `operation` is the rewriting that this belongs to, for `undo`.
pub fn bring_up(
    session: &Session,
    database: &PreparedDatabase,
    operation: Option<OperationId>,
    access: &mut WriteAccess,
    line: &mut dyn FnMut(&str),
) -> Result<Applied, OpsError> {
    let component = component_of(session, &database.component)?;
    let history = session.history(component, &Source::WorkingTree)?;
    let view = status::view(component, &history, &database.rows);
    let expected = rows_at_heads(&history.graph);
    let pending = view.pending;
    let mut step = DatabaseStep {
        component: database.component.clone(),
        database: database.url.shown().to_owned(),
        rows_before: database.rows.clone(),
        rows_after: None,
    };
    if !pending.is_empty() {
        if let Some(id) = operation {
            access.journal().record_step(id, &step)?;
        }
        let mut arguments: Vec<&str> = database.arguments.iter().map(String::as_str).collect();
        arguments.extend(["upgrade", "heads"]);
        alembic::run(&database.alembic, &arguments, &[], line)?;
    }
    let rows = read_version_rows(&database.url)?;
    if rows != expected {
        return Err(OpsError::UnexpectedRows {
            database: step.database,
            expected: shown(&expected),
            found: shown(&rows),
        });
    }
    step.rows_after = Some(rows.clone());
    if let (Some(id), false) = (operation, pending.is_empty()) {
        access.journal().record_step(id, &step)?;
    }
    Ok(Applied {
        component: step.component,
        database: step.database,
        rows_before: step.rows_before,
        rows_after: rows,
        ran: pending
            .into_iter()
            .map(|n| (history.id(n).clone(), history.graph.revision(n).message.clone()))
            .collect(),
    })
}

/// Takes a recorded step back: down to the rows from before, through alembic,
/// with the files as the operation left them.
pub(super) fn take_down(
    session: &Session,
    step: &DatabaseStep,
    host: &Host,
    line: &mut dyn FnMut(&str),
) -> Result<(), OpsError> {
    let component = component_of(session, &step.component)?;
    let url = status::database_url(session, component, host)?;
    let rows = read_version_rows(&url)?;
    if rows == step.rows_before {
        return Ok(());
    }
    let expected = step.rows_after.clone().unwrap_or_else(|| rows.clone());
    if rows != expected || url.shown() != step.database {
        return Err(OpsError::DatabaseMoved {
            database: url.shown().to_owned(),
            expected: shown(&expected),
            found: shown(&rows),
        });
    }
    let refuse = |refusal| OpsError::ApplyRefused { component: component.name.clone(), refusal };
    let arguments = arguments(component).ok_or_else(|| refuse(ApplyRefusal::NoConfig))?;
    let alembic =
        status::alembic(session, component, host).ok_or_else(|| refuse(ApplyRefusal::NoAlembic))?;
    let before = match step.rows_before.as_slice() {
        [] => "the state before any revision".to_owned(),
        rows => list(rows),
    };
    line(&format!(
        "{}: going down to {before} in `{}`; what the migrations above it created is dropped, \
         and the data in it with it",
        step.component, step.database,
    ));
    let history = session.history(component, &Source::WorkingTree)?;
    let mut target = step.rows_before.first().map_or("base", String::as_str).to_owned();
    let mut rows = rows;
    loop {
        let mut words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        words.extend(["downgrade", &target]);
        alembic::run(&alembic, &words, &[], line)?;
        let found = read_version_rows(&url)?;
        if found == step.rows_before {
            return Ok(());
        }
        let next = next_target(&history, &found, &step.rows_before).filter(|_| found != rows);
        let Some(next) = next else {
            return Err(OpsError::UnexpectedRows {
                database: step.database.clone(),
                expected: shown(&step.rows_before),
                found: shown(&found),
            });
        };
        (target, rows) = (next, found);
    }
}

/// `m@a`: from the row `m` that was not there before, down to what it follows.
/// Going down from a merge point leaves rows for all that it merged.
fn next_target(history: &History, rows: &[String], before: &[String]) -> Option<String> {
    let graph = &history.graph;
    let applied_before =
        graph.ancestors_with_dependencies(before.iter().filter_map(|row| graph.node(row)));
    let node = rows.iter().filter_map(|row| graph.node(row)).find(|&node| !applied_before[node])?;
    let below = graph.down(node).first().map_or("base", |&down| history.id(down).as_str());
    Some(format!("{}@{below}", history.id(node)))
}

fn component_of<'a>(session: &'a Session, name: &str) -> Result<&'a Component, OpsError> {
    session.project.components.iter().find(|c| c.name == name).ok_or_else(|| {
        OpsError::UnknownComponent {
            name: name.to_owned(),
            known: session.project.components.iter().map(|c| c.name.clone()).collect(),
        }
    })
}
