//! Own revisions and landed ones that were not written one on top of the other,
//! and will yet run in one database: where their operations meet.
//!
//! ```text
//!   a ── m ── n   landed
//!    ╲
//!     f ── g      own: f and g, each with m and n
//! ```

use std::collections::{BTreeMap, BTreeSet};

use super::diverged::diverged_heads;
use crate::revision::{HeadPolicy, Node};
use crate::script::{Hands, History, Meeting, Relation, read_operations};

/// An own and a landed revision with a hand in the same thing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encounter {
    pub own: Node,
    pub landed: Node,
    pub meeting: Meeting,
}

/// What own revisions and landed ones are to each other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encounters {
    pub found: Vec<Encounter>,
    /// The pairs of an own and a landed revision of which nobody can tell.
    pub unknown: Vec<(Node, Node)>,
    /// How many pairs there are.
    pub pairs: usize,
    /// There are so many that none was looked at.
    pub are_too_many: bool,
}

impl Encounters {
    /// Whether the order of own and landed revisions is of no importance; `None` where
    /// nobody can tell, or there is nothing to tell about.
    pub fn are_independent(&self) -> Option<bool> {
        match (self.found.is_empty(), self.unknown.is_empty()) {
            (false, _) => Some(false),
            (true, true) if self.pairs > 0 => Some(true),
            (true, _) => None,
        }
    }
}

/// Where own revisions of `history` meet landed ones beside them. Reads the
/// operations of these, and of no others.
pub fn encounters(
    history: &History,
    policy: HeadPolicy,
    is_landed: impl Fn(Node) -> bool,
) -> Encounters {
    let Some(pairs) = pairs(history, policy, &is_landed) else {
        return Encounters { are_too_many: true, ..Encounters::default() };
    };
    let mut hands: BTreeMap<Node, Hands> = BTreeMap::new();
    for node in pairs.iter().flat_map(|(own, landed)| [*own, *landed]) {
        hands.entry(node).or_insert_with(|| hands_of(history, node));
    }
    let mut encounters = Encounters { pairs: pairs.len(), ..Encounters::default() };
    for (own, landed) in pairs {
        match hands[&own].relation(&hands[&landed]) {
            Relation::Independent => {}
            Relation::Unknown => encounters.unknown.push((own, landed)),
            Relation::Meet(meetings) => encounters
                .found
                .extend(meetings.into_iter().map(|meeting| Encounter { own, landed, meeting })),
        }
    }
    encounters
}

/// What a script cannot be read for, Python could not run either.
fn hands_of(history: &History, node: Node) -> Hands {
    let bytes = &history.script(node).file.bytes;
    let operations = read_operations(bytes).unwrap_or_default();
    Hands::of(&operations.upgrade, bytes)
}

/// More than two people have beside each other. Each pair is looked at, so that of
/// thousands on either side there are millions.
const MAX_PAIRS: usize = 10_000;

/// Each of so many heads is held against each other one.
const MAX_TIPS: usize = 50;

