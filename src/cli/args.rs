//! What can be typed.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args as _, FromArgMatches, Parser, Subcommand, ValueEnum, ValueHint};

use super::completing::Candidates;
use super::deferred::Deferred;
use super::{commands, facts};

/// Keeps Alembic migration histories straight, from inside git.
#[derive(Debug, Parser)]
#[command(name = "dbm-git", version, about, max_term_width = 100)]
#[command(after_help = facts::exit_codes_in_words())]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

impl Args {
    /// Reads a command line.
    ///
    /// # Errors
    /// clap's words about a command line that is none, and what it prints instead of
    /// running anything: help, the version.
    pub fn read(words: &[OsString]) -> Result<Self, clap::Error> {
        Self::of_named_command(words).map_or_else(|| Self::try_parse_from(words), Ok)
    }

    /// What was typed, if it is understood by a program that has but the first command
    /// that is named. Each of twenty commands gets the flags of every command, and what
    /// that takes is a tenth of a `check`.
    fn of_named_command(words: &[OsString]) -> Option<Self> {
        let all = Command::augment_subcommands(clap::Command::new("dbm-git"));
        let named = words.iter().skip(1).find_map(|word| all.find_subcommand(word))?;
        let program = Global::augment_args(clap::Command::new("dbm-git"));
        let matches = program.subcommand(named.clone()).try_get_matches_from(words).ok()?;
        Self::from_arg_matches(&matches).ok()
    }
}

/// The flags of every command.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Global {
    /// Only this component (can be repeated)
    #[arg(long, global = true, value_name = "NAME", add = Candidates::components())]
    pub component: Vec<String>,
    /// The ref that others build on, instead of the one that is found
    #[arg(long, global = true, value_name = "REF", add = Candidates::refs())]
    pub base: Option<String>,
    /// Look at this commit instead of the working tree
    #[arg(long, global = true, value_name = "COMMIT", add = Candidates::refs())]
    pub at: Option<String>,
    /// How the answer is written
    #[arg(long, global = true, value_enum, default_value_t = Format::Human)]
    pub format: Format,
    /// When to use colours
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub color: Color,
    /// Say only what is wrong
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Run as if started in DIR
    #[arg(short = 'C', global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
}

/// `--format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Human,
    /// For programs; stable, with a version
    Json,
    /// Workflow commands of GitHub Actions, and a step summary (check)
    Github,
    /// GitLab's Code Quality (check)
    Gitlab,
    /// SARIF 2.1.0, for code scanning (check)
    Sarif,
    /// JUnit XML, for test reports (check)
    Junit,
    /// reviewdog's diagnostics (check)
    Rdjson,
    /// A picture for light and dark (graph)
    Svg,
    /// A flowchart for Markdown (graph)
    Mermaid,
    /// Graphviz (graph)
    Dot,
    /// A page to search in (graph)
    Html,
}

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// List what is wrong with the migration history
    Check(Deferred<commands::check::Flags>),
    /// Draw the migration history
    Graph(Deferred<commands::graph::Flags>),
    /// Put one's own revisions on top of the landed ones
    Rebase(Deferred<commands::rebase::Flags>),
    /// Write a merge revision over diverged heads
    Merge(Deferred<commands::merge::Flags>),
    /// Compare the database with the files
    Status(Deferred<commands::status::Flags>),
    /// Run pending migrations, or take some down
    Migrate(Deferred<commands::migrate::Flags>),
    /// Bring the database to the heads of the files, whatever happened to it
    Sync(Deferred<commands::sync::Flags>),
    /// Write a new revision, and show what to review in it
    Create(Deferred<commands::create::Flags>),
    /// Run revisions up, down and up again on a scratch database
    Verify(Deferred<commands::verify::Flags>),
    /// Keep databases as they are, and put them back
    Snapshots(Deferred<commands::snapshots::Flags>),
    /// List what dbm-git did in this repository
    Log(Deferred<commands::log::Flags>),
    /// Take an operation back
    Undo(Deferred<commands::undo::Flags>),
    /// Finish or roll back an operation that was interrupted
    Recover(Deferred<commands::recover::Flags>),
    /// Install the git hooks of this clone
    Install(Deferred<commands::install::Flags>),
    /// Remove the git hooks again
    Uninstall(Deferred<commands::uninstall::Flags>),
    /// Look whether everything is in place, and say what mends what is not
    Doctor(Deferred<commands::doctor::Flags>),
    /// Show the five moments on a scratch repository
    Demo(Deferred<commands::demo::Flags>),
    /// Explain a finding's code
    Explain(Deferred<commands::explain::Flags>),
    /// Write a completion script for a shell
    Completions(Deferred<commands::completions::Flags>),
    /// Print the manual, or write all its pages into a folder
    Man(Deferred<commands::man::Flags>),
    /// Print the JSON Schema of the configuration, or of an answer
    Schema(Deferred<commands::schema::Flags>),
    /// What git's hooks call
    #[command(hide = true)]
    Hook(Deferred<commands::hook::Flags>),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(line: &str, is_understood_early: bool) {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        let shown = |args: Args| format!("{args:?}");
        let early = Args::of_named_command(&words).map(shown);
        assert_eq!(early.is_some(), is_understood_early, "{line}");
        if is_understood_early {
            assert_eq!(early, Args::try_parse_from(&words).ok().map(shown), "{line}");
        }
    }

    #[test]
    fn one_command_is_understood_as_among_all() {
        for line in [
            "dbm-git check",
            "dbm-git --component check check --strict -q",
            "dbm-git -C graph graph --base main",
            "dbm-git rebase --dry-run --format json --component a --component b",
            "dbm-git --color=never migrate --target -1",
            "dbm-git snapshots restore check",
        ] {
            check(line, true);
        }
    }

    #[test]
    fn whatever_else_is_typed_is_for_all_commands_to_answer() {
        for line in [
            "dbm-git",
            "dbm-git --version",
            "dbm-git --help check",
            "dbm-git check --help",
            "dbm-git help check",
            "dbm-git check --unknown",
            "dbm-git chekc",
            "dbm-git --component check graph",
            "dbm-git --base graph check",
        ] {
            check(line, false);
        }
    }
}
