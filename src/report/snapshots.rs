//! Snapshots of databases: those that there are, and what became of some.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use super::journal::local_time;
use crate::ops::snapshots::{Restored, SnapshotsOutcome};
use crate::plan::DatabaseSnapshot;

/// `snapshots --format json`, with each of its subcommands.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SnapshotsReport {
    pub version: u32,
    /// What `undo` takes to take a restore back; null otherwise.
    pub operation: Option<i64>,
    pub dry_run: bool,
    /// Those that were taken.
    pub saved: Vec<SnapshotReport>,
    pub restored: Vec<RestoredReport>,
    /// Those that were deleted, or would be.
    pub dropped: Vec<SnapshotReport>,
    /// All that there are afterwards, the oldest first.
    pub snapshots: Vec<SnapshotReport>,
    pub limits: SnapshotLimitsReport,
    #[serde(skip)]
    now: i64,
}

/// What all snapshots of a clone may come to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SnapshotLimitsReport {
    pub count: usize,
    pub bytes: u64,
}

/// One snapshot.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct SnapshotReport {
    pub id: i64,
    /// What a person has called it; null for one that a branch was left with.
    pub name: Option<String>,
    pub branch: Option<String>,
    /// The commit that was checked out.
    pub commit: Option<String>,
    pub component: String,
    /// The URL of the database that it was taken of, without the password.
    pub database: String,
    #[schemars(extend("enum" = ["file", "database", "dump"]))]
    pub kind: &'static str,
    /// The file's name below `dbm-git/snapshots`, or the database's on its server.
    pub place: String,
    /// Its version rows.
    pub rows: Vec<String>,
    pub bytes: u64,
    /// RFC 3339, in the local time zone.
    pub time: String,
    #[serde(skip)]
    created_at: i64,
}

/// A snapshot that took a database's place, or would.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RestoredReport {
    pub component: String,
    pub database: String,
    pub snapshot: SnapshotReport,
    pub rows_before: Vec<String>,
    pub rows_after: Vec<String>,
    /// What was there before; null in a dry run, and where there was nothing.
    pub kept: Option<SnapshotReport>,
}

impl SnapshotsReport {
    /// The report of `outcome`.
    pub fn new(outcome: &SnapshotsOutcome) -> Self {
        let all = |snapshots: &[DatabaseSnapshot]| snapshots.iter().map(snapshot).collect();
        Self {
            version: 1,
            operation: outcome.operation.map(|id| id.0),
            dry_run: outcome.dry_run,
            saved: all(&outcome.saved),
            restored: outcome.restored.iter().map(restored).collect(),
            dropped: all(&outcome.dropped),
            snapshots: all(&outcome.snapshots),
            limits: SnapshotLimitsReport {
                count: outcome.bounds.count,
                bytes: outcome.bounds.bytes,
            },
            now: outcome.now,
        }
    }

    /// The text of a list.
    pub fn table(&self) -> String {
        if self.snapshots.is_empty() {
            return "there are no snapshots\n".to_owned();
        }
        let mut rows = vec![["ID", "OF", "DATABASE", "AT", "SIZE", "AGE"].map(str::to_owned)];
        rows.extend(self.snapshots.iter().map(|s| s.cells(self.now)));
        let widths: Vec<usize> = (0..rows[0].len())
            .map(|at| rows.iter().map(|row| row[at].chars().count()).max().unwrap_or(0))
            .collect();
        let mut text = String::new();
        for row in &rows {
            let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
            text += cells.collect::<Vec<_>>().join("  ").trim_end();
            text.push('\n');
        }
        let bytes = self.snapshots.iter().map(|s| s.bytes).sum();
        text + &format!(
            "{} of at most {}, {} of at most {}\n",
            self.snapshots.len(),
            self.limits.count,
            sized(bytes),
            sized(self.limits.bytes)
        )
    }
}

impl fmt::Display for SnapshotsReport {
    /// What was done, or would be.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for saved in &self.saved {
            writeln!(f, "{} is snapshot {} ({})", saved.database, saved.id, saved.described())?;
        }
        for restored in &self.restored {
            let RestoredReport { database, snapshot, rows_before, .. } = restored;
            let state = [rows_before, &restored.rows_after].map(|rows| shown(rows));
            writeln!(
                f,
                "{database}: {} -> {}, with the data of {}",
                state[0],
                state[1],
                snapshot.title()
            )?;
            match &restored.kept {
                Some(kept) => writeln!(f, "  what was there is snapshot {}", kept.id)?,
                None if self.dry_run => writeln!(f, "  what is there is kept as a snapshot")?,
                None => writeln!(f, "  there was nothing before")?,
            }
        }
        for dropped in &self.dropped {
            writeln!(f, "snapshot {} is dropped ({})", dropped.id, dropped.described())?;
        }
        if self.saved.is_empty() && self.restored.is_empty() && self.dropped.is_empty() {
            writeln!(f, "nothing to do")?;
        }
        if self.dry_run {
            writeln!(f, "dry run, nothing was changed")?;
        } else if let Some(operation) = self.operation {
            writeln!(f, "Undo with: dbm-git undo {operation}")?;
        }
        Ok(())
    }
}

