//! The two Python processes: hands at the prompt, and the alembic that dbm-git
//! finds.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::test_python;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stories");

fn python(script: &str) -> Command {
    let mut command = Command::new(test_python());
    command
        .arg(format!("{FOLDER}/{script}"))
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LC_ALL", "C.UTF-8")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// Alembic as people run it, and looks into databases.
pub struct Hands {
    process: Child,
    /// `None` once closed, which ends the process.
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// How a command of alembic ended.
#[derive(Debug, Deserialize)]
pub struct Ended {
    pub code: i32,
    pub output: String,
}

/// Lines that describe each table, sorted: the order of columns is no part of it.
pub type Schema = BTreeMap<String, Vec<String>>;

impl Hands {
    pub fn start() -> Self {
        let mut process = python("hands.py").spawn().expect("python starts");
        let questions = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("stdout is piped"));
        Self { process, questions, answers }
    }

    fn ask(&mut self, request: &Value) -> Value {
        let questions = self.questions.as_mut().expect("open until dropped");
        writeln!(questions, "{request}").expect("python reads");
        questions.flush().expect("python reads");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("python answers");
        let answer: Value =
            serde_json::from_str(&answer).unwrap_or_else(|e| panic!("python said {answer:?}: {e}"));
        if let Some(failed) = answer.get("failed") {
            panic!("{request}: {}", failed.as_str().unwrap_or_default());
        }
        answer
    }

    /// Runs a command of alembic in `folder`.
    pub fn alembic(
        &mut self,
        folder: &Path,
        arguments: &[&str],
        environment: &BTreeMap<&str, String>,
    ) -> Ended {
        let answer = self.ask(&json!({
            "do": "alembic", "folder": folder, "arguments": arguments, "environment": environment,
        }));
        serde_json::from_value(answer).expect("an answer")
    }

    /// Executes statements in one transaction; the rows of the last one.
    pub fn sql(&mut self, url: &str, statements: &[&str]) -> Vec<Vec<String>> {
        let mut answer = self.ask(&json!({ "do": "sql", "url": url, "statements": statements }));
        serde_json::from_value(answer["rows"].take()).expect("rows")
    }

    /// All tables but the version table.
    pub fn schema(&mut self, url: &str) -> Schema {
        let mut answer = self.ask(&json!({ "do": "schema", "url": url }));
        serde_json::from_value(answer["tables"].take()).expect("tables")
    }

    /// The version rows; none if there is no table for them.
    pub fn version_rows(&mut self, url: &str) -> BTreeSet<String> {
        let mut answer = self.ask(&json!({ "do": "rows", "url": url }));
        serde_json::from_value(answer["rows"].take()).expect("rows")
    }
}

impl Drop for Hands {
    fn drop(&mut self) {
        drop(self.questions.take());
        // A process that is gone already needs no waiting for.
        let _ = self.process.wait();
    }
}

/// The alembic of `PATH`, which starts at once.
pub struct AlembicServer {
    process: Child,
    folder: TempDir,
}

impl AlembicServer {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut process =
            python("server.py").arg(folder.path().join("socket")).spawn().expect("python starts");
        let mut ready = [0; 6];
        let stdout = process.stdout.as_mut().expect("stdout is piped");
        stdout.read_exact(&mut ready).expect("the server comes up");
        Self { process, folder }
    }

    /// Writes a program `alembic` to `folder`; what it runs sees `environment` too.
    pub fn write_client(&self, folder: &Path, environment: &BTreeMap<&str, String>) -> PathBuf {
        let client = std::fs::read_to_string(format!("{FOLDER}/client.py")).expect("the client");
        let socket = self.folder.path().join("socket");
        let text = format!(
            "#!{} -SE\nSOCKET = {:?}\nENVIRONMENT = {}\n{client}",
            test_python().display(),
            socket.to_str().expect("a plain temporary folder"),
            json!(environment),
        );
        std::fs::create_dir_all(folder).expect("a new folder");
        let program = folder.join("alembic");
        std::fs::write(&program, text).expect("a new file");
        let executable = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(&program, executable).expect("our own file");
        program
    }
}

impl Drop for AlembicServer {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // A process that is gone already needs no waiting for.
        let _ = self.process.wait();
    }
}
