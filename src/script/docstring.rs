//! The module docstring: the message, and the lines that repeat the header.

use std::borrow::Cow;

use ruff_python_ast::{Expr, Stmt};
use ruff_text_size::Ranged;

use super::{SourceText, Span, line_of};

/// A line `Name: value` of the docstring, by the span of its value in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocstringLine {
    /// As written, trailing white space excluded.
    pub value: String,
    /// Excludes the white space around the value; empty at the end of `Revises: `.
    pub span: Span,
    /// 1-based.
    pub line: u32,
}

impl DocstringLine {
    /// The ids the line names; none for a base (`None`, `<base>`, nothing).
    pub fn ids(&self) -> Vec<&str> {
        self.value
            .split(',')
            .map(|part| part.trim_matches([' ', '\t', '(', ')', '[', ']', '\'', '"']))
            .filter(|part| !part.is_empty() && !matches!(*part, "None" | "<base>"))
            .collect()
    }
}

/// The docstring of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Docstring {
    /// The whole literal, quotes included.
    pub span: Span,
    /// The first paragraph on one line.
    pub message: String,
    pub revision_id: Option<DocstringLine>,
    pub revises: Option<DocstringLine>,
    pub create_date: Option<DocstringLine>,
}

impl Docstring {
    /// Reads the first statement, if it is a string.
    pub(super) fn read(body: &[Stmt], source: &SourceText<'_>, bytes: &[u8]) -> Option<Self> {
        let Some(Stmt::Expr(first)) = body.first() else { return None };
        let Expr::StringLiteral(literal) = first.value.as_ref() else { return None };
        let span = literal.range().start().to_usize()..literal.range().end().to_usize();
        let raw = source.text.get(span.clone())?;
        let [revision_id, revises, create_date] = values_of(NAMES, raw).map(|value| {
            let value = value?;
            let text = &raw[value.clone()];
            let span = source.in_file(span.start + value.start..span.start + value.end);
            let line = line_of(bytes, span.start);
            Some(DocstringLine { value: text.to_owned(), line, span })
        });
        Some(Self {
            message: first_paragraph(literal.value.to_str()),
            revision_id,
            revises,
            create_date,
            span: source.in_file(span.clone()),
        })
    }
}

/// Alembic's `Script.doc`: the first paragraph of the stripped docstring.
fn first_paragraph(text: &str) -> String {
    let text = match text.contains('\r') {
        true => Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\n")),
        false => Cow::Borrowed(text),
    };
    let text = text.trim();
    let mut line_ends = memchr::memchr_iter(b'\n', text.as_bytes());
    let end = line_ends.find(|end| text.as_bytes().get(end + 1) == Some(&b'\n'));
    let paragraph = &text[..end.unwrap_or(text.len())];
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// What the lines begin with that repeat the header.
const NAMES: [&str; 3] = ["Revision ID:", "Revises:", "Create Date:"];

/// Where the values of the first lines with these names lie in a literal.
fn values_of(names: [&str; 3], raw: &str) -> [Option<Span>; 3] {
    let mut values = [None, None, None];
    let mut at = 0;
    while at < raw.len() {
        let line_end = memchr::memchr2(b'\n', b'\r', &raw.as_bytes()[at..]);
        let end = line_end.map_or(raw.len(), |length| at + length);
        let line = &raw[at..end];
        let named = line.trim_start();
        for (name, value) in names.iter().zip(&mut values) {
            if let (None, Some(rest)) = (&value, named.strip_prefix(name)) {
                *value = Some(trimmed(end - rest.len(), rest));
            }
        }
        at = end + 1;
    }
    values
}

/// Where what is written in `rest`, which begins at `start`, lies: up to the end of
/// the literal, and without the white space around it.
fn trimmed(start: usize, rest: &str) -> Span {
    let quotes = rest.bytes().position(|byte| matches!(byte, b'"' | b'\''));
    // Few values have any.
    let closing = quotes.and_then(|_| ["\"\"\"", "'''"].iter().filter_map(|q| rest.find(q)).min());
    let rest = &rest[..closing.unwrap_or(rest.len())];
    let value = rest.trim();
    let lead = if value.is_empty() { rest.len() } else { rest.len() - rest.trim_start().len() };
    start + lead..start + lead + value.len()
}
