//! From items to edits of files.

use std::collections::{HashMap, HashSet};

use super::item::{Item, Source};
use super::planner::Planner;
use super::rebase_plan::{Move, RebasePlan, Renumbered};
use super::refusal::Refusal;
use crate::plan::sequence::renamed_file;
use crate::plan::{Change, Image, NewScript};
use crate::revision::{Node, RevisionId, RevisionRef};
use crate::script::{
    Edit, EditError, FieldValue, Script, apply_edits, rename_dependencies, set_down_revisions,
    set_revision,
};
use crate::tree::RepoPath;

/// The final ids by key.
struct FinalIds<'a>(HashMap<&'a str, &'a RevisionId>);

impl<'a> FinalIds<'a> {
    fn of_keys(&self, keys: &[RevisionId]) -> Vec<RevisionId> {
        keys.iter().map(|key| self.0.get(key.as_str()).map_or(key, |id| *id).clone()).collect()
    }

    fn of_reference(&self, key: &'a RevisionRef) -> &'a str {
        self.0.get(key.as_str()).map_or(key.as_str(), |id| id.as_str())
    }
}

impl Planner<'_> {
    /// The plan that makes the files say what the items say.
    pub fn into_plan(self) -> Result<RebasePlan, Refusal> {
        let ids = FinalIds(self.items.iter().map(|i| (i.revision.id.as_str(), &i.id)).collect());
        let order: Vec<RevisionId> =
            self.treated.iter().flat_map(|t| ids.of_keys(&t.order)).collect();
        let mut plan = RebasePlan { order, ..RebasePlan::default() };
        for item in &self.items {
            match &item.source {
                Source::Script(node) if item.deleted => self.delete(*node, &mut plan),
                // Who is not moved may still name one that gets another number.
                Source::Script(node) => self.edit(item, *node, &ids, &mut plan)?,
                Source::New(script) => create(script, &mut plan),
            }
        }
        plan.changes = coalesced(plan.changes)?;
        let heads = self.graph().heads().into_iter().filter(|&head| !self.items[head].deleted);
        plan.heads = heads.map(|head| self.items[head].id.clone()).collect();
        let position: HashMap<&RevisionId, usize> =
            plan.order.iter().enumerate().map(|(at, id)| (id, at)).collect();
        plan.moved.sort_by_key(|m| position.get(&m.revision).copied().unwrap_or(usize::MAX));
        Ok(plan)
    }

    fn delete(&self, node: Node, plan: &mut RebasePlan) {
        let file = &self.request.history.script(node).file;
        plan.deleted.push((self.request.history.id(node).clone(), file.path.clone()));
        let before = Some(image(&file.bytes));
        plan.changes.push(Change { path: file.path.clone(), before, after: None });
    }

