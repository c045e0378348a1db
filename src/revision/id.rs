//! Names: revision ids, references to them, branch labels.

use std::borrow::Borrow;
use std::fmt;

/// A revision id that Alembic accepts: non-empty, none of `@ - + :`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RevisionId(String);

/// A string that Alembic would refuse as a revision id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRevisionId {
    #[error("a revision id cannot be empty")]
    Empty,
    #[error("character `{character}` is not allowed in revision id `{text}`")]
    Character { text: String, character: char },
}

impl RevisionId {
    /// Checks `text` as Alembic 1.17.1 and newer does (`script/revision.py`, `_revision_illegal_chars`).
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidRevisionId> {
        let text = text.into();
        if text.is_empty() {
            return Err(InvalidRevisionId::Empty);
        }
        match text.chars().find(|c| matches!(c, '@' | '-' | '+' | ':')) {
            Some(character) => Err(InvalidRevisionId::Character { text, character }),
            None => Ok(Self(text)),
        }
    }

    /// The id as written in the script.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RevisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for RevisionId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// What a person or a `depends_on` wrote: an id, a label, or something that
/// [`resolve`](super::resolve) has still to make sense of.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RevisionRef(String);

impl RevisionRef {
    /// Takes any text; only resolving it can fail.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RevisionRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A branch label. A label that is computed in the script stands for itself by
/// its source text (`cli.EXPAND_BRANCH`): enough to tell two heads apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BranchLabel(String);

impl BranchLabel {
    /// Takes the label's text, or the source text of a dynamic one.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The label's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BranchLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_characters_that_alembic_uses_for_relative_ids_are_refused() {
        for text in ["", "aa-bb", "a@head", "a+1", "a:b"] {
            assert!(RevisionId::new(text).is_err(), "{text:?}");
        }
        for text in ["0042", "django_0001", "ecb6985693c0_", "zz top"] {
            assert_eq!(RevisionId::new(text).map(|id| id.to_string()), Ok(text.to_owned()));
        }
    }
}
