//! The wheel, installed by those who install wheels.

use std::path::{Path, PathBuf};

use super::release::{pull_request, tool, wheel};
use super::support::{Run, TestRepo, test_python};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Makes an empty environment beside the repository and returns its programs.
#[track_caller]
pub fn environment(repo: &TestRepo) -> PathBuf {
    let folder = repo.home().join("environment");
    Run::of(repo.command(test_python()).args(["-m", "venv"]).arg(&folder)).expect_code(0);
    folder.join("bin")
}

/// What makes pip and uv look into the wheel's folder, and nowhere else.
pub fn index() -> [(&'static str, PathBuf); 4] {
    let folder = wheel().parent().expect("a folder").to_path_buf();
    [
        ("PIP_NO_INDEX", "1".into()),
        ("PIP_FIND_LINKS", folder.clone()),
        ("UV_OFFLINE", "1".into()),
        ("UV_FIND_LINKS", folder),
    ]
}

/// The program answers, and finds what is wrong with a pull request.
#[track_caller]
fn check_program(program: &Path, repo: &TestRepo) {
    let run = Run::of(repo.command(program).arg("--version")).expect_code(0);
    assert_eq!(run.stdout, format!("dbm-git {VERSION}\n"));
    let run = Run::of(repo.command(program).args(["check", "--base", "origin/main"]));
    let run = run.expect_code(1);
    assert!(run.stdout.contains("error[DBM015]: merged with origin/main"), "{run}");
}

#[test]
fn pip_installs_it_into_an_empty_environment_and_nothing_else() {
    let repo = pull_request(true);
    let programs = environment(&repo);
    let pip = |args: &[&str]| {
        Run::of(repo.command(programs.join("pip")).args(args).envs(index())).expect_code(0)
    };
    let before = pip(&["list", "--format", "freeze"]).stdout;
    pip(&["install", "dbm-git"]);
    let after = pip(&["list", "--format", "freeze"]).stdout;
    let new: Vec<&str> = after.lines().filter(|line| !before.contains(line)).collect();
    assert_eq!(new, [format!("dbm-git=={VERSION}")]);
    check_program(&programs.join("dbm-git"), &repo);
}

#[test]
fn uv_installs_it_as_a_tool() {
    let repo = pull_request(true);
    Run::of(
        repo.command(tool("uv"))
            .args(["tool", "install", "dbm-git", "--python"])
            .arg(test_python())
            .envs(index()),
    )
    .expect_code(0);
    check_program(&repo.home().join(".local/bin/dbm-git"), &repo);
}

#[test]
fn the_wheel_has_the_program_and_the_licences_and_no_python() {
    let repo = TestRepo::empty();
    let program = "import sys, zipfile; print(*sorted(zipfile.ZipFile(sys.argv[1]).namelist()), \
                   sep='\\n')";
    let run = Run::of(repo.command(test_python()).args(["-c", program]).arg(wheel()));
    let names = run.expect_code(0).stdout.replace(VERSION, "<version>");
    insta::assert_snapshot!(names, @"
    dbm_git-<version>.data/scripts/dbm-git
    dbm_git-<version>.dist-info/METADATA
    dbm_git-<version>.dist-info/RECORD
    dbm_git-<version>.dist-info/WHEEL
    dbm_git-<version>.dist-info/licenses/LICENSE-APACHE
    dbm_git-<version>.dist-info/licenses/LICENSE-MIT
    ");
}
