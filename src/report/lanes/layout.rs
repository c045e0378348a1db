//! Where lanes run: the column of each row, and which lanes pass it, in no
//! particular unit. It knows positions only, no revision and no drawing.

use super::rows::LaneRow;

/// How lanes run through one row. Columns count from the left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaidRow {
    /// Where the row's own mark stands.
    pub column: usize,
    /// Whether a lane leads to it from above.
    pub is_followed: bool,
    /// Lanes of others: the column at the row's top, and the one at its bottom.
    pub passing: Vec<(usize, usize)>,
    /// Columns at the row's bottom of the lanes that lead to its down revisions.
    pub leaving: Vec<usize>,
}

impl LaidRow {
    /// Whether a column has a lane that passes the mark; as wide as the row.
    pub fn above(&self) -> Vec<bool> {
        lanes(self.passing.iter().map(|&(top, _)| top), self.column + 1)
    }

    /// Whether a column has a lane below the row.
    pub fn below(&self) -> Vec<bool> {
        let passing = self.passing.iter().map(|&(_, bottom)| bottom);
        lanes(passing.chain(self.leaving.iter().copied()), 0)
    }

    /// The columns that a link at the row's bottom has to meet.
    pub fn links(&self) -> Vec<usize> {
        let moved = self.passing.iter().filter(|(top, bottom)| top != bottom);
        self.leaving.iter().copied().chain(moved.map(|&(top, _)| top)).collect()
    }

    /// Number of columns that the row takes.
    pub fn width(&self) -> usize {
        self.above().len().max(self.below().len())
    }
}

fn lanes(columns: impl Iterator<Item = usize>, at_least: usize) -> Vec<bool> {
    let mut used = vec![false; at_least];
    for column in columns {
        if used.len() <= column {
            used.resize(column + 1, false);
        }
        used[column] = true;
    }
    used
}

/// Lays the lanes of `rows` out. There are never more columns than lines are
/// open at one row.
pub fn lay_out(rows: &[LaneRow]) -> Vec<LaidRow> {
    let mut lanes = Lanes::default();
    rows.iter().enumerate().map(|(at, row)| lanes.lay(at, row)).collect()
}

/// The lanes that are in use: by column, the row that a lane leads to. No two
/// lanes lead to the same row, since a second one joins the first at once.
#[derive(Default)]
struct Lanes {
    columns: Vec<Option<usize>>,
}

impl Lanes {
    fn lay(&mut self, at: usize, row: &LaneRow) -> LaidRow {
        let (column, is_followed) = self.take(at);
        let before = self.columns.clone();
        let downs: Vec<usize> = row.downs.iter().copied().filter(|&down| down > at).collect();
        let leaving = self.continue_to(column, &downs);
        let stays = |(top, lane): (usize, &Option<usize>)| {
            // A lane that this row has taken over is found in the row's own column.
            lane.map(|_| (top, if self.columns[top] == *lane { top } else { column }))
        };
        let passing = before.iter().enumerate().filter_map(stays).collect();
        self.trim();
        LaidRow { column, is_followed, passing, leaving }
    }

    /// The column of the row `at`, and whether a lane ends there: none does for a head.
    fn take(&mut self, at: usize) -> (usize, bool) {
        match self.leading_to(at) {
            Some(column) => {
                self.columns[column] = None;
                (column, true)
            }
            None => (self.free_column(0), false),
        }
    }

    /// Leads the row at `column` to `downs`; the columns that these lanes leave by.
    fn continue_to(&mut self, column: usize, downs: &[usize]) -> Vec<usize> {
        // A single lane to the right is taken over, or drawings would drift
        // to the right with every branch that ends.
        if let [down] = downs
            && let Some(there) = self.leading_to(*down)
            && there > column
        {
            self.columns.swap(there, column);
            return vec![column];
        }
        let lead = |&down: &usize| {
            self.leading_to(down).unwrap_or_else(|| {
                let free = self.free_column(column);
                self.columns[free] = Some(down);
                free
            })
        };
        downs.iter().map(lead).collect()
    }

    fn leading_to(&self, row: usize) -> Option<usize> {
        self.columns.iter().position(|lane| *lane == Some(row))
    }

    /// Forgets the columns on the right that have no lane.
    fn trim(&mut self) {
        while self.columns.last() == Some(&None) {
            self.columns.pop();
        }
    }

