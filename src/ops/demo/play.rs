//! Plays the story on a stage and compares what happens with what should.

use std::path::{Path, PathBuf};

use super::project::PROJECT;
use super::story::{Call, Step, story};
use crate::demo_stage::{Played, Stage, StageError, VirtualEnvError, virtual_env};

/// What the demo has to know of this process, read at the edge.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// The running binary.
    pub binary: PathBuf,
    /// The folders of `PATH`.
    pub path: Vec<PathBuf>,
    /// The user's cache folder.
    pub cache: Option<PathBuf>,
    /// Whether the programs are to use colours.
    pub color: bool,
    /// Leave the scratch folder behind.
    pub keep: bool,
}

/// Something to tell while the demo runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DemoEvent<'a> {
    /// Something beside the demo takes a while.
    Progress(&'a str),
    Title(&'a str),
    Say(&'a str),
    /// A command is about to run in somebody's clone.
    Command {
        player: &'a str,
        words: &'a [&'a str],
    },
    Played(&'a Played),
    /// The scratch folder was left there.
    Kept(&'a Path),
}

/// What is left to say at the end.
#[derive(Debug)]
pub struct DemoOutcome {
    /// Why everything that needs alembic was left out.
    pub without_alembic: Option<VirtualEnvError>,
}

/// The demo could not be played, or took another course.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    #[error(transparent)]
    Stage(#[from] StageError),
    #[error("`{command}` ended with exit code {found}, expected was {expected}: {output}")]
    Code { command: String, expected: i32, found: i32, output: String },
    #[error("`{command}` should have said `{expected}`: {output}")]
    Output { command: String, expected: String, output: String },
}

/// Plays the demo; `watch` hears all there is to show, in order.
pub fn demo(
    options: &DemoOptions,
    watch: &mut dyn FnMut(DemoEvent<'_>),
) -> Result<DemoOutcome, DemoError> {
    let alembic = virtual_env(options.cache.as_deref(), &options.path, &mut |line| {
        watch(DemoEvent::Progress(line));
    });
    let (programs, without_alembic) = match alembic {
        Ok(programs) => (Some(programs), None),
        Err(error) => (None, Some(error)),
    };
    let path: Vec<PathBuf> = programs.into_iter().chain(options.path.iter().cloned()).collect();
    let mut stage = Stage::new(options.binary.clone(), &path, options.color)?;
    let result =
        story(without_alembic.is_none()).iter().try_for_each(|step| play(&mut stage, step, watch));
    if options.keep {
        watch(DemoEvent::Kept(&stage.keep()));
    }
    result.map(|()| DemoOutcome { without_alembic })
}

fn play(
    stage: &mut Stage,
    step: &Step,
    watch: &mut dyn FnMut(DemoEvent<'_>),
) -> Result<(), DemoError> {
    match step {
        Step::Title(text) => watch(DemoEvent::Title(text)),
        Step::Say(text) => watch(DemoEvent::Say(text)),
        Step::Project(player) => {
            for (path, text) in PROJECT {
                stage.write(*player, path, text)?;
            }
        }
        Step::Migration(player, migration) => {
            stage.write(*player, &migration.path(), &migration.text())?;
        }
        Step::Run(call) => {
            if call.is_shown {
                let player = call.player.folder;
                watch(DemoEvent::Command { player, words: &call.words });
            }
            let played = stage.run(call.player, &call.words)?;
            if call.is_shown {
                watch(DemoEvent::Played(&played));
            }
            judge(call, &played)?;
        }
    }
    Ok(())
}

fn judge(call: &Call, played: &Played) -> Result<(), DemoError> {
    let command = || call.words.join(" ");
    let output = || played.output.trim().to_owned();
    if played.code != call.code {
        return Err(DemoError::Code {
            command: command(),
            expected: call.code,
            found: played.code,
            output: output(),
        });
    }
    if !played.output.contains(call.says) {
        return Err(DemoError::Output {
            command: command(),
            expected: call.says.to_owned(),
            output: output(),
        });
    }
    Ok(())
}
