//! `--apply`: what a rebase or a merge rewrites, the database is brought along.
//! The same way as `sync` goes is planned before a file changes, for the files
//! as they will be, so that whatever would stop it stops all of it.

use super::OpsError;
use super::database_target::{Asking, database_target};
use super::host::Host;
use super::look::{Look, Moment, Reached, judge_files, look, reach};
use super::rebase::RebaseOutcome;
use super::session::Session;
use super::step_runner::StepRunner;
use super::sync::{self, Decision, PreparedSync, SyncOptions, SyncOutcome, decide, plan_from};
use super::trial::Ground;
use super::write_access::WriteAccess;
use crate::database::Limits;
use crate::journal::{Journal, OperationId};
use crate::plan::{RebasePlan, Repair, Snapshot, SyncStrategy, Trying, history_after};
use crate::project::Component;
use crate::revision::RevisionId;

/// How one component's database is brought along, decided before a file is changed.
#[derive(Clone, Debug)]
pub struct Ahead {
    component: String,
    strategy: SyncStrategy,
    decision: Decision,
}

/// Looks at every component's database before a file is changed, and refuses
/// where no way leads to the heads of the files as they will be, or one that was
/// tried out does not.
pub fn prepare(
    session: &Session,
    planned: &RebaseOutcome,
    host: &Host,
    trying: Trying,
    journal: &mut Journal,
) -> Result<Vec<Ahead>, OpsError> {
    let mut ahead = Vec::new();
    for component in session.components()? {
        let plan = planned.components.iter().find(|c| c.name == component.name);
        let Some(Ok(plan)) = plan.map(|c| &c.plan) else { continue };
        ahead.push(prepare_component(session, component, plan, host, trying, journal)?);
    }
    Ok(ahead)
}

fn prepare_component(
    session: &Session,
    component: &Component,
    plan: &RebasePlan,
    host: &Host,
    trying: Trying,
    journal: &mut Journal,
) -> Result<Ahead, OpsError> {
    let reached = reach(session, component, host, journal)?;
    let looked = look(session, component, reached, Moment::AnyTime, Some(&mut *journal))?;
    StepRunner::new(session, component, host)?.confirm(&looked.target, &looked.observation.rows)?;
    let history = history_after(&looked.history, &plan.script_changes());
    let after = Snapshot::of(&history);
    let view = judge_files(component, &looked, &history, &after);
    // A rewritten script says what it said: only headers change.
    let footprints = looked.footprints(journal)?;
    let options = SyncOptions { trying, ..SyncOptions::default() };
    let planned = plan_from(&looked, &after, &view, options.strategy, &footprints);
    let ground = Ground {
        session,
        component,
        host,
        look: &looked,
        history: &history,
        snapshot: &after,
        view: &view,
    };
    let decision = decide(&ground, options, planned, &footprints, journal)?;
    let strategy = match &decision.plan {
        Ok(plan) => match plan.repair {
            Repair::None => SyncStrategy::Auto,
            Repair::Replay => SyncStrategy::Replay,
            Repair::Downgrade => SyncStrategy::Downgrade,
        },
        Err(refusal) => {
            let (component, refusal) = (component.name.clone(), refusal.clone());
            return Err(OpsError::SyncRefused { component, refusal });
        }
    };
    Ok(Ahead { component: component.name.clone(), strategy, decision })
}

/// Brings the databases along once the files have changed, in the way that was decided.
pub fn bring_along(
    session: &Session,
    host: &Host,
    ahead: &[Ahead],
    operation: Option<OperationId>,
    access: &mut WriteAccess,
    line: &mut dyn FnMut(&str),
) -> Result<SyncOutcome, OpsError> {
    let mut all: Vec<PreparedSync<'_>> = Vec::new();
    for component in session.components()? {
        let decided = ahead.iter().find(|ahead| ahead.component == component.name);
        let strategy = decided.map_or(SyncStrategy::Auto, |ahead| ahead.strategy);
        // It was tried out already.
        let options = SyncOptions { strategy, trying: Trying::Never, ..SyncOptions::default() };
        let mut prepared =
            sync::prepare_component(session, component, host, options, access.journal())?;
        if let Some(Ahead { decision: Decision { trial, no_replay, .. }, .. }) = decided {
            prepared.decision.trial.clone_from(trial);
            prepared.decision.no_replay.clone_from(no_replay);
        }
        all.push(prepared);
    }
    sync::apply(session, host, SyncOptions::default(), all, operation, access, line)
}

/// What has run already of what the plan would rewrite, by component, with its
/// database: for who rebases without `--apply`. A database that cannot be asked
/// says nothing; the look is kept, so that a later one knows what had run.
pub fn rewritten_but_applied(
    session: &Session,
    planned: &RebaseOutcome,
    host: &Host,
    journal: &mut Journal,
) -> Result<Vec<(String, Vec<RevisionId>, String)>, OpsError> {
    let mut found = Vec::new();
    for component in session.components()? {
        let plan = planned.components.iter().find(|c| c.name == component.name);
        let Some(Ok(plan)) = plan.map(|c| &c.plan) else { continue };
        if plan.is_empty() {
            continue;
        }
        let Ok(Some(looked)) = glance(session, component, host, journal) else { continue };
        let rewritten: Vec<&RevisionId> = plan
            .moved
            .iter()
            .map(|moved| &moved.revision)
            .chain(plan.renumbered.iter().flat_map(|r| [&r.from.0, &r.to.0]))
            .chain(plan.deleted.iter().map(|(id, _)| id))
            .collect();
        let applied: Vec<RevisionId> = (0..looked.snapshot.graph.len())
            .filter(|&node| looked.view.applied[node])
            .map(|node| looked.snapshot.id(node).clone())
            .filter(|id| rewritten.contains(&id))
            .collect();
        if !applied.is_empty() {
            found.push((component.name.clone(), applied, looked.target.shown.clone()));
        }
    }
    Ok(found)
}

/// A look in passing: nobody has asked for the database, so that it may neither
/// be on another host nor take its time.
fn glance(
    session: &Session,
    component: &Component,
    host: &Host,
    journal: &mut Journal,
) -> Result<Option<Look>, OpsError> {
    let target = database_target(session, component, host, Some(&mut *journal), Asking::Never)?;
    if !target.is_local {
        return Ok(None);
    }
    let reached = Reached::new(target, &Limits::hook())?;
    look(session, component, reached, Moment::AnyTime, Some(journal)).map(Some)
}
