//! `verify`: revisions go up, down and up again on a scratch database, and its
//! schema is looked at in between. The project's own database is not touched.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::OpsError;
use super::beyond::refuse_beyond;
use super::database_target::{Asking, DatabaseTarget, Road, database_target};
use super::host::Host;
use super::look::{expect_rows, read_rows};
use super::session::{Session, Source};
use super::standing::standings;
use super::step_runner::StepRunner;
use crate::alembic::AlembicError;
pub use crate::alembic::ModelComparison;
use crate::check::{Code, Judged, Level, run_rules};
use crate::database::{
    DatabaseUrl, Dialect, Limits, ScratchDatabase, VersionTable, describe_schema,
    drop_stray_databases,
};
use crate::journal::{DatabaseStep, Journal, StepKind, StepState};
use crate::plan::{
    BodyHash, Evidence, SchemaDescription, SchemaDifference, Snapshot, Standing, VerifyPlan,
    VerifyStep, plan_verification,
};
use crate::project::Component;
use crate::revision::{Node, RevisionId, RevisionRef, resolve};
use crate::script::{Destructive, History, read_footprint};
use crate::tree::RepoPath;

/// Which revisions are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyOptions {
    /// As they were typed; one's own if there are none.
    pub revisions: Vec<String>,
    /// All of them.
    pub from_empty: bool,
}

/// What is wrong with a revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum VerifyFault {
    UpgradeFails(String),
    /// It fails, or says that there is no way back.
    DowngradeFails(String),
    /// It leaves something else than there was before `upgrade`.
    NotReversed(Vec<SchemaDifference>),
    SecondUpgradeFails(String),
    /// The second `upgrade` leaves something else than the first.
    NotRepeated(Vec<SchemaDifference>),
}

/// One revision that was verified.
#[derive(Clone, Debug)]
pub struct VerifiedRevision {
    pub revision: RevisionId,
    pub message: String,
    pub path: RepoPath,
    pub fault: Option<VerifyFault>,
    /// What its `upgrade` takes away, and no `downgrade` can bring back.
    pub loses: Vec<Destructive>,
    /// How long all of it has taken.
    pub took: Duration,
}

/// What became of one component.
#[derive(Clone, Debug)]
pub struct ComponentVerification {
    pub name: String,
    /// The database that the scratch one is like, as it may be shown.
    pub database: String,
    pub verified: Vec<VerifiedRevision>,
    /// Why what lies below does not run from an empty database.
    pub ground_fails: Option<String>,
    /// What could not be verified, since something below it had failed.
    pub left: Vec<RevisionId>,
    /// Whether the models say what the migrations make; none where not all of those ran.
    pub models: Option<ModelComparison>,
}

impl ComponentVerification {
    /// Whether nothing is wrong.
    pub fn is_sound(&self) -> bool {
        self.ground_fails.is_none()
            && self.verified.iter().all(|v| v.fault.is_none())
            && !matches!(self.models, Some(ModelComparison::Drifted(_)))
    }
}

/// Who watches a verification, and by which clock.
pub struct Watch<'a> {
    /// The time since some moment.
    pub clock: &'a dyn Fn() -> Duration,
    /// Is told of each revision before it runs.
    pub progress: &'a mut dyn FnMut(&str),
}

/// Verifies the selected components.
///
/// # Errors
/// There is no alembic, no database of which the kind is known, or the revisions
/// are not there; a revision that fails is an answer.
pub fn verify(
    session: &Session,
    host: &Host,
    options: &VerifyOptions,
    watch: &mut Watch<'_>,
) -> Result<Vec<ComponentVerification>, OpsError> {
    let mut journal = Journal::open(session.repository.common_dir()).ok();
    let components = session.components()?;
    let mut named: Vec<&String> = options.revisions.iter().collect();
    let mut verifications = Vec::new();
    for component in components {
        let history = session.history(component, &Source::WorkingTree)?;
        refuse_broken(component, &history)?;
        let chosen = chosen(session, component, &history, options, &mut named)?;
        let target = database_target(session, component, host, journal.as_mut(), Asking::Once)?;
        let scratch = Scratch { session, component, host, history: &history, target: &target };
        verifications.push(scratch.verify(&chosen, Models::Compared, watch)?);
    }
    match named.first() {
        Some(name) => Err(OpsError::NoSuchRevision { revision: (*name).clone() }),
        None => Ok(verifications),
    }
}

/// Verifies `chosen` of a history, which need not be that of the files.
pub fn verify_history(
    session: &Session,
    component: &Component,
    host: &Host,
    history: &History,
    target: &DatabaseTarget,
    chosen: &[Node],
    watch: &mut Watch<'_>,
) -> Result<ComponentVerification, OpsError> {
    Scratch { session, component, host, history, target }.verify(chosen, Models::LeftAlone, watch)
}

/// What is done about the models once all migrations have run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Models {
    Compared,
    LeftAlone,
}

