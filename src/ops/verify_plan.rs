//! `rebase --verify`: the files as a plan would make them run on a scratch database
//! before any of them is written. What only goes wrong in its new place, a column that
//! a landed revision has renamed or a table that both make, shows there.

use super::OpsError;
use super::database_target::{Asking, database_target};
use super::host::Host;
use super::rebase::{ComponentRefusal, RebaseOutcome};
use super::session::{Session, Source};
use super::standing::standings;
use super::verify::{ComponentVerification, VerifyFault, Watch, verify_history};
use super::write_access::WriteAccess;
use crate::plan::{RebasePlan, SchemaDifference, Standing, history_after};
use crate::project::Component;
use crate::revision::{Node, RevisionId};
use crate::script::History;

/// Verifies every component's plan: one whose revisions fail is refused.
///
/// # Errors
/// There is no alembic, or no database of which the kind is known.
pub fn verify_plans(
    session: &Session,
    host: &Host,
    planned: &mut RebaseOutcome,
    mut access: Option<&mut WriteAccess>,
    watch: &mut Watch<'_>,
) -> Result<(), OpsError> {
    for component in session.components()? {
        let found = planned.components.iter_mut().find(|c| c.name == component.name);
        let Some(found) = found else { continue };
        let Ok(plan) = &found.plan else { continue };
        if plan.is_empty() {
            continue;
        }
        let before = session.history(component, &Source::WorkingTree)?;
        let after = history_after(&before, &plan.script_changes());
        let chosen = chosen(session, component, plan, &before, &after)?;
        let journal = access.as_mut().map(|access| access.journal());
        let target = database_target(session, component, host, journal, Asking::Once)?;
        let verification =
            verify_history(session, component, host, &after, &target, &chosen, watch)?;
        match refusal(&verification) {
            Some(refusal) => found.plan = Err(refusal),
            None => found.verified = Some(after.graph.ids(chosen)),
        }
    }
    Ok(())
}

/// All that is one's own, moved or new, in the history that the plan makes.
fn chosen(
    session: &Session,
    component: &Component,
    plan: &RebasePlan,
    before: &History,
    after: &History,
) -> Result<Vec<Node>, OpsError> {
    let standings = standings(session, component, before)?;
    let own = (0..before.graph.len())
        .filter(|&node| standings.of[node].standing != Standing::Landed)
        .map(|node| before.id(node));
    let moved = plan.moved.iter().map(|moved| &moved.revision);
    let created = plan.created.iter().map(|new| &new.revision.id);
    let ids: Vec<&RevisionId> = own.chain(&plan.order).chain(moved).chain(created).collect();
    let is_chosen = |&node: &Node| ids.contains(&after.id(node));
    Ok(after.graph.topological().into_iter().filter(is_chosen).collect())
}

/// What the first fault says, if there is one.
fn refusal(verification: &ComponentVerification) -> Option<ComponentRefusal> {
    if let Some(error) = &verification.ground_fails {
        return Some(ComponentRefusal::GroundFails { error: error.clone() });
    }
    let faulty = verification.verified.iter().find(|verified| verified.fault.is_some())?;
    Some(ComponentRefusal::Fault {
        revision: faulty.revision.clone(),
        path: faulty.path.clone(),
        says: faulty.fault.as_ref().map(says).unwrap_or_default(),
    })
}

fn says(fault: &VerifyFault) -> String {
    match fault {
        VerifyFault::UpgradeFails(error) => format!("its upgrade fails: {error}"),
        VerifyFault::DowngradeFails(error) => format!("its downgrade fails: {error}"),
        VerifyFault::SecondUpgradeFails(error) => {
            format!("its upgrade fails the second time: {error}")
        }
        VerifyFault::NotReversed(differences) => {
            format!("its downgrade does not take back {}", things(differences))
        }
        VerifyFault::NotRepeated(differences) => {
            format!("its upgrade leaves something else the second time: {}", things(differences))
        }
    }
}

fn things(differences: &[SchemaDifference]) -> String {
    differences.iter().map(|d| d.thing.as_str()).collect::<Vec<_>>().join(", ")
}
