//! `dbm-git doctor`.

use std::path::PathBuf;

use super::super::args::Global;
use super::super::environment;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use super::install::refused;
use crate::ops::doctor::{CheckupState, Fixed, doctor, fix};
use crate::ops::hook_facts::HooksSought;
use crate::ops::install::HookSite;
use crate::ops::status::Host;
use crate::ops::{OpsError, Repository, hook_road};
use crate::plan::hook::HookManager;
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
    let options = || super::session_options(global);
    let host = environment::looking_host(flags.database_url.clone());
    let words = HookWords::new(&repository)?;
    let hooks = words.sought(&host);
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

/// What of the surroundings decides whether git's hooks call us.
pub struct HookWords {
    site: HookSite,
    program: PathBuf,
    are_off: bool,
    silenced: Vec<(HookManager, String)>,
}

impl HookWords {
    /// Reads them.
    pub fn new(repository: &Repository) -> Result<Self, CliError> {
        Ok(Self {
            site: hook_road::site(repository).map_err(refused)?,
            program: environment::binary().ok_or_else(|| {
                CliError::usage("the path of this binary is not known, so its hooks cannot be told")
            })?,
            are_off: environment::hooks_are_off(),
            silenced: environment::silenced_managers(),
        })
    }

    /// In the form in which hooks are looked for.
    pub fn sought<'a>(&'a self, host: &'a Host) -> HooksSought<'a> {
        HooksSought {
            site: &self.site,
            program: &self.program,
            path: &host.path,
            are_off: self.are_off,
            silenced: &self.silenced,
        }
    }
}
