//! The lock file: it names the heads of a history, so that git itself sees a
//! conflict where two branches add revisions on the same head.

use super::{Change, Image, RebasePlan};
use crate::revision::RevisionId;
use crate::tree::RepoPath;

/// What the file says of these heads: one id a line.
pub fn lock_text(heads: &[RevisionId]) -> String {
    let mut ids: Vec<&str> = heads.iter().map(RevisionId::as_str).collect();
    ids.sort_unstable();
    ids.iter().map(|id| format!("{id}\n")).collect()
}

/// What writes the file, if it says something else (`before`, as it is on disk).
pub fn lock_change(path: &RepoPath, heads: &[RevisionId], before: Option<Image>) -> Option<Change> {
    let mode = before.as_ref().map_or(0o644, |image| image.mode);
    let after = Some(Image { bytes: lock_text(heads).into_bytes(), mode });
    let is_same = before.as_ref().map(|image| &image.bytes) == after.as_ref().map(|i| &i.bytes);
    (!is_same).then(|| Change { path: path.clone(), before, after })
}

/// The plan with the lock file written as well, `heads` being those without it.
pub fn with_lock_file(
    mut plan: RebasePlan,
    path: &RepoPath,
    heads: &[RevisionId],
    before: Option<Image>,
) -> RebasePlan {
    let heads = if plan.is_empty() { heads.to_vec() } else { plan.heads.clone() };
    if let Some(change) = lock_change(path, &heads, before) {
        plan.heads = heads;
        plan.changes.push(change);
        plan.lock_file = Some(path.clone());
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_says_the_same_is_left_alone() {
        let path = RepoPath::new("versions/HEADS").expect("inside");
        let heads = ["b", "a"].map(|id| RevisionId::new(id).expect("an id"));
        let image = |text: &str| Some(Image { bytes: text.into(), mode: 0o600 });
        assert_eq!(lock_change(&path, &heads, image("a\nb\n")), None);
        let change = lock_change(&path, &heads, image("a\n")).expect("a change");
        assert_eq!((change.before, change.after), (image("a\n"), image("a\nb\n")));
        let new = lock_change(&path, &heads, None).expect("a change");
        assert_eq!(new.after.map(|image| image.mode), Some(0o644));
    }
}
