//! `dbm-git completions SHELL`.

use clap_complete::Shell;

use super::super::completing;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;

/// Flags of `completions`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// The shell to write the script for
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Runs `dbm-git completions`.
pub fn run(flags: &Flags, ui: &Ui) -> Result<Exit, CliError> {
    ui.answer(&completing::script(flags.shell));
    Ok(Exit::Done)
}
