//! DBM207: raw SQL of which the downgrade takes nothing back.

use super::Reviewed;
use crate::check::rules::{Rule, Run};
use crate::check::{Code, Finding, Level};
use crate::script::{Act, Column, Operation, is_same_name};

pub const RULE: Rule = Rule {
    code: Code(207),
    name: "SQL without downgrade",
    level: Level::Warning,
    summary: "raw SQL changes the schema, and nothing in `downgrade` takes it back",
    explanation: "\
`upgrade` changes the schema by raw SQL: a function, a trigger, a view, a table. The
downgrade takes other things back, but runs no SQL and names nothing of this. Where
there is no downgrade at all, that is DBM202.

Why it matters
  Autogenerate writes no downgrade for raw SQL, and does not see what is missing. What
  is left behind makes the next upgrade fail, or fires on tables that it was not made
  for.

How to mend it
  Add the statement that undoes it: `op.execute(\"DROP FUNCTION touch()\")`. Then
  `dbm-git verify` shows whether a downgrade leaves anything behind.

Example
  def upgrade() -> None:
      op.add_column(\"users\", sa.Column(\"changed\", sa.DateTime()))
      op.execute(\"CREATE FUNCTION touch() RETURNS trigger AS ...\")

  def downgrade() -> None:
      op.drop_column(\"users\", \"changed\")
",
    run: Run::Revision(run),
};

fn run(reviewed: &Reviewed<'_>) -> Vec<Finding> {
    let downgrade = &reviewed.operations.downgrade;
    let runs_sql = downgrade.operations.iter().any(|o| o.sql.is_some() || o.act == Act::Unknown);
    if downgrade.is_empty || downgrade.raises || runs_sql {
        return Vec::new();
    }
    let mut left: Vec<&Operation> =
        reviewed.upgrade().iter().filter(|o| is_left_behind(o, &downgrade.operations)).collect();
    // Several statements may stand in one text.
    left.dedup_by_key(|operation| operation.span.clone());
    left.into_iter()
        .map(|operation| {
            let message = "this SQL changes the schema, and `downgrade` does not take it back";
            let help = "add the statement that undoes it to `downgrade`";
            reviewed.finding(&RULE, operation, message).help(help)
        })
        .collect()
}

fn is_left_behind(operation: &Operation, downgrade: &[Operation]) -> bool {
    let is_lasting = match &operation.act {
        Act::AddValue { .. } | Act::CreateTable { is_temporary: true, .. } => false,
        Act::Shape { what } => what != "create extension",
        act => act.is_shape(),
    };
    // With its table it goes, whatever it is.
    let goes = |back: &Operation| {
        let table = back.table.as_deref();
        let is_its_table = table.is_some_and(|table| operation.is_on(table));
        match &back.act {
            Act::DropTable => is_its_table,
            Act::Shape { .. } => true,
            back => is_its_table || is_of_same_name(&operation.act, back),
        }
    };
    operation.sql.is_some()
        && is_lasting
        && !operation.is_on_new_table
        && !downgrade.iter().any(goes)
}

/// Whether both are about the same index, constraint or type.
fn is_of_same_name(act: &Act, back: &Act) -> bool {
    if let (Act::DropType { name: Some(name) }, Act::CreateTable { columns, .. }) = (act, back) {
        return columns.iter().any(|column| brings(column, name));
    }
    let (Some(one), Some(other)) = (name_of(act), name_of(back)) else { return false };
    is_same_name(one, other)
}

/// Whether the table's column has its type come with it.
fn brings(column: &Column, name: &str) -> bool {
    let enumeration = column.ty.as_ref().and_then(|ty| ty.enumeration.as_ref());
    let is_it = |of: &str| is_same_name(of, name);
    enumeration.and_then(|of| of.name.as_deref()).is_some_and(is_it)
}

fn name_of(act: &Act) -> Option<&str> {
    match act {
        Act::CreateIndex { index: name, .. }
        | Act::DropIndex { index: name, .. }
        | Act::AddConstraint { name, .. }
        | Act::DropConstraint { name, .. }
        | Act::DropType { name } => name.as_deref(),
        Act::CreateType(of) => of.name.as_deref(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::review::testing::{check, script};

    const TOLD: &str = "7: this SQL changes the schema, and `downgrade` does not take it back";

    #[test]
    fn what_no_statement_takes_back_is_told() {
        let back = "op.drop_column('t', 'x')";
        for sql in [
            "CREATE FUNCTION f() RETURNS trigger AS $$ x; $$",
            "CREATE TABLE u (x int); CREATE TABLE v (x int)",
            "CREATE TRIGGER r AFTER INSERT ON u EXECUTE f()",
            "CREATE INDEX i ON u (x)",
        ] {
            check(&RULE, &script(&format!("op.execute('{sql}')"), back), &[TOLD]);
        }
    }

    #[test]
    fn what_is_taken_back_or_lasts_anyway_is_not() {
        for (sql, back) in [
            ("CREATE FUNCTION f() RETURNS int", "op.execute('DROP FUNCTION f')"),
            ("CREATE INDEX i ON u (x)", "op.drop_index('i')"),
            ("CREATE TABLE u (x int)", "op.drop_table('u')"),
            ("CREATE TRIGGER r AFTER INSERT ON u EXECUTE f()", "op.drop_table('u')"),
            ("ALTER TABLE u ADD x int", "op.drop_column('u', 'x')"),
            ("CREATE EXTENSION x", "op.drop_table('u')"),
            ("CREATE TEMP TABLE w AS SELECT 1", "op.drop_table('v')"),
            ("DROP TYPE kind", "op.create_table('v', sa.Column('k', sa.Enum('a', name='kind')))"),
            ("UPDATE u SET x = 1", "op.drop_table('v')"),
            ("CREATE VIEW v AS SELECT 1", "raise NotImplementedError"),
            ("CREATE VIEW v AS SELECT 1", "pass"),
        ] {
            check(&RULE, &script(&format!("op.execute('{sql}')"), back), &[]);
        }
    }
}
