//! Findings that the configuration says are not to be told.

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::tree::RepoPath;

/// An `[[ignore]]` table: findings that are not to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// As they were written.
    pub codes: Vec<String>,
    /// The files that it is about; `None` for all.
    pub paths: Option<PathPatterns>,
    pub reason: Option<String>,
    /// Where the table is, 1-based.
    pub line: u32,
    /// Byte offsets of that line.
    pub span: (usize, usize),
}

/// Globs of files of the repository.
#[derive(Clone, Debug)]
pub struct PathPatterns {
    written: Vec<String>,
    matcher: GlobSet,
}

impl PathPatterns {
    /// # Errors
    /// One is no glob.
    pub(super) fn new(written: &[String]) -> Result<Self, globset::Error> {
        let mut set = GlobSetBuilder::new();
        for pattern in written {
            set.add(GlobBuilder::new(pattern).literal_separator(true).build()?);
        }
        Ok(Self { written: written.to_vec(), matcher: set.build()? })
    }

    /// Whether one of them matches.
    pub fn match_any(&self, path: &RepoPath) -> bool {
        self.matcher.is_match(path.as_str())
    }
}

impl PartialEq for PathPatterns {
    fn eq(&self, other: &Self) -> bool {
        self.written == other.written
    }
}

impl Eq for PathPatterns {}
