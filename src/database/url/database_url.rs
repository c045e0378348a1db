//! A database URL that was understood.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use super::parts::UrlParts;
use super::percent::encoded;
use super::server::{Endpoint, Server, TlsMode, Usual, is_loopback, mysql, postgres};
use super::sqlite_file::{SqliteFile, sqlite_file};
use crate::database::{DatabaseError, Dialect, Secret, VersionTable};

/// Where the rows are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::database) enum Place {
    Sqlite(PathBuf),
    Postgres(Server),
    MySql(Server),
}

/// Which database is meant. Neither `Debug` nor [`shown`](Self::shown) has a password.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    place: Place,
    parts: UrlParts,
    shown: String,
    secrets: Vec<Secret>,
}

impl DatabaseUrl {
    /// Understands what SQLAlchemy does of PostgreSQL, MySQL, MariaDB and
    /// SQLite, whatever the driver. A relative path starts at `folder`, where
    /// alembic runs.
    pub fn parse(text: &str, folder: &Path) -> Result<Self, DatabaseError> {
        let text = text.trim();
        let Some(parts) = UrlParts::parse(text) else {
            // What cannot be taken apart may hold a password anywhere.
            let url = match text.split_once("://") {
                Some((scheme, _)) if !scheme.contains([':', '@']) => format!("{scheme}://***"),
                _ => "***".to_owned(),
            };
            return Err(DatabaseError::NotAUrl { url });
        };
        let unsupported = || DatabaseError::UnsupportedDialect {
            dialect: parts.scheme.clone(),
            url: parts.shown_without_query(),
        };
        // Its host is a name in a file of ODBC's.
        if parts.driver().is_some_and(|driver| driver.contains("odbc")) {
            return Err(unsupported());
        }
        let place = match parts.dialect() {
            "sqlite" => match sqlite_file(&parts, folder) {
                SqliteFile::File(path) => Place::Sqlite(path),
                SqliteFile::InMemory => {
                    return Err(DatabaseError::InMemory { url: parts.shown() });
                }
                SqliteFile::Invalid => return Err(DatabaseError::NotAUrl { url: parts.shown() }),
                SqliteFile::OtherDriver => return Err(unsupported()),
            },
            // SQLAlchemy dropped `postgres`, but it still stands in many an environment.
            "postgresql" | "postgres" => Place::Postgres(postgres(&parts, folder, &usual())),
            "mysql" | "mariadb" => Place::MySql(mysql(&parts, folder, &usual())),
            _ => return Err(unsupported()),
        };
        let (shown, secrets) = (parts.shown(), spellings(&parts));
        Ok(Self { place, parts, shown, secrets })
    }

    pub fn dialect(&self) -> Dialect {
        match self.place {
            Place::Sqlite(_) => Dialect::Sqlite,
            Place::Postgres(_) => Dialect::Postgres,
            Place::MySql(_) => Dialect::MySql,
        }
    }

    /// The URL as it may be shown: as SQLAlchemy shows it, and secrets in its query masked too.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    /// The SQLite file, absolute if the folder was. It need not exist.
    pub fn file(&self) -> Option<&Path> {
        match &self.place {
            Place::Sqlite(path) => Some(path),
            Place::Postgres(_) | Place::MySql(_) => None,
        }
    }

    /// What has to be taken out of the output of programs that know the URL:
    /// each secret as it is and as it is escaped, the longest first.
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// Whether the database is on this machine, or on one of `local_hosts`.
    pub fn is_local(&self, local_hosts: &[String]) -> bool {
        let server = match &self.place {
            Place::Sqlite(_) => return true,
            Place::Postgres(server) | Place::MySql(server) => server,
        };
        server.endpoints.iter().all(|endpoint| match endpoint {
            Endpoint::Socket { .. } | Endpoint::Local { .. } => true,
            Endpoint::Tcp { host, .. } => {
                is_loopback(host)
                    || local_hosts.iter().any(|local| local.eq_ignore_ascii_case(host))
            }
        })
    }

