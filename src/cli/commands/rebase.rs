//! `dbm-git rebase`.

use clap::ValueEnum;

use super::super::args::Global;
use super::super::completing::Candidates;
use super::super::environment;
use super::super::error::{CliError, Kind, advice};
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops::rebase::{Committing, ComponentRefusal, RebaseOptions, RebaseOutcome};
use crate::ops::status::Host;
use crate::ops::verify::Watch;
use crate::ops::verify_plan::verify_plans;
use crate::ops::{self, Session, WriteAccess};
use crate::plan::{Strategy, list, summarize};
use crate::report::{
    RebaseComponentReport, RebaseReport, escaped_text, met_in_words, render_applied, render_beside,
    render_diff, render_plan, render_verified,
};

/// Flags of `rebase`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Move this revision and all that follows it (with --onto)
    #[arg(value_name = "REVISION", requires = "onto", add = Candidates::revisions())]
    pub revision: Option<String>,
    /// Put own revisions on this one instead of the landed head
    #[arg(long, value_name = "REVISION", add = Candidates::revisions())]
    pub onto: Option<String>,
    /// Rewrite REVISION although it has landed: databases that ran it skip what comes below it now
    #[arg(long, requires = "revision")]
    pub landed: bool,
    /// Also move revisions that other branches have
    #[arg(long)]
    pub include_shared: bool,
    /// How to resolve, instead of what the configuration says
    #[arg(long, value_enum, value_name = "STRATEGY")]
    pub strategy: Option<StrategyFlag>,
    #[command(flatten)]
    pub common: Common,
}

/// What `rebase` and `merge` have in common.
#[derive(Debug, clap::Args)]
pub struct Common {
    /// Show what would change, as a unified diff, and change nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Commit exactly the changed files
    #[arg(long, conflicts_with = "dry_run")]
    pub commit: bool,
    /// Put exactly the changed files into the last commit, which must not have landed
    #[arg(long, conflicts_with_all = ["dry_run", "commit"])]
    pub amend: bool,
    /// Bring the local database to the heads afterwards, through the project's alembic
    #[arg(long, conflicts_with = "dry_run")]
    pub apply: bool,
    /// Before any file is written, run own revisions on a scratch database as they will be: up,
    /// down and up again
    #[arg(long, conflicts_with = "no_verify")]
    pub verify: bool,
    /// With --apply: try nothing out on a copy of the database first
    #[arg(long, requires = "apply")]
    pub no_verify: bool,
    #[command(flatten)]
    pub database: super::DatabaseFlags,
}

impl Common {
    /// What is to be done with the changed files.
    pub fn committing(&self) -> Committing {
        match (self.commit, self.amend) {
            (_, true) => Committing::Amend,
            (true, false) => Committing::New,
            (false, false) => Committing::Not,
        }
    }
}

/// `--strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StrategyFlag {
    Auto,
    Linear,
    Merge,
}

impl From<StrategyFlag> for Strategy {
    fn from(flag: StrategyFlag) -> Self {
        match flag {
            StrategyFlag::Auto => Self::Auto,
            StrategyFlag::Linear => Self::Linear,
            StrategyFlag::Merge => Self::Merge,
        }
    }
}

/// Runs `dbm-git rebase`.
pub fn run(flags: &Flags, global: &Global, ui: &Ui) -> Result<Exit, CliError> {
    let options = RebaseOptions {
        onto: flags.onto.clone(),
        revision: flags.revision.clone(),
        landed: flags.landed,
        include_shared: flags.include_shared,
        merge_only: false,
        strategy: flags.strategy.map(Strategy::from),
        message: None,
        dry_run: flags.common.dry_run,
        commit: flags.common.committing(),
    };
    if flags.landed {
        ui.note(
            "warning: a database that has run a moved revision will skip what now lies below it, \
             and say nothing",
        );
    }
    rewrite(&options, &flags.common, global, ui)
}

/// Plans, shows or writes; shared with `merge`.
pub fn rewrite(
    options: &RebaseOptions,
    common: &Common,
    global: &Global,
    ui: &Ui,
) -> Result<Exit, CliError> {
    if global.at.is_some() {
        return Err(CliError::usage(
            "--at names a commit, and only the working tree can be changed",
        ));
    }
    let names_url = common.database.database_url.is_some() && !common.verify;
    if !common.apply && (names_url || common.database.allow_remote) {
        return Err(CliError::usage("--database-url and --allow-remote are for --apply"));
    }
    let session = super::session(global, false)?;
    let host = environment::host(&common.database);
    let outcome = if options.dry_run {
        let mut planned = ops::rebase::plan(&session, options)?;
        if common.verify {
            verify_order(&session, &host, &mut planned, None, ui)?;
        }
        planned
    } else {
        let mut access = super::write_access(&session.repository, ui)?;
        let mut planned = ops::rebase::plan(&session, options)?;
        if common.verify {
            verify_order(&session, &host, &mut planned, Some(&mut access), ui)?;
        }
        let applies = common.apply && !planned.is_refused();
        let ahead = if applies {
            let trying = super::sync::trying(common.verify, common.no_verify);
            ops::apply::prepare(&session, &planned, &host, trying, access.journal())?
        } else {
            warn_of_applied(&session, &planned, &host, &mut access, ui)?;
            Vec::new()
        };
        let outcome = ops::rebase::apply(&session, options, planned, &mut access)?;
        // A machine gets one answer, and a failure of the database is another one.
        if !ui.is_json() {
            say(&session, &outcome, ui);
        }
        if applies {
            let mut line = super::alembic_line(ui);
            let operation = outcome.operation;
            let applied = ops::apply::bring_along(
                &session,
                &host,
                &ahead,
                operation,
                &mut access,
                &mut line,
            )?;
            if applied.is_refused() {
                super::sync::say(&applied, ui);
                return Ok(Exit::Problems);
            }
            if !ui.is_json() {
                ui.answer(&escaped_text(&render_applied(&applied)));
            }
        }
        if ui.is_json() {
            say(&session, &outcome, ui);
        }
        return Ok(exit_of(&outcome));
    };
    say(&session, &outcome, ui);
    Ok(exit_of(&outcome))
}

