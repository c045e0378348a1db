//! DBM015: fine by itself, diverged once merged with upstream.

use super::{Rule, Run, dbm001_diverged_heads};
use crate::check::diverged::diverged_heads;
use crate::check::{Code, Finding, Judged, Level};
use crate::revision::{Divergence, HeadPolicy};
use crate::script::History;

pub const RULE: Rule = Rule {
    code: Code(15),
    name: "would diverge",
    level: Level::Error,
    summary: "this commit alone is fine, merged with upstream it has diverged heads",
    explanation: "\
Upstream has moved on since this branch began. Each side has one head, and the merge of
both has two. This is what the main branch would look like a second after the merge.

It is an error with `--base` and in CI, a warning before a push, and silent otherwise: a
branch that is being worked on need not be up to date all the time.

Why it matters
  Every pull request is green, git merges without a conflict, and main is broken:
  \"Multiple head revisions are present for given argument 'head'\".

How to mend it
  Merge or rebase on upstream, then run `dbm-git rebase`.

Example
  this branch:  a -> f
  upstream:     a -> m
  merged:       a -> f and a -> m, two heads
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    let (Some(level), Some(upstream)) = (judged.would_diverge, judged.upstream) else {
        return Vec::new();
    };
    let alone = judged.before_merge.unwrap_or(judged.history);
    let preview = upstream.preview;
    brought_by_merging(judged, alone, preview, diverged_heads(preview, judged.policy))
        .into_iter()
        .map(|divergence| {
            let finding = dbm001_diverged_heads::finding(&RULE, judged, preview, &divergence);
            let message = format!("merged with {}, {}", upstream.name, finding.message);
            let help = format!("run `git merge {}`, then `dbm-git rebase`", upstream.name);
            Finding { level, message, help: Some(help), ..finding }
        })
        .collect()
}

/// Whether a divergence of the judged preview is DBM015's and not DBM001's.
pub(super) fn comes_of_merging(judged: &Judged<'_>, divergence: &Divergence) -> bool {
    match (judged.before_merge, judged.would_diverge) {
        (Some(alone), Some(_)) => {
            let this = vec![divergence.clone()];
            !brought_by_merging(judged, alone, judged.history, this).is_empty()
        }
        _ => false,
    }
}

/// Those of the preview's divergences that neither side has by itself.
fn brought_by_merging(
    judged: &Judged<'_>,
    alone: &History,
    preview: &History,
    mut found: Vec<Divergence>,
) -> Vec<Divergence> {
    let landed = judged.upstream.map(|upstream| upstream.history);
    for side in std::iter::once(alone).chain(landed) {
        if !found.is_empty() {
            let known = Known::of(side, judged.policy, preview);
            found.retain(|divergence| !known.covers(preview, divergence));
        }
    }
    found
}

/// The diverged heads of one side, as revisions of the preview.
struct Known {
    divergences: Vec<Vec<usize>>,
}

impl Known {
    fn of(side: &History, policy: HeadPolicy, preview: &History) -> Self {
        let to_preview = |divergence: Divergence| {
            let heads = divergence.heads.iter();
            heads.filter_map(|&head| preview.graph.node(side.id(head).as_str())).collect()
        };
        Self { divergences: diverged_heads(side, policy).into_iter().map(to_preview).collect() }
    }

    /// Whether each of the heads has grown on a head of its own of one known divergence.
    fn covers(&self, preview: &History, divergence: &Divergence) -> bool {
        self.divergences.iter().any(|stems| {
            let mut taken = Vec::new();
            divergence.heads.iter().all(|&head| {
                let below = preview.graph.ancestors([head]);
                let stem = stems.iter().find(|stem| below[**stem] && !taken.contains(*stem));
                taken.extend(stem);
                stem.is_some()
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::run_rules;
    use crate::check::testing::{history, shown, with_upstream};

    const LANDED: &str = "<base> -> a\na -> m";
    const OURS: &str = "<base> -> a\na -> f";
    const MERGED: &str = "<base> -> a\na -> f\na -> m";

    /// `code level new` of what is found when `ours` is judged by itself, and when the preview is.
    #[track_caller]
    fn check(ours: &str, landed: &str, merged: &str, level: Option<Level>) -> [Vec<String>; 2] {
        let (ours, landed, merged) = (history(ours), history(landed), history(merged));
        let plain = Judged { would_diverge: level, ..with_upstream(&ours, &landed, &merged) };
        let preview = Judged { history: &merged, before_merge: Some(&ours), ..plain };
        [plain, preview].map(|judged| {
            let show = |f: &Finding| format!("{} {:?} {}", f.code, f.level, f.is_new);
            run_rules(&judged).iter().map(show).collect()
        })
    }

    #[test]
    fn what_only_the_merge_has_is_shown_with_both_heads() {
        let (ours, landed, merged) = (history(OURS), history(LANDED), history(MERGED));
        let judged = Judged {
            would_diverge: Some(Level::Warning),
            ..with_upstream(&ours, &landed, &merged)
        };
        insta::assert_snapshot!(shown(&RULE, &judged), @"
        Warning: merged with origin/main, heads `f` and `m` have diverged since `a`
          [f m] at versions/f.py:7 (head `f`, own)
          and versions/m.py:7 (head `m`, landed on origin/main)
          help: run `git merge origin/main`, then `dbm-git rebase`
        ");
    }

    #[test]
    fn the_preview_has_it_once_and_not_as_diverged_heads() {
        let expected = || vec!["DBM015 Error true".to_owned()];
        assert_eq!(check(OURS, LANDED, MERGED, Some(Level::Error)), [expected(), expected()]);
    }

    #[test]
    fn where_it_is_silent_a_judged_preview_is_still_diverged() {
        let expected = [vec![], vec!["DBM001 Error true".to_owned()]];
        assert_eq!(check(OURS, LANDED, MERGED, None), expected);
    }

    #[test]
    fn what_this_side_has_by_itself_is_diverged_heads() {
        let ours = "<base> -> a\na -> f\na -> m";
        let landed = "<base> -> a\na -> m\nm -> n";
        let merged = "<base> -> a\na -> f\na -> m\nm -> n";
        let expected = || vec!["DBM001 Error true".to_owned()];
        assert_eq!(check(ours, landed, merged, Some(Level::Error)), [expected(), expected()]);
    }

    #[test]
    fn what_upstream_has_by_itself_is_not_ours() {
        let landed = "<base> -> a\na -> m\na -> n";
        let merged = "<base> -> a\na -> m\na -> n\nm -> f";
        let [plain, preview] =
            check("<base> -> a\na -> m\nm -> f", landed, merged, Some(Level::Error));
        assert_eq!(plain, Vec::<String>::new());
        assert_eq!(preview, ["DBM001 Error false"]);
        let third = "<base> -> a\na -> m\na -> n\na -> f";
        let [plain, _] = check(OURS, landed, third, Some(Level::Error));
        assert_eq!(plain, ["DBM015 Error true"]);
    }

    #[test]
    fn a_side_that_is_merely_behind_diverges_from_nothing() {
        let nothing: [Vec<String>; 2] = [vec![], vec![]];
        assert_eq!(check("<base> -> a", LANDED, LANDED, Some(Level::Error)), nothing);
    }
}
