//! Bytes of a Python file as text whose offsets are the bytes' offsets.

use std::borrow::Cow;
use std::ops::Range;

/// A half-open range of byte offsets into a file.
pub type Span = Range<usize>;

/// Why bytes are not a Python source that can be read here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("not UTF-8 at byte {offset}, and no coding cookie says what it is")]
    NotUtf8 { offset: usize },
    #[error(
        "declared as `{encoding}`, which is not supported (UTF-8 and single-byte encodings are)"
    )]
    UnsupportedEncoding { encoding: String },
    #[error("a NUL byte at {offset}: this is not text")]
    Binary { offset: usize },
}

/// Text for the parser. For a file in a single-byte encoding every byte above
/// 127 stands as an `x`: ids are ASCII, and offsets stay those of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText<'a> {
    pub text: Cow<'a, str>,
}

impl<'a> SourceText<'a> {
    /// Decodes `bytes` by Python's rules (PEP 263): BOM or UTF-8 by default,
    /// else what the cookie in the first two lines says.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        if let Some(offset) = bytes.iter().position(|&b| b == 0) {
            return Err(DecodeError::Binary { offset });
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self { text: Cow::Borrowed(text) }),
            Err(error) => match coding_cookie(bytes) {
                None => Err(DecodeError::NotUtf8 { offset: error.valid_up_to() }),
                Some(name) if is_single_byte(&name) => {
                    let text = bytes
                        .iter()
                        .map(|&b| if b.is_ascii() { char::from(b) } else { 'x' })
                        .collect::<String>();
                    Ok(Self { text: Cow::Owned(text) })
                }
                Some(encoding) => Err(DecodeError::UnsupportedEncoding { encoding }),
            },
        }
    }
}

/// The 1-based line of a byte offset.
pub fn line_of(bytes: &[u8], offset: usize) -> u32 {
    let end = offset.min(bytes.len());
    let newlines = bytes[..end].iter().filter(|&&b| b == b'\n').count();
    u32::try_from(newlines).unwrap_or(u32::MAX - 1) + 1
}

fn coding_cookie(bytes: &[u8]) -> Option<String> {
    bytes.split(|&b| b == b'\n').take(2).find_map(|line| {
        let line = String::from_utf8_lossy(line);
        let comment = line.trim_start_matches([' ', '\t', '\x0c']).strip_prefix('#')?;
        let after = comment.find("coding").map(|at| &comment[at + "coding".len()..])?;
        let name = after.strip_prefix([':', '='])?.trim_start_matches([' ', '\t']);
        let end = name
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
            .unwrap_or(name.len());
        (end > 0).then(|| name[..end].to_ascii_lowercase())
    })
}

/// Encodings in which every byte is one character and ASCII is ASCII.
fn is_single_byte(name: &str) -> bool {
    let name = name.replace('_', "-");
    [
        "iso-8859-",
        "iso8859-",
        "latin",
        "l1",
        "windows-125",
        "cp125",
        "cp1",
        "koi8",
        "mac",
        "cp4",
        "cp8",
    ]
    .iter()
    .any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_latin_1_file_with_a_cookie_keeps_its_offsets() {
        let bytes = b"# -*- coding: latin-1 -*-\n# caf\xe9\nrevision = 'a'\n";
        let text = SourceText::decode(bytes).expect("single byte");
        assert_eq!(text.text.len(), bytes.len());
        assert!(text.text.contains("cafx\nrevision"));
    }

    #[test]
    fn without_a_cookie_it_is_an_error_that_says_where() {
        assert_eq!(SourceText::decode(b"# caf\xe9\n"), Err(DecodeError::NotUtf8 { offset: 5 }));
        assert_eq!(
            SourceText::decode(b"# coding: shift_jis\n\xe9"),
            Err(DecodeError::UnsupportedEncoding { encoding: "shift_jis".to_owned() })
        );
    }

    #[test]
    fn lines_are_counted_from_one() {
        assert_eq!([0, 1, 2, 99].map(|at| line_of(b"a\nb", at)), [1, 1, 2, 2]);
    }
}
