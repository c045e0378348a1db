//! How diverged heads are to be made one.

/// The `strategy` of the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Own revisions are rebased; a merge revision is written only over heads that have landed.
    #[default]
    Auto,
    /// Merge revisions are never written.
    Linear,
    /// Revisions are never re-pointed.
    Merge,
}
