//! What `check` said the last few times, by everything that decides about it.
//!
//! Files are told by what the file system says of them, and a change within one
//! tick of its clock does not show there. So an answer is kept only if all that
//! it is about is older than the moment at which it was begun (git's rule for
//! its index), and that moment is told by the same clock: it is when the file
//! that holds the answer was made.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use tempfile::NamedTempFile;

use super::sealed::{entry_at, push_entry, seal, sealed_at};
use super::stored_answer::StoredComponent;
use crate::check::ComponentCheck;

/// What the file begins with; its number stands for the rules and their words, too.
const MAGIC: &str = concat!("dbm-git answers ", env!("CARGO_PKG_VERSION"), " 3\n");

/// So many answers are kept: of a few commands, before and after a switch.
const KEPT: usize = 8;

/// A longer one is not worth being kept: most of it quotes files.
const MAX_BYTES: usize = 256 << 10;

/// The coarsest clocks of file systems with and without parts of a second.
const TICK: Duration = Duration::from_millis(20);
const COARSE_TICK: Duration = Duration::from_secs(2);

const KEY: usize = 32;

/// Everything that decides about an answer, by its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerKey([u8; KEY]);

impl AnswerKey {
    /// The key of these pieces, in this order.
    pub fn of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for piece in pieces {
            hasher.update(&(piece.len() as u64).to_le_bytes());
            hasher.update(piece);
        }
        Self(hasher.finalize().into())
    }
}

/// The answers of one worktree.
#[derive(Clone, Debug)]
pub struct AnswerCache {
    folder: PathBuf,
}

/// The answers that there are.
#[derive(Debug)]
pub struct Answers {
    bytes: Vec<u8>,
}

/// An answer that is being looked for.
#[derive(Debug)]
pub struct Beginning {
    folder: PathBuf,
    file: NamedTempFile,
}

impl AnswerCache {
    /// The answers of the worktree with this git directory. Touches nothing.
    pub fn new(git_dir: &Path) -> Self {
        Self { folder: git_dir.join("dbm-git") }
    }

    /// The answers, if there are any.
    pub fn read(&self) -> Option<Answers> {
        let bytes = fs::read(file_in(&self.folder)).ok()?;
        Some(Answers { bytes })
    }

    /// To be called before the first file is read; `None` where nothing can be kept.
    pub fn begin(&self) -> Option<Beginning> {
        fs::create_dir_all(&self.folder).ok()?;
        let file = NamedTempFile::new_in(&self.folder).ok()?;
        Some(Beginning { folder: self.folder.clone(), file })
    }
}

impl Answers {
    /// What was said when everything was as it is now.
    pub fn find(&self, key: AnswerKey) -> Option<Vec<ComponentCheck>> {
        let (_, answer) = entries(&self.bytes)?.into_iter().find(|(known, _)| *known == key)?;
        let stored: Vec<StoredComponent> = postcard::from_bytes(answer).ok()?;
        stored.into_iter().map(StoredComponent::read).collect()
    }
}

impl Beginning {
    /// Keeps an answer about files of which the last changed `changed` after 1970, as the file
    /// system said after they were read. Where that cannot be done, the answer will
    /// be found out once more.
    pub fn keep(self, key: AnswerKey, answer: &[ComponentCheck], changed: Option<Duration>) {
        if changed.is_none_or(|changed| self.is_surely_after(changed).unwrap_or(false)) {
            // Nobody waits for it.
            let _ = self.write(key, answer);
        }
    }

    fn is_surely_after(&self, changed: Duration) -> io::Result<bool> {
        let tick = if changed.subsec_nanos() == 0 { COARSE_TICK } else { TICK };
        let begun = self.file.as_file().metadata()?.modified()?;
        Ok(changed + tick < begun.duration_since(UNIX_EPOCH).unwrap_or_default())
    }

    fn write(self, key: AnswerKey, answer: &[ComponentCheck]) -> io::Result<()> {
        let stored: Vec<StoredComponent> = answer.iter().map(StoredComponent::from).collect();
        let stored = postcard::to_allocvec(&stored).map_err(io::Error::other)?;
        if stored.len() > MAX_BYTES {
            return Ok(());
        }
        let path = file_in(&self.folder);
        let before = fs::read(&path).unwrap_or_default();
        let before = entries(&before).unwrap_or_default();
        let others = before.into_iter().filter(|(other, _)| *other != key).take(KEPT - 1);
        let mut all = Vec::new();
        for (key, answer) in [(key, stored.as_slice())].into_iter().chain(others) {
            push_entry(&mut all, &key.0, answer);
        }
        let mut file = self.file;
        file.write_all(&seal(MAGIC, &all))?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    }
}

/// The answers in a file, the newest first; `None` if it is not whole.
fn entries(bytes: &[u8]) -> Option<Vec<(AnswerKey, &[u8])>> {
    let whole = sealed_at(MAGIC, bytes, 0)?;
    let mut entries = Vec::new();
    let mut at = whole.start;
    while let Some((key, place)) = entry_at(&bytes[..whole.end], at) {
        at = place.end;
        entries.push((AnswerKey(key), &bytes[place]));
    }
    Some(entries)
}

