//! Histories and findings in the domain's notation, for the rules' tests.

use std::collections::HashSet;
use std::sync::Arc;

use super::{Finding, Judged, LandedView, Rule};
use crate::revision::{Revision, RevisionId, parse_history};
use crate::script::{History, ParseFailure, Parsed, ScriptFile, parse_script};
use crate::tree::RepoPath;

/// Scripts in `versions/`, one per line of the notation.
pub fn history(notation: &str) -> History {
    history_of(&files_in("versions", notation))
}

/// Scripts in several version locations: folder, notation.
pub fn history_in(folders: &[(&str, &str)]) -> History {
    let files: Vec<(String, String)> =
        folders.iter().flat_map(|(folder, notation)| files_in(folder, notation)).collect();
    history_of(&files)
}

/// `notation` in `versions/`, and beside it files as they are written.
pub fn history_and(notation: &str, files: &[(&str, &str)]) -> History {
    let mut all = files_in("versions", notation);
    all.extend(files.iter().map(|(path, source)| ((*path).to_owned(), (*source).to_owned())));
    history_of(&all)
}

fn history_of(files: &[(String, String)]) -> History {
    let mut folders: Vec<RepoPath> = Vec::new();
    let parsed = files
        .iter()
        .map(|(path, source)| {
            let path = RepoPath::new(path).expect("a path inside");
            let folder = path.folder();
            let location = folders.iter().position(|f| *f == folder).unwrap_or_else(|| {
                folders.push(folder);
                folders.len() - 1
            });
            let bytes = Arc::new(source.clone().into_bytes());
            let parsed: Result<Parsed, ParseFailure> = parse_script(&bytes);
            (ScriptFile { path, location, bytes }, parsed)
        })
        .collect();
    History::build(parsed, Vec::new())
}

/// One file per revision; a second one of the same id gets a `_2`.
fn files_in(folder: &str, notation: &str) -> Vec<(String, String)> {
    let mut taken = HashSet::new();
    parse_history(notation)
        .expect("notation")
        .iter()
        .map(|revision| {
            let mut name = revision.id.to_string();
            while !taken.insert(name.clone()) {
                name += "_2";
            }
            (format!("{folder}/{name}.py"), source_of(revision))
        })
        .collect()
}

/// A script as Alembic's template writes it, docstring included.
pub fn source_of(revision: &Revision) -> String {
    let downs: Vec<&str> = revision.down_revisions.iter().map(RevisionId::as_str).collect();
    format!(
        "\"\"\"{}\n\nRevision ID: {id}\nRevises: {}\n\"\"\"\nrevision = '{id}'\n\
         down_revision = {}\nbranch_labels = {}\ndepends_on = {}\n\n\n\
         def upgrade():\n    op.create('{id}')\n",
        revision.message,
        downs.join(", "),
        value(&downs),
        value(&revision.branch_labels.iter().map(|l| l.as_str()).collect::<Vec<_>>()),
        value(&revision.depends_on.iter().map(|d| d.as_str()).collect::<Vec<_>>()),
        id = revision.id,
    )
}

fn value(names: &[&str]) -> String {
    match names {
        [] => "None".to_owned(),
        [one] => format!("'{one}'"),
        many => {
            format!("({})", many.iter().map(|n| format!("'{n}'")).collect::<Vec<_>>().join(", "))
        }
    }
}

/// The version locations of [`history`].
pub fn locations() -> &'static [RepoPath] {
    static LOCATIONS: std::sync::LazyLock<Vec<RepoPath>> = std::sync::LazyLock::new(|| {
        ["versions", "plugin"].map(|path| RepoPath::new(path).expect("a path inside")).to_vec()
    });
    &LOCATIONS
}

/// The history by itself.
pub fn judge(history: &History) -> Judged<'_> {
    Judged::alone(history, locations())
}

/// The history against `origin/main`, whose merge with it is `preview`.
pub fn with_upstream<'a>(
    history: &'a History,
    landed: &'a History,
    preview: &'a History,
) -> Judged<'a> {
    let upstream = LandedView {
        name: "origin/main",
        history: landed,
        preview,
        conflicts: &[],
        lock_file: None,
    };
    Judged { upstream: Some(upstream), ..judge(history) }
}

/// What a rule says, one finding per paragraph.
pub fn shown(rule: &Rule, judged: &Judged<'_>) -> String {
    rule.run_on(judged).iter().map(render).collect()
}

fn render(finding: &Finding) -> String {
    let ids: Vec<&str> = finding.revisions.iter().map(RevisionId::as_str).collect();
    let known = if finding.is_new { "" } else { " (known)" };
    let place =
        finding.location.as_ref().map_or("-".to_owned(), |l| format!("{}:{}", l.path, l.line));
    let label = finding.label.as_ref().map_or(String::new(), |label| format!(" ({label})"));
    let mut text = format!("{:?}{known}: {}\n", finding.level, finding.message);
    text += &format!("  [{}] at {place}{label}\n", ids.join(" "));
    for (location, words) in &finding.related {
        text += &format!("  and {}:{} ({words})\n", location.path, location.line);
    }
    if let Some(help) = &finding.help {
        text += &format!("  help: {help}\n");
    }
    text
}
