//! `graph --format svg`: one self-contained picture of all components, which
//! follows the viewer's light or dark taste.

use super::super::lanes::LaneMark;
use super::model::shortened;
use super::strokes::{RowStrokes, draw_rows, inner};
use super::{Item, LANE, Picture, ROW};

/// Longer messages are cut.
const MESSAGE: usize = 72;
/// Longer ids and labels are cut.
const NAME: usize = 40;
/// A character of the widest font that is likely to be used, in tenths of a pixel.
const CHARACTER: usize = 75;
/// Wider histories have their texts beside each row's own lanes, not in one column.
const ALIGNED: usize = 12;
/// Title and legend of a component.
const HEADING: usize = 56;
const MARGIN: usize = 16;

const STYLE: &str = include_str!("svg.css");

/// Draws `pictures` below each other.
pub fn render_svg(pictures: &[Picture]) -> String {
    let drawn: Vec<Vec<RowStrokes>> = pictures.iter().map(draw_rows).collect();
    let mut body = String::new();
    let mut top = MARGIN;
    let mut width = 0;
    for (picture, rows) in pictures.iter().zip(&drawn) {
        body += &component(picture, rows, top);
        top += height(picture) + MARGIN;
        width = width.max(widest(picture, rows));
    }
    let label = match pictures {
        [one] => format!("Migration history of {}", one.name),
        many => format!("Migration histories of {} components", many.len()),
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{top}\" \
         viewBox=\"0 0 {width} {top}\" role=\"img\" aria-label=\"{}\">\n\
         <style>\n{STYLE}</style>\n\
         <rect class=\"ground\" width=\"100%\" height=\"100%\"/>\n{body}</svg>\n",
        xml(&label)
    )
}

fn height(picture: &Picture) -> usize {
    let more = if picture.left_out > 0 { ROW } else { 0 };
    HEADING + ROW * picture.items.len() + more
}

fn component(picture: &Picture, rows: &[RowStrokes], top: usize) -> String {
    let count = picture.revisions() + picture.left_out;
    let plural = if count == 1 { "" } else { "s" };
    let mut text = format!(
        "<g transform=\"translate({MARGIN} {top})\">\n\
         <text class=\"title\" y=\"14\">{} <tspan class=\"quiet\">{count} revision{plural}</tspan></text>\n\
         {}<g transform=\"translate(0 {HEADING})\">\n",
        xml(&picture.name),
        legend(picture)
    );
    // Lanes lie below all marks and texts.
    for (at, row) in rows.iter().enumerate() {
        text += &strokes(row, at * ROW);
    }
    let texts = text_column(picture, rows);
    for (at, (item, row)) in picture.items.iter().zip(rows).enumerate() {
        text += &revision(item, row, at * ROW, texts.unwrap_or(row.width));
    }
    if picture.left_out > 0 {
        text += &format!(
            "<text class=\"quiet\" x=\"{}\" y=\"{}\">… {} older …</text>\n",
            texts.unwrap_or(0),
            rows.len() * ROW + 16,
            picture.left_out
        );
    }
    text + "</g>\n</g>\n"
}

/// Where all texts begin; `None` if each begins beside its own lanes.
fn text_column(picture: &Picture, rows: &[RowStrokes]) -> Option<usize> {
    let widest = rows.iter().map(|row| row.width).max().unwrap_or(0);
    (picture.width() <= ALIGNED).then_some(widest)
}

fn strokes(row: &RowStrokes, y: usize) -> String {
    let mut text = String::new();
    for (class, path) in [("lane", &row.lanes), ("dependency", &row.dashes)] {
        if !path.is_empty() {
            text +=
                &format!("<path class=\"{class}\" transform=\"translate(0 {y})\" d=\"{path}\"/>\n");
        }
    }
    text
}

