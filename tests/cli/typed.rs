//! What is typed beside the commands: wrong usage, other folders, closed pipes.

use std::process::Stdio;

use super::diverged;
use super::support::{CheckJson, ErrorJson, GraphJson, Run, TestRepo};

#[test]
fn every_code_is_explained() {
    let repo = TestRepo::empty();
    let list = repo.dbm(["explain"]).expect_code(0);
    let codes: Vec<&str> =
        list.stdout.lines().filter_map(|l| l.split_whitespace().next()).collect();
    assert_eq!(codes.len(), 34, "{list}");
    for code in codes {
        let run = repo.dbm(["explain", code]).expect_code(0);
        assert!(run.stdout.starts_with(&format!("{code}: ")), "{run}");
        assert_eq!(repo.dbm(["explain", &code.to_lowercase()]).stdout, run.stdout);
    }
    insta::assert_snapshot!(repo.dbm(["explain", "DBM099"]), @"
    --- stderr
    error: there is no code `DBM099`
    hint: `dbm-git explain` lists all codes
    --- exit 2
    ");
}

#[test]
fn every_shell_gets_its_completions() {
    let repo = TestRepo::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let run = repo.dbm(["completions", shell]).expect_code(0);
        // A script knows the commands, or calls the program that does.
        let knows = if ["elvish", "powershell"].contains(&shell) { "rebase" } else { "dbm-git" };
        assert!(run.stdout.contains(knows), "{shell}: {run}");
    }
    repo.dbm(["completions", "cmd"]).expect_code(2);
    let script = repo.dbm(["completions", "bash"]).stdout;
    repo.write("completions.bash", script);
    Run::of(repo.command("bash").args(["-n", "completions.bash"])).expect_code(0);
}

#[test]
fn wrong_usage_is_exit_2_and_json_where_json_is_asked_for() {
    let repo = diverged();
    let human = repo.dbm(["check", "--nonsense"]).expect_code(2);
    assert_eq!(human.stdout, "");
    assert!(human.stderr.contains("--nonsense"), "{human}");
    for args in [
        &["check", "--nonsense", "--format", "json"][..],
        &["--format=json", "check", "--nonsense"],
        &["--format", "json", "nonsense"],
        &["explain", "DBM099", "--format", "json"],
        &["check", "--component", "nobody", "--format", "json"],
        &["check", "-C", "nowhere", "--format", "json"],
    ] {
        let error: ErrorJson = repo.dbm(args).expect_code(2).json();
        assert_eq!((error.version, error.error.kind.as_str()), (1, "usage"), "{args:?}");
    }
    repo.dbm(["check", "--format", "xml"]).expect_code(2);
}

#[test]
fn a_format_that_a_command_does_not_offer_is_refused() {
    let repo = diverged();
    insta::assert_snapshot!(repo.dbm(["status", "--format", "sarif"]), @"
    --- stderr
    error: this command has no format `sarif`
    hint: it has: human, json
    --- exit 2
    ");
    repo.dbm(["explain", "--format=junit"]).expect_code(2);
}

#[test]
fn help_and_version_are_answers() {
    let repo = TestRepo::empty();
    let help = repo.dbm(["--help"]).expect_code(0);
    assert!(help.stdout.contains("Exit codes:") && help.stderr.is_empty(), "{help}");
    assert!(!help.stdout.contains("What git's hooks call"), "hidden: {help}");
    let version = repo.dbm(["--version"]).expect_code(0);
    assert_eq!(version.stdout, concat!("dbm-git ", env!("CARGO_PKG_VERSION"), "\n"));
}

#[test]
fn an_unknown_component_is_told_what_there_is() {
    let repo = diverged();
    insta::assert_snapshot!(repo.dbm(["graph", "--component", "nobody"]), @"
    --- stderr
    error: there is no component `nobody`
    hint: there are: default
    --- exit 2
    ");
    repo.dbm(["graph", "--component", "default"]).expect_code(0);
}

#[test]
fn outside_a_repository_there_is_nothing_to_do() {
    let repo = TestRepo::empty();
    let outside = repo.beside("home");
    insta::assert_snapshot!(outside.dbm(["check"]), @"
    --- stderr
    error: there is no git repository here or in any folder above
    hint: run it in a repository, or name one with -C DIR
    --- exit 3
    ");
    let error: ErrorJson = outside.dbm(["check", "--format", "json"]).expect_code(3).json();
    assert_eq!(error.error.kind, "environment");
}

#[test]
fn without_any_environment_the_hint_says_how_to_name_one() {
    let repo = TestRepo::empty();
    repo.write("README", "Read me.");
    repo.commit("Start");
    insta::assert_snapshot!(repo.dbm(["check"]), @"
    --- stderr
    error: no Alembic environment was found in this repository
    hint: name one in dbm-git.toml: `[components.default]` with `config` or `script-location`
    --- exit 3
    ");
}

#[test]
fn a_broken_configuration_names_key_and_line() {
    let repo = diverged();
    repo.write("dbm-git.toml", "\nupstraem = \"origin/main\"\n");
    insta::assert_snapshot!(repo.dbm(["check"]), @"
    --- stderr
    error: unknown key `upstraem` in `dbm-git.toml` line 2, the nearest known one is `upstream`
    --- exit 3
    ");
    let error: ErrorJson = repo.dbm(["check", "--format", "json"]).expect_code(3).json();
    assert_eq!(error.error.kind, "environment");
}

#[test]
fn a_closed_pipe_is_the_readers_choice() {
    let repo = diverged();
    for args in
        [&["graph"][..], &["graph", "--format", "json"], &["completions", "bash"], &["--help"]]
    {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = repo.dbm_command();
        let output = command
            .args(args)
            .stdout(writer)
            .stderr(Stdio::piped())
            .spawn()
            .and_then(std::process::Child::wait_with_output)
            .expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!((output.status.code(), said.as_ref()), (Some(0), ""), "{args:?}");
    }
}

#[test]
fn another_folder_can_be_named() {
    let repo = diverged();
    let outside = repo.beside("home");
    let there: GraphJson =
        outside.dbm(["-C", "../repo", "graph", "--format", "json"]).expect_code(0).json();
    let inside: GraphJson =
        repo.dbm(["-C", "migrations/versions", "graph", "--format", "json"]).expect_code(0).json();
    assert_eq!(there.components[0].heads, inside.components[0].heads);
    // Paths are the repository's, wherever it was called.
    let check: CheckJson = outside
        .dbm(["check", "-C", "../repo/migrations", "--format", "json"])
        .expect_code(1)
        .json();
    assert_eq!(
        check.components[0].findings[0].path.as_deref(),
        Some("migrations/versions/f_feature.py")
    );
    outside.dbm(["-C", "../repo/migrations", "rebase"]).expect_code(0);
    assert_eq!(super::down_revision(&repo, "f_feature.py"), "'m'");
}
