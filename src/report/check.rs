//! `check --format json`: findings by component.

use schemars::JsonSchema;
use serde::Serialize;

use crate::check::{ComponentCheck, Finding, Level};
use crate::revision::RevisionId;

/// `check --format json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct CheckReport {
    pub version: u32,
    /// Whether nothing that was found fails the check.
    pub ok: bool,
    pub components: Vec<ComponentCheckReport>,
}

impl CheckReport {
    /// `is_strict` lets warnings count, too.
    pub fn new(components: Vec<ComponentCheckReport>, is_strict: bool) -> Self {
        let mut findings = components.iter().flat_map(|component| &component.findings);
        let ok = !findings.any(|finding| fails(finding.level, is_strict));
        Self { version: 1, ok, components }
    }
}

/// One component of a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ComponentCheckReport {
    pub name: String,
    pub heads: Vec<String>,
    pub bases: Vec<String>,
    /// How many there are.
    pub revisions: usize,
    pub findings: Vec<FindingReport>,
}

impl ComponentCheckReport {
    /// What is told of a component.
    pub fn new(checked: &ComponentCheck) -> Self {
        let texts = |ids: &[RevisionId]| ids.iter().map(RevisionId::to_string).collect();
        Self {
            name: checked.name.clone(),
            heads: texts(&checked.heads),
            bases: texts(&checked.bases),
            revisions: checked.revisions,
            findings: checked.findings.iter().map(FindingReport::from).collect(),
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct FindingReport {
    /// `dbm-git explain CODE` explains it.
    #[schemars(regex(pattern = "^DBM[0-9]{3}$"))]
    pub code: String,
    #[schemars(extend("enum" = ["error", "warning", "note"]))]
    pub level: &'static str,
    /// One sentence.
    pub message: String,
    /// Empty where no single file is meant.
    pub path: String,
    /// 1-based.
    pub line: u32,
    pub revisions: Vec<String>,
    /// What helps; empty if nothing is known to.
    pub help: String,
    /// Whether upstream does not have it already.
    pub new: bool,
}

impl From<&Finding> for FindingReport {
    fn from(finding: &Finding) -> Self {
        let place = finding.location.as_ref();
        Self {
            code: finding.code.to_string(),
            level: level_name(finding.level),
            message: finding.message.clone(),
            path: place.map(|l| l.path.as_str().to_owned()).unwrap_or_default(),
            line: place.map_or(1, |l| l.line),
            revisions: finding.revisions.iter().map(RevisionId::to_string).collect(),
            help: finding.help.clone().unwrap_or_default(),
            new: finding.is_new,
        }
    }
}

/// The level as every machine-readable format of ours spells it.
pub fn level_name(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    }
}

/// Whether a finding of this level fails a check.
pub fn fails(level: &str, is_strict: bool) -> bool {
    level == "error" || (is_strict && level == "warning")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::component;

    fn report(notation: &str, is_strict: bool) -> CheckReport {
        let checked = component("default", notation);
        CheckReport::new(vec![ComponentCheckReport::new(&checked)], is_strict)
    }

    #[test]
    fn the_json_has_the_published_shape() {
        let json = serde_json::to_string_pretty(&report("<base> -> a\na -> b\nx -> c", false));
        insta::assert_snapshot!(json.expect("serialisable"), @r#"
        {
          "version": 1,
          "ok": false,
          "components": [
            {
              "name": "default",
              "heads": [
                "b",
                "c"
              ],
              "bases": [
                "a"
              ],
              "revisions": 3,
              "findings": [
                {
                  "code": "DBM002",
                  "level": "error",
                  "message": "`c` follows `x`, which is not in the tree",
                  "path": "versions/c.py",
                  "line": 7,
                  "revisions": [
                    "c",
                    "x"
                  ],
                  "help": "fetch the branch that has it, or run `dbm-git rebase c --onto REVISION` to let it follow another one",
                  "new": true
                }
              ]
            }
          ]
        }
        "#);
    }

    #[test]
    fn only_errors_fail_and_warnings_where_they_are_asked_to() {
        let second_base = "<base> -> a\n<base> -> b\na, b -> m";
        assert!(report(second_base, false).ok);
        assert!(!report(second_base, true).ok);
        assert!(!report("x -> a", false).ok);
    }

    #[test]
    fn a_repeated_id_is_one_head() {
        assert_eq!(report("<base> -> a\na -> b\na -> b", false).components[0].heads, ["b"]);
    }
}
