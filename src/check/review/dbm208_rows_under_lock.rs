//! DBM208: rows are changed in the transaction that has locked a table.

use super::Reviewed;
use crate::check::rules::{Rule, Run};
use crate::check::{Code, DatabaseKind, Finding, Level};
use crate::script::{Act, Operation};

pub const RULE: Rule = Rule {
    code: Code(208),
    name: "rows changed beside the schema",
    level: Level::Note,
    summary: "a revision changes the schema of a table, then rows, in one transaction",
    explanation: "\
After it has changed a table that was there before, the same `upgrade` inserts, updates
or deletes rows. On a small table that is fine, and the shortest way.

Why it matters
  On PostgreSQL the lock of the schema change (mostly ACCESS EXCLUSIVE: its manual,
  \"Explicit Locking\") is held until the transaction ends, so that nobody reads the table
  while the rows are gone through. On MySQL the schema change is final before the rows
  follow: where they fail, half a revision has run, and alembic starts it anew.

How to mend it
  Three revisions: add the column; fill it, in portions where there are many rows; make
  it not null. The second one can run while the application does.
  The same advice: strong_migrations (\"backfilling data\"), django-migration-linter
  (RUNPYTHON and schema in one migration).

Example
  op.add_column(\"users\", sa.Column(\"age\", sa.Integer()))
  op.execute(\"UPDATE users SET age = date_part('year', age(born))\")
",
    run: Run::Revision(run),
};

fn run(reviewed: &Reviewed<'_>) -> Vec<Finding> {
    if !matches!(reviewed.database, Some(DatabaseKind::Postgres | DatabaseKind::MySql)) {
        return Vec::new();
    }
    let mut rest = reviewed.upgrade().iter();
    let Some(shape) = rest.by_ref().find(|operation| locks(operation)) else { return Vec::new() };
    let Some(rows) = rest.find(|operation| changes_rows(operation)) else { return Vec::new() };
    let table = shape.table.as_deref().unwrap_or_default();
    let message = format!("rows are changed in the transaction that has changed `{table}`");
    let help = "where there are many rows, let a revision of its own change them";
    let place = reviewed.place(shape.line, &shape.span);
    let finding = reviewed.finding(&RULE, rows, message).and_at(place, "what locks the table");
    vec![finding.help(help)]
}

fn locks(operation: &Operation) -> bool {
    operation.table.is_some() && operation.is_in_transaction && operation.alters_old_table()
}

fn changes_rows(operation: &Operation) -> bool {
    operation.act == Act::ChangeRows && operation.is_in_transaction && !operation.is_on_new_table
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::review::testing::{check, check_on, script};

    const ADD: &str = "op.add_column('t', sa.Column('b', sa.Integer()))";
    const FILL: &str = "op.execute('UPDATE t SET b = 1')";
    const TOLD: &str = "8: rows are changed in the transaction that has changed `t`";

    #[test]
    fn rows_after_a_change_of_the_schema_are_told() {
        let both = script(&format!("{ADD}\n{FILL}"), "pass");
        check(&RULE, &both, &[TOLD]);
        check_on(Some(DatabaseKind::MySql), &RULE, &both, &[TOLD]);
        check_on(Some(DatabaseKind::Sqlite), &RULE, &both, &[]);
        check_on(None, &RULE, &both, &[]);
    }

    #[test]
    fn rows_by_themselves_or_of_a_new_table_are_not() {
        check(&RULE, &script(FILL, "pass"), &[]);
        check(&RULE, &script(ADD, "pass"), &[]);
        check(&RULE, &script(&format!("{FILL}\n{ADD}"), "pass"), &[]);
        let new = "t = op.create_table('t', sa.Column('b'))\nop.bulk_insert(t, [{'b': 1}])";
        check(&RULE, &script(new, "pass"), &[]);
        check(&RULE, &script(&format!("{ADD}\nop.execute('COMMIT')\n{FILL}"), "pass"), &[]);
    }
}
