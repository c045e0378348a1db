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
        let line = |name| {
            let (value, span) = find_line(raw, span.start, name)?;
            let span = source.in_file(span);
            Some(DocstringLine { value, line: line_of(bytes, span.start), span })
        };
        Some(Self {
            message: first_paragraph(literal.value.to_str()),
            revision_id: line("Revision ID:"),
            revises: line("Revises:"),
            create_date: line("Create Date:"),
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
    let paragraph = text.trim().split("\n\n").next().unwrap_or_default();
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Value and span of the first line `name`, in the text of the file.
fn find_line(raw: &str, start: usize, name: &str) -> Option<(String, Span)> {
    let mut at = 0;
    let rest = raw.split_inclusive(['\n', '\r']).find_map(|line| {
        at += line.len();
        line.trim_start().strip_prefix(name)
    })?;
    let from = start + at - rest.len();
    let end = ["\"\"\"", "'''", "\n", "\r"].iter().filter_map(|end| rest.find(end)).min();
    let rest = &rest[..end.unwrap_or(rest.len())];
    let value = rest.trim();
    let lead = if value.is_empty() { rest.len() } else { rest.len() - rest.trim_start().len() };
    let from = from + lead;
    Some((value.to_owned(), from..from + value.len()))
}
