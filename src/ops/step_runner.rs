//! Runs the steps of a plan, each in a scratch project that holds exactly the
//! revision that is meant: alembic can then do nothing else.

use std::path::PathBuf;

use super::OpsError;
use super::database_target::{CHANGE, DatabaseTarget, QUESTION, Road, alembic_target, shown_url};
use super::host::Host;
use super::session::Session;
use super::target::project_files;
use crate::alembic::{
    AlembicError, Current, ModelComparison, ProjectFiles, ScratchProject, Target, Trouble,
    classify, compare_models, current, run_target,
};
use crate::database::{
    DatabaseError, DatabaseUrl, Dialect, Limits, Secret, VersionTable, replace_rows, schema_objects,
};
use crate::journal::{DatabaseStep, StepKind};
use crate::plan::{BodyHash, LedgerEntry, hash_of};
use crate::project::Component;
use crate::script::{SchemaObjects, standalone, stub};

/// Alembic and the database of one component.
#[derive(Clone, Debug)]
pub struct StepRunner {
    component: String,
    alembic: Target,
    files: ProjectFiles,
    /// Where scratch projects are laid out.
    scratch: PathBuf,
    /// Replaces the project's own URL, for trials.
    url: Option<String>,
}

/// The text of a script, by what it says.
pub type ScriptText<'a> = &'a mut dyn FnMut(&BodyHash) -> Result<Option<Vec<u8>>, OpsError>;

impl StepRunner {
    /// The component's runner.
    ///
    /// # Errors
    /// [`OpsError::NoAlembic`] if the project's alembic cannot be found.
    pub fn new(session: &Session, component: &Component, host: &Host) -> Result<Self, OpsError> {
        let mut alembic = alembic_target(session, component, host)
            .ok_or_else(|| OpsError::NoAlembic { component: component.name.clone() })?;
        alembic.lifeline = Some(lifeline(session));
        Ok(Self {
            component: component.name.clone(),
            alembic,
            files: project_files(session, component),
            scratch: session.repository.common_dir().join("dbm-git").join("scratch"),
            url: None,
        })
    }

    /// The same, against another database: a copy. `variable` is the one that
    /// the project takes its URL from, if any.
    pub fn against(mut self, url: &str, variable: Option<&str>) -> Self {
        self.url = Some(url.to_owned());
        if let Some(variable) = variable {
            self.alembic.environment.retain(|(name, _)| name != variable);
            self.alembic.environment.push((variable.to_owned(), url.to_owned()));
        }
        self
    }

    /// The same, with what alembic must not say of the other database.
    pub fn keeping(mut self, secrets: &[Secret]) -> Self {
        self.alembic = self.alembic.without(secrets.iter().map(|s| s.reveal().to_owned()));
        self
    }

    /// Whether alembic is really at `url`, in which it may meet `rows`: it may make
    /// its URL by itself, and then whatever it runs would run elsewhere.
    pub fn is_at(
        &self,
        url: &DatabaseUrl,
        table: &VersionTable,
        rows: &[String],
    ) -> Result<bool, OpsError> {
        let seen = self.seen_by_alembic(rows)?;
        let folder = &self.alembic.command.folder;
        let shown = seen.url.and_then(|shown| DatabaseUrl::parse(&shown, folder).ok());
        Ok(shown.is_some_and(|seen| {
            // On a server the name is nobody else's, however the server is called.
            seen.identity(table) == url.identity(table) || seen.has_the_name_of(url)
        }))
    }

    /// The command that runs alembic.
    pub fn alembic(&self) -> &Target {
        &self.alembic
    }

    /// Every write is confirmed on both roads: ours, and alembic's own, which
    /// must be at the same database and see the same rows.
    pub fn confirm(&self, target: &DatabaseTarget, rows: &[String]) -> Result<(), OpsError> {
        let seen = self.seen_by_alembic(rows)?;
        if seen.is_several {
            return Err(OpsError::SeveralDatabases { component: self.component.clone() });
        }
        let folder = &self.alembic.command.folder;
        let is_same = match (target.direct(), &seen.url) {
            (Some((url, table)), Some(shown)) => {
                let other = DatabaseUrl::parse(shown, folder);
                other.is_ok_and(|other| other.identity(table) == url.identity(table))
            }
            // Rows are all that there is to compare.
            _ => true,
        };
        let is_equivalent = is_same || is_likely_the_same(target, seen.url.as_deref(), rows);
        if seen.rows == rows && is_equivalent {
            return Ok(());
        }
        Err(OpsError::TwoRoads {
            component: self.component.clone(),
            ours: format!("`{}` is at {}", target.shown, super::shown(rows)),
            theirs: format!("`{}` is at {}", shown_url(&seen), super::shown(&seen.rows)),
        })
    }

