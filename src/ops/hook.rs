//! What git's hooks do: look, and say in a few lines what there is to do.
//!
//! The way through here when nothing has changed is the one that every
//! `git switch` takes: open the repository, read one small file, look up a
//! handful of tree ids and folders. No configuration, no script, no database.

use std::collections::HashSet;

use super::OpsError;
use super::check::{check, check_in_place_of, told_of, uncommitted};
use super::hook_database::{look_after_change, said_of, sync_in_hook};
use super::hook_snapshot::{BranchSwitch, Switched};
use super::host::Host;
use super::look::Look;
use super::review::Review;
use super::session::{Session, SessionOptions, Source};
use crate::check::{Code, Finding, Level};
use crate::git::{CommitId, GitError, InProgress, Repository};
use crate::journal::{Seen, SeenPlace, leave_pending, take_pending};
use crate::plan::list;
use crate::project::Component;
use crate::revision::{RevisionId, divergences};
use crate::script::{History, ScriptProblemKind};
use crate::tree::RepoPath;
use crate::workspace::WorkingTree;

/// How a hook was called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookCall {
    /// `post-merge`, …
    pub name: String,
    pub arguments: Vec<String>,
    /// All of stdin, for the hooks that git gives one.
    pub input: String,
    /// Unix seconds.
    pub now: i64,
}

/// What a hook has to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HookOutcome {
    /// For stderr; at most six.
    pub lines: Vec<String>,
    /// Whether git is to stop (pre-push only).
    pub blocks: bool,
}

impl HookOutcome {
    /// Several refs may be at one commit.
    fn say_once(&mut self, line: String) {
        if !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }
}

/// A hook's message is glanced at; the commands it names tell the rest.
const LINES: usize = 6;

/// Ids in one line of a message.
const NAMED: usize = 4;

/// Files in the repository's root that may declare components.
const DECLARING: [&str; 3] = ["dbm-git.toml", "pyproject.toml", "alembic.ini"];

/// Runs a hook.
pub fn run(repository: Repository, call: &HookCall, host: &Host) -> Result<HookOutcome, OpsError> {
    if repository.is_bare() {
        return Ok(HookOutcome::default());
    }
    match call.name.as_str() {
        "pre-push" => pre_push(&repository, call),
        _ => {
            let mut outcome = after(repository, call, host)?;
            outcome.lines.truncate(LINES);
            Ok(outcome)
        }
    }
}

/// Whether the event changed what is checked out, and git is done with it.
fn is_relevant(repository: &Repository, call: &HookCall) -> bool {
    let first = call.arguments.first().map(String::as_str);
    match (call.name.as_str(), repository.in_progress()) {
        // `git checkout -- file`: no other commit.
        ("post-checkout", _) if call.arguments.get(2).map(String::as_str) == Some("0") => false,
        // A merge's own hook runs before MERGE_HEAD is gone, and a rebase's
        // last one before its folder is.
        ("post-merge", Some(InProgress::Merge) | None) => true,
        ("post-rewrite", Some(InProgress::Rebase)) if first == Some("rebase") => true,
        (_, Some(_)) => {
            // Losing the marker costs one look at the next hook, no more.
            let _ = leave_pending(repository.git_dir());
            false
        }
        (_, None) => true,
    }
}

fn after(repository: Repository, call: &HookCall, host: &Host) -> Result<HookOutcome, OpsError> {
    let mode = setting(&repository, &call.name);
    if mode == Setting::Off || !is_relevant(&repository, call) {
        return Ok(HookOutcome::default());
    }
    let Some(head) = repository.head()? else { return Ok(HookOutcome::default()) };
    let seen = Seen::read(repository.git_dir());
    let is_pending = take_pending(repository.git_dir());
    if let Some(seen) = &seen
        && !is_pending
        && is_unchanged(&repository, head, seen)?
        && !is_squash(call)
    {
        return Ok(HookOutcome::default());
    }
    if is_start_of_rebase(&repository, call) {
        let _ = leave_pending(repository.git_dir());
        return Ok(HookOutcome::default());
    }
    match Session::open(SessionOptions::default()) {
        Ok(session) => {
            let change = Change { call, head, seen: seen.as_ref(), is_pending };
            tell(&session, &change, host, mode)
        }
        Err(OpsError::NoComponent { .. }) => {
            remember(&repository, head, &[])?;
            Ok(HookOutcome::default())
        }
        Err(error) => Err(error),
    }
}

