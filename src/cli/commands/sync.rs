//! `dbm-git sync`.

use clap::ValueEnum;

use super::super::args::Global;
use super::super::environment;
use super::super::error::{CliError, Kind};
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops::sync::{self, SyncOptions, SyncOutcome};
use crate::plan::{SyncRefusal, SyncStrategy, Trying};
use crate::report::{SyncReport, escaped_text, render_sync};

/// Flags of `sync`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Show the steps, and take none
    #[arg(long)]
    pub dry_run: bool,
    /// How revisions that were skipped are made up for
    #[arg(long, value_enum, default_value_t = StrategyFlag::Auto, value_name = "STRATEGY")]
    pub strategy: StrategyFlag,
    /// What to take revisions for of which nobody knows whether they ran
    #[arg(long, value_enum, value_name = "WHAT")]
    pub assume: Option<Assume>,
    /// Make no copy of the database before it is changed
    #[arg(long)]
    pub no_backup: bool,
    /// Try the plan out on a copy of the database first; what mends something is, where that
    /// costs little
    #[arg(long, conflicts_with = "no_verify")]
    pub verify: bool,
    /// Try nothing out
    #[arg(long)]
    pub no_verify: bool,
    #[command(flatten)]
    pub database: super::DatabaseFlags,
}

/// `--strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StrategyFlag {
    /// Replay where that is proven to be sound, else downgrade
    Auto,
    /// Run what was skipped, and leave the rest alone
    Replay,
    /// Go down below what was skipped, and up again
    Downgrade,
}

/// `--assume`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Assume {
    Applied,
    Skipped,
}

/// Runs `dbm-git sync`.
pub fn run(flags: &Flags, global: &Global, ui: &Ui) -> Result<Exit, CliError> {
    let session = super::session(global, false)?;
    let host = environment::host(&flags.database);
    let options = SyncOptions {
        strategy: match flags.strategy {
            StrategyFlag::Auto => SyncStrategy::Auto,
            StrategyFlag::Replay => SyncStrategy::Replay,
            StrategyFlag::Downgrade => SyncStrategy::Downgrade,
        },
        assume: flags.assume.map(|what| what == Assume::Applied),
        no_backup: flags.no_backup,
        trying: trying(flags.verify, flags.no_verify),
    };
    let mut access = super::write_access(&session.repository, ui)?;
    let prepared = sync::prepare(&session, &host, options, access.journal())?;
    let planned = sync::outcome_of(&prepared, flags.dry_run);
    if flags.dry_run || planned.is_refused() {
        return Ok(say(&planned, ui));
    }
    if !ui.is_json() && planned.components.iter().any(|c| c.has_repair()) {
        // Whoever watches sees the plan before it runs.
        ui.note(&escaped_text(&render_sync(&planned, ui.unicode)));
    }
    let mut line = super::alembic_line(ui);
    let outcome = sync::apply(&session, &host, options, prepared, None, &mut access, &mut line)?;
    Ok(say(&outcome, ui))
}

/// `--verify`, `--no-verify`, or neither.
pub fn trying(verify: bool, no_verify: bool) -> Trying {
    match (verify, no_verify) {
        (true, _) => Trying::Always,
        (false, true) => Trying::Never,
        (false, false) => Trying::WhereCheap,
    }
}

/// The answer, and why anything was refused.
pub fn say(outcome: &SyncOutcome, ui: &Ui) -> Exit {
    ui.report(&SyncReport::new(outcome), || escaped_text(&render_sync(outcome, ui.unicode)));
    for component in &outcome.components {
        if let Err(refusal) = &component.plan {
            ui.complain(&CliError {
                kind: Kind::Refused,
                message: format!("{}: {refusal}", component.name),
                causes: vec!["nothing was changed".to_owned()],
                hints: advice(refusal),
            });
        }
    }
    if outcome.is_refused() { Exit::Problems } else { Exit::Done }
}

/// What to do about a refusal.
pub fn advice(refusal: &SyncRefusal) -> Vec<String> {
    let hint = match refusal {
        SyncRefusal::Broken => "`dbm-git check` shows the errors",
        SyncRefusal::Unknown { .. } => {
            "look whether what they create is there, then say so: `dbm-git sync --assume applied`, or `--assume skipped`"
        }
        SyncRefusal::NoScript { .. } => {
            "`git fetch`: the branch that has it may be on a remote; or ask who shares this database"
        }
        SyncRefusal::Irreversible { .. } => {
            "go back to the branch that has it, or put a backup of the database back"
        }
        SyncRefusal::TrialFailed { .. } => {
            "mend the revision, and `dbm-git sync --dry-run --verify` tries again; --no-verify runs it \
             on the database itself all the same"
        }
        SyncRefusal::ComesOutOtherwise { .. } => {
            "compare that with the models; `dbm-git sync --strategy downgrade` runs all of it anew, \
             and --no-verify does it as planned"
        }
        SyncRefusal::Unsound { .. } => "please report this, with the output of `dbm-git status`",
    };
    vec![hint.to_owned()]
}
