//! Which server a URL means: where it listens, who asks, and how safely, as the
//! Python drivers read the query options. Options that are not known here stay
//! here.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::parts::UrlParts;
use crate::database::{Dialect, Secret};

/// One place where a server may listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::database) enum Endpoint {
    Tcp {
        host: String,
        port: u16,
    },
    /// PostgreSQL: the folder of the socket and its port; MySQL: the socket itself.
    Socket {
        path: PathBuf,
        port: u16,
    },
    /// The usual socket of this machine, or else its loopback.
    Local {
        port: u16,
    },
}

/// How safe a connection has to be, weakest first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::database) enum TlsMode {
    Disable,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

/// TLS as the query options ask for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::database) struct Tls {
    pub mode: TlsMode,
    pub root: Option<PathBuf>,
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
}

/// What clients take where the URL says nothing: the user of this process, and
/// what libpq has from its environment.
#[derive(Clone, Debug)]
pub(super) struct Usual {
    pub host: String,
    pub user: String,
    pub tls: TlsMode,
}

/// A database on a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::database) struct Server {
    /// Tried in this order; never empty.
    pub endpoints: Vec<Endpoint>,
    pub user: Option<String>,
    pub password: Option<Secret>,
    pub name: Option<String>,
    pub tls: Tls,
    /// PostgreSQL's `-c name=value`.
    pub settings: Vec<(String, String)>,
    pub connect_timeout: Option<Duration>,
}

/// The server of a PostgreSQL URL: libpq's options, asyncpg's and pg8000's.
pub(super) fn postgres(parts: &UrlParts, folder: &Path, usual: &Usual) -> Server {
    let mode = parts.option("sslmode").or_else(|| parts.option("ssl")).map(tls_mode);
    let root = parts.option("sslrootcert").filter(|root| *root != "system");
    let mut mode = mode.unwrap_or(usual.tls);
    // libpq: a root certificate that is given is also used.
    if mode == TlsMode::Require && root.is_some() {
        mode = TlsMode::VerifyCa;
    }
    let option = |names: &[&str]| names.iter().find_map(|name| parts.option(name));
    Server {
        endpoints: postgres_endpoints(parts, &usual.host),
        user: option(&["user"]).map(str::to_owned).or_else(|| named(&parts.user)),
        password: option(&["password"]).map(Secret::new).or_else(|| parts.password.clone()),
        name: option(&["dbname", "database"]).map(str::to_owned).or_else(|| named(&parts.database)),
        tls: Tls {
            mode,
            root: root.map(|path| folder.join(path)),
            certificate: parts.option("sslcert").map(|path| folder.join(path)),
            key: parts.option("sslkey").map(|path| folder.join(path)),
        },
        settings: parts.options("options").flat_map(settings).collect(),
        connect_timeout: seconds(parts.option("connect_timeout")),
    }
}

/// The server of a MySQL or MariaDB URL: the options of mysqlclient, PyMySQL,
/// aiomysql, asyncmy and both Connectors.
pub(super) fn mysql(parts: &UrlParts, folder: &Path, usual: &Usual) -> Server {
    let option = |names: &[&str]| names.iter().find_map(|name| parts.option(name));
    let host = parts.option("host").map(str::to_owned).or_else(|| named(&parts.host));
    let port = port_of(parts, Dialect::MySql);
    // libmysqlclient takes the usual socket where the others ask the loopback.
    let takes_socket =
        matches!(parts.driver(), None | Some("mysqldb" | "mariadbconnector" | "mysqlclient"));
    let is_localhost = host.as_deref().is_none_or(|host| host == "localhost");
    let endpoint = match (option(&["unix_socket", "socket"]), host) {
        (Some(path), _) => Endpoint::Socket { path: folder.join(path), port },
        (None, _) if takes_socket && is_localhost => Endpoint::Local { port },
        (None, host) => Endpoint::Tcp { host: host.unwrap_or_else(|| "localhost".into()), port },
    };
    Server {
        endpoints: vec![endpoint],
        user: option(&["user"])
            .map(str::to_owned)
            .or_else(|| named(&parts.user))
            .or_else(|| Some(usual.user.clone())),
        password: option(&["passwd", "password"])
            .map(Secret::new)
            .or_else(|| parts.password.clone()),
        name: option(&["db", "database"]).map(str::to_owned).or_else(|| named(&parts.database)),
        tls: mysql_tls(parts, folder),
        settings: Vec::new(),
        connect_timeout: seconds(option(&["connect_timeout", "connection_timeout"])),
    }
}

