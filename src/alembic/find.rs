//! Which command runs this project's alembic.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

/// How a command is told which configuration is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandKind {
    /// `alembic -c x.ini -n section upgrade …`
    Alembic,
    /// Flask-Migrate's `flask db upgrade --directory migrations …`
    Flask,
}

impl CommandKind {
    /// The program, or Python's module of the same name.
    fn program(self) -> &'static str {
        match self {
            Self::Alembic => "alembic",
            Self::Flask => "flask",
        }
    }

    /// What stands between the program and the subcommand.
    fn group(self) -> &'static [&'static str] {
        match self {
            Self::Alembic => &[],
            Self::Flask => &["db"],
        }
    }
}

/// A command line that starts alembic; arguments are added behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AlembicCommand {
    pub program: PathBuf,
    pub arguments: Vec<String>,
    /// Where it is run.
    pub folder: PathBuf,
    pub kind: CommandKind,
}

impl AlembicCommand {
    /// As a person would type it.
    pub fn shown(&self) -> String {
        std::iter::once(self.program.display().to_string())
            .chain(self.arguments.iter().cloned())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// What the search looks at, read at the edge.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings<'a> {
    /// `VIRTUAL_ENV`.
    pub virtual_env: Option<&'a Path>,
    /// The folders of `PATH`.
    pub path: &'a [PathBuf],
}

/// The project that an alembic is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    /// `alembic = [..]` of the configuration.
    pub configured: Option<&'a [String]>,
    /// The repository's folder.
    pub root: &'a Path,
    /// Where alembic is run, in `root`.
    pub folder: &'a Path,
    /// Where its `env.py` is.
    pub script_location: &'a Path,
}

/// The files by which tools that run things in a project's own environment know
/// the project, and the tools.
const RUNNERS: [(&str, &str); 5] = [
    ("uv.lock", "uv"),
    ("poetry.lock", "poetry"),
    ("pdm.lock", "pdm"),
    ("Pipfile.lock", "pipenv"),
    ("Pipfile", "pipenv"),
];

/// Finds alembic: what the configuration says, the project's own `.venv`, an
/// activated environment, a runner that the project has a lock file of, then
/// `PATH`. Where `env.py` is Flask-Migrate's, `flask db` in the same places.
/// `None` if there is none.
pub fn find_command(sought: &Sought<'_>, surroundings: Surroundings<'_>) -> Option<AlembicCommand> {
    let &Sought { configured, root, folder, script_location } = sought;
    if let Some([program, arguments @ ..]) = configured {
        return Some(AlembicCommand {
            program: configured_program(program, root, folder),
            arguments: arguments.to_vec(),
            folder: folder.to_path_buf(),
            kind: configured_kind(arguments),
        });
    }
    let kind =
        if is_flask_migrate(script_location) { CommandKind::Flask } else { CommandKind::Alembic };
    let command = |program: PathBuf, before: &[&str]| AlembicCommand {
        program,
        arguments: before.iter().chain(kind.group()).map(|&word| word.to_owned()).collect(),
        folder: folder.to_path_buf(),
        kind,
    };
    let in_environment = |environment: &Path| {
        let program = environment.join("bin").join(kind.program());
        if is_runnable(&program) {
            return Some(command(program, &[]));
        }
        let python = environment.join("bin/python");
        (python.is_file() && has_module(environment, kind.program()))
            .then(|| command(python, &["-m", kind.program()]))
    };
    // The nearest one wins, from where alembic runs up to the repository's root.
    let folders: Vec<&Path> = folder.ancestors().take_while(|f| f.starts_with(root)).collect();
    let on_path = |name: &str| surroundings.path.iter().map(|p| p.join(name)).find(|p| p.is_file());
    let by_runner = || {
        folders.iter().find_map(|at| {
            let runner = |&(lock, runner): &(&str, &str)| {
                at.join(lock).is_file().then(|| on_path(runner)).flatten()
            };
            RUNNERS.iter().find_map(runner)
        })
    };
    let own = folders.iter().flat_map(|at| [at.join(".venv"), at.join("venv")]);
    own.into_iter()
        .find_map(|environment| in_environment(&environment))
        .or_else(|| in_environment(surroundings.virtual_env?))
        .or_else(|| Some(command(by_runner()?, &["run", kind.program()])))
        .or_else(|| Some(command(on_path(kind.program())?, &[])))
}

/// `./py` is looked for where alembic runs, then where `dbm-git.toml` is.
fn configured_program(program: &str, root: &Path, folder: &Path) -> PathBuf {
    let program = PathBuf::from(program);
    if program.components().count() < 2 {
        return program;
    }
    [folder, root].iter().map(|at| at.join(&program)).find(|p| p.is_file()).unwrap_or(program)
}

/// `flask db`, `superset db`, `python manage.py db`: Flask-Migrate's group of
/// commands has that name unless somebody renames it.
fn configured_kind(arguments: &[String]) -> CommandKind {
    let is_group = arguments.last().is_some_and(|last| last == "db");
    if is_group { CommandKind::Flask } else { CommandKind::Alembic }
}

/// Whether an `env.py` needs the application that only `flask` provides. One
/// that makes the application by itself does not.
fn is_flask_migrate(script_location: &Path) -> bool {
    let text = fs::read(script_location.join("env.py")).unwrap_or_default();
    let has = |words: &str| text.windows(words.len()).any(|window| window == words.as_bytes());
    has("current_app") && !has("app_context(")
}

