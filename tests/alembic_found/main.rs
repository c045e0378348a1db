//! The project's own alembic, as it is found and run: every version and tool
//! here is a real one.
#![allow(
    clippy::disallowed_methods,
    reason = "tests set up and look at the real world; the rules are for the shipped code"
)]

mod environments;
mod moves;
mod scratch;
#[path = "../support/mod.rs"]
mod support;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use dbm_git::alembic::{AlembicCommand, CommandKind, ProjectFiles, Target};
use environments::{Environment, succeed};
use support::test_python;
use tempfile::TempDir;

/// Longer than anything here takes, on a slow machine too.
const LIMIT: Duration = Duration::from_secs(300);

/// The packages of the oldest alembic that has to work.
const OLD: [&str; 2] = ["alembic==1.13.3", "SQLAlchemy==2.0.58"];

/// The oldest alembic that has to work, and the one of all other tests.
fn alembics() -> [PathBuf; 2] {
    let old = Environment::with("alembic-1.13", &OLD);
    let new = test_python().parent().expect("a folder of programs").join("alembic");
    [old.program("alembic"), new]
}

/// The command `program` in `folder`.
fn command(program: &Path, folder: &Path) -> AlembicCommand {
    AlembicCommand {
        program: program.to_owned(),
        arguments: Vec::new(),
        folder: folder.to_owned(),
        kind: CommandKind::Alembic,
    }
}

/// A folder with files.
struct Folder(TempDir);

impl Folder {
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().expect("a temporary folder"));
        for (path, text) in files {
            folder.write(path, text);
        }
        folder
    }

    fn path(&self) -> PathBuf {
        self.0.path().canonicalize().expect("it is there")
    }

    fn at(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.at(path);
        fs::create_dir_all(path.parent().expect("a path inside")).expect("new folders");
        fs::write(path, text).expect("a writable folder");
    }

    /// Of a configuration and a script location with one version location in it.
    fn files(&self, config: Option<&str>, script_location: &str) -> ProjectFiles {
        ProjectFiles {
            root: self.path(),
            config: config.map(|config| self.at(config)),
            section: "alembic".to_owned(),
            script_location: self.at(script_location),
            version_locations: vec![self.at(script_location).join("versions")],
        }
    }
}

/// Runs SQL in a SQLite file and returns the first column of the last statement, sorted.
#[track_caller]
fn sql(database: &Path, statements: &[&str]) -> String {
    let script = "import sqlite3, sys\n\
                  c = sqlite3.connect(sys.argv[1])\n\
                  for s in sys.argv[2:]: rows = c.execute(s).fetchall()\n\
                  c.commit()\n\
                  print(' '.join(sorted(str(r[0]) for r in rows)))";
    let mut python = Command::new(test_python());
    succeed(python.args(["-c", script]).arg(database).args(statements)).trim_end().to_owned()
}

fn tables(database: &Path) -> String {
    sql(database, &["SELECT name FROM sqlite_master WHERE name LIKE 't\\_%' ESCAPE '\\'"])
}

fn rows(database: &Path) -> String {
    sql(database, &["SELECT version_num FROM alembic_version"])
}

/// A script that creates the table `t_<id>`; `header` is what follows `down_revision = `.
fn script(id: &str, header: &str) -> String {
    format!(
        "\"\"\"message of {id}\"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\n\n\
         revision = '{id}'\ndown_revision = {header}\n\n\n\
         def upgrade():\n    op.create_table('t_{id}', sa.Column('id', sa.Integer))\n\n\n\
         def downgrade():\n    op.drop_table('t_{id}')\n"
    )
}

/// A script without operations.
fn stub(id: &str, header: &str) -> String {
    format!(
        "revision = '{id}'\ndown_revision = {header}\n\n\n\
         def upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n"
    )
}

/// Scripts as [`dbm_git::alembic::ScratchProject`] takes them, named after their ids.
fn named(scripts: &[(&str, String)]) -> Vec<(String, Vec<u8>)> {
    scripts.iter().map(|(id, text)| (format!("{id}.py"), text.clone().into_bytes())).collect()
}

/// `env.py` of a project that keeps its URL in the ini.
const ENV: &str = r#"from alembic import context
from sqlalchemy import create_engine, pool

url = context.config.get_main_option("sqlalchemy.url")
with create_engine(url, poolclass=pool.NullPool).connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"#;

/// The target of `files`, as it is run without any scratch project.
fn target(program: &Path, folder: &Path, files: &ProjectFiles) -> Target {
    Target::of(command(program, folder), files).expect("a configuration")
}
