//! The operations: each loads, plans, applies, and returns an outcome. Commands
//! and hooks call them; nothing here prints.

pub mod transaction;
//! One file per operation: load, plan, apply, and give back what happened as
//! data. Commands and hooks call the same functions; none of them prints.

pub mod install;
