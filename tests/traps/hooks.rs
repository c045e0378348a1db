//! What hooks do about databases: they look, where the database is on this
//! machine; where the clone has asked for it they upgrade, with files that have
//! landed; and they run nothing that somebody else could have written.
#![expect(clippy::disallowed_methods, reason = "tests set up and look at the real world")]

use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use super::support::{Run, TestRepo, VERSIONS};
use super::{database, repoint, sql, status};

/// The marker of code that must not have run, or must have.
const MARKER: &str = "ran.txt";

/// Writes the marker when Python comes by.
const WRITE_MARKER: &str = "open('ran.txt', 'a').write('ran')\n";

/// A clone at `a`, its database too, with hooks that upgrade; and a colleague.
fn clones() -> (TestRepo, TestRepo) {
    let mine = TestRepo::new();
    mine.write("models.py", "names = []\n");
    mine.write("migrations/env.py", format!("import models\n{}", mine.read("migrations/env.py")));
    let mine = mine.adds("<base> -> a, root").publish("main");
    let theirs = mine.colleague("theirs");
    mine.alembic(["upgrade", "head"]).expect_code(0);
    mine.dbm(["install"]).expect_code(0);
    for hook in ["postMerge", "postCheckout", "postRewrite", "postCommit"] {
        mine.git(["config", &format!("dbm-git.{hook}"), "sync"]);
    }
    (mine, theirs)
}

/// Commits all that the clone has, and pushes its branch.
fn push(theirs: &TestRepo, branch: &str) {
    theirs.commit("More");
    theirs.git(["push", "--quiet", "origin", branch]);
}

/// The colleague lands revisions on main.
fn land(theirs: &TestRepo, notation: &str) {
    theirs.write_revisions(notation);
    push(theirs, "main");
}

/// Runs git, which has to succeed, and returns what the hooks have said.
#[track_caller]
fn heard(repo: &TestRepo, words: &[&str]) -> String {
    let run = repo.try_git(words).expect_code(0);
    run.stderr
        .lines()
        .filter(|line| line.starts_with("dbm-git:"))
        .map(|l| l.to_owned() + "\n")
        .collect()
}

#[track_caller]
fn pull(mine: &TestRepo) -> String {
    heard(mine, &["pull", "--quiet", "origin", "main"])
}

/// An `alembic` in front of all others that writes the marker; git with it.
fn git_with_a_spy(repo: &TestRepo, words: &[&str]) -> Run {
    let folder = repo.home().join("spy");
    fs::create_dir_all(&folder).expect("a folder");
    let spy = folder.join("alembic");
    let marker = repo.path().join(MARKER);
    fs::write(&spy, format!("#!/bin/sh\necho ran >> '{}'\nexit 1\n", marker.display()))
        .expect("written");
    fs::set_permissions(&spy, fs::Permissions::from_mode(0o755)).expect("set");
    let mut git = repo.command("git");
    let mut path: OsString = folder.into();
    for (name, value) in git.get_envs() {
        if name == "PATH" {
            path.push(":");
            path.push(value.expect("a PATH"));
        }
    }
    Run::of(git.env("PATH", path).args(words))
}

