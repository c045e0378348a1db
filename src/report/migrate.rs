//! Migrations that ran, or would.

use schemars::JsonSchema;
use serde::Serialize;

use super::FindingReport;
use super::review::render_review;
use crate::ops::migrate::{ComponentMigration, Migration};
use crate::plan::{DatabaseState, Direction};

/// `migrate --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MigrateReport {
    pub version: u32,
    pub dry_run: bool,
    pub components: Vec<ComponentMigrateReport>,
}

/// One component of a migration.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ComponentMigrateReport {
    pub name: String,
    /// Its URL, without the password.
    pub database: String,
    /// What `undo` takes to take it back; null if nothing ran.
    pub operation: Option<i64>,
    #[schemars(extend("enum" = ["upgrade", "downgrade"]))]
    pub direction: &'static str,
    pub target: String,
    /// What ran (or would), in order.
    pub migrations: Vec<MigrationReport>,
    pub rows_before: Vec<String>,
    pub rows_after: Vec<String>,
    /// What `status` says afterwards.
    #[schemars(extend("enum" = DatabaseState::names()))]
    pub state: &'static str,
    /// The copy from before it.
    pub backup: Option<String>,
    /// Why nothing ran.
    pub refused: Option<String>,
}

/// One migration of a component's migration.
#[derive(Debug, Serialize, JsonSchema)]
pub struct MigrationReport {
    pub revision: String,
    pub message: String,
    pub path: String,
    pub destructive: Vec<DestructiveReport>,
    /// What there is to look at before it runs, as `check --review` says it; empty without
    /// `--dry-run`.
    pub review: Vec<FindingReport>,
}

/// An operation that loses data.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DestructiveReport {
    pub line: u32,
    pub what: String,
}

impl MigrateReport {
    /// The report of `components`.
    pub fn new(components: &[ComponentMigration], dry_run: bool) -> Self {
        Self { version: 1, dry_run, components: components.iter().map(component).collect() }
    }
}

fn component(outcome: &ComponentMigration) -> ComponentMigrateReport {
    let migrations = outcome.migrations.as_deref().unwrap_or_default();
    ComponentMigrateReport {
        name: outcome.name.clone(),
        database: outcome.database.clone(),
        operation: outcome.operation.map(|id| id.0),
        direction: outcome.direction.name(),
        target: outcome.target.clone(),
        migrations: migrations.iter().map(migration).collect(),
        rows_before: outcome.rows_before.clone(),
        rows_after: outcome.rows_after.clone(),
        state: outcome.state.name(),
        backup: outcome.backup.as_ref().map(|path| path.display().to_string()),
        refused: outcome.migrations.as_ref().err().map(ToString::to_string),
    }
}

fn migration(migration: &Migration) -> MigrationReport {
    MigrationReport {
        revision: migration.revision.to_string(),
        message: migration.message.clone(),
        path: migration.path.clone(),
        destructive: migration
            .destructive
            .iter()
            .map(|d| DestructiveReport { line: d.line, what: d.what.clone() })
            .collect(),
        review: migration.review.iter().map(FindingReport::from).collect(),
    }
}

/// The human form: what ran, where the database is now, what to do next.
pub fn render_migration(outcome: &ComponentMigration, dry_run: bool, unicode: bool) -> String {
    let Ok(migrations) = &outcome.migrations else { return String::new() };
    let rows = |rows: &[String]| match rows {
        [] => "no revision".to_owned(),
        rows => rows.join(", "),
    };
    let name = &outcome.name;
    if migrations.is_empty() {
        return format!(
            "{name}: nothing to run, {} is at {}\n",
            outcome.database,
            rows(&outcome.rows_after)
        );
    }
    let verb = match (outcome.direction, dry_run) {
        (Direction::Upgrade, true) => "would apply",
        (Direction::Upgrade, false) => "applied",
        (Direction::Downgrade, true) => "would revert",
        (Direction::Downgrade, false) => "reverted",
    };
    let count = migrations.len();
    let noun = if count == 1 { "migration" } else { "migrations" };
    let mut text = format!("{name}: {verb} {count} {noun} in {}\n", outcome.database);
    for migration in migrations {
        let mark = match (dry_run, unicode) {
            (true, _) => "-",
            (false, true) => "✓",
            (false, false) => "*",
        };
        text += &format!("  {mark} {}", migration.revision);
        if !migration.message.is_empty() {
            text += &format!(" ({})", migration.message);
        }
        text.push('\n');
        for destructive in &migration.destructive {
            let sign = if unicode { "⚠️ " } else { "!" };
            text += &format!(
                "      {sign} {}:{}: {}\n",
                migration.path, destructive.line, destructive.what
            );
        }
        text += &render_review(&migration.review, &migration.destructive, "      ");
    }
    if dry_run {
        return text
            + &format!("  then at {}; dry run, nothing was changed\n", rows(&outcome.rows_after));
    }
    text += &format!("  now at {}: {}\n", rows(&outcome.rows_after), state(outcome));
    if outcome.direction == Direction::Downgrade {
        text += "  what they had created is dropped, and the data in it with it\n";
        if let Some(backup) = &outcome.backup {
            text += &format!("  as it was before: {}\n", backup.display());
        }
    }
    if let Some(hint) = &outcome.hint {
        text += &format!("  next: {hint}\n");
    }
    if let Some(operation) = outcome.operation {
        text += &format!("Undo with: dbm-git undo {operation}\n");
    }
    text
}

fn state(outcome: &ComponentMigration) -> String {
    match outcome.state {
        DatabaseState::UpToDate => "up to date".to_owned(),
        DatabaseState::Behind | DatabaseState::NoRevision => {
            format!("{} pending", outcome.pending)
        }
        other => other.name().to_owned(),
    }
}
