//! Pictures of histories for other programs: what is in them (`model`), where
//! each stroke runs (`strokes`), and one file per format.

mod dot;
mod mermaid;
mod model;
mod strokes;
mod svg;

pub use dot::render_dot;
pub use mermaid::render_mermaid;
#[cfg(test)]
pub use model::testing;
pub use model::{Item, Picture};
use strokes::{LANE, ROW};
pub use strokes::{RowStrokes, draw_rows};
pub use svg::render_svg;
