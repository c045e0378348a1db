//! Each tool that people keep a project's environment with finds alembic there,
//! and so do we: the projects are real ones, made by the tools themselves.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use dbm_git::alembic::{
    AlembicCommand, CommandKind, ProjectFiles, Sought, Surroundings, Target, Trouble, classify,
    current, find_command, run_target,
};

use super::environments::{Environment, environments, succeed};
use super::scratch::FLASK;
use super::support::test_python;
use super::{ENV, Folder, LIMIT, script};

const TOOLS: [&str; 5] =
    ["uv==0.13.8", "poetry==2.5.1", "pdm==2.29.3", "pipenv==2026.10.3", "hishel[httpx]==1.4.0"];

const ALEMBIC: &str = "alembic==1.20.1";

/// A project whose environment the tool of that name keeps.
struct Project {
    folder: PathBuf,
    tool: PathBuf,
    environment: Vec<(String, String)>,
}

impl Project {
    /// Made by `recipe`, lines of words for the tool, if it is not there yet.
    fn kept_by(name: &str, manifest: (&str, &str), recipe: &[&str]) -> Self {
        let tools = Environment::with("tools", &TOOLS);
        let folder = environments().join(format!("project-{name}"));
        let home = environments().join("home");
        let text = |path: PathBuf| path.display().to_string();
        let project = Self {
            tool: tools.program(name),
            environment: [
                ("HOME", text(home.clone())),
                ("XDG_CACHE_HOME", text(home.join("cache"))),
                ("XDG_CONFIG_HOME", text(home.join("config"))),
                ("XDG_DATA_HOME", text(home.join("data"))),
                // Out of the project, so that nobody but the tool knows the place.
                ("UV_PROJECT_ENVIRONMENT", text(folder.with_extension("env"))),
                ("PDM_VENV_IN_PROJECT", "0".to_owned()),
                ("PDM_CHECK_UPDATE", "0".to_owned()),
                ("PIPENV_IGNORE_VIRTUALENVS", "1".to_owned()),
                ("PIPENV_NOSPIN", "1".to_owned()),
                ("POETRY_VIRTUALENVS_IN_PROJECT", "false".to_owned()),
            ]
            .map(|(name, value)| (name.to_owned(), value))
            .to_vec(),
            folder,
        };
        let lock = File::create(project.folder.with_extension("lock")).expect("a writable folder");
        lock.lock().expect("a lock");
        let marker = project.folder.with_extension("ready");
        let wanted = format!("{manifest:?} {recipe:?} {TOOLS:?}");
        if fs::read_to_string(&marker).ok().as_deref() != Some(&wanted) {
            project.build(manifest, recipe);
            fs::write(marker, wanted).expect("a writable folder");
        }
        project
    }

    fn build(&self, (manifest, text): (&str, &str), recipe: &[&str]) {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).expect("half a project goes away");
        }
        fs::create_dir_all(self.folder.join("db/versions")).expect("a writable folder");
        let write = |path: &str, text: &str| {
            fs::write(self.folder.join(path), text).expect("a writable folder");
        };
        write(manifest, text);
        write("alembic.ini", INI);
        write("db/env.py", ENV);
        write("db/versions/a.py", &script("a", "None"));
        for words in recipe {
            let mut command = Command::new(&self.tool);
            command.args(words.split(' ')).current_dir(&self.folder);
            succeed(command.envs(self.environment.iter().map(|(name, value)| (name, value))));
        }
    }

    fn find(&self) -> AlembicCommand {
        let path = [self.tool.parent().expect("a folder of programs").to_path_buf()];
        let surroundings = Surroundings { virtual_env: None, path: &path };
        find(&self.folder, None, surroundings).expect("an alembic")
    }
}

const INI: &str = "[alembic]\nscript_location = db\nsqlalchemy.url = sqlite:///db.sqlite\n";

fn find(
    folder: &Path,
    configured: Option<&[String]>,
    surroundings: Surroundings<'_>,
) -> Option<AlembicCommand> {
    let script_location = &folder.join("db");
    find_command(&Sought { configured, root: folder, folder, script_location }, surroundings)
}

/// Upgrades a new database with `command`, and asks it where that is.
#[track_caller]
fn check(command: AlembicCommand, environment: &[(String, String)]) {
    let folder = command.folder.clone();
    let config = match command.kind {
        CommandKind::Alembic => "alembic.ini",
        CommandKind::Flask => "db/alembic.ini",
    };
    let files = ProjectFiles {
        root: folder.clone(),
        config: Some(folder.join(config)),
        section: "alembic".to_owned(),
        script_location: folder.join("db"),
        version_locations: vec![folder.join("db/versions")],
    };
    let _ = fs::remove_file(folder.join("db.sqlite"));
    let target = Target::of(command, &files).expect("a target");
    let run = |words: &[&str]| run_target(&target, words, environment, LIMIT, &mut |_| {});
    run(&["upgrade", "head"]).unwrap_or_else(|error| panic!("{error}"));
    let seen = current(&target, environment, LIMIT).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(seen.rows, ["a"], "{}", target.shown(&["current"]));
    let error = run(&["upgrade", "nonesuch"]).expect_err("there is none");
    let trouble = Trouble::RevisionNotFound { id: "nonesuch".to_owned() };
    assert_eq!(classify(&error), Some(trouble), "{error}");
}

