//! Whether a plan is tried out on a copy first, and what the copy's schema says then.

use std::collections::BTreeSet;

use super::step::{Repair, SyncPlan};
use crate::script::SchemaObjects;

/// `--verify`, `--no-verify`, or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Trying {
    /// What mends something, where a copy costs little or the trial decides.
    #[default]
    WhereCheap,
    Always,
    /// Only where nothing else tells whether a plan is sound: what is carried on with was
    /// tried out when it began, or was not to be.
    WhereItDecides,
    Never,
}

/// What a copy may hold that nobody has asked for: seconds of anybody's time.
pub const CHEAP_BYTES: u64 = 64 << 20;

/// Whether a plan is tried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    No,
    Yes,
    /// Only where the database has no more than [`CHEAP_BYTES`].
    IfCheap,
}

impl Trying {
    /// Whether `plan` is to be tried out.
    pub fn wants(self, plan: &SyncPlan) -> Wanted {
        match self {
            Self::Never => Wanted::No,
            _ if plan.is_empty() => Wanted::No,
            Self::Always => Wanted::Yes,
            // What else could be done takes a backup, which costs as much, and loses data.
            Self::WhereCheap | Self::WhereItDecides if plan.is_open() => Wanted::Yes,
            Self::WhereCheap if plan.is_repair() => Wanted::IfCheap,
            Self::WhereCheap | Self::WhereItDecides => Wanted::No,
        }
    }
}

impl SyncPlan {
    /// Whether only a trial can tell that it is sound.
    pub fn is_open(&self) -> bool {
        self.repair == Repair::Replay && !self.is_proven
    }
}

/// What the schema of a copy says once the plan has run there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaVerdict {
    /// It is that of a new database.
    Same,
    /// It differs from that in a way that it did before: somebody has been at it.
    Drifted(String),
    /// The plan has made it another one.
    Otherwise(String),
}

/// Compares a copy's schema from before and after a plan with that of a new database.
pub fn judge_schema(
    plan: &SyncPlan,
    before: &SchemaObjects,
    after: &SchemaObjects,
    new: &SchemaObjects,
) -> SchemaVerdict {
    let (had, has) = (deviations(before, new), deviations(after, new));
    let met = plan.meetings.first().map(|(one, other)| format!(" (`{one}`, `{other}`)"));
    let told = |what: &String| format!("{what}{}", met.clone().unwrap_or_default());
    // What was to be mended by an open plan may be what was wrong before, too.
    let made: Vec<&String> =
        has.iter().filter(|what| plan.is_open() || !had.contains(*what)).collect();
    match (plainest(made), plainest(has.iter().collect())) {
        (Some(what), _) => SchemaVerdict::Otherwise(told(what)),
        (None, Some(what)) => SchemaVerdict::Drifted(what.clone()),
        (None, None) => SchemaVerdict::Same,
    }
}

/// Things are listed with their schema, too, where people call them by their name alone.
fn plainest(things: Vec<&String>) -> Option<&String> {
    things.into_iter().min_by_key(|thing| thing.matches('.').count())
}

/// In what a schema differs from a new one; a table of somebody's own is nobody's business.
fn deviations(schema: &SchemaObjects, new: &SchemaObjects) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (table, columns) in &new.tables {
        match schema.tables.get(table) {
            None => found.extend([format!("the table `{table}`")]),
            Some(there) => {
                let differ = there.symmetric_difference(columns);
                found.extend(differ.map(|column| format!("the column `{table}.{column}`")));
            }
        }
    }
    let missing = new.indexes.difference(&schema.indexes);
    found.extend(missing.map(|index| format!("the index `{index}`")));
    found
}

#[cfg(test)]
mod tests {
    use super::super::step::{PlannedStep, SyncStep};
    use super::*;
    use crate::revision::RevisionId;

    fn plan(repair: Repair, is_proven: bool, steps: &[SyncStep]) -> SyncPlan {
        let step = |step: &SyncStep| PlannedStep {
            step: step.clone(),
            rows_before: Vec::new(),
            rows_after: Vec::new(),
        };
        SyncPlan {
            repair,
            steps: steps.iter().map(step).collect(),
            is_proven,
            meetings: Vec::new(),
            reverted: Vec::new(),
            settled: Vec::new(),
        }
    }

    fn upgrade() -> SyncPlan {
        let revisions = vec![RevisionId::new("a").expect("an id")];
        plan(Repair::None, true, &[SyncStep::Upgrade { revisions }])
    }

    /// `t(a b) u() | ix`: tables with their columns, and indexes.
    fn schema(notation: &str) -> SchemaObjects {
        let (tables, indexes) = notation.split_once('|').unwrap_or((notation, ""));
        let mut schema = SchemaObjects::default();
        for table in tables.split_inclusive(')').map(str::trim).filter(|text| !text.is_empty()) {
            let (name, columns) = table.split_once('(').expect("a table");
            let columns = columns.trim_end_matches(')').split_whitespace().map(str::to_owned);
            schema.tables.insert(name.to_owned(), columns.collect());
        }
        schema.indexes = indexes.split_whitespace().map(str::to_owned).collect();
        schema
    }

    #[track_caller]
    fn check(plan: &SyncPlan, [before, after, new]: [&str; 3], expected: &str) {
        let verdict = judge_schema(plan, &schema(before), &schema(after), &schema(new));
        let said = match verdict {
            SchemaVerdict::Same => "same".to_owned(),
            SchemaVerdict::Drifted(what) => format!("drifted: {what}"),
            SchemaVerdict::Otherwise(what) => format!("otherwise: {what}"),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn only_what_the_plan_has_made_otherwise_is_held_against_it() {
        let plan = upgrade();
        check(&plan, ["t(a)", "t(a b) mine(x)", "t(a b)"], "same");
        check(&plan, ["t(a)", "t(a c)", "t(a b)"], "otherwise: the column `t.c`");
        check(&plan, ["t(a x)", "t(a b x)", "t(a b)"], "drifted: the column `t.x`");
        check(&plan, ["t(a)|ix", "t(a)", "t(a)|ix"], "otherwise: the index `ix`");
        check(&plan, ["", "", "t(a)"], "drifted: the table `t`");
        check(&plan, ["", "", "main.t(a) t(a)"], "drifted: the table `t`");
    }

    #[test]
    fn a_replay_that_only_a_trial_can_prove_has_to_come_out_as_new() {
        let open = plan(Repair::Replay, false, &[SyncStep::SetRows]);
        check(&open, ["t(a x)", "t(a x)", "t(a)"], "otherwise: the column `t.x`");
        check(&open, ["t(a)", "t(a)", "t(a)"], "same");
    }

    #[test]
    fn what_mends_is_tried_out_and_what_decides_at_any_size() {
        let mends = plan(Repair::Replay, true, &[SyncStep::SetRows]);
        let open = plan(Repair::Replay, false, &[SyncStep::SetRows]);
        let empty = plan(Repair::None, true, &[]);
        let wants = |trying: Trying| [&empty, &upgrade(), &mends, &open].map(|p| trying.wants(p));
        use Wanted::{IfCheap, No, Yes};
        assert_eq!(wants(Trying::WhereCheap), [No, No, IfCheap, Yes]);
        assert_eq!(wants(Trying::Always), [No, Yes, Yes, Yes]);
        assert_eq!(wants(Trying::WhereItDecides), [No, No, No, Yes]);
        assert_eq!(wants(Trying::Never), [No; 4]);
    }
}
