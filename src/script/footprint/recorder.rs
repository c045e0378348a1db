//! Notes the operations one by one, where somebody asked for them. What a
//! footprint says does not depend on it.

use std::collections::HashSet;
use std::sync::Arc;

use ruff_python_ast::{CmpOp, Expr, ExprCall, Stmt};
use ruff_text_size::{Ranged, TextRange};

use super::super::Span;
use super::arguments::{Arguments, Named};
use super::operation::{
    Act, Alteration, Column, ColumnType, Constraint, Enumeration, Import, Operation,
};
use super::reader::{Reader, shortened};
use super::sql_acts::acts;
use super::touches::key;
use super::uses::used_beside_types;
use super::value::{BatchTable, Value};

/// More than anybody looks at.
const MAX_OPERATIONS: usize = 10_000;
const MAX_IMPORTS: usize = 1_000;

/// What was noted so far of one function.
#[derive(Debug, Default)]
pub(super) struct Recorder {
    pub operations: Vec<Operation>,
    pub imports: Vec<Import>,
    created: HashSet<String>,
    pub autocommit_blocks: usize,
    has_committed: bool,
    pub spares_postgresql: bool,
    used_beside_types: Option<HashSet<String>>,
    /// Offsets at which lines begin.
    lines: Vec<usize>,
}

impl Recorder {
    pub fn new(bytes: &[u8], body: &[Stmt]) -> Self {
        let is_line_end = |&at: &usize| bytes[at] == b'\n' || bytes.get(at + 1) != Some(&b'\n');
        let ends = memchr::memchr2_iter(b'\n', b'\r', bytes).filter(is_line_end);
        let lines = std::iter::once(0).chain(ends.map(|end| end + 1)).collect();
        Self { lines, used_beside_types: used_beside_types(body), ..Self::default() }
    }

    pub fn line(&self, offset: usize) -> u32 {
        u32::try_from(self.lines.partition_point(|&start| start <= offset)).unwrap_or(u32::MAX)
    }

    /// Forgets a function, and what it had done to the transaction.
    pub fn take(&mut self) -> Vec<Operation> {
        self.created.clear();
        self.has_committed = false;
        std::mem::take(&mut self.operations)
    }

