//! What is wrong with a history: findings, the rules that make them, and the
//! one table of all rules. Pure: what a rule needs to know is in [`Judged`].

mod context;
mod finding;
mod rules;

pub use context::{Judged, LandedView, MergeConflict, Whereabouts};
pub use finding::{Code, Finding, Level, Location};
pub use rules::{RULES, Rule, run_rules};
