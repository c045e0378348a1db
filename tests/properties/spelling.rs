//! Writes a script in one of many forms, as pieces: those that no rebase may
//! touch, and the values and docstring lines that it may.

use crate::scenario::Planned;
use crate::support::Random;

/// A stretch of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Fixed(Vec<u8>),
    /// A value of `revision`, `down_revision` or `depends_on`, or its echo in the docstring.
    Value(Vec<u8>),
}

impl Piece {
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Fixed(bytes) | Self::Value(bytes) => bytes,
        }
    }
}

/// Whether `bytes` are `pieces` with nothing but values replaced.
pub fn differs_only_in_values(pieces: &[Piece], bytes: &[u8]) -> bool {
    // The fixed stretches are long and full of landmarks, so the first place
    // where one fits is where it belongs; the last has to end the file.
    let mut rest = bytes;
    let mut may_skip = false;
    for (position, piece) in pieces.iter().enumerate() {
        let Piece::Fixed(fixed) = piece else {
            may_skip = true;
            continue;
        };
        let is_last = position + 1 == pieces.len();
        let found = match (may_skip, is_last) {
            (false, false) => rest.starts_with(fixed).then_some(0),
            (false, true) => (rest == fixed.as_slice()).then_some(0),
            (true, true) => rest.ends_with(fixed).then(|| rest.len() - fixed.len()),
            (true, false) => rest.windows(fixed.len()).position(|window| window == fixed),
        };
        let Some(at) = found else { return false };
        rest = &rest[at + fixed.len()..];
        may_skip = false;
    }
    rest.is_empty()
}

pub struct Speller<'a> {
    random: &'a mut Random,
    pieces: Vec<(bool, String)>,
}

impl<'a> Speller<'a> {
    pub fn new(random: &'a mut Random) -> Self {
        Self { random, pieces: Vec::new() }
    }

    /// The file of the revision at `position`.
    pub fn script(mut self, all: &[Planned], position: usize) -> Vec<Piece> {
        let revision = &all[position];
        let downs: Vec<&str> = revision.downs.iter().map(|&d| all[d].id.as_str()).collect();
        let dependencies: Vec<&str> =
            revision.depends_on.iter().map(|(name, _)| name.as_str()).collect();
        let labels: Vec<&str> = revision.labels.iter().map(String::as_str).collect();
        let message = format!("message {position}");
        self.docstring(&message, &revision.id, &downs);
        let decoy = *self.random.pick(&[
            "",
            "TEXT = '''\ndown_revision = 'decoy'\n'''\n",
            "class Holder:\n    revision = down_revision = \"decoy\"\n",
        ]);
        self.fixed(&format!(
            "from typing import Sequence, Union\n\n{decoy}# header of {message}\n"
        ));
        self.header(&revision.id, &downs);
        let labels = self.value(&labels);
        let annotation = self.annotation();
        self.fixed(&format!("branch_labels{annotation} = {labels}\ndepends_on = "));
        let dependencies = self.value(&dependencies);
        self.slot(&dependencies);
        self.fixed("\n# end of header\n");
        let body = if revision.does_nothing { "pass" } else { "print(1)" };
        self.fixed(&format!(
            "\n\ndef upgrade():\n    {body}\n\n\ndef downgrade():\n    {body}\n# end of {message}\n"
        ));
        self.encode()
    }

    fn fixed(&mut self, text: &str) {
        self.pieces.push((false, text.to_owned()));
    }

    fn slot(&mut self, text: &str) {
        self.pieces.push((true, text.to_owned()));
    }

    fn encode(self) -> Vec<Piece> {
        let is_crlf = self.random.chance(20);
        let mark: &[u8] = if self.random.chance(15) { b"\xef\xbb\xbf" } else { b"" };
        let is_latin = mark.is_empty() && self.random.chance(10);
        let mut pieces = vec![Piece::Fixed(mark.to_vec())];
        if is_latin {
            pieces.push(Piece::Fixed(b"# -*- coding: latin-1 -*-\n# d\xe9j\xe0 vu\n".to_vec()));
        }
        for (is_slot, text) in self.pieces {
            let text = if is_crlf { text.replace('\n', "\r\n") } else { text };
            let bytes = text.into_bytes();
            match (is_slot, pieces.last_mut()) {
                (true, _) => pieces.push(Piece::Value(bytes)),
                (false, Some(Piece::Fixed(last))) => last.extend(bytes),
                (false, _) => pieces.push(Piece::Fixed(bytes)),
            }
        }
        pieces
    }

