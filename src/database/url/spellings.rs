//! What of a URL's text must not be shown, in all the ways in which others may
//! have written it: an ini doubles percent signs, a driver takes escapes apart,
//! and SQLAlchemy puts them back.

use super::parts::{UrlParts, is_secret};
use super::percent::{decoded, decoded_form, encoded};
use crate::database::Secret;

/// The secrets of a URL, understood or not, the longest first.
pub fn secrets_in(text: &str) -> Vec<Secret> {
    let text = text.trim();
    let mut found: Vec<String> = Vec::new();
    match UrlParts::parse(text) {
        Some(parts) => found.extend(parts.secrets().map(|secret| secret.reveal().to_owned())),
        // What cannot be taken apart may hold a password anywhere.
        None => found.push(text.to_owned()),
    }
    let (place, query) = text.split_once('?').unwrap_or((text, ""));
    found.extend(typed_password(place));
    for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
        if is_secret(&decoded_form(key)) {
            found.push(value.to_owned());
            found.extend(in_connection_string(&decoded_form(value)));
        }
    }
    found.retain(|secret| !secret.is_empty() && secret != "***");
    let mut all: Vec<String> = found.iter().flat_map(|secret| spellings(secret)).collect();
    all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    all.dedup();
    all.into_iter().map(Secret::new).collect()
}

/// What stands between user and host, up to the last `@`: careless people put
/// one into a password.
fn typed_password(place: &str) -> Option<String> {
    let rest = place.split_once("://").map_or(place, |(_, rest)| rest);
    let (credentials, _) = rest.rsplit_once('@')?;
    let (_, password) = credentials.split_once(':')?;
    Some(password.to_owned())
}

/// The passwords of ODBC's `DRIVER=..;PWD={..}`.
fn in_connection_string(text: &str) -> Vec<String> {
    let pairs = text.split(';').filter_map(|pair| pair.split_once('='));
    let values = pairs.filter(|(key, _)| is_secret(key)).map(|(_, value)| value.trim());
    values.map(|value| value.trim_matches(['{', '}']).to_owned()).collect()
}

fn spellings(secret: &str) -> Vec<String> {
    let plain = [secret.to_owned(), decoded(secret), decoded_form(secret)];
    let mut all = Vec::new();
    for plain in plain {
        for kept in ["", "/", " +", " +/"] {
            let escaped = encoded(&plain, kept);
            all.push(with_small_escapes(&escaped));
            all.push(escaped.replace("%20", "+"));
            all.push(escaped);
        }
        all.push(plain);
    }
    let doubled: Vec<String> = all.iter().map(|text| text.replace('%', "%%")).collect();
    all.extend(doubled);
    all
}

/// `%2F` as `%2f`.
fn with_small_escapes(text: &str) -> String {
    let mut pieces = text.split('%');
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        let split = piece.char_indices().nth(2).map_or(piece.len(), |(at, _)| at);
        let (code, rest) = piece.split_at(split);
        out += &format!("%{}{rest}", code.to_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, secrets: &[&str]) {
        let found = secrets_in(url);
        for secret in secrets {
            assert!(found.iter().any(|s| s.reveal() == *secret), "{secret} of {url}");
        }
    }

    #[test]
    fn a_password_is_known_in_all_its_spellings() {
        let spelt = ["p%/", "p%25%2F", "p%25%2f", "p%%25%%2F", "p%25/"];
        check("postgresql://me:p%25%2f@h/d", &spelt);
        check("mysql://h/d?passwd=p%25%2F", &spelt);
        check("postgresql://me:p@ss:w@h/d", &["p@ss:w"]);
    }

    #[test]
    fn what_is_not_understood_is_secret_too() {
        check("me:s3cret@h/d", &["me:s3cret@h/d", "s3cret"]);
        check("postgresql://me:s3cret@h:port/d", &["s3cret"]);
        check("oracle://me:s3cret@h/d", &["s3cret"]);
        check("mssql+pyodbc:///?odbc_connect=UID%3Dme%3BPWD%3D%7Bs3cret%7D", &["s3cret"]);
    }

    #[test]
    fn a_url_without_a_password_has_no_secret() {
        for url in ["sqlite:///a@b.db", "postgresql://me@h:1/d?sslkey=/k", "mysql://me:***@h/d"] {
            assert_eq!(secrets_in(url), Vec::new(), "{url}");
        }
    }
}
