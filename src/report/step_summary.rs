//! The step summary of GitHub Actions: what a check found as a page of
//! Markdown, with a picture of what has diverged and what helps.

use super::escape::escaped;
use super::findings::render_summary;
use super::github::gravest_first;
use super::mermaid_part::render_part;
use super::placed::Placed;
use crate::check::Finding;
use crate::ops::check::CheckOutcome;

/// The page in at most `room` bytes; empty without findings, or without room.
pub fn render_step_summary(outcome: &CheckOutcome, room: usize) -> String {
    let findings = gravest_first(outcome);
    let mut page = Page { text: String::new(), room: room.saturating_sub(LAST_WORDS) };
    if findings.is_empty() || !page.add(&heading(outcome)) {
        return String::new();
    }
    page.add(&pictures(outcome));
    page.add(&advice(&findings));
    page.add("| | where | finding |\n|---|---|---|\n");
    let several = outcome.components.len() > 1;
    let shown = findings.iter().take_while(|placed| page.add(&row(placed, several))).count();
    if shown < findings.len() {
        let more = findings.len() - shown;
        page.text += &format!("\n{more} more: `dbm-git check` lists all of them.\n");
    }
    page.text
}

/// Room that is kept for the line about what is left out.
const LAST_WORDS: usize = 100;

struct Page {
    text: String,
    room: usize,
}

impl Page {
    /// Whether there was room for all of `part`.
    fn add(&mut self, part: &str) -> bool {
        let fits = self.text.len() + part.len() <= self.room;
        if fits {
            self.text += part;
        }
        fits
    }
}

fn heading(outcome: &CheckOutcome) -> String {
    let all: Vec<Finding> =
        outcome.components.iter().flat_map(|c| c.findings.iter().cloned()).collect();
    format!("### dbm-git check: {}\n\n", render_summary(&all))
}

fn pictures(outcome: &CheckOutcome) -> String {
    let mut text = String::new();
    for component in &outcome.components {
        for picture in component.diverged.iter().filter_map(render_part) {
            if outcome.components.len() > 1 {
                text += &format!("{}:\n\n", inline(&component.name));
            }
            text += &format!("```mermaid\n{picture}```\n\n");
        }
    }
    text
}

