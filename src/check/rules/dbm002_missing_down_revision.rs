//! DBM002: a revision builds on one that is not there.

use super::{Rule, Run};
use crate::check::missing::{Missing, explain, missing_down_revisions};
use crate::check::{Code, Finding, Judged, Level, Whereabouts, places};
use crate::revision::{Node, RevisionId};

pub const RULE: Rule = Rule {
    code: Code(2),
    name: "missing down revision",
    level: Level::Error,
    summary: "a down revision that is not in the tree",
    explanation: "\
`down_revision` names a revision that no file of the version locations has. dbm-git
looks where it does exist: on another branch, in an older commit, or in a file that
is there but cannot be read.

Why it matters
  Every alembic command dies: \"Revision X referenced from ... is not present\", then
  KeyError: 'X'.

How to mend it
  Bring the missing file in (merge the branch that has it, restore the file from the
  commit that deleted it), or let the revision follow another one:
  `dbm-git rebase REVISION --onto HEAD`.

Example
  x -> f          x was never pushed, or its file was deleted

  `git restore --source=COMMIT -- versions/x_add_users.py`
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    missing_down_revisions(judged)
        .filter_map(|(node, missing)| {
            let (what, help) = match explain(judged, missing.as_str()) {
                // DBM012 and DBM016 say more precisely what is wrong.
                Missing::Label { .. }
                | Missing::Abbreviated { .. }
                | Missing::Elsewhere(Whereabouts::WorkingTree { .. }) => return None,
                Missing::Unread { path } => (
                    format!("cannot be read from `{path}`"),
                    format!("mend `{path}` first: it has a finding of its own"),
                ),
                Missing::Elsewhere(whereabouts) => elsewhere(whereabouts),
                Missing::Gone => ("is not in the tree".to_owned(), gone(judged, node, missing)),
            };
            Some(finding(judged, node, missing, &what).help(help))
        })
        .collect()
}

fn finding(judged: &Judged<'_>, node: Node, missing: &RevisionId, what: &str) -> Finding {
    let id = judged.history.id(node);
    RULE.finding(format!("`{id}` follows `{missing}`, which {what}"))
        .at(places::down_revision_of(judged.history, node))
        .about([id.clone(), missing.clone()])
}

fn elsewhere(whereabouts: &Whereabouts) -> (String, String) {
    match whereabouts {
        Whereabouts::Branch { name, path } => (
            format!("is not in the tree, but on `{name}` in `{path}`"),
            format!("run `git merge {name}`, or `git restore --source={name} -- {path}`"),
        ),
        Whereabouts::Commit { id, path } => (
            format!("was deleted; commit `{id}` has it in `{path}`"),
            format!("run `git restore --source={id} -- {path}`"),
        ),
        Whereabouts::WorkingTree { path } => (
            format!("is only in the working tree, in `{path}`"),
            format!("run `git add {path}` and commit it"),
        ),
    }
}

fn gone(judged: &Judged<'_>, node: Node, missing: &RevisionId) -> String {
    let id = judged.history.id(node);
    let preview = judged.upstream.filter(|u| u.preview.graph.node(missing.as_str()).is_some());
    match preview {
        Some(upstream) => format!("run `git merge {}`, which has it", upstream.name),
        None => format!(
            "fetch the branch that has it, or run `dbm-git rebase {id} --onto REVISION` to let it \
             follow another one"
        ),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::check::testing::{history, history_and, judge, shown, with_upstream};
    use crate::tree::RepoPath;

    #[track_caller]
    fn check(whereabouts: Option<Whereabouts>, expected: &str) {
        let ours = history("<base> -> a\nx -> b");
        let id = RevisionId::new("x").expect("legal id");
        let known: HashMap<_, _> = whereabouts.map(|w| (id, w)).into_iter().collect();
        let judged = Judged { whereabouts: &known, ..judge(&ours) };
        assert_eq!(shown(&RULE, &judged), expected);
    }

    fn path() -> RepoPath {
        RepoPath::new("versions/x.py").expect("inside")
    }

    #[test]
    fn it_says_where_the_revision_does_exist() {
        check(
            None,
            "Error: `b` follows `x`, which is not in the tree\n  [b x] at versions/b.py:7\n  help: \
             fetch the branch that has it, or run `dbm-git rebase b --onto REVISION` to let it \
             follow another one\n",
        );
        check(
            Some(Whereabouts::Branch { name: "origin/feature".to_owned(), path: path() }),
            "Error: `b` follows `x`, which is not in the tree, but on `origin/feature` in \
             `versions/x.py`\n  [b x] at versions/b.py:7\n  help: run `git merge origin/feature`, \
             or `git restore --source=origin/feature -- versions/x.py`\n",
        );
        check(
            Some(Whereabouts::Commit { id: "1a2b3c4".to_owned(), path: path() }),
            "Error: `b` follows `x`, which was deleted; commit `1a2b3c4` has it in \
             `versions/x.py`\n  [b x] at versions/b.py:7\n  help: run `git restore \
             --source=1a2b3c4 -- versions/x.py`\n",
        );
    }

    #[test]
    fn what_is_only_uncommitted_is_another_finding() {
        check(Some(Whereabouts::WorkingTree { path: path() }), "");
    }

    #[test]
    fn a_file_that_is_there_but_unreadable_is_named() {
        let ours = history_and("x9 -> b", &[("versions/x9_add.py", "revision = f()\n")]);
        insta::assert_snapshot!(shown(&RULE, &judge(&ours)), @"
        Error: `b` follows `x9`, which cannot be read from `versions/x9_add.py`
          [b x9] at versions/b.py:7
          help: mend `versions/x9_add.py` first: it has a finding of its own
        ");
    }

    #[test]
    fn a_revision_that_upstream_brings_needs_only_a_merge() {
        let landed = history("<base> -> a\na -> x");
        let ours = history("<base> -> a\nx -> b");
        let preview = history("<base> -> a\na -> x\nx -> b");
        let text = shown(&RULE, &with_upstream(&ours, &landed, &preview));
        assert!(text.ends_with("help: run `git merge origin/main`, which has it\n"), "{text}");
    }

    #[test]
    fn one_script_reports_a_missing_revision_once() {
        let ours = history("x, x -> b");
        assert_eq!(RULE.run_on(&judge(&ours)).len(), 1);
    }
}
