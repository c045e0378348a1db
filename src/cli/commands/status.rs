//! `dbm-git status`.

use super::super::args::Global;
use super::super::environment;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops;
use crate::plan::DatabaseState;
use crate::report::{StatusReport, escaped_text, render_status};

/// Flags of `status`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// The database to look at, instead of the configured one
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Exit with 1 unless every database is up to date
    #[arg(long)]
    pub exit_code: bool,
}

/// Runs `dbm-git status`.
pub fn run(flags: &Flags, global: &Global, ui: &Ui) -> Result<Exit, CliError> {
    let session = super::session(global, false)?;
    super::mention_open_operation(&session.repository, ui);
    let statuses =
        ops::status::status(&session, &environment::looking_host(flags.database_url.clone()))?;
    let report = StatusReport::new(&statuses);
    ui.report(&report, || escaped_text(&render_status(&statuses, ui.unicode)));
    let up_to_date = statuses.iter().all(|s| s.state == DatabaseState::UpToDate);
    Ok(if flags.exit_code && !up_to_date { Exit::Problems } else { Exit::Done })
}
