//! What a rebase is planned from.

use crate::plan::{ScriptConventions, Strategy};
use crate::revision::{HeadPolicy, RevisionRef};
use crate::script::History;

/// Where a script stands towards the others' history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// In upstream or another landed ref: never rewritten.
    Landed,
    /// Own, and on nobody else's branch.
    Own,
    /// Own, but also on another remote-tracking branch.
    Shared,
}

/// What git knows of one script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptStanding {
    pub standing: Standing,
    /// Position of the commit that added it; `None` when it is not committed yet.
    pub added: Option<usize>,
    /// Whether any remote-tracking ref has it, this branch's own included.
    pub is_pushed: bool,
}

/// What a rebase is planned from.
#[derive(Clone, Debug)]
pub struct RebaseRequest<'a> {
    pub history: &'a History,
    /// By node of `history`.
    pub standings: &'a [ScriptStanding],
    /// Whether anything tells landed from own; without it `onto` must.
    pub knows_landed: bool,
    pub policy: HeadPolicy,
    pub strategy: Strategy,
    pub conventions: &'a ScriptConventions,
    /// `Some(true)`: renumber; `None`: where the landed ids are a sequence.
    pub sequential: Option<bool>,
    pub onto: Option<RevisionRef>,
    /// The revision that is to be moved with all that follows it, landed or not.
    pub moved: Option<RevisionRef>,
    pub include_shared: bool,
    /// Write a merge revision instead of re-pointing, whatever the strategy.
    pub merge_only: bool,
    /// The message of merge revisions; Alembic-like by default.
    pub message: Option<String>,
}
