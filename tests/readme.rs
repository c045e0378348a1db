//! The README and the pages below docs/ name what there is: the commands, exit
//! codes, variables and settings, and the configuration's keys.

mod support;

use std::collections::BTreeSet;

use dbm_git::cli::facts::{CLONE_SETTINGS, EXIT_CODES, VARIABLES};
use dbm_git::project::configuration_schema;
use support::TestRepo;

const README: &str = include_str!("../README.md");
const CONFIGURATION: &str = include_str!("../docs/configuration.md");
const COMING_FROM: &str = include_str!("../docs/coming-from.md");

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
    let listed = listed();
    for page in [README, CONFIGURATION, COMING_FROM] {
        let named = commands(page);
        assert!(!named.is_empty());
        let unknown: Vec<_> = named.difference(&listed).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
}

/// What a line of a shell's example calls of ours, with its words.
fn calls(page: &str) -> Vec<Vec<String>> {
    let lines = page.lines().map(|line| line.trim_start_matches("$ ").trim());
    let ours = lines.filter(|line| line.starts_with("dbm-git "));
    // A redirection and a comment are the shell's.
    let call = |line: &str| line.split(['>', '#']).next().unwrap_or_default().to_owned();
    ours.map(|line| shlex::split(&call(line)).expect("words of a shell")).collect()
}

/// `--help` behind a call makes clap read the words before it, and do nothing.
#[test]
fn every_flag_in_an_example_is_one_that_there_is() {
    for page in [README, CONFIGURATION, COMING_FROM] {
        let calls = calls(page);
        assert!(!calls.is_empty());
        for call in calls {
            let words = call.iter().skip(1).map(String::as_str).chain(["--help"]);
            let run = TestRepo::empty().dbm(words.collect::<Vec<_>>());
            assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{call:?}\n{run}");
        }
    }
}

#[test]
fn the_exit_codes_are_those_of_the_program() {
    let rows = README.lines().skip_while(|line| *line != "| exit code | meaning |").skip(2);
    let rows: Vec<&str> = rows.take_while(|line| line.starts_with('|')).collect();
    let today: Vec<String> =
        EXIT_CODES.iter().map(|(code, meaning)| format!("| {code} | {meaning} |")).collect();
    assert_eq!(rows, today);
}

/// Words in upper case that are quoted in the files that read the environment.
#[test]
fn every_variable_that_is_read_is_documented_and_no_other() {
    let sources = [
        include_str!("../src/cli/environment.rs"),
        include_str!("../src/cli/ui.rs"),
        include_str!("../src/ops/target.rs"),
        include_str!("../src/git/command.rs"),
        // What each platform says besides is its own affair: docs/ci.md.
        include_str!("../src/ci_platform/mod.rs"),
    ];
    let is_name = |word: &&str| {
        word.len() > 1
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
            // A value of the locale.
            && *word != "POSIX"
    };
    let read: BTreeSet<&str> = sources
        .iter()
        .flat_map(|source| source.split('"').skip(1).step_by(2))
        .filter(is_name)
        .collect();
    let documented: BTreeSet<&str> = VARIABLES.iter().map(|(name, _)| *name).collect();
    let missing: Vec<_> = read.difference(&documented).collect();
    assert!(missing.is_empty(), "add to `VARIABLES` in src/cli/facts.rs: {missing:?}");
    let gone: Vec<_> = documented.difference(&read).collect();
    assert!(gone.is_empty(), "nothing reads {gone:?}");
}

#[test]
fn the_settings_of_a_clone_are_those_that_are_read() {
    let named: BTreeSet<&str> = README
        .split("git config ")
        .skip(1)
        .filter_map(|rest| rest.split_whitespace().next())
        .filter(|key| key.starts_with("dbm-git."))
        .collect();
    assert!(named.len() > 3, "{named:?}");
    let known: BTreeSet<&str> = CLONE_SETTINGS.iter().map(|(key, _)| *key).collect();
    assert!(named.is_subset(&known), "{named:?}");
    let code = [
        include_str!("../src/plan/hook_run.rs"),
        include_str!("../src/ops/database_target.rs"),
        include_str!("../src/ops/snapshots/mod.rs"),
        include_str!("../src/ops/snapshots/take.rs"),
    ]
    .concat();
    for key in known {
        assert!(code.contains(&format!("\"{key}\"")), "nothing reads {key}");
    }
}

/// The keys of a TOML text, those of the components without the component's name.
fn keys(toml: &str) -> BTreeSet<String> {
    let table: toml::Table = toml.parse().expect("TOML");
    let components = table.get("components").and_then(|value| value.as_table());
    let own = components.into_iter().flatten().filter_map(|(_, value)| value.as_table());
    table.keys().chain(own.flat_map(toml::Table::keys)).cloned().collect()
}

#[test]
fn the_example_shows_keys_that_the_schema_has() {
    let schema = configuration_schema();
    let component = "/properties/components/additionalProperties/properties";
    let known: BTreeSet<String> = ["/properties", component]
        .iter()
        .filter_map(|place| schema.pointer(place)?.as_object())
        .flat_map(|properties| properties.keys().cloned())
        .collect();
    let toml = README.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let shown = keys(toml.expect("an example"));
    assert!(shown.len() > 10 && shown.is_subset(&known), "{shown:?}");
}

#[test]
fn every_example_of_a_configuration_is_one_that_is_read() {
    let examples: Vec<&str> = CONFIGURATION
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next())
        .collect();
    assert!(examples.len() > 3, "{examples:?}");
    for toml in examples {
        let repo = TestRepo::new().adds("<base> -> a").publish("main");
        let ini = repo.read("alembic.ini");
        repo.write("alembic.ini", format!("{ini}\n[billing]\nscript_location = audit/db\n"));
        repo.write("audit/db/versions/b.py", "revision = 'b'\ndown_revision = None\n");
        repo.git(["push", "--quiet", "origin", "main:develop"]);
        let is_shared = toml.contains("[tool.dbm-git]");
        repo.write(if is_shared { "pyproject.toml" } else { "dbm-git.toml" }, toml);
        let run = repo.dbm(["check"]).expect_code(0);
        assert_eq!(run.stderr, "", "{toml}");
    }
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
