//! Which names a script uses for more than the types of columns.

use std::collections::HashSet;

use ruff_python_ast::visitor::{Visitor, walk_body, walk_expr, walk_keyword};
use ruff_python_ast::{Expr, ExprCall, Keyword, Stmt};

/// Levels of expressions: more than anybody writes, few enough for any stack.
const MAX_DEPTH: usize = 100;

/// The names that are read anywhere but in the type of a column; `None` where they
/// are too deep to be looked for.
pub(super) fn used_beside_types(body: &[Stmt]) -> Option<HashSet<String>> {
    let mut uses = Uses::default();
    walk_body(&mut uses, body);
    (!uses.is_cut).then(|| uses.names.into_iter().map(str::to_owned).collect())
}

#[derive(Default)]
struct Uses<'a> {
    is_type: bool,
    depth: usize,
    is_cut: bool,
    names: HashSet<&'a str>,
}

impl<'a> Uses<'a> {
    fn visit_as(&mut self, is_type: bool, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.is_type, is_type);
        visit(self);
        self.is_type = before;
    }

    /// `sa.Column(name, type, ..)`
    fn visit_column(&mut self, call: &'a ExprCall) {
        self.visit_expr(&call.func);
        self.visit_as(true, |uses| call.arguments.args.iter().for_each(|arg| uses.visit_expr(arg)));
        call.arguments.keywords.iter().for_each(|keyword| self.visit_keyword(keyword));
    }
}

impl<'a> Visitor<'a> for Uses<'a> {
    fn visit_expr(&mut self, expr: &'a Expr) {
        if self.depth >= MAX_DEPTH {
            self.is_cut = true;
            return;
        }
        self.depth += 1;
        match expr {
            Expr::Name(name) if !self.is_type => {
                self.names.insert(name.id.as_str());
            }
            Expr::Call(call) => match called(call) {
                "Column" => self.visit_column(call),
                // The values of an enum are what the application says today.
                "Enum" | "ENUM" => self.visit_as(false, |uses| walk_expr(uses, expr)),
                _ => walk_expr(self, expr),
            },
            _ => walk_expr(self, expr),
        }
        self.depth -= 1;
    }

    fn visit_keyword(&mut self, keyword: &'a Keyword) {
        let names_type = keyword
            .arg
            .as_ref()
            .is_some_and(|arg| matches!(arg.as_str(), "type_" | "existing_type"));
        self.visit_as(names_type, |uses| walk_keyword(uses, keyword));
    }
}

fn called(call: &ExprCall) -> &str {
    match call.func.as_ref() {
        Expr::Attribute(attribute) => attribute.attr.as_str(),
        Expr::Name(name) => name.id.as_str(),
        _ => "",
    }
}
