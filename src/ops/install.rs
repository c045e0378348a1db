//! Installs our git hooks and takes them out again: reads all five files, plans
//! all five, and writes only when none had to be refused (or the caller is
//! content with a part). Never touches `core.hooksPath` or any other setting;
//! hooks in git's configuration are `hook_road`'s.

use std::path::{Path, PathBuf};

use crate::git::GitError;
use crate::hook_files::{HookFileError, delete_hook, read_hook, write_hook};
use crate::plan::Image;
use crate::plan::hook::{
    FoundHook, Hook, HookManager, HookPlan, HookProgram, HookRefusal, HookRemoval,
    InvalidHookProgram, plan_install, plan_uninstall,
};

/// Where a repository's hooks live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HookSite {
    /// The absolute form of `git rev-parse --git-path hooks`; need not exist.
    pub hooks_folder: PathBuf,
    /// This worktree's git directory.
    pub git_dir: PathBuf,
    /// The git directory that all worktrees share.
    pub common_dir: PathBuf,
    /// Whether other repositories use the folder too: `core.hooksPath` is set
    /// globally or system-wide, or points out of the repository.
    pub is_external: bool,
    /// This worktree's root; `None` in a bare repository.
    pub worktree: Option<PathBuf>,
}

impl HookSite {
    /// Whether hooks lie among the user's files, where they may be committed.
    pub fn lies_in_worktree(&self) -> bool {
        let within = |folder: &Path| self.hooks_folder.starts_with(folder);
        self.worktree.as_deref().is_some_and(within)
            && !within(&self.git_dir)
            && !within(&self.common_dir)
    }

    fn path(&self, hook: Hook) -> PathBuf {
        self.hooks_folder.join(hook.name())
    }
}

/// What the user allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HookOptions {
    /// Go on with the other hooks when one is refused.
    pub partial: bool,
    /// Also touch a folder that other repositories use.
    pub force: bool,
}

/// Why hooks were not installed or uninstalled.
#[derive(Debug, thiserror::Error)]
pub enum InstallError {
    #[error("the hooks folder `{}` is shared with other repositories", folder.display())]
    ExternalFolder { folder: PathBuf },
    #[error(transparent)]
    Program(#[from] InvalidHookProgram),
    #[error("{} left alone, nothing was written", hook_list(.0))]
    Refused(Vec<RefusedHook>),
    #[error("the hook `{}` was changed by someone else just now", path.display())]
    Raced { path: PathBuf },
    #[error(transparent)]
    File(#[from] HookFileError),
    #[error(transparent)]
    Git(#[from] GitError),
}

fn hook_list(hooks: &[RefusedHook]) -> String {
    let names: Vec<String> = hooks.iter().map(|refused| format!("`{}`", refused.hook)).collect();
    format!("{} {}", names.join(", "), if names.len() == 1 { "has to be" } else { "have to be" })
}

/// A hook that was left alone, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedHook {
    pub hook: Hook,
    pub path: PathBuf,
    pub reason: HookRefusal,
    /// What to add by hand; `None` when uninstalling.
    pub snippet: Option<String>,
    /// Who wrote the file, where that is known.
    pub manager: Option<HookManager>,
}

/// What became of one hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Installed {
    Created,
    BlockAdded,
    /// In git's configuration, not in a file.
    Configured,
    Updated,
    AlreadyThere,
    Refused {
        reason: HookRefusal,
        snippet: String,
    },
}

/// One hook after [`install`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledHook {
    pub hook: Hook,
    pub path: PathBuf,
    pub result: Installed,
    /// Who wrote the rest of the file, where that is known.
    pub manager: Option<HookManager>,
}

/// What [`install`] did, in the order of [`Hook::ALL`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallOutcome {
    pub hooks: Vec<InstalledHook>,
    /// Whether the files may end up in a commit, with this machine's path in them.
    pub lies_in_worktree: bool,
}

