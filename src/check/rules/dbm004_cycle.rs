//! DBM004: a history that bites its own tail.

use super::{Rule, Run};
use crate::check::words::named;
use crate::check::{Code, Finding, Judged, Level, Location, places};
use crate::revision::{GraphProblem, Node, RevisionGraph};

pub const RULE: Rule = Rule {
    code: Code(4),
    name: "cycle",
    level: Level::Error,
    summary: "a cycle or self-reference of down revisions or dependencies",
    explanation: "\
Following `down_revision` (or `depends_on`) leads back to where one started. It comes
of a re-pointing by hand that went the wrong way, or of a merge of two of them.

Why it matters
  Alembic refuses every command: \"Cycle is detected in revisions (a, b)\", \"Self-loop is
  detected in revisions (b)\", or the same for dependencies.

How to mend it
  Let the oldest revision of the cycle follow the one before it again. If your side
  changed a landed file, take that file back from upstream.

Example
  m -> f          yours, rightly put on top of m
  f -> m          somebody put m on top of f, too

  `git checkout origin/main -- versions/m_add_users.py`
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    let problems = judged.history.graph_problems.iter();
    problems
        .filter_map(|problem| match problem {
            GraphProblem::Cycle { nodes, through_dependencies } => {
                Some(finding(judged, nodes, *through_dependencies))
            }
            _ => None,
        })
        .collect()
}

fn finding(judged: &Judged<'_>, nodes: &[Node], through_dependencies: bool) -> Finding {
    let history = judged.history;
    let ring = shortest_ring(&history.graph, nodes[0], through_dependencies);
    let ids: Vec<&str> = ring.iter().map(|&node| history.id(node).as_str()).collect();
    let message = match (ids.as_slice(), through_dependencies) {
        ([one], false) => format!("`{one}` is its own down revision"),
        ([one], true) => format!("`{one}` depends on itself"),
        (_, false) => format!("revisions {} follow each other in a cycle", named(&ids)),
        (_, true) => {
            format!("revisions {} need each other in a cycle, by `depends_on`", named(&ids))
        }
    };
    let mut finding = RULE
        .finding(message)
        .about(history.graph.ids(nodes.iter().copied()))
        .help(help(judged, &ring));
    for (position, &node) in ring.iter().enumerate() {
        let next = ring[(position + 1) % ring.len()];
        let place = edge_place(judged, node, next);
        let words = format!("`{}` needs `{}`", history.id(node), history.id(next));
        finding = match position {
            0 => finding.at(place).labelled(words),
            _ => finding.and_at(place, words),
        };
    }
    finding
}

/// The value by which `node` needs `next`.
fn edge_place(judged: &Judged<'_>, node: Node, next: Node) -> Location {
    if judged.history.graph.down(node).contains(&next) {
        places::down_revision_of(judged.history, node)
    } else {
        places::depends_on_of(judged.history, node)
    }
}

fn help(judged: &Judged<'_>, ring: &[Node]) -> String {
    let history = judged.history;
    let changed = judged.upstream.and_then(|upstream| {
        let there = &upstream.history.graph;
        ring.iter().copied().find_map(|node| {
            let landed = there.node(history.id(node).as_str())?;
            let differs = there.revision(landed).down_revisions
                != history.graph.revision(node).down_revisions;
            differs.then(|| (upstream.name, &upstream.history.script(landed).file.path))
        })
    });
    match changed {
        Some((name, path)) => {
            format!("take the landed file back with `git checkout {name} -- {path}`")
        }
        None => {
            let path = &history.script(ring[0]).file.path;
            let which = if ring.len() == 1 { "it" } else { "the oldest of them" };
            format!(
                "let {which} follow the revision before it again: `git log -p -- {path}` shows \
                 what it was"
            )
        }
    }
}

/// The shortest way from `start` down and back to it. A strongly connected
/// component can hold many rings; one is enough to show what is wrong.
fn shortest_ring(graph: &RevisionGraph, start: Node, through_dependencies: bool) -> Vec<Node> {
    let next = |node| if through_dependencies { graph.below(node) } else { graph.down(node) };
    let mut came_from = vec![None; graph.len()];
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(node) = queue.pop_front() {
        for &to in next(node) {
            if to == start {
                let mut ring = vec![node];
                while let Some(before) = came_from[*ring.last().unwrap_or(&start)] {
                    ring.push(before);
                }
                ring.reverse();
                return ring;
            }
            if came_from[to].is_none() {
                came_from[to] = Some(node);
                queue.push_back(to);
            }
        }
    }
    vec![start]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::run_rules;
    use crate::check::testing::{history, judge, shown, with_upstream};

    #[test]
    fn a_ring_is_shown_edge_by_edge() {
        let ours = history("<base> -> r\nr, c -> a\na -> b\nb -> c");
        insta::assert_snapshot!(shown(&RULE, &judge(&ours)), @"
        Error: revisions `a`, `c` and `b` follow each other in a cycle
          [a b c] at versions/a.py:7 (`a` needs `c`)
          and versions/c.py:7 (`c` needs `b`)
          and versions/b.py:7 (`b` needs `a`)
          help: let the oldest of them follow the revision before it again: `git log -p -- versions/a.py` shows what it was
        ");
    }

    #[test]
    fn a_self_reference_is_one() {
        insta::assert_snapshot!(shown(&RULE, &judge(&history("<base> -> a\nb -> b"))), @"
        Error: `b` is its own down revision
          [b] at versions/b.py:7 (`b` needs `b`)
          help: let it follow the revision before it again: `git log -p -- versions/b.py` shows what it was
        ");
        insta::assert_snapshot!(shown(&RULE, &judge(&history("<base> (a) -> a"))), @"
        Error: `a` depends on itself
          [a] at versions/a.py:9 (`a` needs `a`)
          help: let it follow the revision before it again: `git log -p -- versions/a.py` shows what it was
        ");
    }

    #[test]
    fn a_dependency_can_close_the_ring() {
        let ours = history("<base> (b) -> a\na -> b");
        insta::assert_snapshot!(shown(&RULE, &judge(&ours)), @"
        Error: revisions `a` and `b` need each other in a cycle, by `depends_on`
          [a b] at versions/a.py:9 (`a` needs `b`)
          and versions/b.py:7 (`b` needs `a`)
          help: let the oldest of them follow the revision before it again: `git log -p -- versions/a.py` shows what it was
        ");
    }

    #[test]
    fn a_landed_file_that_was_turned_round_is_taken_back() {
        let landed = history("<base> -> a\na -> m");
        let ours = history("<base> -> a\nf -> m\nm -> f");
        let text = shown(&RULE, &with_upstream(&ours, &landed, &ours));
        assert!(text.contains("`git checkout origin/main -- versions/m.py`"), "{text}");
    }

    #[test]
    fn what_lies_above_a_cycle_is_not_reported_for_it() {
        let ours = history("<base> -> r\nb -> a\na -> b\nb -> c\nc -> d\nr -> e\nd, e -> m");
        let codes: Vec<u16> = run_rules(&judge(&ours)).iter().map(|f| f.code.0).collect();
        assert_eq!(codes, [4]);
    }
}
