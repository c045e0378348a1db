//! `dbm-git snapshots`.

use clap::Subcommand;

use super::super::args::Global;
use super::super::completing::Candidates;
use super::super::environment;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops::snapshots::{self, SnapshotsOutcome};
use crate::ops::status::Host;
use crate::ops::{OpsError, Repository};
use crate::report::{SnapshotsReport, escaped_text};

/// Flags of `snapshots`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    #[command(subcommand)]
    pub action: Option<Action>,
}

/// What is to be done with snapshots; they are listed without.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// List them
    List,
    /// Take one of the database as it is
    Save {
        /// What to call it; without a name it is the branch's
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// The database to take it of, instead of the configured one
        #[arg(long, value_name = "URL")]
        database_url: Option<String>,
    },
    /// Put one in the place of the database, which is kept as one
    Restore {
        /// A name, a branch (its newest), or a number
        #[arg(value_name = "SNAPSHOT", add = Candidates::snapshots())]
        snapshot: String,
        /// Show what would be done, and do nothing
        #[arg(long)]
        dry_run: bool,
        /// The database, instead of the configured one
        #[arg(long, value_name = "URL")]
        database_url: Option<String>,
    },
    /// Delete one
    Drop {
        /// A name, a branch (its newest), or a number
        #[arg(value_name = "SNAPSHOT", add = Candidates::snapshots())]
        snapshot: String,
    },
    /// Delete what nothing would bring back, and what is beyond the limits
    Prune {
        /// Show which would go, and delete none
        #[arg(long)]
        dry_run: bool,
    },
}

/// Runs `dbm-git snapshots`.
pub fn run(flags: &Flags, global: &Global, ui: &Ui) -> Result<Exit, CliError> {
    let outcome = match &flags.action {
        None | Some(Action::List) => {
            let repository = Repository::open().map_err(OpsError::from)?;
            super::mention_open_operation(&repository, ui);
            let report = SnapshotsReport::new(&snapshots::list(&repository, environment::now())?);
            ui.report(&report, || escaped_text(&report.table()));
            return Ok(Exit::Done);
        }
        Some(action) => changed(action, global, ui)?,
    };
    let report = SnapshotsReport::new(&outcome);
    ui.report(&report, || escaped_text(&report.to_string()));
    Ok(Exit::Done)
}

fn changed(action: &Action, global: &Global, ui: &Ui) -> Result<SnapshotsOutcome, CliError> {
    let session = super::session(global, false)?;
    let host = |url: &Option<String>| -> Host { environment::looking_host(url.clone()) };
    let mut access = super::write_access(&session.repository, ui)?;
    Ok(match action {
        Action::List => snapshots::list(&session.repository, environment::now())?,
        Action::Save { name, database_url } => {
            snapshots::save(&session, &host(database_url), name.as_deref(), &mut access)?
        }
        Action::Restore { snapshot, dry_run, database_url } => {
            let host = host(database_url);
            let prepared = snapshots::restore_plan(&session, &host, snapshot, access.journal())?;
            match dry_run {
                true => snapshots::survey(&session, &prepared, &mut access)?,
                false => snapshots::restore(&session, &host, prepared, &mut access)?,
            }
        }
        Action::Drop { snapshot } => {
            snapshots::drop_named(&session, &host(&None), snapshot, &mut access)?
        }
        Action::Prune { dry_run } => {
            snapshots::prune_all(&session, &host(&None), *dry_run, &mut access)?
        }
    })
}