/// What a hook knows of a change.
struct Change<'a> {
    call: &'a HookCall,
    head: CommitId,
    seen: Option<&'a Seen>,
    /// A look was put off until git was done.
    is_pending: bool,
}

fn tell(
    session: &Session,
    change: &Change<'_>,
    host: &Host,
    mode: Setting,
) -> Result<HookOutcome, OpsError> {
    let before = previous(&session.repository, change.call, change.seen);
    let news = news(&session.repository, change)?;
    let left = left_behind(&session.repository, change.call)?;
    let components: Vec<Component> = session.components()?.into_iter().cloned().collect();
    // A database that cannot be asked is no reason to speak up: it may not be
    // running today. Our own state is always there, and one for all components.
    let (mut lines, mut damage) = (Vec::new(), None);
    let HookCall { name, arguments, now, .. } = change.call;
    let switch = BranchSwitch::of(&session.repository, name, arguments, *now);
    if let Some(Err(error)) = switch.as_ref().map(|switch| switch.settle(session, host)) {
        lines.push(format!("dbm-git: {}", super::with_causes(&error)));
    }
    for component in &components {
        let look = look_after_change(session, component, host, left);
        if let Err(OpsError::Journal(error)) = &look {
            damage = Some(format!("dbm-git: {error}"));
        }
        let switched = match (&switch, look.ok().flatten()) {
            (Some(switch), Some(look)) => switch.apply(session, component, host, look),
            (_, look) => Switched::not(look),
        };
        let news = if switched.is_back { News::Nothing } else { news };
        let mut said = say(session, component, before, news, switched.look.is_some())?;
        said.extend(switched.lines);
        let of_database =
            |look| say_of_database(session, component, host, look, mode, change.call.now);
        said.extend(switched.look.filter(|_| !switched.is_told).and_then(of_database));
        let name =
            if components.len() > 1 { format!("{}: ", component.name) } else { String::new() };
        lines.extend(said.into_iter().map(|line| format!("dbm-git: {name}{line}")));
    }
    if let Err(error) = remember(&session.repository, change.head, &components) {
        damage.get_or_insert(format!("dbm-git: {}", super::with_causes(&error)));
    }
    lines.extend(damage);
    Ok(HookOutcome { lines, blocks: false })
}

fn news(repository: &Repository, change: &Change<'_>) -> Result<News, OpsError> {
    let Change { call, head, seen, is_pending } = *change;
    Ok(if is_squash(call) {
        News::Checked
    } else if !is_pending && is_own_commit(repository, call, head, seen)? {
        News::Nothing
    } else {
        News::Committed
    })
}

/// What there is to say of a component's database, and to do about it.
fn say_of_database(
    session: &Session,
    component: &Component,
    host: &Host,
    look: Look,
    mode: Setting,
    now: i64,
) -> Option<String> {
    if let Some(line) = said_of(&look) {
        return Some(line);
    }
    if mode != Setting::Sync {
        return None;
    }
    sync_in_hook(session, component, host, look, now).unwrap_or_else(|error| {
        let text = super::with_causes(&error);
        let last = text.trim_end().lines().last().unwrap_or_default().trim().to_owned();
        Some(format!("not upgraded: {last}; `dbm-git migrate` says more"))
    })
}

/// Which arrivals are worth a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum News {
    /// None: who has just committed them knows.
    Nothing,
    /// Those of commits. An uncommitted file's author sits here.
    Committed,
    /// All: a squash merge leaves its files uncommitted.
    Checked,
}

fn is_squash(call: &HookCall) -> bool {
    call.name == "post-merge" && call.arguments.first().map(String::as_str) == Some("1")
}

/// Whether an ordinary commit, or its amendment, is all that has happened
/// since the last look.
fn is_own_commit(
    repository: &Repository,
    call: &HookCall,
    head: CommitId,
    seen: Option<&Seen>,
) -> Result<bool, OpsError> {
    let first = call.arguments.first().map(String::as_str);
    let is_amendment = call.name == "post-rewrite" && first == Some("amend");
    let parents = repository.parents(head)?;
    if call.name != "post-commit" && !is_amendment || parents.len() > 1 {
        return Ok(false);
    }
    let Some(seen) = seen else { return Ok(true) };
    let before = repository.reflog(1)?.first().or(parents.first()).copied();
    before.map_or(Ok(false), |before| has_seen_files(repository, before, seen))
}