fn file_in(folder: &Path) -> PathBuf {
    folder.join("answers")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history, judge};
    use crate::check::{
        Code, Finding, Level, Location, SuppressedFinding, diverged_parts, run_rules,
    };
    use crate::script::Edit;
    use crate::tree::RepoPath;

    const LONG_AGO: Option<Duration> = Some(Duration::ZERO);

    fn sample(name: &str, notation: &str) -> ComponentCheck {
        let ours = history(notation);
        let judged = judge(&ours);
        let findings = run_rules(&judged);
        ComponentCheck {
            name: name.to_owned(),
            heads: ours.head_ids(),
            bases: ours.base_ids(),
            revisions: ours.scripts.len(),
            diverged: diverged_parts(&judged, &findings),
            findings,
            suppressed: Vec::new(),
            place: RepoPath::new("alembic.ini").expect("inside"),
            is_reviewed: true,
            sources: [(RepoPath::new("a ü.py").expect("inside"), b"\xff\0".to_vec().into())].into(),
        }
    }

    /// With all that a finding can have.
    fn suppressed() -> SuppressedFinding {
        let place = Location::at(RepoPath::new("a ü.py").expect("inside"), 3, &(6..9));
        let finding = Finding::new(Code(6), Level::Warning, "`x`\n")
            .at(place.clone())
            .labelled("here")
            .and_at(Location::file(place.path), "there")
            .help("run it")
            .mended_by(Some(Edit { span: 1..2, replacement: b"\xff".to_vec() }));
        let finding = Finding { is_new: false, ..finding };
        SuppressedFinding { finding, reason: Some("why".to_owned()) }
    }

    fn key(name: &str) -> AnswerKey {
        AnswerKey::of([name.as_bytes()])
    }

    fn keep(folder: &tempfile::TempDir, name: &str, answer: &[ComponentCheck]) {
        let cache = AnswerCache::new(folder.path());
        cache.begin().expect("writable").keep(key(name), answer, LONG_AGO);
    }

    fn find(folder: &tempfile::TempDir, name: &str) -> Option<Vec<ComponentCheck>> {
        AnswerCache::new(folder.path()).read()?.find(key(name))
    }

    #[test]
    fn what_was_said_is_said_again_word_for_word() {
        let folder = tempfile::tempdir().expect("a folder");
        let diverged = sample("default", "<base> -> a\na -> b\na -> c");
        assert!(!diverged.diverged.is_empty());
        let silent =
            ComponentCheck { suppressed: vec![suppressed()], ..sample("o", "<base> -> a") };
        let (one, both) = ([silent.clone()], [diverged, silent]);
        keep(&folder, "one", &one);
        keep(&folder, "both", &both);
        assert_eq!(find(&folder, "one").as_deref(), Some(one.as_slice()));
        assert_eq!(find(&folder, "both").as_deref(), Some(both.as_slice()));
        assert_eq!(find(&folder, "another"), None);
    }

    #[test]
    fn the_last_few_are_kept_and_none_is_too_long() {
        let folder = tempfile::tempdir().expect("a folder");
        let answer = |name: &str| vec![sample(name, "<base> -> a")];
        for at in 0..=KEPT {
            keep(&folder, &at.to_string(), &answer(&at.to_string()));
        }
        keep(&folder, "1", &answer("again"));
        let mut long = answer("long");
        long[0].name = "x".repeat(MAX_BYTES);
        keep(&folder, "long", &long);
        let found = |name: &str| Some(find(&folder, name)?[0].name.clone());
        assert_eq!(found("0"), None);
        assert_eq!(found("1").as_deref(), Some("again"));
        assert_eq!(found("8").as_deref(), Some("8"));
        assert_eq!(found("long"), None);
    }

    #[test]
    fn what_may_have_changed_since_is_not_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = AnswerCache::new(folder.path());
        let answer = [sample("default", "<base> -> a")];
        let begun = |cache: &AnswerCache| cache.begin().expect("writable");
        let made = |it: &Beginning| {
            let modified = it.file.as_file().metadata().expect("there").modified();
            modified.expect("a time").duration_since(UNIX_EPOCH).expect("after 1970")
        };
        for (before, is_kept) in
            [(Duration::ZERO, false), (TICK, false), (TICK + Duration::from_nanos(1), true)]
        {
            let beginning = begun(&cache);
            let changed = made(&beginning) - before;
            beginning.keep(key("it"), &answer, Some(changed));
            assert_eq!(find(&folder, "it").is_some(), is_kept);
        }
        let beginning = begun(&cache);
        let whole = Duration::from_secs(made(&beginning).as_secs() - 1);
        assert!(!beginning.is_surely_after(whole).expect("there"));
        assert!(beginning.is_surely_after(whole - COARSE_TICK).expect("there"));
    }

    #[test]
    fn a_damaged_file_says_nothing_and_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        let answer = [sample("default", "<base> -> a")];
        keep(&folder, "it", &answer);
        let path = file_in(&folder.path().join("dbm-git"));
        let whole = fs::read(&path).expect("written");
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, damaged).expect("written");
            assert_eq!(find(&folder, "it"), None, "byte {at}");
        }
        keep(&folder, "it", &answer);
        assert!(find(&folder, "it").is_some());
    }
}
