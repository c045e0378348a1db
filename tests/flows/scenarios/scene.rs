//! The stage of a row: a published project, a colleague, and recorders for all
//! client hooks.
#![expect(clippy::disallowed_methods, reason = "tests set up and look at the real world")]

use std::cell::Cell;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use super::super::support::TestRepo;

/// All hooks that a client's git runs.
const HOOKS: [&str; 13] = [
    "applypatch-msg",
    "commit-msg",
    "post-applypatch",
    "post-checkout",
    "post-commit",
    "post-merge",
    "post-rewrite",
    "pre-applypatch",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-rebase",
    "prepare-commit-msg",
];

/// Notes a call, with the number of lines on stdin, and hands it on to ours.
const RECORDER: &str = r#"#!/bin/sh
name=${0##*/}
input=
case $name in post-rewrite | pre-push) input=$(cat) ;; esac
lines=0
[ -z "$input" ] || lines=$(printf '%s\n' "$input" | wc -l)
printf '%s|%s|%s|%s|%s\n' "$name" "$lines" "${1-}" "${2-}" "${3-}" >>'@log@'
[ -x "$0.ours" ] || exit 0
[ -n "$input" ] || exec "$0.ours" "$@" </dev/null
printf '%s\n' "$input" | "$0.ours" "$@"
"#;

pub struct Scene {
    pub repo: TestRepo,
    colleagues: Cell<usize>,
}

impl Scene {
    /// `main` with the landed revision `a`, and `origin` beside it.
    pub fn new(with_ours: bool) -> Self {
        thread_local! {
            static INSTALLED: TestRepo = installed();
        }
        let scene = Self { repo: INSTALLED.with(TestRepo::twin), colleagues: Cell::new(0) };
        scene.record(with_ours);
        scene
    }

    /// Puts recorders into the hooks folder, and what is there behind them.
    fn record(&self, with_ours: bool) {
        let hooks = self.repo.path().join(".git/hooks");
        let recorder = RECORDER.replace("@log@", self.log().to_str().expect("a plain name"));
        for name in HOOKS {
            let hook = hooks.join(name);
            match hook.exists() {
                true if with_ours => {
                    fs::rename(&hook, hooks.join(format!("{name}.ours"))).expect("moved");
                }
                true => fs::remove_file(&hook).expect("our own file"),
                false => {}
            }
            fs::write(&hook, &recorder).expect("written");
            fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).expect("our own file");
        }
    }

    /// New repositories get the same hooks, as `init.templateDir` does it.
    pub fn hooks_for_new_repositories(&self) {
        let template = self.outside().join("template");
        fs::create_dir(&template).expect("a new folder");
        let run = self.repo.command("cp").args(["-R", ".git/hooks", "../template"]).status();
        assert!(run.expect("cp runs").success());
        self.repo.write(
            "../home/.gitconfig",
            "[init]\n\ttemplateDir = ~/../template\n[protocol \"file\"]\n\tallow = always\n",
        );
    }

    fn outside(&self) -> PathBuf {
        self.repo.home().with_file_name("")
    }

    fn log(&self) -> PathBuf {
        self.repo.home().with_file_name("hooks.log")
    }

    /// Runs git, which has to succeed.
    #[track_caller]
    pub fn git<const N: usize>(&self, args: [&str; N]) -> String {
        self.repo.git(args)
    }

    /// Runs git, which has to fail.
    #[track_caller]
    pub fn git_fails<const N: usize>(&self, args: [&str; N]) {
        let run = self.repo.try_git(args);
        assert_ne!(run.code, 0, "{run}");
    }

    /// Commits the notation's scripts on the current branch.
    #[track_caller]
    pub fn adds(&self, notation: &str) {
        self.writes(notation);
        self.git(["commit", "--quiet", "-m", &format!("Add {notation}")]);
    }

    /// Writes and stages the notation's scripts.
    #[track_caller]
    pub fn writes(&self, notation: &str) {
        self.repo.write_revisions(notation);
        self.git(["add", "--all"]);
    }

    /// Writes and stages the first line of the notes.
    #[track_caller]
    pub fn edits(&self, line: &str) {
        self.repo.write("notes.txt", format!("{line}\ntwo\nthree\n"));
        self.git(["add", "--all"]);
    }

    /// Commits the first line of the notes.
    #[track_caller]
    pub fn notes(&self, line: &str) {
        self.edits(line);
        self.git(["commit", "--quiet", "-m", &format!("Note {line}")]);
    }

    /// Starts a branch here and switches to it.
    #[track_caller]
    pub fn branch(&self, name: &str) {
        self.git(["switch", "--quiet", "--create", name]);
    }

    #[track_caller]
    pub fn switch(&self, name: &str) {
        self.git(["switch", "--quiet", name]);
    }

    /// The branch `feature` with `f`, checked out.
    #[track_caller]
    pub fn on_feature(&self) {
        self.branch("feature");
        self.adds("a -> f");
    }

    /// Pushes the notation's scripts to `main` from another clone.
    #[track_caller]
    pub fn lands(&self, notation: &str) {
        self.lands_with(|colleague| colleague.write_revisions(notation));
    }

    /// Pushes what `change` makes of `main` from another clone.
    #[track_caller]
    pub fn lands_with(&self, change: impl FnOnce(&TestRepo)) {
        let name = format!("colleague{}", self.colleagues.replace(self.colleagues.get() + 1));
        let colleague = self.repo.colleague(&name);
        change(&colleague);
        colleague.commit("Land something");
        colleague.git(["push", "--quiet", "origin", "main"]);
        self.repo.remove_folder(&format!("../{name}"));
    }

    /// Forgets what the hooks were called with so far.
    pub fn forget(&self) {
        fs::write(self.log(), "").expect("our own file");
    }

    /// The calls since then, in the appendix' notation.
    pub fn fired(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        log.lines().map(call).collect::<Vec<_>>().join(" → ")
    }

    /// What the hook of a branch that starts here says.
    pub fn next(&self) -> String {
        let run = self.repo.try_git(["switch", "--quiet", "--create", "next"]);
        assert_eq!(run.code, 0, "{run}");
        ours(&run.stderr)
    }

    /// All that git can see, and every file, once a row is done.
    pub fn left(&self) -> String {
        let mut left = String::new();
        for folder in ["repo", "linked", "clone", "clone.git", "origin.git"] {
            let repo = self.repo.beside(folder);
            if !repo.path().exists() {
                continue;
            }
            for args in [
                &["for-each-ref"][..],
                &["status", "--porcelain", "--branch", "--untracked-files=all"],
                &["ls-files", "--stage"],
            ] {
                let run = repo.try_git(args);
                left += &format!("{folder} {} {}\n{}", args.join(" "), run.code, run.stdout);
            }
            left += &contents(&repo.path());
        }
        // A clone notes where it came from.
        left.replace(&self.outside().display().to_string(), "")
    }
}

