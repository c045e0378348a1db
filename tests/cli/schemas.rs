//! Every answer is valid by the schema that `dbm-git schema` prints for it, and
//! the configuration's schema judges a configuration as the program does.

use jsonschema::Validator;
use serde_json::Value;

use super::diverged;
use super::support::{Run, TestRepo};

/// The schema that the program prints, ready to judge.
#[track_caller]
fn validator(name: &str) -> Validator {
    let schema: Value = TestRepo::empty().dbm(["schema", name]).expect_code(0).json();
    jsonschema::validator_for(&schema).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Holds the answer of `args` against the schema `name`.
#[track_caller]
fn check(repo: &TestRepo, name: &str, code: i32, args: &[&str]) -> Value {
    let run = repo.dbm(args.iter().chain(&["--format", "json"])).expect_code(code);
    valid(name, &run)
}

#[track_caller]
fn valid(name: &str, run: &Run) -> Value {
    let answer: Value = run.json();
    let validator = validator(name);
    let errors: Vec<String> = validator.iter_errors(&answer).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{name}: {errors:?}\n{run}");
    answer
}

#[test]
fn what_is_said_of_files_is_valid() {
    let repo = diverged();
    check(&repo, "check", 1, &["check"]);
    check(&repo, "graph", 0, &["graph"]);
    check(&repo, "rebase", 0, &["rebase", "--dry-run"]);
    check(&repo, "merge", 0, &["merge", "--dry-run"]);
    check(&repo, "rebase", 0, &["rebase"]);
    check(&repo, "log", 0, &["log"]);
    check(&repo, "log", 0, &["log", "1"]);
    check(&repo, "undo", 0, &["undo"]);
    check(&repo, "recover", 0, &["recover"]);
    check(&repo, "merge", 0, &["merge"]);
    check(&repo, "explain", 0, &["explain"]);
    check(&repo, "explain", 0, &["explain", "1"]);
    check(&TestRepo::new(), "graph", 0, &["graph"]);
}

#[test]
fn what_is_said_of_a_refusal_is_valid() {
    let repo = TestRepo::new().adds("<base> -> a\nx -> b");
    let answer = check(&repo, "rebase", 1, &["rebase"]);
    assert!(answer["components"][0]["refused"].is_string(), "{answer}");
}

#[test]
fn what_is_said_of_databases_is_valid() {
    let repo = TestRepo::new().adds("<base> -> a\na -> b");
    check(&repo, "status", 0, &["status"]);
    check(&repo, "migrate", 0, &["migrate", "--dry-run"]);
    check(&repo, "migrate", 0, &["migrate"]);
    check(&repo, "migrate", 0, &["migrate", "--direction", "downgrade", "--target", "-1"]);
    check(&repo, "status", 0, &["status"]);
    check(&repo, "sync", 0, &["sync", "--dry-run"]);
    let tried = check(&repo, "sync", 0, &["sync", "--dry-run", "--verify"]);
    assert_eq!(tried["components"][0]["trial"]["verdict"], "passed", "{tried}");
    let verified = check(&repo, "verify", 0, &["verify", "--from-empty"]);
    assert_eq!(verified["components"][0]["models"]["state"], "no-models", "{verified}");
    check(&repo, "sync", 0, &["sync"]);
    check(&repo, "create", 0, &["create", "-m", "orders"]);
    check(&repo, "undo", 0, &["undo"]);
    check(&repo, "log", 0, &["log"]);
    check(&repo, "status", 0, &["status", "--database-url", "sqlite:///nowhere/at/all.db"]);
}

#[test]
fn what_is_said_of_snapshots_is_valid() {
    let repo = TestRepo::new().adds("<base> -> a");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    check(&repo, "snapshots", 0, &["snapshots"]);
    check(&repo, "snapshots", 0, &["snapshots", "save", "demo"]);
    check(&repo, "snapshots", 0, &["snapshots", "restore", "demo", "--dry-run"]);
    let answer = check(&repo, "snapshots", 0, &["snapshots", "restore", "demo"]);
    assert_eq!(answer["restored"][0]["kept"]["branch"], "main", "{answer}");
    check(&repo, "snapshots", 0, &["snapshots", "drop", "main"]);
    check(&repo, "snapshots", 0, &["snapshots", "prune", "--dry-run"]);
    let answer = check(&repo, "snapshots", 0, &["snapshots", "list"]);
    assert_eq!(answer["snapshots"].as_array().map(Vec::len), Some(1), "{answer}");
    check(&repo, "log", 0, &["log"]);
}

#[test]
fn what_is_said_of_the_clone_is_valid() {
    let repo = TestRepo::new().adds("<base> -> a").publish("main");
    check(&repo, "doctor", 1, &["doctor"]);
    repo.alembic(["upgrade", "head"]).expect_code(0);
    check(&repo, "doctor", 0, &["doctor", "--fix"]);
    check(&repo, "install", 0, &["install"]);
    check(&repo, "uninstall", 0, &["uninstall"]);
}

#[test]
fn every_failure_is_valid() {
    let repo = diverged();
    for (code, args) in [
        (2, &["check", "--nonsense"][..]),
        (2, &["explain", "DBM099"]),
        (2, &["check", "--component", "nobody"]),
        (2, &["undo", "7"]),
    ] {
        check(&repo, "error", code, args);
    }
    let empty = TestRepo::empty();
    check(&empty, "error", 3, &["check"]);
}

#[test]
fn a_field_that_a_newer_version_adds_stays_valid_and_a_missing_one_is_not() {
    let validator = validator("check");
    let answer: Value = diverged().dbm(["check", "--format", "json"]).expect_code(1).json();
    let mut newer = answer.clone();
    newer["components"][0]["findings"][0]["since"] = "tomorrow".into();
    assert!(validator.is_valid(&newer));
    let mut poorer = answer.clone();
    poorer["components"][0]["findings"][0].as_object_mut().expect("a finding").remove("level");
    assert!(!validator.is_valid(&poorer));
    let mut wrong = answer;
    wrong["components"][0]["findings"][0]["level"] = "fatal".into();
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn every_command_that_answers_in_json_has_a_schema() {
    let help = TestRepo::empty().dbm(["help"]).expect_code(0).stdout;
    let commands = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let commands = commands.take_while(|line| !line.is_empty());
    // These write a text that somebody else reads.
    let plain = ["demo", "completions", "man", "schema", "help"];
    let mut seen = 0;
    for name in commands.filter_map(|line| line.split_whitespace().next()) {
        let run = TestRepo::empty().dbm(["schema", name]);
        assert_eq!(run.code == 0, !plain.contains(&name), "{name}: {run}");
        seen += 1;
    }
    assert!(seen > 15, "{help}");
}

/// What the configuration's schema makes of a text, and what the program does.
#[track_caller]
fn judge(toml: &str, is_good: bool) {
    let table: toml::Table = toml.parse().unwrap_or_else(|error| panic!("{error}\n{toml}"));
    let value = serde_json::to_value(table).expect("no dates in here");
    let validator = validator("config");
    let errors: Vec<String> = validator.iter_errors(&value).map(|e| e.to_string()).collect();
    assert_eq!(errors.is_empty(), is_good, "the schema says {errors:?} of\n{toml}");
    let repo = TestRepo::new().adds("<base> -> a").publish("main");
    for folder in ["billing/db/versions", "shop/versions"] {
        repo.write(&format!("{folder}/b.py"), "revision = 'b'\ndown_revision = None\n");
    }
    repo.write("dbm-git.toml", toml);
    let run = repo.dbm(["check"]);
    assert_eq!(run.code, if is_good { 0 } else { 3 }, "{run}\n{toml}");
    // The same table in pyproject.toml is judged the same.
    repo.remove("dbm-git.toml");
    let mut tool = toml::Table::new();
    tool.insert("dbm-git".to_owned(), toml.parse::<toml::Table>().expect("parsed before").into());
    let mut shared = toml::Table::new();
    shared.insert("tool".to_owned(), tool.into());
    repo.write("pyproject.toml", shared.to_string());
    let run = repo.dbm(["check"]);
    assert_eq!(run.code, if is_good { 0 } else { 3 }, "{run}\n{shared}");
}

#[test]
fn good_configurations_are_valid() {
    let readme = include_str!("../../README.md").split("```toml\n").nth(1).expect("an example");
    judge(readme.split("```").next().expect("its text"), true);
    judge("", true);
    judge("upstream = 'origin/main'\nprotected = ['origin/release/*']\nids = 'random'", true);
    judge("[components.shop]\nscript-location = 'shop'\nrecursive = true\ndefault = true", true);
    judge("[components.shop]\nversion-locations = ['shop/versions']\nheads = 'auto'", true);
}

#[test]
fn bad_configurations_are_not() {
    judge("upstreams = 'origin/main'", false);
    judge("upstream = 1", false);
    judge("protected = 'origin/release/*'", false);
    judge("strategy = 'squash'", false);
    judge("pre-push = 'off'", false);
    judge("heads = 'many'", false);
    judge("[components.shop]\nsection = 'alembic'", false);
    judge("[components.shop]\nconfig = 'alembic.ini'\ndatabase_url = 'sqlite://'", false);
    judge("[components.shop]\nconfig = 'alembic.ini'\nrecursive = 'yes'", false);
    judge("[components.'my shop']\nconfig = 'alembic.ini'", false);
    judge("[components.shop]\nversion-locations = []", false);
}
