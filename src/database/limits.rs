//! How long a database may take.

use std::time::Duration;

/// Both together end whatever is going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Until there is a connection.
    pub connect: Duration,
    /// For one statement, waiting for locks included.
    pub statement: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), statement: Duration::from_secs(5) }
    }
}

impl Limits {
    /// What a hook may take of somebody's `git switch`: 300 ms in all.
    pub fn hook() -> Self {
        Self { connect: Duration::from_millis(180), statement: Duration::from_millis(120) }
    }

    /// For what copies a database as a whole, and takes as long as that does.
    pub fn long() -> Self {
        Self { statement: Duration::from_secs(4 * 60 * 60), ..Self::default() }
    }

    /// The two seconds that a hook has for what it changes.
    pub fn hook_change() -> Self {
        Self { connect: Duration::from_millis(500), statement: Duration::from_millis(1500) }
    }

    /// Until a look has ended, whatever the server does.
    pub(super) fn overall(&self) -> Duration {
        self.connect + self.statement
    }

    /// In milliseconds, as servers take it; zero would be no limit.
    pub(super) fn statement_millis(&self) -> u128 {
        self.statement.as_millis().max(1)
    }

    /// Shorter than the statement's own, so that the server can say it was a lock.
    pub(super) fn lock_millis(&self) -> u128 {
        (self.statement.as_millis() * 4 / 5).max(1)
    }

    /// In whole seconds, for servers that know no others.
    pub(super) fn lock_seconds(&self) -> u128 {
        (self.lock_millis() / 1000).max(1)
    }
}
