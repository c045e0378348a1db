//! The plan of a sync, as a value.

use super::super::ledger::BodyHash;
use crate::revision::RevisionId;

/// One step against a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SyncStep {
    /// Takes one revision down, with the script that it ran from, and leaves
    /// all others alone.
    Downgrade { revision: RevisionId, body: BodyHash },
    /// Runs one revision, with the script of today, and leaves all others alone.
    Replay { revision: RevisionId, body: BodyHash },
    /// Writes the version rows that stand for what has run; runs nothing.
    SetRows,
    /// Alembic's own `upgrade` with the project's own files.
    Upgrade { revisions: Vec<RevisionId> },
}

impl SyncStep {
    /// The word in the journal and in JSON.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Downgrade { .. } => "downgrade",
            Self::Replay { .. } => "replay",
            Self::SetRows => "set-rows",
            Self::Upgrade { .. } => "upgrade",
        }
    }

    /// What it runs, in order.
    pub fn revisions(&self) -> Vec<RevisionId> {
        match self {
            Self::Downgrade { revision, .. } | Self::Replay { revision, .. } => {
                vec![revision.clone()]
            }
            Self::SetRows => Vec::new(),
            Self::Upgrade { revisions } => revisions.clone(),
        }
    }
}

/// A step with the version rows that it starts from and ends with, sorted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedStep {
    pub step: SyncStep,
    pub rows_before: Vec<String>,
    pub rows_after: Vec<String>,
}

/// How what is wrong below the rows is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repair {
    /// Nothing is.
    None,
    /// What was skipped runs, and what is foreign is taken down, beside the rest.
    Replay,
    /// What lies above goes down first, and up again afterwards.
    Downgrade,
}

impl Repair {
    /// The word in the command line and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Replay => "replay",
            Self::Downgrade => "downgrade",
        }
    }
}

/// What brings a database to the heads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncPlan {
    pub repair: Repair,
    pub steps: Vec<PlannedStep>,
    /// Whether the operations are known not to meet: for a replay, that the
    /// order in which they run makes no difference.
    pub is_proven: bool,
    /// Pairs of revisions that may touch the same tables, where it is not.
    pub meetings: Vec<(RevisionId, RevisionId)>,
    /// Taken down on the way, with the data that only they hold.
    pub reverted: Vec<RevisionId>,
    /// Do nothing, and so count as applied without running.
    pub settled: Vec<RevisionId>,
}

impl SyncPlan {
    /// Whether nothing has to be done.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether it does more than alembic's own `upgrade` would.
    pub fn is_repair(&self) -> bool {
        self.steps.iter().any(|s| !matches!(s.step, SyncStep::Upgrade { .. }))
    }

    /// The rows once all steps are done, if there are any.
    pub fn rows_after(&self) -> Option<&[String]> {
        self.steps.last().map(|step| step.rows_after.as_slice())
    }
}