/// Whether a rebase by patches begins with this checkout: it makes its folder
/// only afterwards.
fn is_start_of_rebase(repository: &Repository, call: &HookCall) -> bool {
    call.name == "post-checkout"
        && repository.branch().is_none()
        && repository.last_move().is_some_and(|message| message.contains(" (start): checkout "))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Setting {
    Off,
    Report,
    Sync,
}

/// `dbm-git.postMerge` and its like, in git's own configuration.
fn setting(repository: &Repository, hook: &str) -> Setting {
    let key: String = hook
        .split('-')
        .enumerate()
        .map(|(at, word)| {
            let mut letters = word.chars();
            match letters.next() {
                Some(first) if at > 0 => first.to_uppercase().chain(letters).collect(),
                _ => word.to_owned(),
            }
        })
        .collect();
    match repository.config(&format!("dbm-git.{key}")).as_deref() {
        Some("off" | "false") => Setting::Off,
        Some("sync") => Setting::Sync,
        _ => Setting::Report,
    }
}

/// The commit whose files were there before.
fn previous(repository: &Repository, call: &HookCall, seen: Option<&Seen>) -> Option<CommitId> {
    if let Some(commit) = seen.and_then(|s| repository.commit(&s.commit).ok()) {
        return Some(commit);
    }
    let spec = match call.name.as_str() {
        "post-checkout" => call.arguments.first()?.as_str(),
        "post-commit" => "HEAD^",
        _ => "ORIG_HEAD",
    };
    repository.commit(spec).ok()
}

/// The commit that `HEAD` was at before git began. A rebase walks through others,
/// but moves its branch once.
fn left_behind(repository: &Repository, call: &HookCall) -> Result<Option<CommitId>, OpsError> {
    if call.name == "post-rewrite"
        && repository.branch().is_some()
        && let Ok(commit) = repository.commit("@{1}")
    {
        return Ok(Some(commit));
    }
    Ok(repository.reflog(1)?.first().copied())
}

fn is_unchanged(repository: &Repository, head: CommitId, seen: &Seen) -> Result<bool, OpsError> {
    let files = WorkingTree::new(repository.root());
    let is_touched = |place: &SeenPlace| {
        RepoPath::new(&place.path).is_none_or(|path| stamp_of(&files, &path) != place.stamp)
    };
    Ok(!seen.places.iter().any(is_touched) && has_seen_files(repository, head, seen)?)
}

/// Whether `commit` has the very files that decided at the last look.
fn has_seen_files(
    repository: &Repository,
    commit: CommitId,
    seen: &Seen,
) -> Result<bool, OpsError> {
    if seen.commit == commit.to_string() {
        return Ok(true);
    }
    // Without any component the whole tree decides: one may have come.
    if seen.places.is_empty() {
        return Ok(false);
    }
    let tree = repository.tree(commit)?;
    for place in &seen.places {
        let Some(path) = RepoPath::new(&place.path) else { return Ok(false) };
        if id_of(&tree, &path)? != place.id {
            return Ok(false);
        }
    }
    Ok(true)
}

fn stamp_of(files: &WorkingTree, path: &RepoPath) -> String {
    files.folder_stamp(path).unwrap_or_else(|| "-".to_owned())
}

fn id_of(tree: &crate::git::CommitTree<'_>, path: &RepoPath) -> Result<String, OpsError> {
    let id = match tree.folder_id(path)? {
        Some(id) => Some(id),
        None => tree.file_id(path)?,
    };
    Ok(id.unwrap_or_else(|| "-".to_owned()))
}

/// Remembers what decides about the components' histories at `head`.
pub fn remember(
    repository: &Repository,
    head: CommitId,
    components: &[Component],
) -> Result<(), OpsError> {
    let mut paths: Vec<RepoPath> = Vec::new();
    if !components.is_empty() {
        paths.extend(DECLARING.iter().filter_map(|name| RepoPath::new(name)));
    }
    for component in components {
        paths.extend(component.config.as_ref().map(|c| c.path.clone()));
        paths.extend(component.version_locations.iter().cloned());
    }
    paths.sort();
    paths.dedup();
    let (tree, files) = (repository.tree(head)?, WorkingTree::new(repository.root()));
    let place = |path: &RepoPath| {
        let id = id_of(&tree, path)?;
        Ok(SeenPlace { path: path.as_str().to_owned(), id, stamp: stamp_of(&files, path) })
    };
    let places = paths.iter().map(place).collect::<Result<Vec<_>, OpsError>>()?;
    let seen = Seen { commit: head.to_string(), places };
    seen.write(repository.git_dir()).map_err(OpsError::Seen)
}

/// What there is to say of one component: nothing, most of the time.
fn say(
    session: &Session,
    component: &Component,
    before: Option<CommitId>,
    news: News,
    knows_database: bool,
) -> Result<Vec<String>, OpsError> {
    let history = session.history(component, &Source::WorkingTree)?;
    if lacks_objects(&history) {
        return Ok(Vec::new());
    }
    let mut lines = Vec::new();
    let broken = broken(session, component, &history)?;
    if broken > 0 {
        let errors = if broken == 1 { "error" } else { "errors" };
        lines.push(format!("{broken} {errors} in the migration files: `dbm-git check` shows them"));
    }
    let diverged =
        divergences(&history.graph, |n| history.script(n).file.location, component.heads);
    for divergence in &diverged {
        let heads = history.graph.ids(divergence.heads.iter().copied());
        lines.push(format!("the heads {} have diverged", named(&heads)));
    }
    if !diverged.is_empty() {
        lines
            .push("`dbm-git rebase` puts your revisions on top, `dbm-git merge` merges".to_owned());
        return Ok(lines);
    }
    let Some(before) = before else { return Ok(lines) };
    let old = session.history(component, &Source::Commit(before))?;
    let (arrived, gone) = (missing_from(&history, &old), missing_from(&old, &history));
    let arrived = match news {
        News::Nothing => Vec::new(),
        News::Committed => committed(session, component, arrived)?,
        News::Checked => arrived,
    };
    if !arrived.is_empty() {
        let word = if arrived.len() == 1 { "revision" } else { "revisions" };
        lines.push(format!(
            "{} new {word} ({}): `dbm-git status` compares your database",
            arrived.len(),
            named(&arrived)
        ));
    }
    // Whether the database has run them is known, and said, where it was looked at.
    if !gone.is_empty() && !knows_database {
        let (word, them) =
            if gone.len() == 1 { ("revision is", "it") } else { ("revisions are", "them") };
        lines.push(format!(
            "{} {word} not here any more ({}); a database that ran {them} needs the other branch to go down",
            gone.len(),
            named(&gone)
        ));
    }
    Ok(lines)
}

fn committed(
    session: &Session,
    component: &Component,
    ids: Vec<RevisionId>,
) -> Result<Vec<RevisionId>, OpsError> {
    let Some(head) = session.repository.head()? else { return Ok(Vec::new()) };
    let committed = session.history(component, &Source::Commit(head))?;
    Ok(ids.into_iter().filter(|id| committed.graph.node(id.as_str()).is_some()).collect())
}

fn missing_from(one: &History, other: &History) -> Vec<RevisionId> {
    one.graph
        .topological()
        .into_iter()
        .map(|node| one.id(node))
        .filter(|id| other.graph.node(id.as_str()).is_none())
        .cloned()
        .collect()
}

/// Whether this partial clone cannot tell how the history is. Whoever leaves the
/// scripts out of a sparse checkout does not work on them, and `check` names them.
fn lacks_objects(history: &History) -> bool {
    history.problems.iter().any(|p| matches!(p.kind, ScriptProblemKind::NotInClone { .. }))
}

fn broken(session: &Session, component: &Component, history: &History) -> Result<usize, OpsError> {
    let findings = told_of(session, component, history)?.findings;
    Ok(findings.iter().filter(|f| f.level == Level::Error && f.code != Code(1)).count())
}

fn named(ids: &[RevisionId]) -> String {
    if ids.len() <= NAMED {
        return list(ids);
    }
    format!("{} and {} more", list(&ids[..NAMED]), ids.len() - NAMED)
}

/// One line of pre-push's stdin.
struct Pushed<'a> {
    local: &'a str,
    remote_ref: &'a str,
    remote: &'a str,
}