fn verify_order(
    session: &Session,
    host: &Host,
    planned: &mut RebaseOutcome,
    access: Option<&mut WriteAccess>,
    ui: &Ui,
) -> Result<(), CliError> {
    let (clock, mut progress) = (environment::stopwatch(), super::progress(ui));
    let mut watch = Watch { clock: &clock, progress: &mut progress };
    Ok(verify_plans(session, host, planned, access, &mut watch)?)
}

/// Says what has run of what is about to be rewritten: alembic would skip what
/// comes below it.
fn warn_of_applied(
    session: &Session,
    planned: &RebaseOutcome,
    host: &Host,
    access: &mut WriteAccess,
    ui: &Ui,
) -> Result<(), CliError> {
    let found = ops::apply::rewritten_but_applied(session, planned, host, access.journal())?;
    for (component, revisions, database) in found {
        let ids = list(&revisions);
        ui.note(&escaped_text(&format!(
            "warning: {component}: {ids} ran in `{database}` already: alembic would skip what \
             comes below it now, without a word"
        )));
        ui.note("hint: `dbm-git sync` brings the database along");
    }
    Ok(())
}

fn exit_of(outcome: &RebaseOutcome) -> Exit {
    if outcome.is_refused() { Exit::Problems } else { Exit::Done }
}

fn say(session: &Session, outcome: &RebaseOutcome, ui: &Ui) {
    let report = RebaseReport {
        version: 1,
        operation: outcome.operation.map(|id| id.0),
        dry_run: outcome.dry_run,
        components: outcome.components.iter().map(RebaseComponentReport::new).collect(),
    };
    ui.report(&report, || human(outcome));
    for component in &outcome.components {
        if let Err(refusal) = &component.plan {
            let error = CliError {
                kind: Kind::Refused,
                message: format!("{}: {refusal}", component.name),
                causes: std::iter::once("nothing was changed".to_owned())
                    .chain(met_in_words(&component.beside))
                    .collect(),
                hints: match refusal {
                    ComponentRefusal::Plan(refusal) => advice(refusal).into_iter().collect(),
                    ComponentRefusal::Fault { .. } => vec![
                        "change it for its new place, and try again; without --verify it is put \
                         there as it is"
                            .to_owned(),
                    ],
                    ComponentRefusal::GroundFails { .. } => {
                        vec!["`dbm-git verify --from-empty` says more".to_owned()]
                    }
                    _ => Vec::new(),
                },
            };
            ui.complain(&error);
        }
        if component.is_behind && component.plan.as_ref().is_ok_and(|p| p.is_empty()) {
            let upstream = session.upstream().ok().flatten().map_or("upstream", |u| &u.name);
            ui.note(&format!(
                "note: {upstream} has commits that are not merged here; after `git merge {upstream}` \
                 there may be something to rebase"
            ));
            break;
        }
    }
    let is_idle = outcome.plans().iter().all(|plan| plan.is_empty()) && !outcome.is_refused();
    if is_idle && let Some(path) = ops::check::uncommitted(session).unwrap_or_default().first() {
        ui.note(&escaped_text(&format!("note: `{path}` is changed and not committed yet")));
    }
}

fn human(outcome: &RebaseOutcome) -> String {
    let several = outcome.components.len() > 1;
    let mut text = String::new();
    for component in &outcome.components {
        let Ok(plan) = &component.plan else { continue };
        if plan.is_empty() {
            continue;
        }
        text += &super::heading(&component.name, several);
        if outcome.dry_run {
            text += &render_diff(&plan.changes);
            text.push('\n');
        }
        text += &render_plan(plan);
        let verified = component.verified.as_deref();
        let has_run = verified.is_some() || !outcome.dry_run;
        text += &render_beside(&component.beside, has_run);
        text += &render_verified(verified);
    }
    let summary = summarize(&outcome.plans());
    if outcome.is_refused() {
        return String::new();
    }
    if summary.is_empty() {
        return "nothing to do: no own revision has diverged from the landed ones\n".to_owned();
    }
    if outcome.dry_run {
        text += &format!("dry run, nothing was changed; it would be: {summary}\n");
        return escaped_text(&text);
    }
    text += &summary;
    text += &match (&outcome.committed, outcome.staged_for) {
        (Some(commit), _) => format!(", committed as {commit}"),
        (None, Some(what)) => format!(" and staged for the {what} in progress"),
        (None, None) => String::new(),
    };
    text += ". Undo with: dbm-git undo\n";
    escaped_text(&text)
}
