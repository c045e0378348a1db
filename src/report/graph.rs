//! `graph`: the revisions of each component, newest first; as JSON and as lanes.

use schemars::JsonSchema;
use serde::Serialize;

use super::escape::escaped_text;
use super::lanes::{LaneStyle, Selection, lane_rows, render_lanes, render_legend};
use crate::ops::graph::ComponentGraph;
use crate::revision::{Node, RevisionId};
use crate::script::History;

/// `graph --format json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct GraphReport {
    pub version: u32,
    pub components: Vec<ComponentGraphReport>,
}

impl GraphReport {
    /// Of these components.
    pub fn new(components: Vec<ComponentGraphReport>) -> Self {
        Self { version: 1, components }
    }
}

/// One component of a graph.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ComponentGraphReport {
    pub name: String,
    pub heads: Vec<String>,
    pub bases: Vec<String>,
    /// The newest first.
    pub revisions: Vec<RevisionReport>,
}

impl ComponentGraphReport {
    /// All of a component's history.
    pub fn new(graph: &ComponentGraph) -> Self {
        let ComponentGraph { name, history, landed } = graph;
        let landed = landed.as_deref();
        let texts = |ids: Vec<RevisionId>| ids.iter().map(RevisionId::to_string).collect();
        let newest_first = history.graph.topological().into_iter().rev();
        Self {
            name: name.clone(),
            heads: texts(history.head_ids()),
            bases: texts(history.base_ids()),
            revisions: newest_first
                .map(|node| RevisionReport::new(history, node, landed.map(|has| has[node])))
                .collect(),
        }
    }
}

/// One revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct RevisionReport {
    pub revision: String,
    pub down_revisions: Vec<String>,
    pub depends_on: Vec<String>,
    pub branch_labels: Vec<String>,
    pub path: String,
    /// Where `revision` is assigned, 1-based.
    pub line: u32,
    pub message: String,
    /// Null where nothing tells landed from own.
    pub landed: Option<bool>,
}

impl RevisionReport {
    fn new(history: &History, node: Node, landed: Option<bool>) -> Self {
        let revision = history.graph.revision(node);
        let script = history.script(node);
        Self {
            revision: revision.id.to_string(),
            down_revisions: texts(&revision.down_revisions),
            depends_on: texts(&revision.depends_on),
            branch_labels: texts(&revision.branch_labels),
            path: script.file.path.as_str().to_owned(),
            line: script.header.revision.as_ref().map_or(1, |field| field.line),
            message: revision.message.clone(),
            landed,
        }
    }
}

/// The lanes of each component below its name, and unless `quiet` what its glyphs mean.
pub fn render_graphs(
    drawn: &[(&ComponentGraph, Selection)],
    style: LaneStyle,
    quiet: bool,
) -> String {
    let mut text = String::new();
    for &(graph, selection) in drawn {
        if drawn.len() > 1 {
            text += &format!("{}\n", escaped_text(&graph.name));
        }
        let shown = lane_rows(&graph.history.graph, graph.landed.as_deref(), selection).rows;
        text += &render_lanes(&shown, style);
        let legend = render_legend(&shown, style);
        if !quiet && !legend.is_empty() {
            text += &format!("{legend}\n");
        }
    }
    text
}

fn texts<T: ToString>(names: &[T]) -> Vec<String> {
    names.iter().map(T::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::history;

    fn graph(history: History, landed: Option<Vec<bool>>) -> ComponentGraph {
        ComponentGraph { name: "default".to_owned(), history, landed }
    }

    #[test]
    fn the_json_has_the_published_shape() {
        let ours = history("<base> -> a (shop), first\na (shop) -> b");
        let landed = [true, false];
        let component = ComponentGraphReport::new(&graph(ours, Some(landed.to_vec())));
        let json = serde_json::to_string_pretty(&GraphReport::new(vec![component]));
        insta::assert_snapshot!(json.expect("serialisable"), @r#"
        {
          "version": 1,
          "components": [
            {
              "name": "default",
              "heads": [
                "b"
              ],
              "bases": [
                "a"
              ],
              "revisions": [
                {
                  "revision": "b",
                  "down_revisions": [
                    "a"
                  ],
                  "depends_on": [
                    "shop"
                  ],
                  "branch_labels": [],
                  "path": "versions/b.py",
                  "line": 6,
                  "message": "Revision ID: b Revises: a",
                  "landed": false
                },
                {
                  "revision": "a",
                  "down_revisions": [],
                  "depends_on": [],
                  "branch_labels": [
                    "shop"
                  ],
                  "path": "versions/a.py",
                  "line": 6,
                  "message": "first",
                  "landed": true
                }
              ]
            }
          ]
        }
        "#);
    }

    #[test]
    fn without_an_upstream_nothing_is_known_to_have_landed() {
        let component = ComponentGraphReport::new(&graph(history("<base> -> a"), None));
        assert_eq!(component.revisions[0].landed, None);
    }
}
