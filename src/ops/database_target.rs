//! Which database a component means, and how it is reached: directly, by the
//! URL that somebody gave, or through alembic, where only `env.py` knows.

use std::time::Duration;

use super::OpsError;
use super::host::Host;
use super::session::Session;
use super::step_runner::StepRunner;
use super::target::{self, folder};
use crate::alembic::{Current, Target, classify};
use crate::database::{
    DatabaseError, DatabaseUrl, Limits, MissingFile, UrlParts, VersionTable, observe, secrets_in,
};
use crate::journal::Journal;
use crate::project::Component;
use crate::script::{EnvVersionTable, read_version_table};

/// How long alembic may take to say where a database is.
pub const QUESTION: Duration = Duration::from_secs(120);

/// How long alembic may take to change one.
pub const CHANGE: Duration = Duration::from_secs(4 * 60 * 60);

/// Where a component's database is.
#[derive(Clone, Debug)]
pub struct DatabaseTarget {
    pub road: Road,
    /// The URL as it may be shown.
    pub shown: String,
    /// A hash that tells databases apart.
    pub identity: String,
    /// On this machine, or on a host that this clone counts as such.
    pub is_local: bool,
}

/// How the version rows are reached.
#[derive(Clone, Debug)]
pub enum Road {
    Direct {
        url: Box<DatabaseUrl>,
        table: VersionTable,
    },
    /// `alembic current`: another dialect, or a URL that only `env.py` knows.
    Alembic {
        runner: Box<StepRunner>,
        /// What it said when the target was looked for.
        current: Current,
    },
}

impl DatabaseTarget {
    /// The URL, where it is known.
    pub fn direct(&self) -> Option<(&DatabaseUrl, &VersionTable)> {
        match &self.road {
            Road::Direct { url, table } => Some((url.as_ref(), table)),
            Road::Alembic { .. } => None,
        }
    }

    /// Refuses a database that is not on this machine, unless `host` says otherwise.
    ///
    /// # Errors
    /// [`OpsError::RemoteDatabase`].
    pub fn refuse_remote(&self, host: &Host) -> Result<(), OpsError> {
        if self.is_local || host.allow_remote {
            return Ok(());
        }
        Err(OpsError::RemoteDatabase { database: self.shown.clone() })
    }
}

/// Whether alembic may be run to find out which database is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// A hook: only what is known, or written in the ini.
    Never,
    /// Once, for a URL from an ini that nobody has confirmed yet.
    Once,
}

/// Finds a component's database: the command line, the component's variable,
/// the configuration, and the ini, which is believed once alembic has
/// confirmed it.
pub fn database_target(
    session: &Session,
    component: &Component,
    host: &Host,
    journal: Option<&mut Journal>,
    asking: Asking,
) -> Result<DatabaseTarget, OpsError> {
    let folder = folder(session, component);
    let given = host
        .database_url
        .clone()
        .or_else(|| component.database_url_env.as_deref().and_then(host.variable))
        .or_else(|| component.database_url.clone());
    if let Some(text) = given {
        return match DatabaseUrl::parse(&text, &folder) {
            Ok(url) => Ok(direct(session, component, url)),
            Err(error @ DatabaseError::UnsupportedDialect { .. }) => match asking {
                Asking::Never => Err(error.into()),
                Asking::Once => match ask(session, component, host, &[])? {
                    Some((_, found)) => Ok(found),
                    None => Err(error.into()),
                },
            },
            Err(error) => Err(error.into()),
        };
    }
    let ini = component.sqlalchemy_url.as_deref().map(|text| DatabaseUrl::parse(text, &folder));
    let ini = match ini {
        Some(Ok(url)) => Ok(url),
        Some(Err(error)) => Err(error),
        None => Err(DatabaseError::Unknown),
    };
    confirmed(session, component, host, journal, asking, ini)
}

