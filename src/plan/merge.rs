//! Merge revisions: deterministic, so that two people who merge the same heads
//! write the identical file and git merges it without a word.

use sha2::{Digest, Sha256};

use crate::revision::{Node, RevisionId};
use crate::script::{CreateDate, FileTemplate, History, NewRevision, render_revision_file};
use crate::tree::RepoPath;

/// What a new script is written by: the component's template and file names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScriptConventions {
    /// The text of `script.py.mako`, if the project has one.
    pub template: Option<String>,
    pub file_template: FileTemplate,
    /// The component's version locations, by the scripts' `location`.
    pub version_locations: Vec<RepoPath>,
}

/// A revision that is to be written, with its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewScript {
    pub revision: NewRevision,
    pub path: RepoPath,
    pub text: String,
}

/// The merge revision over `heads`. Id, file name and date follow from the
/// heads alone.
pub fn merge_script(
    history: &History,
    heads: &[Node],
    message: Option<&str>,
    conventions: &ScriptConventions,
) -> NewScript {
    let mut heads = heads.to_vec();
    heads.sort_by(|&a, &b| history.id(a).cmp(history.id(b)));
    let down_revisions = history.graph.ids(heads.iter().copied());
    let revision = NewRevision {
        id: merge_id(&down_revisions),
        message: message.map_or_else(|| default_message(&down_revisions), str::to_owned),
        create_date: latest_date(history, &heads),
        down_revisions,
    };
    let location = heads.first().map_or(0, |&head| history.script(head).file.location);
    let folder = conventions.version_locations.get(location).cloned().unwrap_or_default();
    let name = conventions.file_template.file_name(&revision);
    NewScript {
        path: folder.join(&name).unwrap_or_else(|| folder.entry(&name.replace('/', "_"))),
        text: render_revision_file(conventions.template.as_deref(), &revision),
        revision,
    }
}

/// Twelve hexadecimal digits, as Alembic's own ids have, from the sorted down revisions.
fn merge_id(down_revisions: &[RevisionId]) -> RevisionId {
    let mut hasher = Sha256::new();
    for id in down_revisions {
        hasher.update(id.as_str().as_bytes());
        hasher.update(b"\n");
    }
    let digest = hasher.finalize();
    let hex: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    RevisionId::new(hex).expect("hexadecimal digits are legal in an id")
}

fn default_message(down_revisions: &[RevisionId]) -> String {
    let names: Vec<&str> = down_revisions.iter().map(RevisionId::as_str).collect();
    format!("merge {}", names.join(", "))
}

/// The youngest `Create Date:` of the merged revisions: no clock, so that the
/// file is the same on every machine.
fn latest_date(history: &History, heads: &[Node]) -> CreateDate {
    heads
        .iter()
        .filter_map(|&head| history.script(head).header.docstring.as_ref()?.create_date.as_ref())
        .filter_map(|line| CreateDate::parse(&line.value))
        .max()
        .unwrap_or_else(CreateDate::unknown)
}
