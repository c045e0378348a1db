//! Steps that an operation took in a database: recorded before alembic runs,
//! completed once the version rows were read again.

use sqlx::Row;

use super::{Journal, JournalError, OperationId};

/// One component's database, before and after an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseStep {
    pub component: String,
    /// The URL as it may be shown.
    pub database: String,
    /// Version rows, sorted.
    pub rows_before: Vec<String>,
    /// `None` while nobody has verified that alembic did what it should.
    pub rows_after: Option<Vec<String>>,
}

impl Journal {
    /// Records a step before it runs, or its result after it has.
    pub fn record_step(
        &mut self,
        id: OperationId,
        step: &DatabaseStep,
    ) -> Result<(), JournalError> {
        self.database.ask("record the database step", async |connection| {
            sqlx::query(
                "INSERT OR REPLACE INTO database_step \
                 (operation, component, database, rows_before, rows_after) VALUES (?, ?, ?, ?, ?)",
            )
            .bind(id.0)
            .bind(&step.component)
            .bind(&step.database)
            .bind(step.rows_before.join("\n"))
            .bind(step.rows_after.as_ref().map(|rows| rows.join("\n")))
            .execute(connection)
            .await?;
            Ok(())
        })
    }

    /// The steps of an operation, by component.
    pub fn steps(&mut self, id: OperationId) -> Result<Vec<DatabaseStep>, JournalError> {
        self.database.ask("read the database steps", async |connection| {
            let rows = sqlx::query(
                "SELECT component, database, rows_before, rows_after FROM database_step \
                 WHERE operation = ? ORDER BY component",
            )
            .bind(id.0)
            .fetch_all(connection)
            .await?;
            let lines = |text: String| -> Vec<String> { text.lines().map(str::to_owned).collect() };
            rows.into_iter()
                .map(|row| {
                    Ok(DatabaseStep {
                        component: row.try_get(0)?,
                        database: row.try_get(1)?,
                        rows_before: lines(row.try_get(2)?),
                        rows_after: row.try_get::<Option<String>, _>(3)?.map(lines),
                    })
                })
                .collect()
        })
    }
}
