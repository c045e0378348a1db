//! Bytes of a script → header, with what is wrong with the syntax beside it.

use std::sync::Arc;

use ruff_python_ast::ModModule;

use super::header::{Header, read_header};
use super::nesting::{Nesting, too_deep};
use super::{DecodeError, SourceText, Span, line_of};
use crate::tree::MAX_FILE_BYTES;

/// The first syntax error of a file, in the parser's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxProblem {
    pub message: String,
    pub span: Span,
    /// 1-based.
    pub line: u32,
}

/// A file that could be read as far as it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parsed {
    /// Shared: the same content is read from several states of the files.
    pub header: Arc<Header>,
    /// Python would refuse the file; the header is what could be saved.
    pub syntax: Option<SyntaxProblem>,
}

/// A file of which nothing can be said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseFailure {
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error("{nesting}")]
    TooDeep { nesting: Nesting, span: Option<Span> },
    #[error("larger than {limit} bytes")]
    TooLarge { limit: usize },
}

/// Parses the whole file with Ruff's parser, which recovers from errors.
pub fn parse_script(bytes: &[u8]) -> Result<Parsed, ParseFailure> {
    let (source, parsed) = parse_module(bytes)?;
    let syntax = parsed.errors().first().map(|error| {
        conflict_marker(bytes).unwrap_or_else(|| {
            let span = source.in_file(error.location.to_std_range());
            let line = line_of(bytes, span.start);
            SyntaxProblem { message: error.error.to_string(), line, span }
        })
    });
    Ok(Parsed { header: Arc::new(read_header(parsed.suite(), &source, bytes)), syntax })
}

/// The text of a file and its syntax tree, which is shallow enough to be walked
/// and dropped.
pub(super) fn parse_module(
    bytes: &[u8],
) -> Result<(SourceText<'_>, ruff_python_parser::Parsed<ModModule>), ParseFailure> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ParseFailure::TooLarge { limit: MAX_FILE_BYTES });
    }
    let source = SourceText::decode(bytes)?;
    let text = source.text.as_ref();
    if let Some((nesting, span)) = too_deep(text) {
        return Err(ParseFailure::TooDeep { nesting, span: span.map(|span| source.in_file(span)) });
    }
    let parsed =
        ruff_python_parser::parse_unchecked_source(text, ruff_python_ast::PySourceType::Python);
    Ok((source, parsed))
}

fn conflict_marker(bytes: &[u8]) -> Option<SyntaxProblem> {
    let mut offset = 0;
    for line in bytes.split_inclusive(|&b| matches!(b, b'\n' | b'\r')) {
        let content = line.trim_ascii_end();
        if line.starts_with(b"<<<<<<< ") || content == b"<<<<<<<" {
            return Some(SyntaxProblem {
                message: "conflict markers: the file was left in the middle of a merge".to_owned(),
                span: offset..offset + content.len(),
                line: line_of(bytes, offset),
            });
        }
        offset += line.len();
    }
    None
}