/// What became of one hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Uninstalled {
    /// Nothing of ours was there.
    Absent,
    Deleted,
    /// Our block was cut; the rest is as it was.
    BlockRemoved,
    Refused {
        reason: HookRefusal,
    },
}

/// One hook after [`uninstall`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UninstalledHook {
    pub hook: Hook,
    pub path: PathBuf,
    pub result: Uninstalled,
}

/// What [`uninstall`] did, in the order of [`Hook::ALL`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UninstallOutcome {
    pub hooks: Vec<UninstalledHook>,
}

/// What would be installed: the plan of each hook, with what it was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstallPlan {
    hooks: Vec<(Hook, FoundHook, HookPlan)>,
    site: HookSite,
}

/// Makes each hook of the repository call `program`.
pub fn install(
    site: &HookSite,
    program: &Path,
    options: HookOptions,
) -> Result<InstallOutcome, InstallError> {
    let plan = plan(site, program, options)?;
    apply(plan.writes())?;
    Ok(plan.outcome())
}

/// Takes everything of ours out of the repository's hooks.
pub fn uninstall(site: &HookSite, options: HookOptions) -> Result<UninstallOutcome, InstallError> {
    check_folder(site, options)?;
    let mut removals = Vec::new();
    for hook in Hook::ALL {
        let found = read_hook(&site.path(hook))?;
        let removal = plan_uninstall(&found);
        removals.push((hook, found, removal));
    }
    refuse_as_a_whole(
        options,
        removals.iter().filter_map(|(hook, found, removal)| {
            let HookRemoval::Refuse(reason) = removal else { return None };
            Some(refused(site, *hook, found, reason, None))
        }),
    )?;
    apply(removals.iter().filter_map(|(hook, found, removal)| {
        let after = match removal {
            HookRemoval::Absent | HookRemoval::Refuse(_) => return None,
            HookRemoval::Delete => None,
            HookRemoval::Restore(image) => Some(image),
        };
        Some(HookWrite { path: site.path(*hook), before: found, after })
    }))?;
    let hooks = removals.into_iter().map(|(hook, _, removal)| UninstalledHook {
        hook,
        path: site.path(hook),
        result: match removal {
            HookRemoval::Absent => Uninstalled::Absent,
            HookRemoval::Delete => Uninstalled::Deleted,
            HookRemoval::Restore(_) => Uninstalled::BlockRemoved,
            HookRemoval::Refuse(reason) => Uninstalled::Refused { reason },
        },
    });
    Ok(UninstallOutcome { hooks: hooks.collect() })
}

/// Plans what [`install`] would do, and writes nothing.
pub fn plan(
    site: &HookSite,
    program: &Path,
    options: HookOptions,
) -> Result<InstallPlan, InstallError> {
    check_folder(site, options)?;
    let program = HookProgram::new(program)?;
    let mut hooks = Vec::new();
    for hook in Hook::ALL {
        let found = read_hook(&site.path(hook))?;
        let plan = plan_install(&found, hook, &program);
        hooks.push((hook, found, plan));
    }
    refuse_as_a_whole(
        options,
        hooks.iter().filter_map(|(hook, found, plan)| {
            let HookPlan::Refuse { reason, snippet } = plan else { return None };
            Some(refused(site, *hook, found, reason, Some(snippet)))
        }),
    )?;
    Ok(InstallPlan { hooks, site: site.clone() })
}

impl InstallPlan {
    fn writes(&self) -> impl Iterator<Item = HookWrite<'_>> {
        self.hooks.iter().filter_map(|(hook, found, plan)| match plan {
            HookPlan::Create(image) | HookPlan::AddBlock(image) | HookPlan::Update(image) => {
                Some(HookWrite { path: self.site.path(*hook), before: found, after: Some(image) })
            }
            HookPlan::AlreadyCurrent | HookPlan::Refuse { .. } => None,
        })
    }

    /// What will have happened once the plan is applied; what `--dry-run` shows.
    pub fn outcome(&self) -> InstallOutcome {
        let hooks = self.hooks.iter().map(|(hook, found, plan)| InstalledHook {
            hook: *hook,
            path: self.site.path(*hook),
            manager: manager(found),
            result: match plan {
                HookPlan::Create(_) => Installed::Created,
                HookPlan::AddBlock(_) => Installed::BlockAdded,
                HookPlan::Update(_) => Installed::Updated,
                HookPlan::AlreadyCurrent => Installed::AlreadyThere,
                HookPlan::Refuse { reason, snippet } => {
                    Installed::Refused { reason: reason.clone(), snippet: snippet.clone() }
                }
            },
        });
        InstallOutcome { hooks: hooks.collect(), lies_in_worktree: self.site.lies_in_worktree() }
    }
}

