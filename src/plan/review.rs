//! What somebody ought to look at in a script before it is committed: what
//! autogenerate is known to get wrong, and what was left to be written.

use std::fmt;

use crate::script::{Footprint, SchemaObject};

/// One thing to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Review {
    /// Neither function does anything.
    Empty,
    /// `upgrade` does something, `downgrade` nothing.
    NoWayBack,
    /// A table is dropped and another one created.
    RenamedTable { from: String, to: String },
    /// A column is dropped and another one added, in the same table.
    RenamedColumn { table: String, from: String, to: String },
    /// A column that may not be null is added without a value for the rows that are there.
    NotNull { what: String },
    /// `upgrade` runs what only the database understands.
    Opaque,
}

impl fmt::Display for Review {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("`upgrade` and `downgrade` are yet to be written"),
            Self::NoWayBack => f.write_str(
                "`downgrade` does nothing: write the way back, or let it raise so that nobody \
                 believes in it",
            ),
            Self::RenamedTable { from, to } => write!(
                f,
                "`{from}` is dropped and `{to}` created: if that is a rename, `op.rename_table` \
                 keeps the rows"
            ),
            Self::RenamedColumn { table, from, to } => write!(
                f,
                "`{table}.{from}` is dropped and `{table}.{to}` added: if that is a rename, \
                 `op.alter_column(.., new_column_name=..)` keeps the values"
            ),
            Self::NotNull { what } => write!(
                f,
                "`{what}` fails on a table that has rows: give it a `server_default`, or fill it \
                 before it becomes not null"
            ),
            Self::Opaque => f.write_str("it runs SQL that nobody but the database checks"),
        }
    }
}

/// What to look at in a script of which `footprint` was read and whose
/// `upgrade` has the source text `body`.
pub fn review(footprint: &Footprint, body: &str) -> Vec<Review> {
    let Footprint { upgrade, downgrade } = footprint;
    if upgrade.is_empty && downgrade.is_empty {
        return vec![Review::Empty];
    }
    let mut found = Vec::new();
    if downgrade.is_empty {
        found.push(Review::NoWayBack);
    }
    found.extend(renamed(&upgrade.drops, &upgrade.creates));
    found.extend(calls(body, "add_column").into_iter().filter_map(|call| {
        let is_strict = call.contains("nullable=False") && !call.contains("server_default");
        is_strict.then(|| Review::NotNull { what: shortened(call) })
    }));
    if upgrade.is_opaque {
        found.push(Review::Opaque);
    }
    found
}

/// Each dropped table with a created one, each dropped column with an added
/// one: in order, since one can only guess which belong together.
fn renamed(drops: &[SchemaObject], creates: &[SchemaObject]) -> Vec<Review> {
    let tables = |objects: &[SchemaObject]| -> Vec<String> {
        let table = |object: &SchemaObject| match object {
            SchemaObject::Table(table) => Some(table.clone()),
            SchemaObject::Column { .. } | SchemaObject::Index(_) => None,
        };
        objects.iter().filter_map(table).collect()
    };
    let mut found: Vec<Review> = tables(drops)
        .into_iter()
        .zip(tables(creates))
        .map(|(from, to)| Review::RenamedTable { from, to })
        .collect();
    let column = |object: &SchemaObject| match object {
        SchemaObject::Column { table, column } => Some((table.clone(), column.clone())),
        SchemaObject::Table(_) | SchemaObject::Index(_) => None,
    };
    let new_tables = tables(creates);
    let mut added: Vec<(String, String)> = creates.iter().filter_map(column).collect();
    added.retain(|(table, _)| !new_tables.contains(table));
    for (table, from) in drops.iter().filter_map(column) {
        if let Some(at) = added.iter().position(|(other, _)| *other == table) {
            let (_, to) = added.remove(at);
            found.push(Review::RenamedColumn { table, from, to });
        }
    }
    found
}

/// The source texts of the calls of a function, up to the parenthesis that closes them.
fn calls<'a>(body: &'a str, name: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for (at, _) in body.match_indices(&format!(".{name}(")) {
        let start =
            body[..at].rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |b| b + 1);
        let mut depth = 0;
        let end = body[at..].find(|c| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            c == ')' && depth == 0
        });
        found.extend(end.map(|end| &body[start..=at + end]));
    }
    found
}

/// In one line, and not too long.
fn shortened(call: &str) -> String {
    const LONGEST: usize = 80;
    let line = call.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= LONGEST {
        return line;
    }
    line.chars().take(LONGEST - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{function_body, read_footprint};

    #[track_caller]
    fn check(upgrade: &str, downgrade: &str, expected: &[&str]) {
        let indented = |body: &str| body.replace('\n', "\n    ");
        let text = format!(
            "import sqlalchemy as sa\nfrom alembic import op\n\n\
             def upgrade():\n    {}\n\ndef downgrade():\n    {}\n",
            indented(upgrade),
            indented(downgrade)
        );
        let footprint = read_footprint(text.as_bytes()).expect("Python");
        let body = function_body(text.as_bytes(), "upgrade").expect("a function");
        let found: Vec<String> = review(&footprint, &body).iter().map(Review::to_string).collect();
        assert_eq!(found, expected, "{text}");
    }

    const ADD: &str = "op.add_column('t', sa.Column('b', sa.Integer()))";

    #[test]
    fn what_is_yet_to_be_written() {
        check("pass", "pass", &["`upgrade` and `downgrade` are yet to be written"]);
        check(ADD, "op.drop_column('t', 'b')", &[]);
        check(
            ADD,
            "pass",
            &[
                "`downgrade` does nothing: write the way back, or let it raise so that nobody believes in it",
            ],
        );
    }

    #[test]
    fn a_rename_that_autogenerate_takes_for_a_drop() {
        check(
            &format!("{ADD}\nop.drop_column('t', 'a')\nop.drop_column('u', 'a')"),
            "op.x()",
            &[
                "`t.a` is dropped and `t.b` added: if that is a rename, `op.alter_column(.., new_column_name=..)` keeps the values",
            ],
        );
        check(
            "op.create_table('new', sa.Column('id', sa.Integer()))\nop.drop_table('old')",
            "op.x()",
            &[
                "`old` is dropped and `new` created: if that is a rename, `op.rename_table` keeps the rows",
            ],
        );
    }

    #[test]
    fn a_column_that_existing_rows_have_no_value_for() {
        let strict = "op.add_column(\n    't', sa.Column('b', sa.Integer(), nullable=False))";
        check(
            strict,
            "op.drop_column('t', 'b')",
            &[
                "`op.add_column( 't', sa.Column('b', sa.Integer(), nullable=False))` fails on a table that has rows: give it a `server_default`, or fill it before it becomes not null",
            ],
        );
        let filled = strict.replace("nullable=False", "nullable=False, server_default='0'");
        check(&filled, "op.drop_column('t', 'b')", &[]);
    }

    #[test]
    fn what_only_the_database_understands() {
        check(
            "op.execute('VACUUM')",
            "raise NotImplementedError",
            &["it runs SQL that nobody but the database checks"],
        );
    }
}
