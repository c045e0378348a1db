//! DBM211: an enum loses a value that rows may have.

use super::Reviewed;
use crate::check::rules::{Rule, Run};
use crate::check::words::named;
use crate::check::{Code, Finding, Level};
use crate::script::{Act, Enumeration, Operation, is_same_name};

pub const RULE: Rule = Rule {
    code: Code(211),
    name: "enum value dropped",
    level: Level::Warning,
    summary: "an enum loses a value, and nothing says what becomes of rows that have it",
    explanation: "\
The new list of an enum lacks values of the old one, and no rows are changed before. The
old list is told by `existing_type`, or by what the downgrade creates.

Why it matters
  On PostgreSQL a value cannot be taken out of a type, so that one makes a new type and
  casts the column to it: the cast fails at the first row that has the old value. MySQL
  puts '' in its place where the mode is not strict. And the version of the application
  that still runs goes on writing it.

How to mend it
  Change the rows before (`UPDATE orders SET status = 'closed' WHERE status =
  'archived'`), once no running version writes the value any more.

Example
  op.alter_column(\"orders\", \"status\",
      existing_type=sa.Enum(\"open\", \"closed\", \"archived\", name=\"status\"),
      type_=sa.Enum(\"open\", \"closed\", name=\"status\"))
",
    run: Run::Revision(run),
};

fn run(reviewed: &Reviewed<'_>) -> Vec<Finding> {
    let operations = reviewed.upgrade().iter().enumerate();
    operations.filter_map(|(at, operation)| told(reviewed, at, operation)).collect()
}

fn told(reviewed: &Reviewed<'_>, at: usize, operation: &Operation) -> Option<Finding> {
    let (before, after) = lists(reviewed, operation)?;
    let gone: Vec<&String> = before.iter().filter(|value| !after.contains(value)).collect();
    let table = operation.table.as_deref().unwrap_or_default();
    if gone.is_empty() || reviewed.may_fill_before(at, table) || fills_any(reviewed, operation) {
        return None;
    }
    let message = format!("the enum loses {}, and rows may have it", named(gone));
    let help = "change the rows that have it before";
    Some(reviewed.finding(&RULE, operation, message).help(help))
}

/// Where it is about a type, rows of any table are changed by it.
fn fills_any(reviewed: &Reviewed<'_>, operation: &Operation) -> bool {
    operation.table.is_none() && reviewed.upgrade().iter().any(|o| o.act == Act::ChangeRows)
}

fn lists<'a>(
    reviewed: &Reviewed<'a>,
    operation: &'a Operation,
) -> Option<(&'a [String], &'a [String])> {
    match &operation.act {
        Act::AlterColumn(change) => {
            let before = change.existing_type.as_ref()?.enumeration.as_ref()?;
            let after = change.ty.as_ref()?.enumeration.as_ref()?;
            Some((before.values.as_deref()?, after.values.as_deref()?))
        }
        Act::CreateType(after) => {
            let before = created_by_downgrade(reviewed, after)?;
            Some((before.values.as_deref()?, after.values.as_deref()?))
        }
        _ => None,
    }
}

fn created_by_downgrade<'a>(
    reviewed: &Reviewed<'a>,
    after: &Enumeration,
) -> Option<&'a Enumeration> {
    reviewed.downgrade().iter().find_map(|operation| match &operation.act {
        Act::CreateType(before) => {
            let (one, other) = (before.name.as_deref()?, after.name.as_deref()?);
            is_same_name(one, other).then_some(&**before)
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::review::testing::{check, script};

    fn change(from: &str, to: &str) -> String {
        format!("op.alter_column('t', 's', existing_type=sa.Enum({from}), type_=sa.Enum({to}))")
    }

    #[test]
    fn a_list_that_lacks_a_value_of_the_old_one() {
        let shorter = change("'a', 'b', 'c'", "'a'");
        let told = "7: the enum loses `b` and `c`, and rows may have it";
        check(&RULE, &script(&shorter, "pass"), &[told]);
        check(&RULE, &script(&change("'a'", "'a', 'b'"), "pass"), &[]);
        check(&RULE, &script(&change("Status", "'a'"), "pass"), &[]);
        let settled = format!("op.execute(\"UPDATE t SET s = 'a'\")\n{shorter}");
        check(&RULE, &script(&settled, "pass"), &[]);
    }

    #[test]
    fn a_type_that_is_made_anew() {
        let anew = |values: &str| {
            format!(
                "op.execute('ALTER TYPE s RENAME TO s_old')\nop.execute(\"CREATE TYPE s AS ENUM ({values})\")"
            )
        };
        check(
            &RULE,
            &script(&anew("'a'"), &anew("'a', 'b'")),
            &["8: the enum loses `b`, and rows may have it"],
        );
        check(&RULE, &script(&anew("'a', 'b'"), &anew("'a'")), &[]);
    }
}
