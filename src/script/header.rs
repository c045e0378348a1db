//! The four names a script declares itself with, as the last assignment at
//! module level leaves them, each with the span of its value.

use std::collections::BTreeMap;
use std::rc::Rc;

use ruff_python_ast::{ExceptHandler, Expr, ExprStringLiteral, Stmt};
use ruff_text_size::{Ranged, TextRange, TextSize};

use super::docstring::Docstring;
use super::plain::PlainFunction;
use super::{SourceText, Span, line_of};

/// One entry of a tuple, list or set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Element {
    Text {
        value: String,
        span: Span,
    },
    /// Not a literal; `source` is its text.
    Dynamic {
        source: String,
        span: Span,
    },
}

/// What a name is bound to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    None,
    Text(String),
    Sequence(Vec<Element>),
    /// A call, an import, an attribute, an `if`: only Python could tell.
    Dynamic {
        source: String,
    },
}

/// One of the four names, where the script assigns it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub value: FieldValue,
    /// The value's expression, without enclosing parentheses of a single value.
    pub span: Span,
    /// The whole statement.
    pub statement: Span,
    /// 1-based.
    pub line: u32,
    /// Whether the same expression also gives another name its value
    /// (`branch_labels = depends_on = None`).
    pub shared: bool,
}

/// A script's header.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Header {
    pub revision: Option<Field>,
    pub down_revision: Option<Field>,
    pub branch_labels: Option<Field>,
    pub depends_on: Option<Field>,
    pub docstring: Option<Docstring>,
    /// Whether `upgrade` and `downgrade` do nothing (or are not there).
    pub is_empty_revision: bool,
}

impl Header {
    /// The bytes that are neither header nor docstring.
    pub fn body<'a>(&self, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        let mut cut: Vec<&Span> =
            [&self.revision, &self.down_revision, &self.branch_labels, &self.depends_on]
                .into_iter()
                .flatten()
                .map(|field| &field.statement)
                .chain(self.docstring.as_ref().map(|d| &d.span))
                .collect();
        cut.sort_by_key(|span| (span.start, span.end));
        let mut pieces = Vec::new();
        let mut at = 0;
        for span in cut {
            if span.start >= at {
                pieces.push(bytes[at..span.start].trim_ascii());
            }
            at = at.max(span.end);
        }
        pieces.push(bytes[at..].trim_ascii());
        pieces.retain(|piece| !piece.is_empty());
        pieces
    }
}

const NAMES: [&str; 4] = ["revision", "down_revision", "branch_labels", "depends_on"];

/// Reads the header off a module's statements, which `functions` follow, none of them
/// with the name of a field; `source` is the text of `bytes`.
pub(super) fn read_header(
    body: &[Stmt],
    functions: &[PlainFunction<'_>],
    source: &SourceText<'_>,
    bytes: &[u8],
) -> Header {
    let mut scope = Scope::default();
    for statement in body {
        scope.run(statement);
    }
    let reader = FieldReader { source, bytes };
    let field = |name: &str| scope.names.get(name).map(|binding| reader.field(binding));
    Header {
        revision: field("revision"),
        down_revision: field("down_revision"),
        branch_labels: field("branch_labels"),
        depends_on: field("depends_on"),
        docstring: Docstring::read(body, source, bytes),
        is_empty_revision: ["upgrade", "downgrade"].iter().all(|name| {
            let last = functions.iter().rev().find(|function| function.name == *name);
            last.map_or_else(|| does_nothing(body, name), |function| function.does_nothing)
        }),
    }
}

/// What a name is bound to, as little of it as costs nothing: a script may hold
/// megabytes of data besides its header.
enum Value<'a> {
    None,
    Text(&'a ExprStringLiteral),
    /// A tuple, list or set, and which of its parts are names of strings.
    Sequence(&'a [Expr], Vec<(usize, &'a ExprStringLiteral)>),
    Expression(TextRange),
    Statement(TextRange),
}

struct Binding<'a> {
    value: Rc<Value<'a>>,
    expression: TextRange,
    statement: TextRange,
    shared: bool,
}

/// The module's names as a reader of literals knows them, statement by statement.
#[derive(Default)]
struct Scope<'a> {
    names: BTreeMap<&'a str, Binding<'a>>,
    /// The values of the current statement, which may have any number of targets,
    /// by where they begin and end.
    evaluated: BTreeMap<(TextSize, TextSize), Rc<Value<'a>>>,
}

