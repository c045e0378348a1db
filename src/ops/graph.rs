//! `graph`: the history of each component, with what has landed.

use super::OpsError;
use super::session::Session;
use super::standing::standings;
use crate::plan::Standing;
use crate::revision::{Node, ResolveError, RevisionRef, resolve};
use crate::script::History;

/// The history of one component.
#[derive(Clone, Debug)]
pub struct ComponentGraph {
    pub name: String,
    pub history: History,
    /// By node; `None` where nothing tells landed from own.
    pub landed: Option<Vec<bool>>,
}

/// Reads the history of every selected component.
pub fn graph(session: &Session) -> Result<Vec<ComponentGraph>, OpsError> {
    let mut graphs = Vec::new();
    for component in session.components()? {
        let history = session.history(component, &session.source)?;
        let standings = standings(session, component, &history)?;
        let landed = standings
            .knows_landed()
            .then(|| standings.of.iter().map(|s| s.standing == Standing::Landed).collect());
        graphs.push(ComponentGraph { name: component.name.clone(), history, landed });
    }
    Ok(graphs)
}

/// Where `reference` is in each of `graphs`; an error if none has it.
pub fn find(
    graphs: &[ComponentGraph],
    reference: &RevisionRef,
) -> Result<Vec<Option<Node>>, ResolveError> {
    let found: Vec<Result<Node, ResolveError>> =
        graphs.iter().map(|graph| resolve(&graph.history.graph, reference)).collect();
    if found.iter().any(Result::is_ok) {
        return Ok(found.into_iter().map(Result::ok).collect());
    }
    // What is more than unknown says more.
    let is_unknown = |error: &ResolveError| matches!(error, ResolveError::Unknown { .. });
    let mut errors: Vec<ResolveError> = found.into_iter().filter_map(Result::err).collect();
    errors.sort_by_key(is_unknown);
    let unknown = ResolveError::Unknown { reference: reference.clone() };
    Err(errors.into_iter().next().unwrap_or(unknown))
}
