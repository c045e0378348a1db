//! `check --format github`: workflow commands, which the runner of GitHub
//! Actions turns into annotations of the changed files.

use std::fmt;

use super::placed::{Placed, placed};
use crate::check::Level;
use crate::ops::check::CheckOutcome;

/// What GitHub shows of one level and one step; more is dropped without a word.
const MOST_OF_A_LEVEL: usize = 10;

/// Annotations, the gravest first, and what GitHub would not show of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GithubReport {
    annotations: Vec<Annotation>,
    /// Plain lines of the log.
    rest: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Annotation {
    command: &'static str,
    /// In their order; values as they are, not escaped.
    properties: Vec<(&'static str, String)>,
    message: String,
}

impl GithubReport {
    /// Of all that a check found.
    pub fn new(outcome: &CheckOutcome) -> Self {
        let findings = gravest_first(outcome);
        let several = outcome.components.len() > 1;
        let (mut annotations, mut rest) = (Vec::new(), Vec::new());
        for level in [Level::Error, Level::Warning, Level::Note] {
            let of_level = findings.iter().filter(|placed| placed.finding.level == level);
            for (at, placed) in of_level.enumerate() {
                match at < MOST_OF_A_LEVEL {
                    true => annotations.push(Annotation::of(placed, several)),
                    false => rest.push(plain_line(placed)),
                }
            }
        }
        Self { annotations, rest }
    }
}

/// All findings, those of one level in the order of components and places.
pub(super) fn gravest_first(outcome: &CheckOutcome) -> Vec<Placed<'_>> {
    let mut findings = placed(outcome);
    findings.sort_by_key(|placed| std::cmp::Reverse(placed.finding.level));
    findings
}

/// Starts with a word of ours, so that the runner takes it for no command.
fn plain_line(placed: &Placed<'_>) -> String {
    let level = super::check::level_name(placed.finding.level);
    let code = placed.finding.code;
    format!("{level}[{code}] {}: {}", placed.place.shown(), placed.message())
}

impl Annotation {
    fn of(placed: &Placed<'_>, several: bool) -> Self {
        let region = placed.place.region;
        let last_line = region.span.map_or(region.line, |(_, end)| end.line);
        let mut properties = vec![
            ("file", placed.place.path.as_str().to_owned()),
            ("line", region.line.to_string()),
            ("endLine", last_line.to_string()),
        ];
        // GitHub knows columns within one line only.
        if let Some((start, end)) = region.columns() {
            properties.push(("col", start.to_string()));
            properties.push(("endColumn", end.to_string()));
        }
        properties.push(("title", title(placed, several)));
        let command = match placed.finding.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "notice",
        };
        Self { command, properties, message: placed.text() }
    }
}

fn title(placed: &Placed<'_>, several: bool) -> String {
    let component = super::escape::escaped(&placed.component.name);
    let of = if several { format!(" in {component}") } else { String::new() };
    format!("{} {}{of}", placed.finding.code, placed.name())
}

impl fmt::Display for GithubReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.annotations.iter().try_for_each(|annotation| writeln!(f, "{annotation}"))?;
        self.rest.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let properties: Vec<String> = self
            .properties
            .iter()
            .map(|(name, value)| format!("{name}={}", property(value)))
            .collect();
        write!(f, "::{} {}::{}", self.command, properties.join(","), data(&self.message))
    }
}

/// As the runner unescapes the text of a command.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// The same of a property, which ends at a comma or colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples::{awkward, component, many, outcome};

    #[test]
    fn every_finding_is_a_command_that_the_runner_can_parse() {
        insta::assert_snapshot!(GithubReport::new(&awkward()), @r#"
        ::error file=a b/50%25%2C ä%3A1.py,line=1,endLine=1,col=6,endColumn=9,title=DBM006 dynamic header in o|d%3A d%2C%25::a `{x}`\nand ]]>\u{1b}[31m 100%25: <b>|[y](1)%0Aa b/50%25, ä:1.py:1: and | there\nyonder%0Ahelp: run `git merge a|b`, then think
        ::warning file=versions/b.py,line=3,endLine=3,col=14,endColumn=15,title=DBM013 stale docstring in default::the docstring says `Revision ID: x`, the code `b`%0Aversions/b.py:6:12: what alembic reads%0Ahelp: write `b` there
        ::warning file=versions/b.py,line=4,endLine=4,col=10,endColumn=11,title=DBM013 stale docstring in default::the docstring says `Revises: y`, the code `a`%0Aversions/b.py:6:40: what alembic reads%0Ahelp: write `a` there
        ::notice file=alembic.ini,line=1,endLine=1,title=DBM009 landed revision gone in o|d%3A d%2C%25::nowhere%0Anote: upstream has this already
        "#);
    }

    #[test]
    fn what_github_would_drop_is_told_in_plain_lines_after_the_gravest() {
        let text = GithubReport::new(&many()).to_string();
        let starts: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
        let expected: Vec<&str> = [
            &["::error"; 10][..],
            &["::warning"; 10],
            &["::notice"; 10],
            &["error[DBM005]"; 2],
            &["warning[DBM005]"; 2],
            &["note[DBM005]"; 2],
        ]
        .concat();
        assert_eq!(starts, expected);
        assert_eq!(text.lines().nth(30), Some("error[DBM005] versions/a.py:11: Error 11"));
    }

    #[test]
    fn without_findings_there_is_nothing_to_say() {
        let clean = outcome(vec![component("default", "<base> -> a")]);
        assert_eq!(GithubReport::new(&clean).to_string(), "");
    }
}
