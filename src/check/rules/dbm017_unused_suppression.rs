//! DBM017: a suppression that suppresses nothing, or does not say why.

use super::{Rule, Run};
use crate::check::{Code, Finding, Judged, Level};

pub const RULE: Rule = Rule {
    code: Code(17),
    name: "unused suppression",
    level: Level::Warning,
    summary: "a finding is ignored that is not found, or without a reason",
    explanation: "\
A finding can be silenced where it is, by a comment in the script, or in the
configuration, by a table of its own. Both want a reason.

Why it matters
  A suppression outlives what it was written for, and then hides the next finding of the
  same kind, which nobody has looked at.

How to mend it
  Take the suppression out, or correct its code. Write the reason behind the code.

Example
  # dbm-git: ignore DBM010 the comment in upgrade() was wrong

  [[ignore]]                         # in dbm-git.toml
  codes = [\"DBM013\"]
  paths = [\"migrations/versions/2019_*\"]
  reason = \"written by hand, before there was a template\"
",
    // It is known once all other findings are: see `suppression::review`.
    run: Run::History(|_: &Judged<'_>| -> Vec<Finding> { Vec::new() }),
};