    fn docstring(&mut self, message: &str, id: &str, downs: &[&str]) {
        let revises = match self.random.below(6) {
            0 => "stale".to_owned(),
            1 if downs.len() > 1 => format!("('{}')", downs.join("', '")),
            _ => downs.join(", "),
        };
        let (open, close) = *self.random.pick(&[
            ("\"\"\"", "\"\"\""),
            ("'''", "'''"),
            ("r\"\"\"", "\"\"\""),
            ("# first\n\"\"\"", "\"\"\""),
        ]);
        match self.random.below(6) {
            0 => {}
            1 => self.fixed(&format!("{open}{message}{close}\n")),
            2 => {
                self.fixed(&format!("{open}{message}\n\nRevises: "));
                self.slot(&revises);
                self.fixed(&format!("\nCreate Date: 2026-01-01\n{close}\n"));
            }
            3 => {
                self.fixed(&format!("{open}\n  {message}\n\n  Revision ID:  "));
                self.slot(id);
                self.fixed("\n  Revises:");
                self.slot(&revises);
                self.fixed(&format!("\n  Create Date: 2026-01-01\n{close}\n"));
            }
            _ => {
                self.fixed(&format!("{open}{message}\n\nRevision ID: "));
                self.slot(id);
                self.fixed("\nRevises: ");
                self.slot(&revises);
                self.fixed(&format!("\nCreate Date: 2026-01-01 00:00:00.000000\n\n{close}\n"));
            }
        }
    }

    fn header(&mut self, id: &str, downs: &[&str]) {
        let (id, down) = (self.literal(id), self.value(downs));
        let (first, second) = (self.annotation(), self.annotation());
        let after = *self.random.pick(&["", "", "  # Part of: 24.09", ";", "  "]);
        match self.random.below(6) {
            0 => {
                self.fixed("revision, down_revision = ");
                self.slot(&id);
                self.fixed(", (");
                self.slot(&down);
                self.fixed(&format!("){after}\n"));
            }
            1 => {
                self.fixed(&format!("down_revision{second}  =  "));
                self.slot(&down);
                self.fixed(&format!("{after}\nrevision{first} = "));
                self.slot(&id);
                self.fixed("\n");
            }
            2 => {
                self.fixed("revision = ");
                self.slot(&id);
                self.fixed("; down_revision = ");
                self.slot(&down);
                self.fixed(&format!("{after}\n"));
            }
            _ => {
                self.fixed(&format!("revision{first} = "));
                self.slot(&id);
                self.fixed(&format!("{after}\ndown_revision{second} = "));
                self.slot(&down);
                self.fixed(&format!("{after}\n"));
            }
        }
    }

    fn annotation(&mut self) -> &'static str {
        self.random.pick::<&str>(&[
            "",
            "",
            ": str",
            ": Union[str, Sequence[str], None]",
            ": \"str | None\"",
        ])
    }

    /// No, one or several strings.
    fn value(&mut self, items: &[&str]) -> String {
        let items: Vec<String> = items.iter().map(|item| self.literal(item)).collect();
        match items.as_slice() {
            [] => (*self.random.pick(&["None", "None", "None", "()", "[]"])).to_owned(),
            [one] => match self.random.below(8) {
                0 => format!("({one},)"),
                1 => format!("[{one}]"),
                2 => format!("{{{one}}}"),
                3 => format!("(  # why\n    {one}\n)"),
                4 => format!("(\n    {one},  # why\n)"),
                _ => one.clone(),
            },
            many => match self.random.below(4) {
                0 => format!("[{}]", many.join(", ")),
                1 => format!("(\n    {},  # a comment, with 'quotes'\n)", many.join(",\n    ")),
                2 => format!("({},)", many.join(", ")),
                _ => format!("({})", many.join(", ")),
            },
        }
    }

    fn literal(&mut self, text: &str) -> String {
        let (left, right) = text.split_at(text.len() / 2);
        match self.random.below(10) {
            0 => format!("'''{text}'''"),
            1 => format!("r'{text}'"),
            2 => format!("u\"{text}\""),
            3 => format!("'{left}' \"{right}\""),
            4 => format!("(\"{text}\")"),
            5 => format!("('{left}'\n    R'{right}')"),
            6 | 7 => format!("\"{text}\""),
            _ => format!("'{text}'"),
        }
    }
}
