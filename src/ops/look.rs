//! A look at a database: its version rows are read, explained by the graphs
//! that alembic can have had since the last look, and judged by the files.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::OpsError;
use super::database_target::{Asking, DatabaseTarget, Road, database_target, shown_url};
use super::host::Host;
use super::past::{
    Past, long_known, state_with, states_of_head, states_of_others, states_of_worktrees,
    states_since,
};
use super::session::{Session, Source};
use crate::alembic::Current;
use crate::check::{Code, Judged, Level, run_rules};
use crate::database::{Limits, observe, schema_objects};
use crate::git::CommitId;
use crate::journal::{Journal, LedgerUpdate, Saved, StoredLedger, Worktree};
use crate::plan::{
    BodyHash, DatabaseView, Evidence, FilesState, Fingerprint, Ledger, LedgerEntry, Observation,
    Possibilities, Proof, Snapshot, judge_database, possibilities, prove,
};
use crate::project::Component;
use crate::revision::{Divergence, Node, divergences};
use crate::script::{Footprint, History, SchemaObjects, ScriptFile, read_footprint};
use crate::tree::RepoPath;

/// When a look is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Right after git has changed the files: alembic had those from before,
    /// of this commit and what was not committed.
    AfterChange { before: Option<CommitId> },
    /// Some time after the last look.
    AnyTime,
}

impl Moment {
    /// How long the database may take.
    pub fn limits(self) -> Limits {
        match self {
            Self::AfterChange { .. } => Limits::hook(),
            Self::AnyTime => Limits::default(),
        }
    }
}

/// What a look saw, and what follows from it.
#[derive(Debug)]
pub struct Look {
    pub target: DatabaseTarget,
    pub observation: Observation,
    /// The files as they are checked out.
    pub history: History,
    pub snapshot: Snapshot,
    pub ledger: Ledger,
    pub view: DatabaseView,
    /// The ledger as it is stored now.
    pub stored: StoredLedger,
}

/// What a first look compares at most: states of the files that tell the rows
/// otherwise are rare, and each costs a reading.
const FIRST_STATES: usize = 12;

/// A component's database with what was read of it.
#[derive(Clone, Debug)]
pub struct Reached {
    pub target: DatabaseTarget,
    pub observation: Observation,
}

impl Reached {
    /// Reads what was not already said while the target was looked for.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn new(target: DatabaseTarget, limits: &Limits) -> Result<Self, OpsError> {
        let observation = match &target.road {
            Road::Direct { url, table } => observe(url, table, limits)?,
            Road::Alembic { current, .. } => seen_by_alembic(current),
        };
        Ok(Self { target, observation })
    }
}

/// Alembic shows rows only.
pub fn seen_by_alembic(current: &Current) -> Observation {
    Observation { rows: current.rows.clone(), fingerprint: Fingerprint::default() }
}

/// Reaches the database that a component means, for whoever may change it.
///
/// # Errors
/// [`OpsError::RemoteDatabase`] where `host` does not allow another machine's.
pub fn reach(
    session: &Session,
    component: &Component,
    host: &Host,
    journal: &mut Journal,
) -> Result<Reached, OpsError> {
    let target = database_target(session, component, host, Some(journal), Asking::Once)?;
    target.refuse_remote(host)?;
    Reached::new(target, &Limits::default())
}

/// Reads the version rows again, on the target's road.
pub fn read_rows(target: &DatabaseTarget, limits: &Limits) -> Result<Observation, OpsError> {
    match &target.road {
        Road::Direct { url, table } => Ok(observe(url, table, limits)?),
        Road::Alembic { runner, current } => {
            let now = runner.seen_by_alembic(&current.rows)?;
            if now.url != current.url {
                return Err(OpsError::DatabaseMoved {
                    database: target.shown.clone(),
                    expected: format!("`{}`", shown_url(current)),
                    found: format!("`{}`", shown_url(&now)),
                });
            }
            Ok(seen_by_alembic(&now))
        }
    }
}