    fn edit<'a>(
        &'a self,
        item: &'a Item,
        node: Node,
        ids: &FinalIds<'a>,
        plan: &mut RebasePlan,
    ) -> Result<(), Refusal> {
        let script = self.request.history.script(node);
        let old_path = &script.file.path;
        let old_id = self.request.history.id(node);
        let from = &self.request.history.graph.revision(node).down_revisions;
        let to = ids.of_keys(&item.revision.down_revisions);
        let dependencies = self.dependencies(item, node, ids);
        let edits = edits_of(script, (from != &to).then_some(&to), &dependencies, &item.id)
            .map_err(|source| Refusal::Edit { path: old_path.clone(), source })?;
        let path = self.new_path(node, &item.id)?;
        if edits.is_empty() && &path == old_path {
            return Ok(());
        }
        // A revision may change although it was not re-pointed: because one
        // that it names was renumbered.
        self.must_be_editable(node)?;
        let after = apply_edits(&script.file.bytes, edits);
        replace(&script.file.bytes, &after, old_path, &path, plan);
        if &item.id != old_id || &path != old_path {
            plan.renumbered.push(Renumbered {
                from: (old_id.clone(), old_path.clone()),
                to: (item.id.clone(), path.clone()),
            });
        }
        if from != &to {
            let revision = item.id.clone();
            plan.moved.push(Move { revision, from: from.clone(), to, path });
        }
        Ok(())
    }

    /// What becomes of each dependency that is written in the file.
    fn dependencies<'a>(
        &'a self,
        item: &'a Item,
        node: Node,
        ids: &FinalIds<'a>,
    ) -> HashMap<&'a str, &'a str> {
        let written = self.request.history.graph.revision(node).depends_on.iter();
        let final_ids = item.revision.depends_on.iter().map(|key| ids.of_reference(key));
        written.map(RevisionRef::as_str).zip(final_ids).collect()
    }

    /// Where the script at `node` lies once its revision is called `id`.
    fn new_path(&self, node: Node, id: &RevisionId) -> Result<RepoPath, Refusal> {
        let renamed = self.path_for(node, id);
        let in_the_way = self
            .request
            .history
            .node_at(&renamed)
            .filter(|&other| other != node && !self.will_leave(other));
        match in_the_way {
            Some(_) => Err(Refusal::FileExists { path: renamed }),
            None => Ok(renamed),
        }
    }

    fn path_for(&self, node: Node, id: &RevisionId) -> RepoPath {
        let path = &self.request.history.script(node).file.path;
        let old = self.request.history.id(node);
        match renamed_file(path.file_name(), old, id) {
            Some(name) if old != id => path.folder().entry(&name),
            _ => path.clone(),
        }
    }

    /// Whether the script at `node` gives its file name up in this plan.
    fn will_leave(&self, node: Node) -> bool {
        let item = &self.items[node];
        item.deleted || self.path_for(node, &item.id) != self.request.history.script(node).file.path
    }
}

/// The edits of one script; `downs` if they change.
fn edits_of(
    script: &Script,
    downs: Option<&Vec<RevisionId>>,
    dependencies: &HashMap<&str, &str>,
    id: &RevisionId,
) -> Result<Vec<Edit>, EditError> {
    let (bytes, header) = (script.file.bytes.as_slice(), &script.header);
    let mut edits = Vec::new();
    if let Some(downs) = downs {
        edits.extend(set_down_revisions(bytes, header, downs)?);
    }
    edits.extend(rename_dependencies(bytes, header, |name| dependencies.get(name).copied())?);
    // A legacy script has its id in the file name only.
    if let Some(FieldValue::Text(text)) = header.revision.as_ref().map(|field| &field.value)
        && text != id.as_str()
    {
        edits.extend(set_revision(bytes, header, id)?);
    }
    Ok(edits)
}

/// A script under its new content, and under its new name if that changes.
fn replace(before: &[u8], after: &[u8], old: &RepoPath, path: &RepoPath, plan: &mut RebasePlan) {
    let (before, after) = (Some(image(before)), Some(image(after)));
    let path = path.clone();
    if &path == old {
        plan.changes.push(Change { path, before, after });
    } else {
        plan.changes.push(Change { path, before: None, after });
        plan.changes.push(Change { path: old.clone(), before, after: None });
    }
}

fn create(script: &NewScript, plan: &mut RebasePlan) {
    plan.changes.push(Change {
        path: script.path.clone(),
        before: None,
        after: Some(image(script.text.as_bytes())),
    });
    plan.created.push(script.clone());
}

/// One change per path: a file may leave a name that another one takes.
fn coalesced(changes: Vec<Change>) -> Result<Vec<Change>, Refusal> {
    let mut written = HashSet::new();
    for change in changes.iter().filter(|change| change.after.is_some()) {
        if !written.insert(&change.path) {
            return Err(Refusal::FileExists { path: change.path.clone() });
        }
    }
    let mut merged: Vec<Change> = Vec::with_capacity(changes.len());
    for change in changes {
        match merged.iter_mut().find(|earlier| earlier.path == change.path) {
            Some(earlier) => {
                earlier.before = earlier.before.take().or(change.before);
                earlier.after = earlier.after.take().or(change.after);
            }
            None => merged.push(change),
        }
    }
    Ok(merged)
}

/// The mode of a new file; an existing one's is filled in by who reads it.
fn image(bytes: &[u8]) -> Image {
    Image { bytes: bytes.to_vec(), mode: 0o644 }
}
