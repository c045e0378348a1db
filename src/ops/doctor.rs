//! `doctor`: everything that has to be in place, looked at one by one. It
//! changes nothing; each thing that is not right comes with what mends it.

use std::path::Path;
use std::time::Duration;

use super::check::{CheckOutcome, check};
use super::database_target::secrets;
use super::install::{self, HookOptions, HookSite, Installed};
use super::session::{Session, SessionOptions, Source};
use super::status::{self, ComponentStatus, Host};
use super::target::{command, project_files};
use super::{OpsError, Repository, write_access};
use crate::alembic::{AlembicCommand, CommandKind, Target, run_target, stray_scratch_folders};
use crate::check::Level;
use crate::database::{kept_copies, stray_copies};
use crate::git::GitError;
use crate::journal::{Journal, JournalError, RepositoryLock, StepState, Worktree};
use crate::plan::DatabaseState;
use crate::plan::hook::Hook;
use crate::project::Component;

/// How long alembic may take to say its version.
const LIMIT: Duration = Duration::from_secs(60);

/// How one thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Fine,
    /// Worth knowing, and no harm.
    Note,
    Problem,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// A stable name.
    pub id: &'static str,
    /// `None` for what concerns the whole clone.
    pub component: Option<String>,
    pub verdict: Verdict,
    pub message: String,
    /// The command that mends a problem, or what else to do.
    pub mend: Option<String>,
}

impl Check {
    fn new(id: &'static str, verdict: Verdict, message: impl Into<String>) -> Self {
        Self { id, component: None, verdict, message: message.into(), mend: None }
    }

    fn fine(id: &'static str, message: impl Into<String>) -> Self {
        Self::new(id, Verdict::Fine, message)
    }

    fn note(id: &'static str, message: impl Into<String>) -> Self {
        Self::new(id, Verdict::Note, message)
    }

    fn problem(id: &'static str, message: impl Into<String>, mend: impl Into<String>) -> Self {
        Self { mend: Some(mend.into()), ..Self::new(id, Verdict::Problem, message) }
    }

    fn of(self, component: &Component) -> Self {
        Self { component: Some(component.name.clone()), ..self }
    }
}

/// Everything that was looked at, what concerns the whole clone first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DoctorOutcome {
    pub checks: Vec<Check>,
}

impl DoctorOutcome {
    /// How many things are not right.
    pub fn problems(&self) -> usize {
        self.checks.iter().filter(|check| check.verdict == Verdict::Problem).count()
    }
}

/// Where hooks are, and which program they ought to call.
#[derive(Clone, Copy, Debug)]
pub struct HooksSought<'a> {
    pub site: &'a HookSite,
    pub program: &'a Path,
    /// `DBM_GIT=0` is in the environment.
    pub are_off: bool,
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
    checks.extend(hook_checks(&repository, hooks));
    checks.extend(leftovers(&repository, session.as_ref().ok())?);
    checks.extend(backups(&repository));
    if let Ok(session) = &session {
        let statuses = match session.source {
            Source::WorkingTree => status::status(session, host)?,
            // A bare repository, or `--at`: files that no database goes with.
            Source::Index | Source::Commit(_) => Vec::new(),
        };
        let checked = check(session, None);
        for component in session.components()? {
            let mut found = component_checks(session, component, host)?;
            found.extend(history(&checked, component));
            let status = statuses.iter().find(|status| status.name == component.name);
            found.extend(status.map(database));
            checks.extend(found.into_iter().map(|check| check.of(component)));
        }
    }
    Ok(DoctorOutcome { checks })
}

fn misconfigured(error: &OpsError) -> Check {
    const ID: &str = "configuration";
    match error {
        OpsError::NoComponent { notes } => {
            let reasons: Vec<String> =
                std::iter::once(error.to_string()).chain(notes.iter().cloned()).collect();
            Check::problem(
                ID,
                reasons.join("; "),
                "name it in dbm-git.toml: `[components.default]` with `config` or `script-location`",
            )
        }
        _ => Check::problem(ID, error.to_string(), "mend that file"),
    }
}

fn configuration(session: &Session) -> Result<Vec<Check>, OpsError> {
    let names: Vec<&str> = session.project.components.iter().map(|c| c.name.as_str()).collect();
    let words = counted(names.len(), "component");
    let mut checks = vec![Check::fine("configuration", format!("{words}: {}", names.join(", ")))];
    let notes = &session.project.notes;
    checks.extend(notes.iter().map(|note| Check::note("configuration-note", note)));
    checks.push(match session.upstream() {
        Ok(Some(upstream)) => Check::fine("upstream", &upstream.name),
        Ok(None) => Check::note("upstream", "none, so nothing counts as landed"),
        Err(OpsError::Git(error @ GitError::UnknownUpstream { .. })) => Check::problem(
            "upstream",
            error.to_string(),
            "`git fetch` it, or mend `upstream` in dbm-git.toml",
        ),
        Err(error) => return Err(error),
    });
    Ok(checks)
}

