//! Histories in the notation, drawn.

use super::*;
use crate::revision::{RevisionGraph, parse_history};

const UNICODE: LaneStyle = LaneStyle { color: false, unicode: true, width: None };
const ASCII: LaneStyle = LaneStyle { unicode: false, ..UNICODE };

fn rows(history: &str, own: &[&str]) -> Vec<LaneRow> {
    let (graph, _) = RevisionGraph::build(parse_history(history).expect("notation"));
    let landed = landed(&graph, own);
    lane_rows(&graph, Some(&landed), Selection::default()).rows
}

fn landed(graph: &RevisionGraph, own: &[&str]) -> Vec<bool> {
    graph.revisions().iter().map(|revision| !own.contains(&revision.id.as_str())).collect()
}

fn drawn(history: &str, own: &[&str]) -> String {
    render_lanes(&rows(history, own), UNICODE)
}

const DIVERGED: &str = "<base> -> r, root\nr -> a\na -> m\nm -> n, theirs\na -> f\nf -> g, ours";

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
    insta::assert_snapshot!(text, @"◉  <base> -> a (head), a very long mess…");
    assert!(render_lanes(&rows("<base> -> a, x\x1b[2J", &[]), UNICODE).contains("x\\u{1b}[2J"));
}

#[test]
fn the_legend_names_only_what_is_there() {
    insta::assert_snapshot!(render_legend(&rows(DIVERGED, &["f", "g"]), UNICODE), @"◉ landed head   ◈ own head   ● landed   ◆ own");
    let (graph, _) = RevisionGraph::build(parse_history("<base> -> a\na -> b").expect("notation"));
    insta::assert_snapshot!(render_legend(&lane_rows(&graph, None, Selection::default()).rows, UNICODE), @"◉ head   ○ revision");
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

const LONG: &str = "<base> -> a\na -> b\nb -> c\nc -> d\nd -> e (label)\ne -> f\nf -> g\nf -> h\n\
                    h -> i\ni -> j\nj -> k\nk -> l";

#[track_caller]
fn selected(selection: Selection, own: &[&str]) -> (String, usize) {
    let (graph, _) = RevisionGraph::build(parse_history(LONG).expect("notation"));
    let landed = landed(&graph, own);
    let shown = lane_rows(&graph, Some(&landed), selection);
    (render_lanes(&shown.rows, UNICODE), shown.left_out)
}

#[test]
fn runs_in_which_nothing_happens_are_one_row() {
    let collapsed = Selection { collapse: true, ..Selection::default() };
    insta::assert_snapshot!(selected(collapsed, &[]).0, @"
    ◉  f -> g (head)
    │ ◉  k -> l (head)
    │ ┊  … 4 revisions …
    ├─╯
    ●  e -> f (branchpoint)
    ●  d -> e (label)
    ┊  … 3 revisions …
    ●  <base> -> a
    ");
}

#[test]
fn a_run_ends_where_own_work_begins() {
    let collapsed = Selection { collapse: true, ..Selection::default() };
    insta::assert_snapshot!(selected(collapsed, &["l", "k", "j"]).0, @"
    ◈  k -> l (head)
    ◆  j -> k
    ◆  i -> j
    ●  h -> i
    ●  f -> h
    │ ◉  f -> g (head)
    ├─╯
    ●  e -> f (branchpoint)
    ●  d -> e (label)
    ┊  … 3 revisions …
    ●  <base> -> a
    ");
}

#[test]
fn what_came_before_a_revision_is_left_out_and_its_lanes_go_on() {
    let (graph, _) = RevisionGraph::build(parse_history(LONG).expect("notation"));
    let since = Selection { since: graph.node("h"), ..Selection::default() };
    let (text, left_out) = selected(since, &[]);
    insta::assert_snapshot!(text, @"
    ◉  f -> g (head)
    │ ◉  k -> l (head)
    │ ●  j -> k
    │ ●  i -> j
    │ ●  h -> i
    │ ●  f -> h
    ├─╯
    ");
    assert_eq!(left_out, 6);
    let fewer = Selection { limit: Some(2), ..since };
    insta::assert_snapshot!(selected(fewer, &[]).0, @"
    ◉  f -> g (head)
    │ ◉  k -> l (head)
    ");
}

#[test]
fn a_long_lattice_takes_no_more_text_than_its_revisions() {
    let mut history = "<base> -> a0\n<base> -> b0\n".to_owned();
    for at in 1..5_000 {
        let below = at - 1;
        history += &format!("a{below}, b{below} -> a{at}\na{below}, b{below} -> b{at}\n");
    }
    let text = drawn(&history, &[]);
    assert!(text.len() < 1_000_000, "{} bytes", text.len());
}
