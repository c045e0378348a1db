//! Whether everything that decides about what a check says is as it was when the
//! same was asked before. Commits, refs and the configuration are read as always,
//! and of each script what the file system says of it; only their contents are not.

use std::time::Duration;

use super::OpsError;
use super::review::{Review, surroundings};
use super::session::{Session, Source};
use crate::cache::{AnswerCache, AnswerKey, Beginning};
use crate::check::{ComponentCheck, Level};
use crate::git::Upstream;
use crate::tree::RepoPath;

/// A question that may have been asked before.
pub struct Question {
    cache: AnswerCache,
    /// What decides besides the files of the working tree.
    pieces: Vec<Vec<u8>>,
}

impl Question {
    /// `None` where not all that decides can be told without reading it.
    pub fn of(
        session: &Session,
        upstream: Option<&Upstream>,
        would_diverge: Option<Level>,
        review: Review,
    ) -> Result<Option<Self>, OpsError> {
        let is_partial = session.repository.is_sparse() || session.repository.is_shallow();
        if session.is_base_fetched() || is_partial || session.source == Source::Index {
            return Ok(None);
        }
        let mut pieces = vec![
            format!("{:?} {:?}", session.options(), session.source).into_bytes(),
            format!("{would_diverge:?} {upstream:?} {:?}", session.judged_commit()?).into_bytes(),
            // Whatever is in there may decide.
            format!("{:?}", session.project).into_bytes(),
        ];
        for component in session.components()?.into_iter().filter(|c| review.covers(c)) {
            pieces.push(format!("{} {}", component.name, surroundings(session, component)?).into());
        }
        Ok(Some(Self { cache: AnswerCache::new(session.repository.git_dir()), pieces }))
    }

    /// What was said then.
    pub fn known_answer(&self, session: &Session) -> Option<Vec<ComponentCheck>> {
        let answers = self.cache.read()?;
        let (key, _) = self.key(session)?;
        answers.find(key)
    }

    /// To be called before the first file is read.
    pub fn begin(&self) -> Option<Beginning> {
        self.cache.begin()
    }

    /// Keeps what was said, unless it came from more than is known to decide, or a
    /// script had to be parsed for it: the first look after a change does not pay for
    /// later ones, which have the parsed headers anyway.
    pub fn keep(&self, session: &Session, beginning: Beginning, answer: &[ComponentCheck]) {
        let Ok(components) = session.components() else { return };
        // What is quoted from elsewhere may change there.
        let is_stamped = |path: &RepoPath| {
            components.iter().flat_map(|c| &c.version_locations).any(|f| path.is_within(f))
        };
        let mut quoted = answer.iter().flat_map(|checked| checked.sources.keys());
        if session.has_parsed() || session.has_searched() || !quoted.all(is_stamped) {
            return;
        }
        if let Some((key, changed)) = self.key(session) {
            beginning.keep(key, answer, changed);
        }
    }

    /// What tells this question from others now, and when the youngest of the files
    /// that it is about has changed, since 1970.
    fn key(&self, session: &Session) -> Option<(AnswerKey, Option<Duration>)> {
        let mut changed = None;
        let mut stamps = Vec::new();
        if session.source == Source::WorkingTree {
            let files = session.working_tree().ok()?;
            for component in session.components().ok()? {
                for folder in &component.version_locations {
                    let stamp = files.content_stamp(folder, component.recursive)?;
                    stamps.push(stamp.bytes);
                    changed = changed.max(stamp.changed);
                }
            }
        }
        let pieces = self.pieces.iter().chain(&stamps).map(Vec::as_slice);
        Some((AnswerKey::of(pieces), changed))
    }
}