fn refuse_broken(component: &Component, history: &History) -> Result<(), OpsError> {
    let judged = Judged::alone(history, &component.version_locations);
    // Diverged heads can be verified: each by itself.
    let is_broken = run_rules(&judged).iter().any(|f| f.level == Level::Error && f.code != Code(1));
    if is_broken {
        return Err(OpsError::BrokenFiles { component: component.name.clone() });
    }
    Ok(())
}

/// The revisions that are meant; those found here are taken off `named`.
fn chosen(
    session: &Session,
    component: &Component,
    history: &History,
    options: &VerifyOptions,
    named: &mut Vec<&String>,
) -> Result<Vec<Node>, OpsError> {
    if options.from_empty {
        return Ok((0..history.graph.len()).collect());
    }
    if options.revisions.is_empty() {
        let standings = standings(session, component, history)?;
        let is_own = |node: &Node| standings.of[*node].standing != Standing::Landed;
        return Ok((0..history.graph.len()).filter(is_own).collect());
    }
    let found = |text: &String| resolve(&history.graph, &RevisionRef::new(text.as_str())).ok();
    named.retain(|text| found(text).is_none());
    Ok(options.revisions.iter().filter_map(found).collect())
}

/// What is needed to verify one component.
struct Scratch<'a> {
    session: &'a Session,
    component: &'a Component,
    host: &'a Host,
    history: &'a History,
    target: &'a DatabaseTarget,
}

impl Scratch<'_> {
    fn verify(
        &self,
        chosen: &[Node],
        models: Models,
        watch: &mut Watch<'_>,
    ) -> Result<ComponentVerification, OpsError> {
        let mut verification = ComponentVerification {
            name: self.component.name.clone(),
            database: self.target.shown.clone(),
            verified: Vec::new(),
            ground_fails: None,
            left: Vec::new(),
            models: None,
        };
        if let Some((url, _)) = self.target.direct().filter(|_| self.target.is_local) {
            // What nobody uses is in nobody's way, should it not go.
            let _ = drop_stray_databases(url);
        }
        if chosen.is_empty() {
            return Ok(verification);
        }
        let (url, table) = self
            .target
            .direct()
            .ok_or_else(|| OpsError::NoScratch { database: self.target.shown.clone() })?;
        self.target.refuse_remote(&Host { allow_remote: false, ..self.host.clone() })?;
        let plan = plan_verification(&self.history.graph, chosen);
        self.refuse_beyond(url.dialect(), &plan)?;
        let parent = self.session.repository.common_dir().join("dbm-git").join("scratch");
        let database = ScratchDatabase::create(url, &parent)?;
        let on = OnScratch::new(self, &database, table)?;
        if !plan.ground.is_empty() {
            (watch.progress)(&format!("{} revisions below", plan.ground.len()));
        }
        if let Err(error) = on.lay_ground(&plan.ground, &plan.rows) {
            verification.ground_fails = Some(told(error)?);
            verification.left = chosen.iter().map(|&n| self.history.id(n).clone()).collect();
            return Ok(verification);
        }
        let mut steps = plan.steps.iter();
        let mut is_up = true;
        for step in steps.by_ref() {
            (watch.progress)(self.history.id(step.node).as_str());
            let start = (watch.clock)();
            let (fault, stays_up) = on.run(step)?;
            is_up = stays_up;
            if step.is_verified || fault.is_some() {
                let took = (watch.clock)().saturating_sub(start);
                verification.verified.push(self.verified(step.node, fault, took));
            }
            if !is_up {
                break;
            }
        }
        if models == Models::Compared && is_up && plan.covers(&self.history.graph) {
            (watch.progress)("the models");
            verification.models = Some(on.compare_models()?);
        }
        let left = steps.filter(|step| step.is_verified);
        verification.left = left.map(|step| self.history.id(step.node).clone()).collect();
        Ok(verification)
    }

    /// Refuses what would change more than a database of its own: nothing takes that back.
    fn refuse_beyond(&self, dialect: Dialect, plan: &VerifyPlan) -> Result<(), OpsError> {
        let steps = plan.steps.iter().map(|step| &step.node);
        for &node in plan.ground.iter().chain(steps) {
            let file = &self.history.script(node).file;
            refuse_beyond(dialect, &file.path, &file.bytes)?;
        }
        Ok(())
    }

    fn verified(&self, node: Node, fault: Option<VerifyFault>, took: Duration) -> VerifiedRevision {
        let script = self.history.script(node);
        let footprint = read_footprint(&script.file.bytes).unwrap_or_default();
        VerifiedRevision {
            revision: self.history.id(node).clone(),
            message: self.history.graph.revision(node).message.clone(),
            path: script.file.path.clone(),
            fault,
            loses: footprint.upgrade.destructive,
            took,
        }
    }
}

/// A scratch database, and alembic pointed at it.
struct OnScratch<'a> {
    scratch: &'a Scratch<'a>,
    snapshot: Snapshot,
    texts: HashMap<BodyHash, Arc<Vec<u8>>>,
    url: &'a DatabaseUrl,
    table: &'a VersionTable,
    target: DatabaseTarget,
    runner: StepRunner,
}

