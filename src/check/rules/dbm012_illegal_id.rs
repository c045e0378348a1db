//! DBM012: an id that Alembic refuses, or a down revision that it takes literally.

use super::{Rule, Run};
use crate::check::missing::{Missing, explain, missing_down_revisions};
use crate::check::words::named;
use crate::check::{Code, Finding, Judged, Level, places};
use crate::script::ScriptProblemKind;

pub const RULE: Rule = Rule {
    code: Code(12),
    name: "illegal revision id",
    level: Level::Error,
    summary: "an illegal revision id; an abbreviated, labelled or empty down revision",
    explanation: "\
A revision id may be any text without `@`, `-`, `+` and `:`. A `down_revision` has to be
the whole id: alembic's command line takes abbreviations and branch labels, a script
does not. The down revision of a base is None, not an empty string.

Why it matters
  Alembic refuses such an id (\"Character(s) '-' not allowed in revision identifier\"),
  and fails on such a down revision with a KeyError.

How to mend it
  Write the id in full, None for a base, and only legal characters.

Example
  down_revision = \"aaaa\"     becomes     down_revision = \"aaaa00000001\"
  down_revision = \"\"         becomes     down_revision = None
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    unreadable(judged).chain(taken_literally(judged)).collect()
}

fn unreadable<'a>(judged: &Judged<'a>) -> impl Iterator<Item = Finding> + 'a {
    let history = judged.history;
    history.problems.iter().filter_map(move |problem| {
        let (message, help) = match &problem.kind {
            ScriptProblemKind::IllegalId { reason } => (
                format!("`{}`: {reason}", problem.path),
                "give the revision an id without `@`, `-`, `+` and `:`",
            ),
            ScriptProblemKind::IllegalDownRevision { reason } if reason.contains("empty") => (
                format!("the down revision in `{}` is an empty string", problem.path),
                "write `down_revision = None` for a base",
            ),
            ScriptProblemKind::IllegalDownRevision { reason } => (
                format!("the down revision in `{}` can be no revision: {reason}", problem.path),
                "write the id of the revision before, as its own file has it",
            ),
            _ => return None,
        };
        let revisions = history.node_at(&problem.path).map(|node| history.id(node).clone());
        Some(RULE.finding(message).at(places::of_problem(problem)).about(revisions).help(help))
    })
}

fn taken_literally<'a>(judged: &Judged<'a>) -> impl Iterator<Item = Finding> {
    let history = judged.history;
    missing_down_revisions(judged).filter_map(move |(node, missing)| {
        let id = history.id(node);
        let (what, help) = match explain(judged, missing.as_str()) {
            Missing::Label { node: labelled } => (
                format!("which is the branch label of `{}`, not an id", history.id(labelled)),
                "write the id of the revision before: a script takes no labels".to_owned(),
            ),
            Missing::Abbreviated { nodes } => {
                let ids = named(nodes.iter().map(|&n| history.id(n)));
                let help = match nodes.as_slice() {
                    [_] => format!("write {ids} in full"),
                    _ => "write one of them in full".to_owned(),
                };
                (format!("which is only the beginning of {ids}"), help)
            }
            _ => return None,
        };
        Some(
            RULE.finding(format!("`{id}` follows `{missing}`, {what}"))
                .at(places::down_revision_of(history, node))
                .about([id.clone(), missing.clone()])
                .help(help),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::run_rules;
    use crate::check::testing::{history, history_and, judge, shown};

    #[track_caller]
    fn check(source: &str) -> String {
        shown(&RULE, &judge(&history_and("<base> -> a", &[("versions/b.py", source)])))
    }

    #[test]
    fn an_illegal_id_is_refused_with_its_character() {
        insta::assert_snapshot!(check("revision = 'aa-bb'\ndown_revision = 'a'\n"), @"
        Error: `versions/b.py`: character `-` is not allowed in revision id `aa-bb`
          [] at versions/b.py:1
          help: give the revision an id without `@`, `-`, `+` and `:`
        ");
    }

    #[test]
    fn an_empty_string_is_no_base() {
        insta::assert_snapshot!(check("revision = 'b'\ndown_revision = ''\n"), @"
        Error: the down revision in `versions/b.py` is an empty string
          [b] at versions/b.py:2
          help: write `down_revision = None` for a base
        ");
    }

    #[test]
    fn an_abbreviation_and_a_label_are_no_ids() {
        let ours = history("<base> -> abcdef (shop)\nabcd -> b\nshop -> c");
        insta::assert_snapshot!(shown(&RULE, &judge(&ours)), @"
        Error: `b` follows `abcd`, which is only the beginning of `abcdef`
          [b abcd] at versions/b.py:7
          help: write `abcdef` in full
        Error: `c` follows `shop`, which is the branch label of `abcdef`, not an id
          [c shop] at versions/c.py:7
          help: write the id of the revision before: a script takes no labels
        ");
        let codes: Vec<u16> = run_rules(&judge(&ours)).iter().map(|f| f.code.0).collect();
        assert_eq!(codes, [12, 12]);
    }

    #[test]
    fn three_characters_abbreviate_nothing() {
        assert_eq!(shown(&RULE, &judge(&history("<base> -> abcdef\nabc -> b"))), "");
    }
}