/// Makes sure that these are the version rows.
///
/// # Errors
/// Others are.
pub fn expect_rows(target: &DatabaseTarget, expected: &[String]) -> Result<(), OpsError> {
    let found = read_rows(target, &Limits::default())?.rows;
    if found == expected {
        return Ok(());
    }
    Err(OpsError::UnexpectedRows {
        database: target.shown.clone(),
        expected: super::shown(expected),
        found: super::shown(&found),
    })
}

/// What a look holds a database against: the files as they are checked out, and
/// what is known to have run there. None of it needs the database.
pub struct Known {
    history: History,
    snapshot: Snapshot,
    stored: StoredLedger,
}

impl Known {
    /// Reads the files, and the ledger of `target`, where there is a journal to be had.
    pub fn read(
        session: &Session,
        component: &Component,
        target: &DatabaseTarget,
        journal: Option<&mut Journal>,
    ) -> Result<Self, OpsError> {
        let history = session.history(component, &Source::WorkingTree)?;
        let snapshot = Snapshot::of(&history);
        let stored = match journal {
            Some(journal) => journal.ledger(&target.identity)?,
            None => StoredLedger::default(),
        };
        Ok(Self { history, snapshot, stored })
    }
}

/// Reads what is known, and looks.
pub fn look(
    session: &Session,
    component: &Component,
    reached: Reached,
    moment: Moment,
    mut journal: Option<&mut Journal>,
) -> Result<Look, OpsError> {
    let known = Known::read(session, component, &reached.target, journal.as_deref_mut())?;
    look_knowing(session, component, reached, known, moment, journal)
}

/// Explains and judges what was observed, and remembers it in the journal,
/// where there is one to be had.
pub fn look_knowing(
    session: &Session,
    component: &Component,
    reached: Reached,
    known: Known,
    moment: Moment,
    mut journal: Option<&mut Journal>,
) -> Result<Look, OpsError> {
    let Reached { target, observation } = reached;
    let Known { history, snapshot, stored } = known;
    let Explained { possibilities, mut texts } =
        Explanation { session, component, history: &history, snapshot: &snapshot, stored: &stored }
            .find(&observation, moment)?;
    let mut ledger = possibilities.ledger();
    let files = files_state(component, &history);
    let judge =
        |ledger: &Ledger| judge_database(&snapshot, files.state(), &observation.rows, ledger);
    let mut view = judge(&ledger);
    // Whoever stamps moves the rows as if they had run something.
    let moved = match stored.ledger.seen {
        Some(_) => Moved::between(&stored.ledger, &ledger),
        None => Moved::at_first(&ledger, long_known(session, component)?.as_ref()),
    };
    if let Some((url, _)) = target.direct()
        && (is_uncertain(&view, &ledger) || !moved.is_empty())
        // Who may not read the catalogue still has the rows.
        && let Ok(schema) = schema_objects(url, &moment.limits())
    {
        let scripts = Scripts { history: &history, snapshot: &snapshot, past: &texts };
        let asked = Asked { skipped: &view.skipped, moved: &moved };
        scripts.prove(&mut ledger, &possibilities, &asked, &schema, journal.as_deref_mut())?;
        view = judge(&ledger);
    }
    ledger.once_skipped.extend(view.skipped.iter().map(|&node| snapshot.id(node).clone()));
    let mut look = Look { target, observation, history, snapshot, ledger, view, stored };
    if let Some(journal) = journal {
        texts.retain(|(body, _)| look.ledger.entries.iter().any(|entry| entry.body == *body));
        look.remember(session, journal, &texts)?;
    }
    Ok(look)
}