/// Errors that block a push when they are new.
const BLOCKING: [u16; 13] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 16, 18];

fn pre_push(repository: &Repository, call: &HookCall) -> Result<HookOutcome, OpsError> {
    let mut outcome = HookOutcome::default();
    if setting(repository, &call.name) == Setting::Off {
        return Ok(outcome);
    }
    let strict = repository.config("dbm-git.prePush").as_deref() == Some("strict");
    let (mut judged, mut failure) = (HashSet::new(), None);
    for pushed in call.input.lines().filter_map(pushed) {
        let is_branch = !pushed.remote_ref.starts_with("refs/tags/");
        let pair = (pushed.local.to_owned(), pushed.remote.to_owned());
        if is_null(pushed.local) || !is_branch || !judged.insert(pair) {
            continue;
        }
        // What could be judged is: one ref must not open the door for the others.
        if let Err(error) = judge_push(&pushed, strict, &mut outcome) {
            failure.get_or_insert(error);
        }
    }
    match failure {
        Some(error) if outcome.lines.is_empty() => return Err(error),
        Some(error) => {
            let reason = super::with_causes(&error);
            outcome.lines.push(format!("dbm-git: a part could not be judged: {reason}"));
        }
        None => {}
    }
    if outcome.blocks && is_mended_here().unwrap_or(false) {
        outcome.lines.push(
            "dbm-git: the files here are in order already: commit them, then push".to_owned(),
        );
    }
    let verdict = outcome.blocks.then(|| {
        "dbm-git: the push is blocked; `git push --no-verify` pushes all the same".to_owned()
    });
    let room = LINES - verdict.iter().len();
    if outcome.lines.len() > room {
        let more = outcome.lines.len() - (room - 1);
        outcome.lines.truncate(room - 1);
        outcome
            .lines
            .push(format!("dbm-git: and {more} more like these: `dbm-git check` shows all"));
    }
    outcome.lines.extend(verdict);
    Ok(outcome)
}