/// The own revisions with the landed ones beside them; `None` if there are too many. What
/// only one tip stands on is neither above nor below what only another one does.
fn pairs(
    history: &History,
    policy: HeadPolicy,
    is_landed: &impl Fn(Node) -> bool,
) -> Option<BTreeSet<(Node, Node)>> {
    let graph = &history.graph;
    let own_merges = (0..graph.len()).filter(|&n| graph.is_merge_point(n) && !is_landed(n));
    let divergences = diverged_heads(history, policy);
    let tips = divergences.iter().map(|divergence| divergence.heads.as_slice());
    let mut pairs = BTreeSet::new();
    for tips in tips.chain(own_merges.map(|merge| graph.down(merge))) {
        if tips.len() > MAX_TIPS {
            return None;
        }
        let below: Vec<Vec<bool>> = tips.iter().map(|&tip| graph.ancestors([tip])).collect();
        for (one, other) in below.iter().flat_map(|one| below.iter().map(move |o| (one, o))) {
            let only = |these: &[bool], those: &[bool], landed: bool| -> Vec<Node> {
                let is_meant = |n: &Node| these[*n] && !those[*n] && is_landed(*n) == landed;
                (0..graph.len()).filter(is_meant).collect()
            };
            let (own, landed) = (only(one, other, false), only(other, one, true));
            if pairs.len() + own.len() * landed.len() > MAX_PAIRS {
                return None;
            }
            for own in own {
                pairs.extend(landed.iter().map(|&landed| (own, landed)));
            }
        }
    }
    Some(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history_and, judge};

    /// A script that adds the column `t.<column>`.
    fn adding(id: &str, down: &str, column: &str) -> (String, String) {
        let text = format!(
            "from alembic import op\nimport sqlalchemy as sa\n\nrevision = '{id}'\n\
             down_revision = {down}\n\n\ndef upgrade():\n    \
             op.add_column('t', sa.Column('{column}', sa.Integer()))\n"
        );
        (format!("versions/{id}.py"), text)
    }

    /// `id down column`; those that begin with `f` are own.
    #[track_caller]
    fn check(scripts: &[&str], expected: &str) {
        let files: Vec<(String, String)> = scripts
            .iter()
            .map(|script| {
                let words: Vec<&str> = script.split(' ').collect();
                let down = match words[1] {
                    "-" => "None".to_owned(),
                    downs => format!("{:?}", downs.split('+').collect::<Vec<_>>())
                        .replace(['[', ']'], "")
                        .replace('"', "'"),
                };
                adding(words[0], &down, words[2])
            })
            .collect();
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let history = history_and("", &files);
        let is_landed = |node: Node| !history.id(node).as_str().starts_with('f');
        let found = encounters(&history, judge(&history).policy, is_landed);
        let shown: Vec<String> = found
            .found
            .iter()
            .map(|e| format!("{}:{} {}", history.id(e.own), history.id(e.landed), e.meeting.thing))
            .collect();
        let shown = format!("{} of {}: {}", shown.len(), found.pairs, shown.join(", "));
        assert_eq!(shown, expected, "{scripts:?}");
    }

    #[test]
    fn each_own_revision_meets_what_landed_beside_it() {
        check(
            &["a - x", "m a y", "n m z", "f1 a z", "f2 f1 y"],
            "2 of 4: f1:n column `t.z`, f2:m column `t.y`",
        );
        check(&["a - x", "m a y", "f1 a z"], "0 of 1: ");
    }

    #[test]
    fn what_one_was_written_on_it_does_not_meet() {
        check(&["a - x", "m a y", "f1 m x"], "0 of 0: ");
        check(&["a - x", "m a y"], "0 of 0: ");
    }

    #[test]
    fn a_merge_revision_of_ones_own_leaves_the_order_open() {
        check(&["a - x", "m a y", "f1 a y", "f2 f1+m w"], "1 of 1: f1:m column `t.y`");
        // What landed is nobody's business any more.
        check(&["a - x", "m a y", "n a y", "k m+n z", "f1 k y"], "0 of 0: ");
    }

    #[test]
    fn thousands_beside_thousands_are_not_looked_at() {
        let side = |name: &str, count: usize| -> Vec<(String, String)> {
            let below =
                |at: usize| if at == 0 { "a".to_owned() } else { format!("{name}{}", at - 1) };
            (0..count)
                .map(|at| adding(&format!("{name}{at}"), &format!("'{}'", below(at)), "x"))
                .collect()
        };
        let count = 101;
        let files = [vec![adding("a", "None", "y")], side("f", count), side("m", count)].concat();
        let files: Vec<(&str, &str)> =
            files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let history = history_and("", &files);
        let is_landed = |node: Node| !history.id(node).as_str().starts_with('f');
        let found = encounters(&history, judge(&history).policy, is_landed);
        assert!(found.are_too_many && found.found.is_empty());
        assert_eq!(found.are_independent(), None);
    }

    #[test]
    fn own_revisions_among_themselves_are_not_looked_at() {
        check(&["a - x", "f1 a y", "f2 a y"], "0 of 0: ");
    }
}
