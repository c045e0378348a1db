//! From what has run to what should have: foreign revisions go down, skipped
//! ones run, and then alembic's own `upgrade` does the rest.

use super::super::database::{DatabaseState, rows_at_heads};
use super::super::ledger::LedgerEntry;
use super::request::{SyncRefusal, SyncRequest, SyncStrategy};
use super::step::{PlannedStep, Repair, SyncPlan, SyncStep};
use super::world::{Item, World};
use crate::revision::{Node, RevisionId};
use crate::script::Touches;

/// Plans the way from the rows to the heads.
///
/// # Errors
/// A [`SyncRefusal`] where no way is safe; then nothing should be touched.
pub fn plan_sync(request: &SyncRequest<'_>) -> Result<SyncPlan, SyncRefusal> {
    refuse_what_cannot_be_told(request)?;
    let mut planner = Planner::new(request);
    planner.mend()?;
    planner.finish()
}

/// Plans the way back down: `entries` are taken down, the last one first, and
/// the rows are then set to `rows`.
///
/// # Errors
/// A [`SyncRefusal`] where one of them cannot be.
pub fn plan_descent(
    request: &SyncRequest<'_>,
    entries: &[LedgerEntry],
    rows: &[String],
) -> Result<SyncPlan, SyncRefusal> {
    let mut planner = Planner::new(request);
    let items = entries.iter().filter_map(|entry| planner.world.item_of(entry)).collect();
    planner.plan.repair = Repair::Downgrade;
    planner.take_down(items)?;
    planner.set_rows(rows.to_vec());
    Ok(planner.plan)
}

fn refuse_what_cannot_be_told(request: &SyncRequest<'_>) -> Result<(), SyncRefusal> {
    let SyncRequest { snapshot, ledger, view, .. } = request;
    if view.state == DatabaseState::Broken {
        return Err(SyncRefusal::Broken);
    }
    if !view.unknown.is_empty() {
        return Err(SyncRefusal::Unknown {
            revisions: view.unknown.iter().map(|&n| snapshot.id(n).clone()).collect(),
        });
    }
    let without_script: Vec<String> = view
        .foreign
        .iter()
        .filter(|id| !ledger.entries.iter().any(|e| e.revision.as_str() == id.as_str()))
        .cloned()
        .collect();
    if !without_script.is_empty() {
        return Err(SyncRefusal::NoScript { revisions: without_script });
    }
    Ok(())
}

struct Planner<'a> {
    request: &'a SyncRequest<'a>,
    world: World<'a>,
    /// The rows as they are after the steps so far.
    rows: Vec<String>,
    plan: SyncPlan,
}

impl<'a> Planner<'a> {
    fn new(request: &'a SyncRequest<'a>) -> Self {
        let SyncRequest { snapshot, ledger, view, .. } = request;
        let world = World::new(snapshot, &ledger.entries, &view.matching, &view.applied);
        let plan = SyncPlan {
            repair: Repair::None,
            steps: Vec::new(),
            is_proven: true,
            meetings: Vec::new(),
            reverted: Vec::new(),
            settled: Vec::new(),
        };
        let mut rows = view.current.clone();
        rows.sort();
        Self { request, world, rows, plan }
    }

    /// Makes what is applied a set that the files' graph knows of.
    fn mend(&mut self) -> Result<(), SyncRefusal> {
        self.settle_what_does_nothing();
        let skipped = self.skipped();
        let foreign: Vec<Item> = self.world.foreign().collect();
        if skipped.is_empty() && foreign.is_empty() {
            return Ok(());
        }
        self.plan.meetings = self.meetings(&skipped, &foreign);
        self.plan.is_proven = self.plan.meetings.is_empty();
        let is_downgrade = self.request.strategy == SyncStrategy::Downgrade
            // Nothing has to make way: there is only one way to do it.
            && !self.in_the_way(&skipped, &foreign).iter().all(|i| foreign.contains(i));
        if is_downgrade {
            self.plan.repair = Repair::Downgrade;
            let down = self.in_the_way(&skipped, &foreign);
            self.take_down(down)
        } else {
            self.plan.repair = Repair::Replay;
            self.take_down(foreign)?;
            self.replay(skipped);
            Ok(())
        }
    }

    /// What is skipped and does nothing counts as applied; what is foreign and
    /// does nothing, as gone.
    fn settle_what_does_nothing(&mut self) {
        for item in self.world.foreign().collect::<Vec<_>>() {
            if self.world.is_empty(item) {
                self.world.is_applied[item] = false;
            }
        }
        for node in self.request.view.skipped.clone() {
            if self.world.is_empty(node) {
                self.world.is_applied[node] = true;
                self.plan.settled.push(self.world.id(node).clone());
            }
        }
    }

    fn skipped(&self) -> Vec<Node> {
        let skipped = self.request.view.skipped.iter().copied();
        skipped.filter(|&node| !self.world.is_applied[node]).collect()
    }

    /// Pairs that may touch the same tables although their order changes.
    fn meetings(&self, skipped: &[Node], foreign: &[Item]) -> Vec<(RevisionId, RevisionId)> {
        let mut meetings = Vec::new();
        for &node in skipped {
            for above in self.world.applied_above(node) {
                if !self.world.is_foreign(above)
                    && !self.is_disjoint((node, Side::Today), (above, Side::Ran))
                {
                    meetings.push((self.world.id(node).clone(), self.world.id(above).clone()));
                }
            }
        }
        for &item in foreign.iter().filter(|&&item| self.world.is_applied[item]) {
            for above in self.world.built_upon(item) {
                if !foreign.contains(&above)
                    && !self.is_disjoint((item, Side::Down), (above, Side::Ran))
                {
                    meetings.push((self.world.id(item).clone(), self.world.id(above).clone()));
                }
            }
        }
        meetings
    }

