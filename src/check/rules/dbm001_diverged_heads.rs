//! DBM001: two people built on the same revision.

use super::{Rule, Run};
use crate::check::diverged::{common_revision, diverged_heads};
use crate::check::words::named;
use crate::check::{Code, Finding, Judged, Level, places};
use crate::revision::{Divergence, HeadPolicy, Node};
use crate::script::History;

pub const RULE: Rule = Rule {
    code: Code(1),
    name: "diverged heads",
    level: Level::Error,
    summary: "two or more heads that ought to be one",
    explanation: "\
Two revisions were added on top of the same one. Git merges the two files without
a conflict, since they have different names, and the history then ends twice.

Heads that are meant to be several are not reported: those with different branch
labels, those in different version locations without a common ancestor, and those
that another revision only depends on. With `heads = \"single\"` in the configuration
any second head is.

Why it matters
  `alembic upgrade head` fails for everybody: \"Multiple head revisions are present
  for given argument 'head'\". So do `alembic revision` and `alembic stamp head`.

How to mend it
  `dbm-git rebase` puts your own revisions on top of those that have landed. This is
  right as long as nobody else has run yours.
  `dbm-git merge` writes a merge revision. This is right when both have been run by
  others, or both are on the main branch already.

Example
  <base> -> a
  a -> m          landed on main yesterday
  a -> f          yours, from last week

  after `dbm-git rebase`:  a -> m, m -> f
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    diverged_heads(judged.history, judged.policy)
        .into_iter()
        .filter(|divergence| !super::dbm015_would_diverge::comes_of_merging(judged, divergence))
        .map(|divergence| Finding {
            is_new: !is_upstreams(judged, &divergence.heads),
            ..finding(&RULE, judged, judged.history, &divergence)
        })
        .collect()
}

/// What there is to say of a divergence in `history`, be it the judged one or the preview.
pub(super) fn finding(
    rule: &Rule,
    judged: &Judged<'_>,
    history: &History,
    divergence: &Divergence,
) -> Finding {
    let mut heads = divergence.heads.clone();
    // What the reader can change comes first.
    heads.sort_by_key(|&head| judged.is_landed(history.id(head)));
    let mut finding = rule
        .finding(message(judged, history, &heads))
        .about(history.graph.ids(heads.iter().copied()))
        .help(help(judged, history, &heads));
    for (position, &head) in heads.iter().enumerate() {
        let place = places::down_revision_of(history, head);
        let words = head_words(judged, history, head);
        finding = match position {
            0 => finding.at(place).labelled(words),
            _ => finding.and_at(place, words),
        };
    }
    finding
}

fn message(judged: &Judged<'_>, history: &History, heads: &[Node]) -> String {
    let ids = named(heads.iter().map(|&h| history.id(h)));
    if let Some(common) = common_revision(history, heads) {
        return format!("heads {ids} have diverged since `{}`", history.id(common));
    }
    let location = history.script(heads[0]).file.location;
    let is_one_location = heads.iter().all(|&h| history.script(h).file.location == location);
    match judged.version_locations.get(location) {
        Some(path) if is_one_location && judged.policy == HeadPolicy::Auto => {
            format!(
                "heads {ids} stem from separate bases, and no label or version location tells them apart in `{path}`"
            )
        }
        _ if judged.policy == HeadPolicy::Single => {
            format!("heads {ids} are several where the configuration wants a single one")
        }
        _ => format!("heads {ids} have diverged"),
    }
}

fn head_words(judged: &Judged<'_>, history: &History, head: Node) -> String {
    let id = history.id(head);
    match judged.upstream {
        Some(upstream) if judged.is_landed(id) => {
            format!("head `{id}`, landed on {}", upstream.name)
        }
        Some(_) => format!("head `{id}`, own"),
        None => format!("head `{id}`"),
    }
}

fn help(judged: &Judged<'_>, history: &History, heads: &[Node]) -> String {
    let landed: Vec<Node> =
        heads.iter().copied().filter(|&h| judged.is_landed(history.id(h))).collect();
    let Some(upstream) = judged.upstream else {
        return "run `dbm-git rebase --onto REVISION` to put one on top of the other, or \
                `dbm-git merge` to write a merge revision"
            .to_owned();
    };
    if landed.len() == heads.len() {
        let is_mended = diverged_heads(upstream.preview, judged.policy).is_empty();
        return if is_mended {
            format!("`{0}` has mended this: run `git merge {0}`", upstream.name)
        } else {
            "all of them have landed: run `dbm-git merge` to write a merge revision".to_owned()
        };
    }
    match landed.as_slice() {
        [one] => format!(
            "run `dbm-git rebase` to put your own revisions on top of `{}`, or `dbm-git merge` to \
             write a merge revision",
            history.id(*one)
        ),
        [] => "run `dbm-git rebase` to put one on top of the other, or `dbm-git merge` to write a \
               merge revision"
            .to_owned(),
        _ => "run `dbm-git rebase`: it writes a merge revision over the landed heads and puts \
              your own revisions on top of it"
            .to_owned(),
    }
}

