//! A plan tried out on a copy of the database, with all that is in it: what runs
//! there, and does not make of its schema what no new database has, may run on the
//! real one.

use super::OpsError;
use super::beyond::refuse_beyond;
use super::database_target::{DatabaseTarget, Road};
use super::host::Host;
use super::look::{Look, expect_rows};
use super::running::described;
use super::session::Session;
use super::step_runner::StepRunner;
use super::sync::recorded;
use crate::alembic::AlembicError;
pub use crate::database::CopyWay;
use crate::database::{
    DatabaseUrl, Dialect, Limits, ScratchDatabase, VersionTable, database_size,
    drop_stray_databases, schema_objects,
};
use crate::journal::Journal;
use crate::plan::{
    BodyHash, CHEAP_BYTES, DatabaseView, PlannedStep, SchemaVerdict, Snapshot, SyncPlan,
    SyncRefusal, SyncStep, Trying, Wanted, judge_schema,
};
use crate::project::Component;
use crate::revision::{Node, RevisionId};
use crate::script::{History, SchemaObjects};

/// How a trial went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trial {
    Made {
        way: CopyWay,
        verdict: Verdict,
    },
    /// Why there was none, although one was in order.
    NotMade(String),
}

/// What a trial has shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It ran; what differs from a new database, and did so before.
    Passed { drift: Option<String> },
    /// One step did not run, or left other version rows than it should.
    StepFailed { step: String, revisions: Vec<RevisionId>, error: String },
    /// It ran, and left what no new database has.
    Otherwise(String),
}

impl Trial {
    /// Whether the plan ran, and came out right.
    pub fn is_passed(&self) -> bool {
        matches!(self, Self::Made { verdict: Verdict::Passed { .. }, .. })
    }

    /// Why the plan is not to be carried out.
    pub fn refusal(&self) -> Option<SyncRefusal> {
        match self {
            Self::Made { verdict: Verdict::StepFailed { step, revisions, error }, .. } => {
                Some(SyncRefusal::TrialFailed {
                    step: step.clone(),
                    revisions: revisions.clone(),
                    error: error.clone(),
                })
            }
            Self::Made { verdict: Verdict::Otherwise(what), .. } => {
                Some(SyncRefusal::ComesOutOtherwise { what: what.clone() })
            }
            Self::Made { verdict: Verdict::Passed { .. }, .. } | Self::NotMade(_) => None,
        }
    }
}

/// A component's database, and the files that it is to be brought to.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    pub session: &'a Session,
    pub component: &'a Component,
    pub host: &'a Host,
    pub look: &'a Look,
    pub history: &'a History,
    pub snapshot: &'a Snapshot,
    pub view: &'a DatabaseView,
}

/// Tries a plan out, as far as that is wanted.
///
/// # Errors
/// Somebody insists on a trial, and there can be none.
pub fn try_out(
    ground: &Ground<'_>,
    trying: Trying,
    plan: &SyncPlan,
    journal: &mut Journal,
) -> Result<Option<Trial>, OpsError> {
    let wanted = trying.wants(plan);
    if wanted == Wanted::No {
        return Ok(None);
    }
    match ground.try_out(plan, wanted, journal) {
        Err(OpsError::NoTrial { reason, .. }) if trying != Trying::Always => {
            Ok(Some(Trial::NotMade(reason)))
        }
        Err(error) if trying != Trying::Always => {
            Ok(Some(Trial::NotMade(super::with_causes(&error))))
        }
        trial => trial.map(Some),
    }
}

impl<'a> Ground<'a> {
    fn try_out(
        &self,
        plan: &SyncPlan,
        wanted: Wanted,
        journal: &mut Journal,
    ) -> Result<Trial, OpsError> {
        let (url, table) = self.reached()?;
        let size = database_size(url)?;
        if wanted == Wanted::IfCheap && size > CHEAP_BYTES {
            let (size, limit) = (size >> 20, CHEAP_BYTES >> 20);
            let reason = format!(
                "it would take {size} MiB, and unasked it is {limit} at most; --verify asks for it"
            );
            return Err(self.no_trial(&reason));
        }
        self.refuse_beyond(url.dialect(), plan, journal)?;
        // What nobody uses is in nobody's way, should it not go.
        let _ = drop_stray_databases(url);
        let parent = self.session.repository.common_dir().join("dbm-git").join("scratch");
        let (database, way) = ScratchDatabase::copy(url, &parent, &self.host.path)?;
        let copy = OnCopy::new(self, &database, table)?;
        copy.refuse_elsewhere(&self.look.observation.rows)?;
        let before = copy.schema()?;
        for planned in &plan.steps {
            if let Err(error) = copy.run(planned, journal) {
                let step = recorded(self.component, self.look, self.snapshot, planned);
                let verdict = Verdict::StepFailed {
                    step: described(&step),
                    revisions: planned.step.revisions(),
                    error: told(&error),
                };
                return Ok(Trial::Made { way, verdict });
            }
        }
        let verdict = self.compared(plan, &before, &copy.schema()?, url, table)?;
        Ok(Trial::Made { way, verdict })
    }

    fn no_trial(&self, reason: &str) -> OpsError {
        let database = self.look.target.shown.clone();
        OpsError::NoTrial { database, reason: reason.to_owned() }
    }

