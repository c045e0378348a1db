//! What a script says to the server itself: users, roles and whole databases are
//! nobody's own, and a database to try things out in does not hold them.

use ruff_python_ast::token::TokenKind;
use ruff_text_size::Ranged;

use super::line_of;
use super::parse::parse_module;

/// A place in a script that reaches beyond its database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerStatement {
    /// 1-based.
    pub line: u32,
    /// `drop role`
    pub what: String,
}

const VERBS: [&str; 4] = ["create", "drop", "alter", "rename"];

/// What no server keeps in one database alone.
const NOUNS: [&str; 6] = ["role", "user", "group", "database", "tablespace", "subscription"];

/// The statements in texts of the script that change the server. Prose that reads
/// like one is taken for one: whoever is refused wrongly has lost nothing.
pub fn server_statements(bytes: &[u8]) -> Vec<ServerStatement> {
    let Ok((source, parsed)) = parse_module(bytes) else { return Vec::new() };
    let tokens = parsed.tokens().iter();
    let texts =
        tokens.filter(|token| matches!(token.kind(), TokenKind::String | TokenKind::FStringMiddle));
    texts
        .flat_map(|token| {
            let text = source.text[token.range().to_std_range()].to_lowercase();
            let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric() && c != '_').collect();
            let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
            let line = line_of(bytes, source.in_file(token.range().to_std_range()).start);
            let statement = |pair: &[&str]| {
                let is_one = VERBS.contains(&pair[0]) && NOUNS.contains(&pair[1]);
                is_one.then(|| ServerStatement { line, what: pair.join(" ") })
            };
            words.windows(2).filter_map(statement).collect::<Vec<_>>()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changes_the_server_is_found_in_any_text_and_nothing_else_is() {
        let found = |text: &str| -> Vec<String> {
            let found = server_statements(text.as_bytes()).into_iter();
            found.map(|statement| format!("{}: {}", statement.line, statement.what)).collect()
        };
        assert_eq!(
            found(
                "def upgrade():\n    op.execute('CREATE  ROLE app')\n    op.execute(f\"\"\"drop\nuser {x}\"\"\")\n"
            ),
            ["2: create role", "3: drop user"]
        );
        assert_eq!(found("op.execute('DROP DATABASE IF EXISTS x')"), ["1: drop database"]);
        for harmless in [
            "op.create_table('user')",
            "op.execute('CREATE TABLE role (x int)')",
            "# create role\nx = 1",
            "op.execute('alter table database_user add x int')",
            "(((",
        ] {
            assert_eq!(found(harmless), Vec::<String>::new(), "{harmless}");
        }
    }
}
