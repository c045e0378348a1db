//! `dbm-git hook NAME`: what the shims in git's hooks folder call.

use std::io::Read;

use super::super::environment;
use super::super::exit::Exit;
use super::super::ui::Ui;
use crate::ops::hook::{self, HookCall};
use crate::ops::{OpsError, Repository};
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
            ui.note(&escaped_text(&format!("dbm-git: {} could not look: {error}", flags.name)));
            Exit::Done
        }
    }
}
