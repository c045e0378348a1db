//! `dbm-git install`.

use std::path::PathBuf;

use super::super::environment;
use super::super::error::{CliError, Kind};
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops::hook_facts::HooksSought;
use crate::ops::hook_road::{self, HookRoad};
use crate::ops::install::{self, FragileHooks, HookOptions, InstallOutcome, Installed};
use crate::ops::{self, OpsError, Repository, Session, SessionOptions};
use crate::report::{InstallReport, WHAT_HAPPENS_WHEN, escaped_text};

/// Flags of `install`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Install the hooks that can be installed, and leave the others
    #[arg(long)]
    pub partial: bool,
    /// Install even where core.hooksPath names a folder that other repositories use
    #[arg(long)]
    pub force: bool,
    /// Show what would be done and write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Where: in files, or in git's configuration (git 2.54 and newer) [default: what git knows]
    #[arg(long, value_name = "ROAD")]
    pub via: Option<Road>,
    /// The binary that the hooks call, instead of this one
    #[arg(long, value_name = "PATH", hide = true)]
    pub program: Option<PathBuf>,
}

/// How git comes to call us.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Road {
    /// Files in git's hooks folder
    Files,
    /// Sections of this clone's configuration
    Config,
}

/// Runs `dbm-git install`.
pub fn run(flags: &Flags, ui: &Ui) -> Result<Exit, CliError> {
    let repository = Repository::open().map_err(OpsError::from)?;
    let program = flags.program.clone().or_else(environment::binary).ok_or_else(|| {
        CliError::usage("the path of this binary is not known").hint("name it with --program")
    })?;
    let sought = HooksSought {
        site: &hook_road::site(&repository).map_err(refused)?,
        program: &program,
        path: &environment::search_path(),
        are_off: environment::hooks_are_off(),
        silenced: &environment::silenced_managers(),
    };
    let options = HookOptions { partial: flags.partial, force: flags.force };
    let road = match flags.via {
        None => HookRoad::of(&repository),
        Some(Road::Files) => HookRoad::Files,
        Some(Road::Config) => HookRoad::Configuration,
    };
    let run = if flags.dry_run { hook_road::plan } else { hook_road::install };
    let outcome = run(road, &repository, sought, options).map_err(refused)?;
    if !flags.dry_run {
        remember();
    }
    let report = InstallReport::installed(&outcome);
    ui.report(&report, || {
        let is_said = !flags.dry_run && !ui.quiet;
        escaped_text(&report.to_string()) + if is_said { WHAT_HAPPENS_WHEN } else { "" }
    });
    if !ui.is_json() {
        say(&outcome, flags.dry_run, ui);
    }
    Ok(Exit::Done)
}

/// What a refusal helps to do.
pub fn refused(error: install::InstallError) -> CliError {
    let kind = match &error {
        install::InstallError::ExternalFolder { .. } | install::InstallError::Refused(_) => {
            Kind::Refused
        }
        _ => Kind::Environment,
    };
    let mut shown = CliError::of(kind, &error);
    match &error {
        install::InstallError::ExternalFolder { .. } => {
            shown = shown.hint(
                "core.hooksPath names it; unset it for this repository, or say --force to change \
                 the hooks of all repositories that use it",
            );
        }
        install::InstallError::Refused(hooks) => {
            for hook in hooks {
                shown = shown.hint(format!("{}: {}", hook.path.display(), hook.reason));
                if let Some(snippet) = &hook.snippet {
                    shown = shown.hint(format!("add this by hand to {}:\n{snippet}", hook.hook));
                }
            }
            shown = shown.hint("--partial installs the others");
        }
        _ => {}
    }
    shown
}

/// The hooks compare with what was seen last; from now on that is today's state.
fn remember() {
    let look = || -> Result<(), OpsError> {
        let session = Session::open(SessionOptions::default())?;
        let Some(head) = session.repository.head()? else { return Ok(()) };
        let components: Vec<_> = session.components()?.into_iter().cloned().collect();
        ops::hook::remember(&session.repository, head, &components)
    };
    // Without it the first hook looks once more than it has to.
    let _ = look();
}

fn say(outcome: &InstallOutcome, dry_run: bool, ui: &Ui) {
    for hook in &outcome.hooks {
        if let Installed::Refused { reason, snippet } = &hook.result {
            ui.note(&format!("warning: {} was left alone: {reason}", hook.path.display()));
            ui.note(&format!("add this to it by hand:\n{snippet}"));
        }
    }
    for fragile in &outcome.fragile {
        say_what_outlasts(fragile, ui);
    }
    if outcome.lies_in_worktree {
        ui.note(
            "note: this hooks folder is in the working tree, so a commit may take the hooks along, \
             with the path of this machine's binary in them",
        );
    }
    if dry_run {
        ui.note("dry run: nothing was written");
    }
}

/// A manager will write its hooks anew; what it reads itself is safe from that.
fn say_what_outlasts(fragile: &FragileHooks, ui: &Ui) {
    let hooks: Vec<&str> = fragile.hooks.iter().map(|hook| hook.name()).collect();
    ui.note(&format!(
        "note: {} writes {} anew when it installs, and our lines with it; run `dbm-git install` \
         again then. To outlast that, say `dbm-git uninstall` and add these lines instead:",
        fragile.manager.name(),
        hooks.join(", ")
    ));
    for lines in &fragile.lines {
        let then = lines.then.as_ref().map(|then| format!(", then `{then}`")).unwrap_or_default();
        ui.note(&format!("to {}{then}:\n{}", lines.file, lines.text));
    }
}