    /// A column without a lane: `near` or the next one to its right, else the
    /// next one to its left. A new one only if none is free, or a lattice would
    /// move to the right for as long as it goes on.
    fn free_column(&mut self, near: usize) -> usize {
        let is_free = Option::is_none;
        let right = self.columns.iter().skip(near).position(is_free).map(|at| near + at);
        let left = || self.columns.iter().take(near).rposition(is_free);
        right.or_else(left).unwrap_or_else(|| {
            self.columns.push(None);
            self.columns.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::report::lanes::lane_rows;
    use crate::report::lanes::{LaneMark, Selection};
    use crate::revision::{RevisionGraph, parse_history};

    fn row(downs: Vec<usize>) -> LaneRow {
        let mark = LaneMark { is_head: false, has_landed: None };
        LaneRow { nodes: Vec::new(), downs, mark, text: String::new() }
    }

    /// Columns of the widest row, and the most lines that were open at one.
    fn widths(rows: &[LaneRow]) -> (usize, usize) {
        let laid = lay_out(rows);
        let width = laid.iter().map(LaidRow::width).max().unwrap_or(0);
        let open = |row: &LaidRow| (row.passing.len() + 1).max(row.below().len());
        (width, laid.iter().map(open).max().unwrap_or(0))
    }

    #[track_caller]
    fn check(history: &str, width: usize) {
        let (graph, _) = RevisionGraph::build(parse_history(history).expect("notation"));
        let rows = lane_rows(&graph, None, Selection::default()).rows;
        assert_eq!(widths(&rows).0, width);
    }

    // a0 ◄─ a1 ◄─ a2 …
    //    ╳     ╳
    // b0 ◄─ b1 ◄─ b2 …
    #[test]
    fn a_long_lattice_is_three_lanes_wide() {
        let mut history = "<base> -> a0\n<base> -> b0\n".to_owned();
        for at in 1..5_000 {
            let below = at - 1;
            history += &format!("a{below}, b{below} -> a{at}\na{below}, b{below} -> b{at}\n");
        }
        check(&history, 3);
    }

    #[test]
    fn a_square_lattice_is_as_wide_as_its_front() {
        let mut history = "<base> -> r0_0\n".to_owned();
        for (x, y) in (0..40).flat_map(|x| (0..40).map(move |y| (x, y))).skip(1) {
            let left = (x > 0).then(|| format!("r{}_{y}", x - 1));
            let below = (y > 0).then(|| format!("r{x}_{}", y - 1));
            let downs: Vec<String> = left.into_iter().chain(below).collect();
            history += &format!("{} -> r{x}_{y}\n", downs.join(", "));
        }
        check(&history, 40);
    }

    #[test]
    fn a_lane_that_is_taken_over_changes_its_column() {
        // 1 follows 3, as 0 does: the lane of 0 moves to the column of 1.
        let laid = lay_out(&[row(vec![2, 3]), row(vec![3]), row(vec![]), row(vec![])]);
        assert_eq!(laid[1].column, 2);
        let joined = lay_out(&[row(vec![1, 2]), row(vec![2]), row(vec![])]);
        assert_eq!((joined[1].column, &joined[1].passing), (0, &vec![(1, 0)]));
    }

    proptest! {
        #[test]
        fn no_drawing_is_wider_than_lines_are_open(
            links in proptest::collection::vec(proptest::collection::vec(1usize..9, 0..4), 1..60)
        ) {
            let downs = |(at, steps): (usize, &Vec<usize>)| {
                let mut downs: Vec<usize> = steps.iter().map(|step| at + step).collect();
                downs.sort_unstable();
                downs.dedup();
                row(downs)
            };
            let rows: Vec<LaneRow> = links.iter().enumerate().map(downs).collect();
            for (index, laid) in lay_out(&rows).iter().enumerate() {
                // Each down revision has its lane, and no two lanes share a column.
                prop_assert_eq!(laid.leaving.len(), rows[index].downs.len());
                let mut tops: Vec<usize> = laid.passing.iter().map(|&(top, _)| top).collect();
                tops.push(laid.column);
                let count = tops.len();
                tops.sort_unstable();
                tops.dedup();
                prop_assert_eq!(tops.len(), count);
            }
            let most = (0..rows.len()).map(|at| open_below(&rows, at) + 1).max().unwrap_or(0);
            prop_assert!(widths(&rows).0 <= most);
        }
    }

    /// Lines that lead from the rows up to `at` to rows below it.
    fn open_below(rows: &[LaneRow], at: usize) -> usize {
        let mut targets: Vec<usize> =
            rows[..=at].iter().flat_map(|row| &row.downs).copied().filter(|&d| d > at).collect();
        targets.sort_unstable();
        targets.dedup();
        targets.len()
    }
}
