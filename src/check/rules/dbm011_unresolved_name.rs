//! DBM011: a dependency that names nothing, a label that names two things.

use std::collections::HashSet;

use super::{Rule, Run};
use crate::check::missing::{longer_ids, unread_file_named};
use crate::check::words::named;
use crate::check::{Code, Finding, Judged, Level, Whereabouts, places};
use crate::revision::{BranchLabel, GraphProblem, Node, RevisionRef};
use crate::script::ScriptProblemKind;
use crate::tree::RepoPath;

pub const RULE: Rule = Rule {
    code: Code(11),
    name: "unresolved name",
    level: Level::Error,
    summary: "a dependency that resolves to nothing, or a branch label used twice",
    explanation: "\
`depends_on` names neither a revision id nor a branch label, or a branch label is
declared twice, or a label is at the same time the id of a revision.

Why it matters
  Alembic looks both up by exact key, without the abbreviations that its command line
  takes, and fails for every command: KeyError, or \"Branch name 'shop' in revision X
  already used by revision Y\".

How to mend it
  Write the full id or label. Declare a label once, on the first revision of its branch:
  all that follow inherit it.

Example
  depends_on = \"aaaa\"     becomes     depends_on = \"aaaa00000001\"
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    let computed = computed_labels(judged);
    let problems = judged.history.graph_problems.iter();
    let of_graph = problems.filter_map(|problem| match problem {
        GraphProblem::UnresolvedDependency { node, reference } => {
            unresolved(judged, *node, reference, !computed.is_empty())
        }
        GraphProblem::DuplicateLabel { nodes, label } if !computed.contains(label) => {
            Some(declared_twice(judged, nodes, label))
        }
        _ => None,
    });
    of_graph.chain(ambiguous_labels(judged)).collect()
}

/// Labels that stand for themselves by their source text; what Python makes of
/// them may differ from file to file.
fn computed_labels(judged: &Judged<'_>) -> HashSet<BranchLabel> {
    let problems = judged.history.problems.iter();
    problems
        .filter_map(|problem| match &problem.kind {
            ScriptProblemKind::DynamicNote { field: "branch_labels", .. } => Some(&problem.path),
            _ => None,
        })
        .filter_map(|path| judged.history.node_at(path))
        .flat_map(|node| judged.history.graph.revision(node).branch_labels.iter().cloned())
        .collect()
}

fn unresolved(
    judged: &Judged<'_>,
    node: Node,
    reference: &RevisionRef,
    may_be_computed: bool,
) -> Option<Finding> {
    let history = judged.history;
    let id = history.id(node);
    let text = reference.as_str();
    if let Some(Whereabouts::WorkingTree { .. }) = judged.whereabouts.get(text) {
        return None;
    }
    let longer = longer_ids(history, text);
    let (what, help) = if let Some(path) = unread_file_named(history, text) {
        let what = format!("which cannot be read from `{path}`");
        (what, format!("mend `{path}` first: it has a finding of its own"))
    } else if let [one] = longer.as_slice() {
        let what = "which is no id or label: alembic takes no abbreviations here".to_owned();
        (what, format!("write `{}` in full", history.id(*one)))
    } else if may_be_computed {
        let what = "which is no id, but may be one of the computed labels".to_owned();
        (what, "write the label as a literal where it is declared".to_owned())
    } else {
        let what = "which is neither a revision id nor a branch label".to_owned();
        (what, format!("correct `{reference}`, or bring in the branch that has it"))
    };
    let finding = RULE
        .finding(format!("`{id}` depends on `{reference}`, {what}"))
        .at(places::depends_on_of(history, node))
        .about([id.clone()])
        .help(help);
    let is_open = may_be_computed && longer.is_empty();
    Some(if is_open { Finding { level: Level::Note, ..finding } } else { finding })
}

fn declared_twice(judged: &Judged<'_>, nodes: &[Node], label: &BranchLabel) -> Finding {
    let history = judged.history;
    let mut nodes = nodes.to_vec();
    nodes.sort_by_key(|&node| judged.is_landed(history.id(node)));
    let ids = history.graph.ids(nodes.iter().copied());
    let mut finding = RULE
        .finding(format!("branch label `{label}` is declared by {}", named(&ids)))
        .about(ids)
        .help("declare the label once, on the first revision of its branch");
    for (position, &node) in nodes.iter().enumerate() {
        let place = places::branch_labels_of(history, node);
        finding = match position {
            0 => finding.at(place),
            _ => finding.and_at(place, "the same label"),
        };
    }
    finding
}

