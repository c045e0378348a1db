//! The operations: each loads, plans, applies, and returns an outcome. Commands
//! and hooks call them; nothing here prints.

pub mod apply;
pub mod check;
pub mod demo;
mod error;
pub mod graph;
mod history;
pub mod hook;
pub mod install;
pub mod rebase;
mod session;
mod standing;
pub mod status;
pub mod transaction;
pub mod undo;
mod whereabouts;
pub mod write_access;

pub use crate::git::Repository;
pub use crate::journal::{JournalEntry, JournalError, LockError, OperationId};
pub use error::OpsError;
pub use session::{Session, SessionOptions, Source};
pub use write_access::WriteAccess;
