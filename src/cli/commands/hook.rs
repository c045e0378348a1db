//! `dbm-git hook NAME`: what the shims in git's hooks folder call.

use std::ffi::OsString;
use std::io::Read;

use super::super::environment;
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops::hook::{self, HookCall};
use crate::ops::{self, OpsError, Repository};
use crate::report::escaped_text;

/// Arguments of `hook`.
#[derive(Debug, clap::Args)]
pub struct Flags {
    /// The hook's name
    pub name: String,
    /// What git gave the hook
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub arguments: Vec<String>,
}

impl Flags {
    /// The words of a shim, `hook NAME ...`, as clap would read them. clap sets up
    /// every command before it reads a word, which is a third of what a hook
    /// takes that finds nothing changed; and it refuses what is not UTF-8, which
    /// the URL of a remote may well be.
    pub fn from_git(arguments: &[OsString]) -> Option<Self> {
        let mut words = arguments.iter().skip(1).map(|word| word.to_string_lossy().into_owned());
        words.next().filter(|word| word == "hook")?;
        let name = words.next().filter(|name| !name.starts_with('-'))?;
        Some(Self { name, arguments: words.collect() })
    }
}

/// Runs a hook. Its own failure never stops git: post hooks always end well,
/// and a push passes when it cannot be judged.
pub fn run(flags: &Flags, ui: &Ui) -> Exit {
    // git breaks the push where nobody reads what it writes (GIT-HOOKS.md).
    let mut input = Vec::new();
    if matches!(flags.name.as_str(), "pre-push" | "post-rewrite") {
        let _ = std::io::stdin().lock().read_to_end(&mut input);
    }
    if environment::hooks_are_off() {
        return Exit::Done;
    }
    let call = HookCall {
        name: flags.name.clone(),
        arguments: flags.arguments.clone(),
        input: String::from_utf8_lossy(&input).into_owned(),
        now: environment::now(),
    };
    let host = environment::looking_host(None);
    let outcome = std::panic::catch_unwind(|| {
        Repository::open().map_err(OpsError::from).and_then(|r| hook::run(r, &call, &host))
    });
    match outcome {
        // The panic has said its piece; a `git switch` must not fail for it.
        Err(_) => Exit::Done,
        Ok(Ok(outcome)) => {
            for line in &outcome.lines {
                ui.note(&escaped_text(line));
            }
            if outcome.blocks { Exit::Problems } else { Exit::Done }
        }
        Ok(Err(error)) => {
            let text = ops::with_causes(&error).trim_end().replace('\n', " ");
            ui.note(&escaped_text(&format!("dbm-git: {} could not look: {text}", flags.name)));
            Exit::Done
        }
    }
}