/// Alembic keeps ids and labels in one map, and refuses a label that is in it,
/// be it as an id or from the same tuple.
fn ambiguous_labels<'a>(judged: &Judged<'a>) -> impl Iterator<Item = Finding> + 'a {
    let history = judged.history;
    (0..history.scripts.len()).flat_map(move |node| {
        let labels = &history.graph.revision(node).branch_labels;
        let findings = labels.iter().enumerate().filter_map(move |(position, label)| {
            let path: &RepoPath = &history.script(node).file.path;
            let id = history.id(node);
            let message = if history.graph.node(label.as_str()).is_some() {
                format!("branch label `{label}` is a revision id, too")
            } else if labels[..position].contains(label) {
                format!("branch label `{label}` is declared twice in `{path}`")
            } else {
                return None;
            };
            Some(
                RULE.finding(message)
                    .at(places::branch_labels_of(history, node))
                    .about([id.clone()])
                    .help("rename the label"),
            )
        });
        findings.collect::<Vec<_>>()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history, history_and, judge, shown};

    #[track_caller]
    fn check(notation: &str) -> String {
        shown(&RULE, &judge(&history(notation)))
    }

    #[test]
    fn ids_labels_and_empty_strings_resolve() {
        let empty = "revision = 'd'\ndown_revision = 'c'\ndepends_on = ''\n";
        let ours =
            history_and("<base> -> a (shop)\na (shop) -> b\na (b) -> c", &[("v/d.py", empty)]);
        assert_eq!(shown(&RULE, &judge(&ours)), "");
    }

    #[test]
    fn a_dependency_on_nothing_is_an_error() {
        insta::assert_snapshot!(check("<base> -> a\na (gone) -> b"), @"
        Error: `b` depends on `gone`, which is neither a revision id nor a branch label
          [b] at versions/b.py:9
          help: correct `gone`, or bring in the branch that has it
        ");
    }

    #[test]
    fn an_abbreviation_is_named_in_full() {
        insta::assert_snapshot!(check("<base> -> abcdef\nabcdef (abcd) -> b"), @"
        Error: `b` depends on `abcd`, which is no id or label: alembic takes no abbreviations here
          [b] at versions/b.py:9
          help: write `abcdef` in full
        ");
    }

    #[test]
    fn a_label_declared_twice_names_both() {
        insta::assert_snapshot!(check("<base> -> a (shop)\na -> b\nb -> c (shop)"), @"
        Error: branch label `shop` is declared by `a` and `c`
          [a c] at versions/a.py:8
          and versions/c.py:8 (the same label)
          help: declare the label once, on the first revision of its branch
        ");
    }

    #[test]
    fn a_label_that_is_an_id_or_stands_twice_is_refused_by_alembic() {
        let twice = "revision = 'c'\ndown_revision = 'b'\nbranch_labels = ('x', 'x')\n";
        let ours = history_and("<base> -> a\na -> b (a)", &[("v/c.py", twice)]);
        insta::assert_snapshot!(shown(&RULE, &judge(&ours)), @"
        Error: branch label `a` is a revision id, too
          [b] at versions/b.py:8
          help: rename the label
        Error: branch label `x` is declared twice in `v/c.py`
          [c] at v/c.py:3
          help: rename the label
        ");
    }

    #[test]
    fn computed_labels_may_repeat_and_may_be_what_a_dependency_means() {
        let computed = |id: &str, rest: &str| {
            format!("revision = '{id}'\ndown_revision = 'a'\nbranch_labels = (cli.EXPAND,)\n{rest}")
        };
        let (b, c) = (computed("b", ""), computed("c", "depends_on = 'contract'\n"));
        let ours = history_and("<base> -> a", &[("v/b.py", &b), ("v/c.py", &c)]);
        insta::assert_snapshot!(shown(&RULE, &judge(&ours)), @"
        Note: `c` depends on `contract`, which is no id, but may be one of the computed labels
          [c] at v/c.py:4
          help: write the label as a literal where it is declared
        ");
    }
}
