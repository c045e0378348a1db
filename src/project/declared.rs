//! Components as `[components.NAME]` declares them.

use globset::{GlobBuilder, GlobMatcher};
use toml::Spanned;

use super::component::{Component, ConfigSource};
use super::discover::{doubts, without_config};
use super::environment::{Environment, EnvironmentError, Overrides, Reader};
use super::error::ProjectError;
use super::settings::{RawComponent, RawSettings, Source};
use crate::tree::{EntryKind, RepoPath, Tree, TreeError};

/// Resolves what the configuration declares.
pub struct Declared<'a> {
    pub source: &'a Source,
    pub reader: Reader<'a>,
    /// The commit; its folders count before those of the working tree.
    pub tree: &'a dyn Tree,
}

/// One declaration, with what an error about it has to say.
#[derive(Clone, Copy)]
struct Declaration<'a> {
    name: &'a str,
    line: Option<u32>,
    raw: &'a RawComponent,
}

impl Declared<'_> {
    /// All components, in the file's order; notes go to `notes`.
    pub fn components(&self, notes: &mut Vec<String>) -> Result<Vec<Component>, ProjectError> {
        let mut components: Vec<Component> = Vec::new();
        for (name, line, raw) in self.source.components() {
            let declaration = Declaration { name, line, raw };
            if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c.is_control()) {
                return Err(self.error(declaration, line, "a name needs visible characters only"));
            }
            if raw.default
                && let Some(other) = components.iter().find(|other| other.is_default)
            {
                let reason = format!("`{}` is the default component already", other.name);
                return Err(self.error(declaration, line, &reason));
            }
            let mut environment = self.environment(declaration, notes)?;
            environment.options.recursive = raw.recursive.unwrap_or(environment.options.recursive);
            notes.extend(doubts(&environment, &self.reader.configs)?);
            let mut component = component(name.to_owned(), environment, &self.source.raw);
            self.finish(declaration, &mut component)?;
            components.push(component);
        }
        Ok(components)
    }

    fn environment(
        &self,
        declaration: Declaration<'_>,
        notes: &mut Vec<String>,
    ) -> Result<Environment, ProjectError> {
        let raw = declaration.raw;
        let own_locations = match &raw.version_locations {
            None => None,
            Some(globs) => Some(self.version_locations(declaration, globs, notes)?),
        };
        let script_location = match (&raw.script_location, &own_locations) {
            (Some(text), _) => Some(self.script_location(declaration, text)?),
            // Without any config the locations say where the scripts are.
            (None, Some(locations)) if raw.config.is_none() => Some(above(&locations[0])),
            (None, _) => None,
        };
        let mut environment = match (&raw.config, script_location) {
            (Some(config), script_location) => {
                let overrides =
                    Overrides { script_location, version_locations: own_locations.is_some() };
                self.configured(declaration, config, &overrides)?
            }
            (None, Some(path)) => self.unconfigured(path)?,
            (None, None) => {
                let reason = "neither `config` nor `script-location` says where it is";
                return Err(self.error(declaration, declaration.line, reason));
            }
        };
        if let Some(locations) = own_locations {
            environment.located.version_locations = locations;
        }
        Ok(environment)
    }

    fn configured(
        &self,
        declaration: Declaration<'_>,
        config: &Spanned<String>,
        overrides: &Overrides,
    ) -> Result<Environment, ProjectError> {
        let section = declaration.raw.section.clone().unwrap_or_else(|| "alembic".to_owned());
        let source = ConfigSource { path: self.path(declaration, config)?, section };
        let resolve = |tree: &dyn Tree| self.reader.resolve(&source, tree, overrides);
        let found = match resolve(self.tree) {
            Err(EnvironmentError::Nowhere { .. } | EnvironmentError::NoScriptLocation { .. }) => {
                resolve(&self.reader.configs)
            }
            found => found,
        };
        let invalid = |config: &RepoPath, line, reason| ProjectError::InvalidConfig {
            component: declaration.name.to_owned(),
            config: config.clone(),
            line,
            reason,
        };
        match found {
            Ok(environment) => Ok(environment),
            Err(EnvironmentError::Tree(error)) => Err(error.into()),
            // An untracked config is absent from a fresh clone; the location is all that is needed.
            Err(EnvironmentError::Missing(path)) => match &overrides.script_location {
                Some(location) => {
                    let environment = self.unconfigured(location.clone())?;
                    Ok(Environment { config: Some(source), ..environment })
                }
                None => Err(ProjectError::MissingConfig {
                    file: self.source.path.clone(),
                    line: self.source.line(config.span()),
                    component: declaration.name.to_owned(),
                    config: path,
                }),
            },
            Err(EnvironmentError::Invalid { file, line, reason }) => {
                Err(invalid(&file, line, reason))
            }
            Err(
                error @ (EnvironmentError::Nowhere { line, .. }
                | EnvironmentError::NoVersionLocation { line, .. }),
            ) => Err(invalid(&source.path, line, error.to_string())),
            Err(error @ EnvironmentError::NoScriptLocation { .. }) => {
                Err(invalid(&source.path, None, error.to_string()))
            }
        }
    }

    fn unconfigured(&self, path: RepoPath) -> Result<Environment, TreeError> {
        let in_commit = self.tree.has_folder(&path)?;
        without_config(if in_commit { self.tree } else { &self.reader.configs }, path)
    }

    fn script_location(
        &self,
        declaration: Declaration<'_>,
        text: &Spanned<String>,
    ) -> Result<RepoPath, ProjectError> {
        let path = self.path(declaration, text)?;
        if self.tree.has_folder(&path)? || self.reader.configs.has_folder(&path)? {
            return Ok(path);
        }
        let reason = format!("script location `{path}` is nowhere in the repository");
        Err(self.error(declaration, self.source.line(text.span()), &reason))
    }

    /// The folders that the globs match, in the order of the globs; a plain path need not exist.
    fn version_locations(
        &self,
        declaration: Declaration<'_>,
        globs: &[Spanned<String>],
        notes: &mut Vec<String>,
    ) -> Result<Vec<RepoPath>, ProjectError> {
        let mut locations: Vec<RepoPath> = Vec::new();
        for text in globs {
            let found = if is_glob(text.get_ref()) {
                self.matches(declaration, text, notes)?
            } else {
                vec![self.path(declaration, text)?]
            };
            for path in found {
                if !locations.contains(&path) {
                    locations.push(path);
                }
            }
        }
        if locations.is_empty() {
            let line = globs.first().and_then(|text| self.source.line(text.span()));
            let reason = "`version-locations` names no folder";
            return Err(self.error(declaration, line.or(declaration.line), reason));
        }
        Ok(locations)
    }

    fn matches(
        &self,
        declaration: Declaration<'_>,
        text: &Spanned<String>,
        notes: &mut Vec<String>,
    ) -> Result<Vec<RepoPath>, ProjectError> {
        let line = self.source.line(text.span());
        let parts: Vec<&str> = text.get_ref().split('/').collect();
        let plain = parts.iter().take_while(|part| !is_glob(part)).count();
        let start = RepoPath::new(&parts[..plain].join("/"))
            .ok_or_else(|| self.outside(declaration, text))?;
        let pattern = text.get_ref().trim_start_matches("./").trim_end_matches('/');
        let matcher = GlobBuilder::new(pattern)
            .literal_separator(true)
            .build()
            .map_err(|error| self.error(declaration, line, &error.to_string()))?
            .compile_matcher();
        let mut found = Vec::new();
        folders_below(self.tree, &start, &matcher, &mut found)?;
        if found.is_empty() {
            folders_below(&self.reader.configs, &start, &matcher, &mut found)?;
        }
        if found.is_empty() {
            notes.push(format!("component `{}`: `{pattern}` matches no folder", declaration.name));
        }
        Ok(found)
    }

    /// What the declaration says beyond the environment.
    fn finish(
        &self,
        declaration: Declaration<'_>,
        component: &mut Component,
    ) -> Result<(), ProjectError> {
        let raw = declaration.raw;
        component.is_default = raw.default;
        component.heads = raw.heads.map_or(component.heads, |heads| heads.policy());
        component.sequential_ids = raw.ids.map_or(component.sequential_ids, |ids| ids.sequential());
        component.database_url.clone_from(&raw.database_url);
        component.database_url_env.clone_from(&raw.database_url_env);
        component.version_table.clone_from(&raw.version_table);
        component.version_table_schema.clone_from(&raw.version_table_schema);
        for (key, value) in [
            ("version-table", &raw.version_table),
            ("version-table-schema", &raw.version_table_schema),
        ] {
            if value.as_ref().is_some_and(String::is_empty) {
                let reason = format!("`{key}` is an empty name");
                return Err(self.error(declaration, declaration.line, &reason));
            }
        }
        let replace = |old: &mut Option<String>, new: &Option<String>| {
            if new.is_some() {
                old.clone_from(new);
            }
        };
        replace(&mut component.hint_unreachable, &raw.hint_unreachable);
        replace(&mut component.hint_after_migrate, &raw.hint_after_migrate);
        if raw.alembic.is_some() {
            component.alembic_command.clone_from(&raw.alembic);
        }
        if component.alembic_command.as_ref().is_some_and(Vec::is_empty) {
            return Err(self.error(declaration, declaration.line, "`alembic` is an empty command"));
        }
        component.is_reviewed = raw.review.unwrap_or(component.is_reviewed);
        let is_locked = raw.lock_file.or(self.source.raw.lock_file);
        component.lock_file = lock_file(is_locked, &component.version_locations);
        Ok(())
    }

    fn path(
        &self,
        declaration: Declaration<'_>,
        text: &Spanned<String>,
    ) -> Result<RepoPath, ProjectError> {
        RepoPath::new(text.get_ref()).ok_or_else(|| self.outside(declaration, text))
    }

    fn outside(&self, declaration: Declaration<'_>, text: &Spanned<String>) -> ProjectError {
        let reason = format!("`{}` is not a path below the repository's root", text.get_ref());
        self.error(declaration, self.source.line(text.span()), &reason)
    }

    fn error(&self, declaration: Declaration<'_>, line: Option<u32>, reason: &str) -> ProjectError {
        ProjectError::Component {
            file: self.source.path.clone(),
            line,
            component: declaration.name.to_owned(),
            reason: reason.to_owned(),
        }
    }
}

