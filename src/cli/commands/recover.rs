//! `dbm-git recover`.

use super::super::environment;
use super::super::error::{CliError, Kind};
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops::transaction::{RecoverMode, RecoverOutcome};
use crate::ops::{OpsError, Repository, WriteAccess};
use crate::report::RecoverReport;

/// Flags of `recover`.
#[derive(Debug, clap::Args)]
#[group(multiple = false)]
pub struct Flags {
    /// Make all files new
    #[arg(long)]
    pub finish: bool,
    /// Make all files old
    #[arg(long)]
    pub rollback: bool,
    /// Leave all files as they are and forget the operation
    #[arg(long)]
    pub discard: bool,
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
    let report = RecoverReport::new(&outcome);
    ui.report(&report, || report.to_string());
    Ok(Exit::Done)
}
