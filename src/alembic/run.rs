//! Running alembic with its output passed on line by line and kept for the error.

use std::collections::VecDeque;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::AlembicCommand;
use super::lifeline::held;
use super::mask::Mask;
use super::process::{Ending, Stream, watch};
use super::target::Target;
use super::traceback::{Essence, essence};
use super::trouble::{Trouble, classify_output};

/// alembic could not be run, or failed.
#[derive(Debug, thiserror::Error)]
pub enum AlembicError {
    #[error("cannot run `{command}` in `{folder}`")]
    Spawn { command: String, folder: String, source: std::io::Error },
    #[error("`{command}` failed ({status}){}", told(essence.as_deref(), output))]
    Failed {
        command: String,
        status: String,
        /// The last lines.
        output: String,
        /// What tells, where these are of a traceback.
        essence: Option<Box<Essence>>,
        trouble: Option<Trouble>,
    },
    #[error("`{command}` was ended by a signal")]
    Killed { command: String },
    #[error("`{command}` took longer than {} s and was ended: {output}", limit.as_secs())]
    TimedOut { command: String, limit: Duration, output: String },
    #[error("cannot lay out a temporary configuration in `{folder}`")]
    Scratch { folder: String, source: std::io::Error },
    #[error("no folder without blanks and separators for a temporary configuration: `{folder}`")]
    ScratchPath { folder: String },
}

fn told(essence: Option<&Essence>, output: &str) -> String {
    essence.map_or_else(|| format!(": {output}"), Essence::to_string)
}

impl AlembicError {
    /// What went wrong in a line, without the command.
    pub fn brief(&self) -> String {
        let first = |text: &str| text.lines().next().unwrap_or_default().to_owned();
        match self {
            Self::Failed { essence: Some(essence), .. } => first(&essence.to_string()),
            Self::Failed { output, .. } => {
                format!(": {}", output.trim_end().lines().last().unwrap_or_default().trim())
            }
            other => format!(": {}", first(&other.to_string())),
        }
    }
}

/// How many lines of output an error keeps: the end is what tells.
const KEPT_LINES: usize = 30;

/// How many lines are looked through for what went wrong: a statement of many
/// lines may stand behind the one that says it.
const SEARCHED_LINES: usize = 2_000;

/// Runs one subcommand of alembic on `target`: in its folder, with nothing on stdin
/// (ALEMBIC.md 1.6), for no longer than `limit`. Every line of both streams
/// goes to `line`; returned is stdout. Both are without the target's secrets.
pub fn run_target(
    target: &Target,
    subcommand: &[&str],
    environment: &[(String, String)],
    limit: Duration,
    line: &mut dyn FnMut(&str),
) -> Result<String, AlembicError> {
    let answer = run_unmasked(target, subcommand, environment, limit, line)?;
    Ok(Mask(&target.secrets).apply(&answer))
}

/// The same, with an answer that may hold secrets.
#[expect(clippy::disallowed_methods, reason = "the one place that runs alembic")]
pub(super) fn run_unmasked(
    target: &Target,
    subcommand: &[&str],
    environment: &[(String, String)],
    limit: Duration,
    line: &mut dyn FnMut(&str),
) -> Result<String, AlembicError> {
    let AlembicCommand { program, folder, .. } = &target.command;
    let mut command = Command::new(program);
    command
        .args(target.words(subcommand))
        .current_dir(folder)
        // What git sets for a hook would mislead whatever env.py runs.
        .env_remove("GIT_DIR")
        .env_remove("GIT_INDEX_FILE")
        .env_remove("GIT_WORK_TREE")
        // The target says which configuration is meant.
        .env_remove("ALEMBIC_CONFIG")
        .env("DBM_GIT_IN_HOOK", "1")
        .env("PYTHONUNBUFFERED", "1")
        .envs(target.environment.iter().chain(environment).map(|(name, value)| (name, value)));

    // What is not to be had is done without: it is for whoever comes after a kill.
    let lifeline = target.lifeline.as_deref().and_then(|path| held(path).ok());
    command.stdin(lifeline.map_or_else(Stdio::null, Stdio::from));

    let mask = Mask(&target.secrets);
    let mut answer = String::new();
    let mut lines: VecDeque<String> = VecDeque::new();
    let ending = watch(command, limit, &mut |stream, text| {
        if stream == Stream::Stdout {
            answer += text;
            answer.push('\n');
        }
        let text = mask.apply(text);
        line(&text);
        lines.push_back(text);
        if lines.len() > SEARCHED_LINES {
            lines.pop_front();
        }
    });
    let shown = target.shown(subcommand);
    let output = || {
        let skipped = lines.len().saturating_sub(KEPT_LINES);
        lines.iter().skip(skipped).map(String::as_str).collect::<Vec<_>>().join("\n")
    };
    match ending {
        Err(source) => Err(AlembicError::Spawn {
            command: shown,
            folder: folder.display().to_string(),
            source,
        }),
        Ok(Ending::TimedOut) => {
            Err(AlembicError::TimedOut { command: shown, limit, output: output() })
        }
        Ok(Ending::Exited(status)) => match status.code() {
            Some(0) => Ok(answer),
            Some(_) => {
                let all = lines.iter().map(String::as_str);
                Err(AlembicError::Failed {
                    command: shown,
                    status: status.to_string(),
                    output: output(),
                    essence: essence(all.clone(), folder).map(Box::new),
                    trouble: classify_output(all),
                })
            }
            None => Err(AlembicError::Killed { command: shown }),
        },
    }
}
