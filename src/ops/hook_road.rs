//! Two roads by which git comes to call us: files in its hooks folder, and, from
//! git 2.54 on, sections of the clone's configuration. The second one needs
//! nobody's file and no folder, so it is taken where git knows it. Whoever goes
//! one way clears what is left of the other, so that nothing runs twice.

use std::path::{Path, PathBuf};

use super::Repository;
use super::hook_facts::{HooksSought, gather};
use super::install::{
    self, HookOptions, HookSite, InstallError, InstallOutcome, Installed, InstalledHook,
    UninstallOutcome, Uninstalled, UninstalledHook,
};
use crate::plan::hook::{Hook, HookProgram};
use crate::plan::hook_config::{HookSetting, SectionPlan, has_section, plan_section};
use crate::plan::hook_run::{self, Elsewhere, HookFacts};

/// How git comes to call us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookRoad {
    Files,
    Configuration,
}

impl HookRoad {
    /// The better one that the git which is found knows.
    pub fn of(repository: &Repository) -> Self {
        match repository.git_version() {
            Some(git) if git.runs_configured_hooks() => Self::Configuration,
            _ => Self::Files,
        }
    }
}

/// Where hooks live, as git itself says.
pub fn site(repository: &Repository) -> Result<HookSite, InstallError> {
    let folder = repository.hooks_folder(&repository.settings()?)?;
    Ok(HookSite {
        hooks_folder: folder.path,
        git_dir: repository.git_dir().to_path_buf(),
        common_dir: repository.common_dir().to_path_buf(),
        is_external: folder.is_external,
        worktree: (!repository.is_bare()).then(|| repository.root().to_path_buf()),
    })
}

/// What [`install`] would do.
pub fn plan(
    road: HookRoad,
    repository: &Repository,
    sought: HooksSought<'_>,
    options: HookOptions,
) -> Result<InstallOutcome, InstallError> {
    let HooksSought { site, program, .. } = sought;
    match road {
        HookRoad::Files => {
            let called = called_elsewhere(repository, sought)?;
            Ok(install::plan_beside(site, program, options, called)?.outcome())
        }
        HookRoad::Configuration => {
            let plans = plan_sections(&repository.settings()?.hooks(), program)?;
            Ok(outcome(site, &plans))
        }
    }
}

/// Makes git call `program` for each hook.
pub fn install(
    road: HookRoad,
    repository: &Repository,
    sought: HooksSought<'_>,
    options: HookOptions,
) -> Result<InstallOutcome, InstallError> {
    let HooksSought { site, program, .. } = sought;
    let settings = repository.settings()?.hooks();
    match road {
        HookRoad::Files => {
            let called = called_elsewhere(repository, sought)?;
            let outcome = install::install_beside(site, program, options, called)?;
            remove_sections(repository, &settings)?;
            Ok(outcome)
        }
        HookRoad::Configuration => {
            let plans = plan_sections(&settings, program)?;
            for (hook, plan) in &plans {
                write_section(repository, *hook, plan)?;
            }
            if !site.is_external || options.force {
                let options = HookOptions { partial: true, ..options };
                install::uninstall(site, options)?;
            }
            Ok(outcome(site, &plans))
        }
    }
}

/// The hooks that somebody else's call already, and who.
fn called_elsewhere(
    repository: &Repository,
    sought: HooksSought<'_>,
) -> Result<Vec<(Hook, Elsewhere)>, InstallError> {
    let (facts, around) = gather(repository, sought)?;
    let called =
        |facts: &HookFacts| Some((facts.hook, hook_run::called_elsewhere(facts, &around)?));
    Ok(facts.iter().filter_map(called).collect())
}

/// Takes all of ours out, whichever way it came.
pub fn uninstall(
    repository: &Repository,
    site: &HookSite,
    options: HookOptions,
) -> Result<UninstallOutcome, InstallError> {
    let removed = remove_sections(repository, &repository.settings()?.hooks())?;
    let files = match install::uninstall(site, options) {
        // Nothing of ours has ever gone there.
        Err(InstallError::ExternalFolder { .. }) if !removed.is_empty() => absent(site),
        files => files?,
    };
    let hooks = files.hooks.into_iter().map(|found| match found.result {
        Uninstalled::Absent if removed.contains(&found.hook) => {
            UninstalledHook { path: configuration(site), result: Uninstalled::Deleted, ..found }
        }
        _ => found,
    });
    Ok(UninstallOutcome { hooks: hooks.collect() })
}

fn absent(site: &HookSite) -> UninstallOutcome {
    let hook = |hook: Hook| UninstalledHook {
        hook,
        path: site.hooks_folder.join(hook.name()),
        result: Uninstalled::Absent,
    };
    UninstallOutcome { hooks: Hook::ALL.into_iter().map(hook).collect() }
}

fn plan_sections(
    settings: &[HookSetting],
    program: &Path,
) -> Result<Vec<(Hook, SectionPlan)>, InstallError> {
    let program = HookProgram::new(program)?;
    Ok(Hook::ALL.into_iter().map(|hook| (hook, plan_section(settings, hook, &program))).collect())
}

fn write_section(
    repository: &Repository,
    hook: Hook,
    plan: &SectionPlan,
) -> Result<(), InstallError> {
    let SectionPlan::Write { command, replaces } = plan else { return Ok(()) };
    if *replaces {
        repository.remove_hook_section(hook)?;
    }
    Ok(repository.write_hook_section(hook, command)?)
}

fn remove_sections(
    repository: &Repository,
    settings: &[HookSetting],
) -> Result<Vec<Hook>, InstallError> {
    let ours: Vec<Hook> =
        Hook::ALL.into_iter().filter(|hook| has_section(settings, *hook)).collect();
    for hook in &ours {
        repository.remove_hook_section(*hook)?;
    }
    Ok(ours)
}

/// The file that git keeps the clone's configuration in.
fn configuration(site: &HookSite) -> PathBuf {
    site.common_dir.join("config")
}

fn outcome(site: &HookSite, plans: &[(Hook, SectionPlan)]) -> InstallOutcome {
    let hook = |(hook, plan): &(Hook, SectionPlan)| InstalledHook {
        hook: *hook,
        path: configuration(site),
        result: match plan {
            SectionPlan::AlreadyCurrent => Installed::AlreadyThere,
            SectionPlan::Write { replaces: false, .. } => Installed::Configured,
            SectionPlan::Write { replaces: true, .. } => Installed::Updated,
        },
        manager: None,
    };
    let hooks = plans.iter().map(hook).collect();
    InstallOutcome { hooks, lies_in_worktree: false, fragile: Vec::new() }
}
