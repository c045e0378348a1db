//! A git repository in a folder of its own, and the two programs run in it.

use std::cell::Cell;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::rc::Rc;

use dbm_git::revision::parse_history;
use serde::de::DeserializeOwned;
use tempfile::TempDir;

use super::{VERSIONS, file_name, script, write_alembic_project};

/// 2026-01-01T00:00:00Z.
const FIRST_MOMENT: i64 = 1_767_225_600;

/// The Python that has the pinned alembic.
pub fn test_python() -> PathBuf {
    match std::env::var_os("DBM_GIT_TEST_PYTHON") {
        Some(python) => python.into(),
        None => panic!("DBM_GIT_TEST_PYTHON is not set: run tests/run"),
    }
}

/// A repository that sees nothing of this machine: no home, no git
/// configuration, no time zone, and a clock that moves one minute per command.
pub struct TestRepo {
    /// Holds the working trees, an empty `home` and, once published, `origin.git`.
    outside: Rc<TempDir>,
    /// The working tree's folder in there.
    folder: String,
    moment: Rc<Cell<i64>>,
}

impl TestRepo {
    /// A repository on branch `main` whose first commit is the standard project.
    pub fn new() -> Self {
        let repo = Self::empty();
        write_alembic_project(&repo);
        repo.commit("Set up alembic");
        repo
    }

    /// A repository on the unborn branch `main`.
    pub fn empty() -> Self {
        let outside = Rc::new(tempfile::tempdir().expect("a temporary folder"));
        let folder = "repo".to_owned();
        let repo = Self { outside, folder, moment: Rc::new(Cell::new(FIRST_MOMENT)) };
        fs::create_dir(repo.home()).expect("a new folder");
        fs::create_dir(repo.path()).expect("a new folder");
        repo.git(["init", "--quiet", "--initial-branch=main"]);
        // Background work of git would race with the tests.
        repo.git(["config", "gc.auto", "0"]);
        repo.git(["config", "maintenance.auto", "false"]);
        repo
    }

    /// The working tree.
    pub fn path(&self) -> PathBuf {
        self.outside.path().join(&self.folder)
    }

    /// A copy of everything, in a folder of its own, and with a clock that shows
    /// the same. For repositories whose paths are relative.
    #[track_caller]
    pub fn twin(&self) -> Self {
        let outside = Rc::new(tempfile::tempdir().expect("a temporary folder"));
        let (from, to) = (self.outside.path().join("."), outside.path());
        let copied = Command::new("cp").arg("-a").args([from.as_path(), to]).status();
        assert!(copied.expect("cp runs").success());
        let moment = Rc::new(Cell::new(self.moment.get()));
        Self { outside, folder: self.folder.clone(), moment }
    }

    /// The same surroundings, seen from the sibling folder `folder`.
    pub fn beside(&self, folder: &str) -> Self {
        let (outside, moment) = (Rc::clone(&self.outside), Rc::clone(&self.moment));
        Self { outside, folder: folder.to_owned(), moment }
    }

    /// A second clone of `origin`, without hooks, in the sibling folder `folder`.
    #[track_caller]
    pub fn colleague(&self, folder: &str) -> Self {
        let clone = self.beside(folder);
        let origin = self.origin();
        self.git([
            "clone".as_ref(),
            "--quiet".as_ref(),
            origin.as_os_str(),
            clone.path().as_os_str(),
        ]);
        clone
    }

    /// A linked worktree on the new branch `branch`, in the sibling folder `folder`.
    #[track_caller]
    pub fn worktree(&self, folder: &str, branch: &str) -> (Self, Run) {
        let linked = self.beside(folder);
        let run =
            self.try_git(["worktree", "add", "--quiet", "-b", branch, &format!("../{folder}")]);
        (linked, run)
    }

    /// The empty home folder that all commands see.
    pub fn home(&self) -> PathBuf {
        self.outside.path().join("home")
    }

    /// Programs in this folder are found before all others.
    pub fn programs(&self) -> PathBuf {
        self.home().join("programs")
    }

