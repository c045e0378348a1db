//! The text of a URL, taken apart and shown as `sqlalchemy.engine.make_url` of
//! SQLAlchemy 2.1 does it; `tests/database/urls.rs` asks the real one. What the
//! parts mean to a driver is not decided here.

use super::percent::{decoded, decoded_form, encoded};
use crate::database::Secret;

/// What a URL consists of. Its `Debug` shows no password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlParts {
    /// `postgresql+psycopg`
    pub scheme: String,
    pub user: Option<String>,
    pub password: Option<Secret>,
    /// Without the brackets of an IPv6 address.
    pub host: Option<String>,
    pub port: Option<u16>,
    /// What follows the first slash: a name, or the path of a SQLite file.
    pub database: Option<String>,
    /// In the order they were written; those without a value are left out.
    pub query: Vec<(String, Secret)>,
}

impl UrlParts {
    /// `None` for what SQLAlchemy would not take for a URL.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '+');
        if scheme.is_empty() || !scheme.chars().all(is_name) {
            return None;
        }
        let (user, password, rest) = credentials(rest);
        let (host, rest) = host(rest);
        let (port, rest) = match rest.strip_prefix(':') {
            Some(rest) => {
                let (port, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
                (Some(port.trim().parse().ok()?), rest)
            }
            None => (None, rest),
        };
        let (database, rest) = match rest.strip_prefix('/') {
            Some(rest) => {
                let (database, rest) = rest.split_at(rest.find('?').unwrap_or(rest.len()));
                (Some(decoded(database)), rest)
            }
            None => (None, rest),
        };
        let query = rest.strip_prefix('?').and_then(|query| query.lines().next());
        Some(Self {
            scheme: scheme.to_owned(),
            user: user.map(decoded),
            password: password.map(|password| Secret::new(decoded(password))),
            host: host.map(str::to_owned),
            port,
            database,
            query: query.map(pairs).unwrap_or_default(),
        })
    }

    /// `postgresql` of `postgresql+psycopg`.
    pub fn dialect(&self) -> &str {
        self.scheme.split('+').next().unwrap_or_default()
    }

    /// `psycopg` of `postgresql+psycopg`.
    pub fn driver(&self) -> Option<&str> {
        self.scheme.split_once('+').map(|(_, driver)| driver)
    }

    /// The last value of a query option.
    pub fn option(&self, key: &str) -> Option<&str> {
        self.options(key).last()
    }

    /// All values of a query option.
    pub fn options<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(k, _)| k == key).map(|(_, value)| value.reveal())
    }

    /// The query options that hold secrets.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        let in_query = self.query.iter().filter(|(key, _)| is_secret(key)).map(|(_, value)| value);
        self.password.iter().chain(in_query)
    }

    /// As SQLAlchemy shows it, and secrets in the query masked too.
    pub fn shown(&self) -> String {
        let mut text = self.shown_without_query();
        let mut query: Vec<&(String, Secret)> = self.query.iter().collect();
        query.sort_by(|(a, _), (b, _)| a.cmp(b));
        for (at, (key, value)) in query.into_iter().enumerate() {
            text.push(if at == 0 { '?' } else { '&' });
            text += &encoded(key, "").replace("%20", "+");
            text.push('=');
            if is_secret(key) {
                text += "***";
            } else {
                text += &encoded(value.reveal(), "").replace("%20", "+");
            }
        }
        text
    }

    /// The URL of another database of the same server, as SQLAlchemy reads it, with
    /// all its secrets; `None` where the query names one, too.
    pub fn beside(&self, name: &str) -> Option<Secret> {
        if ["dbname", "database", "db"].iter().any(|key| self.option(key).is_some()) {
            return None;
        }
        let mut text = format!("{}://", self.scheme);
        if let Some(user) = &self.user {
            text += &encoded(user, " +");
            if let Some(password) = &self.password {
                text += &format!(":{}", encoded(password.reveal(), " +"));
            }
            text.push('@');
        }
        match &self.host {
            Some(host) if host.contains(':') => text += &format!("[{host}]"),
            host => text += host.as_deref().unwrap_or_default(),
        }
        if let Some(port) = self.port {
            text += &format!(":{port}");
        }
        text += &format!("/{}", encoded(name, " +/"));
        for (at, (key, value)) in self.query.iter().enumerate() {
            text.push(if at == 0 { '?' } else { '&' });
            let escaped = |text: &str| encoded(text, "").replace("%20", "+");
            text += &format!("{}={}", escaped(key), escaped(value.reveal()));
        }
        Some(Secret::new(text))
    }

    /// The same without the query, of which nobody knows what it says to a driver.
    pub fn shown_without_query(&self) -> String {
        let mut text = format!("{}://", self.scheme);
        if let Some(user) = &self.user {
            text += &encoded(user, " +");
            text += if self.password.is_some() { ":***@" } else { "@" };
        }
        // A password with a bare `@` ends there for SQLAlchemy; its rest is no less secret.
        let stray = |part: &Option<String>| {
            let part = part.as_deref().filter(|_| self.password.is_some())?;
            part.rsplit_once('@').map(|(_, rest)| rest.to_owned())
        };
        if let Some(rest) = stray(&self.database) {
            return text + "***@" + &encoded(&rest, " +/");
        }
        match (stray(&self.host), &self.host) {
            (Some(rest), _) => text += &format!("***@{rest}"),
            (None, Some(host)) if host.contains(':') => text += &format!("[{host}]"),
            (None, host) => text += host.as_deref().unwrap_or_default(),
        }
        if let Some(port) = self.port {
            text += &format!(":{port}");
        }
        if let Some(database) = &self.database {
            text += &format!("/{}", encoded(database, " +/"));
        }
        text
    }
}

