//! Which databases a script is written for, by the types that it imports.

use ruff_python_ast::Stmt;

use super::parse::parse_module;

/// Whether the script imports from SQLAlchemy's dialect `name`. Nearly all files
/// that don't are not parsed to learn that.
pub fn imports_dialect(bytes: &[u8], name: &str) -> bool {
    if memchr::memmem::find(bytes, name.as_bytes()).is_none() {
        return false;
    }
    let Ok((_, parsed)) = parse_module(bytes) else { return false };
    let module = format!("sqlalchemy.dialects.{name}");
    parsed.suite().iter().any(|statement| match statement {
        Stmt::Import(import) => import.names.iter().any(|alias| alias.name.as_str() == module),
        Stmt::ImportFrom(import) => {
            let from = import.module.as_ref().map_or("", |module| module.as_str());
            let names_it = || import.names.iter().any(|alias| alias.name.as_str() == name);
            from == module || (from == "sqlalchemy.dialects" && names_it())
        }
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_import_tells() {
        for (script, tells) in [
            ("from sqlalchemy.dialects import mysql, postgresql\n", true),
            ("from sqlalchemy.dialects.postgresql import UUID\n", true),
            ("import sqlalchemy.dialects.postgresql as pg\n", true),
            ("from sqlalchemy.dialects import mysql\n# postgresql\n", false),
            ("x = 'postgresql'\n", false),
        ] {
            assert_eq!(imports_dialect(script.as_bytes(), "postgresql"), tells, "{script}");
        }
    }
}
