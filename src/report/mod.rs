//! What is shown: one serialisable struct per output, and the text of the same.
//! Views only look: nothing here decides, reads or changes anything.

mod check;
mod escape;
mod findings;
mod graph;
mod lanes;

pub use check::{CheckReport, ComponentCheckReport, FindingReport};
pub use escape::escaped;
pub use findings::{FindingsStyle, Sources, render_findings, render_summary};
pub use graph::{ComponentGraphReport, GraphReport, RevisionReport};
pub use lanes::{LaneMark, LaneRow, LaneStyle, lane_rows, render_lanes, render_legend};
