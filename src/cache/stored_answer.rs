//! What a check said, as it is written down: mirrors of the core's types.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::check::{
    Code, ComponentCheck, DivergedPart, Finding, Level, Location, PartRevision, SuppressedFinding,
};
use crate::revision::RevisionId;
use crate::script::Edit;
use crate::tree::RepoPath;

#[derive(Serialize, Deserialize)]
pub(super) struct StoredComponent {
    name: String,
    heads: Vec<String>,
    bases: Vec<String>,
    revisions: usize,
    findings: Vec<StoredFinding>,
    suppressed: Vec<(StoredFinding, Option<String>)>,
    diverged: Vec<Vec<StoredRevision>>,
    place: String,
    is_reviewed: bool,
    sources: Vec<(String, Vec<u8>)>,
}

#[derive(Serialize, Deserialize)]
struct StoredFinding {
    code: u16,
    level: u8,
    message: String,
    location: Option<StoredLocation>,
    label: Option<String>,
    related: Vec<(StoredLocation, String)>,
    revisions: Vec<String>,
    help: Option<String>,
    fix: Option<(usize, usize, Vec<u8>)>,
    is_new: bool,
}

#[derive(Serialize, Deserialize)]
struct StoredLocation {
    path: String,
    line: u32,
    span: Option<(usize, usize)>,
}

#[derive(Serialize, Deserialize)]
struct StoredRevision {
    id: String,
    message: String,
    down: Vec<usize>,
    is_head: bool,
    is_landed: Option<bool>,
}

impl From<&ComponentCheck> for StoredComponent {
    fn from(checked: &ComponentCheck) -> Self {
        Self {
            name: checked.name.clone(),
            heads: texts(&checked.heads),
            bases: texts(&checked.bases),
            revisions: checked.revisions,
            findings: checked.findings.iter().map(StoredFinding::from).collect(),
            suppressed: checked
                .suppressed
                .iter()
                .map(|suppressed| ((&suppressed.finding).into(), suppressed.reason.clone()))
                .collect(),
            diverged: checked
                .diverged
                .iter()
                .map(|part| part.revisions.iter().map(StoredRevision::from).collect())
                .collect(),
            place: checked.place.as_str().to_owned(),
            is_reviewed: checked.is_reviewed,
            sources: checked
                .sources
                .iter()
                .map(|(path, bytes)| (path.as_str().to_owned(), bytes.to_vec()))
                .collect(),
        }
    }
}

impl StoredComponent {
    /// The component again; `None` where something in it can be none.
    pub(super) fn read(self) -> Option<ComponentCheck> {
        let all = |findings: Vec<StoredFinding>| -> Option<Vec<Finding>> {
            findings.into_iter().map(StoredFinding::read).collect()
        };
        let (suppressed, reasons): (Vec<_>, Vec<_>) = self.suppressed.into_iter().unzip();
        let suppressed = all(suppressed)?.into_iter().zip(reasons);
        let source = |(path, bytes): (String, Vec<u8>)| Some((RepoPath::new(&path)?, bytes.into()));
        let sources: Option<Vec<(RepoPath, Arc<Vec<u8>>)>> =
            self.sources.into_iter().map(source).collect();
        let parts = self.diverged.into_iter().map(|part| {
            let revisions = part.into_iter().map(StoredRevision::read).collect::<Option<_>>()?;
            Some(DivergedPart { revisions })
        });
        Some(ComponentCheck {
            name: self.name,
            heads: ids(self.heads)?,
            bases: ids(self.bases)?,
            revisions: self.revisions,
            findings: all(self.findings)?,
            suppressed: suppressed
                .map(|(finding, reason)| SuppressedFinding { finding, reason })
                .collect(),
            diverged: parts.collect::<Option<_>>()?,
            place: RepoPath::new(&self.place)?,
            is_reviewed: self.is_reviewed,
            sources: sources?.into_iter().collect(),
        })
    }
}

impl From<&Finding> for StoredFinding {
    fn from(finding: &Finding) -> Self {
        let related = finding.related.iter();
        Self {
            code: finding.code.0,
            level: match finding.level {
                Level::Note => 0,
                Level::Warning => 1,
                Level::Error => 2,
            },
            message: finding.message.clone(),
            location: finding.location.as_ref().map(StoredLocation::from),
            label: finding.label.clone(),
            related: related.map(|(place, words)| (place.into(), words.clone())).collect(),
            revisions: texts(&finding.revisions),
            help: finding.help.clone(),
            fix: finding
                .fix
                .as_ref()
                .map(|edit| (edit.span.start, edit.span.end, edit.replacement.clone())),
            is_new: finding.is_new,
        }
    }
}

impl StoredFinding {
    fn read(self) -> Option<Finding> {
        let related = self.related.into_iter();
        let related = related.map(|(place, words)| Some((place.read()?, words)));
        Some(Finding {
            code: Code(self.code),
            level: match self.level {
                0 => Level::Note,
                1 => Level::Warning,
                2 => Level::Error,
                _ => return None,
            },
            message: self.message,
            location: match self.location {
                Some(location) => Some(location.read()?),
                None => None,
            },
            label: self.label,
            related: related.collect::<Option<_>>()?,
            revisions: ids(self.revisions)?,
            help: self.help,
            fix: self.fix.map(|(start, end, replacement)| Edit { span: start..end, replacement }),
            is_new: self.is_new,
        })
    }
}

impl From<&Location> for StoredLocation {
    fn from(location: &Location) -> Self {
        let Location { path, line, span } = location;
        Self { path: path.as_str().to_owned(), line: *line, span: *span }
    }
}

impl StoredLocation {
    fn read(self) -> Option<Location> {
        let Self { path, line, span } = self;
        Some(Location { path: RepoPath::new(&path)?, line, span })
    }
}

impl From<&PartRevision> for StoredRevision {
    fn from(revision: &PartRevision) -> Self {
        Self {
            id: revision.id.to_string(),
            message: revision.message.clone(),
            down: revision.down.clone(),
            is_head: revision.is_head,
            is_landed: revision.is_landed,
        }
    }
}

impl StoredRevision {
    fn read(self) -> Option<PartRevision> {
        let Self { id, message, down, is_head, is_landed } = self;
        Some(PartRevision { id: RevisionId::new(id).ok()?, message, down, is_head, is_landed })
    }
}

fn texts(ids: &[RevisionId]) -> Vec<String> {
    ids.iter().map(RevisionId::to_string).collect()
}

fn ids(texts: Vec<String>) -> Option<Vec<RevisionId>> {
    texts.into_iter().map(|text| RevisionId::new(text).ok()).collect()
}
