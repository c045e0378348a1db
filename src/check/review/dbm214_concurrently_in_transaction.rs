//! DBM214: CONCURRENTLY in a transaction.

use super::Reviewed;
use crate::check::rules::{Rule, Run};
use crate::check::{Code, Finding, Level};
use crate::script::Act;

pub const RULE: Rule = Rule {
    code: Code(214),
    name: "concurrently in a transaction",
    level: Level::Warning,
    summary: "PostgreSQL refuses CONCURRENTLY inside of a transaction",
    explanation: "\
An index is created or dropped CONCURRENTLY, and the operation is in no
`autocommit_block`.

Why it matters
  Alembic runs revisions in a transaction, and PostgreSQL answers `CREATE INDEX
  CONCURRENTLY cannot run inside a transaction block` (its manual on CREATE INDEX). It
  fails everywhere but where `env.py` connects with AUTOCOMMIT.

How to mend it
  with op.get_context().autocommit_block():
      op.create_index(\"ix_users_age\", \"users\", [\"age\"], postgresql_concurrently=True)
  See `autocommit_block` in Alembic's manual on the migration context. The downgrade
  needs the same around its `drop_index`.

Example
  op.create_index(\"ix_users_age\", \"users\", [\"age\"], postgresql_concurrently=True)
",
    run: Run::Revision(run),
};

fn run(reviewed: &Reviewed<'_>) -> Vec<Finding> {
    let is_guarded = reviewed.operations.downgrade.raises;
    let downgrade = reviewed.downgrade().iter().filter(|_| !is_guarded);
    let back = downgrade.filter(|operation| !operation.spares_postgresql);
    reviewed
        .on_postgresql()
        .chain(back)
        .filter(|operation| operation.is_in_transaction)
        .filter_map(|operation| {
            let (Act::CreateIndex { index, is_concurrent: true }
            | Act::DropIndex { index, is_concurrent: true }) = &operation.act
            else {
                return None;
            };
            let index = index.as_ref().map_or("an index".to_owned(), |index| format!("`{index}`"));
            let message = format!("{index} is built or dropped concurrently in a transaction");
            let help = "put it into `with op.get_context().autocommit_block():`";
            Some(reviewed.finding(&RULE, operation, message).help(help))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::review::testing::{check, script};

    const CREATE: &str = "op.create_index('i', 't', ['x'], postgresql_concurrently=True)";
    const DROP: &str = "op.drop_index('i', 't', postgresql_concurrently=True)";

    #[test]
    fn in_a_transaction_it_is_refused() {
        let told = |line| format!("{line}: `i` is built or dropped concurrently in a transaction");
        check(&RULE, &script(CREATE, DROP), &[&told(7), &told(10)]);
        let sql = "op.execute('CREATE INDEX CONCURRENTLY i ON t (x)')";
        check(&RULE, &script(sql, "pass"), &[&told(7)]);
    }

    #[test]
    fn outside_of_one_it_runs() {
        let block =
            |operation: &str| format!("with op.get_context().autocommit_block():\n    {operation}");
        check(&RULE, &script(&block(CREATE), &block(DROP)), &[]);
        check(&RULE, &script(&format!("op.execute('COMMIT')\n{CREATE}"), "pass"), &[]);
        let level = "op.get_bind().execution_options(isolation_level='AUTOCOMMIT')";
        check(&RULE, &script(&format!("{level}\n{CREATE}"), "pass"), &[]);
        check(&RULE, &script("op.create_index('i', 't', ['x'])", "pass"), &[]);
    }
}
