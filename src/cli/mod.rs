//! The edge: what was typed, which operation that is, how its outcome is said,
//! and with which exit code. Decisions about histories are not made here.

mod args;
mod commands;
mod completing;
mod deferred;
mod environment;
mod error;
mod exit;
pub mod facts;
mod formats;
mod manual;
mod step_summary;
mod ui;

use std::ffi::OsString;
use std::panic::AssertUnwindSafe;
use std::process::ExitCode;

use self::args::Args;
use self::error::{CliError, Kind};
use self::exit::Exit;
use self::ui::Ui;

/// Runs the program with the process's own arguments.
pub fn main() -> ExitCode {
    install_panic_message();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(flags) = commands::hook::Flags::from_git(&arguments) {
        let run = || Ok(commands::hook::run(&flags, &Ui::new(&args::Global::default())));
        return survived(run).unwrap_or_else(|error| error.exit()).into();
    }
    if let Some(exit) = completing::answer(&arguments) {
        return exit.into();
    }
    let args = match Args::read(&arguments) {
        Ok(args) => args,
        Err(error) => return usage(&error, &arguments).into(),
    };
    let ui = Ui::new(&args.global);
    let run = || {
        formats::refuse_unless_offered(args.command.as_ref(), args.global.format)?;
        environment::enter(args.global.directory.as_deref())?;
        let exit = commands::run(&args, &ui)?;
        ui.lost_answer()?;
        Ok(exit)
    };
    let exit = match survived(run) {
        Ok(exit) => exit,
        Err(error) => {
            // The panic has said its piece on stderr, but who reads JSON waits for an answer.
            if error.kind != Kind::Internal {
                ui.error(&error);
            } else if ui.is_json() {
                ui::print_json_error(&error);
            }
            error.exit()
        }
    };
    exit.into()
}

/// What `run` returns; a panic in it as an error.
fn survived(run: impl FnOnce() -> Result<Exit, CliError>) -> Result<Exit, CliError> {
    std::panic::catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
        Err(CliError::internal(text))
    })
}

/// clap's own words; `--format json` gets the error as JSON too, so that a
/// reader never gets half an answer.
fn usage(error: &clap::Error, arguments: &[OsString]) -> Exit {
    let wants_json = arguments.windows(2).any(|w| w[0] == "--format" && w[1] == "json")
        || arguments.iter().any(|a| a == "--format=json");
    if error.use_stderr() && wants_json {
        let message = error.to_string();
        let first = message.lines().next().unwrap_or_default().trim_start_matches("error: ");
        ui::print_json_error(&CliError::usage(first));
    }
    // A closed pipe is the reader's choice.
    let _ = error.print();
    if error.use_stderr() { Exit::Usage } else { Exit::Done }
}

fn install_panic_message() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        default(info);
        ui::say_internal_error();
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_an_exit_code_of_its_own() {
        assert_eq!(survived(|| Ok(Exit::Problems)), Ok(Exit::Problems));
        let error = survived(|| panic!("no {}", "such thing")).expect_err("panicked");
        assert_eq!((error.message.as_str(), error.exit()), ("no such thing", Exit::Internal));
    }
}
