//! The text of `dbm-git.toml`, or of `[tool.dbm-git]` in `pyproject.toml`, as
//! values. A key that nobody knows is an error: a misspelt one would be
//! followed by nobody.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use toml::Spanned;

use super::environment::PYPROJECT;
use super::error::ProjectError;
use super::ignored::{Ignored, PathPatterns};
use crate::plan::Strategy;
use crate::revision::HeadPolicy;
use crate::script::line_of;
use crate::tree::{RepoPath, Tree};

/// What holds for the whole repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// The ref that others build on, if configured.
    pub upstream: Option<String>,
    /// Globs of further refs whose scripts have landed (`origin/release/*`).
    pub protected: Vec<String>,
    pub strategy: Strategy,
    pub pre_push: PrePush,
    /// Findings that nobody wants to hear of.
    pub ignored: Vec<Ignored>,
    /// `dbm-git.toml` or `pyproject.toml`; `None` without any configuration.
    pub source: Option<RepoPath>,
}

/// Whether a push is blocked that would only diverge once merged (`pre-push`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PrePush {
    #[default]
    Warn,
    Strict,
}

/// `dbm-git.toml`, or `[tool.dbm-git]` in `pyproject.toml`. None is needed in a usual project.
// What is said of a key here is what the schema, the manual page and
// docs/configuration.md say of it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(title = "Configuration of dbm-git")]
pub struct RawSettings {
    /// The ref that others build on; without it, what `origin/HEAD` points at, and the like.
    #[schemars(example = &"origin/main")]
    upstream: Option<String>,
    /// Globs of further remote-tracking branches whose revisions nobody rewrites.
    #[serde(default)]
    #[schemars(example = ["origin/release/*"])]
    protected: Vec<String>,
    /// How diverged heads are resolved.
    #[schemars(extend("default" = "auto"))]
    strategy: Option<RawStrategy>,
    /// What `pre-push` does about a push that would diverge only once merged.
    #[schemars(extend("default" = "warn"))]
    pre_push: Option<RawPrePush>,
    /// Findings that nobody wants to hear of.
    #[serde(default)]
    #[schemars(with = "Vec<RawIgnore>")]
    ignore: Vec<Spanned<RawIgnore>>,
    // What follows holds for every component that says nothing else.
    /// Which heads are wanted, in every component that does not say so itself.
    #[schemars(extend("default" = "auto"))]
    pub heads: Option<RawHeads>,
    /// How revisions are numbered, in every component that does not say so itself.
    #[schemars(extend("default" = "auto"))]
    pub ids: Option<RawIds>,
    /// How alembic is run, for every component that does not say so itself; without it: `.venv`,
    /// `VIRTUAL_ENV`, the runner of a lock file, `PATH`.
    #[schemars(example = ["uv", "run", "alembic"])]
    pub alembic: Option<Vec<String>>,
    /// Shown when a database cannot be reached, for every component without a text of its own.
    #[schemars(example = &"docker compose up -d db")]
    pub hint_unreachable: Option<String>,
    /// Shown after `migrate`, for every component without a text of its own.
    #[schemars(example = &"restart the server")]
    pub hint_after_migrate: Option<String>,
    /// Whether `HEADS` in the version location names the head, in every component that does not say
    /// so itself: git itself then has a conflict where two branches add revisions.
    #[schemars(extend("default" = false))]
    pub lock_file: Option<bool>,
    /// Whether `check` reviews own revisions, too (DBM2xx: dropped columns, locks, a missing
    /// downgrade), in every component that does not say so itself.
    #[schemars(extend("default" = false))]
    pub review: Option<bool>,
    /// The Alembic environments, by name; without it they are found.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, RawComponent>")]
    #[schemars(extend("propertyNames" = {"pattern": "^\\S+$"}))]
    components: BTreeMap<Spanned<String>, RawComponent>,
}

/// An `[[ignore]]` table: findings that are not to be told.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Ignore")]
struct RawIgnore {
    /// The codes of the findings.
    #[schemars(example = ["DBM013"])]
    #[schemars(extend("minItems" = 1))]
    codes: Vec<String>,
    /// Globs of the files that they are in; without it, all files.
    #[schemars(example = ["migrations/versions/2019_*"])]
    paths: Option<Vec<String>>,
    /// Why nobody wants to hear of them; DBM017 asks for it.
    #[schemars(example = &"written by hand, before there was a template")]
    reason: Option<String>,
}

