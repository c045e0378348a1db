//! DBM018: the lock file does not say which heads there are.

use std::collections::BTreeSet;

use super::{Rule, Run};
use crate::check::diverged::diverged_heads;
use crate::check::{Code, Finding, Judged, Level, Location};

pub const RULE: Rule = Rule {
    code: Code(18),
    name: "lock file",
    level: Level::Error,
    summary: "the file HEADS is not there, or names other heads than there are",
    explanation: "\
With `lock-file = true` the file HEADS in the version location names the head, so that
git itself has a conflict where two branches add a revision on the same head.

Why it matters
  A lock file that is not kept up warns of nothing: git merges two branches without a
  conflict as long as neither of them has touched it.

How to mend it
  Run `dbm-git rebase`, which writes it, also in the middle of a merge or a rebase.
  `dbm-git create` keeps it up by itself, alembic alone does not.

Example
  migrations/versions/HEADS:   1f0c8a2d6b17      <- the head is c7190be4d583
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    let Some(lock) = judged.lock_file else { return Vec::new() };
    // Which head it ought to name is for whoever mends that to say.
    if !diverged_heads(lock.history, judged.policy).is_empty() {
        return Vec::new();
    }
    let heads = lock.history.graph.ids(lock.history.graph.heads());
    let path = lock.path;
    let message = match lock.bytes.map(String::from_utf8_lossy) {
        None => format!("the lock file `{path}` is missing"),
        Some(text) if text.contains("<<<<<<<") => {
            format!("the lock file `{path}` has conflict markers")
        }
        Some(text) => {
            let named: BTreeSet<&str> =
                text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
            if named == heads.iter().map(|head| head.as_str()).collect() {
                return Vec::new();
            }
            format!("the lock file `{path}` names {}, which is not the head", named_in(&named))
        }
    };
    // Not about the heads: the file is the same finding, whatever is added above them.
    let finding = RULE.finding(message).at(Location::file(path.clone()));
    vec![finding.help("run `dbm-git rebase`, which writes it")]
}

/// What the file names, if that can be ids: it may be a link to whatever else, and
/// that is nobody's to read in a log.
fn named_in(named: &BTreeSet<&str>) -> String {
    let is_id = |text: &&str| {
        text.len() <= 64 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.".contains(&b))
    };
    match named.len() {
        0 => "nothing".to_owned(),
        1..=4 if named.iter().all(is_id) => {
            named.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
        }
        _ => "something else".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::LockFile;
    use crate::check::testing::{history, judge, shown};
    use crate::tree::RepoPath;

    #[track_caller]
    fn check(notation: &str, text: Option<&str>, expected: &str) {
        let history = history(notation);
        let path = RepoPath::new("versions/HEADS").expect("inside");
        let lock = LockFile { path: &path, bytes: text.map(str::as_bytes), history: &history };
        let judged = Judged { lock_file: Some(lock), ..judge(&history) };
        let said = shown(&RULE, &judged);
        assert_eq!(said.lines().next().unwrap_or_default(), expected);
    }

    #[test]
    fn it_has_to_name_the_heads_and_nothing_else() {
        let line = "<base> -> a\na -> b";
        check(line, Some("b\n"), "");
        check(line, Some("b\r\n\r\n"), "");
        check(line, None, "Error: the lock file `versions/HEADS` is missing");
        check(
            line,
            Some("a\n"),
            "Error: the lock file `versions/HEADS` names `a`, which is not the head",
        );
        check(
            line,
            Some(""),
            "Error: the lock file `versions/HEADS` names nothing, which is not the head",
        );
        let other =
            "Error: the lock file `versions/HEADS` names something else, which is not the head";
        check(line, Some("[core]\nurl = https://x:secret@y\n"), other);
        check(line, Some("a\nc\nd\ne\nf\n"), other);
        let marked = "<<<<<<< HEAD\nb\n=======\na\n>>>>>>> other\n";
        check(line, Some(marked), "Error: the lock file `versions/HEADS` has conflict markers");
        check("<base> -> a (x)\n<base> -> b (y)", Some("a\nb\n"), "");
    }

    #[test]
    fn what_upstream_has_neglected_already_is_not_new() {
        use crate::check::run_rules;
        use crate::check::testing::with_upstream;
        let (ours, landed) =
            (history("<base> -> a\na -> b\nb -> c"), history("<base> -> a\na -> b"));
        let path = RepoPath::new("versions/HEADS").expect("inside");
        let lock = |history, text: &'static str| {
            Some(LockFile { path: &path, bytes: Some(text.as_bytes()), history })
        };
        for (theirs, is_new) in [("a\n", false), ("b\n", true)] {
            let mut judged = with_upstream(&ours, &landed, &ours);
            judged.lock_file = lock(&ours, "a\n");
            let upstream = judged.upstream.as_mut().expect("an upstream");
            upstream.lock_file = lock(&landed, theirs);
            let found = run_rules(&judged);
            let told: Vec<_> = found.iter().map(|f| (f.code, f.is_new)).collect();
            assert_eq!(told, [(Code(18), is_new)], "{theirs}");
        }
    }

    #[test]
    fn of_diverged_heads_it_says_nothing() {
        check("<base> -> a\na -> b\na -> c", Some("b\n"), "");
    }
}
