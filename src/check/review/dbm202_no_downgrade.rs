//! DBM202: an upgrade without a way back.

use super::Reviewed;
use crate::check::rules::{Rule, Run};
use crate::check::{Code, Finding, Level};
use crate::script::{Act, Operation};

pub const RULE: Rule = Rule {
    code: Code(202),
    name: "no downgrade",
    level: Level::Warning,
    summary: "`upgrade` changes the schema and `downgrade` does nothing",
    explanation: "\
`upgrade` changes the schema, `downgrade` is missing or empty. A downgrade that raises
says openly that there is no way back, and is fine; so is an empty one where only rows
were changed, or where nothing can take the change back.

Why it matters
  `alembic downgrade` runs the empty function and notes that the revision is gone. The
  next upgrade then meets its own table or column, and fails. Switching to a branch that
  lacks the revision (`dbm-git sync`) goes the same way.

How to mend it
  Write the way back, and try it with `dbm-git verify`. Where there is none, let it say
  so: `raise NotImplementedError(\"rows cannot be brought back\")`. A project that never
  goes down can silence this rule with `[[ignore]]`.

Example
  def upgrade() -> None:
      op.add_column(\"users\", sa.Column(\"age\", sa.Integer()))

  def downgrade() -> None:
      pass
",
    run: Run::Revision(run),
};

fn run(reviewed: &Reviewed<'_>) -> Vec<Finding> {
    let (upgrade, downgrade) = (&reviewed.operations.upgrade, &reviewed.operations.downgrade);
    if upgrade.is_empty || !downgrade.is_empty {
        return Vec::new();
    }
    let Some((line, span)) = downgrade.place.clone() else {
        let (line, span) = upgrade.place.clone().unwrap_or((1, 0..0));
        let message = "there is no `downgrade`, and alembic fails where it has to go down";
        return vec![reviewed.finding_at(&RULE, line, &span, message).help(HELP)];
    };
    if !reviewed.upgrade().iter().any(wants_way_back) {
        return Vec::new();
    }
    let message = "`downgrade` does nothing, though `upgrade` changes the schema";
    vec![reviewed.finding_at(&RULE, line, &span, message).help(HELP)]
}

const HELP: &str = "write the way back, or let it raise so that nobody believes in it";

/// PostgreSQL takes no value out of a type, and an extension is everybody's.
fn wants_way_back(operation: &Operation) -> bool {
    match &operation.act {
        Act::AddValue { .. } => false,
        Act::Shape { what } => what != "create extension",
        act => act.is_shape(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::review::testing::{check, script};

    const ADD: &str = "op.add_column('t', sa.Column('b', sa.Integer()))";

    #[test]
    fn a_schema_that_changes_wants_a_way_back() {
        let told = "9: `downgrade` does nothing, though `upgrade` changes the schema";
        check(&RULE, &script(ADD, "pass"), &[told]);
        check(&RULE, &script("op.execute('CREATE VIEW v AS SELECT 1')", "pass"), &[told]);
        check(&RULE, &script(ADD, "op.drop_column('t', 'b')"), &[]);
        check(&RULE, &script(ADD, "raise NotImplementedError('no way')"), &[]);
        let without = script(ADD, "pass").replace("def downgrade", "def down");
        check(
            &RULE,
            &without,
            &["6: there is no `downgrade`, and alembic fails where it has to go down"],
        );
    }

    #[test]
    fn rows_and_what_cannot_be_taken_back_want_none() {
        for upgrade in [
            "op.execute('UPDATE t SET a = 1')",
            "op.execute(\"ALTER TYPE s ADD VALUE 'x'\")",
            "op.execute('CREATE EXTENSION IF NOT EXISTS pgcrypto')",
            "fill(op.get_bind())",
            "pass",
        ] {
            check(&RULE, &script(upgrade, "pass"), &[]);
        }
    }
}
