//! `dbm-git migrate`.

use clap::ValueEnum;

use super::super::args::Global;
use super::super::completing::Candidates;
use super::super::environment;
use super::super::error::{CliError, Kind};
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops::Session;
use crate::ops::migrate::{ComponentMigration, MigrateOptions, PreflightRefusal, migrate};
use crate::plan::{DatabaseState, Direction, MigrateRefusal};
use crate::project::Component;
use crate::report::{MigrateReport, escaped_text, render_migration};

/// Flags of `migrate`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Up or down
    #[arg(long, value_enum, default_value_t = DirectionFlag::Upgrade, value_name = "DIRECTION")]
    pub direction: DirectionFlag,
    /// head (all heads), heads, base, a revision or its beginning, a label, label@head, +N or -N
    #[arg(long, default_value = "head", allow_hyphen_values = true, value_name = "TARGET")]
    #[arg(add = Candidates::targets())]
    pub target: String,
    /// All components, in the order of the configuration
    #[arg(long, conflicts_with = "component")]
    pub all: bool,
    /// List what would run, and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Make no copy of the database before a downgrade
    #[arg(long)]
    pub no_backup: bool,
    #[command(flatten)]
    pub database: super::DatabaseFlags,
}

/// `--direction`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DirectionFlag {
    Upgrade,
    Downgrade,
}

/// Runs `dbm-git migrate`.
pub fn run(flags: &Flags, global: &Global, ui: &Ui) -> Result<Exit, CliError> {
    let session = super::session(global, false)?;
    let components = selected(&session, flags, global)?;
    let options = MigrateOptions {
        direction: match flags.direction {
            DirectionFlag::Upgrade => Direction::Upgrade,
            DirectionFlag::Downgrade => Direction::Downgrade,
        },
        target: flags.target.clone(),
        dry_run: flags.dry_run,
        no_backup: flags.no_backup,
    };
    let host = environment::host(&flags.database);
    let mut access = super::write_access(&session.repository, ui)?;
    let mut line = super::alembic_line(ui);
    let mut done: Vec<ComponentMigration> = Vec::new();
    for component in &components {
        let result = migrate(&session, component, &host, &options, &mut access, &mut line);
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => {
                return Err(explained(error.into(), component, &done, components.len()));
            }
        };
        if !ui.is_json() {
            ui.answer(&escaped_text(&render_migration(&outcome, flags.dry_run, ui.unicode)));
        }
        let refusal = outcome.migrations.as_ref().err().cloned();
        done.push(outcome);
        if let Some(refusal) = refusal {
            report(&done, flags, ui);
            ui.complain(&refused(&refusal, component, &done));
            return Ok(Exit::Problems);
        }
    }
    report(&done, flags, ui);
    Ok(Exit::Done)
}

fn report(done: &[ComponentMigration], flags: &Flags, ui: &Ui) {
    if ui.is_json() {
        ui.report(&MigrateReport::new(done, flags.dry_run), String::new);
    }
}

/// The named components, all of them, or the default one.
fn selected<'a>(
    session: &'a Session,
    flags: &Flags,
    global: &Global,
) -> Result<Vec<&'a Component>, CliError> {
    let components = session.components()?;
    if flags.all || !global.component.is_empty() || components.len() == 1 {
        return Ok(components);
    }
    let default: Vec<&Component> = components.iter().copied().filter(|c| c.is_default).collect();
    if default.len() == 1 {
        return Ok(default);
    }
    let names: Vec<&str> = components.iter().map(|c| c.name.as_str()).collect();
    Err(CliError::usage("which component? --component NAME, or --all for all of them").hint(
        format!(
            "there are: {}; `default = true` in dbm-git.toml makes one the default",
            names.join(", ")
        ),
    ))
}

/// A failure with what was done before it, and the project's own words.
fn explained(
    mut error: CliError,
    component: &Component,
    done: &[ComponentMigration],
    count: usize,
) -> CliError {
    if error.kind == Kind::Database
        && let Some(hint) = &component.hint_unreachable
    {
        error.hints.insert(0, hint.clone());
    }
    if count > 1 {
        error.message = format!("{}: {}", component.name, error.message);
        error.hints.push(so_far(done));
    }
    error
}

fn so_far(done: &[ComponentMigration]) -> String {
    let names: Vec<&str> =
        done.iter().filter(|c| c.migrations.is_ok()).map(|c| c.name.as_str()).collect();
    match names.as_slice() {
        [] => "no other component was migrated before".to_owned(),
        names => format!("done before that: {}", names.join(", ")),
    }
}

fn refused(
    refusal: &PreflightRefusal,
    component: &Component,
    done: &[ComponentMigration],
) -> CliError {
    let mut error = CliError {
        kind: Kind::Refused,
        message: format!("{}: {refusal}", component.name),
        causes: vec!["nothing was run".to_owned()],
        hints: vec![advice(refusal)],
    };
    if done.len() > 1 {
        error.hints.push(so_far(&done[..done.len() - 1]));
    }
    error
}

fn advice(refusal: &PreflightRefusal) -> String {
    match refusal {
        PreflightRefusal::State { state: DatabaseState::Broken } => {
            "`dbm-git check` shows what is wrong with the files".to_owned()
        }
        PreflightRefusal::State { .. } => {
            "`dbm-git status` says how, `dbm-git sync` brings it in line".to_owned()
        }
        PreflightRefusal::Diverged { .. } => {
            "`dbm-git rebase` puts your revisions on top; or name a target".to_owned()
        }
        PreflightRefusal::Target(
            MigrateRefusal::OtherWay { direction: Direction::Upgrade, .. }
            | MigrateRefusal::Below { .. },
        ) => "--direction downgrade goes down".to_owned(),
        PreflightRefusal::Target(MigrateRefusal::OtherWay { .. }) => {
            "--direction upgrade goes up".to_owned()
        }
        PreflightRefusal::Target(_) => {
            "`dbm-git graph` lists the revisions, `dbm-git status` says where the database is"
                .to_owned()
        }
    }
}