fn revision(item: &Item, row: &RowStrokes, y: usize, texts: usize) -> String {
    format!(
        "<g class=\"{}\" transform=\"translate(0 {y})\"><title>{}</title>\
         <rect class=\"row\" width=\"100%\" height=\"{ROW}\"/>{}{}</g>\n",
        item.kinds().join(" "),
        xml(&title(item)),
        mark(item, row.x, &row.inner),
        words(item, texts)
    )
}

fn title(item: &Item) -> String {
    let space = if item.message.is_empty() { "" } else { " " };
    format!("{}{space}{}\n{}", item.id, item.message, item.details())
}

/// Circle for landed, diamond for own, a ring around heads.
fn mark(item: &Item, x: usize, inner: &str) -> String {
    let shape = |class: &str, radius: usize| match item.mark.has_landed {
        Some(false) => {
            let half = radius + 1;
            let (middle, upper, lower) = (ROW / 2, ROW / 2 - half, ROW / 2 + half);
            let (left, right) = (x - half, x + half);
            format!(
                "<path class=\"{class}\" d=\"M{x} {upper}L{right} {middle}L{x} {lower}L{left} {middle}Z\"/>"
            )
        }
        _ => format!("<circle class=\"{class}\" cx=\"{x}\" cy=\"{}\" r=\"{radius}\"/>", ROW / 2),
    };
    if item.is_run() {
        return dots(x);
    }
    let ring = if item.mark.is_head { shape("ring", 9) } else { String::new() };
    let inner = match inner {
        "" => String::new(),
        path => format!("<path class=\"inner\" d=\"{path}\"/>"),
    };
    format!("{ring}{}{inner}", shape("mark", 6))
}

/// Three dots on the lane, for what is not shown; above where it may bend.
fn dots(x: usize) -> String {
    let dot = |y: usize| format!("<circle class=\"mark\" cx=\"{x}\" cy=\"{y}\" r=\"2\"/>");
    [ROW / 2 - 10, ROW / 2 - 5, ROW / 2].map(dot).concat()
}

fn words(item: &Item, x: usize) -> String {
    let span = |class: &str, text: &str| {
        format!("<tspan class=\"{class}\" dx=\"8\">{}</tspan>", xml(text))
    };
    let mut text = format!("<text x=\"{x}\" y=\"16\">");
    text += &span("id", &shortened(&item.id, NAME));
    for label in labels(item) {
        text += &span("label", &label);
    }
    if !item.message.is_empty() {
        text += &span("message", &shortened(&item.message, MESSAGE));
    }
    text + "</text>"
}

fn labels(item: &Item) -> impl Iterator<Item = String> {
    item.labels.iter().map(|label| format!("({})", shortened(label, NAME)))
}

/// An estimate: no font is known here.
fn widest(picture: &Picture, rows: &[RowStrokes]) -> usize {
    let texts = text_column(picture, rows);
    let row = |(item, row): (&Item, &RowStrokes)| {
        let labels: usize = labels(item).map(|label| columns(&label) + 2).sum();
        let message = columns(&shortened(&item.message, MESSAGE));
        let characters = columns(&shortened(&item.id, NAME)) + labels + message + 2;
        texts.unwrap_or(row.width) + characters * CHARACTER / 10
    };
    let rows = picture.items.iter().zip(rows).map(row).max().unwrap_or(0);
    let heading = columns(&picture.name) + 24;
    rows.max(heading * CHARACTER / 10).max(LEGEND_WIDTH) + 2 * MARGIN
}