impl Look {
    /// Writes the ledger down, with the files of this moment and the scripts
    /// that may have to be run when their files are gone.
    pub fn remember(
        &mut self,
        session: &Session,
        journal: &mut Journal,
        more: &[(BodyHash, Arc<Vec<u8>>)],
    ) -> Result<(), OpsError> {
        let worktree = worktree(session);
        let is_explained = self.ledger.seen.as_ref() == Some(&self.observation);
        let files = is_explained.then_some(&self.snapshot);
        let is_new = files.is_some_and(|f| self.stored.files.get(worktree.name()) != Some(f));
        let mut scripts = more.to_vec();
        if is_new {
            scripts.extend(texts(&self.history, &self.snapshot));
        }
        let head = session.repository.reflog_position()?;
        let update = LedgerUpdate {
            identity: &self.target.identity,
            database: &self.target.shown,
            worktree: &worktree,
            ledger: &self.ledger,
            files,
            head: &head,
            scripts: &scripts,
        };
        if journal.save_ledger(&self.stored, &update)? == Saved::Written {
            self.stored = journal.ledger(&self.target.identity)?;
        }
        Ok(())
    }

    /// Reads the rows again after a step whose effect the ledger has already.
    pub fn settle(
        &mut self,
        session: &Session,
        component: &Component,
        journal: &mut Journal,
        observation: Observation,
    ) -> Result<(), OpsError> {
        self.ledger.seen = Some(observation.clone());
        self.observation = observation;
        self.judge_again(component);
        self.remember(session, journal, &[])
    }

    /// Judges by the ledger as it is now.
    pub fn judge_again(&mut self, component: &Component) {
        let files = files_state(component, &self.history);
        self.view =
            judge_database(&self.snapshot, files.state(), &self.observation.rows, &self.ledger);
    }

    /// The footprints of all scripts that a plan may ask for.
    pub fn footprints(
        &self,
        journal: &mut Journal,
    ) -> Result<HashMap<BodyHash, Footprint>, OpsError> {
        let texts = texts(&self.history, &self.snapshot);
        let ran = self.ledger.entries.iter().map(|entry| &entry.body);
        let bodies = texts.iter().map(|(body, _)| body).chain(ran);
        footprints_of(bodies, &texts, Some(journal))
    }
}

/// This worktree, as the journal names it.
pub fn worktree(session: &Session) -> Worktree {
    Worktree::new(session.repository.common_dir(), session.repository.git_dir())
}

/// Every script's text by its body.
fn texts(history: &History, snapshot: &Snapshot) -> Vec<(BodyHash, Arc<Vec<u8>>)> {
    snapshot
        .scripts
        .iter()
        .zip(&history.scripts)
        .map(|(seen, script)| (seen.body.clone(), Arc::clone(&script.file.bytes)))
        .collect()
}

/// The footprints of scripts by their bodies, from `texts` and else the journal.
fn footprints_of<'a>(
    bodies: impl Iterator<Item = &'a BodyHash>,
    texts: &[(BodyHash, Arc<Vec<u8>>)],
    mut journal: Option<&mut Journal>,
) -> Result<HashMap<BodyHash, Footprint>, OpsError> {
    let texts: HashMap<&BodyHash, &Arc<Vec<u8>>> =
        texts.iter().map(|(body, bytes)| (body, bytes)).collect();
    let mut footprints = HashMap::new();
    for body in bodies {
        if footprints.contains_key(body) {
            continue;
        }
        let footprint = match (texts.get(body), journal.as_deref_mut()) {
            (Some(bytes), _) => read_footprint(bytes),
            (None, Some(journal)) => journal.script(body)?.and_then(|bytes| read_footprint(&bytes)),
            (None, None) => None,
        };
        footprints.extend(footprint.map(|footprint| (body.clone(), footprint)));
    }
    Ok(footprints)
}

/// What of the files a database is judged by.
struct OwnedFilesState {
    divergences: Vec<Divergence>,
    is_broken: bool,
}

impl OwnedFilesState {
    fn state(&self) -> FilesState<'_> {
        FilesState { divergences: &self.divergences, is_broken: self.is_broken }
    }
}

fn files_state(component: &Component, history: &History) -> OwnedFilesState {
    let judged =
        Judged { policy: component.heads, ..Judged::alone(history, &component.version_locations) };
    let is_broken = run_rules(&judged).iter().any(|f| f.level == Level::Error && f.code != Code(1));
    OwnedFilesState { divergences: divergences_in(component, history), is_broken }
}

