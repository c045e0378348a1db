//! The user's files: read as a [`Tree`](crate::tree::Tree), changed by
//! [`WorkingTree::apply`], and by nothing else in this crate. It knows files and
//! folders; what a script says and what the journal holds it refuses to know.

mod apply;
mod durable;
pub mod fault;
mod leftovers;
mod working_tree;

pub use apply::{Applied, WorkspaceError};
pub use leftovers::remove_leftover;
pub use working_tree::{ContentStamp, WorkingTree};
