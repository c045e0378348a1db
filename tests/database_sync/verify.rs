//! `verify` on SQLite, PostgreSQL and MariaDB: scripts that are wrong on purpose are
//! all found, and their correct twins are not.

use std::fmt::Write as _;

use super::project::share;
use super::support::{Server, TestRepo};
use dbm_git::database::{ScratchDatabase, drop_stray_databases};
use serde_json::Value;

/// What each history begins with.
const GROUND: &str = r#"op.create_table(
        "users",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(64), nullable=False, server_default="nobody"),
        sa.Column("age", sa.Integer()),
        sa.Column("mail", sa.String(90)),
    )
    op.create_index("ix_users_name", "users", ["name"])
    op.create_index("ux_users_mail", "users", ["mail"], unique=True)
    op.create_table("orders", sa.Column("id", sa.Integer(), primary_key=True),
                    sa.Column("user_id", sa.Integer()))
    op.create_table("notes", sa.Column("id", sa.Integer(), primary_key=True),
                    sa.Column("text", sa.String(20)))"#;

struct Case {
    name: &'static str,
    up: &'static str,
    down: &'static str,
    /// Another `down`, which is wrong.
    wrong: &'static str,
    /// What is told of it: the fault, and a thing that it is about.
    told: (&'static str, &'static str),
}

const fn case(
    name: &'static str,
    up: &'static str,
    down: &'static str,
    wrong: &'static str,
    thing: &'static str,
) -> Case {
    Case { name, up, down, wrong, told: ("not-reversed", thing) }
}

/// With `b` for `users` in a batch, which is how SQLite alters a table.
static CASES: [Case; 20] = [
    case(
        "added",
        "b.add_column(sa.Column('x', sa.Integer()))",
        "b.drop_column('x')",
        "pass",
        "column x of users",
    ),
    case(
        "index",
        "b.create_index('ix_age', ['age'])",
        "b.drop_index('ix_age')",
        "pass",
        "index ix_age of users",
    ),
    case(
        "table",
        "op.create_table('t', sa.Column('id', sa.Integer(), primary_key=True))",
        "op.drop_table('t')",
        "pass",
        "table t",
    ),
    case(
        "type_back",
        "b.drop_column('age')",
        "b.add_column(sa.Column('age', sa.Integer()))",
        "b.add_column(sa.Column('age', sa.String(9)))",
        "column age of users",
    ),
    case(
        "nullable_back",
        "b.alter_column('name', existing_type=sa.String(64), \
         existing_server_default='nobody', nullable=True)",
        "b.alter_column('name', existing_type=sa.String(64), \
         existing_server_default='nobody', nullable=False)",
        "pass",
        "column name of users",
    ),
    case(
        "default_back",
        "b.alter_column('name', existing_type=sa.String(64), \
         existing_nullable=False, server_default=None)",
        "b.alter_column('name', existing_type=sa.String(64), existing_nullable=False, \
         server_default='nobody')",
        "pass",
        "column name of users",
    ),
    case(
        "default_changed",
        "b.alter_column('name', existing_type=sa.String(64), \
         existing_nullable=False, server_default='somebody')",
        "b.alter_column('name', existing_type=sa.String(64), existing_nullable=False, \
         server_default='nobody')",
        "b.alter_column('name', existing_type=sa.String(64), existing_nullable=False, \
         server_default='anybody')",
        "column name of users",
    ),
    case(
        "unique_lost",
        "b.drop_index('ux_users_mail')",
        "b.create_index('ux_users_mail', ['mail'], unique=True)",
        "b.create_index('ux_users_mail', ['mail'])",
        "index ux_users_mail of users",
    ),
    case(
        "index_elsewhere",
        "b.drop_index('ix_users_name')",
        "b.create_index('ix_users_name', ['name'])",
        "b.create_index('ix_users_name', ['age'])",
        "index ix_users_name of users",
    ),
    case(
        "index_gone",
        "b.drop_index('ix_users_name')",
        "b.create_index('ix_users_name', ['name'])",
        "pass",
        "index ix_users_name of users",
    ),
    case(
        "renamed",
        "b.alter_column('age', existing_type=sa.Integer(), new_column_name='years')",
        "b.alter_column('years', existing_type=sa.Integer(), new_column_name='age')",
        "b.alter_column('years', existing_type=sa.Integer(), new_column_name='ages')",
        "column age of users",
    ),
    case(
        "type_changed",
        "b.alter_column('name', existing_nullable=False, \
         existing_server_default='nobody', type_=sa.String(128))",
        "b.alter_column('name', existing_nullable=False, existing_server_default='nobody', \
         type_=sa.String(64))",
        "b.alter_column('name', existing_nullable=False, existing_server_default='nobody', \
         type_=sa.String(32))",
        "column name of users",
    ),
    case(
        "unique",
        "b.create_unique_constraint('uq_age', ['age'])",
        "b.drop_constraint('uq_age', type_='unique')",
        "pass",
        "of users",
    ),
    case(
        "foreign_key",
        "op.f('x')\n    with op.batch_alter_table('orders') as o:\n        \
         o.create_foreign_key('fk_user', 'users', ['user_id'], ['id'])",
        "op.f('x')\n    with op.batch_alter_table('orders') as o:\n        \
         o.drop_constraint('fk_user', type_='foreignkey')\n        o.drop_index('fk_user')",
        "pass",
        "of orders",
    ),
    case(
        "check",
        "b.create_check_constraint('ck_age', 'age > 0')",
        "b.drop_constraint('ck_age', type_='check')",
        "pass",
        "ck_age of users",
    ),
    case(
        "table_renamed",
        "op.rename_table('notes', 'memos')",
        "op.rename_table('memos', 'notes')",
        "op.rename_table('memos', 'note')",
        "table notes",
    ),
    case(
        "column_forgotten",
        "op.drop_table('notes')",
        "op.create_table('notes', sa.Column('id', sa.Integer(), primary_key=True), \
         sa.Column('text', sa.String(20)))",
        "op.create_table('notes', sa.Column('id', sa.Integer(), primary_key=True))",
        "column text of notes",
    ),
    case(
        "view",
        "op.execute('CREATE VIEW adults AS SELECT id FROM users WHERE age > 17')",
        "op.execute('DROP VIEW adults')",
        "pass",
        "view adults",
    ),
    Case {
        name: "no_way_back",
        up: "b.add_column(sa.Column('x', sa.Integer()))",
        down: "b.drop_column('x')",
        wrong: "raise NotImplementedError('no way back')",
        told: ("downgrade-fails", "no way back"),
    },
    Case {
        name: "wrong_name",
        up: "b.add_column(sa.Column('x', sa.Integer()))",
        down: "b.drop_column('x')",
        wrong: "b.drop_column('no_such_column')",
        told: ("downgrade-fails", "no_such_column"),
    },
];

