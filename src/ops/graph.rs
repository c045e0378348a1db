//! `graph`: the history of each component, with what has landed.

use super::OpsError;
use super::session::Session;
use super::standing::standings;
use crate::plan::Standing;
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
