//! What the integration tests share: a git repository in a folder of its own,
//! writers of revision files, a standard project on SQLite, the real alembic as
//! an oracle, real database servers, and the published JSON as strict structs.
//!
//! Tests do their input and output through this module, so that the rules of
//! `clippy.toml` are lifted here and nowhere else.
#![allow(
    clippy::disallowed_methods,
    reason = "tests set up and look at the real world; the rules are for the shipped code"
)]
#![allow(dead_code, unused_imports, reason = "each test binary uses a part of it")]

mod contract;
mod fixture;
mod manifest;
mod oracle;
mod project;
mod random;
mod repo;
mod scripts;
mod server;

pub use contract::{
    CheckComponent, CheckJson, ErrorJson, Failure, FindingJson, GraphComponent, GraphJson,
    GraphRevisionJson, MetAt, Moved, RebaseComponent, RebaseJson, Renamed, StatusComponent,
    StatusJson,
};
pub use fixture::{GraphFixture, GraphRevision, RawHeader};
pub use oracle::{Oracle, OracleAnswer, OracleFailure, OracleRequest, OracleRevision};
pub use project::{SCRIPT_LOCATION, VERSIONS, write_alembic_project};
pub use random::Random;
pub use repo::{Run, TestRepo, test_python};
pub use scripts::{file_name, raw_script, script};
pub use server::{Server, Session, program};