/// Each case is a component of its own, with a history of two revisions.
fn repository(url: &str, is_wrong: bool) -> TestRepo {
    let repo = TestRepo::new();
    let mut settings = String::new();
    let (ini, env) = (repo.read("alembic.ini"), repo.read("migrations/env.py"));
    let line = ini.lines().find(|line| line.starts_with("sqlalchemy.url")).expect("a URL");
    let ini = ini.replace(line, &format!("sqlalchemy.url = {}", url.replace('%', "%%")));
    for case in share(&CASES, url) {
        let name = case.name;
        write!(settings, "[components.{name}]\nconfig = \"{name}.ini\"\n").expect("text");
        let ini = ini.replace("%(here)s/migrations", &format!("%(here)s/{name}"));
        repo.write(&format!("{name}.ini"), ini);
        repo.write(&format!("{name}/env.py"), env.clone());
        repo.write(&format!("{name}/versions/a.py"), script("a", "None", GROUND, "pass"));
        let down = if is_wrong { case.wrong } else { case.down };
        // MySQL makes an index for a foreign key; the others have none to drop.
        let down = match url.starts_with("mysql") {
            true => down.to_owned(),
            false => down.replace("\n        o.drop_index('fk_user')", ""),
        };
        let body = |text: &str| match text.contains("b.") {
            true => format!("with op.batch_alter_table('users') as b:\n        {text}"),
            false => text.to_owned(),
        };
        let text = script("b", "'a'", &body(case.up), &body(&down));
        repo.write(&format!("{name}/versions/b.py"), text);
    }
    repo.write("dbm-git.toml", settings);
    repo.commit("Cases");
    repo
}

fn script(id: &str, down: &str, up: &str, back: &str) -> String {
    format!(
        "from alembic import op\nimport sqlalchemy as sa\n\nrevision = '{id}'\n\
         down_revision = {down}\nbranch_labels = None\ndepends_on = None\n\n\n\
         def upgrade() -> None:\n    {up}\n\n\ndef downgrade() -> None:\n    {back}\n"
    )
}