/// The ini's database, unless alembic says that it uses another one.
fn confirmed(
    session: &Session,
    component: &Component,
    host: &Host,
    mut journal: Option<&mut Journal>,
    asking: Asking,
    ini: Result<DatabaseUrl, DatabaseError>,
) -> Result<DatabaseTarget, OpsError> {
    let files = deciding_files(session, component)?;
    let known = match journal.as_deref_mut() {
        Some(journal) => journal.confirmed_url(&component.name, &files).ok().flatten(),
        None => None,
    };
    if let (Asking::Never, Some(other)) = (asking, known.as_deref().filter(|a| !a.is_empty())) {
        return elsewhere(session, component, other);
    }
    let is_settled = known.is_some_and(|answer| answer.is_empty()) || asking == Asking::Never;
    let ini = match ini.map(|url| direct(session, component, url)) {
        // A hook only reads, and a wrong guess has a ledger of its own.
        Ok(target) if is_settled => return Ok(target),
        unsettled => unsettled,
    };
    let at_ini = ini.as_ref().ok().and_then(DatabaseTarget::direct);
    let rows = at_ini.and_then(|(url, table)| observe(url, table, &Limits::default()).ok());
    let rows = rows.map(|observation| observation.rows);
    let _missing = at_ini.map(|(url, _)| MissingFile::of(url));
    let asked = match asking {
        Asking::Never => Ok(None),
        Asking::Once => ask(session, component, host, rows.as_deref().unwrap_or_default()),
    };
    let is_empty = rows.as_ref().is_none_or(Vec::is_empty);
    let (answer, target) = match (asked, ini) {
        (Ok(Some((current, found))), Ok(target)) if is_same(&found, &target) => {
            if rows.is_some_and(|rows| rows != current.rows) {
                return Err(two_version_tables(component, &target, &current));
            }
            // An empty table says nothing about another one, which alembic may use.
            if is_empty && env_table(session, component).is_none() {
                return Ok(target);
            }
            (String::new(), target)
        }
        (Ok(Some((_, found))), _) => (found.shown.clone(), found),
        (Err(error @ OpsError::SeveralDatabases { .. }), _) => return Err(error),
        // Nobody to ask, or nobody who can tell: the ini's word stands.
        (Ok(None) | Err(_), Ok(target)) => return Ok(target),
        (Ok(None), Err(error)) => return Err(error.into()),
        (Err(error), Err(unusable)) => return Err(graver(error, unusable)),
    };
    if let Some(journal) = journal {
        // Not being able to remember costs a question next time.
        let _ = journal.confirm_url(&component.name, &files, &answer);
    }
    Ok(target)
}

/// The database that alembic was once seen to use instead of the ini's. It has
/// shown the URL without its password: that is enough for a file.
fn elsewhere(
    session: &Session,
    component: &Component,
    shown: &str,
) -> Result<DatabaseTarget, OpsError> {
    let url = DatabaseUrl::parse(shown, &folder(session, component))?;
    if url.file().is_none() {
        return Err(DatabaseError::Unknown.into());
    }
    Ok(direct(session, component, url))
}

/// Of alembic's failure and an ini without a usable URL, what tells more.
fn graver(alembic: OpsError, ini: DatabaseError) -> OpsError {
    match &alembic {
        OpsError::Alembic(error) if classify(error).is_none() => ini.into(),
        _ => alembic,
    }
}

/// Alembic sees other rows in the same database: its version table is another one.
fn two_version_tables(
    component: &Component,
    target: &DatabaseTarget,
    current: &Current,
) -> OpsError {
    let table = target.direct().map(|(_, table)| table.to_string()).unwrap_or_default();
    OpsError::TwoVersionTables {
        component: component.name.clone(),
        database: target.shown.clone(),
        table,
        theirs: super::shown(&current.rows),
    }
}

/// Whether alembic has named the database that the ini names, or none.
fn is_same(found: &DatabaseTarget, ini: &DatabaseTarget) -> bool {
    let is_silent = matches!(&found.road, Road::Alembic { current, .. } if current.url.is_none());
    is_silent || found.identity == ini.identity
}

fn direct(session: &Session, component: &Component, url: DatabaseUrl) -> DatabaseTarget {
    let table = version_table(session, component);
    DatabaseTarget {
        shown: url.shown().to_owned(),
        identity: url.identity(&table),
        is_local: url.is_local(&local_hosts(session)),
        road: Road::Direct { url: Box::new(url), table },
    }
}

