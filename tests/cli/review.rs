//! The review of own revisions: `check --review`, and the same where it is shown
//! elsewhere.

use serde::Deserialize;

use super::sql;
use super::support::{CheckJson, Run, TestRepo, VERSIONS};

/// A repository whose revision `a` has landed and does nothing, with an own `b`.
fn own(upgrade: &str, downgrade: &str) -> TestRepo {
    let repo = TestRepo::new();
    write(&repo, "a", "None", "pass", "pass");
    repo.commit("Add a");
    let repo = repo.publish("main").branch("feature");
    write(&repo, "b", "'a'", upgrade, downgrade);
    repo
}

fn write(repo: &TestRepo, id: &str, down: &str, upgrade: &str, downgrade: &str) {
    let indented = |body: &str| body.replace('\n', "\n    ");
    let script = format!(
        "import sqlalchemy as sa\nfrom alembic import op\n\nrevision = '{id}'\ndown_revision = {down}\n\n\n\
         def upgrade():\n    {}\n\n\ndef downgrade():\n    {}\n",
        indented(upgrade),
        indented(downgrade),
    );
    repo.write(&format!("{VERSIONS}/{id}.py"), script);
}

const DROP: &str = "op.drop_column('users', 'age')";
const BACK: &str = "op.add_column('users', sa.Column('age', sa.Integer()))";

/// Code and level of each finding.
#[track_caller]
fn found(run: &Run) -> Vec<String> {
    let check: CheckJson = run.json();
    let findings = check.components.iter().flat_map(|component| &component.findings);
    findings.map(|finding| format!("{} {}", finding.code, finding.level)).collect()
}

