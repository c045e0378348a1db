//! Python string literals as text: how one was quoted, and writing another like it.

/// Prefix and quotes of a plain string literal, as `u"` or `'''`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuoteStyle<'a> {
    pub prefix: &'a str,
    pub quotes: &'a str,
}

impl QuoteStyle<'static> {
    /// What `repr()` and so Alembic's own template writes.
    pub const PYTHON: Self = Self { prefix: "", quotes: "'" };
}

impl<'a> QuoteStyle<'a> {
    /// Reads the style off the text of a literal; `None` if it is no string.
    pub fn of(literal: &'a str) -> Option<Self> {
        let at = literal.find(['\'', '"'])?;
        let (prefix, rest) = literal.split_at(at);
        if !prefix.bytes().all(|b| b.is_ascii_alphabetic()) {
            return None;
        }
        let quote = &rest[..1];
        let triple = quote.repeat(3);
        let length = if rest.starts_with(&triple) && rest.len() >= 6 { 3 } else { 1 };
        Some(Self { prefix, quotes: &rest[..length] })
    }

    /// Writes `text` in this style. Revision ids hold no character that would
    /// need an escape in practice; quotes and backslashes are escaped all the same.
    pub fn quote(&self, text: &str) -> String {
        let mark = &self.quotes[..1];
        let mut escaped = String::with_capacity(text.len());
        for c in text.chars() {
            if c == '\\' || mark.starts_with(c) {
                escaped.push('\\');
            }
            escaped.push(c);
        }
        // A raw literal cannot hold the escapes that were just written.
        let prefix = if escaped.len() == text.len() { self.prefix } else { "" };
        format!("{prefix}{}{escaped}{}", self.quotes, self.quotes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_is_written_like_its_model() {
        for (model, written) in [
            ("'a'", "'x'"),
            ("\"a\"", "\"x\""),
            ("u\"a\"", "u\"x\""),
            ("'''a'''", "'''x'''"),
            ("''", "'x'"),
        ] {
            assert_eq!(QuoteStyle::of(model).expect("a string").quote("x"), written);
        }
        assert_eq!(QuoteStyle::of("None"), None);
    }

    #[test]
    fn quotes_in_the_text_are_escaped() {
        assert_eq!(QuoteStyle::PYTHON.quote("it's"), "'it\\'s'");
    }
}
