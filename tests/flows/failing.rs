//! Whatever becomes of dbm-git itself, git goes on, and a person reads why
//! nothing else was said.
#![cfg(unix)]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::support::{Run, TestRepo};
use super::{clone_with_hooks, heard, lands};

/// A program that is started in the place of dbm-git.
fn write_program(repo: &TestRepo, text: &[u8]) {
    repo.write("../home/dbm-git", text);
    let path = repo.home().join("dbm-git");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("our own file");
}

/// A switch, a commit with its amendment, a merge, a rebase and a push: each
/// hook once at least.
const ACTIONS: [(&str, &[&str]); 6] = [
    ("post-checkout", &["switch", "--quiet", "--create", "next"]),
    ("post-commit", &["commit", "--quiet", "--allow-empty", "-m", "Nothing"]),
    ("post-rewrite", &["commit", "--quiet", "--amend", "--allow-empty", "-m", "Nothing new"]),
    ("post-merge", &["merge", "--quiet", "--ff-only", "ahead"]),
    ("post-rewrite", &["rebase", "--quiet", "--force-rebase", "main"]),
    ("pre-push", &["push", "--quiet", "origin", "HEAD:refs/heads/next"]),
];

/// Each action works, and its hook says that it has failed.
#[track_caller]
fn check_that_git_goes_on(repo: &TestRepo, what: &str, says: &str) {
    for (hook, action) in ACTIONS {
        if action[0] == "merge" {
            let tree = repo.git(["rev-parse", "HEAD^{tree}"]);
            let commit = repo.git(["commit-tree", "-p", "HEAD", "-m", "Ahead", &tree]);
            repo.git(["branch", "ahead", &commit]);
        }
        let run = repo.try_git(action);
        assert_eq!(run.code, 0, "{what}: {action:?}: {run}");
        let line = says.replace("@hook@", hook);
        assert!(run.stderr.contains(&line), "{what}: {action:?}: {run}");
    }
    let pushed = repo.git(["ls-remote", "origin", "next"]);
    assert!(pushed.starts_with(&repo.git(["rev-parse", "HEAD"])), "{pushed}");
}

#[test]
fn a_program_that_is_missing_or_crashes_stops_no_git_command() {
    let crash = "dbm-git: failed in the @hook@ hook";
    let programs: [(&str, Option<&[u8]>, &str); 5] = [
        ("is missing", None, "dbm-git: program not found, "),
        ("dies of a signal", Some(b"#!/bin/sh\nkill -SEGV $$\n"), crash),
        ("panics", Some(b"#!/bin/sh\nexit 101\n"), crash),
        ("does not know the hook", Some(b"#!/bin/sh\nexit 2\n"), crash),
        ("is for another machine", Some(b"\x7fELF\x02\x01\x01\0\0\0"), crash),
    ];
    for is_block in [false, true] {
        for (what, program, says) in programs {
            let repo = TestRepo::new().adds("<base> -> a, root").publish("main");
            if is_block {
                for name in
                    ["post-checkout", "post-commit", "post-merge", "post-rewrite", "pre-push"]
                {
                    repo.write(&format!(".git/hooks/{name}"), "#!/bin/sh -e\ncat >/dev/null\n");
                    let path = repo.path().join(format!(".git/hooks/{name}"));
                    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("ours");
                }
            }
            let path = repo.home().join("dbm-git");
            let program_path = path.to_str().expect("a plain name");
            repo.dbm(["install", "--program", program_path]).expect_code(0);
            if let Some(text) = program {
                write_program(&repo, text);
            }
            check_that_git_goes_on(&repo, what, says);
        }
    }
}

#[test]
fn a_verdict_of_ours_is_the_only_thing_that_stops_a_push() {
    let repo = TestRepo::new().adds("<base> -> a, root").publish("main");
    let program = repo.home().join("dbm-git").display().to_string();
    repo.dbm(["install", "--program", &program]).expect_code(0);
    write_program(&repo, b"#!/bin/sh\n[ \"$2\" != pre-push ]\n");
    repo.git(["switch", "--quiet", "--create", "next"]);
    assert_eq!(repo.try_git(["push", "--quiet", "origin", "next"]).code, 1);
    assert_eq!(repo.git(["ls-remote", "origin", "next"]), "");
}

#[test]
fn a_configuration_that_cannot_be_read_stops_no_git_command() {
    let repo = TestRepo::new().adds("<base> -> a, root");
    repo.write("dbm-git.toml", "nonsense = 1\n");
    repo.commit("Configure");
    let repo = repo.publish("main");
    repo.dbm(["install"]).expect_code(0);
    check_that_git_goes_on(
        &repo,
        "nonsense",
        "dbm-git: @hook@ could not look: unknown key `nonsense`",
    );
}

