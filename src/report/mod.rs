//! What is shown: one serialisable struct per output, and the text of the same.
//! Views only look: nothing here decides, reads or changes anything.

mod check;
mod demo;
mod diff;
mod escape;
mod findings;
mod graph;
mod install;
mod journal;
mod lanes;
mod rebase;
mod status;

pub use check::{CheckReport, ComponentCheckReport, FindingReport};
pub use demo::DemoView;
pub use diff::unified_diff;
pub use escape::{escaped, escaped_text};
pub use findings::{FindingsStyle, Sources, render_findings, render_summary};
pub use graph::{ComponentGraphReport, GraphReport, RevisionReport};
pub use install::{HookReport, InstallReport};
pub use journal::{LogReport, RecoverReport, UndoReport};
pub use lanes::{LaneMark, LaneRow, LaneStyle, lane_rows, render_lanes, render_legend};
pub use rebase::{RebaseComponentReport, RebaseReport, render_diff, render_plan};
pub use status::{StatusReport, render_status};
