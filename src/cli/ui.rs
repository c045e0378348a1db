//! The only file that prints: answers on stdout, everything else on stderr.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};

use super::args::{Color, Format, Global};
use super::environment;
use super::error::{CliError, Kind};
use crate::report::{ErrorReport, escaped_text};

/// How this run talks.
#[derive(Debug)]
pub struct Ui {
    pub format: Format,
    pub quiet: bool,
    /// Whether the answer may hold colours.
    pub color: bool,
    /// Whether the terminal is expected to show more than ASCII.
    pub unicode: bool,
    /// Columns of the terminal that the answer goes to; `None` for a file or a pipe.
    pub columns: Option<usize>,
    error_color: bool,
    /// Why the answer did not get through, a closed pipe excepted.
    lost: RefCell<Option<io::Error>>,
}

impl Ui {
    /// Settles colours: `--color`, then `NO_COLOR`, then `CLICOLOR_FORCE`, then the terminal.
    pub fn new(global: &Global) -> Self {
        let color = |is_terminal: bool| match global.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                if environment::variable("NO_COLOR").is_some() {
                    false
                } else if environment::text("CLICOLOR_FORCE").is_some_and(|v| v != "0") {
                    true
                } else {
                    is_terminal && environment::text("TERM").as_deref() != Some("dumb")
                }
            }
        };
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| environment::text(name));
        let is_plain = matches!(locale.as_deref(), Some("C" | "POSIX"));
        let columns = io::stdout()
            .is_terminal()
            .then(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
            .flatten();
        Self {
            format: global.format,
            quiet: global.quiet,
            color: color(io::stdout().is_terminal()),
            unicode: !is_plain || !io::stdout().is_terminal(),
            columns,
            error_color: color(io::stderr().is_terminal()),
            lost: RefCell::new(None),
        }
    }

    /// Whether a machine reads the answer.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Writes the answer. A closed pipe is the reader's choice and no error;
    /// anything else is kept for [`lost_answer`](Self::lost_answer).
    pub fn answer(&self, text: &str) {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                *self.lost.borrow_mut() = Some(error);
            }
            _ => {}
        }
    }

    /// An error if an answer could not be written: a full disk, as a rule.
    pub fn lost_answer(&self) -> Result<(), CliError> {
        match self.lost.take() {
            None => Ok(()),
            Some(error) => {
                let mut lost = CliError::of(Kind::Environment, &error);
                let cause =
                    std::mem::replace(&mut lost.message, "cannot write the answer".to_owned());
                lost.causes.insert(0, cause);
                Err(lost)
            }
        }
    }

    /// Writes a report as JSON, or `human` in its place.
    pub fn report(&self, report: &impl serde::Serialize, human: impl FnOnce() -> String) {
        if self.is_json() { self.json(report) } else { self.answer(&human()) }
    }

    /// Writes a report as JSON of whatever format.
    pub fn json(&self, report: &impl serde::Serialize) {
        self.answer(&json(report));
    }

    /// Tells the system that runs this, beside the answer: on stderr, even with `-q`.
    pub fn tell_runner(&self, commands: &str) {
        write_quietly(&mut io::stderr().lock(), commands);
    }

    /// Says something beside the answer, unless `-q`.
    pub fn note(&self, text: &str) {
        if !self.quiet {
            write_quietly(&mut io::stderr().lock(), &format!("{text}\n"));
        }
    }

    /// Says what went wrong, why, and what to do next; as JSON on stdout too.
    pub fn error(&self, error: &CliError) {
        if self.is_json() {
            print_json_error(error);
        }
        self.complain(error);
    }

    /// The same beside an answer that was given: on stderr only.
    pub fn complain(&self, error: &CliError) {
        let paint = |style: Style, text: &str| {
            if self.error_color { format!("{style}{text}{style:#}") } else { text.to_owned() }
        };
        let red = Style::new().bold().fg_color(Some(AnsiColor::Red.into()));
        let cyan = Style::new().fg_color(Some(AnsiColor::Cyan.into()));
        let mut text = format!("{}: {}\n", paint(red, "error"), escaped_text(&error.message));
        for cause in &error.causes {
            // A cause of several lines stays one block.
            let cause = escaped_text(cause).replace('\n', "\n    ");
            text += &format!("  caused by: {cause}\n");
        }
        for hint in &error.hints {
            text += &format!("{}: {}\n", paint(cyan, "hint"), escaped_text(hint));
        }
        write_quietly(&mut io::stderr().lock(), &text);
    }
}

/// The error object of the JSON contract, on stdout.
pub fn print_json_error(error: &CliError) {
    let report = ErrorReport::new(error.kind.name(), error.full_message(), error.hints.clone());
    write_quietly(&mut io::stdout().lock(), &json(&report));
}

/// A value as it is written, with its line end.
pub fn json(value: &impl serde::Serialize) -> String {
    let text = serde_json::to_string_pretty(value)
        .expect("what is written holds strings, numbers and lists only");
    text + "\n"
}

/// What a panic adds to its own message.
pub fn say_internal_error() {
    write_quietly(
        &mut io::stderr().lock(),
        "dbm-git: this is an internal error (exit code 101); nothing was left half done that \
         `dbm-git recover` cannot settle. Please report it with the lines above.\n",
    );
}

fn write_quietly(stream: &mut impl Write, text: &str) {
    let _ = stream.write_all(text.as_bytes()).and_then(|()| stream.flush());
}