fn divergences_in(component: &Component, history: &History) -> Vec<Divergence> {
    let location = |node: Node| history.script(node).file.location;
    divergences(&history.graph, location, component.heads)
}

/// The search for the graph that explains the rows.
struct Explanation<'a> {
    session: &'a Session,
    component: &'a Component,
    history: &'a History,
    snapshot: &'a Snapshot,
    stored: &'a StoredLedger,
}

/// States of the files that are not checked out now.
#[derive(Default)]
struct PastStates {
    /// What was checked out before git changed the files.
    before: Option<Past>,
    /// What else alembic may have had.
    others: Vec<Past>,
}

/// What may have run, and the texts of scripts in it that are not checked out.
struct Explained<'a> {
    possibilities: Possibilities<'a>,
    texts: Vec<(BodyHash, Arc<Vec<u8>>)>,
}

impl<'a> Explanation<'a> {
    fn find(&self, now: &'a Observation, moment: Moment) -> Result<Explained<'a>, OpsError> {
        let mut past = self.past(now, moment)?;
        let possibilities = self.explain(now, moment, &past);
        if !possibilities.is_empty() || now.rows.is_empty() {
            return Ok(self.explained(possibilities, past));
        }
        // Rows from a branch, or from a commit that is gone.
        let rows = match &self.stored.ledger.seen {
            Some(before) => [before.rows.as_slice(), now.rows.as_slice()].concat(),
            None => now.rows.clone(),
        };
        let found = match state_with(self.session, self.component, &rows)? {
            Some(found) => Some(found),
            None => state_with(self.session, self.component, &now.rows)?,
        };
        past.others.extend(found);
        let possibilities = self.explain(now, moment, &past);
        Ok(self.explained(possibilities, past))
    }

    /// States of the files that have to be read for this look.
    fn past(&self, now: &Observation, moment: Moment) -> Result<PastStates, OpsError> {
        let (session, component) = (self.session, self.component);
        let rows = match &self.stored.ledger.seen {
            None => now.rows.clone(),
            Some(before) if before.rows == now.rows => return Ok(PastStates::default()),
            Some(before) => [before.rows.as_slice(), now.rows.as_slice()].concat(),
        };
        if let Moment::AfterChange { before: Some(before) } = moment
            && let Some(before) = self.before_the_change(before, &rows)?
        {
            return Ok(PastStates { before: Some(before), others: Vec::new() });
        }
        let mut others = match self.stored.ledger.seen {
            // Without any earlier look it is older states that tell.
            None => states_of_head(session, component, &rows, FIRST_STATES)?,
            // Somebody may have switched to other files and back.
            Some(_) => {
                let position = self.stored.heads.get(worktree(session).name());
                let position = position.map_or("", String::as_str);
                states_since(session, component, &rows, position, self.history)?
            }
        };
        others.extend(states_of_worktrees(session, component, &rows)?);
        others.extend(states_of_others(session, component, &rows)?);
        Ok(PastStates { before: None, others })
    }

    /// The files as they were before git changed them: those of the commit that
    /// `HEAD` was at, with what is not committed, now as then.
    fn before_the_change(
        &self,
        before: CommitId,
        rows: &[String],
    ) -> Result<Option<Past>, OpsError> {
        let (session, component) = (self.session, self.component);
        let Some(head) = session.repository.head()? else { return Ok(None) };
        let committed = session.history(component, &Source::Commit(head))?;
        let before = session.history(component, &Source::Commit(before))?;
        let uncommitted = self.history.scripts.iter().filter(|script| {
            let same = committed.node_at(&script.file.path).map(|node| committed.script(node));
            same.is_none_or(|same| same.file.bytes != script.file.bytes)
        });
        let mut files: Vec<ScriptFile> = before.scripts.into_iter().map(|s| s.file).collect();
        for script in uncommitted {
            files.retain(|file| file.path != script.file.path);
            files.push(script.file.clone());
        }
        let past = Past::of_files(files);
        Ok(past.snapshot.knows(rows).then_some(past))
    }

    fn explain(
        &self,
        now: &'a Observation,
        moment: Moment,
        past: &PastStates,
    ) -> Possibilities<'a> {
        let own = worktree(self.session);
        let files = &self.stored.files;
        // Two files that claim one id: alembic had one of them, or the other.
        let current = self.snapshot.variants();
        // Somebody may have run alembic in another worktree.
        let elsewhere =
            files.iter().filter(|(name, _)| *name != own.name()).map(|(_, files)| files);
        let seen = files.get(own.name()).into_iter().chain(elsewhere);
        let others = past.others.iter().map(|past| &past.snapshot);
        let all: Vec<&Snapshot> = seen.clone().chain(&current).chain(others).collect();
        let before = past.before.iter().map(|past| &past.snapshot);
        let surest = match moment {
            Moment::AfterChange { .. } => seen.chain(before).collect(),
            Moment::AnyTime => Vec::new(),
        };
        possibilities(&self.stored.ledger, now, &[surest, all], self.snapshot)
    }