    fn push(&mut self, operation: Operation) {
        // A loop comes by more than once.
        let is_known = |known: &Operation| known.span == operation.span && *known == operation;
        if self.operations.len() < MAX_OPERATIONS
            && !self.operations.iter().rev().take(64).any(is_known)
        {
            self.operations.push(operation);
        }
    }
}

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
                "execute" | "f" | "get_bind" | "get_context" | "inline_literal"
                | "batch_alter_table" => {}
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
            "drop_constraint" => Act::DropConstraint { name: named(Some(0), CONSTRAINT) },
            _ => Act::AddConstraint {
                kind: constraint(name)?,
                name: named(Some(0), CONSTRAINT),
                is_brief: arguments.is_set("postgresql_not_valid"),
            },
        })
    }

    fn type_argument(
        &self,
        name: &str,
        arguments: &Arguments<'a>,
        call: &'a ExprCall,
    ) -> Option<ColumnType> {
        let mut keywords = call.arguments.keywords.iter();
        let keyword = keywords.find(|k| k.arg.as_ref().is_some_and(|arg| arg.as_str() == name))?;
        Some(self.column_type(&keyword.value, arguments.find(None, &[name])))
    }

    /// The type that an expression makes.
    fn column_type(&self, expr: &'a Expr, value: Option<&Value<'a>>) -> ColumnType {
        let (name, given) = made(expr);
        let keyword = |name: &str| given.and_then(|given| given.find_keyword(name));
        let numbers = given.map_or_else(Vec::new, |given| {
            let named =
                ["length", "precision", "scale"].map(|name| keyword(name).map(|k| &k.value));
            given.args.iter().chain(named.into_iter().flatten()).filter_map(number).collect()
        });
        ColumnType {
            text: shortened(self.code(expr.range())),
            name: name.to_lowercase(),
            numbers,
            has_time_zone: keyword("timezone").is_some_and(|k| is_true(&k.value)),
            enumeration: match value {
                Some(Value::Type(enumeration)) => enumeration.clone(),
                _ => None,
            },
        }
    }

    /// `sa.Column(..)`
    pub fn column(&self, arguments: &Arguments<'a>, call: &'a ExprCall) -> Value<'a> {
        let is_primary_key = arguments.is_set("primary_key");
        let is_null = |value: &Value<'_>| *value != Value::Truth(false);
        Value::Column(Arc::new(Column {
            name: arguments.name(Some(0), &["name", "text"]).known(),
            is_indexed: arguments.is_set("index") || arguments.is_set("unique"),
            is_primary_key,
            is_nullable: arguments.find(None, &["nullable"]).map_or(!is_primary_key, is_null),
            has_server_default: arguments.is_set("server_default")
                || call.arguments.args.iter().any(fills),
            ty: self.recorder.as_ref().and_then(|_| self.type_of_column(arguments, call)),
        }))
    }

    fn type_of_column(&self, arguments: &Arguments<'a>, call: &'a ExprCall) -> Option<ColumnType> {
        if let Some(ty) = self.type_argument("type_", arguments, call) {
            return Some(ty);
        }
        let is_named = arguments.positional.first().is_some_and(|name| name.known().is_some());
        let at = usize::from(is_named);
        let expr = call.arguments.args.get(at)?;
        Some(self.column_type(expr, arguments.positional.get(at)))
    }

    /// `sa.Enum(..)`
    pub fn enumeration(&self, name: &str, arguments: &Arguments<'a>) -> Value<'a> {
        if self.recorder.is_none() || !matches!(name, "Enum" | "ENUM") {
            return Value::Type(None);
        }
        let texts = arguments.positional.iter().map(|value| value.known().map(str::to_owned));
        let values: Option<Vec<String>> = texts.collect();
        let is_off = |name: &str| arguments.find(None, &[name]) == Some(&Value::Truth(false));
        Value::Type(Some(Arc::new(Enumeration {
            name: arguments.name(None, &["name"]).known(),
            values: values.filter(|values| !values.is_empty() && !arguments.has_rest()),
            comes_with_table: !is_off("create_type") && !is_off("native_enum"),
        })))
    }

    /// `status.create(bind)`, `status.drop(bind)`
    pub fn note_type(&mut self, of: Option<&Arc<Enumeration>>, name: &str, call: &'a ExprCall) {
        let act = match (name, of) {
            ("create", Some(of)) => Act::CreateType(Arc::clone(of)),
            ("drop", of) => Act::DropType { name: of.and_then(|of| of.name.clone()) },
            _ => return,
        };
        self.note(call.range(), None, act);
    }

    /// A statement that is executed; `None` if only Python could tell which.
    pub fn note_statement(&mut self, statement: Option<&Value<'a>>, call: &'a ExprCall) {
        if self.recorder.is_none() {
            return;
        }
        match statement {
            Some(Value::Text { text, .. }) if !text.trim().is_empty() => {
                self.charge(text.len() / 4);
                let sql: Arc<str> = Arc::from(text.as_ref());
                for (table, act) in acts(text) {
                    self.note_with(call.range(), table, act, Some(Arc::clone(&sql)));
                }
            }
            Some(Value::Construct | Value::Manipulation | Value::Table(_)) => {
                let first = call.arguments.args.first();
                let keyword = call.arguments.keywords.first().map(|keyword| &keyword.value);
                match first.or(keyword).map_or(Rows::Perhaps, |expr| self.rows(expr)) {
                    Rows::Changed(table) => self.note(call.range(), table, Act::ChangeRows),
                    Rows::Perhaps => self.note(call.range(), None, Act::Unknown),
                    Rows::Read => {}
                }
            }
            _ => self.note(call.range(), None, Act::Unknown),
        }
    }

    /// What a statement made of SQLAlchemy's functions does to rows: told by the
    /// innermost of the calls that it is a chain of.
    fn rows(&self, expr: &'a Expr) -> Rows {
        match expr {
            Expr::Call(call) => {
                let (name, receiver) = match call.func.as_ref() {
                    Expr::Attribute(attribute) => {
                        (attribute.attr.as_str(), Some(attribute.value.as_ref()))
                    }
                    Expr::Name(name) => (name.id.as_str(), None),
                    _ => return Rows::Perhaps,
                };
                match name {
                    "insert" | "update" | "delete" => {
                        let subject = call.arguments.args.first().or(receiver);
                        let subjects = [receiver, subject];
                        let tables =
                            subjects.into_iter().flatten().filter_map(|e| self.table_in(e));
                        Rows::Changed(tables.last())
                    }
                    "select" | "CreateTable" => Rows::Read,
                    _ => receiver.map_or(Rows::Perhaps, |receiver| self.rows(receiver)),
                }
            }
            Expr::Attribute(attribute) => self.rows(&attribute.value),
            _ => Rows::Perhaps,
        }
    }

    fn table_in(&self, expr: &'a Expr) -> Option<String> {
        match self.lookup(expr.as_name_expr()?.id.as_str()) {
            Value::Table(table) => table,
            _ => None,
        }
    }

    /// Notes an operation of which the whole is known.
    pub fn note(&mut self, range: TextRange, table: Option<String>, act: Act) {
        self.note_with(range, table, act, None);
    }

    fn note_with(
        &mut self,
        range: TextRange,
        table: Option<String>,
        act: Act,
        sql: Option<Arc<str>>,
    ) {
        let span = self.in_file(range);
        let is_certain = self.is_certain;
        let Some(recorder) = &mut self.recorder else { return };
        let is_in_transaction = recorder.autocommit_blocks == 0 && !recorder.has_committed;
        let compared = table.as_deref().map(key);
        let is_on_new_table = compared.as_ref().is_some_and(|t| recorder.created.contains(t));
        match (&act, compared) {
            (Act::CreateTable { .. }, Some(table)) => {
                recorder.created.insert(table);
            }
            (Act::RenameTable { to: Some(to) }, _) if is_on_new_table => {
                recorder.created.insert(key(to));
            }
            (Act::Commit, _) => recorder.has_committed = true,
            _ => {}
        }
        let line = recorder.line(span.start);
        recorder.push(Operation {
            act,
            table,
            line,
            span,
            is_certain,
            is_in_transaction,
            is_on_new_table,
            spares_postgresql: recorder.spares_postgresql,
            sql,
        });
    }

    /// Notes what is taken from elsewhere, and under which names.
    pub fn note_import(&mut self, module: &str, bound: &[&str], level: u32, range: TextRange) {
        let span: Span = self.in_file(range);
        let Some(recorder) = &mut self.recorder else { return };
        let line = recorder.line(span.start);
        let used = recorder.used_beside_types.as_ref();
        let is_used = |name: &&str| *name == "*" || used.is_none_or(|used| used.contains(*name));
        let is_of_types = !bound.iter().any(is_used);
        let import = Import { module: module.to_owned(), level, is_of_types, line, span };
        if recorder.imports.len() < MAX_IMPORTS && !recorder.imports.contains(&import) {
            recorder.imports.push(import);
        }
    }

    /// `execution_options(isolation_level="AUTOCOMMIT")`
    pub fn note_options(&mut self, arguments: &Arguments<'a>) {
        let level = arguments.name(None, &["isolation_level"]);
        if let (Named::Known(level), Some(recorder)) = (level, &mut self.recorder) {
            recorder.has_committed |= level.eq_ignore_ascii_case("autocommit");
        }
    }

    /// Runs `step` where only a database for which `is_postgresql` comes by;
    /// `None` where any does.
    pub fn guarded<T>(
        &mut self,
        is_postgresql: Option<bool>,
        step: impl FnOnce(&mut Self) -> T,
    ) -> T {
        let before = self.recorder.as_ref().is_some_and(|recorder| recorder.spares_postgresql);
        let set = |reader: &mut Self, value: bool| {
            if let Some(recorder) = &mut reader.recorder {
                recorder.spares_postgresql = value;
            }
        };
        set(self, before || is_postgresql == Some(false));
        let result = step(self);
        set(self, before);
        result
    }
}

