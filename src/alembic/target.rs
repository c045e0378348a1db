//! What alembic is run on: a command, and the configuration that is meant.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};

use super::mask::Mask;
use super::{AlembicCommand, CommandKind};

/// Alembic's section of an ini unless `-n` names another.
pub(super) const DEFAULT_SECTION: &str = "alembic";

/// The one name that makes Alembic read a config as toml.
const PYPROJECT: &str = "pyproject.toml";

/// Where one project's configuration and scripts are; all paths absolute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFiles {
    /// The repository's folder.
    pub root: PathBuf,
    /// The ini, or the `pyproject.toml`; `None` where only the scripts are known.
    pub config: Option<PathBuf>,
    /// The ini's section, `alembic` as a rule.
    pub section: String,
    pub script_location: PathBuf,
    /// In Alembic's order.
    pub version_locations: Vec<PathBuf>,
}

impl ProjectFiles {
    /// The `pyproject.toml`, where that is the configuration.
    pub(super) fn pyproject(&self) -> Option<&Path> {
        self.config.as_deref().filter(|path| path.file_name() == Some(OsStr::new(PYPROJECT)))
    }

    /// The ini that Alembic reads when it is run in `folder`; need not exist.
    pub(super) fn ini(&self, folder: &Path) -> Option<PathBuf> {
        match &self.config {
            Some(_) if self.pyproject().is_some() => Some(folder.join("alembic.ini")),
            config => config.clone(),
        }
    }
}

/// A command together with what tells it which configuration is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub command: AlembicCommand,
    /// `-c alembic.ini -n section`, or `--directory migrations`.
    pub arguments: Vec<String>,
    /// Set for the process, over what it inherits.
    pub environment: Vec<(String, String)>,
    /// Words that may not be shown, passwords as a rule: each is `***` in all output.
    pub secrets: Vec<String>,
    /// The file that the process holds locked as long as it lives, if any.
    pub lifeline: Option<PathBuf>,
}

impl Target {
    /// The target of these arguments.
    pub fn new(command: AlembicCommand, arguments: Vec<String>) -> Self {
        Self { command, arguments, environment: Vec::new(), secrets: Vec::new(), lifeline: None }
    }

    /// The target that `files` describe; `None` if alembic has no option that
    /// would tell it: a configuration is missing.
    pub fn of(command: AlembicCommand, files: &ProjectFiles) -> Option<Self> {
        let from = &command.folder;
        let arguments = match command.kind {
            CommandKind::Flask => {
                vec!["--directory".to_owned(), relative(from, &files.script_location)]
            }
            CommandKind::Alembic => config_arguments(
                &[relative(from, files.config.as_deref()?)],
                files.pyproject().map_or(files.section.as_str(), |_| DEFAULT_SECTION),
            ),
        };
        Some(Self::new(command, arguments))
    }

    /// The same target, its output without `secrets`.
    #[must_use]
    pub fn without(mut self, secrets: impl IntoIterator<Item = String>) -> Self {
        self.secrets.extend(secrets);
        self
    }

    /// The words behind the program's name, for one subcommand. Flask-Migrate
    /// takes its options behind the subcommand, Alembic before it.
    pub(super) fn words(&self, subcommand: &[&str]) -> Vec<String> {
        let mut words = self.command.arguments.clone();
        let split = match self.command.kind {
            CommandKind::Alembic => 0,
            CommandKind::Flask => subcommand.len().min(1),
        };
        let (before, after) = subcommand.split_at(split);
        words.extend(before.iter().map(|&word| word.to_owned()));
        words.extend(self.arguments.iter().cloned());
        words.extend(after.iter().map(|&word| word.to_owned()));
        words
    }

    /// The command line as a person would type it, without secrets.
    pub fn shown(&self, subcommand: &[&str]) -> String {
        let text = std::iter::once(self.command.program.display().to_string())
            .chain(self.words(subcommand))
            .map(|word| if word.contains([' ', '\'']) { format!("{word:?}") } else { word })
            .collect::<Vec<_>>()
            .join(" ");
        Mask(&self.secrets).apply(&text)
    }
}

/// `-c x.ini -n section`.
pub(super) fn config_arguments(configs: &[String], section: &str) -> Vec<String> {
    let mut arguments: Vec<String> =
        configs.iter().flat_map(|config| ["-c".to_owned(), config.clone()]).collect();
    if section != DEFAULT_SECTION {
        arguments.extend(["-n".to_owned(), section.to_owned()]);
    }
    arguments
}

/// `to` as it is called from `from`: what runs in a container may know the
/// repository under another path. Absolute where the two have nothing in common.
pub(super) fn relative(from: &Path, to: &Path) -> String {
    let (from_parts, to_parts): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (from.components().collect(), to.components().collect());
    let common = from_parts.iter().zip(&to_parts).take_while(|(a, b)| a == b).count();
    if common <= 1 {
        return to.display().to_string();
    }
    let path: PathBuf = std::iter::repeat_n(Component::ParentDir, from_parts.len() - common)
        .chain(to_parts.iter().skip(common).copied())
        .collect();
    if path.as_os_str().is_empty() { ".".to_owned() } else { path.display().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(kind: CommandKind) -> AlembicCommand {
        AlembicCommand {
            program: PathBuf::from("uv"),
            arguments: vec!["run".to_owned(), "x".to_owned()],
            folder: PathBuf::from("/repo/svc"),
            kind,
        }
    }

    fn files(config: Option<&str>, section: &str) -> ProjectFiles {
        ProjectFiles {
            root: PathBuf::from("/repo"),
            config: config.map(PathBuf::from),
            section: section.to_owned(),
            script_location: PathBuf::from("/repo/svc/db"),
            version_locations: vec![PathBuf::from("/repo/svc/db/versions")],
        }
    }

    #[track_caller]
    fn check(kind: CommandKind, files: &ProjectFiles, expected: Option<&str>) {
        let target = Target::of(command(kind), files);
        let shown = target.map(|target| target.shown(&["upgrade", "heads"]));
        assert_eq!(shown.as_deref(), expected);
    }

    #[test]
    fn the_configuration_is_named_from_the_folder_alembic_runs_in() {
        use CommandKind::{Alembic, Flask};
        let ini = files(Some("/repo/svc/alembic.ini"), "alembic");
        check(Alembic, &ini, Some("uv run x -c alembic.ini upgrade heads"));
        check(Flask, &ini, Some("uv run x upgrade --directory db heads"));
        let above = files(Some("/repo/conf/a.ini"), "tenant");
        check(Alembic, &above, Some("uv run x -c ../conf/a.ini -n tenant upgrade heads"));
        let toml = files(Some("/repo/svc/pyproject.toml"), "alembic");
        check(Alembic, &toml, Some("uv run x -c pyproject.toml upgrade heads"));
        check(Alembic, &files(None, "alembic"), None);
    }

    #[test]
    fn a_path_that_has_nothing_in_common_stays_absolute() {
        assert_eq!(relative(Path::new("/repo/a"), Path::new("/tmp/x.ini")), "/tmp/x.ini");
        assert_eq!(relative(Path::new("/repo/a"), Path::new("/repo/a")), ".");
    }

    #[test]
    fn secrets_are_not_shown() {
        let target =
            Target::new(command(CommandKind::Alembic), vec!["-x".into(), "pw=s3cret".into()])
                .without(["s3cret".to_owned()]);
        assert_eq!(target.shown(&["current"]), "uv run x -x pw=*** current");
    }
}
