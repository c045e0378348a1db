//! Scratch projects of all the shapes that configurations have.

use std::fs;
use std::path::Path;

use dbm_git::alembic::{
    AlembicError, CommandKind, ProjectFiles, ScratchProject, Target, current, run_target,
};

use super::environments::Environment;
use super::{ENV, Folder, LIMIT, alembics, command, named, rows, script, stub, tables, target};

/// Runs `v` up, then down again, in a scratch project of `v` and the stub `r`,
/// in a database that has `r` and nothing else.
#[track_caller]
fn up_and_down(base: &Target, files: &ProjectFiles, database: &Path, url: Option<&str>) {
    let parent = files.root.join(".git/dbm-git");
    let scratch = |scripts: &[(&str, String)]| {
        ScratchProject::create(&parent, base, files, &named(scripts), url)
            .unwrap_or_else(|error| panic!("{error}"))
    };
    let run = |scratch: &ScratchProject, subcommand: &[&str]| {
        run_target(scratch.target(), subcommand, &[], LIMIT, &mut |_| {})
            .unwrap_or_else(|error| panic!("{error}"));
    };
    let first = scratch(&[("r", stub("r", "None"))]);
    run(&first, &["upgrade", "r"]);
    assert_eq!((rows(database), tables(database)), ("r".to_owned(), String::new()));

    let second = scratch(&[("r", stub("r", "None")), ("v", script("v", "'r'"))]);
    run(&second, &["upgrade", "v"]);
    assert_eq!((rows(database), tables(database)), ("v".to_owned(), "t_v".to_owned()));
    let seen = current(second.target(), &[], LIMIT).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((seen.rows, seen.is_several), (vec!["v".to_owned()], false));
    assert!(seen.url.is_some_and(|url| url.starts_with("sqlite:///")));
    run(&second, &["downgrade", "v@r"]);
    assert_eq!((rows(database), tables(database)), ("r".to_owned(), String::new()));

    drop((first, second));
    let left = fs::read_dir(&parent).expect("the folder stays").count();
    assert_eq!(left, 0, "scratch folders are gone");
}

/// `env.py` that fails unless the ini means here what it means there.
const PICKY_ENV: &str = r#"import app.settings
from pathlib import Path
from alembic import context

config = context.config
assert config.config_ini_section == "tenant"
assert Path(config.get_main_option("seen")).resolve() == Path.cwd(), "here"
assert (Path(config.config_file_name).parent / "beside.txt").read_text() == "beside"
assert (Path(config.config_file_name).parent.parent / "top.txt").read_text() == "top"
"#;

#[test]
fn an_ini_with_everything_in_it() {
    let project = Folder::new(&[
        (
            "conf/my.ini",
            "[DEFAULT]\nup = ..\n[alembic]\nscript_location = gone\n\n\
             [tenant]\nscript_location = %(here)s/%(up)s/db/x\nseen = %(here)s/%(up)s\n\
             prepend_sys_path = src:lib\npath_separator = os\n\
             recursive_version_locations = true\nsourceless = true\n\
             version_locations = %(here)s/../db/x/v1:\n  %(here)s/../db/x/v2\n\
             file_template = %%(rev)s\nsqlalchemy.url = sqlite:///%(here)s/../db.sqlite\n\n\
             [loggers]\nkeys = root\n",
        ),
        ("conf/beside.txt", "beside"),
        ("top.txt", "top"),
        ("src/app/__init__.py", ""),
        ("src/app/settings.py", ""),
        ("db/x/v1/own.py", "raise RuntimeError('not to be read')\n"),
        ("db/x/v2/below/own.py", "raise RuntimeError('not to be read')\n"),
    ]);
    project.write("db/x/env.py", &(PICKY_ENV.to_owned() + ENV));
    let files = ProjectFiles {
        root: project.path(),
        config: Some(project.at("conf/my.ini")),
        section: "tenant".to_owned(),
        script_location: project.at("db/x"),
        version_locations: vec![project.at("db/x/v1"), project.at("db/x/v2")],
    };
    for alembic in alembics() {
        // 1.13 knows no `path_separator`; it splits `src:lib` all the same.
        let base = target(&alembic, &project.path(), &files);
        let _ = fs::remove_file(project.at("db.sqlite"));
        up_and_down(&base, &files, &project.at("db.sqlite"), None);
    }
    let own = fs::read_to_string(project.at("db/x/v1/own.py")).expect("it is still there");
    assert!(own.contains("not to be read"), "links are not followed when folders are removed");
}

