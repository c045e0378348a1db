//! What is shown: one serialisable struct per output, and the text of the same.
//! Views only look: nothing here decides, reads or changes anything.

mod check;
mod create;
mod demo;
mod diff;
mod doctor;
mod error;
mod escape;
mod explain;
mod findings;
mod github;
mod gitlab;
mod graph;
mod install;
mod journal;
mod junit;
mod lanes;
mod mermaid_part;
mod migrate;
mod overview;
mod page;
mod picture;
mod placed;
mod rdjson;
mod rebase;
mod region;
mod review;
#[cfg(test)]
mod samples;
mod sarif;
mod schema;
mod snapshots;
mod status;
mod step_summary;
mod sync;
mod verify;

pub use check::{CheckReport, ComponentCheckReport, FindingReport};
pub use create::{CreateReport, DestructiveReport, NewRevisionReport, render_created};
pub use demo::DemoView;
pub use diff::unified_diff;
pub use doctor::{CheckupReport, DoctorReport, FixedReport, render_doctor};
pub use error::{ErrorReport, FailureReport};
pub use escape::{escaped, escaped_text};
pub use explain::{ExplainReport, RuleReport, render_rule, render_rules};
pub use findings::{FindingsStyle, Sources, render_findings, render_summary, render_suppressed};
pub use github::GithubReport;
pub use gitlab::GitlabReport;
pub use graph::{ComponentGraphReport, GraphReport, RevisionReport, render_graphs};
pub use install::{HookReport, InstallReport, WHAT_HAPPENS_WHEN};
pub use journal::{LogReport, RecoverReport, SettleReport, UndoReport};
pub use junit::JunitReport;
pub use lanes::{LaneStyle, Selection};
pub use migrate::{MigrateReport, render_migration};
pub use overview::{OverviewReport, render_overview};
pub use page::render_page;
pub use picture::{Picture, render_dot, render_mermaid, render_svg};
pub use rdjson::RdjsonReport;
pub use rebase::{
    RebaseComponentReport, RebaseReport, met_in_words, render_beside, render_diff, render_plan,
    render_verified,
};
pub use sarif::SarifReport;
pub use schema::{OUTPUT_SCHEMAS, OutputSchema};
pub use snapshots::SnapshotsReport;
pub use status::{StatusReport, render_status};
pub use step_summary::render_step_summary;
pub use sync::{SyncReport, render_applied, render_sync};
pub use verify::{VerifyReport, render_verification};
