//! One tree over another: a commit's files first, then those of the working
//! tree, where a config file may lie untracked.

use std::collections::BTreeMap;

use crate::tree::{Entry, RepoPath, Tree, TreeError};

/// What `upper` does not have is looked up in `lower`.
#[derive(Clone, Copy)]
pub struct Overlay<'a> {
    pub upper: &'a dyn Tree,
    pub lower: Option<&'a dyn Tree>,
}

impl Tree for Overlay<'_> {
    fn list(&self, folder: &RepoPath) -> Result<Option<Vec<Entry>>, TreeError> {
        let upper = self.upper.list(folder)?;
        let lower = self.lower.map_or(Ok(None), |lower| lower.list(folder))?;
        let (Some(upper), Some(lower)) = (&upper, &lower) else { return Ok(upper.or(lower)) };
        let entries = lower.iter().chain(upper).map(|entry| (entry.name.clone(), entry.clone()));
        Ok(Some(entries.collect::<BTreeMap<_, _>>().into_values().collect()))
    }

    fn has_entry(
        &self,
        folder: &RepoPath,
        is_wanted: &dyn Fn(&Entry) -> bool,
    ) -> Result<bool, TreeError> {
        match self.lower {
            None => self.upper.has_entry(folder, is_wanted),
            // What is below may be hidden.
            Some(_) => Ok(self.list(folder)?.is_some_and(|list| list.iter().any(is_wanted))),
        }
    }

    fn read(&self, path: &RepoPath) -> Result<Option<Vec<u8>>, TreeError> {
        match (self.upper.read(path)?, self.lower) {
            (None, Some(lower)) => lower.read(path),
            (found, _) => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::MemoryTree;

    #[test]
    fn the_upper_tree_hides_the_lower_one_file_by_file() {
        let upper = MemoryTree::new(&[("a.ini", "upper"), ("d/x", "")]);
        let lower = MemoryTree::new(&[("a.ini", "lower"), ("b.ini", "lower"), ("d/y", "")]);
        let overlay = Overlay { upper: &upper, lower: Some(&lower) };
        let path = |text| RepoPath::new(text).expect("inside");
        assert_eq!(overlay.read(&path("a.ini")).expect("no I/O"), Some(b"upper".to_vec()));
        assert_eq!(overlay.read(&path("b.ini")).expect("no I/O"), Some(b"lower".to_vec()));
        let names = |folder| -> Vec<String> {
            let listed = overlay.list(&path(folder)).expect("no I/O").expect("exists");
            listed.into_iter().map(|entry| entry.name).collect()
        };
        assert_eq!(names(""), ["a.ini", "b.ini", "d"]);
        assert_eq!(names("d"), ["x", "y"]);
    }
}
