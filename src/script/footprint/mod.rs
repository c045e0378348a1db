//! What a script's operations touch: tables, columns, indexes, and whether that
//! is all; and, where somebody wants to judge them, the operations one by one. `upgrade` and `downgrade` are followed as a reader would, with a few
//! kinds of values (`value`); what only Python could tell makes them *opaque*.
//! Nothing is run, and nothing is guessed: in doubt a name is left out of
//! `creates` and `drops`, and the function is called opaque.

mod acts;
mod arguments;
mod calls;
mod column_types;
mod conditions;
mod directives;
mod executed;
mod expressions;
mod format;
mod meeting;
mod operation;
#[cfg(test)]
mod operation_tests;
mod reader;
mod recorder;
mod sql;
mod sql_acts;
mod statements;
#[cfg(test)]
mod tests;
mod touches;
mod uses;
mod value;

pub use meeting::{Hands, Meeting, Place, Relation, Thing};
pub use operation::{
    Act, Alteration, Column, ColumnType, Constraint, Enumeration, FunctionOperations, Import,
    Operation, Operations, is_same_name,
};
pub use reader::{read_footprint, read_operations};
pub use touches::{Destructive, Footprint, Touches};
pub use value::is_library;
