//! Where a step that failed has left its database.

use std::fmt;

use crate::script::{Footprint, SchemaObject, SchemaObjects};

/// How a database is after a step failed in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// As it was before the operation.
    AsBefore { state: String },
    At {
        /// Its version rows, as they are shown.
        state: String,
        /// What the failed step has done nevertheless, in words.
        traces: Vec<String>,
        /// Whether steps of the operation were done, which can be taken back.
        is_undoable: bool,
    },
    /// It could not be asked any more. The step stays open, for `recover`.
    Unknown { reason: String },
}

impl Left {
    /// Whether nothing of the operation is left.
    pub fn is_as_before(&self) -> bool {
        matches!(self, Self::AsBefore { .. })
    }
}

/// The end of a sentence about a database.
impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AsBefore { state } => write!(f, "which is at {state}, as before"),
            Self::At { state, traces, .. } if traces.is_empty() => write!(f, "which is at {state}"),
            Self::At { state, traces, .. } => {
                write!(f, "which is at {state}, with a part of what failed: {}", traces.join(", "))
            }
            Self::Unknown { reason } => write!(f, "and nobody can tell how far it came: {reason}"),
        }
    }
}

/// What a failed step has changed in a schema, without what the revisions did
/// that were completed before; nothing where these cannot be told apart.
pub fn traces(
    before: &SchemaObjects,
    now: &SchemaObjects,
    completed: &[Option<Footprint>],
) -> Vec<String> {
    let Some(completed) = completed.iter().map(Option::as_ref).collect::<Option<Vec<_>>>() else {
        return Vec::new();
    };
    if completed.iter().any(|footprint| footprint.upgrade.is_opaque) {
        return Vec::new();
    }
    let is_theirs = |object: &SchemaObject| {
        completed.iter().map(|footprint| &footprint.upgrade).any(|touches| match object {
            SchemaObject::Table(table) | SchemaObject::Column { table, .. } => {
                touches.tables.contains(table)
            }
            SchemaObject::Index(_) => {
                touches.creates.contains(object) || touches.drops.contains(object)
            }
        })
    };
    let shown = |objects: Vec<SchemaObject>, what: &str| -> Vec<String> {
        // Where a schema is searched by default, its tables have two names.
        let is_second_name = |object: &SchemaObject| match object {
            SchemaObject::Table(table) | SchemaObject::Column { table, .. } => {
                let plain = table.rsplit_once('.').map(|(_, plain)| plain);
                plain
                    .is_some_and(|plain| [before, now].iter().any(|s| s.tables.contains_key(plain)))
            }
            SchemaObject::Index(_) => false,
        };
        let own = objects.into_iter().filter(|o| !is_theirs(o) && !is_second_name(o));
        own.map(|object| format!("the {object} {what}")).collect()
    };
    let mut traces = shown(now.without(before), "is there");
    traces.extend(shown(before.without(now), "is gone"));
    traces
}
