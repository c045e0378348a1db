//! DBM101: an own and a landed revision have a hand in the same thing.

use super::{Rule, Run};
use crate::check::encounters::{Encounter, encounters};
use crate::check::{Code, Finding, Judged, Level, Location, places};
use crate::revision::Node;
use crate::script::Place;

pub const RULE: Rule = Rule {
    code: Code(101),
    name: "semantic conflict",
    level: Level::Warning,
    summary: "an own and a landed revision change the same thing, side by side",
    explanation: "\
Two revisions were written side by side, and their operations have a hand in the same
table, column, index, constraint or type: both add the column, or one drops what the
other one needs. It is read from the `op.` calls and from raw SQL, as far as that can be
read; git sees two new files and no conflict.

Why it matters
  Whoever wrote the later one tried it out on a schema without the other. Put on top of
  it, it may fail (\"column already exists\"), or run and undo what the other one did.

How to mend it
  `dbm-git rebase --verify` runs own revisions in their new order on a scratch database
  before it changes a file. Then read both: an operation that is not needed now goes,
  one that has become wrong is rewritten, in the own revision: nobody else has run it.

Example
  landed m:  op.alter_column(\"users\", \"nick\", new_column_name=\"name\")
  own f:     op.create_index(\"ix_users_nick\", \"users\", [\"nick\"])
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    if judged.upstream.is_none() {
        return Vec::new();
    }
    let is_landed = |node: Node| judged.is_landed(judged.history.id(node));
    let encounters = encounters(judged.history, judged.policy, is_landed);
    encounters.found.iter().map(|encounter| finding(judged, encounter)).collect()
}

fn finding(judged: &Judged<'_>, encounter: &Encounter) -> Finding {
    let Encounter { own, landed, meeting } = encounter;
    let history = judged.history;
    let (one, other) = (history.id(*own), history.id(*landed));
    let name = judged.upstream.map_or("upstream", |upstream| upstream.name);
    let message = format!("`{one}` and `{other}`, landed on {name}, meet on {}", meeting.thing);
    RULE.finding(message)
        .at(place(judged, *own, &meeting.one))
        .labelled("own")
        .and_at(place(judged, *landed, &meeting.other), format!("landed on {name}"))
        .about([one.clone(), other.clone()])
        .help("`dbm-git rebase --verify` tries the new order out on a scratch database")
}

fn place(judged: &Judged<'_>, node: Node, place: &Place) -> Location {
    let file = &judged.history.script(node).file;
    places::of_operation(&file.path, &file.bytes, place.line, &place.span)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history_and, judge, shown, with_upstream};

    fn script(id: &str, operation: &str) -> String {
        format!(
            "from alembic import op\nimport sqlalchemy as sa\nrevision = '{id}'\n\
             down_revision = 'a'\n\ndef upgrade():\n    {operation}\n"
        )
    }

    #[test]
    fn both_places_are_shown() {
        let own = script("f", "op.drop_column(\n        'users', 'name')");
        let landed = script("m", "op.create_index('ix', 'users', ['name'])");
        let all = [("versions/f.py", own.as_str()), ("versions/m.py", landed.as_str())];
        let both = history_and("<base> -> a", &all);
        let theirs = history_and("<base> -> a", &all[1..]);
        insta::assert_snapshot!(shown(&RULE, &with_upstream(&both, &theirs, &both)), @r"
        Warning: `f` and `m`, landed on origin/main, meet on column `users.name`
          [f m] at versions/f.py:7 (own)
          and versions/m.py:7 (landed on origin/main)
          help: `dbm-git rebase --verify` tries the new order out on a scratch database
        ");
        // Without an upstream nobody knows what has landed.
        assert_eq!(shown(&RULE, &judge(&both)), "");
    }
}
