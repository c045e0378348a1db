//! DBM014: a second base that nothing tells apart from the first.

use std::collections::BTreeMap;

use super::{Rule, Run};
use crate::check::diverged::diverged_heads;
use crate::check::{Code, Finding, Judged, Level, places};
use crate::revision::Node;

pub const RULE: Rule = Rule {
    code: Code(14),
    name: "second base",
    level: Level::Warning,
    summary: "a second base without a label or a version location of its own",
    explanation: "\
Two revisions of one version location have no down revision, and the second has no
branch label either. Usually its `down_revision` was lost; sometimes two histories were
joined on purpose.

Where the two bases still end in two heads, that is DBM001 and reported as such.

Why it matters
  Alembic runs both from the start, in an order that depends on file names. A lost
  `down_revision` means that the revision can run before the tables it changes exist.

How to mend it
  Let the second base follow the revision it was written after. If it is meant to be a
  base, give it a branch label or a version location of its own.

Example
  <base> -> a
  <base> -> b         down_revision = None was meant to be \"a\"
  a, b -> m
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    let history = judged.history;
    let mut by_location: BTreeMap<usize, Vec<Node>> = BTreeMap::new();
    let bases = history.graph.bases().into_iter().filter(|&base| {
        !history.script(base).has_unknown_down && !places::is_shadowed(history, base)
    });
    for base in bases {
        by_location.entry(history.script(base).file.location).or_default().push(base);
    }
    by_location.retain(|_, bases| bases.len() > 1);
    if by_location.is_empty() {
        return Vec::new();
    }
    let heads = diverged_heads(history, judged.policy).into_iter().flat_map(|d| d.heads);
    let below_diverged = history.graph.ancestors(heads);
    let mut findings = Vec::new();
    for mut bases in by_location.into_values() {
        // The base that others have built on is the first, whatever its file is called.
        bases.sort_by_key(|&base| !judged.is_landed(history.id(base)));
        let unlabelled: Vec<Node> = bases
            .into_iter()
            .filter(|&base| history.graph.revision(base).branch_labels.is_empty())
            .collect();
        let Some((&first, others)) = unlabelled.split_first() else { continue };
        let apart = others.iter().filter(|&&base| !below_diverged[base]);
        findings.extend(apart.map(|&base| finding(judged, first, base)));
    }
    findings
}

fn finding(judged: &Judged<'_>, first: Node, base: Node) -> Finding {
    let history = judged.history;
    let (id, first_id) = (history.id(base), history.id(first));
    RULE.finding(format!("`{id}` is a second base beside `{first_id}`, without a label of its own"))
        .at(places::down_revision_of(history, base))
        .and_at(places::down_revision_of(history, first), format!("the first base, `{first_id}`"))
        .about([id.clone()])
        .help("name the revision it follows, or give it a branch label if it is meant to be a base")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history, history_and, history_in, judge, shown, with_upstream};

    #[test]
    fn a_second_base_that_is_merged_later_is_shown() {
        let ours = history("<base> -> a\n<base> -> b\na, b -> m");
        insta::assert_snapshot!(shown(&RULE, &judge(&ours)), @"
        Warning: `b` is a second base beside `a`, without a label of its own
          [b] at versions/b.py:7
          and versions/a.py:7 (the first base, `a`)
          help: name the revision it follows, or give it a branch label if it is meant to be a base
        ");
    }

    #[test]
    fn the_landed_base_is_the_first() {
        let landed = history("<base> -> z");
        let ours = history("<base> -> a\n<base> -> z\na, z -> m");
        let text = shown(&RULE, &with_upstream(&ours, &landed, &ours));
        assert!(text.starts_with("Warning: `a` is a second base beside `z`"), "{text}");
    }

    #[test]
    fn diverged_bases_have_their_finding_already() {
        assert_eq!(shown(&RULE, &judge(&history("<base> -> a\n<base> -> b"))), "");
    }

    #[test]
    fn a_label_or_a_location_makes_a_base_of_its_own() {
        let labelled = history("<base> -> a\n<base> -> b (shop)\n<base> -> c (main)");
        assert_eq!(shown(&RULE, &judge(&labelled)), "");
        let located = history_in(&[("versions", "<base> -> a"), ("plugin", "<base> -> b")]);
        assert_eq!(shown(&RULE, &judge(&located)), "");
    }

    #[test]
    fn an_unreadable_down_revision_is_no_base() {
        let computed = "revision = 'b'\ndown_revision = f()\n";
        let ours = history_and("<base> -> a", &[("versions/b.py", computed)]);
        assert_eq!(shown(&RULE, &judge(&ours)), "");
    }
}
