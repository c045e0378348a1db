//! What the review warns of on PostgreSQL, and what PostgreSQL then does; each
//! beside its correct twin, of which neither has anything to say.

use crate::project::Project;
use crate::support::{CheckJson, VERSIONS};

/// `a` has run and has a row, and there is an enum `mood`; `b` is pending.
fn pending(upgrade: &str, downgrade: &str) -> Project {
    let project = Project::postgres();
    project.adds("<base> -> a, root");
    project.alembic(["upgrade", "head"], 0);
    project.server.execute("INSERT INTO t_a (id) VALUES (7)");
    project.server.execute("CREATE TYPE mood AS ENUM ('calm')");
    let indented = |body: &str| body.replace('\n', "\n    ");
    let script = format!(
        "import sqlalchemy as sa\nfrom alembic import op\n\nrevision = 'b'\ndown_revision = 'a'\n\n\n\
         def upgrade():\n    {}\n\n\ndef downgrade():\n    {}\n",
        indented(upgrade),
        indented(downgrade),
    );
    project.repo.write(&format!("{VERSIONS}/b.py"), script);
    project
}

/// Whether the review has a warning with this code.
#[track_caller]
fn is_warned_of(project: &Project, code: &str) -> bool {
    let check: CheckJson = project.dbm(["check", "--review", "--format", "json"], 0).json();
    let mut findings = check.components.iter().flat_map(|component| &component.findings);
    findings.any(|finding| finding.code == code && finding.level == "warning")
}

/// The wrong upgrade is warned of and fails, its twin is neither.
#[track_caller]
fn check(code: &str, wrong: &str, right: &str) {
    let no_way = "raise NotImplementedError";
    let project = pending(wrong, no_way);
    assert!(is_warned_of(&project, code), "{code}: {wrong}");
    project.alembic(["upgrade", "head"], 1);
    let project = pending(right, no_way);
    assert!(!is_warned_of(&project, code), "{code}: {right}");
    project.alembic(["upgrade", "head"], 0);
}

fn outside(operation: &str) -> String {
    format!("with op.get_context().autocommit_block():\n    {operation}")
}

#[test]
fn a_column_without_values_for_the_rows_that_are_there_is_refused() {
    let add = |more: &str| {
        format!("op.add_column('t_a', sa.Column('n', sa.Integer(), nullable=False{more}))")
    };
    check("DBM204", &add(""), &add(", server_default='0'"));
}

#[test]
fn a_new_enum_value_is_of_no_use_in_its_own_transaction() {
    let add = "op.execute(\"ALTER TYPE mood ADD VALUE 'wild'\")";
    let with = "op.execute(\"ALTER TABLE t_a ADD m mood DEFAULT 'wild'\")";
    check("DBM210", &format!("{add}\n{with}"), &format!("{}\n{with}", outside(add)));
}

#[test]
fn concurrently_is_refused_in_a_transaction() {
    let create = "op.create_index('i', 't_a', ['id'], postgresql_concurrently=True)";
    check("DBM214", create, &outside(create));
}

#[test]
fn a_type_that_is_left_behind_stops_the_next_upgrade() {
    let create = "op.create_table('t_b', sa.Column('k', sa.Enum('x', name='kind')))";
    let drop = "op.drop_table('t_b')";
    for (downgrade, is_left) in
        [(drop.to_owned(), true), (format!("{drop}\nop.execute('DROP TYPE kind')"), false)]
    {
        let project = pending(create, &downgrade);
        assert_eq!(is_warned_of(&project, "DBM212"), is_left);
        project.alembic(["upgrade", "head"], 0);
        project.alembic(["downgrade", "-1"], 0);
        project.alembic(["upgrade", "head"], i32::from(is_left));
    }
}
