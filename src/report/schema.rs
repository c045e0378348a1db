//! The JSON Schemas of our outputs, out of the very types that are written.
//!
//! They are for readers. Fields that a schema does not name are allowed: a
//! program that reads version 1 has to live with fields that a newer dbm-git
//! adds, and a generated reader that refuses them would break on every release.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};

use super::{
    CheckReport, CreateReport, DoctorReport, ErrorReport, ExplainReport, GraphReport,
    InstallReport, LogReport, MigrateReport, OverviewReport, RebaseReport, RecoverReport,
    SettleReport, SnapshotsReport, StatusReport, SyncReport, UndoReport, VerifyReport,
};

/// The form of the JSON that some commands answer with.
#[derive(Clone, Copy, Debug)]
pub struct OutputSchema {
    /// The command that it is named after; `overview` without any, and `error`.
    pub name: &'static str,
    /// All commands that answer in this form.
    pub commands: &'static [&'static str],
    pub schema: fn() -> Schema,
}

/// The forms of all outputs.
pub const OUTPUT_SCHEMAS: &[OutputSchema] = &[
    output("check", &["check"], written::<CheckReport>),
    output("graph", &["graph"], written::<GraphReport>),
    output("rebase", &["rebase", "merge"], written::<RebaseReport>),
    output("status", &["status"], written::<StatusReport>),
    output("migrate", &["migrate"], written::<MigrateReport>),
    output("sync", &["sync"], written::<SyncReport>),
    output("verify", &["verify"], written::<VerifyReport>),
    output("create", &["create"], written::<CreateReport>),
    output("log", &["log"], written::<LogReport>),
    output("undo", &["undo"], written::<UndoReport>),
    output("recover", &["recover"], written::<RecoverAnswer>),
    output("snapshots", &["snapshots"], written::<SnapshotsReport>),
    output("install", &["install", "uninstall"], written::<InstallReport>),
    output("doctor", &["doctor"], written::<DoctorReport>),
    output("explain", &["explain"], written::<ExplainReport>),
    output("overview", &[], written::<OverviewReport>),
    output("error", &[], written::<ErrorReport>),
];

const fn output(
    name: &'static str,
    commands: &'static [&'static str],
    schema: fn() -> Schema,
) -> OutputSchema {
    OutputSchema { name, commands, schema }
}

/// `recover --format json`.
// The schema alone: each of the two is written as it is.
#[derive(JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "only its form is of interest")]
enum RecoverAnswer {
    Files(RecoverReport),
    Databases(SettleReport),
}

fn written<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<T>()
}
