//! What was found out before and would be found out again: what the parser made
//! of a file, by the file's content, and what a check said, by the state of the
//! files that it was about. It is never missed: what is damaged, of another
//! version or not there is as if nothing had been found out.
//!
//! * `<common dir>/dbm-git/headers`: batches of entries, appended in one write
//!   each, so that two processes can add at the same time
//! * `<git dir of a worktree>/dbm-git/answers`: the last few, replaced as a whole

#![cfg_attr(test, expect(clippy::disallowed_methods, reason = "the tests damage what was kept"))]

mod answers;
mod headers;
mod sealed;
mod stored_answer;
mod stored_header;

pub use answers::{AnswerCache, AnswerKey, Answers, Beginning};
pub use headers::{ContentKey, HeaderCache};
