//! What the rules look at: the judged history, and what is known around it.

use std::collections::{BTreeMap, HashMap};

use crate::revision::{HeadPolicy, RevisionId};
use crate::script::{History, Span};
use crate::tree::RepoPath;

/// Where a revision that the judged files lack does exist.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whereabouts {
    /// On another branch (its short name), in the file named.
    Branch { name: String, path: RepoPath },
    /// In an older commit (abbreviated id), in the file named; deleted since.
    Commit { id: String, path: RepoPath },
    /// Only in the working tree: not committed, or not tracked.
    WorkingTree { path: RepoPath },
}

/// A file that both sides of a merge changed so that git cannot merge it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergeConflict {
    pub path: RepoPath,
}

/// Upstream's state of the same component, and the merge preview judged against it.
#[derive(Debug)]
pub struct LandedView<'a> {
    /// What is called upstream, as a person would write it (`origin/main`).
    pub name: &'a str,
    pub history: &'a History,
    /// The merge preview of the judged state and upstream. DBM008–DBM010 and
    /// DBM015 look at this, so that a branch that is merely behind shows none.
    pub preview: &'a History,
    pub conflicts: &'a [MergeConflict],
}

/// Everything a rule may know about one component.
#[derive(Debug)]
pub struct Judged<'a> {
    /// The history that is judged: a working tree, a commit, or a merge preview.
    pub history: &'a History,
    /// The component's version locations, by the scripts' `location`.
    pub version_locations: &'a [RepoPath],
    pub policy: HeadPolicy,
    /// `None` without any upstream.
    pub upstream: Option<LandedView<'a>>,
    /// Where missing revisions were found, for those that were looked for.
    pub whereabouts: &'a HashMap<RevisionId, Whereabouts>,
    /// The judged history is the merge preview itself (`--base`), so that what
    /// diverges there is DBM015 unless upstream has it already.
    pub is_preview: bool,
    /// The judged history without the merge, if `is_preview`.
    pub before_merge: Option<&'a History>,
    /// How grave DBM015 is here; `None` silences it.
    pub would_diverge: Option<super::Level>,
    /// Names of the scripts of the judged state by path, for suggestions.
    pub command_suffix: &'a BTreeMap<&'static str, String>,
}

impl Judged<'_> {
    /// The source text of a span of the script at `node`.
    pub fn snippet(&self, node: usize, span: &Span) -> String {
        let bytes = &self.history.script(node).file.bytes;
        bytes.get(span.clone()).map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default()
    }
}
