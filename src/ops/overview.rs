//! What there is to see in this repository, and the one thing to do next.

use super::OpsError;
use super::check::{told_of, uncommitted};
use super::doctor::hook_checkups;
use super::hook_facts::HooksSought;
use super::host::Host;
use super::session::{Session, Source};
use super::standing::standings;
use super::status::{ComponentStatus, status};
use super::write_access::may_be_open;
use crate::check::{Code, Level};
use crate::git::InProgress;
use crate::plan::{
    CheckupState, ComponentFacts, HooksInPlace, NextStep, Standing, Unfinished, next_step,
};
use crate::revision::{RevisionId, divergences};

/// One component at a glance.
#[derive(Clone, Debug)]
pub struct ComponentOverview {
    pub name: String,
    pub revisions: usize,
    /// Those that have not landed; `None` where nothing tells.
    pub own: Option<usize>,
    pub heads: Vec<RevisionId>,
    pub is_diverged: bool,
    /// Errors in the files, diverged heads left out.
    pub errors: usize,
    pub status: ComponentStatus,
}

/// The repository at a glance.
#[derive(Clone, Debug)]
pub struct Overview {
    pub branch: Option<String>,
    /// What git is in the middle of.
    pub in_progress: Option<&'static str>,
    pub upstream: Option<String>,
    pub components: Vec<ComponentOverview>,
    pub hooks: HooksInPlace,
    pub next: Option<NextStep>,
}

/// Looks at files, databases and hooks.
pub fn overview(
    session: &Session,
    host: &Host,
    hooks: HooksSought<'_>,
) -> Result<Overview, OpsError> {
    let statuses = status(session, host)?;
    let mut components = Vec::new();
    for (component, status) in session.components()?.into_iter().zip(statuses) {
        let history = session.history(component, &Source::WorkingTree)?;
        let standings = standings(session, component, &history)?;
        let own = standings.of.iter().filter(|s| s.standing != Standing::Landed).count();
        let location = |node| history.script(node).file.location;
        let findings = told_of(session, component, &history)?.findings;
        let is_error = |level: Level, code: Code| level == Level::Error && code != Code(1);
        components.push(ComponentOverview {
            name: component.name.clone(),
            revisions: history.graph.len(),
            own: standings.knows_landed().then_some(own),
            heads: history.graph.ids(history.graph.heads()),
            is_diverged: !divergences(&history.graph, location, component.heads).is_empty(),
            errors: findings.iter().filter(|f| is_error(f.level, f.code)).count(),
            status,
        });
    }
    let hooks = hooks_in_place(session, hooks);
    let facts: Vec<ComponentFacts> = components.iter().map(facts).collect();
    let unfinished = Unfinished {
        is_interrupted: may_be_open(&session.repository),
        git: session.repository.in_progress().and_then(work),
        is_uncommitted: !uncommitted(session)?.is_empty(),
    };
    Ok(Overview {
        branch: session.repository.branch_at_work(),
        upstream: session.upstream()?.map(|upstream| upstream.name.clone()),
        in_progress: unfinished.git.map(|(work, _)| work),
        next: next_step(&unfinished, &facts, hooks),
        components,
        hooks,
    })
}

fn facts(component: &ComponentOverview) -> ComponentFacts {
    ComponentFacts {
        errors: component.errors,
        is_diverged: component.is_diverged,
        state: component.status.state,
        recommended: component.status.recommended.clone(),
    }
}

/// Git's unfinished work in words, and what ends it.
fn work(progress: InProgress) -> Option<(&'static str, &'static str)> {
    match progress {
        InProgress::Merge => Some(("merge", "git commit")),
        InProgress::Rebase => Some(("rebase", "git rebase --continue")),
        InProgress::CherryPick => Some(("cherry-pick", "git cherry-pick --continue")),
        InProgress::Revert => Some(("revert", "git revert --continue")),
        InProgress::ApplyMailbox => Some(("git am", "git am --continue")),
        // It is over when the culprit is found.
        InProgress::Bisect => None,
    }
}

fn hooks_in_place(session: &Session, sought: HooksSought<'_>) -> HooksInPlace {
    let checkups = hook_checkups(&session.repository, sought);
    // One for each hook; the others are about their folder and git.
    let of_hooks: Vec<_> = checkups.iter().filter(|c| c.id.starts_with("hook-")).collect();
    let dead = of_hooks.iter().filter(|checkup| checkup.state == CheckupState::Error).count();
    match dead {
        0 => HooksInPlace::All,
        dead if dead == of_hooks.len() => HooksInPlace::None,
        _ => HooksInPlace::Some,
    }
}
