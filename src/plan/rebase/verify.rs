//! The plan's files read back, and the graph they make looked at.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::rebase_plan::RebasePlan;
use super::refusal::{Refusal, list};
use super::request::{RebaseRequest, Standing};
use crate::plan::Change;
use crate::revision::RevisionId;
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
    let after = history_after(request.history, &plan.changes);
    let unsound = |reason: String| Err(Refusal::Unsound { reason });
    let heads: BTreeSet<RevisionId> = after.graph.ids(after.graph.heads()).into_iter().collect();
    let wanted: BTreeSet<RevisionId> = plan.heads.iter().cloned().collect();
    if heads != wanted {
        let (heads, wanted): (Vec<_>, Vec<_>) =
            (heads.into_iter().collect(), wanted.into_iter().collect());
        return unsound(format!("the heads would be {}, not {}", list(&heads), list(&wanted)));
    }
    if after.graph_problems.len() > request.history.graph_problems.len() {
        return unsound("the graph would have problems that it does not have now".to_owned());
    }
    let touched: HashSet<&RepoPath> = plan.changes.iter().map(|c| &c.path).collect();
    let explicit = request.moved.is_some();
    let landed_touched = request.history.scripts.iter().enumerate().any(|(node, script)| {
        request.standings[node].standing == Standing::Landed && touched.contains(&script.file.path)
    });
    if landed_touched && request.knows_landed && !explicit {
        return unsound("a landed file would be changed".to_owned());
    }
    Ok(())
}
