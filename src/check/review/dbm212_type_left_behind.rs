//! DBM212: the downgrade leaves an enum type behind.

use super::Reviewed;
use crate::check::rules::{Rule, Run};
use crate::check::{Code, Finding, Level};
use crate::script::{Act, Operation, is_same_name};

pub const RULE: Rule = Rule {
    code: Code(212),
    name: "enum type left behind",
    level: Level::Warning,
    summary: "`upgrade` creates an enum type on PostgreSQL, and `downgrade` does not drop it",
    explanation: "\
On PostgreSQL an enum is a type of its own. SQLAlchemy creates it together with the
table that has the column, but dropping the table does not drop it.

Why it matters
  After a downgrade the next upgrade fails: `type \"status\" already exists`. Autogenerate
  does not write the drop, so that nearly every first enum of a project has this.

How to mend it
  Drop it at the end of the downgrade:
      op.execute(\"DROP TYPE status\")
  or `sa.Enum(name=\"status\").drop(op.get_bind())`. SQLAlchemy's manual has it under
  PostgreSQL's ENUM; `dbm-git verify` shows the type that is left.

Example
  def upgrade() -> None:
      op.create_table(\"orders\", sa.Column(\"status\", sa.Enum(\"open\", name=\"status\")))

  def downgrade() -> None:
      op.drop_table(\"orders\")
",
    run: Run::Revision(run),
};

fn run(reviewed: &Reviewed<'_>) -> Vec<Finding> {
    let downgrade = &reviewed.operations.downgrade;
    let is_unclear = downgrade.operations.iter().any(|o| o.act == Act::Unknown);
    if downgrade.is_empty || downgrade.raises || is_unclear {
        return Vec::new();
    }
    let mut told: Vec<&str> = Vec::new();
    let mut found = Vec::new();
    for operation in reviewed.on_postgresql() {
        for name in created(operation) {
            if told.contains(&name) || is_settled(reviewed, name) {
                continue;
            }
            told.push(name);
            let message = format!("enum type `{name}` is created, and `downgrade` leaves it there");
            let help = format!("add `op.execute(\"DROP TYPE {name}\")` at the end of `downgrade`");
            found.push(reviewed.finding(&RULE, operation, message).help(help));
        }
    }
    found
}

/// The types that an operation creates.
fn created(operation: &Operation) -> Vec<&str> {
    match &operation.act {
        Act::CreateType(of) => of.name.as_deref().into_iter().collect(),
        Act::CreateTable { columns, .. } => columns
            .iter()
            .filter_map(|column| column.ty.as_ref()?.enumeration.as_ref())
            .filter(|of| of.comes_with_table)
            .filter_map(|of| of.name.as_deref())
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether the downgrade drops the type, or one of that name was there before.
fn is_settled(reviewed: &Reviewed<'_>, name: &str) -> bool {
    let is_it = |other: Option<&str>| other.is_none_or(|other| is_same_name(other, name));
    let goes = |operation: &Operation| match &operation.act {
        Act::DropType { name } => is_it(name.as_deref()),
        Act::RenameType { name, to } => is_it(Some(name)) || is_it(Some(to)),
        Act::CreateType(of) => is_it(of.name.as_deref()),
        _ => false,
    };
    let was_there = |operation: &Operation| match &operation.act {
        Act::DropType { name } => is_it(name.as_deref()),
        Act::RenameType { name, to } => is_it(Some(name)) || is_it(Some(to)),
        _ => false,
    };
    reviewed.downgrade().iter().any(goes) || reviewed.upgrade().iter().any(was_there)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::DatabaseKind;
    use crate::check::review::testing::{check, check_on, script};

    const CREATE: &str = "op.create_table('t', sa.Column('s', sa.Enum('a', name='status')))";
    const TOLD: &str = "7: enum type `status` is created, and `downgrade` leaves it there";

    #[test]
    fn a_type_outlives_its_table() {
        check(&RULE, &script(CREATE, "op.drop_table('t')"), &[TOLD]);
        check_on(Some(DatabaseKind::MySql), &RULE, &script(CREATE, "op.drop_table('t')"), &[]);
        check(
            &RULE,
            &script(
                "sa.Enum('a', name='status').create(op.get_bind())",
                "op.drop_column('t', 's')",
            ),
            &[TOLD],
        );
        let by_name = format!(
            "kind = sa.Enum('a', name='status')\n{}",
            CREATE.replace("sa.Enum('a', name='status')", "kind")
        );
        check(&RULE, &script(&by_name, "op.drop_table('t')"), &[&TOLD.replace('7', "8")]);
    }

    #[test]
    fn one_that_is_dropped_or_was_not_created_is_fine() {
        for down in [
            "op.drop_table('t')\nop.execute('DROP TYPE IF EXISTS status')",
            "op.drop_table('t')\nsa.Enum(name='status').drop(op.get_bind())",
            "op.drop_table('t')\nfor name in names():\n    sa.Enum(name=name).drop(op.get_bind())",
            "op.drop_table('t')\ndrop_types(op.get_bind())",
            "raise NotImplementedError",
            "pass",
        ] {
            check(&RULE, &script(CREATE, down), &[]);
        }
        for ty in [
            "sa.Enum('a', name='status', native_enum=False)",
            "sa.Integer()",
            "postgresql.ENUM('a', name='status', create_type=False)",
        ] {
            let create = format!("op.create_table('t', sa.Column('s', {ty}))");
            check(&RULE, &script(&create, "op.drop_table('t')"), &[]);
        }
    }
}
