//! DBM009: a landed revision is gone, or lies in another file.

use super::landed::{Fate, fates};
use super::{Rule, Run};
use crate::check::{Code, Finding, Judged, Level, Location, places};

pub const RULE: Rule = Rule {
    code: Code(9),
    name: "landed revision gone",
    level: Level::Error,
    summary: "a landed revision was deleted, or its file renamed",
    explanation: "\
The revision is in upstream, and this branch, merged with upstream, would delete it or
give its file another name.

Why it matters
  A database that is at a deleted revision fails every command: \"Can't locate revision
  identified by 'X'\". A renamed file is the same revision to alembic, but whoever has
  changed it meanwhile gets a conflict, or both files and so a duplicate id.

How to mend it
  Take the file back from upstream. To take back what the revision did, write a new
  revision that does so.

Example
  git log --diff-filter=D -- versions/      shows the commit that deleted it
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    let Some((upstream, fates)) = fates(judged) else { return Vec::new() };
    let findings = fates.into_iter().filter_map(|(landed, fate)| {
        let id = upstream.history.id(landed);
        let path = &upstream.history.script(landed).file.path;
        let help = format!("run `git checkout {} -- {path}`", upstream.name);
        let finding = match fate {
            Fate::Moved(node) => {
                let place = places::revision_of(upstream.preview, node);
                let message = format!(
                    "the file of landed revision `{id}` was renamed from `{path}` to `{}`",
                    place.path
                );
                let help = format!("run `git mv {} {path}`", place.path);
                RULE.finding(message).at(place).help(help)
            }
            Fate::Gone => RULE
                .finding(format!("landed revision `{id}` was deleted: `{path}` is gone"))
                .at(Location::file(path.clone()))
                .help(help),
            Fate::Kept(_) | Fate::Renumbered(_) | Fate::Unread => return None,
        };
        Some(finding.about([id.clone()]))
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::run_rules;
    use crate::check::testing::{history, history_and, history_in, shown, with_upstream};

    #[test]
    fn a_deleted_revision_is_named_by_the_file_it_had() {
        let (landed, preview) = (history("<base> -> a\na -> b"), history("<base> -> a"));
        insta::assert_snapshot!(shown(&RULE, &with_upstream(&preview, &landed, &preview)), @"
        Error: landed revision `b` was deleted: `versions/b.py` is gone
          [b] at versions/b.py:1
          help: run `git checkout origin/main -- versions/b.py`
        ");
    }

    #[test]
    fn a_renamed_file_is_shown_with_both_names() {
        let landed = history("<base> -> a\na -> b");
        let preview = history_in(&[("versions", "<base> -> a"), ("plugin", "a -> b")]);
        insta::assert_snapshot!(shown(&RULE, &with_upstream(&preview, &landed, &preview)), @"
        Error: the file of landed revision `b` was renamed from `versions/b.py` to `plugin/b.py`
          [b] at plugin/b.py:6
          help: run `git mv plugin/b.py versions/b.py`
        ");
    }

    #[test]
    fn a_file_that_cannot_be_read_any_more_is_not_called_deleted() {
        let landed = history("<base> -> a\na -> b");
        let preview = history_and("<base> -> a", &[("versions/b.py", "revision = f()\n")]);
        let judged = with_upstream(&preview, &landed, &preview);
        let codes: Vec<u16> = run_rules(&judged).iter().map(|f| f.code.0).collect();
        assert_eq!(codes, [6]);
    }
}
