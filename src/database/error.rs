//! What can go wrong with a database.

use std::path::PathBuf;

/// A database that cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("`{url}` is not a database URL")]
    NotAUrl { url: String },
    #[error("databases of the dialect `{dialect}` cannot be read yet: only SQLite can (`{url}`)")]
    UnsupportedDialect { dialect: String, url: String },
    #[error("`{url}` is a database in memory: it ends with the process that made it")]
    InMemory { url: String },
    #[error("cannot read the version table of `{}`", path.display())]
    Read { path: PathBuf, source: sqlx::Error },
    #[error(
        "no database URL is known: neither --database-url, nor the component's variable, nor the configuration, nor `sqlalchemy.url` gives one"
    )]
    Unknown,
    #[error("cannot start the database driver")]
    Runtime { source: std::io::Error },
}
