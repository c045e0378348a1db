//! Snapshots of databases: taken, put back, deleted. Whatever takes a database's
//! place, what was there before is a snapshot from then on.

mod commands;
mod exchange;
mod take;

pub use commands::{
    Astray, Restored, SnapshotsOutcome, astray, drop_named, list, prune_all, restore, restore_plan,
    save, survey,
};
pub use exchange::{ExchangeRequest, exchange, recover_exchanges, undo_exchanges};
pub use take::{Taking, bounds, delete_all, folder, store_of, take, whose};

/// Whether this clone keeps a database per branch: `dbm-git.branchData`.
pub fn keeps_branch_data(repository: &super::Repository) -> bool {
    repository.config("dbm-git.branchData").as_deref() == Some("snapshot")
}
