//! What to do: a plan is a value, made from histories and nothing else.
//! `--dry-run` shows it, the journal stores it, `undo` inverts it.

mod branch_data;
mod change;
mod checkup;
mod ci;
mod database;
mod evidence;
mod fingerprint;
mod hash;
pub mod hook;
pub mod hook_config;
pub mod hook_manager;
pub mod hook_run;
mod ledger;
mod lock_file;
mod merge;
mod migrate;
mod next;
mod rebase;
mod sequence;
mod strategy;
mod sync;
mod undo;
mod verify;

pub use branch_data::{
    Bounds, DatabaseSnapshot, Pruning, SnapshotId, SnapshotKind, SwitchDelay, SwitchFacts,
    SwitchPlan, find_snapshot, parse_bytes, plan_switch, prune, worn_out,
};
pub use change::{Change, Image, inverse};
pub use checkup::{Checkup, CheckupState, Fix, Mend, shell_word};
pub use ci::{
    BasePlan, CiEvent, CiRun, HeadCommit, Proposal, is_commit_id, is_ref_name, plan_base,
};
pub use database::{
    DatabaseState, DatabaseView, FilesState, judge_database, rows_at_heads, rows_of,
};
pub use evidence::{Proof, prove};
pub use fingerprint::{Fingerprint, Observation};
pub use hash::hash_of;
pub use ledger::{
    BodyHash, Evidence, Ledger, LedgerEntry, Matching, Possibilities, SeenScript, Snapshot,
    Verdict, explain, possibilities,
};
pub use lock_file::{lock_change, lock_text, with_lock_file};
pub use merge::{MergedHead, NewScript, ScriptConventions, merge_script};
pub use migrate::{Direction, MigratePlan, MigrateRefusal, plan_migration};
pub use next::{ComponentFacts, HooksInPlace, NextStep, Unfinished, next_step};
pub use rebase::{
    Move, RebasePlan, RebaseRequest, Refusal, Renumbered, ScriptStanding, Standing, commit_message,
    history_after, list, plan_rebase, summarize,
};
pub use strategy::Strategy;
pub use sync::{
    CHEAP_BYTES, PlannedStep, Repair, SchemaVerdict, SyncPlan, SyncRefusal, SyncRequest, SyncStep,
    SyncStrategy, Trying, Wanted, judge_schema, plan_descent, plan_sync,
};
pub use undo::{
    ChangedSince, FileState, FileStates, Recovery, UndoConflict, plan_recovery, plan_undo,
    same_content,
};
pub use verify::{SchemaDescription, SchemaDifference, VerifyPlan, VerifyStep, plan_verification};
