//! What an `env.py` says of the version table, as far as reading it tells.

use std::collections::HashMap;

use ruff_python_ast::visitor::{Visitor, walk_expr};
use ruff_python_ast::{Expr, ExprCall, Stmt};

use super::parse::parse_module;

/// What `context.configure` is given; `None` is Alembic's default.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EnvVersionTable {
    pub name: Option<String>,
    pub schema: Option<String>,
}

/// Reads `version_table` and `version_table_schema` from the calls of
/// `context.configure`; `None` where only running them would tell, or where
/// they don't agree.
pub fn read_version_table(bytes: &[u8]) -> Option<EnvVersionTable> {
    let (_, parsed) = parse_module(bytes).ok()?;
    if !parsed.errors().is_empty() {
        return None;
    }
    let mut calls = Calls { constants: constants(parsed.suite()), found: Vec::new() };
    calls.visit_body(parsed.suite());
    let mut found = calls.found.into_iter();
    let first = found.next()??;
    found.all(|other| other.as_ref() == Some(&first)).then_some(first)
}

/// Names that the module gives a string once, and nothing else ever.
fn constants(module: &[Stmt]) -> HashMap<&str, Option<&str>> {
    let mut constants = HashMap::new();
    for statement in module {
        let (target, value) = match statement {
            Stmt::Assign(assign) => match assign.targets.as_slice() {
                [target] => (target, Some(assign.value.as_ref())),
                _ => continue,
            },
            Stmt::AnnAssign(assign) => (assign.target.as_ref(), assign.value.as_deref()),
            _ => continue,
        };
        let Expr::Name(name) = target else { continue };
        let text = match value {
            Some(Expr::StringLiteral(literal)) => Some(literal.value.to_str()),
            _ => None,
        };
        let known = constants.entry(name.id.as_str()).or_insert(text);
        if *known != text {
            *known = None;
        }
    }
    constants
}

struct Calls<'a> {
    constants: HashMap<&'a str, Option<&'a str>>,
    found: Vec<Option<EnvVersionTable>>,
}

impl<'a> Visitor<'a> for Calls<'a> {
    fn visit_expr(&mut self, expression: &'a Expr) {
        if let Expr::Call(call) = expression
            && is_configure(&call.func)
        {
            self.found.push(self.read(call));
        }
        walk_expr(self, expression);
    }
}

impl Calls<'_> {
    fn read(&self, call: &ExprCall) -> Option<EnvVersionTable> {
        let mut table = EnvVersionTable::default();
        for keyword in &call.arguments.keywords {
            // `**options` may be anything.
            let slot = match keyword.arg.as_ref()?.as_str() {
                "version_table" => &mut table.name,
                "version_table_schema" => &mut table.schema,
                _ => continue,
            };
            *slot = match &keyword.value {
                Expr::NoneLiteral(_) => None,
                Expr::StringLiteral(literal) => Some(literal.value.to_str().to_owned()),
                Expr::Name(name) => Some((*self.constants.get(name.id.as_str())?)?.to_owned()),
                _ => return None,
            };
        }
        Some(table)
    }
}

/// `context.configure`, `alembic.context.configure`.
fn is_configure(function: &Expr) -> bool {
    let Expr::Attribute(attribute) = function else { return false };
    let of = match attribute.value.as_ref() {
        Expr::Name(name) => name.id.as_str(),
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        _ => return false,
    };
    attribute.attr.as_str() == "configure" && of == "context"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(Option<&str>, Option<&str>)>) {
        let found = read_version_table(text.as_bytes());
        let found = found.as_ref().map(|table| (table.name.as_deref(), table.schema.as_deref()));
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn strings_and_constants_are_read_from_all_calls() {
        check("context.configure(connection=c)\n", Some((None, None)));
        check(
            "def online():\n    with engine.connect() as c:\n        \
             context.configure(connection=c, version_table='v', version_table_schema=\"s\")\n",
            Some((Some("v"), Some("s"))),
        );
        check(
            "TABLE = 'v'\nSCHEMA: str = 's'\n\
             def offline():\n    context.configure(url=u, version_table=TABLE, version_table_schema=SCHEMA)\n\
             async def online():\n    alembic.context.configure(c, version_table=TABLE, version_table_schema='s')\n",
            Some((Some("v"), Some("s"))),
        );
        check("context.configure(c, version_table=None)\n", Some((None, None)));
    }

    #[test]
    fn what_only_python_could_tell_is_not_guessed() {
        check("context.configure(c, **options)\n", None);
        check("context.configure(c, version_table=settings.TABLE)\n", None);
        check("T = f()\ncontext.configure(c, version_table=T)\n", None);
        check("T = 'a'\nT = 'b'\ncontext.configure(c, version_table=T)\n", None);
        check("def f(T):\n    context.configure(c, version_table=T)\n", None);
        check("context.configure(c, version_table='a')\ncontext.configure(c)\n", None);
        check("from shared import run\nrun()\n", None);
        check("logging.configure(level=1)\n", None);
        check("context.configure(c,\n", None);
    }
}
