//! dbm-git.
#![forbid(unsafe_code)]
pub mod journal;
pub mod ops;
pub mod plan;
pub mod revision;
pub mod script;
pub mod tree;
<<<<<<< HEAD

pub mod git;
=======
pub mod workspace;
>>>>>>> 1f907be (Change files so that a crash leaves all old or all new)
