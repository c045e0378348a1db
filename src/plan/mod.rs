//! What to do: a plan is a value, made from histories and nothing else.
//! `--dry-run` shows it, the journal stores it, `undo` inverts it.

mod change;
mod database;
mod fingerprint;
pub mod hook;
mod merge;
mod rebase;
mod sequence;
mod strategy;
mod undo;

pub use change::{Change, Image, inverse};
pub use database::{DatabaseState, DatabaseView, judge_database, rows_at_heads};
pub use fingerprint::{Fingerprint, Observation};
pub use merge::{MergedHead, NewScript, ScriptConventions, merge_script};
pub use rebase::{
    Move, RebasePlan, RebaseRequest, Refusal, Renumbered, ScriptStanding, Standing, history_after,
    list, plan_rebase, summarize,
};
pub use strategy::Strategy;
pub use undo::{
    ChangedSince, FileState, FileStates, Recovery, UndoConflict, plan_recovery, plan_undo,
    same_content,
};