#[test]
fn a_project_that_only_pyproject_configures() {
    let project = Folder::new(&[
        (
            "svc/pyproject.toml",
            "[tool.alembic]\nscript_location = '%(here)s/db'\nprepend_sys_path = ['src']\n",
        ),
        ("svc/src/where.py", "URL = 'sqlite:///db.sqlite'\n"),
        ("svc/db/versions/own.py", "raise RuntimeError('not to be read')\n"),
    ]);
    let url = "url = context.config.get_main_option(\"sqlalchemy.url\")";
    let env = ENV.replace(url, "from where import URL as url");
    // Without an ini it must not be looked for; with one it has to be whole.
    let logging = "import os\nfrom logging.config import fileConfig\n\
                   if os.path.exists(context.config.config_file_name):\n    \
                   fileConfig(context.config.config_file_name)\n";
    project.write("svc/db/env.py", &env.replace("\nfrom where", &format!("\n{logging}from where")));
    let files = project.files(Some("svc/pyproject.toml"), "svc/db");
    let [_, alembic] = alembics();
    let base = target(&alembic, &project.at("svc"), &files);
    up_and_down(&base, &files, &project.at("svc/db.sqlite"), None);
}

#[test]
fn a_pyproject_beside_an_ini_fills_in_what_the_ini_lacks() {
    let project = Folder::new(&[
        ("pyproject.toml", "[tool.alembic]\nscript_location = 'db'\nprepend_sys_path = ['src']\n"),
        ("alembic.ini", "[alembic]\nsqlalchemy.url = sqlite:///db.sqlite\n"),
        ("src/needed.py", ""),
        ("db/env.py", &format!("import needed\n{ENV}")),
        ("db/versions/own.py", "raise RuntimeError('not to be read')\n"),
    ]);
    let [_, alembic] = alembics();
    for config in ["alembic.ini", "pyproject.toml"] {
        let files = project.files(Some(config), "db");
        let base = target(&alembic, &project.path(), &files);
        let _ = fs::remove_file(project.at("db.sqlite"));
        up_and_down(&base, &files, &project.at("db.sqlite"), None);
    }
}

#[test]
fn an_env_that_makes_its_url_by_itself_keeps_it() {
    let url = "url = context.config.get_main_option(\"sqlalchemy.url\")";
    let env = ENV.replace(url, "import os\nurl = os.environ['TEST_URL']");
    let project = Folder::new(&[
        ("alembic.ini", "[alembic]\nscript_location = db\nsqlalchemy.url = driver://nowhere/x\n"),
        ("db/env.py", &env),
    ]);
    let files = project.files(Some("alembic.ini"), "db");
    for alembic in alembics() {
        let database = project.at("own.sqlite");
        let _ = fs::remove_file(&database);
        let mut base = target(&alembic, &project.path(), &files);
        let url = format!("sqlite:///{}", database.display());
        base.environment.push(("TEST_URL".to_owned(), url));
        up_and_down(&base, &files, &database, Some("sqlite:///ignored.sqlite"));
        assert!(!project.at("ignored.sqlite").exists());
    }
}

#[test]
fn another_url_takes_the_place_of_the_projects() {
    let project = Folder::new(&[
        ("alembic.ini", "[alembic]\nscript_location = db\nsqlalchemy.url = sqlite:///db.sqlite\n"),
        ("db/env.py", ENV),
    ]);
    let files = project.files(Some("alembic.ini"), "db");
    for alembic in alembics() {
        let copy = project.at("copy at 100%.sqlite");
        let _ = fs::remove_file(&copy);
        let base = target(&alembic, &project.path(), &files);
        up_and_down(&base, &files, &copy, Some(&format!("sqlite:///{}", copy.display())));
        assert!(!project.at("db.sqlite").exists());
    }
}

#[test]
fn a_component_that_has_no_configuration_gets_one() {
    let project = Folder::new(&[("db/env.py", ENV)]);
    let files = project.files(None, "db");
    for alembic in alembics() {
        let database = project.at("db.sqlite");
        let _ = fs::remove_file(&database);
        let base = Target::new(command(&alembic, &project.path()), Vec::new());
        up_and_down(&base, &files, &database, Some("sqlite:///db.sqlite"));
    }
}

/// A folder with a blank in its name, where no separator is configured: Alembic
/// would take its path for two.
#[test]
fn a_path_that_alembic_would_split_is_gone_around() {
    let project = Folder::new(&[
        (
            "a b,c/alembic.ini",
            "[alembic]\nscript_location = db\nsqlalchemy.url = sqlite:///db.sqlite\n",
        ),
        ("a b,c/db/env.py", ENV),
    ]);
    let files = ProjectFiles {
        root: project.at("a b,c"),
        ..project.files(Some("a b,c/alembic.ini"), "a b,c/db")
    };
    for alembic in alembics() {
        let base = target(&alembic, &files.root, &files);
        let scripts = named(&[("v", script("v", "None"))]);
        let scratch =
            ScratchProject::create(&files.root.join(".git"), &base, &files, &scripts, None)
                .unwrap_or_else(|error| panic!("{error}"));
        let heads = run_target(scratch.target(), &["heads"], &[], LIMIT, &mut |_| {});
        assert_eq!(heads.expect("one head"), "v (head)\n");
    }
}

