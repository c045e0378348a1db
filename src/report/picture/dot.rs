//! `graph --format dot`: the language of Graphviz. Bases stand below, arrows
//! lead to what follows, as in `a -> b`.

use super::model::shortened;
use super::{Item, Picture};

/// Longer messages are cut.
const MESSAGE: usize = 40;

/// Writes one cluster per component.
pub fn render_dot(pictures: &[Picture]) -> String {
    let mut text = "digraph history {\n  rankdir=BT;\n  charset=\"UTF-8\";\n  \
                    node [fontname=\"monospace\", fontsize=10, style=filled, fillcolor=white];\n  \
                    edge [arrowsize=0.6];\n"
        .to_owned();
    for (index, picture) in pictures.iter().enumerate() {
        text += &cluster(index, picture);
    }
    text + "}\n"
}

fn cluster(index: usize, picture: &Picture) -> String {
    let mut text = format!("  subgraph cluster_{index} {{\n    label={};\n", quoted(&picture.name));
    let name = |row: usize| format!("r{index}_{row}");
    let mut arrows = String::new();
    let mut leaves_out = false;
    for (row, item) in picture.items.iter().enumerate() {
        let me = name(row);
        text += &format!("    {me} [{}];\n", attributes(item));
        for &down in &item.downs {
            leaves_out |= down >= picture.items.len();
            let from = name(down.min(picture.items.len()));
            arrows += &format!("    {from} -> {me};\n");
        }
        for &below in &item.dependencies {
            arrows += &format!("    {} -> {me} [style=dashed, constraint=false];\n", name(below));
        }
    }
    if leaves_out {
        let older = quoted(&format!("… {} older …", picture.left_out));
        text += &format!("    {} [shape=plaintext, label={older}];\n", name(picture.items.len()));
    }
    text + &arrows + "  }\n"
}

/// Boxes for what has landed, hexagons for own work, a second line around heads.
fn attributes(item: &Item) -> String {
    let mut lines = vec![item.id.clone()];
    lines.extend(item.labels.iter().map(|label| format!("({label})")));
    if !item.message.is_empty() {
        lines.push(shortened(&item.message, MESSAGE));
    }
    let (shape, color) = match (item.is_run(), item.mark.has_landed) {
        (true, _) => ("plaintext", "#ffffff"),
        (_, Some(false)) => ("hexagon", "#d7f5dd"),
        (_, Some(true)) => ("box", "#dcebff"),
        (_, None) => ("box", "#f0f2f5"),
    };
    let outlines = match (item.is_run(), item.mark.is_head) {
        (true, _) => 0,
        (_, true) => 2,
        (_, false) => 1,
    };
    format!(
        "shape={shape}, fillcolor=\"{color}\", peripheries={outlines}, label={}, tooltip={}",
        quoted(&lines.join("\n")),
        quoted(&item.details())
    )
}

/// A quoted string. Graphviz reads backslashes in labels, and entities as HTML does.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => out += "\\\"",
            '\\' => out += "\\\\",
            '\n' => out += "\\n",
            '&' => out += "&amp;",
            other => out.push(other),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::super::model::testing::{FULL, picture};
    use super::*;
    use crate::report::lanes::Selection;

    #[test]
    fn a_small_history_is_written() {
        let full = picture(FULL, &["f", "x"], Selection::default());
        insta::assert_snapshot!(render_dot(&[full]), @r##"
        digraph history {
          rankdir=BT;
          charset="UTF-8";
          node [fontname="monospace", fontsize=10, style=filled, fillcolor=white];
          edge [arrowsize=0.6];
          subgraph cluster_0 {
            label="default";
            r0_0 [shape=hexagon, fillcolor="#d7f5dd", peripheries=2, label="x\nother", tooltip="versions/x.py\ndown revision: <base>\ndepends on: c"];
            r0_1 [shape=hexagon, fillcolor="#d7f5dd", peripheries=2, label="f\nours", tooltip="versions/f.py\ndown revision: m"];
            r0_2 [shape=box, fillcolor="#dcebff", peripheries=1, label="m\nboth", tooltip="versions/m.py\ndown revision: b, c"];
            r0_3 [shape=box, fillcolor="#dcebff", peripheries=1, label="c\n(shop)\ntheirs", tooltip="versions/c.py\ndown revision: a"];
            r0_4 [shape=box, fillcolor="#dcebff", peripheries=1, label="b\n<b> &amp; \"q\"", tooltip="versions/b.py\ndown revision: a"];
            r0_5 [shape=box, fillcolor="#dcebff", peripheries=1, label="a\nroot", tooltip="versions/a.py\ndown revision: <base>"];
            r0_3 -> r0_0 [style=dashed, constraint=false];
            r0_2 -> r0_1;
            r0_4 -> r0_2;
            r0_3 -> r0_2;
            r0_5 -> r0_3;
            r0_5 -> r0_4;
          }
        }
        "##);
    }

    #[test]
    fn what_is_left_out_is_one_place() {
        let selection = Selection { limit: Some(2), ..Selection::default() };
        let two = picture("<base> -> a, 1\na -> b, 2\na -> c, 3", &[], selection);
        insta::assert_snapshot!(render_dot(&[two]), @r##"
        digraph history {
          rankdir=BT;
          charset="UTF-8";
          node [fontname="monospace", fontsize=10, style=filled, fillcolor=white];
          edge [arrowsize=0.6];
          subgraph cluster_0 {
            label="default";
            r0_0 [shape=box, fillcolor="#dcebff", peripheries=2, label="b\n2", tooltip="versions/b.py\ndown revision: a"];
            r0_1 [shape=box, fillcolor="#dcebff", peripheries=2, label="c\n3", tooltip="versions/c.py\ndown revision: a"];
            r0_2 [shape=plaintext, label="… 1 older …"];
            r0_2 -> r0_0;
            r0_2 -> r0_1;
          }
        }
        "##);
    }

    #[test]
    fn quotes_and_backslashes_stay_inside() {
        assert_eq!(quoted("a\"\\N&lt;\n"), r#""a\"\\N&amp;lt;\n""#);
    }
}
