//! Snapshots of databases as rows, and the exchanges that bring them back: each
//! written down before anything happens, and marked once it has.

use std::collections::BTreeSet;

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection, Row};

use super::ledger::{lines, read_entries, written_entries};
use super::{Journal, JournalError, OperationId};
use crate::plan::{DatabaseSnapshot, Ledger, Observation, SnapshotId, SnapshotKind};
use crate::revision::RevisionId;

/// The number of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExchangeId(i64);

/// How far an exchange has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeState {
    /// It may have been made.
    Started,
    Done,
    /// It was written down, and never made.
    CalledOff,
    /// It was made, and undone.
    TakenBack,
}

impl ExchangeState {
    const ALL: [Self; 4] = [Self::Started, Self::Done, Self::CalledOff, Self::TakenBack];

    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Done => "done",
            Self::CalledOff => "called-off",
            Self::TakenBack => "taken-back",
        }
    }
}

/// A snapshot put in the place of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewExchange {
    pub operation: OperationId,
    pub component: String,
    pub restored: SnapshotId,
    /// What was there before; `None` where there was nothing.
    pub kept: Option<SnapshotId>,
    /// The database's fingerprint from before.
    pub content: String,
    /// The exchange that this one takes back.
    pub undoes: Option<ExchangeId>,
}

/// An exchange that is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    pub id: ExchangeId,
    pub state: ExchangeState,
    pub exchange: NewExchange,
}

const READ: &str = "read the snapshots";
const WRITE: &str = "write down a snapshot";