    /// Makes git say that it is one that runs no hooks of its configuration, for
    /// tests of what is said where hooks are files alone.
    pub fn pretend_older_git(&self) {
        let git = std::env::split_paths(&search_path(&self.programs()))
            .map(|folder| folder.join("git"))
            .find(|git| git.is_file())
            .expect("git");
        let text = format!(
            "#!/bin/sh\ncase \"$*\" in\n\
             version | '--literal-pathspecs version') echo 'git version 2.53.0' ;;\n\
             *) exec '{}' \"$@\" ;;\nesac\n",
            git.display()
        );
        fs::create_dir_all(self.programs()).expect("a new folder");
        let draft = self.programs().join("git.sh");
        fs::write(&draft, text).expect("a new file");
        // Another thread's child may hold what this process has just written, and
        // a program that somebody may write to is not run: `Text file busy`.
        let path = self.programs().join("git");
        Run::of(Command::new("install").args(["-m", "755"]).args([&draft, &path])).expect_code(0);
    }

    /// The bare repository that [`publish`](Self::publish) pushes to.
    pub fn origin(&self) -> PathBuf {
        self.outside.path().join("origin.git")
    }

    /// Writes a file of the working tree, making its folders.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a path inside")).expect("new folders");
        fs::write(&path, content).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }

    /// Reads a file of the working tree.
    #[track_caller]
    pub fn read(&self, path: &str) -> String {
        let path = self.path().join(path);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// Whether the working tree has the file.
    pub fn has(&self, path: &str) -> bool {
        self.path().join(path).exists()
    }

    /// The files of a folder, by path; none if there is no such folder.
    pub fn files_in(&self, folder: &str) -> Vec<(String, Vec<u8>)> {
        let Ok(entries) = fs::read_dir(self.path().join(folder)) else { return Vec::new() };
        entries
            .map(|entry| entry.expect("a readable folder").path())
            .filter(|path| path.is_file())
            .map(|path| {
                let name = path.file_name().expect("a file").to_string_lossy().into_owned();
                (format!("{folder}/{name}"), fs::read(&path).expect("a readable file"))
            })
            .collect()
    }

    /// Deletes a file of the working tree.
    #[track_caller]
    pub fn remove(&self, path: &str) {
        let path = self.path().join(path);
        fs::remove_file(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }

    /// Deletes a folder of the working tree with all that is in it.
    #[track_caller]
    pub fn remove_folder(&self, path: &str) {
        // Not `folder/.`, which no system removes.
        let path: PathBuf = self.path().join(path).components().collect();
        fs::remove_dir_all(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }

    /// Writes one script per line of Alembic's notation (`a -> b, message`).
    pub fn write_revisions(&self, notation: &str) {
        for revision in parse_history(notation).expect("notation") {
            self.write(&format!("{VERSIONS}/{}", file_name(&revision)), script(&revision));
        }
    }

    /// Runs git, which has to succeed, and returns its standard output.
    #[track_caller]
    pub fn git<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> String {
        let run = self.try_git(args);
        assert!(run.code == 0, "git failed in {}:\n{run}", self.path().display());
        run.stdout.trim_end().to_owned()
    }

    /// Runs git, whatever becomes of it.
    pub fn try_git<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        Run::of(self.command("git").args(args))
    }

    /// Runs the built dbm-git.
    pub fn dbm<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        Run::of(self.dbm_command().args(args))
    }

    /// The built dbm-git, to be given its arguments, environment or folder.
    pub fn dbm_command(&self) -> Command {
        self.command(env!("CARGO_BIN_EXE_dbm-git"))
    }

    /// Runs the project's own alembic.
    pub fn alembic<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        Run::of(self.command(test_python()).args(["-m", "alembic"]).args(args))
    }

    /// A command in the working tree that sees nothing of this machine but
    /// `PATH`, and the tests' alembic at its front.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let moment = self.moment.get();
        self.moment.set(moment + 60);
        let date = format!("@{moment} +0000");
        let mut command = Command::new(program);
        command
            .current_dir(self.path())
            .stdin(Stdio::null())
            .env_clear()
            .env("PATH", search_path(&self.programs()))
            .env("HOME", self.home())
            .env("XDG_CONFIG_HOME", self.home().join(".config"))
            .env("TZ", "UTC")
            .env("LC_ALL", "C.UTF-8")
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CEILING_DIRECTORIES", self.outside.path())
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", "true")
            .env("GIT_MERGE_AUTOEDIT", "no")
            .env("GIT_AUTHOR_NAME", "Ada Author")
            .env("GIT_AUTHOR_EMAIL", "ada@example.org")
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_NAME", "Carl Committer")
            .env("GIT_COMMITTER_EMAIL", "carl@example.org")
            .env("GIT_COMMITTER_DATE", &date);
        command
    }

    /// Commits everything in the working tree and returns the commit's id.
    #[track_caller]
    pub fn commit(&self, message: &str) -> String {
        self.git(["add", "--all"]);
        self.git(["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(["rev-parse", "HEAD"])
    }

    /// Switches to an existing branch and commits the notation's scripts there.
    #[track_caller]
    pub fn on(self, branch: &str, notation: &str) -> Self {
        self.switch(branch).adds(notation)
    }

    /// Switches to an existing branch.
    #[track_caller]
    pub fn switch(self, branch: &str) -> Self {
        self.git(["switch", "--quiet", branch]);
        self
    }

    /// Starts a branch at the current commit and switches to it.
    #[track_caller]
    pub fn branch(self, name: &str) -> Self {
        self.git(["switch", "--quiet", "--create", name]);
        self
    }

    /// Commits the notation's scripts on the current branch.
    #[track_caller]
    pub fn adds(self, notation: &str) -> Self {
        self.write_revisions(notation);
        self.commit(&format!("Add {}", notation.trim()));
        self
    }

    /// Writes the notation's scripts and leaves them uncommitted.
    pub fn writes(self, notation: &str) -> Self {
        self.write_revisions(notation);
        self
    }

    /// Switches to `branch` and merges the branch one was on into it.
    #[track_caller]
    pub fn merge_into(self, branch: &str) -> Self {
        let from = self.git(["branch", "--show-current"]);
        self.git(["switch", "--quiet", branch]);
        self.git(["merge", "--quiet", "--no-edit", "--no-ff", &from]);
        self
    }

    /// Pushes `branch` to `origin`, which is made on first use with `main` as
    /// its default branch, and so moves `origin/<branch>`.
    #[track_caller]
    pub fn publish(self, branch: &str) -> Self {
        if !self.origin().exists() {
            let origin = self.origin();
            let origin = origin.to_str().expect("a temporary folder with a plain name");
            self.git(["init", "--quiet", "--bare", "--initial-branch=main", origin]);
            self.git(["remote", "add", "origin", origin]);
        }
        self.git(["push", "--quiet", "--no-verify", "origin", branch]);
        if branch == "main" {
            self.git(["remote", "set-head", "origin", "main"]);
        }
        self
    }
}

/// The test's own programs first, then the tests' Python, so that a plain
/// `alembic` is the pinned one.
fn search_path(programs: &Path) -> std::ffi::OsString {
    let system = std::env::var_os("PATH").unwrap_or_default();
    let python = std::env::var_os("DBM_GIT_TEST_PYTHON").map(PathBuf::from);
    let tools = python.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    let first = std::iter::once(programs.to_path_buf()).chain(tools);
    std::env::join_paths(first.chain(std::env::split_paths(&system)))
        .expect("folders of PATH hold no separator")
}

/// What a program answered.
#[derive(Debug)]
pub struct Run {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Run {
    /// Runs `command` to its end.
    pub fn of(command: &mut Command) -> Self {
        let Output { status, stdout, stderr } = command
            .output()
            .unwrap_or_else(|e| panic!("{}: {e}", command.get_program().to_string_lossy()));
        Self {
            code: status
                .code()
                .unwrap_or_else(|| panic!("{command:?} ended by a signal: {status}")),
            stdout: String::from_utf8(stdout).expect("output in UTF-8"),
            stderr: String::from_utf8(stderr).expect("output in UTF-8"),
        }
    }

    /// Fails the test unless the program ended with `code`.
    #[track_caller]
    pub fn expect_code(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Reads standard output as JSON of exactly the form `T`.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("{e}\n{self}"))
    }
}

/// Standard output, then what is out of the ordinary: for inline snapshots.
impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.stdout)?;
        if !self.stderr.is_empty() {
            write!(f, "--- stderr\n{}", self.stderr)?;
        }
        if self.code != 0 {
            writeln!(f, "--- exit {}", self.code)?;
        }
        Ok(())
    }
}
