//! DBM013: the docstring says something else than the code.

use super::{Rule, Run};
use crate::check::words::named;
use crate::check::{Code, Finding, Judged, Level, Location, places};
use crate::revision::{Node, RevisionId};
use crate::script::{DocstringLine, set_docstring_line};

pub const RULE: Rule = Rule {
    code: Code(13),
    name: "stale docstring",
    level: Level::Warning,
    summary: "the docstring's `Revises:` or `Revision ID:` disagrees with the code",
    explanation: "\
Alembic writes the id and the down revision of a new revision into its docstring, too.
Whoever re-points a revision by hand often forgets the second place.

Why it matters
  Alembic reads the code alone, people read the docstring. A stale one sends the reader
  to a revision that is not the one before.

How to mend it
  Correct the line. `dbm-git rebase` keeps both in step.

Example
  Revises: aaaa00000001             <- stale
  down_revision = \"bbbb00000001\"
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    let nodes = 0..judged.history.scripts.len();
    nodes
        .filter(|&node| !judged.history.script(node).is_broken)
        .flat_map(|node| stale_id(judged, node).into_iter().chain(stale_revises(judged, node)))
        .collect()
}

fn stale_id(judged: &Judged<'_>, node: Node) -> Option<Finding> {
    let line = judged.history.script(node).header.docstring.as_ref()?.revision_id.as_ref()?;
    let id = judged.history.id(node);
    if line.ids() == [id.as_str()] {
        return None;
    }
    let message = format!("the docstring says `Revision ID: {}`, the code `{id}`", line.value);
    let code = places::revision_of(judged.history, node);
    Some(finding(judged, node, line, message, code, &[id.as_str()]))
}

fn stale_revises(judged: &Judged<'_>, node: Node) -> Option<Finding> {
    let script = judged.history.script(node);
    let line = script.header.docstring.as_ref()?.revises.as_ref()?;
    let downs: Vec<&str> =
        judged.history.graph.revision(node).down_revisions.iter().map(RevisionId::as_str).collect();
    if script.has_unknown_down || sorted(line.ids()) == sorted(downs.clone()) {
        return None;
    }
    let code_says = if downs.is_empty() { "`None`".to_owned() } else { named(&downs) };
    let message = format!("the docstring says `Revises: {}`, the code {code_says}", line.value);
    let code = places::down_revision_of(judged.history, node);
    Some(finding(judged, node, line, message, code, &downs))
}

/// Each once.
fn sorted(mut ids: Vec<&str>) -> Vec<&str> {
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn finding(
    judged: &Judged<'_>,
    node: Node,
    line: &DocstringLine,
    message: String,
    code: Location,
    right: &[&str],
) -> Finding {
    let file = &judged.history.script(node).file;
    let help = match right {
        [] => "clear the line: this is a base".to_owned(),
        ids => format!("write `{}` there", ids.join(", ")),
    };
    RULE.finding(message)
        .at(Location::at(file.path.clone(), line.line, &line.span))
        .and_at(code, "what alembic reads")
        .about([judged.history.id(node).clone()])
        .help(help)
        .mended_by(set_docstring_line(&file.bytes, line, right))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history, history_and, judge, shown};
    use crate::script::apply_edits;

    #[track_caller]
    fn check(docstring: &str, down: &str) -> String {
        let source =
            format!("\"\"\"add b\n\n{docstring}\n\"\"\"\nrevision = 'b'\ndown_revision = {down}\n");
        shown(&RULE, &judge(&history_and("<base> -> a", &[("versions/b.py", &source)])))
    }

    #[test]
    fn stale_lines_are_pointed_at_with_what_the_code_says() {
        insta::assert_snapshot!(check("Revision ID: x\nRevises: y", "'a'"), @"
        Warning: the docstring says `Revision ID: x`, the code `b`
          [b] at versions/b.py:3
          and versions/b.py:6 (what alembic reads)
          help: write `b` there
        Warning: the docstring says `Revises: y`, the code `a`
          [b] at versions/b.py:4
          and versions/b.py:7 (what alembic reads)
          help: write `a` there
        ");
    }

    #[test]
    fn every_way_of_writing_the_same_is_the_same() {
        assert_eq!(check("Revises: a", "'a'"), "");
        assert_eq!(check("Revises: 'a'", "('a',)"), "");
        assert_eq!(check("Revises: ('c', 'a')", "('a', 'c')"), "");
        assert_eq!(check("Revises: None", "None"), "");
        assert_eq!(check("Revises:", "None"), "");
        assert_eq!(check("no lines at all", "'a'"), "");
        assert_eq!(shown(&RULE, &judge(&history("<base> -> a\na -> b\na -> c\nb, c -> d"))), "");
    }

    #[test]
    fn the_edit_mends_it_in_the_lines_own_form() {
        for (docstring, down, mended) in [
            ("Revision ID: x\nRevises: y", "'a'", "Revision ID: b\nRevises: a"),
            ("Revises: ('y', 'z')", "'a'", "Revises: ('a',)"),
            ("Revises:", "'a'", "Revises: a"),
            ("Revises: y", "None", "Revises: "),
        ] {
            let file = |lines: &str| {
                format!("\"\"\"add b\n\n{lines}\n\"\"\"\nrevision = 'b'\ndown_revision = {down}\n")
            };
            let source = file(docstring);
            let ours = history_and("<base> -> a", &[("versions/b.py", &source)]);
            let findings = run(&judge(&ours));
            let edits = findings.into_iter().filter_map(|finding| finding.fix).collect();
            let bytes = apply_edits(source.as_bytes(), edits);
            assert_eq!(String::from_utf8_lossy(&bytes), file(mended));
        }
    }

    #[test]
    fn a_computed_down_revision_is_not_compared() {
        assert_eq!(check("Revises: y", "f()"), "");
    }
}
