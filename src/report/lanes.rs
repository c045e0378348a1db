//! A history drawn with lanes, newest first: one line per revision, and one
//! more where lanes fork or join, or where one ends right above another.
//!
//! ```text
//! ◈  a -> f (head), own work
//! │ ◉  m -> n (head)
//! │ ●  a -> m
//! ├─╯
//! ●  <base> -> a (branchpoint)
//! ```

use anstyle::{AnsiColor, Style};
use unicode_width::UnicodeWidthChar;

use super::escape::escaped;
use crate::revision::{Node, RevisionGraph, render_revision};

/// What a revision's glyph tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LaneMark {
    pub is_head: bool,
    /// `None` without any upstream.
    pub has_landed: Option<bool>,
}

/// One revision of the drawing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneRow {
    /// Positions of the down revisions among the rows. Those that are not
    /// further down (a cycle) are not drawn.
    pub downs: Vec<usize>,
    pub mark: LaneMark,
    pub text: String,
}

/// How lanes are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneStyle {
    pub color: bool,
    /// Box-drawing characters; else only ASCII.
    pub unicode: bool,
    /// Columns of the terminal; longer lines are cut. `None` cuts nothing.
    pub width: Option<usize>,
}

/// The rows of a whole history: Alembic's notation and the message.
pub fn lane_rows(graph: &RevisionGraph, landed: Option<&dyn Fn(Node) -> bool>) -> Vec<LaneRow> {
    let order = display_order(graph, landed);
    let mut position = vec![0; graph.len()];
    for (at, &node) in order.iter().enumerate() {
        position[node] = at;
    }
    let row = |&node: &Node| {
        let message = &graph.revision(node).message;
        let comma = if message.is_empty() { "" } else { ", " };
        LaneRow {
            downs: graph.down(node).iter().map(|&down| position[down]).collect(),
            mark: LaneMark {
                is_head: graph.up(node).is_empty(),
                has_landed: landed.map(|has| has(node)),
            },
            text: format!("{}{comma}{message}", render_revision(graph, node)),
        }
    };
    order.iter().map(row).collect()
}

/// Newest first, every lineage in one piece: a revision comes after all that
/// follow it, own heads first. What lies on a cycle comes last.
fn display_order(graph: &RevisionGraph, landed: Option<&dyn Fn(Node) -> bool>) -> Vec<Node> {
    let mut waiting: Vec<usize> = (0..graph.len()).map(|n| graph.up(n).len()).collect();
    let mut ready = graph.heads();
    // The last one is shown first.
    ready.reverse();
    ready.sort_by_key(|&head| landed.is_some_and(|has| !has(head)));
    let mut order = Vec::with_capacity(graph.len());
    while let Some(node) = ready.pop() {
        order.push(node);
        for &down in graph.down(node) {
            waiting[down] -= 1;
            if waiting[down] == 0 {
                ready.push(down);
            }
        }
    }
    order.extend((0..graph.len()).filter(|&node| waiting[node] > 0));
    order
}

/// The drawing, one line per revision and one per fork or join.
pub fn render_lanes(rows: &[LaneRow], style: LaneStyle) -> String {
    let mut lanes = Lanes::default();
    let mut text = String::new();
    let mut ended = None;
    for (at, row) in rows.iter().enumerate() {
        let column = lanes.take(at);
        let above = lanes.in_use();
        if ended == Some(column) {
            // A head right below a base would look like its down revision.
            text += &link_line(&above, &above, column, &[], style);
            text.push('\n');
        }
        text += &node_line(&above, column, row, style);
        text.push('\n');
        let downs: Vec<usize> = row.downs.iter().copied().filter(|&down| down > at).collect();
        let links = lanes.continue_to(column, &downs);
        if links.iter().any(|&link| link != column) {
            text += &link_line(&above, &lanes.in_use(), column, &links, style);
            text.push('\n');
        }
        ended = downs.is_empty().then_some(column);
        lanes.trim();
    }
    text
}

/// What the glyphs of `rows` mean, in one line; empty if they need no words.
pub fn render_legend(rows: &[LaneRow], style: LaneStyle) -> String {
    let mut marks: Vec<LaneMark> = rows.iter().map(|row| row.mark).collect();
    marks.sort_unstable();
    marks.dedup();
    marks.reverse();
    let entry = |mark: &LaneMark| {
        let what = match (mark.has_landed, mark.is_head) {
            (Some(true), true) => "landed head",
            (Some(true), false) => "landed",
            (Some(false), true) => "own head",
            (Some(false), false) => "own",
            (None, true) => "head",
            (None, false) => "revision",
        };
        format!("{} {what}", painted(*mark, style))
    };
    marks.iter().map(entry).collect::<Vec<_>>().join("   ")
}