impl<'a> Scope<'a> {
    fn run(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Assign(assign) => {
                let is_field = |t: &&Expr| t.as_name_expr().is_some_and(|n| is_header_name(&n.id));
                let shared = assign.targets.iter().filter(is_field).count() > 1;
                self.evaluated.clear();
                for target in &assign.targets {
                    self.bind(target, &assign.value, statement, shared);
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.evaluated.clear();
                    self.bind(&assign.target, value, statement, false);
                }
            }
            other => self.taint_all(other, statement),
        }
    }

    fn bind(&mut self, target: &'a Expr, value: &'a Expr, statement: &'a Stmt, shared: bool) {
        match (target, elements(target), elements(value)) {
            (Expr::Name(name), _, _) => {
                let binding = Binding {
                    value: self.evaluate(value),
                    expression: value.range(),
                    statement: statement.range(),
                    shared,
                };
                self.names.insert(name.id.as_str(), binding);
            }
            (_, Some(targets), Some(values))
                if targets.len() == values.len()
                    && !targets.iter().chain(values).any(Expr::is_starred_expr) =>
            {
                for (target, value) in targets.iter().zip(values) {
                    self.bind(target, value, statement, shared);
                }
            }
            (_, Some(targets), _) => {
                for target in targets {
                    self.taint_target(target, statement);
                }
            }
            _ => self.taint_target(target, statement),
        }
    }

    fn evaluate(&mut self, expr: &'a Expr) -> Rc<Value<'a>> {
        let place = (expr.start(), expr.end());
        if let Some(known) = self.evaluated.get(&place) {
            return Rc::clone(known);
        }
        let value = match expr {
            Expr::StringLiteral(literal) => Rc::new(Value::Text(literal)),
            Expr::NoneLiteral(_) => Rc::new(Value::None),
            Expr::Name(name) => match self.names.get(name.id.as_str()) {
                Some(known) => Rc::clone(&known.value),
                None => Rc::new(Value::Expression(expr.range())),
            },
            _ => Rc::new(match elements(expr) {
                Some(parts) => Value::Sequence(parts, self.named_strings(parts)),
                None => Value::Expression(expr.range()),
            }),
        };
        self.evaluated.insert(place, Rc::clone(&value));
        value
    }

    fn named_strings(&self, parts: &[Expr]) -> Vec<(usize, &'a ExprStringLiteral)> {
        let string = |(at, part): (usize, &Expr)| {
            let known = self.names.get(part.as_name_expr()?.id.as_str())?;
            let Value::Text(literal) = known.value.as_ref() else { return None };
            (literal.value.len() <= MAX_NAMED_STRING).then_some((at, *literal))
        };
        parts.iter().enumerate().filter_map(string).collect()
    }

    /// Marks everything that `statement` may bind or change as dynamic.
    fn taint_all(&mut self, statement: &'a Stmt, top: &'a Stmt) {
        match statement {
            Stmt::Assign(s) => s.targets.iter().for_each(|t| self.taint_target(t, top)),
            Stmt::AnnAssign(s) if s.value.is_some() => self.taint_target(&s.target, top),
            Stmt::AugAssign(s) => self.taint_target(&s.target, top),
            Stmt::Delete(s) => s.targets.iter().for_each(|t| self.taint_target(t, top)),
            Stmt::FunctionDef(s) => self.taint(s.name.as_str(), top),
            Stmt::ClassDef(s) => self.taint(s.name.as_str(), top),
            Stmt::TypeAlias(s) => self.taint_target(&s.name, top),
            Stmt::Import(s) => {
                for alias in &s.names {
                    let name = alias.asname.as_ref().unwrap_or(&alias.name).as_str();
                    self.taint(name.split('.').next().unwrap_or(name), top);
                }
            }
            Stmt::ImportFrom(s) => {
                for alias in &s.names {
                    self.taint(alias.asname.as_ref().unwrap_or(&alias.name).as_str(), top);
                }
            }
            // `depends_on.append(..)`, `names.extend(..)`
            Stmt::Expr(s) => {
                if let Expr::Call(call) = s.value.as_ref()
                    && let Expr::Attribute(method) = call.func.as_ref()
                    && let Expr::Name(name) = method.value.as_ref()
                    && self.names.contains_key(name.id.as_str())
                {
                    self.taint(name.id.as_str(), top);
                }
            }
            Stmt::If(s) => {
                self.taint_body(&s.body, top);
                s.elif_else_clauses.iter().for_each(|c| self.taint_body(&c.body, top));
            }
            Stmt::For(s) => {
                self.taint_target(&s.target, top);
                self.taint_body(&s.body, top);
                self.taint_body(&s.orelse, top);
            }
            Stmt::While(s) => {
                self.taint_body(&s.body, top);
                self.taint_body(&s.orelse, top);
            }
            Stmt::With(s) => {
                for item in &s.items {
                    if let Some(target) = &item.optional_vars {
                        self.taint_target(target, top);
                    }
                }
                self.taint_body(&s.body, top);
            }
            Stmt::Match(s) => s.cases.iter().for_each(|c| self.taint_body(&c.body, top)),
            Stmt::Try(s) => {
                self.taint_body(&s.body, top);
                for ExceptHandler::ExceptHandler(handler) in &s.handlers {
                    self.taint_body(&handler.body, top);
                }
                self.taint_body(&s.orelse, top);
                self.taint_body(&s.finalbody, top);
            }
            _ => {}
        }
    }

    fn taint_body(&mut self, body: &'a [Stmt], top: &'a Stmt) {
        body.iter().for_each(|statement| self.taint_all(statement, top));
    }

    fn taint_target(&mut self, target: &'a Expr, top: &'a Stmt) {
        match target {
            Expr::Name(name) => self.taint(name.id.as_str(), top),
            Expr::Starred(starred) => self.taint_target(&starred.value, top),
            Expr::Subscript(item) => self.taint_target(&item.value, top),
            _ => {
                for part in elements(target).unwrap_or_default() {
                    self.taint_target(part, top);
                }
            }
        }
    }

    fn taint(&mut self, name: &'a str, top: &'a Stmt) {
        let statement = top.range();
        let value = Rc::new(Value::Statement(statement));
        let binding = Binding { value, expression: statement, statement, shared: true };
        self.names.insert(name, binding);
    }
}

