//! Calls: of SQLAlchemy, of connections, of the file's own functions, and of
//! what is not known.

use std::collections::HashMap;
use std::rc::Rc;

use ruff_python_ast::{Expr, ExprCall, StmtFunctionDef};
use ruff_text_size::Ranged;

use super::arguments::{Arguments, Named};
use super::format::{HOLE, format};
use super::operation::Act;
use super::reader::{Reach, Reader};
use super::sql::{has_table_in, is_destructive, may_change_schema};
use super::value::{Holes, Value};

impl<'a> Reader<'a, '_> {
    pub fn call(&mut self, call: &'a ExprCall) -> Value<'a> {
        if let Expr::Attribute(attribute) = call.func.as_ref() {
            let receiver = self.evaluate(&attribute.value);
            let value = self.method(&receiver, attribute.attr.as_str(), call);
            self.mutated(&attribute.value, &receiver, attribute.attr.as_str(), call);
            return value;
        }
        let function = self.evaluate(&call.func);
        match function {
            Value::Directive(batch, name) => self.directive(batch, name, call),
            Value::Library(name) => self.library(name, call),
            Value::Standard(name) => self.standard(name, call),
            Value::Function(function, outer) => self.local(function, outer, call),
            Value::Unknown | Value::Answer => {
                let name = call.func.as_name_expr().map_or("", |name| name.id.as_str());
                self.unknown(name, call)
            }
            // `Session = sessionmaker(bind)`
            Value::Connection => {
                Arguments::evaluate(call, self);
                Value::Connection
            }
            other => {
                let arguments = Arguments::evaluate(call, self);
                if arguments.has_live() {
                    self.opaque(Reach::File);
                }
                Value::mixed([&other])
            }
        }
    }

    fn method(&mut self, receiver: &Value<'a>, name: &'a str, call: &'a ExprCall) -> Value<'a> {
        match receiver {
            Value::Op => self.directive(None, name, call),
            Value::Batch(batch) => self.directive(Some(Rc::clone(batch)), name, call),
            Value::Alembic | Value::Library(_) => self.library(name, call),
            Value::Standard(_) => self.standard(name, call),
            Value::Context => self.of_context(name, call),
            Value::Connection => self.of_connection(name, call),
            Value::Inspector => {
                Arguments::evaluate(call, self);
                Value::Fetched
            }
            Value::Unknown | Value::Answer => self.unknown(name, call),
            Value::Text { text, holes } => self.of_text(text, *holes, name, call),
            Value::Table(_) | Value::Construct | Value::Column(_) | Value::Manipulation => {
                self.of_construct(receiver, name, call)
            }
            // Named types are created and dropped by themselves.
            Value::Type(of) => {
                Arguments::evaluate(call, self);
                self.note_type(of.as_ref(), name, call);
                Value::Type(of.clone())
            }
            Value::Directive(..)
            | Value::None
            | Value::Truth(_)
            | Value::List(_)
            | Value::Function(..)
            | Value::Data
            | Value::Fetched => {
                // `session.query(..).update(..)`
                if *receiver == Value::Fetched && matches!(name, "update" | "delete") {
                    self.note(call.range(), None, Act::ChangeRows);
                }
                let arguments = Arguments::evaluate(call, self);
                if arguments.has_live() {
                    self.opaque(Reach::File);
                }
                Value::mixed([receiver].into_iter().chain(arguments.values()))
            }
        }
    }

    /// A list that is appended to is no longer the literal it was.
    fn mutated(&mut self, place: &'a Expr, list: &Value<'a>, method: &str, call: &'a ExprCall) {
        let is_mutator = matches!(method, "append" | "extend" | "insert" | "add" | "update");
        let (Value::List(values), Expr::Name(name), true) = (list, place, is_mutator) else {
            return;
        };
        let added: Vec<Value> =
            call.arguments.args.iter().map(|argument| self.as_part(argument)).collect();
        let mixed = Value::mixed(values.iter().chain(&added));
        self.rebind(name.id.as_str(), mixed);
    }

    fn of_context(&mut self, name: &str, call: &'a ExprCall) -> Value<'a> {
        let arguments = Arguments::evaluate(call, self);
        match name {
            "get_context" => Value::Context,
            "get_bind" => Value::Connection,
            "execute" => {
                self.execute(arguments.positional.first(), call);
                Value::Fetched
            }
            "autocommit_block" | "begin_transaction" => Value::Data,
            _ => Value::Fetched,
        }
    }

    fn of_connection(&mut self, name: &str, call: &'a ExprCall) -> Value<'a> {
        let arguments = Arguments::evaluate(call, self);
        match name {
            "execution_options" => self.note_options(&arguments),
            "add"
            | "add_all"
            | "bulk_insert_mappings"
            | "bulk_save_objects"
            | "bulk_update_mappings"
            | "delete"
            | "merge" => {
                self.note(call.range(), None, Act::ChangeRows);
            }
            "commit" | "flush" => self.note(call.range(), None, Act::Unknown),
            _ => {}
        }
        match name {
            "execute" | "scalar" | "scalars" | "exec_driver_sql" | "executemany" => {
                let statement =
                    arguments.find(Some(0), &["statement", "object_", "sql", "clause", "query"]);
                self.execute(statement, call);
                Value::Fetched
            }
            "begin" | "begin_nested" | "connect" | "connection" | "cursor" | "engine"
            | "execution_options" | "get_bind" | "configure" => Value::Connection,
            "close" | "commit" | "dispose" | "expire_all" | "expunge_all" | "flush"
            | "get_transaction" | "in_transaction" | "invalidate" | "rollback" => Value::Data,
            "add"
            | "add_all"
            | "bulk_insert_mappings"
            | "bulk_save_objects"
            | "bulk_update_mappings"
            | "delete"
            | "get"
            | "merge"
            | "query"
            | "refresh" => {
                self.opaque(Reach::NoObject);
                Value::Fetched
            }
            _ => {
                self.opaque(Reach::File);
                Value::Fetched
            }
        }
    }

    fn of_text(&mut self, text: &str, holes: Holes, name: &str, call: &'a ExprCall) -> Value<'a> {
        let arguments = Arguments::evaluate(call, self);
        match name {
            "strip" | "lstrip" | "rstrip" | "lower" | "upper"
                if arguments.positional.is_empty() =>
            {
                self.text_of(&[text], holes)
            }
            "format" => {
                let (text, filled) = format(text, &arguments.positional, &arguments.keywords);
                self.text_of(&[&text], filled.max(holes))
            }
            _ => {
                let given = arguments.values().map(Value::holes).max().unwrap_or(Holes::None);
                self.text_of(&[text], holes.max(given).max(Holes::FromFile))
            }
        }
    }

    fn of_construct(&mut self, receiver: &Value<'a>, name: &str, call: &'a ExprCall) -> Value<'a> {
        let arguments = Arguments::evaluate(call, self);
        match name {
            "create_all" | "drop_all" | "reflect" => self.opaque(Reach::Anything),
            _ if arguments.has_live() => self.opaque(Reach::File),
            _ => {}
        }
        if arguments.has_unknown() || matches!(receiver, Value::Manipulation) {
            return Value::Manipulation;
        }
        Value::Construct
    }

    /// A function or class of SQLAlchemy, by its last name.
    fn library(&mut self, name: &'a str, call: &'a ExprCall) -> Value<'a> {
        let arguments = Arguments::evaluate(call, self);
        let first = arguments.positional.first();
        match name {
            "text" | "TextClause" | "DDL" => {
                match arguments.find(Some(0), &["text", "statement"]) {
                    Some(text @ Value::Text { .. }) => text.clone(),
                    Some(other) => {
                        let holes = other.holes().max(Holes::FromFile);
                        self.text_of(&[], holes)
                    }
                    None => Value::Data,
                }
            }
            "quoted_name" | "conv" => first.cloned().unwrap_or(Value::Data),
            "table" | "Table" | "TableClause" => self.table(&arguments),
            "Column" | "column" => self.column(&arguments, call),
            "ForeignKey" => {
                let target = arguments.find(Some(0), &["column"]).cloned();
                self.foreign_key(target.as_ref());
                Value::Construct
            }
            "ForeignKeyConstraint" => {
                match arguments.find(Some(1), &["refcolumns"]) {
                    Some(Value::List(targets)) => {
                        let targets = Rc::clone(targets);
                        targets.iter().for_each(|target| self.foreign_key(Some(target)));
                    }
                    other => {
                        let other = other.cloned();
                        self.foreign_key(other.as_ref());
                    }
                }
                Value::Construct
            }
            last @ ("Enum" | "ENUM" | "DOMAIN" | "CompositeType") => {
                let named = if name == "DOMAIN" { Some(0) } else { None };
                if let Named::Known(name) = arguments.name(named, &["name"]) {
                    self.changes().types.insert(name.to_lowercase());
                }
                self.enumeration(last, &arguments)
            }
            "inspect" | "from_engine" | "Inspector" => Value::Inspector,
            "Session" | "sessionmaker" | "scoped_session" | "create_engine" | "Connection"
            | "create_session" | "engine_from_config" | "AsyncSession" | "Operations" => {
                Value::Connection
            }
            "create_all" | "drop_all" => {
                self.opaque(Reach::Anything);
                Value::Unknown
            }
            // `sa.schema.CreateTable(..)`: statements about the schema.
            _ if ["Create", "Drop", "AddConstraint"]
                .iter()
                .any(|start| name.starts_with(start)) =>
            {
                Value::Data
            }
            _ => {
                if arguments.has_live() && name != "MetaData" {
                    self.opaque(Reach::File);
                }
                let is_statement = matches!(
                    name,
                    "alias"
                        | "aliased"
                        | "cte"
                        | "delete"
                        | "except_"
                        | "exists"
                        | "insert"
                        | "intersect"
                        | "join"
                        | "outerjoin"
                        | "select"
                        | "union"
                        | "union_all"
                        | "update"
                );
                if is_statement && arguments.has_unknown() {
                    Value::Manipulation
                } else {
                    Value::Construct
                }
            }
        }
    }

    fn table(&mut self, arguments: &Arguments<'a>) -> Value<'a> {
        match arguments.name(Some(0), &["name"]) {
            Named::Known(name) => {
                let name = self.qualified(&name, arguments, "schema").0;
                self.touch(&name);
                Value::Table(Some(name))
            }
            Named::Absent | Named::Dynamic => {
                self.opaque(Reach::NoObject);
                Value::Table(None)
            }
        }
    }

    /// Touches the table of `table.column`.
    fn foreign_key(&mut self, target: Option<&Value<'a>>) {
        match target.map(|target| (target, target.known())) {
            Some((_, Some(text))) => {
                let table = text.rsplit_once('.').map_or(text, |(table, _)| table).to_owned();
                self.touch(&table);
            }
            // `users.c.id`, whose table is touched by its name.
            Some((Value::Construct | Value::Column(_), None)) => {}
            _ => self.opaque(Reach::NoObject),
        }
    }

    fn standard(&mut self, name: &str, call: &'a ExprCall) -> Value<'a> {
        let arguments = Arguments::evaluate(call, self);
        let only = match arguments.positional.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        match (name, only) {
            ("dedent" | "str" | "cleandoc", Some(text @ Value::Text { .. })) => text.clone(),
            ("list" | "tuple" | "set" | "sorted" | "reversed", Some(list @ Value::List(_))) => {
                list.clone()
            }
            // What it encloses need not run to its end.
            ("suppress", _) => Value::Unknown,
            ("print" | "isinstance" | "type" | "id" | "repr" | "hasattr", _) => Value::Data,
            _ => {
                if arguments.has_live() {
                    self.opaque(Reach::File);
                }
                Value::mixed(arguments.values())
            }
        }
    }

    /// What another file does. As a part of an operation it is a value.
    fn unknown(&mut self, name: &'a str, call: &'a ExprCall) -> Value<'a> {
        // The model's metadata may be known by any name.
        if matches!(
            name,
            "Column" | "Enum" | "ENUM" | "ForeignKey" | "ForeignKeyConstraint" | "Table"
        ) {
            return self.library(name, call);
        }
        let arguments = Arguments::evaluate(call, self);
        let is_live = arguments.has_live();
        let is_logging = matches!(
            name,
            "critical" | "debug" | "error" | "exception" | "info" | "log" | "warn" | "warning"
        );
        match name {
            "create_all" | "drop_all" | "reflect" => self.opaque(Reach::Anything),
            _ if !is_live && (self.is_part || is_logging) => {}
            _ => self.opaque(Reach::File),
        }
        if is_live || !(self.is_part || is_logging) {
            self.note(call.range(), None, Act::Unknown);
        }
        // A text that another file holds may say anything.
        if matches!(name, "open" | "read" | "read_text" | "readlines") {
            return Value::Unknown;
        }
        Value::Answer
    }

    /// Follows a function of this file.
    fn local(
        &mut self,
        function: &'a StmtFunctionDef,
        outer: usize,
        call: &'a ExprCall,
    ) -> Value<'a> {
        let arguments = Arguments::evaluate(call, self);
        let mut names: HashMap<&str, Value> = HashMap::new();
        let parameters = &function.parameters;
        let by_position = parameters.posonlyargs.iter().chain(&parameters.args);
        for (at, parameter) in by_position.enumerate() {
            let name = parameter.parameter.name.as_str();
            if let Some(value) = arguments.find(Some(at), &[name]) {
                names.insert(name, value.clone());
            }
        }
        for parameter in parameters.iter_non_variadic_params() {
            let name = parameter.parameter.name.as_str();
            if names.contains_key(name) {
                continue;
            }
            let value = match (arguments.find(None, &[name]), &parameter.default) {
                (Some(value), _) => value.clone(),
                _ if arguments.has_rest() => Value::Unknown,
                (None, Some(default)) => self.as_part(default),
                (None, None) => Value::Unknown,
            };
            names.insert(name, value);
        }
        for rest in [&parameters.vararg, &parameters.kwarg].into_iter().flatten() {
            names.insert(rest.name.as_str(), Value::mixed(arguments.values()));
        }
        self.deeper(|reader| reader.follow(function, outer, &mut names)).unwrap_or(Value::Unknown)
    }

    /// A statement is executed.
    pub fn execute(&mut self, statement: Option<&Value<'a>>, call: &'a ExprCall) {
        self.note_statement(statement, call);
        match statement {
            // Of these all tables are known by now.
            Some(Value::Construct | Value::Table(_)) => {
                if self.code(call.range()).contains("delete(") {
                    self.destructive(call.range());
                }
            }
            Some(Value::Manipulation) => self.opaque(Reach::NoObject),
            Some(Value::Answer) => self.opaque(Reach::File),
            Some(Value::Text { text, holes }) => {
                if is_destructive(text) {
                    self.destructive(call.range());
                }
                match holes {
                    _ if !text.trim().is_empty() && !may_change_schema(text) => {
                        self.opaque(Reach::NoObject);
                    }
                    Holes::None => self.opaque(Reach::Text(text)),
                    Holes::FromFile => self.opaque(Reach::File),
                    Holes::FromElsewhere if text.trim().is_empty() => {
                        self.opaque(Reach::Anything);
                    }
                    Holes::FromElsewhere => {
                        let is_bounded = !has_table_in(text, HOLE.trim());
                        self.opaque(if is_bounded { Reach::File } else { Reach::Anything });
                    }
                }
            }
            Some(other) if other.holes() == Holes::FromElsewhere => self.opaque(Reach::Anything),
            Some(_) => self.opaque(Reach::File),
            None => self.opaque(Reach::Anything),
        }
    }
}

impl Named {
    pub fn known(self) -> Option<String> {
        match self {
            Self::Known(name) => Some(name),
            Self::Absent | Self::Dynamic => None,
        }
    }
}
