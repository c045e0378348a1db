//! Keeps passwords out of what is shown.

/// Stands in a secret's place.
const MASK: &str = "***";

/// Words that may not be shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mask<'a>(pub &'a [String]);

impl Mask<'_> {
    /// `text` without the secrets, and without the password of any URL in it:
    /// a traceback quotes the line of `env.py` that has one.
    pub fn apply(self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in self.0.iter().filter(|secret| !secret.is_empty()) {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), MASK);
            }
        }
        without_url_passwords(&text)
    }
}

/// `postgresql://me:pw@host/db` → `postgresql://me:***@host/db`, and the same
/// for `?password=pw`. The last `@` before the path counts: careless people put
/// one into a password.
fn without_url_passwords(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        out.push_str(before);
        let end = after
            .find(|c: char| matches!(c, '/' | '?' | '#' | '"' | '\'') || c.is_whitespace())
            .unwrap_or(after.len());
        let authority = &after[..end];
        match authority.rfind('@').and_then(|at| Some((authority[..at].find(':')?, at))) {
            Some((colon, at)) => {
                out.push_str(&authority[..=colon]);
                out.push_str(MASK);
                out.push_str(&authority[at..]);
            }
            None => out.push_str(authority),
        }
        let tail = &after[end..];
        let end = tail.find(|c: char| matches!(c, '"' | '\'') || c.is_whitespace());
        let (url, after) = tail.split_at(end.unwrap_or(tail.len()));
        out += &without_query_passwords(url);
        rest = after;
    }
    out.push_str(rest);
    out
}

/// `/db?password=pw&x=1` → `/db?password=***&x=1`.
fn without_query_passwords(text: &str) -> String {
    let Some((path, query)) = text.split_once('?') else { return text.to_owned() };
    let masked = |pair: &str| match pair.split_once('=') {
        Some((key, _)) if is_secret(key) => format!("{key}={MASK}"),
        _ => pair.to_owned(),
    };
    let pairs: Vec<String> = query.split('&').map(masked).collect();
    format!("{path}?{}", pairs.join("&"))
}

fn is_secret(key: &str) -> bool {
    let key = key.to_lowercase();
    let words = ["pass", "pwd", "secret", "token", "credential", "odbc_connect"];
    key != "passfile" && words.iter().any(|word| key.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(Mask(&["hunter2".to_owned(), String::new()]).apply(text), expected);
    }

    #[test]
    fn named_secrets_and_passwords_in_urls_are_masked() {
        check("the word hunter2, twice: hunter2", "the word ***, twice: ***");
        check(
            "url = 'postgresql+psycopg://me:p@ss:w@db.example:5432/x?a=b' # mysql://u:p@h",
            "url = 'postgresql+psycopg://me:***@db.example:5432/x?a=b' # mysql://u:***@h",
        );
        check(
            "(postgresql://h/d?user=me&password=p%20w&x=1) 'mysql://h/d?passwd=p'",
            "(postgresql://h/d?user=me&password=***&x=1) 'mysql://h/d?passwd=***'",
        );
    }

    #[test]
    fn what_holds_no_password_stays() {
        for text in [
            "sqlite:////tmp/a@b:c.sqlite",
            "https://sqlalche.me/e/20/e3q8",
            "postgresql://me@host:5432/x",
            "a :// b: c@d",
            "",
        ] {
            check(text, text);
        }
    }
}
