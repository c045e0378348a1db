//! Silence: where nothing has changed, where nothing is asked for, and where
//! there is nothing to look at.

use super::support::TestRepo;
use super::{
    assert_untouched, clone_with_hooks, commits, feature_with_hooks, heard, heard_beside_git,
    install, lands,
};

#[test]
fn branches_at_the_same_commit_and_restored_files_are_no_news() {
    let repo = clone_with_hooks();
    assert_eq!(heard(&repo, ["switch", "--quiet", "--create", "next"]), "");
    assert_eq!(heard(&repo, ["switch", "--quiet", "main"]), "");
    repo.write("migrations/versions/a_root.py", "edited\n");
    assert_eq!(heard(&repo, ["checkout", "--quiet", "--", "migrations"]), "");
    repo.remove("migrations/versions/a_root.py");
    assert_eq!(heard(&repo, ["restore", "--quiet", "migrations"]), "");
    assert_untouched(&repo);
}

/// The committed script is garbage, which the first look tells; hooks that
/// find the same tree ids do not look at it again.
#[test]
fn where_no_tree_changed_no_script_is_parsed() {
    let repo = clone_with_hooks();
    repo.write("migrations/versions/x.py", "def (\n");
    repo.git(["add", "--all"]);
    insta::assert_snapshot!(heard(&repo, ["commit", "--quiet", "-m", "Garbage"]), @"
    dbm-git: 1 error in the migration files: `dbm-git check` shows them
    ");
    repo.git(["switch", "--quiet", "--create", "next"]);
    repo.write("README", "Read me.");
    repo.git(["add", "--all"]);
    assert_eq!(heard(&repo, ["commit", "--quiet", "-m", "Read me"]), "");
    assert_eq!(heard(&repo, ["switch", "--quiet", "main"]), "");
    assert_eq!(heard(&repo, ["merge", "--quiet", "--ff-only", "next"]), "");
}

/// A configuration that nobody can read is complained about whenever it is read.
#[test]
fn where_no_tree_changed_no_configuration_is_read() {
    let repo = clone_with_hooks();
    repo.write("dbm-git.toml", "nonsense = 1\n");
    assert_eq!(heard(&repo, ["switch", "--quiet", "--create", "next"]), "");
    repo.write("README", "Read me.");
    repo.git(["add", "README"]);
    assert_eq!(heard(&repo, ["commit", "--quiet", "-m", "Read me"]), "");
    assert_eq!(heard(&repo, ["switch", "--quiet", "main"]), "");
    // Without what was seen last, it has to look.
    repo.remove(".git/dbm-git/seen");
    insta::assert_snapshot!(heard(&repo, ["switch", "--quiet", "next"]), @"
    dbm-git: post-checkout could not look: unknown key `nonsense` in `dbm-git.toml` line 1, the nearest known one is `ignore`
    ");
}

#[test]
fn hooks_can_be_switched_off_one_by_one_and_for_once() {
    let repo = clone_with_hooks();
    lands(&repo, "a -> m, main work");
    repo.git(["config", "dbm-git.postMerge", "off"]);
    assert_eq!(heard(&repo, ["pull", "--quiet"]), "");
    repo.git(["config", "--unset", "dbm-git.postMerge"]);

    repo.git(["config", "dbm-git.postCheckout", "off"]);
    assert_eq!(heard(&repo, ["switch", "--quiet", "--detach", "HEAD~1"]), "");
    repo.git(["config", "--unset", "dbm-git.postCheckout"]);

    let mut quiet = repo.command("git");
    quiet.env("DBM_GIT", "0").args(["switch", "--quiet", "main"]);
    assert_eq!(super::support::Run::of(&mut quiet).expect_code(0).stderr, "");
    assert_untouched(&repo);
}

#[test]
fn a_repository_without_alembic_hears_nothing() {
    let repo = TestRepo::empty();
    repo.write("README", "Read me.");
    repo.commit("Start");
    repo.dbm(["install"]).expect_code(0);
    let repo = repo.publish("main");
    repo.git(["switch", "--quiet", "--create", "other"]);
    repo.write("README", "Read me again.");
    repo.git(["add", "--all"]);
    for args in [
        &["commit", "--quiet", "-m", "Again"][..],
        &["commit", "--quiet", "--amend", "-m", "Anew"],
        &["switch", "--quiet", "main"],
        &["merge", "--quiet", "--ff-only", "other"],
        &["push", "--quiet", "origin", "main"],
        &["switch", "--quiet", "--create", "next", "HEAD~1"],
        &["rebase", "--quiet", "main"],
    ] {
        let run = repo.try_git(args);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args:?}");
    }
    assert_untouched(&repo);
}

#[test]
fn an_unborn_branch_is_nothing_to_talk_about() {
    let repo = TestRepo::empty();
    install(&repo);
    super::support::write_alembic_project(&repo);
    repo.git(["add", "--all"]);
    assert_eq!(heard(&repo, ["commit", "--quiet", "-m", "Set up alembic"]), "");
    commits(&repo, "<base> -> a, root");
    assert_eq!(heard(&repo, ["switch", "--quiet", "--orphan", "empty"]), "");
}

#[test]
fn nothing_is_said_in_the_middle_of_a_bisect() {
    let repo = feature_with_hooks();
    commits(&repo, "f -> g, more of it");
    repo.git(["bisect", "start"]);
    repo.git(["bisect", "bad"]);
    assert_eq!(heard_beside_git(&repo, ["bisect", "good", "HEAD~2"]), "");
    assert_eq!(heard_beside_git(&repo, ["bisect", "bad"]), "");
    assert_eq!(heard_beside_git(&repo, ["bisect", "reset"]), "");
    assert_eq!(heard(&repo, ["switch", "--quiet", "--create", "next"]), "");
    assert_untouched(&repo);
}

/// `main`, and `other` with one more text file: 3,000 revisions among 100,000
/// files, of which only the migrations are in the working tree.
fn huge() -> TestRepo {
    let repo = TestRepo::empty();
    super::support::write_alembic_project(&repo);
    let notation: String = (1..3_000).map(|n| format!("r{} -> r{n}\n", n - 1)).collect();
    repo.write_revisions(&format!("<base> -> r0\n{notation}"));
    let person = "committer Ada <ada@example.org> 1767225600 +0000\ndata 0\n";
    let mut stream = format!("blob\nmark :1\ndata 0\n\ncommit refs/heads/main\n{person}");
    for n in 0..100_000 {
        stream += &format!("M 100644 :1 src/package_{}/module_{n}.py\n", n / 100);
    }
    let mut files = repo.files_in("migrations/versions");
    files.push(("alembic.ini".to_owned(), repo.read("alembic.ini").into_bytes()));
    files.push(("migrations/env.py".to_owned(), repo.read("migrations/env.py").into_bytes()));
    for (path, bytes) in files {
        let text = String::from_utf8(bytes).expect("our own text");
        stream += &format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len());
    }
    stream +=
        &format!("commit refs/heads/other\n{person}from refs/heads/main\nM 100644 :1 README\n");
    repo.write(".git/stream", stream);
    let import = "git fast-import --quiet <.git/stream";
    super::support::Run::of(repo.command("sh").args(["-c", import])).expect_code(0);
    install(&repo);
    repo
}

/// Whatever a hook could read without need is garbage, and reading it is told.
#[test]
fn a_hook_that_finds_nothing_changed_reads_nothing_of_a_huge_repository() {
    let repo = huge();
    let scripts = repo.files_in("migrations/versions");
    let declaring = ["dbm-git.toml", "pyproject.toml", "alembic.ini"].map(str::to_owned);
    for path in scripts.into_iter().map(|(path, _)| path).chain(declaring) {
        repo.write(&path, "\u{0}[def (");
    }
    repo.write(".git/index", "DIRCx");
    repo.write(".git/dbm-git/state.db", "garbage");
    repo.git(["symbolic-ref", "HEAD", "refs/heads/other"]);
    let hook = || repo.dbm(["hook", "post-checkout", "0", "1", "1"]).expect_code(0);
    insta::assert_snapshot!(hook(), @"");
    let state: Vec<String> =
        repo.files_in(".git/dbm-git").into_iter().map(|(path, _)| path).collect();
    repo.remove(".git/dbm-git/seen");
    assert!(hook().stderr.contains("could not look: "), "the garbage is worse than it seems");
    assert_eq!(state.len(), 2, "{state:?}");
}
