//! Alembic's operations as acts: which table, which column, and what of the
//! arguments decides.

use std::sync::Arc;

use ruff_python_ast::ExprCall;
use ruff_text_size::Ranged;

use super::arguments::{Arguments, Named};
use super::operation::{Act, Alteration, Constraint};
use super::reader::Reader;
use super::value::{BatchTable, Value};

const TABLE: &[&str] = &["table_name", "tablename", "source_table", "source"];
const INDEX: &[&str] = &["index_name", "name"];
const CONSTRAINT: &[&str] = &["constraint_name", "name"];

impl<'a> Reader<'a, '_> {
    /// Notes one of Alembic's operations.
    pub fn note_directive(
        &mut self,
        batch: Option<&BatchTable>,
        name: &str,
        arguments: &Arguments<'a>,
        call: &'a ExprCall,
    ) {
        if self.recorder.is_none() {
            return;
        }
        let Some(at) = table_position(name) else {
            match name {
                "execute"
                | "f"
                | "get_bind"
                | "get_context"
                | "inline_literal"
                | "batch_alter_table"
                | "create_table_comment"
                | "drop_table_comment" => {}
                "bulk_insert" => {
                    let table = match arguments.find(Some(0), &["table"]) {
                        Some(Value::Table(table)) => table.clone(),
                        _ => None,
                    };
                    self.note(call.range(), table, Act::InsertRows);
                }
                _ => self.note(call.range(), None, Act::Unknown),
            }
            return;
        };
        let table = match batch {
            Some(batch) => batch.table.clone(),
            None => table_of(name, at, arguments),
        };
        // What comes after the table; a batch has it already.
        let next = if batch.is_some() { at } else { at + 1 };
        if let Some(act) = self.act_of(name, next, arguments, call) {
            self.note(call.range(), table, act);
        }
    }

    fn act_of(
        &mut self,
        name: &str,
        next: usize,
        arguments: &Arguments<'a>,
        call: &'a ExprCall,
    ) -> Option<Act> {
        let named = |at, names: &[&str]| arguments.name(at, names).known();
        let is_concurrent = arguments.is_set("postgresql_concurrently");
        Some(match name {
            "create_table" => Act::CreateTable {
                columns: arguments
                    .positional
                    .iter()
                    .filter_map(|part| match part {
                        Value::Column(column) => Some(Arc::clone(column)),
                        _ => None,
                    })
                    .collect(),
                is_temporary: false,
            },
            "drop_table" => Act::DropTable,
            "rename_table" => {
                Act::RenameTable { to: named(Some(1), &["new_table_name", "new_tablename"]) }
            }
            "add_column" => Act::AddColumn(match arguments.find(Some(next), &["column"]) {
                Some(Value::Column(column)) => Some(Arc::clone(column)),
                _ => None,
            }),
            "drop_column" => Act::DropColumn { column: named(Some(next), &["column_name"]) },
            "alter_column" => Act::AlterColumn(Alteration {
                column: named(Some(next), &["column_name"]),
                new_name: named(None, &["new_column_name", "name"]),
                is_nullable: match arguments.find(None, &["nullable"]) {
                    Some(Value::Truth(is_nullable)) => Some(*is_nullable),
                    _ => None,
                },
                sets_default: arguments.is_set("server_default"),
                ty: self.type_argument("type_", arguments, call),
                existing_type: self.type_argument("existing_type", arguments, call),
            }),
            "create_index" => Act::CreateIndex { index: named(Some(0), INDEX), is_concurrent },
            "drop_index" => Act::DropIndex { index: named(Some(0), INDEX), is_concurrent },
            "drop_constraint" => Act::DropConstraint {
                name: named(Some(0), CONSTRAINT),
                kind: named(Some(next), &["type_", "type"]).as_deref().and_then(kind),
            },
            _ => Act::AddConstraint {
                kind: constraint(name)?,
                name: named(Some(0), CONSTRAINT),
                is_brief: arguments.is_set("postgresql_not_valid"),
            },
        })
    }
}

fn table_position(name: &str) -> Option<usize> {
    match name {
        "create_table" | "drop_table" | "rename_table" | "add_column" | "drop_column"
        | "alter_column" => Some(0),
        "create_index" | "drop_index" | "drop_constraint" => Some(1),
        _ => constraint(name).map(|_| 1),
    }
}

fn constraint(name: &str) -> Option<Constraint> {
    Some(match name {
        "create_foreign_key" => Constraint::ForeignKey,
        "create_check_constraint" => Constraint::Check,
        "create_unique_constraint" => Constraint::Unique,
        "create_primary_key" => Constraint::PrimaryKey,
        "create_exclude_constraint" => Constraint::Exclude,
        _ => return None,
    })
}

/// As `drop_constraint` names them.
fn kind(name: &str) -> Option<Constraint> {
    match name {
        "foreignkey" => Some(Constraint::ForeignKey),
        "check" => Some(Constraint::Check),
        "unique" => Some(Constraint::Unique),
        "primary" => Some(Constraint::PrimaryKey),
        _ => None,
    }
}

fn table_of(name: &str, at: usize, arguments: &Arguments<'_>) -> Option<String> {
    let names: &[&str] = match name {
        "create_table" => &["table_name", "name"],
        "rename_table" => &["old_table_name", "old_tablename"],
        _ => TABLE,
    };
    let schema = if name == "create_foreign_key" { "source_schema" } else { "schema" };
    let table = arguments.name(Some(at), names).known()?;
    Some(match arguments.name(None, &[schema]) {
        Named::Known(schema) => format!("{schema}.{table}"),
        Named::Absent | Named::Dynamic => table,
    })
}
