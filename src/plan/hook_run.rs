//! What git runs for an event, in which order, and whether we are among it: a
//! judgement over facts that others have gathered. Where ours is not called,
//! something here says what silenced it.
//!
//! Ours can be called in several ways (from git's configuration, from the hook's
//! file, from a file that a manager keeps or reads), and each of them can be
//! dead for reasons of its own. One that lives is enough.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::hook::{
    EarlyEnd, FoundHook, Hook, HookCall, HookManager, HookPlan, HookProgram, Unrunnable, call_in,
    ends_before_us, is_own_with_additions, names_us, plan_install, unrunnable,
};
use super::hook_config::{ConfiguredHook, ConfiguredHooks, GitVersion};
use super::hook_manager::names_manifest_hook;
use super::{Checkup, Fix, Mend, shell_word};

const INSTALL: &str = "dbm-git install";

/// Where git looks for hooks' files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HooksFolder {
    /// Absolute; need not exist.
    pub path: PathBuf,
    /// Whether other repositories use it too.
    pub is_external: bool,
    /// The setting that says so; `None` for the folder that git has by itself.
    pub set_by: Option<HooksPath>,
}

/// A value of `core.hooksPath`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HooksPath {
    /// `system`, `global`, `local`, `worktree` or `command`.
    pub scope: String,
    pub value: String,
}

impl HooksPath {
    /// As a message names it.
    pub fn shown(&self) -> String {
        format!("core.hooksPath = `{}` ({})", self.value, self.scope)
    }
}

/// Why a file that git does not look at may hold a call of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// `<hook>.legacy`: pre-commit and prek move there what they find, and run it.
    Legacy,
    /// `<hook>.old`: lefthook moves there what it finds, and does not run it.
    Old,
    /// `.husky/<hook>`, which husky's own hook runs.
    Husky,
    /// git's own folder, while `core.hooksPath` names another one.
    OwnFolder,
}

/// A file that git does not look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Beside {
    pub place: Place,
    pub path: PathBuf,
    pub found: FoundHook,
}

/// A configuration that a manager reads its commands from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagerFile {
    /// Any of these reads it.
    pub managers: &'static [HookManager],
    /// As it is called from the working tree's root.
    pub name: String,
    pub text: String,
}

/// What became of a program that one of our hooks calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProgramState {
    Missing,
    /// Its version, as it says itself.
    Version(String),
    /// It cannot say its version.
    Broken(String),
}

/// What is the same for all events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookSurroundings {
    pub folder: HooksFolder,
    /// `None` where no git can be run.
    pub git: Option<GitVersion>,
    pub manager_files: Vec<ManagerFile>,
    /// Managers that a variable silences, with that variable.
    pub silenced: Vec<(HookManager, String)>,
    /// Those that hooks of ours name.
    pub programs: BTreeMap<PathBuf, ProgramState>,
    /// Whether `PATH` has a dbm-git for hooks whose own is gone.
    pub is_on_path: bool,
    /// The program that is running, and its version.
    pub program: HookProgram,
    pub version: String,
}

/// What decides about one event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookFacts {
    pub hook: Hook,
    pub configured: ConfiguredHooks,
    pub path: PathBuf,
    pub found: FoundHook,
    /// The interpreter of the file, where that is not on this machine.
    pub lacks_interpreter: Option<PathBuf>,
    pub beside: Vec<Beside>,
    /// What this clone's `dbm-git.<hook>` says.
    pub setting: Option<String>,
}

/// One way in which ours could be called.
struct Way {
    /// In the words that come after "ours runs".
    words: String,
    program: Option<PathBuf>,
    /// Why git never comes there.
    dead: Option<Dead>,
    doubt: Option<String>,
}

/// Why a call of ours is never reached, and what brings it back.
struct Dead {
    reason: String,
    mend: Mend,
    fix: Option<Fix>,
}

impl Dead {
    fn reinstall(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), mend: Mend::command(INSTALL), fix: Some(Fix::InstallHooks) }
    }

    fn by(reason: impl Into<String>, command: impl Into<String>) -> Self {
        Self { reason: reason.into(), mend: Mend::command(command), fix: None }
    }
}

