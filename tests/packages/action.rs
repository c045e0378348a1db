//! `action.yml`, its steps run as GitHub's runner would.

use std::path::PathBuf;

use serde_json::Value;

use super::release::{pull_request, tool, yaml};
use super::support::{Run, TestRepo, test_python};
use super::wheel::index;

const ACTION: &str = include_str!("../../action.yml");

/// What a workflow gives the action.
type With<'a> = &'a [(&'a str, &'a str)];

/// `text` with `${{ inputs.NAME }}` filled in, and nothing else.
#[track_caller]
fn filled_in(text: &str, inputs: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    for (name, value) in inputs {
        text = text.replace(&format!("${{{{ inputs.{name} }}}}"), value);
    }
    assert!(!text.contains("${{"), "{text}");
    text
}

/// All inputs, by their defaults where `with` does not say.
#[track_caller]
fn inputs(action: &Value, with: With) -> Vec<(String, String)> {
    let declared = action["inputs"].as_object().expect("inputs");
    for (name, _) in with {
        assert!(declared.contains_key(*name), "there is no input `{name}`");
    }
    let value = |name: &str, input: &Value| {
        let given = with.iter().find(|(given, _)| *given == name).map(|(_, value)| *value);
        given.or(input["default"].as_str()).expect("a default").to_owned()
    };
    declared.iter().map(|(name, input)| (name.clone(), value(name, input))).collect()
}

/// Runs the action in `repo`, to its first step that fails. `tools` are what the
/// runner has installed besides Python.
#[track_caller]
fn run(repo: &TestRepo, tools: &[PathBuf], with: With) -> Run {
    let action = yaml(ACTION).remove(0);
    assert_eq!(action["runs"]["using"], "composite");
    let inputs = inputs(&action, with);
    let is_empty = |wanted: &str| inputs.iter().any(|(name, v)| name == wanted && v.is_empty());
    // With a program that is there, there is no need for a wheel.
    let is_installing = is_empty("binary");
    let temporary = repo.home().join("runner");
    std::fs::create_dir(&temporary).expect("a new folder");
    let path_file = temporary.join("path");
    std::fs::write(&path_file, "").expect("a new file");

    let mut all = Run { code: 0, stdout: String::new(), stderr: String::new() };
    for step in action["runs"]["steps"].as_array().expect("steps") {
        assert_eq!(step["shell"], "bash");
        match step["if"].as_str() {
            None => {}
            Some("inputs.command != ''") if is_empty("command") => continue,
            Some("inputs.command != ''") => {}
            Some(condition) => panic!("not known to the test: {condition}"),
        }
        let script = step["run"].as_str().expect("a script");
        // What a pull request may have a hand in must not become code.
        assert!(!script.contains("${{"), "{script}");
        let python = test_python().parent().expect("a folder").to_path_buf();
        let added = std::fs::read_to_string(&path_file).expect("it is there");
        let first = added.lines().rev().map(PathBuf::from).chain(tools.iter().cloned());
        let system = std::env::var_os("PATH").expect("programs of the system");
        let folders = first.chain([python]).chain(std::env::split_paths(&system));
        let folder = filled_in(step["working-directory"].as_str().unwrap_or("."), &inputs);
        let variables = step["env"].as_object().expect("variables").iter();
        let run =
            Run::of(
                repo.command("bash")
                    .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
                    .current_dir(repo.path().join(folder))
                    .env("PATH", std::env::join_paths(folders).expect("plain folders"))
                    .env("CI", "true")
                    .env("GITHUB_ACTIONS", "true")
                    .env("GITHUB_ACTION_PATH", env!("CARGO_MANIFEST_DIR"))
                    .env("GITHUB_PATH", &path_file)
                    .env("RUNNER_TEMP", &temporary)
                    .envs(variables.map(|(name, value)| {
                        (name, filled_in(value.as_str().expect("text"), &inputs))
                    }))
                    .envs(is_installing.then(index).into_iter().flatten()),
            );
        all = Run {
            code: run.code,
            stdout: all.stdout + &run.stdout,
            stderr: all.stderr + &run.stderr,
        };
        if all.code != 0 {
            break;
        }
    }
    all
}

/// The line with which the installing step ends.
const INSTALLED: &str = concat!("dbm-git ", env!("CARGO_PKG_VERSION"), "\n");

/// A runner that has uv, which is faster than pip.
fn with_uv() -> [PathBuf; 1] {
    [tool("uv").parent().expect("a folder").to_path_buf()]
}

#[test]
fn it_fails_for_a_pull_request_that_would_diverge() {
    let run = run(&pull_request(true), &[], &[]).expect_code(1);
    assert!(run.stdout.starts_with(INSTALLED), "{run}");
    assert!(run.stdout.contains("\n::error file=migrations/versions/"), "{run}");
    assert!(run.stdout.contains("DBM015"), "{run}");
}

#[test]
fn it_passes_for_a_pull_request_that_is_fine() {
    let with = [("format", "human"), ("version", concat!("v", env!("CARGO_PKG_VERSION")))];
    let run = run(&pull_request(false), &with_uv(), &with).expect_code(0);
    assert_eq!(run.stdout, format!("{INSTALLED}2 revisions, head b\n"));
}

#[test]
fn a_release_that_there_is_not_fails_the_step() {
    let run = run(&pull_request(false), &with_uv(), &[("version", "77.0")]).expect_code(1);
    assert!(run.stderr.contains("dbm-git==77.0"), "{run}");
    assert_eq!(run.stdout, "");
}

#[test]
fn a_program_that_is_there_is_taken_as_it_is() {
    let repo = pull_request(false);
    repo.write("tools/ours", "#!/bin/sh\necho \"<$*> in ${PWD##*/}\"\n");
    Run::of(repo.command("chmod").args(["+x", "tools/ours"])).expect_code(0);
    let with = [
        ("binary", "tools/ours"),
        ("args", "--component a\n--component 'b;c' $(d)"),
        ("strict", "true"),
        ("working-directory", "tools"),
    ];
    let run = run(&repo, &[], &with).expect_code(0);
    insta::assert_snapshot!(run, @"
    <--version> in repo
    <check --format github --component a --component 'b;c' $(d) --strict> in tools
    ");
}

#[test]
fn without_a_command_it_only_installs() {
    let run = run(&pull_request(true), &with_uv(), &[("command", "")]).expect_code(0);
    assert_eq!(run.stdout, INSTALLED);
}
