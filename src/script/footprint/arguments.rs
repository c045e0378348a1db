//! The arguments of one call, each evaluated once.

use ruff_python_ast::ExprCall;

use super::reader::Reader;
use super::value::Value;

pub(super) struct Arguments<'a> {
    pub positional: Vec<Value<'a>>,
    pub keywords: Vec<(&'a str, Value<'a>)>,
    /// `*rest`: what comes after is at no known place.
    has_rest: bool,
    /// `**options`
    has_options: bool,
}

/// A name that an argument gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Known(String),
    Absent,
    /// Computed.
    Dynamic,
}

impl<'a> Arguments<'a> {
    pub fn evaluate(call: &'a ExprCall, reader: &mut Reader<'a, '_>) -> Self {
        let before = std::mem::replace(&mut reader.is_part, true);
        let mut positional = Vec::new();
        let mut has_rest = false;
        for argument in &call.arguments.args {
            let value = reader.evaluate(argument);
            match value {
                Value::List(values) if argument.is_starred_expr() && !has_rest => {
                    positional.extend(values.iter().cloned());
                }
                value => {
                    has_rest |= argument.is_starred_expr();
                    positional.push(value);
                }
            }
        }
        let mut keywords = Vec::new();
        let mut has_options = false;
        for keyword in &call.arguments.keywords {
            let value = reader.evaluate(&keyword.value);
            has_options |= keyword.arg.is_none();
            keywords.push((keyword.arg.as_ref().map_or("**", |name| name.as_str()), value));
        }
        reader.is_part = before;
        Self { positional, keywords, has_rest, has_options }
    }

    pub fn values(&self) -> impl Iterator<Item = &Value<'a>> {
        self.positional.iter().chain(self.keywords.iter().map(|(_, value)| value))
    }

    pub fn has_live(&self) -> bool {
        self.values().any(Value::is_live)
    }

    pub fn has_unknown(&self) -> bool {
        self.values().any(|value| match value {
            Value::Answer | Value::Unknown | Value::Manipulation => true,
            Value::List(values) => values.contains(&Value::Unknown),
            _ => false,
        })
    }

    /// The argument at `position`, or by one of its names.
    pub fn find(&self, position: Option<usize>, names: &[&str]) -> Option<&Value<'a>> {
        let by_name = self.keywords.iter().find(|(name, _)| names.contains(name));
        let by_position = || position.and_then(|at| self.positional.get(at));
        by_name.map(|(_, value)| value).or_else(by_position)
    }

    /// As [`find`](Self::find), for a name.
    pub fn name(&self, position: Option<usize>, names: &[&str]) -> Named {
        match self.find(position, names) {
            Some(Value::None) => Named::Absent,
            Some(value) => match value.known() {
                Some(text) => Named::Known(text.to_owned()),
                None => Named::Dynamic,
            },
            None if self.has_options || (position.is_some() && self.has_rest) => Named::Dynamic,
            None => Named::Absent,
        }
    }

    /// Whether `name` is given as anything but false.
    pub fn is_set(&self, name: &str) -> bool {
        match self.find(None, &[name]) {
            None | Some(Value::None | Value::Truth(false)) => false,
            Some(_) => true,
        }
    }

    /// Whether some of the positional arguments are not known.
    pub fn has_rest(&self) -> bool {
        self.has_rest
    }
}
