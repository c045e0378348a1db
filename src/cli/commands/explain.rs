//! `dbm-git explain DBM001`.

use super::super::completing::Candidates;
use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::check::{RULES, rule};
use crate::report::{ExplainReport, render_rule, render_rules};

/// Flags of `explain`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// The code, its number or its name: DBM001, 1, diverged-heads; all are listed without one
    #[arg(value_name = "CODE", add = Candidates::codes())]
    pub code: Option<String>,
}

/// Runs `dbm-git explain`.
pub fn run(flags: &Flags, ui: &Ui) -> Result<Exit, CliError> {
    let Some(code) = &flags.code else {
        ui.report(&ExplainReport::new(RULES), || render_rules(RULES));
        return Ok(Exit::Done);
    };
    let rule = rule(code).ok_or_else(|| {
        CliError::usage(format!("there is no code `{code}`"))
            .hint("`dbm-git explain` lists all codes")
    })?;
    let report = ExplainReport::new(std::slice::from_ref(rule));
    ui.report(&report, || render_rule(rule));
    Ok(Exit::Done)
}