    /// What alembic says of the database, whatever revisions it names: `rows`
    /// are those that are expected there.
    pub fn seen_by_alembic(&self, rows: &[String]) -> Result<Current, OpsError> {
        let mut known = rows.to_vec();
        loop {
            let scratch = self.scratch(&stubs(&known))?;
            let error = match current(scratch.target(), &[], QUESTION) {
                Ok(seen) => return Ok(seen),
                Err(error) => error,
            };
            match classify(&error) {
                // It is at another database, or that has moved: one more to know.
                Some(Trouble::RevisionNotFound { id }) if !known.contains(&id) => known.push(id),
                _ => return Err(error.into()),
            }
        }
    }

    /// Runs one step; the version rows are the caller's to check afterwards.
    pub fn run(
        &self,
        target: &DatabaseTarget,
        step: &DatabaseStep,
        script: ScriptText<'_>,
        line: &mut dyn FnMut(&str),
    ) -> Result<(), OpsError> {
        match (step.kind, &step.target) {
            (StepKind::SetRows, _) => self.set_rows(target, step, line),
            (StepKind::Upgrade | StepKind::Run, Some(to)) => {
                run_target(&self.alembic, &["upgrade", to], &[], CHANGE, line)?;
                Ok(())
            }
            (StepKind::Downgrade, Some(to)) => {
                run_target(&self.alembic, &["downgrade", to], &[], CHANGE, line)?;
                Ok(())
            }
            (StepKind::Downgrade, None) => self.one_down(step, script, line),
            (StepKind::Upgrade | StepKind::Run, None) => self.one_up(step, script, line),
        }
    }

    /// Everything up to the heads, with `scripts` for the project's own.
    pub fn upgrade_all(
        &self,
        scripts: &[(String, Vec<u8>)],
        line: &mut dyn FnMut(&str),
    ) -> Result<(), OpsError> {
        let scratch = self.scratch(scripts)?;
        run_target(scratch.target(), &["upgrade", "heads"], &[], CHANGE, line)?;
        Ok(())
    }

    /// What alembic's own comparison of the models with the database says, at the heads of
    /// `scripts`.
    pub fn compare_models(
        &self,
        scripts: &[(String, Vec<u8>)],
    ) -> Result<ModelComparison, AlembicError> {
        let scratch = self.scratch(scripts)?;
        compare_models(scratch.target(), CHANGE)
    }

    fn scratch(&self, scripts: &[(String, Vec<u8>)]) -> Result<ScratchProject, AlembicError> {
        let url = self.url.as_deref();
        ScratchProject::create(&self.scratch, &self.alembic, &self.files, scripts, url)
    }

    /// In one transaction, where we reach the database: alembic's
    /// `stamp --purge` empties the table first, and a kill would leave it so.
    fn set_rows(
        &self,
        target: &DatabaseTarget,
        step: &DatabaseStep,
        line: &mut dyn FnMut(&str),
    ) -> Result<(), OpsError> {
        match &target.road {
            Road::Direct { url, table } => {
                let (before, after) = (&step.rows_before, &step.rows_after);
                Ok(replace_rows(url, table, &Limits::default(), before, after)?)
            }
            Road::Alembic { .. } => {
                let mut rows = step.rows_before.clone();
                rows.extend(step.rows_after.iter().cloned());
                rows.sort();
                rows.dedup();
                let scratch = self.scratch(&stubs(&rows))?;
                let mut words = vec!["stamp", "--purge"];
                words.extend(step.rows_after.iter().map(String::as_str));
                if step.rows_after.is_empty() {
                    words.push("base");
                }
                run_target(scratch.target(), &words, &[], CHANGE, line)?;
                Ok(())
            }
        }
    }

