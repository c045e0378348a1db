//! The database adapter on real servers and real files: PostgreSQL, MariaDB and
//! SQLite, with SQLAlchemy and alembic as the judges of what is meant.
//!
//! Needs `DBM_GIT_TEST_PYTHON`, and a server of each kind; see `tests/support/server.rs`.
#![expect(clippy::disallowed_methods, reason = "tests set up and look at the real world")]

#[path = "../support/mod.rs"]
mod support;

mod alembic;
mod copying;
mod failing;
mod files;
mod keeping;
mod locking;
mod looking;
mod proxy;
mod schema;
mod scratch;
mod setting;
mod subject;
mod urls;
