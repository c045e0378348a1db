//! What became of upstream's revisions in the merge preview.

use std::collections::{HashMap, HashSet};

use crate::check::{Judged, LandedView};
use crate::revision::Node;
use crate::script::{History, ScriptProblemKind};
use crate::tree::RepoPath;

/// What the preview made of one landed revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Still in the same file.
    Kept(Node),
    /// In another file.
    Moved(Node),
    /// Its file now has another id.
    Renumbered(Node),
    /// The file is there, but no revision can be read from it: DBM005, DBM006 or DBM012.
    Unread,
    Gone,
}

/// Upstream, and the fate of each of its revisions; nothing without an upstream.
pub fn fates<'a>(judged: &Judged<'a>) -> Option<(LandedView<'a>, Vec<(Node, Fate)>)> {
    let upstream = judged.upstream?;
    let preview = Index::of(upstream.preview);
    let conflicts: HashSet<&RepoPath> = upstream.conflicts.iter().map(|c| &c.path).collect();
    let repeated = upstream.history.graph_problems.iter().flat_map(|problem| match problem {
        crate::revision::GraphProblem::DuplicateId { nodes } => nodes.as_slice(),
        _ => &[],
    });
    let repeated: HashSet<Node> = repeated.copied().collect();
    let fates = (0..upstream.history.scripts.len())
        .filter_map(|node| {
            let path = &upstream.history.script(node).file.path;
            let fate =
                if conflicts.contains(path) { Fate::Unread } else { preview.fate(upstream, node) };
            // Whatever mends a duplicate id has to rename, renumber or delete one of its files.
            let is_mend = repeated.contains(&node) && !matches!(fate, Fate::Kept(_));
            (!is_mend).then_some((node, fate))
        })
        .collect();
    Some((upstream, fates))
}

/// The preview's nodes and unread files by path.
struct Index<'a> {
    history: &'a History,
    by_path: HashMap<&'a RepoPath, Node>,
    unread: HashSet<&'a RepoPath>,
}

impl<'a> Index<'a> {
    fn of(history: &'a History) -> Self {
        let by_path: HashMap<&RepoPath, Node> =
            history.scripts.iter().enumerate().map(|(n, script)| (&script.file.path, n)).collect();
        let unread = history
            .problems
            .iter()
            .filter(|problem| !matches!(problem.kind, ScriptProblemKind::DynamicNote { .. }))
            .map(|problem| &problem.path)
            .filter(|path| !by_path.contains_key(path))
            .collect();
        Self { history, by_path, unread }
    }

    fn fate(&self, upstream: LandedView<'_>, landed: Node) -> Fate {
        let id = upstream.history.id(landed);
        let path = &upstream.history.script(landed).file.path;
        let at_path = self.by_path.get(path).copied();
        if let Some(node) = at_path.filter(|&node| self.history.id(node) == id) {
            return Fate::Kept(node);
        }
        if let Some(node) = self.history.graph.node(id.as_str()) {
            return Fate::Moved(node);
        }
        match at_path {
            Some(node) => Fate::Renumbered(node),
            None if self.unread.contains(path) => Fate::Unread,
            None => Fate::Gone,
        }
    }
}