/// What a statement does to rows.
enum Rows {
    Changed(Option<String>),
    Read,
    Perhaps,
}

/// `dialect.name == "postgresql"`: whether PostgreSQL passes, where it says so.
pub(super) fn lets_postgresql_pass(test: &Expr) -> Option<bool> {
    const DIALECTS: [&str; 7] =
        ["postgresql", "postgres", "sqlite", "mysql", "mariadb", "oracle", "mssql"];
    match test {
        Expr::Compare(compare) => {
            let [op] = compare.ops.as_ref() else { return None };
            let sides = std::iter::once(compare.left.as_ref()).chain(&compare.comparators);
            let names: Vec<&str> = sides
                .flat_map(|side| match side {
                    Expr::Tuple(tuple) => tuple.elts.iter().collect(),
                    Expr::List(list) => list.elts.iter().collect(),
                    Expr::Set(set) => set.elts.iter().collect(),
                    other => vec![other],
                })
                .filter_map(|side| Some(side.as_string_literal_expr()?.value.to_str()))
                .collect();
            if names.is_empty() || !names.iter().all(|name| DIALECTS.contains(name)) {
                return None;
            }
            let names_it = names.iter().any(|name| name.starts_with("postgres"));
            match op {
                CmpOp::Eq | CmpOp::In => Some(names_it),
                CmpOp::NotEq | CmpOp::NotIn => Some(!names_it),
                _ => None,
            }
        }
        Expr::UnaryOp(expr) if expr.op == ruff_python_ast::UnaryOp::Not => {
            lets_postgresql_pass(&expr.operand).map(|passes| !passes)
        }
        Expr::BoolOp(expr) if expr.op == ruff_python_ast::BoolOp::And => {
            expr.values.iter().find_map(lets_postgresql_pass)
        }
        _ => None,
    }
}

