//! Completion of what is being typed. The shell's script calls this program
//! with `_DBM_GIT_COMPLETE` set to the shell's name and the words of the line.
//!
//! Whoever presses a key gets candidates or nothing: no failure, no panic and
//! no text of ours may end up in the line. No alembic is run and no database
//! of the project is opened.

use std::ffi::OsString;
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;

use clap::CommandFactory;
use clap_complete::env::{Bash, CompleteEnv, EnvCompleter, Fish, Zsh};
use clap_complete::{ArgValueCandidates, CompletionCandidate, Shell};

use super::args::Args;
use super::environment;
use super::exit::Exit;
use crate::check::RULES;
use crate::ops::candidates::{self, Candidate};
use crate::ops::{OpsError, Repository, Session, SessionOptions};
use crate::report::escaped;

const PROGRAM: &str = "dbm-git";

/// The variable by which a shell asks; ours alone, so that nobody sets it for another program.
const VARIABLE: &str = "_DBM_GIT_COMPLETE";

/// The script that lets `shell` complete. bash, fish and zsh call back; the
/// other two get one that knows commands and flags only.
pub fn script(shell: Shell) -> String {
    let calling: &dyn EnvCompleter = match shell {
        Shell::Bash => &Bash,
        Shell::Fish => &Fish,
        Shell::Zsh => &Zsh,
        _ => return static_script(shell),
    };
    let mut script = Vec::new();
    calling
        .write_registration(VARIABLE, PROGRAM, PROGRAM, PROGRAM, &mut script)
        .expect("a vector takes all that is written");
    String::from_utf8_lossy(&script).into_owned()
}

