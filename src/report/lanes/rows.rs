//! Which revisions a drawing shows, and in which order: newest first, every
//! lineage in one piece, long ones shortened if wanted.

use std::ops::Range;

use crate::revision::{Node, RevisionGraph, render_revision};

/// Shorter runs say more than the line that would stand for them.
const SHORTEST_RUN: usize = 3;

/// What a revision's glyph tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneMark {
    pub is_head: bool,
    /// `None` without any upstream.
    pub has_landed: Option<bool>,
}

/// One revision of the drawing, or a run of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneRow {
    /// One, or the revisions of a run that is drawn as one, newest first.
    pub nodes: Vec<Node>,
    /// Positions of the down revisions among the rows, beyond the last row for
    /// those that are not shown. Those that are not further down (a cycle) are
    /// not drawn.
    pub downs: Vec<usize>,
    pub mark: LaneMark,
    pub text: String,
}

impl LaneRow {
    /// Whether it stands for several revisions.
    pub fn is_run(&self) -> bool {
        self.nodes.len() > 1
    }
}

/// What is drawn of a history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// Without the ancestors of this revision.
    pub since: Option<Node>,
    /// The newest ones alone.
    pub limit: Option<usize>,
    /// Runs in which nothing branches as one row each.
    pub collapse: bool,
}

/// The rows, and how many revisions they leave out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneRows {
    pub rows: Vec<LaneRow>,
    /// Runs among the rows that could be drawn as one, if they are not.
    pub runs: Vec<Range<usize>>,
    pub left_out: usize,
}

/// The rows of a history: Alembic's notation and the message. `landed` tells by
/// node; `None` without any upstream.
pub fn lane_rows(graph: &RevisionGraph, landed: Option<&[bool]>, selection: Selection) -> LaneRows {
    let mut order = display_order(graph, landed);
    let count = select(graph, &mut order, selection);
    let (shown, hidden) = order.split_at(count);
    let mut groups = runs(graph, shown, landed);
    let mut runs = Vec::new();
    if !selection.collapse {
        runs = places(&groups);
        groups = shown.iter().map(|&node| vec![node]).collect();
    }
    let mut position = vec![0; graph.len()];
    for (at, group) in groups.iter().enumerate() {
        group.iter().for_each(|&node| position[node] = at);
    }
    for (at, &node) in hidden.iter().enumerate() {
        position[node] = groups.len() + at;
    }
    let row = |nodes: Vec<Node>| {
        let last = nodes[nodes.len() - 1];
        LaneRow {
            downs: graph.down(last).iter().map(|&down| position[down]).collect(),
            mark: LaneMark {
                is_head: graph.up(nodes[0]).is_empty(),
                has_landed: landed.map(|has| has[last]),
            },
            text: text_of(graph, &nodes),
            nodes,
        }
    };
    LaneRows { rows: groups.into_iter().map(row).collect(), runs, left_out: hidden.len() }
}

fn text_of(graph: &RevisionGraph, nodes: &[Node]) -> String {
    let &[node] = nodes else { return run_text(nodes.len()) };
    let message = &graph.revision(node).message;
    let comma = if message.is_empty() { "" } else { ", " };
    format!("{}{comma}{message}", render_revision(graph, node))
}

/// What stands for a run of `count` revisions.
fn run_text(count: usize) -> String {
    format!("… {count} revisions …")
}

/// Puts the revisions that are shown first, and counts them. What is left out
/// lies below what is shown, so that the order still holds.
fn select(graph: &RevisionGraph, order: &mut Vec<Node>, selection: Selection) -> usize {
    let mut count = order.len();
    if let Some(since) = selection.since {
        let mut is_older = graph.ancestors([since]);
        is_older[since] = false;
        let (newer, older): (Vec<Node>, Vec<Node>) = order.iter().partition(|&&n| !is_older[n]);
        count = newer.len();
        *order = newer.into_iter().chain(older).collect();
    }
    count.min(selection.limit.unwrap_or(usize::MAX))
}

/// Newest first, every lineage in one piece: a revision comes after all that
/// follow it, own heads first. What lies on a cycle comes last.
fn display_order(graph: &RevisionGraph, landed: Option<&[bool]>) -> Vec<Node> {
    let mut waiting: Vec<usize> = (0..graph.len()).map(|n| graph.up(n).len()).collect();
    let mut ready = graph.heads();
    // The last one is shown first.
    ready.reverse();
    ready.sort_by_key(|&head| landed.is_some_and(|has| !has[head]));
    let mut order = Vec::with_capacity(graph.len());
    while let Some(node) = ready.pop() {
        order.push(node);
        for &down in graph.down(node) {
            waiting[down] -= 1;
            if waiting[down] == 0 {
                ready.push(down);
            }
        }
    }
    order.extend((0..graph.len()).filter(|&node| waiting[node] > 0));
    order
}

/// `order` in groups: runs of plain revisions that have all landed or all not
/// are one group, all others are alone.
// A run is in one piece in the display order, since after a revision whose only
// down revision nothing else follows, that one is next.
fn runs(graph: &RevisionGraph, order: &[Node], landed: Option<&[bool]>) -> Vec<Vec<Node>> {
    let has_landed = |node: Node| landed.map(|has| has[node]);
    let mut groups: Vec<Vec<Node>> = Vec::new();
    for group in order.chunk_by(|&above, &below| {
        is_plain(graph, above)
            && is_plain(graph, below)
            && graph.down(above) == [below]
            && has_landed(above) == has_landed(below)
    }) {
        match group.len() < SHORTEST_RUN {
            true => groups.extend(group.iter().map(|&node| vec![node])),
            false => groups.push(group.to_vec()),
        }
    }
    groups
}

/// Where the groups of several revisions are, if each revision is one row.
fn places(groups: &[Vec<Node>]) -> Vec<Range<usize>> {
    let mut next = 0;
    let mut places = Vec::new();
    for group in groups {
        let place = next..next + group.len();
        next = place.end;
        if group.len() > 1 {
            places.push(place);
        }
    }
    places
}

/// Whether nothing begins, ends, branches, merges or hangs on `node`, and it
/// has no label to be found by.
fn is_plain(graph: &RevisionGraph, node: Node) -> bool {
    let revision = graph.revision(node);
    let is_linear = graph.up(node).len() == 1 && revision.down_revisions.len() == 1;
    let is_alone = revision.depends_on.is_empty() && graph.above(node) == graph.up(node);
    is_linear && is_alone && revision.branch_labels.is_empty()
}
