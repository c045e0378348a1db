//! Own revisions and the landed ones beside them, as somebody would name them.

use crate::check::Encounters;
use crate::revision::{Node, RevisionId};
use crate::script::{History, Place, Thing};
use crate::tree::RepoPath;

/// What own revisions and landed ones are to each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    pub met: Vec<Met>,
    /// The own and landed revisions of which nobody can tell.
    pub unknown: Vec<(RevisionId, RevisionId)>,
    /// `None` where nobody can tell, or there is nothing to tell about.
    pub are_independent: Option<bool>,
}

/// Two operations with a hand in the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Met {
    pub thing: Thing,
    pub own: MetAt,
    pub landed: MetAt,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetAt {
    pub revision: RevisionId,
    pub path: RepoPath,
    /// 1-based.
    pub line: u32,
}

impl Beside {
    /// What was found in `history`.
    pub fn of(history: &History, encounters: &Encounters) -> Self {
        let at = |node: Node, place: &Place| MetAt {
            revision: history.id(node).clone(),
            path: history.script(node).file.path.clone(),
            line: place.line,
        };
        let met = encounters.found.iter().map(|found| Met {
            thing: found.meeting.thing.clone(),
            own: at(found.own, &found.meeting.one),
            landed: at(found.landed, &found.meeting.other),
        });
        let ids =
            |&(own, landed): &(Node, Node)| (history.id(own).clone(), history.id(landed).clone());
        Self {
            met: met.collect(),
            unknown: encounters.unknown.iter().map(ids).collect(),
            are_independent: encounters.are_independent(),
        }
    }
}
