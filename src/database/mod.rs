//! Databases, read through sqlx: which URL is meant, and what its version
//! table holds. Nothing here changes a database: that is alembic's doing.

mod error;
mod sqlite;
mod url;

pub use error::DatabaseError;
pub use sqlite::read_version_rows;
pub use url::DatabaseUrl;
