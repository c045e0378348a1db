//! dbm-git.
#![forbid(unsafe_code)]
pub mod alembic;
pub mod check;
pub mod cli;
pub mod database;
pub mod demo_stage;
pub mod git;
pub mod hook_files;
pub mod journal;
pub mod ops;
pub mod plan;
pub mod project;
pub mod report;
pub mod revision;
pub mod script;
pub mod tree;
pub mod workspace;