impl Journal {
    /// Writes down a snapshot that is about to be taken.
    pub fn begin_snapshot(
        &mut self,
        snapshot: &DatabaseSnapshot,
    ) -> Result<SnapshotId, JournalError> {
        let skipped: Vec<&str> =
            snapshot.ledger.once_skipped.iter().map(RevisionId::as_str).collect();
        self.database.ask(WRITE, async |connection| {
            let inserted = sqlx::query(
                "INSERT INTO snapshot (state, name, branch, head, component, database, identity, \
                 kind, place, version_rows, is_explained, revisions, skipped, bytes, created_at) \
                 VALUES ('making', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(&snapshot.name)
            .bind(&snapshot.branch)
            .bind(&snapshot.commit)
            .bind(&snapshot.component)
            .bind(&snapshot.database)
            .bind(&snapshot.identity)
            .bind(snapshot.kind.name())
            .bind(&snapshot.place)
            .bind(snapshot.rows.join("\n"))
            .bind(snapshot.ledger.seen.is_some())
            .bind(written_entries(&snapshot.ledger.entries))
            .bind(skipped.join("\n"))
            .bind(i64::try_from(snapshot.bytes).unwrap_or(i64::MAX))
            .bind(snapshot.created_at)
            .execute(connection)
            .await?;
            Ok(SnapshotId(inserted.last_insert_rowid()))
        })
    }

    /// Notes that a snapshot is complete.
    pub fn keep_snapshot(&mut self, id: SnapshotId, bytes: u64) -> Result<(), JournalError> {
        self.database.ask(WRITE, async |connection| keep(connection, id, bytes).await)
    }

    /// Notes that a snapshot is about to be deleted.
    pub fn begin_dropping(&mut self, id: SnapshotId) -> Result<(), JournalError> {
        self.database.ask(WRITE, async |connection| {
            sqlx::query("UPDATE snapshot SET state = 'dropping' WHERE id = ?")
                .bind(id.0)
                .execute(connection)
                .await?;
            Ok(())
        })
    }

    /// Forgets a snapshot of which nothing is left.
    pub fn forget_snapshot(&mut self, id: SnapshotId) -> Result<(), JournalError> {
        self.database.ask(WRITE, async |connection| {
            sqlx::query("DELETE FROM snapshot WHERE id = ?").bind(id.0).execute(connection).await?;
            Ok(())
        })
    }

    /// The complete snapshots, the oldest first.
    pub fn snapshots(&mut self) -> Result<Vec<DatabaseSnapshot>, JournalError> {
        self.snapshots_where("state = 'kept'")
    }

    /// Those that a killed process has left half made or half deleted: neither is in
    /// an exchange that is still to be settled.
    pub fn torn_snapshots(&mut self) -> Result<Vec<DatabaseSnapshot>, JournalError> {
        self.snapshots_where(
            "state <> 'kept' AND id NOT IN \
             (SELECT coalesce(kept, 0) FROM exchange WHERE state = 'started')",
        )
    }

    /// One snapshot, whatever its state.
    pub fn snapshot(&mut self, id: SnapshotId) -> Result<Option<DatabaseSnapshot>, JournalError> {
        Ok(self.all_snapshots()?.into_iter().find(|snapshot| snapshot.id == id))
    }

    /// Those of all states.
    pub fn all_snapshots(&mut self) -> Result<Vec<DatabaseSnapshot>, JournalError> {
        self.snapshots_where("true")
    }

    fn snapshots_where(
        &mut self,
        condition: &'static str,
    ) -> Result<Vec<DatabaseSnapshot>, JournalError> {
        let rows = self.database.ask(READ, async |connection| {
            let sql = format!("SELECT * FROM snapshot WHERE {condition} ORDER BY id");
            sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(connection).await
        })?;
        rows.iter().map(|row| read_snapshot(row).ok_or_else(|| self.database.damaged())).collect()
    }

    /// Writes down, durably, that a snapshot is about to be put in a database's place.
    pub fn begin_exchange(&mut self, exchange: &NewExchange) -> Result<ExchangeId, JournalError> {
        self.database.ask("record the exchange", async |connection| {
            let inserted = sqlx::query(
                "INSERT INTO exchange (operation, component, restored, kept, content, undoes, state) \
                 VALUES (?, ?, ?, ?, ?, ?, 'started')",
            )
            .bind(exchange.operation.0)
            .bind(&exchange.component)
            .bind(exchange.restored.0)
            .bind(exchange.kept.map(|id| id.0))
            .bind(&exchange.content)
            .bind(exchange.undoes.map(|id| id.0))
            .execute(connection)
            .await?;
            Ok(ExchangeId(inserted.last_insert_rowid()))
        })
    }

    /// Notes that an exchange was made: what was there before is kept, and takes
    /// `bytes`; the snapshot that is there now is none any more, unless it `stays`.
    pub fn end_exchange(
        &mut self,
        made: &Exchange,
        bytes: u64,
        stays: bool,
    ) -> Result<(), JournalError> {
        let Exchange { id, exchange, .. } = made;
        let state = match exchange.undoes {
            Some(_) => ExchangeState::TakenBack,
            None => ExchangeState::Done,
        };
        self.database.ask("mark the exchange", async |connection| {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            if let Some(kept) = exchange.kept {
                keep(&mut transaction, kept, bytes).await?;
            }
            if !stays {
                sqlx::query("UPDATE snapshot SET state = 'dropping' WHERE id = ?")
                    .bind(exchange.restored.0)
                    .execute(&mut *transaction)
                    .await?;
            }
            for id in [Some(*id), exchange.undoes].into_iter().flatten() {
                mark(&mut transaction, id, state).await?;
            }
            transaction.commit().await
        })
    }

    /// Notes that an exchange was never made.
    pub fn call_exchange_off(&mut self, id: ExchangeId) -> Result<(), JournalError> {
        self.database.ask("mark the exchange", async |connection| {
            mark(connection, id, ExchangeState::CalledOff).await
        })
    }

    /// The exchanges of an operation, in order.
    pub fn exchanges(&mut self, operation: OperationId) -> Result<Vec<Exchange>, JournalError> {
        let rows = self.database.ask("read the exchanges", async |connection| {
            sqlx::query("SELECT * FROM exchange WHERE operation = ? ORDER BY id")
                .bind(operation.0)
                .fetch_all(connection)
                .await
        })?;
        rows.iter().map(|row| read_exchange(row).ok_or_else(|| self.database.damaged())).collect()
    }
}

async fn keep(
    connection: &mut SqliteConnection,
    id: SnapshotId,
    bytes: u64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE snapshot SET state = 'kept', bytes = ? WHERE id = ?")
        .bind(i64::try_from(bytes).unwrap_or(i64::MAX))
        .bind(id.0)
        .execute(connection)
        .await?;
    Ok(())
}

async fn mark(
    connection: &mut SqliteConnection,
    id: ExchangeId,
    state: ExchangeState,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE exchange SET state = ? WHERE id = ?")
        .bind(state.as_str())
        .bind(id.0)
        .execute(connection)
        .await?;
    Ok(())
}

fn read_snapshot(row: &SqliteRow) -> Option<DatabaseSnapshot> {
    let rows = lines(row.try_get("version_rows").ok()?);
    let skipped = lines(row.try_get("skipped").ok()?);
    let once_skipped: BTreeSet<RevisionId> =
        skipped.into_iter().map(|id| RevisionId::new(id).ok()).collect::<Option<_>>()?;
    let is_explained: bool = row.try_get("is_explained").ok()?;
    let seen = is_explained.then(|| Observation { rows: rows.clone(), ..Observation::default() });
    let entries = read_entries(row.try_get("revisions").ok()?)?;
    Some(DatabaseSnapshot {
        id: SnapshotId(row.try_get("id").ok()?),
        name: row.try_get("name").ok()?,
        branch: row.try_get("branch").ok()?,
        commit: row.try_get("head").ok()?,
        component: row.try_get("component").ok()?,
        database: row.try_get("database").ok()?,
        identity: row.try_get("identity").ok()?,
        kind: SnapshotKind::parse(row.try_get("kind").ok()?)?,
        place: row.try_get("place").ok()?,
        rows,
        ledger: Ledger { seen, entries, once_skipped },
        bytes: u64::try_from(row.try_get::<i64, _>("bytes").ok()?).ok()?,
        created_at: row.try_get("created_at").ok()?,
    })
}

fn read_exchange(row: &SqliteRow) -> Option<Exchange> {
    let word: &str = row.try_get("state").ok()?;
    Some(Exchange {
        id: ExchangeId(row.try_get("id").ok()?),
        state: ExchangeState::ALL.into_iter().find(|state| state.as_str() == word)?,
        exchange: NewExchange {
            operation: OperationId(row.try_get("operation").ok()?),
            component: row.try_get("component").ok()?,
            restored: SnapshotId(row.try_get("restored").ok()?),
            kept: row.try_get::<Option<i64>, _>("kept").ok()?.map(SnapshotId),
            content: row.try_get("content").ok()?,
            undoes: row.try_get::<Option<i64>, _>("undoes").ok()?.map(ExchangeId),
        },
    })
}