/// `user:password@`, `user@` or nothing, and what follows. The first `@` ends a
/// password, and the last one a user without password.
fn credentials(text: &str) -> (Option<&str>, Option<&str>, &str) {
    let (run, rest) = text.split_at(text.find([':', '/']).unwrap_or(text.len()));
    if let Some((password, rest)) = rest.strip_prefix(':').and_then(|rest| rest.split_once('@')) {
        return (Some(run), Some(password), rest);
    }
    match run.rfind('@') {
        Some(at) => (Some(&text[..at]), None, &text[at + 1..]),
        None => (None, None, text),
    }
}

/// A host if there is one, and what follows.
fn host(text: &str) -> (Option<&str>, &str) {
    let run = &text[..text.find(['/', '?']).unwrap_or(text.len())];
    if let (Some(inside), Some(end)) = (run.strip_prefix('['), run.rfind(']'))
        && end > 1
    {
        return (Some(&inside[..end - 1]), &text[end + 1..]);
    }
    let (host, rest) = text.split_at(text.find(['/', ':', '?']).unwrap_or(text.len()));
    ((!host.is_empty()).then_some(host), rest)
}

fn pairs(query: &str) -> Vec<(String, Secret)> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .filter(|(_, value)| !value.is_empty())
        .map(|(key, value)| (decoded_form(key), Secret::new(decoded_form(value))))
        .collect()
}

/// Whether an option may hold a secret, by its name: `password`, `passwd`,
/// `sslpassword`, `auth_token`, `api_key`; but `sslkey` names a file.
pub(super) fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let words = ["pass", "pwd", "secret", "token", "credential", "odbc_connect"];
    // `passfile` names a file too.
    let is_file = ["sslkey", "ssl_key", "ssl-key", "passfile"].contains(&key.as_str());
    !is_file && (words.iter().any(|word| key.contains(word)) || key.ends_with("key"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn shown(url: &str, expected: &str) {
        assert_eq!(UrlParts::parse(url).expect("a URL").shown(), expected);
    }

    #[test]
    fn passwords_are_shown_nowhere() {
        shown("postgresql://me:s3cret@h:1/db?x=a b", "postgresql://me:***@h:1/db?x=a+b");
        shown(
            "postgresql://h/db?password=s3cret&sslpassword=s3cret&sslkey=/k&PASSWD=s3cret",
            "postgresql://h/db?PASSWD=***&password=***&sslkey=%2Fk&sslpassword=***",
        );
        // Not what SQLAlchemy shows: it has taken a part of the password for the host.
        shown("postgresql://me:s3@cret@h/db", "postgresql://me:***@***@h/db");
        shown("postgresql://me:s3@cr/et@h/db", "postgresql://me:***@***@h/db");
        let parts = UrlParts::parse("mysql://me:s3cret@h/db?passwd=s3cret").expect("a URL");
        assert!(!format!("{parts:?}").contains("s3cret"));
    }

    #[test]
    fn another_database_of_the_server_is_reached_in_the_same_way() {
        for text in [
            "postgresql+psycopg://me:s3%40%3Acret@h:1/NAME?sslmode=require&x=a+b%26c",
            "mysql+pymysql://u%2F:@[::1]/NAME?unix_socket=%2Ftmp%2Fmy.sock",
            "postgresql:///NAME?host=%2Frun%2Fpostgresql",
            "postgresql://u@h/NAME",
        ] {
            let parts = UrlParts::parse(&text.replace("NAME", "shop")).expect("a URL");
            let other = parts.beside("it's / mine").expect("one name");
            let found = UrlParts::parse(other.reveal()).expect("a URL");
            assert_eq!(found, UrlParts { database: Some("it's / mine".to_owned()), ..parts });
        }
        let named = UrlParts::parse("postgresql://h/?dbname=shop").expect("a URL");
        assert_eq!(named.beside("other"), None);
    }

    #[test]
    fn what_is_no_url_is_none() {
        for text in ["", "s3cret", "://h", "a-b://h", " sqlite://", "mysql://h:port/db"] {
            assert_eq!(UrlParts::parse(text), None, "{text}");
        }
    }
}
