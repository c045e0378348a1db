//! What to do: a plan is a value, made from histories and nothing else.
//! `--dry-run` shows it, the journal stores it, `undo` inverts it.

mod change;

pub use change::{Change, Image, inverse};
