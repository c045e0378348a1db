//! The traps of ALEMBIC.md 1.9, one test each by the experiment's name: the real
//! alembic walks into it, `status` names it, `sync` repairs it, and what can be
//! kept of the data is kept.

mod hooks;
mod secrets;
mod stories;
#[path = "../support/mod.rs"]
mod support;
mod traps;

use support::{Run, StatusJson, TestRepo, VERSIONS, test_python};

/// Rewrites a script's down revision, as people do by hand.
fn repoint(repo: &TestRepo, file: &str, from: &str, to: &str) {
    let path = format!("{VERSIONS}/{file}");
    let old = format!("down_revision: Union[str, Sequence[str], None] = {from}\n");
    let text = repo.read(&path);
    assert!(text.contains(&old), "{path} has no {old}");
    let new = format!("down_revision: Union[str, Sequence[str], None] = {to}\n");
    repo.write(&path, text.replace(&old, &new));
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

/// Version rows and tables, as `f m: t_a t_f`.
fn database(repo: &TestRepo) -> String {
    let rows = sql(repo, &["SELECT version_num FROM alembic_version ORDER BY 1"]);
    let tables = sql(
        repo,
        &["SELECT name FROM sqlite_master WHERE name LIKE 't\\_%' ESCAPE '\\' ORDER BY 1"],
    );
    format!("{rows}: {tables}")
}

/// The state of the only component, and what is skipped, unknown and foreign.
#[track_caller]
fn status(repo: &TestRepo) -> String {
    let json: StatusJson = repo.dbm(["status", "--format", "json"]).expect_code(0).json();
    let component = &json.components[0];
    let mut text = component.state.clone();
    for (name, ids) in [
        ("skipped", &component.skipped),
        ("unknown", &component.unknown),
        ("foreign", &component.foreign),
    ] {
        if !ids.is_empty() {
            text += &format!(", {name} {}", ids.join(" "));
        }
    }
    text
}

/// Syncs, and makes sure that alembic agrees with the outcome.
#[track_caller]
fn sync(repo: &TestRepo) {
    repo.dbm(["sync"]).expect_code(0);
    assert_eq!(status(repo), "up-to-date");
    repo.alembic(["current", "--check-heads"]).expect_code(0);
    let before = database(repo);
    repo.alembic(["upgrade", "heads"]).expect_code(0);
    assert_eq!(database(repo), before, "alembic had something left to do");
}