/// What the hooks keep can be made anew, and is, without a word.
#[test]
fn what_was_seen_last_may_be_lost_or_damaged() {
    for damage in [&b""[..], b"dbm-git seen 2\n", b"dbm-git seen 2\nabc\nno places\n", b"\xff\xfe"]
    {
        let repo = clone_with_hooks();
        repo.write(".git/dbm-git/seen", damage);
        assert_eq!(heard(&repo, ["switch", "--quiet", "--create", "next"]), "");
        lands(&repo, "a -> m, main work");
        insta::allow_duplicates! {
            insta::assert_snapshot!(heard(&repo, ["pull", "--quiet", "origin", "main"]), @"
            dbm-git: 1 new revision (`m`): `dbm-git status` compares your database
            ");
        }
    }
}

#[test]
fn a_journal_that_cannot_be_read_takes_one_line_and_news_are_told() {
    let repo = clone_with_hooks();
    repo.write(".git/dbm-git/state.db", "garbage".repeat(2_000));
    assert_eq!(heard(&repo, ["switch", "--quiet", "--create", "next"]), "");
    lands(&repo, "a -> m, main work");
    let said = heard(&repo, ["pull", "--quiet", "origin", "main"]);
    let root = repo.path().display().to_string();
    insta::assert_snapshot!(said.replace(&root, "<repo>"), @"
    dbm-git: 1 new revision (`m`): `dbm-git status` compares your database
    dbm-git: `<repo>/.git/dbm-git/state.db` is damaged; move it away, and dbm-git begins a new one
    ");
    assert_eq!(heard(&repo, ["push", "--quiet", "origin", "next"]), "");
}

#[test]
fn where_nothing_can_be_kept_news_are_told_and_why_they_are_told_again() {
    let repo = clone_with_hooks();
    repo.remove_folder(".git/dbm-git");
    repo.write(".git/dbm-git", "");
    lands(&repo, "a -> m, main work");
    let said = heard(&repo, ["pull", "--quiet"]);
    let lines: Vec<&str> = said.lines().collect();
    let [news, trouble] = lines[..] else { panic!("{said}") };
    assert!(news.contains("1 new revision (`m`)"), "{said}");
    assert!(trouble.starts_with("dbm-git: cannot open `"), "{said}");
    for args in [&["check"][..], &["graph"]] {
        repo.dbm(args).expect_code(0);
    }
    repo.git(["switch", "--quiet", "--create", "next"]);
    assert_eq!(heard(&repo, ["push", "--quiet", "origin", "next"]), "");
}

#[test]
fn nobody_has_to_listen() {
    let repo = clone_with_hooks();
    lands(&repo, "a -> m, main work\na -> n, beside it");
    for command in [
        "git pull --quiet 2>&-",
        "git switch --quiet --detach HEAD~1 2>/dev/full",
        "git switch --quiet main <&- >&- 2>&-",
        "git push --quiet origin HEAD:refs/heads/next >&- 2>&-",
    ] {
        let run = Run::of(repo.command("sh").args(["-c", command]));
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{command}");
    }
    assert_ne!(repo.git(["ls-remote", "origin", "next"]), "");
}

#[test]
fn several_hooks_at_once_leave_one_whole_memory() {
    let repo = clone_with_hooks();
    repo.write_revisions("a -> b, arrived");
    repo.git(["-c", "core.hooksPath=/dev/null", "add", "--all"]);
    repo.git(["-c", "core.hooksPath=/dev/null", "commit", "--quiet", "-m", "B"]);
    let call = || {
        let mut command = repo.dbm_command();
        command.args(["hook", "post-checkout", "0", "1", "1"]);
        command.stderr(std::process::Stdio::piped()).spawn().expect("started")
    };
    let running: Vec<_> = (0..8).map(|_| call()).collect();
    for hook in running {
        let output = hook.wait_with_output().expect("ended");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        let news = "dbm-git: 1 new revision (`b`): `dbm-git status` compares your database\n";
        assert!(said.is_empty() || said == news, "{said}");
    }
    let mut left: Vec<String> =
        repo.files_in(".git/dbm-git").into_iter().map(|(path, _)| path).collect();
    left.sort();
    assert_eq!(left, [".git/dbm-git/headers", ".git/dbm-git/seen"], "no temporary file");
    assert_eq!(heard(&repo, ["switch", "--quiet", "--create", "next"]), "");
}