/// The journal, and whether an operation waits in it.
fn journal(repository: &Repository) -> Vec<Check> {
    const OPERATION: &str = "operation";
    let journal = match Journal::open_existing(repository.common_dir()) {
        Ok(journal) => journal,
        Err(error) => {
            let message = super::with_causes(&error);
            return vec![Check::problem(
                "journal",
                message,
                "`dbm-git log` shows what it can read",
            )];
        }
    };
    let readable = match &journal {
        Some(_) => Check::fine("journal", "readable"),
        None => Check::fine("journal", "nothing was done here yet"),
    };
    let operation = match journal.map(|mut journal| waiting(repository, &mut journal)) {
        Some(Err(error)) => {
            Check::problem("journal", error.to_string(), "`dbm-git log` shows what it can read")
        }
        Some(Ok(Some(waiting))) => Check::problem(OPERATION, waiting, "dbm-git recover"),
        Some(Ok(None)) | None if write_access::may_be_open(repository) => Check::note(
            OPERATION,
            "the mark of an operation is there, but none is open; the next change removes it",
        ),
        Some(Ok(None)) | None => Check::fine(OPERATION, "none was interrupted"),
    };
    vec![readable, operation]
}

/// The operation of this worktree that waits for `recover`, in words.
fn waiting(repository: &Repository, journal: &mut Journal) -> Result<Option<String>, JournalError> {
    let worktree = Worktree::new(repository.common_dir(), repository.git_dir());
    if let Some(open) = journal.open_operation(&worktree)? {
        return Ok(Some(format!("operation {} was interrupted ({})", open.id, open.summary)));
    }
    let Some(id) = journal.open_steps(&worktree)? else { return Ok(None) };
    let steps = journal.steps(id)?;
    let done = steps.iter().filter(|s| s.step.state == StepState::Done).count();
    let database = steps.first().map_or(String::new(), |s| format!(" in {}", s.step.database));
    let summary = journal.operation(id)?.summary;
    Ok(Some(format!(
        "operation {id} was interrupted{database} after {done} of {} ({summary})",
        counted(steps.len(), "step")
    )))
}

fn hook_checks(repository: &Repository, hooks: HooksSought<'_>) -> Vec<Check> {
    const FOLDER: &str = "hooks-folder";
    let folder = hooks.site.hooks_folder.display();
    let configured = repository.config("core.hooksPath");
    let mut checks = vec![match configured {
        Some(_) if hooks.site.is_external => Check::note(
            FOLDER,
            format!("{folder}, by core.hooksPath, shared with other repositories"),
        ),
        Some(_) => Check::fine(FOLDER, format!("{folder}, by core.hooksPath")),
        None => Check::fine(FOLDER, folder.to_string()),
    }];
    if hooks.are_off {
        checks.push(Check::note("hooks-off", "DBM_GIT=0 silences all of ours in this shell"));
    }
    // All of them, whatever would be in the way of installing them.
    let options = HookOptions { partial: true, force: true };
    match install::plan(hooks.site, hooks.program, options) {
        Ok(plan) => {
            let found = plan.outcome().hooks;
            checks.extend(found.iter().map(|hook| {
                let off = is_switched_off(repository, hook.hook);
                hook_check(hook.hook, &hook.result, off)
            }));
        }
        Err(error) => checks.push(Check::problem(FOLDER, error.to_string(), "dbm-git install")),
    }
    checks
}

fn hook_check(hook: Hook, found: &Installed, is_off: bool) -> Check {
    const INSTALL: &str = "dbm-git install";
    let id = match hook {
        Hook::PostMerge => "hook-post-merge",
        Hook::PostCommit => "hook-post-commit",
        Hook::PostCheckout => "hook-post-checkout",
        Hook::PostRewrite => "hook-post-rewrite",
        Hook::PrePush => "hook-pre-push",
    };
    match found {
        Installed::AlreadyThere if is_off => {
            Check::note(id, format!("installed, and switched off by git's dbm-git.{}", key(hook)))
        }
        Installed::AlreadyThere => Check::fine(id, "installed"),
        Installed::Created | Installed::BlockAdded => Check::problem(id, "not installed", INSTALL),
        Installed::Updated => {
            Check::problem(id, "of another version, or it calls another dbm-git", INSTALL)
        }
        Installed::Refused { reason, .. } => Check::problem(
            id,
            format!("not installed: {reason}"),
            "`dbm-git install --partial` says what to add by hand",
        ),
    }
}

fn is_switched_off(repository: &Repository, hook: Hook) -> bool {
    let value = repository.config(&format!("dbm-git.{}", key(hook)));
    matches!(value.as_deref(), Some("off" | "false"))
}

/// The hook's name in git's configuration.
fn key(hook: Hook) -> &'static str {
    match hook {
        Hook::PostMerge => "postMerge",
        Hook::PostCommit => "postCommit",
        Hook::PostCheckout => "postCheckout",
        Hook::PostRewrite => "postRewrite",
        Hook::PrePush => "prePush",
    }
}