impl Way {
    fn new(words: impl Into<String>, program: Option<PathBuf>, dead: Option<Dead>) -> Self {
        Self { words: words.into(), program, dead, doubt: None }
    }
}

/// The name of an event's check.
pub fn checkup_id(hook: Hook) -> &'static str {
    match hook {
        Hook::PostMerge => "hook-post-merge",
        Hook::PostCommit => "hook-post-commit",
        Hook::PostCheckout => "hook-post-checkout",
        Hook::PostRewrite => "hook-post-rewrite",
        Hook::PrePush => "hook-pre-push",
    }
}

/// Judges one event.
pub fn judge_hook(facts: &HookFacts, around: &HookSurroundings) -> Checkup {
    let checkup = judge_ways(facts, around);
    Checkup { runs: runs(facts, around), ..checkup }
}

fn judge_ways(facts: &HookFacts, around: &HookSurroundings) -> Checkup {
    let id = checkup_id(facts.hook);
    if let Some((reason, mend)) = fatal(facts, around) {
        return Checkup::error(id, reason, mend);
    }
    let ways = ways(facts, around);
    let (living, dead): (Vec<&Way>, Vec<&Way>) = ways.iter().partition(|way| way.dead.is_none());
    let Some(way) = living.first() else {
        let dead = dead.into_iter().find_map(|way| way.dead.as_ref());
        return match dead {
            Some(dead) => with_fix(
                Checkup::error(id, dead.reason.clone(), dead.mend.clone()),
                dead.fix.as_ref(),
            ),
            None => not_installed(id, facts, around),
        };
    };
    if let Some(found) = judge_setting(id, facts) {
        return found;
    }
    if let Some(found) = living.iter().find_map(|way| judge_program(id, way, around)) {
        return found;
    }
    if let [one, other, ..] = living.as_slice() {
        let message = format!("ours runs twice: {}, and {}", one.words, other.words);
        return Checkup::warning(id, message, Mend::advice("take one of them out"));
    }
    if let Some(doubt) = &way.doubt {
        return Checkup::warning(id, doubt.clone(), Mend::command(reinstall()));
    }
    if is_outdated(facts, around) {
        let message = match &facts.found {
            FoundHook::File { image, .. } if is_own_with_additions(&image.bytes) => {
                "ours runs, and below it what somebody has added, which DBM_GIT=0 switches off too"
            }
            _ => "ours runs, as another version has written it",
        };
        return Checkup::warning(id, message, Mend::command(INSTALL)).fixed_by(Fix::InstallHooks);
    }
    Checkup::ok(id, format!("ours runs, {}", way.words))
}

/// The key of the setting that says what a hook may do in this clone.
pub fn setting_key(hook: Hook) -> &'static str {
    match hook {
        Hook::PostMerge => "dbm-git.postMerge",
        Hook::PostCommit => "dbm-git.postCommit",
        Hook::PostCheckout => "dbm-git.postCheckout",
        Hook::PostRewrite => "dbm-git.postRewrite",
        Hook::PrePush => "dbm-git.prePush",
    }
}

fn judge_setting(id: &'static str, facts: &HookFacts) -> Option<Checkup> {
    const KNOWN: [&str; 4] = ["report", "sync", "strict", "true"];
    let (key, value) = (setting_key(facts.hook), facts.setting.as_deref()?);
    let message = match value {
        "off" | "false" => format!("ours does nothing: git's {key} is {value}"),
        _ if KNOWN.contains(&value) => return None,
        _ => format!("git's {key} is `{value}`, which means nothing: off, report or sync would"),
    };
    Some(Checkup::warning(id, message, Mend::command(format!("git config --unset {key}"))))
}

fn with_fix(checkup: Checkup, fix: Option<&Fix>) -> Checkup {
    Checkup { fix: fix.cloned(), ..checkup }
}

fn reinstall() -> String {
    format!("dbm-git uninstall && {INSTALL}")
}

