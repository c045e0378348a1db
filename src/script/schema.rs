//! Names of what a schema holds, as far as a migration's operations tell them.

use std::collections::{BTreeMap, BTreeSet};

/// Something that an operation creates or drops.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SchemaObject {
    Table(String),
    Column { table: String, column: String },
    Index(String),
}

/// What a database holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaObjects {
    /// Columns by table.
    pub tables: BTreeMap<String, BTreeSet<String>>,
    pub indexes: BTreeSet<String>,
}

impl SchemaObjects {
    /// Whether the object is there.
    pub fn contains(&self, object: &SchemaObject) -> bool {
        match object {
            SchemaObject::Table(table) => self.tables.contains_key(table),
            SchemaObject::Column { table, column } => {
                self.tables.get(table).is_some_and(|columns| columns.contains(column))
            }
            SchemaObject::Index(index) => self.indexes.contains(index),
        }
    }
}
