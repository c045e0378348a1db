//! `dbm-git log`.

use super::super::completing::Candidates;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops::{OperationId, Repository, write_access};
use crate::report::{LogReport, escaped_text, render_diff};

/// Flags of `log`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Show the diff of this operation
    #[arg(value_name = "ID", add = Candidates::operations())]
    pub id: Option<i64>,
    /// How many operations to show
    #[arg(short = 'n', long, default_value_t = 20, value_name = "N")]
    pub limit: u32,
}

/// Runs `dbm-git log`.
pub fn run(flags: &Flags, ui: &Ui) -> Result<Exit, CliError> {
    let repository = Repository::open().map_err(crate::ops::OpsError::from)?;
    super::mention_open_operation(&repository, ui);
    if let Some(id) = flags.id {
        let (entry, changes) = write_access::operation(&repository, OperationId(id))
            .map_err(crate::ops::OpsError::from)?;
        let diff = render_diff(&changes);
        ui.report(&LogReport::with_diff(&entry, &diff), || escaped_text(&diff));
        return Ok(Exit::Done);
    }
    let entries =
        write_access::log(&repository, flags.limit).map_err(crate::ops::OpsError::from)?;
    let report = LogReport::new(&entries);
    ui.report(&report, || escaped_text(&report.to_string()));
    Ok(Exit::Done)
}