/// What ends every command of git that would run this hook.
fn fatal(facts: &HookFacts, around: &HookSurroundings) -> Option<(String, Mend)> {
    if let ConfiguredHooks::Fatal { name, reason } = &facts.configured
        && reads_configuration(around)
    {
        let message = format!("git runs no hook at all: hook.{name} {reason}");
        let command = format!("git config --remove-section hook.{name}");
        return Some((message, Mend::command(command)));
    }
    None
}

fn reads_configuration(around: &HookSurroundings) -> bool {
    around.git.is_some_and(GitVersion::runs_configured_hooks)
}

fn not_installed(id: &'static str, facts: &HookFacts, around: &HookSurroundings) -> Checkup {
    if around.folder.is_external && !reads_configuration(around) {
        let set_by = around.folder.set_by.as_ref().map(HooksPath::shown).unwrap_or_default();
        let message = format!("not installed: {set_by} names a folder of other repositories too");
        let advice = format!(
            "`{INSTALL} --force` adds ours to the hooks of all of them; `git config core.hooksPath` \
             gives this repository a folder of its own"
        );
        return Checkup::error(id, message, Mend::advice(advice));
    }
    if facts.found == FoundHook::Other && !reads_configuration(around) {
        let path = facts.path.display();
        let message = format!("not installed: `{path}` is no file, or a link to nowhere");
        let command = format!("rm -r {} && {INSTALL}", shell_word(&facts.path));
        return Checkup::error(id, message, Mend::command(command));
    }
    match plan_install(&facts.found, facts.hook, &around.program) {
        HookPlan::Refuse { reason, .. } if !reads_configuration(around) => {
            let command = format!("{INSTALL} --partial");
            let advice = format!("`{command}` says what to add by hand");
            Checkup::error(id, format!("not installed: {reason}"), Mend::advice(advice))
        }
        _ => {
            Checkup::error(id, "not installed", Mend::command(INSTALL)).fixed_by(Fix::InstallHooks)
        }
    }
}

fn is_outdated(facts: &HookFacts, around: &HookSurroundings) -> bool {
    let HookCall::Marked { program } = call_of(&facts.found, facts.hook) else { return false };
    let program = program.and_then(|path| HookProgram::new(&path).ok());
    let same = program.unwrap_or_else(|| around.program.clone());
    matches!(plan_install(&facts.found, facts.hook, &same), HookPlan::Update(_))
}

/// What is to be said of the program that a living call names.
fn judge_program(id: &'static str, way: &Way, around: &HookSurroundings) -> Option<Checkup> {
    let path = way.program.as_ref()?;
    let shown = path.display();
    let install = || Mend::command(INSTALL);
    let checkup = match around.programs.get(path)? {
        ProgramState::Version(version) if *version == around.version => return None,
        ProgramState::Version(version) => Checkup::warning(
            id,
            format!("ours runs `{shown}`, version {version}; this is {}", around.version),
            install(),
        ),
        ProgramState::Missing if around.is_on_path => Checkup::warning(
            id,
            format!("`{shown}` is gone, the dbm-git on PATH runs instead"),
            install(),
        ),
        ProgramState::Missing => {
            Checkup::error(id, format!("`{shown}` is gone, so ours does nothing"), install())
        }
        ProgramState::Broken(reason) => {
            Checkup::error(id, format!("`{shown}` does not run: {reason}"), install())
        }
    };
    Some(checkup.fixed_by(Fix::InstallHooks))
}

/// Where ours is called already, other than from the hook's own file or from
/// git's configuration: one more call would be one too many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Elsewhere {
    /// In the file to which a manager has moved what it found, and which it runs.
    Moved(PathBuf),
    /// In a file of somebody's own.
    By(String),
}