/// Whether the divergence is upstream's and not this side's: all heads have
/// landed, or each has only grown on one of upstream's diverged heads.
fn is_upstreams(judged: &Judged<'_>, heads: &[Node]) -> bool {
    let Some(upstream) = judged.upstream_alone() else { return false };
    let graph = &judged.history.graph;
    if heads.iter().all(|&head| judged.is_landed(judged.history.id(head))) {
        return true;
    }
    diverged_heads(upstream.history, upstream.policy).iter().any(|theirs| {
        let stems: Vec<Node> = theirs
            .heads
            .iter()
            .filter_map(|&head| graph.node(upstream.history.id(head).as_str()))
            .collect();
        let mut taken = Vec::new();
        heads.len() <= stems.len()
            && heads.iter().all(|&head| {
                let below = graph.ancestors([head]);
                let stem = stems.iter().find(|stem| below[**stem] && !taken.contains(*stem));
                taken.extend(stem);
                stem.is_some()
            })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::run_rules;
    use crate::check::testing::{history, history_and, history_in, judge, shown, with_upstream};

    #[test]
    fn two_heads_on_one_revision_are_shown_with_both_places() {
        let ours = history("<base> -> a\na -> b\na -> c\nc -> d");
        insta::assert_snapshot!(shown(&RULE, &judge(&ours)), @"
        Error: heads `b` and `d` have diverged since `a`
          [b d] at versions/b.py:7 (head `b`)
          and versions/d.py:7 (head `d`)
          help: run `dbm-git rebase --onto REVISION` to put one on top of the other, or `dbm-git merge` to write a merge revision
        ");
    }

    #[test]
    fn own_revisions_come_first_and_go_on_top_of_the_landed_ones() {
        let landed = history("<base> -> a\na -> m");
        let ours = history("<base> -> a\na -> m\na -> z");
        insta::assert_snapshot!(shown(&RULE, &with_upstream(&ours, &landed, &ours)), @"
        Error: heads `z` and `m` have diverged since `a`
          [z m] at versions/z.py:7 (head `z`, own)
          and versions/m.py:7 (head `m`, landed on origin/main)
          help: run `dbm-git rebase` to put your own revisions on top of `m`, or `dbm-git merge` to write a merge revision
        ");
    }

    #[test]
    fn what_upstream_itself_let_diverge_is_merged_and_is_not_new() {
        let landed = history("<base> -> a\na -> m\na -> n");
        insta::assert_snapshot!(shown(&RULE, &with_upstream(&landed, &landed, &landed)), @"
        Error (known): heads `m` and `n` have diverged since `a`
          [m n] at versions/m.py:7 (head `m`, landed on origin/main)
          and versions/n.py:7 (head `n`, landed on origin/main)
          help: all of them have landed: run `dbm-git merge` to write a merge revision
        ");
        let grown = history("<base> -> a\na -> m\na -> n\nn -> f");
        assert!(!run_rules(&with_upstream(&grown, &landed, &grown))[0].is_new);
        let third = history("<base> -> a\na -> m\na -> n\na -> f");
        assert!(run_rules(&with_upstream(&third, &landed, &third))[0].is_new);
    }

    #[test]
    fn what_upstream_has_mended_since_needs_only_a_merge() {
        let behind = history("<base> -> a\na -> m\na -> n");
        let landed = history("<base> -> a\na -> m\na -> n\nm, n -> x");
        insta::assert_snapshot!(shown(&RULE, &with_upstream(&behind, &landed, &landed)), @"
        Error (known): heads `m` and `n` have diverged since `a`
          [m n] at versions/m.py:7 (head `m`, landed on origin/main)
          and versions/n.py:7 (head `n`, landed on origin/main)
          help: `origin/main` has mended this: run `git merge origin/main`
        ");
    }

    #[test]
    fn intended_heads_are_no_finding() {
        for folders in [
            &[("versions", "<base> -> a\na -> b (expand)\na -> c (contract)")][..],
            &[("versions", "<base> -> a"), ("plugin", "<base> -> b")],
            &[("versions", "<base> -> a\n<base> -> b\na (b) -> c")],
        ] {
            assert_eq!(shown(&RULE, &judge(&history_in(folders))), "");
        }
    }

    #[test]
    fn a_configuration_that_wants_one_head_gets_every_second_one_reported() {
        let ours = history_in(&[("versions", "<base> -> a"), ("plugin", "<base> -> b (x)")]);
        let judged = Judged { policy: HeadPolicy::Single, ..judge(&ours) };
        insta::assert_snapshot!(shown(&RULE, &judged), @"
        Error: heads `a` and `b` are several where the configuration wants a single one
          [a b] at versions/a.py:7 (head `a`)
          and plugin/b.py:7 (head `b`)
          help: run `dbm-git rebase --onto REVISION` to put one on top of the other, or `dbm-git merge` to write a merge revision
        ");
    }

    #[test]
    fn separate_bases_in_one_location_are_diverged() {
        insta::assert_snapshot!(shown(&RULE, &judge(&history("<base> -> a\n<base> -> b"))), @"
        Error: heads `a` and `b` stem from separate bases, and no label or version location tells them apart in `versions`
          [a b] at versions/a.py:7 (head `a`)
          and versions/b.py:7 (head `b`)
          help: run `dbm-git rebase --onto REVISION` to put one on top of the other, or `dbm-git merge` to write a merge revision
        ");
    }

    #[test]
    fn a_head_of_unknown_origin_is_not_called_diverged() {
        let computed = "revision = 'c'\ndown_revision = f()\n";
        let ours = history_and("<base> -> a\na -> b", &[("versions/c.py", computed)]);
        assert_eq!(shown(&RULE, &judge(&ours)), "");
        assert_eq!(shown(&RULE, &judge(&history("<base> -> a\na -> b\nzz -> c"))), "");
    }

    #[test]
    fn one_bad_file_does_not_hide_the_heads_of_others() {
        let bad = "revision = 'x'\ndown_revision = f()\n";
        let ours = history_and("<base> -> a\na -> b\na -> c", &[("versions/x.py", bad)]);
        assert_eq!(run_rules(&judge(&ours)).iter().filter(|f| f.code == RULE.code).count(), 1);
    }

    #[test]
    fn a_duplicate_id_is_not_a_second_head() {
        assert_eq!(shown(&RULE, &judge(&history("<base> -> a\na -> b\na -> b"))), "");
    }
}
