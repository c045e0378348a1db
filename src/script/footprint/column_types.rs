//! Columns and types as the file writes them.

use std::sync::Arc;

use ruff_python_ast::{Expr, ExprCall};
use ruff_text_size::Ranged;

use super::arguments::Arguments;
use super::operation::{Column, ColumnType, Enumeration};
use super::reader::{Reader, shortened};
use super::value::Value;

impl<'a> Reader<'a, '_> {
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

    pub fn type_argument(
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
