//! Byte spans as editors and CI systems count: lines and columns from 1.

use std::borrow::Cow;

use crate::check::Location;
use crate::script::{SourceText, line_of};

/// A place between two characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub line: u32,
    /// In characters.
    pub column: u32,
    /// In bytes of the line as UTF-8, whatever the file is written in.
    pub utf8_column: u32,
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    pub line: u32,
    /// First character, and the one after the last; `None` if a line as a whole is meant.
    pub span: Option<(Position, Position)>,
}

impl Region {
    /// Where `location` is in `bytes`, the file as it was judged, if that is to be had.
    pub fn of(location: &Location, bytes: Option<&[u8]>) -> Self {
        let span = location.span.zip(bytes).and_then(|((start, end), bytes)| {
            let is_inside = start <= end && end <= bytes.len();
            is_inside.then(|| (position(bytes, start), position(bytes, end)))
        });
        Self { line: location.line, span }
    }

    /// Columns of the first and the one after the last character, if both are in one line.
    pub fn columns(&self) -> Option<(u32, u32)> {
        let (start, end) = self.span.filter(|(start, end)| start.line == end.line)?;
        Some((start.column, end.column))
    }
}

fn position(bytes: &[u8], offset: usize) -> Position {
    let is_line_end = |&byte: &u8| matches!(byte, b'\n' | b'\r');
    let line_start = bytes[..offset].iter().rposition(is_line_end).map_or(0, |at| at + 1);
    let before = text(bytes, line_start, offset);
    // No editor counts a byte order mark.
    let before = before.trim_start_matches('\u{feff}');
    Position {
        line: line_of(bytes, offset),
        column: number(before.chars().count()),
        utf8_column: number(before.len()),
    }
}

/// The characters that begin in these bytes of the file.
fn text(bytes: &[u8], from: usize, to: usize) -> String {
    match SourceText::decode(bytes) {
        // As good as every file is UTF-8, and may have thousands of findings.
        Ok(SourceText { text: Cow::Borrowed(text), .. }) if text.get(from..to).is_some() => {
            text[from..to].to_owned()
        }
        Ok(source) => {
            let in_file = |at: usize| source.in_file(at..at).start;
            let characters = source.text.char_indices();
            let inside = characters.skip_while(|(at, _)| in_file(*at) < from);
            inside.take_while(|(at, _)| in_file(*at) < to).map(|(_, c)| c).collect()
        }
        Err(_) => String::from_utf8_lossy(&bytes[from..to]).into_owned(),
    }
}

fn number(before: usize) -> u32 {
    u32::try_from(before).unwrap_or(u32::MAX - 1) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::RepoPath;

    /// Line, columns and columns in UTF-8 of `marked` in `bytes`.
    #[track_caller]
    fn check(bytes: &[u8], marked: &[u8], line: u32, columns: (u32, u32), utf8: (u32, u32)) {
        let start = bytes.windows(marked.len()).position(|w| w == marked).expect("a part of it");
        let path = RepoPath::new("a.py").expect("inside");
        let location = Location::at(path, line, &(start..start + marked.len()));
        let region = Region::of(&location, Some(bytes));
        let (first, last) = region.span.expect("a span");
        assert_eq!((first.line, first.column, last.column), (line, columns.0, columns.1));
        assert_eq!((first.utf8_column, last.utf8_column), utf8);
        assert_eq!(region.columns(), Some(columns));
    }

    #[test]
    fn columns_count_characters_and_not_bytes() {
        check(b"a\nb = 'c'\n", b"'c'", 2, (5, 8), (5, 8));
        check("x\r\nä = '表'\n".as_bytes(), "'表'".as_bytes(), 2, (5, 8), (6, 11));
        check("\u{feff}a = 'c'".as_bytes(), b"'c'", 1, (5, 8), (5, 8));
        check(b"# coding: latin-1\n\xe4 = '\xf6'", b"'\xf6'", 2, (5, 8), (6, 10));
        check(b"\xff\xfe = 'c'", b"'c'", 1, (6, 9), (10, 13));
    }

    #[test]
    fn a_value_of_several_lines_has_no_columns_of_one_line() {
        let path = RepoPath::new("a.py").expect("inside");
        let location = Location::at(path.clone(), 1, &(4..10));
        let region = Region::of(&location, Some(b"a = (\n'b'\n)"));
        assert_eq!((region.line, region.columns()), (1, None));
        assert_eq!(region.span.map(|(_, end)| (end.line, end.column)), Some((3, 1)));
        let beyond = Location::at(path, 1, &(4..100));
        assert_eq!(Region::of(&beyond, Some(b"a = 1")).span, None);
        assert_eq!(Region::of(&beyond, None).span, None);
    }
}
