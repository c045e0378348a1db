//! The built program from outside: streams, exit codes, the published JSON, and
//! what the real alembic then makes of the files.

use super::support::{CheckJson, ErrorJson, GraphJson, RebaseJson, StatusJson, TestRepo};

/// ```text
/// root ── m        (main, landed)
///    └─── f ── g   (feature)
/// ```
fn diverged() -> TestRepo {
    TestRepo::new()
        .adds("<base> -> root")
        .branch("feature")
        .adds("root -> f\nf -> g")
        .on("main", "root -> m")
        .publish("main")
        .merge_into("feature")
}

#[test]
fn a_history_with_one_head_passes() {
    let repo = TestRepo::new().adds("<base> -> a\na -> b, add users");
    let check: CheckJson = repo.dbm(["check", "--format", "json"]).expect_code(0).json();
    assert!(check.ok);
    assert_eq!(check.version, 1);
    let [component] = &check.components[..] else { panic!("one component: {check:?}") };
    assert_eq!(component.heads, ["b"]);
    assert_eq!(component.bases, ["a"]);
    assert_eq!(component.revisions, 2);
    assert!(component.findings.is_empty(), "{:?}", component.findings);
}

#[test]
fn diverged_heads_fail_the_check() {
    let check: CheckJson = diverged().dbm(["check", "--format", "json"]).expect_code(1).json();
    assert!(!check.ok);
    let findings = &check.components[0].findings;
    let found: Vec<_> = findings.iter().map(|f| (f.code.as_str(), f.level.as_str())).collect();
    assert_eq!(found, [("DBM001", "error")]);
    assert!(findings[0].new);
    let mut revisions = findings[0].revisions.clone();
    revisions.sort();
    assert_eq!(revisions, ["g", "m"]);
}

#[test]
fn the_graph_tells_landed_from_own() {
    let graph: GraphJson = diverged().dbm(["graph", "--format", "json"]).expect_code(0).json();
    let mut landed: Vec<_> =
        graph.components[0].revisions.iter().map(|r| (r.revision.as_str(), r.landed)).collect();
    landed.sort();
    let expected =
        [("f", Some(false)), ("g", Some(false)), ("m", Some(true)), ("root", Some(true))];
    assert_eq!(landed, expected);
}

#[test]
fn rebasing_re_points_the_first_own_revision_and_alembic_runs_all() {
    let repo = diverged();
    let rebase: RebaseJson = repo.dbm(["rebase", "--format", "json"]).expect_code(0).json();
    let [component] = &rebase.components[..] else { panic!("one component: {rebase:?}") };
    assert_eq!(component.refused, None);
    assert_eq!(component.heads, ["g"]);
    let moved: Vec<_> = component
        .moved
        .iter()
        .map(|m| (m.revision.as_str(), m.from.join(","), m.to.join(","), m.path.as_str()))
        .collect();
    let path = "migrations/versions/f_.py";
    assert_eq!(moved, [("f", "root".to_owned(), "m".to_owned(), path)]);
    assert_eq!(repo.git(["status", "--porcelain"]), format!(" M {path}"));

    assert_eq!(repo.alembic(["heads"]).expect_code(0).stdout, "g (head)\n");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    assert_eq!(repo.alembic(["current"]).expect_code(0).stdout, "g (head)\n");
    repo.alembic(["downgrade", "base"]).expect_code(0);
}

#[test]
fn a_dry_run_of_rebase_changes_nothing() {
    let repo = diverged();
    let before = repo.read("migrations/versions/f_.py");
    let run = repo.dbm(["rebase", "--dry-run", "--format", "json"]).expect_code(0);
    let rebase: RebaseJson = run.json();
    assert!(rebase.dry_run);
    assert_eq!(rebase.operation, None);
    assert_eq!(rebase.components[0].moved.len(), 1);
    assert_eq!(repo.read("migrations/versions/f_.py"), before);
    assert_eq!(repo.git(["status", "--porcelain"]), "");
}

