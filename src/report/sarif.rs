//! `check --format sarif`: SARIF 2.1.0, the part of it that code scanning reads.
//! Paths are relative to the repository's root; columns count characters.

use std::collections::BTreeMap;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;

use super::check::level_name;
use super::escape::escaped;
use super::placed::{Place, Placed, placed};
use super::region::Region;
use crate::check::{RULES, Rule};
use crate::ops::check::CheckOutcome;

/// The name that stands for the repository's root.
const ROOT: &str = "SRCROOT";

/// The whole answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SarifReport {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    original_uri_base_ids: BTreeMap<&'static str, BaseId>,
    invocations: [Invocation; 1],
    results: Vec<SarifResult>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    rules: Vec<RuleDescriptor>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleDescriptor {
    id: String,
    name: String,
    short_description: Message,
    full_description: Message,
    help: Message,
    default_configuration: Configuration,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Configuration {
    level: &'static str,
}

/// A base whose place the reader knows; an absolute path would differ by machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct BaseId {
    description: Message,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_execution_notifications: Vec<Notification>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Notification {
    level: &'static str,
    message: Message,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult {
    rule_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Message,
    locations: [SarifLocation; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<SarifLocation>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fix>,
    properties: Properties,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Properties {
    component: String,
    new: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifLocation {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: SarifRegion,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactLocation {
    uri: String,
    uri_base_id: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifRegion {
    start_line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Fix {
    description: Message,
    artifact_changes: [ArtifactChange; 1],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange {
    artifact_location: ArtifactLocation,
    replacements: [Replacement; 1],
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: SarifRegion,
    inserted_content: Content,
}

/// Text of a file, as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Content {
    text: String,
}

/// Text for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
struct Message {
    text: String,
}

impl Message {
    /// `text` without what SARIF would take for a placeholder or a link.
    fn of(text: &str) -> Self {
        let text = text.replace('{', "{{").replace('}', "}}").replace("](", "\\](");
        Self { text }
    }

    /// What a rule says of itself, which has neither placeholders nor links.
    fn verbatim(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }
}

impl SarifReport {
    /// Of all that a check found, by `version` of this program.
    pub fn new(outcome: &CheckOutcome, version: &'static str) -> Self {
        let rules = RULES.iter().map(RuleDescriptor::of).collect();
        let root = BaseId { description: Message::of("the root of the repository") };
        let notification =
            |note: &String| Notification { level: "note", message: Message::of(&escaped(note)) };
        let run = Run {
            tool: Tool { driver: Driver { name: "dbm-git", semantic_version: version, rules } },
            column_kind: "unicodeCodePoints",
            original_uri_base_ids: BTreeMap::from([(ROOT, root)]),
            invocations: [Invocation {
                execution_successful: true,
                tool_execution_notifications: outcome.notes.iter().map(notification).collect(),
            }],
            results: placed(outcome).iter().map(SarifResult::of).collect(),
        };
        Self { schema: SCHEMA, version: "2.1.0", runs: [run] }
    }
}

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

impl RuleDescriptor {
    fn of(rule: &Rule) -> Self {
        let explanation = rule.explanation.trim();
        let first = explanation.split("\n\n").next().unwrap_or_default();
        Self {
            id: rule.code.to_string(),
            name: rule.name.replace(' ', "-"),
            short_description: Message::verbatim(rule.summary),
            full_description: Message::verbatim(first.replace('\n', " ")),
            help: Message::verbatim(explanation),
            default_configuration: Configuration { level: level_name(rule.level) },
        }
    }
}

impl SarifResult {
    fn of(placed: &Placed<'_>) -> Self {
        let finding = placed.finding;
        let help = placed.help().map(|help| format!("\nhelp: {help}"));
        let related = placed.related.iter().enumerate();
        let place = SarifLocation::of(&placed.place, None, finding.label.as_deref());
        Self {
            rule_id: finding.code.to_string(),
            rule_index: RULES.iter().position(|rule| rule.code == finding.code),
            level: level_name(finding.level),
            message: Message::of(&(placed.message() + &help.unwrap_or_default())),
            locations: [place],
            related_locations: related
                .map(|(at, (place, words))| SarifLocation::of(place, Some(at), Some(words)))
                .collect(),
            partial_fingerprints: BTreeMap::from([("dbmGit/v1", placed.fingerprint.clone())]),
            fixes: Fix::of(placed).into_iter().collect(),
            properties: Properties {
                component: placed.component.name.clone(),
                new: finding.is_new,
            },
        }
    }
}

impl SarifLocation {
    fn of(place: &Place<'_>, id: Option<usize>, words: Option<&str>) -> Self {
        Self {
            id,
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation::of(place),
                region: SarifRegion::of(&place.region),
            },
            message: words.map(|words| Message::of(&escaped(words))),
        }
    }
}

impl ArtifactLocation {
    fn of(place: &Place<'_>) -> Self {
        let uri = utf8_percent_encode(place.path.as_str(), NOT_IN_A_PATH).to_string();
        Self { uri, uri_base_id: ROOT }
    }
}

/// All but what RFC 3986 calls unreserved, and the slash.
const NOT_IN_A_PATH: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

impl SarifRegion {
    fn of(region: &Region) -> Self {
        Self {
            start_line: region.line,
            start_column: region.span.map(|(start, _)| start.column),
            end_line: region.span.map(|(_, end)| end.line),
            end_column: region.span.map(|(_, end)| end.column),
        }
    }
}

impl Fix {
    fn of(placed: &Placed<'_>) -> Option<Self> {
        let text = placed.replacement()?;
        Some(Self {
            description: Message::of(&placed.help().unwrap_or_default()),
            artifact_changes: [ArtifactChange {
                artifact_location: ArtifactLocation::of(&placed.place),
                replacements: [Replacement {
                    deleted_region: SarifRegion::of(&placed.place.region),
                    inserted_content: Content { text },
                }],
            }],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{awkward, component, outcome};

    fn run(outcome: &CheckOutcome) -> Run {
        let [run] = SarifReport::new(outcome, "1.2.3").runs;
        run
    }

    #[test]
    fn results_have_places_words_fingerprints_and_fixes() {
        let json = serde_json::to_string_pretty(&run(&awkward()).results);
        insta::assert_snapshot!(json.expect("serialisable"), @r#"
        [
          {
            "ruleId": "DBM013",
            "ruleIndex": 12,
            "level": "warning",
            "message": {
              "text": "the docstring says `Revision ID: x`, the code `b`\nhelp: write `b` there"
            },
            "locations": [
              {
                "physicalLocation": {
                  "artifactLocation": {
                    "uri": "versions/b.py",
                    "uriBaseId": "SRCROOT"
                  },
                  "region": {
                    "startLine": 3,
                    "startColumn": 14,
                    "endLine": 3,
                    "endColumn": 15
                  }
                }
              }
            ],
            "relatedLocations": [
              {
                "id": 0,
                "physicalLocation": {
                  "artifactLocation": {
                    "uri": "versions/b.py",
                    "uriBaseId": "SRCROOT"
                  },
                  "region": {
                    "startLine": 6,
                    "startColumn": 12,
                    "endLine": 6,
                    "endColumn": 15
                  }
                },
                "message": {
                  "text": "what alembic reads"
                }
              }
            ],
            "partialFingerprints": {
              "dbmGit/v1": "03f35d8cf8eb02a4bb98fd4889795fb1f65e9b56038a54ee0e6b5d5a8985f401"
            },
            "fixes": [
              {
                "description": {
                  "text": "write `b` there"
                },
                "artifactChanges": [
                  {
                    "artifactLocation": {
                      "uri": "versions/b.py",
                      "uriBaseId": "SRCROOT"
                    },
                    "replacements": [
                      {
                        "deletedRegion": {
                          "startLine": 3,
                          "startColumn": 14,
                          "endLine": 3,
                          "endColumn": 15
                        },
                        "insertedContent": {
                          "text": "b"
                        }
                      }
                    ]
                  }
                ]
              }
            ],
            "properties": {
              "component": "default",
              "new": true
            }
          },
          {
            "ruleId": "DBM013",
            "ruleIndex": 12,
            "level": "warning",
            "message": {
              "text": "the docstring says `Revises: y`, the code `a`\nhelp: write `a` there"
            },
            "locations": [
              {
                "physicalLocation": {
                  "artifactLocation": {
                    "uri": "versions/b.py",
                    "uriBaseId": "SRCROOT"
                  },
                  "region": {
                    "startLine": 4,
                    "startColumn": 10,
                    "endLine": 4,
                    "endColumn": 11
                  }
                }
              }
            ],
            "relatedLocations": [
              {
                "id": 0,
                "physicalLocation": {
                  "artifactLocation": {
                    "uri": "versions/b.py",
                    "uriBaseId": "SRCROOT"
                  },
                  "region": {
                    "startLine": 6,
                    "startColumn": 40,
                    "endLine": 6,
                    "endColumn": 43
                  }
                },
                "message": {
                  "text": "what alembic reads"
                }
              }
            ],
            "partialFingerprints": {
              "dbmGit/v1": "d5c7ae9cf963f67b1c4f4eb37592faaa37542cbac160f4582d455a70892469dc"
            },
            "fixes": [
              {
                "description": {
                  "text": "write `a` there"
                },
                "artifactChanges": [
                  {
                    "artifactLocation": {
                      "uri": "versions/b.py",
                      "uriBaseId": "SRCROOT"
                    },
                    "replacements": [
                      {
                        "deletedRegion": {
                          "startLine": 4,
                          "startColumn": 10,
                          "endLine": 4,
                          "endColumn": 11
                        },
                        "insertedContent": {
                          "text": "a"
                        }
                      }
                    ]
                  }
                ]
              }
            ],
            "properties": {
              "component": "default",
              "new": true
            }
          },
          {
            "ruleId": "DBM006",
            "ruleIndex": 5,
            "level": "error",
            "message": {
              "text": "a `{{x}}`\\nand ]]>\\u{{1b}}[31m 100%: <b>|[y\\](1)\nhelp: run `git merge a|b`, then think"
            },
            "locations": [
              {
                "physicalLocation": {
                  "artifactLocation": {
                    "uri": "a%20b/50%25%2C%20%C3%A4%3A1.py",
                    "uriBaseId": "SRCROOT"
                  },
                  "region": {
                    "startLine": 1,
                    "startColumn": 6,
                    "endLine": 1,
                    "endColumn": 9
                  }
                },
                "message": {
                  "text": "here"
                }
              }
            ],
            "relatedLocations": [
              {
                "id": 0,
                "physicalLocation": {
                  "artifactLocation": {
                    "uri": "a%20b/50%25%2C%20%C3%A4%3A1.py",
                    "uriBaseId": "SRCROOT"
                  },
                  "region": {
                    "startLine": 1
                  }
                },
                "message": {
                  "text": "and | there\\nyonder"
                }
              }
            ],
            "partialFingerprints": {
              "dbmGit/v1": "9f2a8d6508af04a304c28223a96de57641d944f3152ffd0e23d9336ba48923fd"
            },
            "properties": {
              "component": "o|d: d,%",
              "new": true
            }
          },
          {
            "ruleId": "DBM009",
            "ruleIndex": 8,
            "level": "note",
            "message": {
              "text": "nowhere"
            },
            "locations": [
              {
                "physicalLocation": {
                  "artifactLocation": {
                    "uri": "alembic.ini",
                    "uriBaseId": "SRCROOT"
                  },
                  "region": {
                    "startLine": 1
                  }
                }
              }
            ],
            "partialFingerprints": {
              "dbmGit/v1": "9a0d0312c57049af46a9084c03eb678537091b03c1a0901276cc206b9a02f2af"
            },
            "properties": {
              "component": "o|d: d,%",
              "new": false
            }
          }
        ]
        "#);
    }

    #[test]
    fn every_rule_is_described_and_results_point_to_their_rule() {
        let run = run(&awkward());
        assert_eq!(run.tool.driver.rules.len(), RULES.len());
        for result in &run.results {
            let index = result.rule_index.expect("a known rule");
            assert_eq!(run.tool.driver.rules[index].id, result.rule_id);
        }
        let json = serde_json::to_string_pretty(&run.tool.driver.rules[9]);
        insta::assert_snapshot!(json.expect("serialisable"), @r#"
        {
          "id": "DBM010",
          "name": "landed-revision-edited",
          "shortDescription": {
            "text": "the body of a landed revision was edited"
          },
          "fullDescription": {
            "text": "The revision is in upstream, and this branch, merged with upstream, would change what it does: anything outside of its header and docstring."
          },
          "help": {
            "text": "The revision is in upstream, and this branch, merged with upstream, would change what\nit does: anything outside of its header and docstring.\n\nWhy it matters\n  Alembic runs a revision once. Databases that have run it keep what the old text made,\n  new ones get what the new text makes, and nothing ever tells the difference.\n\nHow to mend it\n  Take the file back from upstream and write a new revision. Where the edit changes\n  nothing for a database (formatting, an import that is gone, a fix for a dialect that\n  nobody runs yet), leave it.\n\nExample\n  upstream:     op.add_column(\"users\", sa.Column(\"age\", sa.Integer()))\n  this branch:  op.add_column(\"users\", sa.Column(\"age\", sa.BigInteger()))"
          },
          "defaultConfiguration": {
            "level": "warning"
          }
        }
        "#);
    }

    #[test]
    fn without_findings_there_are_no_results_and_notes_are_kept() {
        let mut clean = outcome(vec![component("default", "<base> -> a")]);
        clean.notes.push("something {odd}".to_owned());
        let mut run = run(&clean);
        run.tool.driver.rules.clear();
        let json = serde_json::to_string_pretty(&run);
        insta::assert_snapshot!(json.expect("serialisable"), @r#"
        {
          "tool": {
            "driver": {
              "name": "dbm-git",
              "semanticVersion": "1.2.3",
              "rules": []
            }
          },
          "columnKind": "unicodeCodePoints",
          "originalUriBaseIds": {
            "SRCROOT": {
              "description": {
                "text": "the root of the repository"
              }
            }
          },
          "invocations": [
            {
              "executionSuccessful": true,
              "toolExecutionNotifications": [
                {
                  "level": "note",
                  "message": {
                    "text": "something {{odd}}"
                  }
                }
              ]
            }
          ],
          "results": []
        }
        "#);
    }
}
