//! Running alembic with its output passed on line by line and kept for the error.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use super::AlembicCommand;

/// alembic could not be run, or failed.
#[derive(Debug, thiserror::Error)]
pub enum AlembicError {
    #[error("cannot run `{command}` in `{folder}`")]
    Spawn { command: String, folder: String, source: std::io::Error },
    #[error("`{command}` failed ({status}): {output}")]
    Failed { command: String, status: String, output: String },
    #[error("`{command}` was ended by a signal")]
    Killed { command: String },
}

/// How many lines of output an error keeps: the end is what tells.
const KEPT_LINES: usize = 30;

/// Runs alembic with `arguments`, in its folder, stdin closed (ALEMBIC.md 1.6),
/// and passes every line of both its streams to `line`. Returns its stdout.
#[expect(clippy::disallowed_methods, reason = "the one place that runs alembic")]
pub fn run(
    alembic: &AlembicCommand,
    arguments: &[&str],
    environment: &[(&str, &str)],
    line: &mut dyn FnMut(&str),
) -> Result<String, AlembicError> {
    let command = format!("{} {}", alembic.shown(), arguments.join(" "));
    let mut child = Command::new(&alembic.program)
        .args(&alembic.arguments)
        .args(arguments)
        .current_dir(&alembic.folder)
        // What git sets for a hook would mislead whatever env.py runs.
        .env_remove("GIT_DIR")
        .env_remove("GIT_INDEX_FILE")
        .env_remove("GIT_WORK_TREE")
        .env("DBM_GIT_IN_HOOK", "1")
        .env("PYTHONUNBUFFERED", "1")
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|source| AlembicError::Spawn {
            command: command.clone(),
            folder: alembic.folder.display().to_string(),
            source,
        })?;
    let (sender, lines) = mpsc::channel();
    let stdout = child.stdout.take().map(|s| forward(s, true, sender.clone()));
    let stderr = child.stderr.take().map(|s| forward(s, false, sender));
    let mut answer = String::new();
    let mut kept: Vec<String> = Vec::new();
    for (is_answer, text) in lines {
        line(&text);
        if is_answer {
            answer += &text;
            answer.push('\n');
        }
        kept.push(text);
        if kept.len() > KEPT_LINES {
            kept.remove(0);
        }
    }
    for reader in [stdout, stderr].into_iter().flatten() {
        // A reader ends with its stream; there is nothing more to learn from it.
        let _ = reader.join();
    }
    let status = child.wait().map_err(|source| AlembicError::Spawn {
        command: command.clone(),
        folder: alembic.folder.display().to_string(),
        source,
    })?;
    match status.code() {
        Some(0) => Ok(answer),
        Some(_) => Err(AlembicError::Failed {
            command,
            status: status.to_string(),
            output: kept.join("\n"),
        }),
        None => Err(AlembicError::Killed { command }),
    }
}

fn forward(
    stream: impl Read + Send + 'static,
    is_answer: bool,
    sender: mpsc::Sender<(bool, String)>,
) -> thread::JoinHandle<()> {
    thread::spawn(move || {
        for text in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&text).trim_end().to_owned();
            if sender.send((is_answer, text)).is_err() {
                return;
            }
        }
    })
}

/// The version rows as `alembic current` sees them, sorted.
pub fn current_rows(
    alembic: &AlembicCommand,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<Vec<String>, AlembicError> {
    let mut all = arguments.to_vec();
    all.push("current");
    let answer = run(alembic, &all, environment, &mut |_| {})?;
    Ok(parse_current(&answer))
}

/// `aaaa00000002 (head)` → `aaaa00000002`; whatever env.py itself prints has no
/// place on stdout, but is told apart by not being an id with marks.
fn parse_current(answer: &str) -> Vec<String> {
    let mut rows: Vec<String> = answer
        .lines()
        .map(str::trim)
        .filter_map(|line| {
            let (id, marks) = line.split_once(' ').unwrap_or((line, ""));
            let is_row = !id.is_empty()
                && !id.contains([':', '@', '-', '+'])
                && (marks.is_empty() || (marks.starts_with('(') && marks.ends_with(')')));
            is_row.then(|| id.to_owned())
        })
        .collect();
    rows.sort();
    rows.dedup();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rows_are_read_off_what_current_prints() {
        assert_eq!(parse_current("aaaa00000001\n"), ["aaaa00000001"]);
        assert_eq!(
            parse_current("merg00000001 (head) (mergepoint)\naaaa00000002 (head)\n"),
            ["aaaa00000002", "merg00000001"]
        );
        assert_eq!(parse_current(""), [""; 0]);
        assert_eq!(parse_current("Loading the application ...\n"), [""; 0]);
    }
}
