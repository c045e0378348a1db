//! The source text of a script's functions, to be shown.

use ruff_python_ast::Stmt;
use ruff_text_size::Ranged;

use super::parse::parse_module;

/// The statements of the function `name`, without its docstring and without the
/// indentation they share; empty if there are none but `pass`, `None` without
/// such a function or where Python could not parse the file.
pub fn function_body(bytes: &[u8], name: &str) -> Option<String> {
    let (source, parsed) = parse_module(bytes).ok()?;
    if !parsed.errors().is_empty() {
        return None;
    }
    let function = parsed.suite().iter().rev().find_map(|statement| match statement {
        Stmt::FunctionDef(function) if function.name.as_str() == name => Some(function),
        _ => None,
    })?;
    let is_shown = |statement: &&Stmt| !super::header::is_no_operation(statement);
    let Some(first) = function.body.iter().find(is_shown) else { return Some(String::new()) };
    // Comments above the first statement belong to it.
    let before = function.body.iter().take_while(|s| s.start() < first.start()).last();
    let start = before.map_or(function.parameters.end(), Ranged::end).to_usize();
    let text = source.text.get(start..function.end().to_usize())?;
    let below = text.split_once('\n').map(|(_, below)| below);
    Some(dedented(below.unwrap_or(&source.text[first.range().to_std_range()])))
}

/// Without the blanks that all lines begin with.
fn dedented(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    let indent = lines
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let lines: Vec<&str> = lines.iter().map(|line| line.get(indent..).unwrap_or("")).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(function_body(text.as_bytes(), "upgrade").as_deref(), expected, "{text}");
    }

    #[test]
    fn a_body_is_shown_without_docstring_and_indentation() {
        check(
            "x = 1\n\ndef upgrade() -> None:\n    \"\"\"Upgrade schema.\"\"\"\n    # ### commands ###\n    op.a(\n        1,\n    )\n\n    if x:\n        op.b()\n    # ### end ###\n\n\ndef downgrade():\n    op.c()\n",
            Some("# ### commands ###\nop.a(\n    1,\n)\n\nif x:\n    op.b()"),
        );
        check("def upgrade(\n    x=1,\n):\n    op.a()\n", Some("op.a()"));
        check("def upgrade(): op.a()\n", Some("op.a()"));
    }

    #[test]
    fn a_body_that_does_nothing_is_empty() {
        check("def upgrade():\n    # ### nothing ###\n    pass\n    # ### end ###\n", Some(""));
        check("def upgrade():\n    \"\"\"Upgrade schema.\"\"\"\n    pass\n", Some(""));
        check("def downgrade():\n    op.a()\n", None);
        check("def upgrade(:\n", None);
    }
}
