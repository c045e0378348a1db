//! The scratch folder that `dbm-git demo` plays in, the programs it runs there,
//! and the virtual environment with alembic that it keeps in the user's cache.
//! Knows nothing of what is played. Writes nowhere but in these two folders.

mod process;
mod stage;
mod virtual_env;

pub use process::ProcessError;
pub use stage::{Played, Player, Stage, StageError};
pub use virtual_env::{VirtualEnvError, virtual_env};
