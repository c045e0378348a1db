//! Fetching single commits and refs into a clone that lacks them, by git itself,
//! which knows how to reach the remote.

use super::{CommitId, GitError, Repository};

/// How much history a fetch brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// This many commits of each; where the clone is whole, all.
    Commits(u32),
    /// This many more than there are.
    Deepen(u32),
    /// All there is.
    Whole,
}

/// What is fetched, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// A remote's name, or a URL.
    pub remote: String,
    /// Refspecs and ids of commits.
    pub wanted: Vec<String>,
    pub depth: Depth,
}

impl Repository {
    /// Whether history ends somewhere because no more of it was fetched.
    pub fn is_shallow(&self) -> bool {
        self.git.is_shallow()
    }

    /// Whether the clone has this commit, which is named by its whole id.
    pub fn has_commit(&self, id: &str) -> bool {
        git2::Oid::from_str(id).is_ok_and(|id| self.git.find_commit(id).is_ok())
    }

    /// The parents that a commit itself names, also those that a shallow clone lacks.
    pub fn recorded_parents(&self, commit: CommitId) -> Result<Vec<String>, GitError> {
        let failed = || GitError::on(format!("read commit `{commit}`"));
        let odb = self.git.odb().map_err(failed())?;
        let object = odb.read(commit.0).map_err(failed())?;
        let header = object.data().split(|&byte| byte == b'\n').take_while(|line| !line.is_empty());
        Ok(header
            .filter_map(|line| line.strip_prefix(b"parent "))
            .map(|id| String::from_utf8_lossy(id).into_owned())
            .collect())
    }

    /// How many commits a shallow clone has: fetching that many of anything cuts
    /// nothing off that is there.
    fn commits(&self) -> u32 {
        let Ok(mut walk) = self.git.revwalk() else { return 1 };
        // Without refs there is still what is checked out, or nothing.
        let _ = walk.push_glob("refs/*");
        let _ = walk.push_head();
        u32::try_from(walk.take_while(Result::is_ok).count()).unwrap_or(u32::MAX)
    }

    /// The remote that this was cloned from: `origin`, or the first one.
    pub fn cloned_from(&self) -> Option<String> {
        let remotes = self.git.remotes().ok()?;
        let names: Vec<&str> = remotes.iter().filter_map(|name| name.ok().flatten()).collect();
        let first = names.iter().find(|name| **name == "origin").or(names.first())?;
        Some((*first).to_owned())
    }

    /// The branch that a remote calls its default, asked over the network.
    pub fn default_branch_of(&self, remote: &str) -> Result<Option<String>, GitError> {
        let answer = self.run(&["ls-remote", "--symref", "--", remote, "HEAD"])?;
        Ok(answer
            .lines()
            .filter_map(|line| line.strip_prefix("ref: refs/heads/"))
            .find_map(|line| line.split('\t').next())
            .map(str::to_owned))
    }

    /// Fetches. The repository has to be opened again to see all of it.
    ///
    /// # Errors
    /// Git's own words, where it cannot reach the remote or that does not give this.
    pub fn fetch(&self, fetch: &Fetch) -> Result<(), GitError> {
        let depth = match fetch.depth {
            // It would cut a whole clone off.
            Depth::Commits(_) if !self.is_shallow() => None,
            Depth::Commits(count) => Some(format!("--depth={}", count.max(self.commits()))),
            Depth::Deepen(count) => Some(format!("--deepen={count}")),
            Depth::Whole => Some("--unshallow".to_owned()),
        };
        // The files of what is fetched are read at once: no half of it will do.
        let mut arguments = vec!["fetch", "--quiet", "--no-tags", "--no-recurse-submodules"];
        arguments.extend(["--no-auto-gc", "--no-filter", "--no-write-fetch-head"]);
        arguments.extend(depth.as_deref());
        arguments.extend(["--", &fetch.remote]);
        arguments.extend(fetch.wanted.iter().map(String::as_str));
        self.run(&arguments).map(drop)
    }
}
