//! From `dbm-git.toml`, `alembic.ini` and `pyproject.toml` to components.
//!
//! Everything is read through [`Tree`](crate::tree::Tree), so that a commit,
//! the index and the working tree get the same answer. Nothing is imported and
//! nothing is run: a package location is looked up as a folder.

mod component;
mod declared;
mod discover;
mod environment;
mod error;
mod ignored;
mod ini;
mod location;
mod names;
mod options;
mod overlay;
mod read;
mod schema;
mod settings;

pub use component::{Component, ConfigSource};
pub use error::ProjectError;
pub use ignored::{Ignored, PathPatterns};
pub use overlay::Overlay;
pub use read::{Project, read_project};
pub use schema::configuration_schema;
pub use settings::{PrePush, Settings};
