//! dbm-git.
#![forbid(unsafe_code)]
pub mod check;
pub mod git;
pub mod journal;
pub mod hook_files;
pub mod ops;
pub mod plan;
pub mod report;
pub mod project;
pub mod revision;
pub mod script;
pub mod tree;
pub mod workspace;
