//! `dbm-git explain DBM001`.

use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::check::RULES;

/// Flags of `explain`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// The code, `DBM001` … `DBM017`; all codes are listed without one
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
}

/// Runs `dbm-git explain`.
pub fn run(flags: &Flags, ui: &Ui) -> Result<Exit, CliError> {
    let Some(code) = &flags.code else {
        let lines: Vec<String> =
            RULES.iter().map(|rule| format!("{}  {}\n", rule.code, rule.name)).collect();
        ui.answer(&lines.concat());
        return Ok(Exit::Done);
    };
    let wanted = code.to_uppercase();
    let rule = RULES.iter().find(|rule| rule.code.to_string() == wanted).ok_or_else(|| {
        CliError::usage(format!("there is no code `{code}`"))
            .hint("`dbm-git explain` lists all codes")
    })?;
    ui.answer(&format!("{}: {}\n\n{}\n", rule.code, rule.name, rule.explanation.trim()));
    Ok(Exit::Done)
}
