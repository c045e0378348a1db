//! Ours beside the managers of hooks that people use: whoever comes first, they
//! install again, they go. After each step every hook is fired, and `doctor` has
//! to know whether ours was called.
//!
//! pre-commit, prek and lefthook are the real ones, from the tests' Python
//! environment. git-lfs is real where it is installed. husky and
//! simple-git-hooks come from a registry that is not always to be had: of them
//! there are the files that they write.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests set up and look at the real world")]

mod configured;
mod folders;
mod others;
mod pythons;
#[path = "../support/mod.rs"]
mod support;
mod world;

use world::World;