fn static_script(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Args::command(), PROGRAM, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// Writes the candidates, if it is a shell that asks.
pub fn answer(arguments: &[OsString]) -> Option<Exit> {
    environment::variable(VARIABLE)?;
    panic::set_hook(Box::new(|_| {}));
    // Paths are completed from where the shell is, all else from where `-C` leads.
    let folder = environment::folder();
    let typed = Typed::of(&environment::words());
    if environment::enter(typed.directory.as_deref()).is_err() {
        return Some(Exit::Done);
    }
    let write = || {
        let completion = CompleteEnv::with_factory(Args::command).var(VARIABLE);
        completion.try_complete(arguments, folder.as_deref())
    };
    // Where that fails there are no candidates, and nothing to say.
    let _ = panic::catch_unwind(AssertUnwindSafe(write));
    Some(Exit::Done)
}

/// What the arguments complete to.
pub struct Candidates;

impl Candidates {
    pub fn components() -> ArgValueCandidates {
        // Of all: the one that is being typed may be half a name.
        lookup(|| Ok(candidates::components(&session(false)?)))
    }

    pub fn revisions() -> ArgValueCandidates {
        lookup(|| candidates::revisions(&session(true)?))
    }

    /// What `create --head` takes.
    pub fn heads() -> ArgValueCandidates {
        lookup(|| {
            let session = session(true)?;
            let base = Candidate::new("base", "start a branch of its own");
            let mut all = candidates::heads(&session)?;
            all.extend(std::iter::once(base));
            all.extend(candidates::revisions(&session)?);
            Ok(each_once(all))
        })
    }

    /// What `migrate --target` takes.
    pub fn targets() -> ArgValueCandidates {
        lookup(|| {
            let words = [
                ("head", "all heads"),
                ("base", "before the first revision"),
                ("+1", "one up"),
                ("-1", "one down"),
            ];
            let mut all: Vec<Candidate> =
                words.into_iter().map(|(word, help)| Candidate::new(word, help)).collect();
            // Without a repository these words are still right.
            if let Ok(session) = session(true) {
                all.extend(candidates::heads(&session)?);
                all.extend(candidates::revisions(&session)?);
            }
            Ok(each_once(all))
        })
    }

    pub fn refs() -> ArgValueCandidates {
        lookup(|| candidates::refs(&repository()?))
    }

    pub fn operations() -> ArgValueCandidates {
        lookup(|| candidates::operations(&repository()?, false))
    }

    pub fn undoable() -> ArgValueCandidates {
        lookup(|| candidates::operations(&repository()?, true))
    }

    pub fn snapshots() -> ArgValueCandidates {
        lookup(|| candidates::snapshots(&repository()?))
    }

    pub fn codes() -> ArgValueCandidates {
        lookup(|| {
            let code = |rule: &crate::check::Rule| Candidate::new(rule.code.to_string(), rule.name);
            Ok(RULES.iter().map(code).collect())
        })
    }
}

/// Looks when it is asked, and finds nothing where that fails.
fn lookup(look: fn() -> Result<Vec<Candidate>, OpsError>) -> ArgValueCandidates {
    ArgValueCandidates::new(move || {
        let found = look().unwrap_or_default();
        let ordered = found.into_iter().filter(|c| is_one_word(&c.value)).enumerate();
        ordered.map(|(at, candidate)| shown(&candidate, at)).collect()
    })
}

fn shown(candidate: &Candidate, at: usize) -> CompletionCandidate {
    let help = candidate.help.lines().next().filter(|line| !line.is_empty());
    CompletionCandidate::new(&candidate.value)
        .help(help.map(|line| escaped(line).into_owned().into()))
        .display_order(Some(at))
}

/// bash puts a candidate into the line as it is: a branch or revision of a
/// stranger's repository must be a word there, and nothing that a shell runs.
fn is_one_word(value: &str) -> bool {
    let is_plain = |c: char| c.is_alphanumeric() || "._/@+-".contains(c);
    let begins_well = |c: char| c.is_alphanumeric() || "_+-".contains(c);
    value.chars().all(is_plain) && value.starts_with(begins_well)
}

fn each_once(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut seen = std::collections::HashSet::new();
    candidates.into_iter().filter(|candidate| seen.insert(candidate.value.clone())).collect()
}

fn repository() -> Result<Repository, OpsError> {
    Ok(Repository::open()?)
}

fn session(selected: bool) -> Result<Session, OpsError> {
    let typed = Typed::of(&environment::words());
    let components = if selected { typed.components } else { Vec::new() };
    Session::open(SessionOptions { components, ..SessionOptions::default() })
}

/// What the line says already about where to look.
#[derive(Debug, Default, PartialEq, Eq)]
struct Typed {
    directory: Option<PathBuf>,
    components: Vec<String>,
}

impl Typed {
    /// Reads the words behind the `--` that the shell's script puts before them,
    /// but for the last one, which is half a word as a rule.
    fn of(words: &[String]) -> Self {
        let mut typed = Self::default();
        let [whole @ .., _] = words else { return typed };
        let mut line = whole.iter().skip_while(|word| *word != "--").skip(1);
        while let Some(word) = line.next() {
            if word == "-C" {
                typed.directory = line.next().map(PathBuf::from);
            } else if word == "--component" {
                typed.components.extend(line.next().cloned());
            } else if let Some(name) = word.strip_prefix("--component=") {
                typed.components.push(name.to_owned());
            }
        }
        typed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_where_to_look() {
        let words = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let typed = Typed::of(&words(
            "dbm-git -- dbm-git -C shop rebase --component=a --component b --onto",
        ));
        assert_eq!(typed.directory, Some(PathBuf::from("shop")));
        assert_eq!(typed.components, ["a", "b"]);
        for line in ["dbm-git -C shop check", "dbm-git -- dbm-git -C sh", "dbm-git -- dbm-git -C"] {
            assert_eq!(Typed::of(&words(line)), Typed::default(), "{line}");
        }
    }

    #[test]
    fn nothing_that_a_shell_would_run_is_a_candidate() {
        for word in ["8d24f6a1930e", "origin/release-1.x", "shop@head", "+1", "-1", "_x", "Ä"] {
            assert!(is_one_word(word), "{word}");
        }
        for word in ["$(id)", "a;b", "a b", "`id`", "a'b", "a\nb", "~root", "#a", "@{u}", "a*", ""]
        {
            assert!(!is_one_word(word), "{word}");
        }
    }
}
