//! What any command answers when it fails.

use schemars::JsonSchema;
use serde::Serialize;

/// The answer of a command that failed, with `--format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ErrorReport {
    pub version: u32,
    pub error: FailureReport,
}

/// What failed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FailureReport {
    /// What sort of failure it is; the exit code goes with it.
    #[schemars(extend("enum" = [
        "refused", "usage", "environment", "database", "interrupted", "internal",
    ]))]
    pub kind: &'static str,
    /// What failed and why, in one line.
    pub message: String,
    /// What to do next.
    pub hints: Vec<String>,
}

impl ErrorReport {
    /// The report of one failure.
    pub fn new(kind: &'static str, message: String, hints: Vec<String>) -> Self {
        Self { version: 1, error: FailureReport { kind, message, hints } }
    }
}
