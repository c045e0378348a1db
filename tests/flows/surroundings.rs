//! Clones, environments and places that are not the usual ones.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests set up and look at the real world")]

use std::path::Path;

use super::support::{Run, TestRepo, test_python, write_alembic_project};
use super::{clone_with_hooks, commits, feature_with_hooks, heard, install, lands};

/// A clone of `origin` with `options`, hooks installed, in a folder of its own.
#[track_caller]
fn cloned(repo: &TestRepo, options: &[&str]) -> TestRepo {
    let clone = repo.beside("clone");
    let origin = repo.beside("origin.git");
    origin.git(["config", "uploadpack.allowFilter", "true"]);
    let url = format!("file://{}", repo.origin().display());
    let mut args = vec!["clone", "--quiet"];
    args.extend(options);
    args.extend([url.as_str(), "../clone"]);
    repo.git(args);
    install(&clone);
    clone
}

fn published() -> TestRepo {
    TestRepo::new().adds("<base> -> a, root").adds("a -> b, next").publish("main")
}

#[test]
fn a_shallow_clone_hears_as_much_as_a_whole_one() {
    let repo = published();
    let clone = cloned(&repo, &["--depth", "1"]);
    clone.git(["switch", "--quiet", "--create", "feature"]);
    commits(&clone, "b -> f, feature");
    lands(&repo, "b -> m, main work");
    clone.git(["fetch", "--quiet"]);
    insta::assert_snapshot!(heard(&clone, ["push", "--quiet", "origin", "feature"]), @"
    dbm-git: warning: DBM015: merged with origin/main, heads `f` and `m` have diverged since `b` (run `git merge origin/main`, then `dbm-git rebase`)
    ");
    insta::assert_snapshot!(heard(&clone, ["merge", "--quiet", "--no-edit", "origin/main"]), @"
    dbm-git: the heads `f`, `m` have diverged
    dbm-git: `dbm-git rebase` puts your revisions on top, `dbm-git merge` merges
    ");
    assert_eq!(heard(&clone, ["fetch", "--quiet", "--unshallow"]), "");
}

#[test]
fn what_a_partial_clone_has_left_out_blocks_no_push() {
    let repo = published();
    let clone = cloned(&repo, &["--filter=blob:none"]);
    clone.git(["switch", "--quiet", "--create", "feature"]);
    commits(&clone, "b -> f, feature");
    lands(&repo, "b -> m, main work");
    clone.git(["fetch", "--quiet"]);
    let missing = clone.git(["rev-list", "--objects", "--all", "--missing=print"]);
    assert!(missing.contains('?'), "{missing}");
    assert_eq!(heard(&clone, ["push", "--quiet", "origin", "feature"]), "");
    // git fetches what it checks out, and then we can read it.
    insta::assert_snapshot!(heard(&clone, ["merge", "--quiet", "--no-edit", "origin/main"]), @"
    dbm-git: the heads `f`, `m` have diverged
    dbm-git: `dbm-git rebase` puts your revisions on top, `dbm-git merge` merges
    ");
}

#[test]
fn a_sparse_checkout_hears_of_revisions_outside_of_its_cone() {
    let repo = published();
    let clone = cloned(&repo, &["--sparse"]);
    assert!(!clone.has("migrations"));
    lands(&repo, "b -> m, main work");
    insta::assert_snapshot!(heard(&clone, ["pull", "--quiet"]), @"
    dbm-git: 1 new revision (`m`): `dbm-git status` compares your database
    ");
    clone.write("README", "Read me.");
    clone.git(["add", "--sparse", "README"]);
    // git hands on an index of its own for a commit of some paths.
    assert_eq!(heard(&clone, ["commit", "--quiet", "-m", "Read me", "README"]), "");
    assert_eq!(heard(&clone, ["switch", "--quiet", "--create", "next"]), "");
    assert_eq!(heard(&clone, ["push", "--quiet", "origin", "next"]), "");
}

#[test]
fn a_sparse_and_partial_clone_is_left_in_peace() {
    let repo = published();
    let clone = cloned(&repo, &["--sparse", "--filter=blob:none"]);
    lands(&repo, "b -> m, main work");
    assert_eq!(heard(&clone, ["pull", "--quiet"]), "");
    clone.git(["switch", "--quiet", "--create", "feature"]);
    clone.write("README", "Read me.");
    clone.git(["add", "--sparse", "README"]);
    assert_eq!(heard(&clone, ["commit", "--quiet", "-m", "Read me"]), "");
    let pushed = heard(&clone, ["push", "--quiet", "origin", "feature"]);
    insta::assert_snapshot!(pushed, @"dbm-git: 3 errors that are not new: `dbm-git check` shows more");
    // Once the files are wanted, they are there, and spoken of.
    clone.git(["sparse-checkout", "add", "migrations"]);
    lands(&repo, "m -> n, more of it");
    insta::assert_snapshot!(heard(&clone, ["pull", "--quiet", "--no-rebase", "--no-edit", "origin", "main"]), @"
    dbm-git: 1 new revision (`n`): `dbm-git status` compares your database
    ");
}

#[test]
fn borrowed_objects_are_objects() {
    let repo = clone_with_hooks();
    repo.git(["clone", "--quiet", "--shared", "../origin.git", "../clone"]);
    let clone = repo.beside("clone");
    install(&clone);
    lands(&repo, "a -> m, main work");
    insta::assert_snapshot!(heard(&clone, ["pull", "--quiet"]), @"
    dbm-git: 1 new revision (`m`): `dbm-git status` compares your database
    ");
}

/// As started from a dock: no home, no language, and `PATH` as the system sets it.
#[test]
fn a_client_with_a_bare_environment_runs_the_hooks() {
    let repo = feature_with_hooks();
    let path = std::env::var_os("PATH").expect("tests are run from somewhere");
    let git = std::env::split_paths(&path).find(|folder| folder.join("git").is_file());
    let git = git.expect("git is on PATH");
    let system = std::env::join_paths([git.as_path(), Path::new("/usr/bin"), Path::new("/bin")]);
    let mut command = repo.command("git");
    command.env_clear().env("PATH", system.expect("plain folders"));
    let run = Run::of(command.args(["switch", "--quiet", "main"]));
    assert_eq!(run.code, 0, "{run}");
    insta::assert_snapshot!(run.stderr, @"
    dbm-git: 1 revision is not here any more (`f`); a database that ran it needs the other branch to go down
    ");
}

/// A terminal breaks lines by itself, at whatever width.
#[test]
fn a_narrow_terminal_gets_whole_lines() {
    const IN_TERMINAL: &str = r#"
import fcntl, os, pty, struct, sys, termios
child, terminal = pty.fork()
if child == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 5, 20, 0, 0))
    os.execvp(sys.argv[1], sys.argv[1:])
text = b""
while True:
    try:
        part = os.read(terminal, 4096)
    except OSError:
        break
    if not part:
        break
    text += part
print(text.decode().replace("\r\n", "\n"), end="")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"#;
    let repo = feature_with_hooks();
    let mut command = repo.command(test_python());
    command.args(["-c", IN_TERMINAL, "git", "switch", "--quiet", "main"]);
    let run = Run::of(&mut command);
    assert_eq!(run.code, 0, "{run}");
    insta::assert_snapshot!(run.stdout, @"
    dbm-git: 1 revision is not here any more (`f`); a database that ran it needs the other branch to go down
    ");
}

/// On a server, git keeps pushed objects apart until the hooks agree.
#[test]
fn in_quarantine_pushed_commits_can_be_checked() {
    let repo = published();
    let hook = format!(
        "#!/bin/sh\nwhile read -r old new ref; do '{}' check --quiet --at \"$new\" || exit 1; done\n",
        env!("CARGO_BIN_EXE_dbm-git")
    );
    repo.write("../origin.git/hooks/pre-receive", hook);
    repo.command("chmod").args(["+x", "../origin.git/hooks/pre-receive"]).status().expect("runs");
    let repo = repo.branch("feature").adds("b -> f");
    assert_eq!(heard(&repo, ["push", "--quiet", "origin", "feature"]), "");
    let repo = repo.adds("b -> g");
    let run = repo.try_git(["push", "--quiet", "origin", "feature"]);
    assert_eq!(run.code, 1, "{run}");
    assert!(run.stderr.contains("DBM001"), "{run}");
}

#[test]
fn a_repository_with_sha256_ids_is_refused_in_clear_words() {
    let repo = TestRepo::empty().beside("sha256");
    std::fs::create_dir(repo.path()).expect("a new folder");
    repo.git(["init", "--quiet", "--initial-branch=main", "--object-format=sha256"]);
    write_alembic_project(&repo);
    let repo = repo.writes("<base> -> a");
    repo.commit("Set up");
    insta::assert_snapshot!(repo.dbm(["install"]), @"
    --- stderr
    error: this repository names its objects in a way that dbm-git cannot read: unknown object format 'sha256'
    hint: it reads repositories whose object format is sha1, git's default
    --- exit 3
    ");
    // Hooks for all repositories of a machine come here too.
    insta::assert_snapshot!(repo.dbm(["hook", "post-checkout", "0", "1", "1"]), @"
    --- stderr
    dbm-git: post-checkout could not look: this repository names its objects in a way that dbm-git cannot read: unknown object format 'sha256'
    ");
}

/// git itself would not run a hook there, unless it was told to on its command
/// line, which libgit2 does not see.
#[test]
fn somebody_elses_repository_takes_one_line_and_says_how_to_trust_it() {
    let repo = feature_with_hooks();
    let root = repo.path().display().to_string();
    let given = repo.command("chown").args(["-R", "12345", &root]).status().expect("chown runs");
    if !given.success() {
        eprintln!("NOT ROOT: no folder can be given to somebody else, only trust is tested");
    }
    let trusted = format!("safe.directory={root}");
    let run = repo.try_git(["-c", &trusted, "switch", "--quiet", "main"]);
    assert_eq!(run.code, 0, "{run}");
    if given.success() {
        let said = run.stderr.replace(&root, "<repo>");
        insta::assert_snapshot!(said, @"
        dbm-git: post-checkout could not look: the git repository belongs to somebody else: repository path '<repo>' is not owned by current user
        ");
        assert!(repo.dbm(["check"]).expect_code(3).stderr.contains("safe.directory"));
    }
    repo.write("../home/.gitconfig", format!("[safe]\n\tdirectory = {root}\n"));
    repo.git(["switch", "--quiet", "feature"]);
    assert_eq!(heard(&repo, ["switch", "--quiet", "main"]), gone_f());
}

fn gone_f() -> String {
    "dbm-git: 1 revision is not here any more (`f`); \
     a database that ran it needs the other branch to go down\n"
        .to_owned()
}
