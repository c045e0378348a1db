//! What generated migrations do, in a way that can be done and undone, and what
//! schema they see.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::python::Schema;
use crate::support::Random;

/// One operation, with all that its downgrade needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    CreateTable {
        table: String,
        columns: Vec<String>,
        points_at: Option<String>,
    },
    DropTable {
        table: String,
        columns: Vec<String>,
    },
    RenameTable {
        from: String,
        to: String,
    },
    AddColumn {
        table: String,
        column: String,
        in_batch: bool,
    },
    DropColumn {
        table: String,
        column: String,
    },
    RenameColumn {
        table: String,
        from: String,
        to: String,
    },
    CreateIndex {
        index: String,
        table: String,
        column: String,
    },
    DropIndex {
        index: String,
        table: String,
        column: String,
    },
    InsertRow {
        table: String,
        note: String,
    },
    /// An update as raw SQL.
    CountUp {
        table: String,
    },
    /// A new column as raw SQL.
    AddRawColumn {
        table: String,
        column: String,
    },
    /// The end of a column as raw SQL.
    DropRawColumn {
        table: String,
        column: String,
    },
}

/// Which kinds of operations a generator may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kinds {
    /// Those that work whatever other branches do.
    Commuting,
    All,
    AllButRawSql,
}

/// Tables with their columns and indexes, as operations leave them.
#[derive(Clone, Debug, Default)]
pub struct Tables(pub BTreeMap<String, Table>);

#[derive(Clone, Debug, Default)]
pub struct Table {
    pub columns: BTreeSet<String>,
    /// Columns by index.
    pub indexes: BTreeMap<String, String>,
    /// Whether another table points at it, or it at another.
    is_tied: bool,
}

impl Operation {
    /// One operation that `tables` allow, on names that nothing else has.
    pub fn random(random: &mut Random, tables: &Tables, name: &str, kinds: Kinds) -> Self {
        let fresh = |prefix: &str| format!("{prefix}_{name}");
        let create = |random: &mut Random| Self::CreateTable {
            table: fresh("t"),
            columns: (0..random.below(3)).map(|n| format!("c{n}_{name}")).collect(),
            points_at: tables.0.keys().next().filter(|_| random.chance(20)).cloned(),
        };
        let names: Vec<&String> = tables.0.keys().collect();
        if names.is_empty() {
            return create(random);
        }
        let table = (*random.pick(&names)).clone();
        let known = &tables.0[&table];
        let columns: Vec<&String> =
            known.columns.iter().filter(|c| !known.indexes.values().any(|i| i == *c)).collect();
        let column = (!columns.is_empty()).then(|| (*random.pick(&columns)).clone());
        let index = known.indexes.iter().next().map(|(i, c)| (i.clone(), c.clone()));
        let last = match kinds {
            Kinds::Commuting => 60,
            Kinds::AllButRawSql => 100,
            Kinds::All => 115,
        };
        match (random.below(last), column, index) {
            (20..30, Some(column), _) => Self::CreateIndex { index: fresh("ix"), table, column },
            (20..40, ..) => Self::AddColumn { table, column: fresh("c"), in_batch: true },
            (40..50, ..) => Self::AddColumn { table, column: fresh("c"), in_batch: false },
            (50..55, ..) => Self::InsertRow { table, note: fresh("row of") },
            (55..60, ..) if kinds == Kinds::Commuting => Self::CountUp { table },
            (60..75, Some(column), _) => Self::DropColumn { table, column },
            (75..82, Some(from), _) => Self::RenameColumn { table, from, to: fresh("r") },
            (82..88, _, Some((index, column))) => Self::DropIndex { index, table, column },
            (88..95, ..) if !known.is_tied => {
                Self::DropTable { table, columns: known.columns.iter().cloned().collect() }
            }
            (95..100, ..) if !known.is_tied => Self::RenameTable { from: table, to: fresh("r") },
            (100..105, ..) => Self::AddRawColumn { table, column: fresh("c") },
            (105..110, Some(column), _) => Self::DropRawColumn { table, column },
            (100.., ..) => Self::CountUp { table },
            _ => create(random),
        }
    }