/// Finds such a call.
pub fn called_elsewhere(facts: &HookFacts, around: &HookSurroundings) -> Option<Elsewhere> {
    let living = |way: &Way| way.dead.is_none();
    let beside = facts.beside.iter().find_map(|beside| {
        let way = beside_way(beside, facts, around).filter(living)?;
        Some(match beside.place {
            Place::Legacy => Elsewhere::Moved(beside.path.clone()),
            Place::Old | Place::Husky | Place::OwnFolder => Elsewhere::By(way.words),
        })
    });
    let managed = || manager_ways(facts, around).into_iter().find(living);
    beside.or_else(|| managed().map(|way| Elsewhere::By(way.words)))
}

/// Every place that calls us, the likeliest to be meant first.
fn ways(facts: &HookFacts, around: &HookSurroundings) -> Vec<Way> {
    let mut ways = configured_ways(facts, around);
    ways.extend(file_way(facts, around));
    ways.extend(facts.beside.iter().filter_map(|beside| beside_way(beside, facts, around)));
    ways.extend(manager_ways(facts, around));
    ways
}

fn configured_ways(facts: &HookFacts, around: &HookSurroundings) -> Vec<Way> {
    let ConfiguredHooks::Run(hooks) = &facts.configured else { return Vec::new() };
    let way = |hook: &ConfiguredHook| {
        let dead = match (&hook.off_by, around.git) {
            (_, Some(git)) if !git.runs_configured_hooks() => Some(Dead::reinstall(format!(
                "hook.{} is in git's configuration, and git {git} runs none from there",
                hook.name
            ))),
            (Some(key), _) => Some(Dead::by(
                format!("switched off by git's {key}"),
                format!("git config {key} true"),
            )),
            (None, _) => None,
        };
        Way::new("from git's configuration", configured_program(&hook.command), dead)
    };
    hooks.iter().filter(|hook| hook.is_ours(facts.hook)).map(way).collect()
}

/// The program in a command of ours: `… test -x '/a/b'; …`.
pub fn configured_program(command: &str) -> Option<PathBuf> {
    let (_, rest) = command.split_once("test -x '")?;
    let (path, _) = rest.split_once("'; then")?;
    Some(path.replace(r"'\''", "'").into())
}

fn call_of(found: &FoundHook, hook: Hook) -> HookCall {
    match found {
        FoundHook::File { image, .. } => call_in(&image.bytes, hook),
        FoundHook::Nothing | FoundHook::Other => HookCall::Absent,
    }
}

fn manager_of(found: &FoundHook) -> Option<HookManager> {
    match found {
        FoundHook::File { image, .. } => HookManager::recognise(&image.bytes),
        FoundHook::Nothing | FoundHook::Other => None,
    }
}

/// Whether git ignores the hook's file, or fails over it.
fn file_trouble(facts: &HookFacts) -> Option<Dead> {
    let (path, word) = (facts.path.display(), shell_word(&facts.path));
    match unrunnable(&facts.found) {
        Some(Unrunnable::NotAFile) => {
            return Some(Dead::by(
                format!("`{path}` is no file, so git runs nothing"),
                format!("rm -r {word}"),
            ));
        }
        Some(Unrunnable::NotExecutable) => {
            let reason = format!("`{path}` is not executable, so git ignores it");
            return Some(Dead::by(reason, format!("chmod +x {word}")));
        }
        Some(Unrunnable::CrlfShebang) => {
            let reason = format!("the first line of `{path}` ends in CRLF, so git cannot run it");
            return Some(Dead::by(reason, format!("sed -i 's/\\r$//' {word}")));
        }
        None => {}
    }
    let interpreter = facts.lacks_interpreter.as_ref()?.display();
    Some(Dead {
        reason: format!("`{path}` wants `{interpreter}`, which is not on this machine"),
        mend: Mend::advice(format!("install {interpreter}, or change the first line")),
        fix: None,
    })
}

