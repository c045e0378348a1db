//! A plan tried out on a copy: what runs there, and ends with the schema that a
//! new database has, may run on the real one. SQLite only, where a copy is a file.

use std::collections::BTreeSet;
use std::path::Path;

use super::OpsError;
use super::database_target::{DatabaseTarget, Road};
use super::host::Host;
use super::look::{Look, read_rows};
use super::session::Session;
use super::step_runner::StepRunner;
use super::sync::{Trial, recorded};
use crate::database::{DatabaseUrl, Limits, ScratchFile, backup, schema_objects};
use crate::journal::Journal;
use crate::plan::{SyncPlan, SyncStep};
use crate::project::Component;
use crate::revision::Node;
use crate::script::SchemaObjects;

/// Runs the plan on a copy; `None` where no copy can be had.
pub fn try_out(
    session: &Session,
    component: &Component,
    host: &Host,
    look: &Look,
    plan: &SyncPlan,
    journal: &mut Journal,
) -> Result<Option<Trial>, OpsError> {
    let Some((url, _)) = look.target.direct().filter(|(url, _)| url.file().is_some()) else {
        return Ok(None);
    };
    let parent = session.repository.common_dir().join("dbm-git").join("scratch");
    let copy = ScratchFile::create(&parent)?;
    backup(url, copy.path(), &host.path)?;
    let on_copy = Copy::new(session, component, host, look, copy.path())?;
    if !on_copy.is_reached(look)? {
        // env.py makes its URL by itself, and would have run the plan for real.
        return Ok(None);
    }
    Ok(Some(match on_copy.run(component, look, plan, journal) {
        Ok(()) => match on_copy.difference(session, component, host, look, plan, &parent)? {
            None => Trial::Passed,
            Some(difference) => Trial::Failed(difference),
        },
        Err(error) => Trial::Failed(super::with_causes(&error)),
    }))
}

/// A copy of the database, and alembic pointed at it.
struct Copy {
    target: DatabaseTarget,
    runner: StepRunner,
    scripts: Vec<(String, Vec<u8>)>,
}

impl Copy {
    fn new(
        session: &Session,
        component: &Component,
        host: &Host,
        look: &Look,
        path: &Path,
    ) -> Result<Self, OpsError> {
        let text = DatabaseUrl::for_file(path);
        let url = DatabaseUrl::parse(&text, Path::new("/"))?;
        let table = look.target.direct().map(|(_, table)| table.clone()).unwrap_or_default();
        let target = DatabaseTarget {
            shown: url.shown().to_owned(),
            identity: url.identity(&table),
            is_local: true,
            road: Road::Direct { url: Box::new(url), table },
        };
        let runner = StepRunner::new(session, component, host)?
            .against(&text, component.database_url_env.as_deref());
        let all: Vec<Node> = (0..look.history.graph.len()).collect();
        let scripts = look.history.in_one_folder(&all);
        Ok(Self { target, runner, scripts })
    }

    /// Whether alembic is really at the copy.
    fn is_reached(&self, look: &Look) -> Result<bool, OpsError> {
        let Some((url, table)) = self.target.direct() else { return Ok(false) };
        self.runner.is_at(url, table, &look.observation.rows)
    }

    fn run(
        &self,
        component: &Component,
        look: &Look,
        plan: &SyncPlan,
        journal: &mut Journal,
    ) -> Result<(), OpsError> {
        for planned in &plan.steps {
            match &planned.step {
                SyncStep::Upgrade { .. } => {
                    self.runner.upgrade_all(&self.scripts, &mut |_| {})?;
                }
                _ => {
                    let step = recorded(component, look, planned);
                    let mut script = |body: &_| Ok(journal.script(body)?);
                    self.runner.run(&self.target, &step, &mut script, &mut |_| {})?;
                }
            }
            let now = read_rows(&self.target, &Limits::default())?;
            if now.rows != planned.rows_after {
                return Err(OpsError::UnexpectedRows {
                    database: self.target.shown.clone(),
                    expected: super::shown(&planned.rows_after),
                    found: super::shown(&now.rows),
                });
            }
        }
        Ok(())
    }

    /// In what the copy differs from a database that is made anew, in the
    /// tables that the plan is about.
    fn difference(
        &self,
        session: &Session,
        component: &Component,
        host: &Host,
        look: &Look,
        plan: &SyncPlan,
        parent: &Path,
    ) -> Result<Option<String>, OpsError> {
        let file = ScratchFile::create(parent)?;
        let fresh = Self::new(session, component, host, look, file.path())?;
        if fresh.runner.upgrade_all(&fresh.scripts, &mut |_| {}).is_err() {
            // A history that does not run from nothing has nothing to compare with.
            return Ok(None);
        }
        let (Some((copy, _)), Some((new, _))) = (self.target.direct(), fresh.target.direct())
        else {
            return Ok(None);
        };
        let limits = Limits::default();
        let (copy, new) = (schema_objects(copy, &limits)?, schema_objects(new, &limits)?);
        Ok(differs_in(&copy, &new, plan))
    }
}

/// The first table, column or index that only one of two schemas has.
fn differs_in(copy: &SchemaObjects, new: &SchemaObjects, plan: &SyncPlan) -> Option<String> {
    let names: BTreeSet<&String> = copy.tables.keys().chain(new.tables.keys()).collect();
    let table = names.into_iter().find(|name| {
        // A table of somebody's own is not the plan's business.
        let is_ours = new.tables.contains_key(*name);
        is_ours && copy.tables.get(*name) != new.tables.get(*name)
    });
    let words = |what: &str| {
        let met = plan.meetings.first().map(|(one, other)| format!(" (`{one}`, `{other}`)"));
        format!(
            "on a copy, {what} came out otherwise than in a new database{}",
            met.unwrap_or_default()
        )
    };
    if let Some(table) = table {
        return Some(words(&format!("the table `{table}`")));
    }
    let index = new.indexes.difference(&copy.indexes).next();
    index.map(|index| words(&format!("the index `{index}`")))
}
