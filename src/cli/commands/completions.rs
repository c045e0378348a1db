//! `dbm-git completions SHELL`.

use clap::CommandFactory;
use clap_complete::Shell;

use super::super::args::Args;
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
    let mut script = Vec::new();
    clap_complete::generate(flags.shell, &mut Args::command(), "dbm-git", &mut script);
    ui.answer(&String::from_utf8_lossy(&script));
    Ok(Exit::Done)
}
