//! The JSON that other programs rely on, field by field: an unknown or missing
//! field fails the test that reads it.

use serde::Deserialize;

/// `check --format json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckJson {
    pub version: u32,
    pub ok: bool,
    pub components: Vec<CheckComponent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckComponent {
    pub name: String,
    pub heads: Vec<String>,
    pub bases: Vec<String>,
    pub revisions: usize,
    pub findings: Vec<FindingJson>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindingJson {
    pub code: String,
    pub level: String,
    pub message: String,
    pub path: Option<String>,
    pub line: Option<u32>,
    pub revisions: Vec<String>,
    pub help: Option<String>,
    pub new: bool,
}

/// `graph --format json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphJson {
    pub version: u32,
    pub components: Vec<GraphComponent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphComponent {
    pub name: String,
    pub heads: Vec<String>,
    pub bases: Vec<String>,
    pub revisions: Vec<GraphRevisionJson>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GraphRevisionJson {
    pub revision: String,
    pub down_revisions: Vec<String>,
    pub depends_on: Vec<String>,
    pub branch_labels: Vec<String>,
    pub path: String,
    pub line: u32,
    pub message: String,
    pub landed: Option<bool>,
}

/// `status --format json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusJson {
    pub version: u32,
    pub components: Vec<StatusComponent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusComponent {
    pub name: String,
    pub state: String,
    pub current: Vec<String>,
    pub heads: Vec<String>,
    pub pending: Vec<String>,
    pub skipped: Vec<String>,
    pub unknown: Vec<String>,
    pub foreign: Vec<String>,
    pub recommended: String,
    pub error: Option<String>,
}

/// `rebase --format json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RebaseJson {
    pub version: u32,
    pub operation: Option<serde_json::Value>,
    pub dry_run: bool,
    pub components: Vec<RebaseComponent>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RebaseComponent {
    pub name: String,
    pub moved: Vec<Moved>,
    pub renamed: Vec<Renamed>,
    pub created: Vec<String>,
    pub deleted: Vec<String>,
    pub heads: Vec<String>,
    pub refused: Option<String>,
    pub met: Vec<Met>,
    pub independent: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Met {
    pub thing: String,
    pub own: MetAt,
    pub landed: MetAt,
}

#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetAt {
    pub revision: String,
    pub path: String,
    pub line: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moved {
    pub revision: String,
    pub from: Vec<String>,
    pub to: Vec<String>,
    pub path: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Renamed {
    pub from: String,
    pub to: String,
}

/// What any command answers when it fails.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorJson {
    pub version: u32,
    pub error: Failure,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    pub kind: String,
    pub message: String,
    pub hints: Vec<String>,
}
