//! `graph --format mermaid`: a flowchart that GitHub and GitLab draw in Markdown.
//! Bases stand below, arrows lead to what follows, as in `a -> b`.

use super::model::shortened;
use super::{Item, Picture};

/// Longer messages are cut.
const MESSAGE: usize = 40;
/// `maxEdges` and `maxTextSize` of Mermaid's default configuration, which a
/// diagram cannot change for itself (they are among its `secure` keys).
const MAX_EDGES: usize = 500;
const MAX_TEXT: usize = 50_000;

/// A flowchart, and whether Mermaid draws it as it is configured everywhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mermaid {
    pub text: String,
    pub edges: usize,
}

impl Mermaid {
    /// Whether it is within Mermaid's limits.
    pub fn is_drawn(&self) -> bool {
        self.edges <= MAX_EDGES && self.text.chars().count() <= MAX_TEXT
    }
}

/// Writes the pictures that `pictures` gives, collapsed if Mermaid would refuse the whole.
pub fn render_mermaid(pictures: impl Fn(bool) -> Vec<Picture>) -> Mermaid {
    let whole = chart(&pictures(false));
    if whole.is_drawn() { whole } else { chart(&pictures(true)) }
}

/// Writes one subgraph per component.
fn chart(pictures: &[Picture]) -> Mermaid {
    let mut chart = Mermaid { text: "flowchart BT\n".to_owned(), edges: 0 };
    for (index, picture) in pictures.iter().enumerate() {
        chart.add(index, picture);
    }
    // Colours that can be read on light and on dark ground.
    chart.text += "  classDef landed fill:#dcebff,stroke:#0969da,color:#24292f\n  \
                   classDef own fill:#d7f5dd,stroke:#1a7f37,color:#24292f\n  \
                   classDef revision fill:#f0f2f5,stroke:#57606a,color:#24292f\n  \
                   classDef head stroke-width:3px\n  \
                   classDef run stroke-dasharray:4\n";
    chart
}

impl Mermaid {
    fn add(&mut self, index: usize, picture: &Picture) {
        self.text += &format!("  subgraph c{index}[\"{}\"]\n", text(&picture.name));
        let name = |row: usize| format!("r{index}_{row}");
        let mut arrows = Vec::new();
        for (row, item) in picture.items.iter().enumerate() {
            self.text += &format!("    {}{}\n", name(row), shape(item));
            let last = picture.items.len();
            arrows.extend(item.downs.iter().map(|&down| (down.min(last), "-->", row)));
            arrows.extend(item.dependencies.iter().map(|&below| (below, "-.->", row)));
        }
        if arrows.iter().any(|&(from, ..)| from == picture.items.len()) {
            let (older, count) = (name(picture.items.len()), picture.left_out);
            self.text += &format!("    {older}(\"… {count} older …\"):::run\n");
        }
        for (from, arrow, to) in &arrows {
            self.text += &format!("    {} {arrow} {}\n", name(*from), name(*to));
        }
        self.edges += arrows.len();
        self.text += "  end\n";
        let heads = picture.items.iter().enumerate().filter(|(_, item)| item.mark.is_head);
        let heads: Vec<String> = heads.map(|(row, _)| name(row)).collect();
        if !heads.is_empty() {
            // A node can be given one class where it is defined, and more by statements.
            self.text += &format!("  class {} head\n", heads.join(","));
        }
    }
}

/// Boxes for what has landed, hexagons for own work, round ones for runs.
fn shape(item: &Item) -> String {
    let mut lines = vec![text(&item.id)];
    lines.extend(item.labels.iter().map(|label| text(&format!("({label})"))));
    if !item.message.is_empty() {
        lines.push(text(&shortened(&item.message, MESSAGE)));
    }
    let (open, close) = match (item.is_run(), item.mark.has_landed) {
        (true, _) => ("(", ")"),
        (_, Some(false)) => ("{{", "}}"),
        _ => ("[", "]"),
    };
    let class = if item.is_run() { "run" } else { item.standing() };
    format!("{open}\"{}\"{close}:::{class}", lines.join("<br/>"))
}

/// `text` for the inside of quotes: all but letters, digits and what can have no
/// meaning anywhere becomes one of Mermaid's entity codes (`#35;`).
// That takes the meaning from quotes, from HTML, from Markdown (a label that
// begins with a backtick), and from `:` and `#`, which Mermaid looks for in
// styles before it parses anything.
fn text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        let is_plain = character.is_alphanumeric()
            || matches!(character, ' ' | '_' | '/' | ',' | '…')
            || !character.is_ascii();
        match is_plain {
            true => out.push(character),
            false => out += &format!("#{};", u32::from(character)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::model::testing::{FULL, picture};
    use super::*;
    use crate::report::lanes::Selection;

    #[test]
    fn a_small_history_is_written() {
        let full = picture(FULL, &["f", "x"], Selection::default());
        insta::assert_snapshot!(chart(&[full]).text, @r#"
        flowchart BT
          subgraph c0["default"]
            r0_0{{"x<br/>other"}}:::own
            r0_1{{"f<br/>ours"}}:::own
            r0_2["m<br/>both"]:::landed
            r0_3["c<br/>#40;shop#41;<br/>theirs"]:::landed
            r0_4["b<br/>#60;b#62; #38; #34;q#34;"]:::landed
            r0_5["a<br/>root"]:::landed
            r0_3 -.-> r0_0
            r0_2 --> r0_1
            r0_4 --> r0_2
            r0_3 --> r0_2
            r0_5 --> r0_3
            r0_5 --> r0_4
          end
          class r0_0,r0_1 head
          classDef landed fill:#dcebff,stroke:#0969da,color:#24292f
          classDef own fill:#d7f5dd,stroke:#1a7f37,color:#24292f
          classDef revision fill:#f0f2f5,stroke:#57606a,color:#24292f
          classDef head stroke-width:3px
          classDef run stroke-dasharray:4
        "#);
    }

    // Mermaid itself cannot be run here: what is checked is that a label holds
    // nothing but characters without a meaning and whole entity codes.
    #[test]
    fn no_character_with_a_meaning_is_left_in_a_label() {
        for hostile in [
            "\"]; click r0 href \"x\"",
            "`**x**`",
            "<script>",
            "style a:#f00;",
            "end",
            "%%{init}%%",
            "1. a",
        ] {
            let mut rest = text(hostile);
            for character in hostile.chars().filter(char::is_ascii_punctuation) {
                rest = rest.replacen(&format!("#{};", u32::from(character)), "", 1);
            }
            let meant = |c: char| c.is_ascii_punctuation() && !"_/,".contains(c);
            assert!(!rest.contains(meant), "{hostile}: {rest}");
        }
        assert_eq!(text("a \"b\""), "a #34;b#34;");
    }

    #[test]
    fn its_limits_count_edges_and_characters() {
        let of = |edges, length| Mermaid { text: "x".repeat(length), edges };
        assert!(of(500, 50_000).is_drawn());
        assert!(!of(501, 10).is_drawn());
        assert!(!of(0, 50_001).is_drawn());
    }
}