#[test]
fn a_pull_on_main_applies_what_has_landed_and_says_so() {
    let (mine, theirs) = clones();
    land(&theirs, "a -> b, theirs");
    insta::assert_snapshot!(pull(&mine), @"
    dbm-git: 1 new revision (`b`): `dbm-git status` compares your database
    dbm-git: applied `b` to your database (`dbm-git undo 1`)
    ");
    assert_eq!(database(&mine), "b: t_a t_b");
    assert_eq!(status(&mine), "up-to-date");
    // A person can take it back.
    mine.dbm(["undo"]).expect_code(0);
    assert_eq!(database(&mine), "a: t_a");
}

#[test]
fn without_being_asked_to_a_hook_runs_no_alembic() {
    let (mine, theirs) = clones();
    for hook in ["postMerge", "postCheckout", "postRewrite", "postCommit"] {
        mine.git(["config", "--unset", &format!("dbm-git.{hook}")]);
    }
    land(&theirs, "a -> b, theirs");
    let run = git_with_a_spy(&mine, &["pull", "--quiet", "origin", "main"]).expect_code(0);
    assert!(run.stderr.contains("1 new revision (`b`)"), "{run}");
    assert!(!mine.has(MARKER));
    // The spy is one: who asks for more gets its failure, in one line.
    mine.git(["config", "dbm-git.postMerge", "sync"]);
    land(&theirs, "b -> c, more");
    let run = git_with_a_spy(&mine, &["pull", "--quiet", "origin", "main"]).expect_code(0);
    assert!(mine.has(MARKER), "{run}");
    assert!(run.stderr.contains("not upgraded: "), "{run}");
    assert_eq!(database(&mine), "a: t_a");
}

#[test]
fn switched_off_hooks_say_and_do_nothing() {
    let (mine, theirs) = clones();
    land(&theirs, "a -> b, theirs");
    let mut git = mine.command("git");
    let run = Run::of(git.env("DBM_GIT", "0").args(["pull", "--quiet", "origin", "main"]));
    assert_eq!(run.expect_code(0).stderr, "");
    assert_eq!(database(&mine), "a: t_a");
    mine.git(["config", "dbm-git.postMerge", "off"]);
    land(&theirs, "b -> c, more");
    assert_eq!(pull(&mine), "");
    assert_eq!(database(&mine), "a: t_a");
}

#[test]
fn a_switch_to_what_has_landed_applies_it_and_one_to_a_branch_reports() {
    let (mine, theirs) = clones();
    land(&theirs, "a -> b, theirs");
    mine.git(["fetch", "--quiet", "origin"]);
    insta::assert_snapshot!(heard(&mine, &["switch", "--quiet", "--detach", "origin/main"]), @"
    dbm-git: 1 new revision (`b`): `dbm-git status` compares your database
    dbm-git: applied `b` to your database (`dbm-git undo 1`)
    ");
    assert_eq!(database(&mine), "b: t_a t_b");
    // Own work on a branch.
    mine.git(["switch", "--quiet", "--create", "feature"]);
    let mine = mine.adds("b -> f, mine");
    mine.git(["switch", "--quiet", "--detach", "origin/main"]);
    insta::assert_snapshot!(heard(&mine, &["switch", "--quiet", "feature"]), @"
    dbm-git: 1 new revision (`f`): `dbm-git status` compares your database
    dbm-git: not upgraded: this commit has not landed; `dbm-git migrate` does it
    ");
    assert_eq!(database(&mine), "b: t_a t_b");
}

#[test]
fn after_a_rebase_and_an_amend_own_commits_have_not_landed() {
    let (mine, theirs) = clones();
    land(&theirs, "a -> b, theirs");
    mine.git(["switch", "--quiet", "--create", "feature"]);
    mine.write("notes.txt", "mine\n");
    mine.commit("Mine");
    mine.git(["fetch", "--quiet", "origin"]);
    insta::assert_snapshot!(heard(&mine, &["rebase", "--quiet", "origin/main"]), @"
    dbm-git: 1 new revision (`b`): `dbm-git status` compares your database
    dbm-git: not upgraded: this commit has not landed; `dbm-git migrate` does it
    ");
    assert_eq!(database(&mine), "a: t_a");
    mine.write_revisions("b -> f, mine");
    mine.git(["add", "--all"]);
    insta::assert_snapshot!(heard(&mine, &["commit", "--quiet", "--amend", "--no-edit"]), @"dbm-git: not upgraded: this commit has not landed; `dbm-git migrate` does it");
    assert_eq!(database(&mine), "a: t_a");
}

#[test]
fn a_rebase_that_rewrites_nothing_ends_without_a_hook_and_the_next_one_looks() {
    let (mine, theirs) = clones();
    land(&theirs, "a -> b, theirs");
    mine.git(["fetch", "--quiet", "origin"]);
    assert_eq!(heard(&mine, &["rebase", "--quiet", "origin/main"]), "");
    assert_eq!(database(&mine), "a: t_a");
    assert!(heard(&mine, &["switch", "--quiet", "--create", "feature"]).contains("applied `b`"));
    assert_eq!(database(&mine), "b: t_a t_b");
}

#[test]
fn nothing_runs_with_files_that_are_not_as_they_landed() {
    let edits: [(&str, &str); 5] = [
        ("migrations/env.py", WRITE_MARKER),
        ("alembic.ini", "# edited\n"),
        ("dbm-git.toml", "[components.default]\nconfig = \"alembic.ini\"\n"),
        ("models.py", WRITE_MARKER),
        ("migrations/versions/a_root.py", WRITE_MARKER),
    ];
    for (path, text) in edits {
        let (mine, theirs) = clones();
        land(&theirs, "a -> b, theirs");
        let before = if mine.has(path) { mine.read(path) } else { String::new() };
        mine.write(path, before + text);
        let said = pull(&mine);
        assert!(
            said.contains(&format!("not upgraded: `{path}` is not as it was committed")),
            "{said}"
        );
        assert_eq!(database(&mine), "a: t_a", "{path}");
        assert!(!mine.has(MARKER), "{path}");
    }
}

#[test]
fn nothing_runs_beside_a_script_that_is_nobodys_yet() {
    let (mine, theirs) = clones();
    land(&theirs, "a -> b, theirs");
    mine.write_revisions("b -> u, untracked");
    let said = pull(&mine);
    assert!(said.contains("not upgraded: `migrations/versions/u_untracked.py`"), "{said}");
    assert_eq!(database(&mine), "a: t_a");
}

#[test]
fn an_edit_that_alembic_never_reads_is_no_obstacle() {
    let (mine, theirs) = clones();
    mine.write("README.md", "hello\n");
    mine.commit("Say hello");
    mine.git(["push", "--quiet", "--no-verify", "origin", "main"]);
    theirs.git(["pull", "--quiet"]);
    land(&theirs, "a -> b, theirs");
    mine.write("README.md", "hello there\n");
    mine.write("scratch.py", "print('mine')\n");
    pull(&mine);
    assert_eq!(database(&mine), "b: t_a t_b");
}

/// A stranger's branch `pr`, with a revision and what `prepare` adds, is
/// fetched; then `words` check it out.
#[track_caller]
fn nothing_of_the_stranger_runs(prepare: &dyn Fn(&TestRepo), words: &[&str]) {
    let (mine, theirs) = clones();
    theirs.git(["switch", "--quiet", "--create", "pr"]);
    theirs.write_revisions("a -> p, request");
    prepare(&theirs);
    push(&theirs, "pr");
    mine.git(["fetch", "--quiet", "origin"]);
    mine.git(["remote", "add", "stranger", theirs.path().to_str().expect("a plain name")]);
    mine.git(["fetch", "--quiet", "stranger"]);
    mine.git(["remote", "set-head", "stranger", "pr"]);
    let said = heard(&mine, words);
    assert!(said.contains("not upgraded: "), "{said}");
    assert_eq!(database(&mine), "a: t_a");
    mine.git(["reset", "--quiet", "--hard"]);
    mine.git(["switch", "--quiet", "main"]);
    assert!(!mine.has(MARKER), "{said}");
}

const SWITCH: [&str; 5] = ["checkout", "--quiet", "-b", "pr", "origin/pr"];

#[test]
fn a_strangers_pull_request_runs_none_of_its_code() {
    let env = |pr: &TestRepo| {
        let text = pr.read("migrations/env.py");
        pr.write("migrations/env.py", format!("{WRITE_MARKER}{text}"));
    };
    nothing_of_the_stranger_runs(&env, &SWITCH);
    nothing_of_the_stranger_runs(&|pr| pr.write("models.py", WRITE_MARKER), &SWITCH);
    let script = |pr: &TestRepo| {
        let path = format!("{VERSIONS}/p_request.py");
        pr.write(&path, pr.read(&path) + WRITE_MARKER);
    };
    nothing_of_the_stranger_runs(&script, &SWITCH);
    nothing_of_the_stranger_runs(&script, &["merge", "--quiet", "--squash", "origin/pr"]);
}

#[test]
fn a_module_that_a_squash_merge_brings_is_not_imported() {
    let (mine, theirs) = clones();
    land(&theirs, "a -> b, theirs");
    mine.git(["config", "dbm-git.postMerge", "report"]);
    pull(&mine);
    mine.git(["config", "dbm-git.postMerge", "sync"]);
    theirs.git(["switch", "--quiet", "--create", "pr"]);
    theirs.write("models.py", WRITE_MARKER);
    push(&theirs, "pr");
    mine.git(["fetch", "--quiet", "origin"]);
    let said = heard(&mine, &["merge", "--quiet", "--squash", "origin/pr"]);
    assert!(said.contains("not upgraded: `models.py`"), "{said}");
    assert!(!mine.has(MARKER));
}

#[test]
fn a_pull_request_cannot_declare_itself_landed() {
    let write = |toml: &'static str| {
        move |pr: &TestRepo| {
            pr.write("models.py", WRITE_MARKER);
            pr.write("dbm-git.toml", toml);
        }
    };
    nothing_of_the_stranger_runs(&write("upstream = \"origin/pr\"\n"), &SWITCH);
    nothing_of_the_stranger_runs(&write("upstream = \"HEAD\"\n"), &SWITCH);
    nothing_of_the_stranger_runs(&write("protected = [\"origin/*\"]\n"), &SWITCH);
    let alembic = "[components.default]\nconfig = \"alembic.ini\"\n\
                   alembic = [\"sh\", \"-c\", \"echo ran > ran.txt\"]\n";
    nothing_of_the_stranger_runs(&write(alembic), &SWITCH);
    // Nor does it help to be somebody's default branch.
    let from_the_stranger = ["switch", "--quiet", "--detach", "stranger/HEAD"];
    nothing_of_the_stranger_runs(&write(""), &from_the_stranger);
}

#[test]
fn what_landed_on_a_protected_branch_runs_as_the_landed_configuration_says() {
    let (mine, theirs) = clones();
    theirs.write("dbm-git.toml", "protected = [\"origin/release/*\"]\n");
    push(&theirs, "main");
    pull(&mine);
    theirs.git(["switch", "--quiet", "--create", "release/1"]);
    theirs.write_revisions("a -> r, released");
    push(&theirs, "release/1");
    mine.git(["fetch", "--quiet", "origin"]);
    mine.git(["switch", "--quiet", "release/1"]);
    assert_eq!(database(&mine), "r: t_a t_r");
}

#[test]
fn a_hook_never_takes_anything_down_nor_makes_up_for_anything() {
    let (mine, theirs) = clones();
    land(&theirs, "a -> b, theirs");
    pull(&mine);
    sql(&mine, &["INSERT INTO t_b (id) VALUES (7)"]);
    insta::assert_snapshot!(heard(&mine, &["switch", "--quiet", "--detach", "HEAD~1"]), @"
    dbm-git: your database has run `b`, which is not here: `dbm-git sync` brings it in line
    ");
    mine.git(["switch", "--quiet", "main"]);
    // A revision is put below one that ran, on main itself.
    theirs.write_revisions("a -> m, inserted");
    repoint(&theirs, "b_theirs.py", "'a'", "'m'");
    theirs.write_revisions("b -> c, on top");
    push(&theirs, "main");
    insta::assert_snapshot!(pull(&mine), @"
    dbm-git: 2 new revisions (`m`, `c`): `dbm-git status` compares your database
    dbm-git: `m` never ran in your database, and alembic would skip it: `dbm-git sync` makes up for it
    ");
    assert_eq!(database(&mine), "b: t_a t_b");
    assert_eq!(sql(&mine, &["SELECT id FROM t_b"]), "7");
}

#[test]
fn a_database_of_several_worktrees_is_left_to_the_commands() {
    let (mine, theirs) = clones();
    let shared = format!("sqlite:///{}", mine.path().join("db.sqlite").display());
    mine.write("alembic.ini", mine.read("alembic.ini").replace("sqlite:///db.sqlite", &shared));
    mine.commit("Name the database by its full path");
    mine.git(["push", "--quiet", "--no-verify", "origin", "main"]);
    let (linked, _) = mine.worktree("linked", "other");
    assert_eq!(status(&linked), "up-to-date");
    theirs.git(["pull", "--quiet"]);
    land(&theirs, "a -> b, theirs");
    let said = pull(&mine);
    assert!(said.contains("not upgraded: other worktrees share this database"), "{said}");
    assert_eq!(database(&mine), "a: t_a");
    // One that is gone shares nothing.
    mine.git(["worktree", "remove", "--force", "../linked"]);
    land(&theirs, "b -> c, more");
    pull(&mine);
    assert_eq!(database(&mine), "c: t_a t_b t_c");
}

#[test]
fn a_worktree_with_a_file_of_its_own_is_upgraded() {
    let (mine, theirs) = clones();
    let (linked, _) = mine.worktree("linked", "other");
    linked.alembic(["upgrade", "head"]).expect_code(0);
    assert_eq!(status(&linked), "up-to-date");
    land(&theirs, "a -> b, theirs");
    heard(&linked, &["pull", "--quiet", "origin", "main"]);
    assert_eq!(database(&linked), "b: t_a t_b");
    assert_eq!(database(&mine), "a: t_a");
}

/// A server that takes connections and never says a word.
struct Silent(TcpListener);

impl Silent {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("a free port"))
    }

    fn url(&self, host: &str) -> String {
        let port = self.0.local_addr().expect("bound").port();
        format!("postgresql+psycopg://me:s3cret@{host}:{port}/app")
    }

    /// Whether anybody has come since the last time.
    fn was_called(&self) -> bool {
        self.0.set_nonblocking(true).expect("set");
        self.0.accept().is_ok()
    }
}

/// A pull of a revision, with a database that is at this URL.
fn pull_beside(url: &str, local_hosts: Option<&str>) -> String {
    let (mine, theirs) = clones();
    let ini = mine.read("alembic.ini");
    mine.write("alembic.ini", ini.replace("sqlite:///db.sqlite", url));
    mine.commit("Move to a server");
    mine.git(["push", "--quiet", "--no-verify", "origin", "main"]);
    theirs.git(["pull", "--quiet"]);
    land(&theirs, "a -> b, theirs");
    if let Some(hosts) = local_hosts {
        mine.git(["config", "dbm-git.localHosts", hosts]);
    }
    pull(&mine)
}

const ARRIVED: &str = "dbm-git: 1 new revision (`b`): `dbm-git status` compares your database\n";

#[test]
fn no_hook_calls_a_database_that_is_elsewhere() {
    // This machine under an address that is not known for it, so that a call
    // would arrive.
    let server = Silent::new();
    assert_eq!(pull_beside(&server.url("0.0.0.0"), None), ARRIVED);
    assert!(!server.was_called());
    assert_eq!(pull_beside(&server.url("0.0.0.0"), Some("db, 0.0.0.0")), ARRIVED);
    assert!(server.was_called());
}

#[test]
fn a_server_that_does_not_answer_is_not_worth_a_word() {
    let server = Silent::new();
    assert_eq!(pull_beside(&server.url("127.0.0.1"), None), ARRIVED);
    assert!(server.was_called());
}

#[test]
fn a_database_that_alembic_was_seen_to_use_elsewhere_is_not_looked_for_by_hooks() {
    let (mine, theirs) = clones();
    let server = Silent::new();
    // The ini's is a placeholder; env.py knows better.
    let env = mine.read("migrations/env.py");
    let other = "create_engine('sqlite:///other.sqlite'";
    mine.write(
        "migrations/env.py",
        env.replace("create_engine(config.get_main_option(\"sqlalchemy.url\")", other),
    );
    mine.alembic(["upgrade", "head"]).expect_code(0);
    mine.write(".gitignore", "__pycache__/\n/*.sqlite*\n");
    mine.commit("Use another one");
    mine.git(["push", "--quiet", "--no-verify", "origin", "main"]);
    assert_eq!(status(&mine), "up-to-date");
    theirs.git(["pull", "--quiet"]);
    land(&theirs, "a -> b, theirs");
    pull(&mine);
    assert_eq!(database(&mine), "a: t_a");
    assert_eq!(status(&mine), "up-to-date");
    assert!(!server.was_called());
}

#[test]
fn a_database_elsewhere_is_changed_by_nothing_that_is_not_told_to() {
    let (mine, theirs) = clones();
    land(&theirs, "a -> b, theirs");
    pull(&mine);
    let port = {
        let unused = TcpListener::bind("127.0.0.1:0").expect("a free port");
        unused.local_addr().expect("bound").port()
    };
    let url = format!("postgresql+psycopg://me:s3cret@0.0.0.0:{port}/app");
    for words in [
        vec!["sync"],
        vec!["migrate"],
        vec!["migrate", "--direction", "downgrade", "--target", "base"],
    ] {
        let run = mine.dbm(words.iter().copied().chain(["--database-url", &url])).expect_code(1);
        assert!(run.stderr.contains("--allow-remote"), "{run}");
        let told = ["--database-url", &url, "--allow-remote"];
        mine.dbm(words.iter().copied().chain(told)).expect_code(4);
    }
}

#[test]
fn in_the_middle_of_a_rebase_nothing_is_looked_at() {
    let (mine, theirs) = clones();
    mine.write("notes.txt", "mine\n");
    mine.commit("Mine");
    theirs.write("notes.txt", "theirs\n");
    land(&theirs, "a -> b, theirs");
    mine.git(["fetch", "--quiet", "origin"]);
    let stopped = mine.try_git(["rebase", "origin/main"]);
    assert_ne!(stopped.code, 0);
    assert!(!stopped.stderr.contains("dbm-git:"), "{stopped}");
    mine.write("notes.txt", "both\n");
    mine.git(["add", "notes.txt"]);
    assert_eq!(heard(&mine, &["commit", "--quiet", "-m", "Both"]), "");
    assert_eq!(database(&mine), "a: t_a");
    insta::assert_snapshot!(heard(&mine, &["rebase", "--continue"]), @"
    dbm-git: 1 new revision (`b`): `dbm-git status` compares your database
    dbm-git: not upgraded: this commit has not landed; `dbm-git migrate` does it
    ");
}

/// A revision whose effects no schema shows.
fn write_data_only(repo: &TestRepo, notation: &str, file: &str) {
    repo.write_revisions(notation);
    let path = format!("{VERSIONS}/{file}");
    let text = repo.read(&path);
    let (head, _) = text.split_once("def upgrade").expect("an upgrade");
    let body = "def upgrade() -> None:\n    op.execute(\"INSERT INTO t_a (id) VALUES (1)\")\n\n\n\
                def downgrade() -> None:\n    op.execute(\"DELETE FROM t_a\")\n";
    repo.write(&path, format!("{head}{body}"));
}

/// `f` ran on the branch `feature`, by hand; `m`, of which no schema tells, is
/// on main. Nobody has looked so far, and hooks are in place.
fn only_a_look_can_tell() -> TestRepo {
    let repo = TestRepo::new().adds("<base> -> a, root").branch("feature").adds("a -> f, feature");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    repo.git(["switch", "--quiet", "main"]);
    write_data_only(&repo, "a -> m, data only", "m_data_only.py");
    repo.commit("Add m");
    repo.git(["switch", "--quiet", "feature"]);
    repo.dbm(["install"]).expect_code(0);
    repo
}

#[test]
fn without_a_look_nobody_knows() {
    let repo = only_a_look_can_tell();
    repo.dbm(["uninstall"]).expect_code(0);
    repo.git(["merge", "--quiet", "--no-edit", "main"]);
    repoint(&repo, "f_feature.py", "'a'", "'m'");
    repo.commit("Rewrite by hand");
    assert_eq!(status(&repo), "unknown, unknown m");
}

#[test]
fn a_look_after_a_switch_tells_later_what_had_run() {
    let repo = only_a_look_can_tell();
    insta::assert_snapshot!(heard(&repo, &["switch", "--quiet", "main"]), @"
    dbm-git: 1 new revision (`m`): `dbm-git status` compares your database
    dbm-git: your database has run `f`, which is not here: `dbm-git sync` brings it in line
    ");
    repo.git(["switch", "--quiet", "feature"]);
    repo.git(["merge", "--quiet", "--no-edit", "main"]);
    repoint(&repo, "f_feature.py", "'a'", "'m'");
    repo.commit("Rewrite by hand");
    assert_eq!(status(&repo), "skipped, skipped m");
}

#[test]
fn a_look_after_a_rebase_that_rewrites_knows_what_had_run() {
    let repo = only_a_look_can_tell();
    let edit = format!(
        "sed -i \"s/^down_revision: .*/down_revision = 'm'/\" {VERSIONS}/f_feature.py && \
         git commit --quiet --all --amend --no-edit"
    );
    let said = heard(&repo, &["rebase", "--quiet", "main", "--exec", &edit]);
    insta::assert_snapshot!(said, @"
    dbm-git: 1 new revision (`m`): `dbm-git status` compares your database
    dbm-git: `m` never ran in your database, and alembic would skip it: `dbm-git sync` makes up for it
    ");
    assert_eq!(status(&repo), "skipped, skipped m");
}

#[test]
fn the_commits_that_a_rebase_walks_through_are_not_what_was_there_before() {
    let repo = only_a_look_can_tell();
    repo.write("notes.txt", "more\n");
    repo.commit("More");
    let edit = format!(
        "sed -i \"s/^down_revision: .*/down_revision = 'm'/\" {VERSIONS}/f_feature.py && \
         git commit --quiet --all --amend --allow-empty --no-edit"
    );
    repo.git(["rebase", "--quiet", "main", "--exec", &edit]);
    assert_eq!(status(&repo), "skipped, skipped m");
}

#[test]
fn a_look_after_an_amendment_knows_what_had_run() {
    let repo = only_a_look_can_tell();
    write_data_only(&repo, "a -> m, data only", "m_data_only.py");
    repoint(&repo, "f_feature.py", "'a'", "'m'");
    repo.git(["add", "--all"]);
    let said = heard(&repo, &["commit", "--quiet", "--amend", "--no-edit"]);
    insta::assert_snapshot!(said, @"dbm-git: `m` never ran in your database, and alembic would skip it: `dbm-git sync` makes up for it");
    assert_eq!(status(&repo), "skipped, skipped m");
}
