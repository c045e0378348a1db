//! What the rules look at: the judged history, and what is known around it.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use super::Level;
use crate::revision::{HeadPolicy, Node, RevisionId};
use crate::script::History;
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
#[derive(Clone, Copy, Debug)]
pub struct LandedView<'a> {
    /// What is called upstream, as a person would write it (`origin/main`).
    pub name: &'a str,
    pub history: &'a History,
    /// The merge preview of the judged state and upstream. DBM008–DBM010 and
    /// DBM015 look at this, so that a branch that is merely behind shows none.
    pub preview: &'a History,
    pub conflicts: &'a [MergeConflict],
    /// Upstream's own lock file, where the component has one.
    pub lock_file: Option<LockFile<'a>>,
}

/// The file that has to name the heads of a history.
#[derive(Clone, Copy, Debug)]
pub struct LockFile<'a> {
    pub path: &'a RepoPath,
    /// `None` if there is no such file.
    pub bytes: Option<&'a [u8]>,
    /// The history in the same state of the files.
    pub history: &'a History,
}

/// Everything a rule may know about one component.
#[derive(Clone, Copy, Debug)]
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
    /// The judged commit by itself, where `history` is the merge preview
    /// (`--base`): what diverges there but not here is DBM015.
    pub before_merge: Option<&'a History>,
    /// The lock file, where the component has one.
    pub lock_file: Option<LockFile<'a>>,
    /// How grave DBM015 is here; `None` silences it.
    pub would_diverge: Option<Level>,
    /// What of it is to be reviewed; `None` where nobody asks for that.
    pub review: Option<ReviewScope<'a>>,
}

/// A kind of database, as far as the review tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DatabaseKind {
    Postgres,
    /// MariaDB too.
    MySql,
    Sqlite,
    Other,
}

/// What of a history is to be reviewed, and what has to be known for that.
#[derive(Clone, Copy, Debug)]
pub struct ReviewScope<'a> {
    pub nodes: &'a [Node],
    /// What the configuration says; where it says nothing, the scripts may.
    pub database: Option<DatabaseKind>,
    /// What it is where the scripts say nothing, either.
    pub placeholder: Option<DatabaseKind>,
    /// The packages and modules that Python would find in the repository, by their first name.
    pub modules: &'a BTreeSet<String>,
    /// What lies below is there for migrations alone.
    pub script_location: &'a RepoPath,
}

static NOWHERE: LazyLock<HashMap<RevisionId, Whereabouts>> = LazyLock::new(HashMap::new);

impl<'a> Judged<'a> {
    /// A history by itself: no upstream, nothing looked for elsewhere.
    pub fn alone(history: &'a History, version_locations: &'a [RepoPath]) -> Self {
        Self {
            history,
            version_locations,
            policy: HeadPolicy::default(),
            upstream: None,
            whereabouts: &NOWHERE,
            before_merge: None,
            lock_file: None,
            would_diverge: None,
            review: None,
        }
    }

    /// Upstream's own history under the same conditions, if there is an upstream.
    pub(super) fn upstream_alone(&self) -> Option<Self> {
        self.upstream.map(|upstream| Self {
            history: upstream.history,
            upstream: None,
            before_merge: None,
            lock_file: upstream.lock_file,
            would_diverge: None,
            review: None,
            ..*self
        })
    }

    /// Whether upstream has a revision of this id.
    pub(super) fn is_landed(&self, id: &RevisionId) -> bool {
        self.upstream.is_some_and(|u| u.history.graph.node(id.as_str()).is_some())
    }
}
