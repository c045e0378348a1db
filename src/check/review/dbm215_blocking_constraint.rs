//! DBM215: a constraint that reads the whole table under a lock.

use super::Reviewed;
use super::dbm204_not_null::lacks_values;
use crate::check::rules::{Rule, Run};
use crate::check::{Code, DatabaseKind, Finding, Level};
use crate::script::{Act, Constraint, Operation};

pub const RULE: Rule = Rule {
    code: Code(215),
    name: "blocking constraint",
    level: Level::Note,
    summary: "on PostgreSQL a new constraint reads the whole table under a lock",
    explanation: "\
A constraint is put on a table that was there before: a foreign key or a check without
NOT VALID, a unique constraint or a primary key without an index that is there already,
or NOT NULL. On a table that this revision creates it costs nothing.

Why it matters
  PostgreSQL reads every row to see whether it holds, and lets nobody write meanwhile
  (a foreign key: neither to the table that it points at); most of these also let nobody
  read. Its manual says so under ALTER TABLE, in the notes; squawk and strong_migrations
  have a rule for each.

How to mend it
  Foreign key, check   `postgresql_not_valid=True`; and in the next revision
                       `ALTER TABLE .. VALIDATE CONSTRAINT ..`, which lets others write
  Unique               a unique index, built concurrently; then
                       `ADD CONSTRAINT .. UNIQUE USING INDEX ..`
  NOT NULL             a check `x IS NOT NULL` that is not valid, validate it, then SET
                       NOT NULL, which is quick from version 12 on
  On a table that stays small, leave it as it is.

Example
  op.create_foreign_key(\"fk_orders_user\", \"orders\", \"users\", [\"user_id\"], [\"id\"])
",
    run: Run::Revision(run),
};

fn run(reviewed: &Reviewed<'_>) -> Vec<Finding> {
    if reviewed.database != Some(DatabaseKind::Postgres) {
        return Vec::new();
    }
    let operations = reviewed.upgrade().iter().enumerate();
    let found = operations
        .filter(|(_, operation)| !operation.spares_postgresql && !operation.is_on_new_table)
        .filter_map(|(at, operation)| {
            let (what, help) = blocking(reviewed, at, operation)?;
            let table = operation.table.as_deref()?;
            let message = format!("{what} reads all of `{table}` under a lock");
            Some((operation, reviewed.finding(&RULE, operation, message).help(help)))
        });
    reviewed.one_for_each_table(found)
}

fn blocking(
    reviewed: &Reviewed<'_>,
    at: usize,
    operation: &Operation,
) -> Option<(&'static str, &'static str)> {
    const LATER: &str =
        "on a large table, `postgresql_not_valid=True`, and validate it in the next revision";
    const INDEX: &str =
        "on a large table, build a unique index concurrently, and add it with `USING INDEX`";
    const NULL: &str = "on a large table, validate a check that it is not null before";
    Some(match &operation.act {
        Act::AddConstraint { kind, is_brief: false, .. } => match kind {
            Constraint::ForeignKey => ("this foreign key", LATER),
            Constraint::Check => ("this check", LATER),
            Constraint::Unique => ("this unique constraint", INDEX),
            Constraint::PrimaryKey => ("this primary key", INDEX),
            Constraint::Exclude => return None,
        },
        // One that nothing fills has DBM204, which is graver.
        Act::AlterColumn(change)
            if change.is_nullable == Some(false)
                && !lacks_values(reviewed, at)
                && !reviewed.is_proven(at, operation.table.as_deref()?) =>
        {
            ("not null", NULL)
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::review::testing::{check, check_on, script};

    #[test]
    fn each_kind_reads_the_table() {
        for (operation, what) in [
            ("op.create_foreign_key('f', 't', 'u', ['x'], ['id'])", "this foreign key"),
            ("op.create_check_constraint('c', 't', 'x > 0')", "this check"),
            ("op.create_unique_constraint('q', 't', ['x'])", "this unique constraint"),
            ("op.create_primary_key('p', 't', ['x'])", "this primary key"),
            ("op.execute('ALTER TABLE t ADD CHECK (x > 0)')", "this check"),
        ] {
            let told = format!("7: {what} reads all of `t` under a lock");
            check(&RULE, &script(operation, "pass"), &[&told]);
            check_on(Some(DatabaseKind::MySql), &RULE, &script(operation, "pass"), &[]);
        }
        let strict = "op.execute('UPDATE t SET x = 1')\nop.alter_column('t', 'x', nullable=False)";
        check(&RULE, &script(strict, "pass"), &["8: not null reads all of `t` under a lock"]);
    }

    #[test]
    fn what_is_validated_later_or_on_a_new_table_does_not() {
        for upgrade in [
            "op.create_foreign_key('f', 't', 'u', ['x'], ['id'], postgresql_not_valid=True)",
            "op.create_table('t', sa.Column('x'))\nop.create_unique_constraint('q', 't', ['x'])",
            "op.execute('ALTER TABLE t ADD CONSTRAINT q UNIQUE USING INDEX i')",
            "op.execute('ALTER TABLE t VALIDATE CONSTRAINT c')\nop.alter_column('t', 'x', nullable=False)",
            "op.alter_column('t', 'x', nullable=True)",
            // DBM204.
            "op.alter_column('t', 'x', nullable=False)",
        ] {
            check(&RULE, &script(upgrade, "pass"), &[]);
        }
    }
}
