//! What to do about an operation that was interrupted, or that is to be taken
//! back: decided from the operation's changes and from what the files hold now.
//! Content decides, never the mode: a `chmod` in between is nobody's edit.

use super::{Change, Image, inverse};
use crate::tree::RepoPath;

/// What a file is, seen from one change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileState {
    /// As before the change.
    Old,
    /// As after the change.
    New,
    /// Neither: someone else has edited, created or deleted it.
    Other,
}

/// The state of each changed file, in the order of the changes.
pub type FileStates = Vec<(RepoPath, FileState)>;

/// What an interrupted operation has left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Nothing was written: the operation can be called off.
    AllOld,
    /// Everything was written: only the journal has to be told.
    AllNew,
    /// Some files are old, the others new: both directions are safe.
    Mixed,
    /// These files are neither; someone has to say what is to become of them.
    Foreign { paths: Vec<RepoPath> },
}

/// A file that is not as an operation left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangedSince {
    pub path: RepoPath,
    /// What the operation left.
    pub expected: Option<Image>,
    /// What is there now.
    pub found: Option<Image>,
}

/// Why an operation cannot be taken back: files have changed since.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("changed since the operation: {}", names(.files))]
pub struct UndoConflict {
    pub files: Vec<ChangedSince>,
}

impl Change {
    /// What a file that holds `current` is for this change.
    pub fn state_of(&self, current: Option<&Image>) -> FileState {
        if same_content(current, self.before.as_ref()) {
            FileState::Old
        } else if same_content(current, self.after.as_ref()) {
            FileState::New
        } else {
            FileState::Other
        }
    }
}

/// Whether both are absent, or both hold the same bytes.
pub fn same_content(a: Option<&Image>, b: Option<&Image>) -> bool {
    a.map(|image| &image.bytes) == b.map(|image| &image.bytes)
}

/// Sums up the states of an interrupted operation's files.
pub fn plan_recovery(states: &[(RepoPath, FileState)]) -> Recovery {
    let with = |wanted| states.iter().filter(move |(_, state)| *state == wanted);
    let foreign: Vec<RepoPath> = with(FileState::Other).map(|(path, _)| path.clone()).collect();
    if !foreign.is_empty() {
        Recovery::Foreign { paths: foreign }
    } else if with(FileState::New).next().is_none() {
        Recovery::AllOld
    } else if with(FileState::Old).next().is_none() {
        Recovery::AllNew
    } else {
        Recovery::Mixed
    }
}

/// The changes that take `changes` back, given what their files hold now (in
/// the same order). A file that is back already is left out.
pub fn plan_undo(
    changes: &[Change],
    current: &[Option<Image>],
) -> Result<Vec<Change>, UndoConflict> {
    debug_assert_eq!(changes.len(), current.len());
    let mut to_invert = Vec::new();
    let mut files = Vec::new();
    for (change, found) in changes.iter().zip(current) {
        match change.state_of(found.as_ref()) {
            FileState::Old => {}
            FileState::New => to_invert.push(change.clone()),
            FileState::Other => files.push(ChangedSince {
                path: change.path.clone(),
                expected: change.after.clone(),
                found: found.clone(),
            }),
        }
    }
    if files.is_empty() { Ok(inverse(&to_invert)) } else { Err(UndoConflict { files }) }
}

fn names(files: &[ChangedSince]) -> String {
    files.iter().map(|file| format!("`{}`", file.path)).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).expect("inside")
    }

    fn image(text: &str) -> Option<Image> {
        (text != "-").then(|| Image { bytes: text.into(), mode: 0o644 })
    }

    /// `"a: old -> new"`, with `-` for no file.
    fn change(text: &str) -> Change {
        let (name, images) = text.split_once(": ").expect("a name");
        let (before, after) = images.split_once(" -> ").expect("an arrow");
        Change { path: path(name), before: image(before), after: image(after) }
    }

    #[track_caller]
    fn check(states: &str, expected: &Recovery) {
        let states: FileStates = states
            .split_whitespace()
            .enumerate()
            .map(|(at, word)| {
                let state = match word {
                    "old" => FileState::Old,
                    "new" => FileState::New,
                    _ => FileState::Other,
                };
                (path(&format!("f{at}")), state)
            })
            .collect();
        assert_eq!(&plan_recovery(&states), expected);
    }

    #[test]
    fn one_foreign_file_decides_whatever_the_others_are() {
        check("", &Recovery::AllOld);
        check("old old", &Recovery::AllOld);
        check("new new", &Recovery::AllNew);
        check("new old", &Recovery::Mixed);
        check("old other new", &Recovery::Foreign { paths: vec![path("f1")] });
        check("other new other", &Recovery::Foreign { paths: vec![path("f0"), path("f2")] });
    }

    #[test]
    fn an_undo_inverts_in_reverse_and_leaves_out_what_is_back_already() {
        let changes = [change("a: 1 -> 2"), change("b: - -> 3"), change("c: 4 -> -")];
        let undo = plan_undo(&changes, &[image("2"), image("3"), image("4")]);
        assert_eq!(undo, Ok(vec![change("b: 3 -> -"), change("a: 2 -> 1")]));
    }

    #[test]
    fn an_undo_names_every_file_that_has_changed_since() {
        let changes = [change("a: 1 -> 2"), change("b: - -> 3"), change("c: 4 -> -")];
        let conflict =
            plan_undo(&changes, &[image("edited"), image("3"), image("new")]).expect_err("refused");
        assert_eq!(conflict.to_string(), "changed since the operation: `a`, `c`");
        assert_eq!(conflict.files[0].expected, image("2"));
        assert_eq!(conflict.files[1].expected, None);
    }

    #[test]
    fn a_mode_that_changed_is_no_edit() {
        let found = Image { bytes: b"2".to_vec(), mode: 0o755 };
        assert_eq!(change("a: 1 -> 2").state_of(Some(&found)), FileState::New);
    }
}
