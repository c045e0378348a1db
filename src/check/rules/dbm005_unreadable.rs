//! DBM005: a file that Python, or git, cannot make sense of.

use super::{Rule, Run};
use crate::check::{Code, Finding, Judged, Level, Location, places};
use crate::script::{ScriptProblem, ScriptProblemKind};
use crate::tree::RepoPath;

pub const RULE: Rule = Rule {
    code: Code(5),
    name: "unreadable script",
    level: Level::Error,
    summary: "a script with a syntax error, conflict markers, an unknown encoding or no content",
    explanation: "\
A file of a version location cannot be read: a syntax error, conflict markers, bytes
that are not UTF-8 without a coding line, a symlink to nowhere, or an object that this
clone lacks. With an upstream: a script that both sides changed, so that git cannot
merge it.

Why it matters
  Alembic imports every file of the version locations for every command. One file that
  cannot be imported stops all of them, with a traceback.

How to mend it
  Finish the merge and `git add` the file; mend the syntax; give the file a line
  `# -*- coding: ... -*-`, or better save it as UTF-8; fetch what is missing.

Example
  <<<<<<< HEAD
  down_revision = \"a\"
  =======
  down_revision = \"b\"
  >>>>>>> feature
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    let conflicts = judged.upstream.map_or(&[][..], |upstream| upstream.conflicts);
    let is_conflict = |path: &RepoPath| conflicts.iter().any(|conflict| conflict.path == *path);
    let unreadable = judged.history.problems.iter().filter_map(|problem| match &problem.kind {
        // What the preview pieced together of both sides need not parse.
        ScriptProblemKind::Unreadable { .. }
            if judged.before_merge.is_some() && is_conflict(&problem.path) =>
        {
            None
        }
        ScriptProblemKind::Unreadable { reason } | ScriptProblemKind::NotInClone { reason } => {
            Some(unreadable(judged, problem, reason))
        }
        _ => None,
    });
    let conflicting = conflicts.iter().map(|conflict| conflicting(judged, &conflict.path));
    unreadable.chain(conflicting).collect()
}

fn unreadable(judged: &Judged<'_>, problem: &ScriptProblem, reason: &str) -> Finding {
    let path = &problem.path;
    let help = if reason.starts_with("conflict markers") {
        format!("finish the merge: edit the file, then run `git add {path}`")
    } else if matches!(problem.kind, ScriptProblemKind::NotInClone { .. }) {
        "run `git fetch --refetch` while the remote can be reached".to_owned()
    } else if reason.starts_with("not UTF-8") {
        "save the file as UTF-8, or declare its encoding in the first line".to_owned()
    } else {
        "mend the file: no alembic command runs before it can be imported".to_owned()
    };
    let revisions = judged.history.node_at(path).map(|node| judged.history.id(node).clone());
    RULE.finding(format!("`{path}` cannot be read: {reason}"))
        .at(places::of_problem(problem))
        .about(revisions)
        .help(help)
}

/// A future merge is no fault of what is judged now; a preview that is judged is.
fn conflicting(judged: &Judged<'_>, path: &RepoPath) -> Finding {
    let upstream = judged.upstream.map_or("upstream", |upstream| upstream.name);
    let level = match judged.before_merge {
        Some(_) => Level::Error,
        None => judged.would_diverge.unwrap_or(Level::Warning),
    };
    let finding = RULE
        .finding(format!(
            "`{path}` was changed on both sides: git cannot merge it with `{upstream}`"
        ))
        .at(Location::file(path.clone()))
        .help(format!("run `git merge {upstream}` and resolve the conflict"));
    Finding { level, ..finding }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history, history_and, judge, shown, with_upstream};
    use crate::check::{LandedView, MergeConflict, run_rules};

    #[test]
    fn a_syntax_error_is_shown_where_it_is() {
        let bad = "revision = 'b'\ndown_revision = 'a'\ndef upgrade(:\n    pass\n";
        let ours = history_and("<base> -> a", &[("versions/b.py", bad)]);
        insta::assert_snapshot!(shown(&RULE, &judge(&ours)), @"
        Error: `versions/b.py` cannot be read: Expected a parameter or the end of the parameter list
          [b] at versions/b.py:3
          help: mend the file: no alembic command runs before it can be imported
        ");
    }

    #[test]
    fn conflict_markers_are_named_and_are_the_only_finding() {
        let bad = "revision = 'b'\n<<<<<<< HEAD\ndown_revision = 'a'\n=======\n\
                   down_revision = 'x'\n>>>>>>> feature\n";
        let ours = history_and("<base> -> a", &[("versions/b.py", bad)]);
        insta::assert_snapshot!(shown(&RULE, &judge(&ours)), @"
        Error: `versions/b.py` cannot be read: conflict markers: the file was left in the middle of a merge
          [b] at versions/b.py:2
          help: finish the merge: edit the file, then run `git add versions/b.py`
        ");
        let codes: Vec<u16> = run_rules(&judge(&ours)).iter().map(|f| f.code.0).collect();
        assert_eq!(codes.first(), Some(&5));
        assert!(!codes.contains(&6) && !codes.contains(&13), "{codes:?}");
    }

    #[test]
    fn a_conflict_of_the_preview_is_an_error_where_the_preview_is_judged() {
        let path = RepoPath::new("versions/b.py").expect("inside");
        let conflicts = [MergeConflict { path }];
        let marked = "<<<<<<< ours\nrevision = 'b'\n=======\n>>>>>>> theirs\n";
        let ours = history("<base> -> a\na -> b");
        let preview = history_and("<base> -> a", &[("versions/b.py", marked)]);
        let upstream = LandedView {
            conflicts: &conflicts,
            ..with_upstream(&ours, &ours, &preview).upstream.expect("given")
        };
        let plain = Judged { upstream: Some(upstream), ..judge(&ours) };
        insta::assert_snapshot!(shown(&RULE, &plain), @"
        Warning: `versions/b.py` was changed on both sides: git cannot merge it with `origin/main`
          [] at versions/b.py:1
          help: run `git merge origin/main` and resolve the conflict
        ");
        let merged = Judged { history: &preview, before_merge: Some(&ours), ..plain };
        let levels: Vec<Level> = RULE.run_on(&merged).iter().map(|f| f.level).collect();
        assert_eq!(levels, [Level::Error]);
    }
}
