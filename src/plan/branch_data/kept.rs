//! What is known of a kept copy of a database.

use std::fmt;

use super::super::ledger::Ledger;

/// The number of a snapshot; never used twice in a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SnapshotId(pub i64);

impl fmt::Display for SnapshotId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a snapshot is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SnapshotKind {
    /// A SQLite file.
    File,
    /// A database beside the one that it was taken of, on the same server.
    Database,
    /// A script of a server's dump tool, in a file.
    Dump,
}

impl SnapshotKind {
    /// The word in the journal and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Database => "database",
            Self::Dump => "dump",
        }
    }

    /// Whether it lies in the folder of snapshots, rather than on a server.
    pub fn is_in_folder(self) -> bool {
        self != Self::Database
    }

    /// The kind with this name.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::File, Self::Database, Self::Dump].into_iter().find(|kind| kind.name() == word)
    }
}

/// A database as it was at one moment, with what was known of it then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseSnapshot {
    pub id: SnapshotId,
    /// What a person has called it; such a one is no branch's, and goes only when told to.
    pub name: Option<String>,
    /// The branch whose data it holds; `None` for a detached HEAD.
    pub branch: Option<String>,
    /// The commit that was checked out.
    pub commit: Option<String>,
    pub component: String,
    /// The URL of the database that it was taken of, as it may be shown.
    pub database: String,
    /// Which database that is.
    pub identity: String,
    pub kind: SnapshotKind,
    /// The file's name in the folder of snapshots, or the database's on its server.
    pub place: String,
    /// Version rows, sorted.
    pub rows: Vec<String>,
    /// What had run in it; without a look, since the copy has a fingerprint of its own.
    pub ledger: Ledger,
    pub bytes: u64,
    /// Unix seconds.
    pub created_at: i64,
}

impl DatabaseSnapshot {
    /// Whether it is what a branch has been left with, rather than what a person has named.
    pub fn is_of_branch(&self, branch: &str) -> bool {
        self.name.is_none() && self.branch.as_deref() == Some(branch)
    }

    /// What people call it: the name, or the branch, or the number.
    pub fn title(&self) -> String {
        let name = self.name.as_ref().or(self.branch.as_ref());
        name.cloned().unwrap_or_else(|| self.id.to_string())
    }
}

/// The snapshot that a person means: by its number, by its name, or the newest of a branch.
pub fn find_snapshot<'a>(
    snapshots: &'a [DatabaseSnapshot],
    meant: &str,
) -> Option<&'a DatabaseSnapshot> {
    let newest = |is_meant: &dyn Fn(&DatabaseSnapshot) -> bool| {
        snapshots.iter().filter(|snapshot| is_meant(snapshot)).max_by_key(|snapshot| snapshot.id)
    };
    newest(&|snapshot| snapshot.name.as_deref() == Some(meant))
        .or_else(|| newest(&|snapshot| snapshot.is_of_branch(meant)))
        .or_else(|| newest(&|snapshot| snapshot.id.to_string() == meant))
}