/// Whether only a commit is missing: the checked-out files have no error, and some
/// of them are not committed.
fn is_mended_here() -> Result<bool, OpsError> {
    let session = Session::open(SessionOptions::default())?;
    for component in session.components()? {
        let history = session.history(component, &Source::WorkingTree)?;
        let findings = told_of(&session, component, &history)?.findings;
        if findings.iter().any(|finding| finding.level == Level::Error) {
            return Ok(false);
        }
    }
    Ok(!uncommitted(&session)?.is_empty())
}

fn pushed(line: &str) -> Option<Pushed<'_>> {
    let mut words = line.split(' ');
    let (_local_ref, local, remote_ref, remote) =
        (words.next()?, words.next()?, words.next()?, words.next()?);
    Some(Pushed { local, remote_ref, remote })
}

/// Forty zeros, or sixty-four in a SHA-256 repository.
fn is_null(id: &str) -> bool {
    id.bytes().all(|b| b == b'0')
}

fn judge_push(
    pushed: &Pushed<'_>,
    strict: bool,
    outcome: &mut HookOutcome,
) -> Result<(), OpsError> {
    let open = |commit: &str| {
        Session::open(SessionOptions { at: Some(commit.to_owned()), ..SessionOptions::default() })
    };
    let session = match open(pushed.local) {
        Ok(session) => session,
        // The pushed branch has nothing to do with migrations.
        Err(OpsError::NoComponent { .. }) => return Ok(()),
        // A ref can point at anything.
        Err(OpsError::Git(GitError::UnknownCommit { .. })) => return Ok(()),
        Err(error) => return Err(error),
    };
    let level = if session.project.settings.pre_push == crate::project::PrePush::Strict || strict {
        Level::Error
    } else {
        Level::Warning
    };
    let replaced = session.repository.commit(pushed.remote).ok();
    let found = check_in_place_of(&session, replaced, Some(level))?;
    // What the remote end has already is not made worse by this push.
    let known: HashSet<_> = match (is_null(pushed.remote), open(pushed.remote)) {
        (false, Ok(session)) => check(&session, None, Review::Never)?
            .components
            .iter()
            .flat_map(|c| &c.findings)
            .map(Finding::identity)
            .collect(),
        _ => HashSet::new(),
    };
    let mut old = 0;
    for component in &found.components {
        for finding in &component.findings {
            let is_known = !finding.is_new || known.contains(&finding.identity());
            let blocks = finding.level == Level::Error
                && (BLOCKING.contains(&finding.code.0) || finding.code == Code(15));
            match (blocks, is_known) {
                (true, true) => old += 1,
                (true, false) => {
                    outcome.blocks = true;
                    outcome.say_once(line(finding));
                }
                (false, false) if finding.code == Code(15) => {
                    outcome.say_once(line(finding).replacen("dbm-git: ", "dbm-git: warning: ", 1));
                }
                _ => {}
            }
        }
    }
    if old > 0 {
        let errors = if old == 1 { "error that is" } else { "errors that are" };
        outcome.say_once(format!("dbm-git: {old} {errors} not new: `dbm-git check` shows more"));
    }
    Ok(())
}

fn line(finding: &Finding) -> String {
    let help = finding.help.as_deref().map_or(String::new(), |help| format!(" ({help})"));
    format!("dbm-git: {}: {}{help}", finding.code, finding.message)
}
