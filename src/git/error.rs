//! What can go wrong with a repository.

/// An error of libgit2 or git, with what was attempted.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("there is no git repository here or in any folder above")]
    NoRepository,
    #[error("cannot open the git repository: {reason}")]
    Open { reason: String },
    #[error("this repository names its objects in a way that dbm-git cannot read: {reason}")]
    ObjectFormat { reason: String },
    #[error("the git repository belongs to somebody else: {reason}")]
    NotOwned { reason: String },
    #[error("`{spec}` names no commit")]
    UnknownCommit { spec: String },
    #[error("cannot {action}")]
    Git { action: String, source: git2::Error },
    #[error("the upstream `{name}` of the configuration does not exist in this clone")]
    UnknownUpstream { name: String },
    #[error("`{command}` failed ({status}): {output}")]
    Command { command: String, status: String, output: String },
    #[error("cannot run `{command}`")]
    Spawn { command: String, source: std::io::Error },
}

impl GitError {
    /// For `map_err`: names the attempted action.
    pub(super) fn on(action: impl Into<String>) -> impl FnOnce(git2::Error) -> Self {
        let action = action.into();
        move |source| Self::Git { action, source }
    }
}
