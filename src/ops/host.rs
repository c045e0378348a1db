//! What of the process's surroundings an operation may know.

use std::path::PathBuf;

/// Read at the edge, and passed on.
#[derive(Clone)]
pub struct Host {
    pub variable: fn(&str) -> Option<String>,
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
    /// `--database-url`.
    pub database_url: Option<String>,
    /// `--allow-remote`.
    pub allow_remote: bool,
}
