//! A finding: one thing that is wrong, where, and what helps.

use std::fmt;

use crate::revision::RevisionId;
use crate::script::{Edit, Span};
use crate::tree::RepoPath;

/// The stable code of a rule, `DBM001` …; from `DBM201` on those of the review.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Code(pub u16);

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DBM{:03}", self.0)
    }
}

impl Code {
    /// The code of a rule, as a person writes it: `DBM010`, `dbm010`.
    pub fn parse(text: &str) -> Option<Self> {
        let wanted = text.to_ascii_uppercase();
        let codes = super::RULES.iter().map(|rule| rule.code);
        codes.into_iter().find(|code| code.to_string() == wanted)
    }
}

/// How grave a finding is. Only errors fail a check (warnings too under `--strict`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    Note,
    Warning,
    Error,
}

/// A place in a file of the repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    pub path: RepoPath,
    /// 1-based.
    pub line: u32,
    /// Byte offsets into the file as it was judged.
    pub span: Option<(usize, usize)>,
}

impl Location {
    /// The first line of `path`, for findings about a file as a whole.
    pub fn file(path: RepoPath) -> Self {
        Self { path, line: 1, span: None }
    }

    /// A span on a line.
    pub fn at(path: RepoPath, line: u32, span: &Span) -> Self {
        Self { path, line, span: Some((span.start, span.end)) }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub code: Code,
    pub level: Level,
    /// One sentence, lower case, no final period; names ids and paths in backticks.
    pub message: String,
    /// Where to look first, or where the file was; `None` if no single file is meant.
    pub location: Option<Location>,
    /// A few words on what is at `location`.
    pub label: Option<String>,
    /// Further places that take part, each with a few words.
    pub related: Vec<(Location, String)>,
    /// The revisions the finding is about, in a stable order.
    pub revisions: Vec<RevisionId>,
    /// The command or the act that helps.
    pub help: Option<String>,
    /// The edit of the file at `location` that mends it, where that is certain.
    pub fix: Option<Edit>,
    /// Not already so in upstream.
    pub is_new: bool,
}

impl Finding {
    /// A finding that so far has only its sentence.
    pub fn new(code: Code, level: Level, message: impl Into<String>) -> Self {
        Self {
            code,
            level,
            message: message.into(),
            location: None,
            label: None,
            related: Vec::new(),
            revisions: Vec::new(),
            help: None,
            fix: None,
            is_new: true,
        }
    }

    /// Says where to look first.
    pub fn at(self, location: Location) -> Self {
        Self { location: Some(location), ..self }
    }

    /// Says what is to be seen where one looks first.
    pub fn labelled(self, label: impl Into<String>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Adds a place that takes part.
    pub fn and_at(mut self, location: Location, words: impl Into<String>) -> Self {
        self.related.push((location, words.into()));
        self
    }

    /// Says which revisions it is about.
    pub fn about(self, revisions: impl IntoIterator<Item = RevisionId>) -> Self {
        Self { revisions: revisions.into_iter().collect(), ..self }
    }

    /// Says what helps.
    pub fn help(self, help: impl Into<String>) -> Self {
        Self { help: Some(help.into()), ..self }
    }

    /// Says which edit mends it.
    pub fn mended_by(self, fix: Option<Edit>) -> Self {
        Self { fix, ..self }
    }

    /// What makes two findings "the same" across two states of a repository:
    /// not the line, which moves, and not the words.
    pub fn identity(&self) -> (Code, Vec<RevisionId>, Option<RepoPath>) {
        let mut revisions = self.revisions.clone();
        revisions.sort();
        let path = self.location.as_ref().map(|l| l.path.clone());
        // A finding about revisions is the same one wherever their files lie.
        let path = if revisions.is_empty() { path } else { None };
        (self.code, revisions, path)
    }
}
