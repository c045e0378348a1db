//! dbm-git.
#![forbid(unsafe_code)]
pub mod plan;
pub mod revision;
pub mod script;
pub mod tree;

pub mod git;
