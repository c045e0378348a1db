//! Where git looks for hooks, and which it has in its configuration: asked of git
//! itself, since libgit2 knows neither all its sources of configuration (the
//! environment, `-c`, some conditions of `includeIf`) nor git's version.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{GitError, Repository};
use crate::plan::hook::Hook;
use crate::plan::hook_config::{GitVersion, HookSetting, section};
use crate::plan::hook_run::{HooksFolder, HooksPath};

const HOOKS_PATH: &str = "core.hookspath";

/// git's settings, in its order: what it reads last wins.
#[derive(Clone, Debug, Default)]
pub struct GitSettings(Vec<HookSetting>);

impl GitSettings {
    /// The `hook.*` settings.
    pub fn hooks(&self) -> Vec<HookSetting> {
        self.0.iter().filter(|setting| setting.key.starts_with("hook.")).cloned().collect()
    }

    fn last(&self, key: &str) -> Option<&HookSetting> {
        self.0.iter().rfind(|setting| setting.key == key)
    }
}

impl Repository {
    /// All settings that git has here.
    pub fn settings(&self) -> Result<GitSettings, GitError> {
        match self.run(&["config", "--null", "--show-scope", "--list"]) {
            Ok(text) => Ok(GitSettings(parse_settings(&text))),
            Err(GitError::Spawn { .. }) => Ok(GitSettings(self.known_settings())),
            Err(error) => Err(error),
        }
    }

    /// What libgit2 knows of them where there is no git to ask.
    fn known_settings(&self) -> Vec<HookSetting> {
        let value = self.config("core.hooksPath");
        let setting = |value| HookSetting {
            scope: "git's configuration".to_owned(),
            key: HOOKS_PATH.to_owned(),
            value,
        };
        value.map(setting).into_iter().collect()
    }

    /// The version of the git that is found first; `None` where there is none.
    pub fn git_version(&self) -> Option<GitVersion> {
        GitVersion::parse(&self.run(&["version"]).ok()?)
    }

    /// The version of another git.
    #[expect(clippy::disallowed_methods, reason = "git, under another path")]
    pub fn version_of(&self, git: &Path) -> Option<GitVersion> {
        let output = Command::new(git).arg("version").stdin(Stdio::null()).output().ok()?;
        GitVersion::parse(&String::from_utf8_lossy(&output.stdout))
    }

    /// The folder of git's hooks.
    pub fn hooks_folder(&self, settings: &GitSettings) -> Result<HooksFolder, GitError> {
        let set_by = settings.last(HOOKS_PATH).map(|setting| HooksPath {
            scope: setting.scope.clone(),
            value: setting.value.clone(),
        });
        // Asked for the folder, it says `./` where `core.hooksPath` is empty; but
        // then it looks for `/post-merge`, in the root of the file system.
        let asked = ["rev-parse", "--git-path", "hooks/post-merge"];
        let path = match self.run(&asked) {
            // Relative to the folder it was asked in.
            Ok(answer) => {
                let file = PathBuf::from(answer.trim_end_matches('\n'));
                file.parent().unwrap_or(&file).to_owned()
            }
            Err(GitError::Spawn { .. }) => match &set_by {
                Some(set) => PathBuf::from(&set.value),
                None => self.common_dir().join("hooks"),
            },
            Err(error) => return Err(error),
        };
        let path: PathBuf = self.root().join(path).components().collect();
        let is_external = set_by.is_some() && !self.holds(&path);
        Ok(HooksFolder { path, is_external, set_by })
    }

    /// Whether a folder is this repository's own.
    fn holds(&self, folder: &Path) -> bool {
        let real = |p: &Path| p.canonicalize().unwrap_or_else(|_| p.to_path_buf());
        let folder = real(folder);
        [self.root(), self.common_dir()].into_iter().any(|own| folder.starts_with(real(own)))
    }

    /// Writes our section for `hook` into the clone's configuration.
    pub fn write_hook_section(&self, hook: Hook, command: &str) -> Result<(), GitError> {
        // The command first: git dies of an event without one.
        for (key, value) in [("command", command), ("event", hook.name())] {
            let key = format!("hook.{}.{key}", section(hook));
            self.run(&["config", "--local", &key, value])?;
        }
        Ok(())
    }

    /// Removes our section for `hook` from the clone's configuration.
    pub fn remove_hook_section(&self, hook: Hook) -> Result<(), GitError> {
        let name = format!("hook.{}", section(hook));
        self.run(&["config", "--local", "--remove-section", &name]).map(drop)
    }
}

/// Reads `scope`, NUL, `key`, line end, `value`, NUL; a key alone means true.
fn parse_settings(text: &str) -> Vec<HookSetting> {
    let mut fields = text.split('\0');
    let mut settings = Vec::new();
    while let (Some(scope), Some(entry)) = (fields.next(), fields.next()) {
        let (key, value) = entry.split_once('\n').unwrap_or((entry, "true"));
        let (scope, key, value) = (scope.to_owned(), key.to_owned(), value.to_owned());
        settings.push(HookSetting { scope, key, value });
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_several_lines_and_keys_alone_are_read() {
        let text = "local\0hook.a.command\none\ntwo\0global\0hook.a.enabled\0local\0core.x\ny\0";
        let shown: Vec<String> = parse_settings(text)
            .iter()
            .map(|s| format!("{} {}={:?}", s.scope, s.key, s.value))
            .collect();
        let expected = [
            "local hook.a.command=\"one\\ntwo\"",
            "global hook.a.enabled=\"true\"",
            "local core.x=\"y\"",
        ];
        assert_eq!(shown, expected);
    }
}