    fn is_disjoint(&self, one: (Item, Side), other: (Item, Side)) -> bool {
        match (self.touches(one), self.touches(other)) {
            (Some(one), Some(other)) => one.is_disjoint(other),
            _ => false,
        }
    }

    fn touches(&self, (item, side): (Item, Side)) -> Option<&'a Touches> {
        let footprints = self.request.footprints;
        let footprint = match side {
            Side::Today => footprints.get(&self.request.snapshot.scripts[item].body),
            Side::Ran | Side::Down => footprints.get(self.world.ran_as(item)),
        }?;
        Some(if side == Side::Down { &footprint.downgrade } else { &footprint.upgrade })
    }

    /// All that has to go down so that nothing applied lies above what is
    /// skipped, nor was built on what is foreign.
    fn in_the_way(&self, skipped: &[Node], foreign: &[Item]) -> Vec<Item> {
        let mut down: Vec<bool> = self.world.items().map(|i| foreign.contains(&i)).collect();
        let above = |of: Item| -> Vec<Item> {
            let mut above = self.world.applied_above(of);
            above.extend(self.world.built_upon(of));
            above
        };
        let mut waiting: Vec<Item> = skipped.iter().chain(foreign).copied().collect();
        while let Some(item) = waiting.pop() {
            for next in above(item) {
                if !down[next] {
                    down[next] = true;
                    waiting.push(next);
                }
            }
        }
        self.world.items().filter(|&i| down[i] && self.world.is_applied[i]).collect()
    }

    /// Takes revisions down, what ran last first.
    fn take_down(&mut self, mut items: Vec<Item>) -> Result<(), SyncRefusal> {
        items.retain(|&item| self.world.is_applied[item]);
        items.sort_by_key(|&item| std::cmp::Reverse((self.world.ran_at(item), item)));
        for item in items {
            let revision = self.world.id(item).clone();
            if self.world.is_empty(item) {
                self.world.is_applied[item] = false;
                continue;
            }
            let body = self.world.ran_as(item).clone();
            let footprint = self.request.footprints.get(&body);
            if footprint.is_some_and(|f| f.downgrade.is_empty && !f.upgrade.is_empty) {
                return Err(SyncRefusal::Irreversible { revision });
            }
            let mut before = self.world.rows();
            with_row(&mut before, revision.as_str());
            self.set_rows(before.clone());
            self.world.is_applied[item] = false;
            let appear = self.world.rows().into_iter().filter(|row| !before.contains(row));
            let mut after: Vec<String> =
                before.iter().filter(|row| row.as_str() != revision.as_str()).cloned().collect();
            after.extend(appear);
            after.sort();
            self.plan.reverted.push(revision.clone());
            self.push(SyncStep::Downgrade { revision, body }, after);
        }
        Ok(())
    }

    /// Runs what was skipped, what it builds on first.
    fn replay(&mut self, skipped: Vec<Node>) {
        for node in skipped {
            let revision = self.world.id(node).clone();
            let before = self.world.rows();
            self.set_rows(before.clone());
            self.world.is_applied[node] = true;
            let mut after = before;
            with_row(&mut after, revision.as_str());
            let body = self.request.snapshot.scripts[node].body.clone();
            self.push(SyncStep::Replay { revision, body }, after);
        }
    }

    /// The rows that stand for what has run, and then alembic's own way up.
    fn finish(mut self) -> Result<SyncPlan, SyncRefusal> {
        let snapshot = self.request.snapshot;
        let rows = self.world.rows();
        let applied = &self.world.is_applied[..snapshot.graph.len()];
        if !snapshot.knows(&rows) || snapshot.applied(&rows) != applied {
            return Err(SyncRefusal::Unsound { rows });
        }
        let wanted = snapshot.graph.ancestors_with_dependencies(snapshot.graph.heads());
        let missing: Vec<bool> =
            wanted.iter().zip(applied).map(|(&wanted, &applied)| wanted && !applied).collect();
        let revisions: Vec<RevisionId> =
            snapshot.in_order(&missing).into_iter().map(|n| snapshot.id(n).clone()).collect();
        self.set_rows(rows);
        if !revisions.is_empty() {
            self.push(SyncStep::Upgrade { revisions }, rows_at_heads(&snapshot.graph));
        }
        Ok(self.plan)
    }

    fn set_rows(&mut self, rows: Vec<String>) {
        if rows != self.rows {
            self.push(SyncStep::SetRows, rows);
        }
    }

    fn push(&mut self, step: SyncStep, rows_after: Vec<String>) {
        let rows_before = std::mem::replace(&mut self.rows, rows_after.clone());
        self.plan.steps.push(PlannedStep { step, rows_before, rows_after });
    }
}

/// Which function of which text of a revision is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// `upgrade` of the script of the files.
    Today,
    /// `upgrade` of the script that it ran from.
    Ran,
    /// `downgrade` of the script that it ran from.
    Down,
}

fn with_row(rows: &mut Vec<String>, row: &str) {
    if !rows.iter().any(|known| known == row) {
        rows.push(row.to_owned());
        rows.sort();
    }
}
