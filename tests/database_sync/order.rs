//! `rebase --verify` on SQLite, PostgreSQL and MariaDB: own revisions that only go wrong
//! on top of the landed ones are refused before a file changes; their twins are not.

use std::fmt::Write as _;

use super::project::share;
use super::support::{Server, TestRepo};
use serde_json::Value;

/// What both sides begin with.
const GROUND: &str = r#"op.create_table(
        "users",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(64)),
        sa.Column("age", sa.Integer()),
    )
    op.create_index("ix_users_age", "users", ["age"])
    op.create_table("notes", sa.Column("id", sa.Integer(), primary_key=True))"#;
const NO_GROUND: &str = "op.drop_table('notes')\n    op.drop_table('users')";

/// `upgrade` and `downgrade`, with `b` for `users` in a batch.
type Functions = (&'static str, &'static str);

struct Case {
    name: &'static str,
    landed: Functions,
    /// It works without the landed one, and not on top of it.
    own: Functions,
    /// It works there, too.
    twin: Functions,
    /// A word of what is told.
    told: &'static str,
}

const ADD_X: Functions = ("b.add_column(sa.Column('x', sa.Integer()))", "b.drop_column('x')");
const ADD_Y: Functions = ("b.add_column(sa.Column('y', sa.Integer()))", "b.drop_column('y')");
const TABLE_T: Functions =
    ("op.create_table('t', sa.Column('id', sa.Integer(), primary_key=True))", "op.drop_table('t')");
const TABLE_U: Functions =
    ("op.create_table('u', sa.Column('id', sa.Integer(), primary_key=True))", "op.drop_table('u')");
const RENAME: Functions = (
    "b.alter_column('name', existing_type=sa.String(64), new_column_name='title')",
    "b.alter_column('title', existing_type=sa.String(64), new_column_name='name')",
);
const DROP_NAME: Functions =
    ("b.drop_column('name')", "b.add_column(sa.Column('name', sa.String(64)))");
const DROP_NOTES: Functions = (
    "op.drop_table('notes')",
    "op.create_table('notes', sa.Column('id', sa.Integer(), primary_key=True))",
);

static CASES: [Case; 9] = [
    Case {
        name: "uses_what_was_renamed",
        landed: RENAME,
        own: ("op.execute(\"UPDATE users SET name = 'x' WHERE name IS NULL\")", "pass"),
        twin: ("op.execute(\"UPDATE users SET title = 'x' WHERE title IS NULL\")", "pass"),
        told: "name",
    },
    Case {
        name: "uses_what_was_dropped",
        landed: DROP_NAME,
        own: ("op.execute(\"UPDATE users SET age = 1 WHERE name = 'x'\")", "pass"),
        twin: ("op.execute(\"UPDATE users SET age = 1 WHERE id = 7\")", "pass"),
        told: "name",
    },
    Case { name: "both_add_a_column", landed: ADD_X, own: ADD_X, twin: ADD_Y, told: "x" },
    Case { name: "both_add_a_table", landed: TABLE_T, own: TABLE_T, twin: TABLE_U, told: "t" },
    Case {
        name: "both_drop_a_column",
        landed: DROP_NAME,
        own: DROP_NAME,
        twin: ADD_X,
        told: "name",
    },
    Case {
        name: "both_drop_a_table",
        landed: DROP_NOTES,
        own: DROP_NOTES,
        twin: TABLE_T,
        told: "notes",
    },
    Case {
        name: "index_on_a_dropped_column",
        landed: DROP_NAME,
        own: ("op.create_index('ix_name', 'users', ['name'])", "op.drop_index('ix_name', 'users')"),
        twin: (
            "op.create_index('ix_id', 'users', ['id', 'age'])",
            "op.drop_index('ix_id', 'users')",
        ),
        told: "name",
    },
    Case {
        name: "both_name_an_index_alike",
        landed: (
            "op.create_index('ix_new', 'users', ['name'])",
            "op.drop_index('ix_new', 'users')",
        ),
        own: ("op.create_index('ix_new', 'users', ['age'])", "op.drop_index('ix_new', 'users')"),
        twin: (
            "op.create_index('ix_newer', 'users', ['age'])",
            "op.drop_index('ix_newer', 'users')",
        ),
        told: "ix_new",
    },
    Case {
        name: "its_way_back_needs_what_was_dropped",
        landed: DROP_NAME,
        own: (
            "b.add_column(sa.Column('x', sa.Integer()))",
            "op.execute(\"UPDATE users SET name = 'x'\")\n    \
             with op.batch_alter_table('users') as b:\n        b.drop_column('x')",
        ),
        twin: ADD_X,
        told: "name",
    },
];

fn script(id: &str, down: &str, (up, back): Functions) -> String {
    let body = |text: &str| match text.starts_with("b.") {
        true => format!("with op.batch_alter_table('users') as b:\n        {text}"),
        false => text.to_owned(),
    };
    let (up, back) = (body(up), body(back));
    format!(
        "from alembic import op\nimport sqlalchemy as sa\n\nrevision = '{id}'\n\
         down_revision = {down}\nbranch_labels = None\ndepends_on = None\n\n\n\
         def upgrade() -> None:\n    {up}\n\n\ndef downgrade() -> None:\n    {back}\n"
    )
}