/// A `[components.NAME]` table: one Alembic environment.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[schemars(rename = "Component")]
#[schemars(extend("anyOf" = [
    {"required": ["config"]}, {"required": ["script-location"]}, {"required": ["version-locations"]},
]))]
pub struct RawComponent {
    /// The ini, or the `pyproject.toml`, that alembic is run with.
    #[schemars(with = "Option<String>", example = &"alembic.ini")]
    pub config: Option<Spanned<String>>,
    /// The section of the ini, as alembic's `-n` takes it.
    #[schemars(extend("default" = "alembic"))]
    pub section: Option<String>,
    /// The folder of `env.py`; without it, what `config` says.
    #[schemars(with = "Option<String>", example = &"src/shop/alembic")]
    pub script_location: Option<Spanned<String>>,
    /// Globs of the folders that hold the revisions; without it, what `config` says, else
    /// `versions` below the script location.
    #[schemars(with = "Option<Vec<String>>", example = ["shop/versions", "plugins/*/versions"])]
    #[schemars(extend("minItems" = 1))]
    pub version_locations: Option<Vec<Spanned<String>>>,
    /// Whether folders inside of the version locations count; without it, what `config` says.
    pub recursive: Option<bool>,
    /// Whether `migrate` and `create` take this component when none is named.
    #[serde(default)]
    pub default: bool,
    /// Which heads are wanted.
    #[schemars(extend("default" = "auto"))]
    pub heads: Option<RawHeads>,
    /// How revisions are numbered.
    #[schemars(extend("default" = "auto"))]
    pub ids: Option<RawIds>,
    /// The database, as SQLAlchemy writes it; without it, the ini's `sqlalchemy.url`.
    #[schemars(example = &"postgresql://localhost/shop")]
    pub database_url: Option<String>,
    /// The environment variable that holds the database's URL; it counts before `database-url`.
    #[schemars(example = &"SHOP_DATABASE_URL")]
    pub database_url_env: Option<String>,
    /// The version table; without it, what `env.py` names, else `alembic_version`.
    #[schemars(example = &"shop_version")]
    pub version_table: Option<String>,
    /// The schema of the version table; without it, what `env.py` names, else where the
    /// connection looks.
    #[schemars(example = &"shop")]
    pub version_table_schema: Option<String>,
    /// How alembic is run.
    #[schemars(example = ["uv", "run", "alembic"])]
    pub alembic: Option<Vec<String>>,
    /// Shown when the database cannot be reached; never run.
    #[schemars(example = &"docker compose up -d db")]
    pub hint_unreachable: Option<String>,
    /// Shown after `migrate`; never run.
    #[schemars(example = &"restart the server")]
    pub hint_after_migrate: Option<String>,
    /// Whether `HEADS` in the version location names the head, so that git itself has a conflict
    /// where two branches add revisions.
    #[schemars(extend("default" = false))]
    pub lock_file: Option<bool>,
    /// Whether `check` reviews own revisions, too (DBM2xx).
    #[schemars(extend("default" = false))]
    pub review: Option<bool>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum RawStrategy {
    /// Own revisions go on top of the landed ones; landed heads that diverged are merged.
    Auto,
    /// Never a merge revision.
    Linear,
    /// Never a re-pointed revision.
    Merge,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum RawPrePush {
    /// It says so and lets the push pass.
    Warn,
    /// It blocks the push.
    Strict,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawHeads {
    /// One head for each label and each version location.
    Auto,
    /// Any second head is an error, whatever its label.
    Single,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RawIds {
    /// As the project's revisions are.
    Auto,
    /// Own revisions are renumbered when they move.
    Sequential,
    /// An id is never changed.
    Random,
}

impl RawHeads {
    pub fn policy(self) -> HeadPolicy {
        match self {
            Self::Auto => HeadPolicy::Auto,
            Self::Single => HeadPolicy::Single,
        }
    }
}

impl RawIds {
    pub fn sequential(self) -> Option<bool> {
        match self {
            Self::Auto => None,
            Self::Sequential => Some(true),
            Self::Random => Some(false),
        }
    }
}

/// A configuration, the file it stands in and that file's text.
#[derive(Debug)]
pub struct Source {
    pub path: RepoPath,
    text: String,
    pub raw: RawSettings,
}

impl Source {
    /// The line of a span in the file.
    pub fn line(&self, span: std::ops::Range<usize>) -> Option<u32> {
        Some(line_of(self.text.as_bytes(), span.start))
    }

    /// The declared components with the line of their name, in the file's order.
    pub fn components(&self) -> Vec<(&str, Option<u32>, &RawComponent)> {
        let mut all: Vec<_> = self.raw.components.iter().collect();
        all.sort_by_key(|(name, _)| name.span().start);
        all.into_iter()
            .map(|(name, raw)| (name.get_ref().as_str(), self.line(name.span()), raw))
            .collect()
    }

    /// What holds for the whole repository.
    ///
    /// # Errors
    /// A pattern in `[[ignore]]` is no glob.
    pub fn settings(&self) -> Result<Settings, ProjectError> {
        let ignored = self.raw.ignore.iter().map(|table| self.ignored(table));
        Ok(Settings {
            ignored: ignored.collect::<Result<_, _>>()?,
            upstream: self.raw.upstream.clone(),
            protected: self.raw.protected.clone(),
            strategy: match self.raw.strategy {
                None | Some(RawStrategy::Auto) => Strategy::Auto,
                Some(RawStrategy::Linear) => Strategy::Linear,
                Some(RawStrategy::Merge) => Strategy::Merge,
            },
            pre_push: match self.raw.pre_push {
                None | Some(RawPrePush::Warn) => PrePush::Warn,
                Some(RawPrePush::Strict) => PrePush::Strict,
            },
            source: Some(self.path.clone()),
        })
    }

    fn ignored(&self, table: &Spanned<RawIgnore>) -> Result<Ignored, ProjectError> {
        let line = self.line(table.span()).unwrap_or(1);
        let start = table.span().start;
        let end = self.text[start..].find('\n').map_or(self.text.len(), |length| start + length);
        let RawIgnore { codes, paths, reason } = table.get_ref();
        let paths = paths.as_ref().map(|paths| PathPatterns::new(paths)).transpose();
        Ok(Ignored {
            codes: codes.clone(),
            paths: paths.map_err(|error| ProjectError::Invalid {
                file: self.path.clone(),
                line: Some(line),
                reason: error.to_string(),
            })?,
            reason: reason.clone().filter(|reason| !reason.trim().is_empty()),
            line,
            span: (start, end),
        })
    }
}

/// The configuration in `tree`, and a note if a second one is ignored.
///
/// `dbm-git.toml` wins over `pyproject.toml` as a whole, as with other tools
/// that read both: half of each would be nobody's configuration.
pub fn read_source(tree: &dyn Tree) -> Result<(Option<Source>, Option<String>), ProjectError> {
    let own = RepoPath::root().entry("dbm-git.toml");
    let shared = RepoPath::root().entry(PYPROJECT);
    let in_shared = match text_of(tree, &shared)? {
        // A pyproject.toml that is not ours to judge is left alone, broken or not.
        Some(text) if text.contains("dbm-git") => parse_pyproject(&shared, text),
        _ => Ok(None),
    };
    let Some(text) = text_of(tree, &own)? else { return Ok((in_shared?, None)) };
    let raw = toml::from_str(&text).map_err(|error| syntax_error(&own, &text, &error))?;
    let note = matches!(in_shared, Ok(Some(_)))
        .then(|| format!("`[tool.dbm-git]` in `{shared}` is ignored: there is a `{own}`"));
    Ok((Some(Source { path: own, text, raw }), note))
}

fn text_of(tree: &dyn Tree, path: &RepoPath) -> Result<Option<String>, ProjectError> {
    let Some(bytes) = tree.read(path)? else { return Ok(None) };
    String::from_utf8(bytes).map(Some).map_err(|error| ProjectError::Invalid {
        file: path.clone(),
        line: Some(line_of(error.as_bytes(), error.utf8_error().valid_up_to())),
        reason: "not UTF-8".to_owned(),
    })
}

fn parse_pyproject(path: &RepoPath, text: String) -> Result<Option<Source>, ProjectError> {
    #[derive(Deserialize)]
    struct Pyproject {
        #[serde(default)]
        tool: Tool,
    }
    #[derive(Default, Deserialize)]
    struct Tool {
        #[serde(rename = "dbm-git")]
        dbm_git: Option<RawSettings>,
    }
    let file: Pyproject =
        toml::from_str(&text).map_err(|error| syntax_error(path, &text, &error))?;
    Ok(file.tool.dbm_git.map(|raw| Source { path: path.clone(), text, raw }))
}

fn syntax_error(file: &RepoPath, text: &str, error: &toml::de::Error) -> ProjectError {
    let file = file.clone();
    let line = error.span().map(|span| line_of(text.as_bytes(), span.start));
    let what = ["field", "variant"]
        .into_iter()
        .find(|what| error.message().starts_with(&format!("unknown {what} `")));
    // serde's wording, pinned by a test: "unknown field `a`, expected one of `b`, `c`".
    let mut names = error.message().split('`').skip(1).step_by(2);
    match (what, names.next()) {
        (Some(what), Some(key)) => ProjectError::Unknown {
            file,
            line,
            what: if what == "field" { "key" } else { "value" },
            key: key.to_owned(),
            known: nearest(key, names),
        },
        _ => ProjectError::Invalid { file, line, reason: error.message().trim_end().to_owned() },
    }
}

fn nearest<'a>(key: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let plain = |text: &str| text.replace('_', "-").to_lowercase();
    known.min_by_key(|known| strsim::damerau_levenshtein(&plain(key), known)).map(str::to_owned)
}