/// A component of an environment, with what the configuration says for all components.
pub fn component(name: String, environment: Environment, raw: &RawSettings) -> Component {
    let Environment { config, options, located } = environment;
    let lock_file = lock_file(raw.lock_file, &located.version_locations);
    Component {
        name,
        config,
        script_location: located.script_location,
        version_locations: located.version_locations,
        recursive: options.recursive,
        sourceless: options.sourceless,
        file_template: options.file_template,
        is_default: false,
        heads: raw.heads.map(|heads| heads.policy()).unwrap_or_default(),
        sequential_ids: raw.ids.and_then(|ids| ids.sequential()),
        working_folder: located.working_folder,
        alembic_command: raw.alembic.clone(),
        database_url_env: None,
        database_url: None,
        version_table: None,
        version_table_schema: None,
        hint_unreachable: raw.hint_unreachable.clone(),
        hint_after_migrate: raw.hint_after_migrate.clone(),
        is_reviewed: raw.review == Some(true),
        lock_file,
        sqlalchemy_url: options.sqlalchemy_url,
    }
}

fn lock_file(is_wanted: Option<bool>, locations: &[RepoPath]) -> Option<RepoPath> {
    locations.first().filter(|_| is_wanted == Some(true)).map(|folder| folder.entry("HEADS"))
}

/// The script location that goes with a version location: what holds a `versions`, else itself.
fn above(version_location: &RepoPath) -> RepoPath {
    if version_location.file_name() == "versions" {
        version_location.folder()
    } else {
        version_location.clone()
    }
}

fn is_glob(text: &str) -> bool {
    text.contains(['*', '?', '[', '{'])
}

fn folders_below(
    tree: &dyn Tree,
    folder: &RepoPath,
    matcher: &GlobMatcher,
    found: &mut Vec<RepoPath>,
) -> Result<(), TreeError> {
    for entry in tree.list(folder)?.unwrap_or_default() {
        let path = folder.entry(&entry.name);
        if entry.kind != EntryKind::Folder || matches!(&*entry.name, ".git" | "__pycache__") {
            continue;
        }
        if matcher.is_match(path.as_str()) {
            found.push(path.clone());
        }
        // A linked folder can match, but what lies below it is found where it really is.
        if entry.link_target.is_none() {
            folders_below(tree, &path, matcher, found)?;
        }
    }
    Ok(())
}
