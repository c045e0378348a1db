//! What a block says about who runs it, and whether in a transaction.

use ruff_python_ast::{BoolOp, CmpOp, Expr, UnaryOp};

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
        Expr::UnaryOp(expr) if expr.op == UnaryOp::Not => {
            lets_postgresql_pass(&expr.operand).map(|passes| !passes)
        }
        Expr::BoolOp(expr) if expr.op == BoolOp::And => {
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
