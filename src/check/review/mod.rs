//! What somebody ought to look at in own revisions before they are pushed: one
//! file per rule. Each judges the operations of one revision; whether they
//! succeed, only a database can tell.

pub mod dbm201_empty_upgrade;
pub mod dbm202_no_downgrade;
pub mod dbm203_dropped;
pub mod dbm204_not_null;
pub mod dbm205_lossy_type;
pub mod dbm206_rename;
pub mod dbm207_sql_without_downgrade;
pub mod dbm208_rows_under_lock;
pub mod dbm209_application_import;
pub mod dbm210_value_in_transaction;
pub mod dbm211_value_dropped;
pub mod dbm212_type_left_behind;
pub mod dbm213_blocking_index;
pub mod dbm214_concurrently_in_transaction;
pub mod dbm215_blocking_constraint;
mod lossy;
mod renames;
mod reviewed;
mod run;
#[cfg(test)]
mod testing;

pub use reviewed::Reviewed;
pub use run::review;
