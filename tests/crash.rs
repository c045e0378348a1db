//! Killed at any moment, a change of six files can be made all old or all new.
//!
//! The test re-executes itself as the child that is to die: the environment
//! variable `DBM_GIT_CRASH_ROLE` says what the child does, and the "test"
//! [`the_child`] does it. What it does to databases is in `steps`.
#![cfg(all(unix, feature = "fault-points"))]
#![expect(clippy::disallowed_methods, reason = "tests set up and look at the real world")]

#[path = "stories/python.rs"]
#[expect(dead_code, reason = "its other half is for stories")]
mod python;
#[path = "crash/snapshots.rs"]
mod snapshots;
#[path = "crash/steps.rs"]
mod steps;
#[path = "support/mod.rs"]
mod support;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use dbm_git::journal::{
    Invocation, Journal, LockError, NewOperation, OperationId, OperationKind, OperationState,
    RepositoryLock, Worktree,
};
use dbm_git::ops::transaction::{RecoverMode, RecoverOutcome, recover, run, undo};
use dbm_git::plan::{Change, Image};
use dbm_git::tree::RepoPath;
use dbm_git::workspace::WorkingTree;
use tempfile::TempDir;

const ROLE: &str = "DBM_GIT_CRASH_ROLE";
const FOLDER: &str = "DBM_GIT_CRASH_FOLDER";
const FAULT: &str = "DBM_GIT_FAULT";

/// A worktree of a repository: what git would have made, as far as we use it.
struct Repository {
    root: std::path::PathBuf,
    common_dir: std::path::PathBuf,
    worktree: Worktree,
}

impl Repository {
    fn main(root: &Path) -> Self {
        let git_dir = root.join(".git");
        fs::create_dir_all(&git_dir).expect("made");
        let worktree = Worktree::new(&git_dir, &git_dir);
        Self { root: root.to_owned(), common_dir: git_dir, worktree }
    }

    fn linked(main: &Path, root: &Path) -> Self {
        let common_dir = main.join(".git");
        let git_dir = common_dir.join("worktrees/feature");
        fs::create_dir_all(&git_dir).expect("made");
        fs::create_dir_all(root).expect("made");
        let worktree = Worktree::new(&common_dir, &git_dir);
        Self { root: root.to_owned(), common_dir, worktree }
    }

    /// Writes the six files as they are before.
    fn with_old_files(self) -> Self {
        for change in six() {
            let path = self.root.join(change.path.as_str());
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            if let Some(image) = change.before {
                fs::write(&path, image.bytes).expect("written");
                fs::set_permissions(&path, fs::Permissions::from_mode(image.mode)).expect("set");
            }
        }
        self
    }

    fn tree(&self) -> WorkingTree {
        WorkingTree::new(&self.root)
    }

    fn journal(&self) -> Journal {
        Journal::open(&self.common_dir).expect("opens")
    }

    fn invocation(&self) -> Invocation {
        Invocation {
            worktree: self.worktree.clone(),
            created_at: 1_700_000_000,
            command: "dbm-git rebase".to_owned(),
            head: None,
            branch: None,
        }
    }

    fn run(&self) -> OperationId {
        let operation = NewOperation {
            invocation: self.invocation(),
            kind: OperationKind::Rebase,
            summary: "six files".to_owned(),
            undoes: None,
        };
        run(&mut self.journal(), &self.tree(), &operation, &six()).expect("applied")
    }

    fn undo(&self) {
        undo(&mut self.journal(), &self.tree(), self.invocation(), None).expect("undone");
    }

    fn recover(&self, mode: RecoverMode) -> RecoverOutcome {
        recover(&mut self.journal(), &self.tree(), &self.worktree, mode).expect("recovered")
    }

