//! What a migration file says, and how it is edited: header with byte spans,
//! docstring, byte-range edits, the text of new revisions. Pure: bytes in,
//! values out; it never runs Python and never touches a file.

mod body;
mod comments;
mod dialect;
mod docstring;
mod edit;
mod env;
mod footprint;
mod header;
mod history;
mod literal;
mod names;
mod nesting;
mod parse;
mod plain;
mod render;
mod schema;
mod server;
mod source;
mod standalone;

pub use body::function_body;
pub use comments::{Comment, CommentSearch};
pub use dialect::imports_dialect;
pub use docstring::{Docstring, DocstringLine};
pub use edit::{
    Edit, EditError, apply_edits, rename_dependencies, set_docstring_line, set_down_revisions,
    set_revision,
};
pub use env::{EnvVersionTable, read_version_table};
pub use footprint::{
    Act, Alteration, Column, ColumnType, Constraint, Destructive, Enumeration, Footprint,
    FunctionOperations, Hands, Import, Meeting, Operation, Operations, Place, Relation, Thing,
    Touches, is_library, is_same_name, read_footprint, read_operations,
};
pub use header::{Element, Field, FieldValue, Header};
pub use history::{History, Script, ScriptFile, ScriptProblem, ScriptProblemKind};
pub use names::{is_script_file_name, legacy_revision_of};
pub use parse::{ParseFailure, Parsed, SyntaxProblem, parse_script};
pub use render::{CreateDate, FileTemplate, NewRevision, render_revision_file, slug};
pub use schema::{SchemaObject, SchemaObjects};
pub use server::{ServerStatement, server_statements};
pub use source::{DecodeError, SourceEncoding, SourceText, Span, line_of};
pub use standalone::{standalone, stub};

#[cfg(test)]
pub(crate) use history::history_of;
