//! The edge: what was typed, which operation that is, how its outcome is said,
//! and with which exit code. Decisions about histories are not made here.

mod args;
mod commands;
mod environment;
mod error;
mod exit;
mod ui;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use self::args::Args;
use self::error::CliError;
use self::exit::Exit;
use self::ui::Ui;

/// Runs the program with the process's own arguments.
pub fn main() -> ExitCode {
    install_panic_message();
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let args = match Args::try_parse_from(&arguments) {
        Ok(args) => args,
        Err(error) => return usage(&error, &arguments).into(),
    };
    let ui = Ui::new(&args.global);
    let result = match environment::enter(args.global.directory.as_deref()) {
        Ok(()) => commands::run(&args, &ui),
        Err(error) => Err(error),
    };
    match result {
        Ok(exit) => exit.into(),
        Err(error) => {
            ui.error(&error);
            error.exit().into()
        }
    }
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