/// What killed processes have left behind: in git's folder, and beside the scripts.
fn leftovers(repository: &Repository, session: Option<&Session>) -> Result<Vec<Check>, OpsError> {
    let scratch = repository.common_dir().join("dbm-git/scratch");
    let mut found = stray_scratch_folders(&scratch);
    // Whoever is at work right now will clear these away.
    if !RepositoryLock::is_held(repository.common_dir()) {
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
    let Some((first, more)) = found.split_first() else { return Ok(Vec::new()) };
    let others = if more.is_empty() { String::new() } else { format!(" and {} more", more.len()) };
    let paths: Vec<String> = found.iter().map(|path| path.display().to_string()).collect();
    Ok(vec![Check::problem(
        "leftovers",
        format!("{}{others}, of a dbm-git that was killed", first.display()),
        format!("rm -r {}", paths.join(" ")),
    )])
}

/// The copies of databases from before an operation: nobody deletes them unasked.
fn backups(repository: &Repository) -> Option<Check> {
    let folder = repository.common_dir().join("dbm-git/backups");
    let kept = kept_copies(&folder);
    if kept.files == 0 {
        return None;
    }
    let noun = if kept.files == 1 { "copy" } else { "copies" };
    Some(Check::note(
        "backups",
        format!(
            "{} {noun} of databases, {} in {}",
            kept.files,
            sized(kept.bytes),
            folder.display()
        ),
    ))
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
) -> Result<Vec<Check>, OpsError> {
    let mut checks = vec![config(component)];
    checks.extend(locations(session, component)?);
    if session.source == Source::WorkingTree {
        checks.push(alembic(session, component, host));
    }
    Ok(checks)
}

fn config(component: &Component) -> Check {
    match &component.config {
        Some(config) if config.section == "alembic" => {
            Check::fine("config", config.path.to_string())
        }
        Some(config) => Check::fine("config", format!("{} [{}]", config.path, config.section)),
        None => Check::note("config", "none: alembic is not told where the scripts are"),
    }
}

fn locations(session: &Session, component: &Component) -> Result<Vec<Check>, OpsError> {
    let tree = session.tree(&session.source)?;
    let scripts = &component.script_location;
    let mut checks = vec![if tree.read(&scripts.entry("env.py"))?.is_some() {
        Check::fine("script-location", scripts.to_string())
    } else {
        Check::problem(
            "script-location",
            format!("`{scripts}` has no env.py"),
            "alembic init, or `script-location` in dbm-git.toml",
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
        Check::fine("version-locations", all.join(", "))
    } else {
        // git keeps no empty folders, and alembic ignores those that are not there.
        Check::note("version-locations", format!("not there yet: {}", missing.join(", ")))
    });
    Ok(checks)
}

fn history(checked: &Result<CheckOutcome, OpsError>, component: &Component) -> Option<Check> {
    const ID: &str = "history";
    let outcome = match checked {
        Ok(outcome) => outcome,
        Err(error) => return Some(Check::problem(ID, error.to_string(), "dbm-git check")),
    };
    let found = outcome.components.iter().find(|c| c.name == component.name)?;
    let count = |level| found.findings.iter().filter(|f| f.level == level).count();
    let words = counted(found.history.graph.len(), "revision");
    Some(match (count(Level::Error), count(Level::Warning)) {
        (0, 0) => Check::fine(ID, words),
        (0, warnings) => Check::note(ID, format!("{words}, {}", counted(warnings, "warning"))),
        (errors, _) => {
            Check::problem(ID, format!("{words}, {}", counted(errors, "error")), "dbm-git check")
        }
    })
}

fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

fn alembic(session: &Session, component: &Component, host: &Host) -> Check {
    const ID: &str = "alembic";
    let Some(command) = command(session, component, host) else {
        return Check::problem(
            ID,
            "none was found",
            "activate the project's environment, or set `alembic = [..]` in dbm-git.toml",
        );
    };
    let shown = command.shown();
    if Target::of(command.clone(), &project_files(session, component)).is_none() {
        return Check::problem(
            ID,
            format!("{shown}, but no ini for it"),
            "name the ini with `config` in dbm-git.toml",
        );
    }
    let asked = Target::new(about_itself(command), Vec::new()).without(secrets(component, host));
    match run_target(&asked, &["--version"], &[], LIMIT, &mut |_| {}) {
        Ok(answer) => {
            let version = answer.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
            let version = version.split_whitespace().next_back().unwrap_or("of unknown version");
            Check::fine(ID, format!("{shown}, {version}"))
        }
        Err(error) => Check::problem(ID, error.to_string(), "install the project's dependencies"),
    }
}

/// The command that says its version: `flask`, not `flask db`.
fn about_itself(mut command: AlembicCommand) -> AlembicCommand {
    if command.kind == CommandKind::Flask {
        command.arguments.pop();
    }
    command
}

fn database(status: &ComponentStatus) -> Check {
    const ID: &str = "database";
    let mut message = match &status.database {
        Some(database) => format!("{database}, {}", status.state.name()),
        None => status.state.name().to_owned(),
    };
    if let Some(error) = &status.error {
        message += &format!(": {error}");
    }
    match status.state {
        DatabaseState::UpToDate => Check::fine(ID, message),
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
                "" => "start the database, or name another one with --database-url",
                recommended => recommended,
            };
            Check::problem(ID, message, mend)
        }
    }
}
