//! The operations of a script one by one, in the order in which they run, for
//! whoever judges each by itself: what is said of raw SQL is said the same way.

use std::sync::Arc;

use super::super::Span;

/// What a script's two functions do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operations {
    pub upgrade: FunctionOperations,
    pub downgrade: FunctionOperations,
    /// Of the module, and of what its functions run.
    pub imports: Vec<Import>,
}

/// What one function does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FunctionOperations {
    pub operations: Vec<Operation>,
    /// The line and the span of its name; `None` if the file has no such function.
    pub place: Option<(u32, Span)>,
    /// Nothing but `pass`, a docstring, `...` or a bare `return`.
    pub is_empty: bool,
    /// It says by an exception that there is no way.
    pub raises: bool,
    /// It may do more than its operations say.
    pub is_opaque: bool,
}

/// One operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub act: Act,
    /// As `schema.table` where it says which schema; `None` where there is none, or
    /// only Python could tell.
    pub table: Option<String>,
    /// 1-based.
    pub line: u32,
    pub span: Span,
    /// Whether it runs whenever the function does.
    pub is_certain: bool,
    /// Whether it is outside of every `autocommit_block` and no `COMMIT` went before it.
    pub is_in_transaction: bool,
    /// Whether the same function has created the table.
    pub is_on_new_table: bool,
    /// Whether a condition keeps it from PostgreSQL.
    pub spares_postgresql: bool,
    /// The whole text, of raw SQL that is known.
    pub sql: Option<Arc<str>>,
}

/// What an operation does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// All columns that are known.
    CreateTable {
        columns: Vec<Arc<Column>>,
        /// It goes with the session, or sooner.
        is_temporary: bool,
    },
    DropTable,
    RenameTable {
        to: Option<String>,
    },
    /// `None`: only Python could tell which.
    AddColumn(Option<Arc<Column>>),
    DropColumn {
        column: Option<String>,
    },
    AlterColumn(Alteration),
    CreateIndex {
        index: Option<String>,
        is_concurrent: bool,
    },
    DropIndex {
        index: Option<String>,
        is_concurrent: bool,
    },
    AddConstraint {
        kind: Constraint,
        name: Option<String>,
        /// Neither reads the table nor builds an index: `NOT VALID`, `USING INDEX`.
        is_brief: bool,
    },
    ValidateConstraint,
    DropConstraint {
        name: Option<String>,
        /// `None` where it is not said.
        kind: Option<Constraint>,
    },
    CreateType(Arc<Enumeration>),
    DropType {
        name: Option<String>,
    },
    RenameType {
        name: String,
        to: String,
    },
    AddValue {
        of: String,
        value: String,
    },
    /// Rows that are written there are inserted.
    InsertRows,
    /// Rows that are there are updated or deleted, or go from one table to another.
    ChangeRows,
    /// Something else that SQL creates, alters or drops: `create trigger`.
    Shape {
        what: String,
    },
    Commit,
    /// What only Python or the database could tell.
    Unknown,
}

/// What `alter_column` changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alteration {
    pub column: Option<String>,
    pub new_name: Option<String>,
    pub is_nullable: Option<bool>,
    pub sets_default: bool,
    pub ty: Option<ColumnType>,
    pub existing_type: Option<ColumnType>,
}

/// The kinds of constraints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Constraint {
    ForeignKey,
    Check,
    Unique,
    PrimaryKey,
    Exclude,
}

/// A column as it is created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    pub name: Option<String>,
    /// It comes with an index of SQLAlchemy's own name.
    pub is_indexed: bool,
    pub is_primary_key: bool,
    pub is_nullable: bool,
    /// The database fills it: a default, an identity, a computed column.
    pub has_server_default: bool,
    pub ty: Option<ColumnType>,
}

/// A type as the file writes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnType {
    pub text: String,
    /// Its last name, in lower case: `string`, `varchar`.
    pub name: String,
    /// Length, or precision and scale.
    pub numbers: Vec<u32>,
    pub has_time_zone: bool,
    pub enumeration: Option<Arc<Enumeration>>,
}

/// A type of named values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Enumeration {
    pub name: Option<String>,
    /// `None` where only Python could tell them.
    pub values: Option<Vec<String>>,
    /// Whether PostgreSQL gets the type together with the table.
    pub comes_with_table: bool,
}

/// What a script takes from elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// `app.models`; empty in `from . import x`.
    pub module: String,
    /// The dots of a relative import.
    pub level: u32,
    /// Whether nothing of it is used but in the types of columns.
    pub is_of_types: bool,
    pub line: u32,
    pub span: Span,
}

impl Operation {
    /// Whether it changes the shape of a table that was there before.
    pub fn alters_old_table(&self) -> bool {
        !self.is_on_new_table && !matches!(self.act, Act::CreateTable { .. }) && self.act.is_shape()
    }

    /// Whether it is about this table, as far as names can be compared.
    pub fn is_on(&self, table: &str) -> bool {
        self.table.as_deref().is_some_and(|own| is_same_name(own, table))
    }
}

impl Act {
    /// Whether it changes the schema.
    pub fn is_shape(&self) -> bool {
        !matches!(
            self,
            Self::InsertRows
                | Self::ChangeRows
                | Self::Commit
                | Self::Unknown
                | Self::ValidateConstraint
        )
    }
}

/// Whether two names may be of one thing: databases fold case in different
/// ways, and may be told the schema or not.
pub fn is_same_name(one: &str, other: &str) -> bool {
    let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_lowercase();
    last(one) == last(other)
}