    /// The same, backwards, as far as it changes the schema.
    fn inverse(&self) -> Self {
        match self.clone() {
            Self::CreateTable { table, columns, .. } => Self::DropTable { table, columns },
            Self::DropTable { table, columns } => {
                Self::CreateTable { table, columns, points_at: None }
            }
            Self::RenameTable { from, to } => Self::RenameTable { from: to, to: from },
            Self::AddColumn { table, column, .. } | Self::AddRawColumn { table, column } => {
                Self::DropColumn { table, column }
            }
            Self::DropColumn { table, column } | Self::DropRawColumn { table, column } => {
                Self::AddColumn { table, column, in_batch: true }
            }
            Self::RenameColumn { table, from, to } => {
                Self::RenameColumn { table, from: to, to: from }
            }
            Self::CreateIndex { index, table, column } => Self::DropIndex { index, table, column },
            Self::DropIndex { index, table, column } => Self::CreateIndex { index, table, column },
            other @ (Self::InsertRow { .. } | Self::CountUp { .. }) => other,
        }
    }

    /// The statements of `upgrade`.
    pub fn upgrade(&self) -> String {
        match self {
            Self::CreateTable { table, columns, points_at } => {
                let mut text = format!(
                    "    op.create_table(\n        '{table}',\n        \
                     sa.Column('id', sa.Integer(), primary_key=True),\n        \
                     sa.Column('note', sa.String(80), nullable=True),\n        \
                     sa.Column('n', sa.Integer(), server_default='0', nullable=False),\n"
                );
                for column in columns {
                    text +=
                        &format!("        sa.Column('{column}', sa.Integer(), nullable=True),\n");
                }
                if let Some(target) = points_at {
                    text += &format!(
                        "        sa.Column('target_id', sa.Integer(), sa.ForeignKey('{target}.id')),\n"
                    );
                }
                text + "    )\n"
            }
            Self::DropTable { table, .. } => format!("    op.drop_table('{table}')\n"),
            Self::RenameTable { from, to } => format!("    op.rename_table('{from}', '{to}')\n"),
            Self::AddColumn { table, column, in_batch: true } => in_batch(
                table,
                &format!("add_column(sa.Column('{column}', sa.Integer(), nullable=True))"),
            ),
            Self::AddColumn { table, column, in_batch: false } => format!(
                "    op.add_column('{table}', sa.Column('{column}', sa.Integer(), nullable=True))\n"
            ),
            Self::DropColumn { table, column } => {
                in_batch(table, &format!("drop_column('{column}')"))
            }
            Self::RenameColumn { table, from, to } => {
                in_batch(table, &format!("alter_column('{from}', new_column_name='{to}')"))
            }
            Self::CreateIndex { index, table, column } => {
                format!("    op.create_index(op.f('{index}'), '{table}', ['{column}'])\n")
            }
            Self::DropIndex { index, table, .. } => {
                format!("    op.drop_index(op.f('{index}'), table_name='{table}')\n")
            }
            Self::InsertRow { table, note } => format!(
                "    rows = sa.table('{table}', sa.column('note', sa.String()))\n    \
                 op.bulk_insert(rows, [{{'note': '{note}'}}])\n"
            ),
            Self::CountUp { table } => {
                format!("    op.execute(\"UPDATE {table} SET n = n + 1\")\n")
            }
            Self::AddRawColumn { table, column } => {
                format!("    op.execute(\"ALTER TABLE {table} ADD COLUMN {column} INTEGER\")\n")
            }
            Self::DropRawColumn { table, column } => {
                format!("    op.execute(\"ALTER TABLE {table} DROP COLUMN {column}\")\n")
            }
        }
    }

    /// The statements of `downgrade`.
    pub fn downgrade(&self) -> String {
        match self {
            Self::InsertRow { table, note } => {
                format!("    op.execute(\"DELETE FROM {table} WHERE note = '{note}'\")\n")
            }
            Self::CountUp { table } => {
                format!("    op.execute(\"UPDATE {table} SET n = n - 1\")\n")
            }
            other => other.inverse().upgrade(),
        }
    }

    /// Whether no schema shows that it ran.
    pub fn writes_only_data(&self) -> bool {
        matches!(self, Self::InsertRow { .. } | Self::CountUp { .. })
    }

    /// Takes what it has made out of the description of a schema.
    pub fn forget(&self, schema: &mut Schema) {
        let (table, line) = match self {
            Self::CreateTable { table, .. } => {
                schema.remove(table);
                return;
            }
            Self::AddColumn { table, column, .. } => (table, format!("{column} ")),
            Self::CreateIndex { index, table, .. } => (table, format!("index {index} ")),
            // Others make nothing, or are not in stories.
            _ => return,
        };
        if let Some(lines) = schema.get_mut(table) {
            lines.retain(|known| !known.starts_with(&line));
        }
    }

