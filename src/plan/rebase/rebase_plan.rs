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

    /// The changes of scripts: all but the lock file's.
    pub fn script_changes(&self) -> Vec<Change> {
        let is_script = |change: &&Change| self.lock_file.as_ref() != Some(&change.path);
        self.changes.iter().filter(is_script).cloned().collect()
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
    if moved.is_empty() {
        let created = plans.iter().flat_map(|plan| &plan.created);
        let created: Vec<&str> = created.map(|new| new.revision.message.as_str()).collect();
        return match created.as_slice() {
            [] => format!("Migrations: {}", summarize(plans)),
            some => format!("Add migration: {}", some.join(", ")),
        };
    }
    let mut onto: Vec<String> = Vec::new();
    for first in plans.iter().filter_map(|plan| plan.moved.first()) {
        let target = text(&first.to);
        if !onto.contains(&target) {
            onto.push(target);
        }
    }
    let line = |moved: &&Move| format!("{} -> {}\n", text(&moved.to), moved.revision);
    let lines: String = moved.iter().map(line).collect();
    format!("Rebase {} onto {}\n\n{lines}", named(&moved), onto.join(", "))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn id(text: &str) -> RevisionId {
        RevisionId::new(text).expect("an id")
    }

    /// `m -> f` moves `f` onto `m`.
    fn plan(moves: &[&str]) -> RebasePlan {
        let moved = moves.iter().map(|text| {
            let (to, revision) = text.split_once(" -> ").expect("an arrow");
            let path = RepoPath::new("versions/x.py").expect("inside");
            Move { revision: id(revision), from: Vec::new(), to: vec![id(to)], path }
        });
        RebasePlan { moved: moved.collect(), ..RebasePlan::default() }
    }

    #[track_caller]
    fn check(plans: &[RebasePlan], expected: &str) {
        let plans: Vec<&RebasePlan> = plans.iter().collect();
        assert_eq!(commit_message(&plans), expected);
    }

    #[test]
    fn a_commit_says_what_moved_where() {
        check(&[plan(&["m -> f"])], "Rebase migration f onto m\n\nm -> f\n");
        check(&[plan(&["m -> f", "f -> g"])], "Rebase migrations f, g onto m\n\nm -> f\nf -> g\n");
        let many = plan(&["m -> f", "f -> g", "g -> h"]);
        check(&[many], "Rebase 3 migrations onto m\n\nm -> f\nf -> g\ng -> h\n");
        check(
            &[plan(&["m -> f"]), plan(&["n -> g"])],
            "Rebase migrations f, g onto m, n\n\nm -> f\nn -> g\n",
        );
        let lock = RebasePlan { lock_file: RepoPath::new("HEADS"), ..RebasePlan::default() };
        check(&[lock], "Migrations: 1 lock file written");
    }
}