/// Each case is a component of its own: `a -> l` has landed, `a -> o` is one's own.
fn repository(url: &str, own: fn(&Case) -> Functions) -> TestRepo {
    let repo = TestRepo::new();
    let mut settings = String::new();
    let (ini, env) = (repo.read("alembic.ini"), repo.read("migrations/env.py"));
    let line = ini.lines().find(|line| line.starts_with("sqlalchemy.url")).expect("a URL");
    let ini = ini.replace(line, &format!("sqlalchemy.url = {}", url.replace('%', "%%")));
    for Case { name, .. } in share(&CASES, url) {
        write!(settings, "[components.{name}]\nconfig = \"{name}.ini\"\n").expect("text");
        let ini = ini.replace("%(here)s/migrations", &format!("%(here)s/{name}"));
        repo.write(&format!("{name}.ini"), ini);
        repo.write(&format!("{name}/env.py"), env.clone());
        repo.write(&format!("{name}/versions/a.py"), script("a", "None", (GROUND, NO_GROUND)));
    }
    repo.write("dbm-git.toml", settings);
    repo.commit("Begin");
    repo.git(["branch", "own"]);
    for case in share(&CASES, url) {
        repo.write(&format!("{}/versions/l.py", case.name), script("l", "'a'", case.landed));
    }
    repo.commit("Land");
    let repo = repo.publish("main").switch("own");
    for case in share(&CASES, url) {
        repo.write(&format!("{}/versions/o.py", case.name), script("o", "'a'", own(case)));
    }
    repo.commit("Add one's own");
    repo.git(["merge", "--quiet", "--no-edit", "main"]);
    repo
}

/// The files of all version locations.
fn files(repo: &TestRepo, url: &str) -> Vec<(String, Vec<u8>)> {
    share(&CASES, url)
        .iter()
        .flat_map(|case| repo.files_in(&format!("{}/versions", case.name)))
        .collect()
}

#[track_caller]
fn rebased(repo: &TestRepo, arguments: &[&str], code: i32) -> Vec<Value> {
    let words = ["rebase", "--format", "json"].iter().chain(arguments);
    let run = repo.dbm(words).expect_code(code);
    let report: Value = serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}\n{run}"));
    report["components"].as_array().expect("components").clone()
}

#[track_caller]
fn all_are_found(url: &str) {
    let repo = repository(url, |case| case.own);
    // By itself each works: what is wrong with it is the order.
    let before = files(&repo, url);
    for (component, case) in rebased(&repo, &["--verify"], 1).iter().zip(share(&CASES, url)) {
        let refused = component["refused"].as_str().unwrap_or_default();
        let path = format!("`o` (`{}/versions/o.py`) does not work in its new place: ", case.name);
        assert!(refused.starts_with(&path), "{}: {component}", case.name);
        assert!(refused.contains("alembic failed"), "{}: {refused}", case.name);
        assert!(refused.contains(case.told), "{}: {refused}", case.name);
    }
    assert_eq!(files(&repo, url), before);
    let repo = repository(url, |case| case.twin);
    for component in rebased(&repo, &["--verify"], 0) {
        assert_eq!(component["refused"], Value::Null, "{component}");
        assert_eq!(component["verified"], serde_json::json!(["o"]), "{component}");
    }
    let moved = repo.read(&format!("{}/versions/o.py", share(&CASES, url)[0].name));
    assert!(moved.contains("down_revision = 'l'"), "{moved}");
}

#[test]
fn on_sqlite_every_fault_of_order_is_found_and_no_twin_is_blamed() {
    let repo = TestRepo::new();
    let file = repo.path().join("app.db");
    all_are_found(&format!("sqlite:///{}", file.display()));
    assert!(!file.exists(), "the project's own database was made");
}

#[test]
fn on_postgresql_every_fault_of_order_is_found_and_no_twin_is_blamed() {
    all_are_found(&Server::postgres().url());
}

#[test]
fn on_mariadb_every_fault_of_order_is_found_and_no_twin_is_blamed() {
    all_are_found(&Server::mariadb().url());
}

#[test]
fn a_merge_is_verified_too_and_a_dry_run_says_so() {
    let url = "sqlite:///app.db";
    let repo = repository(url, |case| case.own);
    let name = "both_add_a_table";
    let merge = |arguments: &[&str]| {
        let words =
            ["merge", "--component", name, "--verify"].into_iter().chain(arguments.iter().copied());
        repo.dbm(words).expect_code(1)
    };
    let before = files(&repo, url);
    for run in [merge(&[]), merge(&["--dry-run"])] {
        assert!(run.stderr.contains("`o` (`both_add_a_table/versions/o.py`) does not"), "{run}");
        assert!(run.stderr.contains("hint: change it for its new place"), "{run}");
    }
    assert_eq!(files(&repo, url), before);
    let repo = repository(url, |case| case.twin);
    let run = repo.dbm(["rebase", "--component", name, "--verify", "--dry-run"]).expect_code(0);
    assert!(
        run.stdout.contains("verified on a scratch database, up, down and up again: o"),
        "{run}"
    );
    assert!(repo.read(&format!("{name}/versions/o.py")).contains("down_revision = 'a'"));
}

#[test]
fn landed_revisions_that_do_not_run_from_nothing_are_told_apart() {
    let repo = repository("sqlite:///app.db", |case| case.twin);
    let name = "both_add_a_table";
    repo.write(
        &format!("{name}/versions/a.py"),
        script("a", "None", ("op.drop_table('no')", "pass")),
    );
    let run = repo.dbm(["rebase", "--component", name, "--verify"]).expect_code(1);
    assert!(run.stderr.contains("own revisions does not run from an empty database"), "{run}");
}
