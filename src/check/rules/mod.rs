//! One file per rule, and the table that names them all.

mod dbm001_diverged_heads;
mod dbm002_missing_down_revision;
mod dbm003_duplicate_id;
mod dbm004_cycle;
mod dbm005_unreadable;
mod dbm006_dynamic;
mod dbm007_merged_ancestor;
mod dbm008_landed_repointed;
mod dbm009_landed_gone;
mod dbm010_landed_edited;
mod dbm011_unresolved_name;
mod dbm012_illegal_id;
mod dbm013_stale_docstring;
mod dbm014_second_base;
mod dbm015_would_diverge;
mod dbm016_uncommitted;
mod dbm017_unused_suppression;
mod dbm018_lock_file;
mod dbm101_semantic_conflict;
mod landed;
mod table;

pub use dbm017_unused_suppression::RULE as UNUSED;
pub use table::{RULES, Rule, Run, rule, run_rules, sort_findings};