/// The lanes that are in use: by column, the row that a lane leads to. No two
/// lanes lead to the same row, since a second one joins the first at once.
#[derive(Default)]
struct Lanes {
    columns: Vec<Option<usize>>,
}

impl Lanes {
    /// The column of the row `at`, whose lane ends here (or begins, for a head).
    fn take(&mut self, at: usize) -> usize {
        let column = self.columns.iter().position(|lane| *lane == Some(at));
        let column = column.unwrap_or_else(|| self.free_column(0));
        self.columns[column] = None;
        column
    }

    /// Whether a column has a lane.
    fn in_use(&self) -> Vec<bool> {
        self.columns.iter().map(Option::is_some).collect()
    }

    /// Leads the node at `column` to `downs`; the columns that take part.
    fn continue_to(&mut self, column: usize, downs: &[usize]) -> Vec<usize> {
        // A single lane to the right is taken over, or drawings would drift
        // to the right with every branch that ends.
        if let [down] = downs
            && let Some(there) = self.columns.iter().position(|lane| *lane == Some(*down))
            && there > column
        {
            self.columns.swap(there, column);
            return vec![column, there];
        }
        let lead = |&down: &usize| {
            if let Some(there) = self.columns.iter().position(|lane| *lane == Some(down)) {
                return there;
            }
            let free = self.free_column(column);
            self.columns[free] = Some(down);
            free
        };
        downs.iter().map(lead).collect()
    }

    /// Forgets the columns on the right that have no lane.
    fn trim(&mut self) {
        while self.columns.last() == Some(&None) {
            self.columns.pop();
        }
    }

    /// The first free column from `from` on, a new one if need be.
    fn free_column(&mut self, from: usize) -> usize {
        let found = self.columns.iter().skip(from).position(Option::is_none).map(|at| from + at);
        found.unwrap_or_else(|| {
            self.columns.push(None);
            self.columns.len() - 1
        })
    }
}

fn node_line(above: &[bool], column: usize, row: &LaneRow, style: LaneStyle) -> String {
    let pipe = if style.unicode { '│' } else { '|' };
    let mut line = String::new();
    let mut width = 0;
    for (at, &passes) in above.iter().enumerate() {
        match (at == column, passes) {
            (true, _) => line += &painted(row.mark, style),
            (_, true) => line.push(pipe),
            _ => line.push(' '),
        }
        line.push(' ');
        width += 2;
    }
    line.push(' ');
    width += 1;
    let text = escaped(&row.text);
    line += &match style.width {
        Some(columns) => cut(&text, columns.saturating_sub(width).max(20)),
        None => text.into_owned(),
    };
    line.trim_end().to_owned()
}

fn cut(text: &str, columns: usize) -> String {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > columns {
            let mut kept: Vec<char> = text[..at].chars().collect();
            kept.pop();
            return kept.into_iter().chain(['…']).collect();
        }
    }
    text.to_owned()
}

/// The line below a node whose lane forks, or joins others, at the columns `links`.
fn link_line(
    above: &[bool],
    below: &[bool],
    column: usize,
    links: &[usize],
    style: LaneStyle,
) -> String {
    let leftmost = links.iter().copied().min().unwrap_or(column).min(column);
    let rightmost = links.iter().copied().max().unwrap_or(column).max(column);
    let has = |lanes: &[bool], at: usize| lanes.get(at).copied().unwrap_or(false);
    let mut line = String::new();
    for at in 0..above.len().max(below.len()) {
        let is_end = at == column || links.contains(&at);
        // A lane that is crossed is drawn over the link: `┼` would say that they meet.
        let is_crossed = has(above, at) && !is_end;
        let cell = Cell {
            up: has(above, at) || (at == column && !links.is_empty()),
            down: has(below, at),
            left: leftmost < at && at <= rightmost && !is_crossed,
            right: leftmost <= at && at < rightmost && !is_crossed,
        };
        line.push(cell.glyph(style.unicode));
        line.push(match (leftmost <= at && at < rightmost, style.unicode) {
            (true, true) => '─',
            (true, false) => '-',
            _ => ' ',
        });
    }
    line.trim_end().to_owned()
}

/// The strokes of one cell, from its middle.
#[derive(Clone, Copy)]
struct Cell {
    up: bool,
    down: bool,
    left: bool,
    right: bool,
}

