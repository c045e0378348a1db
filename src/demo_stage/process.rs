//! Running one program to its end.

use std::ffi::OsStr;
use std::io::{self, Read};
use std::process::{Command, Stdio};

/// A program that could not be run, or failed where it must not.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    #[error("cannot run `{command}`")]
    Spawn { command: String, source: io::Error },
    #[error("`{command}` failed ({status}): {output}")]
    Failed { command: String, status: String, output: String },
    #[error("`{command}` was ended by a signal")]
    Killed { command: String },
}

/// A command with nothing to read, to be given its arguments and surroundings.
#[expect(clippy::disallowed_methods, reason = "the one place that runs programs for the demo")]
pub(super) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// Runs `command` and returns its exit code and what it printed, both streams
/// in the order in which they were written, as a terminal would show them.
pub(super) fn play(command: Command, shown: &str) -> Result<(i32, String), ProcessError> {
    let failed = |source| ProcessError::Spawn { command: shown.to_owned(), source };
    let mut command = command;
    let (mut reader, writer) = io::pipe().map_err(failed)?;
    command.stdout(writer.try_clone().map_err(failed)?).stderr(writer);
    let mut child = command.spawn().map_err(failed)?;
    // It holds our ends of the pipe, which would never close.
    drop(command);
    let mut output = Vec::new();
    reader.read_to_end(&mut output).map_err(failed)?;
    let status = child.wait().map_err(failed)?;
    let code = status.code().ok_or_else(|| ProcessError::Killed { command: shown.to_owned() })?;
    Ok((code, String::from_utf8_lossy(&output).into_owned()))
}

/// Runs `command`, which has to succeed, and returns what it printed.
pub(super) fn succeed(command: Command) -> Result<String, ProcessError> {
    let shown = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(OsStr::to_string_lossy)
        .collect::<Vec<_>>()
        .join(" ");
    let (code, output) = play(command, &shown)?;
    if code == 0 {
        return Ok(output);
    }
    let (status, output) = (format!("exit status: {code}"), output.trim().to_owned());
    Err(ProcessError::Failed { command: shown, status, output })
}
