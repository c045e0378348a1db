//! DBM006: a header that only Python could evaluate.

use super::{Rule, Run};
use crate::check::{Code, Finding, Judged, Level, places};
use crate::script::{ScriptProblem, ScriptProblemKind};

pub const RULE: Rule = Rule {
    code: Code(6),
    name: "dynamic header",
    level: Level::Error,
    summary: "a `revision` or `down_revision` that cannot be read without running Python",
    explanation: "\
`revision` or `down_revision` is computed (a call, an import, an attribute, an f-string,
an assignment under an `if`), or is not assigned at all. dbm-git never runs migration
files to read a history, and never guesses.

A computed branch label or dependency is only a note: a label stands for itself, and
an unknown dependency changes no head.

Why it matters
  Without the id and the down revision nothing can be said of the place of the revision
  in the history. Where the assignment is missing altogether, alembic itself stops:
  \"Could not determine revision id from filename\", or AttributeError: module has no
  attribute 'down_revision'.

How to mend it
  Write the value as a literal, as alembic itself does when it makes a script.

Example
  down_revision = f\"{int(revision) - 1:03d}\"     becomes     down_revision = \"041\"
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    let problems = &judged.history.problems;
    let broken: std::collections::HashSet<_> = problems
        .iter()
        .filter(|p| matches!(p.kind, ScriptProblemKind::Unreadable { .. }))
        .map(|p| &p.path)
        .collect();
    // What a file with a syntax error seems to compute is no news.
    let readable = problems.iter().filter(|problem| !broken.contains(&problem.path));
    readable.filter_map(|problem| finding(judged, problem)).collect()
}

fn finding(judged: &Judged<'_>, problem: &ScriptProblem) -> Option<Finding> {
    let (message, help, level) = match &problem.kind {
        ScriptProblemKind::Dynamic { field, source } => (
            format!("`{field}` is computed: {}", quoted(source)),
            "write the value as a plain string, as alembic itself does",
            Level::Error,
        ),
        ScriptProblemKind::Absent { field } => (
            format!("`{}` assigns no `{field}`", problem.path),
            "add the assignment, or move the file out of the version location",
            Level::Error,
        ),
        ScriptProblemKind::DynamicNote { field, source } => (
            format!("`{field}` is computed: {}", quoted(source)),
            if *field == "depends_on" {
                "the dependency is unknown here; a literal would make it known"
            } else {
                "the label is taken by its source text; a literal would make it known"
            },
            Level::Note,
        ),
        _ => return None,
    };
    let revisions =
        judged.history.node_at(&problem.path).map(|node| judged.history.id(node).clone());
    let finding = RULE.finding(message).at(places::of_problem(problem)).about(revisions).help(help);
    Some(Finding { level, ..finding })
}

/// The source on one line, cut: it is shown below the message anyway.
fn quoted(source: &str) -> String {
    let short: String = source.chars().take(60).collect();
    if short.len() < source.len() { format!("`{short}…`") } else { format!("`{short}`") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history_and, judge, shown};

    #[track_caller]
    fn check(source: &str) -> String {
        shown(&RULE, &judge(&history_and("<base> -> a", &[("versions/b.py", source)])))
    }

    #[test]
    fn a_computed_revision_or_down_revision_is_an_error() {
        insta::assert_snapshot!(check("revision = 'b'\ndown_revision = before(revision)\n"), @"
        Error: `down_revision` is computed: `before(revision)`
          [b] at versions/b.py:2
          help: write the value as a plain string, as alembic itself does
        ");
        insta::assert_snapshot!(check("revision = new_id()\ndown_revision = 'a'\n"), @"
        Error: `revision` is computed: `new_id()`
          [] at versions/b.py:1
          help: write the value as a plain string, as alembic itself does
        ");
    }

    #[test]
    fn a_missing_assignment_is_an_error() {
        insta::assert_snapshot!(check("import x\n"), @"
        Error: `versions/b.py` assigns no `down_revision`
          [b] at versions/b.py:1
          help: add the assignment, or move the file out of the version location
        ");
    }

    #[test]
    fn a_computed_label_or_dependency_is_a_note() {
        let source = "revision = 'b'\ndown_revision = 'a'\nbranch_labels = (cli.EXPAND,)\n\
                      depends_on = tuple(names)\n";
        insta::assert_snapshot!(check(source), @"
        Note: `depends_on` is computed: `tuple(names)`
          [b] at versions/b.py:4
          help: the dependency is unknown here; a literal would make it known
        Note: `branch_labels` is computed: `cli.EXPAND`
          [b] at versions/b.py:3
          help: the label is taken by its source text; a literal would make it known
        ");
    }

    #[test]
    fn a_file_with_a_syntax_error_is_not_called_dynamic() {
        assert_eq!(check("revision = 'b'\ndown_revision = f(\n"), "");
    }
}
