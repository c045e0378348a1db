//! Databases, reached through sqlx: which one a URL means, what its version
//! table holds, and what changes when somebody has been at it. Here is also
//! what a change of a database needs around it: a lock, a copy, and rows that
//! can be set. Migrations are run by alembic alone.

mod backup;
mod copying;
mod describe;
mod dialect;
mod dump;
mod error;
mod limits;
mod lock;
mod lock_file;
mod look;
mod mysql;
mod postgres;
mod scratch_database;
mod scratch_file;
mod secret;
mod session;
mod snapshot;
mod sqlite;
mod url;
mod version_table;

pub use backup::{KeptCopies, backup, exchange_file, kept_copies, restore_file};
pub use copying::{CopyWay, database_size};
pub use describe::describe_schema;
pub use dialect::Dialect;
pub use error::{DatabaseError, DriverError};
pub use limits::Limits;
pub use lock::DatabaseLock;
pub use look::{observe, observe_all, read_version_rows, replace_rows, schema_objects};
pub use scratch_database::{ScratchDatabase, drop_stray_databases, stray_databases};
pub use scratch_file::{MissingFile, ScratchFile, stray_copies};
pub use secret::Secret;
pub use snapshot::{ExchangeProgress, SnapshotStore, delete_snapshot_file, snapshot_files};
pub use url::{DatabaseUrl, UrlParts, secrets_in};
pub use version_table::VersionTable;