/// Whether a `with` opens a block outside of the transaction.
pub(super) fn is_autocommit_block(expr: &Expr) -> bool {
    let Expr::Call(call) = expr else { return false };
    call.func.as_attribute_expr().is_some_and(|f| f.attr.as_str() == "autocommit_block")
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

/// The last name of what is called, or of what stands there, and what it is given.
fn made(expr: &Expr) -> (&str, Option<&ruff_python_ast::Arguments>) {
    let (named, given) = match expr {
        Expr::Call(call) => (call.func.as_ref(), Some(&call.arguments)),
        other => (other, None),
    };
    match named {
        // The type for most databases, and then one for some.
        Expr::Attribute(attribute) if attribute.attr.as_str() == "with_variant" => {
            made(&attribute.value)
        }
        Expr::Attribute(attribute) => (attribute.attr.as_str(), given),
        Expr::Name(name) => (name.id.as_str(), given),
        _ => ("", given),
    }
}

/// What gives a column its value beside a default.
fn fills(expr: &Expr) -> bool {
    matches!(made(expr).0, "Identity" | "Computed" | "Sequence" | "FetchedValue")
}

fn number(expr: &Expr) -> Option<u32> {
    expr.as_number_literal_expr()?
        .value
        .as_int()?
        .as_u64()
        .and_then(|number| u32::try_from(number).ok())
}

fn is_true(expr: &Expr) -> bool {
    expr.as_boolean_literal_expr().is_some_and(|literal| literal.value)
}
