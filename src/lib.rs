//! Keeps Alembic migration histories straight, from inside git.
//!
//! The library behind the command `dbm-git`. README.md says what it does,
//! ARCHITECTURE.md how it is made and why; this is the map.
//!
//! Every operation is *load* (adapters) → *plan* (pure) → *apply* (adapters) →
//! *report* (pure). In reading order:
//!
//! * The core, pure: [`revision`] (what a history is), [`tree`] (a snapshot of
//!   files), [`script`] (what a migration file says), [`check`] (what is wrong),
//!   [`plan`] (what to do), [`parallel`] (work that threads share).
//! * The adapters, each with its part of the outside world: [`project`]
//!   (configuration), [`git`], [`workspace`] (the user's files), [`hook_files`],
//!   [`cache`], [`journal`], [`database`], [`alembic`], [`demo_stage`].
//! * [`ops`]: the operations, which load, plan and apply.
//! * [`report`]: outcomes as text and as JSON. [`cli`]: the edge.
//!
//! # Files
//!
//! Read are the configuration (`dbm-git.toml`, `alembic.ini`, `pyproject.toml`),
//! the version locations and git's own files; migration files are parsed, never
//! imported. Written are scripts, hooks, and below git's directory
//! `dbm-git/state.db` (the journal), `lock`, `setup.lock`, `open` (an operation
//! may be open), `seen` and `pending` (for the hooks), `headers` (what was parsed
//! before), `answers` (what `check` said). Databases are read here
//! and changed by the project's own alembic only.
//!
//! # Invariants
//!
//! * A layer names only what the table in `tests/architecture` grants it.
//! * Files are edited by byte range; what was not meant to change is the same.
//! * A plan is read back and checked before the first byte is written.
//! * Every change is in the journal, with what was there before, before it is
//!   made; killed at any moment, the files can be made all old or all new.
//! * Landed revisions are not rewritten unless one is named.
//! * A hook that fails itself never stops git.
#![forbid(unsafe_code)]
pub mod alembic;
pub mod cache;
pub mod check;
pub mod ci_platform;
pub mod cli;
pub mod database;
pub mod demo_stage;
pub mod git;
pub mod hook_files;
pub mod journal;
pub mod ops;
pub mod parallel;
pub mod plan;
pub mod project;
pub mod report;
pub mod revision;
pub mod script;
pub mod tree;
pub mod workspace;
