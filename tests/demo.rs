//! `dbm-git demo`, with and without an alembic to run.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests set up a machine of their own")]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use support::{Run, test_python};
use tempfile::TempDir;

/// A machine with an empty home, a folder for temporary files, and few programs.
struct Machine(TempDir);

impl Machine {
    /// A machine that has git and sh only.
    fn with_git() -> Self {
        let machine = Self(tempfile::tempdir().expect("a folder"));
        for folder in ["home", "tmp", "bin", "elsewhere"] {
            fs::create_dir(machine.path(folder)).expect("a new folder");
        }
        for program in ["git", "sh"] {
            symlink(on_path(program), machine.path("bin").join(program)).expect("a link");
        }
        machine
    }

    /// The same with the tests' alembic, as if the demo had set it up before.
    fn with_alembic() -> Self {
        let machine = Self::with_git();
        let cached = machine.path("home/.cache/dbm-git/demo-venv-1.20.1");
        fs::create_dir_all(&cached).expect("new folders");
        let programs = test_python().parent().expect("in a folder").to_path_buf();
        symlink(programs, cached.join("bin")).expect("a link");
        fs::write(cached.join("complete"), "").expect("a file");
        machine
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs the demo outside of any repository.
    fn demo(&self, arguments: &[&str]) -> Run {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dbm-git"));
        command
            .arg("demo")
            .args(arguments)
            .current_dir(self.path("elsewhere"))
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", self.path("bin"))
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            // What must not reach the scratch folder.
            .env("GIT_DIR", self.path("nowhere"))
            .env("DBM_GIT", "0");
        Run::of(&mut command)
    }

    /// What the demo left behind.
    fn leftovers(&self) -> Vec<String> {
        ["home", "tmp", "elsewhere"].iter().flat_map(|folder| names(&self.path(folder))).collect()
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a readable folder");
    entries.map(|e| e.expect("an entry").file_name().to_string_lossy().into_owned()).collect()
}

fn on_path(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("PATH is set");
    std::env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|found| found.is_file())
        .unwrap_or_else(|| panic!("{program} is not on PATH"))
}

#[test]
fn with_alembic_files_and_database_go_up_and_back() {
    let machine = Machine::with_alembic();
    let run = machine.demo(&[]).expect_code(0);
    for shown in [
        "$ git pull --no-rebase origin main\n",
        "have diverged\n",
        "dbm-git: the push is blocked",
        "$ dbm-git rebase --apply\n",
        "applied 8d24f6a1930e: add order_lines\n",
        "taking down `c7190be4d583`",
        "✓ take down 8d24f6a1930e",
        "default: foreign\n",
        "error[DBM015]",
    ] {
        assert!(run.stdout.contains(shown), "{shown}\n{run}");
    }
    assert_eq!(run.stderr, "");
    assert_eq!(machine.leftovers(), [".cache"]);
}

#[test]
fn the_readme_shows_what_the_demo_prints() {
    let run = Machine::with_alembic().demo(&[]).expect_code(0);
    let readme = include_str!("../README.md");
    let blocks: Vec<&str> = readme
        .split("```console\n")
        .skip(1)
        .map(|rest| rest.split("```").next().expect("split gives a first part"))
        .collect();
    assert_eq!(blocks.len(), 11);
    for block in blocks {
        assert!(run.stdout.contains(block), "not in the demo:\n{block}\n{run}");
    }
}

#[test]
fn without_python_the_rest_is_shown_and_the_reason_told() {
    let machine = Machine::with_git();
    let run = machine.demo(&[]).expect_code(0);
    assert!(run.stdout.contains("$ dbm-git rebase --commit\n"), "{run}");
    assert!(!run.stdout.contains("$ dbm-git status"), "{run}");
    let reason = "The reason: there is neither uv nor python3 on PATH\n";
    assert!(run.stdout.ends_with(reason), "{run}");
    assert_eq!(run.stderr, "");
    assert_eq!(machine.leftovers(), [""; 0]);
}

#[test]
fn a_kept_folder_is_named_and_holds_the_clones() {
    let machine = Machine::with_git();
    let run = machine.demo(&["--keep"]).expect_code(0);
    let (_, rest) = run.stdout.split_once("is kept in ").expect("said");
    let folder = Path::new(rest.lines().next().expect("a line"));
    let mut clones = names(folder);
    clones.sort();
    assert_eq!(clones, ["colleague", "home", "origin.git", "you"]);
    assert_eq!(names(&folder.join("home")), [""; 0]);
}

#[test]
fn without_git_the_step_that_failed_is_named() {
    let machine = Machine::with_git();
    fs::remove_file(machine.path("bin/git")).expect("ours");
    let run = machine.demo(&[]).expect_code(3);
    assert!(run.stderr.starts_with("error: cannot run `git init"), "{run}");
    assert_eq!(machine.leftovers(), [""; 0]);
}
