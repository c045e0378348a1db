//! Bytes of a Python file as text, and the way back from an offset in the text
//! to the offset in the file: edits are of the file's own bytes.

use std::borrow::Cow;
use std::ops::Range;

use encoding_rs::DecoderResult;

/// A half-open range of byte offsets into a file.
pub type Span = Range<usize>;

/// Why bytes are not a Python source that can be read here.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("not UTF-8 at byte {offset}, and no coding cookie says what it is")]
    NotUtf8 { offset: usize },
    #[error("declared as `{encoding}`, which is not supported")]
    UnsupportedEncoding { encoding: String },
    #[error("declared as `{encoding}`, but byte {offset} is no character of it")]
    Undecodable { encoding: &'static str, offset: usize },
    #[error("a NUL byte at {offset}: this is not text")]
    Binary { offset: usize },
}

/// What a source file is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceEncoding {
    Utf8,
    Ascii,
    /// Python's latin-1: every byte is the character of its number.
    Latin1,
    Other(&'static encoding_rs::Encoding),
}

impl SourceEncoding {
    /// The encoding of a file by Python's rules (PEP 263): UTF-8, unless the
    /// cookie in the first two lines says otherwise.
    pub fn of(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.starts_with(b"\xef\xbb\xbf") {
            return Ok(Self::Utf8);
        }
        match coding_cookie(bytes) {
            None => Ok(Self::Utf8),
            Some(name) => Self::named(&name)
                // As long as nothing but ASCII is in it, it does not matter.
                .or(bytes.is_ascii().then_some(Self::Ascii))
                .ok_or(DecodeError::UnsupportedEncoding { encoding: name }),
        }
    }

    /// Python's names, which go beyond the labels that the web has.
    fn named(name: &str) -> Option<Self> {
        let name = name.replace('_', "-");
        let label = match name.as_str() {
            "utf8" | "utf-8" | "u8" | "utf-8-sig" | "cp65001" => return Some(Self::Utf8),
            "ascii" | "us-ascii" | "646" => return Some(Self::Ascii),
            "latin-1" | "latin1" | "latin" | "l1" | "iso-8859-1" | "iso8859-1" | "8859"
            | "cp819" => return Some(Self::Latin1),
            "latin-9" | "latin9" => "iso-8859-15",
            "cp932" => "shift_jis",
            "cp936" => "gbk",
            "cp949" => "euc-kr",
            "cp950" => "big5",
            "cp874" => "windows-874",
            "mac-roman" => "macintosh",
            "mac-cyrillic" => "x-mac-cyrillic",
            other => other,
        };
        encoding_rs::Encoding::for_label_no_replacement(label.as_bytes())
            .filter(|encoding| encoding.is_ascii_compatible())
            .map(Self::Other)
    }

    /// What a message calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Ascii => "ASCII",
            Self::Latin1 => "latin-1",
            Self::Other(encoding) => encoding.name(),
        }
    }

    /// The bytes of `text`; `None` if a character has none in this encoding.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Ascii => text.is_ascii().then(|| text.as_bytes().to_vec()),
            Self::Latin1 => text.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect(),
            Self::Other(encoding) => match encoding.encode(text) {
                (bytes, _, false) => Some(bytes.into_owned()),
                (_, _, true) => None,
            },
        }
    }
}

/// Text for the parser, with the offsets it has in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText<'a> {
    pub text: Cow<'a, str>,
    /// After each character that is longer or shorter in the file: the offset
    /// in the text, and in the file.
    shifts: Vec<(u32, u32)>,
}

