//! What is executed: raw SQL by its first words, and statements that were made
//! with SQLAlchemy's functions.

use std::sync::Arc;

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::Ranged;

use super::operation::{Act, Enumeration};
use super::reader::Reader;
use super::sql_acts::acts;
use super::value::Value;

impl<'a> Reader<'a, '_> {
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
}

/// What a statement does to rows.
enum Rows {
    Changed(Option<String>),
    Read,
    Perhaps,
}
