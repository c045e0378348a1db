//! Finds environments that nobody declared: config files by their names and
//! sections, and, where none leads anywhere, script folders by what they hold.

use std::collections::BTreeSet;

use super::component::ConfigSource;
use super::environment::{Environment, EnvironmentError, Overrides, PYPROJECT, Reader};
use super::ini::Ini;
use super::location::Located;
use super::options::AlembicOptions;
use crate::tree::{Entry, EntryKind, RepoPath, Tree, TreeError};

/// Folders that hold other people's files, or generated ones.
const PRUNED: [&str; 7] =
    ["node_modules", "site-packages", "__pycache__", "target", "dist", "build", "venv"];

/// The environments of the repository and what could not be made sense of.
///
/// A commit's own scripts count first: an untracked config that leads to a
/// folder of the commit is one of its configs, but folders that only the
/// working tree has are looked at only if the commit has no environment.
pub fn discover(
    reader: &Reader<'_>,
    tree: &dyn Tree,
) -> Result<(Vec<Environment>, Vec<String>), TreeError> {
    let mut notes = Vec::new();
    let mut of_commit = Vec::new();
    let mut of_fallback = Vec::new();
    for config in configs(reader, &mut notes)? {
        let overrides = Overrides::default();
        let found = match reader.resolve(&config, tree, &overrides) {
            Err(EnvironmentError::Nowhere { .. } | EnvironmentError::NoScriptLocation { .. })
                if reader.configs.lower.is_some() =>
            {
                let found = reader.resolve(&config, &reader.configs, &overrides);
                found.map(|environment| (&mut of_fallback, environment))
            }
            found => found.map(|environment| (&mut of_commit, environment)),
        };
        match found {
            Ok((list, environment)) => add(list, environment),
            Err(EnvironmentError::Tree(error)) => return Err(error),
            Err(error) => notes.push(note(&config, &error)),
        }
    }
    let mut environments = of_commit;
    if environments.is_empty() {
        environments = script_folders(tree)?;
    }
    if environments.is_empty() {
        environments = of_fallback;
    }
    if environments.is_empty()
        && let Some(fallback) = reader.configs.lower
    {
        environments = script_folders(fallback)?;
    }
    for environment in &environments {
        notes.extend(doubts(environment, &reader.configs)?);
    }
    let mut seen = BTreeSet::new();
    notes.retain(|note| seen.insert(note.clone()));
    Ok((environments, notes))
}

/// What may be wrong with an environment that was found: version locations
/// outside of the repository, or scripts that only code can have made known.
pub fn doubts(environment: &Environment, tree: &dyn Tree) -> Result<Vec<String>, TreeError> {
    let Some(config) = &environment.config else { return Ok(Vec::new()) };
    let located = &environment.located;
    let mut notes: Vec<String> = located
        .lost
        .iter()
        .map(|text| {
            format!("`{}`: version location `{text}` is nowhere in the repository", config.path)
        })
        .collect();
    let by_default = environment.options.version_locations.is_none()
        && located.version_locations == [located.script_location.entry("versions")];
    if by_default && !environment.options.recursive {
        let folders = usual_version_locations(tree, &located.script_location)?;
        if folders != located.version_locations {
            notes.push(format!(
                "`{}` holds no script, but folders below it do: \
                 `version-locations` can name them, if env.py does",
                located.version_locations[0]
            ));
        }
    }
    Ok(notes)
}

fn note(config: &ConfigSource, error: &EnvironmentError) -> String {
    match error {
        EnvironmentError::Invalid { file, line: Some(line), reason } => {
            format!("`{file}` line {line}: {reason}")
        }
        EnvironmentError::Invalid { file, line: None, reason } => format!("`{file}`: {reason}"),
        EnvironmentError::Nowhere { line: Some(line), .. }
        | EnvironmentError::NoVersionLocation { line: Some(line), .. } => {
            format!("`{}` line {line}: {error}", config.path)
        }
        _ => format!("`{}`: {error}", config.path),
    }
}

/// Two configs for the same scripts (a sample beside the real one) are one environment.
fn add(list: &mut Vec<Environment>, new: Environment) {
    let same = |old: &Environment| {
        old.located.script_location == new.located.script_location
            && old.located.version_locations == new.located.version_locations
    };
    if !list.iter().any(same) {
        list.push(new);
    }
}

/// Every section of every config file that may describe an environment.
fn configs(reader: &Reader<'_>, notes: &mut Vec<String>) -> Result<Vec<ConfigSource>, TreeError> {
    let mut found = Found::default();
    walk(&reader.configs, &RepoPath::root(), &mut found)?;
    let mut configs = Vec::new();
    for path in found.configs {
        let source = |section: &str| ConfigSource { path: path.clone(), section: section.into() };
        if path.file_name() == PYPROJECT {
            match reader.toml(&path) {
                Ok(Some(toml)) if toml.table.contains_key("script_location") => {
                    let beside = reader.ini(&path.folder().entry("alembic.ini")).ok().flatten();
                    if !beside.is_some_and(|ini| sets_location(&ini, "alembic")) {
                        configs.push(source("alembic"));
                    }
                }
                Ok(_) => {}
                Err(EnvironmentError::Tree(error)) => return Err(error),
                Err(error) => notes.push(note(&source("alembic"), &error)),
            }
            continue;
        }
        match reader.ini(&path) {
            Ok(Some(ini)) => configs.extend(sections(&ini).into_iter().map(source)),
            Ok(None) => {}
            Err(EnvironmentError::Tree(error)) => return Err(error),
            Err(error) => notes.push(note(&source("alembic"), &error)),
        }
    }
    Ok(configs)
}

