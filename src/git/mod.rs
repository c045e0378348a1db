//! git, through libgit2: repositories, trees as [`Tree`](crate::tree::Tree)s,
//! refs and what has landed on them. The few things that must be git's own
//! doing (a commit with the user's hooks and signing) run git itself.
//! Nothing outside this folder sees a git2 type.

mod branches;
mod command;
mod error;
mod fetch;
mod hooks;
mod landed;
mod preview;
mod repository;
mod search;
mod trees;

pub use error::GitError;
pub use fetch::{Depth, Fetch};
pub use hooks::GitSettings;
pub use landed::{RefTip, Upstream};
pub use preview::Preview;
pub use repository::{CommitId, InProgress, Repository};
pub use trees::{CommitTree, EmptyTree, IndexTree};
