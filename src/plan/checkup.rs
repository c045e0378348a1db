//! One thing that `doctor` has looked at, and how it was found.

use std::path::{Path, PathBuf};

/// How one thing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckupState {
    Ok,
    /// It works, but not as one would expect, or not for long.
    Warning,
    /// It does not work.
    Error,
}

/// What to do about a thing that is not right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mend {
    /// To be run as it stands.
    Command(String),
    /// Where no command could know what is wanted.
    Advice(String),
}

/// What dbm-git mends by itself when it is told to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fix {
    /// As the next command that writes would do it, where no file was edited since.
    Settle,
    /// Whatever can be installed; `dbm-git uninstall` takes it back.
    InstallHooks,
    /// Files and folders of ours that nobody uses any more.
    Remove(Vec<PathBuf>),
}

impl Fix {
    /// What it does, in one line.
    pub fn plan(&self) -> String {
        match self {
            Self::Settle => "settle the interrupted operation: finish or roll back its files; \
                             `dbm-git log` shows it"
                .to_owned(),
            Self::InstallHooks => {
                "install the hooks that can be installed; `dbm-git uninstall` takes them out again"
                    .to_owned()
            }
            Self::Remove(paths) => {
                let paths: Vec<String> = paths.iter().map(|p| p.display().to_string()).collect();
                format!("delete what a killed dbm-git has left: {}", paths.join(", "))
            }
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkup {
    /// A stable name.
    pub id: &'static str,
    /// `None` for what concerns the whole clone.
    pub component: Option<String>,
    pub state: CheckupState,
    pub message: String,
    /// `None` where all is well.
    pub mend: Option<Mend>,
    pub fix: Option<Fix>,
    /// Of a hook: what git runs, in that order.
    pub runs: Vec<String>,
}

impl Checkup {
    fn new(id: &'static str, state: CheckupState, message: String, mend: Option<Mend>) -> Self {
        Self { id, component: None, state, message, mend, fix: None, runs: Vec::new() }
    }

    /// All is well.
    pub fn ok(id: &'static str, message: impl Into<String>) -> Self {
        Self::new(id, CheckupState::Ok, message.into(), None)
    }

    /// It works, but.
    pub fn warning(id: &'static str, message: impl Into<String>, mend: Mend) -> Self {
        Self::new(id, CheckupState::Warning, message.into(), Some(mend))
    }

    /// It does not work.
    pub fn error(id: &'static str, message: impl Into<String>, mend: Mend) -> Self {
        Self::new(id, CheckupState::Error, message.into(), Some(mend))
    }

    /// The same, of one component.
    pub fn of(self, component: &str) -> Self {
        Self { component: Some(component.to_owned()), ..self }
    }

    /// The same, with what `doctor --fix` does about it.
    pub fn fixed_by(self, fix: Fix) -> Self {
        Self { fix: Some(fix), ..self }
    }
}

/// A path as one word of a shell: what is given to `rm` must not fall apart.
pub fn shell_word(path: &Path) -> String {
    let text = path.to_string_lossy();
    // No path holds the NUL that it would refuse.
    shlex::try_quote(&text).map_or_else(|_| text.to_string(), |word| word.into_owned())
}

impl Mend {
    /// A command, in the words that a shell takes.
    pub fn command(text: impl Into<String>) -> Self {
        Self::Command(text.into())
    }

    /// What no command could do.
    pub fn advice(text: impl Into<String>) -> Self {
        Self::Advice(text.into())
    }
}
