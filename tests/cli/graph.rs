//! `dbm-git graph`.

use super::diverged;
use super::support::{GraphJson, Run, TestRepo};

#[test]
fn the_history_is_drawn_with_what_has_landed() {
    let repo = diverged();
    let mut graph = repo.dbm_command();
    let run = Run::of(graph.env("NO_COLOR", "1").arg("graph")).expect_code(0);
    insta::assert_snapshot!(run, @"
    ◈  a -> f (head), feature
    │ ◉  a -> m (head), main work
    ├─╯
    ●  <base> -> a (branchpoint), root
    ◉ landed head   ◈ own head   ● landed
    ");
}

#[test]
fn colours_can_be_forced() {
    let repo = diverged();
    let run = repo.dbm(["graph", "--color", "always"]).expect_code(0);
    insta::assert_snapshot!(run.stdout.replace('\u{1b}', "ESC"), @"
    ESC[1mESC[32m◈ESC[0m  a -> f (head), feature
    │ ESC[1mESC[34m◉ESC[0m  a -> m (head), main work
    ├─╯
    ESC[34m●ESC[0m  <base> -> a (branchpoint), root
    ESC[1mESC[34m◉ESC[0m landed head   ESC[1mESC[32m◈ESC[0m own head   ESC[34m●ESC[0m landed
    ");
    let mut graph = repo.dbm_command();
    let forced = Run::of(graph.env("CLICOLOR_FORCE", "1").arg("graph")).expect_code(0);
    assert_eq!(forced.stdout, run.stdout);
    let never = repo.dbm(["graph", "--color", "never"]).expect_code(0);
    assert!(!never.stdout.contains('\u{1b}'), "{never}");
}

#[test]
fn a_limit_counts_revisions() {
    let repo = TestRepo::new().adds("<base> -> a\na -> b\na -> c\nb, c -> d\nd -> e");
    insta::assert_snapshot!(repo.dbm(["graph", "-n", "3"]), @"
    ◉  d -> e (head), empty message
    ○  b, c -> d (mergepoint), empty message
    ├─╮
    │ ○  a -> c, empty message
    ◉ head   ○ revision
    ");
    insta::assert_snapshot!(repo.dbm(["graph", "-n", "3", "--quiet"]), @"
    ◉  d -> e (head), empty message
    ○  b, c -> d (mergepoint), empty message
    ├─╮
    │ ○  a -> c, empty message
    ");
    assert_eq!(repo.dbm(["graph", "-n", "99"]).stdout, repo.dbm(["graph"]).stdout);
}

#[test]
fn the_json_has_every_revision() {
    let repo = diverged();
    let graph: GraphJson = repo.dbm(["graph", "--format", "json", "-n", "1"]).expect_code(0).json();
    let [component] = graph.components.as_slice() else { panic!("{graph:?}") };
    assert_eq!((component.name.as_str(), graph.version), ("default", 1));
    let mut revisions: Vec<String> = component
        .revisions
        .iter()
        .map(|r| {
            format!(
                "{} -> {}, {} {:?}",
                r.down_revisions.join(" "),
                r.revision,
                r.message,
                r.landed
            )
        })
        .collect();
    revisions.sort();
    insta::assert_snapshot!(revisions.join("\n"), @"
     -> a, root Some(true)
    a -> f, feature Some(false)
    a -> m, main work Some(true)
    ");
}

#[test]
fn another_commit_can_be_drawn() {
    let repo = diverged();
    insta::assert_snapshot!(repo.dbm(["graph", "--at", "main"]), @"
    ◉  a -> m (head), main work
    ●  <base> -> a, root
    ◉ landed head   ● landed
    ");
}
