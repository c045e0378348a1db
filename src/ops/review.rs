//! What the review of own revisions has to know: which those are, what kind of
//! database they are for, and what the repository itself has to import.

use std::collections::BTreeSet;

use super::OpsError;
use super::check::configured;
use super::session::Session;
use super::standing::{landed_nodes, landed_refs};
use crate::check::{DatabaseKind, Judged, ReviewScope, Told, told_of_review};
use crate::project::Component;
use crate::revision::Node;
use crate::script::History;
use crate::tree::{Entry, EntryKind, RepoPath, Tree, TreeError};

/// Whether own revisions are reviewed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Review {
    #[default]
    Never,
    /// Where the configuration says so.
    AsConfigured,
    Always,
}

impl Review {
    /// Whether the component's own revisions are.
    pub fn covers(self, component: &Component) -> bool {
        match self {
            Self::Never => false,
            Self::AsConfigured => component.is_reviewed,
            Self::Always => true,
        }
    }
}

/// All that the review of one component wants to know.
#[derive(Clone, Debug)]
pub struct ReviewFacts {
    nodes: Vec<Node>,
    database: Option<DatabaseKind>,
    placeholder: Option<DatabaseKind>,
    modules: BTreeSet<String>,
    script_location: RepoPath,
}

impl ReviewFacts {
    /// Of these revisions.
    pub fn of(
        session: &Session,
        component: &Component,
        nodes: Vec<Node>,
    ) -> Result<Self, OpsError> {
        let configured = component.database_url.as_deref().and_then(kind_of);
        let in_ini = component.sqlalchemy_url.as_deref().and_then(kind_of);
        // A SQLite file in the ini is often a stand-in for what `env.py` puts there.
        let is_firm = in_ini != Some(DatabaseKind::Sqlite);
        Ok(Self {
            nodes,
            database: configured.or(in_ini.filter(|_| is_firm)),
            placeholder: in_ini,
            modules: modules(session, component)?,
            script_location: component.script_location.clone(),
        })
    }

    /// Of the revisions of a history that have not landed.
    pub fn of_own(
        session: &Session,
        component: &Component,
        history: &History,
    ) -> Result<Self, OpsError> {
        let landed = landed_nodes(session, component, history, &landed_refs(session)?)?;
        let nodes = (0..history.scripts.len()).filter(|node| !landed.contains(node)).collect();
        Self::of(session, component, nodes)
    }

    /// As the rules take it.
    pub fn scope(&self) -> ReviewScope<'_> {
        ReviewScope {
            nodes: &self.nodes,
            database: self.database,
            placeholder: self.placeholder,
            modules: &self.modules,
            script_location: &self.script_location,
        }
    }
}

/// The review of some revisions of a history, by itself.
pub fn review_of(
    session: &Session,
    component: &Component,
    history: &History,
    nodes: Vec<Node>,
) -> Result<Told, OpsError> {
    let facts = ReviewFacts::of(session, component, nodes)?;
    let judged = Judged {
        review: Some(facts.scope()),
        ..Judged::alone(history, &component.version_locations)
    };
    Ok(told_of_review(&judged, &configured(session, history)))
}

/// What decides about a review beside the scripts and the configuration.
pub fn surroundings(session: &Session, component: &Component) -> Result<String, OpsError> {
    Ok(format!("{:?} {:?}", landed_refs(session)?, modules(session, component)?))
}

/// The kind of database that a URL of SQLAlchemy names; `None` for Alembic's own
/// `driver://`, and for what something else fills in.
fn kind_of(url: &str) -> Option<DatabaseKind> {
    let (scheme, _) = url.split_once("://")?;
    let dialect = scheme.split('+').next().unwrap_or(scheme);
    match dialect {
        "postgresql" | "postgres" => Some(DatabaseKind::Postgres),
        "mysql" | "mariadb" => Some(DatabaseKind::MySql),
        "sqlite" => Some(DatabaseKind::Sqlite),
        "driver" => None,
        _ if dialect.chars().all(|c| c.is_ascii_alphanumeric()) => Some(DatabaseKind::Other),
        _ => None,
    }
}

/// The names that Python would find in the repository: in its root, in `src`, and
/// in the folders that the script location lies in.
fn modules(session: &Session, component: &Component) -> Result<BTreeSet<String>, OpsError> {
    let tree = session.tree(&session.source)?;
    let source = RepoPath::root().entry("src");
    let mut folders = BTreeSet::from([RepoPath::root(), component.working_folder.clone()]);
    let mut above = component.script_location.clone();
    while !above.is_root() {
        above = above.folder();
        folders.insert(above.clone());
    }
    folders.remove(&source);
    let mut names = BTreeSet::new();
    for folder in folders {
        let entries = tree.list(&folder)?.unwrap_or_default();
        // What is inside of a package is imported through it.
        if !folder.is_root() && entries.iter().any(|entry| entry.name == "__init__.py") {
            continue;
        }
        for entry in entries {
            names.extend(module(tree.as_ref(), &folder, &entry)?);
        }
    }
    // There every folder is meant to be imported, with files of its own or without.
    for entry in tree.list(&source)?.unwrap_or_default() {
        names.insert(entry.name.trim_end_matches(".py").to_owned());
    }
    // A folder of that name is the migrations' own.
    for library in ["alembic", "sqlalchemy"] {
        names.remove(library);
    }
    Ok(names)
}

/// The name that an entry is imported by: a file of Python, or a folder that has one.
fn module(tree: &dyn Tree, folder: &RepoPath, entry: &Entry) -> Result<Option<String>, TreeError> {
    let is_python = |entry: &Entry| entry.name.ends_with(".py");
    if entry.kind != EntryKind::Folder {
        return Ok(entry.name.strip_suffix(".py").map(str::to_owned));
    }
    if entry.name.starts_with('.') {
        return Ok(None);
    }
    let is_package = tree.has_entry(&folder.entry(&entry.name), &is_python)?;
    Ok(is_package.then(|| entry.name.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_tells_the_kind_of_its_database() {
        for (url, kind) in [
            ("postgresql+asyncpg://u:p@h/d", Some(DatabaseKind::Postgres)),
            ("mariadb+pymysql://h/d", Some(DatabaseKind::MySql)),
            ("sqlite:///app.db", Some(DatabaseKind::Sqlite)),
            ("mssql+pyodbc://h/d", Some(DatabaseKind::Other)),
            ("driver://user:pass@localhost/dbname", None),
            ("${DATABASE_URL}", None),
            ("%(scheme)s://h/d", None),
        ] {
            assert_eq!(kind_of(url), kind, "{url}");
        }
    }
}