/// `host=a,b&port=1,2`, `host=a:1&host=b:2`, `host=/run/postgresql`, or the
/// host of the URL itself.
fn postgres_endpoints(parts: &UrlParts, usual_host: &str) -> Vec<Endpoint> {
    let usual = port_of(parts, Dialect::Postgres);
    // pg8000's names the socket itself.
    if let Some(path) = parts.option("unix_sock") {
        let path = Path::new(path);
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let port = name.rsplit('.').next().and_then(|port| port.parse().ok());
        let folder = path.parent().unwrap_or(path).to_path_buf();
        return vec![Endpoint::Socket { path: folder, port: port.unwrap_or(usual) }];
    }
    let ports: Vec<&str> = parts.options("port").flat_map(|ports| ports.split(',')).collect();
    let mut hosts: Vec<&str> = parts.options("hostaddr").flat_map(|h| h.split(',')).collect();
    if hosts.is_empty() {
        hosts = parts.options("host").flat_map(|hosts| hosts.split(',')).collect();
    }
    if hosts.is_empty() {
        hosts.push(parts.host.as_deref().unwrap_or_default());
    }
    let is_listed = |host: &&str| !host.starts_with('/') && parts.host.as_deref() != Some(host);
    let endpoint = |(at, host): (usize, &str)| {
        let listed = ports.get(at).or(ports.first().filter(|_| ports.len() == 1));
        let port = listed.and_then(|port| port.parse().ok());
        // `host:port`, of which an IPv6 address has too many colons.
        let pair = Some(host).filter(is_listed).filter(|host| host.matches(':').count() == 1);
        match pair.and_then(|pair| pair.split_once(':')) {
            Some((host, port)) => at_host(host, port.parse().unwrap_or(usual), usual_host),
            None => at_host(host, port.unwrap_or(usual), usual_host),
        }
    };
    hosts.iter().copied().enumerate().map(endpoint).collect()
}

fn at_host(host: &str, port: u16, usual_host: &str) -> Endpoint {
    if host.starts_with('/') {
        return Endpoint::Socket { path: host.into(), port };
    }
    if !host.is_empty() {
        return Endpoint::Tcp { host: host.to_owned(), port };
    }
    // Without a host libpq asks `PGHOST`, which may be anywhere.
    if usual_host.starts_with('/') || is_loopback(usual_host) {
        Endpoint::Local { port }
    } else {
        Endpoint::Tcp { host: usual_host.to_owned(), port }
    }
}

fn port_of(parts: &UrlParts, dialect: Dialect) -> u16 {
    let listed = parts.option("port").and_then(|port| port.parse().ok());
    listed.or(parts.port).unwrap_or(dialect.usual_port())
}

fn mysql_tls(parts: &UrlParts, folder: &Path) -> Tls {
    let path = |name: &str| parts.option(name).map(|path| folder.join(path));
    let is_set = |name: &str| parts.option(name).map(|value| !is_false(value));
    let root = path("ssl_ca");
    let asks = ["ssl", "ssl_ca", "ssl_cert", "ssl_key", "ssl_capath", "ssl_cipher"];
    let mut mode = match parts.option("ssl_mode").or_else(|| parts.option("ssl-mode")) {
        Some(mode) => tls_mode(mode),
        None if is_set("ssl_disabled") == Some(true) || is_set("ssl") == Some(false) => {
            TlsMode::Disable
        }
        None if asks.iter().any(|name| parts.option(name).is_some()) => TlsMode::Require,
        None => TlsMode::Prefer,
    };
    if mode > TlsMode::Disable {
        let verifies = root.is_some() && is_set("ssl_check_hostname") != Some(false);
        let wanted = [
            (is_set("ssl_verify_identity") == Some(true) || verifies, TlsMode::VerifyFull),
            (is_set("ssl_verify_cert") == Some(true) || root.is_some(), TlsMode::VerifyCa),
        ];
        let wanted = wanted.into_iter().find(|(is_wanted, _)| *is_wanted).map(|(_, mode)| mode);
        mode = mode.max(wanted.unwrap_or(mode));
    }
    Tls { mode, root, certificate: path("ssl_cert"), key: path("ssl_key") }
}

