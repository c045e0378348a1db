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
mod graph;
mod install;
mod journal;
mod lanes;
mod migrate;
mod overview;
mod page;
mod picture;
mod rebase;
mod schema;
mod status;
mod sync;

pub use check::{CheckReport, ComponentCheckReport, FindingReport};
pub use create::{CreateReport, DestructiveReport, NewRevisionReport, render_created};
pub use demo::DemoView;
pub use diff::unified_diff;
pub use doctor::{CheckupReport, DoctorReport, FixedReport, render_doctor};
pub use error::{ErrorReport, FailureReport};
pub use escape::{escaped, escaped_text};
pub use explain::{ExplainReport, RuleReport, render_rule, render_rules};
pub use findings::{FindingsStyle, Sources, render_findings, render_summary, render_suppressed};
pub use graph::{ComponentGraphReport, GraphReport, RevisionReport, render_graphs};
pub use install::{HookReport, InstallReport};
pub use journal::{LogReport, RecoverReport, SettleReport, UndoReport};
pub use lanes::{LaneStyle, Selection};
pub use migrate::{MigrateReport, render_migration};
pub use overview::{OverviewReport, render_overview};
pub use page::render_page;
pub use picture::{Picture, render_dot, render_mermaid, render_svg};
pub use rebase::{RebaseComponentReport, RebaseReport, render_diff, render_plan};
pub use schema::{OUTPUT_SCHEMAS, OutputSchema};
pub use status::{StatusReport, render_status};
pub use sync::{SyncReport, render_applied, render_sync};