/// What `verify b` says of each case: `ok`, or the fault with what it is about.
#[track_caller]
fn verified(repo: &TestRepo, code: i32) -> Vec<(String, String)> {
    let run = repo.dbm(["verify", "b", "--format", "json"]).expect_code(code);
    let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
    let components = report["components"].as_array().expect("components");
    let said = |component: &Value| {
        let [revision] = component["revisions"].as_array().expect("revisions").as_slice() else {
            panic!("{component}")
        };
        assert_eq!((&revision["revision"], &component["error"]), (&"b".into(), &Value::Null));
        let name = component["name"].as_str().expect("a name").to_owned();
        (name, format!("{} {} {}", revision["fault"], revision["differences"], revision["error"]))
    };
    components.iter().map(said).collect()
}

#[track_caller]
fn all_are_found(url: &str) {
    let repo = repository(url, true);
    for ((name, said), case) in verified(&repo, 1).into_iter().zip(share(&CASES, url)) {
        assert_eq!(name, case.name);
        let (fault, thing) = case.told;
        assert!(said.starts_with(&format!("\"{fault}\"")), "{name}: {said}");
        assert!(said.contains(thing), "{name}: {said}");
    }
    for (name, said) in verified(&self::repository(url, false), 0) {
        assert_eq!(said, "null [] null", "{name}");
    }
}

#[test]
fn on_sqlite_every_fault_is_found_and_no_twin_is_blamed() {
    let repo = TestRepo::new();
    let file = repo.path().join("app.db");
    all_are_found(&format!("sqlite:///{}", file.display()));
    assert!(!file.exists(), "the project's own database was made");
}

#[test]
fn on_postgresql_every_fault_is_found_and_no_twin_is_blamed() {
    let server = Server::postgres();
    all_are_found(&server.url());
    nothing_is_left(&server, "SELECT datname::text FROM pg_database");
}

#[test]
fn on_mariadb_every_fault_is_found_and_no_twin_is_blamed() {
    let server = Server::mariadb();
    all_are_found(&server.url());
    nothing_is_left(&server, "SELECT schema_name FROM information_schema.schemata");
}

/// No table in the project's own database, and no scratch database that is not in use.
#[track_caller]
fn nothing_is_left(server: &Server, databases: &str) {
    let tables = server.column(
        "SELECT table_name FROM information_schema.tables \
         WHERE table_schema NOT IN ('pg_catalog', 'information_schema', 'mysql', 'sys', \
                                    'performance_schema')",
    );
    assert_eq!(tables, Vec::<String>::new());
    let strays = dbm_git::database::stray_databases(&server.database_url()).expect("asked");
    assert_eq!(strays, Vec::<String>::new(), "{:?}", server.column(databases));
}

/// The standard project with a model of `t_a` that has these columns, too.
#[track_caller]
fn with_models(url: &str, columns: &str) -> TestRepo {
    let repo = TestRepo::new();
    let (ini, env) = (repo.read("alembic.ini"), repo.read("migrations/env.py"));
    let line = ini.lines().find(|line| line.starts_with("sqlalchemy.url")).expect("a URL");
    repo.write(
        "alembic.ini",
        ini.replace(line, &format!("sqlalchemy.url = {}", url.replace('%', "%%"))),
    );
    repo.write(
        "models.py",
        format!(
            "import sqlalchemy as sa\n\nmetadata = sa.MetaData()\n\
             sa.Table('t_a', metadata, sa.Column('id', sa.Integer(), primary_key=True){columns})\n"
        ),
    );
    let env =
        env.replace("connection=connection)", "connection=connection, target_metadata=metadata)");
    repo.write("migrations/env.py", format!("from models import metadata\n{env}"));
    repo.commit("Use models");
    repo.adds("<base> -> a, root")
}

