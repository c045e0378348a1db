//! `dbm-git schema NAME`.

use clap::builder::PossibleValuesParser;
use schemars::Schema;

use super::super::error::CliError;
use super::super::exit::Exit;
use super::super::ui::{self, Ui};
use crate::project::configuration_schema;
use crate::report::OUTPUT_SCHEMAS;

/// What the configuration's schema is called.
const CONFIGURATION: &str = "config";

/// Flags of `schema`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// config, error, or the command whose JSON it describes
    #[arg(value_name = "NAME", value_parser = PossibleValuesParser::new(names()))]
    pub name: String,
}

/// Runs `dbm-git schema`.
pub fn run(flags: &Flags, ui: &Ui) -> Result<Exit, CliError> {
    let schema = schema(&flags.name)
        .ok_or_else(|| CliError::usage(format!("there is no schema `{}`", flags.name)))?;
    ui.answer(&ui::json(&schema));
    Ok(Exit::Done)
}

fn names() -> Vec<&'static str> {
    let outputs = OUTPUT_SCHEMAS.iter().flat_map(|output| {
        let own = [output.name].into_iter().filter(|name| !output.commands.contains(name));
        output.commands.iter().copied().chain(own)
    });
    std::iter::once(CONFIGURATION).chain(outputs).collect()
}

fn schema(name: &str) -> Option<Schema> {
    if name == CONFIGURATION {
        return Some(configuration_schema());
    }
    let output = OUTPUT_SCHEMAS.iter().find(|o| o.name == name || o.commands.contains(&name))?;
    Some((output.schema)())
}
