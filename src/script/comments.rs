//! Comments of a script that say something to us.

use memchr::memmem::Finder;
use ruff_python_ast::token::TokenKind;
use ruff_text_size::Ranged;

use super::parse::parse_module;
use super::{Span, line_of};

/// A comment of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// Without the `#` and what is blank around it.
    pub text: String,
    pub span: Span,
    /// 1-based.
    pub line: u32,
}

/// Searches scripts for the comments that begin with a word.
pub struct CommentSearch<'a> {
    word: &'a str,
    /// Made once for all files: that takes longer than searching most of them.
    finder: Finder<'a>,
}

impl<'a> CommentSearch<'a> {
    /// Searches for comments that begin with `word`.
    pub fn new(word: &'a str) -> Self {
        Self { word, finder: Finder::new(word) }
    }

    /// Those of a file. Nearly all files have none, and are not parsed a second time
    /// to learn that.
    pub fn comments_of(&self, bytes: &[u8]) -> Vec<Comment> {
        if self.finder.find(bytes).is_none() {
            return Vec::new();
        }
        let Ok((source, parsed)) = parse_module(bytes) else { return Vec::new() };
        let comments = parsed.tokens().iter().filter(|token| token.kind() == TokenKind::Comment);
        comments
            .filter_map(|token| {
                let text = source.text[token.range().to_std_range()].trim_start_matches('#').trim();
                let span = source.in_file(token.range().to_std_range());
                let line = line_of(bytes, span.start);
                text.starts_with(self.word).then(|| Comment { text: text.to_owned(), span, line })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(source: &str, expected: &[(u32, &str)]) {
        let found = CommentSearch::new("dbm-git:").comments_of(source.as_bytes());
        let found: Vec<(u32, &str)> = found.iter().map(|c| (c.line, c.text.as_str())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn only_comments_count() {
        check("revision = 'a'  # dbm-git: x\n", &[(1, "dbm-git: x")]);
        check("'''\n# dbm-git: in a docstring\n'''\nx = '# dbm-git: y'\n", &[]);
        check("# see dbm-git: it is good\n", &[]);
    }

    #[test]
    fn a_broken_file_has_comments_too() {
        check("def (:\n\t## dbm-git: z  \n", &[(2, "dbm-git: z")]);
        check("def (((\n", &[]);
    }
}
