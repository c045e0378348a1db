//! What alembic said about the URLs in the projects' configuration.

use super::{Journal, JournalError};

impl Journal {
    /// The URL that alembic showed for a component, empty for the ini's own;
    /// `None` if `files` are others than those that it was asked with.
    pub fn confirmed_url(
        &mut self,
        component: &str,
        files: &str,
    ) -> Result<Option<String>, JournalError> {
        self.database.ask("look for the confirmed URL", async |connection| {
            sqlx::query_scalar("SELECT answer FROM confirmed_url WHERE component = ? AND files = ?")
                .bind(component)
                .bind(files)
                .fetch_optional(connection)
                .await
        })
    }

    /// Remembers what alembic showed.
    pub fn confirm_url(
        &mut self,
        component: &str,
        files: &str,
        answer: &str,
    ) -> Result<(), JournalError> {
        self.database.ask("remember the confirmed URL", async |connection| {
            sqlx::query(
                "INSERT OR REPLACE INTO confirmed_url (component, files, answer) VALUES (?, ?, ?)",
            )
            .bind(component)
            .bind(files)
            .bind(answer)
            .execute(connection)
            .await?;
            Ok(())
        })
    }
}
