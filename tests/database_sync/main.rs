//! `status`, `sync`, `undo` and `recover` against real servers: the traps of
//! ALEMBIC.md 1.9, and what happens when a server, a migration or somebody else
//! gets in the way.
//!
//! Needs `DBM_GIT_TEST_PYTHON`, and a server of each kind; see `tests/support/server.rs`.

#![expect(clippy::disallowed_methods, reason = "the tests set up and look at the real world")]

mod branch_data;
mod env_url;
mod failing;
mod footprints;
mod gate;
mod order;
mod project;
mod review;
#[path = "../support/mod.rs"]
mod support;
mod traps;
mod trial;
mod verify;
mod waiting;
