//! Putting own revisions on top of the landed ones.
//!
//! The planner works on items (scripts, and merge revisions still to be
//! written) under keys that are unique even where two files claim one id; it
//! resolves one diverged lineage after the other until none is left, then
//! turns the difference into edits, and checks the result as if it had been
//! read from disk.

mod edits;
mod item;
mod lineage;
mod planner;
mod rebase_plan;
mod refusal;
mod renumber;
mod request;
#[cfg(test)]
mod tests;
mod verify;

pub use planner::plan_rebase;
pub use rebase_plan::{Move, RebasePlan, Renumbered, commit_message, summarize};
pub use refusal::{Refusal, list};
pub use request::{RebaseRequest, ScriptStanding, Standing};
pub use verify::history_after;
