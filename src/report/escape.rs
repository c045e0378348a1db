//! Text from a repository, made safe for a terminal.

use std::borrow::Cow;

/// `text` with control characters, and those that reorder what follows, in
/// Rust's escape notation. A commit message must not move the cursor.
pub fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_unsafe(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// The same for a text of several lines: line ends and tabs stay.
pub fn escaped_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, line) in text.split('\n').enumerate() {
        if at > 0 {
            out.push('\n');
        }
        for (at, cell) in line.split('\t').enumerate() {
            if at > 0 {
                out.push('\t');
            }
            out.push_str(&escaped(cell));
        }
    }
    without_commands(out)
}

/// What a runner of GitHub Actions would obey, at the beginning of a line or
/// anywhere in it, with its first character escaped.
fn without_commands(text: String) -> String {
    if !text.contains("::") && !text.contains("##[") {
        return text;
    }
    let line = |line: &str| {
        let start = line.len() - line.trim_start().len();
        let line = match line[start..].strip_prefix("::") {
            Some(rest) => format!("{}\\u{{3a}}:{rest}", &line[..start]),
            None => line.to_owned(),
        };
        line.replace("##[", "##\\u{5b}")
    };
    text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Whether a terminal would act on `c` instead of showing it.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
            | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_runner_would_obey_is_shown_instead() {
        let text = "ok\n  ::stop-commands::x\na::b ##[add-mask]c\n";
        assert_eq!(
            escaped_text(text),
            "ok\n  \\u{3a}:stop-commands::x\na::b ##\\u{5b}add-mask]c\n"
        );
    }

    #[test]
    fn the_layout_of_a_text_is_not_a_danger() {
        assert_eq!(escaped_text("a\tb\n\x1bc\n"), "a\tb\n\\u{1b}c\n");
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_instead() {
        assert_eq!(escaped("a\x1b[31m\u{9b}2J\rb\n"), "a\\u{1b}[31m\\u{9b}2J\\rb\\n");
        assert_eq!(escaped("\u{202e}abc"), "\\u{202e}abc");
        assert!(matches!(escaped("añ 表 ✅"), Cow::Borrowed("añ 表 ✅")));
    }
}
