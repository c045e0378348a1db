//! DBM008: a landed revision follows another one now, or has another id.

use std::collections::HashSet;

use super::landed::{Fate, fates};
use super::{Rule, Run};
use crate::check::words::named;
use crate::check::{Code, Finding, Judged, LandedView, Level, places};
use crate::revision::{GraphProblem, Node, RevisionId};

pub const RULE: Rule = Rule {
    code: Code(8),
    name: "landed revision re-pointed",
    level: Level::Error,
    summary: "a landed revision has another down revision, or another id",
    explanation: "\
The revision is in upstream, and this branch, merged with upstream, would change its
`down_revision` or its id. Others have run it where it was.

Where upstream's own down revision is missing or runs in a circle, re-pointing is the
only mend; then this is a warning.

Why it matters
  A database that has run the revision is past everything below it. What is put below
  afterwards is never run there, and alembic says nothing: `upgrade head` succeeds, the
  table is missing. Where both sides had been run, \"Requested revision F overlaps with
  other requested revisions M\". A changed id gives \"Can't locate revision\".

How to mend it
  Take the file back from upstream, and let `dbm-git rebase` move your own revisions
  instead. If two landed revisions diverged a minute ago and nobody has run them, say
  so: `dbm-git rebase REVISION --onto HEAD --landed`.

Example
  upstream:     a -> m
  this branch:  a -> f, f -> m        m should have stayed, f should follow it
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    let Some((upstream, fates)) = fates(judged) else { return Vec::new() };
    let unrunnable = unrunnable(upstream);
    let findings = fates.into_iter().filter_map(|(landed, fate)| {
        let finding = match fate {
            Fate::Kept(node) | Fate::Moved(node) => repointed(upstream, landed, node)?,
            Fate::Renumbered(node) => renumbered(upstream, landed, node),
            Fate::Gone | Fate::Unread => return None,
        };
        let is_mend = unrunnable.contains(&landed);
        Some(if is_mend { Finding { level: Level::Warning, ..finding } } else { finding })
    });
    findings.collect()
}

fn repointed(upstream: LandedView<'_>, landed: Node, node: Node) -> Option<Finding> {
    if upstream.preview.script(node).has_unknown_down
        || upstream.history.script(landed).has_unknown_down
    {
        return None;
    }
    let before = &upstream.history.graph.revision(landed).down_revisions;
    let after = &upstream.preview.graph.revision(node).down_revisions;
    // The order of a merge revision's down revisions means nothing.
    if before.iter().collect::<HashSet<_>>() == after.iter().collect::<HashSet<_>>() {
        return None;
    }
    let id = upstream.history.id(landed);
    let message = format!(
        "landed revision `{id}` was re-pointed: it follows {} on {}, and {} here",
        downs(before),
        upstream.name,
        downs(after),
    );
    Some(
        RULE.finding(message)
            .at(places::down_revision_of(upstream.preview, node))
            .about([id.clone()])
            .help(take_back(upstream, landed)),
    )
}

fn renumbered(upstream: LandedView<'_>, landed: Node, node: Node) -> Finding {
    let (before, after) = (upstream.history.id(landed), upstream.preview.id(node));
    RULE.finding(format!("landed revision `{before}` was given another id, `{after}`"))
        .at(places::revision_of(upstream.preview, node))
        .about([before.clone(), after.clone()])
        .help(take_back(upstream, landed))
}

fn take_back(upstream: LandedView<'_>, landed: Node) -> String {
    format!(
        "run `git checkout {} -- {}`, then `dbm-git rebase` to move your own revisions instead",
        upstream.name,
        upstream.history.script(landed).file.path
    )
}

fn downs(ids: &[RevisionId]) -> String {
    if ids.is_empty() { "nothing (a base)".to_owned() } else { named(ids) }
}

/// Landed revisions that no database can have run, since alembic refuses to load them.
fn unrunnable(upstream: LandedView<'_>) -> HashSet<Node> {
    let problems = upstream.history.graph_problems.iter();
    problems
        .flat_map(|problem| match problem {
            GraphProblem::MissingDownRevision { node, .. } => std::slice::from_ref(node),
            GraphProblem::Cycle { nodes, .. } => nodes.as_slice(),
            _ => &[],
        })
        .copied()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history, history_and, shown, with_upstream};

    #[track_caller]
    fn check(landed: &str, preview: &str) -> String {
        let (landed, preview) = (history(landed), history(preview));
        shown(&RULE, &with_upstream(&preview, &landed, &preview))
    }

    #[test]
    fn a_landed_revision_that_follows_another_one_is_shown_with_both() {
        insta::assert_snapshot!(check("<base> -> a\na -> m", "<base> -> a\na -> f\nf -> m"), @"
        Error: landed revision `m` was re-pointed: it follows `a` on origin/main, and `f` here
          [m] at versions/m.py:7
          help: run `git checkout origin/main -- versions/m.py`, then `dbm-git rebase` to move your own revisions instead
        ");
    }

    #[test]
    fn a_changed_id_is_shown_with_both() {
        let landed = history("<base> -> a\na -> m");
        let renumbered = "revision = 'n'\ndown_revision = 'a'\n";
        let preview = history_and("<base> -> a", &[("versions/m.py", renumbered)]);
        insta::assert_snapshot!(shown(&RULE, &with_upstream(&preview, &landed, &preview)), @"
        Error: landed revision `m` was given another id, `n`
          [m n] at versions/m.py:1
          help: run `git checkout origin/main -- versions/m.py`, then `dbm-git rebase` to move your own revisions instead
        ");
    }

    #[test]
    fn own_revisions_and_the_order_of_a_merge_are_free() {
        let landed = "<base> -> a\na -> b\na -> c\nb, c -> m";
        assert_eq!(check(landed, "<base> -> a\na -> b\na -> c\nc, b -> m\nm -> f"), "");
    }

    #[test]
    fn a_branch_that_is_merely_behind_has_changed_nothing() {
        let (behind, landed) = (history("<base> -> a"), history("<base> -> a\na -> b"));
        assert_eq!(shown(&RULE, &with_upstream(&behind, &landed, &landed)), "");
    }

    #[test]
    fn mending_what_never_ran_is_only_a_warning() {
        let text = check("<base> -> a\nb -> b", "<base> -> a\na -> b");
        assert!(text.starts_with("Warning: "), "{text}");
    }

    #[test]
    fn mending_a_duplicate_id_is_free() {
        let landed = history("<base> -> a\na -> b\na -> b");
        let mended = "revision = 'c'\ndown_revision = 'b'\n";
        let preview = history_and("<base> -> a\na -> b", &[("versions/b_2.py", mended)]);
        assert_eq!(shown(&RULE, &with_upstream(&preview, &landed, &preview)), "");
    }
}
