//! `dbm-git undo`.

use super::super::environment;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops::{OperationId, OpsError, Repository, undo};
use crate::report::{UndoReport, escaped_text};

/// Flags of `undo`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// The operation, as `dbm-git log` lists it; the last one without an ID
    #[arg(value_name = "ID")]
    pub id: Option<i64>,
    /// Take the files back only, and leave the database as it is
    #[arg(long)]
    pub keep_database: bool,
    /// The database to take back, instead of the configured one
    #[arg(long, value_name = "URL", conflicts_with = "keep_database")]
    pub database_url: Option<String>,
}

/// Runs `dbm-git undo`.
pub fn run(flags: &Flags, ui: &Ui) -> Result<Exit, CliError> {
    let repository = Repository::open().map_err(OpsError::from)?;
    let mut access = super::write_access(&repository, ui)?;
    let host = (!flags.keep_database).then(|| environment::host(flags.database_url.clone()));
    let outcome = undo::undo(
        &repository,
        &mut access,
        flags.id.map(OperationId),
        host.as_ref(),
        &mut |line| ui.note(line),
    )?;
    let report = UndoReport::new(&outcome);
    ui.report(&report, || escaped_text(&report.to_string()));
    Ok(Exit::Done)
}
