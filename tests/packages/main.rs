//! The ways in which dbm-git comes to people: as a wheel, by pre-commit and prek, in
//! pipelines, from a release archive, as a crate.
//!
//! The services are not there: pip and uv get the wheel from a folder instead of
//! PyPI, the steps of GitHub's action and the lines of GitLab's template are run by
//! the tests, and the repository with our manifest hands out the wheel that has been
//! built already. All the rest is the real thing. It is built once, in release mode:
//! what maturin builds, `install.sh` and `.ci/release` find done.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests set up and look at the real world")]

mod action;
mod archive;
mod contents;
mod docs;
mod gitlab;
mod manifest;
mod release;
#[path = "../support/mod.rs"]
mod support;
mod wheel;
