//! Running the project's own alembic: how it is found, what it prints, how it ends.

mod current;
mod find;
mod ini_copy;
mod lifeline;
mod mask;
mod mirror;
mod models;
mod process;
mod run;
mod scratch;
mod target;
mod traceback;
mod trouble;

pub use current::{Current, current};
pub use find::{AlembicCommand, CommandKind, Sought, Surroundings, find_command};
pub use lifeline::wait_for_strays;
pub use models::{ModelComparison, compare_models};
pub use run::{AlembicError, run_target};
pub use scratch::{ScratchProject, stray_scratch_folders};
pub use target::{ProjectFiles, Target};
pub use trouble::{Trouble, classify};
