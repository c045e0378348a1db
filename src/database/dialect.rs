//! The kinds of databases that are read directly.

/// A kind of database, whatever the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    Sqlite,
    Postgres,
    /// MariaDB too.
    MySql,
}

impl Dialect {
    /// SQLAlchemy's name for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgresql",
            Self::MySql => "mysql",
        }
    }

    /// The port of a server that names none.
    pub(super) fn usual_port(self) -> u16 {
        match self {
            Self::Postgres => 5432,
            // A file has no port, and nobody asks for one.
            Self::MySql | Self::Sqlite => 3306,
        }
    }

    /// The name as the dialect writes one that may be a word of SQL.
    pub(super) fn quoted(self, name: &str) -> String {
        match self {
            Self::Sqlite | Self::Postgres => format!("\"{}\"", name.replace('"', "\"\"")),
            Self::MySql => format!("`{}`", name.replace('`', "``")),
        }
    }

    /// The text as a literal.
    pub(super) fn literal(self, text: &str) -> String {
        match self {
            // The standard's: a backslash is a backslash.
            Self::Sqlite => format!("'{}'", text.replace('\'', "''")),
            // The escaped kind, which no setting of the session changes.
            Self::Postgres => {
                format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
            }
            // Bytes, since the SQL mode decides what a backslash is.
            Self::MySql => {
                let hex: String = text.bytes().map(|byte| format!("{byte:02x}")).collect();
                format!("_utf8mb4 x'{hex}'")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_texts_cannot_end_their_quotes() {
        assert_eq!(Dialect::Postgres.quoted("a\"b"), "\"a\"\"b\"");
        assert_eq!(Dialect::MySql.quoted("a`b"), "`a``b`");
        assert_eq!(Dialect::Postgres.literal("it's \\"), "E'it''s \\\\'");
        assert_eq!(Dialect::Sqlite.literal("it's \\"), "'it''s \\'");
        assert_eq!(Dialect::MySql.literal("a'"), "_utf8mb4 x'6127'");
    }
}
