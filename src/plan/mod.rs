//! What to do: a plan is a value, made from histories and nothing else.
//! `--dry-run` shows it, the journal stores it, `undo` inverts it.

mod change;
<<<<<<< HEAD
mod merge;
mod rebase;
mod sequence;
mod strategy;

pub use change::{Change, Image, inverse};
pub use merge::{NewScript, ScriptConventions, merge_script};
pub use rebase::{
    Move, RebasePlan, RebaseRequest, Refusal, Renumbered, ScriptStanding, Standing, history_after,
    plan_rebase,
};
pub use strategy::Strategy;
=======
mod undo;

pub use change::{Change, Image, inverse};
pub use undo::{
    ChangedSince, FileState, FileStates, Recovery, UndoConflict, plan_recovery, plan_undo,
    same_content,
};
>>>>>>> 1f907be (Change files so that a crash leaves all old or all new)
