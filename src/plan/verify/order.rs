//! What runs, in which order, and with which version rows.

use crate::plan::database::rows_of;
use crate::revision::{Node, RevisionGraph};

/// One revision that runs by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyStep {
    pub node: Node,
    /// Whether it also goes down and up again; else others build on it.
    pub is_verified: bool,
    /// Version rows, sorted.
    pub rows_before: Vec<String>,
    pub rows_after: Vec<String>,
}

/// A verification, from an empty database on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyPlan {
    /// What runs first, all at once: nothing of it is in question.
    pub ground: Vec<Node>,
    /// The version rows then.
    pub rows: Vec<String>,
    pub steps: Vec<VerifyStep>,
}

impl VerifyPlan {
    /// Whether nothing of the history is left out.
    pub fn covers(&self, graph: &RevisionGraph) -> bool {
        self.ground.len() + self.steps.len() == graph.len()
    }
}

/// Plans to verify `chosen` revisions of a graph without cycles.
pub fn plan_verification(graph: &RevisionGraph, chosen: &[Node]) -> VerifyPlan {
    let needed = graph.ancestors_with_dependencies(chosen.iter().copied());
    let order: Vec<Node> = graph.topological().into_iter().filter(|&node| needed[node]).collect();
    let mut is_chosen = vec![false; graph.len()];
    chosen.iter().for_each(|&node| is_chosen[node] = true);
    // What stands on a revision in question cannot run before it.
    let mut is_later = is_chosen.clone();
    for &node in &order {
        is_later[node] |= graph.below(node).iter().any(|&below| is_later[below]);
    }
    let (later, ground): (Vec<Node>, Vec<Node>) = order.into_iter().partition(|&n| is_later[n]);
    let mut applied = vec![false; graph.len()];
    ground.iter().for_each(|&node| applied[node] = true);
    let rows = rows_of(graph, &applied);
    let steps = later.into_iter().map(|node| {
        let rows_before = rows_of(graph, &applied);
        applied[node] = true;
        let rows_after = rows_of(graph, &applied);
        VerifyStep { node, is_verified: is_chosen[node], rows_before, rows_after }
    });
    let steps = steps.collect();
    VerifyPlan { ground, rows, steps }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revision::parse_history;

    /// `ground | rows | step before->after, …`, with `!` after what is verified.
    #[track_caller]
    fn check(notation: &str, chosen: &[&str], expected: &str) {
        let (graph, problems) = RevisionGraph::build(parse_history(notation).expect("notation"));
        assert_eq!(problems, []);
        let chosen: Vec<Node> = chosen.iter().map(|id| graph.node(id).expect("there")).collect();
        let plan = plan_verification(&graph, &chosen);
        let id = |node: Node| graph.revision(node).id.to_string();
        let ground: Vec<String> = plan.ground.iter().map(|&node| id(node)).collect();
        let steps: Vec<String> = plan
            .steps
            .iter()
            .map(|step| {
                let mark = if step.is_verified { "!" } else { "" };
                let (before, after) = (step.rows_before.join("+"), step.rows_after.join("+"));
                format!("{}{mark} {before}->{after}", id(step.node))
            })
            .collect();
        let said = format!("{} | {} | {}", ground.join(" "), plan.rows.join("+"), steps.join(", "));
        assert_eq!(said, expected);
    }

    #[test]
    fn what_lies_below_runs_first_and_the_rest_one_by_one() {
        let line = "<base> -> a\na -> b\nb -> c\nc -> d";
        check(line, &["c", "d"], "a b | b | c! b->c, d! c->d");
        check(line, &["b"], "a | a | b! a->b");
        check(line, &["a", "d"], " |  | a! ->a, b a->b, c b->c, d! c->d");
        check(line, &[], " |  | ");
    }

    #[test]
    fn branches_merges_and_dependencies_have_the_rows_that_alembic_gives_them() {
        let bush = "<base> -> a\na -> b\na -> c\nb, c -> m";
        check(bush, &["m"], "a b c | b+c | m! b+c->m");
        check(bush, &["b", "m"], "a c | c | b! c->b+c, m! b+c->m");
        check("<base> -> a\n<base> -> x\na (x) -> b", &["b"], "a x | a+x | b! a+x->b");
    }
}
