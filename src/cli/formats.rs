//! Which formats each command offers: one table, asked once, before a command runs.

use clap::ValueEnum;

use super::args::{Command, Format};
use super::commands::graph;
use super::error::CliError;

/// What most commands can do.
const HUMAN_AND_JSON: &[Format] = &[Format::Human, Format::Json];

/// The formats of each command that offers others than that.
fn offered(command: &Command) -> &'static [Format] {
    use Format::{Github, Gitlab, Human, Json, Junit, Rdjson, Sarif};
    match command {
        Command::Check(_) => &[Human, Json, Github, Gitlab, Sarif, Junit, Rdjson],
        Command::Verify(_) => &[Human, Json, Junit],
        Command::Graph(_) => graph::FORMATS,
        _ => HUMAN_AND_JSON,
    }
}

/// An error unless `command` (none is the overview) can answer in `format`.
pub fn refuse_unless_offered(command: Option<&Command>, format: Format) -> Result<(), CliError> {
    let offered = command.map_or(HUMAN_AND_JSON, offered);
    if offered.contains(&format) {
        return Ok(());
    }
    let names: Vec<String> = offered.iter().map(|format| name(*format)).collect();
    Err(CliError::usage(format!("this command has no format `{}`", name(format)))
        .hint(format!("it has: {}", names.join(", "))))
}

/// As it is typed.
fn name(format: Format) -> String {
    format.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::super::args::Args;
    use super::*;

    fn command(line: &str) -> Command {
        Args::try_parse_from(line.split(' ')).expect("a command line").command.expect("a command")
    }

    #[test]
    fn a_format_that_a_command_lacks_is_refused_with_those_that_it_has() {
        assert_eq!(refuse_unless_offered(Some(&command("dbm-git check")), Format::Sarif), Ok(()));
        let error = refuse_unless_offered(Some(&command("dbm-git log")), Format::Sarif);
        let error = error.expect_err("refused");
        assert_eq!(error.message, "this command has no format `sarif`");
        assert_eq!(error.hints, ["it has: human, json"]);
    }

    #[test]
    fn every_format_is_offered_by_a_command() {
        // Those that want more than their name.
        let required = ["completions bash", "create --message m", "hook pre-push", "schema config"];
        let names = Args::command();
        let commands = names.get_subcommands().map(|c| c.get_name()).map(|name| {
            let line = required.into_iter().find(|line| line.starts_with(name)).unwrap_or(name);
            command(&format!("dbm-git {line}"))
        });
        let offered: Vec<Format> =
            commands.flat_map(|command| offered(&command)).copied().collect();
        for format in Format::value_variants() {
            assert!(offered.contains(format), "{format:?}");
        }
    }
}