impl Cell {
    fn glyph(self, is_unicode: bool) -> char {
        let (unicode, ascii) = match (self.up, self.down, self.left, self.right) {
            (true, true, true, true) => ('┼', '+'),
            (true, true, true, false) => ('┤', '|'),
            (true, true, false, true) => ('├', '|'),
            (true, false, true, true) => ('┴', '\''),
            (false, true, true, true) => ('┬', '.'),
            (true, false, true, false) => ('╯', '\''),
            (true, false, false, true) => ('╰', '\''),
            (false, true, true, false) => ('╮', '.'),
            (false, true, false, true) => ('╭', '.'),
            (false, false, false, false) => (' ', ' '),
            (_, _, false, false) => ('│', '|'),
            (false, false, _, _) => ('─', '-'),
        };
        if is_unicode { unicode } else { ascii }
    }
}

fn painted(mark: LaneMark, style: LaneStyle) -> String {
    let (unicode, ascii) = match (mark.has_landed, mark.is_head) {
        (Some(false), true) => ('◈', 'O'),
        (Some(false), false) => ('◆', 'o'),
        (_, true) => ('◉', '@'),
        (Some(true), false) => ('●', '*'),
        (None, false) => ('○', '*'),
    };
    let glyph = if style.unicode { unicode } else { ascii };
    if !style.color {
        return glyph.to_string();
    }
    let color = match mark.has_landed {
        Some(false) => AnsiColor::Green,
        Some(true) => AnsiColor::Blue,
        None => AnsiColor::Cyan,
    };
    let paint: Style = color.on_default();
    let paint = if mark.is_head { paint.bold() } else { paint };
    format!("{paint}{glyph}{paint:#}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::revision::parse_history;

    const UNICODE: LaneStyle = LaneStyle { color: false, unicode: true, width: None };
    const ASCII: LaneStyle = LaneStyle { unicode: false, ..UNICODE };

    fn rows(history: &str, own: &[&str]) -> Vec<LaneRow> {
        let (graph, _) = RevisionGraph::build(parse_history(history).expect("notation"));
        let landed = |node: Node| !own.contains(&graph.revision(node).id.as_str());
        lane_rows(&graph, Some(&landed))
    }

    fn drawn(history: &str, own: &[&str]) -> String {
        render_lanes(&rows(history, own), UNICODE)
    }

    const DIVERGED: &str =
        "<base> -> r, root\nr -> a\na -> m\nm -> n, theirs\na -> f\nf -> g, ours";

    #[test]
    fn a_linear_history_is_one_line_per_revision() {
        insta::assert_snapshot!(drawn("<base> -> a, first\na -> b\nb -> c, third", &["c"]), @"
        ◈  b -> c (head), third
        ●  a -> b
        ●  <base> -> a, first
        ");
    }

    #[test]
    fn own_revisions_come_first_and_join_where_they_forked() {
        insta::assert_snapshot!(drawn(DIVERGED, &["f", "g"]), @"
        ◈  f -> g (head), ours
        ◆  a -> f
        │ ◉  m -> n (head), theirs
        │ ●  a -> m
        ├─╯
        ●  r -> a (branchpoint)
        ●  <base> -> r, root
        ");
    }

    #[test]
    fn ascii_terminals_see_the_same_shape() {
        insta::assert_snapshot!(render_lanes(&rows(DIVERGED, &["f", "g"]), ASCII), @"
        O  f -> g (head), ours
        o  a -> f
        | @  m -> n (head), theirs
        | *  a -> m
        |-'
        *  r -> a (branchpoint)
        *  <base> -> r, root
        ");
        let wide = "<base> -> r\nr -> a\nr -> b\nr -> c\na, b, c -> m";
        insta::assert_snapshot!(render_lanes(&rows(wide, &[]), ASCII), @"
        @  a, b, c -> m (head) (mergepoint)
        |-.-.
        | | *  r -> c
        | * |  r -> b
        | |-'
        * |  r -> a
        |-'
        *  <base> -> r (branchpoint)
        ");
    }

    #[test]
    fn a_merge_revision_opens_lanes_and_the_branch_point_closes_them() {
        insta::assert_snapshot!(drawn("<base> -> r\nr -> a\nr -> b\na, b -> m\nm -> t", &[]), @"
        ◉  m -> t (head)
        ●  a, b -> m (mergepoint)
        ├─╮
        │ ●  r -> b
        ● │  r -> a
        ├─╯
        ●  <base> -> r (branchpoint)
        ");
    }

    #[test]
    fn a_wide_merge_opens_all_lanes_at_once() {
        let wide = "<base> -> r\nr -> a\nr -> b\nr -> c\nr -> d\na, b, c, d -> m";
        insta::assert_snapshot!(drawn(wide, &[]), @"
        ◉  a, b, c, d -> m (head) (mergepoint)
        ├─┬─┬─╮
        │ │ │ ●  r -> d
        │ │ ● │  r -> c
        │ │ ├─╯
        │ ● │  r -> b
        │ ├─╯
        ● │  r -> a
        ├─╯
        ●  <base> -> r (branchpoint)
        ");
    }

    #[test]
    fn lanes_are_used_again_when_they_are_free() {
        let twice = "<base> -> r\nr -> a\nr -> b\na, b -> m\nm -> c\nm -> d\nc, d -> n";
        insta::assert_snapshot!(drawn(twice, &[]), @"
        ◉  c, d -> n (head) (mergepoint)
        ├─╮
        │ ●  m -> d
        ● │  m -> c
        ├─╯
        ●  a, b -> m (branchpoint) (mergepoint)
        ├─╮
        │ ●  r -> b
        ● │  r -> a
        ├─╯
        ●  <base> -> r (branchpoint)
        ");
    }

    #[test]
    fn a_link_passes_behind_a_lane_that_it_does_not_meet() {
        let crossing = "<base> -> p\n<base> -> q\np -> h1\nq -> h2\np -> h3\nq -> h4";
        insta::assert_snapshot!(drawn(crossing, &[]), @"
        ◉  p -> h1 (head)
        │ ◉  q -> h2 (head)
        │ │ ◉  p -> h3 (head)
        ├─│─╯
        ● │  <base> -> p (branchpoint)
          │
        ◉ │  q -> h4 (head)
        ├─╯
        ●  <base> -> q (branchpoint)
        ");
    }

    #[test]
    fn separate_bases_never_touch() {
        insta::assert_snapshot!(drawn("<base> -> a (one)\na -> b\n<base> (a) -> x (two)\nx -> y", &[]), @"
        ◉  a -> b (head)
        ●  <base> -> a (one)

        ◉  x -> y (head)
        ●  <base> (a) -> x (two)
        ");
    }

    #[test]
    fn a_cycle_is_listed_and_ends() {
        insta::assert_snapshot!(drawn("<base> -> a\na -> b\ny -> x\nx -> y", &[]), @"
        ◉  a -> b (head)
        ●  <base> -> a

        ●  y -> x
        ●  x -> y
        ");
    }

    #[test]
    fn long_lines_are_cut_and_control_characters_shown() {
        let history = "<base> -> a, a very long message that goes on and on 表表表表表表";
        let style = LaneStyle { width: Some(40), ..UNICODE };
        let text = render_lanes(&rows(history, &[]), style);
        insta::assert_snapshot!(text, @"
        ◉  <base> -> a (head), a very long mess…
        ");
        assert!(render_lanes(&rows("<base> -> a, x\x1b[2J", &[]), UNICODE).contains("x\\u{1b}[2J"));
    }

    #[test]
    fn the_legend_names_only_what_is_there() {
        insta::assert_snapshot!(render_legend(&rows(DIVERGED, &["f", "g"]), UNICODE), @"
        ◉ landed head   ◈ own head   ● landed   ◆ own
        ");
        let (graph, _) =
            RevisionGraph::build(parse_history("<base> -> a\na -> b").expect("notation"));
        insta::assert_snapshot!(render_legend(&lane_rows(&graph, None), UNICODE), @"
        ◉ head   ○ revision
        ");
    }

    #[test]
    fn colour_paints_the_glyphs_alone() {
        let style = LaneStyle { color: true, ..UNICODE };
        let text = render_lanes(&rows("<base> -> a", &["a"]), style);
        assert_eq!(text, "\x1b[1m\x1b[32m◈\x1b[0m  <base> -> a (head)\n");
    }

    #[test]
    fn every_revision_of_a_wide_history_is_drawn_once() {
        let mut history = "<base> -> r\n".to_owned();
        for at in 0..60 {
            history += &format!("r -> a{at}\na{at} -> b{at}\n");
        }
        let text = drawn(&history, &[]);
        assert_eq!(text.lines().filter(|line| line.contains(" -> ")).count(), 121);
        assert!(text.ends_with("●  <base> -> r (branchpoint)\n"));
    }
}
