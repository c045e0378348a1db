//! The four names a script declares itself with, as the last assignment at
//! module level leaves them, each with the span of its value.

use std::collections::HashMap;

use ruff_python_ast::{ExceptHandler, Expr, Stmt};
use ruff_text_size::Ranged;

use super::docstring::Docstring;
use super::{Span, line_of};

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

/// Reads the header off a module's statements. `text` has the offsets of `bytes`.
pub(super) fn read_header(body: &[Stmt], text: &str, bytes: &[u8]) -> Header {
    let mut scope = Scope { text, bytes, names: HashMap::new() };
    for statement in body {
        scope.run(statement);
    }
    let mut take = |name: &str| scope.names.remove(name);
    Header {
        revision: take("revision"),
        down_revision: take("down_revision"),
        branch_labels: take("branch_labels"),
        depends_on: take("depends_on"),
        docstring: Docstring::read(body, text, bytes),
        is_empty_revision: ["upgrade", "downgrade"].iter().all(|name| does_nothing(body, name)),
    }
}

/// The module's names as a reader of literals knows them, statement by statement.
struct Scope<'a> {
    text: &'a str,
    bytes: &'a [u8],
    names: HashMap<String, Field>,
}

impl Scope<'_> {
    fn run(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Assign(assign) => {
                let shared = assign.targets.iter().filter(|t| is_header_name(t)).count() > 1;
                for target in &assign.targets {
                    self.bind(target, &assign.value, statement, shared);
                }
            }
            Stmt::AnnAssign(assign) => {
                if let Some(value) = &assign.value {
                    self.bind(&assign.target, value, statement, false);
                }
            }
            other => self.taint_all(other, statement),
        }
    }

    fn bind(&mut self, target: &Expr, value: &Expr, statement: &Stmt, shared: bool) {
        match (target, elements(target), elements(value)) {
            (Expr::Name(name), _, _) => {
                let field = self.field(self.evaluate(value), value, statement, shared);
                self.names.insert(name.id.to_string(), field);
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

    fn field(&self, value: FieldValue, expr: &Expr, statement: &Stmt, shared: bool) -> Field {
        Field {
            value,
            span: span_of(expr),
            statement: span_of(statement),
            line: line_of(self.bytes, span_of(expr).start),
            shared,
        }
    }

    fn evaluate(&self, expr: &Expr) -> FieldValue {
        match expr {
            Expr::StringLiteral(literal) => FieldValue::Text(literal.value.to_str().to_owned()),
            Expr::NoneLiteral(_) => FieldValue::None,
            Expr::Name(name) => match self.names.get(name.id.as_str()) {
                Some(known) => known.value.clone(),
                None => self.dynamic(expr),
            },
            _ => match elements(expr) {
                Some(parts) => {
                    FieldValue::Sequence(parts.iter().map(|e| self.element(e)).collect())
                }
                None => self.dynamic(expr),
            },
        }
    }

    fn element(&self, expr: &Expr) -> Element {
        let span = span_of(expr);
        match self.evaluate(expr) {
            FieldValue::Text(value) => Element::Text { value, span },
            _ => Element::Dynamic { source: self.source(expr), span },
        }
    }

    fn source(&self, node: &impl Ranged) -> String {
        let text = self.text.get(span_of(node)).unwrap_or_default();
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    fn dynamic(&self, expr: &impl Ranged) -> FieldValue {
        FieldValue::Dynamic { source: self.source(expr) }
    }

    /// Marks everything that `statement` may bind or change as dynamic.
    fn taint_all(&mut self, statement: &Stmt, top: &Stmt) {
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

    fn taint_body(&mut self, body: &[Stmt], top: &Stmt) {
        body.iter().for_each(|statement| self.taint_all(statement, top));
    }

    fn taint_target(&mut self, target: &Expr, top: &Stmt) {
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

    fn taint(&mut self, name: &str, top: &Stmt) {
        let span = span_of(top);
        let first_line = self.text.get(span.clone()).and_then(|t| t.lines().next());
        let field = Field {
            value: FieldValue::Dynamic {
                source: first_line.unwrap_or_default().trim_end().to_owned(),
            },
            line: line_of(self.bytes, span.start),
            statement: span.clone(),
            span,
            shared: true,
        };
        self.names.insert(name.to_owned(), field);
    }
}

fn is_header_name(expr: &Expr) -> bool {
    matches!(expr, Expr::Name(name) if NAMES.contains(&name.id.as_str()))
}

fn elements(expr: &Expr) -> Option<&[Expr]> {
    match expr {
        Expr::Tuple(tuple) => Some(&tuple.elts),
        Expr::List(list) => Some(&list.elts),
        Expr::Set(set) => Some(&set.elts),
        _ => None,
    }
}

fn span_of(node: &impl Ranged) -> Span {
    node.range().start().to_usize()..node.range().end().to_usize()
}

/// Whether the last function `name` holds nothing but a docstring and `pass`.
fn does_nothing(body: &[Stmt], name: &str) -> bool {
    let function = body.iter().rev().find_map(|statement| match statement {
        Stmt::FunctionDef(f) if f.name.as_str() == name => Some(f),
        _ => None,
    });
    function.is_none_or(|f| f.body.iter().all(is_no_operation))
}

fn is_no_operation(statement: &Stmt) -> bool {
    match statement {
        Stmt::Pass(_) => true,
        Stmt::Return(s) => s.value.is_none(),
        Stmt::Expr(s) => matches!(*s.value, Expr::StringLiteral(_) | Expr::EllipsisLiteral(_)),
        _ => false,
    }
}
