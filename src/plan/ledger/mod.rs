//! What is known to have run in a database, whatever its version rows say.
//!
//! The rows name the newest revisions only, and every rewritten `down_revision`
//! changes what they mean (ALEMBIC.md 1.9). So the set of what ran is kept, and
//! each look at the rows is explained by the graph that alembic had then.
//! Nothing in here asks a database or reads a file.

mod entry;
mod explain;
mod known;
mod snapshot;

pub use entry::{BodyHash, Evidence, Ledger, LedgerEntry};
pub use explain::{Possibilities, explain, possibilities};
pub use known::{Matching, Verdict};
pub use snapshot::{SeenScript, Snapshot};

#[cfg(test)]
mod tests;
