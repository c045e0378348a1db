//! The exit codes; documented in the README and in `--help`.

use std::process::ExitCode;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// Looked and found problems, or refused because it is unsafe.
    Problems = 1,
    /// Wrong usage.
    Usage = 2,
    /// Configuration or environment: no repository, no component, no alembic.
    Environment = 3,
    /// alembic or the database failed.
    Database = 4,
    /// An interrupted operation waits for `dbm-git recover`.
    Interrupted = 5,
    /// A defect of this program; what Rust itself ends a panicked process with.
    Internal = 101,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
