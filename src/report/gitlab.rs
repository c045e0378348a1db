//! `check --format gitlab`: a Code Quality report, which GitLab shows in merge
//! requests. It knows no columns, and tells findings apart by fingerprint.

use serde::Serialize;

use super::placed::{Placed, placed};
use crate::check::Level;
use crate::ops::check::CheckOutcome;

/// The whole answer: a plain list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct GitlabReport {
    issues: Vec<Issue>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: IssueLocation,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct IssueLocation {
    path: String,
    lines: Lines,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Lines {
    begin: u32,
}

impl GitlabReport {
    /// Of all that a check found.
    pub fn new(outcome: &CheckOutcome) -> Self {
        Self { issues: placed(outcome).iter().map(Issue::of).collect() }
    }
}

impl Issue {
    fn of(placed: &Placed<'_>) -> Self {
        // GitLab shows the description alone, so it has to say what helps, too.
        let help = placed.help().map(|help| format!("; {help}"));
        Self {
            description: placed.message() + &help.unwrap_or_default(),
            check_name: placed.finding.code.to_string(),
            fingerprint: placed.fingerprint.clone(),
            severity: severity(placed.finding.level),
            location: IssueLocation {
                path: placed.place.path.as_str().to_owned(),
                lines: Lines { begin: placed.place.region.line },
            },
        }
    }
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::Error => "major",
        Level::Warning => "minor",
        Level::Note => "info",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{awkward, component, outcome};

    #[test]
    fn it_has_the_shape_that_gitlab_reads() {
        let json = serde_json::to_string_pretty(&GitlabReport::new(&awkward()));
        insta::assert_snapshot!(json.expect("serialisable"), @r#"
        [
          {
            "description": "the docstring says `Revision ID: x`, the code `b`; write `b` there",
            "check_name": "DBM013",
            "fingerprint": "03f35d8cf8eb02a4bb98fd4889795fb1f65e9b56038a54ee0e6b5d5a8985f401",
            "severity": "minor",
            "location": {
              "path": "versions/b.py",
              "lines": {
                "begin": 3
              }
            }
          },
          {
            "description": "the docstring says `Revises: y`, the code `a`; write `a` there",
            "check_name": "DBM013",
            "fingerprint": "d5c7ae9cf963f67b1c4f4eb37592faaa37542cbac160f4582d455a70892469dc",
            "severity": "minor",
            "location": {
              "path": "versions/b.py",
              "lines": {
                "begin": 4
              }
            }
          },
          {
            "description": "a `{x}`\\nand ]]>\\u{1b}[31m 100%: <b>|[y](1); run `git merge a|b`, then think",
            "check_name": "DBM006",
            "fingerprint": "9f2a8d6508af04a304c28223a96de57641d944f3152ffd0e23d9336ba48923fd",
            "severity": "major",
            "location": {
              "path": "a b/50%, ä:1.py",
              "lines": {
                "begin": 1
              }
            }
          },
          {
            "description": "nowhere",
            "check_name": "DBM009",
            "fingerprint": "9a0d0312c57049af46a9084c03eb678537091b03c1a0901276cc206b9a02f2af",
            "severity": "info",
            "location": {
              "path": "alembic.ini",
              "lines": {
                "begin": 1
              }
            }
          }
        ]
        "#);
    }

    #[test]
    fn without_findings_it_is_an_empty_list() {
        let json = serde_json::to_string(&GitlabReport::new(&outcome(vec![component("a", "")])));
        assert_eq!(json.expect("serialisable"), "[]");
    }
}