fn file_way(facts: &HookFacts, around: &HookSurroundings) -> Option<Way> {
    let FoundHook::File { image, .. } = &facts.found else { return None };
    let path = facts.path.display();
    let program = match call_in(&image.bytes, facts.hook) {
        HookCall::Absent => return None,
        HookCall::Damaged => {
            let reason = format!("our marker lines in `{path}` are incomplete or doubled");
            let advice = format!("take all of our lines out of {path}, then `{INSTALL}`");
            let dead = Dead { reason, mend: Mend::advice(advice), fix: None };
            return Some(Way::new("", None, Some(dead)));
        }
        HookCall::Marked { program } => program,
        HookCall::ByHand => None,
    };
    // Its command comes after its switch; our block would come before.
    let is_copied =
        program.is_none() && manager_of(&facts.found) == Some(HookManager::SimpleGitHooks);
    let off = is_copied.then(|| silenced(HookManager::SimpleGitHooks, around)).flatten();
    let end = ends_before_us(&image.bytes, facts.hook);
    let unreached = |end: &EarlyEnd| format!("ours in `{path}` comes after `{}`", end.line);
    let dead = file_trouble(facts)
        .map(|dead| own_file_is_mended_by_install(facts, dead))
        .or(off)
        .or_else(|| {
            let end = end.as_ref().filter(|end| end.is_certain)?;
            Some(Dead::by(format!("{}, and is never reached", unreached(end)), reinstall()))
        });
    let words = match (manager_of(&facts.found), is_own(facts)) {
        (_, true) => "alone".to_owned(),
        (Some(manager), false) => format!("then {}", manager.name()),
        (None, false) => "with the rest of that file".to_owned(),
    };
    let doubt = end.map(|end| format!("{}, and may not be reached", unreached(&end)));
    Some(Way { doubt, ..Way::new(words, program, dead) })
}

/// Whether the hook's file would be the same if there had been none before ours.
fn is_own(facts: &HookFacts) -> bool {
    matches!(super::hook::plan_uninstall(&facts.found), super::hook::HookRemoval::Delete)
}

fn own_file_is_mended_by_install(facts: &HookFacts, dead: Dead) -> Dead {
    let executable = unrunnable(&facts.found) == Some(Unrunnable::NotExecutable);
    if executable && is_own(facts) { Dead::reinstall(dead.reason) } else { dead }
}

fn beside_way(beside: &Beside, facts: &HookFacts, around: &HookSurroundings) -> Option<Way> {
    let program = match call_of(&beside.found, facts.hook) {
        HookCall::Absent | HookCall::Damaged => return None,
        HookCall::Marked { program } => program,
        HookCall::ByHand => None,
    };
    let path = beside.path.display();
    let manager = manager_of(&facts.found);
    let not_run_by = |names: &str| {
        let reason = format!("ours is in `{path}`, which only {names} runs, and it is not set up");
        Some(Dead::reinstall(reason))
    };
    let (words, dead) = match beside.place {
        Place::Legacy => {
            let is_runnable = unrunnable(&beside.found).is_none();
            let dead = match manager {
                Some(HookManager::PreCommit | HookManager::Prek) if is_runnable => {
                    file_trouble(facts)
                }
                Some(HookManager::PreCommit | HookManager::Prek) => Some(Dead::by(
                    format!("ours is in `{path}`, which is not executable"),
                    format!("chmod +x {}", shell_word(&beside.path)),
                )),
                _ => not_run_by("pre-commit or prek"),
            };
            (called_by(manager, "from *.legacy"), dead)
        }
        Place::Old => {
            let reason = format!("lefthook has moved ours to `{path}`, which nobody runs");
            (String::new(), Some(Dead::reinstall(reason)))
        }
        Place::Husky => {
            let dead = match manager {
                Some(HookManager::Husky) => {
                    silenced(HookManager::Husky, around).or_else(|| file_trouble(facts))
                }
                _ => not_run_by("husky"),
            };
            (called_by(manager, "from .husky"), dead)
        }
        Place::OwnFolder => {
            let set_by = around.folder.set_by.as_ref().map(HooksPath::shown).unwrap_or_default();
            let reason = format!("ours is in `{path}`, and {set_by} leads elsewhere");
            let dead = if around.folder.is_external && !reads_configuration(around) {
                let own = beside.path.parent().unwrap_or(Path::new(""));
                Dead::by(reason, back_to(own, around.folder.set_by.as_ref()))
            } else {
                Dead::reinstall(reason)
            };
            (String::new(), Some(dead))
        }
    };
    Some(Way::new(words, program, dead))
}