fn installed() -> TestRepo {
    let repo = TestRepo::new();
    repo.write("notes.txt", "one\ntwo\nthree\n");
    let repo = repo.adds("<base> -> a, root").publish("main");
    // Merges and reflogs name the remote: the same in both plays.
    repo.git(["remote", "set-url", "origin", "../origin.git"]);
    repo.git(["branch", "--quiet", "--set-upstream-to", "origin/main"]);
    repo.dbm(["install"]).expect_code(0);
    repo
}

/// `post-checkout(old→new,flag=1)`, and the like.
fn call(line: &str) -> String {
    let words: Vec<&str> = line.split('|').collect();
    let [name, lines, one, two, three] = words[..] else { panic!("a line of ours: {line}") };
    let is_null = !one.is_empty() && one.bytes().all(|b| b == b'0');
    match name {
        "post-checkout" => {
            let from = if is_null { "NULL" } else { "old" };
            let to = if one == two { "same" } else { "new" };
            format!("{name}({from}→{to},flag={three})")
        }
        "post-merge" => format!("{name}({one})"),
        "post-rewrite" => format!("{name}({one},{lines} lines)"),
        "pre-push" => format!("{name}({lines} lines)"),
        "prepare-commit-msg" if three.is_empty() => format!("{name}({two})"),
        "prepare-commit-msg" => format!("{name}({two} {three})"),
        _ => name.to_owned(),
    }
}

/// Our lines.
pub fn ours(stderr: &str) -> String {
    assert!(!stderr.contains("panicked"), "{stderr}");
    // git writes its progress in front of us.
    let lines = stderr.lines().filter_map(|line| line.split('\r').next_back());
    let lines: Vec<&str> = lines.filter(|line| line.starts_with("dbm-git")).collect();
    lines.join("\n")
}

/// Every file below `folder` with its bytes; of a git directory only the
/// reflogs, and what says that git is in the middle of something.
fn contents(folder: &Path) -> String {
    let Ok(entries) = fs::read_dir(folder) else { return String::new() };
    let mut paths: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    paths.sort();
    let mut text = String::new();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_git = folder.file_name().is_some_and(|name| name == ".git");
        if is_git {
            let in_progress = ["HEAD", "rebase", "sequencer"];
            if name == "logs" {
                text += &contents(&path);
            } else if in_progress.iter().any(|part| name.contains(part)) {
                let bytes = fs::read(&path).unwrap_or_default();
                text += &format!(".git/{name}\n{}\n", String::from_utf8_lossy(&bytes));
            }
        } else if name == ".git" && path.is_file() || folder.extension().is_some() {
            // A link to the git directory, or what is in a bare repository.
        } else if path.is_dir() {
            text += &contents(&path);
        } else {
            let bytes = fs::read(&path).expect("a readable file");
            text += &format!("{name}\n{}\n", String::from_utf8_lossy(&bytes));
        }
    }
    text
}
