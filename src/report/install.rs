//! What became of each hook.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

use crate::ops::install::{InstallOutcome, Installed, UninstallOutcome, Uninstalled};

/// `install --format json` and `uninstall --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct InstallReport {
    pub version: u32,
    pub hooks: Vec<HookReport>,
}

/// One hook.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HookReport {
    pub hook: String,
    pub path: String,
    #[schemars(extend("enum" = [
        "called-elsewhere", "created", "block-added", "configured", "updated", "already-there",
        "refused", "absent", "deleted", "block-removed",
    ]))]
    pub result: &'static str,
}

impl InstallReport {
    /// The report of an installation.
    pub fn installed(outcome: &InstallOutcome) -> Self {
        let hooks = outcome.hooks.iter().map(|hook| HookReport {
            hook: hook.hook.name().to_owned(),
            path: hook.path.display().to_string(),
            result: match &hook.result {
                Installed::Created => "created",
                Installed::BlockAdded => "block-added",
                Installed::Configured => "configured",
                Installed::Updated => "updated",
                Installed::AlreadyThere => "already-there",
                Installed::CalledElsewhere { .. } => "called-elsewhere",
                Installed::Refused { .. } => "refused",
            },
        });
        Self { version: 1, hooks: hooks.collect() }
    }

    /// The report of a removal.
    pub fn uninstalled(outcome: &UninstallOutcome) -> Self {
        let hooks = outcome.hooks.iter().map(|hook| HookReport {
            hook: hook.hook.name().to_owned(),
            path: hook.path.display().to_string(),
            result: match &hook.result {
                Uninstalled::Absent => "absent",
                Uninstalled::Deleted => "deleted",
                Uninstalled::BlockRemoved => "block-removed",
                Uninstalled::Refused { .. } => "refused",
            },
        });
        Self { version: 1, hooks: hooks.collect() }
    }
}

/// What the hooks will do from now on, unless this clone's settings say otherwise.
pub const WHAT_HAPPENS_WHEN: &str = "
after a pull, merge, rebase or switch   a few lines if revisions arrived, diverged or vanished
before a push                           new errors block it; what would diverge once merged warns
the database                            is looked at and never changed, unless you ask for it:
                                        `git config dbm-git.postMerge sync`
DBM_GIT=0 skips the hooks once; `dbm-git uninstall` takes them out; `dbm-git` shows where you are
";

impl fmt::Display for InstallReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for hook in &self.hooks {
            let words = match hook.result {
                "created" => "installed",
                "block-added" => "added to the hook that was there",
                "configured" => "installed, in git's configuration",
                "updated" => "brought up to date",
                "already-there" => "there already",
                "called-elsewhere" => "called already, by another hook or its manager",
                "refused" => "left alone",
                "absent" => "nothing of ours was there",
                "deleted" => "removed",
                _ => "removed from the hook that was there",
            };
            writeln!(f, "{:<13}  {words}", hook.hook)?;
        }
        Ok(())
    }
}
