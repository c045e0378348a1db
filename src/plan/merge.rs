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
    /// Position among the component's version locations.
    pub location: usize,
    pub path: RepoPath,
    pub text: String,
}

/// What a merge revision has to know of a head that it joins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergedHead {
    pub id: RevisionId,
    /// Position among the component's version locations.
    pub location: usize,
    pub create_date: Option<CreateDate>,
}

impl MergedHead {
    /// The head at `node`, under the id that it has or gets.
    pub fn of_script(history: &History, node: Node, id: RevisionId) -> Self {
        let script = history.script(node);
        let date = script.header.docstring.as_ref().and_then(|d| d.create_date.as_ref());
        let create_date = date.and_then(|line| CreateDate::parse(&line.value));
        Self { id, location: script.file.location, create_date }
    }

    /// A merge revision that is itself still to be written.
    pub fn of_new(script: &NewScript) -> Self {
        let NewRevision { id, create_date, .. } = script.revision.clone();
        Self { id, location: script.location, create_date: Some(create_date) }
    }
}

/// The merge revision over `heads`. Id, file name and date follow from the
/// heads alone.
pub fn merge_script(
    mut heads: Vec<MergedHead>,
    message: Option<&str>,
    conventions: &ScriptConventions,
) -> NewScript {
    heads.sort_by(|a, b| a.id.cmp(&b.id));
    let location = heads.first().map_or(0, |head| head.location);
    // No clock, so that the file is the same on every machine.
    let date = heads.iter().filter_map(|head| head.create_date.clone()).max();
    let down_revisions: Vec<RevisionId> = heads.into_iter().map(|head| head.id).collect();
    let revision = NewRevision {
        id: merge_id(&down_revisions),
        message: message.map_or_else(|| default_message(&down_revisions), str::to_owned),
        create_date: date.unwrap_or_else(CreateDate::unknown),
        down_revisions,
    };
    let folder = conventions.version_locations.get(location).cloned().unwrap_or_default();
    let name = conventions.file_template.file_name(&revision);
    NewScript {
        location,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::history_of;

    /// The merge revision of all heads, in the order in which they are found.
    fn merged(history: &str) -> NewScript {
        let history = history_of(history);
        let conventions = ScriptConventions {
            version_locations: vec![RepoPath::new("versions").expect("inside")],
            ..ScriptConventions::default()
        };
        let heads = history.graph.heads().into_iter();
        let heads = heads.map(|n| MergedHead::of_script(&history, n, history.id(n).clone()));
        merge_script(heads.collect(), None, &conventions)
    }

    #[test]
    fn two_people_who_merge_the_same_heads_write_the_same_file() {
        let mine = merged("<base> -> a\na -> f\na -> m");
        assert_eq!(mine, merged("a -> m\n<base> -> a\na -> f"));
        // What lies below the heads is nothing to them.
        assert_eq!(mine, merged("<base> -> z\nz -> m\nz -> f"));
        assert_eq!(mine.revision.message, "merge f, m");
        assert_eq!(mine.revision.id.as_str().len(), 12);
    }

    #[test]
    fn other_heads_make_another_revision() {
        let mine = merged("<base> -> a\na -> f\na -> m");
        let other = merged("<base> -> a\na -> f\na -> m\na -> x");
        assert_ne!(mine.revision.id, other.revision.id);
        assert_ne!(mine.path, other.path);
    }
}
