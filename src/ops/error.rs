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
    SyncRefused { component: String, refusal: crate::plan::SyncRefusal },
    #[error("no alembic was found for `{component}`, or no ini file that it could be run with")]
    NoAlembic { component: String },
    #[error("`{database}` is not on this machine, and only local databases are changed")]
    RemoteDatabase { database: String },
    #[error(
        "alembic and dbm-git look at different databases for `{component}`: {theirs} for alembic, {ours} for dbm-git"
    )]
    TwoRoads { component: String, ours: String, theirs: String },
    #[error(
        "alembic is at {theirs} in `{database}`, where `{table}` says otherwise: env.py of `{component}` uses another version table, which `version-table` in dbm-git.toml can name"
    )]
    TwoVersionTables { component: String, database: String, table: String, theirs: String },
    #[error("the env.py of `{component}` looks at several databases, which is not supported")]
    SeveralDatabases { component: String },
    #[error("the script that `{revision}` ran from is not to be found any more (it was `{path}`)")]
    NoScript { revision: crate::revision::RevisionId, path: crate::tree::RepoPath },
    #[error(
        "no scratch database can be made beside `{database}`, which is only reached through alembic"
    )]
    NoScratch { database: String },
    #[error(
        "the env.py of `{component}` makes its URL by itself: alembic would not go to a scratch database"
    )]
    OwnUrl { component: String },
    /// A scratch database does not hold what this changes.
    #[error("`{path}` line {line} cannot be tried out: {what}")]
    BeyondScratch { path: crate::tree::RepoPath, line: u32, what: String },
    #[error("nothing can be tried out on a copy of `{database}`: {reason}")]
    NoTrial { database: String, reason: String },
    #[error("the migration files of `{component}` have errors")]
    BrokenFiles { component: String },
    #[error("there is no revision `{revision}`")]
    NoSuchRevision { revision: String },
    #[error("no copy can be made of `{database}`, which is only reached through alembic")]
    NoBackup { database: String },
    #[error(
        "no snapshot can be taken of `{database}`: it is on another machine, or only reached through alembic"
    )]
    NoSnapshotOf { database: String },
    #[error("there is no snapshot `{name}`")]
    NoSuchSnapshot { name: String },
    #[error("there is a snapshot `{name}` already")]
    SnapshotExists { name: String },
    #[error("of snapshot {id} nothing is left: there is no `{place}`")]
    SnapshotGone { id: crate::plan::SnapshotId, place: String },
    #[error("what was there before operation {operation} is no snapshot any more")]
    NothingKept { operation: crate::journal::OperationId },
    #[error(
        "{count} snapshots of {bytes} bytes in all are more than this clone keeps, and none of them goes by itself"
    )]
    NoRoomForSnapshot { count: usize, bytes: u64 },
    /// A step of a plan failed, and the plan was stopped there.
    #[error("{step} failed in `{database}`, {left}")]
    StepFailed {
        operation: crate::journal::OperationId,
        database: String,
        step: String,
        left: Box<super::Left>,
        backup: Option<std::path::PathBuf>,
        source: Box<OpsError>,
    },
    #[error("operation {operation} was interrupted while it changed a database")]
    InterruptedSteps { operation: crate::journal::OperationId },
    #[error(
        "operation {operation} was interrupted in the middle of {step} in `{database}`, and a part of that was done"
    )]
    HalfDone {
        operation: crate::journal::OperationId,
        database: String,
        step: String,
        backup: Option<std::path::PathBuf>,
    },
    #[error("alembic ended well, but `{database}` is at {found}, not at {expected}")]
    UnexpectedRows { database: String, expected: String, found: String },
    #[error("`{database}` is at {found}, not at {expected} any more")]
    DatabaseMoved { database: String, expected: String, found: String },
    #[error(transparent)]
    Create(#[from] super::create::CreateError),
    #[error("cannot remember what was seen in this worktree")]
    Seen(#[source] std::io::Error),
    /// In continuous integration, where "nothing found" must be true.
    #[error(
        "what {name} is to be merged with is not known: this clone lacks {missing}{}",
        reason.as_ref().map_or(String::new(), |reason| format!(", and {reason}"))
    )]
    BaseUnknown { name: String, missing: String, reason: Option<String> },
    #[error("no Alembic environment was found in this repository")]
    NoComponent { notes: Vec<String> },
    #[error("there is no component `{name}`")]
    UnknownComponent { name: String, known: Vec<String> },
    #[error("this repository is bare: it has no working tree")]
    Bare,
    #[error("there is no commit yet in this bare repository")]
    NothingCheckedOut,
}

impl OpsError {
    /// Whether there is no repository here to say anything about.
    pub fn is_elsewhere(&self) -> bool {
        matches!(self, Self::Git(GitError::NoRepository))
    }
}
