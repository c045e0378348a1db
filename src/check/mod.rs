//! What is wrong with a history: findings, the rules that make them, and the
//! one table of all rules. Pure: what a rule needs to know is in [`Judged`].

mod component;
mod context;
mod diverged;
mod diverged_part;
mod encounters;
mod finding;
mod missing;
mod places;
mod review;
pub mod rules;
mod suppression;
#[cfg(test)]
pub(crate) mod testing;
mod words;

pub use component::ComponentCheck;
pub use context::{
    DatabaseKind, Judged, LandedView, LockFile, MergeConflict, ReviewScope, Whereabouts,
};
pub use diverged_part::{DivergedPart, PartRevision, diverged_parts};
pub use encounters::{Encounter, Encounters, encounters};
pub use finding::{Code, Finding, Level, Location};
pub use rules::{RULES, Rule, Run, rule, run_rules, sort_findings};
pub use suppression::{Scope, SuppressedFinding, Suppression, Told, told, told_of_review, unused};
