//! What of hooks has to be in place: the facts, judged by the core.

use super::super::Repository;
use super::super::hook_facts::{HooksSought, gather};
use super::super::install::InstallError;
use crate::plan::hook_config::ConfiguredHooks;
use crate::plan::hook_run::{HookFacts, HookSurroundings, HooksFolder, judge_hook};
use crate::plan::{Checkup, Mend};

const FOLDER: &str = "hooks-folder";

/// Looks at the folder and at each hook.
pub fn hook_checkups(repository: &Repository, sought: HooksSought<'_>) -> Vec<Checkup> {
    let mut found = Vec::new();
    if sought.are_off {
        let message = "DBM_GIT=0 silences all of ours in this shell";
        found.push(Checkup::warning("hooks-off", message, Mend::command("unset DBM_GIT")));
    }
    match look_at_hooks(repository, sought) {
        Ok(checkups) => found.extend(checkups),
        Err(error) => {
            let message = super::super::with_causes(&error);
            found.push(Checkup::error(FOLDER, message, Mend::command("dbm-git install")));
        }
    }
    found
}

fn look_at_hooks(
    repository: &Repository,
    sought: HooksSought<'_>,
) -> Result<Vec<Checkup>, InstallError> {
    let (facts, around) = gather(repository, sought)?;
    let mut checkups = vec![folder_checkup(&around.folder)];
    if around.git.is_none() {
        let advice = Mend::advice("install git, or put it on PATH");
        checkups.push(Checkup::warning("git", "none was found on PATH", advice));
    }
    checkups.extend(facts.iter().map(|facts| judge_hook(facts, &around)));
    checkups.extend(older_git(repository, &facts, &around, sought));
    Ok(checkups)
}

fn folder_checkup(folder: &HooksFolder) -> Checkup {
    let path = folder.path.display();
    let Some(set_by) = &folder.set_by else { return Checkup::ok(FOLDER, path.to_string()) };
    let shared = if folder.is_external { ", shared with other repositories" } else { "" };
    Checkup::ok(FOLDER, format!("{path}, by {}{shared}", set_by.shown()))
}

/// An older git on `PATH`, which would not run what only the configuration has.
fn older_git(
    repository: &Repository,
    facts: &[HookFacts],
    around: &HookSurroundings,
    sought: HooksSought<'_>,
) -> Option<Checkup> {
    let is_configured = |facts: &HookFacts| match &facts.configured {
        ConfiguredHooks::Run(hooks) => hooks.iter().any(|hook| hook.is_ours(facts.hook)),
        ConfiguredHooks::Fatal { .. } => false,
    };
    if !around.git.is_some_and(|git| git.runs_configured_hooks())
        || !facts.iter().any(is_configured)
    {
        return None;
    }
    let others = sought.path.iter().map(|folder| folder.join("git"));
    let (path, version) = others
        .filter_map(|git| Some((git.clone(), repository.version_of(&git)?)))
        .find(|(_, version)| !version.runs_configured_hooks())?;
    Some(Checkup::warning(
        "older-git",
        format!(
            "{} is git {version}, which runs none of ours from git's configuration",
            path.display()
        ),
        Mend::command("dbm-git install --via files"),
    ))
}
