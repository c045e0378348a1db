//! How deeply brackets nest, found without recursion: the parser grows its
//! stack as needed, but dropping a tree of a million levels would not.

use super::Span;

/// CPython's own limit (`MAXLEVEL` in `Parser/tokenizer.h`).
pub const MAX_NESTING: usize = 200;

/// The bracket that opens level [`MAX_NESTING`] + 1, if there is one. Strings
/// and comments don't count.
pub fn too_deep(text: &str) -> Option<Span> {
    let bytes = text.as_bytes();
    let mut depth = 0usize;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' | b'{' => {
                depth += 1;
                if depth > MAX_NESTING {
                    return Some(at..at + 1);
                }
            }
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'#' => at = end_of_line(bytes, at),
            b'\'' | b'"' => at = end_of_string(bytes, at),
            _ => {}
        }
        at += 1;
    }
    None
}

fn end_of_line(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |n| at + n)
}

/// The offset of the closing quote (or of the line's end for an unclosed string).
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let quote = bytes[start];
    let triple = bytes.get(start + 1) == Some(&quote) && bytes.get(start + 2) == Some(&quote);
    let mut at = start + if triple { 3 } else { 1 };
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1,
            b'\n' if !triple => return at,
            b if b == quote && !triple => return at,
            b if b == quote
                && bytes.get(at + 1) == Some(&quote)
                && bytes.get(at + 2) == Some(&quote) =>
            {
                return at + 2;
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cpython_accepts_is_accepted() {
        let nested = |n: usize| format!("x = {}1{}", "(".repeat(n), ")".repeat(n));
        assert_eq!(too_deep(&nested(MAX_NESTING)), None);
        assert_eq!(too_deep(&nested(MAX_NESTING + 1)), Some(204..205));
    }

    #[test]
    fn brackets_in_strings_and_comments_are_not_nesting() {
        let many = "(".repeat(500);
        assert_eq!(
            too_deep(&format!("x = '{many}'\n# {many}\ny = \"\"\"{many}\n'{many}\"\"\"")),
            None
        );
        assert_eq!(too_deep(&format!("x = 'a\\'{many}'")), None);
    }
}
