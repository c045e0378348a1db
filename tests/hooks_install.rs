//! The installed hooks under real git: which of git's commands call us, with
//! which arguments and input, and that whatever was in a hook before still runs.
//!
//! In place of dbm-git stands a script that logs how it was called. In the log
//! commits go by their subjects and the null id is `0`.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a failed set-up is a failed test")]
#![expect(clippy::disallowed_methods, reason = "tests set up and look at the real world")]

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use dbm_git::ops::install::{
    HookOptions, HookSite, InstallError, Installed, Uninstalled, install, plan, uninstall,
};
use dbm_git::plan::hook::{Hook, HookManager};
use tempfile::TempDir;

/// A repository at `<root>/repo` with one commit, `base`, and no hooks folder.
struct TestRepo {
    root: TempDir,
}

impl TestRepo {
    fn new() -> Self {
        let repo = Self { root: tempfile::tempdir().unwrap() };
        repo.write_script(
            &repo.program(),
            &format!(
                "#!/bin/sh\n\
                 {{ echo \"$*\"; sed 's/^/< /'; }} >>'{}'\n\
                 [ -z \"${{FAKE_GIT-}}\" ] || git $FAKE_GIT\n\
                 exit ${{FAKE_STATUS:-0}}\n",
                repo.log_file().display()
            ),
        );
        repo.git_at(repo.root.path(), &["init", "-q", "-b", "main", "--template=", "repo"]);
        repo.commit("base");
        repo
    }

    /// A repository with our hooks.
    fn with_hooks() -> Self {
        let repo = Self::new();
        repo.install();
        repo
    }

    /// A repository whose hook was `existing` before ours came.
    fn with_existing(hook: Hook, existing: &str) -> Self {
        let repo = Self::new();
        repo.write_script(&repo.hook(hook), existing);
        repo.install();
        repo
    }

    fn path(&self) -> PathBuf {
        self.root.path().join("repo")
    }

    fn program(&self) -> PathBuf {
        self.root.path().join("it's dbm-git")
    }

    fn log_file(&self) -> PathBuf {
        self.root.path().join("log")
    }

    fn hook(&self, hook: Hook) -> PathBuf {
        self.path().join(".git/hooks").join(hook.name())
    }

    fn write_script(&self, path: &Path, text: &str) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn command(&self, program: &str, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", self.root.path()).env("LC_ALL", "C");
        command.env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for who in ["AUTHOR", "COMMITTER"] {
            command.env(format!("GIT_{who}_NAME"), "A").env(format!("GIT_{who}_EMAIL"), "a@b.c");
            command.env(format!("GIT_{who}_DATE"), "2024-01-01T00:00:00Z");
        }
        command
    }

    fn git_with(&self, env: &[(&str, &str)], args: &[&str]) -> Output {
        self.command("git", &self.path()).args(args).envs(env.iter().copied()).output().unwrap()
    }

    #[track_caller]
    fn git_at(&self, folder: &Path, args: &[&str]) -> String {
        let output = self.command("git", folder).args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
    }

    #[track_caller]
    fn git(&self, args: &[&str]) -> String {
        self.git_at(&self.path(), args)
    }

    /// Commits a file of its own, so that no two commits conflict.
    #[track_caller]
    fn commit(&self, subject: &str) {
        fs::write(self.path().join(subject), subject).unwrap();
        self.git(&["add", subject]);
        self.git(&["commit", "-q", "-m", subject]);
    }

    /// Adds an empty bare repository as `origin`.
    fn add_origin(&self) -> String {
        let origin = self.root.path().join("origin").display().to_string();
        self.git(&["init", "-q", "--bare", "--template=", &origin]);
        self.git(&["remote", "add", "origin", &origin]);
        origin
    }

    fn site_at(&self, folder: &Path) -> HookSite {
        let absolute = |args: &[&str]| folder.join(self.git_at(folder, args));
        HookSite {
            hooks_folder: absolute(&["rev-parse", "--git-path", "hooks"]),
            git_dir: absolute(&["rev-parse", "--absolute-git-dir"]),
            common_dir: absolute(&["rev-parse", "--git-common-dir"]),
            is_external: false,
            worktree: Some(absolute(&["rev-parse", "--show-toplevel"])),
        }
    }

    fn site(&self) -> HookSite {
        self.site_at(&self.path())
    }

    #[track_caller]
    fn install(&self) -> Vec<Installed> {
        let outcome = install(&self.site(), &self.program(), HookOptions::default()).unwrap();
        outcome.hooks.into_iter().map(|hook| hook.result).collect()
    }

