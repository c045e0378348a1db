//! A change of one file, with everything that is needed to take it back.

use crate::tree::RepoPath;

/// A file's content and mode at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    pub bytes: Vec<u8>,
    /// Unix permission bits (`0o644`); what a new file gets, what an old one keeps.
    pub mode: u32,
}

/// One file before and after; absent means that there is no such file.
///
/// Closed under [`inverse`](Self::inverse): a creation's inverse is a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    pub path: RepoPath,
    pub before: Option<Image>,
    pub after: Option<Image>,
}

impl Change {
    /// The change that takes this one back.
    pub fn inverse(&self) -> Self {
        Self { path: self.path.clone(), before: self.after.clone(), after: self.before.clone() }
    }

    /// Whether nothing would change.
    pub fn is_identity(&self) -> bool {
        self.before == self.after
    }
}

/// The inverse of a sequence: each change inverted, in reverse order.
pub fn inverse(changes: &[Change]) -> Vec<Change> {
    changes.iter().rev().map(Change::inverse).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_inverse_of_the_inverse_is_the_change() {
        let image = |text: &str| Some(Image { bytes: text.into(), mode: 0o644 });
        let path = RepoPath::new("a/b.py").expect("inside");
        let changes = [
            Change { path: path.clone(), before: image("old"), after: image("new") },
            Change { path: path.clone(), before: None, after: image("new") },
            Change { path, before: image("old"), after: None },
        ];
        assert_eq!(inverse(&inverse(&changes)), changes);
        assert_ne!(inverse(&changes), changes);
    }
}
