//! Errors as people meet them: what failed, why, and what to do next. The one
//! place for advice: each adapter's error gets its hint here.

use std::error::Error;

use super::exit::Exit;
use crate::alembic::{AlembicError, Trouble, classify};
use crate::database::DatabaseError;
use crate::git::GitError;
use crate::ops::create::{CreateError, CreateRefusal};
use crate::ops::demo::DemoError;
use crate::ops::target::NoTarget;
use crate::ops::transaction::TransactionError;
use crate::ops::{JournalError, Left, LockError, OperationId, OpsError};
use crate::plan::Refusal;
use crate::revision::ResolveError;

/// What sort of failure it is; decides the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Refused,
    Usage,
    Environment,
    Database,
    Interrupted,
    /// A defect of this program.
    Internal,
}

impl Kind {
    /// The name in the JSON contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Usage => "usage",
            Self::Environment => "environment",
            Self::Database => "database",
            Self::Interrupted => "interrupted",
            Self::Internal => "internal",
        }
    }
}

/// A failure, ready to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CliError {
    pub kind: Kind,
    pub message: String,
    /// The chain of causes, outermost first.
    pub causes: Vec<String>,
    pub hints: Vec<String>,
}

impl CliError {
    /// Something that was typed makes no sense.
    pub fn usage(message: impl Into<String>) -> Self {
        Self { kind: Kind::Usage, message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }

    /// A panic that said `text`.
    pub fn internal(text: &str) -> Self {
        let message = text.to_owned();
        Self { kind: Kind::Internal, message, causes: Vec::new(), hints: Vec::new() }
            .hint("please report it with the command and its output")
    }

    /// An error of the given kind with its chain of causes.
    pub fn of(kind: Kind, error: &dyn Error) -> Self {
        let mut causes = Vec::new();
        let mut cause = error.source();
        while let Some(error) = cause {
            causes.push(error.to_string());
            cause = error.source();
        }
        Self { kind, message: error.to_string(), causes, hints: Vec::new() }
    }

    /// Adds a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Message and causes in one line.
    pub fn full_message(&self) -> String {
        std::iter::once(&self.message).chain(&self.causes).cloned().collect::<Vec<_>>().join(": ")
    }

    /// The exit code that goes with the kind.
    pub fn exit(&self) -> Exit {
        match self.kind {
            Kind::Refused => Exit::Problems,
            Kind::Usage => Exit::Usage,
            Kind::Environment => Exit::Environment,
            Kind::Database => Exit::Database,
            Kind::Interrupted => Exit::Interrupted,
            Kind::Internal => Exit::Internal,
        }
    }
}

impl From<ResolveError> for CliError {
    fn from(error: ResolveError) -> Self {
        Self::of(Kind::Usage, &error).hint("`dbm-git graph` lists all revisions")
    }
}

/// What helps against a refusal.
pub fn advice(refusal: &Refusal) -> Option<String> {
    Some(match refusal {
        Refusal::NothingLanded => {
            "say what stays: `dbm-git rebase --onto REVISION`, or name upstream with --base".to_owned()
        }
        Refusal::Broken { .. } | Refusal::Cycle { .. } => {
            "`dbm-git check` shows all that is broken".to_owned()
        }
        Refusal::DuplicateId { .. } => {
            "give one of the files another id, or let `ids = \"sequential\"` renumber".to_owned()
        }
        Refusal::LandedDiverged { .. } => "`dbm-git merge` writes the merge revision".to_owned(),
        Refusal::Shared { .. } => {
            "others may have run them: talk to them, then say --include-shared".to_owned()
        }
        Refusal::Landed { .. } => {
            "`dbm-git merge` needs no rewriting; `rebase REV --onto X --landed` rewrites all the same"
                .to_owned()
        }
        Refusal::LandedOnOwn { .. } => {
            "give the landed revision its down revision back: `dbm-git check --base` says which"
                .to_owned()
        }
        Refusal::FileExists { .. } => "move that file away, or remove it, and try again".to_owned(),
        Refusal::Edit { .. } => "write the value as a plain string, then try again".to_owned(),
        Refusal::Reference(_) => "`dbm-git graph` lists the revisions".to_owned(),
        Refusal::OntoDescendant { .. } => return None,
        Refusal::OntoDiverged { .. } => "name the head that they have to follow".to_owned(),
        Refusal::Unsound { .. } => "`dbm-git graph` shows the history as it is now".to_owned(),
    })
}

fn journal_advice(error: &JournalError, of: impl Fn(Kind) -> CliError) -> CliError {
    match error {
        JournalError::NoSuchOperation { .. } => {
            of(Kind::Usage).hint("`dbm-git log` lists what was done")
        }
        _ => of(Kind::Environment),
    }
}

impl From<OpsError> for CliError {
    // One exhaustive match: a new error stops the build until someone has
    // thought of the advice.
    fn from(error: OpsError) -> Self {
        let of = |kind| Self::of(kind, &error);
        match &error {
            OpsError::Git(git) => match git {
                GitError::NoRepository => of(Kind::Environment)
                    .hint("run it in a repository, or name one with -C DIR"),
                GitError::Open { .. } => of(Kind::Environment)
                    .hint("`git status` there says what git itself makes of it"),
                GitError::NotOwned { .. } => of(Kind::Environment).hint(
                    "`git config --global --add safe.directory FOLDER` trusts it; `git -c` does not reach here",
                ),
                GitError::ObjectFormat { .. } => of(Kind::Environment)
                    .hint("it reads repositories whose object format is sha1, git's default"),
                GitError::UnknownCommit { spec } => of(Kind::Usage).hint(format!(
                    "`git fetch` may bring it; `git log {spec}` shows what git makes of it"
                )),
                GitError::UnknownUpstream { .. } => of(Kind::Environment)
                    .hint("`git fetch` it, or mend `upstream` in dbm-git.toml"),
                GitError::Git { .. } => of(Kind::Environment)
                    .hint("`git fsck` tells whether the repository is sound"),
                GitError::Command { .. } => of(Kind::Refused)
                    .hint("the files are changed already: `git commit` them, or `dbm-git undo` takes that back"),
                GitError::Spawn { .. } => of(Kind::Environment).hint("is git on PATH?"),
            },
            OpsError::BaseUnknown { .. } => of(Kind::Environment)
                .hint("let the job fetch (its remote, its credentials), or clone with all history: `fetch-depth: 0`, `GIT_DEPTH: 0`")
                .hint("`--base REF` names what it is to be merged with"),
            OpsError::Project(_) => of(Kind::Environment),
            OpsError::Tree(_) => of(Kind::Environment),
            OpsError::Workspace(_) => of(Kind::Refused),
            OpsError::Journal(journal) => journal_advice(journal, of),
            OpsError::Lock(LockError::Held { .. }) => {
                of(Kind::Environment).hint("try again when it is done")
            }
            OpsError::Lock(LockError::Io { .. }) => of(Kind::Environment),
            OpsError::Transaction(transaction) => match transaction {
                TransactionError::Interrupted { .. } => of(Kind::Interrupted)
                    .hint("`dbm-git recover --finish` or `--rollback` settles it"),
                TransactionError::Journal(journal) => journal_advice(journal, of),
                TransactionError::Workspace(_) => of(Kind::Refused),
                TransactionError::NothingToUndo => of(Kind::Refused)
                    .hint("`dbm-git log` lists what was done"),
                TransactionError::NotApplied { .. } | TransactionError::OtherWorktree { .. } => {
                    of(Kind::Refused).hint("`dbm-git log` lists what was done, and where")
                }
                TransactionError::UndoConflict { id, .. } => of(Kind::Refused).hint(format!(
                    "`dbm-git log {id}` shows what it changed; bring the files back by hand, or commit \
                     them as they are"
                )),
            },
            OpsError::Database(database) => {
                let mut shown = of(Kind::Database);
                shown.hints.extend(database_advice(database).map(str::to_owned));
                shown
            }
            OpsError::Alembic(alembic) => {
                let mut shown = of(Kind::Database);
                shown.hints.extend(classify(alembic).as_ref().map(trouble_advice));
                shown
            }
            OpsError::SyncRefused { refusal, .. } => {
                let mut shown = of(Kind::Refused);
                shown.hints = super::commands::sync::advice(refusal);
                shown
            }
            OpsError::NoAlembic { .. } => of(Kind::Environment).hint(
                "activate the project's environment, or set `alembic = [..]` in dbm-git.toml; \
                 name the ini with `config` there",
            ),
            OpsError::RemoteDatabase { .. } => of(Kind::Refused).hint(
                "--allow-remote changes it all the same; a container's host name is local once \
                 `git config dbm-git.localHosts NAME` says so",
            ),
            OpsError::TwoRoads { .. } => of(Kind::Refused).hint(
                "env.py seems to take another URL: name that one with --database-url, or set \
                 `database-url-env` in dbm-git.toml to the variable that it reads",
            ),
            OpsError::TwoVersionTables { .. } => of(Kind::Refused),
            OpsError::SeveralDatabases { .. } => of(Kind::Refused)
                .hint("bring each of them up with the project's own commands"),
            OpsError::NoScript { .. } => of(Kind::Refused)
                .hint("switch to a branch that has it, then try again"),
            OpsError::NoScratch { .. } => of(Kind::Refused)
                .hint("--database-url names a database that is reached directly"),
            OpsError::OwnUrl { component } => of(Kind::Refused).hint(format!(
                "let env.py take the URL of the ini, or of the variable that `database-url-env` of \
                 `{component}` names in dbm-git.toml"
            )),
            OpsError::BeyondScratch { .. } => of(Kind::Refused)
                .hint("try it on a server of its own: --database-url names one"),
            OpsError::NoTrial { .. } => {
                of(Kind::Refused).hint("--no-verify goes on without a trial")
            }
            OpsError::BrokenFiles { .. } => of(Kind::Refused).hint("`dbm-git check` shows them"),
            OpsError::NoSuchRevision { .. } => of(Kind::Usage)
                .hint("`dbm-git graph` shows those that there are"),
            OpsError::NoBackup { .. } => of(Kind::Refused)
                .hint("--no-backup goes on without a copy"),
            OpsError::NoSnapshotOf { .. } => of(Kind::Refused).hint(
                "a container's host name is local once `git config dbm-git.localHosts NAME` says so",
            ),
            OpsError::NoSuchSnapshot { .. } => of(Kind::Usage)
                .hint("`dbm-git snapshots` lists those that there are"),
            OpsError::SnapshotExists { name } => of(Kind::Usage)
                .hint(format!("take another name, or `dbm-git snapshots drop {name}`")),
            OpsError::SnapshotGone { id, .. } => of(Kind::Refused)
                .hint(format!("`dbm-git snapshots drop {id}` forgets it")),
            OpsError::NothingKept { .. } => of(Kind::Refused).hint(
                "`dbm-git snapshots` lists those that there are, `dbm-git snapshots restore` puts \
                 one back",
            ),
            OpsError::NoRoomForSnapshot { .. } => of(Kind::Refused).hint(
                "`dbm-git snapshots drop NAME` makes room, or a higher `dbm-git.snapshotCount` or \
                 `dbm-git.snapshotSize` in git's configuration",
            ),
            OpsError::StepFailed { operation, left, backup, source, .. } => {
                let mut shown = of(Kind::Database);
                let trouble = match source.as_ref() {
                    OpsError::Alembic(error) => classify(error),
                    _ => None,
                };
                shown.hints.extend(trouble.as_ref().map(trouble_advice));
                shown.hints.extend(left_advice(left, *operation));
                if let (Some(backup), false) = (backup, left.is_as_before()) {
                    shown.hints.push(format!("the database as it was before is in `{}`", backup.display()));
                }
                shown
            }
            OpsError::InterruptedSteps { .. } => of(Kind::Interrupted).hint(
                "`dbm-git recover` finishes it, `--rollback` takes it back, `--discard` leaves \
                 the database as it is",
            ),
            OpsError::HalfDone { backup, .. } => {
                let shown = of(Kind::Interrupted).hint(
                    "mend the schema by hand, then `dbm-git recover --discard` and `dbm-git sync`",
                );
                match backup {
                    Some(backup) => shown.hint(format!(
                        "the database as it was before is in `{}`",
                        backup.display()
                    )),
                    None => shown,
                }
            }
            OpsError::UnexpectedRows { .. } => of(Kind::Database)
                .hint("`alembic current` and `dbm-git status` show where it is"),
            OpsError::DatabaseMoved { .. } => of(Kind::Refused).hint(
                "`dbm-git undo --keep-database` takes the files back only",
            ),
            OpsError::Interrupted { .. } => of(Kind::Interrupted).hint(
                "`dbm-git recover --finish` makes all files new, `--rollback` all old, \
                 `--discard` leaves them as they are",
            ),
            OpsError::NoComponent { notes } => {
                let mut shown = of(Kind::Environment).hint(
                    "name one in dbm-git.toml: `[components.default]` with `config` or `script-location`",
                );
                shown.hints.extend(notes.iter().cloned());
                shown
            }
            OpsError::UnknownComponent { known, .. } => of(Kind::Usage)
                .hint(format!("there are: {}", known.join(", "))),
            OpsError::Bare => of(Kind::Environment).hint("--at COMMIT looks at a commit instead"),
            OpsError::NothingCheckedOut => of(Kind::Environment),
            OpsError::Seen(_) => of(Kind::Environment),
            OpsError::Create(create) => create_advice(create, of),
        }
    }
}

impl From<DemoError> for CliError {
    fn from(error: DemoError) -> Self {
        match &error {
            DemoError::Stage(_) => {
                Self::of(Kind::Environment, &error).hint("the demo needs git on PATH")
            }
            DemoError::Code { .. } | DemoError::Output { .. } => Self::of(Kind::Refused, &error)
                .hint("--keep leaves the scratch folder behind, to look at"),
        }
    }
}

/// What helps with a database that does not do as it is told.
fn database_advice(error: &DatabaseError) -> Option<&'static str> {
    Some(match error {
        DatabaseError::NotAUrl { .. } | DatabaseError::InMemory { .. } | DatabaseError::Unknown => {
            "name the database with --database-url, or with `database-url` in dbm-git.toml"
        }
        DatabaseError::UnsupportedDialect { .. } => {
            "the project's alembic would know what env.py makes of it: `dbm-git doctor` says why it \
             cannot be asked; or name the database with --database-url"
        }
        DatabaseError::Unreachable { .. } | DatabaseError::TimedOut { .. } => {
            "is the server running, and is the URL the one that you mean?"
        }
        DatabaseError::Authentication { .. } => {
            "see user and password in the URL; --database-url names another one"
        }
        DatabaseError::UnknownDatabase { .. } => {
            "create it, or name another one with --database-url"
        }
        DatabaseError::Tls { .. } => "see the URL's options for TLS, `sslmode` or `ssl_ca`",
        DatabaseError::Locked { .. } => "try again when they are done",
        DatabaseError::InUse { .. } => "close those connections, then run the same again",
        DatabaseError::NoSnapshot { .. } => {
            "`dbm-git sync` brings the database in line, and keeps a copy from before; `dbm-git \
             recover` finishes an exchange of this clone"
        }
        DatabaseError::NotADatabase { .. } => {
            "is that the file that you mean? --database-url names another one"
        }
        DatabaseError::Unfinished { .. } => {
            "whatever opens it for writing finishes that: `alembic current` does"
        }
        DatabaseError::RowsMoved { .. } => "somebody else is at work: `dbm-git status` looks again",
        DatabaseError::NoVersionTable { .. } => {
            "`version-table` and `version-table-schema` in dbm-git.toml say where it is"
        }
        DatabaseError::NoScratch { .. } => "name the database in the URL's path alone",
        DatabaseError::MayNotCreate { .. } => {
            "let it: `ALTER ROLE .. CREATEDB` in PostgreSQL, in MySQL and MariaDB all rights on \
             databases named `dbm_git_scratch_%`"
        }
        DatabaseError::NoCopy { source, .. } => match source.as_ref() {
            DatabaseError::NoDumpTool { .. } => {
                "install it, or end what is connected; --no-verify goes on without a trial"
            }
            DatabaseError::MayNotCreate { .. } => return database_advice(source),
            _ => "mend that, or go on without a trial by --no-verify",
        },
        DatabaseError::ReachesOut { .. } => "--no-verify goes on without a trial",
        DatabaseError::NoDumpTool { .. } => {
            "install it; where a command has --no-backup, that goes on without a copy"
        }
        DatabaseError::WrittenMeanwhile { .. } => {
            "nothing has changed: try again when they are done"
        }
        DatabaseError::HalfExchanged { .. } => {
            "once that is mended, `dbm-git recover` loads it again, and `dbm-git recover \
             --rollback` what was there before"
        }
        DatabaseError::TornDump { .. } => "is the disk full? nothing has changed",
        DatabaseError::Dump { .. } => "mend that, or go on without a copy by --no-backup",
        DatabaseError::Runtime { .. }
        | DatabaseError::Failed { .. }
        | DatabaseError::File { .. }
        | DatabaseError::NotAFile { .. }
        | DatabaseError::Spawn { .. } => return None,
    })
}

