//! Virtual environments with the tools that people use, from PyPI: made once
//! below the target folder, and kept.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use super::support::test_python;

/// A virtual environment with these packages.
pub struct Environment {
    folder: PathBuf,
}

impl Environment {
    /// The environment `name`, made if it is not there yet or was made of other packages.
    pub fn with(name: &str, packages: &[&str]) -> Self {
        let all = environments();
        let lock = File::create(all.join(format!("{name}.lock"))).expect("a writable folder");
        // Tests of other threads and processes want the same.
        lock.lock().expect("a lock");
        let environment = Self { folder: all.join(name) };
        let marker = environment.folder.join("packages");
        let wanted = packages.join("\n");
        if fs::read_to_string(&marker).ok().as_deref() != Some(&wanted) {
            environment.build(packages);
            fs::write(marker, wanted).expect("a writable folder");
        }
        environment
    }

    fn build(&self, packages: &[&str]) {
        say(&format!("setting up {}: {}", self.folder.display(), packages.join(" ")));
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder).expect("half an environment goes away");
        }
        succeed(Command::new(test_python()).args(["-m", "venv"]).arg(&self.folder));
        let mut install = Command::new(self.program("python"));
        install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        succeed(install.args(packages));
    }

    /// The path of one of its programs.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }
}

/// Where all that is made once is kept.
pub fn environments() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("environments");
    fs::create_dir_all(&folder).expect("a writable target folder");
    folder
}

/// Runs a command that has to succeed.
#[track_caller]
pub fn succeed(command: &mut Command) -> String {
    let Output { status, stdout, stderr } =
        command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{command:?}: {status}\n{stdout}\n{stderr}");
    stdout.into_owned()
}

/// Seen while the tests run, unlike what they print.
fn say(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}
