//! How a divergence is to be resolved.

/// `strategy` of the configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Rebase own revisions; write a merge revision where upstream itself has diverged.
    #[default]
    Auto,
    /// Never write a merge revision.
    Linear,
    /// Never re-point a revision: always write a merge revision.
    Merge,
}
