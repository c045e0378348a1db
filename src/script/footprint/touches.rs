//! What one function of a script touches, and what follows from that.

use std::collections::{BTreeMap, BTreeSet};

use super::super::SchemaObject;
use super::sql::words;

/// What a script's two functions touch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    pub upgrade: Touches,
    pub downgrade: Touches,
}

/// What loses data when it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destructive {
    /// 1-based.
    pub line: u32,
    /// The operation's source text, shortened.
    pub what: String,
}

/// What one function touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touches {
    /// Every table that an operation names, as `schema.table` where it says
    /// which schema; the targets of foreign keys included.
    pub tables: BTreeSet<String>,
    /// What is there after the function and was not there before, unless an opaque
    /// part [`mentions`](Self::mentions) it.
    pub creates: Vec<SchemaObject>,
    /// What was there before and is not afterwards, with the same reserve.
    pub drops: Vec<SchemaObject>,
    /// There may be more to it than the tables say: raw SQL, calls that only
    /// Python could follow, names that are computed.
    pub is_opaque: bool,
    /// What the opaque parts mention, in lower case, as far as they may change
    /// tables, columns or indexes.
    pub words: BTreeSet<String>,
    pub destructive: Vec<Destructive>,
    /// Nothing but `pass`, a docstring, `...` or a bare `return`.
    pub is_empty: bool,
    pub(super) changes: Changes,
}

/// What may change, certain or not, by names that are compared: in lower case
/// and without their schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    pub creates: BTreeSet<SchemaObject>,
    pub drops: BTreeSet<SchemaObject>,
    /// Created tables of which not all columns are known.
    pub open_tables: BTreeSet<String>,
    /// Tables by the indexes that are created on them.
    pub index_tables: BTreeMap<String, String>,
    /// Named types, which are shared between tables.
    pub types: BTreeSet<String>,
    /// Even the words don't say what may change.
    pub is_unbounded: bool,
}

impl Touches {
    /// Whether neither could see what the other one does.
    pub fn is_disjoint(&self, other: &Self) -> bool {
        if self.is_empty || other.is_empty {
            return true;
        }
        !self.is_opaque && !other.is_opaque && !self.meets(other)
    }

    fn meets(&self, other: &Self) -> bool {
        let mut theirs: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        for table in &other.tables {
            theirs.entry(key(table)).or_default().push(table);
        }
        let is_theirs = |table: &String| {
            let same = |their: &&str| is_same_schema(table, their);
            theirs.get(&key(table)).is_some_and(|tables| tables.iter().any(same))
        };
        self.tables.iter().any(is_theirs)
            || !self.changes.types.is_disjoint(&other.changes.types)
            || self.changes.indexes().any(|index| other.changes.indexes().any(|i| i == index))
    }

    /// The table that an object of [`creates`](Self::creates) is, or is part of;
    /// `None` for an index on an unknown one.
    pub fn table_of<'a>(&'a self, object: &'a SchemaObject) -> Option<&'a str> {
        match object {
            SchemaObject::Table(table) | SchemaObject::Column { table, .. } => Some(table),
            SchemaObject::Index(index) => {
                self.changes.index_tables.get(&key(index)).map(String::as_str)
            }
        }
    }

    /// Whether the opaque parts may change an object on `table`.
    pub fn mentions(&self, object: &SchemaObject, table: &str) -> bool {
        let is_mentioned = |name: &str| words(name).iter().all(|word| self.words.contains(word));
        let is_index_mentioned = match object {
            SchemaObject::Index(index) => is_mentioned(index),
            SchemaObject::Table(_) | SchemaObject::Column { .. } => false,
        };
        self.changes.is_unbounded || is_mentioned(unqualified(table)) || is_index_mentioned
    }

    /// Whether any part may create, drop or rename an object on `table`.
    pub fn may_change(&self, object: &SchemaObject, table: &str) -> bool {
        self.may_create(object, table)
            || self.changes.drops_what(object, table)
            || self.mentions(object, table)
    }

    /// Whether an operation creates, alters or drops a type of this name.
    pub fn may_change_type(&self, name: &str) -> bool {
        self.changes.types.contains(&key(name))
    }

    /// Whether an operation may create the object on `table`.
    pub fn may_create(&self, object: &SchemaObject, table: &str) -> bool {
        let is_column = matches!(object, SchemaObject::Column { .. });
        self.changes.creates.contains(&compared(object))
            || (is_column && self.changes.open_tables.contains(&key(table)))
    }

    /// Leaves in `creates` and `drops` what is the outcome of the whole function.
    pub(super) fn settle(&mut self) {
        let (mut creates, mut drops) =
            (std::mem::take(&mut self.creates), std::mem::take(&mut self.drops));
        creates.retain(|object| {
            let table = self.table_of(object).unwrap_or_default();
            !self.changes.drops_what(object, table)
        });
        drops.retain(|object| !self.changes.creates.contains(&compared(object)));
        let mut seen = BTreeSet::new();
        creates.retain(|object| seen.insert(object.clone()));
        drops.retain(|object| seen.insert(object.clone()));
        (self.creates, self.drops) = (creates, drops);
    }
}

impl Changes {
    fn indexes(&self) -> impl Iterator<Item = &str> {
        self.creates.iter().chain(&self.drops).filter_map(|object| match object {
            SchemaObject::Index(index) => Some(index.as_str()),
            SchemaObject::Table(_) | SchemaObject::Column { .. } => None,
        })
    }

    /// Whether an object on `table` may go, by itself or with what it is part of.
    fn drops_what(&self, object: &SchemaObject, table: &str) -> bool {
        let table = key(table);
        // An index goes with any of its columns, and which those are is not known.
        let goes_with_column = matches!(object, SchemaObject::Index(_))
            && self.drops.iter().any(
                |dropped| matches!(dropped, SchemaObject::Column { table: t, .. } if *t == table),
            );
        goes_with_column
            || self.drops.contains(&compared(object))
            || self.drops.contains(&SchemaObject::Table(table))
    }
}

/// A name as it is compared: databases fold case in different ways, and may
/// be told the schema or not.
pub(super) fn key(name: &str) -> String {
    unqualified(name).to_lowercase()
}

pub(super) fn compared(object: &SchemaObject) -> SchemaObject {
    match object {
        SchemaObject::Table(table) => SchemaObject::Table(key(table)),
        SchemaObject::Column { table, column } => {
            SchemaObject::Column { table: key(table), column: column.to_lowercase() }
        }
        SchemaObject::Index(index) => SchemaObject::Index(key(index)),
    }
}

fn unqualified(name: &str) -> &str {
    name.rsplit('.').next().unwrap_or(name)
}

fn is_same_schema(one: &str, other: &str) -> bool {
    match (one.rsplit_once('.'), other.rsplit_once('.')) {
        (Some((one, _)), Some((other, _))) => one.to_lowercase() == other.to_lowercase(),
        // Without a schema it may be any.
        _ => true,
    }
}