/// The command by which git looks into its own folder again.
fn back_to(own: &Path, set_by: Option<&HooksPath>) -> String {
    match set_by.map(|set| set.scope.as_str()) {
        Some("local") => "git config --unset core.hooksPath".to_owned(),
        Some("worktree") => "git config --worktree --unset core.hooksPath".to_owned(),
        // Others want what is set for all of them.
        _ => format!("git config core.hooksPath {}", shell_word(own)),
    }
}

fn called_by(manager: Option<HookManager>, place: &str) -> String {
    let manager = manager.map_or("somebody", HookManager::name);
    format!("called by {manager} {place}")
}

fn silenced(manager: HookManager, around: &HookSurroundings) -> Option<Dead> {
    let (_, variable) = around.silenced.iter().find(|(silenced, _)| *silenced == manager)?;
    let name = variable.split('=').next().unwrap_or(variable);
    Some(Dead::by(
        format!("{} would call ours, and {variable} silences it", manager.name()),
        format!("unset {name}"),
    ))
}

fn manager_ways(facts: &HookFacts, around: &HookSurroundings) -> Vec<Way> {
    let installed = manager_of(&facts.found);
    let way = |file: &ManagerFile| {
        // Not one that copies its commands into the hooks, as simple-git-hooks does.
        let reads_it = |manager: &HookManager| *manager != HookManager::SimpleGitHooks;
        let running = installed.filter(reads_it).filter(|m| file.managers.contains(m));
        let dead = match running {
            Some(manager) => silenced(manager, around).or_else(|| file_trouble(facts)),
            None => {
                let manager = file.managers[0];
                let reason = format!(
                    "`{}` names ours, and {} has not set this hook up",
                    file.name,
                    manager.name()
                );
                Some(Dead::by(reason, setup_command(manager, facts.hook)))
            }
        };
        Way::new(called_by(running, &format!("from {}", file.name)), None, dead)
    };
    let has_manifest = |file: &ManagerFile| file.managers.contains(&HookManager::Prek);
    let names = |file: &&ManagerFile| {
        names_us(&file.text, facts.hook)
            || has_manifest(file) && names_manifest_hook(&file.text, facts.hook)
    };
    let is_copied = |file: &&ManagerFile| {
        file.managers.contains(&HookManager::SimpleGitHooks)
            && call_of(&facts.found, facts.hook) != HookCall::Absent
    };
    let files = around.manager_files.iter().filter(names).filter(|file| !is_copied(file));
    files.map(way).collect()
}

/// What makes a manager write its file for the event.
fn setup_command(manager: HookManager, hook: Hook) -> String {
    match manager {
        HookManager::PreCommit => format!("pre-commit install -t {hook}"),
        HookManager::Prek => format!("prek install -t {hook}"),
        HookManager::Lefthook => "lefthook install".to_owned(),
        HookManager::Husky => "npx husky".to_owned(),
        HookManager::SimpleGitHooks => "npx simple-git-hooks".to_owned(),
        HookManager::GitLfs => "git lfs install".to_owned(),
    }
}

/// What git runs for the event, in its order.
fn runs(facts: &HookFacts, around: &HookSurroundings) -> Vec<String> {
    let mut runs = Vec::new();
    if let (ConfiguredHooks::Run(hooks), true) = (&facts.configured, reads_configuration(around)) {
        let on = hooks.iter().filter(|hook| hook.off_by.is_none());
        runs.extend(on.map(|hook| match hook.is_ours(facts.hook) {
            true => format!("ours: hook.{} of git's configuration", hook.name),
            false => format!("hook.{} of git's configuration", hook.name),
        }));
    }
    if !matches!(facts.found, FoundHook::File { .. }) || file_trouble(facts).is_some() {
        return runs;
    }
    let path = facts.path.display();
    let file = match manager_of(&facts.found) {
        Some(manager) => format!("{path} ({})", manager.name()),
        None => path.to_string(),
    };
    if file_way(facts, around).is_some_and(|way| way.dead.is_none()) {
        runs.push(format!("ours: {path}"));
    }
    let within = facts.beside.iter().filter_map(|beside| {
        let way = beside_way(beside, facts, around)?;
        way.dead.is_none().then(|| format!("ours: {}, called by {file}", beside.path.display()))
    });
    runs.extend(within);
    let managed = manager_ways(facts, around).into_iter().filter(|way| way.dead.is_none());
    runs.extend(managed.map(|way| format!("ours: {}", way.words)));
    if !is_own(facts) {
        runs.push(file);
    }
    runs
}

