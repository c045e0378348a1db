//! What a check has to say of one component, for whoever shows it.

use std::collections::HashMap;
use std::sync::Arc;

use super::{DivergedPart, Finding, SuppressedFinding};
use crate::revision::RevisionId;
use crate::tree::RepoPath;

/// What a check found in one component. What was judged are the checked-out
/// files, a commit, or the merge preview.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComponentCheck {
    pub name: String,
    /// Each id once, in file order.
    pub heads: Vec<RevisionId>,
    pub bases: Vec<RevisionId>,
    /// How many revisions there are.
    pub revisions: usize,
    pub findings: Vec<Finding>,
    /// What somebody does not want to hear of.
    pub suppressed: Vec<SuppressedFinding>,
    /// What there is to draw of the diverged heads among the findings.
    pub diverged: Vec<DivergedPart>,
    /// What stands for the component where a finding names no file: its
    /// configuration, else its first version location.
    pub place: RepoPath,
    /// Whether own revisions were reviewed, too.
    pub is_reviewed: bool,
    /// The judged content of the files that findings point into.
    pub sources: HashMap<RepoPath, Arc<Vec<u8>>>,
}
