//! Parses the command line, runs it, returns the exit code. Everything else is the library's.

use std::process::ExitCode;

fn main() -> ExitCode {
    dbm_git::cli::main()
}
