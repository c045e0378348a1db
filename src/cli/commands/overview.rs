//! `dbm-git`, without any command: the repository at a glance.

use clap::CommandFactory;

use super::super::args::{Args, Global};
use super::super::environment;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use super::doctor::HookWords;
use crate::ops::overview::overview;
use crate::ops::{OpsError, Repository};
use crate::report::{OverviewReport, escaped_text, render_overview};

/// Shows what there is, and the one command to go on with; elsewhere the help.
pub fn run(global: &Global, ui: &Ui) -> Result<Exit, CliError> {
    if global.at.is_some() {
        return Err(CliError::usage("--at is for commands that look at a commit: check, graph"));
    }
    let repository = match Repository::open().map_err(OpsError::from) {
        Ok(repository) => repository,
        Err(error) if error.is_elsewhere() && !ui.is_json() => {
            ui.answer(&Args::command().render_help().to_string());
            return Ok(Exit::Done);
        }
        Err(error) => return Err(error.into()),
    };
    let session = super::session(global, false)?;
    let words = HookWords::new(&repository)?;
    let host = environment::looking_host(None);
    let seen = overview(&session, &host, words.sought(&host))?;
    ui.report(&OverviewReport::new(&seen), || escaped_text(&render_overview(&seen, ui.unicode)));
    Ok(Exit::Done)
}
