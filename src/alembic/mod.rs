//! Running the project's own alembic: how it is found, what it prints, how it ends.

mod find;
mod run;

pub use find::{AlembicCommand, Surroundings, find_alembic};
pub use run::{AlembicError, current_rows, run};
