//! The operations: each loads, plans, applies, and returns an outcome. Commands
//! and hooks call them; nothing here prints.

mod answers;
pub mod apply;
pub mod beside;
mod beyond;
pub mod candidates;
pub mod check;
pub mod ci_base;
pub mod create;
mod database_target;
pub mod demo;
pub mod doctor;
mod error;
pub mod graph;
mod history;
pub mod hook;
mod hook_database;
pub mod hook_facts;
pub mod hook_road;
mod hook_snapshot;
mod host;
pub mod install;
mod left;
mod look;
pub mod migrate;
pub mod overview;
mod parsing;
mod past;
pub mod rebase;
pub mod review;
mod running;
mod session;
pub mod settle;
pub mod snapshots;
mod standing;
pub mod status;
mod step_runner;
pub mod sync;
pub mod target;
pub mod transaction;
pub mod trial;
pub mod undo;
mod undo_steps;
pub mod verify;
pub mod verify_plan;
mod whereabouts;
pub mod write_access;

pub use crate::git::Repository;
pub use crate::journal::{JournalEntry, JournalError, LockError, OperationId};
pub use error::OpsError;
pub use left::Left;
pub use session::{GivenBase, Session, SessionOptions, Source};
pub use write_access::WriteAccess;

/// Version rows, in words.
fn shown(rows: &[String]) -> String {
    if rows.is_empty() { "no revision".to_owned() } else { crate::plan::list(rows) }
}

/// An error with what caused it, in one line.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text += &format!(": {error}");
        cause = error.source();
    }
    text
}

/// A path as it is called from the working tree's folder, if it is in there.
fn from_root(session: &Session, path: std::path::PathBuf) -> std::path::PathBuf {
    match path.strip_prefix(session.repository.root()) {
        Ok(inside) => inside.to_path_buf(),
        Err(_) => path,
    }
}