    fn explained(&self, possibilities: Possibilities<'a>, past: PastStates) -> Explained<'a> {
        let possible: HashSet<&BodyHash> = possibilities.entries().map(|e| &e.body).collect();
        let checked_out: HashSet<&BodyHash> =
            self.snapshot.scripts.iter().map(|script| &script.body).collect();
        let texts = past
            .before
            .iter()
            .chain(&past.others)
            .flat_map(|past| texts(&past.history, &past.snapshot))
            .filter(|(body, _)| !checked_out.contains(body))
            .filter(|(body, _)| possible.contains(body))
            .collect();
        Explained { possibilities, texts }
    }
}

/// What is believed to be skipped may have run from a file that arrives only now.
fn is_uncertain(view: &DatabaseView, ledger: &Ledger) -> bool {
    !view.unknown.is_empty()
        || !view.skipped.is_empty()
        || ledger.entries.iter().any(|entry| !entry.is_known())
}

/// The scripts that a schema is held against.
struct Scripts<'a> {
    history: &'a History,
    snapshot: &'a Snapshot,
    past: &'a [(BodyHash, Arc<Vec<u8>>)],
}

impl Scripts<'_> {
    /// Lets the schema decide about what is unknown, what is believed to be
    /// skipped, and what the moved rows say.
    fn prove(
        &self,
        ledger: &mut Ledger,
        possibilities: &Possibilities<'_>,
        asked: &Asked<'_>,
        schema: &SchemaObjects,
        journal: Option<&mut Journal>,
    ) -> Result<(), OpsError> {
        let skipped: Vec<LedgerEntry> = asked
            .skipped
            .iter()
            .map(|&node| self.snapshot.entry(node, Evidence::Inferred))
            .collect();
        // Whatever ran by the rows: what is asked about may be in the database, too.
        let perhaps: Vec<&LedgerEntry> = skipped.iter().chain(&asked.moved.gone).collect();
        let mut bodies = HashSet::new();
        let possible: Vec<LedgerEntry> = ledger
            .entries
            .iter()
            .chain(possibilities.entries())
            .chain(perhaps.iter().copied())
            .filter(|entry| bodies.insert(&entry.body))
            .cloned()
            .collect();
        let mut texts = texts(self.history, self.snapshot);
        texts.extend_from_slice(self.past);
        let bodies = possible.iter().map(|entry| &entry.body);
        let footprints = footprints_of(bodies, &texts, journal)?;
        let is_the_schema = shows_any(&ledger.entries, &footprints, schema);
        let decide = |entry: &LedgerEntry, ran: &[LedgerEntry]| -> Option<Proof> {
            let others: Vec<&Footprint> = ran
                .iter()
                .chain(perhaps.iter().copied())
                .filter(|other| other.body != entry.body)
                .filter_map(|other| footprints.get(&other.body))
                .collect();
            let proof = prove(footprints.get(&entry.body)?, &others, schema);
            // In another schema than the migrations' everything is missing.
            proof.filter(|&proof| proof == Proof::Ran || is_the_schema)
        };
        *ledger = possibilities.unrefuted(decide);
        let present = ledger.entries.clone();
        let is_asked = |entry: &LedgerEntry| {
            !entry.is_known() || asked.moved.new.iter().any(|new| new.is_same(entry))
        };
        let proofs: Vec<Option<Proof>> = ledger
            .entries
            .iter()
            .map(|entry| if is_asked(entry) { decide(entry, &present) } else { None })
            .collect();
        let ran: Vec<LedgerEntry> = skipped
            .iter()
            .chain(&asked.moved.gone)
            .filter(|entry| decide(entry, &present) == Some(Proof::Ran))
            .cloned()
            .collect();
        // Rows that are wrong about one of them are no evidence for the others.
        let are_rows_wrong = ledger
            .entries
            .iter()
            .zip(&proofs)
            .any(|(entry, proof)| entry.is_known() && *proof == Some(Proof::DidNotRun));
        let mut proofs = proofs.into_iter();
        ledger.entries.retain_mut(|entry| match proofs.next().flatten() {
            Some(Proof::Ran) => {
                entry.evidence = entry.evidence.min(Evidence::Inferred);
                true
            }
            Some(Proof::DidNotRun) => false,
            None => {
                let was_inferred = entry.evidence == Evidence::Inferred && !entry.is_empty;
                if are_rows_wrong && was_inferred && is_asked(entry) {
                    entry.evidence = Evidence::Unknown;
                }
                true
            }
        });
        ledger.add(&ran);
        Ok(())
    }
}

