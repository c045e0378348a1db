//! A component: one Alembic environment, resolved to places in the repository.

use crate::revision::HeadPolicy;
use crate::script::FileTemplate;
use crate::tree::RepoPath;

/// The configuration file a component was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigSource {
    /// `alembic.ini`, `pyproject.toml`, …
    pub path: RepoPath,
    /// The ini section, `alembic` unless `-n` names another.
    pub section: String,
}

/// One Alembic environment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Component {
    pub name: String,
    /// `None` for one declared (or found) by its script location alone.
    pub config: Option<ConfigSource>,
    pub script_location: RepoPath,
    /// In Alembic's order; never empty. Need not exist.
    pub version_locations: Vec<RepoPath>,
    pub recursive: bool,
    pub sourceless: bool,
    pub file_template: FileTemplate,
    /// What `migrate` and `create` take when none is named.
    pub is_default: bool,
    pub heads: HeadPolicy,
    /// Whether `ids = "sequential"` (`Some(true)`), `"random"` (`Some(false)`) or to be detected.
    pub sequential_ids: Option<bool>,
    /// The folder alembic has to be run in.
    pub working_folder: RepoPath,
    /// The command that runs alembic, if configured (`["uv", "run", "alembic"]`).
    pub alembic_command: Option<Vec<String>>,
    /// `database-url-env` of the configuration.
    pub database_url_env: Option<String>,
    /// `database-url` of the configuration.
    pub database_url: Option<String>,
    /// `version-table`: the name that `env.py` gives the table, if not Alembic's own.
    pub version_table: Option<String>,
    /// `version-table-schema`: the schema of that table, if not one that the connection searches.
    pub version_table_schema: Option<String>,
    /// `hint-unreachable`: what the project says when the database does not answer.
    pub hint_unreachable: Option<String>,
    /// `hint-after-migrate`: what the project says after a change of the database.
    pub hint_after_migrate: Option<String>,
    /// `review`: whether `check` reviews own revisions.
    pub is_reviewed: bool,
    /// `lock-file`: the file that names the heads, so that git sees two of them as a conflict.
    pub lock_file: Option<RepoPath>,
    /// `sqlalchemy.url` of the ini, after interpolation.
    pub sqlalchemy_url: Option<String>,
}
