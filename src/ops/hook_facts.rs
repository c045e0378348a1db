//! What decides about our hooks, gathered for the core to judge: git's
//! configuration, its hooks folder and what lies beside, the files of managers.
//! Looks only.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Repository;
use super::install::{HookSite, InstallError};
use crate::git::GitSettings;
use crate::hook_files::{ask_version, find_program, is_same_file, read_hook, read_manager_file};
use crate::plan::hook::{
    FoundHook, Hook, HookCall, HookManager, HookProgram, call_in, interpreter_of,
};
use crate::plan::hook_config::{ConfiguredHooks, configured_hooks};
use crate::plan::hook_run::{
    Beside, HookFacts, HookSurroundings, HooksFolder, ManagerFile, Place, ProgramState,
    configured_program, setting_key,
};

/// Where hooks are, and which program they ought to call.
#[derive(Clone, Copy, Debug)]
pub struct HooksSought<'a> {
    pub site: &'a HookSite,
    pub program: &'a Path,
    /// The folders of `PATH`.
    pub path: &'a [PathBuf],
    /// `DBM_GIT=0` is in the environment.
    pub are_off: bool,
    /// Managers of hooks that a variable silences, with that variable.
    pub silenced: &'a [(HookManager, String)],
}

/// The facts of each hook, and what is the same for all of them.
pub fn gather(
    repository: &Repository,
    sought: HooksSought<'_>,
) -> Result<(Vec<HookFacts>, HookSurroundings), InstallError> {
    let settings = repository.settings()?;
    let folder = repository.hooks_folder(&settings)?;
    let facts = Hook::ALL
        .into_iter()
        .map(|hook| hook_facts(repository, &settings, &folder, hook, sought))
        .collect::<Result<Vec<_>, InstallError>>()?;
    let around = surroundings(repository, folder, &facts, sought)?;
    Ok((facts, around))
}

fn hook_facts(
    repository: &Repository,
    settings: &GitSettings,
    folder: &HooksFolder,
    hook: Hook,
    sought: HooksSought<'_>,
) -> Result<HookFacts, InstallError> {
    let path = folder.path.join(hook.name());
    let found = read_hook(&path)?;
    let lacks_interpreter = match &found {
        FoundHook::File { image, .. } => interpreter_of(&image.bytes)
            .filter(|program| find_program(program, sought.path).is_none()),
        FoundHook::Nothing | FoundHook::Other => None,
    };
    Ok(HookFacts {
        hook,
        configured: configured_hooks(&settings.hooks(), hook),
        beside: beside(repository, folder, &path, hook)?,
        path,
        found,
        lacks_interpreter,
        setting: repository.config(setting_key(hook)),
    })
}

/// The other places where a call of ours may be.
fn beside(
    repository: &Repository,
    folder: &HooksFolder,
    path: &Path,
    hook: Hook,
) -> Result<Vec<Beside>, InstallError> {
    let own = repository.common_dir().join("hooks").join(hook.name());
    let husky = match folder.path.file_name().is_some_and(|name| name == "_") {
        true => folder.path.parent().map(|folder| folder.join(hook.name())),
        false => Some(repository.root().join(".husky").join(hook.name())),
    };
    let places = [
        (Place::Legacy, Some(path.with_extension("legacy"))),
        (Place::Old, Some(path.with_extension("old"))),
        (Place::Husky, husky),
        (Place::OwnFolder, Some(own)),
    ];
    let mut beside = Vec::new();
    for (place, other) in places {
        let Some(other) = other.filter(|other| other != path && !is_same_file(other, path)) else {
            continue;
        };
        match read_hook(&other)? {
            FoundHook::Nothing => {}
            found => beside.push(Beside { place, path: other, found }),
        }
    }
    Ok(beside)
}

fn surroundings(
    repository: &Repository,
    folder: HooksFolder,
    facts: &[HookFacts],
    sought: HooksSought<'_>,
) -> Result<HookSurroundings, InstallError> {
    let version = env!("CARGO_PKG_VERSION");
    let ask = |path: PathBuf| {
        let state = if is_same_file(&path, sought.program) {
            ProgramState::Version(version.to_owned())
        } else {
            ask_version(&path)
        };
        (path, state)
    };
    let programs: BTreeMap<PathBuf, ProgramState> =
        called_programs(facts, &folder).into_iter().map(ask).collect();
    Ok(HookSurroundings {
        folder,
        git: repository.git_version(),
        manager_files: manager_files(repository),
        silenced: sought.silenced.to_vec(),
        programs,
        is_on_path: find_program(Path::new("dbm-git"), sought.path).is_some(),
        program: HookProgram::new(sought.program)?,
        version: version.to_owned(),
    })
}

/// The programs that any hook of ours names, each once. Not those in files of the
/// working tree that git does not run: somebody's commit may have brought those,
/// and asking a program runs it.
fn called_programs(facts: &[HookFacts], folder: &HooksFolder) -> Vec<PathBuf> {
    let is_husky_set_up = folder.path.file_name().is_some_and(|name| name == "_");
    let mut programs = Vec::new();
    for facts in facts {
        let is_run = |beside: &&Beside| beside.place != Place::Husky || is_husky_set_up;
        let files = facts.beside.iter().filter(is_run).map(|beside| &beside.found);
        let files = files.chain([&facts.found]);
        for found in files {
            if let FoundHook::File { image, .. } = found
                && let HookCall::Marked { program } = call_in(&image.bytes, facts.hook)
            {
                programs.extend(program);
            }
        }
        if let ConfiguredHooks::Run(hooks) = &facts.configured {
            programs.extend(hooks.iter().filter_map(|hook| configured_program(&hook.command)));
        }
    }
    programs.sort();
    programs.dedup();
    programs
}

/// The files of the working tree from which managers read what to run.
fn manager_files(repository: &Repository) -> Vec<ManagerFile> {
    const LEFTHOOK: &[HookManager] = &[HookManager::Lefthook];
    const PRE_COMMIT: &[HookManager] = &[HookManager::PreCommit, HookManager::Prek];
    const SIMPLE: &[HookManager] = &[HookManager::SimpleGitHooks];
    let mut names: Vec<(&[HookManager], String)> = Vec::new();
    for stem in ["lefthook", ".lefthook", ".config/lefthook"] {
        for local in ["", "-local"] {
            let name = |end: &str| format!("{stem}{local}.{end}");
            names.extend(["yml", "yaml", "json", "toml"].map(|end| (LEFTHOOK, name(end))));
        }
    }
    names.extend(
        [".pre-commit-config.yaml", ".pre-commit-config.yml"].map(|n| (PRE_COMMIT, n.to_owned())),
    );
    names.push((&[HookManager::Prek], "prek.toml".to_owned()));
    names.extend(
        ["package.json", ".simple-git-hooks.json", "simple-git-hooks.json"]
            .map(|name| (SIMPLE, name.to_owned())),
    );
    let read = |(managers, name): (&'static [HookManager], String)| {
        let text = read_manager_file(&repository.root().join(&name))?;
        Some(ManagerFile { managers, name, text })
    };
    if repository.is_bare() { Vec::new() } else { names.into_iter().filter_map(read).collect() }
}