    /// The same for the same version table of the same database, whoever asks
    /// for it with whatever password: a SHA-256 in hexadecimal.
    pub fn identity(&self, table: &VersionTable) -> String {
        let mut hash = Sha256::new();
        let mut add = |part: &str| {
            // Lengths keep neighbours apart.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        };
        add(self.dialect().name());
        match &self.place {
            Place::Sqlite(path) => add(&canonical(path).to_string_lossy()),
            Place::Postgres(server) | Place::MySql(server) => {
                for endpoint in &server.endpoints {
                    match endpoint {
                        Endpoint::Tcp { host, port } if is_loopback(host) => {
                            add(&format!("localhost:{port}"));
                        }
                        Endpoint::Tcp { host, port } => {
                            add(&format!("{}:{port}", host.to_lowercase()));
                        }
                        Endpoint::Socket { path, port } => {
                            add(&format!("{}:{port}", canonical(path).display()));
                        }
                        Endpoint::Local { port } => add(&format!("local:{port}")),
                    }
                }
                add(server.name.as_deref().unwrap_or_default());
            }
        }
        add(table.schema.as_deref().unwrap_or_default());
        add(&table.name);
        hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether both name a database of the same kind and name, wherever it is.
    pub fn has_the_name_of(&self, other: &Self) -> bool {
        match (&self.place, &other.place) {
            (Place::Postgres(one), Place::Postgres(two))
            | (Place::MySql(one), Place::MySql(two)) => one.name == two.name,
            _ => false,
        }
    }

    /// SQLAlchemy's URL of another database of the same server; `None` of a file, and
    /// where the name stands in more than one place.
    pub fn beside(&self, name: &str) -> Option<Secret> {
        self.file().is_none().then(|| self.parts.beside(name))?
    }

    /// SQLAlchemy's URL of a SQLite file.
    pub fn for_file(path: &Path) -> String {
        // A `?` would begin a query; everything else is read as it stands, by all versions.
        let path = path.to_string_lossy();
        if path.contains(['%', '?']) {
            format!("sqlite:///{}", encoded(&path, " !\"#$&'()*+,-./:;<=>@[\\]^_`{|}~"))
        } else {
            format!("sqlite:///{path}")
        }
    }

    pub(in crate::database) fn place(&self) -> &Place {
        &self.place
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DatabaseUrl").field(&self.shown).finish()
    }
}

/// sqlx reads the environment as libpq does, and asks the system for the user.
fn usual() -> Usual {
    let options = PgConnectOptions::new_without_pgpass();
    Usual {
        host: options.get_host().to_owned(),
        user: options.get_username().to_owned(),
        tls: match options.get_ssl_mode() {
            PgSslMode::Disable => TlsMode::Disable,
            PgSslMode::Allow | PgSslMode::Prefer => TlsMode::Prefer,
            PgSslMode::Require => TlsMode::Require,
            PgSslMode::VerifyCa => TlsMode::VerifyCa,
            PgSslMode::VerifyFull => TlsMode::VerifyFull,
        },
    }
}

fn spellings(parts: &UrlParts) -> Vec<Secret> {
    let mut texts: Vec<String> = parts
        .secrets()
        .map(Secret::reveal)
        .filter(|secret| !secret.is_empty())
        // As SQLAlchemy escapes a password, a value of the query, and both.
        .flat_map(|secret| {
            let escaped = encoded(secret, "");
            [secret.to_owned(), encoded(secret, " +"), escaped.replace("%20", "+"), escaped]
        })
        .collect();
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    texts.dedup();
    texts.into_iter().map(Secret::new).collect()
}

/// The path without symlinks, as far as it exists.
fn canonical(path: &Path) -> PathBuf {
    if let Ok(path) = fs::canonicalize(path) {
        return path;
    }
    match (path.parent().map(fs::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path.to_path_buf(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> DatabaseUrl {
        DatabaseUrl::parse(text, Path::new("/project")).expect("a database URL")
    }

    #[track_caller]
    fn refused(text: &str, expected: &str) {
        let error = DatabaseUrl::parse(text, Path::new("/")).expect_err("refused");
        assert_eq!(error.to_string(), expected);
        assert!(!format!("{error:?}").contains("s3cret"));
    }

    #[test]
    fn drivers_do_not_matter() {
        let dialect = |text: &str| url(text).dialect();
        for text in [
            "postgresql://h/d",
            "postgres://h/d",
            "postgresql+psycopg2://h/d",
            "postgresql+psycopg://h/d",
            "postgresql+asyncpg://h/d",
            "postgresql+pg8000://h/d",
        ] {
            assert_eq!(dialect(text), Dialect::Postgres, "{text}");
        }
        for text in [
            "mysql://h/d",
            "mysql+pymysql://h/d",
            "mysql+mysqldb://h/d",
            "mysql+aiomysql://h/d",
            "mysql+asyncmy://h/d",
            "mysql+mysqlconnector://h/d",
            "mariadb://h/d",
            "mariadb+mariadbconnector://h/d",
        ] {
            assert_eq!(dialect(text), Dialect::MySql, "{text}");
        }
        assert_eq!(dialect("sqlite:///d"), Dialect::Sqlite);
    }

    #[test]
    fn what_is_no_supported_url_is_refused_without_its_password() {
        refused(
            "oracle+oracledb://me:s3cret@db.example:1521/app?password=s3cret",
            "databases of the dialect `oracle+oracledb` cannot be read directly \
             (`oracle+oracledb://me:***@db.example:1521/app`)",
        );
        refused(
            "mssql+pyodbc:///?odbc_connect=PWD%3Ds3cret",
            "databases of the dialect `mssql+pyodbc` cannot be read directly \
             (`mssql+pyodbc:///`)",
        );
        refused("me:s3cret", "`***` is not a database URL");
        refused("me:s3cret@h://x", "`***` is not a database URL");
        refused("mysql://me:s3/cret@h:port/d", "`mysql://***` is not a database URL");
        refused("sqlite://app.db", "`sqlite://app.db` is not a database URL");
        refused(
            "sqlite://",
            "`sqlite://` is a database in memory: it ends with the process that made it",
        );
    }

    #[test]
    fn a_url_shows_no_password() {
        let url = url("postgresql://me:s3cret@h/d?password=s3cret&sslmode=require");
        assert_eq!(url.shown(), "postgresql://me:***@h/d?password=***&sslmode=require");
        assert!(!format!("{url:?}").contains("s3cret"));
        assert_eq!(url.secrets(), [Secret::new("s3cret")]);
    }

    #[test]
    fn a_secret_is_known_however_it_is_written() {
        let url = url("postgresql://me:a%40b+c d@h/d");
        let texts: Vec<&str> = url.secrets().iter().map(Secret::reveal).collect();
        assert_eq!(texts, ["a%40b%2Bc%20d", "a%40b%2Bc+d", "a%40b+c d", "a@b+c d"]);
    }

    #[test]
    fn local_is_what_does_not_leave_the_machine() {
        let listed = ["DB.internal".to_owned()];
        for (text, expected) in [
            ("sqlite:///d", true),
            ("postgresql://127.0.0.1/d", true),
            ("postgresql://[::1]/d", true),
            ("mysql+pymysql://localhost/d", true),
            ("postgresql:///d?host=/run/postgresql", true),
            ("mysql+pymysql://far.example/d?unix_socket=/run/my.sock", true),
            ("postgresql://db.internal/d", true),
            ("postgresql://db.example/d", false),
            ("postgresql:///d?host=localhost,db.example", false),
            ("postgresql://localhost/d?host=db.example", false),
        ] {
            assert_eq!(url(text).is_local(&listed), expected, "{text}");
        }
    }

    #[test]
    fn a_database_is_the_same_whoever_asks_for_it() {
        let table = VersionTable::default();
        let identity = |text: &str| url(text).identity(&table);
        let own = identity("postgresql+asyncpg://me:one@LOCALHOST/d?ssl=require");
        assert_eq!(own.len(), 64);
        assert_eq!(own, identity("postgresql://you:two@127.0.0.1:5432/d"));
        for other in ["mysql://localhost/d", "postgresql://localhost:1/d", "postgresql://h/d"] {
            assert_ne!(own, identity(other), "{other}");
        }
        assert_ne!(own, identity("postgresql://localhost/e"));
        let elsewhere = VersionTable { schema: Some("s".to_owned()), ..table.clone() };
        assert_ne!(own, url("postgresql://localhost/d").identity(&elsewhere));
    }

    #[test]
    fn a_file_is_the_same_by_every_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let identity = |path: &str| {
            let url = DatabaseUrl::parse(&format!("sqlite:///{path}"), folder.path());
            url.expect("a file").identity(&VersionTable::default())
        };
        let before = identity("app.db");
        fs::File::create_new(folder.path().join("app.db")).expect("a file");
        std::os::unix::fs::symlink("app.db", folder.path().join("link.db")).expect("a link");
        assert_eq!(before, identity("app.db"));
        assert_eq!(before, identity("./link.db"));
        assert_ne!(before, identity("other.db"));
    }

    #[test]
    fn the_url_of_a_file_means_that_file() {
        for path in ["/tmp/a b.db", "/tmp/50%25?x=1.db", "/tmp/ü#@:.db"] {
            assert_eq!(url(&DatabaseUrl::for_file(Path::new(path))).file(), Some(Path::new(path)));
        }
        assert_eq!(DatabaseUrl::for_file(Path::new("/tmp/a.db")), "sqlite:////tmp/a.db");
    }
}
