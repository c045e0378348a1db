//! From items to edits of files.

use std::collections::HashMap;

use super::item::Item;
use super::planner::Planner;
use super::rebase_plan::{Move, RebasePlan, Renumbered};
use super::refusal::Refusal;
use crate::plan::sequence::renamed_file;
use crate::plan::{Change, Image, NewScript};
use crate::revision::{Node, RevisionId, RevisionRef};
use crate::script::{
    Edit, EditError, FieldValue, Script, apply_edits, set_depends_on, set_down_revisions,
    set_revision,
};
use crate::tree::RepoPath;

impl Planner<'_> {
    pub(super) fn into_plan(self) -> Result<RebasePlan, Refusal> {
        let final_id: HashMap<&RevisionId, &RevisionId> =
            self.items.iter().map(|item| (&item.revision.id, &item.id)).collect();
        let rename = |ids: &[RevisionId]| -> Vec<RevisionId> {
            ids.iter().map(|id| final_id.get(id).map_or(id, |to| *to).clone()).collect()
        };
        let mut plan = RebasePlan { order: rename(&self.order), ..RebasePlan::default() };
        for item in &self.items {
            match (item.node, &item.written) {
                (Some(node), _) if item.deleted => self.delete(node, &mut plan),
                (Some(node), _) if item.own => self.edit(item, node, &rename, &mut plan)?,
                (None, Some(script)) => create(script, &mut plan),
                _ => {}
            }
        }
        plan.changes = coalesced(plan.changes);
        let graph = self.graph();
        let heads = graph.heads().into_iter().filter(|&head| !self.items[head].deleted);
        plan.heads = heads.map(|head| self.items[head].id.clone()).collect();
        let position: HashMap<&RevisionId, usize> =
            plan.order.iter().enumerate().map(|(at, id)| (id, at)).collect();
        plan.moved.sort_by_key(|m| position.get(&m.revision).copied());
        Ok(plan)
    }

    pub(super) fn delete(&self, node: Node, plan: &mut RebasePlan) {
        let file = &self.request.history.script(node).file;
        plan.deleted.push((self.request.history.id(node).clone(), file.path.clone()));
        plan.changes.push(Change {
            path: file.path.clone(),
            before: Some(image(&file.bytes)),
            after: None,
        });
    }

    pub(super) fn edit(
        &self,
        item: &Item,
        node: Node,
        rename: &impl Fn(&[RevisionId]) -> Vec<RevisionId>,
        plan: &mut RebasePlan,
    ) -> Result<(), Refusal> {
        let script = self.request.history.script(node);
        let written = &self.request.history.graph.revision(node).down_revisions;
        let downs = rename(&item.revision.down_revisions);
        let references = self.renamed_dependencies(node, rename);
        let edits = edits_of(script, written, &downs, &item.id, references)
            .map_err(|source| Refusal::Edit { path: script.file.path.clone(), source })?;
        let old_id = self.request.history.id(node);
        let path = self.new_path(script, old_id, &item.id)?;
        if edits.is_empty() && path == script.file.path {
            return Ok(());
        }
        self.must_be_editable_again(item, node)?;
        let after = apply_edits(&script.file.bytes, edits);
        if &downs != written {
            plan.moved.push(Move {
                revision: item.id.clone(),
                from: written.clone(),
                to: downs,
                path: path.clone(),
            });
        }
        if &item.id != old_id || path != script.file.path {
            plan.renumbered.push(Renumbered {
                from: (old_id.clone(), script.file.path.clone()),
                to: (item.id.clone(), path.clone()),
            });
        }
        let before = Some(image(&script.file.bytes));
        if path == script.file.path {
            plan.changes.push(Change { path, before, after: Some(image(&after)) });
        } else {
            plan.changes.push(Change { path, before: None, after: Some(image(&after)) });
            let path = script.file.path.clone();
            plan.changes.push(Change { path, before, after: None });
        }
        Ok(())
    }

    /// A revision may change although it was not re-pointed: because one that
    /// it names was renumbered.
    pub(super) fn must_be_editable_again(&self, item: &Item, node: Node) -> Result<(), Refusal> {
        let at = self.items.iter().position(|other| other.node == Some(node));
        debug_assert!(item.own, "landed scripts are never edited");
        at.map_or(Ok(()), |at| self.must_be_editable(at))
    }

    /// The dependencies of a script under the new ids; `None` when none changes.
    pub(super) fn renamed_dependencies(
        &self,
        node: Node,
        rename: &impl Fn(&[RevisionId]) -> Vec<RevisionId>,
    ) -> Option<Vec<RevisionRef>> {
        let item = self.items.iter().find(|item| item.node == Some(node))?;
        let written = &self.request.history.graph.revision(node).depends_on;
        let renamed: Vec<RevisionRef> = item
            .revision
            .depends_on
            .iter()
            .map(|reference| match RevisionId::new(reference.as_str()) {
                Ok(id) => RevisionRef::new(rename(&[id])[0].as_str()),
                Err(_) => reference.clone(),
            })
            .collect();
        (&renamed != written).then_some(renamed)
    }

    pub(super) fn new_path(
        &self,
        script: &Script,
        old: &RevisionId,
        new: &RevisionId,
    ) -> Result<RepoPath, Refusal> {
        let path = &script.file.path;
        if old == new {
            return Ok(path.clone());
        }
        let Some(name) = renamed_file(path.file_name(), old, new) else { return Ok(path.clone()) };
        let renamed = path.folder().entry(&name);
        if self.request.history.node_at(&renamed).is_some_and(|n| !self.will_leave(n)) {
            return Err(Refusal::FileExists { path: renamed });
        }
        Ok(renamed)
    }

    /// Whether the script at `node` gives its file name up in this plan.
    pub(super) fn will_leave(&self, node: Node) -> bool {
        self.items.iter().any(|item| {
            item.node == Some(node) && (item.deleted || &item.id != self.request.history.id(node))
        })
    }
}

fn edits_of(
    script: &Script,
    written: &[RevisionId],
    downs: &[RevisionId],
    id: &RevisionId,
    dependencies: Option<Vec<RevisionRef>>,
) -> Result<Vec<Edit>, EditError> {
    let (bytes, header) = (script.file.bytes.as_slice(), &script.header);
    let mut edits = Vec::new();
    if downs != written {
        edits.extend(set_down_revisions(bytes, header, downs)?);
    }
    if let Some(dependencies) = dependencies {
        edits.extend(set_depends_on(bytes, header, &dependencies)?);
    }
    let old = header.revision.as_ref().map(|field| &field.value);
    let is_same = match old {
        Some(FieldValue::Text(text)) => text == id.as_str(),
        // A legacy script has its id in the file name only.
        _ => true,
    };
    if !is_same {
        edits.extend(set_revision(bytes, header, id)?);
    }
    Ok(edits)
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
fn coalesced(changes: Vec<Change>) -> Vec<Change> {
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
    merged
}

/// The mode of a new file; an existing one's is filled in by who reads it.
fn image(bytes: &[u8]) -> Image {
    Image { bytes: bytes.to_vec(), mode: 0o644 }
}
