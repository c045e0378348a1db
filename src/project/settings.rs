//! The text of `dbm-git.toml`, or of `[tool.dbm-git]` in `pyproject.toml`, as
//! values. A key that nobody knows is an error: a misspelt one would be
//! followed by nobody.

use std::collections::BTreeMap;

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

/// The file as it was written.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RawSettings {
    upstream: Option<String>,
    #[serde(default)]
    protected: Vec<String>,
    strategy: Option<RawStrategy>,
    pre_push: Option<RawPrePush>,
    #[serde(default)]
    ignore: Vec<Spanned<RawIgnore>>,
    // What follows holds for every component that says nothing else.
    pub heads: Option<RawHeads>,
    pub ids: Option<RawIds>,
    pub alembic: Option<Vec<String>>,
    pub hint_unreachable: Option<String>,
    pub hint_after_migrate: Option<String>,
    #[serde(default)]
    components: BTreeMap<Spanned<String>, RawComponent>,
}

/// An `[[ignore]]` table as it was written.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct RawIgnore {
    codes: Vec<String>,
    paths: Option<Vec<String>>,
    reason: Option<String>,
}

/// A `[components.NAME]` table as it was written.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct RawComponent {
    pub config: Option<Spanned<String>>,
    pub section: Option<String>,
    pub script_location: Option<Spanned<String>>,
    pub version_locations: Option<Vec<Spanned<String>>>,
    pub recursive: Option<bool>,
    #[serde(default)]
    pub default: bool,
    pub heads: Option<RawHeads>,
    pub ids: Option<RawIds>,
    pub database_url: Option<String>,
    pub database_url_env: Option<String>,
    pub version_table: Option<String>,
    pub version_table_schema: Option<String>,
    pub alembic: Option<Vec<String>>,
    pub hint_unreachable: Option<String>,
    pub hint_after_migrate: Option<String>,
    pub lock_file: Option<Spanned<String>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawStrategy {
    Auto,
    Linear,
    Merge,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum RawPrePush {
    Warn,
    Strict,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RawHeads {
    Auto,
    Single,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RawIds {
    Auto,
    Sequential,
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
