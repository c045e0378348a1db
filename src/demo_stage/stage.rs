//! A scratch folder with a few people's clones, where programs see nothing of
//! this machine but `PATH`.

use std::env::{self, JoinPathsError};
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::process::{self, ProcessError};

/// 2026-01-01T00:00:00Z: with one clock for all, commit ids are the same in every run.
const FIRST_MOMENT: i64 = 1_767_225_600;

/// The scratch folder could not be used.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    #[error("cannot make a scratch folder")]
    Folder(#[source] io::Error),
    #[error("a folder of `PATH` cannot be passed on")]
    Path(#[source] JoinPathsError),
    #[error("cannot write `{}`", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Process(#[from] ProcessError),
}

/// Somebody with a folder of their own below the scratch folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Player {
    pub folder: &'static str,
    /// The author of their commits.
    pub name: &'static str,
    pub email: &'static str,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Played {
    pub code: i32,
    /// Both streams, as a terminal would show them.
    pub output: String,
}

/// The scratch folder; deleted with this value, unless it is kept.
#[derive(Debug)]
pub struct Stage {
    folder: TempDir,
    /// What `dbm-git` means here.
    binary: PathBuf,
    path: OsString,
    color: bool,
    moment: i64,
}

impl Stage {
    /// Makes an empty scratch folder in which `dbm-git` is `binary`, and other
    /// programs are looked up in the folders of `path`.
    pub fn new(binary: PathBuf, path: &[PathBuf], color: bool) -> Result<Self, StageError> {
        let path = env::join_paths(path).map_err(StageError::Path)?;
        let folder = tempfile::Builder::new()
            .prefix("dbm-git-demo-")
            .tempdir()
            .map_err(StageError::Folder)?;
        let stage = Self { folder, binary, path, color, moment: FIRST_MOMENT };
        fs::create_dir(stage.home()).map_err(StageError::Folder)?;
        Ok(stage)
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    fn home(&self) -> PathBuf {
        self.folder().join("home")
    }

    /// Leaves the folder behind and says where.
    pub fn keep(self) -> PathBuf {
        self.folder.keep()
    }

    /// Writes a file in the player's folder, making folders on the way.
    #[expect(clippy::disallowed_methods, reason = "a new file in the scratch folder")]
    pub fn write(&self, player: Player, path: &str, text: &str) -> Result<(), StageError> {
        let path = self.folder().join(player.folder).join(path);
        path.parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&path, text))
            .map_err(|source| StageError::Write { path, source })
    }

    /// Runs `words` in the player's folder, which is made if need be.
    pub fn run(&mut self, player: Player, words: &[&str]) -> Result<Played, StageError> {
        let folder = self.folder().join(player.folder);
        fs::create_dir_all(&folder)
            .map_err(|source| StageError::Write { path: folder.clone(), source })?;
        let [program, arguments @ ..] = words else {
            return Ok(Played { code: 0, output: String::new() });
        };
        let program =
            if *program == "dbm-git" { self.binary.as_os_str() } else { program.as_ref() };
        self.moment += 60;
        let date = format!("@{} +0000", self.moment);
        let mut command = process::command(program);
        command
            .args(arguments)
            .current_dir(&folder)
            .env_clear()
            .env("PATH", &self.path)
            .env("HOME", self.home())
            .env("XDG_CONFIG_HOME", self.home())
            .env("LC_ALL", "C.UTF-8")
            // The user's aliases, hooks, signing and templates stay out.
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CEILING_DIRECTORIES", self.folder())
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_EDITOR", "true")
            .env("GIT_MERGE_AUTOEDIT", "no")
            .env("GIT_AUTHOR_NAME", player.name)
            .env("GIT_AUTHOR_EMAIL", player.email)
            .env("GIT_AUTHOR_DATE", &date)
            .env("GIT_COMMITTER_NAME", player.name)
            .env("GIT_COMMITTER_EMAIL", player.email)
            .env("GIT_COMMITTER_DATE", &date)
            .env(if self.color { "CLICOLOR_FORCE" } else { "NO_COLOR" }, "1");
        let (code, output) = process::play(command, &words.join(" "))?;
        Ok(Played { code, output })
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test deletes what it kept")]
mod tests {
    use super::*;

    const ADA: Player = Player { folder: "ada", name: "Ada", email: "ada@example.org" };

    fn stage(binary: &str) -> Stage {
        let path = ["/usr/local/bin", "/usr/bin", "/bin"].map(PathBuf::from);
        Stage::new(binary.into(), &path, false).expect("a folder")
    }

    #[test]
    fn both_streams_come_in_the_order_of_writing_and_with_the_exit_code() {
        let mut stage = stage("dbm-git");
        let played = stage
            .run(ADA, &["sh", "-c", "echo one; echo two >&2; echo three; exit 7"])
            .expect("sh runs");
        assert_eq!(played, Played { code: 7, output: "one\ntwo\nthree\n".to_owned() });
    }

    #[test]
    fn programs_see_the_scratch_folder_and_nothing_of_this_machine() {
        let mut stage = stage("dbm-git");
        stage.write(ADA, "a/b.txt", "text\n").expect("written");
        let played = stage
            .run(ADA, &["sh", "-c", "cat a/b.txt; echo $HOME; echo $USER; read x || echo closed"])
            .expect("sh runs");
        let home = stage.folder().join("home");
        assert_eq!(played.output, format!("text\n{}\n\nclosed\n", home.display()));
    }

    #[test]
    fn dbm_git_is_the_given_program_whatever_path_holds() {
        let played = stage("/bin/echo").run(ADA, &["dbm-git", "check"]).expect("echo runs");
        assert_eq!(played.output, "check\n");
    }

    #[test]
    fn the_folder_goes_with_the_stage_unless_it_is_kept() {
        let gone = stage("dbm-git");
        let folder = gone.folder().to_path_buf();
        drop(gone);
        assert!(!folder.exists());
        let kept = stage("dbm-git").keep();
        assert!(kept.is_dir());
        fs::remove_dir_all(kept).expect("ours");
    }
}