#[test]
fn own_revisions_are_reviewed_where_that_is_asked_for() {
    let repo = own(DROP, "pass");
    insta::assert_snapshot!(repo.dbm(["check"]), @"2 revisions, head b");
    insta::assert_snapshot!(repo.dbm(["check", "--review"]), @"
    2 revisions, head b
    warning[DBM203]: column `users.age` is dropped with its values
     --> migrations/versions/b.py:9:5
      |
    9 |     op.drop_column('users', 'age')
      |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = help: drop it once no running version of the application uses it

    warning[DBM202]: `downgrade` does nothing, though `upgrade` changes the schema
      --> migrations/versions/b.py:12:5
       |
    12 | def downgrade():
       |     ^^^^^^^^^
       |
       = help: write the way back, or let it raise so that nobody believes in it

    2 warnings
    ");
    let run = repo.dbm(["check", "--review", "--format", "json"]).expect_code(0);
    assert_eq!(found(&run), ["DBM203 warning", "DBM202 warning"]);
    let check: CheckJson = run.json();
    let finding = &check.components[0].findings[0];
    assert_eq!(
        (finding.line, finding.new, finding.revisions.as_slice()),
        (Some(9), true, &["b".to_owned()][..])
    );
    repo.dbm(["check", "--review", "--strict"]).expect_code(1);
    repo.commit("Add b");
    let against = ["check", "--review", "--base", "origin/main", "--format", "json"];
    assert_eq!(found(&repo.dbm(against)), ["DBM203 warning", "DBM202 warning"]);
    // What has landed is nobody's own.
    let repo = repo.publish("feature");
    repo.git(["push", "--quiet", "origin", "feature:main"]);
    assert_eq!(found(&repo.dbm(["check", "--review", "--format", "json"])), Vec::<String>::new());
}

#[test]
fn without_an_upstream_every_revision_is_own() {
    let repo = TestRepo::new();
    write(&repo, "a", "None", "pass", "pass");
    write(&repo, "b", "'a'", DROP, BACK);
    repo.commit("Add both");
    let run = repo.dbm(["check", "--review", "--format", "json"]).expect_code(0);
    assert_eq!(found(&run), ["DBM201 warning", "DBM203 warning"]);
}

#[test]
fn a_comment_with_a_reason_silences_it_and_is_of_use_only_there() {
    let repo = own(DROP, BACK);
    let path = format!("{VERSIONS}/b.py");
    let text = repo.read(&path);
    repo.write(&path, text.clone() + "# dbm-git: ignore DBM203 unused since 2.4\n");
    insta::assert_snapshot!(repo.dbm(["check", "--review"]), @"
    2 revisions, head b
    ignored: DBM203 in migrations/versions/b.py:9 (unused since 2.4)
    ");
    // A command that does not review cannot tell whether it is of use.
    insta::assert_snapshot!(repo.dbm(["check", "--strict"]), @"2 revisions, head b");
    let json = ["check", "--review", "--format", "json"];
    repo.write(&path, text.clone() + "# dbm-git: ignore DBM203\n");
    assert_eq!(found(&repo.dbm(json)), ["DBM017 warning"]);
    repo.write(&path, text.clone() + "# dbm-git: ignore DBM203, DBM205 unused since 2.4\n");
    assert_eq!(found(&repo.dbm(json)), ["DBM017 warning"]);
    repo.write(&path, text);
    repo.write(
        "dbm-git.toml",
        "[[ignore]]\ncodes = [\"DBM203\", \"DBM213\"]\nreason = \"we deploy at night\"\n",
    );
    assert_eq!(found(&repo.dbm(json)), Vec::<String>::new());
    repo.dbm(["check", "--strict"]).expect_code(0);
}

#[test]
fn the_configuration_turns_it_on_for_all_or_for_one_component() {
    let repo = own(DROP, BACK);
    let json = ["check", "--format", "json"];
    repo.write("dbm-git.toml", "review = true\n");
    assert_eq!(found(&repo.dbm(json)), ["DBM203 warning"]);
    let component = "[components.shop]\nconfig = \"alembic.ini\"\n";
    repo.write("dbm-git.toml", format!("review = true\n{component}review = false\n"));
    assert_eq!(found(&repo.dbm(json)), Vec::<String>::new());
    repo.write("dbm-git.toml", format!("{component}review = true\n"));
    assert_eq!(found(&repo.dbm(json)), ["DBM203 warning"]);
}

#[test]
fn an_answer_without_a_review_is_never_taken_for_one_with() {
    let repo = own(DROP, BACK);
    let (plain, review) =
        (["check", "--format", "json"].as_slice(), ["check", "--review", "--format", "json"]);
    // By then the answers are remembered.
    for _ in 0..20 {
        assert_eq!(found(&repo.dbm(plain)), Vec::<String>::new());
        assert_eq!(found(&repo.dbm(review)), ["DBM203 warning"]);
    }
    repo.commit("Add b");
    repo.git(["push", "--quiet", "origin", "feature:main"]);
    assert_eq!(found(&repo.dbm(review)), Vec::<String>::new());
}

#[test]
fn every_format_carries_what_the_review_finds() {
    let repo = own(DROP, BACK);
    for format in ["github", "gitlab", "sarif", "junit", "rdjson"] {
        let run = repo.dbm(["check", "--review", "--format", format]).expect_code(0);
        assert!(run.stdout.contains("DBM203"), "{run}");
        assert!(run.stdout.contains("column `users.age` is dropped"), "{run}");
        let plain = repo.dbm(["check", "--format", format]).expect_code(0);
        assert!(!plain.stdout.contains("users.age"), "{plain}");
    }
}

#[test]
fn code_of_the_repository_is_told_from_libraries() {
    let repo = own(
        "from shop.models import User\nfrom json import dumps\nUser.fill(dumps)",
        "raise NotImplementedError",
    );
    let json = ["check", "--review", "--format", "json"];
    assert_eq!(found(&repo.dbm(json)), Vec::<String>::new());
    repo.write("src/shop/__init__.py", "");
    assert_eq!(found(&repo.dbm(json)), ["DBM209 warning"]);
}

#[derive(Debug, Deserialize)]
struct MigrateJson {
    components: Vec<MigratedComponent>,
}

#[derive(Debug, Deserialize)]
struct MigratedComponent {
    migrations: Vec<MigrationJson>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MigrationJson {
    revision: String,
    #[expect(dead_code, reason = "the contract has it")]
    message: String,
    #[expect(dead_code, reason = "the contract has it")]
    path: String,
    destructive: Vec<serde_json::Value>,
    review: Vec<FoundJson>,
}

#[derive(Debug, Deserialize)]
struct FoundJson {
    code: String,
    line: u32,
}

#[test]
fn a_dry_run_shows_the_same_of_what_is_pending() {
    let add = "op.add_column('users', sa.Column('age', sa.Integer(), nullable=False))";
    let repo = own(&format!("{add}\nop.drop_column('users', 'old')"), "pass");
    repo.alembic(["upgrade", "a"]).expect_code(0);
    sql(&repo, &["CREATE TABLE users (id INTEGER, old INTEGER)"]);
    insta::assert_snapshot!(repo.dbm(["migrate", "--dry-run"]), @"
    default: would apply 1 migration in sqlite:///db.sqlite
      - b
          ⚠️  migrations/versions/b.py:10: op.drop_column('users', 'old')
          line 9: warning[DBM204]: column `users.age` is not null, and has no value for existing rows
            help: give it a `server_default`, or fill it before it becomes not null
          line 10: warning[DBM206]: `users.old` is dropped and `users.age` added
            help: if that is a rename, `op.alter_column(.., new_column_name=..)` keeps the values
          line 13: warning[DBM202]: `downgrade` does nothing, though `upgrade` changes the schema
            help: write the way back, or let it raise so that nobody believes in it
      then at b; dry run, nothing was changed
    ");
    let json: MigrateJson = repo.dbm(["migrate", "--dry-run", "--format", "json"]).json();
    let [migration] = json.components[0].migrations.as_slice() else { panic!("{json:?}") };
    let found: Vec<String> =
        migration.review.iter().map(|f| format!("{} {}", f.line, f.code)).collect();
    assert_eq!((migration.revision.as_str(), migration.destructive.len()), ("b", 1));
    assert_eq!(found, ["9 DBM204", "10 DBM206", "13 DBM202"]);
}

#[test]
fn each_rule_explains_itself_and_is_listed() {
    let repo = TestRepo::empty();
    let list = repo.dbm(["explain"]).expect_code(0).stdout;
    for code in 201..=215 {
        assert!(list.contains(&format!("DBM{code}  ")), "{list}");
    }
    let page = repo.dbm(["explain", "not-null-without-values"]).expect_code(0).stdout;
    assert!(page.starts_with("DBM204: not null without values (warning)\n"), "{page}");
}
