//! How a database is brought to the heads of the files: a list of steps, each
//! with the version rows before and after it. Nothing here runs a step.

mod planner;
mod request;
mod step;
mod trial;
mod world;

pub use planner::{plan_descent, plan_sync};
pub use request::{SyncRefusal, SyncRequest, SyncStrategy};
pub use step::{PlannedStep, Repair, SyncPlan, SyncStep};
pub use trial::{CHEAP_BYTES, SchemaVerdict, Trying, Wanted, judge_schema};

#[cfg(test)]
mod tests;
