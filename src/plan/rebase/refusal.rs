//! Why no plan can be made.

use crate::revision::{ResolveError, RevisionId};
use crate::script::{EditError, ScriptProblem};
use crate::tree::RepoPath;

/// Why no plan can be made; nothing is touched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("nothing tells landed revisions from own ones: there is no upstream and no merge")]
    NothingLanded,
    #[error("`{path}`:{line} has to be mended first: {reason}")]
    Broken { path: RepoPath, line: u32, reason: String },
    #[error("revision `{id}` is claimed by {}", list(paths))]
    DuplicateId { id: RevisionId, paths: Vec<RepoPath> },
    #[error("revisions {} lie on a cycle", list(revisions))]
    Cycle { revisions: Vec<RevisionId> },
    #[error(
        "upstream itself has diverged heads ({}), and the strategy `linear` writes no merge revision",
        list(heads)
    )]
    LandedDiverged { heads: Vec<RevisionId> },
    #[error(
        "{} would have to be rewritten, but other branches have them too ({})",
        list(revisions),
        branches
    )]
    Shared { revisions: Vec<RevisionId>, branches: String },
    #[error("{} would have to be rewritten, but they have landed", list(revisions))]
    Landed { revisions: Vec<RevisionId> },
    #[error(
        "landed `{landed}` has been re-pointed to own `{own}`, which so cannot be put above it"
    )]
    LandedOnOwn { landed: RevisionId, own: RevisionId },
    #[error("`{path}` exists already and is not what would be written")]
    FileExists { path: RepoPath },
    #[error("cannot edit `{path}`: {source}")]
    Edit { path: RepoPath, source: EditError },
    #[error(transparent)]
    Reference(#[from] ResolveError),
    #[error("revision `{onto}` lies above `{moved}`, so `{moved}` cannot be put on it")]
    OntoDescendant { moved: RevisionId, onto: RevisionId },
    #[error(
        "on `{onto}` own revisions would still be diverged: the heads would be {}",
        list(heads)
    )]
    OntoDiverged { onto: RevisionId, heads: Vec<RevisionId> },
    #[error("the result would not be sound: {reason}")]
    Unsound { reason: String },
}

/// `a`, `b`: names in a sentence.
pub fn list(items: &[impl ToString]) -> String {
    items.iter().map(|item| format!("`{}`", item.to_string())).collect::<Vec<_>>().join(", ")
}

pub(super) fn broken(problem: &ScriptProblem) -> Refusal {
    Refusal::Broken {
        path: problem.path.clone(),
        line: problem.line,
        reason: problem.kind.to_string(),
    }
}
