//! The operations: each loads, plans, applies, and returns an outcome. Commands
//! and hooks call them; nothing here prints.

pub mod transaction;
