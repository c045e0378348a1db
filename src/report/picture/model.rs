//! One component as every picture shows it: its rows with all that is said of
//! them, and the lanes they stand in. Texts are safe to be shown, and not yet
//! escaped for any format.

use std::ops::Range;

use super::super::escape::escaped;
use super::super::lanes::{
    LaidRow, LaneMark, LaneRow, LaneRows, Selection, cut, lane_rows, lay_out,
};
use crate::ops::graph::ComponentGraph;
use crate::revision::{BranchLabel, Node, RevisionGraph, RevisionRef};
use crate::script::History;

/// A component's history, ready to be drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub name: String,
    pub items: Vec<Item>,
    /// Runs among the items that could be shown as one.
    pub runs: Vec<Range<usize>>,
    /// Revisions that are older than what is shown.
    pub left_out: usize,
}

/// One row of it: a revision, or a run of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// The revision's id, or what stands for a run.
    pub id: String,
    pub message: String,
    pub labels: Vec<String>,
    pub path: String,
    /// As the script names them.
    pub down_revisions: Vec<String>,
    pub depends_on: Vec<String>,
    /// Rows of the down revisions; those that are left out lie beyond the last one.
    pub downs: Vec<usize>,
    /// Rows of what it depends on, of those that are shown.
    pub dependencies: Vec<usize>,
    pub mark: LaneMark,
    pub is_branch_point: bool,
    pub is_merge_point: bool,
    /// How many revisions it is.
    pub count: usize,
    pub laid: LaidRow,
}

impl Picture {
    /// What `selection` leaves of a component's history.
    pub fn new(graph: &ComponentGraph, selection: Selection) -> Self {
        let ComponentGraph { name, history, landed } = graph;
        let LaneRows { rows, runs, left_out } =
            lane_rows(&history.graph, landed.as_deref(), selection);
        let mut row_of = vec![None; history.graph.len()];
        for (at, row) in rows.iter().enumerate() {
            row.nodes.iter().for_each(|&node| row_of[node] = Some(at));
        }
        let laid = lay_out(&rows);
        let items = rows.iter().zip(laid).map(|(row, laid)| Item::new(history, row, laid, &row_of));
        Self { name: shown(name), items: items.collect(), runs, left_out }
    }

    /// How many revisions are shown, those in runs included.
    pub fn revisions(&self) -> usize {
        self.items.iter().map(|item| item.count).sum()
    }

    /// Columns of lanes in the widest row.
    pub fn width(&self) -> usize {
        self.items.iter().map(|item| item.laid.width()).max().unwrap_or(0)
    }
}

impl Item {
    fn new(history: &History, row: &LaneRow, laid: LaidRow, row_of: &[Option<usize>]) -> Self {
        let graph = &history.graph;
        let node = row.nodes[0];
        let revision = graph.revision(node);
        let dependencies = dependencies(graph, node).filter_map(|below| row_of[below]).collect();
        let item = Self {
            id: shown(revision.id.as_str()),
            message: shown(&revision.message),
            labels: revision.branch_labels.iter().map(BranchLabel::as_str).map(shown).collect(),
            path: shown(history.script(node).file.path.as_str()),
            down_revisions: revision.down_revisions.iter().map(|d| shown(d.as_str())).collect(),
            depends_on: revision.depends_on.iter().map(RevisionRef::as_str).map(shown).collect(),
            downs: row.downs.clone(),
            dependencies,
            mark: row.mark,
            is_branch_point: graph.is_branch_point(node),
            is_merge_point: graph.is_merge_point(node),
            count: row.nodes.len(),
            laid,
        };
        if row.is_run() { item.into_run(history, row) } else { item }
    }

    /// A run has the text of no revision, but says where it goes on.
    fn into_run(self, history: &History, row: &LaneRow) -> Self {
        let last = history.graph.revision(row.nodes[row.nodes.len() - 1]);
        let newest = self.id;
        Self {
            id: row.text.clone(),
            message: String::new(),
            labels: Vec::new(),
            path: format!("{} to {newest}", shown(last.id.as_str())),
            down_revisions: last.down_revisions.iter().map(|d| shown(d.as_str())).collect(),
            ..self
        }
    }

    /// Whether it stands for several revisions.
    pub fn is_run(&self) -> bool {
        self.count > 1
    }

    /// Whether it has landed, in a word.
    pub fn standing(&self) -> &'static str {
        match self.mark.has_landed {
            Some(true) => "landed",
            Some(false) => "own",
            None => "revision",
        }
    }

    /// What it is, as words for classes and legends.
    pub fn kinds(&self) -> Vec<&'static str> {
        let mut kinds = vec![self.standing()];
        let marks = [
            (self.is_run(), "run"),
            (self.mark.is_head, "head"),
            (self.is_branch_point, "branchpoint"),
            (self.is_merge_point, "mergepoint"),
        ];
        kinds.extend(marks.into_iter().filter(|(holds, _)| *holds).map(|(_, name)| name));
        kinds
    }

    /// Its path, down revisions and dependencies, one per line.
    pub fn details(&self) -> String {
        let downs = match self.down_revisions.as_slice() {
            [] => "<base>".to_owned(),
            downs => downs.join(", "),
        };
        let mut text = format!("{}\ndown revision: {downs}", self.path);
        if !self.depends_on.is_empty() {
            text += &format!("\ndepends on: {}", self.depends_on.join(", "));
        }
        text
    }
}

/// What `node` depends on, unless it follows it anyway.
fn dependencies(graph: &RevisionGraph, node: Node) -> impl Iterator<Item = Node> {
    graph.below(node).iter().copied().filter(move |below| !graph.down(node).contains(below))
}

fn shown(text: &str) -> String {
    escaped(text).into_owned()
}

/// `text` in at most `columns` columns, an ellipsis for what is cut.
pub(super) fn shortened(text: &str, columns: usize) -> String {
    cut(text, columns)
}

#[cfg(test)]
pub mod testing {
    use super::*;
    use crate::check::testing;
    use crate::revision::Revision;

    /// The notation's history with what is not in `own` landed.
    pub fn picture(notation: &str, own: &[&str], selection: Selection) -> Picture {
        let history = testing::history(notation);
        let is_own = |revision: &Revision| own.contains(&revision.id.as_str());
        let landed = history.graph.revisions().iter().map(|revision| !is_own(revision)).collect();
        let graph = ComponentGraph { name: "default".to_owned(), history, landed: Some(landed) };
        Picture::new(&graph, selection)
    }

    /// A history with all there is: own and landed, branch and merge, a label and a dependency.
    pub const FULL: &str = "<base> -> a, root\na -> b, <b> & \"q\"\na -> c (shop), theirs\n\
                            b, c -> m, both\n<base> (c) -> x, other\nm -> f, ours";
}