#[test]
fn a_script_finds_the_files_beside_it() {
    let reads = "import pathlib\nhere = pathlib.Path(__file__).resolve().parent\n\
                 beside = pathlib.Path(__file__).parent\n\
                 assert (beside / 'data.sql').read_text() == 'data'\n\
                 assert (beside / 'old.sql').read_text() == 'of another commit'\n\
                 assert (beside.parent / 'sql' / 'more.sql').read_text() == 'more'\n\
                 assert (beside.parent.parent / 'README').read_text() == 'readme'\n";
    let project = Folder::new(&[
        ("alembic.ini", "[alembic]\nscript_location = db\nsqlalchemy.url = sqlite:///db.sqlite\n"),
        ("README", "readme"),
        ("db/env.py", ENV),
        ("db/sql/more.sql", "more"),
        ("db/versions/data.sql", "data"),
        ("db/versions/old.sql", "of this commit"),
        ("db/versions/own.py", "raise RuntimeError('not to be read')\n"),
    ]);
    let files = project.files(Some("alembic.ini"), "db");
    for alembic in alembics() {
        let base = target(&alembic, &project.path(), &files);
        let mut scripts = named(&[("v", reads.to_owned() + &stub("v", "None"))]);
        scripts.push(("old.sql".to_owned(), b"of another commit".to_vec()));
        let scratch = ScratchProject::create(&project.at(".git"), &base, &files, &scripts, None)
            .unwrap_or_else(|error| panic!("{error}"));
        let heads = run_target(scratch.target(), &["heads"], &[], LIMIT, &mut |_| {});
        assert_eq!(heads.expect("the files are there"), "v (head)\n");
    }
}

#[test]
fn no_password_of_the_ini_or_of_the_target_is_in_an_error() {
    let project = Folder::new(&[
        (
            "alembic.ini",
            "[alembic]\nscript_location = db\nsqlalchemy.url = postgresql://me:in1secret@h/x\n",
        ),
        (
            "db/env.py",
            "from alembic import context\nimport os\n\
             print('at', context.config.get_main_option('sqlalchemy.url'), os.environ['WORD'])\n\
             raise RuntimeError('cannot reach ' + context.config.get_main_option('sqlalchemy.url'))\n",
        ),
        ("db/versions/v.py", &stub("v", "None")),
    ]);
    let files = project.files(Some("alembic.ini"), "db");
    for alembic in alembics() {
        let mut base = target(&alembic, &project.path(), &files).without(["hush".to_owned()]);
        base.environment.push(("WORD".to_owned(), "hush".to_owned()));
        let mut lines = String::new();
        let error = run_target(&base, &["upgrade", "head"], &[], LIMIT, &mut |line| {
            lines += line;
            lines.push('\n');
        })
        .expect_err("it raises");
        let AlembicError::Failed { output, .. } = &error else { panic!("{error:?}") };
        assert!(output.contains("postgresql://me:***@h/x"), "{output}");
        assert!(lines.contains("at postgresql://me:***@h/x ***"), "{lines}");
        for text in [lines, format!("{error} {error:?}")] {
            assert!(!text.contains("in1secret") && !text.contains("hush"), "{text}");
        }
    }
}

/// The packages of a Flask application with migrations.
pub const FLASK: [&str; 4] =
    ["Flask-Migrate==4.1.0", "Flask-SQLAlchemy==3.1.1", "alembic==1.20.1", "SQLAlchemy==2.1.9"];

#[test]
fn flask_migrates_own_commands() {
    let flask = Environment::with("flask", &FLASK);
    let project = Folder::new(&[(
        "svc/app.py",
        "from flask import Flask\nfrom flask_migrate import Migrate\n\
         from flask_sqlalchemy import SQLAlchemy\n\n\
         app = Flask(__name__)\n\
         app.config['SQLALCHEMY_DATABASE_URI'] = 'sqlite:////' + __file__.strip('/') + '.sqlite'\n\
         Migrate(app, SQLAlchemy(app), directory='db')\n",
    )]);
    let program = flask.program("flask");
    let mut init = std::process::Command::new(&program);
    init.args(["db", "init"]).current_dir(project.at("svc"));
    super::succeed(&mut init);
    project.write("svc/db/versions/own.py", "raise RuntimeError('not to be read')\n");
    let files = project.files(Some("svc/db/alembic.ini"), "svc/db");
    let command = dbm_git::alembic::AlembicCommand {
        arguments: vec!["db".to_owned()],
        kind: CommandKind::Flask,
        ..command(&program, &project.at("svc"))
    };
    let base = Target::of(command, &files).expect("a target");
    assert!(base.shown(&["current"]).ends_with("flask db current --directory db"));
    up_and_down(&base, &files, &project.at("svc/app.py.sqlite"), None);
}
