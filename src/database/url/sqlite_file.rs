//! Which file a SQLite URL means, as SQLAlchemy's pysqlite dialect and, with
//! `uri=true`, SQLite itself decide it.

use std::path::{Path, PathBuf};

use super::parts::UrlParts;
use super::percent::decoded;

/// Drivers that open the file as it is.
const DRIVERS: [&str; 4] = ["pysqlite", "aiosqlite", "pysqlite_numeric", "pysqlite_dollar"];

/// What a SQLite URL means.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SqliteFile {
    File(PathBuf),
    InMemory,
    /// A host or a user, of which a file has none.
    Invalid,
    /// A driver that encrypts, or talks to a server.
    OtherDriver,
}

/// The file; a relative path starts at `folder`.
pub(super) fn sqlite_file(parts: &UrlParts, folder: &Path) -> SqliteFile {
    if parts.driver().is_some_and(|driver| !DRIVERS.contains(&driver)) {
        return SqliteFile::OtherDriver;
    }
    let is_named = |part: &Option<String>| part.as_ref().is_some_and(|part| !part.is_empty());
    if is_named(&parts.host) || is_named(&parts.user) || parts.port.is_some() {
        return SqliteFile::Invalid;
    }
    let database = parts.database.as_deref().unwrap_or_default();
    let uri = is_uri(parts).then(|| database.strip_prefix("file:")).flatten();
    let path = match uri {
        Some(_) if parts.option("mode") == Some("memory") => return SqliteFile::InMemory,
        Some(uri) => match path_of(uri) {
            Some(path) => path,
            None => return SqliteFile::Invalid,
        },
        None => database.to_owned(),
    };
    if path.is_empty() || path == ":memory:" {
        return SqliteFile::InMemory;
    }
    SqliteFile::File(folder.join(path))
}

/// SQLAlchemy's `asbool`.
fn is_uri(parts: &UrlParts) -> bool {
    let value = parts.option("uri").map(|value| value.trim().to_lowercase());
    value.is_some_and(|value| ["true", "yes", "on", "y", "t", "1"].contains(&value.as_str()))
}

/// `path`, `//localhost/path` and `///path`, escapes undone once more by SQLite.
fn path_of(uri: &str) -> Option<String> {
    let uri = uri.split('#').next().unwrap_or_default();
    let path = match uri.strip_prefix("//") {
        Some(rest) => {
            let at = rest.find('/').unwrap_or(rest.len());
            let is_here = ["", "localhost"].contains(&&rest[..at]);
            is_here.then_some(&rest[at..])?
        }
        None => uri,
    };
    Some(decoded(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: SqliteFile) {
        let parts = UrlParts::parse(url).expect("a URL");
        assert_eq!(sqlite_file(&parts, Path::new("/project")), expected, "{url}");
    }

    #[track_caller]
    fn file(url: &str, path: &str) {
        check(url, SqliteFile::File(path.into()));
    }

    #[test]
    fn urls_name_files() {
        file("sqlite:///app.db", "/project/app.db");
        file("sqlite:////var/app.db", "/var/app.db");
        file("sqlite+aiosqlite:///./app.db?timeout=5", "/project/./app.db");
        file("sqlite+pysqlite:///with space.db", "/project/with space.db");
        file("sqlite:///with%20space.db", "/project/with space.db");
        file("sqlite:///user@host.db", "/project/user@host.db");
    }

    #[test]
    fn a_file_uri_is_one_only_if_it_is_said() {
        file("sqlite:///file:app.db?mode=ro&uri=true", "/project/app.db");
        file("sqlite:///file:/var/app.db?uri=1", "/var/app.db");
        file("sqlite:///file:///var/a%2520b.db?uri=True", "/var/a b.db");
        file("sqlite:///file://localhost/var/app.db?uri=yes", "/var/app.db");
        file("sqlite:///app.db?uri=true&cache=shared", "/project/app.db");
        file("sqlite:///file:app.db?mode=ro", "/project/file:app.db");
        check("sqlite:///file://elsewhere/app.db?uri=true", SqliteFile::Invalid);
    }

    #[test]
    fn what_ends_with_its_process_is_no_file() {
        for url in [
            "sqlite://",
            "sqlite:///",
            "sqlite:///:memory:",
            "sqlite+aiosqlite:///:memory:?cache=shared",
            "sqlite:///file::memory:?uri=true",
            "sqlite:///file:name?mode=memory&cache=shared&uri=true",
        ] {
            check(url, SqliteFile::InMemory);
        }
    }

    #[test]
    fn a_file_has_no_host_and_is_not_encrypted() {
        check("sqlite://app.db", SqliteFile::Invalid);
        check("sqlite://me@/app.db", SqliteFile::Invalid);
        check("sqlite+pysqlcipher://:key@/app.db", SqliteFile::OtherDriver);
        check("sqlite+libsql://example.org", SqliteFile::OtherDriver);
    }
}
