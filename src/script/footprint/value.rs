//! The few kinds of values that tell what an operation does.

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

use ruff_python_ast::StmtFunctionDef;

use super::operation::{Column, Enumeration};

/// How much of a text is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Holes {
    None,
    /// Filled from what the file itself says.
    FromFile,
    /// Filled from a database or from other files.
    FromElsewhere,
}

/// The table that a `batch_alter_table` is about.
#[derive(Debug, PartialEq)]
pub(super) struct BatchTable {
    /// `None`: computed.
    pub table: Option<String>,
    pub is_certain: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value<'a> {
    None,
    /// `False`, `0`, `True`.
    Truth(bool),
    Text {
        text: Cow<'a, str>,
        holes: Holes,
    },
    List(Rc<Vec<Value<'a>>>),
    /// The package `alembic`.
    Alembic,
    /// `alembic.op`
    Op,
    /// What `with op.batch_alter_table(..)` binds.
    Batch(Rc<BatchTable>),
    /// `op.<name>`, not yet called.
    Directive(Option<Rc<BatchTable>>, &'a str),
    /// The migration context, or `alembic.context`.
    Context,
    /// Whatever statements can be executed on.
    Connection,
    /// What only reads: an inspector, a dialect.
    Inspector,
    /// Something of SQLAlchemy, by its last name.
    Library(&'a str),
    /// Something of the standard library, by its last name.
    Standard(&'a str),
    /// `sa.Column(..)`
    Column(Arc<Column>),
    /// `sa.table(..)`, `sa.Table(..)`
    Table(Option<String>),
    /// A type that is created by itself: `sa.Enum(..)`; what it is, where that is noted.
    Type(Option<Arc<Enumeration>>),
    /// Any other object of SQLAlchemy of which all parts are known.
    Construct,
    /// A statement about data, some parts of which are not known.
    Manipulation,
    /// A function of this file, and the frame that it was defined in.
    Function(&'a StmtFunctionDef, usize),
    /// Computed from what the file says.
    Data,
    /// Came out of a database.
    Fetched,
    /// What something of another file gave.
    Answer,
    /// Of another file.
    Unknown,
}

impl<'a> Value<'a> {
    pub fn text(text: &'a str) -> Self {
        Self::Text { text: Cow::Borrowed(text), holes: Holes::None }
    }

    /// The text, if all of it is known.
    pub fn known(&self) -> Option<&str> {
        match self {
            Self::Text { text, holes: Holes::None } => Some(text),
            _ => None,
        }
    }

    /// Whether operations can be done with it.
    pub fn is_live(&self) -> bool {
        match self {
            Self::Op
            | Self::Alembic
            | Self::Batch(_)
            | Self::Directive(..)
            | Self::Context
            | Self::Connection => true,
            Self::List(values) => values.iter().any(Value::is_live),
            _ => false,
        }
    }

    /// What is not known of a text that it is put into.
    pub fn holes(&self) -> Holes {
        match self {
            Self::Text { holes, .. } => *holes,
            Self::List(values) => {
                values.iter().map(Value::holes).max().unwrap_or(Holes::None).max(Holes::FromFile)
            }
            Self::Answer | Self::Fetched | Self::Unknown | Self::Inspector | Self::Connection => {
                Holes::FromElsewhere
            }
            _ => Holes::FromFile,
        }
    }

    /// What is made of several values, in a way that is not looked into.
    pub fn mixed<'v>(values: impl IntoIterator<Item = &'v Value<'a>>) -> Self
    where
        'a: 'v,
    {
        values.into_iter().fold(Self::Data, |mixed, value| match (&mixed, value) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Answer, _) | (_, Self::Answer) => Self::Answer,
            (Self::Fetched, _) | (_, Self::Fetched) => Self::Fetched,
            (_, value) if value.is_live() => Self::Unknown,
            (_, Self::Text { holes: Holes::FromElsewhere, .. }) => Self::Fetched,
            (_, Self::Manipulation) | (Self::Manipulation, _) => Self::Manipulation,
            (_, Self::Construct | Self::Table(_) | Self::Column(_) | Self::Library(_)) => {
                Self::Construct
            }
            (_, Self::List(values)) => Self::mixed([&mixed, &Self::mixed(values.iter())]),
            _ => mixed,
        })
    }

    /// What a name is that has one of two values.
    pub fn either(self, other: Self) -> Self {
        if self == other {
            return self;
        }
        match (self, other) {
            (Self::None, value) | (value, Self::None) => match value {
                Self::Text { text, holes } => {
                    Self::Text { text, holes: holes.max(Holes::FromFile) }
                }
                value => value,
            },
            (Self::Text { text: a, holes: x }, Self::Text { text: b, holes: y }) => Self::Text {
                text: Cow::Owned(format!("{a};{b}")),
                holes: x.max(y).max(Holes::FromFile),
            },
            (a, b) => {
                // Everything that one of them can do must be taken into account.
                if a.is_live() || b.is_live() { Self::Unknown } else { Self::mixed([&a, &b]) }
            }
        }
    }

    /// What a loop over it gives.
    pub fn element(&self) -> Self {
        match self {
            Self::List(values) => values.iter().cloned().reduce(Self::either).unwrap_or(Self::Data),
            Self::Text { holes, .. } => {
                Self::Text { text: Cow::Borrowed(""), holes: (*holes).max(Holes::FromFile) }
            }
            Self::Fetched | Self::Inspector | Self::Connection => Self::Fetched,
            Self::Table(_) | Self::Construct => Self::Construct,
            Self::Answer => Self::Answer,
            Self::Unknown => Self::Unknown,
            _ => Self::Data,
        }
    }
}

/// The value of something imported from `module`.
pub(super) fn imported<'a>(module: &str, name: &'a str) -> Value<'a> {
    match (module, name) {
        ("alembic", "op") => Value::Op,
        ("alembic", "context") | ("alembic.context", "context") => Value::Context,
        ("alembic", _) => Value::Library(name),
        ("alembic.op", _) => Value::Directive(None, name),
        ("alembic.operations", _) => Value::Unknown,
        _ => match module.split('.').next().unwrap_or(module) {
            "sqlalchemy"
            | "sqlmodel"
            | "geoalchemy2"
            | "pgvector"
            | "sqlalchemy_utils"
            | "sqlalchemy_utc"
            | "sqlalchemy_jsonfield"
            | "snowflake"
            | "citext"
            | "alembic" => Value::Library(name),
            "__future__" | "abc" | "argparse" | "ast" | "base64" | "binascii" | "calendar"
            | "collections" | "contextlib" | "copy" | "csv" | "dataclasses" | "datetime"
            | "dateutil" | "decimal" | "enum" | "fractions" | "functools" | "gzip" | "hashlib"
            | "hmac" | "inspect" | "itertools" | "json" | "logging" | "math" | "numbers"
            | "operator" | "pprint" | "pytz" | "random" | "re" | "secrets" | "string"
            | "struct" | "sys" | "textwrap" | "time" | "types" | "typing" | "typing_extensions"
            | "unicodedata" | "uuid" | "warnings" | "zlib" | "zoneinfo" => Value::Standard(name),
            _ => Value::Unknown,
        },
    }
}

/// Whether the module belongs to Python or to one of the libraries that
/// migrations are written with.
pub fn is_library(module: &str) -> bool {
    matches!(imported_module(module), Value::Standard(_) | Value::Library(_) | Value::Alembic)
}

/// The value of `import <module>`.
pub(super) fn imported_module(module: &str) -> Value<'_> {
    match module {
        "alembic" => Value::Alembic,
        "alembic.op" => Value::Op,
        "alembic.context" => Value::Context,
        _ => imported(module, module.rsplit('.').next().unwrap_or(module)),
    }
}

/// The value of a name that nothing in the file binds.
pub(super) fn builtin(name: &str) -> Value<'_> {
    match name {
        "ArithmeticError" | "False" | "True" | "abs" | "all" | "any" | "bin" | "bool"
        | "bytearray" | "bytes" | "callable" | "chr" | "complex" | "dict" | "divmod"
        | "enumerate" | "filter" | "float" | "format" | "frozenset" | "getattr" | "hasattr"
        | "hash" | "hex" | "id" | "int" | "isinstance" | "issubclass" | "iter" | "len" | "list"
        | "map" | "max" | "min" | "next" | "object" | "oct" | "ord" | "pow" | "print"
        | "property" | "range" | "repr" | "reversed" | "round" | "set" | "setattr" | "slice"
        | "sorted" | "str" | "sum" | "tuple" | "type" | "zip" | "__file__" | "__name__"
        | "__doc__" => Value::Standard(name),
        _ if name.ends_with("Error")
            || name.ends_with("Exception")
            || name.ends_with("Warning") =>
        {
            Value::Standard(name)
        }
        _ => Value::Unknown,
    }
}
