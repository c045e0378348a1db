//! What a migration history *is*: revision ids, the graph over them, and the
//! questions one can ask of it. Pure: it knows no file, no git, no database.

mod divergence;
mod graph;
mod id;
mod notation;
mod resolve;
pub mod walk;

pub use divergence::{Divergence, HeadPolicy, divergences};
pub use graph::{GraphProblem, Node, Revision, RevisionGraph};
pub use id::{BranchLabel, InvalidRevisionId, RevisionId, RevisionRef};
pub use notation::{NotationError, parse_history, render_history, render_revision};
pub use resolve::{ResolveError, resolve};
