//! `dbm-git merge`.

use super::super::args::Global;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use super::rebase::{Common, rewrite};
use crate::ops::rebase::RebaseOptions;

/// Flags of `merge`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// The message of the merge revision
    #[arg(short, long, value_name = "TEXT")]
    pub message: Option<String>,
    #[command(flatten)]
    pub common: Common,
}

/// Runs `dbm-git merge`.
pub fn run(flags: &Flags, global: &Global, ui: &Ui) -> Result<Exit, CliError> {
    let options = RebaseOptions {
        merge_only: true,
        message: flags.message.clone(),
        dry_run: flags.common.dry_run,
        commit: flags.common.committing(),
        ..RebaseOptions::default()
    };
    rewrite(&options, &flags.common, global, ui)
}
