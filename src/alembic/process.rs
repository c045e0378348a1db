//! One process, watched: its lines as they come, a time limit, and nothing left
//! of it once it, or dbm-git, has ended.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long a line may come after the process itself has ended: what it started
/// and left behind may hold its streams open for ever.
const AFTERMATH: Duration = Duration::from_secs(1);

/// Interrupts a process group and, if that is not enough, kills it, once its
/// stdin ends. That happens at the time limit, and also when dbm-git dies: in a
/// group of its own, alembic would not hear the terminal's Ctrl-C and would go
/// on changing a database with nobody watching. A line instead means all is well.
const GUARD: &str = r#"read -r _ && exit 0
for signal in INT TERM; do
    kill -s "$signal" -- "-$1" 2>/dev/null || exit 0
    sleep 1
done
kill -s KILL -- "-$1" 2>/dev/null"#;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    Exited(ExitStatus),
    /// At its time limit, by us.
    TimedOut,
}

/// Which stream a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    Stdout,
    Stderr,
}

enum Event {
    Line(Stream, String),
    Ended(io::Result<ExitStatus>),
}

/// Runs `command` in a process group of its own that is ended at `limit`. Every line of its streams goes to `line`.
pub(super) fn watch(
    mut command: Command,
    limit: Duration,
    line: &mut dyn FnMut(Stream, &str),
) -> io::Result<Ending> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    own_group(&mut command);
    let mut child = command.spawn()?;
    let guard = match Guard::post(child.id(), limit) {
        Ok(guard) => guard,
        Err(error) => {
            // Nothing may run that nobody can stop. It may have ended already.
            let _ = child.kill();
            child.wait()?;
            return Err(error);
        }
    };
    let (sender, events) = mpsc::channel();
    if let Some(stream) = child.stdout.take() {
        forward(stream, Stream::Stdout, sender.clone());
    }
    if let Some(stream) = child.stderr.take() {
        forward(stream, Stream::Stderr, sender.clone());
    }
    thread::spawn(move || {
        // Nobody listens any more only after this has been heard.
        let _ = sender.send(Event::Ended(child.wait()));
    });

    let mut status = None;
    loop {
        let event = match status {
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(_) => events.recv_timeout(AFTERMATH),
        };
        match event {
            Ok(Event::Line(stream, text)) => line(stream, &text),
            Ok(Event::Ended(ended)) => status = Some(ended?),
            Err(_) => break,
        }
    }
    let timed_out = guard.dismiss();
    let status = status.ok_or_else(|| io::Error::other("nothing waited for it"))?;
    Ok(if timed_out { Ending::TimedOut } else { Ending::Exited(status) })
}

fn forward(stream: impl Read + Send + 'static, name: Stream, sender: mpsc::Sender<Event>) {
    thread::spawn(move || {
        for text in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let text = String::from_utf8_lossy(&text).trim_end().to_owned();
            if sender.send(Event::Line(name, text)).is_err() {
                return;
            }
        }
    });
}

/// Stands by to end a process group.
struct Guard {
    /// Closed, or sent to, when the process has ended.
    done: mpsc::Sender<()>,
    /// Says whether the limit was reached.
    timer: JoinHandle<bool>,
}

impl Guard {
    #[expect(
        clippy::disallowed_methods,
        reason = "what alembic's own process cannot do for itself"
    )]
    fn post(group: u32, limit: Duration) -> io::Result<Self> {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", GUARD, "dbm-git-guard", &group.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        own_group(&mut command);
        let mut child = command.spawn()?;
        let stdin = child.stdin.take();
        let (done, wait) = mpsc::channel();
        let timer = thread::spawn(move || {
            let timed_out = wait.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
            call_off_or_let_go(&mut child, stdin, timed_out);
            timed_out
        });
        Ok(Self { done, timer })
    }

    /// Whether the limit had been reached.
    fn dismiss(self) -> bool {
        drop(self.done);
        self.timer.join().unwrap_or(false)
    }
}

fn call_off_or_let_go(guard: &mut Child, stdin: Option<ChildStdin>, timed_out: bool) {
    if let (Some(mut stdin), false) = (stdin, timed_out) {
        // If it is gone it cannot do harm either.
        let _ = stdin.write_all(b"done\n");
    }
    let _ = guard.wait();
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    use std::os::unix::process::CommandExt as _;
    command.process_group(0);
}

#[cfg(not(unix))]
fn own_group(_: &mut Command) {}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "the tests run little shell scripts")]
mod tests {
    use super::*;

    fn sh(script: &str, limit: Duration) -> (io::Result<Ending>, Vec<String>) {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).stdin(Stdio::null());
        let mut lines = Vec::new();
        let ending = watch(command, limit, &mut |_, line| lines.push(line.to_owned()));
        (ending, lines)
    }

    const LONG: Duration = Duration::from_secs(600);

    fn code(ending: io::Result<Ending>) -> Option<i32> {
        match ending.expect("it ran") {
            Ending::Exited(status) => status.code(),
            Ending::TimedOut => None,
        }
    }

    #[test]
    fn both_streams_are_heard_and_the_status_is_told() {
        let (ending, mut lines) = sh("echo one; echo two >&2; read -r x || echo eof; exit 7", LONG);
        lines.sort();
        assert_eq!(lines, ["eof", "one", "two"]);
        assert_eq!(code(ending), Some(7));
    }

    #[test]
    fn at_the_limit_it_ends_with_all_that_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let pipe = folder.path().join("pipe");
        let (ending, _) = sh(&format!("mkfifo '{}'", pipe.display()), LONG);
        assert_eq!(code(ending), Some(0));
        // Who reads a pipe hears of its end when the last writer is gone.
        let (sender, gone) = mpsc::channel();
        let read = pipe.clone();
        thread::spawn(move || {
            let end = std::fs::File::open(read).and_then(|mut p| io::copy(&mut p, &mut io::sink()));
            sender.send(end.is_ok()).expect("the test waits");
        });
        let stubborn = "trap '' INT TERM; sleep 600; sleep 600";
        let script = format!("sh -c \"{stubborn}\" 3>'{}' & wait", pipe.display());
        let (ending, _) = sh(&script, Duration::from_secs(2));
        assert_eq!(ending.expect("it ran"), Ending::TimedOut);
        assert_eq!(gone.recv_timeout(LONG), Ok(true));
    }

    #[test]
    fn what_an_ended_process_leaves_behind_keeps_nobody_waiting() {
        let (ending, lines) = sh("sleep 600 & echo $!", LONG);
        assert_eq!(code(ending), Some(0));
        let (ending, _) = sh(&format!("kill {}", lines[0]), LONG);
        assert_eq!(code(ending), Some(0));
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let command = Command::new("/nowhere/alembic");
        assert!(watch(command, LONG, &mut |_, _| {}).is_err());
    }
}
