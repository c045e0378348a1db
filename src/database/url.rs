//! SQLAlchemy's database URLs, as far as SQLite needs them. A password never
//! leaves this module: what is shown has it masked.

use std::path::{Path, PathBuf};

use super::DatabaseError;

/// A database URL that was understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrl {
    path: PathBuf,
    shown: String,
}

impl DatabaseUrl {
    /// Understands `sqlite:///relative`, `sqlite:////absolute`, any driver
    /// (`sqlite+aiosqlite`), query options, and `file:` URIs. A relative path
    /// is relative to `folder`, where alembic runs.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, DatabaseError> {
        let shown = masked(text);
        let not_a_url = || DatabaseError::NotAUrl { url: shown.clone() };
        let (scheme, rest) = text.split_once("://").ok_or_else(not_a_url)?;
        let dialect = scheme.split('+').next().unwrap_or(scheme);
        if dialect != "sqlite" {
            let dialect = dialect.to_owned();
            return Err(DatabaseError::UnsupportedDialect { dialect, url: shown });
        }
        let path = rest.split('?').next().unwrap_or_default();
        let path = path.strip_prefix('/').unwrap_or(path);
        let path = path.strip_prefix("file:").unwrap_or(path);
        if path.is_empty() || path == ":memory:" {
            return Err(DatabaseError::InMemory { url: shown });
        }
        Ok(Self { path: folder.join(percent_decoded(path)), shown })
    }

    /// The database file, absolute if the folder was.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The URL as it may be shown, password masked.
    pub fn shown(&self) -> &str {
        &self.shown
    }
}

/// The text with the password of `user:password@` replaced by `***`.
fn masked(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else {
        // It may be anything, a password too.
        return "***".to_owned();
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let slash = if rest.contains('/') { "/" } else { "" };
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) => {
            let name = user.split(':').next().unwrap_or_default();
            let secret = if user.contains(':') { ":***" } else { "" };
            format!("{name}{secret}@{host}")
        }
        None => authority.to_owned(),
    };
    // Drivers take secrets as options too.
    let path = path.split('?').next().unwrap_or_default();
    format!("{scheme}://{authority}{slash}{path}")
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|h| std::str::from_utf8(h).ok());
        match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
            Some(value) if byte == b'%' => {
                bytes.push(value);
                rest = &after[2..];
            }
            _ => {
                bytes.push(byte);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn path(url: &str, expected: &str) {
        let url = DatabaseUrl::parse(url, Path::new("/project")).expect("a SQLite file");
        assert_eq!(url.path(), Path::new(expected));
    }

    #[test]
    fn sqlite_urls_name_files() {
        path("sqlite:///app.db", "/project/app.db");
        path("sqlite:////var/app.db", "/var/app.db");
        path("sqlite+aiosqlite:///./app.db?timeout=5", "/project/./app.db");
        path("sqlite:///file:app.db?mode=ro&uri=true", "/project/app.db");
        path("sqlite:///with%20space.db", "/project/with space.db");
    }

    #[test]
    fn what_is_no_sqlite_file_is_refused_without_its_password() {
        let error =
            |url: &str| DatabaseUrl::parse(url, Path::new("/")).expect_err("refused").to_string();
        assert_eq!(
            error("postgresql+asyncpg://me:s3cret@db.example:5432/app?password=x"),
            "databases of the dialect `postgresql` cannot be read yet: only SQLite can \
             (`postgresql+asyncpg://me:***@db.example:5432/app`)"
        );
        assert!(error("sqlite://").contains("in memory"));
        assert!(!error("me:s3cret").contains("s3cret"));
    }
}
