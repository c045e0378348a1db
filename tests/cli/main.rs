//! The commands, as they are typed: streams, exit codes, what is written, and
//! the JSON that other programs read.

mod apply;
mod check;
mod completing;
mod create;
mod doctor;
mod formats;
mod graph;
mod lock_file;
mod manual;
mod merge;
mod overview;
mod rebase;
mod remembered;
mod review;
mod schemas;
mod status;
#[path = "../support/mod.rs"]
mod support;
mod typed;
mod undo;

use support::{Run, TestRepo, VERSIONS, test_python};

/// `m` has landed on `origin/main`, `feature` has `f` and has merged `m`:
///
/// ```text
/// a -> m   landed
///  `-> f   own
/// ```
fn diverged() -> TestRepo {
    let repo = unmerged();
    repo.git(["merge", "--quiet", "--no-edit", "main"]);
    repo
}

/// The same before the merge, on `feature`.
fn unmerged() -> TestRepo {
    TestRepo::new()
        .adds("<base> -> a, root")
        .branch("feature")
        .adds("a -> f, feature")
        .on("main", "a -> m, main work")
        .publish("main")
        .switch("feature")
}

/// The line of a script that says what it follows.
#[track_caller]
fn down_revision(repo: &TestRepo, file: &str) -> String {
    let text = repo.read(&format!("{VERSIONS}/{file}"));
    let line = text.lines().find(|line| line.starts_with("down_revision"));
    let (_, value) = line.and_then(|l| l.split_once(" = ")).expect("a down revision");
    value.to_owned()
}

/// What git sees of the working tree, one file per line.
fn changes(repo: &TestRepo) -> String {
    repo.git(["status", "--porcelain", "--untracked-files=all"])
}

/// Runs SQL in the project's database and returns the rows of the last statement.
#[track_caller]
fn sql(repo: &TestRepo, statements: &[&str]) -> String {
    let script = "import sqlite3, sys\n\
                  c = sqlite3.connect('db.sqlite')\n\
                  for s in sys.argv[1:]: rows = c.execute(s).fetchall()\n\
                  c.commit()\n\
                  print(' '.join(str(r[0]) for r in rows))";
    let mut python = repo.command(test_python());
    let run = Run::of(python.args(["-c", script]).args(statements)).expect_code(0);
    run.stdout.trim_end().to_owned()
}

/// The database's version rows.
fn rows(repo: &TestRepo) -> String {
    sql(repo, &["SELECT version_num FROM alembic_version ORDER BY 1"])
}

/// The tables that migrations have made.
fn tables(repo: &TestRepo) -> String {
    sql(repo, &["SELECT name FROM sqlite_master WHERE name LIKE 't\\_%' ESCAPE '\\' ORDER BY 1"])
}

#[test]
fn a_renumbered_file_keeps_its_own_mode() {
    let repo = TestRepo::new()
        .adds("<base> -> 0001")
        .branch("feature")
        .adds("0001 -> 0002_f\n0002_f -> 0003_g")
        .on("main", "0001 -> 0002_m")
        .merge_into("feature");
    repo.git(["update-index", "--chmod=+x", "migrations/versions/0002_f_.py"]);
    repo.git(["checkout-index", "--force", "migrations/versions/0002_f_.py"]);
    repo.git(["commit", "--quiet", "-m", "Make a revision executable"]);
    repo.dbm(["rebase"]).expect_code(0);
    repo.git(["add", "--all"]);
    let modes = repo.git(["ls-files", "--format=%(objectmode) %(path)", "migrations/versions"]);
    assert_eq!(
        modes.lines().collect::<Vec<_>>(),
        [
            "100644 migrations/versions/0001_.py",
            "100644 migrations/versions/0002_m_.py",
            "100755 migrations/versions/0003_f_.py",
            "100644 migrations/versions/0004_g_.py",
        ]
    );
}
