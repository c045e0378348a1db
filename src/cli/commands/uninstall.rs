//! `dbm-git uninstall`.

use super::super::environment;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use super::install::refused;
use crate::ops::hook_road;
use crate::ops::install::HookOptions;
use crate::ops::{OpsError, Repository, snapshots};
use crate::report::{InstallReport, escaped_text};

/// Flags of `uninstall`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Remove what can be removed, and leave the rest
    #[arg(long)]
    pub partial: bool,
    /// Also in a folder that other repositories use
    #[arg(long)]
    pub force: bool,
}

/// Runs `dbm-git uninstall`.
pub fn run(flags: &Flags, ui: &Ui) -> Result<Exit, CliError> {
    let repository = Repository::open().map_err(OpsError::from)?;
    let options = HookOptions { partial: flags.partial, force: flags.force };
    let site = hook_road::site(&repository).map_err(refused)?;
    let outcome = hook_road::uninstall(&repository, &site, options).map_err(refused)?;
    let report = InstallReport::uninstalled(&outcome);
    ui.report(&report, || escaped_text(&report.to_string()));
    let kept = snapshots::list(&repository, environment::now())?.snapshots.len();
    if kept > 0 {
        let (noun, them) = match kept {
            1 => ("snapshot of a database stays", "shows it"),
            _ => ("snapshots of databases stay", "lists them"),
        };
        ui.note(&format!(
            "note: {kept} {noun}, in {} or on a server; `dbm-git snapshots` {them}",
            snapshots::folder(&repository).display()
        ));
    }
    Ok(Exit::Done)
}