impl SnapshotReport {
    fn cells(&self, now: i64) -> [String; 6] {
        [
            self.id.to_string(),
            self.title(),
            self.database.clone(),
            shown(&self.rows),
            sized(self.bytes),
            age(now - self.created_at),
        ]
    }

    fn title(&self) -> String {
        match (&self.name, &self.branch) {
            (Some(name), _) => format!("\"{name}\""),
            (None, Some(branch)) => branch.clone(),
            (None, None) => "(no branch)".to_owned(),
        }
    }

    fn described(&self) -> String {
        format!("{}, at {}, {}", self.title(), shown(&self.rows), sized(self.bytes))
    }
}

fn snapshot(snapshot: &DatabaseSnapshot) -> SnapshotReport {
    SnapshotReport {
        id: snapshot.id.0,
        name: snapshot.name.clone(),
        branch: snapshot.branch.clone(),
        commit: snapshot.commit.clone(),
        component: snapshot.component.clone(),
        database: snapshot.database.clone(),
        kind: snapshot.kind.name(),
        place: snapshot.place.clone(),
        rows: snapshot.rows.clone(),
        bytes: snapshot.bytes,
        time: local_time(snapshot.created_at),
        created_at: snapshot.created_at,
    }
}

fn restored(restored: &Restored) -> RestoredReport {
    RestoredReport {
        component: restored.component.clone(),
        database: restored.database.clone(),
        snapshot: snapshot(&restored.snapshot),
        rows_before: restored.rows_before.clone(),
        rows_after: restored.snapshot.rows.clone(),
        kept: restored.kept.as_ref().map(snapshot),
    }
}

fn shown(rows: &[String]) -> String {
    if rows.is_empty() { "no revision".to_owned() } else { rows.join(", ") }
}

fn sized(bytes: u64) -> String {
    const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match UNITS.iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, name)) => format!("{}.{} {name}", bytes / unit, bytes % unit * 10 / unit),
        None => format!("{bytes} bytes"),
    }
}

fn age(seconds: i64) -> String {
    const UNITS: [(i64, &str); 4] =
        [(86_400 * 7, "weeks"), (86_400, "days"), (3_600, "hours"), (60, "minutes")];
    match UNITS.iter().find(|(unit, _)| seconds >= 2 * unit) {
        Some((unit, name)) => format!("{} {name}", seconds / unit),
        None => format!("{} seconds", seconds.max(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{Ledger, SnapshotId, SnapshotKind};

    fn kept(id: i64, name: Option<&str>, branch: Option<&str>, rows: &[&str]) -> DatabaseSnapshot {
        DatabaseSnapshot {
            id: SnapshotId(id),
            name: name.map(str::to_owned),
            branch: branch.map(str::to_owned),
            commit: None,
            component: "default".to_owned(),
            database: "sqlite:///db.sqlite".to_owned(),
            identity: "db".to_owned(),
            kind: SnapshotKind::File,
            place: format!("{id}.snapshot"),
            rows: rows.iter().map(|row| (*row).to_owned()).collect(),
            ledger: Ledger::default(),
            bytes: 3 << (10 * id),
            created_at: 1_700_000_000 - id * 4000,
        }
    }

    #[test]
    fn the_list_shows_of_whom_each_is_and_what_all_of_them_take() {
        let snapshots = vec![
            kept(1, None, Some("feature"), &["f", "m"]),
            kept(2, Some("before the demo"), Some("main"), &["m"]),
            kept(3, None, None, &[]),
        ];
        let now = 1_700_000_000;
        let outcome = SnapshotsOutcome { snapshots, now, ..SnapshotsOutcome::default() };
        insta::assert_snapshot!(SnapshotsReport::new(&outcome).table(), @r#"
        ID  OF                 DATABASE             AT           SIZE     AGE
        1   feature            sqlite:///db.sqlite  f, m         3.0 KiB  66 minutes
        2   "before the demo"  sqlite:///db.sqlite  m            3.0 MiB  2 hours
        3   (no branch)        sqlite:///db.sqlite  no revision  3.0 GiB  3 hours
        3 of at most 10, 3.0 GiB of at most 2.0 GiB
        "#);
    }

    #[test]
    fn a_restore_says_what_it_keeps_and_how_to_take_it_back() {
        let restored = Restored {
            component: "default".to_owned(),
            database: "sqlite:///db.sqlite".to_owned(),
            snapshot: kept(1, None, Some("feature"), &["f"]),
            rows_before: vec!["m".to_owned()],
            kept: Some(kept(2, None, Some("main"), &["m"])),
        };
        let outcome = SnapshotsOutcome {
            operation: Some(crate::ops::OperationId(4)),
            restored: vec![restored],
            dropped: vec![kept(3, None, Some("old"), &["o"])],
            ..SnapshotsOutcome::default()
        };
        insta::assert_snapshot!(SnapshotsReport::new(&outcome).to_string(), @"
        sqlite:///db.sqlite: m -> f, with the data of feature
          what was there is snapshot 2
        snapshot 3 is dropped (old, at o, 3.0 GiB)
        Undo with: dbm-git undo 4
        ");
    }
}