impl<'a> SourceText<'a> {
    /// Decodes `bytes`, a file of less than 4 GB.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        // `contains` looks at many bytes at once; only a hit is worth its place.
        if bytes.contains(&0) {
            let offset = bytes.iter().position(|&b| b == 0).unwrap_or_default();
            return Err(DecodeError::Binary { offset });
        }
        let not_utf8 = |offset| DecodeError::NotUtf8 { offset };
        match SourceEncoding::of(bytes)? {
            SourceEncoding::Utf8 => {
                let text = std::str::from_utf8(bytes).map_err(|e| not_utf8(e.valid_up_to()))?;
                Ok(Self::same(text))
            }
            SourceEncoding::Ascii | SourceEncoding::Latin1 | SourceEncoding::Other(_)
                if bytes.is_ascii() =>
            {
                let text = std::str::from_utf8(bytes).map_err(|e| not_utf8(e.valid_up_to()))?;
                Ok(Self::same(text))
            }
            SourceEncoding::Ascii => {
                let offset = bytes.iter().position(|b| !b.is_ascii()).unwrap_or_default();
                Err(DecodeError::Undecodable { encoding: SourceEncoding::Ascii.name(), offset })
            }
            SourceEncoding::Latin1 => Ok(Self::of_latin_1(bytes)),
            SourceEncoding::Other(encoding) => Self::of_other(bytes, encoding),
        }
    }

    fn same(text: &'a str) -> Self {
        Self { text: Cow::Borrowed(text), shifts: Vec::new() }
    }

    fn of_latin_1(bytes: &[u8]) -> Self {
        let mut text = String::with_capacity(bytes.len());
        let mut shifts = Vec::new();
        for (at, &byte) in bytes.iter().enumerate() {
            text.push(char::from(byte));
            if !byte.is_ascii() {
                shifts.push((offset(text.len()), offset(at + 1)));
            }
        }
        Self { text: Cow::Owned(text), shifts }
    }

    /// Byte by byte, since only so the decoder tells where a character ends.
    fn of_other(
        bytes: &[u8],
        encoding: &'static encoding_rs::Encoding,
    ) -> Result<Self, DecodeError> {
        let undecodable = |offset| DecodeError::Undecodable { encoding: encoding.name(), offset };
        let mut decoder = encoding.new_decoder_without_bom_handling();
        let mut text = String::with_capacity(bytes.len());
        let mut shifts = Vec::new();
        // Where the last whole character ended in the file.
        let mut whole = 0;
        for at in 0..=bytes.len() {
            // Once more at the end, for a character that is cut off there.
            let is_last = at == bytes.len();
            let byte = bytes.get(at..=at).unwrap_or_default();
            let mut characters = [0; 16];
            let (result, _, length) =
                decoder.decode_to_utf8_without_replacement(byte, &mut characters, is_last);
            let Ok(characters) = std::str::from_utf8(&characters[..length]) else {
                return Err(undecodable(at));
            };
            if result != DecoderResult::InputEmpty {
                return Err(undecodable(at.min(bytes.len() - 1)));
            }
            if length > 0 {
                text.push_str(characters);
                if length != at + 1 - whole {
                    shifts.push((offset(text.len()), offset(at + 1)));
                }
                whole = at + 1;
            }
        }
        Ok(Self { text: Cow::Owned(text), shifts })
    }

    /// The span in the file of a span of the text.
    pub fn in_file(&self, span: Span) -> Span {
        self.offset_in_file(span.start)..self.offset_in_file(span.end)
    }

    fn offset_in_file(&self, at: usize) -> usize {
        let before = self.shifts.partition_point(|&(text, _)| text as usize <= at);
        match before.checked_sub(1).map(|last| self.shifts[last]) {
            None => at,
            Some((text, file)) => file as usize + (at - text as usize),
        }
    }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// The 1-based line of a byte offset, with Python's line ends.
pub fn line_of(bytes: &[u8], offset: usize) -> u32 {
    let end = offset.min(bytes.len());
    // A `\r` before `\n` ends no line of its own.
    let is_line_end = |&at: &usize| bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n');
    let line_ends = memchr::memchr2_iter(b'\n', b'\r', &bytes[..end]).filter(is_line_end).count();
    u32::try_from(line_ends).unwrap_or(u32::MAX - 1) + 1
}

/// `^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)` in one of the first two lines; in the
/// second only if the first holds no code.
fn coding_cookie(bytes: &[u8]) -> Option<String> {
    for line in bytes.split(|&b| matches!(b, b'\n' | b'\r')).take(2) {
        let line = line.trim_ascii_start();
        if line.is_empty() {
            continue;
        }
        let comment = line.strip_prefix(b"#")?;
        if let Some(name) = cookie_in(&String::from_utf8_lossy(comment)) {
            return Some(name);
        }
    }
    None
}

