//! `dbm-git doctor`.

use super::super::args::Global;
use super::super::environment;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use super::install::refused;
use crate::ops::doctor::{CheckupState, Fixed, doctor, fix};
use crate::ops::hook_facts::HooksSought;
use crate::ops::{OpsError, Repository, hook_road};
use crate::report::{DoctorReport, escaped_text, render_doctor};

/// Flags of `doctor`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Mend what can be mended without asking, then look again
    #[arg(long)]
    pub fix: bool,
    /// With --fix: say what would be mended, and change nothing
    #[arg(long, requires = "fix")]
    pub dry_run: bool,
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
    let options = || super::session_options(global);
    let host = environment::looking_host(flags.database_url.clone());
    let hooks = HooksSought {
        site: &hook_road::site(&repository).map_err(refused)?,
        program: &program,
        path: &host.path,
        are_off: environment::hooks_are_off(),
        silenced: &environment::silenced_managers(),
    };
    let mut outcome = doctor(options(), &host, hooks)?;
    let mut fixed: Vec<Fixed> = Vec::new();
    if flags.fix {
        for planned in outcome.fixes() {
            ui.note(&escaped_text(&format!("fix: {}", planned.plan())));
            if !flags.dry_run {
                let command = environment::command_line();
                fixed.push(fix(&planned, options(), hooks, &command, environment::now()));
            }
        }
        for failed in fixed.iter().filter_map(|fixed| fixed.failure.as_ref()) {
            ui.note(&escaped_text(&format!("not fixed: {failed}")));
        }
        if !fixed.is_empty() {
            outcome = doctor(options(), &host, hooks)?;
        }
    }
    let report = DoctorReport::new(&outcome, &fixed);
    ui.report(&report, || escaped_text(&render_doctor(&outcome, ui.unicode)));
    Ok(if outcome.state() == CheckupState::Error { Exit::Problems } else { Exit::Done })
}
