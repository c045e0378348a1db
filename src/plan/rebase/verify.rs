//! The plan's files read back, and the graph they make looked at.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::mem::{Discriminant, discriminant};
use std::sync::Arc;

use super::rebase_plan::RebasePlan;
use super::refusal::{Refusal, list};
use super::request::{RebaseRequest, Standing};
use crate::plan::Change;
use crate::revision::{GraphProblem, Node, RevisionId};
use crate::script::{History, Parsed, ScriptFile, parse_script};
use crate::tree::RepoPath;

/// The history as it will be once `changes` are applied.
pub fn history_after(history: &History, changes: &[Change]) -> History {
    let mut changed: HashMap<&RepoPath, &Change> = changes.iter().map(|c| (&c.path, c)).collect();
    let reread = |path: &RepoPath, location: usize, bytes: &[u8]| {
        let file = ScriptFile { path: path.clone(), location, bytes: Arc::new(bytes.to_vec()) };
        let parsed = parse_script(bytes);
        (file, parsed)
    };
    let mut files = Vec::with_capacity(history.scripts.len() + 1);
    for script in &history.scripts {
        let ScriptFile { path, location, .. } = &script.file;
        match changed.remove(path) {
            // What is not touched need not be parsed again.
            None => {
                let parsed = Parsed { header: script.header.clone(), syntax: None };
                files.push((script.file.clone(), Ok(parsed)));
            }
            Some(Change { after: Some(after), .. }) => {
                files.push(reread(path, *location, &after.bytes));
            }
            Some(_) => {}
        }
    }
    for change in changes.iter().filter(|c| changed.contains_key(&c.path)) {
        if let Some(after) = &change.after {
            files.push(reread(&change.path, 0, &after.bytes));
        }
    }
    History::build(files, Vec::new())
}

/// Reads the planned files back and looks at the graph they make: the wanted
/// heads, no problem that was not there before, landed scripts untouched.
pub(super) fn verify(request: &RebaseRequest<'_>, plan: &RebasePlan) -> Result<(), Refusal> {
    let before = request.history;
    let after = history_after(before, &plan.changes);
    let touched: HashSet<&RepoPath> = plan.changes.iter().map(|c| &c.path).collect();
    let reason = wrong_heads(&after, plan)
        .or_else(|| new_problem(before, &after))
        .or_else(|| unreadable(&after, &touched))
        .or_else(|| landed_among(request, &touched));
    reason.map_or(Ok(()), |reason| Err(Refusal::Unsound { reason }))
}

fn wrong_heads(after: &History, plan: &RebasePlan) -> Option<String> {
    let heads: BTreeSet<RevisionId> = after.graph.ids(after.graph.heads()).into_iter().collect();
    let wanted: BTreeSet<RevisionId> = plan.heads.iter().cloned().collect();
    let shown = |ids: &BTreeSet<RevisionId>| list(&ids.iter().collect::<Vec<_>>());
    (heads != wanted)
        .then(|| format!("the heads would be {}, not {}", shown(&heads), shown(&wanted)))
}

/// Problems of each kind may become fewer, never more.
fn new_problem(before: &History, after: &History) -> Option<String> {
    let (before_kinds, after_kinds) = (kinds(before), kinds(after));
    let worse = after_kinds.iter().find(|(kind, n)| before_kinds.get(*kind).unwrap_or(&0) < *n);
    let merged = |history: &History| {
        let graph = &history.graph;
        let redundant = |n: Node| {
            let downs = graph.down(n);
            downs.iter().any(|&low| downs.iter().any(|&high| graph.is_ancestor(low, high)))
        };
        (0..graph.len()).filter(|&n| graph.is_merge_point(n) && redundant(n)).count()
    };
    if worse.is_some() {
        return Some("the graph would have problems that it does not have now".to_owned());
    }
    (merged(before) < merged(after))
        .then(|| "a merge revision would list an ancestor of another down revision".to_owned())
}

fn kinds(history: &History) -> HashMap<Discriminant<GraphProblem>, usize> {
    let mut kinds = HashMap::new();
    for problem in &history.graph_problems {
        *kinds.entry(discriminant(problem)).or_default() += 1;
    }
    kinds
}

fn unreadable(after: &History, touched: &HashSet<&RepoPath>) -> Option<String> {
    let problem = after.problems.iter().find(|p| p.is_grave() && touched.contains(&p.path))?;
    Some(format!("`{}` could not be read any more: {}", problem.path, problem.kind))
}

fn landed_among(request: &RebaseRequest<'_>, touched: &HashSet<&RepoPath>) -> Option<String> {
    if !request.knows_landed || request.moved.is_some() {
        return None;
    }
    let mut scripts = request.history.scripts.iter().zip(request.standings);
    let (script, _) = scripts.find(|(script, standing)| {
        standing.standing == Standing::Landed && touched.contains(&script.file.path)
    })?;
    Some(format!("`{}` would be changed, but it has landed", script.file.path))
}
