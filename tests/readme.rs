//! The README names what there is: the commands and the configuration's keys.

mod support;

use std::collections::BTreeSet;

use support::TestRepo;

const README: &str = include_str!("../README.md");

/// The first word after each `dbm-git ` that starts a line or a piece of code.
fn commands(text: &str) -> BTreeSet<String> {
    text.match_indices("dbm-git ")
        .filter(|(at, _)| text[..*at].ends_with(['`', '\n']) || text[..*at].ends_with("$ "))
        .filter_map(|(at, found)| text[at + found.len()..].split([' ', '`', '\n']).next())
        .map(str::to_owned)
        .collect()
}

/// What `dbm-git help` lists.
fn listed() -> BTreeSet<String> {
    let help = TestRepo::empty().dbm(["help"]).expect_code(0).stdout;
    help.lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
        .collect()
}

#[test]
fn the_table_lists_exactly_the_commands_that_there_are() {
    let rows = README.lines().filter(|line| line.starts_with("| `dbm-git "));
    let table: BTreeSet<String> =
        rows.flat_map(|row| commands(row.split('|').nth(1).expect("a first cell"))).collect();
    assert_eq!(table, listed());
}

#[test]
fn every_command_line_names_a_command() {
    let (named, listed) = (commands(README), listed());
    assert!(named.len() > 5, "{named:?}");
    let unknown: Vec<_> = named.difference(&listed).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
}

#[test]
fn the_configuration_is_one_that_is_read() {
    let toml = README.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let repo = TestRepo::new().adds("<base> -> a").publish("main");
    repo.write("dbm-git.toml", toml.expect("an example"));
    repo.write("billing/db/versions/b.py", "revision = 'b'\ndown_revision = None\n");
    let run = repo.dbm(["check"]).expect_code(0);
    assert_eq!(run.stdout, "manager: 1 revision, head a\nbilling: 1 revision, head b\n");
    assert_eq!(run.stderr, "");
}
