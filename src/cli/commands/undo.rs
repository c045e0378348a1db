//! `dbm-git undo`.

use super::super::completing::Candidates;
use super::super::environment;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops::undo::{self, Databases};
use crate::ops::{OperationId, OpsError, Repository};
use crate::report::{UndoReport, escaped_text};

/// Flags of `undo`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// The operation, as `dbm-git log` lists it; the last one without an ID
    #[arg(value_name = "ID", add = Candidates::undoable())]
    pub id: Option<i64>,
    /// Take the files back only, and leave the database as it is
    #[arg(long)]
    pub keep_database: bool,
    /// Put the copy of a SQLite database back that was made before the operation
    #[arg(long, conflicts_with = "keep_database")]
    pub restore_backup: bool,
    #[command(flatten)]
    pub database: super::DatabaseFlags,
}

/// Runs `dbm-git undo`.
pub fn run(flags: &Flags, ui: &Ui) -> Result<Exit, CliError> {
    let repository = Repository::open().map_err(OpsError::from)?;
    let mut access = super::write_access(&repository, ui)?;
    let host = environment::host(&flags.database);
    let databases = match flags {
        Flags { keep_database: true, .. } => Databases::Keep,
        Flags { restore_backup: true, .. } => Databases::Restore(&host),
        _ => Databases::TakeBack(&host),
    };
    let id = flags.id.map(OperationId);
    let outcome = undo::undo(&repository, &mut access, id, databases, &mut |line| {
        ui.note(&escaped_text(line))
    })?;
    let report = UndoReport::new(&outcome);
    ui.report(&report, || escaped_text(&report.to_string()));
    if outcome.is_of_an_undo() {
        ui.note(
            "note: this brought files back; where that undo has changed a database, `dbm-git sync` \
             brings it along",
        );
    }
    Ok(Exit::Done)
}
