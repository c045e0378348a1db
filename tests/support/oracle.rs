//! The real alembic, asked through `tests/oracle/oracle.py`.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::{Deserialize, Serialize};

use super::test_python;

/// One Python process that answers for any number of projects.
pub struct Oracle {
    process: Child,
    /// `None` once closed, which ends the process.
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

/// A project and how its scripts are found: by `ini`, or by `script_location`.
#[derive(Debug, Default, Serialize)]
pub struct OracleRequest {
    pub path: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ini: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub section: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script_location: Option<String>,
    pub version_locations: Vec<String>,
    pub recursive: bool,
}

/// What alembic loaded, or why it did not.
#[derive(Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OracleAnswer {
    pub revisions: Vec<OracleRevision>,
    pub heads: Vec<String>,
    pub real_heads: Vec<String>,
    pub bases: Vec<String>,
    /// What `upgrade heads` runs on an empty database.
    pub upgrade_order: Option<Vec<String>>,
    pub upgrade_error: Option<OracleFailure>,
    pub error: Option<OracleFailure>,
    pub warnings: Vec<String>,
    pub alembic: String,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleRevision {
    pub revision: String,
    pub down_revisions: Vec<String>,
    /// As written.
    pub depends_on: Vec<String>,
    pub resolved_dependencies: Vec<String>,
    /// Declared by the script itself, sorted.
    pub labels: Vec<String>,
    /// With those that reach it from elsewhere, sorted.
    pub effective_labels: Vec<String>,
    pub path: String,
    pub doc: String,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OracleFailure {
    pub class: String,
    pub message: String,
}

impl Oracle {
    /// Starts the process with the Python of `tests/run`.
    pub fn start() -> Self {
        let mut process = Command::new(test_python())
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/oracle.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let questions = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("stdout is piped"));
        Self { process, questions, answers }
    }

    /// Asks about one project.
    #[track_caller]
    pub fn ask(&mut self, request: &OracleRequest) -> OracleAnswer {
        let mut line = serde_json::to_string(request).expect("a request is plain data");
        line.push('\n');
        let questions = self.questions.as_mut().expect("open until dropped");
        questions.write_all(line.as_bytes()).expect("the oracle reads");
        questions.flush().expect("the oracle reads");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("the oracle answers");
        serde_json::from_str(&answer).unwrap_or_else(|e| panic!("oracle said {answer:?}: {e}"))
    }

    /// Asks about a project that alembic has to accept.
    #[track_caller]
    pub fn load(&mut self, request: &OracleRequest) -> OracleAnswer {
        let answer = self.ask(request);
        assert_eq!(answer.error, None, "{request:?}");
        answer
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.questions.take());
        // A process that is gone already needs no waiting for.
        let _ = self.process.wait();
    }
}
