//! What the ledger holds of one database.

use std::collections::BTreeSet;
use std::fmt;

use super::super::{Observation, hash_of};
use crate::revision::RevisionId;
use crate::script::Script;
use crate::tree::RepoPath;

/// SHA-256, in hex, of what a script says outside of its header and docstring:
/// the same for a script that was only re-pointed or renumbered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BodyHash(String);

impl BodyHash {
    /// The hash of a script's body.
    pub fn of(script: &Script) -> Self {
        Self(hash_of(script.header.body(&script.file.bytes)))
    }

    /// A hash that was written down before.
    pub fn from_hex(hex: impl Into<String>) -> Self {
        Self(hex.into())
    }

    /// The hex digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BodyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why a revision is believed to have run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Evidence {
    /// dbm-git ran it, and saw the version rows follow.
    Ran,
    /// It follows from version rows and the graph of that moment, or from the schema.
    Inferred,
    /// It may have run, or not.
    Unknown,
}

impl Evidence {
    /// The word in the journal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ran => "ran",
            Self::Inferred => "inferred",
            Self::Unknown => "unknown",
        }
    }

    /// The evidence with this name.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Ran, Self::Inferred, Self::Unknown].into_iter().find(|e| e.name() == word)
    }
}

/// One revision that ran, or may have, with the script that it ran from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    pub revision: RevisionId,
    pub body: BodyHash,
    pub path: RepoPath,
    /// Down revisions and dependencies, as its header had them when it ran.
    pub below: Vec<RevisionId>,
    pub evidence: Evidence,
    /// Neither of its functions does anything.
    pub is_empty: bool,
}

impl LedgerEntry {
    /// Whether it is known to have run.
    pub fn is_known(&self) -> bool {
        self.evidence != Evidence::Unknown
    }
}

/// What is known of one database.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// The last look that could be explained; `None` before the first.
    pub seen: Option<Observation>,
    /// What ran, in the order in which it did.
    pub entries: Vec<LedgerEntry>,
    /// Revisions that were once found to be skipped: an older copy of the
    /// database may come back, in which they still are.
    pub once_skipped: BTreeSet<RevisionId>,
}

impl Ledger {
    /// The ledger once the revisions of which nothing is known are said to
    /// have run (`true`) or not.
    #[must_use]
    pub fn assuming(&self, have_run: bool) -> Self {
        let mut assumed = self.clone();
        if have_run {
            for entry in assumed.entries.iter_mut().filter(|e| !e.is_known()) {
                entry.evidence = Evidence::Inferred;
            }
        } else {
            assumed.entries.retain(LedgerEntry::is_known);
        }
        assumed
    }

    /// Notes that revisions ran.
    pub fn add(&mut self, entries: &[LedgerEntry]) {
        for entry in entries {
            self.remove(std::slice::from_ref(entry));
            self.entries.push(entry.clone());
        }
    }

    /// Notes that revisions were taken down.
    pub fn remove(&mut self, entries: &[LedgerEntry]) {
        for entry in entries {
            let exact = self.entries.iter().position(|known| known.is_same(entry));
            // It may have been renumbered since it ran.
            let renumbered = || {
                let says_the_same = |e: &LedgerEntry| !e.is_empty && e.body == entry.body;
                self.entries.iter().position(says_the_same)
            };
            if let Some(at) = exact.or_else(renumbered) {
                self.entries.remove(at);
            }
        }
    }
}

impl LedgerEntry {
    /// Whether both tell of the same revision.
    pub fn is_same(&self, other: &Self) -> bool {
        self.revision == other.revision && self.body == other.body
    }
}
