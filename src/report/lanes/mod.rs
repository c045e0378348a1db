//! A history drawn with lanes, newest first: which revisions are shown in which
//! order (`rows`), where their lanes run (`layout`), and the same as text. The
//! pictures draw the same rows in the same lanes.

mod layout;
mod rows;
#[cfg(test)]
mod tests;
mod text;

pub use layout::{LaidRow, lay_out};
pub use rows::{LaneMark, LaneRow, LaneRows, Selection, lane_rows};
pub use text::{LaneStyle, cut, render_lanes, render_legend};
