//! Expressions: what they are worth, and what evaluating them does.

use std::rc::Rc;

use ruff_python_ast::{Comprehension, Expr, ExprFString, InterpolatedStringElement, Operator};

use super::format::{HOLE, percent};
use super::reader::{Reach, Reader};
use super::value::{Holes, Value};

/// A longer literal is data.
const MAX_ELEMENTS: usize = 256;

impl<'a> Reader<'a, '_> {
    pub fn evaluate(&mut self, expr: &'a Expr) -> Value<'a> {
        self.deeper(|reader| reader.evaluate_here(expr)).unwrap_or(Value::Unknown)
    }

    fn evaluate_here(&mut self, expr: &'a Expr) -> Value<'a> {
        match expr {
            Expr::StringLiteral(literal) => Value::text(literal.value.to_str()),
            Expr::FString(string) => self.interpolated(string),
            Expr::NoneLiteral(_) => Value::None,
            Expr::BooleanLiteral(literal) => Value::Truth(literal.value),
            Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::EllipsisLiteral(_)
            | Expr::TString(_)
            | Expr::IpyEscapeCommand(_) => Value::Data,
            Expr::Name(name) => {
                let value = self.lookup(name.id.as_str());
                if let Value::Table(Some(table)) = &value {
                    self.touch(table);
                }
                value
            }
            Expr::Attribute(attribute) => {
                let value = self.evaluate(&attribute.value);
                self.attribute(&value, attribute.attr.as_str())
            }
            Expr::Call(call) => self.call(call),
            Expr::BinOp(binary) => {
                let left = self.evaluate(&binary.left);
                let right = self.evaluate(&binary.right);
                match (binary.op, &left) {
                    (Operator::Add, _) => self.joined(left, right),
                    (Operator::Mod, Value::Text { text, holes }) => {
                        let (text, filled) = percent(text, &right);
                        self.text_of(&[&text], filled.max(*holes))
                    }
                    _ => Value::mixed([&left, &right]),
                }
            }
            Expr::BoolOp(expr) => self.alternatives(&expr.values),
            Expr::UnaryOp(expr) => {
                let value = self.evaluate(&expr.operand);
                Value::mixed([&value])
            }
            Expr::Compare(expr) => {
                let parts = std::iter::once(&*expr.left).chain(&expr.comparators);
                self.composed(parts)
            }
            Expr::If(expr) => {
                self.as_part(&expr.test);
                let before = std::mem::replace(&mut self.is_certain, false);
                let body = self.evaluate(&expr.body);
                let other = self.evaluate(&expr.orelse);
                self.is_certain = before;
                body.either(other)
            }
            Expr::Tuple(tuple) => self.sequence(&tuple.elts),
            Expr::List(list) => self.sequence(&list.elts),
            Expr::Set(set) => self.sequence(&set.elts),
            Expr::Dict(dict) if dict.items.len() > MAX_ELEMENTS => Value::Data,
            Expr::Dict(dict) => {
                let items = dict.items.iter();
                self.composed(items.flat_map(|item| item.key.iter().chain([&item.value])))
            }
            Expr::ListComp(expr) => self.comprehension(&expr.generators, &[&expr.elt]),
            Expr::SetComp(expr) => self.comprehension(&expr.generators, &[&expr.elt]),
            Expr::Generator(expr) => self.comprehension(&expr.generators, &[&expr.elt]),
            Expr::DictComp(expr) => {
                let parts: Vec<&Expr> =
                    expr.key.iter().map(|key| &**key).chain([&*expr.value]).collect();
                self.comprehension(&expr.generators, &parts)
            }
            Expr::Lambda(lambda) => {
                let before = std::mem::replace(&mut self.is_certain, false);
                self.as_part(&lambda.body);
                self.is_certain = before;
                Value::Data
            }
            Expr::Named(named) => {
                let value = self.evaluate(&named.value);
                self.assign(&named.target, &value);
                value
            }
            Expr::Await(expr) => self.evaluate(&expr.value),
            Expr::Starred(expr) => self.evaluate(&expr.value),
            Expr::YieldFrom(expr) => self.evaluate(&expr.value),
            Expr::Yield(expr) => match &expr.value {
                Some(value) => self.evaluate(value),
                None => Value::None,
            },
            Expr::Subscript(expr) => {
                let value = self.evaluate(&expr.value);
                self.as_part(&expr.slice);
                match value {
                    Value::Table(_) => Value::Construct,
                    value => value.element(),
                }
            }
            Expr::Slice(slice) => {
                let parts = [&slice.lower, &slice.upper, &slice.step];
                self.composed(parts.into_iter().flatten().map(|part| &**part))
            }
        }
    }

    fn interpolated(&mut self, string: &'a ExprFString) -> Value<'a> {
        let mut parts: Vec<String> = Vec::new();
        let mut holes = Holes::None;
        for part in string.value.iter() {
            // Plain literals beside f-strings.
            if let Some(literal) = part.as_literal() {
                parts.push(literal.as_str().to_owned());
                continue;
            }
            let Some(string) = part.as_f_string() else { continue };
            for element in &string.elements {
                match element {
                    InterpolatedStringElement::Literal(literal) => {
                        parts.push(literal.value.to_string());
                    }
                    InterpolatedStringElement::Interpolation(element) => {
                        let value = self.evaluate(&element.expression);
                        match value.known() {
                            Some(text) => parts.push(text.to_owned()),
                            None => {
                                holes = holes.max(value.holes()).max(Holes::FromFile);
                                parts.push(HOLE.to_owned());
                            }
                        }
                    }
                }
            }
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        self.text_of(&parts, holes)
    }

    fn sequence(&mut self, elements: &'a [Expr]) -> Value<'a> {
        if elements.len() > MAX_ELEMENTS {
            return Value::Data;
        }
        let mut values = Vec::new();
        for element in elements {
            match self.evaluate(element) {
                Value::List(more) if element.is_starred_expr() => {
                    values.extend(more.iter().take(MAX_ELEMENTS).cloned());
                }
                value if element.is_starred_expr() => {
                    return Value::mixed(values.iter().chain([&value]));
                }
                value => values.push(value),
            }
        }
        if values.len() > MAX_ELEMENTS {
            return Value::mixed(values.iter());
        }
        Value::List(Rc::new(values))
    }

    fn composed(&mut self, parts: impl Iterator<Item = &'a Expr>) -> Value<'a> {
        let values: Vec<Value> = parts.map(|part| self.evaluate(part)).collect();
        Value::mixed(values.iter())
    }

    /// `a or b`
    fn alternatives(&mut self, parts: &'a [Expr]) -> Value<'a> {
        let before = self.is_certain;
        let mut value = None;
        for part in parts.iter().take(MAX_ELEMENTS) {
            let next = self.evaluate(part);
            value = Some(match value {
                Some(value) => Value::either(value, next),
                None => next,
            });
            self.is_certain = false;
        }
        self.is_certain = before;
        value.unwrap_or(Value::Data)
    }

    fn comprehension(&mut self, generators: &'a [Comprehension], parts: &[&'a Expr]) -> Value<'a> {
        let before = std::mem::replace(&mut self.is_certain, false);
        let mut sources = Vec::new();
        for generator in generators {
            let values = self.evaluate(&generator.iter);
            self.assign_anew(&generator.target, &values.element());
            generator.ifs.iter().for_each(|test| {
                self.as_part(test);
            });
            sources.push(Value::mixed([&values]));
        }
        let values: Vec<Value> = parts.iter().map(|part| self.evaluate(part)).collect();
        self.is_certain = before;
        match values.as_slice() {
            // A list of so many texts, of which one stands for all.
            [value @ Value::Text { .. }] => Value::List(Rc::new(vec![value.clone()])),
            values => Value::mixed(sources.iter().chain(values)),
        }
    }

    pub fn attribute(&mut self, value: &Value<'a>, name: &'a str) -> Value<'a> {
        match value {
            Value::Alembic if name == "op" => Value::Op,
            Value::Alembic if name == "context" => Value::Context,
            Value::Alembic | Value::Library(_) => Value::Library(name),
            Value::Op => Value::Directive(None, name),
            Value::Batch(batch) => Value::Directive(Some(Rc::clone(batch)), name),
            Value::Context => match name {
                "bind" | "connection" => Value::Connection,
                "impl" => Value::Unknown,
                _ => Value::Inspector,
            },
            Value::Connection => match name {
                "dialect" => Value::Inspector,
                "engine" | "connection" | "bind" => Value::Connection,
                _ => Value::Fetched,
            },
            Value::Standard(_) => Value::Standard(name),
            Value::Table(_) | Value::Construct | Value::Column(_) => Value::Construct,
            Value::Manipulation => Value::Manipulation,
            Value::Inspector | Value::Fetched => Value::Fetched,
            Value::Answer => Value::Answer,
            Value::Unknown => Value::Unknown,
            Value::Directive(..) => {
                self.opaque(Reach::File);
                Value::Unknown
            }
            Value::None
            | Value::Truth(_)
            | Value::Text { .. }
            | Value::List(_)
            | Value::Type(_)
            | Value::Function(..)
            | Value::Data => Value::Data,
        }
    }
}