    /// Copies are made of what is here, and only of that.
    fn reached(&self) -> Result<(&'a DatabaseUrl, &'a VersionTable), OpsError> {
        let target = &self.look.target;
        let direct =
            target.direct().ok_or_else(|| self.no_trial("it is reached through alembic alone"))?;
        match target.is_local {
            true => Ok(direct),
            false => Err(self.no_trial("it is not on this machine")),
        }
    }

    fn refuse_beyond(
        &self,
        dialect: Dialect,
        plan: &SyncPlan,
        journal: &mut Journal,
    ) -> Result<(), OpsError> {
        for planned in &plan.steps {
            for entry in recorded(self.component, self.look, self.snapshot, planned).entries {
                if let Some(bytes) = self.script(&entry.body, journal)? {
                    refuse_beyond(dialect, &entry.path, &bytes)?;
                }
            }
        }
        Ok(())
    }

    /// The text of a script: of the files as they are to be, or one that has run.
    fn script(&self, body: &BodyHash, journal: &mut Journal) -> Result<Option<Vec<u8>>, OpsError> {
        let at = self.snapshot.scripts.iter().position(|seen| &seen.body == body);
        match at.and_then(|at| self.history.scripts.get(at)) {
            Some(script) => Ok(Some(script.file.bytes.to_vec())),
            None => Ok(journal.script(body)?),
        }
    }

    /// What the copy's schema says, beside a database that is made anew.
    fn compared(
        &self,
        plan: &SyncPlan,
        before: &SchemaObjects,
        after: &SchemaObjects,
        url: &DatabaseUrl,
        table: &VersionTable,
    ) -> Result<Verdict, OpsError> {
        let passed = Verdict::Passed { drift: None };
        let all = self.history.scripts.iter().map(|script| &script.file);
        if all.into_iter().any(|f| refuse_beyond(url.dialect(), &f.path, &f.bytes).is_err()) {
            return Ok(passed);
        }
        let parent = self.session.repository.common_dir().join("dbm-git").join("scratch");
        let database = ScratchDatabase::create(url, &parent)?;
        let new = OnCopy::new(self, &database, table)?;
        new.refuse_elsewhere(&[])?;
        if new.upgrade_all().is_err() {
            // A history that does not run from nothing has nothing to compare with.
            return Ok(passed);
        }
        Ok(match judge_schema(plan, before, after, &new.schema()?) {
            SchemaVerdict::Same => passed,
            SchemaVerdict::Drifted(what) => Verdict::Passed { drift: Some(what) },
            SchemaVerdict::Otherwise(what) => Verdict::Otherwise(what),
        })
    }
}

/// A scratch database, and alembic pointed at it.
struct OnCopy<'a> {
    ground: &'a Ground<'a>,
    url: &'a DatabaseUrl,
    table: &'a VersionTable,
    target: DatabaseTarget,
    runner: StepRunner,
}

impl<'a> OnCopy<'a> {
    fn new(
        ground: &'a Ground<'a>,
        database: &'a ScratchDatabase,
        table: &'a VersionTable,
    ) -> Result<Self, OpsError> {
        let url = database.url();
        let runner = StepRunner::new(ground.session, ground.component, ground.host)?
            .against(database.text().reveal(), ground.component.database_url_env.as_deref())
            .keeping(url.secrets());
        let target = DatabaseTarget {
            shown: url.shown().to_owned(),
            identity: url.identity(table),
            is_local: true,
            road: Road::Direct { url: Box::new(url.clone()), table: table.clone() },
        };
        Ok(Self { ground, url, table, target, runner })
    }

    /// Makes sure that alembic is really there, and not where `env.py` has it by itself.
    fn refuse_elsewhere(&self, rows: &[String]) -> Result<(), OpsError> {
        if !self.runner.is_at(self.url, self.table, rows)? {
            let reason = "env.py makes its URL by itself, and alembic would not go to a copy";
            return Err(self.ground.no_trial(reason));
        }
        expect_rows(&self.target, rows)
    }

    fn run(&self, planned: &PlannedStep, journal: &mut Journal) -> Result<(), OpsError> {
        match &planned.step {
            SyncStep::Upgrade { .. } => self.upgrade_all()?,
            _ => {
                let Ground { component, look, snapshot, .. } = self.ground;
                let step = recorded(component, look, snapshot, planned);
                let mut script = |body: &BodyHash| self.ground.script(body, journal);
                self.runner.run(&self.target, &step, &mut script, &mut |_| {})?;
            }
        }
        expect_rows(&self.target, &planned.rows_after)
    }

    fn upgrade_all(&self) -> Result<(), OpsError> {
        let history = self.ground.history;
        let all: Vec<Node> = (0..history.graph.len()).collect();
        self.runner.upgrade_all(&history.in_one_folder(&all), &mut |_| {})
    }

    fn schema(&self) -> Result<SchemaObjects, OpsError> {
        let mut schema = schema_objects(self.url, &Limits::default())?;
        if self.url.dialect() == Dialect::MySql {
            // Qualified names are those of other databases.
            schema.tables.retain(|table, _| !table.contains('.'));
            schema.indexes.retain(|index| !index.contains('.'));
        }
        Ok(schema)
    }
}

/// What a failing step says; the command names a scratch folder, which is gone.
fn told(error: &OpsError) -> String {
    match error {
        OpsError::Alembic(alembic @ AlembicError::Failed { .. }) => {
            format!("alembic failed{}", alembic.brief())
        }
        error => super::with_causes(error),
    }
}
