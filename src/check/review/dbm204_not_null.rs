//! DBM204: a column becomes not null, and the rows that are there have no value.

use super::Reviewed;
use crate::check::rules::{Rule, Run};
use crate::check::{Code, Finding, Level};
use crate::script::{Act, Operation, is_same_name};

pub const RULE: Rule = Rule {
    code: Code(204),
    name: "not null without values",
    level: Level::Warning,
    summary: "a column becomes not null, and nothing fills the rows that are there",
    explanation: "\
A column is added to an existing table as not null without a `server_default`, or an
existing one becomes not null and this revision fills no rows before. The model's
`default=` does not count: it is the application's, and the database never sees it.

Why it matters
  On an empty development database it runs. On one with rows PostgreSQL and SQLite
  refuse it, and MySQL fills in a value of its own ('' or 0) without a word.

How to mend it
  Give the column a `server_default`, and take that away later if it must not stay. Or
  in three steps: add it nullable, fill it, then `alter_column(.., nullable=False)`.
  Where it was filled elsewhere: `# dbm-git: ignore DBM204 filled by 1a2b3c`.
  Alembic's manual says it in the chapter on operations (`add_column`), PostgreSQL's
  in the one on ALTER TABLE.

Example
  op.add_column(\"users\", sa.Column(\"age\", sa.Integer(), nullable=False))
",
    run: Run::Revision(run),
};

fn run(reviewed: &Reviewed<'_>) -> Vec<Finding> {
    let operations = reviewed.upgrade().iter().enumerate();
    operations.filter_map(|(at, operation)| told(reviewed, at, operation)).collect()
}

fn told(reviewed: &Reviewed<'_>, at: usize, operation: &Operation) -> Option<Finding> {
    let table = operation.table.as_deref()?;
    match &operation.act {
        Act::AddColumn(Some(column)) => {
            let name = column.name.as_deref()?;
            let is_filled = column.is_nullable || column.has_server_default;
            // A primary key is numbered by the database.
            if is_filled || column.is_primary_key || operation.is_on_new_table {
                return None;
            }
            // Perhaps it is emptied before.
            if reviewed.changes_rows_before(at, table) {
                return None;
            }
            let message =
                format!("column `{table}.{name}` is not null, and has no value for existing rows");
            let help = "give it a `server_default`, or fill it before it becomes not null";
            Some(reviewed.finding(&RULE, operation, message).help(help))
        }
        Act::AlterColumn(change) if lacks_values(reviewed, at) => {
            let name = change.column.as_deref()?;
            let message =
                format!("column `{table}.{name}` becomes not null, and no row is filled before");
            let help = "fill it first, here or in an earlier revision";
            let finding = reviewed.finding(&RULE, operation, message).help(help);
            // An earlier revision may have done that.
            Some(Finding { level: Level::Note, ..finding })
        }
        _ => None,
    }
}

/// Whether the operation at `at` makes a column not null that nothing has filled.
pub(super) fn lacks_values(reviewed: &Reviewed<'_>, at: usize) -> bool {
    let operation = &reviewed.upgrade()[at];
    let (Act::AlterColumn(change), Some(table)) = (&operation.act, &operation.table) else {
        return false;
    };
    change.is_nullable == Some(false)
        && !operation.is_on_new_table
        && !reviewed.may_fill_before(at, table)
        && !reviewed.is_proven(at, table)
        && !comes_with_default(reviewed, at, table, change.column.as_deref())
}

/// Whether the column has come here with a default.
fn comes_with_default(
    reviewed: &Reviewed<'_>,
    at: usize,
    table: &str,
    column: Option<&str>,
) -> bool {
    reviewed.upgrade()[..at].iter().filter(|before| before.is_on(table)).any(|before| {
        let Act::AddColumn(Some(added)) = &before.act else { return false };
        let names = added.name.as_deref().zip(column);
        added.has_server_default && names.is_some_and(|(one, other)| is_same_name(one, other))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::review::testing::{check, script};

    #[track_caller]
    fn told(upgrade: &str, expected: &[&str]) {
        check(&RULE, &script(upgrade, "raise NotImplementedError"), expected);
    }

    #[test]
    fn a_column_that_existing_rows_have_no_value_for() {
        let told_of_b = ["7: column `t.b` is not null, and has no value for existing rows"];
        told("op.add_column('t', sa.Column('b', sa.Integer(), nullable=False))", &told_of_b);
        told("op.execute('ALTER TABLE t ADD b int NOT NULL')", &told_of_b);
        told(
            "with op.batch_alter_table('t') as batch:\n    batch.add_column(sa.Column('b', sa.Integer(), nullable=False))",
            &["8: column `t.b` is not null, and has no value for existing rows"],
        );
    }

    #[test]
    fn a_column_that_has_one_or_needs_none() {
        for column in [
            "sa.Column('b', sa.Integer())",
            "sa.Column('b', sa.Integer(), nullable=True)",
            "sa.Column('b', sa.Integer(), nullable=False, server_default='0')",
            "sa.Column('b', sa.Integer(), sa.Computed('a * 2'), nullable=False)",
            "sa.Column('b', sa.Integer(), sa.Identity(), nullable=False)",
            "sa.Column('b', sa.Integer(), primary_key=True)",
        ] {
            told(&format!("op.add_column('t', {column})"), &[]);
        }
        let strict = "op.add_column('t', sa.Column('b', sa.Integer(), nullable=False))";
        told(&format!("op.create_table('t', sa.Column('a'))\n{strict}"), &[]);
        told(&format!("op.execute('DELETE FROM t')\n{strict}"), &[]);
        told("op.execute('ALTER TABLE t ADD b bigserial NOT NULL')", &[]);
    }

    #[test]
    fn a_column_that_becomes_not_null_is_filled_first() {
        let strict = "op.alter_column('t', 'b', nullable=False)";
        let told_of_b = |line| {
            format!("{line}: note column `t.b` becomes not null, and no row is filled before")
        };
        told(strict, &[&told_of_b(7)]);
        told(&format!("op.execute('UPDATE u SET b = 1')\n{strict}"), &[&told_of_b(8)]);
        told(&format!("op.execute('UPDATE t SET b = 1')\n{strict}"), &[]);
        told(&format!("fill(op.get_bind())\n{strict}"), &[]);
        told(
            &format!(
                "op.add_column('t', sa.Column('b', sa.Integer(), server_default='0'))\n{strict}"
            ),
            &[],
        );
        told("op.alter_column('t', 'b', nullable=True)", &[]);
        told(&format!("{strict}\nop.drop_constraint('b_not_null', 't')"), &[]);
        told(
            &format!("{strict}\nop.drop_constraint('fk', 't', type_='foreignkey')"),
            &[&told_of_b(7)],
        );
        told(
            "t = sa.table('t', sa.column('b'))\nop.execute(t.update().values(b=1))\nop.alter_column('t', 'b', nullable=False)",
            &[],
        );
    }
}