#[cfg(test)]
mod tests {
    use super::super::Image;
    use super::super::hook_config::{HookSetting, configured_command, configured_hooks};
    use super::*;

    const FOLDER: &str = "/r/.git/hooks";

    fn program() -> HookProgram {
        HookProgram::new(Path::new("/opt/dbm-git")).expect("a path that can be baked in")
    }

    fn around() -> HookSurroundings {
        HookSurroundings {
            folder: HooksFolder { path: FOLDER.into(), is_external: false, set_by: None },
            git: GitVersion::parse("git version 2.54.0"),
            manager_files: Vec::new(),
            silenced: Vec::new(),
            programs: BTreeMap::new(),
            is_on_path: false,
            program: program(),
            version: "1.0.0".to_owned(),
        }
    }

    fn script(text: &str) -> FoundHook {
        FoundHook::File { image: Image { bytes: text.into(), mode: 0o755 }, link: None }
    }

    fn facts(found: FoundHook) -> HookFacts {
        HookFacts {
            hook: Hook::PostMerge,
            configured: ConfiguredHooks::Run(Vec::new()),
            path: format!("{FOLDER}/post-merge").into(),
            found,
            lacks_interpreter: None,
            beside: Vec::new(),
            setting: None,
        }
    }

    fn ours() -> FoundHook {
        match plan_install(&FoundHook::Nothing, Hook::PostMerge, &program()) {
            HookPlan::Create(image) => FoundHook::File { image, link: None },
            other => panic!("{other:?}"),
        }
    }

    fn beside(place: Place, end: &str) -> Beside {
        Beside { place, path: format!("{FOLDER}/post-merge{end}").into(), found: ours() }
    }

    const PRE_COMMIT: &str = "#!/bin/sh\n# File generated by pre-commit\nexec pre-commit\n";
    const LEFTHOOK: &str = "#!/bin/sh\ncall_lefthook run \"post-merge\" \"$@\"\n";

    #[track_caller]
    fn check(facts: &HookFacts, around: &HookSurroundings, expected: &str) {
        let found = judge_hook(facts, around);
        let mend = match found.mend {
            None => String::new(),
            Some(Mend::Command(command)) => format!(" | {command}"),
            Some(Mend::Advice(advice)) => format!(" | to do: {advice}"),
        };
        assert_eq!(format!("{:?}: {}{mend}", found.state, found.message), expected);
    }

