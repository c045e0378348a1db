//! `dbm-git check`.

use super::super::args::{Format, Global};
use super::super::environment;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::step_summary;
use super::super::ui::Ui;
use crate::check::Level;
use crate::ops;
use crate::ops::check::CheckOutcome;
use crate::ops::ci_base::find_base;
use crate::ops::review::Review;
use crate::ops::{Session, SessionOptions};
use crate::report::{
    CheckReport, ComponentCheckReport, FindingsStyle, GithubReport, GitlabReport, JunitReport,
    RdjsonReport, SarifReport, escaped_text, render_findings, render_step_summary,
    render_suppressed,
};
use crate::tree::RepoPath;

/// Flags of `check`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// Check what is staged instead of the working tree
    #[arg(long, conflicts_with = "at")]
    pub staged: bool,
    /// Let warnings fail the check too
    #[arg(long)]
    pub strict: bool,
    /// Review own revisions too (DBM201 and above), whatever the configuration says
    #[arg(long)]
    pub review: bool,
    /// In continuous integration, make do with the commits that this clone has
    #[arg(long)]
    pub no_fetch: bool,
}

/// Runs `dbm-git check`.
pub fn run(flags: &Flags, global: &Global, ui: &Ui) -> Result<Exit, CliError> {
    let session = Session::open(options(flags, global, ui)?)?;
    super::mention_open_operation(&session.repository, ui);
    let review = if flags.review { Review::Always } else { Review::AsConfigured };
    let would_diverge = environment::is_ci().then_some(Level::Error);
    let outcome = ops::check::check(&session, would_diverge, review)?;
    for note in &outcome.notes {
        ui.note(&format!("note: {note}"));
    }
    let components = outcome.components.iter().map(ComponentCheckReport::new).collect();
    let report = CheckReport::new(components, flags.strict);
    let ok = report.ok;
    match ui.format {
        Format::Github => {
            ui.answer(&GithubReport::new(&outcome).to_string());
            summarize(&outcome, ui);
        }
        Format::Gitlab => ui.json(&GitlabReport::new(&outcome)),
        Format::Sarif => ui.json(&SarifReport::new(&outcome, env!("CARGO_PKG_VERSION"))),
        Format::Junit => ui.answer(&JunitReport::new(&outcome, flags.strict).to_xml()),
        Format::Rdjson => ui.json(&RdjsonReport::new(&outcome)),
        _ => ui.report(&report, || human(&outcome, ui)),
    }
    // In GitHub Actions the log is read by people and by the runner. What it is
    // told goes to stderr, which it reads, too: the answer stays what it is elsewhere.
    if ui.format == Format::Human && environment::is_github_actions() {
        ui.tell_runner(&GithubReport::new(&outcome).to_string());
        summarize(&outcome, ui);
    }
    Ok(if ok { Exit::Done } else { Exit::Problems })
}

/// In continuous integration it is the platform that knows the base.
fn options(flags: &Flags, global: &Global, ui: &Ui) -> Result<SessionOptions, CliError> {
    let options = SessionOptions { staged: flags.staged, ..super::session_options(global) };
    let Some(run) = environment::ci_run().filter(|_| global.at.is_none() && !flags.staged) else {
        return Ok(options);
    };
    let found = find_base(&run, &options, !flags.no_fetch)?;
    for note in &found.notes {
        ui.note(&escaped_text(&format!("note: {}: {note}", run.platform)));
    }
    Ok(SessionOptions { at: found.at, given: found.base, ..options })
}

/// Adds a page to the step summary of GitHub Actions. Without it the findings
/// have still been told, so that a failure is worth a note only.
fn summarize(outcome: &CheckOutcome, ui: &Ui) {
    let Some(path) = environment::step_summary() else { return };
    if let Err(error) = step_summary::append(&path, |room| render_step_summary(outcome, room)) {
        ui.note(&format!("note: cannot write the step summary `{}`: {error}", path.display()));
    }
}

fn human(outcome: &CheckOutcome, ui: &Ui) -> String {
    let style = FindingsStyle { color: ui.color, width: ui.columns.unwrap_or(100) };
    let several = outcome.components.len() > 1;
    let mut text = String::new();
    for component in &outcome.components {
        let sources = |path: &RepoPath| component.sources.get(path).cloned();
        let shown: Vec<_> = component
            .findings
            .iter()
            .filter(|f| !ui.quiet || f.level == Level::Error)
            .cloned()
            .collect();
        if !ui.quiet || !shown.is_empty() {
            if several {
                text += &format!("{}: ", escaped_text(&component.name));
            }
            let count = component.revisions;
            let revisions = if count == 1 { "revision" } else { "revisions" };
            let heads: Vec<&str> = component.heads.iter().map(|head| head.as_str()).collect();
            let head = match heads.as_slice() {
                [] => "no head".to_owned(),
                [one] => format!("head {one}"),
                many => format!("heads {}", many.join(", ")),
            };
            text += &escaped_text(&format!("{count} {revisions}, {head}\n"));
        }
        text += &render_findings(&shown, &sources, style);
        if !ui.quiet {
            text += &render_suppressed(&component.suppressed);
        }
    }
    text
}
