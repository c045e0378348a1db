//! `dbm-git recover`.

use super::super::environment;
use super::super::error::{CliError, Kind};
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops::settle::{SettleOutcome, settle};
use crate::ops::status::Host;
use crate::ops::transaction::{RecoverMode, RecoverOutcome};
use crate::ops::{OpsError, Repository, Session, SessionOptions, WriteAccess};
use crate::report::{RecoverReport, SettleReport, escaped_text};

/// Flags of `recover`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Make all files new, and bring the database to the heads
    #[arg(long, conflicts_with_all = ["rollback", "discard"])]
    pub finish: bool,
    /// Make all files old, and the database as it was before
    #[arg(long, conflicts_with = "discard")]
    pub rollback: bool,
    /// Leave everything as it is and forget the operation
    #[arg(long)]
    pub discard: bool,
    #[command(flatten)]
    pub database: super::DatabaseFlags,
}

/// Runs `dbm-git recover`.
pub fn run(flags: &Flags, ui: &Ui) -> Result<Exit, CliError> {
    let repository = Repository::open().map_err(OpsError::from)?;
    if repository.is_bare() {
        return Err(OpsError::Bare.into());
    }
    let mode = match flags {
        Flags { finish: true, .. } => RecoverMode::Finish,
        Flags { rollback: true, .. } => RecoverMode::Rollback,
        Flags { discard: true, .. } => RecoverMode::Discard,
        _ => RecoverMode::Auto,
    };
    let command = environment::command_line();
    let mut access = WriteAccess::locked(&repository, &command, environment::now())?;
    let outcome = access.recover(&repository, mode)?;
    if let RecoverOutcome::Blocked { operation, paths } = &outcome {
        let error: CliError =
            OpsError::Interrupted { id: operation.id, paths: paths.clone() }.into();
        debug_assert_eq!(error.kind, Kind::Interrupted, "recover reports what blocks it");
        return Err(error);
    }
    if outcome == RecoverOutcome::NothingOpen {
        let host = environment::host(&flags.database);
        return databases(&host, mode, &mut access, ui);
    }
    let report = RecoverReport::new(&outcome);
    ui.report(&report, || report.to_string());
    Ok(Exit::Done)
}

/// Settles steps in databases that were interrupted.
fn databases(
    host: &Host,
    mode: RecoverMode,
    access: &mut WriteAccess,
    ui: &Ui,
) -> Result<Exit, CliError> {
    let open = RecoverReport::new(&RecoverOutcome::NothingOpen);
    let Some(operation) = access.open_steps()? else {
        ui.report(&open, || open.to_string());
        return Ok(Exit::Done);
    };
    let session = Session::open(SessionOptions::default())?;
    ui.note(&format!("operation {operation} was interrupted while it changed a database"));
    let mut line = super::alembic_line(ui);
    let settled = settle(&session, host, access, mode, &mut line)?;
    let report = SettleReport::new(&settled);
    ui.report(&report, || escaped_text(&report.to_string()));
    if let SettleOutcome::Finished { outcome, .. } = &settled
        && outcome.is_refused()
    {
        return Ok(Exit::Problems);
    }
    Ok(Exit::Done)
}