/// libpq's names, MySQL's (`VERIFY_CA`), and yes or no.
fn tls_mode(text: &str) -> TlsMode {
    match text.to_lowercase().replace('_', "-").as_str() {
        "disable" | "disabled" => TlsMode::Disable,
        // Both leave it to the server.
        "allow" | "prefer" | "preferred" => TlsMode::Prefer,
        "verify-ca" => TlsMode::VerifyCa,
        "verify-full" | "verify-identity" => TlsMode::VerifyFull,
        text if is_false(text) => TlsMode::Disable,
        // `require`, `true`; what is not understood is better safe.
        _ => TlsMode::Require,
    }
}

fn is_false(text: &str) -> bool {
    ["false", "no", "off", "0", "none", ""].contains(&text.to_lowercase().as_str())
}

/// `-c name=value`, `-cname=value` and `--name=value`; a backslash escapes a space.
fn settings(text: &str) -> Vec<(String, String)> {
    let mut words = vec![String::new()];
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => words.last_mut().into_iter().for_each(|w| w.extend(letters.next())),
            letter if letter.is_whitespace() => words.push(String::new()),
            letter => words.last_mut().into_iter().for_each(|w| w.push(letter)),
        }
    }
    let mut found = Vec::new();
    let mut words = words.iter().filter(|word| !word.is_empty());
    while let Some(word) = words.next() {
        let assignment = match word.strip_prefix("--").or_else(|| word.strip_prefix("-c")) {
            Some("") => words.next().map(String::as_str),
            rest => rest,
        };
        if let Some((name, value)) = assignment.and_then(|text| text.split_once('=')) {
            found.push((name.replace('-', "_"), value.to_owned()));
        }
    }
    found
}

fn seconds(text: Option<&str>) -> Option<Duration> {
    let seconds: u64 = text?.trim().parse().ok()?;
    (seconds > 0).then(|| Duration::from_secs(seconds))
}

fn named(part: &Option<String>) -> Option<String> {
    part.clone().filter(|part| !part.is_empty())
}

