//! Lanes as text for a terminal: one line per revision, and one more where
//! lanes fork or join, or where one ends right above another.
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

use super::super::escape::escaped;
use super::layout::lay_out;
use super::rows::{LaneMark, LaneRow};

/// How lanes are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LaneStyle {
    pub color: bool,
    /// Box-drawing characters; else only ASCII.
    pub unicode: bool,
    /// Columns of the terminal; longer lines are cut. `None` cuts nothing.
    pub width: Option<usize>,
}

/// The drawing, one line per revision and one per fork or join.
pub fn render_lanes(rows: &[LaneRow], style: LaneStyle) -> String {
    let laid = lay_out(rows);
    let mut text = String::new();
    for (at, (row, here)) in rows.iter().zip(&laid).enumerate() {
        let above = here.above();
        let previous = at.checked_sub(1).map(|before| &laid[before]);
        if previous.is_some_and(|row| row.leaving.is_empty() && row.column == here.column) {
            // A head right below a base would look like its down revision.
            text += &link_line(&above, &above, here.column, &[], style);
            text.push('\n');
        }
        text += &node_line(&above, here.column, row, style);
        text.push('\n');
        let links = here.links();
        if links.iter().any(|&link| link != here.column) {
            text += &link_line(&above, &here.below(), here.column, &links, style);
            text.push('\n');
        }
    }
    text
}

/// What the glyphs of `rows` mean, in one line; empty if they need no words.
pub fn render_legend(rows: &[LaneRow], style: LaneStyle) -> String {
    let mut marks: Vec<LaneMark> =
        rows.iter().filter(|row| !row.is_run()).map(|row| row.mark).collect();
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

fn node_line(above: &[bool], column: usize, row: &LaneRow, style: LaneStyle) -> String {
    let pipe = if style.unicode { '│' } else { '|' };
    let mut line = String::new();
    let mut width = 0;
    for (at, &passes) in above.iter().enumerate() {
        match (at == column, passes) {
            (true, _) if row.is_run() => line.push(if style.unicode { '┊' } else { ':' }),
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

/// `text` in at most `columns` columns, an ellipsis for what is cut.
pub fn cut(text: &str, columns: usize) -> String {
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
