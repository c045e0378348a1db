//! Diverged heads as a Mermaid flow chart, which GitHub draws.

use crate::check::{DivergedPart, PartRevision};

/// More than this nobody can read.
const MOST_DRAWN: usize = 40;

/// The chart, the newest on top; `None` if it would be too large.
pub fn render_part(part: &DivergedPart) -> Option<String> {
    let drawn = Drawn::of(part);
    if drawn.boxes.len() > MOST_DRAWN {
        return None;
    }
    let mut text = String::from("flowchart BT\n");
    for (at, (label, class)) in drawn.boxes.iter().enumerate() {
        text += &format!("  n{at}[\"{label}\"]{class}\n");
    }
    for (from, to) in &drawn.arrows {
        text += &format!("  n{from} --> n{to}\n");
    }
    text += "  classDef own stroke-width:3px\n";
    text += "  classDef landed stroke-dasharray:4 3\n";
    Some(text)
}

/// What there is to draw, with long runs in one box.
struct Drawn {
    /// Label and class of each.
    boxes: Vec<(String, &'static str)>,
    /// From the older to the newer one.
    arrows: Vec<(usize, usize)>,
}

impl Drawn {
    fn of(part: &DivergedPart) -> Self {
        let runs = Runs::of(part);
        let mut drawn = Self { boxes: Vec::new(), arrows: Vec::new() };
        let mut box_of = vec![0; part.revisions.len()];
        for (at, revision) in part.revisions.iter().enumerate() {
            let inside = runs.is_inside(at);
            if inside && runs.first[at] != at {
                box_of[at] = box_of[revision.down[0]];
                continue;
            }
            box_of[at] = drawn.boxes.len();
            let label = match inside {
                true => format!("… {} revisions", runs.length[runs.first[at]]),
                false => label(revision),
            };
            drawn.boxes.push((label, class(revision)));
            let to = box_of[at];
            drawn.arrows.extend(revision.down.iter().map(|&down| (box_of[down], to)));
        }
        drawn
    }
}

/// Chains of revisions between two others, of which nothing branches off.
struct Runs {
    /// The first of the run that each is part of, or itself.
    first: Vec<usize>,
    /// How many there are, by the first.
    length: Vec<usize>,
}

/// Shorter ones are drawn one by one.
const SHORTEST_RUN: usize = 3;

impl Runs {
    fn of(part: &DivergedPart) -> Self {
        let count = part.revisions.len();
        let mut above = vec![0; count];
        part.revisions.iter().flat_map(|r| &r.down).for_each(|&down| above[down] += 1);
        let (mut first, mut length) = ((0..count).collect::<Vec<_>>(), vec![0; count]);
        for (at, revision) in part.revisions.iter().enumerate() {
            let &[down] = revision.down.as_slice() else { continue };
            if revision.is_head || above[at] != 1 {
                continue;
            }
            let is_same = part.revisions[down].is_landed == revision.is_landed;
            if length[first[down]] > 0 && is_same {
                first[at] = first[down];
            }
            length[first[at]] += 1;
        }
        Self { first, length }
    }

    fn is_inside(&self, at: usize) -> bool {
        self.length[self.first[at]] >= SHORTEST_RUN
    }
}

fn class(revision: &PartRevision) -> &'static str {
    match revision.is_landed {
        Some(true) => ":::landed",
        Some(false) => ":::own",
        None => "",
    }
}

fn label(revision: &PartRevision) -> String {
    let mut label = quoted(revision.id.as_str());
    if !revision.message.is_empty() {
        label += &format!(": {}", quoted(&shortened(&revision.message)));
    }
    label += match revision.is_landed {
        Some(true) => "<br>landed",
        Some(false) => "<br>own",
        None => "",
    };
    label
}

fn shortened(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Anything but letters, digits and a few marks as a numbered entity: a label
/// is HTML inside of quotes inside of a fence.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_alphanumeric() => out.push(c),
            ' ' | '-' | '_' | '.' | ',' | '/' | '…' => out.push(c),
            c => out += &format!("#{};", u32::from(c)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history, judge, with_upstream};
    use crate::check::{Judged, diverged_parts, run_rules};

    #[track_caller]
    fn check(judged: &Judged<'_>) -> String {
        let parts = diverged_parts(judged, &run_rules(judged));
        let [part] = parts.as_slice() else { panic!("{parts:?}") };
        render_part(part).expect("small enough")
    }

    /// `a -> m1 -> m2 -> m3 -> m4` has landed, `a -> f -> g` is own.
    #[test]
    fn long_runs_are_one_box_and_own_ones_are_told_from_landed_ones() {
        let landed = "<base> -> a, root\na -> m1\nm1 -> m2\nm2 -> m3\nm3 -> m4, last";
        let ours = history(&format!("{landed}\na -> f, one\nf -> g, two"));
        insta::assert_snapshot!(check(&with_upstream(&ours, &history(landed), &ours)), @r#"
        flowchart BT
          n0["a: root<br>landed"]:::landed
          n1["… 3 revisions"]:::landed
          n2["m4: last<br>landed"]:::landed
          n3["f: one<br>own"]:::own
          n4["g: two<br>own"]:::own
          n0 --> n1
          n1 --> n2
          n0 --> n3
          n3 --> n4
          classDef own stroke-width:3px
          classDef landed stroke-dasharray:4 3
        "#);
    }

    #[test]
    fn merge_points_and_branch_points_are_drawn_with_all_their_arrows() {
        let ours =
            history("<base> -> a, 1\na -> b, 2\na -> c, 3\nb, c -> d, 4\nd -> e, 5\na -> f, 6");
        insta::assert_snapshot!(check(&judge(&ours)), @r#"
        flowchart BT
          n0["a: 1"]
          n1["b: 2"]
          n2["c: 3"]
          n3["d: 4"]
          n4["e: 5"]
          n5["f: 6"]
          n0 --> n1
          n0 --> n2
          n1 --> n3
          n2 --> n3
          n3 --> n4
          n0 --> n5
          classDef own stroke-width:3px
          classDef landed stroke-dasharray:4 3
        "#);
    }

    #[test]
    fn nothing_in_a_message_is_markup() {
        assert_eq!(quoted("a\"]-->b<b>;#`"), "a#34;#93;--#62;b#60;b#62;#59;#35;#96;");
        assert_eq!(shortened(&"ä".repeat(61)).chars().count(), 61);
    }

    #[test]
    fn a_chart_that_nobody_could_read_is_not_drawn() {
        let heads: String = (0..50).map(|at| format!("a -> h{at}\n")).collect();
        let ours = history(&format!("<base> -> a\n{heads}"));
        let judged = judge(&ours);
        assert_eq!(render_part(&diverged_parts(&judged, &run_rules(&judged))[0]), None);
    }
}
