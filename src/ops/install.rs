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
use crate::plan::hook_manager::{OwnLines, own_lines};
use crate::plan::hook_run::Elsewhere;

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
    /// Somebody else's hook calls ours, so that the file is left as it is.
    CalledElsewhere {
        by: String,
    },
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
    /// Managers in whose files ours is until they write those anew.
    pub fragile: Vec<FragileHooks>,
}

/// Hooks that a manager will lose us in, and what would outlast that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FragileHooks {
    pub manager: HookManager,
    pub hooks: Vec<Hook>,
    pub lines: Vec<OwnLines>,
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
    hooks: Vec<PlannedHook>,
    called: Vec<(Hook, String)>,
    program: HookProgram,
    site: HookSite,
}

/// One file, and what becomes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PlannedHook {
    hook: Hook,
    path: PathBuf,
    found: FoundHook,
    plan: HookPlan,
}

/// Makes each hook of the repository call `program`.
pub fn install(
    site: &HookSite,
    program: &Path,
    options: HookOptions,
) -> Result<InstallOutcome, InstallError> {
    install_beside(site, program, options, Vec::new())
}

/// The same, but for hooks that are `called` by somebody else's already.
pub fn install_beside(
    site: &HookSite,
    program: &Path,
    options: HookOptions,
    called: Vec<(Hook, Elsewhere)>,
) -> Result<InstallOutcome, InstallError> {
    let plan = plan_beside(site, program, options, called)?;
    apply(plan.writes())?;
    Ok(plan.outcome())
}

/// What managers of hooks call a file that they have moved out of their way.
const MOVED: [&str; 2] = ["legacy", "old"];

/// Takes everything of ours out of the repository's hooks, also out of what
/// managers have moved aside.
pub fn uninstall(site: &HookSite, options: HookOptions) -> Result<UninstallOutcome, InstallError> {
    check_folder(site, options)?;
    let mut removals = Vec::new();
    for hook in Hook::ALL {
        let path = site.path(hook);
        let moved = MOVED.map(|end| path.with_extension(end));
        for path in std::iter::once(path).chain(moved) {
            let found = read_hook(&path)?;
            let removal = plan_uninstall(&found);
            removals.push(Removal { hook, path, found, removal });
        }
    }
    refuse_as_a_whole(
        options,
        removals.iter().filter_map(|removal| {
            let HookRemoval::Refuse(reason) = &removal.removal else { return None };
            Some(refused(removal.hook, &removal.path, &removal.found, reason, None))
        }),
    )?;
    apply(removals.iter().filter_map(Removal::write))?;
    // Of each hook its own file comes first.
    let told = |hook| {
        let of_hook = || removals.iter().filter(move |removal| removal.hook == hook);
        let present = of_hook().find(|removal| removal.removal != HookRemoval::Absent);
        present.or_else(|| of_hook().next()).map(Removal::told)
    };
    Ok(UninstallOutcome { hooks: Hook::ALL.into_iter().filter_map(told).collect() })
}

/// What is taken out of one file.
struct Removal {
    hook: Hook,
    path: PathBuf,
    found: FoundHook,
    removal: HookRemoval,
}

impl Removal {
    fn write(&self) -> Option<HookWrite<'_>> {
        let after = match &self.removal {
            HookRemoval::Absent | HookRemoval::Refuse(_) => return None,
            HookRemoval::Delete => None,
            HookRemoval::Restore(image) => Some(image),
        };
        Some(HookWrite { path: self.path.clone(), before: &self.found, after })
    }

    fn told(&self) -> UninstalledHook {
        let result = match &self.removal {
            HookRemoval::Absent => Uninstalled::Absent,
            HookRemoval::Delete => Uninstalled::Deleted,
            HookRemoval::Restore(_) => Uninstalled::BlockRemoved,
            HookRemoval::Refuse(reason) => Uninstalled::Refused { reason: reason.clone() },
        };
        UninstalledHook { hook: self.hook, path: self.path.clone(), result }
    }
}

/// Plans what [`install`] would do, and writes nothing.
pub fn plan(
    site: &HookSite,
    program: &Path,
    options: HookOptions,
) -> Result<InstallPlan, InstallError> {
    plan_beside(site, program, options, Vec::new())
}