    /// What was logged since the last time.
    fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.log_file()).unwrap_or_default();
        let _ = fs::remove_file(self.log_file());
        let root = self.root.path().display().to_string();
        let line = |line: &str| {
            let words: Vec<String> = line.split(' ').map(|word| self.subject(word)).collect();
            words.join(" ").replace(&root, "<root>")
        };
        text.lines().map(line).collect()
    }

    fn subject(&self, word: &str) -> String {
        if word.len() != 40 || !word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            word.to_owned()
        } else if word.bytes().all(|byte| byte == b'0') {
            "0".to_owned()
        } else {
            self.git(&["log", "-1", "--format=%s", word])
        }
    }

    #[track_caller]
    fn check_log(&self, expected: &[&str]) {
        assert_eq!(self.log(), expected);
    }

    /// Runs a hook's file as git would, with `input`; gives status and stdout.
    fn run_hook(
        &self,
        shell: &str,
        hook: Hook,
        env: &[(&str, &str)],
        input: &str,
    ) -> (i32, String) {
        let mut command = self.command(shell, &self.path());
        command.arg(self.hook(hook)).args(["origin", "url"]).envs(env.iter().copied());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_commit_and_its_amendment_fire() {
    let repo = TestRepo::with_hooks();
    repo.commit("a");
    repo.check_log(&["hook post-commit"]);
    repo.git(&["commit", "-q", "--amend", "-m", "a2"]);
    repo.check_log(&["hook post-commit", "hook post-rewrite amend", "< a a2"]);
}

#[test]
fn a_switch_tells_old_and_new_and_that_it_changed_branches() {
    let repo = TestRepo::with_hooks();
    repo.git(&["switch", "-q", "-c", "feature"]);
    repo.commit("f");
    repo.log();
    repo.git(&["switch", "-q", "main"]);
    repo.check_log(&["hook post-checkout f base 1"]);
    repo.git(&["checkout", "-q", "--", "base"]);
    repo.check_log(&["hook post-checkout base base 0"]);
}

#[test]
fn a_fast_forward_and_a_true_merge_fire_post_merge() {
    let repo = TestRepo::with_hooks();
    repo.git(&["switch", "-q", "-c", "feature"]);
    repo.commit("f");
    repo.git(&["switch", "-q", "main"]);
    repo.log();
    repo.git(&["merge", "-q", "--ff-only", "feature"]);
    repo.check_log(&["hook post-merge 0"]);

    repo.git(&["switch", "-q", "feature"]);
    repo.commit("f2");
    repo.git(&["switch", "-q", "main"]);
    repo.commit("m");
    repo.log();
    repo.git(&["merge", "-q", "feature"]);
    repo.check_log(&["hook post-merge 0"]);
    repo.git(&["switch", "-q", "feature"]);
    repo.log();
    repo.git(&["merge", "-q", "--squash", "main"]);
    repo.check_log(&["hook post-merge 1"]);
}

#[test]
fn a_rebase_ends_with_the_list_of_rewritten_commits() {
    let repo = TestRepo::with_hooks();
    repo.git(&["switch", "-q", "-c", "feature"]);
    repo.commit("f1");
    repo.commit("f2");
    repo.git(&["switch", "-q", "main"]);
    repo.commit("m");
    repo.git(&["switch", "-q", "feature"]);
    repo.log();
    repo.git(&["rebase", "-q", "main"]);
    repo.check_log(&[
        "hook post-checkout f2 m 1",
        "hook post-commit",
        "hook post-commit",
        "hook post-rewrite rebase",
        "< f1 f1",
        "< f2 f2",
    ]);
}

#[test]
fn a_push_hands_us_its_refs_and_we_can_block_it() {
    let repo = TestRepo::with_hooks();
    repo.add_origin();
    let refused = repo.git_with(&[("FAKE_STATUS", "1")], &["push", "-q", "origin", "main"]);
    assert_eq!(refused.status.code(), Some(1));
    let line = "< refs/heads/main base refs/heads/main 0";
    repo.check_log(&["hook pre-push origin <root>/origin", line]);
    assert_eq!(repo.git(&["ls-remote", "origin"]), "");

    repo.git(&["push", "-q", "origin", "main"]);
    repo.check_log(&["hook pre-push origin <root>/origin", line]);
    repo.git(&["push", "-q", "origin", "main"]);
    repo.check_log(&["hook pre-push origin <root>/origin"]);
}

#[test]
fn dbm_git_0_and_no_verify_skip_us() {
    let repo = TestRepo::with_hooks();
    repo.add_origin();
    let skip = [("DBM_GIT", "0"), ("FAKE_STATUS", "1")];
    assert!(repo.git_with(&skip, &["switch", "-q", "-c", "feature"]).status.success());
    assert!(repo.git_with(&skip, &["push", "-q", "origin", "main"]).status.success());
    let unverified = ["push", "-q", "--no-verify", "origin", "main:other"];
    assert!(repo.git_with(&[("FAKE_STATUS", "1")], &unverified).status.success());
    repo.check_log(&[]);
}

#[test]
fn git_commands_that_we_run_do_not_call_us_again() {
    let existing = "#!/bin/sh\nexit 0\n";
    for repo in [TestRepo::with_hooks(), TestRepo::with_existing(Hook::PostCommit, existing)] {
        fs::write(repo.path().join("base"), "changed").unwrap();
        let nested = [("FAKE_GIT", "switch -q -c nested")];
        assert!(repo.git_with(&nested, &["commit", "-q", "-a", "-m", "a"]).status.success());
        assert_eq!(repo.git(&["branch", "--show-current"]), "nested");
        repo.check_log(&["hook post-commit"]);
    }
}

#[test]
fn without_the_program_git_goes_on_and_one_line_tells() {
    let rest = "#!/bin/sh\nexit 0\n";
    for repo in [TestRepo::with_hooks(), TestRepo::with_existing(Hook::PostCheckout, rest)] {
        repo.add_origin();
        fs::remove_file(repo.program()).unwrap();
        for args in [["switch", "-q", "-c", "new"], ["push", "-q", "origin", "main"]] {
            let output = repo.git_with(&[], &args);
            assert!(output.status.success(), "git {args:?}");
            let stderr = stderr(&output);
            assert!(stderr.starts_with("dbm-git: program not found, "), "{stderr}");
            assert_eq!(stderr.lines().count(), 1, "{stderr}");
        }
        assert_eq!(repo.git(&["ls-remote", "--heads", "origin"]).lines().count(), 1);
    }
}

#[test]
fn a_program_that_moved_is_found_on_the_path() {
    let repo = TestRepo::with_hooks();
    fs::rename(repo.program(), repo.root.path().join("dbm-git")).unwrap();
    let path = format!("{}:{}", repo.root.path().display(), std::env::var("PATH").unwrap());
    assert!(repo.git_with(&[("PATH", &path)], &["switch", "-q", "-c", "new"]).status.success());
    repo.check_log(&["hook post-checkout base base 1"]);
}

#[test]
fn a_pre_push_hook_that_reads_its_input_and_ends_in_exec_gets_all_of_it() {
    let theirs = "#!/bin/sh\nset -eu\nexec sed \"s/^/$1 /\" >>../theirs\n";
    let repo = TestRepo::with_existing(Hook::PrePush, theirs);
    repo.add_origin();
    repo.git(&["branch", "other"]);
    repo.git(&["push", "-q", "origin", "main", "other"]);
    let id = repo.git(&["rev-parse", "main"]);
    let null = "0".repeat(40);
    let expected: String = ["main", "other"]
        .map(|name| format!("origin refs/heads/{name} {id} refs/heads/{name} {null}\n"))
        .concat();
    assert_eq!(fs::read_to_string(repo.root.path().join("theirs")).unwrap(), expected);
    repo.check_log(&[
        "hook pre-push origin <root>/origin",
        "< refs/heads/main base refs/heads/main 0",
        "< refs/heads/other base refs/heads/other 0",
    ]);
}

#[test]
fn either_of_us_can_block_a_push() {
    let theirs = "#!/usr/bin/env bash\ntouch ../ran\nexit ${THEIR_STATUS:-0}\n";
    let repo = TestRepo::with_existing(Hook::PrePush, theirs);
    repo.add_origin();
    let push = ["push", "-q", "origin", "main"];
    assert_eq!(repo.git_with(&[("FAKE_STATUS", "1")], &push).status.code(), Some(1));
    assert!(!repo.root.path().join("ran").exists());
    assert_eq!(repo.git_with(&[("THEIR_STATUS", "1")], &push).status.code(), Some(1));
    assert!(repo.root.path().join("ran").exists());
    assert_eq!(repo.git(&["ls-remote", "origin"]), "");
    assert!(repo.git_with(&[], &push).status.success());
}

#[test]
fn a_post_rewrite_hook_shares_its_input_and_outlives_our_failure() {
    let theirs =
        "#!/bin/sh -eu\nwhile read -r old new; do echo \"$1 $old $new\"; done >../theirs\n";
    let repo = TestRepo::with_existing(Hook::PostRewrite, theirs);
    repo.commit("a");
    let old = repo.git(&["rev-parse", "HEAD"]);
    repo.log();
    let amend = ["commit", "-q", "--amend", "-m", "a2"];
    assert!(repo.git_with(&[("FAKE_STATUS", "3")], &amend).status.success());
    repo.check_log(&["hook post-commit", "hook post-rewrite amend", "< a a2"]);
    let new = repo.git(&["rev-parse", "HEAD"]);
    let theirs = fs::read_to_string(repo.root.path().join("theirs")).unwrap();
    assert_eq!(theirs, format!("amend {old} {new}\n"));
}

#[test]
fn our_failure_in_their_post_checkout_does_not_fail_the_switch() {
    for theirs in [
        "#!/bin/sh -e\ntouch ../ran\nexit 0\n",
        "touch ../ran\n",
        "#!/bin/bash -eu\nexec touch ../ran",
    ] {
        let repo = TestRepo::with_existing(Hook::PostCheckout, theirs);
        let switched = repo.git_with(&[("FAKE_STATUS", "1")], &["switch", "-q", "-c", "new"]);
        assert!(switched.status.success(), "{}", stderr(&switched));
        repo.check_log(&["hook post-checkout base base 1"]);
        assert!(repo.root.path().join("ran").exists());
    }
}

#[test]
fn input_of_any_shape_reaches_both_of_us() {
    let repo = TestRepo::with_existing(
        Hook::PrePush,
        "#!/bin/sh\nprintf '%s.' \"$?\" \"$#\" \"${DBM_GIT_IN_HOOK-}\"; cat\nexit 4\n",
    );
    let many = "refs/heads/x 1 refs/heads/x 2\n".repeat(10_000);
    for shell in ["sh", "bash"] {
        for (input, seen) in [
            ("", ""),
            ("a b c d\n", "a b c d\n"),
            ("a b c d\ne f g h\n", "a b c d\ne f g h\n"),
            // git ends every line; who calls the hook by hand may not.
            ("a b c d\ne f g h", "a b c d\ne f g h\n"),
            ("$(exit 9) `x` \\n \"$HOME\" 'é' *\n", "$(exit 9) `x` \\n \"$HOME\" 'é' *\n"),
            (&many, &many),
        ] {
            let expected = (4, format!("0.2..{seen}"));
            assert_eq!(repo.run_hook(shell, Hook::PrePush, &[], input), expected);
            let ours: Vec<String> = repo.log().into_iter().skip(1).collect();
            let lines: Vec<String> = seen.lines().map(|line| format!("< {line}")).collect();
            assert_eq!(ours, lines);
        }
        let skipped = repo.run_hook(shell, Hook::PrePush, &[("DBM_GIT", "0")], "untouched");
        assert_eq!(skipped, (4, "0.2..untouched".to_owned()));
        repo.check_log(&[]);
    }
}

#[test]
fn our_pre_push_takes_its_input_even_when_it_has_nothing_to_do() {
    let repo = TestRepo::with_hooks();
    // More than a pipe holds: the writer would notice a reader that has left.
    let input = "refs/heads/x 1 refs/heads/x 2\n".repeat(10_000);
    assert_eq!(repo.run_hook("sh", Hook::PrePush, &[("DBM_GIT", "0")], &input).0, 0);
    fs::remove_file(repo.program()).unwrap();
    assert_eq!(repo.run_hook("sh", Hook::PrePush, &[], &input).0, 0);
}

#[test]
fn a_relative_hooks_path_is_installed_into() {
    let repo = TestRepo::new();
    repo.git(&["config", "core.hooksPath", ".githooks"]);
    let outcome = install(&repo.site(), &repo.program(), HookOptions::default()).unwrap();
    assert!(outcome.lies_in_worktree);
    assert!(outcome.hooks.iter().all(|hook| hook.result == Installed::Created));
    assert_eq!(outcome.hooks[0].path, repo.path().join(".githooks/post-merge"));
    fs::create_dir(repo.path().join("folder")).unwrap();
    repo.git_at(&repo.path().join("folder"), &["switch", "-q", "-c", "new"]);
    repo.check_log(&["hook post-checkout base base 1"]);
}

#[test]
fn linked_worktrees_share_the_hooks_whichever_installs_them() {
    let repo = TestRepo::new();
    let linked = repo.root.path().join("linked");
    repo.git(&["worktree", "add", "-q", "../linked"]);
    let site = repo.site_at(&linked);
    let outcome = install(&site, &repo.program(), HookOptions::default()).unwrap();
    assert!(!outcome.lies_in_worktree);
    repo.git_at(&linked, &["switch", "-q", "-c", "new"]);
    repo.check_log(&["hook post-checkout base base 1"]);
    repo.git(&["switch", "-q", "-c", "new2"]);
    repo.check_log(&["hook post-checkout base base 1"]);
    repo.git(&["worktree", "add", "-q", "../third"]);
    repo.check_log(&["hook post-checkout 0 base 1"]);
}

#[test]
fn installing_tells_what_became_of_each_hook_and_uninstalling_restores_all() {
    let repo = TestRepo::new();
    let theirs = "#!/bin/sh\n# kept\r\nexit 0\r\n";
    repo.write_script(&repo.hook(Hook::PostCommit), theirs);
    repo.write_script(&repo.hook(Hook::PrePush), "#!/bin/sh\ngit lfs pre-push \"$@\"");
    fs::set_permissions(repo.hook(Hook::PrePush), fs::Permissions::from_mode(0o711)).unwrap();

    let planned = plan(&repo.site(), &repo.program(), HookOptions::default()).unwrap().outcome();
    assert!(!repo.hook(Hook::PostMerge).exists());
    let outcome = install(&repo.site(), &repo.program(), HookOptions::default()).unwrap();
    assert_eq!(outcome, planned);
    use Installed::{AlreadyThere, BlockAdded, Created, Updated};
    let results: Vec<Installed> = outcome.hooks.iter().map(|hook| hook.result.clone()).collect();
    assert_eq!(results, [Created, BlockAdded, Created, Created, BlockAdded]);
    assert_eq!(outcome.hooks[4].manager, Some(HookManager::GitLfs));
    assert_eq!(mode(&repo.hook(Hook::PostMerge)), 0o755);
    assert_eq!(mode(&repo.hook(Hook::PrePush)), 0o711);

    assert_eq!(repo.install(), vec![AlreadyThere; 5]);
    let moved = install(&repo.site(), Path::new("/new/dbm-git"), HookOptions::default()).unwrap();
    assert!(moved.hooks.iter().all(|hook| hook.result == Updated));

    let outcome = uninstall(&repo.site(), HookOptions::default()).unwrap();
    use Uninstalled::{Absent, BlockRemoved, Deleted};
    let results: Vec<Uninstalled> = outcome.hooks.into_iter().map(|hook| hook.result).collect();
    assert_eq!(results, [Deleted, BlockRemoved, Deleted, Deleted, BlockRemoved]);
    assert_eq!(fs::read_to_string(repo.hook(Hook::PostCommit)).unwrap(), theirs);
    let pre_push = fs::read_to_string(repo.hook(Hook::PrePush)).unwrap();
    assert_eq!(pre_push, "#!/bin/sh\ngit lfs pre-push \"$@\"");
    assert_eq!(mode(&repo.hook(Hook::PrePush)), 0o711);
    assert_eq!(fs::read_dir(repo.path().join(".git/hooks")).unwrap().count(), 2);
    let again = uninstall(&repo.site(), HookOptions::default()).unwrap();
    assert!(again.hooks.iter().all(|hook| hook.result == Absent));
}

#[test]
fn one_refused_hook_stops_all_unless_a_part_will_do() {
    let repo = TestRepo::new();
    repo.write_script(&repo.hook(Hook::PrePush), "#!/usr/bin/env python3\n");
    let refused = install(&repo.site(), &repo.program(), HookOptions::default()).unwrap_err();
    assert_eq!(refused.to_string(), "`pre-push` has to be left alone, nothing was written");
    let InstallError::Refused(hooks) = refused else { panic!("{refused:?}") };
    assert_eq!(hooks[0].path, repo.hook(Hook::PrePush));
    assert!(hooks[0].snippet.as_ref().unwrap().contains("subprocess.run("));
    assert_eq!(fs::read_dir(repo.path().join(".git/hooks")).unwrap().count(), 1);

    let partial = HookOptions { partial: true, ..HookOptions::default() };
    let outcome = install(&repo.site(), &repo.program(), partial).unwrap();
    assert!(matches!(outcome.hooks[4].result, Installed::Refused { .. }));
    assert!(outcome.hooks[..4].iter().all(|hook| hook.result == Installed::Created));
    let pre_push = fs::read_to_string(repo.hook(Hook::PrePush)).unwrap();
    assert_eq!(pre_push, "#!/usr/bin/env python3\n");
}

#[test]
fn the_snippet_for_python_does_what_the_block_does() {
    let repo = TestRepo::new();
    let shebang = "#!/usr/bin/env python3\n";
    let theirs = "import sys\nprint(sys.stdin.read(), end=\"\")\n";
    repo.write_script(&repo.hook(Hook::PrePush), shebang);
    let error = install(&repo.site(), &repo.program(), HookOptions::default()).unwrap_err();
    let InstallError::Refused(hooks) = error else { panic!("{error:?}") };
    let snippet = hooks[0].snippet.as_ref().unwrap();
    repo.write_script(&repo.hook(Hook::PrePush), &format!("{shebang}{snippet}{theirs}"));
    assert_eq!(repo.install()[4], Installed::AlreadyThere);

    let run = |env: &[(&str, &str)]| repo.run_hook("python3", Hook::PrePush, env, "a b\n");
    assert_eq!(run(&[]), (0, "a b\n".to_owned()));
    repo.check_log(&["hook pre-push origin url", "< a b"]);
    assert_eq!(run(&[("FAKE_STATUS", "1")]), (1, String::new()));
    assert_eq!(run(&[("FAKE_STATUS", "3")]), (0, "a b\n".to_owned()));
    repo.log();
    assert_eq!(run(&[("DBM_GIT", "0")]), (0, "a b\n".to_owned()));
    repo.check_log(&[]);
    fs::remove_file(repo.program()).unwrap();
    assert_eq!(run(&[]), (0, "a b\n".to_owned()));
}

#[test]
fn hooks_that_git_ignores_or_that_lie_elsewhere_are_not_touched() {
    let repo = TestRepo::new();
    let elsewhere = repo.path().join("pre-push.sh");
    repo.write_script(&elsewhere, "#!/bin/sh\n");
    fs::create_dir(repo.path().join(".git/hooks")).unwrap();
    symlink("../../pre-push.sh", repo.hook(Hook::PrePush)).unwrap();
    symlink("nowhere", repo.hook(Hook::PostMerge)).unwrap();
    fs::write(repo.hook(Hook::PostCommit), "#!/bin/sh\n").unwrap();
    fs::set_permissions(repo.hook(Hook::PostCommit), fs::Permissions::from_mode(0o644)).unwrap();
    fs::create_dir(repo.hook(Hook::PostRewrite)).unwrap();

    let partial = HookOptions { partial: true, ..HookOptions::default() };
    let outcome = install(&repo.site(), &repo.program(), partial).unwrap();
    let reasons: Vec<String> = outcome
        .hooks
        .into_iter()
        .map(|hook| match hook.result {
            Installed::Refused { reason, .. } => reason.to_string(),
            other => format!("{other:?}"),
        })
        .collect();
    assert_eq!(
        reasons,
        [
            "it is not a file",
            "it is not executable, so git ignores it; making it run is not ours to decide",
            "Created",
            "it is not a file",
            "it is a symlink to `../../pre-push.sh`",
        ]
    );
    assert_eq!(fs::read_to_string(elsewhere).unwrap(), "#!/bin/sh\n");
    assert_eq!(mode(&repo.hook(Hook::PostCommit)), 0o644);
}

#[test]
fn a_hooks_folder_of_other_repositories_takes_force() {
    let repo = TestRepo::new();
    let folder = repo.root.path().join("shared");
    let site = HookSite { hooks_folder: folder.clone(), is_external: true, ..repo.site() };
    let default = HookOptions::default();
    for error in [
        install(&site, &repo.program(), default).unwrap_err(),
        uninstall(&site, default).unwrap_err(),
    ] {
        assert!(matches!(error, InstallError::ExternalFolder { .. }), "{error:?}");
    }
    assert!(!folder.exists());
    let force = HookOptions { force: true, ..default };
    assert!(!install(&site, &repo.program(), force).unwrap().lies_in_worktree);
    assert!(folder.join("pre-push").exists());
    assert_eq!(uninstall(&site, force).unwrap().hooks[4].result, Uninstalled::Deleted);
}

#[test]
fn the_program_must_have_an_absolute_path() {
    let repo = TestRepo::new();
    let error = install(&repo.site(), Path::new("dbm-git"), HookOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the program's path `dbm-git` is not absolute, and hooks run in other folders"
    );
    assert!(!repo.path().join(".git/hooks").exists());
}