/// Each help that names a command, once, the gravest finding's first. What else
/// helps makes sense beside its finding only.
fn advice(findings: &[Placed<'_>]) -> String {
    let names_command = |help: &&str| help.contains("`git ") || help.contains("`dbm-git ");
    let helps = findings.iter().filter_map(|placed| placed.finding.help.as_deref());
    let mut lines: Vec<String> = Vec::new();
    for help in helps.filter(names_command) {
        let line = format!("- {}\n", inline(help));
        if !lines.contains(&line) && lines.len() < MOST_ADVICE {
            lines.push(line);
        }
    }
    if lines.is_empty() { String::new() } else { format!("What helps:\n\n{}\n", lines.concat()) }
}

/// Longer lists are what the table is for.
const MOST_ADVICE: usize = 8;

fn row(placed: &Placed<'_>, several: bool) -> String {
    let level = super::check::level_name(placed.finding.level);
    let component = if several { cell(&placed.component.name) + ": " } else { String::new() };
    let place = cell(&placed.place.shown());
    let known = if placed.finding.is_new { "" } else { " (upstream has this already)" };
    let help = placed.help().map(|help| format!("<br>{}", cell(&help)));
    format!(
        "| {level} | {place} | {component}**{} {}**<br>{}{known}{} |\n",
        placed.finding.code,
        placed.name(),
        cell(&placed.finding.message),
        help.unwrap_or_default(),
    )
}

/// The same in a cell of a table, which a bar would end even in code.
fn cell(text: &str) -> String {
    inline(text).replace('|', "\\|")
}

/// Text of ours, with ids in backticks, as Markdown in one line: what is in
/// backticks stays code, anything else means nothing to Markdown.
fn inline(text: &str) -> String {
    let text = escaped(text);
    let parts: Vec<&str> = text.split('`').collect();
    // An odd backtick at the end opens nothing.
    let opened = (parts.len() - 1) / 2 * 2;
    let mut out = String::new();
    for (at, part) in parts.iter().enumerate() {
        match (at % 2 == 1 && at < opened, at > opened) {
            (true, _) => out += &format!("`{part}`"),
            (false, true) => out += &format!("\\`{}", plain(part)),
            (false, false) => out += &plain(part),
        }
    }
    out
}

fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '&' => out += "&amp;",
            '*' | '_' | '[' | ']' | '#' | '~' | '$' | '@' => out.extend(['\\', c]),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{history, with_upstream};
    use crate::report::samples::{awkward, component, many, of, outcome};

    #[test]
    fn a_divergence_is_drawn_and_the_commands_that_mend_it_are_named() {
        let landed = history("<base> -> a, root\na -> m, main work");
        let ours = history("<base> -> a, root\na -> m, main work\na -> f, feature");
        let judged = with_upstream(&ours, &landed, &ours);
        let page = render_step_summary(&outcome(vec![of("default", &judged)]), 1 << 20);
        insta::assert_snapshot!(page, @r#"
        ### dbm-git check: 1 error

        ```mermaid
        flowchart BT
          n0["a: root<br>landed"]:::landed
          n1["m: main work<br>landed"]:::landed
          n2["f: feature<br>own"]:::own
          n0 --> n1
          n0 --> n2
          classDef own stroke-width:3px
          classDef landed stroke-dasharray:4 3
        ```

        What helps:

        - run `dbm-git rebase` to put your own revisions on top of `m`, or `dbm-git merge` to write a merge revision

        | | where | finding |
        |---|---|---|
        | error | versions/f.py:7:17 | **DBM001 diverged heads**<br>heads `f` and `m` have diverged since `a`<br>run `dbm-git rebase` to put your own revisions on top of `m`, or `dbm-git merge` to write a merge revision |
        "#);
    }

    #[test]
    fn what_the_repository_says_is_no_markup() {
        insta::assert_snapshot!(render_step_summary(&awkward(), 1 << 20), @r#"
        ### dbm-git check: 1 error, 2 warnings, 1 note (1 of them in upstream already)

        What helps:

        - run `git merge a|b`, then think

        | | where | finding |
        |---|---|---|
        | error | a b/50%, ä:1.py:1:6 | o\|d: d,%: **DBM006 dynamic header**<br>a `{x}`\nand \]\]&gt;\u{1b}\[31m 100%: &lt;b&gt;\|\[y\](1)<br>run `git merge a\|b`, then think |
        | warning | versions/b.py:3:14 | default: **DBM013 stale docstring**<br>the docstring says `Revision ID: x`, the code `b`<br>write `b` there |
        | warning | versions/b.py:4:10 | default: **DBM013 stale docstring**<br>the docstring says `Revises: y`, the code `a`<br>write `a` there |
        | note | alembic.ini:1 | o\|d: d,%: **DBM009 landed revision gone**<br>nowhere (upstream has this already) |
        "#);
    }

    #[test]
    fn it_keeps_to_its_room_and_says_what_is_left_out() {
        let whole = render_step_summary(&many(), 1 << 20);
        assert_eq!(whole.lines().filter(|line| line.contains("DBM005")).count(), 36);
        for room in [0, 50, 500, 1000, 2000] {
            let page = render_step_summary(&many(), room);
            assert!(page.len() <= room, "{room}: {}", page.len());
            assert_eq!(page.contains("more: `dbm-git check` lists"), !page.is_empty(), "{page}");
        }
        assert!(render_step_summary(&many(), 1000).contains("Error 1"));
    }

    #[test]
    fn without_findings_there_is_no_page() {
        let clean = outcome(vec![component("default", "<base> -> a")]);
        assert_eq!(render_step_summary(&clean, 1 << 20), "");
    }
}
