//! SQLite: the file itself, its version table, its schema.

mod file;
mod open;
mod restore;
mod rows;
mod schema;

pub(super) use file::copy_to;
pub(super) use open::reading;
pub(super) use restore::{exchange, restore};
pub(super) use rows::{look, replace_rows};
pub(super) use schema::schema_objects;
