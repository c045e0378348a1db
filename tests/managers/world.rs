//! A clone with hooks of ours that write down when they are called, and a way to
//! make git run every one of them.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::support::{Run, TestRepo, test_python};

/// The hooks that we install.
pub const HOOKS: [&str; 5] =
    ["post-merge", "post-commit", "post-checkout", "post-rewrite", "pre-push"];

/// As much of `doctor --format json` as is needed here.
#[derive(Debug, Deserialize)]
pub struct DoctorJson {
    pub checks: Vec<CheckJson>,
}

#[derive(Debug, Deserialize)]
pub struct CheckJson {
    pub id: String,
    pub state: String,
    pub message: String,
    pub command: Option<String>,
    pub advice: Option<String>,
}

/// Says, past what the test runner swallows, what stands in for something.
pub fn say(text: &str) {
    writeln!(std::io::stderr(), "hook managers: {text}").expect("stderr");
}

/// A clone on branch `main`, with an `origin` to push to.
pub struct World {
    pub repo: TestRepo,
    /// Variables that all commands get.
    pub variables: Vec<(String, String)>,
}

impl World {
    /// One whose git knows no hooks of the configuration, whatever git there is:
    /// with those, it is them that doctor recommends.
    pub fn new() -> Self {
        let world = Self::with_any_git();
        world.repo.pretend_older_git();
        world
    }

    /// One with the git that is found.
    pub fn with_any_git() -> Self {
        let repo = TestRepo::new().adds("<base> -> a, root").publish("main");
        let world = Self { repo, variables: Vec::new() };
        let version = env!("CARGO_PKG_VERSION");
        let log = world.log();
        let log = log.display();
        world.program(
            &world.ours(),
            &format!(
                "#!/bin/sh\n\
                 [ \"$1\" != --version ] || {{ echo dbm-git {version}; exit; }}\n\
                 input=$(cat)\n\
                 echo \"ours $2\" >>'{log}'\n\
                 shift\n\
                 echo \"$*${{input:+ < $input}}\" >>'{log}.calls'\n"
            ),
        );
        world
    }

    /// What stands for dbm-git in the hooks.
    pub fn ours(&self) -> PathBuf {
        self.repo.home().join("bin/dbm-git")
    }

    /// Where all who are called write that down: `ours post-merge`, `theirs …`.
    pub fn log(&self) -> PathBuf {
        self.repo.home().join("log")
    }

    /// A command by which a manager writes down that it has run `hook`.
    pub fn theirs(&self, hook: &str) -> String {
        format!("echo theirs {hook} >>{}", self.log().display())
    }

