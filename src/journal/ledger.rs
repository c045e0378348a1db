//! The ledgers of the databases, as rows: read whole, written whole when they
//! have changed.

use std::collections::HashMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection, Row};

use super::{Journal, JournalError, Worktree};
use crate::plan::{
    BodyHash, Evidence, Fingerprint, Ledger, LedgerEntry, Observation, SeenScript, Snapshot,
};
use crate::revision::{BranchLabel, Revision, RevisionId, RevisionRef};
use crate::tree::RepoPath;

/// A ledger as it was read, and the files that each worktree had then.
#[derive(Clone, Debug, Default)]
pub struct StoredLedger {
    /// `None` for a database that is new to the ledger.
    generation: Option<i64>,
    pub ledger: Ledger,
    /// By the worktree's name.
    pub files: HashMap<String, Snapshot>,
    /// Where the log of `HEAD` was then, by the worktree's name.
    pub heads: HashMap<String, String>,
}

/// What a look leaves in the ledger.
#[derive(Clone, Copy)]
pub struct LedgerUpdate<'a> {
    /// [`DatabaseUrl::identity`](crate::database::DatabaseUrl::identity).
    pub identity: &'a str,
    /// The URL as it may be shown.
    pub database: &'a str,
    pub worktree: &'a Worktree,
    pub ledger: &'a Ledger,
    /// The files of the worktree at this look, where they were explained.
    pub files: Option<&'a Snapshot>,
    /// Where the log of the worktree's `HEAD` is.
    pub head: &'a str,
    /// Scripts that may have to be run one day when their files are gone.
    pub scripts: &'a [(BodyHash, Arc<Vec<u8>>)],
}

/// What became of a ledger that was to be saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    Written,
    /// It is stored as it is.
    Unchanged,
    /// Somebody else has stored a later one.
    Overtaken,
}

/// One row in all: sqlx hands each over from a thread of its own, and there is an
/// entry for each revision of a project.
const READ_LEDGER: &str = "\
    SELECT *, \
        (SELECT json_group_array(json_array(revision, body, path, below, evidence, is_empty)) \
           FROM (SELECT * FROM ledger_entry WHERE ledger = ledger.id ORDER BY seq)) AS entries, \
        (SELECT json_group_array(revision) FROM ledger_skipped WHERE ledger = ledger.id) AS skipped \
      FROM ledger WHERE identity = ?";

/// `revision`, `body`, `path`, `below`, `evidence`, `is_empty` of an entry.
type EntryColumns = (String, String, String, String, String, i64);

/// A [`LedgerEntry`] within a step.
#[derive(Serialize, Deserialize)]
struct EntryRow {
    revision: String,
    body: String,
    path: String,
    below: Vec<String>,
    evidence: String,
    empty: bool,
}

/// One revision of a stored [`Snapshot`].
#[derive(Serialize, Deserialize)]
struct FileRow {
    id: String,
    down: Vec<String>,
    depends: Vec<String>,
    labels: Vec<String>,
    message: String,
    path: String,
    body: String,
    empty: bool,
}

impl Journal {
    /// The ledger of a database; an empty one where none was kept.
    pub fn ledger(&mut self, identity: &str) -> Result<StoredLedger, JournalError> {
        let rows = self.database.ask("read the ledger", async |connection| {
            let mut transaction = connection.begin().await?;
            let ledger =
                sqlx::query(READ_LEDGER).bind(identity).fetch_optional(&mut *transaction).await?;
            let Some(ledger) = ledger else { return Ok(None) };
            let id: i64 = ledger.try_get("id")?;
            let files: Vec<(String, String, String)> =
                sqlx::query_as("SELECT worktree, files, head FROM ledger_files WHERE ledger = ?")
                    .bind(id)
                    .fetch_all(&mut *transaction)
                    .await?;
            Ok(Some((ledger, files)))
        })?;
        let Some((ledger, files)) = rows else {
            return Ok(StoredLedger::default());
        };
        let damaged = || self.database.damaged();
        let stored = || -> Option<StoredLedger> {
            let entries: Vec<EntryColumns> =
                serde_json::from_str(ledger.try_get("entries").ok()?).ok()?;
            let entries = entries.into_iter().map(read_entry).collect::<Option<_>>()?;
            let skipped: Vec<String> =
                serde_json::from_str(ledger.try_get("skipped").ok()?).ok()?;
            let once_skipped =
                skipped.into_iter().map(|id| RevisionId::new(id).ok()).collect::<Option<_>>()?;
            let heads = files.iter().map(|(of, _, head)| (of.clone(), head.clone())).collect();
            let files = files
                .iter()
                .map(|(worktree, text, _)| Some((worktree.clone(), read_files(text)?)))
                .collect::<Option<_>>()?;
            let generation = Some(ledger.try_get("generation").ok()?);
            let ledger = Ledger { seen: read_seen(&ledger)?, entries, once_skipped };
            Some(StoredLedger { generation, ledger, files, heads })
        };
        stored().ok_or_else(damaged)
    }

