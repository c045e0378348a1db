//! The table in which Alembic keeps a database's revisions.

use std::fmt;

use super::Dialect;

/// A version table: in the schemas that the connection searches unless one is named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionTable {
    pub schema: Option<String>,
    pub name: String,
}

impl Default for VersionTable {
    /// What Alembic takes where `env.py` names no other.
    fn default() -> Self {
        Self { schema: None, name: "alembic_version".to_owned() }
    }
}

impl VersionTable {
    /// The table as it stands in a statement.
    pub(super) fn quoted(&self, dialect: Dialect) -> String {
        let name = dialect.quoted(&self.name);
        match &self.schema {
            Some(schema) => format!("{}.{name}", dialect.quoted(schema)),
            None => name,
        }
    }
}

impl fmt::Display for VersionTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(schema) = &self.schema {
            write!(f, "{schema}.")?;
        }
        f.write_str(&self.name)
    }
}
