//! One file per subcommand: its flags, the operation it calls, how the outcome is said.

pub mod check;
pub mod completions;
pub mod create;
pub mod demo;
pub mod doctor;
pub mod explain;
pub mod graph;
pub mod hook;
pub mod install;
pub mod log;
pub mod man;
pub mod merge;
pub mod migrate;
pub mod overview;
pub mod rebase;
pub mod recover;
pub mod schema;
pub mod snapshots;
pub mod status;
pub mod sync;
pub mod undo;
pub mod uninstall;
pub mod verify;

use std::io::IsTerminal;

use super::args::{Args, Command, Global};
use super::environment;
use super::error::CliError;
use super::exit::Exit;
use super::ui::Ui;
use crate::ops::transaction::RecoverOutcome;
use crate::ops::{Repository, Session, SessionOptions, WriteAccess, write_access};
use crate::report::escaped_text;

/// Flags of the commands that change a database.
#[derive(Debug, Default, clap::Args)]
pub struct DatabaseFlags {
    /// The database to change, instead of the configured one
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Change the database although it is on another machine
    #[arg(long)]
    pub allow_remote: bool,
}

/// Runs the subcommand.
pub fn run(args: &Args, ui: &Ui) -> Result<Exit, CliError> {
    let global = &args.global;
    let Some(command) = &args.command else { return overview::run(global, ui) };
    match command {
        Command::Check(flags) => check::run(flags, global, ui),
        Command::Graph(flags) => graph::run(flags, global, ui),
        Command::Rebase(flags) => rebase::run(flags, global, ui),
        Command::Merge(flags) => merge::run(flags, global, ui),
        Command::Status(flags) => status::run(flags, global, ui),
        Command::Migrate(flags) => migrate::run(flags, global, ui),
        Command::Sync(flags) => sync::run(flags, global, ui),
        Command::Create(flags) => create::run(flags, global, ui),
        Command::Verify(flags) => verify::run(flags, global, ui),
        Command::Snapshots(flags) => snapshots::run(flags, global, ui),
        Command::Log(flags) => log::run(flags, ui),
        Command::Undo(flags) => undo::run(flags, ui),
        Command::Recover(flags) => recover::run(flags, ui),
        Command::Install(flags) => install::run(flags, ui),
        Command::Uninstall(flags) => uninstall::run(flags, ui),
        Command::Doctor(flags) => doctor::run(flags, global, ui),
        Command::Demo(flags) => demo::run(flags, ui),
        Command::Explain(flags) => explain::run(flags, ui),
        Command::Completions(flags) => completions::run(flags, ui),
        Command::Man(flags) => man::run(flags, ui),
        Command::Schema(flags) => schema::run(flags, ui),
        Command::Hook(flags) => Ok(hook::run(flags, ui)),
    }
}

/// Opens the repository as the global flags say.
fn session(global: &Global, staged: bool) -> Result<Session, CliError> {
    Ok(Session::open(SessionOptions { staged, ..session_options(global) })?)
}

/// What the global flags say about where to look.
fn session_options(global: &Global) -> SessionOptions {
    SessionOptions {
        components: global.component.clone(),
        base: global.base.clone(),
        at: global.at.clone(),
        ..SessionOptions::default()
    }
}

/// Takes the repository's lock and settles what a killed process left behind.
fn write_access(repository: &Repository, ui: &Ui) -> Result<WriteAccess, CliError> {
    let command = environment::command_line();
    let access = WriteAccess::begin(repository, &command, environment::now())?;
    match &access.settled {
        RecoverOutcome::Finished { operation, .. } => {
            ui.note(&format!("note: finished the interrupted operation {}", operation.id));
        }
        RecoverOutcome::RolledBack { operation, .. } => {
            ui.note(&format!("note: called off the interrupted operation {}", operation.id));
        }
        _ => {}
    }
    Ok(access)
}

/// Says that an interrupted operation waits, for commands that only read.
fn mention_open_operation(repository: &Repository, ui: &Ui) {
    if write_access::may_be_open(repository) {
        ui.note("note: an operation was interrupted here; `dbm-git recover` settles it");
    }
}

/// `a` component, or the name before each block when there are several.
fn heading(name: &str, several: bool) -> String {
    if several { format!("{name}\n") } else { String::new() }
}

/// Says which revision runs on a scratch database, to somebody who watches.
fn progress(ui: &Ui) -> impl FnMut(&str) {
    let is_watched = std::io::stderr().is_terminal() && !ui.quiet;
    move |what| {
        if is_watched {
            ui.note(&escaped_text(&format!("verifying {what}")));
        }
    }
}

/// Passes on what alembic says.
fn alembic_line(ui: &Ui) -> impl FnMut(&str) {
    |line| ui.note(&escaped_text(&format!("  {line}")))
}