    /// Whether all six are old, all are new, or something is torn.
    fn files(&self) -> Files {
        let images: Vec<_> =
            six().iter().map(|change| self.tree().image(&change.path).expect("readable")).collect();
        let old: Vec<_> = six().into_iter().map(|change| change.before).collect();
        let new: Vec<_> = six().into_iter().map(|change| change.after).collect();
        if images == old {
            Files::Old
        } else if images == new {
            Files::New
        } else {
            Files::Torn
        }
    }

    /// What is in the folder of the six besides them.
    fn leftovers(&self) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(self.root.join("versions"))
            .expect("readable")
            .map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned())
            .collect();
        names.retain(|name| !six().iter().any(|change| change.path.file_name() == name));
        names
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Files {
    Old,
    New,
    Torn,
}

/// A chain that is renumbered: three files change, one is renamed (a deletion
/// and a creation), one is created.
fn six() -> Vec<Change> {
    let image = |text: &str| Image { bytes: text.repeat(3000).into_bytes(), mode: 0o640 };
    let change = |name: &str, before: Option<&str>, after: Option<&str>| Change {
        path: RepoPath::new(&format!("versions/{name}.py")).expect("inside"),
        before: before.map(image),
        after: after.map(image),
    };
    vec![
        change("0043_gone", Some("revision = '0043'\n"), None),
        change("0044_came", None, Some("revision = '0044'\n")),
        change("a", Some("down_revision = 'x'\n"), Some("down_revision = 'y'\n")),
        change("b", Some("down_revision = 'b1'\n"), Some("down_revision = 'b2'\n")),
        change("c", Some("down_revision = 'c1'\n"), Some("down_revision = 'c2'\n")),
        change("merge", None, Some("down_revision = ('a', 'b')\n")),
    ]
}

