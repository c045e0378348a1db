//! DBM003: one id, several files.

use super::{Rule, Run};
use crate::check::words::named;
use crate::check::{Code, Finding, Judged, Level, places};
use crate::revision::{GraphProblem, Node};

pub const RULE: Rule = Rule {
    code: Code(3),
    name: "duplicate revision id",
    level: Level::Error,
    summary: "two or more files with one revision id",
    explanation: "\
Two files claim the same revision id: a copied file, an id made up by hand, or two
people who both took the next number.

Why it matters
  Alembic only warns (\"Revision X is present more than once\") and uses the last file.
  The other one is never run, `alembic heads` shows the id twice, and
  `alembic upgrade head` fails.

How to mend it
  Where ids are numbers, `dbm-git rebase` renumbers your own revisions after the landed
  ones: id, file name and references. Otherwise give your own file a new id, and delete
  it if it is a mere copy.

Example
  versions/0043_add_users.py    revision = \"0043\"    landed
  versions/0043_add_orders.py   revision = \"0043\"    yours

  after `dbm-git rebase`:  versions/0044_add_orders.py, revision = \"0044\"
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    let problems = judged.history.graph_problems.iter();
    problems
        .filter_map(|problem| match problem {
            GraphProblem::DuplicateId { nodes } => Some(finding(judged, nodes)),
            _ => None,
        })
        .collect()
}

fn finding(judged: &Judged<'_>, nodes: &[Node]) -> Finding {
    let history = judged.history;
    let mut nodes = nodes.to_vec();
    // What the reader can change comes first.
    nodes.sort_by_cached_key(|&node| has_landed(judged, node));
    let id = history.id(nodes[0]);
    let paths = named(nodes.iter().map(|&node| &history.script(node).file.path));
    let own = &history.script(nodes[0]).file.path;
    let mut finding = RULE
        .finding(format!("revision id `{id}` is claimed by {paths}"))
        .about([id.clone()])
        .help(if id.as_str().bytes().all(|b| b.is_ascii_digit()) {
            format!(
                "run `dbm-git rebase` to renumber what has not landed, or give `{own}` another id"
            )
        } else {
            format!("give `{own}` another id, or delete it if it is a copy")
        });
    for (position, &node) in nodes.iter().enumerate() {
        let place = places::revision_of(history, node);
        finding = match (position, judged.upstream) {
            (0, _) => finding.at(place),
            (_, Some(upstream)) if has_landed(judged, node) => {
                finding.and_at(place, format!("landed on {}", upstream.name))
            }
            _ => finding.and_at(place, "the same id"),
        };
    }
    finding
}

fn has_landed(judged: &Judged<'_>, node: Node) -> bool {
    let script = judged.history.script(node);
    judged.upstream.is_some_and(|upstream| {
        let there = upstream.history.node_at(&script.file.path);
        there.is_some_and(|other| upstream.history.id(other) == judged.history.id(node))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::run_rules;
    use crate::check::testing::{history, history_in, judge, shown, with_upstream};

    #[test]
    fn all_files_are_named() {
        let ours = history("<base> -> a\na -> b\na -> b\na -> b");
        insta::assert_snapshot!(shown(&RULE, &judge(&ours)), @"
        Error: revision id `b` is claimed by `versions/b.py`, `versions/b_2.py` and `versions/b_2_2.py`
          [b] at versions/b.py:6
          and versions/b_2.py:6 (the same id)
          and versions/b_2_2.py:6 (the same id)
          help: give `versions/b.py` another id, or delete it if it is a copy
        ");
    }

    #[test]
    fn the_own_file_comes_first_and_numbers_can_be_moved() {
        let landed = history_in(&[("versions", "<base> -> 0042\n0042 -> 0043")]);
        let ours =
            history_in(&[("versions", "<base> -> 0042\n0042 -> 0043"), ("plugin", "0042 -> 0043")]);
        insta::assert_snapshot!(shown(&RULE, &with_upstream(&ours, &landed, &ours)), @"
        Error: revision id `0043` is claimed by `plugin/0043.py` and `versions/0043.py`
          [0043] at plugin/0043.py:6
          and versions/0043.py:6 (landed on origin/main)
          help: run `dbm-git rebase` to renumber what has not landed, or give `plugin/0043.py` another id
        ");
    }

    #[test]
    fn nothing_else_follows_from_it() {
        let ours = history("<base> -> a\n<base> -> a\na -> b\na -> b\nb -> c");
        let codes: Vec<u16> = run_rules(&judge(&ours)).iter().map(|f| f.code.0).collect();
        assert_eq!(codes, [3, 3]);
    }
}