/// The ways on from where a failed step has left a database.
fn left_advice(left: &Left, operation: OperationId) -> Vec<String> {
    let mut hints = Vec::new();
    match left {
        Left::AsBefore { .. } => {}
        Left::At { traces, is_undoable, .. } => {
            if !traces.is_empty() {
                hints.push(
                    "no transaction takes that back here: do it by hand, then `dbm-git sync`"
                        .to_owned(),
                );
            }
            if *is_undoable {
                hints.push(format!(
                    "`dbm-git undo {operation}` takes the steps back that were done"
                ));
            }
        }
        Left::Unknown { .. } => hints.push(
            "`dbm-git recover` finds out how far it came, once the database can be reached: it \
             finishes, `--rollback` takes back"
                .to_owned(),
        ),
    }
    hints
}

/// What helps where no alembic was found.
const ACTIVATE: &str =
    "activate the project's environment, or set `alembic = [..]` in dbm-git.toml";

fn create_advice(error: &CreateError, of: impl Fn(Kind) -> CliError) -> CliError {
    match error {
        CreateError::WhichComponent { .. } => of(Kind::Usage)
            .hint("name one with --component, or say `default = true` of one in dbm-git.toml"),
        CreateError::Refused { refusal, .. } => {
            let is_missing = matches!(refusal, CreateRefusal::NoTarget(_));
            let kind = if is_missing { Kind::Environment } else { Kind::Refused };
            of(kind).hint(create_refusal_advice(refusal))
        }
        CreateError::Alembic(alembic) => {
            let is_missing = matches!(alembic, AlembicError::Spawn { .. })
                || classify(alembic) == Some(Trouble::NoAlembic);
            let mut shown = of(if is_missing { Kind::Environment } else { Kind::Database });
            shown.hints.extend(alembic_advice(alembic));
            shown
        }
        CreateError::WroteOver { .. } => of(Kind::Refused)
            .hint("give the revision another message, or `file_template` a part that differs"),
        CreateError::Unreadable { path, .. } => of(Kind::Database).hint(format!(
            "a message's quotes and backslashes stand in the docstring as they are: mend {path}, \
             or delete it"
        )),
    }
}