fn child(role: &str, folder: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("a path"));
    command
        .args(["--exact", "the_child", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(FOLDER, folder)
        .env_remove(FAULT)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Does what the role in the environment says; nothing when run as an ordinary test.
#[test]
fn the_child() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let folder = std::env::var_os(FOLDER).expect("a folder");
    let repository = Repository::main(Path::new(&folder));
    let say = |word: &str| {
        let mut out = std::io::stdout();
        writeln!(out, "\nchild: {word}").and_then(|()| out.flush()).expect("heard");
    };
    match role.as_str() {
        "run" => {
            repository.run();
        }
        "undo" => repository.undo(),
        "recover" => {
            repository.recover(RecoverMode::Auto);
        }
        "forever" => {
            say("begun");
            loop {
                repository.run();
                repository.undo();
            }
        }
        "hold" => {
            let _lock = RepositoryLock::acquire(&repository.common_dir, "dbm-git rebase --onto x")
                .expect("free");
            say("locked");
            std::io::stdin().read_to_end(&mut Vec::new()).expect("closed");
        }
        "compete" => compete(&repository),
        other => panic!("no such role: {other}"),
    }
}

/// Changes the files twenty times, back and forth, whenever the lock is to be had.
fn compete(repository: &Repository) {
    let mut done = 0;
    while done < 20 {
        match RepositoryLock::acquire(&repository.common_dir, "compete") {
            Err(LockError::Held { .. }) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
            Ok(_lock) => {
                match repository.files() {
                    Files::Old => {
                        repository.run();
                    }
                    Files::New => repository.undo(),
                    Files::Torn => panic!("torn"),
                }
                done += 1;
            }
        }
    }
}

/// Waits for the child's word.
fn wait_for(child: &mut Child, word: &str) {
    let out = child.stdout.as_mut().expect("piped");
    let wanted = format!("child: {word}");
    let said = BufReader::new(out).lines().map_while(Result::ok).any(|line| line == wanted);
    assert!(said, "the child did not say `{word}`");
}

#[track_caller]
fn died_at_a_fault_point(output: &Output) -> bool {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let died = stderr.contains("dying at fault point");
    assert_eq!(died, !output.status.success(), "the child failed by itself: {stderr}");
    died
}

/// A repository whose next `role` is the one under test.
fn prepared(folder: &Path, role: &str) -> Repository {
    let repository = Repository::main(folder).with_old_files();
    if role == "undo" {
        repository.run();
    }
    repository
}

/// Kills `role` at every fault point in turn, recovers, and looks.
#[track_caller]
fn check_every_point(role: &str, mode: RecoverMode) {
    let mut outcomes = Vec::new();
    for point in 1.. {
        let folder = TempDir::new().expect("a folder");
        let repository = prepared(folder.path(), role);
        let before = repository.files();
        let output =
            child(role, folder.path()).env(FAULT, point.to_string()).output().expect("started");
        if !died_at_a_fault_point(&output) {
            break;
        }
        // An open operation has its mark, so that one stat is enough for a reader.
        if repository.journal().open_operation(&repository.worktree).expect("read").is_some() {
            assert!(repository.worktree.may_be_open(), "no mark after point {point}");
        }
        let outcome = repository.recover(mode);
        let files = repository.files();
        assert_ne!(files, Files::Torn, "point {point}: {outcome:?}");
        match outcome {
            RecoverOutcome::RolledBack { .. } => assert_eq!(files, before, "point {point}"),
            RecoverOutcome::Finished { .. } => assert_ne!(files, before, "point {point}"),
            RecoverOutcome::NothingOpen => {}
            other => panic!("point {point}: {other:?}"),
        }
        assert_eq!(repository.leftovers(), [""; 0], "point {point}");
        assert!(!repository.worktree.may_be_open(), "point {point}");
        // Whatever it became, the next operation works.
        match files {
            Files::Old => {
                repository.run();
                assert_eq!(repository.files(), Files::New);
            }
            _ => {
                repository.undo();
                assert_eq!(repository.files(), Files::Old);
            }
        }
        outcomes.push(files);
    }
    // Both ends have been met, and many points between them.
    assert!(outcomes.len() > 30, "only {} fault points", outcomes.len());
    assert!(outcomes.contains(&Files::Old) && outcomes.contains(&Files::New));
}

#[test]
fn an_operation_killed_at_any_point_is_completed_or_called_off() {
    check_every_point("run", RecoverMode::Auto);
}

#[test]
fn an_operation_killed_at_any_point_can_be_rolled_back() {
    check_every_point("run", RecoverMode::Rollback);
}

#[test]
fn an_undo_killed_at_any_point_is_completed_or_called_off() {
    check_every_point("undo", RecoverMode::Auto);
}

#[test]
fn a_recovery_killed_at_any_point_can_be_recovered() {
    // In the middle of the run: some files are new, some old.
    const MIDDLE: &str = "20";
    let mut points = 0;
    for point in 1.. {
        let folder = TempDir::new().expect("a folder");
        let repository = prepared(folder.path(), "run");
        let output = child("run", folder.path()).env(FAULT, MIDDLE).output().expect("started");
        assert!(died_at_a_fault_point(&output));
        assert_eq!(repository.files(), Files::Torn);
        let output = child("recover", folder.path())
            .env(FAULT, point.to_string())
            .output()
            .expect("started");
        if !died_at_a_fault_point(&output) {
            break;
        }
        repository.recover(RecoverMode::Auto);
        assert_eq!(repository.files(), Files::New, "point {point}");
        assert_eq!(repository.leftovers(), [""; 0], "point {point}");
        points += 1;
    }
    assert!(points > 10, "only {points} fault points");
}

#[test]
fn killed_at_a_hundred_random_moments_the_files_are_never_torn() {
    let folder = TempDir::new().expect("a folder");
    let repository = prepared(folder.path(), "run");
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut interrupted = 0;
    for round in 0..100 {
        // xorshift: which moments are met differs anyway, since machines do.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        if repository.files() == Files::New {
            repository.undo();
        }
        let mut child = child("forever", folder.path()).spawn().expect("started");
        wait_for(&mut child, "begun");
        // Nobody sends: the receiver is a timer that needs no clock of ours.
        let (_keep, timer) = mpsc::channel::<()>();
        let _ = timer.recv_timeout(Duration::from_micros(seed % 60_000));
        child.kill().expect("killed");
        child.wait().expect("reaped");

        let outcome = repository.recover(RecoverMode::Auto);
        assert_ne!(repository.files(), Files::Torn, "round {round}: {outcome:?}");
        assert_eq!(repository.leftovers(), [""; 0], "round {round}");
        interrupted += u32::from(outcome != RecoverOutcome::NothingOpen);
    }
    // If none was met in the middle, this test has looked at nothing.
    assert!(interrupted > 0);
}

