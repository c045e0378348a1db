//! One Alembic environment: a config file and section, what alembic reads
//! there, and where that leads in the repository.

use super::component::ConfigSource;
use super::ini::Ini;
use super::location::{Fit, Located, Lookup, Root, working_folders};
use super::options::{AlembicOptions, OptionError, Sources, TomlOptions};
use super::overlay::Overlay;
use crate::tree::{RepoPath, Tree, TreeError};

/// The name that makes Alembic read a config as toml.
pub const PYPROJECT: &str = "pyproject.toml";

/// An environment whose scripts have been found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    pub config: Option<ConfigSource>,
    pub options: AlembicOptions,
    pub located: Located,
}

/// Why a config leads to no environment.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error("`{0}` does not exist")]
    Missing(RepoPath),
    #[error("{reason}")]
    Invalid { file: RepoPath, line: Option<u32>, reason: String },
    #[error("no `script_location` in section `[{section}]`")]
    NoScriptLocation { section: String },
    #[error("script location `{text}` is nowhere in the repository")]
    Nowhere { text: String, line: Option<u32> },
    #[error("version location `{text}` is nowhere in the repository")]
    NoVersionLocation { text: String, line: Option<u32> },
}

/// Reads configs, from the commit or else from the working tree.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    pub configs: Overlay<'a>,
    pub root: Root<'a>,
}

impl Reader<'_> {
    /// The text of a config file; bytes that are not UTF-8 (in comments, as a rule) are replaced.
    pub fn text(&self, path: &RepoPath) -> Result<Option<String>, TreeError> {
        let bytes = self.configs.read(path)?;
        Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The parsed ini file.
    pub fn ini(&self, path: &RepoPath) -> Result<Option<Ini>, EnvironmentError> {
        let Some(text) = self.text(path)? else { return Ok(None) };
        let here = self.root.absolute(&path.folder());
        Ini::parse(&text, &here).map(Some).map_err(|error| EnvironmentError::Invalid {
            file: path.clone(),
            line: error.line,
            reason: error.reason,
        })
    }

    /// `[tool.alembic]` of a `pyproject.toml`, if it has one.
    pub fn toml(&self, path: &RepoPath) -> Result<Option<TomlOptions>, EnvironmentError> {
        let Some(text) = self.text(path)? else { return Ok(None) };
        if !text.contains("alembic") {
            return Ok(None);
        }
        let file: toml::Table =
            text.parse().map_err(|error: toml::de::Error| EnvironmentError::Invalid {
                file: path.clone(),
                line: error.span().map(|span| crate::script::line_of(text.as_bytes(), span.start)),
                reason: error.message().to_owned(),
            })?;
        let table = file.get("tool").and_then(|tool| tool.get("alembic")?.as_table()).cloned();
        Ok(table.map(|table| TomlOptions { table, here: self.root.absolute(&path.folder()) }))
    }

    /// The environment of one section, looked up in `tree`: in whichever
    /// working folder its paths fit best, the likeliest first.
    pub fn resolve(
        &self,
        config: &ConfigSource,
        tree: &dyn Tree,
        overrides: &Overrides,
    ) -> Result<Environment, EnvironmentError> {
        let folder = config.path.folder();
        let is_toml = config.path.file_name() == PYPROJECT;
        let (ini, own_toml) = if is_toml {
            let toml = self.toml(&config.path)?;
            (self.ini(&folder.entry("alembic.ini")).ok().flatten(), toml)
        } else {
            let ini = self.ini(&config.path)?;
            (Some(ini.ok_or_else(|| EnvironmentError::Missing(config.path.clone()))?), None)
        };
        if is_toml && self.text(&config.path)?.is_none() {
            return Err(EnvironmentError::Missing(config.path.clone()));
        }

        let mut best: Option<(Fit, Environment)> = None;
        let mut wanted = None;
        for working_folder in self.candidates(&folder, ini.as_ref(), &config.section) {
            let beside = match &own_toml {
                Some(_) => None,
                // Another project's broken pyproject.toml is not this config's fault.
                None => self.toml(&working_folder.entry(PYPROJECT)).ok().flatten(),
            };
            let sources = Sources {
                ini: ini.as_ref(),
                section: &config.section,
                toml: own_toml.as_ref().or(beside.as_ref()),
            };
            let mut options = AlembicOptions::read(sources)
                .map_err(|error| invalid(error, config, &folder, &working_folder))?;
            overrides.apply(&mut options, self.root);
            wanted = wanted.or_else(|| options.script_location.clone());
            let lookup = Lookup {
                tree,
                root: self.root,
                config_folder: &folder,
                working_folder: &working_folder,
            };
            if let Some((fit, located)) = lookup.locate(&options)?
                && best.as_ref().is_none_or(|(best, _)| fit > *best)
            {
                let config = Some(config.clone());
                best = Some((fit, Environment { config, options, located }));
            }
        }
        let line = |key| ini.as_ref().and_then(|ini| ini.line(&config.section, key));
        match (best, wanted) {
            (Some((_, environment)), _) if environment.located.version_locations.is_empty() => {
                let text = environment.located.lost.join(", ");
                Err(EnvironmentError::NoVersionLocation { text, line: line("version_locations") })
            }
            (Some((_, environment)), _) => Ok(environment),
            (None, Some(text)) => {
                Err(EnvironmentError::Nowhere { text, line: line("script_location") })
            }
            (None, None) => {
                Err(EnvironmentError::NoScriptLocation { section: config.section.clone() })
            }
        }
    }

    /// Flask-Migrate runs beside the folder that holds its ini, everyone else where the ini says.
    fn candidates(&self, folder: &RepoPath, ini: Option<&Ini>, section: &str) -> Vec<RepoPath> {
        let mut folders = working_folders(folder);
        let sets_location = ini.is_some_and(|ini| {
            ini.sets(section, "script_location") || ini.defaults_set("script_location")
        });
        let holds_env = self.configs.has_file(&folder.entry("env.py"));
        if !sets_location && matches!(holds_env, Ok(true)) {
            let parent = folder.folder();
            folders.retain(|other| *other != parent);
            folders.insert(0, parent);
        }
        folders
    }
}

/// What `dbm-git.toml` says about an environment besides its config.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    pub script_location: Option<RepoPath>,
    /// Whether the config's own version locations don't matter.
    pub version_locations: bool,
}

impl Overrides {
    fn apply(&self, options: &mut AlembicOptions, root: Root<'_>) {
        if let Some(path) = &self.script_location {
            options.script_location = Some(root.absolute(path));
        }
        if self.version_locations {
            options.version_locations = None;
        }
    }
}

fn invalid(
    error: OptionError,
    config: &ConfigSource,
    folder: &RepoPath,
    working_folder: &RepoPath,
) -> EnvironmentError {
    let is_toml = config.path.file_name() == PYPROJECT;
    let file = match (error.in_ini, is_toml) {
        (true, false) | (false, true) => config.path.clone(),
        (true, true) => folder.entry("alembic.ini"),
        (false, false) => working_folder.entry(PYPROJECT),
    };
    EnvironmentError::Invalid { file, line: error.line, reason: error.reason }
}
