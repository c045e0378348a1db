//! `check --format rdjson`: the Reviewdog Diagnostic Format. Its columns count
//! bytes of UTF-8, and the end of a range is exclusive.

use serde::Serialize;

use super::placed::{Place, Placed, placed};
use super::region::Position;
use crate::check::Level;
use crate::ops::check::CheckOutcome;

/// The whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RdjsonReport {
    source: Source,
    diagnostics: Vec<Diagnostic>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Source {
    name: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Diagnostic {
    message: String,
    location: DiagnosticLocation,
    severity: &'static str,
    code: DiagnosticCode,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suggestions: Vec<Suggestion>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct DiagnosticCode {
    value: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct DiagnosticLocation {
    path: String,
    range: Range,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Range {
    start: Point,
    #[serde(skip_serializing_if = "Option::is_none")]
    end: Option<Point>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Point {
    line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Suggestion {
    range: Range,
    text: String,
}

impl RdjsonReport {
    /// Of all that a check found.
    pub fn new(outcome: &CheckOutcome) -> Self {
        let diagnostics = placed(outcome).iter().map(Diagnostic::of).collect();
        Self { source: Source { name: "dbm-git" }, diagnostics }
    }
}

impl Diagnostic {
    fn of(placed: &Placed<'_>) -> Self {
        let suggestion = |text| Suggestion { range: Range::of(&placed.place), text };
        Self {
            message: placed.text(),
            location: DiagnosticLocation {
                path: placed.place.path.as_str().to_owned(),
                range: Range::of(&placed.place),
            },
            severity: severity(placed.finding.level),
            code: DiagnosticCode { value: placed.finding.code.to_string() },
            suggestions: placed.replacement().map(suggestion).into_iter().collect(),
        }
    }
}

impl Range {
    fn of(place: &Place<'_>) -> Self {
        let point = |at: Position| Point { line: at.line, column: Some(at.utf8_column) };
        match place.region.span {
            Some((start, end)) => Self { start: point(start), end: Some(point(end)) },
            None => Self { start: Point { line: place.region.line, column: None }, end: None },
        }
    }
}

fn severity(level: Level) -> &'static str {
    match level {
        Level::Error => "ERROR",
        Level::Warning => "WARNING",
        Level::Note => "INFO",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{awkward, component, outcome};

    #[test]
    fn it_has_the_shape_that_reviewdog_reads() {
        let json = serde_json::to_string_pretty(&RdjsonReport::new(&awkward()));
        insta::assert_snapshot!(json.expect("serialisable"), @r#"
        {
          "source": {
            "name": "dbm-git"
          },
          "diagnostics": [
            {
              "message": "the docstring says `Revision ID: x`, the code `b`\nversions/b.py:6:12: what alembic reads\nhelp: write `b` there",
              "location": {
                "path": "versions/b.py",
                "range": {
                  "start": {
                    "line": 3,
                    "column": 14
                  },
                  "end": {
                    "line": 3,
                    "column": 15
                  }
                }
              },
              "severity": "WARNING",
              "code": {
                "value": "DBM013"
              },
              "suggestions": [
                {
                  "range": {
                    "start": {
                      "line": 3,
                      "column": 14
                    },
                    "end": {
                      "line": 3,
                      "column": 15
                    }
                  },
                  "text": "b"
                }
              ]
            },
            {
              "message": "the docstring says `Revises: y`, the code `a`\nversions/b.py:6:40: what alembic reads\nhelp: write `a` there",
              "location": {
                "path": "versions/b.py",
                "range": {
                  "start": {
                    "line": 4,
                    "column": 10
                  },
                  "end": {
                    "line": 4,
                    "column": 11
                  }
                }
              },
              "severity": "WARNING",
              "code": {
                "value": "DBM013"
              },
              "suggestions": [
                {
                  "range": {
                    "start": {
                      "line": 4,
                      "column": 10
                    },
                    "end": {
                      "line": 4,
                      "column": 11
                    }
                  },
                  "text": "a"
                }
              ]
            },
            {
              "message": "a `{x}`\\nand ]]>\\u{1b}[31m 100%: <b>|[y](1)\na b/50%, ä:1.py:1: and | there\\nyonder\nhelp: run `git merge a|b`, then think",
              "location": {
                "path": "a b/50%, ä:1.py",
                "range": {
                  "start": {
                    "line": 1,
                    "column": 7
                  },
                  "end": {
                    "line": 1,
                    "column": 10
                  }
                }
              },
              "severity": "ERROR",
              "code": {
                "value": "DBM006"
              }
            },
            {
              "message": "nowhere\nnote: upstream has this already",
              "location": {
                "path": "alembic.ini",
                "range": {
                  "start": {
                    "line": 1
                  }
                }
              },
              "severity": "INFO",
              "code": {
                "value": "DBM009"
              }
            }
          ]
        }
        "#);
    }

    #[test]
    fn without_findings_there_are_no_diagnostics() {
        let json = serde_json::to_string(&RdjsonReport::new(&outcome(vec![component("a", "")])));
        let empty = r#"{"source":{"name":"dbm-git"},"diagnostics":[]}"#;
        assert_eq!(json.expect("serialisable"), empty);
    }
}
