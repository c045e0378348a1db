//! The plain road: from where a database is, up or down to a target that a
//! person names as for alembic.

use super::database::{DatabaseView, rows_of};
use super::ledger::Snapshot;
use super::list;
use crate::revision::{
    BranchLabel, Node, ResolveError, RevisionGraph, RevisionId, RevisionRef, resolve,
};

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Upgrade,
    Downgrade,
}

impl Direction {
    /// Alembic's command.
    pub fn name(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
        }
    }
}

/// What alembic is told, and what it will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MigratePlan {
    pub direction: Direction,
    /// Alembic's argument.
    pub target: String,
    /// What runs, in its order.
    pub nodes: Vec<Node>,
    pub rows_before: Vec<String>,
    pub rows_after: Vec<String>,
}

/// Why a target cannot be gone to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MigrateRefusal {
    #[error(transparent)]
    Target(#[from] ResolveError),
    #[error("no branch is labelled `{label}`")]
    NoLabel { label: String },
    #[error("`{label}` has several heads: {}", list(heads))]
    SeveralHeads { label: String, heads: Vec<RevisionId> },
    #[error("`{target}` goes {way}, and the direction is {direction}", direction = direction.name())]
    OtherWay { target: String, way: &'static str, direction: Direction },
    #[error("`{target}` is below what the database is at; going there is a downgrade")]
    Below { target: RevisionId },
    #[error("`{target}` has not run in this database, so there is nothing to go down to it from")]
    NotApplied { target: RevisionId },
    #[error("{wanted} steps are wanted, and there are {there}")]
    TooFar { wanted: usize, there: usize },
    #[error("it is not clear which revision `{target}` means: {}", list(candidates))]
    Ambiguous { target: String, candidates: Vec<RevisionId> },
}

/// What a person wrote, understood.
enum Target {
    Heads,
    Base { label: Option<Node> },
    Revision(Node),
    Up(usize),
    Down(usize),
}

/// Plans the way to `target`: `head` (all intended heads), `heads`, `base`, an
/// id or a unique beginning of one, a label, `label@head`, `label@base`, `+N`, `-N`.
pub fn plan_migration(
    snapshot: &Snapshot,
    view: &DatabaseView,
    direction: Direction,
    target: &str,
) -> Result<MigratePlan, MigrateRefusal> {
    let graph = &snapshot.graph;
    let other_way = |way| MigrateRefusal::OtherWay { target: target.to_owned(), way, direction };
    match (direction, understand(graph, target)?) {
        (Direction::Upgrade, Target::Heads) => Ok(up(snapshot, view, graph.heads(), "heads")),
        (Direction::Upgrade, Target::Revision(node)) => {
            if view.applied[node] && !view.current.contains(&snapshot.id(node).to_string()) {
                return Err(MigrateRefusal::Below { target: snapshot.id(node).clone() });
            }
            Ok(up(snapshot, view, vec![node], snapshot.id(node).as_str()))
        }
        (Direction::Upgrade, Target::Up(steps)) => {
            let node = after(snapshot, view, steps, target)?;
            Ok(up(snapshot, view, vec![node], snapshot.id(node).as_str()))
        }
        (Direction::Upgrade, Target::Base { .. } | Target::Down(_)) => Err(other_way("down")),
        (Direction::Downgrade, Target::Base { label: None }) => {
            Ok(down(snapshot, view, |_| true, "base"))
        }
        (Direction::Downgrade, Target::Base { label: Some(node) }) => {
            let above = descendants(graph, node);
            Ok(down(snapshot, view, |n| n == node || above[n], target))
        }
        (Direction::Downgrade, Target::Revision(node)) => {
            if !view.applied[node] {
                return Err(MigrateRefusal::NotApplied { target: snapshot.id(node).clone() });
            }
            let above = descendants(graph, node);
            Ok(down(snapshot, view, |n| above[n], snapshot.id(node).as_str()))
        }
        (Direction::Downgrade, Target::Down(steps)) => {
            let target = before(snapshot, view, steps, target)?;
            match target {
                None => Ok(down(snapshot, view, |_| true, "base")),
                Some(node) => {
                    let above = descendants(graph, node);
                    Ok(down(snapshot, view, |n| above[n], snapshot.id(node).as_str()))
                }
            }
        }
        (Direction::Downgrade, Target::Heads | Target::Up(_)) => Err(other_way("up")),
    }
}

fn understand(graph: &RevisionGraph, target: &str) -> Result<Target, MigrateRefusal> {
    let count = |digits: &str| digits.parse::<usize>().ok();
    if let Some(steps) = target.strip_prefix('+').and_then(count) {
        return Ok(Target::Up(steps));
    }
    if let Some(steps) = target.strip_prefix('-').and_then(count) {
        return Ok(Target::Down(steps));
    }
    match (target, target.split_once('@')) {
        ("head" | "heads", _) => Ok(Target::Heads),
        ("base", _) => Ok(Target::Base { label: None }),
        (_, Some((label, "head"))) => head_of(graph, label).map(Target::Revision),
        (_, Some((label, "base"))) => Ok(Target::Base { label: Some(labelled(graph, label)?) }),
        (_, Some((_, revision))) => {
            Ok(Target::Revision(resolve(graph, &RevisionRef::new(revision))?))
        }
        (_, None) => match labelled(graph, target) {
            // A label by itself means the head of its branch.
            Ok(_) => head_of(graph, target).map(Target::Revision),
            Err(_) => Ok(Target::Revision(resolve(graph, &RevisionRef::new(target))?)),
        },
    }
}

fn labelled(graph: &RevisionGraph, label: &str) -> Result<Node, MigrateRefusal> {
    graph
        .labelled(&BranchLabel::new(label))
        .ok_or_else(|| MigrateRefusal::NoLabel { label: label.to_owned() })
}

fn head_of(graph: &RevisionGraph, label: &str) -> Result<Node, MigrateRefusal> {
    let above = graph.descendants([labelled(graph, label)?]);
    let heads: Vec<Node> = graph.heads().into_iter().filter(|&head| above[head]).collect();
    match heads.as_slice() {
        [head] => Ok(*head),
        _ => Err(MigrateRefusal::SeveralHeads { label: label.to_owned(), heads: graph.ids(heads) }),
    }
}

/// What stands above a node, by down revision or dependency.
fn descendants(graph: &RevisionGraph, node: Node) -> Vec<bool> {
    crate::revision::walk::reachable(graph.len(), graph.above(node).iter().copied(), |n| {
        graph.above(n)
    })
}

fn up(snapshot: &Snapshot, view: &DatabaseView, to: Vec<Node>, target: &str) -> MigratePlan {
    let wanted = snapshot.graph.ancestors_with_dependencies(to);
    let missing: Vec<bool> =
        wanted.iter().zip(&view.applied).map(|(&wanted, &there)| wanted && !there).collect();
    let applied: Vec<bool> =
        wanted.iter().zip(&view.applied).map(|(&wanted, &there)| wanted || there).collect();
    MigratePlan {
        direction: Direction::Upgrade,
        target: target.to_owned(),
        nodes: snapshot.in_order(&missing),
        rows_before: view.current.clone(),
        rows_after: rows_of(&snapshot.graph, &applied),
    }
}

fn down(
    snapshot: &Snapshot,
    view: &DatabaseView,
    goes: impl Fn(Node) -> bool,
    target: &str,
) -> MigratePlan {
    let gone: Vec<bool> = (0..view.applied.len()).map(|n| view.applied[n] && goes(n)).collect();
    let stays: Vec<bool> =
        view.applied.iter().zip(&gone).map(|(&there, &gone)| there && !gone).collect();
    let mut nodes = snapshot.in_order(&gone);
    nodes.reverse();
    MigratePlan {
        direction: Direction::Downgrade,
        target: target.to_owned(),
        nodes,
        rows_before: view.current.clone(),
        rows_after: rows_of(&snapshot.graph, &stays),
    }
}

/// The revision so many steps above where the database is, along one line.
fn after(
    snapshot: &Snapshot,
    view: &DatabaseView,
    steps: usize,
    target: &str,
) -> Result<Node, MigrateRefusal> {
    let graph = &snapshot.graph;
    let mut at: Option<Node> = None;
    for step in 0..steps {
        let next: Vec<Node> = view
            .pending
            .iter()
            .copied()
            .filter(|&node| match at {
                Some(at) => graph.down(node).contains(&at),
                None => graph.down(node).iter().all(|&below| view.applied[below]),
            })
            .collect();
        at = match next.as_slice() {
            [one] => Some(*one),
            [] => return Err(MigrateRefusal::TooFar { wanted: steps, there: step }),
            many => {
                let candidates = graph.ids(many.iter().copied());
                return Err(MigrateRefusal::Ambiguous { target: target.to_owned(), candidates });
            }
        };
    }
    at.ok_or(MigrateRefusal::TooFar { wanted: steps, there: 0 })
}

/// The revision so many steps below the database's only row; `None` is the base.
fn before(
    snapshot: &Snapshot,
    view: &DatabaseView,
    steps: usize,
    target: &str,
) -> Result<Option<Node>, MigrateRefusal> {
    let graph = &snapshot.graph;
    let rows: Vec<Node> = view.current.iter().filter_map(|row| graph.node(row)).collect();
    let ambiguous = |nodes: &[Node]| MigrateRefusal::Ambiguous {
        target: target.to_owned(),
        candidates: graph.ids(nodes.iter().copied()),
    };
    let mut at = match rows.as_slice() {
        [one] => Some(*one),
        [] => None,
        many => return Err(ambiguous(many)),
    };
    for step in 0..steps {
        let Some(node) = at else {
            return Err(MigrateRefusal::TooFar { wanted: steps, there: step });
        };
        at = match graph.down(node) {
            [] => None,
            [one] => Some(*one),
            many => return Err(ambiguous(many)),
        };
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{BodyHash, FilesState, Ledger, SeenScript, judge_database};
    use crate::revision::parse_history;
    use crate::tree::RepoPath;

    const LINE: &str = "<base> -> aaaa\naaaa -> bbbb\nbbbb -> cccc";

    #[track_caller]
    fn check(notation: &str, rows: &[&str], direction: Direction, target: &str, expected: &str) {
        let revisions = parse_history(notation).expect("notation");
        let scripts = revisions
            .iter()
            .map(|revision| SeenScript {
                path: RepoPath::new(revision.id.as_str()).expect("a name"),
                body: BodyHash::from_hex(revision.id.as_str()),
                is_empty: false,
            })
            .collect();
        let snapshot = Snapshot::build(revisions, scripts);
        let rows: Vec<String> = rows.iter().map(ToString::to_string).collect();
        let sound = FilesState { divergences: &[], is_broken: false };
        // Without a ledger the rows are believed.
        let view = judge_database(&snapshot, sound, &rows, &Ledger::default());
        let found = match plan_migration(&snapshot, &view, direction, target) {
            Ok(plan) => {
                let ids: Vec<&str> = plan.nodes.iter().map(|&n| snapshot.id(n).as_str()).collect();
                format!("{}: {} => {}", plan.target, ids.join(" "), plan.rows_after.join(" "))
            }
            Err(refusal) => refusal.to_string(),
        };
        assert_eq!(found, expected);
    }

    #[test]
    fn up_to_heads_ids_beginnings_and_steps() {
        use Direction::Upgrade;
        check(LINE, &["aaaa"], Upgrade, "head", "heads: bbbb cccc => cccc");
        check(LINE, &["aaaa"], Upgrade, "bbbb", "bbbb: bbbb => bbbb");
        check(LINE, &[], Upgrade, "+2", "bbbb: aaaa bbbb => bbbb");
        check(LINE, &["bbbb"], Upgrade, "+2", "2 steps are wanted, and there are 1");
        check(
            LINE,
            &["cccc"],
            Upgrade,
            "aaaa",
            "`aaaa` is below what the database is at; going there is a downgrade",
        );
        check(LINE, &["cccc"], Upgrade, "-1", "`-1` goes down, and the direction is upgrade");
        check(LINE, &["cccc"], Upgrade, "zzzz", "no revision is named `zzzz`");
    }

    #[test]
    fn down_to_the_base_to_ids_and_by_steps() {
        use Direction::Downgrade;
        check(LINE, &["cccc"], Downgrade, "-1", "bbbb: cccc => bbbb");
        check(LINE, &["cccc"], Downgrade, "-3", "base: cccc bbbb aaaa => ");
        check(LINE, &["cccc"], Downgrade, "base", "base: cccc bbbb aaaa => ");
        check(LINE, &["cccc"], Downgrade, "aaaa", "aaaa: cccc bbbb => aaaa");
        check(
            LINE,
            &["aaaa"],
            Downgrade,
            "bbbb",
            "`bbbb` has not run in this database, so there is nothing to go down to it from",
        );
    }

    #[test]
    fn labels_stand_for_the_heads_of_their_branches() {
        let two = "<base> -> aaaa (shop)\naaaa -> bbbb\n<base> -> dddd";
        check(two, &[], Direction::Upgrade, "shop@head", "bbbb: aaaa bbbb => bbbb");
        check(two, &["aaaa", "dddd"], Direction::Upgrade, "shop", "bbbb: bbbb => bbbb dddd");
        check(
            two,
            &["bbbb", "dddd"],
            Direction::Downgrade,
            "shop@base",
            "shop@base: bbbb aaaa => dddd",
        );
        check(two, &[], Direction::Upgrade, "work@head", "no branch is labelled `work`");
    }

    #[test]
    fn below_a_merge_point_a_step_has_to_be_named() {
        let merged = "<base> -> aaaa\naaaa -> bbbb\naaaa -> cccc\nbbbb, cccc -> dddd";
        check(
            merged,
            &["dddd"],
            Direction::Downgrade,
            "-1",
            "it is not clear which revision `-1` means: `bbbb`, `cccc`",
        );
        check(merged, &["dddd"], Direction::Downgrade, "bbbb", "bbbb: dddd => bbbb cccc");
    }
}
