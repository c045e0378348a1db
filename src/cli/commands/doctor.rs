//! `dbm-git doctor`.

use super::super::args::Global;
use super::super::environment;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use super::install::site;
use crate::ops::doctor::{HooksSought, doctor};
use crate::ops::{OpsError, Repository, SessionOptions};
use crate::report::{DoctorReport, escaped_text, render_doctor};

/// Flags of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// The database to look at, instead of the configured one
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
}

/// Runs `dbm-git doctor`.
pub fn run(flags: &Flags, global: &Global, ui: &Ui) -> Result<Exit, CliError> {
    let repository = Repository::open().map_err(OpsError::from)?;
    let program = environment::binary().ok_or_else(|| {
        CliError::usage("the path of this binary is not known, so its hooks cannot be told")
    })?;
    let options = SessionOptions {
        components: global.component.clone(),
        base: global.base.clone(),
        at: global.at.clone(),
        staged: false,
    };
    let hooks = HooksSought {
        site: &site(&repository),
        program: &program,
        are_off: environment::hooks_are_off(),
    };
    let host = environment::looking_host(flags.database_url.clone());
    let outcome = doctor(options, &host, hooks)?;
    ui.report(&DoctorReport::new(&outcome), || escaped_text(&render_doctor(&outcome, ui.unicode)));
    Ok(if outcome.problems() == 0 { Exit::Done } else { Exit::Problems })
}
