//! The files of the demo's project: Alembic on SQLite, one table per migration.
//! They are written from here, not by alembic, so that the demo needs no Python
//! for what dbm-git does without it.

/// A migration that creates a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Migration {
    pub revision: &'static str,
    pub down_revision: Option<&'static str>,
    pub table: &'static str,
}

/// Files that every clone starts with: path and text.
pub const PROJECT: [(&str, &str); 4] = [
    ("alembic.ini", include_str!("files/alembic.ini")),
    ("migrations/env.py", include_str!("files/env.py")),
    ("migrations/script.py.mako", include_str!("../../script/generic.py.mako")),
    (".gitignore", "__pycache__/\n*.db\n"),
];

const MIGRATION: &str = include_str!("files/migration.py.txt");

impl Migration {
    /// Where alembic would put it.
    pub fn path(&self) -> String {
        format!("migrations/versions/{}_add_{}.py", self.revision, self.table)
    }

    /// What alembic would write.
    pub fn text(&self) -> String {
        let down_revision = self.down_revision.map_or("None".to_owned(), |id| format!("'{id}'"));
        MIGRATION
            .replace("@revision@", self.revision)
            .replace("@revises@", self.down_revision.unwrap_or_default())
            .replace("@down_revision@", &down_revision)
            .replace("@table@", self.table)
    }
}
