//! The only file that reads the process's environment and working folder.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::error::CliError;
use crate::ops::ci_base::ci_run as ci_run_of;
use crate::ops::status::Host;
use crate::plan::CiRun;
use crate::plan::hook::HookManager;

/// Makes `-C DIR` the working folder, as git does.
#[expect(clippy::disallowed_methods, reason = "the one place that changes the working folder")]
pub fn enter(directory: Option<&Path>) -> Result<(), CliError> {
    let Some(directory) = directory else { return Ok(()) };
    env::set_current_dir(directory).map_err(|source| {
        CliError::usage(format!("cannot change to `{}`: {source}", directory.display()))
    })
}

/// A variable that is set and not empty.
#[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
pub fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// A variable as text.
pub fn text(name: &str) -> Option<String> {
    variable(name)?.into_string().ok()
}

/// What operations that change a database may know of this process's surroundings.
pub fn host(flags: &super::commands::DatabaseFlags) -> Host {
    let allow_remote = flags.allow_remote;
    Host { allow_remote, ..looking_host(flags.database_url.clone()) }
}

/// The same for those that only look.
pub fn looking_host(database_url: Option<String>) -> Host {
    Host { variable: text, path: search_path(), database_url, allow_remote: false }
}

/// The folders of `PATH`.
pub fn search_path() -> Vec<PathBuf> {
    variable("PATH").map(|path| env::split_paths(&path).collect()).unwrap_or_default()
}

/// The user's folder for what can be made again.
pub fn cache_folder() -> Option<PathBuf> {
    // A relative one is to be ignored (XDG Base Directory Specification).
    let xdg = variable("XDG_CACHE_HOME").map(PathBuf::from).filter(|folder| folder.is_absolute());
    xdg.or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")))
}

/// Whether `DBM_GIT=0` switches the hooks off. Against recursion it is the shim
/// that guards, by `DBM_GIT_IN_HOOK`.
pub fn hooks_are_off() -> bool {
    text("DBM_GIT").as_deref() == Some("0")
}

/// The managers of hooks that a variable silences, with that variable.
pub fn silenced_managers() -> Vec<(HookManager, String)> {
    let switches = [
        (HookManager::Husky, "HUSKY", &["0"][..]),
        (HookManager::Lefthook, "LEFTHOOK", &["0", "false"]),
        (HookManager::SimpleGitHooks, "SKIP_SIMPLE_GIT_HOOKS", &["1"]),
    ];
    let off = |(manager, name, values): (HookManager, &str, &[&str])| {
        let value = text(name).filter(|value| values.contains(&value.as_str()))?;
        Some((manager, format!("{name}={value}")))
    };
    switches.into_iter().filter_map(off).collect()
}

/// What a continuous-integration platform says of this run, if one runs this.
pub fn ci_run() -> Option<CiRun> {
    ci_run_of(text)
}

/// The folder that the process is in.
#[expect(clippy::disallowed_methods, reason = "the one place that looks where we are")]
pub fn folder() -> Option<PathBuf> {
    env::current_dir().ok()
}

/// Whether a continuous-integration system runs this.
pub fn is_ci() -> bool {
    ci_run().is_some()
}

/// Whether the runner of GitHub Actions reads what is printed.
pub fn is_github_actions() -> bool {
    text("GITHUB_ACTIONS").as_deref() == Some("true")
}

/// The file that GitHub Actions shows as the step's summary.
pub fn step_summary() -> Option<PathBuf> {
    variable("GITHUB_STEP_SUMMARY").map(PathBuf::from)
}

/// The path of the running binary.
pub fn binary() -> Option<PathBuf> {
    env::current_exe().ok()
}

/// How long it is since this was called, for whoever times something.
#[expect(clippy::disallowed_methods, reason = "the one clock; operations are given it")]
pub fn stopwatch() -> impl Fn() -> Duration {
    let start = Instant::now();
    move || start.elapsed()
}

/// Seconds since 1970.
#[expect(clippy::disallowed_methods, reason = "the one clock; the core gets times as values")]
pub fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| i64::try_from(elapsed.as_secs()).unwrap_or(i64::MAX))
}

/// The words that this process was called with.
pub fn words() -> Vec<String> {
    env::args_os().map(|word| word.to_string_lossy().into_owned()).collect()
}

/// What was typed, for the journal; without the database URL, which may hold a
/// password.
pub fn command_line() -> String {
    const SECRET: &str = "--database-url";
    let mut text = "dbm-git".to_owned();
    let mut hides_next = false;
    for word in env::args_os().skip(1) {
        let word = word.to_string_lossy();
        text += &match word.strip_prefix(SECRET) {
            _ if hides_next => " ***".to_owned(),
            Some(value) if value.starts_with('=') => format!(" {SECRET}=***"),
            _ => format!(" {word}"),
        };
        hides_next = !hides_next && word == SECRET;
    }
    text
}