/// Whether a script's interpreter is still there: a virtual environment that
/// was moved keeps scripts that name the old place.
fn is_runnable(program: &Path) -> bool {
    let mut start = Vec::new();
    let read = File::open(program).and_then(|file| file.take(512).read_to_end(&mut start));
    if read.is_err() || !program.is_file() {
        return false;
    }
    let text = String::from_utf8_lossy(&start);
    let interpreter =
        text.strip_prefix("#!").and_then(|rest| rest.lines().next()?.split_whitespace().next());
    interpreter.is_none_or(|path| Path::new(path).exists())
}

/// Whether the packages of a virtual environment have the module.
fn has_module(environment: &Path, module: &str) -> bool {
    let Ok(versions) = fs::read_dir(environment.join("lib")) else { return false };
    versions.flatten().any(|version| {
        let package = version.path().join("site-packages").join(module);
        package.join("__main__.py").is_file()
    })
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests make files to be found")]
mod tests {
    use super::*;

    /// A folder with these files, each with the text behind its `=`, if any.
    fn folder(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        for file in files {
            let (path, text) = file.split_once('=').unwrap_or((file, ""));
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().expect("inside")).expect("folders");
            fs::write(path, text).expect("a file");
        }
        folder
    }

    /// What is found in the project for an alembic that runs in `at`, with the
    /// project's folder as `<root>`, that of `tools` as `<path>`.
    fn found(root: &Path, at: &str, configured: Option<&[&str]>, tools: &Path) -> String {
        let configured: Option<Vec<String>> =
            configured.map(|words| words.iter().map(|&word| word.to_owned()).collect());
        let path = [tools.to_path_buf()];
        let sought = Sought {
            configured: configured.as_deref(),
            root,
            folder: &root.join(at),
            script_location: &root.join("db"),
        };
        let found = find_command(&sought, Surroundings { virtual_env: None, path: &path });
        let shown = found.map_or("nothing".to_owned(), |command| command.shown());
        shown
            .replace(&root.display().to_string(), "<root>")
            .replace(&tools.display().to_string(), "<path>")
    }

    #[track_caller]
    fn check(files: &[&str], tools: &[&str], expected: &str) {
        let (root, tools) = (folder(files), folder(tools));
        assert_eq!(found(root.path(), "svc", None, tools.path()), expected, "{files:?}");
    }

    #[test]
    fn the_nearest_environment_wins() {
        let near = ["svc/.venv/bin/alembic", ".venv/bin/alembic"];
        check(&near, &[], "<root>/svc/.venv/bin/alembic");
        check(&[".venv/bin/alembic", "uv.lock"], &["uv", "alembic"], "<root>/.venv/bin/alembic");
    }

    #[test]
    fn a_lock_file_asks_for_its_runner_only_where_that_is_installed() {
        check(&["uv.lock"], &[], "nothing");
        check(&["uv.lock"], &["uv"], "<path>/uv run alembic");
        check(&["uv.lock", "poetry.lock"], &["poetry"], "<path>/poetry run alembic");
        check(&["uv.lock", "svc/pdm.lock"], &["pdm", "uv"], "<path>/pdm run alembic");
        check(&["Pipfile"], &["pipenv", "alembic"], "<path>/pipenv run alembic");
        check(&[], &["alembic"], "<path>/alembic");
    }

    #[test]
    fn an_environment_whose_script_is_missing_or_stale_is_asked_through_its_python() {
        let module = ".venv/lib/python3.12/site-packages/alembic/__main__.py";
        let python = ".venv/bin/python";
        check(&[python, module], &[], "<root>/.venv/bin/python -m alembic");
        let stale = ".venv/bin/alembic=#!/moved/away/bin/python\nimport alembic\n";
        check(&[python, module, stale], &[], "<root>/.venv/bin/python -m alembic");
        check(&[python, stale], &["alembic"], "<path>/alembic");
        check(&[".venv/bin/alembic=#!/bin/sh\n"], &[], "<root>/.venv/bin/alembic");
    }

    #[test]
    fn flask_migrates_env_asks_for_flask() {
        let env =
            "db/env.py=from flask import current_app\nx = current_app.extensions['migrate']\n";
        check(&[env, ".venv/bin/flask", ".venv/bin/alembic"], &[], "<root>/.venv/bin/flask db");
        check(&[env, "uv.lock"], &["uv", "flask"], "<path>/uv run flask db");
        let own = "db/env.py=from flask import current_app\nwith app.app_context():\n    pass\n";
        check(&[own, ".venv/bin/flask", ".venv/bin/alembic"], &[], "<root>/.venv/bin/alembic");
    }

    #[test]
    fn the_configuration_wins_over_all() {
        let root = folder(&[".venv/bin/alembic", "py", "svc/here"]);
        let nothing = folder(&[]);
        let found = |words: &[&str]| found(root.path(), "svc", Some(words), nothing.path());
        assert_eq!(found(&["uv", "run", "alembic"]), "uv run alembic");
        assert_eq!(found(&["./py", "-m", "alembic"]), "<root>/./py -m alembic");
        assert_eq!(found(&["./here"]), "<root>/svc/./here");
        assert_eq!(found(&["./gone"]), "./gone");
    }

    #[test]
    fn a_configured_group_of_commands_is_flask_migrates() {
        let kind = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
            configured_kind(&words)
        };
        assert_eq!(kind(&["run", "flask", "--app", "x", "db"]), CommandKind::Flask);
        assert_eq!(kind(&["run", "alembic"]), CommandKind::Alembic);
    }
}