    /// `v` above the rows that appear when it is gone, beside stubs of all others.
    fn one_down(
        &self,
        step: &DatabaseStep,
        script: ScriptText<'_>,
        line: &mut dyn FnMut(&str),
    ) -> Result<(), OpsError> {
        let Some(entry) = step.entries.first() else { return Ok(()) };
        let id = entry.revision.as_str();
        let appear: Vec<String> = missing_from(&step.rows_before, &step.rows_after);
        let others: Vec<String> = step.rows_before.iter().chain(&appear).cloned().collect();
        let scratch = self.beside(entry, &appear, &others, script)?;
        let to = format!("{id}@{}", appear.first().map_or("base", String::as_str));
        run_target(scratch.target(), &["downgrade", &to], &[], CHANGE, line)?;
        Ok(())
    }

    fn one_up(
        &self,
        step: &DatabaseStep,
        script: ScriptText<'_>,
        line: &mut dyn FnMut(&str),
    ) -> Result<(), OpsError> {
        let Some(entry) = step.entries.first() else { return Ok(()) };
        let vanish: Vec<String> = missing_from(&step.rows_after, &step.rows_before);
        let scratch = self.beside(entry, &vanish, &step.rows_before, script)?;
        let words = ["upgrade", entry.revision.as_str()];
        run_target(scratch.target(), &words, &[], CHANGE, line)?;
        Ok(())
    }

    /// A scratch project of `entry` on top of `down`, and stubs of all `others`.
    fn beside(
        &self,
        entry: &LedgerEntry,
        down: &[String],
        others: &[String],
        script: ScriptText<'_>,
    ) -> Result<ScratchProject, OpsError> {
        let bytes = script(&entry.body)?.ok_or_else(|| OpsError::NoScript {
            revision: entry.revision.clone(),
            path: entry.path.clone(),
        })?;
        let rows: Vec<String> =
            others.iter().filter(|row| row.as_str() != entry.revision.as_str()).cloned().collect();
        let mut scripts = stubs(&rows);
        let text = standalone(&bytes, &entry.revision, down);
        scripts.push((entry.path.file_name().to_owned(), text));
        Ok(self.scratch(&scripts)?)
    }
}

fn stubs(rows: &[String]) -> Vec<(String, Vec<u8>)> {
    rows.iter().enumerate().map(|(at, row)| (format!("dbm_git_stub_{at}.py"), stub(row))).collect()
}

/// The file that every alembic holds which may change a database.
pub fn lifeline(session: &Session) -> PathBuf {
    session.repository.common_dir().join("dbm-git").join("alembic")
}

/// What `other` has and `one` has not.
fn missing_from(one: &[String], other: &[String]) -> Vec<String> {
    other.iter().filter(|row| !one.contains(row)).cloned().collect()
}

/// `env.py` may reach the same server under another name: a socket for
/// `localhost`, a service's name. Then a kind of database and its name decide.
fn is_likely_the_same(target: &DatabaseTarget, shown: Option<&str>, rows: &[String]) -> bool {
    let (Some((url, _)), Some(shown)) = (target.direct(), shown) else { return false };
    !rows.is_empty()
        && target.is_local
        && url.file().is_none()
        && DatabaseUrl::parse(shown, &PathBuf::from("/"))
            .is_ok_and(|other| other.has_the_name_of(url))
}

/// The schema that a step is about to change; `None` where it cannot be read.
pub fn schema(target: &DatabaseTarget) -> Result<Option<SchemaObjects>, DatabaseError> {
    let Some((url, version_table)) = target.direct() else { return Ok(None) };
    let mut schema = schema_objects(url, &Limits::default())?;
    // Alembic makes it before anything else; its rows are looked at by themselves.
    schema.tables.retain(|table, _| {
        table.rsplit_once('.').map_or(table.as_str(), |(_, plain)| plain) != version_table.name
    });
    if url.dialect() == Dialect::MySql {
        // Qualified names are those of other databases, in which others are at work.
        schema.tables.retain(|table, _| !table.contains('.'));
    }
    Ok(Some(schema))
}

/// What tells whether a step has left traces: version rows and schema.
pub fn content(schema: Option<&SchemaObjects>, fingerprint: &str) -> String {
    let schema = schema.map_or_else(String::new, |schema| format!("{schema:?}"));
    hash_of([fingerprint.as_bytes(), schema.as_bytes()])
}
