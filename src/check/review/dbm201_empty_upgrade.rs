//! DBM201: a revision that does nothing.

use super::Reviewed;
use crate::check::rules::{Rule, Run};
use crate::check::{Code, Finding, Level};

pub const RULE: Rule = Rule {
    code: Code(201),
    name: "empty upgrade",
    level: Level::Warning,
    summary: "`upgrade` of an own revision does nothing",
    explanation: "\
The revision has no `upgrade`, or one that holds nothing but `pass`. Merge revisions,
and those that only carry a branch label or a dependency, are empty on purpose.

Why it matters
  It is one more step in every history and changes nothing. Most often autogenerate
  found no difference, because `env.py` does not import the models that have changed,
  or somebody meant to fill it in later.

How to mend it
  Write the operations, or delete the file before it has landed: `dbm-git undo`, where
  `dbm-git create` wrote it.

Example
  def upgrade() -> None:
      pass
",
    run: Run::Revision(run),
};

fn run(reviewed: &Reviewed<'_>) -> Vec<Finding> {
    let (revision, upgrade) = (reviewed.revision, &reviewed.operations.upgrade);
    let is_on_purpose = revision.down_revisions.len() > 1
        || !revision.branch_labels.is_empty()
        || !revision.depends_on.is_empty();
    if !upgrade.is_empty || is_on_purpose {
        return Vec::new();
    }
    let (line, span) = upgrade.place.clone().unwrap_or((1, 0..0));
    let message = if upgrade.place.is_some() {
        "`upgrade` does nothing"
    } else {
        "there is no `upgrade`, and alembic fails without one"
    };
    let help = "write what it is to do, or delete the revision";
    vec![reviewed.finding_at(&RULE, line, &span, message).help(help)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::review::testing::{check, script};

    #[test]
    fn what_does_nothing_is_told_unless_that_is_its_purpose() {
        let empty = script("'''Nothing yet.'''\npass", "pass");
        check(&RULE, &empty, &["6: `upgrade` does nothing"]);
        check(&RULE, &script("op.drop_table('a')", "pass"), &[]);
        check(&RULE, &empty.replace("= 'a'", "= ('a', 'c')"), &[]);
        check(&RULE, &empty.replace("= 'a'", "= 'a'\nbranch_labels = 'x'"), &[]);
        check(&RULE, &empty.replace("= 'a'", "= 'a'\ndepends_on = 'x'"), &[]);
        check(
            &RULE,
            "revision = 'b'\ndown_revision = 'a'\n",
            &["1: there is no `upgrade`, and alembic fails without one"],
        );
    }
}