/// A longer string is no revision, and a list may name it a million times.
const MAX_NAMED_STRING: usize = 255;

/// The text of code that is longer than this says nothing to anybody.
const MAX_QUOTED_CODE: usize = 1_000;

/// Writes out the few bindings that make the header.
struct FieldReader<'a> {
    source: &'a SourceText<'a>,
    bytes: &'a [u8],
}

impl FieldReader<'_> {
    fn field(&self, binding: &Binding<'_>) -> Field {
        let span = self.span(binding.expression);
        Field {
            value: self.value(&binding.value),
            statement: self.span(binding.statement),
            line: line_of(self.bytes, span.start),
            span,
            shared: binding.shared,
        }
    }

    fn value(&self, value: &Value<'_>) -> FieldValue {
        match value {
            Value::None => FieldValue::None,
            Value::Text(literal) => FieldValue::Text(literal.value.to_str().to_owned()),
            Value::Sequence(parts, named) => {
                let named: BTreeMap<usize, &ExprStringLiteral> = named.iter().copied().collect();
                let element = |(at, part)| self.element(part, named.get(&at).copied());
                FieldValue::Sequence(parts.iter().enumerate().map(element).collect())
            }
            Value::Expression(range) => {
                let code = self.code(*range);
                let words = code.split_whitespace().collect::<Vec<_>>();
                FieldValue::Dynamic { source: words.join(" ") }
            }
            Value::Statement(range) => {
                let first_line = self.code(*range).lines().next().unwrap_or_default();
                FieldValue::Dynamic { source: first_line.trim_end().to_owned() }
            }
        }
    }

    fn element(&self, part: &Expr, named: Option<&ExprStringLiteral>) -> Element {
        let span = self.span(part.range());
        match named.or(part.as_string_literal_expr()) {
            Some(literal) => Element::Text { value: literal.value.to_str().to_owned(), span },
            None => {
                let words: Vec<&str> = self.code(part.range()).split_whitespace().collect();
                Element::Dynamic { source: words.join(" "), span }
            }
        }
    }

    fn code(&self, range: TextRange) -> &str {
        let text = self.source.text.get(range.to_std_range()).unwrap_or_default();
        &text[..text.floor_char_boundary(MAX_QUOTED_CODE)]
    }

    fn span(&self, range: TextRange) -> Span {
        self.source.in_file(range.to_std_range())
    }
}

/// Whether it is one of the four names that a script declares itself with.
pub(super) fn is_header_name(name: &str) -> bool {
    NAMES.contains(&name)
}

fn elements(expr: &Expr) -> Option<&[Expr]> {
    match expr {
        Expr::Tuple(tuple) => Some(&tuple.elts),
        Expr::List(list) => Some(&list.elts),
        Expr::Set(set) => Some(&set.elts),
        _ => None,
    }
}

/// Whether the last function `name` holds nothing but a docstring and `pass`.
fn does_nothing(body: &[Stmt], name: &str) -> bool {
    let function = body.iter().rev().find_map(|statement| match statement {
        Stmt::FunctionDef(f) if f.name.as_str() == name => Some(f),
        _ => None,
    });
    function.is_none_or(|f| f.body.iter().all(is_no_operation))
}

/// Whether a statement is a docstring, `pass`, `...` or a bare `return`.
pub(super) fn is_no_operation(statement: &Stmt) -> bool {
    match statement {
        Stmt::Pass(_) => true,
        Stmt::Return(s) => s.value.is_none(),
        Stmt::Expr(s) => matches!(*s.value, Expr::StringLiteral(_) | Expr::EllipsisLiteral(_)),
        _ => false,
    }
}