    /// Writes a ledger that came from `before`, if it has changed, and unless somebody
    /// else has written it since: they saw the database later.
    pub fn save_ledger(
        &mut self,
        before: &StoredLedger,
        update: &LedgerUpdate<'_>,
    ) -> Result<Saved, JournalError> {
        let known_files = before.files.get(update.worktree.name());
        let known_head = before.heads.get(update.worktree.name()).map(String::as_str);
        let has_new_files = update
            .files
            .is_some_and(|files| known_files != Some(files) || known_head != Some(update.head));
        if before.generation.is_some() && before.ledger == *update.ledger && !has_new_files {
            return Ok(Saved::Unchanged);
        }
        let files = update.files.filter(|_| has_new_files).map(written_files);
        self.database.ask("write the ledger", async |connection| {
            let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
            let Some(id) = claim(&mut transaction, before.generation, update).await? else {
                return Ok(Saved::Overtaken);
            };
            if before.ledger.entries != update.ledger.entries || before.generation.is_none() {
                write_entries(&mut transaction, id, &update.ledger.entries).await?;
            }
            for revision in update.ledger.once_skipped.difference(&before.ledger.once_skipped) {
                sqlx::query(
                    "INSERT OR IGNORE INTO ledger_skipped (ledger, revision) VALUES (?, ?)",
                )
                .bind(id)
                .bind(revision.as_str())
                .execute(&mut *transaction)
                .await?;
            }
            if let Some(files) = files {
                sqlx::query(
                    "INSERT OR REPLACE INTO ledger_files (ledger, worktree, files, head) \
                     VALUES (?, ?, ?, ?)",
                )
                .bind(id)
                .bind(update.worktree.name())
                .bind(files)
                .bind(update.head)
                .execute(&mut *transaction)
                .await?;
            }
            for (body, bytes) in update.scripts {
                sqlx::query("INSERT OR IGNORE INTO script (body, bytes) VALUES (?, ?)")
                    .bind(body.as_str())
                    .bind(bytes.as_slice())
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await?;
            Ok(Saved::Written)
        })
    }

    /// The text of a script that was seen once.
    pub fn script(&mut self, body: &BodyHash) -> Result<Option<Vec<u8>>, JournalError> {
        self.database.ask("read a script", async |connection| {
            sqlx::query_scalar("SELECT bytes FROM script WHERE body = ?")
                .bind(body.as_str())
                .fetch_optional(connection)
                .await
        })
    }
}

impl StoredLedger {
    /// The ledger after [`Journal::save_ledger`] has written it.
    #[must_use]
    pub fn with(&self, ledger: Ledger) -> Self {
        let generation = Some(self.generation.map_or(0, |generation| generation + 1));
        Self { generation, ledger, files: self.files.clone(), heads: self.heads.clone() }
    }
}

/// Writes the ledger's own row, unless it is not the one that was read.
async fn claim(
    transaction: &mut SqliteConnection,
    generation: Option<i64>,
    update: &LedgerUpdate<'_>,
) -> Result<Option<i64>, sqlx::Error> {
    let found: Option<(i64, i64)> =
        sqlx::query_as("SELECT id, generation FROM ledger WHERE identity = ?")
            .bind(update.identity)
            .fetch_optional(&mut *transaction)
            .await?;
    if found.map(|(_, generation)| generation) != generation {
        return Ok(None);
    }
    let seen = update.ledger.seen.as_ref();
    let sql = match found {
        Some(_) => {
            "UPDATE ledger SET database = ?2, generation = ?3, version_rows = ?4, \
             fingerprint_identity = ?5, fingerprint_content = ?6 WHERE identity = ?1"
        }
        None => {
            "INSERT INTO ledger (identity, database, generation, version_rows, \
             fingerprint_identity, fingerprint_content) VALUES (?1, ?2, ?3, ?4, ?5, ?6)"
        }
    };
    let written = sqlx::query(sql)
        .bind(update.identity)
        .bind(update.database)
        .bind(generation.map_or(0, |generation| generation + 1))
        .bind(seen.map(|seen| seen.rows.join("\n")))
        .bind(seen.map(|seen| seen.fingerprint.identity.clone()))
        .bind(seen.map(|seen| seen.fingerprint.content.clone()))
        .execute(&mut *transaction)
        .await?;
    Ok(Some(found.map_or(written.last_insert_rowid(), |(id, _)| id)))
}

async fn write_entries(
    transaction: &mut SqliteConnection,
    ledger: i64,
    entries: &[LedgerEntry],
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM ledger_entry WHERE ledger = ?")
        .bind(ledger)
        .execute(&mut *transaction)
        .await?;
    for (seq, entry) in (0_i64..).zip(entries) {
        sqlx::query(
            "INSERT INTO ledger_entry \
             (ledger, seq, revision, body, path, below, evidence, is_empty) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(ledger)
        .bind(seq)
        .bind(entry.revision.as_str())
        .bind(entry.body.as_str())
        .bind(entry.path.as_str())
        .bind(entry.below.iter().map(RevisionId::as_str).collect::<Vec<_>>().join("\n"))
        .bind(entry.evidence.name())
        .bind(entry.is_empty)
        .execute(&mut *transaction)
        .await?;
    }
    Ok(())
}

/// The lines of a list that was written one a line.
pub(super) fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn read_seen(row: &SqliteRow) -> Option<Option<Observation>> {
    let rows: Option<String> = row.try_get("version_rows").ok()?;
    let Some(rows) = rows else { return Some(None) };
    let fingerprint = Fingerprint {
        identity: row.try_get("fingerprint_identity").ok()?,
        content: row.try_get("fingerprint_content").ok()?,
    };
    Some(Some(Observation { rows: lines(&rows), fingerprint }))
}

fn read_entry(columns: EntryColumns) -> Option<LedgerEntry> {
    let (revision, body, path, below, evidence, is_empty) = columns;
    Some(LedgerEntry {
        revision: RevisionId::new(revision).ok()?,
        body: BodyHash::from_hex(body),
        path: RepoPath::new(&path)?,
        below: below.lines().map(|id| RevisionId::new(id).ok()).collect::<Option<_>>()?,
        evidence: Evidence::parse(&evidence)?,
        is_empty: is_empty != 0,
    })
}

fn written_files(snapshot: &Snapshot) -> String {
    let rows: Vec<FileRow> = snapshot
        .graph
        .revisions()
        .iter()
        .zip(&snapshot.scripts)
        .map(|(revision, script)| FileRow {
            id: revision.id.to_string(),
            down: revision.down_revisions.iter().map(ToString::to_string).collect(),
            depends: revision.depends_on.iter().map(ToString::to_string).collect(),
            labels: revision.branch_labels.iter().map(ToString::to_string).collect(),
            message: revision.message.clone(),
            path: script.path.as_str().to_owned(),
            body: script.body.as_str().to_owned(),
            empty: script.is_empty,
        })
        .collect();
    serde_json::to_string(&rows).expect("strings and lists of strings")
}

fn read_files(text: &str) -> Option<Snapshot> {
    let rows: Vec<FileRow> = serde_json::from_str(text).ok()?;
    let mut revisions = Vec::with_capacity(rows.len());
    let mut scripts = Vec::with_capacity(rows.len());
    for row in rows {
        revisions.push(Revision {
            id: RevisionId::new(row.id).ok()?,
            down_revisions: row
                .down
                .into_iter()
                .map(|id| RevisionId::new(id).ok())
                .collect::<Option<_>>()?,
            depends_on: row.depends.into_iter().map(RevisionRef::new).collect(),
            branch_labels: row.labels.into_iter().map(BranchLabel::new).collect(),
            message: row.message,
        });
        scripts.push(SeenScript {
            path: RepoPath::new(&row.path)?,
            body: BodyHash::from_hex(row.body),
            is_empty: row.empty,
        });
    }
    Some(Snapshot::build(revisions, scripts))
}

/// Entries as a step keeps them.
pub(super) fn written_entries(entries: &[LedgerEntry]) -> String {
    let rows: Vec<EntryRow> = entries
        .iter()
        .map(|entry| EntryRow {
            revision: entry.revision.to_string(),
            body: entry.body.as_str().to_owned(),
            path: entry.path.as_str().to_owned(),
            below: entry.below.iter().map(ToString::to_string).collect(),
            evidence: entry.evidence.name().to_owned(),
            empty: entry.is_empty,
        })
        .collect();
    serde_json::to_string(&rows).expect("strings and lists of strings")
}

/// The entries of a step.
pub(super) fn read_entries(text: &str) -> Option<Vec<LedgerEntry>> {
    if text.is_empty() {
        // Written by a version that kept none.
        return Some(Vec::new());
    }
    let rows: Vec<EntryRow> = serde_json::from_str(text).ok()?;
    rows.into_iter()
        .map(|row| {
            Some(LedgerEntry {
                revision: RevisionId::new(row.revision).ok()?,
                body: BodyHash::from_hex(row.body),
                path: RepoPath::new(&row.path)?,
                below: row
                    .below
                    .into_iter()
                    .map(|id| RevisionId::new(id).ok())
                    .collect::<Option<_>>()?,
                evidence: Evidence::parse(&row.evidence)?,
                is_empty: row.empty,
            })
        })
        .collect()
}
