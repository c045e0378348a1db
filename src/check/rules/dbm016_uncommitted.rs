//! DBM016: what is judged needs a file that nobody else has.

use super::{Rule, Run};
use crate::check::missing::{Missing, explain, missing_down_revisions};
use crate::check::{Code, Finding, Judged, Level, Location, Whereabouts, places};
use crate::revision::{GraphProblem, Node};
use crate::tree::RepoPath;

pub const RULE: Rule = Rule {
    code: Code(16),
    name: "uncommitted revision",
    level: Level::Error,
    summary: "a commit needs a revision that exists only uncommitted",
    explanation: "\
A committed revision follows (or depends on) one whose file is in the working tree, but
not in the commit: it was never added, or is ignored.

Why it matters
  Everything works here, and nowhere else: whoever pulls the commit gets \"Revision X
  referenced from ... is not present\" from every alembic command.

How to mend it
  Add and commit the file, and push again.

Example
  git add versions/x_add_users.py
  git commit --amend --no-edit
",
    run: Run::History(run),
};

fn run(judged: &Judged<'_>) -> Vec<Finding> {
    let downs = missing_down_revisions(judged).filter_map(|(node, missing)| {
        match explain(judged, missing.as_str()) {
            Missing::Elsewhere(Whereabouts::WorkingTree { path }) => {
                let place = places::down_revision_of(judged.history, node);
                Some(finding(judged, node, "follows", missing.as_str(), path, place))
            }
            _ => None,
        }
    });
    let problems = judged.history.graph_problems.iter();
    let dependencies = problems.filter_map(|problem| match problem {
        GraphProblem::UnresolvedDependency { node, reference } => {
            match judged.whereabouts.get(reference.as_str()) {
                Some(Whereabouts::WorkingTree { path }) => {
                    let place = places::depends_on_of(judged.history, *node);
                    Some(finding(judged, *node, "depends on", reference.as_str(), path, place))
                }
                _ => None,
            }
        }
        _ => None,
    });
    downs.chain(dependencies).collect()
}

fn finding(
    judged: &Judged<'_>,
    node: Node,
    verb: &str,
    missing: &str,
    path: &RepoPath,
    place: Location,
) -> Finding {
    let id = judged.history.id(node);
    RULE.finding(format!("`{id}` {verb} `{missing}`, which is not committed: `{path}`"))
        .at(place)
        .about([id.clone()])
        .help(format!("run `git add {path}` and commit it"))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::check::run_rules;
    use crate::check::testing::{history, judge, shown};
    use crate::revision::RevisionId;

    #[test]
    fn what_exists_only_in_the_working_tree_has_to_be_committed() {
        let ours = history("<base> -> a\nx -> b\na (x) -> c\nb, c -> d");
        let path = RepoPath::new("versions/x.py").expect("inside");
        let id = RevisionId::new("x").expect("legal id");
        let whereabouts = HashMap::from([(id, Whereabouts::WorkingTree { path })]);
        let judged = Judged { whereabouts: &whereabouts, ..judge(&ours) };
        insta::assert_snapshot!(shown(&RULE, &judged), @"
        Error: `b` follows `x`, which is not committed: `versions/x.py`
          [b] at versions/b.py:7
          help: run `git add versions/x.py` and commit it
        Error: `c` depends on `x`, which is not committed: `versions/x.py`
          [c] at versions/c.py:9
          help: run `git add versions/x.py` and commit it
        ");
        let codes: Vec<u16> = run_rules(&judged).iter().map(|f| f.code.0).collect();
        assert_eq!(codes, [16, 16]);
    }
}
