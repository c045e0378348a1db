//! Looks at the clone and its components: configuration, journal, databases,
//! and what lies about. Hooks are looked at next door.

use std::path::PathBuf;
use std::time::Duration;

use super::super::check::{CheckOutcome, check};
use super::super::database_target::{Asking, database_target, secrets};
use super::super::hook_facts::HooksSought;
use super::super::review::Review;
use super::super::session::{Session, SessionOptions, Source};
use super::super::snapshots::{Astray, astray, folder};
use super::super::status::{self, ComponentStatus, Host};
use super::super::target::{command, project_files};
use super::super::{OpsError, Repository, with_causes, write_access};
use super::hooks::hook_checkups;
use crate::alembic::{AlembicCommand, CommandKind, Target, run_target, stray_scratch_folders};
use crate::check::Level;
use crate::database::{kept_copies, stray_copies, stray_databases};
use crate::git::GitError;
use crate::journal::{Journal, JournalError, RepositoryLock, StepState, Worktree, size_of};
use crate::plan::{Checkup, CheckupState, DatabaseState, Fix, Mend, shell_word};
use crate::project::Component;

/// What the checkups of snapshots are called.
const SNAPSHOTS: &str = "snapshots";

/// How long alembic may take to say its version.
const LIMIT: Duration = Duration::from_secs(60);

/// Everything that was looked at, what concerns the whole clone first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoctorOutcome {
    pub checkups: Vec<Checkup>,
}

impl DoctorOutcome {
    /// The gravest state that was found.
    pub fn state(&self) -> CheckupState {
        self.checkups.iter().map(|checkup| checkup.state).max().unwrap_or(CheckupState::Ok)
    }
}

/// Looks at the clone and at every selected component.
pub fn doctor(
    options: SessionOptions,
    host: &Host,
    hooks: HooksSought<'_>,
) -> Result<DoctorOutcome, OpsError> {
    let repository = Repository::open()?;
    let session = match Session::open(options) {
        Ok(session) => Ok(session),
        Err(error @ (OpsError::Project(_) | OpsError::NoComponent { .. })) => Err(error),
        Err(error) => return Err(error),
    };
    let mut checks = match &session {
        Ok(session) => configuration(session)?,
        Err(error) => vec![misconfigured(error)],
    };
    checks.extend(journal(&repository));
    checks.extend(hook_checkups(&repository, hooks));
    checks.extend(index_lock(&repository));
    checks.extend(state(&repository));
    checks.extend(leftovers(&repository, session.as_ref().ok())?);
    checks.extend(backups(&repository));
    checks.extend(kept_files(session.as_ref().ok(), host));
    if let Ok(session) = &session {
        let statuses = match session.source {
            Source::WorkingTree => status::status(session, host)?,
            // A bare repository, or `--at`: files that no database goes with.
            Source::Index | Source::Commit(_) => Vec::new(),
        };
        let checked = check(session, None, Review::Never);
        for component in session.components()? {
            let mut found = component_checks(session, component, host)?;
            found.extend(history(&checked, component));
            let status = statuses.iter().find(|status| status.name == component.name);
            found.extend(status.map(database));
            found.extend(scratch_databases(session, component, host));
            found.extend(kept_databases(session, component, host));
            checks.extend(found.into_iter().map(|check| check.of(&component.name)));
        }
    }
    Ok(DoctorOutcome { checkups: checks })
}

fn misconfigured(error: &OpsError) -> Checkup {
    const ID: &str = "configuration";
    match error {
        OpsError::NoComponent { notes } => {
            let reasons: Vec<String> =
                std::iter::once(error.to_string()).chain(notes.iter().cloned()).collect();
            Checkup::error(
                ID,
                reasons.join("; "),
                Mend::advice(
                    "name it in dbm-git.toml: `[components.default]` with `config` or \
                     `script-location`",
                ),
            )
        }
        _ => Checkup::error(ID, error.to_string(), Mend::advice("mend that file")),
    }
}

fn configuration(session: &Session) -> Result<Vec<Checkup>, OpsError> {
    let names: Vec<&str> = session.project.components.iter().map(|c| c.name.as_str()).collect();
    let words = counted(names.len(), "component");
    let mut checks = vec![Checkup::ok("configuration", format!("{words}: {}", names.join(", ")))];
    let notes = &session.project.notes;
    checks.extend(notes.iter().map(|note| Checkup::ok("configuration-note", note)));
    checks.push(match session.upstream() {
        Ok(Some(upstream)) => Checkup::ok("upstream", &upstream.name),
        Ok(None) => Checkup::warning(
            "upstream",
            "none, so nothing counts as landed",
            Mend::advice("add a remote and fetch it, or set `upstream` in dbm-git.toml"),
        ),
        Err(OpsError::Git(error @ GitError::UnknownUpstream { .. })) => {
            Checkup::error("upstream", error.to_string(), Mend::command("git fetch --all"))
        }
        Err(error) => return Err(error),
    });
    Ok(checks)
}

