//! DBM210: `ALTER TYPE .. ADD VALUE` in a transaction.

use super::Reviewed;
use crate::check::rules::{Rule, Run};
use crate::check::{Code, Finding, Level};
use crate::script::{Act, Operation};

pub const RULE: Rule = Rule {
    code: Code(210),
    name: "enum value added in a transaction",
    level: Level::Warning,
    summary: "PostgreSQL cannot use a new enum value before the transaction has ended",
    explanation: "\
`ALTER TYPE .. ADD VALUE` runs in the transaction of the migration. Where the same
`upgrade` uses the value afterwards, it fails, and this is a warning; otherwise it is
a note.

Why it matters
  \"The new value cannot be used until after the transaction has been committed\", says
  PostgreSQL's manual on ALTER TYPE; before version 12 it could not even be added there.
  Unless `transaction_per_migration` is set in `env.py`, alembic runs all pending
  revisions in one transaction: a later one that uses the value works for those who
  deploy every day, and fails where both are pending.

How to mend it
  Put the statement into a block of its own, which commits before and after it:
      with op.get_context().autocommit_block():
          op.execute(\"ALTER TYPE status ADD VALUE 'archived'\")
  See `autocommit_block` in Alembic's manual on the migration context. The block ends
  the transaction of all that ran before; give it a revision of its own.

Example
  op.execute(\"ALTER TYPE status ADD VALUE 'archived'\")
  op.execute(\"UPDATE orders SET status = 'archived' WHERE closed\")
",
    run: Run::Revision(run),
};

fn run(reviewed: &Reviewed<'_>) -> Vec<Finding> {
    let operations: Vec<&Operation> = reviewed.on_postgresql().collect();
    let mut found: Vec<Finding> = Vec::new();
    for (at, operation) in operations.iter().enumerate() {
        let Act::AddValue { of, value } = &operation.act else { continue };
        if !operation.is_in_transaction || is_new(&operations[..at], of) {
            continue;
        }
        let rest = &operations[at + 1..];
        let end = rest.iter().position(|later| ends_transaction(later));
        let is_used = rest[..end.unwrap_or(rest.len())].iter().any(|o| uses(o, operation, value));
        if end.is_some() && !is_used {
            continue;
        }
        let then = if is_used { ", and used in the same one" } else { "" };
        let message = format!("value `{value}` is added to `{of}` in a transaction{then}");
        let help = "put it into `with op.get_context().autocommit_block():`";
        let finding = reviewed.finding(&RULE, operation, message).help(help);
        let level = if is_used { Level::Warning } else { Level::Note };
        match found.last_mut().filter(|last| !is_used && last.level == level) {
            Some(last) => {
                let place = reviewed.place(operation.line, &operation.span);
                last.related.push((place, "and here".to_owned()));
            }
            None => found.push(Finding { level, ..finding }),
        }
    }
    found
}

/// Whether the type itself comes from the same transaction, which may use all of it.
fn is_new(before: &[&Operation], of: &str) -> bool {
    before.iter().any(
        |operation| matches!(&operation.act, Act::CreateType(ty) if ty.name.as_deref() == Some(of)),
    )
}

fn ends_transaction(operation: &Operation) -> bool {
    operation.act == Act::Commit || !operation.is_in_transaction
}

fn uses(later: &Operation, adding: &Operation, value: &str) -> bool {
    let is_other = later.span != adding.span && !matches!(later.act, Act::AddValue { .. });
    let quoted = format!("'{value}'");
    is_other && later.sql.as_ref().is_some_and(|sql| sql.contains(&quoted))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::DatabaseKind;
    use crate::check::review::testing::{check, check_on, script};

    const ADD: &str = "op.execute(\"ALTER TYPE s ADD VALUE 'x'\")";
    const USE: &str = "op.execute(\"UPDATE t SET s = 'x'\")";

    #[test]
    fn a_value_is_of_no_use_before_the_transaction_ends() {
        let told = "7: value `x` is added to `s` in a transaction, and used in the same one";
        check(&RULE, &script(&format!("{ADD}\n{USE}"), "pass"), &[told]);
        let unused = "7: note value `x` is added to `s` in a transaction";
        check(&RULE, &script(ADD, "pass"), &[unused]);
        let two = format!("{ADD}\n{}", ADD.replace("'x'", "'y'"));
        check(&RULE, &script(&two, "pass"), &[unused]);
    }

    #[test]
    fn outside_of_one_or_in_a_new_type_it_is_fine() {
        let block = format!("with op.get_context().autocommit_block():\n    {ADD}\n{USE}");
        check(&RULE, &script(&block, "pass"), &[]);
        check(&RULE, &script(&format!("op.execute('COMMIT')\n{ADD}"), "pass"), &[]);
        check(&RULE, &script(&format!("{ADD}\nop.execute('COMMIT')\n{USE}"), "pass"), &[]);
        let new = format!("op.execute(\"CREATE TYPE s AS ENUM ('y')\")\n{ADD}");
        check(&RULE, &script(&new, "pass"), &[]);
        check_on(Some(DatabaseKind::MySql), &RULE, &script(ADD, "pass"), &[]);
        let guarded = format!("if op.get_bind().dialect.name == 'sqlite':\n    {ADD}");
        check(&RULE, &script(&guarded, "pass"), &[]);
    }
}