fn create_refusal_advice(refusal: &CreateRefusal) -> String {
    match refusal {
        CreateRefusal::Broken => "`dbm-git check` shows the errors".to_owned(),
        CreateRefusal::Diverged { .. } => {
            "`dbm-git rebase` puts own revisions on top, `dbm-git merge` merges".to_owned()
        }
        CreateRefusal::SeveralHeads { heads } => {
            let first = heads.first().map_or("LABEL@head", String::as_str);
            format!("say which one it follows: `--head {first}`")
        }
        CreateRefusal::Taken { .. } => "let alembic make up the id".to_owned(),
        CreateRefusal::NotAtHead { recommended, .. } if recommended.is_empty() => {
            "`dbm-git status` shows the database's state".to_owned()
        }
        CreateRefusal::NotAtHead { recommended, .. } => {
            format!("bring it there first: `{recommended}`")
        }
        CreateRefusal::NoTarget(NoTarget::NoAlembic) => ACTIVATE.to_owned(),
        CreateRefusal::NoTarget(NoTarget::NoConfig) => {
            "name the ini with `config` in dbm-git.toml".to_owned()
        }
    }
}

/// What helps where alembic could not be run, or failed for a known reason.
pub fn alembic_advice(error: &AlembicError) -> Option<String> {
    match error {
        AlembicError::Spawn { .. } => Some(ACTIVATE.to_owned()),
        AlembicError::TimedOut { .. } => {
            Some("something else may hold a lock there; try again when it is done".to_owned())
        }
        AlembicError::ScratchPath { .. } => {
            Some("set TMPDIR to a folder without blanks in its path".to_owned())
        }
        AlembicError::Failed { .. } => classify(error).map(|trouble| trouble_advice(&trouble)),
        AlembicError::Killed { .. } | AlembicError::Scratch { .. } => None,
    }
}

