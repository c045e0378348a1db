//! The plan as a value: what moves, what gets another number, what is written.

use crate::plan::{Change, NewScript};
use crate::revision::RevisionId;
use crate::tree::RepoPath;

/// One re-pointed revision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Under its new id, if it was renumbered.
    pub revision: RevisionId,
    pub from: Vec<RevisionId>,
    pub to: Vec<RevisionId>,
    /// The file's path after the change.
    pub path: RepoPath,
}

/// One renumbered revision or renamed file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Renumbered {
    pub from: (RevisionId, RepoPath),
    pub to: (RevisionId, RepoPath),
}

/// What a rebase (or merge) will do to one component. Empty when there is nothing to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RebasePlan {
    pub moved: Vec<Move>,
    pub renumbered: Vec<Renumbered>,
    pub created: Vec<NewScript>,
    /// Own merge revisions that have become plain links.
    pub deleted: Vec<(RevisionId, RepoPath)>,
    /// The edits of all files; modes are those of the files on disk, filled in by who reads them.
    pub changes: Vec<Change>,
    /// The file that names the heads, where it has to be written.
    pub lock_file: Option<RepoPath>,
    /// Heads of the resulting graph.
    pub heads: Vec<RevisionId>,
    /// Every own revision of the lineages that were touched, in their new order.
    pub order: Vec<RevisionId>,
}

impl RebasePlan {
    /// Whether nothing has to change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// `1 revision rebased, 1 merge revision written`.
pub fn summarize(plans: &[&RebasePlan]) -> String {
    let count = |f: fn(&RebasePlan) -> usize| plans.iter().map(|p| f(p)).sum::<usize>();
    let mut parts = Vec::new();
    let mut add = |n: usize, one: &str, many: &str, verb: &str| {
        if n > 0 {
            parts.push(format!("{n} {} {verb}", if n == 1 { one } else { many }));
        }
    };
    add(count(|p| p.created.len()), "merge revision", "merge revisions", "written");
    add(count(|p| p.moved.len()), "revision", "revisions", "rebased");
    add(count(|p| p.renumbered.len()), "file", "files", "renumbered");
    add(count(|p| p.deleted.len()), "merge revision", "merge revisions", "deleted");
    add(count(|p| p.lock_file.iter().len()), "lock file", "lock files", "written");
    parts.join(", ")
}

/// More revisions than this are counted in a commit's subject, not named.
const NAMED: usize = 2;

/// What a commit of these plans says: what moved where, then each revision.
pub fn commit_message(plans: &[&RebasePlan]) -> String {
    let moved: Vec<&Move> = plans.iter().flat_map(|plan| &plan.moved).collect();
    let created = plans.iter().flat_map(|plan| &plan.created);
    let created: Vec<&str> = created.map(|new| new.revision.message.as_str()).collect();
    let Some(first) = moved.first() else {
        if created.is_empty() {
            return "Name the head in the lock file".to_owned();
        }
        return format!("Add migration: {}", created.join(", "));
    };
    let (ids, onto) = (named(&moved), text(&first.to));
    let line = |moved: &&Move| format!("{} -> {}\n", text(&moved.to), moved.revision);
    let lines: String = moved.iter().map(line).collect();
    format!("Rebase {ids} onto {onto}\n\n{lines}")
}

fn named(moved: &[&Move]) -> String {
    let ids: Vec<&str> = moved.iter().map(|moved| moved.revision.as_str()).collect();
    match ids.as_slice() {
        [one] => format!("migration {one}"),
        some if some.len() <= NAMED => format!("migrations {}", some.join(", ")),
        many => format!("{} migrations", many.len()),
    }
}

fn text(ids: &[RevisionId]) -> String {
    if ids.is_empty() {
        return "<base>".to_owned();
    }
    ids.iter().map(RevisionId::as_str).collect::<Vec<_>>().join(", ")
}
