//! DBM010: the body of a landed revision was edited.

use super::landed::{Fate, fates};
use super::{Rule, Run};
use crate::check::suppression::MARK;
use crate::check::{Code, Finding, Judged, Level, Location};
use crate::script::{Script, line_of};

pub const RULE: Rule = Rule {
    code: Code(10),
    name: "landed revision edited",
    level: Level::Warning,
    summary: "the body of a landed revision was edited",
    explanation: "\
The revision is in upstream, and this branch, merged with upstream, would change what
it does: anything outside of its header and docstring.

Why it matters
  Alembic runs a revision once. Databases that have run it keep what the old text made,
  new ones get what the new text makes, and nothing ever tells the difference.

How to mend it
  Take the file back from upstream and write a new revision. Where the edit changes
  nothing for a database (formatting, an import that is gone, a fix for a dialect that
  nobody runs yet), leave it.

Example
  upstream:     op.add_column(\"users\", sa.Column(\"age\", sa.Integer()))
  this branch:  op.add_column(\"users\", sa.Column(\"age\", sa.BigInteger()))
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    let Some((upstream, fates)) = fates(judged) else { return Vec::new() };
    let findings = fates.into_iter().filter_map(|(landed, fate)| {
        let (Fate::Kept(node) | Fate::Moved(node)) = fate else { return None };
        let (before, after) = (upstream.history.script(landed), upstream.preview.script(node));
        // A broken file has DBM005, and of its body nothing is certain.
        if after.is_broken || body_is_same(before, after) {
            return None;
        }
        let id = upstream.history.id(landed);
        let path = &before.file.path;
        Some(
            RULE.finding(format!("the body of landed revision `{id}` was edited"))
                .at(first_difference(before, after))
                .about([id.clone()])
                .help(format!(
                    "run `git checkout {0} -- {path}` and write a new revision, unless databases \
                     see no difference (`git diff {0} -- {path}`)",
                    upstream.name
                )),
        )
    });
    findings.collect()
}

fn body_is_same(before: &Script, after: &Script) -> bool {
    before.file.bytes == after.file.bytes || lines(before).eq(lines(after))
}

/// The body's lines without their ends, which git converts, and without blank
/// ones and those that only tell us what to ignore.
fn lines(script: &Script) -> impl Iterator<Item = &[u8]> {
    script
        .header
        .body(&script.file.bytes)
        .into_iter()
        .flat_map(|piece| piece.split(|&byte| byte == b'\n'))
        .map(<[u8]>::trim_ascii_end)
        .filter(|line| !line.is_empty() && !is_comment_of_ours(line))
}

fn is_comment_of_ours(line: &[u8]) -> bool {
    let Some(comment) = line.trim_ascii_start().strip_prefix(b"#") else { return false };
    comment.trim_ascii_start().starts_with(MARK.as_bytes())
}

/// The first line of the new body that differs; the last line where lines were only cut off.
fn first_difference(before: &Script, after: &Script) -> Location {
    let bytes = &after.file.bytes;
    let mut old = lines(before);
    let changed = lines(after).find(|line| old.next() != Some(*line));
    let line = changed.or_else(|| lines(after).last());
    let offset = line.map_or(0, |line| line.as_ptr() as usize - bytes.as_ptr() as usize);
    Location { path: after.file.path.clone(), line: line_of(bytes, offset), span: None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history_and, shown, with_upstream};

    const LANDED: &str = "\"\"\"old words\"\"\"\nimport op\nrevision = 'b'\ndown_revision = 'a'\n\n\
                          def upgrade():\n    op.one()\n    op.two()\n";

    #[track_caller]
    fn check(edited: &str) -> String {
        let landed = history_and("<base> -> a", &[("versions/b.py", LANDED)]);
        let preview = history_and("<base> -> a", &[("versions/b.py", edited)]);
        shown(&RULE, &with_upstream(&preview, &landed, &preview))
    }

    #[test]
    fn an_edited_line_is_pointed_at() {
        insta::assert_snapshot!(check(&LANDED.replace("two", "three")), @"
        Warning: the body of landed revision `b` was edited
          [b] at versions/b.py:8
          help: run `git checkout origin/main -- versions/b.py` and write a new revision, unless databases see no difference (`git diff origin/main -- versions/b.py`)
        ");
    }

    #[test]
    fn a_line_that_was_cut_off_is_a_change() {
        let text = check(&LANDED.replace("    op.two()\n", ""));
        assert!(text.contains("[b] at versions/b.py:7\n"), "{text}");
    }

    #[test]
    fn header_docstring_line_ends_and_blank_lines_are_not_the_body() {
        assert_eq!(check(&LANDED.replace("old words", "new words")), "");
        assert_eq!(check(&LANDED.replace("'a'", "\"a\"")), "");
        assert_eq!(check(&LANDED.replace('\n', "\r\n")), "");
        assert_eq!(check(&LANDED.replace("import op\n", "import op\n\n\n")), "");
        assert_eq!(
            check(&LANDED.replace("import op\n", "import op\n# dbm-git: ignore DBM013 x\n")),
            ""
        );
    }
}
