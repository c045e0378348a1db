//! The checks of a SQLite table, which no pragma tells: they are in the statement
//! that made it, and nowhere else.

/// Each `CHECK (..)` of a `CREATE TABLE`, with the name of its constraint if it has
/// one, white space as one blank.
pub(super) fn checks(statement: &str) -> Vec<(Option<String>, String)> {
    let words = words(statement);
    let mut found = Vec::new();
    let mut at = 0;
    while at < words.len() {
        if words[at].eq_ignore_ascii_case("check") && words.get(at + 1).is_some_and(|w| w == "(") {
            let name = at
                .checked_sub(2)
                .filter(|&before| words[before].eq_ignore_ascii_case("constraint"));
            let end = closing(&words, at + 1);
            let name = name.map(|before| words[before + 1].trim_matches(['"', '`', '[', ']']));
            found.push((name.map(str::to_owned), words[at + 1..end].join(" ")));
            at = end;
        } else {
            at += 1;
        }
    }
    found
}

/// Whether a keyword stands in a statement, and not in a name or a text.
pub(super) fn has_word(statement: &str, word: &str) -> bool {
    words(statement).iter().any(|found| found.eq_ignore_ascii_case(word))
}

/// Just behind the bracket that closes the one at `start`.
fn closing(words: &[String], start: usize) -> usize {
    let mut depth = 0_usize;
    for (at, word) in words.iter().enumerate().skip(start) {
        match word.as_str() {
            "(" => depth += 1,
            ")" => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    words.len()
}

/// Words, quoted names and texts, and single signs; comments left out.
fn words(statement: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut rest = statement;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            c if c.is_whitespace() => {
                rest = &rest[c.len_utf8()..];
                continue;
            }
            '-' if rest.starts_with("--") => {
                rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
                continue;
            }
            '/' if rest.starts_with("/*") => {
                rest = rest.split_once("*/").map_or("", |(_, rest)| rest);
                continue;
            }
            '\'' | '"' | '`' => quoted(rest, first),
            '[' => rest.find(']').map_or(rest.len(), |at| at + 1),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        words.push(rest[..length].to_owned());
        rest = &rest[length..];
    }
    words
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$' | '.')
}

/// The length of a quoted piece; a doubled quote stands for itself.
fn quoted(text: &str, quote: char) -> usize {
    let mut at = 1;
    loop {
        match text[at..].find(quote) {
            None => return text.len(),
            Some(next) if text[at + next + 1..].starts_with(quote) => at += next + 2,
            Some(next) => return at + next + 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_are_found_wherever_they_stand_and_texts_are_none() {
        let statement = "CREATE TABLE t (\n  a INT CHECK (a > 0), -- check (no)\n  b TEXT DEFAULT \
            'check (b)', CONSTRAINT \"ck b\" CHECK (b IN ('x)', 'it''s')\n AND (a  < 5)) , c)";
        let found = checks(statement);
        let line = |(name, text): &(Option<String>, String)| {
            format!("{}: {text}", name.as_deref().unwrap_or("-"))
        };
        let lines: Vec<String> = found.iter().map(line).collect();
        assert_eq!(lines, ["-: ( a > 0 )", "ck b: ( b IN ( 'x)' , 'it''s' ) AND ( a < 5 ) )"]);
        assert!(has_word("create table t (a integer primary key autoincrement)", "AUTOINCREMENT"));
        assert!(!has_word("create table t (a text default 'autoincrement')", "AUTOINCREMENT"));
        for broken in ["check (", "'", "[", "/*", "--", "constraint check ("] {
            assert!(checks(broken).len() < 2, "{broken}");
        }
    }
}
