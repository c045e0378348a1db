//! Every way an operation can fail, with the adapter's error as the cause.

use crate::git::GitError;
use crate::project::ProjectError;
use crate::tree::TreeError;

/// An operation that could not be carried out. What to do about it is said at the edge.
#[derive(Debug, thiserror::Error)]
pub enum OpsError {
    #[error(transparent)]
    Git(#[from] GitError),
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Workspace(#[from] crate::workspace::WorkspaceError),
    #[error(transparent)]
    Journal(#[from] crate::journal::JournalError),
    #[error(transparent)]
    Transaction(#[from] super::transaction::TransactionError),
    #[error(transparent)]
    Lock(#[from] crate::journal::LockError),
    #[error("operation {id} was interrupted, and {} changed since", crate::plan::list(paths))]
    Interrupted { id: crate::journal::OperationId, paths: Vec<crate::tree::RepoPath> },
    #[error(transparent)]
    Database(#[from] crate::database::DatabaseError),
    #[error(transparent)]
    Alembic(#[from] crate::alembic::AlembicError),
    #[error(
        "nothing was changed: the database of `{component}` cannot be brought along: {refusal}"
    )]
    ApplyRefused { component: String, refusal: super::apply::ApplyRefusal },
    #[error("alembic ended well, but `{database}` is at {found}, not at {expected}")]
    UnexpectedRows { database: String, expected: String, found: String },
    #[error("`{database}` is at {found}, not at {expected} any more")]
    DatabaseMoved { database: String, expected: String, found: String },
    #[error("cannot remember what was seen in this worktree")]
    Seen(#[source] std::io::Error),
    #[error("no Alembic environment was found in this repository")]
    NoComponent { notes: Vec<String> },
    #[error("there is no component `{name}`")]
    UnknownComponent { name: String, known: Vec<String> },
    #[error("this repository is bare: it has no working tree")]
    Bare,
    #[error("there is no commit yet in this bare repository")]
    NothingCheckedOut,
}
