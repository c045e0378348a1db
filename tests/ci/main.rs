//! `check` as continuous-integration platforms run it: real shallow clones of a
//! local remote, the platforms' variables and event files, and what is judged.
//!
//! ```text
//! main:       a ── … ── (m)        the proposal:  a ── f
//! ```
//! With `m`, merging both has two heads. It lands before the platform makes its
//! own merge of the two, or after that, while the job waits.
#![allow(
    clippy::disallowed_methods,
    reason = "tests set up and look at the real world; the rules are for the shipped code"
)]

mod elsewhere;
mod forge;
mod proposals;
mod pushes;
#[path = "../support/mod.rs"]
mod support;