impl<'a> OnScratch<'a> {
    fn new(
        scratch: &'a Scratch<'a>,
        database: &'a ScratchDatabase,
        table: &'a VersionTable,
    ) -> Result<Self, OpsError> {
        let (session, component) = (scratch.session, scratch.component);
        let url = database.url();
        let runner = StepRunner::new(session, component, scratch.host)?
            .against(database.text().reveal(), component.database_url_env.as_deref())
            .keeping(url.secrets());
        if !runner.is_at(url, table, &[])? {
            return Err(OpsError::OwnUrl { component: component.name.clone() });
        }
        let snapshot = Snapshot::of(scratch.history);
        let scripts = scratch.history.scripts.iter();
        let texts = snapshot
            .scripts
            .iter()
            .zip(scripts)
            .map(|(seen, script)| (seen.body.clone(), Arc::clone(&script.file.bytes)));
        let texts = texts.collect();
        let target = DatabaseTarget {
            road: Road::Direct { url: Box::new(url.clone()), table: table.clone() },
            shown: url.shown().to_owned(),
            identity: url.identity(table),
            is_local: true,
        };
        Ok(Self { scratch, snapshot, texts, url, table, target, runner })
    }

    /// Runs everything that nobody asked about, all at once.
    fn lay_ground(&self, ground: &[Node], rows: &[String]) -> Result<(), OpsError> {
        if ground.is_empty() {
            return Ok(());
        }
        self.runner.upgrade_all(&self.scratch.history.in_one_folder(ground), &mut |_| {})?;
        expect_rows(&self.target, rows)
    }

    /// Runs one revision; what is wrong with it, and whether it is up at the end, so
    /// that the next one can stand on it.
    fn run(&self, step: &VerifyStep) -> Result<(Option<VerifyFault>, bool), OpsError> {
        let before = self.schema()?;
        if let Err(error) = self.go(step, StepKind::Run) {
            return Ok((Some(VerifyFault::UpgradeFails(told(error)?)), false));
        }
        if !step.is_verified {
            return Ok((None, true));
        }
        let up = self.schema()?;
        if let Err(error) = self.go(step, StepKind::Downgrade) {
            let fault = VerifyFault::DowngradeFails(told(error)?);
            // A transaction may have taken back what was done of it.
            let rows = read_rows(&self.target, &Limits::default())?.rows;
            return Ok((Some(fault), rows == step.rows_after && self.schema()? == up));
        }
        let differences = before.differences(&self.schema()?);
        let reversed = (!differences.is_empty()).then_some(VerifyFault::NotReversed(differences));
        if let Err(error) = self.go(step, StepKind::Run) {
            // What is left lying is in the way of the second time.
            let second = VerifyFault::SecondUpgradeFails(told(error)?);
            return Ok((Some(reversed.unwrap_or(second)), false));
        }
        let differences = up.differences(&self.schema()?);
        let repeated = (!differences.is_empty()).then_some(VerifyFault::NotRepeated(differences));
        Ok((reversed.or(repeated), true))
    }

    fn go(&self, step: &VerifyStep, kind: StepKind) -> Result<(), OpsError> {
        let (mut before, mut after) = (step.rows_before.clone(), step.rows_after.clone());
        if kind == StepKind::Downgrade {
            std::mem::swap(&mut before, &mut after);
        }
        let step = DatabaseStep {
            component: self.scratch.component.name.clone(),
            database: self.target.shown.clone(),
            identity: self.target.identity.clone(),
            kind,
            target: None,
            entries: vec![self.snapshot.entry(step.node, Evidence::Ran)],
            rows_before: before,
            rows_after: after,
            state: StepState::Planned,
            content: None,
        };
        let mut text = |body: &BodyHash| Ok(self.texts.get(body).map(|bytes| bytes.to_vec()));
        self.runner.run(&self.target, &step, &mut text, &mut |_| {})?;
        expect_rows(&self.target, &step.rows_after)
    }

    fn compare_models(&self) -> Result<ModelComparison, OpsError> {
        let history = self.scratch.history;
        let all: Vec<Node> = (0..history.graph.len()).collect();
        Ok(self.runner.compare_models(&history.in_one_folder(&all))?)
    }

    fn schema(&self) -> Result<SchemaDescription, OpsError> {
        Ok(describe_schema(self.url, self.table, &Limits::default())?)
    }
}

/// What a failing migration says; other failures stay errors.
fn told(error: OpsError) -> Result<String, OpsError> {
    match error {
        // The command names a scratch folder, which is gone.
        OpsError::Alembic(alembic @ AlembicError::Failed { .. }) => {
            Ok(format!("alembic failed{}", alembic.brief()))
        }
        OpsError::Alembic(_) | OpsError::UnexpectedRows { .. } => Ok(super::with_causes(&error)),
        error => Err(error),
    }
}
