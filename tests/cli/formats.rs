//! `dbm-git check --format ..`: what CI systems read, held against their schemas.

use std::path::Path;

use serde_json::Value;

use super::support::{Run, TestRepo, VERSIONS, test_python};
use super::{diverged, unmerged};

/// Fails the test unless `answer` is as the schema in tests/fixtures/schemas wants it.
#[track_caller]
fn validate(repo: &TestRepo, answer: &str, schema: &str) {
    const VALIDATE: &str = "\
import json, sys
schema, answer = sys.argv[1:]
if schema.endswith('.xsd'):
    import xmlschema
    xmlschema.XMLSchema(schema).validate(answer)
else:
    import jsonschema
    schema = json.load(open(schema, encoding='utf-8'))
    validator = jsonschema.validators.validator_for(schema)
    validator.check_schema(schema)
    validator(schema).validate(json.load(open(answer, encoding='utf-8')))
";
    let schemas = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/schemas");
    repo.write("../answer", answer);
    let mut python = repo.command(test_python());
    python.args(["-c", VALIDATE]).arg(schemas.join(schema)).arg("../answer");
    Run::of(&mut python).expect_code(0);
}

/// The answer in `format`, valid by `schema`.
#[track_caller]
fn answer(repo: &TestRepo, format: &str, schema: &str, code: i32) -> String {
    let run = repo.dbm(["check", "--format", format]).expect_code(code);
    assert_eq!(run.stderr, "", "{run}");
    validate(repo, &run.stdout, schema);
    run.stdout
}

const SCHEMAS: [(&str, &str); 4] = [
    ("sarif", "sarif-2.1.0.json"),
    ("gitlab", "gitlab-code-quality.json"),
    ("rdjson", "rdjson.json"),
    ("junit", "junit-10.xsd"),
];

/// Diverged heads, a stale docstring and a file that is no Python, in a folder
/// and with names that have to be escaped.
fn awkward() -> TestRepo {
    let repo = diverged();
    let path = format!("{VERSIONS}/f_feature.py");
    repo.write(&path, repo.read(&path).replace("Revises: a", "Revises: ä"));
    repo.write(&format!("{VERSIONS}/50% a,b:ü.py"), "def (\n");
    repo
}

#[test]
fn every_format_is_valid_by_its_schema_and_fails_as_the_human_one_does() {
    for (repo, code) in [(diverged(), 1), (awkward(), 1), (unmerged(), 0)] {
        repo.dbm(["check"]).expect_code(code);
        for (format, schema) in SCHEMAS {
            answer(&repo, format, schema, code);
        }
        repo.dbm(["check", "--format", "github"]).expect_code(code);
    }
}

#[test]
fn each_revision_of_a_verification_is_a_case_with_its_time() {
    let repo = TestRepo::new().adds("<base> -> a, root\na -> b, ]]> & <b>\nb -> c, above");
    let run = repo.dbm(["verify", "--from-empty", "--format", "junit"]).expect_code(0);
    validate(&repo, &run.stdout, "junit-10.xsd");
    assert!(run.stdout.contains("tests=\"3\" failures=\"0\""), "{run}");
    assert!(!run.stdout.contains("time=\"0\"") && !run.stdout.contains("0.000"), "{run}");
    let path = format!("{VERSIONS}/b_b.py");
    repo.write(&path, repo.read(&path).replace("op.create_table('t_b'", "op.create_table('t_a'"));
    let run = repo.dbm(["verify", "--from-empty", "--format", "junit"]).expect_code(1);
    validate(&repo, &run.stdout, "junit-10.xsd");
    for words in ["type=\"upgrade-fails\"", &path, "t_a", "<skipped/>", "skipped=\"1\""] {
        assert!(run.stdout.contains(words), "no `{words}` in {run}");
    }
}

#[test]
fn the_schemas_refuse_what_is_wrong() {
    let repo = diverged();
    let sarif = answer(&repo, "sarif", "sarif-2.1.0.json", 1);
    for (text, schema) in [
        (sarif.replace("\"ruleId\"", "\"ruleld\""), "sarif-2.1.0.json"),
        ("[{}]".to_owned(), "gitlab-code-quality.json"),
        ("{\"diagnostics\": 1}".to_owned(), "rdjson.json"),
        ("<testsuites><testsuite/></testsuites>".to_owned(), "junit-10.xsd"),
    ] {
        let refused = std::panic::catch_unwind(|| validate(&diverged(), &text, schema));
        assert!(refused.is_err(), "{schema} takes {text}");
    }
}