    fn configured(extra: &[(&str, &str)]) -> HookFacts {
        let command = configured_command(Hook::PostMerge, &program());
        let own = [
            ("hook.dbm-git-post-merge.command", command.as_str()),
            ("hook.dbm-git-post-merge.event", "post-merge"),
        ];
        let settings: Vec<HookSetting> = own
            .iter()
            .chain(extra)
            .map(|(key, value)| HookSetting {
                scope: "local".to_owned(),
                key: (*key).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        let configured = configured_hooks(&settings, Hook::PostMerge);
        HookFacts { configured, ..facts(FoundHook::Nothing) }
    }

    #[test]
    fn a_hook_of_the_configuration_runs_where_git_knows_them() {
        check(&configured(&[]), &around(), "Ok: ours runs, from git's configuration");
        let old = HookSurroundings { git: GitVersion::parse("git version 2.47.3"), ..around() };
        check(
            &configured(&[]),
            &old,
            "Error: hook.dbm-git-post-merge is in git's configuration, and git 2.47 runs none from \
             there | dbm-git install",
        );
        for key in ["hook.dbm-git-post-merge.enabled", "hook.post-merge.enabled"] {
            check(
                &configured(&[(key, "false")]),
                &around(),
                &format!("Error: switched off by git's {key} | git config {key} true"),
            );
        }
        check(
            &configured(&[("hook.lint.event", "pre-push")]),
            &around(),
            "Error: git runs no hook at all: hook.lint has an event and no command \
             | git config --remove-section hook.lint",
        );
        let reset = configured(&[("hook.dbm-git-post-merge.event", "")]);
        check(&reset, &around(), "Error: not installed | dbm-git install");
    }

    #[test]
    fn ours_of_both_roads_would_run_twice() {
        let both = HookFacts { found: ours(), ..configured(&[]) };
        check(
            &both,
            &around(),
            "Warning: ours runs twice: from git's configuration, and alone \
             | to do: take one of them out",
        );
        let runs = judge_hook(&both, &around()).runs;
        let expected = [
            "ours: hook.dbm-git-post-merge of git's configuration".to_owned(),
            format!("ours: {FOLDER}/post-merge"),
        ];
        assert_eq!(runs, expected);
    }

    #[test]
    fn what_was_moved_aside_lives_with_pre_commit_and_is_dead_with_lefthook() {
        let legacy = || vec![beside(Place::Legacy, ".legacy")];
        let moved = HookFacts { beside: legacy(), ..facts(script(PRE_COMMIT)) };
        check(&moved, &around(), "Ok: ours runs, called by pre-commit from *.legacy");
        let gone = HookFacts { beside: legacy(), ..facts(script("#!/bin/sh\nmake\n")) };
        check(
            &gone,
            &around(),
            "Error: ours is in `/r/.git/hooks/post-merge.legacy`, which only pre-commit or prek \
             runs, and it is not set up | dbm-git install",
        );
        let old = vec![beside(Place::Old, ".old")];
        let moved = HookFacts { beside: old, ..facts(script(LEFTHOOK)) };
        check(
            &moved,
            &around(),
            "Error: lefthook has moved ours to `/r/.git/hooks/post-merge.old`, which nobody runs \
             | dbm-git install",
        );
    }

    #[test]
    fn below_a_template_that_ends_in_exec_ours_is_never_reached() {
        let appended = format!("{PRE_COMMIT}dbm-git hook post-merge\n");
        check(
            &facts(script(&appended)),
            &around(),
            "Error: ours in `/r/.git/hooks/post-merge` comes after `exec pre-commit`, and is never \
             reached | dbm-git uninstall && dbm-git install",
        );
        let redirected = "#!/bin/sh\nexec 2>&1\ndbm-git hook post-merge\n";
        check(&facts(script(redirected)), &around(), "Ok: ours runs, with the rest of that file");
    }

    #[test]
    fn a_manager_that_is_told_to_call_us_has_to_be_set_up_and_not_silenced() {
        let text = "post-merge:\n  commands:\n    ours:\n      run: dbm-git hook post-merge {0}\n";
        let file = ManagerFile {
            managers: &[HookManager::Lefthook],
            name: "lefthook.yml".to_owned(),
            text: text.to_owned(),
        };
        let told = HookSurroundings { manager_files: vec![file], ..around() };
        let set_up = facts(script(LEFTHOOK));
        check(&set_up, &told, "Ok: ours runs, called by lefthook from lefthook.yml");
        check(
            &facts(FoundHook::Nothing),
            &told,
            "Error: `lefthook.yml` names ours, and lefthook has not set this hook up \
             | lefthook install",
        );
        let off = vec![(HookManager::Lefthook, "LEFTHOOK=0".to_owned())];
        check(
            &set_up,
            &HookSurroundings { silenced: off, ..told },
            "Error: lefthook would call ours, and LEFTHOOK=0 silences it | unset LEFTHOOK",
        );
    }
}
