//! `check`: the findings of each component, in any state of the files.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::OpsError;
use super::answers::Question;
use super::review::{Review, ReviewFacts};
use super::session::{PreviewHistory, Session, Source};
use super::whereabouts::find_missing;
use crate::check::{
    Code, ComponentCheck, DivergedPart, Finding, Judged, LandedView, Level, Location, LockFile,
    MergeConflict, Scope, Suppression, Told, diverged_parts, sort_findings, told, unused,
};
use crate::git::{CommitId, Upstream};
use crate::project::{Component, Ignored};
use crate::script::History;
use crate::tree::RepoPath;

/// What a check found.
#[derive(Clone, Debug)]
pub struct CheckOutcome {
    pub components: Vec<ComponentCheck>,
    /// What was taken for upstream.
    pub upstream: Option<String>,
    pub notes: Vec<String>,
}

impl CheckOutcome {
    /// Whether any finding is at least of `level`.
    pub fn has(&self, level: Level) -> bool {
        self.components.iter().flat_map(|c| &c.findings).any(|f| f.level >= level)
    }
}

/// Checks every selected component, and reviews own revisions where that is wanted. `would_diverge` is how grave a divergence
/// is that only merging with upstream would bring (DBM015).
pub fn check(
    session: &Session,
    would_diverge: Option<Level>,
    review: Review,
) -> Result<CheckOutcome, OpsError> {
    let upstream = session.upstream()?;
    let question = Question::of(session, upstream, would_diverge, review)?;
    if let Some(known) = question.as_ref().and_then(|question| question.known_answer(session)) {
        return Ok(outcome(session, upstream, known));
    }
    let beginning = question.as_ref().and_then(Question::begin);
    let outcome = check_all(session, None, would_diverge, review)?;
    if let (Some(question), Some(beginning)) = (question, beginning) {
        question.keep(session, beginning, &outcome.components);
    }
    Ok(outcome)
}

fn outcome(
    session: &Session,
    upstream: Option<&Upstream>,
    components: Vec<ComponentCheck>,
) -> CheckOutcome {
    CheckOutcome {
        components,
        upstream: upstream.map(|u| u.name.clone()),
        notes: session.project.notes.clone(),
    }
}

/// The same of a commit that takes the place of `replaced`, as a push does:
/// where that is upstream, nothing will be merged with it.
pub fn check_in_place_of(
    session: &Session,
    replaced: Option<CommitId>,
    would_diverge: Option<Level>,
) -> Result<CheckOutcome, OpsError> {
    check_all(session, replaced, would_diverge, Review::Never)
}

fn check_all(
    session: &Session,
    replaced: Option<CommitId>,
    would_diverge: Option<Level>,
    review: Review,
) -> Result<CheckOutcome, OpsError> {
    let upstream = session.upstream()?;
    let mut checked = Vec::new();
    for component in session.components()? {
        let way = Way { replaced, would_diverge, review: review.covers(component) };
        checked.push(check_component(session, component, upstream, way)?);
    }
    review_configured(session, &mut checked)?;
    let components = checked.into_iter().map(|checked| checked.in_full(session)).collect();
    Ok(outcome(session, upstream, components))
}

/// A component's history with its findings.
struct Checked {
    name: String,
    place: RepoPath,
    history: History,
    told: Told,
    diverged: Vec<DivergedPart>,
    is_reviewed: bool,
}

/// How a component is checked.
#[derive(Clone, Copy)]
struct Way {
    replaced: Option<CommitId>,
    would_diverge: Option<Level>,
    review: bool,
}

