//! DBM213: an index that is built while nobody can write.

use super::Reviewed;
use crate::check::rules::{Rule, Run};
use crate::check::{Code, Finding, Level};
use crate::script::Act;

pub const RULE: Rule = Rule {
    code: Code(213),
    name: "blocking index",
    level: Level::Note,
    summary: "on PostgreSQL nobody writes to the table while an index is built",
    explanation: "\
An index is built on a table that was there before, without CONCURRENTLY. On one that
this revision creates there is nobody to wait. Where neither the configuration nor any
script of the history names PostgreSQL, this is not told: `database-url` names it.

Why it matters
  CREATE INDEX takes a SHARE lock: the table is read meanwhile, but every insert, update
  and delete waits until the index is built. On a table of some millions of rows that is
  minutes. PostgreSQL's manual describes it under CREATE INDEX, \"Building Indexes
  Concurrently\"; squawk calls it require-concurrent-index-creation, strong_migrations
  \"adding an index non-concurrently\".

How to mend it
  Build it beside the traffic, outside of the transaction:
      with op.get_context().autocommit_block():
          op.create_index(\"ix_users_age\", \"users\", [\"age\"],
                          postgresql_concurrently=True)
  Let it be a revision of its own: the block ends the transaction of all that ran
  before. On a table that stays small, leave it as it is.

Example
  op.create_index(\"ix_users_age\", \"users\", [\"age\"])
",
    run: Run::Revision(run),
};

fn run(reviewed: &Reviewed<'_>) -> Vec<Finding> {
    let found = reviewed.on_postgresql().filter(|operation| !operation.is_on_new_table).filter_map(
        |operation| {
            let Act::CreateIndex { is_concurrent: false, .. } = operation.act else { return None };
            let table = operation.table.as_deref()?;
            let message = format!("nobody writes to `{table}` while this index is built");
            let help = "on a large table, `postgresql_concurrently=True` in an `autocommit_block`";
            Some((operation, reviewed.finding(&RULE, operation, message).help(help)))
        },
    );
    reviewed.one_for_each_table(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::DatabaseKind;
    use crate::check::review::testing::{check, check_on, script};

    const TOLD: &str = "7: nobody writes to `t` while this index is built";

    #[test]
    fn an_index_on_a_table_that_was_there_before() {
        let create = script("op.create_index('i', 't', ['x'])", "pass");
        check(&RULE, &create, &[TOLD]);
        let twice = "op.create_index('i', 't', ['x'])\nop.create_index('j', 't', ['y'])";
        check(&RULE, &script(twice, "pass"), &[TOLD]);
        check(&RULE, &script("op.execute('CREATE INDEX i ON t (x)')", "pass"), &[TOLD]);
        check_on(Some(DatabaseKind::Sqlite), &RULE, &create, &[]);
        check_on(None, &RULE, &create, &[]);
    }

    #[test]
    fn on_a_new_table_or_concurrently_nobody_waits() {
        for upgrade in [
            "op.create_table('t', sa.Column('x'))\nop.create_index('i', 't', ['x'])",
            "with op.get_context().autocommit_block():\n    op.create_index('i', 't', ['x'], postgresql_concurrently=True)",
            "if op.get_bind().dialect.name != 'postgresql':\n    op.create_index('i', 't', ['x'])",
            "op.drop_index('i', 't')",
        ] {
            check(&RULE, &script(upgrade, "pass"), &[]);
        }
    }
}