fn sets_location(ini: &Ini, section: &str) -> bool {
    ini.sections().any(|name| name == section)
        && (ini.sets(section, "script_location") || ini.defaults_set("script_location"))
}

/// The sections that alembic can be run with. One that inherits its script
/// location from `[DEFAULT]` must say something else of its own: the loggers'
/// sections inherit it too.
fn sections(ini: &Ini) -> Vec<&str> {
    let inherits = ini.defaults_set("script_location");
    let own = ["version_locations", "sqlalchemy.url"];
    let chosen: Vec<&str> = ini
        .sections()
        .filter(|&section| {
            ini.sets(section, "script_location")
                || inherits
                    && (section == "alembic" || own.iter().any(|key| ini.sets(section, key)))
        })
        .collect();
    if chosen.is_empty() && ini.sections().any(|name| name == "alembic") {
        return vec!["alembic"];
    }
    chosen
}

/// What a walk over the repository comes across.
#[derive(Default)]
struct Found {
    configs: Vec<RepoPath>,
    script_folders: Vec<RepoPath>,
}

/// Goes through `folder` in a fixed order: its configs, `alembic.ini` first and
/// `pyproject.toml` last, then its folders. Links are not followed.
fn walk(tree: &dyn Tree, folder: &RepoPath, found: &mut Found) -> Result<(), TreeError> {
    let Some(entries) = tree.list(folder)? else { return Ok(()) };
    if has(&entries, "pyvenv.cfg", EntryKind::File) {
        return Ok(());
    }
    let mut configs: Vec<&str> = entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::File && is_config_name(&entry.name))
        .map(|entry| entry.name.as_str())
        .collect();
    configs.sort_by_key(|name| (*name != "alembic.ini", *name == PYPROJECT));
    found.configs.extend(configs.into_iter().map(|name| folder.entry(name)));

    if is_script_folder(&entries) {
        found.script_folders.push(folder.clone());
        return Ok(());
    }
    for entry in &entries {
        let pruned = entry.name.starts_with('.') || PRUNED.contains(&entry.name.as_str());
        if entry.kind == EntryKind::Folder && entry.link_target.is_none() && !pruned {
            walk(tree, &folder.entry(&entry.name), found)?;
        }
    }
    Ok(())
}

fn has(entries: &[Entry], name: &str, kind: EntryKind) -> bool {
    entries.iter().any(|entry| entry.name == name && entry.kind == kind)
}

/// `env.py` and `versions/`; or the template, while there is no revision yet (git keeps no empty folder).
fn is_script_folder(entries: &[Entry]) -> bool {
    has(entries, "env.py", EntryKind::File)
        && (has(entries, "versions", EntryKind::Folder)
            || has(entries, "script.py.mako", EntryKind::File))
}

/// `alembic.ini`, `alembic-*.ini`, `*.alembic.ini` and their like with another separator.
fn is_config_name(name: &str) -> bool {
    name == PYPROJECT
        || name.strip_suffix(".ini").is_some_and(|stem| {
            let separated = |rest: &str, at_end: fn(&str, char) -> bool| {
                ['-', '_', '.'].into_iter().any(|separator| at_end(rest, separator))
            };
            stem == "alembic"
                || stem
                    .strip_prefix("alembic")
                    .is_some_and(|r| separated(r, |r, c| r.starts_with(c)))
                || stem.strip_suffix("alembic").is_some_and(|r| separated(r, |r, c| r.ends_with(c)))
        })
}

fn script_folders(tree: &dyn Tree) -> Result<Vec<Environment>, TreeError> {
    let mut found = Found::default();
    walk(tree, &RepoPath::root(), &mut found)?;
    found.script_folders.into_iter().map(|folder| without_config(tree, folder)).collect()
}

/// An environment that is known by its folder alone.
pub fn without_config(
    tree: &dyn Tree,
    script_location: RepoPath,
) -> Result<Environment, TreeError> {
    let located = Located {
        working_folder: RepoPath::root(),
        version_locations: usual_version_locations(tree, &script_location)?,
        script_location,
        lost: Vec::new(),
    };
    Ok(Environment { config: None, options: AlembicOptions::default(), located })
}

/// `versions`; or its folders, where all scripts lie in those (one per dialect, release or year).
fn usual_version_locations(
    tree: &dyn Tree,
    script_location: &RepoPath,
) -> Result<Vec<RepoPath>, TreeError> {
    let versions = script_location.entry("versions");
    if tree.has_entry(&versions, &is_script)? {
        return Ok(vec![versions]);
    }
    let entries = tree.list(&versions)?.unwrap_or_default();
    let mut folders = Vec::new();
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Folder) {
        let folder = versions.entry(&entry.name);
        if tree.has_entry(&folder, &is_script)? {
            folders.push(folder);
        }
    }
    Ok(if folders.is_empty() { vec![versions] } else { folders })
}

fn is_script(entry: &Entry) -> bool {
    entry.kind == EntryKind::File && crate::script::is_script_file_name(&entry.name, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn config_names_hold_alembic_as_a_word() {
        for name in ["alembic.ini", "alembic-x.ini", "halfstack.alembic.ini", "alembic_x.ini"] {
            assert!(is_config_name(name), "{name}");
        }
        for name in ["alembic.ini.mako", "alembical.ini", "myalembic.ini", "setup.ini", "alembic"] {
            assert!(!is_config_name(name), "{name}");
        }
    }
}
