//! `doctor --fix`: what was found, turned into fixes, and those carried out one
//! by one. Nothing here decides for the user: hooks are set up as `install` does
//! it and go with `uninstall`, an interrupted operation is settled as the next
//! command that writes would settle it, and what is deleted is ours alone.

use std::path::PathBuf;

use super::super::hook_facts::HooksSought;
use super::super::hook_road::{self, HookRoad};
use super::super::install::HookOptions;
use super::super::{OpsError, Repository, Session, SessionOptions, WriteAccess, with_causes};
use super::look::{DoctorOutcome, stray_files};
use crate::plan::Fix;
use crate::workspace::remove_leftover;

/// What became of one fix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// What was to be done, in one line.
    pub what: String,
    /// Why it was not.
    pub failure: Option<String>,
}

impl DoctorOutcome {
    /// What can be mended without asking, each thing once.
    pub fn fixes(&self) -> Vec<Fix> {
        let mut fixes: Vec<Fix> =
            self.checkups.iter().filter_map(|checkup| checkup.fix.clone()).collect();
        fixes.sort();
        fixes.dedup();
        fixes
    }
}

/// Carries out one fix.
pub fn fix(
    fix: &Fix,
    options: SessionOptions,
    sought: HooksSought<'_>,
    command: &str,
    now: i64,
) -> Fixed {
    let done = match fix {
        Fix::InstallHooks => install_hooks(sought),
        Fix::Settle => settle(command, now),
        Fix::Remove(paths) => remove(paths, options, command, now),
    };
    Fixed { what: fix.plan(), failure: done.err() }
}

fn install_hooks(sought: HooksSought<'_>) -> Result<(), String> {
    let options = HookOptions { partial: true, force: false };
    let told = |error: &dyn std::error::Error| with_causes(error);
    let repository = Repository::open().map_err(|error| told(&error))?;
    let road = HookRoad::of(&repository);
    hook_road::install(road, &repository, sought, options).map(drop).map_err(|error| told(&error))
}

fn settle(command: &str, now: i64) -> Result<(), String> {
    let settled = || -> Result<(), OpsError> {
        WriteAccess::begin(&Repository::open()?, command, now).map(drop)
    };
    settled().map_err(|error| with_causes(&error))
}

/// Deletes those of `paths` that are still nobody's once we hold the lock.
fn remove(
    paths: &[PathBuf],
    options: SessionOptions,
    command: &str,
    now: i64,
) -> Result<(), String> {
    let stray = || -> Result<(Vec<PathBuf>, WriteAccess), OpsError> {
        let repository = Repository::open()?;
        let access = WriteAccess::locked(&repository, command, now)?;
        let session = Session::open(options).ok();
        Ok((stray_files(&repository, session.as_ref(), true)?, access))
    };
    let (stray, _access) = stray().map_err(|error| with_causes(&error))?;
    for path in paths.iter().filter(|path| stray.contains(path)) {
        remove_leftover(path)
            .map_err(|error| format!("cannot delete `{}`: {error}", path.display()))?;
    }
    Ok(())
}