/// What helps against a trouble of a known sort.
pub fn trouble_advice(trouble: &Trouble) -> String {
    match trouble {
        Trouble::MultipleHeads => {
            "`dbm-git check` shows the heads; `dbm-git rebase` or `dbm-git merge` makes them one"
                .to_owned()
        }
        Trouble::RevisionNotFound { id } => format!(
            "no file has `{id}`: `git fetch` it, or let `dbm-git status` look on other branches"
        ),
        Trouble::MigrationFileMissing { id } => {
            format!("the file of `{id}` is missing: `dbm-git check` says where it is to be found")
        }
        Trouble::Overlaps => "`dbm-git status` says which row is too many".to_owned(),
        Trouble::NotUpToDate => "bring the database to the heads first".to_owned(),
        Trouble::Irreversible => {
            "this revision cannot be taken back; restore a backup instead".to_owned()
        }
        Trouble::SyntaxError => "`dbm-git check` shows the file and the line".to_owned(),
        Trouble::ModuleNotFound { module } => format!(
            "Python does not find `{module}`: is the project's environment complete, and does \
             `prepend_sys_path` name the folder of its sources?"
        ),
        Trouble::NoAlembic => {
            "install the project's dependencies, or set `alembic = [..]` in dbm-git.toml".to_owned()
        }
        Trouble::AlreadyExists { .. } => {
            "it is there although the version rows don't say so: see `dbm-git status`".to_owned()
        }
        Trouble::DoesNotExist { .. } => {
            "it is not there: it may be misspelt, or what makes it never ran here, which \
             `dbm-git status` would show"
                .to_owned()
        }
        Trouble::ConstraintViolation { .. } => {
            "rows that are there already don't fit: mend them, or let the migration do it first"
                .to_owned()
        }
        Trouble::ConnectionRefused => "is the database running, and is it this one?".to_owned(),
        Trouble::ConnectionLost => {
            "the server ended the connection: its log says why; then try again".to_owned()
        }
        Trouble::Authentication => {
            "see whether user and password are right for this database".to_owned()
        }
        Trouble::UnknownDatabase { name } => format!("create the database `{name}` first"),
        Trouble::LockTimeout => {
            "somebody else holds a lock: end that session, or try again later".to_owned()
        }
    }
}