/// Whether the name or address never leaves this machine.
pub(super) fn is_loopback(host: &str) -> bool {
    if host.trim_end_matches('.').eq_ignore_ascii_case("localhost") {
        return true;
    }
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback(),
        Ok(IpAddr::V6(address)) => address.to_canonical().is_loopback(),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(url: &str) -> Server {
        let parts = UrlParts::parse(url).expect("a URL");
        let folder = Path::new("/project");
        match parts.dialect() {
            "mysql" => mysql(&parts, folder, &usual("/run/postgresql")),
            _ => postgres(&parts, folder, &usual("/run/postgresql")),
        }
    }

    fn usual(host: &str) -> Usual {
        Usual { host: host.to_owned(), user: "me".to_owned(), tls: TlsMode::Prefer }
    }

    fn tcp(host: &str, port: u16) -> Endpoint {
        Endpoint::Tcp { host: host.to_owned(), port }
    }

    fn socket(path: &str, port: u16) -> Endpoint {
        Endpoint::Socket { path: path.into(), port }
    }

    #[track_caller]
    fn endpoints(url: &str, expected: &[Endpoint]) {
        assert_eq!(server(url).endpoints, expected, "{url}");
    }

    #[test]
    fn postgres_listens_where_libpq_would_look() {
        endpoints("postgresql://h/d", &[tcp("h", 5432)]);
        endpoints("postgresql://[::1]:1/d", &[tcp("::1", 1)]);
        endpoints("postgresql:///d", &[Endpoint::Local { port: 5432 }]);
        endpoints("postgresql://:77/d", &[Endpoint::Local { port: 77 }]);
        endpoints("postgresql:///d?host=/run/pg&port=7", &[socket("/run/pg", 7)]);
        endpoints("postgresql://x:1/d?host=h", &[tcp("h", 1)]);
        endpoints("postgresql:///d?host=a:1&host=b:2", &[tcp("a", 1), tcp("b", 2)]);
        endpoints("postgresql:///d?host=a,b&port=1,2", &[tcp("a", 1), tcp("b", 2)]);
        endpoints("postgresql:///d?host=a,b&port=7", &[tcp("a", 7), tcp("b", 7)]);
        endpoints("postgresql://x/d?hostaddr=10.0.0.1", &[tcp("10.0.0.1", 5432)]);
        let pg8000 = "postgresql+pg8000:///d?unix_sock=/run/pg/.s.PGSQL.7";
        endpoints(pg8000, &[socket("/run/pg", 7)]);
    }

    #[test]
    fn the_environment_may_send_libpq_elsewhere() {
        let parts = UrlParts::parse("postgresql:///d").expect("a URL");
        let usual = Usual { tls: TlsMode::VerifyFull, ..usual("db.example") };
        let server = postgres(&parts, Path::new("/"), &usual);
        assert_eq!(server.endpoints, [tcp("db.example", 5432)]);
        assert_eq!(server.tls.mode, TlsMode::VerifyFull);
    }

    #[test]
    fn mysql_listens_where_the_driver_would_look() {
        endpoints("mysql+pymysql://h:1/d", &[tcp("h", 1)]);
        endpoints("mysql+pymysql:///d", &[tcp("localhost", 3306)]);
        endpoints("mysql+mysqldb://localhost/d", &[Endpoint::Local { port: 3306 }]);
        endpoints("mysql:///d", &[Endpoint::Local { port: 3306 }]);
        endpoints("mysql+mysqldb://127.0.0.1/d", &[tcp("127.0.0.1", 3306)]);
        endpoints("mysql+pymysql:///d?unix_socket=/run/my.sock", &[socket("/run/my.sock", 3306)]);
    }

    #[test]
    fn options_win_over_the_url() {
        let found = server("postgresql://a:b@h/c?user=x&password=y&dbname=z&connect_timeout=3");
        assert_eq!((found.user.as_deref(), found.name.as_deref()), (Some("x"), Some("z")));
        assert_eq!(found.password, Some(Secret::new("y")));
        assert_eq!(found.connect_timeout, Some(Duration::from_secs(3)));
        let found = server("mysql+pymysql://a:b@h/c?user=x&passwd=y&db=z");
        assert_eq!((found.user.as_deref(), found.name.as_deref()), (Some("x"), Some("z")));
        assert_eq!(found.password, Some(Secret::new("y")));
        let found = server("postgresql://h");
        assert_eq!((found.user, found.name, found.password), (None, None, None));
        // libpq finds out by itself, sqlx does so for PostgreSQL only.
        assert_eq!(server("mysql+pymysql://h/d").user.as_deref(), Some("me"));
    }

    #[track_caller]
    fn tls(url: &str, mode: TlsMode, root: Option<&str>) {
        let found = server(url).tls;
        assert_eq!((found.mode, found.root), (mode, root.map(PathBuf::from)), "{url}");
    }

    #[test]
    fn tls_is_as_the_driver_would_have_it() {
        use TlsMode::{Disable, Prefer, Require, VerifyCa, VerifyFull};
        tls("postgresql://h/d", Prefer, None);
        tls("postgresql://h/d?sslmode=disable", Disable, None);
        tls("postgresql://h/d?sslmode=allow", Prefer, None);
        tls("postgresql://h/d?sslmode=require", Require, None);
        tls(
            "postgresql://h/d?sslmode=require&sslrootcert=ca.pem",
            VerifyCa,
            Some("/project/ca.pem"),
        );
        tls("postgresql://h/d?sslmode=verify-full&sslrootcert=system", VerifyFull, None);
        tls("postgresql+asyncpg://h/d?ssl=require", Require, None);
        tls("postgresql+asyncpg://h/d?ssl=verify-ca", VerifyCa, None);
        tls("mysql+pymysql://h/d", Prefer, None);
        tls("mysql+pymysql://h/d?ssl_ca=/ca.pem", VerifyFull, Some("/ca.pem"));
        tls(
            "mysql+pymysql://h/d?ssl_ca=/ca.pem&ssl_check_hostname=false",
            VerifyCa,
            Some("/ca.pem"),
        );
        tls("mysql+pymysql://h/d?ssl_disabled=true", Disable, None);
        tls("mysql+pymysql://h/d?ssl_verify_cert=true&ssl=true", VerifyCa, None);
        tls("mysql+mysqldb://h/d?ssl_mode=VERIFY_IDENTITY", VerifyFull, None);
        let found = server("postgresql://h/d?sslcert=/c&sslkey=k").tls;
        let paths = (found.certificate, found.key);
        assert_eq!(paths, (Some("/c".into()), Some("/project/k".into())));
    }

    #[test]
    fn settings_are_read_as_the_server_would_read_them() {
        let settings = server(
            "postgresql://h/d?options=-c%20search_path%3Da%2Cb%20--lock-timeout%3D5\
             %20-cstatement_timeout%3D1\\%20s%20-d",
        )
        .settings;
        let expected =
            [("search_path", "a,b"), ("lock_timeout", "5"), ("statement_timeout", "1 s")];
        assert_eq!(settings, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn loopback_never_leaves_this_machine() {
        for host in ["localhost", "LOCALHOST.", "127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"]
        {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["localhost.example", "10.0.0.1", "128.0.0.1", "::2", "127.0.0.1.example", ""] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