/// What alembic says of the database, in which it may meet `rows`, and which one
/// that is; `None` where there is nobody to ask.
fn ask(
    session: &Session,
    component: &Component,
    host: &Host,
    rows: &[String],
) -> Result<Option<(Current, DatabaseTarget)>, OpsError> {
    let runner = match StepRunner::new(session, component, host) {
        Ok(runner) => runner,
        Err(OpsError::NoAlembic { .. }) => return Ok(None),
        Err(error) => return Err(error),
    };
    let current = runner.seen_by_alembic(rows)?;
    if current.is_several {
        return Err(OpsError::SeveralDatabases { component: component.name.clone() });
    }
    let shown = shown_url(&current);
    let parsed = DatabaseUrl::parse(&shown, &folder(session, component)).ok();
    // A file needs no password, so that what alembic shows is the whole URL.
    if let Some(url) = parsed.as_ref().filter(|url| url.file().is_some()) {
        return Ok(Some((current, direct(session, component, url.clone()))));
    }
    let table = version_table(session, component);
    let target = DatabaseTarget {
        identity: parsed.as_ref().map_or_else(|| shown.clone(), |url| url.identity(&table)),
        is_local: parsed.is_some_and(|url| url.is_local(&local_hosts(session))),
        road: Road::Alembic { runner: Box::new(runner), current: current.clone() },
        shown,
    };
    Ok(Some((current, target)))
}

/// The URL that alembic has shown, as it may be shown here: SQLAlchemy leaves
/// the secrets of the query in.
pub fn shown_url(current: &Current) -> String {
    match &current.url {
        Some(url) => UrlParts::parse(url).map_or_else(|| url.clone(), |parts| parts.shown()),
        None => "the database of env.py".to_owned(),
    }
}

/// Hosts that this clone counts as local: containers have names of their own.
fn local_hosts(session: &Session) -> Vec<String> {
    let hosts = session.repository.config("dbm-git.localHosts").unwrap_or_default();
    hosts.split([',', ' ']).filter(|host| !host.is_empty()).map(str::to_owned).collect()
}

/// The component's version table: the configuration's, else the one that is
/// written in `env.py`, else Alembic's own.
fn version_table(session: &Session, component: &Component) -> VersionTable {
    let env = env_table(session, component).unwrap_or_default();
    VersionTable {
        schema: component.version_table_schema.clone().or(env.schema),
        name: component
            .version_table
            .clone()
            .or(env.name)
            .unwrap_or_else(|| VersionTable::default().name),
    }
}

/// What `env.py` says of the version table, where it can be read.
fn env_table(session: &Session, component: &Component) -> Option<EnvVersionTable> {
    let tree = session.tree(&super::Source::WorkingTree).ok()?;
    let bytes = tree.read(&component.script_location.entry("env.py")).ok()??;
    read_version_table(&bytes)
}

/// A hash over the files that decide which database alembic uses.
fn deciding_files(session: &Session, component: &Component) -> Result<String, OpsError> {
    let tree = session.tree(&super::Source::WorkingTree)?;
    let mut pieces: Vec<Vec<u8>> = Vec::new();
    let config = component.config.as_ref().map(|config| config.path.clone());
    for path in config.into_iter().chain([component.script_location.entry("env.py")]) {
        pieces.push(tree.read(&path)?.unwrap_or_default());
    }
    Ok(crate::plan::hash_of(pieces.iter().map(Vec::as_slice)))
}

/// The component's alembic with what tells it its configuration, if there is any.
pub fn alembic_target(session: &Session, component: &Component, host: &Host) -> Option<Target> {
    let mut target = target::target(session, component, host).ok()?;
    // A URL that was given counts for alembic too, where env.py asks for it.
    if let (Some(url), Some(name)) = (&host.database_url, &component.database_url_env) {
        target.environment.push((name.clone(), url.clone()));
    }
    Some(target.without(secrets(component, host)))
}

/// What nobody may say of the URLs that a component's database may have.
pub fn secrets(component: &Component, host: &Host) -> Vec<String> {
    let written = [
        host.database_url.as_deref(),
        component.database_url.as_deref(),
        component.sqlalchemy_url.as_deref(),
    ];
    let from_variable = component.database_url_env.as_deref().and_then(host.variable);
    let texts = written.into_iter().flatten().chain(from_variable.as_deref());
    texts.flat_map(secrets_in).map(|secret| secret.reveal().to_owned()).collect()
}