#[test]
fn undo_brings_the_bytes_back() {
    let repo = diverged();
    let before = repo.read("migrations/versions/f_.py");
    repo.dbm(["rebase"]).expect_code(0);
    assert_ne!(repo.read("migrations/versions/f_.py"), before);
    repo.dbm(["undo"]).expect_code(0);
    assert_eq!(repo.read("migrations/versions/f_.py"), before);
    assert_eq!(repo.git(["status", "--porcelain"]), "");
}

#[test]
fn the_status_follows_the_database() {
    let repo = TestRepo::new().adds("<base> -> a\na -> b");
    let state = |repo: &TestRepo| {
        let status: StatusJson = repo.dbm(["status", "--format", "json"]).expect_code(0).json();
        let [component] = &status.components[..] else { panic!("one component: {status:?}") };
        (component.state.clone(), component.current.clone(), component.pending.clone())
    };
    let ids = |list: &[&str]| list.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
    assert_eq!(state(&repo), ("no-revision".to_owned(), ids(&[]), ids(&["a", "b"])));
    repo.alembic(["upgrade", "a"]).expect_code(0);
    assert_eq!(state(&repo), ("behind".to_owned(), ids(&["a"]), ids(&["b"])));
    repo.alembic(["upgrade", "head"]).expect_code(0);
    assert_eq!(state(&repo), ("up-to-date".to_owned(), ids(&["b"]), ids(&[])));
}

#[test]
fn a_repository_without_alembic_is_a_configuration_error() {
    let repo = TestRepo::empty();
    repo.write("README", "nothing here\n");
    repo.commit("Start");
    let run = repo.dbm(["check", "--format", "json"]).expect_code(3);
    let error: ErrorJson = run.json();
    assert_eq!(error.version, 1);
    assert!(!error.error.message.is_empty());
    assert!(!error.error.hints.is_empty());
}

#[test]
fn an_unknown_flag_is_wrong_usage() {
    let run = TestRepo::new().dbm(["check", "--no-such-flag"]).expect_code(2);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("--no-such-flag"), "{run}");
}

#[test]
fn without_a_command_it_shows_what_there_is_and_what_to_do_next() {
    let repo = diverged();
    insta::assert_snapshot!(repo.dbm([] as [&str; 0]), @"
    branch:    feature, to land on origin/main
    files:     4 revisions, 2 of your own, diverged heads `g`, `m`
    database:  sqlite:///db.sqlite, 4 pending once there is one head
    hooks:     not installed
    next:      dbm-git rebase  (puts your own revisions on top of the landed ones)
    ");
    repo.dbm(["rebase"]).expect_code(0);
    insta::assert_snapshot!(repo.dbm([] as [&str; 0]), @"
    branch:    feature, to land on origin/main
    files:     4 revisions, 2 of your own, head `g`
    database:  ❓ sqlite:///db.sqlite has run no revision, 4 pending
    hooks:     not installed
    next:      dbm-git migrate  (runs what is pending)
    ");
    repo.dbm(["migrate"]).expect_code(0);
    repo.dbm(["install"]).expect_code(0);
    insta::assert_snapshot!(repo.dbm([] as [&str; 0]), @"
    branch:    feature, to land on origin/main
    files:     4 revisions, 2 of your own, head `g`
    database:  ✅ sqlite:///db.sqlite is up to date
    hooks:     in place
    next:      git commit  (changed revisions are not committed yet)
    ");
    repo.commit("Rebase");
    let run = repo.dbm(["--format", "json"]).expect_code(0);
    let json: serde_json::Value = run.json();
    assert_eq!(json["components"][0]["database"]["state"], "up-to-date");
    assert_eq!((&json["hooks"], &json["next"]), (&"all".into(), &serde_json::Value::Null));
}

#[test]
fn without_a_command_and_a_repository_it_shows_its_help() {
    let repo = TestRepo::new();
    let run = repo.beside("home").dbm([] as [&str; 0]).expect_code(0);
    assert!(run.stdout.contains("Usage: dbm-git"), "{run}");
    let run = repo.beside("home").dbm(["--format", "json"]).expect_code(3);
    assert!(run.stdout.contains("\"environment\""), "{run}");
}
