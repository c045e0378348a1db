//! `dbm-git check`.

use super::support::{CheckJson, ErrorJson, TestRepo, VERSIONS};
use super::{diverged, unmerged};

/// Code, level and newness of each finding.
fn found(check: &CheckJson) -> Vec<String> {
    let findings = check.components.iter().flat_map(|c| &c.findings);
    findings.map(|f| format!("{} {}{}", f.code, f.level, if f.new { " new" } else { "" })).collect()
}

#[test]
fn a_sound_history_is_one_line_and_exit_0() {
    let repo = TestRepo::new().adds("<base> -> a, root\na -> b, more");
    insta::assert_snapshot!(repo.dbm(["check"]), @"2 revisions, head b");
    let run = repo.dbm(["check", "--format", "json"]).expect_code(0);
    let check: CheckJson = run.json();
    assert!(check.ok && check.version == 1);
    let [component] = check.components.as_slice() else { panic!("{check:?}") };
    assert_eq!((component.name.as_str(), component.revisions), ("default", 2));
    assert_eq!(
        (component.heads.as_slice(), component.bases.as_slice()),
        (&["b".to_owned()][..], &["a".to_owned()][..])
    );
}

#[test]
fn diverged_heads_are_an_error_and_exit_1() {
    let repo = diverged();
    insta::assert_snapshot!(repo.dbm(["check"]), @"
    3 revisions, heads f, m
    error[DBM001]: heads `f` and `m` have diverged since `a`
      --> migrations/versions/f_feature.py:16:50
       |
    16 | down_revision: Union[str, Sequence[str], None] = 'a'
       |                                                  ^^^ head `f`, own
       |
      ::: migrations/versions/m_main_work.py:16:50
       |
    16 | down_revision: Union[str, Sequence[str], None] = 'a'
       |                                                  --- head `m`, landed on origin/main
       |
       = help: run `dbm-git rebase` to put your own revisions on top of `m`, or `dbm-git merge` to write a merge revision

    1 error
    --- exit 1
    ");
    let check: CheckJson = repo.dbm(["check", "--format", "json"]).expect_code(1).json();
    assert!(!check.ok);
    assert_eq!(found(&check), ["DBM001 error new"]);
    let finding = &check.components[0].findings[0];
    assert_eq!(finding.path.as_deref(), Some("migrations/versions/f_feature.py"));
    assert_eq!(finding.revisions, ["f", "m"]);
    assert!(finding.line.is_some_and(|line| line > 1), "{finding:?}");
    assert!(finding.help.as_deref().is_some_and(|help| help.contains("dbm-git rebase")));
}

#[test]
fn warnings_fail_only_where_they_are_asked_to() {
    let repo = TestRepo::new().adds("<base> -> a, root\na -> b, more");
    let path = format!("{VERSIONS}/b_more.py");
    repo.write(&path, repo.read(&path).replace("Revises: a", "Revises: z"));
    assert_eq!(
        found(&repo.dbm(["check", "--format", "json"]).expect_code(0).json()),
        ["DBM013 warning new"]
    );
    let strict: CheckJson =
        repo.dbm(["check", "--strict", "--format", "json"]).expect_code(1).json();
    assert!(!strict.ok);
    repo.dbm(["check", "--strict", "--quiet"]).expect_code(1);
}

#[test]
fn quiet_says_nothing_where_nothing_is_wrong() {
    let repo = TestRepo::new().adds("<base> -> a, root");
    let run = repo.dbm(["check", "--quiet"]).expect_code(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
}

#[test]
fn staged_files_are_judged_without_those_that_are_not() {
    let repo = TestRepo::new().adds("<base> -> a, root");
    repo.write_revisions("a -> b\na -> c");
    repo.git(["add", "migrations/versions/b_.py"]);
    repo.dbm(["check"]).expect_code(1);
    repo.dbm(["check", "--staged"]).expect_code(0);
    repo.git(["add", "--all"]);
    repo.dbm(["check", "--staged"]).expect_code(1);
    repo.git(["rm", "--quiet", "--cached", "migrations/versions/c_.py"]);
    repo.dbm(["check", "--staged"]).expect_code(0);
}

#[test]
fn a_commit_is_judged_whatever_is_checked_out() {
    let repo = diverged();
    repo.dbm(["check", "--at", "HEAD"]).expect_code(1);
    repo.dbm(["check", "--at", "HEAD^1"]).expect_code(0);
    repo.dbm(["check", "--at", "main"]).expect_code(0);
    repo.dbm(["rebase"]).expect_code(0);
    repo.dbm(["check"]).expect_code(0);
    repo.dbm(["check", "--at", "HEAD"]).expect_code(1);
    let error: ErrorJson =
        repo.dbm(["check", "--at", "nowhere", "--format", "json"]).expect_code(2).json();
    assert_eq!(error.error.kind, "usage");
}

#[test]
fn against_a_base_the_merge_is_judged_before_it_happens() {
    let repo = unmerged();
    repo.dbm(["check"]).expect_code(0);
    let check: CheckJson =
        repo.dbm(["check", "--base", "origin/main", "--format", "json"]).expect_code(1).json();
    assert_eq!(found(&check), ["DBM015 error new"]);
    assert_eq!(check.components[0].heads, ["f", "m"]);
    insta::assert_snapshot!(repo.dbm(["check", "--base", "origin/main", "--at", "feature"]), @"
    3 revisions, heads f, m
    error[DBM015]: merged with origin/main, heads `f` and `m` have diverged since `a`
      --> migrations/versions/f_feature.py:16:50
       |
    16 | down_revision: Union[str, Sequence[str], None] = 'a'
       |                                                  ^^^ head `f`, own
       |
      ::: migrations/versions/m_main_work.py:16:50
       |
    16 | down_revision: Union[str, Sequence[str], None] = 'a'
       |                                                  --- head `m`, landed on origin/main
       |
       = help: run `git merge origin/main`, then `dbm-git rebase`

    1 error
    --- exit 1
    ");
}

#[test]
fn in_continuous_integration_what_would_diverge_is_an_error() {
    let repo = unmerged();
    let mut check = repo.dbm_command();
    check.env("CI", "true").args(["check", "--format", "json"]);
    let run = super::support::Run::of(&mut check).expect_code(1);
    assert_eq!(found(&run.json()), ["DBM015 error new"]);
}

#[test]
fn what_upstream_has_already_is_not_new() {
    let repo =
        TestRepo::new().adds("<base> -> a\na -> b\na -> c").publish("main").branch("feature");
    let check: CheckJson = repo.dbm(["check", "--format", "json"]).expect_code(1).json();
    assert_eq!(found(&check), ["DBM001 error"]);
}

#[test]
fn a_bare_repository_is_judged_by_commit() {
    let repo = diverged().publish("feature");
    let bare = repo.beside("origin.git");
    bare.dbm(["check", "--at", "main"]).expect_code(0);
    bare.dbm(["check", "--at", "feature"]).expect_code(1);
    bare.dbm(["check"]).expect_code(0);
}

#[test]
fn what_is_ignored_is_said_and_fails_nothing() {
    let repo = diverged();
    let path = format!("{VERSIONS}/f_feature.py");
    repo.write(
        &path,
        repo.read(&path) + "# dbm-git: ignore DBM001 they meet in the release branch\n",
    );
    repo.write(
        "dbm-git.toml",
        "[[ignore]]\ncodes = [\"DBM013\"]\npaths = [\"migrations/versions/a_*\"]\n\
         reason = \"old\"\n",
    );
    insta::assert_snapshot!(repo.dbm(["check"]), @"
    3 revisions, heads f, m
    warning[DBM017]: DBM013 is ignored, and is not found
     --> dbm-git.toml:1:1
      |
    1 | [[ignore]]
      | ^^^^^^^^^^
      |
      = help: take the code, or the suppression, out

    1 warning
    ignored: DBM001 in migrations/versions/f_feature.py:16 (they meet in the release branch)
    ");
    repo.dbm(["check", "--strict"]).expect_code(1);
    repo.remove("dbm-git.toml");
    repo.dbm(["check", "--strict"]).expect_code(0);
}

#[test]
fn a_pattern_of_what_is_ignored_that_is_none_is_an_error() {
    let repo = diverged();
    repo.write(
        "dbm-git.toml",
        "upstream = \"main\"\n\n[[ignore]]\ncodes = [\"DBM001\"]\npaths = [\"a[\"]\n",
    );
    let run = repo.dbm(["check"]).expect_code(3);
    assert!(run.stderr.contains("`dbm-git.toml` line 3: "), "{run}");
    repo.write("dbm-git.toml", "[[ignore]]\ncode = \"DBM001\"\n");
    let run = repo.dbm(["check"]).expect_code(3);
    assert!(
        run.stderr.contains("`dbm-git.toml` line 2, the nearest known one is `codes`"),
        "{run}"
    );
}

#[test]
fn control_characters_of_the_repository_are_shown_escaped() {
    let repo = TestRepo::new().adds("<base> -> a\na -> b\na -> c");
    let path = format!("{VERSIONS}/b_.py");
    repo.write(&path, repo.read(&path).replace("'b'", "'b\u{1b}[31m'"));
    let run = repo.dbm(["check"]);
    assert!(!run.stdout.contains('\u{1b}'), "{run}");
    let run = repo.dbm(["graph"]);
    assert!(!run.stdout.contains('\u{1b}'), "{run}");
}
