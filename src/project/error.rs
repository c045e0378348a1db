//! Why a project's configuration cannot be used.

use crate::tree::{RepoPath, TreeError};

/// A configuration that says something that cannot be followed. A merely
/// discovered configuration never causes one: it becomes a note.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error("unknown {what} `{key}` in {}{}", at(file, *line), nearest(known.as_deref()))]
    Unknown {
        file: RepoPath,
        line: Option<u32>,
        /// `key` or `value`.
        what: &'static str,
        key: String,
        /// The nearest one that is known.
        known: Option<String>,
    },
    #[error("{}: {reason}", at(file, *line))]
    Invalid { file: RepoPath, line: Option<u32>, reason: String },
    #[error("{}: component `{component}`: {reason}", at(file, *line))]
    Component { file: RepoPath, line: Option<u32>, component: String, reason: String },
    #[error("{}: `{config}`, the config of component `{component}`, does not exist", at(file, *line))]
    MissingConfig { file: RepoPath, line: Option<u32>, component: String, config: RepoPath },
    #[error("component `{component}`: {}: {reason}", at(config, *line))]
    InvalidConfig { component: String, config: RepoPath, line: Option<u32>, reason: String },
}

fn at(file: &RepoPath, line: Option<u32>) -> String {
    line.map_or_else(|| format!("`{file}`"), |line| format!("`{file}` line {line}"))
}

fn nearest(known: Option<&str>) -> String {
    known.map_or_else(String::new, |known| format!(", the nearest known one is `{known}`"))
}
