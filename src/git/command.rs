//! git itself, for what has to pass through the user's hooks, signing and filters.

use std::process::{Command, Stdio};

use super::{GitError, Repository};
use crate::tree::RepoPath;

impl Repository {
    /// Stages exactly `paths`: content, creation or deletion.
    pub fn stage(&self, paths: &[RepoPath]) -> Result<(), GitError> {
        if paths.is_empty() {
            return Ok(());
        }
        // Unlike `git add` it takes a path that is in neither the index nor the folder.
        let mut arguments = vec!["update-index", "--add", "--remove", "--"];
        arguments.extend(paths.iter().map(RepoPath::as_str));
        self.run(&arguments).map(drop)
    }

    /// Makes one commit of exactly `paths`, whatever else is staged.
    pub fn commit_only(&self, paths: &[RepoPath], message: &str) -> Result<String, GitError> {
        self.commit_with(paths, &["--message", message])
    }

    /// Adds exactly `paths` to the last commit, whatever else is staged.
    pub fn amend_only(&self, paths: &[RepoPath]) -> Result<String, GitError> {
        self.commit_with(paths, &["--amend", "--no-edit"])
    }

    fn commit_with(&self, paths: &[RepoPath], how: &[&str]) -> Result<String, GitError> {
        self.stage(paths)?;
        let mut arguments = vec!["commit", "--quiet", "--only"];
        arguments.extend(how);
        arguments.push("--");
        arguments.extend(paths.iter().map(RepoPath::as_str));
        if let Err(error) = self.run(&arguments) {
            // What a hook of the user's has refused must not go into the next commit.
            let mut arguments = vec!["reset", "--quiet", "--"];
            arguments.extend(paths.iter().map(RepoPath::as_str));
            let _ = self.run(&arguments);
            return Err(error);
        }
        Ok(self.head()?.map(|id| id.short()).unwrap_or_default())
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that runs git")]
    pub(super) fn run(&self, arguments: &[&str]) -> Result<String, GitError> {
        let shown = format!("git {}", arguments.join(" "));
        let output = Command::new("git")
            .arg("--literal-pathspecs")
            .args(arguments)
            .current_dir(self.root())
            .stdin(Stdio::null())
            // Our own hooks have nothing to say about what we do ourselves.
            .env("DBM_GIT_IN_HOOK", "1")
            // Where it would ask for a password, nobody may be there to answer.
            .env("GIT_TERMINAL_PROMPT", "0")
            // A server that says nothing for a minute has nothing to say.
            .env("GIT_HTTP_LOW_SPEED_LIMIT", "1")
            .env("GIT_HTTP_LOW_SPEED_TIME", "60")
            .output()
            .map_err(|source| GitError::Spawn { command: shown.clone(), source })?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let mut text = String::from_utf8_lossy(&output.stderr).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stdout));
        Err(GitError::Command {
            command: shown,
            status: output.status.to_string(),
            output: text.trim().to_owned(),
        })
    }
}