/// The journal, and whether an operation waits in it.
fn journal(repository: &Repository) -> Vec<Checkup> {
    const OPERATION: &str = "operation";
    let journal = match Journal::open_existing(repository.common_dir()) {
        Ok(journal) => journal,
        Err(error) => {
            let message = with_causes(&error);
            return vec![Checkup::error("journal", message, Mend::command("dbm-git log"))];
        }
    };
    let readable = match &journal {
        Some(_) => Checkup::ok("journal", "readable"),
        None => Checkup::ok("journal", "nothing was done here yet"),
    };
    let operation = match journal.map(|mut journal| waiting(repository, &mut journal)) {
        Some(Err(error)) => {
            Checkup::error("journal", error.to_string(), Mend::command("dbm-git log"))
        }
        Some(Ok(Some(waiting))) => {
            let found =
                Checkup::error(OPERATION, waiting.summary, Mend::command("dbm-git recover"));
            if waiting.is_of_files { found.fixed_by(Fix::Settle) } else { found }
        }
        Some(Ok(None)) | None if write_access::may_be_open(repository) => Checkup::warning(
            OPERATION,
            "the mark of an operation is there, but none is open",
            Mend::command("dbm-git doctor --fix"),
        )
        .fixed_by(Fix::Settle),
        Some(Ok(None)) | None => Checkup::ok(OPERATION, "none was interrupted"),
    };
    vec![readable, operation]
}

/// The operation of this worktree that waits for `recover`.
struct Waiting {
    summary: String,
    /// Nothing but files is concerned: who writes next settles it unasked.
    is_of_files: bool,
}

fn waiting(
    repository: &Repository,
    journal: &mut Journal,
) -> Result<Option<Waiting>, JournalError> {
    let worktree = Worktree::new(repository.common_dir(), repository.git_dir());
    if let Some(open) = journal.open_operation(&worktree)? {
        let summary = format!("operation {} was interrupted ({})", open.id, open.summary);
        let is_of_files = journal.open_steps(&worktree)?.is_none();
        return Ok(Some(Waiting { summary, is_of_files }));
    }
    let Some(id) = journal.open_steps(&worktree)? else { return Ok(None) };
    let steps = journal.steps(id)?;
    let done = steps.iter().filter(|s| s.step.state == StepState::Done).count();
    let database = steps.first().map_or(String::new(), |s| format!(" in {}", s.step.database));
    let summary = journal.operation(id)?.summary;
    let summary = format!(
        "operation {id} was interrupted{database} after {done} of {} ({summary})",
        counted(steps.len(), "step")
    );
    Ok(Some(Waiting { summary, is_of_files: false }))
}

/// What killed processes have left behind.
fn leftovers(repository: &Repository, session: Option<&Session>) -> Result<Vec<Checkup>, OpsError> {
    // Whoever is at work right now will clear its own away.
    let is_quiet = !RepositoryLock::is_held(repository.common_dir());
    let found = stray_files(repository, session, is_quiet)?;
    let Some((first, more)) = found.split_first() else { return Ok(Vec::new()) };
    let others = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    let message = format!("{}{others}, of a dbm-git that was killed", first.display());
    let paths: Vec<String> = found.iter().map(|path| shell_word(path)).collect();
    let command = Mend::command(format!("rm -r {}", paths.join(" ")));
    Ok(vec![Checkup::error("leftovers", message, command).fixed_by(Fix::Remove(found))])
}

