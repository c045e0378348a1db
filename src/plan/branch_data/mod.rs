//! A database per branch: what is kept of a database when its branch is left,
//! and when that comes back. The decision is made here from what is known; no
//! database is asked, and nothing is copied.

mod bounds;
mod kept;
mod switch;

pub use bounds::{Bounds, Pruning, parse_bytes, prune, worn_out};
pub use kept::{DatabaseSnapshot, SnapshotId, SnapshotKind, find_snapshot};
pub use switch::{SwitchDelay, SwitchFacts, SwitchPlan, plan_switch};

#[cfg(test)]
mod tests;
