//! What a script's operations touch: tables, columns, indexes, and whether that
//! is all. `upgrade` and `downgrade` are followed as a reader would, with a few
//! kinds of values (`value`); what only Python could tell makes them *opaque*.
//! Nothing is run, and nothing is guessed: in doubt a name is left out of
//! `creates` and `drops`, and the function is called opaque.

mod arguments;
mod calls;
mod directives;
mod expressions;
mod format;
mod reader;
mod sql;
mod statements;
#[cfg(test)]
mod tests;
mod touches;
mod value;

pub use reader::read_footprint;
pub use touches::{Destructive, Footprint, Touches};
