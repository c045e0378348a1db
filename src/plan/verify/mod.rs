//! Proving on a scratch database that each downgrade takes back what its upgrade
//! did: which revisions run in which order, and what two schemas differ in.

mod description;
mod order;

pub use description::{SchemaDescription, SchemaDifference};
pub use order::{VerifyPlan, VerifyStep, plan_verification};
