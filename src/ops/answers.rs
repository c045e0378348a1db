//! Whether everything that decides about what a check says is as it was when the
//! same was asked before. Commits, refs and the configuration are read as always,
//! and of each script what the file system says of it; only their contents are not.

use std::time::SystemTime;

use super::OpsError;
use super::check::CheckOutcome;
use super::session::{Session, Source};
use crate::cache::{AnswerCache, AnswerKey, Beginning};
use crate::check::{ComponentCheck, Level};
use crate::git::Upstream;
use crate::tree::RepoPath;

/// A question that may have been asked before.
pub struct Question {
    cache: AnswerCache,
    key: AnswerKey,
    /// When the youngest file that it is about has changed.
    changed: Option<SystemTime>,
}

impl Question {
    /// `None` where not all that decides can be told without reading it.
    pub fn of(
        session: &Session,
        upstream: Option<&Upstream>,
        would_diverge: Option<Level>,
    ) -> Result<Option<Self>, OpsError> {
        if session.is_base_fetched() || session.repository.is_shallow() {
            return Ok(None);
        }
        let mut pieces = vec![
            format!("{:?} {:?}", session.options(), session.source).into_bytes(),
            format!("{would_diverge:?} {upstream:?} {:?}", session.judged_commit()?).into_bytes(),
            // Whatever is in there may decide.
            format!("{:?}", session.project).into_bytes(),
        ];
        let mut changed = None;
        match session.source {
            Source::Commit(_) => {}
            Source::Index => return Ok(None),
            Source::WorkingTree => {
                if session.repository.is_sparse() {
                    return Ok(None);
                }
                for component in session.components()? {
                    for folder in &component.version_locations {
                        let files = session.working_tree()?;
                        let stamp = files.content_stamp(folder, component.recursive);
                        let Some(stamp) = stamp else { return Ok(None) };
                        pieces.push(stamp.bytes);
                        changed = changed.max(stamp.changed);
                    }
                }
            }
        }
        let key = AnswerKey::of(pieces.iter().map(Vec::as_slice));
        let cache = AnswerCache::new(session.repository.git_dir());
        Ok(Some(Self { cache, key, changed }))
    }

    /// What was said then.
    pub fn known_answer(&self) -> Option<Vec<ComponentCheck>> {
        self.cache.find(self.key)
    }

    /// To be called before anything else is read.
    pub fn begin(&self) -> Option<(Beginning, Option<SystemTime>)> {
        Some((self.cache.begin(self.key)?, self.changed))
    }
}

/// Keeps what was said, unless it came from more than is known to decide.
pub fn keep(
    session: &Session,
    beginning: Option<(Beginning, Option<SystemTime>)>,
    outcome: &CheckOutcome,
) {
    let Some((beginning, changed)) = beginning else { return };
    let Ok(components) = session.components() else { return };
    // What is quoted from elsewhere may change there.
    let is_stamped = |path: &RepoPath| {
        components.iter().flat_map(|c| &c.version_locations).any(|folder| path.is_within(folder))
    };
    let mut quoted = outcome.components.iter().flat_map(|checked| checked.sources.keys());
    if !session.has_searched() && quoted.all(is_stamped) {
        beginning.keep(&outcome.components, changed);
    }
}
