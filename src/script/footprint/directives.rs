//! Alembic's operations: `op.create_table(..)` and so on, and the same on a
//! table in a batch. Arguments are taken by place or by any name they ever had.

use std::rc::Rc;

use ruff_python_ast::ExprCall;
use ruff_text_size::Ranged;

use super::super::SchemaObject;
use super::arguments::{Arguments, Named};
use super::reader::{Reach, Reader};
use super::touches::key;
use super::value::{BatchTable, Holes, Value};

/// The table that an operation is about.
struct Subject {
    table: String,
    /// Whether it is known in which schema it lies.
    is_certain: bool,
    /// Where the other arguments start.
    next: usize,
}

const TABLE: &[&str] = &["table_name", "tablename", "source_table", "source"];

impl<'a> Reader<'a, '_> {
    pub fn directive(
        &mut self,
        batch: Option<Rc<BatchTable>>,
        name: &str,
        call: &'a ExprCall,
    ) -> Value<'a> {
        let arguments = Arguments::evaluate(call, self);
        let batch = batch.as_deref();
        self.note_directive(batch, name, &arguments, call);
        match name {
            "f" => return arguments.positional.first().cloned().unwrap_or(Value::Data),
            "get_bind" => return Value::Connection,
            "get_context" => return Value::Context,
            "inline_literal" => return Value::Construct,
            "batch_alter_table" => return self.batch(&arguments),
            "execute" => {
                self.execute(arguments.find(Some(0), &["sqltext"]), call);
                return Value::Data;
            }
            "bulk_insert" => match arguments.find(Some(0), &["table"]) {
                Some(Value::Table(Some(_))) => {}
                _ => self.opaque(Reach::NoObject),
            },
            "create_table" => return self.create_table(&arguments),
            "drop_table" => {
                if let Some(subject) = self.subject(&arguments, 0, TABLE) {
                    let is_sure = subject.is_certain && !arguments.is_set("if_exists");
                    self.drop(SchemaObject::Table(subject.table), is_sure);
                }
                self.destructive(call.range());
            }
            "rename_table" => self.rename_table(&arguments),
            "add_column" => self.add_column(batch, &arguments),
            "drop_column" => {
                let subject = self.of_table(batch, &arguments, 0);
                if let Some((subject, column)) = self.part(subject, &arguments, &["column_name"]) {
                    let is_sure = subject.is_certain && !arguments.is_set("if_exists");
                    self.drop(SchemaObject::Column { table: subject.table, column }, is_sure);
                }
                self.destructive(call.range());
            }
            "alter_column" => self.alter_column(batch, &arguments),
            "create_index" => self.create_index(batch, &arguments),
            "drop_index" => self.drop_index(batch, &arguments),
            "create_unique_constraint"
            | "create_check_constraint"
            | "create_primary_key"
            | "create_exclude_constraint"
            | "drop_constraint" => {
                self.of_any_table(batch, &arguments, 1);
            }
            "create_foreign_key" => {
                let subject = match batch {
                    Some(_) => self.of_table(batch, &arguments, 0),
                    None => self.source_table(&arguments),
                };
                let at = subject.map(|subject| subject.next.max(1));
                let target = arguments.name(at, &["referent_table", "referent"]);
                self.named_table(target, &arguments, "referent_schema");
            }
            "create_table_comment" | "drop_table_comment" => {
                self.of_any_table(batch, &arguments, 0);
            }
            _ => self.opaque(Reach::File),
        }
        Value::Data
    }

    fn batch(&mut self, arguments: &Arguments<'a>) -> Value<'a> {
        let table = match arguments.name(Some(0), &["table_name"]) {
            Named::Known(name) => {
                // The schema may be the second argument.
                let schema = match arguments.name(Some(1), &["schema"]) {
                    Named::Known(schema) => Some(format!("{schema}.{name}")),
                    Named::Absent => None,
                    Named::Dynamic => {
                        self.touch(&name);
                        return Value::Batch(Rc::new(BatchTable {
                            table: Some(name),
                            is_certain: false,
                        }));
                    }
                };
                let table = schema.unwrap_or(name);
                self.touch(&table);
                Some(table)
            }
            Named::Absent | Named::Dynamic => {
                self.unknown_name(arguments.find(Some(0), &["table_name"]));
                None
            }
        };
        Value::Batch(Rc::new(BatchTable { table, is_certain: true }))
    }

    fn create_table(&mut self, arguments: &Arguments<'a>) -> Value<'a> {
        let Some(subject) = self.subject(arguments, 0, &["table_name", "name"]) else {
            return Value::Table(None);
        };
        let table = subject.table;
        let is_sure = subject.is_certain && !arguments.is_set("if_not_exists");
        self.create(SchemaObject::Table(table.clone()), is_sure);
        let mut is_open = arguments.has_rest();
        for part in arguments.positional.iter().skip(1) {
            match part {
                Value::Column(column) => match &column.name {
                    Some(name) => {
                        if column.is_indexed {
                            self.indexed(&table, name);
                        }
                        let (table, column) = (table.clone(), name.clone());
                        self.create(SchemaObject::Column { table, column }, is_sure);
                    }
                    None => is_open = true,
                },
                // Constraints and indexes.
                Value::Construct => {}
                _ => is_open = true,
            }
        }
        if is_open {
            self.changes().open_tables.insert(key(&table));
        }
        Value::Table(Some(table))
    }

    /// The index that `sa.Column(index=True)` makes, by SQLAlchemy's default name.
    fn indexed(&mut self, table: &str, column: &str) {
        let bare = key(table);
        self.create(SchemaObject::Index(format!("ix_{bare}_{column}")), false);
    }

    fn rename_table(&mut self, arguments: &Arguments<'a>) {
        let old = arguments.name(Some(0), &["old_table_name", "old_tablename"]);
        let new = arguments.name(Some(1), &["new_table_name", "new_tablename"]);
        let old = self.named_table(old, arguments, "schema");
        let new = self.named_table(new, arguments, "schema");
        if let Some((table, is_certain)) = old {
            self.drop(SchemaObject::Table(table), is_certain);
        }
        if let Some((table, is_certain)) = new {
            self.changes().open_tables.insert(key(&table));
            self.create(SchemaObject::Table(table), is_certain);
        }
    }

    fn add_column(&mut self, batch: Option<&BatchTable>, arguments: &Arguments<'a>) {
        let subject = self.of_table(batch, arguments, 0);
        let at = match (&subject, batch) {
            (Some(subject), _) => subject.next,
            (None, Some(_)) => 0,
            (None, None) => 1,
        };
        let column = match arguments.find(Some(at), &["column"]) {
            Some(Value::Column(column)) => {
                column.name.as_ref().map(|name| (name.clone(), column.is_indexed))
            }
            _ => None,
        };
        match (subject, column) {
            (Some(subject), Some((column, is_indexed))) => {
                if is_indexed {
                    self.indexed(&subject.table, &column);
                }
                let is_sure = subject.is_certain && !arguments.is_set("if_not_exists");
                self.create(SchemaObject::Column { table: subject.table, column }, is_sure);
            }
            (Some(subject), None) => {
                self.changes().open_tables.insert(key(&subject.table));
            }
            (None, _) => {}
        }
    }

    fn alter_column(&mut self, batch: Option<&BatchTable>, arguments: &Arguments<'a>) {
        let new = arguments.name(None, &["new_column_name", "name"]);
        if new == Named::Absent {
            self.of_any_table(batch, arguments, 0);
            return;
        }
        let subject = self.of_table(batch, arguments, 0);
        let Some((subject, old)) = self.part(subject, arguments, &["column_name"]) else { return };
        let table = subject.table;
        match new {
            Named::Known(new) if new == old => {}
            Named::Known(new) => {
                self.drop(
                    SchemaObject::Column { table: table.clone(), column: old },
                    subject.is_certain,
                );
                self.create(SchemaObject::Column { table, column: new }, subject.is_certain);
            }
            Named::Absent | Named::Dynamic => {
                // Perhaps no new name is among the `**options`.
                self.drop(SchemaObject::Column { table: table.clone(), column: old }, false);
                self.changes().open_tables.insert(key(&table));
            }
        }
    }

    fn create_index(&mut self, batch: Option<&BatchTable>, arguments: &Arguments<'a>) {
        let index = arguments.name(Some(0), &["index_name", "name"]);
        let Named::Known(index) = index else {
            self.of_table(batch, arguments, 1);
            return;
        };
        let Some(subject) = self.of_any_table(batch, arguments, 1) else {
            self.create(SchemaObject::Index(index), false);
            return;
        };
        let columns = arguments.find(Some(subject.next), &["columns"]);
        // An index on an expression does not outlive every change of its table
        // (SQLite's are recreated without them).
        let is_plain = match columns {
            Some(Value::List(columns)) => columns.iter().all(|column| column.known().is_some()),
            _ => false,
        };
        let is_sure = subject.is_certain && is_plain && !arguments.is_set("if_not_exists");
        self.index_on(&index, &subject.table);
        self.create(SchemaObject::Index(qualified_as(&subject.table, &index)), is_sure);
    }

    fn drop_index(&mut self, batch: Option<&BatchTable>, arguments: &Arguments<'a>) {
        let index = arguments.name(Some(0), &["index_name", "name"]);
        let names_table = batch.is_some()
            || arguments.find(Some(1), TABLE).is_some_and(|table| *table != Value::None);
        let subject = if names_table { self.of_table(batch, arguments, 1) } else { None };
        let Named::Known(index) = index else {
            self.unknown_name(arguments.find(Some(0), &["index_name", "name"]));
            return;
        };
        let is_sure = !arguments.is_set("if_exists")
            && arguments.name(None, &["schema"]) == Named::Absent
            && subject.as_ref().is_none_or(|subject| subject.is_certain);
        if subject.is_none() {
            // Whose it is, is not said.
            self.opaque(Reach::NoObject);
        }
        self.drop(SchemaObject::Index(index), is_sure);
    }

    /// The table of an operation: the batch's, or the argument at `at`.
    fn of_table(
        &mut self,
        batch: Option<&BatchTable>,
        arguments: &Arguments<'a>,
        at: usize,
    ) -> Option<Subject> {
        match batch {
            Some(batch) => batch.table.clone().map(|table| Subject {
                table,
                is_certain: batch.is_certain,
                next: at,
            }),
            None => self.subject(arguments, at, TABLE),
        }
    }

    /// As [`of_table`](Self::of_table), for an operation that changes no name.
    fn of_any_table(
        &mut self,
        batch: Option<&BatchTable>,
        arguments: &Arguments<'a>,
        at: usize,
    ) -> Option<Subject> {
        if batch.is_none() && arguments.name(Some(at), TABLE) == Named::Dynamic {
            self.opaque(Reach::NoObject);
            return None;
        }
        self.of_table(batch, arguments, at)
    }

    fn subject(&mut self, arguments: &Arguments<'a>, at: usize, names: &[&str]) -> Option<Subject> {
        let name = arguments.name(Some(at), names);
        if name == Named::Dynamic || name == Named::Absent {
            self.unknown_name(arguments.find(Some(at), names));
            return None;
        }
        let (table, is_certain) = self.named_table(name, arguments, "schema")?;
        Some(Subject { table, is_certain, next: at + 1 })
    }

    /// `create_foreign_key(name, source, referent, ..)`
    fn source_table(&mut self, arguments: &Arguments<'a>) -> Option<Subject> {
        let name = arguments.name(Some(1), &["source_table", "source"]);
        let (table, is_certain) = self.named_table(name, arguments, "source_schema")?;
        Some(Subject { table, is_certain, next: 2 })
    }

    /// The column that an operation on a table is about.
    fn part(
        &mut self,
        subject: Option<Subject>,
        arguments: &Arguments<'a>,
        names: &[&str],
    ) -> Option<(Subject, String)> {
        let subject = subject?;
        match arguments.name(Some(subject.next), names) {
            Named::Known(column) => Some((subject, column)),
            Named::Absent | Named::Dynamic => {
                // Any column of a known table.
                let table = subject.table;
                self.changes().open_tables.insert(key(&table));
                self.drop(SchemaObject::Table(table), false);
                None
            }
        }
    }

    /// Touches a table; whether its schema is known comes with its name.
    fn named_table(
        &mut self,
        name: Named,
        arguments: &Arguments<'a>,
        schema: &str,
    ) -> Option<(String, bool)> {
        match name {
            Named::Known(name) => {
                let (table, is_certain) = self.qualified(&name, arguments, schema);
                self.touch(&table);
                Some((table, is_certain))
            }
            Named::Absent | Named::Dynamic => {
                self.opaque(Reach::File);
                None
            }
        }
    }

    /// `schema.table`, and whether the schema is known.
    pub fn qualified(
        &mut self,
        table: &str,
        arguments: &Arguments<'a>,
        schema: &str,
    ) -> (String, bool) {
        match arguments.name(None, &[schema]) {
            Named::Known(schema) => (format!("{schema}.{table}"), true),
            Named::Absent => (table.to_owned(), true),
            Named::Dynamic => (table.to_owned(), false),
        }
    }

    fn unknown_name(&mut self, value: Option<&Value<'a>>) {
        let is_elsewhere = value.is_none_or(|value| value.holes() == Holes::FromElsewhere);
        self.opaque(if is_elsewhere { Reach::Anything } else { Reach::File });
    }
}

/// An index lies in the schema of its table.
fn qualified_as(table: &str, index: &str) -> String {
    match table.rsplit_once('.') {
        Some((schema, _)) => format!("{schema}.{index}"),
        None => index.to_owned(),
    }
}
