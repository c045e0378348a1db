//! Names of what a schema holds, as far as a migration's operations tell them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

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

    /// What is in `self` and not in `other`; of a table that `other` has not,
    /// the table alone.
    pub fn without(&self, other: &Self) -> Vec<SchemaObject> {
        let mut found = Vec::new();
        for (table, columns) in &self.tables {
            match other.tables.get(table) {
                None => found.push(SchemaObject::Table(table.clone())),
                Some(known) => found.extend(columns.difference(known).map(|column| {
                    SchemaObject::Column { table: table.clone(), column: column.clone() }
                })),
            }
        }
        found.extend(self.indexes.difference(&other.indexes).cloned().map(SchemaObject::Index));
        found
    }
}

/// As a sentence names it.
impl fmt::Display for SchemaObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Table(table) => write!(f, "table `{table}`"),
            Self::Column { table, column } => write!(f, "column `{table}.{column}`"),
            Self::Index(index) => write!(f, "index `{index}`"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schema(tables: &[(&str, &[&str])], indexes: &[&str]) -> SchemaObjects {
        let set = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        SchemaObjects {
            tables: tables
                .iter()
                .map(|(name, columns)| ((*name).to_owned(), set(columns)))
                .collect(),
            indexes: set(indexes),
        }
    }

    #[test]
    fn a_new_table_is_named_without_its_columns() {
        let before = schema(&[("a", &["id"])], &["ix"]);
        let after = schema(&[("a", &["id", "name"]), ("b", &["id"])], &["ix", "iy"]);
        let names: Vec<String> = after.without(&before).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["column `a.name`", "table `b`", "index `iy`"]);
        assert_eq!(before.without(&after), []);
    }
}
