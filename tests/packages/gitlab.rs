//! `templates/check.yml`, its job run as a runner would.

use std::path::Path;

use serde_json::Value;

use super::release::{pull_request, yaml};
use super::support::{Run, TestRepo};
use super::wheel::{environment, index};

const TEMPLATE: &str = include_str!("../../templates/check.yml");

/// The job, after GitLab has put the inputs in.
fn job(inputs: &[(&str, &str)]) -> Value {
    let declared = yaml(TEMPLATE).remove(0)["spec"]["inputs"].clone();
    let mut text = TEMPLATE.to_owned();
    for (name, input) in declared.as_object().expect("inputs") {
        let given = inputs.iter().find(|(given, _)| given == name).map(|(_, value)| *value);
        let value = given.unwrap_or_else(|| input["default"].as_str().expect("a default"));
        text = text.replace(&format!("$[[ inputs.{name} ]]"), value);
    }
    assert!(!text.contains("$[["), "an input that is not declared");
    yaml(&text).remove(1)["dbm-git"].clone()
}

/// Runs the lines of the job's script, with the Python of `image`.
fn run(repo: &TestRepo, image: &Path, job: &Value) -> Run {
    let lines = job["script"].as_array().expect("lines").iter();
    let script: String =
        lines.map(|line| line.as_str().expect("a line").to_owned() + "\n").collect();
    let path =
        format!("{}:{}", image.display(), std::env::var("PATH").expect("programs of the system"));
    let variables = job["variables"].as_object().expect("variables").iter();
    let variables = variables.map(|(name, value)| (name.as_str(), value.as_str().expect("text")));
    Run::of(
        repo.command("bash")
            .args(["-e", "-o", "pipefail", "-c", &script])
            .env("PATH", path)
            .env("GITLAB_CI", "true")
            .env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")
            .envs(variables)
            .envs(index()),
    )
}

#[test]
fn the_job_fails_for_a_merge_request_that_would_diverge_and_for_no_other() {
    let repo = pull_request(true);
    let image = environment(&repo);
    let failed = run(&repo, &image, &job(&[("version", "77.0")])).expect_code(1);
    assert!(failed.stderr.contains("dbm-git==77.0"), "{failed}");

    let job = job(&[("version", env!("CARGO_PKG_VERSION"))]);
    let failed = run(&repo, &image, &job).expect_code(1);
    assert!(failed.stdout.contains("error[DBM015]: merged with origin/main"), "{failed}");
    let report = job["artifacts"]["reports"]["codequality"].as_str().expect("a report");
    let report: Value = serde_json::from_str(&repo.read(report)).expect("JSON");
    assert_eq!(report[0]["check_name"], "DBM015");

    let passed = run(&pull_request(false), &image, &job).expect_code(0);
    assert_eq!(passed.stdout, "2 revisions, head b\n");
}
