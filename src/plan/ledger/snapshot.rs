//! A history as the ledger needs it: the graph, and which text each script is.

use std::collections::HashMap;

use super::entry::{BodyHash, Evidence, LedgerEntry};
use crate::revision::{Node, Revision, RevisionGraph, RevisionId};
use crate::script::History;
use crate::tree::RepoPath;

/// So many combinations of files that claim the same ids are told apart.
const VARIANTS: usize = 16;

/// One script of a [`Snapshot`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenScript {
    pub path: RepoPath,
    pub body: BodyHash,
    /// Neither of its functions does anything.
    pub is_empty: bool,
}

/// The graph of a moment, with what its scripts said; positions are [`Node`]s.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub graph: RevisionGraph,
    pub scripts: Vec<SeenScript>,
}

impl PartialEq for Snapshot {
    fn eq(&self, other: &Self) -> bool {
        self.scripts == other.scripts && self.graph.revisions() == other.graph.revisions()
    }
}

impl Snapshot {
    /// What the ledger needs of `history`.
    pub fn of(history: &History) -> Self {
        let scripts = history
            .scripts
            .iter()
            .map(|script| SeenScript {
                path: script.file.path.clone(),
                body: BodyHash::of(script),
                is_empty: script.header.is_empty_revision,
            })
            .collect();
        Self { graph: history.graph.clone(), scripts }
    }

    /// A snapshot that was written down; `scripts` are in the order of `revisions`.
    pub fn build(revisions: Vec<Revision>, scripts: Vec<SeenScript>) -> Self {
        Self { graph: RevisionGraph::build(revisions).0, scripts }
    }

    /// The same files, each time with another one for an id that several claim:
    /// alembic may have had any of them. Only the snapshot itself if none does.
    pub fn variants(&self) -> Vec<Self> {
        let mut claims: HashMap<&RevisionId, Vec<Node>> = HashMap::new();
        for node in 0..self.graph.len() {
            claims.entry(self.id(node)).or_default().push(node);
        }
        let mut doubled: Vec<Vec<Node>> =
            claims.into_values().filter(|nodes| nodes.len() > 1).collect();
        doubled.sort();
        let mut dropped: Vec<Vec<Node>> = vec![Vec::new()];
        for nodes in &doubled {
            if dropped.len() * nodes.len() > VARIANTS {
                break;
            }
            dropped = dropped
                .iter()
                .flat_map(|dropped| {
                    nodes.iter().map(|kept| {
                        let others = nodes.iter().filter(|node| *node != kept);
                        dropped.iter().chain(others).copied().collect()
                    })
                })
                .collect();
        }
        dropped.iter().map(|dropped| self.without(dropped)).collect()
    }

    fn without(&self, dropped: &[Node]) -> Self {
        let kept = |node: &Node| !dropped.contains(node);
        let nodes: Vec<Node> = (0..self.graph.len()).filter(kept).collect();
        let revisions = nodes.iter().map(|&node| self.graph.revision(node).clone()).collect();
        Self::build(revisions, nodes.iter().map(|&node| self.scripts[node].clone()).collect())
    }

    /// Whether all these version rows are revisions of it.
    pub fn knows(&self, rows: &[String]) -> bool {
        rows.iter().all(|row| self.graph.node(row).is_some())
    }

    /// What alembic takes for applied with these rows.
    pub fn applied(&self, rows: &[String]) -> Vec<bool> {
        self.graph.ancestors_with_dependencies(rows.iter().filter_map(|row| self.graph.node(row)))
    }

    /// The entry of a revision that runs as it is here.
    pub fn entry(&self, node: Node, evidence: Evidence) -> LedgerEntry {
        let script = &self.scripts[node];
        LedgerEntry {
            revision: self.id(node).clone(),
            body: script.body.clone(),
            path: script.path.clone(),
            below: self.graph.ids(self.graph.below(node).iter().copied()),
            evidence,
            is_empty: script.is_empty,
        }
    }

    /// The revision id at `node`.
    pub fn id(&self, node: Node) -> &RevisionId {
        &self.graph.revision(node).id
    }

    /// The nodes of `set`, what they build on first.
    pub fn in_order(&self, set: &[bool]) -> Vec<Node> {
        self.graph.topological().into_iter().filter(|&node| set[node]).collect()
    }
}
