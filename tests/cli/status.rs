//! `dbm-git status`, on databases that the real alembic has made.

use super::support::{Run, StatusJson, TestRepo, VERSIONS};
use super::{diverged, sql};

#[track_caller]
fn state(repo: &TestRepo, expected: &str) {
    let json: StatusJson = repo.dbm(["status", "--format", "json"]).expect_code(0).json();
    let [component] = json.components.as_slice() else { panic!("{json:?}") };
    assert_eq!((json.version, component.state.as_str()), (1, expected), "{component:?}");
    assert!(component.skipped.is_empty() && component.unknown.is_empty());
    let code = i32::from(expected != "up-to-date");
    repo.dbm(["status", "--exit-code", "--quiet"]).expect_code(code);
}

/// The human answer; the icons are compared like all else.
fn shown(repo: &TestRepo) -> Run {
    repo.dbm(["status"])
}

fn linear() -> TestRepo {
    TestRepo::new().adds("<base> -> a, root\na -> b, second\nb -> c, third")
}

#[test]
fn a_missing_database_has_no_revision_and_is_not_created() {
    let repo = linear();
    insta::assert_snapshot!(shown(&repo), @"
    ❓ default: no revision
      database: sqlite:///db.sqlite
      current:  none
      head:     c (third)
      pending:  3
        a (root)
        b (second)
        c (third)
      run:      dbm-git migrate
    ");
    state(&repo, "no-revision");
    assert!(!repo.has("db.sqlite"));
}

#[test]
fn a_database_below_the_head_is_behind() {
    let repo = linear();
    repo.alembic(["upgrade", "a"]).expect_code(0);
    insta::assert_snapshot!(shown(&repo), @"
    ⚠️  default: behind
      database: sqlite:///db.sqlite
      current:  a (root)
      head:     c (third)
      pending:  2
        b (second)
        c (third)
      run:      dbm-git migrate
    ");
    state(&repo, "behind");
    let json: StatusJson = repo.dbm(["status", "--format", "json"]).json();
    let component = &json.components[0];
    assert_eq!(
        (component.current.join(" "), component.heads.join(" "), component.pending.join(" ")),
        ("a".into(), "c".into(), "b c".into())
    );
}

#[test]
fn a_database_at_the_head_is_up_to_date() {
    let repo = linear();
    repo.alembic(["upgrade", "head"]).expect_code(0);
    insta::assert_snapshot!(shown(&repo), @"
    ✅ default: up to date
      database: sqlite:///db.sqlite
      current:  c (third)
      head:     c (third)
    ");
    state(&repo, "up-to-date");
}

#[test]
fn a_revision_that_the_files_lack_is_foreign() {
    let repo = linear();
    repo.alembic(["upgrade", "head"]).expect_code(0);
    repo.remove(&format!("{VERSIONS}/c_third.py"));
    insta::assert_snapshot!(shown(&repo), @"
    👽 default: foreign
      database: sqlite:///db.sqlite
      current:  c
      head:     b (second)
      reason:   the database has run `c`, which the checked-out files don't have
      run:      dbm-git sync
    ");
    state(&repo, "foreign");
    let json: StatusJson = repo.dbm(["status", "--format", "json"]).json();
    assert_eq!(json.components[0].foreign, ["c"]);
}

#[test]
fn a_row_below_another_is_overlapping() {
    let repo = linear();
    repo.alembic(["upgrade", "head"]).expect_code(0);
    sql(&repo, &["INSERT INTO alembic_version VALUES ('a')"]);
    insta::assert_snapshot!(shown(&repo), @"
    🪢 default: overlapping
      database: sqlite:///db.sqlite
      current:  a (root), c (third)
      head:     c (third)
      reason:   the database names `a` beside `c`, which stands above it
      run:      dbm-git sync
    ");
    state(&repo, "overlapping");
}

#[test]
fn diverged_files_are_diverged_wherever_the_database_is() {
    let repo = diverged();
    repo.alembic(["upgrade", "m"]).expect_code(0);
    insta::assert_snapshot!(shown(&repo), @"
    🔀 default: diverged
      database: sqlite:///db.sqlite
      current:  m (main work)
      heads:    f (feature), m (main work)
      pending:  1
        f (feature)
      reason:   the files have diverged heads: `f`, `m`
      run:      dbm-git rebase --apply
    ");
    state(&repo, "diverged");
}

#[test]
fn broken_files_come_before_what_the_database_says() {
    let repo = linear();
    repo.alembic(["upgrade", "head"]).expect_code(0);
    repo.write(&format!("{VERSIONS}/x.py"), "def (\n");
    insta::assert_snapshot!(shown(&repo), @"
    💥 default: broken
      database: sqlite:///db.sqlite
      current:  c (third)
      head:     c (third)
      reason:   the migration files have errors
      run:      dbm-git check
    ");
    state(&repo, "broken");
}

#[test]
fn without_any_revision_there_is_nothing_to_be_behind() {
    let repo = TestRepo::new();
    state(&repo, "up-to-date");
}

#[test]
fn another_dialect_is_unreachable_and_keeps_its_password() {
    let repo = linear();
    let url = "oracle+oracledb://me:s3cret@db.example:1521/app?password=s3cret";
    repo.write("alembic.ini", repo.read("alembic.ini").replace("sqlite:///db.sqlite", url));
    let run = shown(&repo);
    assert!(!run.to_string().contains("s3cret"), "{run}");
    insta::assert_snapshot!(run, @"
    🔌 default: unreachable
      head:     c (third)
      reason:   alembic current failed at migrations/env.py:14: ModuleNotFoundError: No module named 'oracledb'
    ");
    state(&repo, "unreachable");
    let run = repo.dbm([
        "status",
        "--format",
        "json",
        "--database-url",
        "mysql://me:s3cret@127.0.0.1:1/d",
    ]);
    assert!(!run.to_string().contains("s3cret"), "{run}");
    let run = repo.dbm(["rebase", "--apply", "--format", "json"]);
    assert!(!run.to_string().contains("s3cret"), "{run}");
    assert_eq!(run.code, 4, "{run}");
}

#[test]
fn a_password_given_on_the_command_line_is_not_logged() {
    let repo = diverged();
    let url = "postgresql://me:s3cret@db.example/app";
    let run = repo.dbm(["rebase", "--apply", "--database-url", url]).expect_code(1);
    assert!(!run.to_string().contains("s3cret"), "{run}");
    let sqlite = format!("--database-url={}", "sqlite:///db.sqlite?password=s3cret");
    repo.alembic(["upgrade", "m"]).expect_code(0);
    repo.dbm(["rebase", "--apply", &sqlite]).expect_code(0);
    let log = repo.dbm(["log"]).expect_code(0);
    assert!(!log.to_string().contains("s3cret"), "{log}");
    let state = std::fs::read(repo.path().join(".git/dbm-git/state.db")).expect("the journal");
    assert!(!String::from_utf8_lossy(&state).contains("s3cret"), "it is in the journal");
}

#[test]
fn a_file_that_is_no_database_is_unreachable() {
    let repo = linear();
    repo.write("db.sqlite", "this is no database, whatever it says on the box\n");
    let json: StatusJson = repo.dbm(["status", "--format", "json"]).expect_code(0).json();
    assert_eq!(json.components[0].state, "unreachable");
    let error = json.components[0].error.as_deref().unwrap_or_default();
    assert!(error.contains("db.sqlite") && error.contains("not a SQLite database"), "{error}");
}

#[test]
fn without_a_url_the_answer_says_where_one_could_be() {
    let repo = linear();
    repo.write("alembic.ini", repo.read("alembic.ini").replace("sqlalchemy.url", "# no url"));
    insta::assert_snapshot!(shown(&repo), @"
    🔌 default: unreachable
      head:     c (third)
      reason:   no database URL is known: neither --database-url, nor the component's variable, nor the configuration, nor `sqlalchemy.url` gives one
      run:      dbm-git status --database-url URL
    ");
    state(&repo, "unreachable");
    repo.alembic(["heads"]).expect_code(0);
    let elsewhere = repo.dbm(["status", "--database-url", "sqlite:///elsewhere.sqlite"]);
    assert!(elsewhere.stdout.contains("no revision"), "{elsewhere}");
}

#[test]
fn the_components_variable_comes_before_the_configuration() {
    let repo = linear();
    repo.write(
        "dbm-git.toml",
        "[components.app]\nconfig = \"alembic.ini\"\ndatabase-url-env = \"APP_DATABASE_URL\"\n",
    );
    repo.alembic(["upgrade", "head"]).expect_code(0);
    let mut status = repo.dbm_command();
    status.env("APP_DATABASE_URL", "sqlite:///other.sqlite").args(["status", "--format", "json"]);
    let other: StatusJson = Run::of(&mut status).expect_code(0).json();
    assert_eq!(
        (other.components[0].name.as_str(), other.components[0].state.as_str()),
        ("app", "no-revision")
    );
    state(&repo, "up-to-date");
}

#[test]
fn several_databases_behind_one_environment_are_not_taken_for_one() {
    let repo = linear();
    let env = repo.read("migrations/env.py");
    let (start, _) = env.split_once("if context.is_offline_mode():").expect("an end");
    let each = "for name in ['one', 'two']:\n    \
                config.set_main_option('sqlalchemy.url', f'sqlite:///{name}.sqlite')\n    \
                run_migrations_online()\n";
    repo.write("migrations/env.py", format!("{start}{each}"));
    insta::assert_snapshot!(repo.dbm(["status"]), @"
    🔌 default: unreachable
      head:     c (third)
      reason:   the env.py of `default` looks at several databases, which is not supported
    ");
    insta::assert_snapshot!(repo.dbm(["migrate"]), @"
    --- stderr
    error: the env.py of `default` looks at several databases, which is not supported
    hint: bring each of them up with the project's own commands
    --- exit 1
    ");
    assert!(!repo.has("db.sqlite"), "the ini's database is not meant");
}

/// The project with a version table of its own in `env.py`.
fn with_version_table(argument: &str) -> TestRepo {
    let repo = linear();
    let env = repo.read("migrations/env.py");
    let own = env.replace("context.configure(", &format!("context.configure({argument}, "));
    repo.write("migrations/env.py", own);
    repo
}

#[test]
fn the_version_table_that_env_py_names_is_the_one_that_is_read() {
    let repo = with_version_table("version_table='my_versions'");
    repo.alembic(["upgrade", "b"]).expect_code(0);
    insta::assert_snapshot!(repo.dbm(["status"]), @"
    ⚠️  default: behind
      database: sqlite:///db.sqlite
      current:  b (second)
      head:     c (third)
      pending:  1
        c (third)
      run:      dbm-git migrate
    ");
    repo.dbm(["migrate"]).expect_code(0);
    repo.alembic(["current", "--check-heads"]).expect_code(0);
}

#[test]
fn a_version_table_that_only_env_py_knows_is_not_mistaken_for_none() {
    let repo = with_version_table("version_table='_'.join(['my', 'versions'])");
    assert!(repo.dbm(["status"]).expect_code(0).stdout.contains("no revision"));
    repo.alembic(["upgrade", "b"]).expect_code(0);
    insta::assert_snapshot!(repo.dbm(["status"]), @"
    🔌 default: unreachable
      head:     c (third)
      reason:   alembic is at `b` in `sqlite:///db.sqlite`, where `alembic_version` says otherwise: env.py of `default` uses another version table, which `version-table` in dbm-git.toml can name
    ");
    insta::assert_snapshot!(repo.dbm(["migrate"]), @"
    --- stderr
    error: alembic is at `b` in `sqlite:///db.sqlite`, where `alembic_version` says otherwise: env.py of `default` uses another version table, which `version-table` in dbm-git.toml can name
    --- exit 1
    ");
    repo.write(
        "dbm-git.toml",
        "[components.default]\nconfig = \"alembic.ini\"\nversion-table = \"my_versions\"\n",
    );
    assert!(repo.dbm(["status"]).expect_code(0).stdout.contains("current:  b (second)"));
    repo.dbm(["migrate"]).expect_code(0);
    repo.alembic(["current", "--check-heads"]).expect_code(0);
}
