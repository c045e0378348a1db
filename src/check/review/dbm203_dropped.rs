//! DBM203: a table or a column is dropped, with what is in it.

use super::Reviewed;
use super::renames::renames;
use crate::check::rules::{Rule, Run};
use crate::check::{Code, Finding, Level};
use crate::script::{Act, Operation, is_same_name};

pub const RULE: Rule = Rule {
    code: Code(203),
    name: "dropped table or column",
    level: Level::Warning,
    summary: "an own revision drops a table or a column with what is in it",
    explanation: "\
`upgrade` drops a table, or a column of one, that it has not created itself.

Why it matters
  What was in there is gone: a downgrade brings back the table, not its rows. And
  while a deployment is under way, the version of the application that still runs asks
  for the column by name (an ORM selects every mapped one), and fails on each query.

How to mend it
  Take the column out of the models first and deploy that; drop it in a later revision,
  once nothing reads it. Keep a copy of what somebody may want back. Where that is done,
  say so: `# dbm-git: ignore DBM203 unused since 2.4`.
  The same advice: PostgreSQL's manual on ALTER TABLE for what DROP COLUMN does,
  strong_migrations (\"removing a column\"), squawk (ban-drop-column, ban-drop-table).

Example
  op.drop_column(\"users\", \"nickname\")
",
    run: Run::Revision(run),
};

fn run(reviewed: &Reviewed<'_>) -> Vec<Finding> {
    let renames = renames(reviewed);
    // One that may be a rename is DBM206.
    let is_rename = |operation: &Operation| renames.iter().any(|r| r.dropped == operation);
    let dropped = reviewed.upgrade().iter().enumerate().filter(|(at, operation)| {
        !operation.is_on_new_table && !is_rename(operation) && !comes_back(reviewed, *at)
    });
    dropped
        .filter_map(|(_, operation)| {
            let table = operation.table.as_deref();
            let message = match (&operation.act, table) {
                (Act::DropTable, Some(table)) => {
                    format!("table `{table}` is dropped with its rows")
                }
                (Act::DropColumn { column: Some(column) }, Some(table)) => {
                    format!("column `{table}.{column}` is dropped with its values")
                }
                _ => return None,
            };
            let help = "drop it once no running version of the application uses it";
            Some(reviewed.finding(&RULE, operation, message).help(help))
        })
        .collect()
}

/// Whether the thing was added here, or another one takes its name afterwards, as
/// where a table is copied by hand.
fn comes_back(reviewed: &Reviewed<'_>, at: usize) -> bool {
    let dropped = &reviewed.upgrade()[at];
    let Some(table) = &dropped.table else { return false };
    reviewed.upgrade().iter().enumerate().any(|(other, operation)| {
        match (&dropped.act, &operation.act) {
            (Act::DropTable, Act::RenameTable { to: Some(to) }) => is_same_name(to, table),
            (Act::DropTable, Act::CreateTable { .. }) => other > at && operation.is_on(table),
            (Act::DropColumn { column: Some(column) }, Act::AddColumn(Some(added))) => {
                let is_it = added.name.as_deref().is_some_and(|name| is_same_name(name, column));
                is_it && operation.is_on(table) && other < at
            }
            (Act::DropColumn { column: Some(column) }, Act::AlterColumn(change)) => {
                let is_it = |name: &Option<String>| {
                    name.as_deref().is_some_and(|name| is_same_name(name, column))
                };
                is_it(&change.new_name) && operation.is_on(table) && other > at
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::review::testing::{check, script};

    #[test]
    fn what_is_dropped_with_what_is_in_it_is_told() {
        check(
            &RULE,
            &script("op.drop_table('a')\nop.drop_column('b', 'x')", "pass"),
            &[
                "7: table `a` is dropped with its rows",
                "8: column `b.x` is dropped with its values",
            ],
        );
        check(
            &RULE,
            &script("op.execute('ALTER TABLE b DROP COLUMN x')", "pass"),
            &["7: column `b.x` is dropped with its values"],
        );
        check(
            &RULE,
            &script("op.add_column('a', sa.Column('x'))", "op.drop_column('a', 'x')"),
            &[],
        );
    }

    #[test]
    fn what_the_revision_made_itself_or_puts_something_in_place_of_is_not() {
        for upgrade in [
            "op.create_table('tmp', sa.Column('x'))\nop.drop_table('tmp')",
            "op.create_table('new', sa.Column('x'))\nop.execute('INSERT INTO new SELECT 1')\n\
             op.drop_table('a')\nop.rename_table('new', 'a')",
            "op.add_column('a', sa.Column('x'))\nop.drop_column('a', 'x')",
            "op.drop_column('a', 'x')\nop.alter_column('a', 'y', new_column_name='x')",
        ] {
            check(&RULE, &script(upgrade, "pass"), &[]);
        }
    }
}