fn columns(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

/// Room for all entries of the legend.
const LEGEND_WIDTH: usize = 620;

/// What the shapes mean, of those that occur.
fn legend(picture: &Picture) -> String {
    let mut text = String::new();
    let mut x = 10;
    for (name, item) in legend_entries(picture) {
        let inner = inner(item.is_branch_point, item.is_merge_point, x);
        let (kinds, mark, words) = (item.kinds().join(" "), mark(&item, x, &inner), x + LANE);
        text += &format!(
            "<g class=\"{kinds}\" transform=\"translate(0 24)\">{mark}\
             <text x=\"{words}\" y=\"16\">{name}</text></g>\n"
        );
        x = words + 24 + name.len() * 8;
    }
    if picture.items.iter().any(|item| !item.dependencies.is_empty()) {
        text += &format!(
            "<g transform=\"translate(0 24)\"><path class=\"dependency\" d=\"M{x} 12h24\"/>\
             <text x=\"{}\" y=\"16\">depends on</text></g>\n",
            x + 32
        );
    }
    text
}

/// What occurs in `picture`, each with an example.
fn legend_entries(picture: &Picture) -> Vec<(&'static str, Item)> {
    let any = |holds: fn(&Item) -> bool| picture.items.iter().any(holds);
    let standing = |has_landed| LaneMark { is_head: false, has_landed };
    let of = |has_landed| Item { mark: standing(has_landed), ..Item::default() };
    let usual = of(picture.items.first().and_then(|item| item.mark.has_landed.map(|_| true)));
    let head = LaneMark { is_head: true, ..usual.mark };
    let entries = [
        (any(|i| i.mark.has_landed == Some(true)), "landed", of(Some(true))),
        (any(|i| i.mark.has_landed == Some(false)), "own", of(Some(false))),
        (any(|i| i.mark.is_head), "head", Item { mark: head, ..usual.clone() }),
        (
            any(|i| i.is_branch_point),
            "branch point",
            Item { is_branch_point: true, ..usual.clone() },
        ),
        (any(|i| i.is_merge_point), "merge point", Item { is_merge_point: true, ..usual }),
    ];
    entries.into_iter().filter(|(occurs, ..)| *occurs).map(|(_, name, item)| (name, item)).collect()
}

/// `text` for the inside of an element or of a quoted attribute. Characters
/// that XML has no notation for are replaced; those that steer a terminal are
/// shown escaped before.
fn xml(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\n' => out += "&#10;",
            '\u{fffe}' | '\u{ffff}' => out.push(char::REPLACEMENT_CHARACTER),
            other => out.push(other),
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
    fn a_small_history_is_drawn() {
        let full = picture(FULL, &["f", "x"], Selection::default());
        let text = render_svg(&[full]);
        let (_, body) = text.split_once("</style>\n").expect("a style");
        insta::assert_snapshot!(body, @r#"
        <rect class="ground" width="100%" height="100%"/>
        <g transform="translate(16 16)">
        <text class="title" y="14">default <tspan class="quiet">6 revisions</tspan></text>
        <g class="landed" transform="translate(0 24)"><circle class="mark" cx="10" cy="12" r="6"/><text x="26" y="16">landed</text></g>
        <g class="own" transform="translate(0 24)"><path class="mark" d="M98 5L105 12L98 19L91 12Z"/><text x="114" y="16">own</text></g>
        <g class="landed head" transform="translate(0 24)"><circle class="ring" cx="162" cy="12" r="9"/><circle class="mark" cx="162" cy="12" r="6"/><text x="178" y="16">head</text></g>
        <g class="landed branchpoint" transform="translate(0 24)"><circle class="mark" cx="234" cy="12" r="6"/><path class="inner" d="M231 9L234 14L237 9"/><text x="250" y="16">branch point</text></g>
        <g class="landed mergepoint" transform="translate(0 24)"><circle class="mark" cx="370" cy="12" r="6"/><path class="inner" d="M367 15L370 10L373 15"/><text x="386" y="16">merge point</text></g>
        <g transform="translate(0 24)"><path class="dependency" d="M498 12h24"/><text x="530" y="16">depends on</text></g>
        <g transform="translate(0 56)">
        <path class="dependency" transform="translate(0 0)" d="M20 12H12Q8 12 8 16V24"/>
        <path class="lane" transform="translate(0 24)" d="M20 12V24"/>
        <path class="dependency" transform="translate(0 24)" d="M8 0V24"/>
        <path class="lane" transform="translate(0 48)" d="M20 0V12M20 12V24M20 12H29Q36 12 36 19V24"/>
        <path class="dependency" transform="translate(0 48)" d="M8 0V24"/>
        <path class="lane" transform="translate(0 72)" d="M36 0V12M20 0V24M36 12V24"/>
        <path class="dependency" transform="translate(0 72)" d="M8 0V8Q8 12 12 12H36"/>
        <path class="lane" transform="translate(0 96)" d="M20 0V12M36 0V16Q36 23 29 23H20M20 12V24"/>
        <path class="lane" transform="translate(0 120)" d="M20 0V12"/>
        <g class="own head" transform="translate(0 0)"><title>x other&#10;versions/x.py&#10;down revision: &lt;base&gt;&#10;depends on: c</title><rect class="row" width="100%" height="24"/><path class="ring" d="M20 2L30 12L20 22L10 12Z"/><path class="mark" d="M20 5L27 12L20 19L13 12Z"/><text x="52" y="16"><tspan class="id" dx="8">x</tspan><tspan class="message" dx="8">other</tspan></text></g>
        <g class="own head" transform="translate(0 24)"><title>f ours&#10;versions/f.py&#10;down revision: m</title><rect class="row" width="100%" height="24"/><path class="ring" d="M20 2L30 12L20 22L10 12Z"/><path class="mark" d="M20 5L27 12L20 19L13 12Z"/><text x="52" y="16"><tspan class="id" dx="8">f</tspan><tspan class="message" dx="8">ours</tspan></text></g>
        <g class="landed mergepoint" transform="translate(0 48)"><title>m both&#10;versions/m.py&#10;down revision: b, c</title><rect class="row" width="100%" height="24"/><circle class="mark" cx="20" cy="12" r="6"/><path class="inner" d="M17 15L20 10L23 15"/><text x="52" y="16"><tspan class="id" dx="8">m</tspan><tspan class="message" dx="8">both</tspan></text></g>
        <g class="landed" transform="translate(0 72)"><title>c theirs&#10;versions/c.py&#10;down revision: a</title><rect class="row" width="100%" height="24"/><circle class="mark" cx="36" cy="12" r="6"/><text x="52" y="16"><tspan class="id" dx="8">c</tspan><tspan class="label" dx="8">(shop)</tspan><tspan class="message" dx="8">theirs</tspan></text></g>
        <g class="landed" transform="translate(0 96)"><title>b &lt;b&gt; &amp; &quot;q&quot;&#10;versions/b.py&#10;down revision: a</title><rect class="row" width="100%" height="24"/><circle class="mark" cx="20" cy="12" r="6"/><text x="52" y="16"><tspan class="id" dx="8">b</tspan><tspan class="message" dx="8">&lt;b&gt; &amp; &quot;q&quot;</tspan></text></g>
        <g class="landed branchpoint" transform="translate(0 120)"><title>a root&#10;versions/a.py&#10;down revision: &lt;base&gt;</title><rect class="row" width="100%" height="24"/><circle class="mark" cx="20" cy="12" r="6"/><path class="inner" d="M17 9L20 14L23 9"/><text x="52" y="16"><tspan class="id" dx="8">a</tspan><tspan class="message" dx="8">root</tspan></text></g>
        </g>
        </g>
        </svg>
        "#);
    }

    #[test]
    fn text_of_the_repository_stays_text() {
        assert_eq!(xml("<script>\"]]>&'\u{ffff}"), "&lt;script&gt;&quot;]]&gt;&amp;&#39;\u{fffd}");
        let hostile = "<base> -> a (</style>), <script>alert(1)</script> ]]> \u{1b}[2J";
        let text = render_svg(&[picture(hostile, &[], Selection::default())]);
        assert!(!text.contains("<script"), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        assert_eq!(text.matches("</style>").count(), 1);
    }

    #[test]
    fn long_texts_are_cut() {
        let long = format!("<base> -> a, {}", "word ".repeat(100));
        let text = render_svg(&[picture(&long, &[], Selection::default())]);
        assert!(text.contains("word word word w…</tspan>"), "{text}");
    }
}