/// Temporary files and folders that nobody uses: in git's folder, and, where no
/// other dbm-git is at work, beside the scripts.
pub(super) fn stray_files(
    repository: &Repository,
    session: Option<&Session>,
    is_quiet: bool,
) -> Result<Vec<PathBuf>, OpsError> {
    let scratch = repository.common_dir().join("dbm-git/scratch");
    let mut found = stray_scratch_folders(&scratch);
    if is_quiet {
        found.extend(stray_copies(&scratch));
        if let Some(session) = session.filter(|s| s.source == Source::WorkingTree) {
            for component in session.components()? {
                for location in &component.version_locations {
                    found.extend(session.working_tree()?.leftovers(location)?);
                }
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The lock of git itself, which outlives a git that was killed.
fn index_lock(repository: &Repository) -> Option<Checkup> {
    let lock = repository.index_lock()?;
    let message = format!("{} is there: git is at work, or was killed", lock.display());
    Some(Checkup::warning(
        "index-lock",
        message,
        Mend::advice(format!("once no git runs here: rm {}", shell_word(&lock))),
    ))
}

/// What all of ours takes in git's folder.
fn state(repository: &Repository) -> Option<Checkup> {
    let folder = repository.common_dir().join("dbm-git");
    let size = size_of(&folder);
    (size > 0).then(|| Checkup::ok("state", format!("{} in {}", sized(size), folder.display())))
}

/// The copies of databases from before an operation: nobody deletes them unasked.
fn backups(repository: &Repository) -> Option<Checkup> {
    let folder = repository.common_dir().join("dbm-git/backups");
    let kept = kept_copies(&folder);
    if kept.files == 0 {
        return None;
    }
    let noun = if kept.files == 1 { "copy" } else { "copies" };
    Some(Checkup::ok(
        "backups",
        format!(
            "{} {noun} of databases, {} in {}",
            kept.files,
            sized(kept.bytes),
            folder.display()
        ),
    ))
}

/// Snapshots that are files, held against what is written down of them.
fn kept_files(session: Option<&Session>, host: &Host) -> Vec<Checkup> {
    let Some(session) = session else { return Vec::new() };
    let folder = folder(&session.repository);
    let found = astray(session, host, None);
    astray_checkups(found.unwrap_or_default(), |files| {
        let paths: Vec<String> = files.iter().map(|file| shell_word(&folder.join(file))).collect();
        let message =
            format!("{} in {}, of no snapshot", crate::plan::list(files), folder.display());
        let advice = Mend::advice(format!("once nobody needs them: rm {}", paths.join(" ")));
        Checkup::warning(SNAPSHOTS, message, advice)
    })
}

/// The same of those that are databases, on a component's server.
fn kept_databases(session: &Session, component: &Component, host: &Host) -> Vec<Checkup> {
    // A server that cannot be asked is told of already.
    let found = astray(session, host, Some(component));
    astray_checkups(found.unwrap_or_default(), |names| {
        let message =
            format!("{} on its server, of no snapshot of this clone", crate::plan::list(names));
        let advice = "another clone has them, or they are lost: once you know, `DROP DATABASE`";
        Checkup::warning(SNAPSHOTS, message, Mend::advice(advice))
    })
}

fn astray_checkups(found: Astray, unknown: impl FnOnce(&[String]) -> Checkup) -> Vec<Checkup> {
    let gone = found.gone.iter().map(|snapshot| {
        let message =
            format!("of snapshot {} (`{}`) nothing is left", snapshot.id, snapshot.title());
        let drop = Mend::command(format!("dbm-git snapshots drop {}", snapshot.id));
        Checkup::warning(SNAPSHOTS, message, drop)
    });
    let mut checkups: Vec<Checkup> = gone.collect();
    if !found.unknown.is_empty() {
        checkups.push(unknown(&found.unknown));
    }
    checkups
}

/// What a killed `verify` has left on a server of this machine.
fn scratch_databases(session: &Session, component: &Component, host: &Host) -> Option<Checkup> {
    let target = database_target(session, component, host, None, Asking::Never).ok()?;
    let (url, _) = target.direct().filter(|_| target.is_local)?;
    // A server that cannot be asked is told of already.
    let names = stray_databases(url).ok().filter(|names| !names.is_empty())?;
    let message = format!("{} on its server, which nobody uses", crate::plan::list(&names));
    Some(Checkup::warning("scratch-databases", message, Mend::command("dbm-git verify")))
}

fn sized(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} bytes"),
    }
}

fn component_checks(
    session: &Session,
    component: &Component,
    host: &Host,
) -> Result<Vec<Checkup>, OpsError> {
    let mut checks = vec![config(component)];
    checks.extend(locations(session, component)?);
    if session.source == Source::WorkingTree {
        checks.push(alembic(session, component, host));
    }
    Ok(checks)
}

fn config(component: &Component) -> Checkup {
    match &component.config {
        Some(config) if config.section == "alembic" => {
            Checkup::ok("config", config.path.to_string())
        }
        Some(config) => Checkup::ok("config", format!("{} [{}]", config.path, config.section)),
        None => Checkup::ok("config", "none: alembic is not told where the scripts are"),
    }
}

fn locations(session: &Session, component: &Component) -> Result<Vec<Checkup>, OpsError> {
    let tree = session.tree(&session.source)?;
    let scripts = &component.script_location;
    let mut checks = vec![if tree.read(&scripts.entry("env.py"))?.is_some() {
        Checkup::ok("script-location", scripts.to_string())
    } else {
        Checkup::error(
            "script-location",
            format!("`{scripts}` has no env.py"),
            Mend::advice("name the right folder with `script-location` in dbm-git.toml"),
        )
    }];
    let mut missing = Vec::new();
    for location in &component.version_locations {
        if !tree.has_folder(location)? {
            missing.push(location.to_string());
        }
    }
    let all: Vec<String> = component.version_locations.iter().map(ToString::to_string).collect();
    checks.push(if missing.is_empty() {
        Checkup::ok("version-locations", all.join(", "))
    } else {
        // git keeps no empty folders, and alembic ignores those that are not there.
        Checkup::ok("version-locations", format!("not there yet: {}", missing.join(", ")))
    });
    Ok(checks)
}

fn history(checked: &Result<CheckOutcome, OpsError>, component: &Component) -> Option<Checkup> {
    const ID: &str = "history";
    let outcome = match checked {
        Ok(outcome) => outcome,
        Err(error) => {
            return Some(Checkup::error(ID, error.to_string(), Mend::command("dbm-git check")));
        }
    };
    let found = outcome.components.iter().find(|c| c.name == component.name)?;
    let count = |level| found.findings.iter().filter(|f| f.level == level).count();
    let words = counted(found.revisions, "revision");
    Some(match (count(Level::Error), count(Level::Warning)) {
        (0, 0) => Checkup::ok(ID, words),
        (0, warnings) => {
            let message = format!("{words}, {}", counted(warnings, "warning"));
            Checkup::warning(ID, message, Mend::command("dbm-git check"))
        }
        (errors, _) => {
            let message = format!("{words}, {}", counted(errors, "error"));
            Checkup::error(ID, message, Mend::command("dbm-git check"))
        }
    })
}

fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn alembic(session: &Session, component: &Component, host: &Host) -> Checkup {
    const ID: &str = "alembic";
    let Some(command) = command(session, component, host) else {
        return Checkup::error(
            ID,
            "none was found",
            Mend::advice(
                "activate the project's environment, or set `alembic = [..]` in dbm-git.toml",
            ),
        );
    };
    let shown = command.shown();
    if Target::of(command.clone(), &project_files(session, component)).is_none() {
        return Checkup::error(
            ID,
            format!("{shown}, but no ini for it"),
            Mend::advice("name the ini with `config` in dbm-git.toml"),
        );
    }
    let asked = Target::new(about_itself(command), Vec::new()).without(secrets(component, host));
    match run_target(&asked, &["--version"], &[], LIMIT, &mut |_| {}) {
        Ok(answer) => {
            let version = answer.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
            let version = version.split_whitespace().next_back().unwrap_or("of unknown version");
            Checkup::ok(ID, format!("{shown}, {version}"))
        }
        Err(error) => {
            let advice = Mend::advice("install the project's dependencies");
            Checkup::error(ID, error.to_string(), advice)
        }
    }
}

/// The command that says its version: `flask`, not `flask db`.
fn about_itself(mut command: AlembicCommand) -> AlembicCommand {
    if command.kind == CommandKind::Flask {
        command.arguments.pop();
    }
    command
}

fn database(status: &ComponentStatus) -> Checkup {
    const ID: &str = "database";
    let mut message = match &status.database {
        Some(database) => format!("{database}, {}", status.state.name()),
        None => status.state.name().to_owned(),
    };
    if let Some(error) = &status.error {
        message += &format!(": {error}");
    }
    match status.state {
        DatabaseState::UpToDate => Checkup::ok(ID, message),
        DatabaseState::Unreachable
        | DatabaseState::Broken
        | DatabaseState::Foreign
        | DatabaseState::Skipped
        | DatabaseState::Overlapping
        | DatabaseState::Unknown
        | DatabaseState::Diverged
        | DatabaseState::NoRevision
        | DatabaseState::Behind => {
            let mend = match status.recommended.as_str() {
                "" => Mend::advice("start the database, or name another one with --database-url"),
                recommended => Mend::command(recommended),
            };
            Checkup::error(ID, message, mend)
        }
    }
}