#[test]
fn models_that_say_something_else_than_the_migrations_are_told() {
    let (postgres, mariadb) = (Server::postgres(), Server::mariadb());
    for url in ["sqlite:///app.db".to_owned(), postgres.url(), mariadb.url()] {
        let state = |repo: &TestRepo, code: i32| -> Value {
            let run = repo.dbm(["verify", "--from-empty", "--format", "json"]).expect_code(code);
            let report: Value = serde_json::from_str(&run.stdout).expect("JSON");
            report["components"][0]["models"].clone()
        };
        assert_eq!(state(&with_models(&url, ""), 0)["state"], "same");
        let drifted = state(&with_models(&url, ", sa.Column('x', sa.Integer())"), 1);
        assert_eq!(drifted["state"], "drifted");
        assert!(drifted["detail"].as_str().is_some_and(|d| d.contains("add_column")), "{drifted}");
    }
    let repo = with_models("sqlite:///app.db", ", sa.Column('x', sa.Integer())");
    let run = repo.dbm(["verify"]).expect_code(1);
    assert!(run.stdout.contains("the models say something else than the migrations make"), "{run}");
    // Where not all has run, there is nothing to compare with.
    let repo = repo.adds("a -> b, more");
    repo.dbm(["verify", "a"]).expect_code(0);
}

#[test]
fn what_would_change_the_server_itself_is_not_tried_out() {
    let role = "op.execute('DROP ROLE IF EXISTS app')";
    let elsewhere = "op.create_table('t', sa.Column('id', sa.Integer()), schema='mysql')";
    for (server, statement, told) in [
        (Server::postgres(), role, "`drop role` is the whole server's"),
        (Server::mariadb(), elsewhere, "`mysql.t` is in another database"),
    ] {
        let repo = TestRepo::new();
        let ini = repo.read("alembic.ini");
        let line = ini.lines().find(|line| line.starts_with("sqlalchemy.url")).expect("a URL");
        let url = format!("sqlalchemy.url = {}", server.url().replace('%', "%%"));
        repo.write("alembic.ini", ini.replace(line, &url));
        repo.write("migrations/versions/a.py", script("a", "None", statement, "pass"));
        let run = repo.dbm(["verify"]).expect_code(1).to_string();
        assert!(run.contains("migrations/versions/a.py") && run.contains(told), "{run}");
    }
}

/// Killed, it leaves a database that `doctor` names and the next one drops; and one
/// that is in use is left alone, as is that of another project on the same server.
#[test]
fn a_verification_that_is_killed_leaves_nothing_that_the_next_one_does_not_drop() {
    for (server, list) in [
        (Server::postgres(), "SELECT datname::text FROM pg_database"),
        (Server::mariadb(), "SELECT schema_name FROM information_schema.schemata"),
    ] {
        let origin = server.database_url();
        let repo = TestRepo::new().adds("<base> -> a, root\na -> b, more");
        let folder = repo.path();
        let name_of = |scratch: &ScratchDatabase| {
            scratch.url().shown().rsplit('/').next().expect("a name").to_owned()
        };
        let in_use = ScratchDatabase::create(&origin, &folder).expect("made");
        let used = name_of(&in_use);
        let prefix = used[..used.len() - 16].to_owned();
        let ini = repo.read("alembic.ini");
        let line = ini.lines().find(|line| line.starts_with("sqlalchemy.url")).expect("a URL");
        let url = format!("sqlalchemy.url = {}", server.url().replace('%', "%%"));
        repo.write("alembic.ini", ini.replace(line, &url));
        let own = || -> Vec<String> {
            let names = server.column(list).into_iter();
            names.filter(|name| name.starts_with(&prefix) && *name != used).collect()
        };
        let mut command = repo.dbm_command();
        let mut running = command.args(["verify", "--from-empty"]).spawn().expect("started");
        let made = loop {
            if let [name] = own().as_slice() {
                break name.clone();
            }
            assert!(running.try_wait().expect("asked").is_none(), "it ended before it was seen");
        };
        running.kill().expect("killed");
        running.wait().expect("ended");
        assert_eq!(own(), [made.as_str()]);
        let doctor = repo.dbm(["doctor"]).to_string();
        assert!(doctor.contains(&format!("`{made}` on its server, which nobody uses")), "{doctor}");
        assert!(!doctor.contains(&used), "{doctor}");
        repo.dbm(["verify", "--from-empty"]).expect_code(0);
        assert_eq!(own(), Vec::<String>::new());
        let other = if list.contains("datname") { Server::postgres() } else { Server::mariadb() };
        drop_stray_databases(&other.database_url()).expect("asked");
        assert!(server.column(list).contains(&used), "one in use was dropped");
        drop(in_use);
        assert!(!server.column(list).contains(&used));
    }
}