#[test]
fn diverged_heads_have_path_line_and_columns_in_every_format() {
    let repo = diverged();
    let path = "migrations/versions/f_feature.py";
    let json = |format, schema| -> Value {
        serde_json::from_str(&answer(&repo, format, schema, 1)).expect("JSON")
    };
    let sarif = json("sarif", "sarif-2.1.0.json");
    let place = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], path);
    let region = serde_json::json!(
        {"startLine": 16, "startColumn": 50, "endLine": 16, "endColumn": 53}
    );
    assert_eq!(place["region"], region);
    let gitlab = json("gitlab", "gitlab-code-quality.json");
    assert_eq!(gitlab[0]["location"], serde_json::json!({"path": path, "lines": {"begin": 16}}));
    let rdjson = json("rdjson", "rdjson.json");
    let range = &rdjson["diagnostics"][0]["location"]["range"];
    assert_eq!(range["start"], serde_json::json!({"line": 16, "column": 50}));
    let junit = answer(&repo, "junit", "junit-10.xsd", 1);
    assert!(junit.contains(&format!("DBM001 diverged heads {path}:16:50")), "{junit}");
}

#[test]
fn a_fingerprint_stays_when_lines_move() {
    let repo = awkward();
    let fingerprints = || {
        let text = answer(&repo, "gitlab", "gitlab-code-quality.json", 1);
        let issues: Vec<Value> = serde_json::from_str(&text).expect("JSON");
        issues.iter().map(|i| (i["fingerprint"].clone(), i["location"].clone())).unzip()
    };
    let before: (Vec<Value>, Vec<Value>) = fingerprints();
    let path = format!("{VERSIONS}/f_feature.py");
    repo.write(&path, format!("# new\n\n{}", repo.read(&path)));
    let after = fingerprints();
    assert_eq!(before.0, after.0);
    assert_ne!(before.1, after.1);
}

#[test]
fn github_gets_its_commands_and_nothing_else() {
    insta::assert_snapshot!(diverged().dbm(["check", "--format", "github"]), @"
    ::error file=migrations/versions/f_feature.py,line=16,endLine=16,col=50,endColumn=53,title=DBM001 diverged heads::heads `f` and `m` have diverged since `a`%0Amigrations/versions/m_main_work.py:16:50: head `m`, landed on origin/main%0Ahelp: run `dbm-git rebase` to put your own revisions on top of `m`, or `dbm-git merge` to write a merge revision
    --- exit 1
    ");
}

/// `check` as the runner of GitHub Actions starts it.
fn in_github_actions(repo: &TestRepo, args: &[&str]) -> Run {
    let mut command = repo.dbm_command();
    command.env("GITHUB_ACTIONS", "true").env("GITHUB_STEP_SUMMARY", "../summary.md");
    Run::of(command.arg("check").args(args))
}

#[test]
fn in_github_actions_the_answer_is_for_people_and_the_runner_is_told_beside_it() {
    let repo = diverged();
    let plain = repo.dbm(["check"]);
    let commands = repo.dbm(["check", "--format", "github"]).stdout;
    let run = in_github_actions(&repo, &[]).expect_code(1);
    assert_eq!((&run.stdout, &run.stderr), (&plain.stdout, &commands));
    insta::assert_snapshot!(repo.read("../summary.md"), @r#"
    ### dbm-git check: 1 error

    ```mermaid
    flowchart BT
      n0["a: root<br>landed"]:::landed
      n1["f: feature<br>own"]:::own
      n2["m: main work<br>landed"]:::landed
      n0 --> n1
      n0 --> n2
      classDef own stroke-width:3px
      classDef landed stroke-dasharray:4 3
    ```

    What helps:

    - run `dbm-git rebase` to put your own revisions on top of `m`, or `dbm-git merge` to write a merge revision

    | | where | finding |
    |---|---|---|
    | error | migrations/versions/f\_feature.py:16:50 | **DBM001 diverged heads**<br>heads `f` and `m` have diverged since `a`<br>run `dbm-git rebase` to put your own revisions on top of `m`, or `dbm-git merge` to write a merge revision |
    "#);

    // What a program reads is left alone.
    let before = repo.read("../summary.md");
    let json = in_github_actions(&repo, &["--format", "json"]);
    assert_eq!(json.stderr, "");
    assert_eq!(repo.read("../summary.md"), before);

    in_github_actions(&repo, &["--format", "github"]).expect_code(1);
    assert_eq!(repo.read("../summary.md").matches("### dbm-git check").count(), 2);
}

#[test]
fn what_would_diverge_is_drawn_from_the_merge_preview() {
    let repo = unmerged();
    let run = in_github_actions(&repo, &[]).expect_code(1);
    assert!(run.stderr.starts_with("::error file=migrations/versions/f_feature.py,"), "{run}");
    let summary = repo.read("../summary.md");
    assert!(summary.contains("m: main work<br>landed"), "{summary}");
    assert!(
        summary.contains("- run `git fetch`, `git merge origin/main`, then `dbm-git rebase`"),
        "{summary}"
    );
}

#[test]
fn a_step_summary_that_cannot_be_written_is_a_note() {
    let repo = diverged();
    let mut command = repo.dbm_command();
    command.env("GITHUB_STEP_SUMMARY", "nowhere/summary.md");
    let run = Run::of(command.args(["check", "--format", "github"])).expect_code(1);
    assert!(run.stderr.starts_with("note: cannot write the step summary"), "{run}");
}