fn check_folder(site: &HookSite, options: HookOptions) -> Result<(), InstallError> {
    if site.is_external && !options.force {
        return Err(InstallError::ExternalFolder { folder: site.hooks_folder.clone() });
    }
    Ok(())
}

fn refuse_as_a_whole(
    options: HookOptions,
    refused: impl Iterator<Item = RefusedHook>,
) -> Result<(), InstallError> {
    let refused: Vec<RefusedHook> = refused.collect();
    if refused.is_empty() || options.partial { Ok(()) } else { Err(InstallError::Refused(refused)) }
}

fn refused(
    site: &HookSite,
    hook: Hook,
    found: &FoundHook,
    reason: &HookRefusal,
    snippet: Option<&String>,
) -> RefusedHook {
    RefusedHook {
        hook,
        path: site.path(hook),
        reason: reason.clone(),
        snippet: snippet.cloned(),
        manager: manager(found),
    }
}

fn manager(found: &FoundHook) -> Option<HookManager> {
    match found {
        FoundHook::File { image, .. } => HookManager::recognise(&image.bytes),
        FoundHook::Nothing | FoundHook::Other => None,
    }
}

/// One file to write, or to delete.
struct HookWrite<'a> {
    path: PathBuf,
    before: &'a FoundHook,
    after: Option<&'a Image>,
}

/// Writes one after the other; when one fails, those before it are taken back.
fn apply<'a>(writes: impl Iterator<Item = HookWrite<'a>>) -> Result<(), InstallError> {
    let mut done = Vec::new();
    for write in writes {
        if let Err(error) = apply_one(&write) {
            for write in done.iter().rev() {
                take_back(write)?;
            }
            return Err(error);
        }
        done.push(write);
    }
    Ok(())
}

fn apply_one(write: &HookWrite<'_>) -> Result<(), InstallError> {
    if read_hook(&write.path)? != *write.before {
        return Err(InstallError::Raced { path: write.path.clone() });
    }
    match write.after {
        Some(image) => write_hook(&write.path, image)?,
        None => delete_hook(&write.path)?,
    }
    Ok(())
}

fn take_back(write: &HookWrite<'_>) -> Result<(), HookFileError> {
    match write.before {
        FoundHook::File { image, .. } => write_hook(&write.path, image),
        FoundHook::Nothing | FoundHook::Other => delete_hook(&write.path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn when_one_write_fails_those_before_it_are_taken_back() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name| folder.path().join(name);
        let image = |text: &str| Image { bytes: text.into(), mode: 0o755 };
        write_hook(&path("changed"), &image("old")).expect("written");
        write_hook(&path("raced"), &image("someone else's")).expect("written");
        let changed = read_hook(&path("changed")).expect("readable");
        let new = image("new");
        let write = |name, before| HookWrite { path: path(name), before, after: Some(&new) };
        let writes = [
            write("created", &FoundHook::Nothing),
            write("changed", &changed),
            write("raced", &FoundHook::Nothing),
        ];
        let error = apply(writes.into_iter()).expect_err("the last file was not expected");
        assert!(matches!(error, InstallError::Raced { path: raced } if raced == path("raced")));
        assert_eq!(read_hook(&path("created")).expect("readable"), FoundHook::Nothing);
        assert_eq!(read_hook(&path("changed")).expect("readable"), changed);
    }
}
