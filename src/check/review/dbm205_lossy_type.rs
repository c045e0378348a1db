//! DBM205: a column's new type cannot hold all that the old one could.

use super::Reviewed;
use super::lossy::loss;
use crate::check::rules::{Rule, Run};
use crate::check::{Code, Finding, Level};
use crate::script::{Act, Alteration, ColumnType, Operation};

pub const RULE: Rule = Rule {
    code: Code(205),
    name: "lossy change of type",
    level: Level::Warning,
    summary: "a column's new type cannot hold all that the old one could",
    explanation: "\
`alter_column` gives a column a type that holds less: a shorter text, a smaller
number, a date instead of a time. What the column has now is told by `existing_type`,
or by the downgrade; types that are not known are not judged.

Why it matters
  Values that do not fit make PostgreSQL fail in the middle of a deployment, MySQL too
  in its strict mode; in others they are cut off, and no downgrade brings back the
  rest. On PostgreSQL most such changes also rewrite the table under an ACCESS
  EXCLUSIVE lock (its manual on ALTER TABLE, in the notes).

How to mend it
  Look first which values would not fit, and settle them in a statement of their own. Or
  add a new column, fill it, move the application over, and drop the old one later.

Example
  op.alter_column(\"users\", \"bio\",
      existing_type=sa.Text(), type_=sa.String(length=200))
",
    run: Run::Revision(run),
};

fn run(reviewed: &Reviewed<'_>) -> Vec<Finding> {
    let operations = reviewed.upgrade().iter().enumerate();
    operations.filter_map(|(at, operation)| told(reviewed, at, operation)).collect()
}

fn told(reviewed: &Reviewed<'_>, at: usize, operation: &Operation) -> Option<Finding> {
    let Act::AlterColumn(change) = &operation.act else { return None };
    let (table, column) = (operation.table.as_deref()?, change.column.as_deref()?);
    if reviewed.changes_rows_before(at, table) {
        return None;
    }
    let after = change.ty.as_ref().filter(|_| !operation.is_on_new_table)?;
    let before = change.existing_type.as_ref().or_else(|| type_before(reviewed, table, change))?;
    let lost = loss(before, after)?;
    let (before, after) = (&before.text, &after.text);
    let message = format!(
        "`{table}.{column}` changes from `{before}` to `{after}`, which cannot hold {lost}"
    );
    let help = "look which values do not fit, and settle them before the type changes";
    Some(reviewed.finding(&RULE, operation, message).help(help))
}

/// The type that the downgrade gives back.
fn type_before<'a>(
    reviewed: &Reviewed<'a>,
    table: &str,
    change: &Alteration,
) -> Option<&'a ColumnType> {
    reviewed.downgrade().iter().filter(|back| back.is_on(table)).find_map(|back| match &back.act {
        Act::AlterColumn(back) if back.column == change.column => back.ty.as_ref(),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::review::testing::{check, script};

    #[track_caller]
    fn told(from: &str, to: &str, lost: Option<&str>) {
        let change = format!("op.alter_column('t', 'x', existing_type={from}, type_={to})");
        let expected = lost.map(|lost| {
            format!("7: `t.x` changes from `{from}` to `{to}`, which cannot hold {lost}")
        });
        check(
            &RULE,
            &script(&change, "pass"),
            &expected.iter().map(String::as_str).collect::<Vec<_>>(),
        );
    }

    #[test]
    fn what_holds_less_is_told_with_what_it_cannot_hold() {
        for (from, to, lost) in [
            ("sa.Text()", "sa.String(length=50)", "texts of more than 50 characters"),
            ("sa.VARCHAR(100)", "sa.String(50)", "texts of more than 50 characters"),
            ("sa.BigInteger()", "sa.Integer()", "numbers that are too large"),
            ("sa.Numeric(10, 2)", "sa.Numeric(10, 4)", "numbers that are too large"),
            ("sa.Numeric(10, 4)", "sa.Numeric(10, 2)", "digits behind the point"),
            ("sa.Float()", "sa.Integer()", "what stands behind the point"),
            ("sa.DateTime()", "sa.Date()", "the time of day"),
            ("sa.DateTime(timezone=True)", "sa.DateTime()", "the time zone"),
            ("sa.String()", "sa.Integer()", "texts that are none"),
            ("sa.Text()", "sa.Enum('a', name='e')", "texts that are none of its values"),
        ] {
            told(from, to, Some(lost));
        }
    }

    #[test]
    fn what_holds_as_much_or_is_not_known_is_not_told() {
        for (from, to) in [
            ("sa.String(50)", "sa.String(100)"),
            ("sa.String(50)", "sa.Text()"),
            ("sa.VARCHAR()", "sa.String()"),
            ("sa.Integer()", "sa.BigInteger()"),
            ("sa.Integer()", "sa.Text()"),
            ("sa.Numeric(10, 2)", "sa.Numeric(12, 2)"),
            ("sa.Date()", "sa.DateTime()"),
            ("sa.JSON()", "postgresql.JSONB()"),
            ("sa.Enum('a', name='e')", "sa.Text()"),
            ("app.Money()", "sa.Integer()"),
        ] {
            told(from, to, None);
        }
    }

    #[test]
    fn rows_that_are_settled_before_are_not_told() {
        let change = "op.alter_column('t', 'x', existing_type=sa.Text(), type_=sa.String(9))";
        let settled = format!("op.execute('UPDATE t SET x = substr(x, 1, 9)')\n{change}");
        check(&RULE, &script(&settled, "pass"), &[]);
    }

    #[test]
    fn the_downgrade_tells_what_it_was() {
        let up = "op.execute('ALTER TABLE t ALTER COLUMN x TYPE varchar(10)')";
        let down = "op.execute('ALTER TABLE t ALTER COLUMN x TYPE varchar(20)')";
        check(
            &RULE,
            &script(up, down),
            &[
                "7: `t.x` changes from `varchar(20)` to `varchar(10)`, which cannot hold texts of more than 10 characters",
            ],
        );
        check(&RULE, &script(down, up), &[]);
    }
}
