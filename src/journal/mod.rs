//! What dbm-git did, so that it can be finished, called off or taken back, and
//! what it knows to have run in databases: a
//! SQLite database in the repository's common git directory. Open operations
//! belong to their worktree. Nothing here decides what to do with them, and
//! nothing here touches the user's files.
//!
//! * `<common dir>/dbm-git/state.db`: the journal, schema in `migrations/`
//! * `<common dir>/dbm-git/setup.lock`: held while the database is opened
//! * `<common dir>/dbm-git/lock`: [`RepositoryLock`]
//! * `<git dir of a worktree>/dbm-git/open`: [`Worktree`]'s mark

mod confirmed;
mod database;
mod entry;
mod ledger;
mod lock;
mod operations;
mod seen;
mod size;
mod snapshots;
mod steps;
mod worktree;

pub use database::JournalError;
pub use entry::{
    Invocation, JournalEntry, NewOperation, OperationId, OperationKind, OperationState,
};
pub use ledger::{LedgerUpdate, Saved, StoredLedger};
pub use lock::{Holder, LockError, RepositoryLock};
pub use operations::Journal;
pub use seen::{Seen, SeenPlace, leave_pending, take_pending};
pub use size::size_of;
pub use snapshots::{Exchange, ExchangeId, ExchangeState, NewExchange};
pub use steps::{DatabaseStep, RecordedStep, StepKind, StepState, components_of};
pub use worktree::Worktree;