fn check_component(
    session: &Session,
    component: &Component,
    upstream: Option<&Upstream>,
    way: Way,
) -> Result<Checked, OpsError> {
    let Way { replaced, would_diverge, review } = way;
    let facts_of = |history: &History| -> Result<Option<ReviewFacts>, OpsError> {
        review.then(|| ReviewFacts::of_own(session, component, history)).transpose()
    };
    let checked = |history: History, told: Told, diverged: Vec<DivergedPart>| Checked {
        name: component.name.clone(),
        place: match &component.config {
            Some(config) => config.path.clone(),
            None => component.version_locations[0].clone(),
        },
        history,
        told,
        diverged,
        is_reviewed: review,
    };
    let ours = session.history(component, &session.source)?;
    let our_bytes = lock_bytes(session, component, &session.source)?;
    let our_lock = lock_file(component, our_bytes.as_deref(), &ours);
    let Some(upstream) = upstream else {
        let whereabouts = find_missing(session, component, &ours)?;
        let facts = facts_of(&ours)?;
        let judged = Judged {
            policy: component.heads,
            whereabouts: &whereabouts,
            lock_file: our_lock,
            review: facts.as_ref().map(ReviewFacts::scope),
            ..Judged::alone(&ours, &component.version_locations)
        };
        let told = told(&judged, &configured(session, &ours));
        let diverged = diverged_parts(&judged, &told.findings);
        return Ok(checked(ours, told, diverged));
    };
    let landed = Source::Commit(upstream.commit);
    let theirs = session.history(component, &landed)?;
    let landed_bytes = lock_bytes(session, component, &landed)?;
    let merged = if replaced == Some(upstream.commit) {
        PreviewHistory { history: ours.clone(), conflicts: Vec::new() }
    } else {
        merged(session, component, &ours, upstream)?
    };
    // The lock file is there to conflict.
    let is_lock = |path: &&RepoPath| component.lock_file.as_ref() != Some(path);
    let conflicts = merged.conflicts.iter().filter(is_lock);
    let conflicts: Vec<MergeConflict> =
        conflicts.map(|path| MergeConflict { path: path.clone() }).collect();
    let explicit = session.has_explicit_base();
    let alone = match session.judged_alone() {
        Some(commit) => Some(session.history(component, &Source::Commit(commit))?),
        None => None,
    };
    let history = if explicit { &merged.history } else { &ours };
    let whereabouts = find_missing(session, component, history)?;
    let facts = facts_of(history)?;
    let judged = Judged {
        history,
        version_locations: &component.version_locations,
        policy: component.heads,
        upstream: Some(LandedView {
            name: &upstream.name,
            history: &theirs,
            preview: &merged.history,
            conflicts: if explicit { &conflicts } else { &[] },
            lock_file: lock_file(component, landed_bytes.as_deref(), &theirs),
        }),
        whereabouts: &whereabouts,
        before_merge: if explicit { Some(alone.as_ref().unwrap_or(&ours)) } else { None },
        lock_file: our_lock,
        would_diverge: if explicit { Some(Level::Error) } else { would_diverge },
        review: facts.as_ref().map(ReviewFacts::scope),
    };
    let mut told = told(&judged, &configured(session, history));
    if session.is_base_fetched() {
        for help in told.findings.iter_mut().filter_map(|finding| finding.help.as_mut()) {
            // Whoever reads this elsewhere may not have what was fetched here.
            *help = help.replace("run `git merge ", "run `git fetch`, `git merge ");
        }
    }
    let diverged = diverged_parts(&judged, &told.findings);
    Ok(checked(if explicit { merged.history } else { ours }, told, diverged))
}

/// What there is to say of the history of the checked-out files by itself.
pub fn told_of(
    session: &Session,
    component: &Component,
    history: &History,
) -> Result<Told, OpsError> {
    let bytes = lock_bytes(session, component, &Source::WorkingTree)?;
    let judged = Judged {
        policy: component.heads,
        lock_file: lock_file(component, bytes.as_deref(), history),
        ..Judged::alone(history, &component.version_locations)
    };
    Ok(told(&judged, &configured(session, history)))
}

fn lock_bytes(
    session: &Session,
    component: &Component,
    source: &Source,
) -> Result<Option<Vec<u8>>, OpsError> {
    match &component.lock_file {
        Some(path) => Ok(session.tree(source)?.read(path)?),
        None => Ok(None),
    }
}

fn lock_file<'a>(
    component: &'a Component,
    bytes: Option<&'a [u8]>,
    history: &'a History,
) -> Option<LockFile<'a>> {
    component.lock_file.as_ref().map(|path| LockFile { path, bytes, history })
}