#[test]
fn the_lock_is_refused_by_name_and_dies_with_its_process() {
    let folder = TempDir::new().expect("a folder");
    let repository = Repository::main(folder.path());
    let mut child = child("hold", folder.path()).spawn().expect("started");
    wait_for(&mut child, "locked");
    let error = RepositoryLock::acquire(&repository.common_dir, "me").expect_err("held");
    assert_eq!(
        error.to_string(),
        format!("another dbm-git (pid {}) is at work in this repository", child.id())
    );
    let LockError::Held { holder: Some(holder) } = error else { panic!("nobody named") };
    assert_eq!(holder.command, "dbm-git rebase --onto x");
    child.kill().expect("killed");
    child.wait().expect("reaped");
    RepositoryLock::acquire(&repository.common_dir, "me").expect("free");
}

#[test]
fn two_processes_at_once_take_turns() {
    let folder = TempDir::new().expect("a folder");
    let repository = prepared(folder.path(), "run");
    let children: Vec<Child> =
        (0..2).map(|_| child("compete", folder.path()).spawn().expect("started")).collect();
    for child in children {
        let output = child.wait_with_output().expect("ended");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    // Forty changes, back and forth.
    assert_eq!(repository.files(), Files::Old);
    let entries = repository.journal().list(100).expect("listed");
    assert_eq!(entries.len(), 40);
    assert!(entries.iter().all(|entry| entry.state != OperationState::Prepared));
}

#[test]
fn an_open_operation_is_only_its_own_worktrees() {
    let folder = TempDir::new().expect("a folder");
    let main = prepared(&folder.path().join("main"), "run");
    let linked = Repository::linked(&main.root, &folder.path().join("linked")).with_old_files();
    let output = child("run", &main.root).env(FAULT, "20").output().expect("started");
    assert!(died_at_a_fault_point(&output));
    assert_eq!(main.files(), Files::Torn);

    assert!(main.worktree.may_be_open() && !linked.worktree.may_be_open());
    assert_eq!(linked.recover(RecoverMode::Auto), RecoverOutcome::NothingOpen);
    linked.run();
    linked.undo();
    assert_eq!((linked.files(), main.files()), (Files::Old, Files::Torn));
    assert!(matches!(main.recover(RecoverMode::Rollback), RecoverOutcome::RolledBack { .. }));
    assert_eq!(main.files(), Files::Old);
}

#[test]
fn without_room_for_the_journal_nothing_is_touched() {
    let folder = TempDir::new().expect("a folder");
    let repository = prepared(folder.path(), "run");
    drop(repository.journal());
    // A limit on the size of files stands in for a full disk. Its signal is
    // ignored, so that writing fails instead.
    let run = child("run", folder.path());
    let arguments = run.get_args().map(|arg| arg.to_string_lossy().into_owned());
    let script = format!(
        "trap '' XFSZ; ulimit -f 80; exec \"$0\" {}",
        arguments.collect::<Vec<_>>().join(" ")
    );
    let output = Command::new("sh")
        .args(["-c", &script])
        .arg(run.get_program())
        .envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .output()
        .expect("started");
    assert!(!output.status.success());
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    assert!(stderr.contains("record the operation"), "{stderr}");
    assert_eq!(repository.files(), Files::Old);
    assert_eq!(repository.recover(RecoverMode::Auto), RecoverOutcome::NothingOpen);
    repository.run();
    assert_eq!(repository.files(), Files::New);
}
