//! Where the strokes of each row run, in pixels from the row's own left upper
//! corner: rows can be put below each other, and left out where nothing but
//! lanes that go straight on is in them.

use super::super::lanes::LaidRow;
use super::Picture;

/// Height of a row.
pub const ROW: usize = 24;
/// From one lane to the next.
pub const LANE: usize = 16;
/// From one line of dependencies to the next, left of the lanes.
const GUTTER: usize = 8;
/// More lines of dependencies than these share their places.
const GUTTERS: usize = 12;
/// Radius of the corners.
const ROUND: usize = 7;
const MIDDLE: usize = ROW / 2;
/// A stroke along the edge itself would lose half of its width there.
const LAST: usize = ROW - 1;

/// The strokes of one row, each as data of an SVG path; empty where there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowStrokes {
    /// Where the mark stands, from the left.
    pub x: usize,
    /// Lanes, to down revisions.
    pub lanes: String,
    /// Dependencies, to be dashed.
    pub dashes: String,
    /// The marks in it: a branch point opens upwards, a merge point downwards.
    pub inner: String,
    /// Where strokes end on the right.
    pub width: usize,
}

/// How many lines of dependencies run beside each other.
pub fn gutters(picture: &Picture) -> usize {
    dependencies(picture).iter().map(|line| line.gutter + 1).max().unwrap_or(0)
}

/// The strokes of all rows.
pub fn draw_rows(picture: &Picture) -> Vec<RowStrokes> {
    let lines = dependencies(picture);
    let margin = MIDDLE + GUTTER * gutters(picture);
    let mut dashes = vec![String::new(); picture.items.len()];
    for line in &lines {
        line.draw(picture, margin, &mut dashes);
    }
    let drawn = picture.items.iter().zip(dashes).map(|(item, dashes)| RowStrokes {
        x: x(margin, item.laid.column),
        lanes: lanes(&item.laid, margin),
        dashes,
        inner: inner(item.is_branch_point, item.is_merge_point, x(margin, item.laid.column)),
        width: margin + LANE * item.laid.width(),
    });
    drawn.collect()
}

fn x(margin: usize, column: usize) -> usize {
    margin + LANE * column
}

fn lanes(laid: &LaidRow, margin: usize) -> String {
    let own = x(margin, laid.column);
    let mut path = String::new();
    if laid.is_followed {
        path += &format!("M{own} 0V{MIDDLE}");
    }
    for &(top, bottom) in &laid.passing {
        let (top, bottom) = (x(margin, top), x(margin, bottom));
        path += &match top == bottom {
            true => format!("M{top} 0V{ROW}"),
            // Taken over: it bends into the row's own lane below the mark.
            false => {
                format!("M{top} 0V{}Q{top} {LAST} {} {LAST}H{bottom}", LAST - ROUND, top - ROUND)
            }
        };
    }
    for &column in &laid.leaving {
        let there = x(margin, column);
        path += &match there.cmp(&own) {
            std::cmp::Ordering::Equal => format!("M{own} {MIDDLE}V{ROW}"),
            std::cmp::Ordering::Greater => turn(own, there - ROUND, there),
            std::cmp::Ordering::Less => turn(own, there + ROUND, there),
        };
    }
    path
}

/// From the mark at `from` sideways to `near`, and down at `there`.
fn turn(from: usize, near: usize, there: usize) -> String {
    format!("M{from} {MIDDLE}H{near}Q{there} {MIDDLE} {there} {}V{ROW}", MIDDLE + ROUND)
}

/// What is drawn into a mark at `x`.
pub fn inner(is_branch_point: bool, is_merge_point: bool, x: usize) -> String {
    let (left, right, upper, lower) = (x - 3, x + 3, MIDDLE - 3, MIDDLE + 3);
    match (is_branch_point, is_merge_point) {
        (true, true) => format!("M{left} {upper}L{right} {lower}M{left} {lower}L{right} {upper}"),
        (true, false) => format!("M{left} {upper}L{x} {}L{right} {upper}", lower - 1),
        (false, true) => format!("M{left} {lower}L{x} {}L{right} {lower}", upper + 1),
        (false, false) => String::new(),
    }
}

/// A dependency's line beside the lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dependency {
    from: usize,
    to: usize,
    gutter: usize,
}

/// Every dependency that is shown, in the first gutter that is free all the way.
fn dependencies(picture: &Picture) -> Vec<Dependency> {
    let mut lines: Vec<Dependency> = Vec::new();
    for (from, item) in picture.items.iter().enumerate() {
        for &to in &item.dependencies {
            let line = Dependency { from, to, gutter: 0 };
            let is_free = |gutter: &usize| {
                !lines.iter().any(|other| other.gutter == *gutter && other.overlaps(&line))
            };
            let gutter = (0..GUTTERS).find(is_free).unwrap_or(lines.len() % GUTTERS);
            lines.push(Dependency { gutter, ..line });
        }
    }
    lines
}

impl Dependency {
    fn rows(&self) -> (usize, usize) {
        (self.from.min(self.to), self.from.max(self.to))
    }

    fn overlaps(&self, other: &Self) -> bool {
        let ((first, last), (begin, end)) = (self.rows(), other.rows());
        first <= end && begin <= last
    }

    fn draw(&self, picture: &Picture, margin: usize, rows: &mut [String]) {
        let (first, last) = self.rows();
        let beside = margin - MIDDLE - GUTTER * self.gutter;
        let mark = |row: usize| x(margin, picture.items[row].laid.column);
        if first == last {
            return;
        }
        let (round, bend) = (GUTTER / 2, beside + GUTTER / 2);
        rows[first] += &format!(
            "M{} {MIDDLE}H{bend}Q{beside} {MIDDLE} {beside} {}V{ROW}",
            mark(first),
            MIDDLE + round
        );
        for row in &mut rows[first + 1..last] {
            *row += &format!("M{beside} 0V{ROW}");
        }
        rows[last] += &format!(
            "M{beside} 0V{}Q{beside} {MIDDLE} {bend} {MIDDLE}H{}",
            MIDDLE - round,
            mark(last)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::model::testing::picture;
    use super::*;
    use crate::report::lanes::Selection;

    #[test]
    fn dependencies_that_overlap_run_beside_each_other() {
        let two = "<base> -> a\n<base> -> b\na (b) -> c\nc (b) -> d\nb -> e";
        assert_eq!(gutters(&picture(two, &[], Selection::default())), 2);
        let none = "<base> -> a\na -> b";
        assert_eq!(gutters(&picture(none, &[], Selection::default())), 0);
    }

    #[test]
    fn a_fork_bends_and_what_passes_goes_straight() {
        let fork = picture("<base> -> a\na -> b\na -> c", &[], Selection::default());
        let rows: Vec<String> = draw_rows(&fork).into_iter().map(|row| row.lanes).collect();
        insta::assert_snapshot!(rows.join("\n"), @"
        M12 12V24
        M12 0V24M28 12H19Q12 12 12 19V24
        M12 0V12
        ");
    }
}