    pub fn program(&self, path: &Path, text: &str) {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, text).expect("written");
        let chmod = self.repo.command("chmod").arg("+x").arg(path).status();
        assert!(chmod.is_ok_and(|status| status.success()));
    }

    pub fn write_hook(&self, path: &str, text: &str) {
        self.program(&self.repo.path().join(path), text);
    }

    /// Runs a program of the tests' environment, which has to end well.
    #[track_caller]
    pub fn run(&self, program: &str, args: &[&str]) -> Run {
        let run = self.try_run(program, args);
        assert_eq!(run.code, 0, "{program} {args:?}\n{run}");
        run
    }

    pub fn try_run(&self, program: &str, args: &[&str]) -> Run {
        let mut command = self.repo.command(program);
        Run::of(command.args(args).envs(self.variables.iter().cloned()))
    }

    /// A program that `tests/run` puts into the tests' environment.
    #[track_caller]
    pub fn tool(&self, name: &str, args: &[&str]) -> Run {
        let python = test_python();
        let tool = Path::new(&python).parent().expect("a folder of programs").join(name);
        assert!(tool.exists(), "{} is missing: run tests/run", tool.display());
        self.run(&tool.display().to_string(), args)
    }

    /// Installs ours, in files.
    #[track_caller]
    pub fn install(&self) -> Run {
        self.install_via("files")
    }

    #[track_caller]
    pub fn install_via(&self, road: &str) -> Run {
        let ours = self.ours().display().to_string();
        self.dbm(&["install", "--via", road, "--program", &ours])
    }

    #[track_caller]
    pub fn dbm(&self, args: &[&str]) -> Run {
        self.run(env!("CARGO_BIN_EXE_dbm-git"), args)
    }

    /// How ours was called when all hooks were fired last, commits as `<id>`.
    pub fn calls(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.calls_file()).unwrap_or_default();
        let origin = self.repo.origin().display().to_string();
        let shown = |word: &str| match word {
            _ if word.len() == 40 && word.bytes().all(|b| b.is_ascii_hexdigit()) => {
                "<id>".to_owned()
            }
            _ => word.replace(&origin, "<origin>"),
        };
        let line = |line: &str| line.split(' ').map(shown).collect::<Vec<_>>().join(" ");
        text.lines().map(line).collect()
    }

    fn calls_file(&self) -> PathBuf {
        self.log().with_extension("calls")
    }

    /// The lines that `install` says to add to `file`.
    #[track_caller]
    pub fn lines_for(said: &Run, file: &str) -> String {
        let start = said.stderr.find(&format!("\nto {file}")).expect("lines for that file");
        let lines = said.stderr[start + 1..].split_once(":\n").expect("lines").1;
        let end = lines.find("\nto ").or_else(|| lines.find("\nnote: ")).unwrap_or(lines.len());
        lines[..end].to_owned() + "\n"
    }

    /// Makes git run each hook, and returns who was called: `ours post-merge`, …
    pub fn fired(&self) -> BTreeSet<String> {
        let _ = std::fs::remove_file(self.log());
        let _ = std::fs::remove_file(self.calls_file());
        // lefthook runs nothing for a push without files.
        let count = self.repo.git(["rev-list", "--count", "HEAD"]);
        self.repo.write("side", count);
        // Whatever a broken hook makes of it: a switch is done all the same.
        for args in [
            &["switch", "--quiet", "--create", "side"][..],
            &["add", "side"],
            &["commit", "--quiet", "-m", "side"],
            &["commit", "--quiet", "--amend", "-m", "amended"],
            &["switch", "--quiet", "main"],
            &["merge", "--quiet", "--ff-only", "side"],
            &["push", "--quiet", "origin", "main"],
            &["branch", "--delete", "--force", "side"],
        ] {
            self.try_run("git", args);
        }
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    pub fn doctor(&self) -> Vec<CheckJson> {
        let run = self.try_run(
            env!("CARGO_BIN_EXE_dbm-git"),
            &["doctor", "--at", "HEAD", "--format", "json"],
        );
        run.json::<DoctorJson>().checks
    }

    /// Fires all hooks, holds what doctor says of each against whether ours was
    /// called, and tells both, hooks alike in one line.
    #[track_caller]
    pub fn seen(&self) -> String {
        let fired = self.fired();
        let checks = self.doctor();
        let mut lines: Vec<(String, Vec<&str>)> = Vec::new();
        for hook in HOOKS {
            let id = format!("hook-{hook}");
            let check = checks.iter().find(|check| check.id == id).expect("each has a check");
            let has_run = fired.contains(&format!("ours {hook}"));
            assert_eq!(has_run, check.state != "error", "{hook}: {fired:?}\n{check:?}");
            assert_eq!(check.state == "ok", check.command.is_none() && check.advice.is_none());
            let theirs = match fired.contains(&format!("theirs {hook}")) {
                true => " and theirs",
                false => "",
            };
            let told = self.told(check).replace(hook, "<hook>");
            let line = format!("{}{theirs} | {told}", if has_run { "ours" } else { "not ours" });
            match lines.iter_mut().find(|(known, _)| *known == line) {
                Some((_, hooks)) => hooks.push(hook),
                None => lines.push((line, vec![hook])),
            }
        }
        let line = |(line, hooks): (String, Vec<&str>)| match hooks.len() {
            5 => format!("all: {line}\n"),
            _ => format!("{}: {line}\n", hooks.join(" ")),
        };
        lines.into_iter().map(line).collect()
    }

    fn told(&self, check: &CheckJson) -> String {
        let mend = check.command.as_deref().or(check.advice.as_deref());
        let mend = mend.map(|mend| format!(" | {mend}")).unwrap_or_default();
        let text = format!("{}: {}{mend}", check.state, check.message);
        let real = self.repo.path().canonicalize().expect("it is there");
        text.replace(&real.display().to_string(), "<repo>")
            .replace(&self.repo.path().display().to_string(), "<repo>")
            .replace(&self.repo.home().display().to_string(), "<home>")
    }

    /// All hooks' files, whoever wrote them.
    pub fn files(&self, folder: &str) -> Vec<(String, Vec<u8>)> {
        let mut files = self.repo.files_in(folder);
        files.retain(|(name, _)| !name.ends_with(".sample"));
        files.sort();
        files
    }
}
