//! What is shown, as a value: the steps in their order, and what each has to
//! come to. Nothing is run here.

use super::project::Migration;
use crate::demo_stage::Player;

/// One step of the demo.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A new moment begins.
    Title(&'static str),
    /// A line of narration.
    Say(&'static str),
    /// The files of a new project.
    Project(Player),
    Migration(Player, Migration),
    Run(Call),
}

/// A command line and what has to come of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    pub player: Player,
    pub words: Vec<&'static str>,
    pub code: i32,
    /// What the output has to hold.
    pub says: &'static str,
    /// Whether the command line and its output are shown.
    pub is_shown: bool,
}

impl Call {
    fn new(player: Player, words: &[&'static str]) -> Self {
        Self { player, words: words.to_vec(), code: 0, says: "", is_shown: true }
    }

    /// It has to say this.
    fn says(self, says: &'static str) -> Step {
        Step::Run(Self { says, ..self })
    }

    /// It has to fail with exit code 1, and say this.
    fn objects(self, says: &'static str) -> Step {
        Step::Run(Self { code: 1, says, ..self })
    }

    /// Stage work that nobody needs to see.
    fn unseen(self) -> Step {
        Step::Run(Self { is_shown: false, ..self })
    }
}

const YOU: Player = Player { folder: "you", name: "You", email: "you@example.org" };
const COLLEAGUE: Player =
    Player { folder: "colleague", name: "Colleague", email: "colleague@example.org" };
const ORIGIN: Player = Player { folder: "origin.git", ..YOU };

const USERS: Migration =
    Migration { revision: "1f0c8a2d6b17", down_revision: None, table: "users" };
const ORDERS: Migration =
    Migration { revision: "5b3e91d07c42", down_revision: Some(USERS.revision), table: "orders" };
const ORDER_LINES: Migration = Migration {
    revision: "8d24f6a1930e",
    down_revision: Some(ORDERS.revision),
    table: "order_lines",
};
const INVOICES: Migration =
    Migration { revision: "c7190be4d583", down_revision: Some(USERS.revision), table: "invoices" };
const AUDIT: Migration =
    Migration { revision: "e05a7d3c21f9", down_revision: Some(INVOICES.revision), table: "audit" };

fn git(player: Player, words: &[&'static str]) -> Call {
    let mut all = vec!["git"];
    all.extend(words);
    Call::new(player, &all)
}

fn dbm(words: &[&'static str]) -> Call {
    let mut all = vec!["dbm-git"];
    all.extend(words);
    Call::new(YOU, &all)
}

/// All steps; those that run alembic or look into its database only where
/// there is one.
pub fn story(has_alembic: bool) -> Vec<Step> {
    [
        team(),
        after_a_pull(has_alembic),
        before_a_push(),
        after_a_branch_merge(has_alembic),
        taking_it_back(has_alembic),
        files_and_database(has_alembic),
        on_a_pull_request(),
    ]
    .concat()
}

/// A bare origin and two clones of one landed migration.
fn team() -> Vec<Step> {
    let mut steps = vec![git(ORIGIN, &["init", "-q", "--bare", "--initial-branch=main"]).unseen()];
    for player in [YOU, COLLEAGUE] {
        steps.extend(
            [
                &["init", "-q", "--template=", "--initial-branch=main"][..],
                // A hooks folder that the system's configuration names is not for us.
                &["config", "core.hooksPath", ".git/hooks"],
                &["config", "gc.auto", "0"],
                &["config", "maintenance.auto", "false"],
                &["remote", "add", "origin", "../origin.git"],
            ]
            .map(|words| git(player, words).unseen()),
        );
        if player == YOU {
            steps.extend([Step::Project(YOU), Step::Migration(YOU, USERS)]);
            steps.extend(committed(YOU, "Add users"));
            steps.push(git(YOU, &["push", "-q", "-u", "origin", "main"]).unseen());
        } else {
            steps.push(git(COLLEAGUE, &["pull", "-q", "origin", "main"]).unseen());
        }
        steps.push(git(player, &["fetch", "-q"]).unseen());
        steps.push(git(player, &["remote", "set-head", "origin", "main"]).unseen());
    }
    steps
}

fn committed(player: Player, message: &'static str) -> [Step; 2] {
    [
        git(player, &["add", "--all"]).unseen(),
        git(player, &["commit", "-q", "-m", message]).unseen(),
    ]
}

fn after_a_pull(has_alembic: bool) -> Vec<Step> {
    let mut steps = vec![
        Step::Title("After git pull"),
        Step::Say("Once per clone, git is told to call dbm-git:"),
        dbm(&["install"]).says("pre-push"),
    ];
    if has_alembic {
        steps.extend([
            Step::Say("Your database is where main is, at its one migration."),
            Call::new(YOU, &["alembic", "upgrade", "heads"]).says(""),
            dbm(&["status"]).says("up to date"),
        ]);
    }
    steps.extend([
        Step::Say("You start a branch and add two migrations."),
        git(YOU, &["switch", "-q", "-c", "orders"]).says(""),
        Step::Migration(YOU, ORDERS),
        Step::Migration(YOU, ORDER_LINES),
        git(YOU, &["add", "migrations"]).says(""),
        git(YOU, &["commit", "-q", "-m", "Add orders"]).says(""),
        Step::Say("Meanwhile a colleague's migration lands on main. You pull it:"),
        Step::Migration(COLLEAGUE, INVOICES),
    ]);
    steps.extend(committed(COLLEAGUE, "Add invoices"));
    steps.extend([
        git(COLLEAGUE, &["push", "-q", "origin", "main"]).unseen(),
        git(YOU, &["pull", "--no-rebase", "origin", "main"]).says("have diverged"),
        Step::Say("git merged both sides without a conflict; the hook says what git cannot see."),
    ]);
    steps
}

fn before_a_push() -> Vec<Step> {
    vec![
        Step::Title("Before git push"),
        Step::Say("Pushed like this, `alembic upgrade head` would fail for everybody."),
        git(YOU, &["push", "origin", "orders"]).objects("DBM001"),
    ]
}

fn after_a_branch_merge(has_alembic: bool) -> Vec<Step> {
    let mut steps = vec![
        Step::Title("After a branch merge"),
        Step::Say("What is wrong:"),
        dbm(&["check"]).objects("DBM001"),
        dbm(&["graph"]).says(ORDER_LINES.revision),
        Step::Say("Your migrations are to follow the landed one. What would change:"),
        dbm(&["rebase", "--dry-run"]).says("nothing was changed"),
    ];
    if has_alembic {
        steps.extend([
            Step::Say("The same for real; then alembic applies what is pending."),
            dbm(&["rebase", "--apply"]).says("as it should be"),
            dbm(&["status"]).says("up to date"),
        ]);
    } else {
        steps
            .extend([Step::Say("The same for real:"), dbm(&["rebase"]).says("1 revision rebased")]);
    }
    steps.push(dbm(&["check"]).says(ORDER_LINES.revision));
    steps
}

fn taking_it_back(has_alembic: bool) -> Vec<Step> {
    let mut steps = vec![
        Step::Title("Taking it back"),
        Step::Say("Every change of files is recorded, with what was there before."),
        dbm(&["log"]).says("1 revision rebased"),
        dbm(&["undo"]).says("as before operation 1"),
    ];
    if has_alembic {
        steps.extend([
            Step::Say("Files and database are where they were. Now again, and committed:"),
            dbm(&["status"]).says("diverged"),
            dbm(&["rebase", "--apply", "--commit"]).says("committed as"),
        ]);
    } else {
        steps.extend([
            Step::Say("The files are as they were. Now again, and committed:"),
            dbm(&["rebase", "--commit"]).says("committed as"),
        ]);
    }
    steps
}

fn files_and_database(has_alembic: bool) -> Vec<Step> {
    let mut steps = vec![
        Step::Title("When the database and the files disagree"),
        Step::Say("You switch to main, which has none of your migrations."),
        // Without a database nothing can be amiss with it.
        git(YOU, &["switch", "-q", "main"]).says(if has_alembic { "not here" } else { "" }),
    ];
    if has_alembic {
        steps.extend([
            Step::Say("alembic could do nothing here now: it lacks the files of what has run."),
            dbm(&["status"]).says("foreign"),
            Step::Say("Their scripts are known all the same, and take them down again."),
            dbm(&["sync"]).says("take down"),
        ]);
    }
    steps.push(git(YOU, &["switch", "-q", "orders"]).says(""));
    if has_alembic {
        steps.extend([
            Step::Say("Back on the branch, what is pending runs."),
            dbm(&["migrate"]).says("up to date"),
        ]);
    }
    steps
}

fn on_a_pull_request() -> Vec<Step> {
    let mut steps = vec![
        Step::Title("On a pull request"),
        Step::Say("CI judges the branch as it would be once merged into its base."),
        dbm(&["check", "--base", "origin/main"]).says(ORDER_LINES.revision),
        Step::Say("Now the push passes, and the branch lands on main."),
        git(YOU, &["push", "-q", "origin", "orders", "orders:main"]).says(""),
        Step::Say("A colleague's branch, started before that, has a migration too."),
        git(COLLEAGUE, &["switch", "-q", "-c", "audit"]).unseen(),
        Step::Migration(COLLEAGUE, AUDIT),
    ];
    steps.extend(committed(COLLEAGUE, "Add audit"));
    steps.extend([
        git(COLLEAGUE, &["fetch", "-q"]).says(""),
        Call::new(COLLEAGUE, &["dbm-git", "check"]).says(AUDIT.revision),
        Call::new(COLLEAGUE, &["dbm-git", "check", "--base", "origin/main"]).objects("DBM0"),
        Step::Say("Alone it is fine, merged it would not be: the pull request goes red."),
    ]);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command_lines(has_alembic: bool) -> Vec<String> {
        story(has_alembic)
            .iter()
            .filter_map(|step| match step {
                Step::Run(call) if call.is_shown => Some(call.words.join(" ")),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn without_alembic_nothing_is_shown_that_needs_it() {
        let without = command_lines(false);
        for word in ["alembic", "--apply", "status", "sync", "migrate"] {
            assert!(!without.iter().any(|line| line.contains(word)), "{without:#?}");
        }
        let with = command_lines(true);
        assert!(without.iter().all(|line| with.contains(line) || line.contains("rebase")));
    }

    #[test]
    fn every_title_is_followed_by_a_line_that_says_why() {
        for has_alembic in [true, false] {
            let steps = story(has_alembic);
            for pair in steps.windows(2).filter(|pair| matches!(pair[0], Step::Title(_))) {
                assert!(matches!(pair[1], Step::Say(_)), "{pair:#?}");
            }
        }
    }
}