/// The tool's own `run`, and what it says of a program that the project lacks.
#[track_caller]
fn check_tool(name: &str, manifest: (&str, &str), recipe: &[&str], complaint: &str) {
    let project = Project::kept_by(name, manifest, recipe);
    let command = project.find();
    assert_eq!(
        (&command.program, command.arguments.join(" ")),
        (&project.tool, "run alembic".to_owned())
    );
    check(command.clone(), &project.environment);

    let missing = ["run", "no-such-alembic"].map(str::to_owned).to_vec();
    let target = Target::new(AlembicCommand { arguments: missing, ..command }, Vec::new());
    let error = run_target(&target, &["current"], &project.environment, LIMIT, &mut |_| {})
        .expect_err("it is not there");
    assert_eq!(classify(&error), Some(Trouble::NoAlembic), "{error}");
    assert!(error.to_string().contains(complaint), "{error}");
}

fn pyproject(dependencies: &str) -> String {
    format!(
        "[project]\nname = \"shop\"\nversion = \"0\"\nrequires-python = \">=3.11\"\n\
         dependencies = [{dependencies}]\n"
    )
}

#[test]
fn uv_runs_it() {
    let manifest = pyproject(&format!("\"{ALEMBIC}\""));
    let recipe = ["sync --quiet --no-install-project"];
    check_tool("uv", ("pyproject.toml", &manifest), &recipe, "Failed to spawn");
}

/// Poetry and PDM ask an interface of PyPI that mirrors don't have, so pip
/// fills the environments that they made.
#[test]
fn poetry_runs_it() {
    let install = format!("run python -m pip install --quiet {ALEMBIC}");
    let recipe = ["lock --quiet", "install --quiet --no-root", &install];
    check_tool("poetry", ("pyproject.toml", &pyproject("")), &recipe, "Command not found");
}

#[test]
fn pdm_runs_it() {
    let install = format!("run python -m pip install --quiet {ALEMBIC}");
    let recipe = ["venv create --with-pip --force", "install --quiet --no-self", &install];
    check_tool("pdm", ("pyproject.toml", &pyproject("")), &recipe, "is not found in your PATH");
}

#[test]
fn pipenv_runs_it() {
    let manifest = "[packages]\n\n[dev-packages]\n";
    let install = format!("run python -m pip install --quiet {ALEMBIC}");
    let recipe = ["install --quiet", &install];
    check_tool("pipenv", ("Pipfile", manifest), &recipe, "not found");
}

fn plain_project() -> Folder {
    Folder::new(&[
        ("alembic.ini", INI),
        ("db/env.py", ENV),
        ("db/versions/a.py", &script("a", "None")),
    ])
}

const NOTHING: Surroundings<'_> = Surroundings { virtual_env: None, path: &[] };

#[test]
fn a_virtual_environment_in_the_project_is_found() {
    let project = plain_project();
    let environment = Environment::with("alembic-1.13", &super::OLD);
    let folder = environment.program("").parent().expect("bin is in it").to_path_buf();
    std::os::unix::fs::symlink(&folder, project.at(".venv")).expect("a link");
    let command = find(&project.path(), None, NOTHING).expect("an alembic");
    assert_eq!(command.program, project.at(".venv/bin/alembic"));
    check(command, &[]);
}

#[test]
fn an_activated_environment_is_found() {
    let project = plain_project();
    let environment = Environment::with("alembic-1.13", &super::OLD);
    let folder = environment.program("").parent().expect("bin is in it").to_path_buf();
    let surroundings = Surroundings { virtual_env: Some(&folder), path: &[] };
    let command = find(&project.path(), None, surroundings).expect("an alembic");
    assert_eq!(command.program, folder.join("bin/alembic"));
    check(command, &[]);
}

#[test]
fn a_wrapper_script_of_the_project_is_run() {
    let project = plain_project();
    project.write("py", &format!("#!/bin/sh\nexec '{}' \"$@\"\n", test_python().display()));
    succeed(Command::new("chmod").arg("+x").arg(project.at("py")));
    let configured = ["./py", "-m", "alembic"].map(str::to_owned);
    let command = find(&project.path(), Some(&configured), NOTHING).expect("as configured");
    check(command, &[]);
}

#[test]
fn flask_migrate_is_run_through_flask() {
    let flask = Environment::with("flask", &FLASK);
    let project = Folder::new(&[(
        "app.py",
        "import os\nfrom flask import Flask\nfrom flask_migrate import Migrate\n\
         from flask_sqlalchemy import SQLAlchemy\n\n\
         app = Flask(__name__)\n\
         app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:///' + os.getcwd() + '/db.sqlite'\n\
         Migrate(app, SQLAlchemy(app))\n",
    )]);
    let mut init = Command::new(flask.program("flask"));
    succeed(init.args(["db", "init", "--directory", "db"]).current_dir(project.path()));
    project.write("db/versions/a.py", &script("a", "None"));
    let path = [flask.program("")];
    let surroundings = Surroundings { virtual_env: None, path: &path };
    let command = find(&project.path(), None, surroundings).expect("flask");
    assert_eq!(
        (command.kind, command.arguments.as_slice()),
        (CommandKind::Flask, &["db".to_owned()][..])
    );
    check(command, &[]);
}
