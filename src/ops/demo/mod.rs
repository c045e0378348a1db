//! `demo`: a team's repository in a scratch folder, and the moments at which
//! dbm-git acts, shown by really running git, alembic and dbm-git in it.

mod play;
mod project;
mod story;

pub use crate::demo_stage::Played;
pub use play::{DemoError, DemoEvent, DemoOptions, DemoOutcome, demo};
