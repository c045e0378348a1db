//! Steps taken back: each by its inverse, the last one first.

use super::OpsError;
use super::host::Host;
use super::look::Look;
use super::running::{Running, Work};
use super::session::Session;
use super::sync::recorded;
use super::write_access::WriteAccess;
use crate::journal::{DatabaseStep, RecordedStep, StepKind, StepState};
use crate::plan::{Evidence, SyncRequest, SyncStrategy, plan_descent, rows_of};
use crate::project::Component;

/// Runs the inverses of all steps that were done, and marks those as taken back.
/// Data that a migration dropped does not come back this way.
pub fn take_back(
    session: &Session,
    component: &Component,
    host: &Host,
    look: &mut Look,
    steps: &[RecordedStep],
    access: &mut WriteAccess,
    line: &mut dyn FnMut(&str),
) -> Result<(), OpsError> {
    let done = steps.iter().filter(|s| s.step.state == StepState::Done).rev();
    for step in done.cloned().collect::<Vec<_>>() {
        let inverse = inverse(component, look, &step.step, access)?;
        let work = Work {
            operation: step.operation,
            steps: inverse,
            needs_backup: false,
            settled: Vec::new(),
            takes_back: Some(step),
        };
        Running::begin(session, component, host, look)?.run(work, access, host, line)?;
    }
    Ok(())
}

/// The steps that lead from behind `step` to where it started.
fn inverse(
    component: &Component,
    look: &Look,
    step: &DatabaseStep,
    access: &mut WriteAccess,
) -> Result<Vec<DatabaseStep>, OpsError> {
    let swapped = |kind: StepKind| DatabaseStep {
        kind,
        rows_before: step.rows_after.clone(),
        rows_after: step.rows_before.clone(),
        state: StepState::Planned,
        content: None,
        ..step.clone()
    };
    Ok(match step.kind {
        StepKind::SetRows => vec![swapped(StepKind::SetRows)],
        StepKind::Run => vec![swapped(StepKind::Downgrade)],
        StepKind::Downgrade if step.target.is_some() => ascent(look, step),
        StepKind::Downgrade => vec![swapped(StepKind::Run)],
        StepKind::Upgrade => {
            let footprints = look.footprints(access.journal())?;
            let request = SyncRequest {
                snapshot: &look.snapshot,
                ledger: &look.ledger,
                view: &look.view,
                strategy: SyncStrategy::Downgrade,
                footprints: &footprints,
            };
            let plan =
                plan_descent(&request, &step.entries, &step.rows_before).map_err(|refusal| {
                    OpsError::SyncRefused { component: component.name.clone(), refusal }
                })?;
            plan.steps
                .iter()
                .map(|planned| recorded(component, look, &look.snapshot, planned))
                .collect()
        }
    })
}

/// Back up to the rows that a downgrade started from, one after the other.
fn ascent(look: &Look, step: &DatabaseStep) -> Vec<DatabaseStep> {
    let snapshot = &look.snapshot;
    let mut applied = snapshot.applied(&step.rows_after);
    let mut rows = step.rows_after.clone();
    step.rows_before
        .iter()
        .filter(|row| !step.rows_after.contains(row))
        .map(|row| {
            let above = snapshot.applied(std::slice::from_ref(row));
            let run: Vec<bool> =
                above.iter().zip(&applied).map(|(&wanted, &there)| wanted && !there).collect();
            let entries = snapshot.in_order(&run).into_iter();
            for (there, new) in applied.iter_mut().zip(above) {
                *there = *there || new;
            }
            let after = rows_of(&snapshot.graph, &applied);
            DatabaseStep {
                kind: StepKind::Upgrade,
                target: Some(row.clone()),
                entries: entries.map(|node| snapshot.entry(node, Evidence::Ran)).collect(),
                rows_before: std::mem::replace(&mut rows, after.clone()),
                rows_after: after,
                state: StepState::Planned,
                content: None,
                ..step.clone()
            }
        })
        .collect()
}