    /// Changes `tables` as the operation would.
    pub fn apply(&self, tables: &mut Tables) {
        let tables = &mut tables.0;
        let of = |tables: &mut BTreeMap<String, Table>, table: &String| -> Table {
            tables.remove(table).unwrap_or_default()
        };
        match self {
            Self::CreateTable { table, columns, points_at } => {
                let columns = columns.iter().cloned().collect();
                let is_tied = points_at.is_some();
                if let Some(target) = points_at.as_ref().and_then(|target| tables.get_mut(target)) {
                    target.is_tied = true;
                }
                let made = Table { columns, indexes: BTreeMap::new(), is_tied };
                tables.insert(table.clone(), made);
            }
            Self::DropTable { table, .. } => {
                tables.remove(table);
            }
            Self::RenameTable { from, to } => {
                let table = of(tables, from);
                tables.insert(to.clone(), table);
            }
            Self::AddColumn { table, column, .. } | Self::AddRawColumn { table, column } => {
                tables.entry(table.clone()).or_default().columns.insert(column.clone());
            }
            Self::DropColumn { table, column } | Self::DropRawColumn { table, column } => {
                tables.entry(table.clone()).or_default().columns.remove(column);
            }
            Self::RenameColumn { table, from, to } => {
                let table = tables.entry(table.clone()).or_default();
                table.columns.remove(from);
                table.columns.insert(to.clone());
            }
            Self::CreateIndex { index, table, column } => {
                let table = tables.entry(table.clone()).or_default();
                table.indexes.insert(index.clone(), column.clone());
            }
            Self::DropIndex { index, table, .. } => {
                tables.entry(table.clone()).or_default().indexes.remove(index);
            }
            Self::InsertRow { .. } | Self::CountUp { .. } => {}
        }
    }
}

fn in_batch(table: &str, call: &str) -> String {
    format!("    with op.batch_alter_table('{table}') as batch_op:\n        batch_op.{call}\n")
}

/// As a comment in a story's script.
impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CreateTable { table, points_at: None, .. } => write!(f, "creates {table}"),
            Self::CreateTable { table, points_at: Some(target), .. } => {
                write!(f, "creates {table}, which points at {target}")
            }
            Self::DropTable { table, .. } => write!(f, "drops {table}"),
            Self::RenameTable { from, to } => write!(f, "renames {from} to {to}"),
            Self::AddColumn { table, column, in_batch } => {
                write!(f, "adds {table}.{column}{}", if *in_batch { " in a batch" } else { "" })
            }
            Self::DropColumn { table, column } => write!(f, "drops {table}.{column}"),
            Self::DropRawColumn { table, column } => write!(f, "drops {table}.{column} by SQL"),
            Self::RenameColumn { table, from, to } => write!(f, "renames {table}.{from} to {to}"),
            Self::CreateIndex { index, table, column } => {
                write!(f, "creates {index} on {table}.{column}")
            }
            Self::DropIndex { index, .. } => write!(f, "drops {index}"),
            Self::InsertRow { table, .. } => write!(f, "inserts into {table}"),
            Self::CountUp { table } => write!(f, "updates {table} by SQL"),
            Self::AddRawColumn { table, column } => write!(f, "adds {table}.{column} by SQL"),
        }
    }
}

/// A revision file; `uid` stays its own whatever becomes of its id.
pub fn script(uid: &str, id: &str, downs: &[String], operations: &[Operation]) -> String {
    let python = match downs {
        [] => "None".to_owned(),
        [one] => format!("'{one}'"),
        many => {
            let list: Vec<String> = many.iter().map(|down| format!("'{down}'")).collect();
            format!("({})", list.join(", "))
        }
    };
    let body = |text: String| if text.is_empty() { "    pass\n".to_owned() } else { text };
    let upgrade = body(operations.iter().map(Operation::upgrade).collect());
    let downgrade = body(operations.iter().rev().map(Operation::downgrade).collect());
    format!(
        "\"\"\"{uid}\n\nRevision ID: {id}\nRevises: {}\nCreate Date: 2026-01-01 00:00:00.000000\n\n\
         \"\"\"\nfrom alembic import op\nimport sqlalchemy as sa\n\nUID = \"{uid}\"\n\n\
         revision = '{id}'\ndown_revision = {python}\nbranch_labels = None\ndepends_on = None\n\n\n\
         def upgrade() -> None:\n{upgrade}\n\ndef downgrade() -> None:\n{downgrade}",
        downs.join(", ")
    )
}