/// What the schema is asked about, beside what is unknown.
struct Asked<'a> {
    skipped: &'a [Node],
    moved: &'a Moved,
}

/// What an explanation has taken from a ledger, and added to it.
struct Moved {
    gone: Vec<LedgerEntry>,
    new: Vec<LedgerEntry>,
}

impl Moved {
    /// At a first look what has arrived lately is asked about: files may have
    /// been rewritten in ways that no commit tells of.
    fn at_first(ledger: &Ledger, long_known: Option<&HashSet<RepoPath>>) -> Self {
        let is_new =
            |entry: &&LedgerEntry| long_known.is_some_and(|known| !known.contains(&entry.path));
        Self { gone: Vec::new(), new: ledger.entries.iter().filter(is_new).cloned().collect() }
    }

    fn between(before: &Ledger, after: &Ledger) -> Self {
        let missing = |from: &Ledger, of: &Ledger| -> Vec<LedgerEntry> {
            let known: HashSet<_> =
                from.entries.iter().map(|entry| (&entry.revision, &entry.body)).collect();
            of.entries
                .iter()
                .filter(|entry| !known.contains(&(&entry.revision, &entry.body)))
                .cloned()
                .collect()
        };
        let is_anew = after.entries.is_empty();
        let gone = if is_anew { Vec::new() } else { missing(after, before) };
        Self { gone, new: missing(before, after) }
    }

    fn is_empty(&self) -> bool {
        self.gone.is_empty() && self.new.is_empty()
    }
}

/// Whether anything that is known to have run shows in this schema.
fn shows_any(
    entries: &[LedgerEntry],
    footprints: &HashMap<BodyHash, Footprint>,
    schema: &SchemaObjects,
) -> bool {
    entries
        .iter()
        .filter(|entry| entry.is_known())
        .filter_map(|entry| footprints.get(&entry.body))
        .flat_map(|footprint| &footprint.upgrade.creates)
        .any(|object| schema.contains(object))
}

/// Judges what a look saw by the files as they will be.
pub fn judge_files(
    component: &Component,
    look: &Look,
    history: &History,
    snapshot: &Snapshot,
) -> DatabaseView {
    let divergences = divergences_in(component, history);
    // A plan was checked already: its files have no errors.
    let files = FilesState { divergences: &divergences, is_broken: false };
    judge_database(snapshot, files, &look.observation.rows, &look.ledger)
}

/// Whether the heads of the files are diverged.
pub fn is_diverged(component: &Component, history: &History) -> bool {
    !divergences_in(component, history).is_empty()
}