fn cookie_in(comment: &str) -> Option<String> {
    comment.match_indices("coding").find_map(|(at, word)| {
        let name = comment[at + word.len()..].strip_prefix([':', '='])?;
        let name = name.trim_start_matches([' ', '\t']);
        let end = name
            .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')))
            .unwrap_or(name.len());
        (end > 0).then(|| name[..end].to_ascii_lowercase())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text, and for each character its span in the file.
    #[track_caller]
    fn decoded(bytes: &[u8]) -> (String, Vec<Span>) {
        let source = SourceText::decode(bytes).expect("decodable");
        let spans = source
            .text
            .char_indices()
            .map(|(at, c)| source.in_file(at..at + c.len_utf8()))
            .collect();
        (source.text.into_owned(), spans)
    }

    #[test]
    fn characters_keep_the_offsets_that_they_have_in_the_file() {
        let (text, spans) = decoded(b"#coding: latin-1\na\xdf\xf6b");
        assert_eq!(text, "#coding: latin-1\naßöb");
        assert_eq!(spans[17..], [17..18, 18..19, 19..20, 20..21]);
        let (text, spans) = decoded(b"#coding: gbk\na\xc4\xe3b");
        assert_eq!(text, "#coding: gbk\na你b");
        assert_eq!(spans[13..], [13..14, 14..16, 16..17]);
        assert_eq!(decoded("# ü\n".as_bytes()).1.last(), Some(&(4..5)));
    }

    #[test]
    fn pythons_names_of_encodings_are_known() {
        for (name, bytes, text) in [
            ("iso-8859-15", b"\xa4", "€"),
            ("cp1252", b"\x80", "€"),
            ("latin_1", b"\xa4", "¤"),
            ("koi8-r", b"\xc1", "а"),
            ("cp1251", b"\xe0", "а"),
            ("mac_roman", b"\x8a", "ä"),
        ] {
            let file = [format!("# coding={name}\n").as_bytes(), bytes].concat();
            assert!(decoded(&file).0.ends_with(text), "{name}");
            let encoding = SourceEncoding::of(&file).expect("known");
            assert_eq!(encoding.encode(text).as_deref(), Some(bytes.as_slice()), "{name}");
            assert_eq!(encoding.encode("表"), None, "{name}");
        }
    }

    #[test]
    fn without_a_cookie_it_is_an_error_that_says_where() {
        let refused = |bytes: &[u8], error| assert_eq!(SourceText::decode(bytes), Err(error));
        refused(b"# caf\xe9\n", DecodeError::NotUtf8 { offset: 5 });
        let encoding = "rot13".to_owned();
        refused(b"# coding: rot13\n\xe9", DecodeError::UnsupportedEncoding { encoding });
        let encoding = "utf-16".to_owned();
        refused(b"# coding: utf-16\n\xe9", DecodeError::UnsupportedEncoding { encoding });
        refused(
            b"# coding: ascii\n\xe9",
            DecodeError::Undecodable { encoding: "ASCII", offset: 16 },
        );
        refused(b"# coding: gbk\n\xc4", DecodeError::Undecodable { encoding: "GBK", offset: 14 });
        refused(b"a\0", DecodeError::Binary { offset: 1 });
    }

    #[test]
    fn a_cookie_counts_where_python_looks_for_it() {
        let encoding = |text: &str| SourceEncoding::of(text.as_bytes()).expect("known").name();
        assert_eq!(encoding("# vim: set fileencoding=latin-1 :"), "latin-1");
        assert_eq!(encoding("#!/bin/sh\r# coding: latin-1"), "latin-1");
        assert_eq!(encoding("\n \x0c# encoding coding:latin-1"), "latin-1");
        assert_eq!(encoding("\n\n# coding: latin-1"), "UTF-8");
        assert_eq!(encoding("x = 1\n# coding: latin-1"), "UTF-8");
        assert_eq!(encoding("\u{feff}# coding: latin-1"), "UTF-8");
    }

    #[test]
    fn lines_are_counted_from_one_with_pythons_line_ends() {
        assert_eq!([0, 1, 2, 99].map(|at| line_of(b"a\nb", at)), [1, 1, 2, 2]);
        assert_eq!([1, 2, 3, 5].map(|at| line_of(b"a\r\nb\rc", at)), [1, 1, 2, 3]);
    }
}