/// Tracked files of the selected components' version locations that differ from `HEAD`.
pub fn uncommitted(session: &Session) -> Result<Vec<RepoPath>, OpsError> {
    let mut changed = session.repository.changed_files()?;
    let components = session.components()?;
    let folders: Vec<&RepoPath> = components.iter().flat_map(|c| &c.version_locations).collect();
    changed.retain(|path| folders.iter().any(|folder| path.is_within(folder)));
    Ok(changed)
}

/// What the configuration suppresses in the files of a history.
pub fn configured(session: &Session, history: &History) -> Vec<Suppression> {
    let settings = &session.project.settings;
    let Some(file) = &settings.source else { return Vec::new() };
    let files = || {
        let scripts = history.scripts.iter().map(|script| &script.file.path);
        scripts.chain(history.problems.iter().map(|problem| &problem.path))
    };
    let suppression = |ignored: &Ignored| Suppression {
        codes: ignored.codes.clone(),
        reason: ignored.reason.clone(),
        place: Location { path: file.clone(), line: ignored.line, span: Some(ignored.span) },
        scope: match &ignored.paths {
            Some(paths) => {
                Scope::Files(files().filter(|path| paths.match_any(path)).cloned().collect())
            }
            None => Scope::Everywhere,
        },
    };
    settings.ignored.iter().map(suppression).collect()
}

/// Says of the configuration's suppressions which are of no use, with the first
/// component: where not all are checked, one of the others may need them.
fn review_configured(session: &Session, checked: &mut [Checked]) -> Result<(), OpsError> {
    let is_all = session.components()?.len() == session.project.components.len();
    let Some(first) = checked.first().filter(|_| is_all) else { return Ok(()) };
    let suppressions = configured(session, &first.history);
    let used = |at: usize| -> HashSet<Code> {
        checked.iter().filter_map(|c| c.told.used.get(at)).flatten().copied().collect()
    };
    let found: Vec<Finding> = suppressions
        .iter()
        .enumerate()
        .flat_map(|(at, suppression)| unused(suppression, &used(at), None))
        .collect();
    checked[0].told.findings.extend(found);
    sort_findings(&mut checked[0].told.findings);
    Ok(())
}

/// The merge preview; where upstream is merged already, it is what we have.
fn merged(
    session: &Session,
    component: &Component,
    ours: &History,
    upstream: &Upstream,
) -> Result<PreviewHistory, OpsError> {
    if session.merge_base(upstream.commit)? == Some(upstream.commit) {
        return Ok(PreviewHistory { history: ours.clone(), conflicts: Vec::new() });
    }
    session.preview(component, upstream.commit)
}

/// Larger files are named but not quoted.
const QUOTED_BYTES: usize = 1 << 20;

impl Checked {
    /// With the text of the files that findings point into.
    fn in_full(self, session: &Session) -> ComponentCheck {
        let Self { name, place, history, told, diverged, is_reviewed } = self;
        let mut sources = HashMap::new();
        let places = told
            .findings
            .iter()
            .flat_map(|f| f.location.iter().chain(f.related.iter().map(|(location, _)| location)));
        for location in places {
            if sources.contains_key(&location.path) {
                continue;
            }
            let known =
                history.node_at(&location.path).map(|n| Arc::clone(&history.script(n).file.bytes));
            let bytes = known.or_else(|| {
                let tree = session.tree(&session.source).ok()?;
                tree.read(&location.path).ok().flatten().map(Arc::new)
            });
            if let Some(bytes) = bytes.filter(|b| b.len() <= QUOTED_BYTES) {
                sources.insert(location.path.clone(), bytes);
            }
        }
        let Told { findings, suppressed, .. } = told;
        let (heads, bases) = (history.head_ids(), history.base_ids());
        let revisions = history.scripts.len();
        ComponentCheck {
            name,
            heads,
            bases,
            revisions,
            findings,
            suppressed,
            diverged,
            place,
            is_reviewed,
            sources,
        }
    }
}