/// Plans what [`install_beside`] would do, and writes nothing.
pub fn plan_beside(
    site: &HookSite,
    program: &Path,
    options: HookOptions,
    called: Vec<(Hook, Elsewhere)>,
) -> Result<InstallPlan, InstallError> {
    check_folder(site, options)?;
    let program = HookProgram::new(program)?;
    let mut hooks = Vec::new();
    let mut left = Vec::new();
    for hook in Hook::ALL {
        let path = match called.iter().find(|(known, _)| *known == hook) {
            Some((_, Elsewhere::By(who))) => {
                left.push((hook, who.clone()));
                continue;
            }
            // There it is kept up to date.
            Some((_, Elsewhere::Moved(path))) => path.clone(),
            None => site.path(hook),
        };
        let found = read_hook(&path)?;
        let plan = plan_install(&found, hook, &program);
        hooks.push(PlannedHook { hook, path, found, plan });
    }
    refuse_as_a_whole(
        options,
        hooks.iter().filter_map(|planned| {
            let HookPlan::Refuse { reason, snippet } = &planned.plan else { return None };
            Some(refused(planned.hook, &planned.path, &planned.found, reason, Some(snippet)))
        }),
    )?;
    Ok(InstallPlan { hooks, called: left, program, site: site.clone() })
}

impl InstallPlan {
    fn writes(&self) -> impl Iterator<Item = HookWrite<'_>> {
        self.hooks.iter().filter_map(|planned| match &planned.plan {
            HookPlan::Create(image) | HookPlan::AddBlock(image) | HookPlan::Update(image) => {
                let (path, before) = (planned.path.clone(), &planned.found);
                Some(HookWrite { path, before, after: Some(image) })
            }
            HookPlan::AlreadyCurrent | HookPlan::Refuse { .. } => None,
        })
    }

    /// What will have happened once the plan is applied; what `--dry-run` shows.
    pub fn outcome(&self) -> InstallOutcome {
        let hooks = self.hooks.iter().map(|planned| InstalledHook {
            hook: planned.hook,
            path: planned.path.clone(),
            manager: manager(&planned.found),
            result: match &planned.plan {
                HookPlan::Create(_) => Installed::Created,
                HookPlan::AddBlock(_) => Installed::BlockAdded,
                HookPlan::Update(_) => Installed::Updated,
                HookPlan::AlreadyCurrent => Installed::AlreadyThere,
                HookPlan::Refuse { reason, snippet } => {
                    Installed::Refused { reason: reason.clone(), snippet: snippet.clone() }
                }
            },
        });
        let called = self.called.iter().map(|(hook, by)| InstalledHook {
            hook: *hook,
            path: self.site.path(*hook),
            manager: None,
            result: Installed::CalledElsewhere { by: by.clone() },
        });
        let mut hooks: Vec<InstalledHook> = hooks.chain(called).collect();
        hooks.sort_by_key(|installed| installed.hook);
        let fragile = self.fragile();
        InstallOutcome { hooks, lies_in_worktree: self.site.lies_in_worktree(), fragile }
    }

    fn fragile(&self) -> Vec<FragileHooks> {
        let mut fragile: Vec<FragileHooks> = Vec::new();
        // What was moved aside stays there.
        let in_place = self.hooks.iter().filter(|p| p.path == self.site.path(p.hook));
        for planned in in_place {
            let Some(manager) = manager(&planned.found) else { continue };
            match fragile.iter_mut().find(|known| known.manager == manager) {
                Some(known) => known.hooks.push(planned.hook),
                None => fragile.push(FragileHooks {
                    manager,
                    hooks: vec![planned.hook],
                    lines: Vec::new(),
                }),
            }
        }
        fragile.retain_mut(|found| {
            let lines = own_lines(found.manager, &found.hooks, &self.program);
            found.lines = lines.unwrap_or_default();
            !found.lines.is_empty()
        });
        fragile
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
    hook: Hook,
    path: &Path,
    found: &FoundHook,
    reason: &HookRefusal,
    snippet: Option<&String>,
) -> RefusedHook {
    RefusedHook {
        hook,
        path: path.to_owned(),
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
