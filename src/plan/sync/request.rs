//! What a sync is planned from, and why it may be refused.

use std::collections::HashMap;

use super::super::database::DatabaseView;
use super::super::ledger::{BodyHash, Ledger, Snapshot};
use super::super::list;
use crate::revision::RevisionId;
use crate::script::Footprint;

/// `--strategy`: how skipped revisions are made up for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum SyncStrategy {
    /// Replay where it is proven to be sound, else downgrade.
    #[default]
    Auto,
    Replay,
    Downgrade,
}

/// Everything that a sync is decided by.
#[derive(Clone, Copy)]
pub struct SyncRequest<'a> {
    /// The files that the database is brought to.
    pub snapshot: &'a Snapshot,
    pub ledger: &'a Ledger,
    pub view: &'a DatabaseView,
    /// Replay or downgrade; `Auto` is `Replay` here.
    pub strategy: SyncStrategy,
    /// What the scripts touch, as far as it was asked for.
    pub footprints: &'a HashMap<BodyHash, Footprint>,
}

/// Why no plan is made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyncRefusal {
    #[error("the migration files have errors")]
    Broken,
    #[error(
        "nobody knows whether {} ran in this database: it was written in a way that the version rows do not show",
        list(revisions)
    )]
    Unknown { revisions: Vec<RevisionId> },
    #[error("the database names {}, and no script of it was found anywhere", list(revisions))]
    NoScript { revisions: Vec<String> },
    #[error("`{revision}` cannot be taken down: its downgrade does nothing, and its upgrade does")]
    Irreversible { revision: RevisionId },
    #[error("the steps would end with {}, which does not stand for what has then run", list(rows))]
    Unsound { rows: Vec<String> },
    /// On a copy of the database.
    #[error("tried out on a copy of the database, {step} did not work: {error}")]
    TrialFailed { step: String, revisions: Vec<RevisionId>, error: String },
    #[error(
        "tried out on a copy of the database, it would end otherwise than a new database: in {what}"
    )]
    ComesOutOtherwise { what: String },
}
