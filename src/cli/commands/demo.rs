//! `dbm-git demo`.

use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;

/// Flags of `demo`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Keep the scratch repository and say where it is
    #[arg(long)]
    pub keep: bool,
}

/// Runs `dbm-git demo`.
pub fn run(flags: &Flags, ui: &Ui) -> Result<Exit, CliError> {
    let _ = (flags, ui);
    Err(CliError::usage("the demo is not written yet"))
}
