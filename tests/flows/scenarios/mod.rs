//! Every action of GIT-HOOKS' table, measured with git: which hooks fire, with
//! which exit code, what ours say, and that git leaves the same behind as
//! without us.
//!
//! Each row is played twice, in two repositories that differ in nothing but our
//! hooks. All client hooks are recorders; ours stand behind them.

mod beyond;
mod committing;
mod merging;
mod placing;
mod pulling;
mod pushing;
mod rewriting;
mod scene;
mod switching;

use scene::Scene;

/// What is done, and what is expected to come of it.
struct Row {
    name: &'static str,
    /// What has happened before.
    before: fn(&Scene),
    /// The folder beside the others in which git is run.
    folder: &'static str,
    /// Arguments of git.
    runs: Vec<String>,
    exit: i32,
    /// In the notation of the appendix; empty for none.
    fires: &'static str,
    /// Our lines on stderr.
    says: String,
    /// Our lines at the next hook; `None` where git is still busy.
    next: Option<String>,
}

/// A row that expects success and silence.
fn row<const N: usize>(name: &'static str, before: fn(&Scene), runs: [&str; N]) -> Row {
    Row {
        name,
        before,
        folder: "repo",
        runs: runs.map(str::to_owned).to_vec(),
        exit: 0,
        fires: "",
        says: String::new(),
        next: Some(String::new()),
    }
}

impl Row {
    fn inside(mut self, folder: &'static str) -> Self {
        self.folder = folder;
        self
    }

    fn exits(mut self, code: i32) -> Self {
        self.exit = code;
        self
    }

    fn fires(mut self, hooks: &'static str) -> Self {
        self.fires = hooks;
        self
    }

    fn says(mut self, lines: impl Into<String>) -> Self {
        self.says = lines.into();
        self
    }

    fn then(mut self, lines: impl Into<String>) -> Self {
        self.next = Some(lines.into());
        self
    }

    /// git is in the middle of something, where no branch can be switched.
    fn leaves_git_busy(mut self) -> Self {
        self.next = None;
        self
    }

    /// Plays the row, with our hooks or without.
    fn play(&self, with_ours: bool) -> Played {
        let scene = Scene::new(with_ours);
        (self.before)(&scene);
        scene.forget();
        let run = scene.repo.beside(self.folder).try_git(&self.runs);
        let (fired, left) = (scene.fired(), scene.left());
        let next = self.next.as_ref().map(|_| scene.next());
        let said = scene::ours(&run.stderr);
        Played { exit: run.code, fired, said, left, next, stderr: run.stderr }
    }

    /// What is wrong with it; nothing if all is as expected.
    fn trouble(&self) -> Option<String> {
        let (ours, plain) = (self.play(true), self.play(false));
        let mut trouble = Vec::new();
        let mut compare = |what: &str, expected: &str, found: &str| {
            if expected.trim_end() != found.trim_end() {
                trouble.push(format!("{what}\n  expected: {expected:?}\n  found:    {found:?}"));
            }
        };
        compare("exit code", &self.exit.to_string(), &ours.exit.to_string());
        compare("exit code without us", &self.exit.to_string(), &plain.exit.to_string());
        compare("hooks", self.fires, &ours.fired);
        compare("hooks without us", self.fires, &plain.fired);
        compare("our lines", &self.says, &ours.said);
        let next = |text: &Option<String>| text.clone().unwrap_or_default();
        compare("our lines at the next hook", &next(&self.next), &next(&ours.next));
        compare("what git leaves behind", &plain.left, &ours.left);
        (!trouble.is_empty())
            .then(|| format!("## {}\n{}\n{}", self.name, trouble.join("\n"), ours.stderr))
    }
}

/// What came of a row.
struct Played {
    exit: i32,
    fired: String,
    said: String,
    left: String,
    next: Option<String>,
    stderr: String,
}

#[track_caller]
fn assert_all(rows: &[Row]) {
    let trouble: Vec<String> = rows.iter().filter_map(Row::trouble).collect();
    assert!(trouble.is_empty(), "{} of {}:\n{}", trouble.len(), rows.len(), trouble.join("\n"));
}

fn diverged(one: &str, other: &str) -> String {
    format!(
        "dbm-git: the heads `{one}`, `{other}` have diverged\n\
         dbm-git: `dbm-git rebase` puts your revisions on top, `dbm-git merge` merges"
    )
}

fn new(id: &str) -> String {
    format!("dbm-git: 1 new revision (`{id}`): `dbm-git status` compares your database")
}

fn gone(id: &str) -> String {
    format!(
        "dbm-git: 1 revision is not here any more (`{id}`); \
         a database that ran it needs the other branch to go down"
    )
}

const COMMIT: &str = "pre-commit → prepare-commit-msg(message) → commit-msg → post-commit";
const MERGE: &str = "pre-merge-commit → prepare-commit-msg(merge) → commit-msg → post-merge(0)";
const COMMIT_OF_MERGE: &str = "pre-commit → prepare-commit-msg(merge) → commit-msg → post-commit";

fn appendix() -> [Vec<Row>; 7] {
    [
        committing::rows(),
        switching::rows(),
        merging::rows(),
        pulling::rows(),
        rewriting::rows(),
        placing::rows(),
        pushing::rows(),
    ]
}

#[test]
fn the_table_is_whole() {
    let names: Vec<&str> = appendix().iter().flatten().map(|row| row.name).collect();
    let distinct: std::collections::BTreeSet<_> = names.iter().collect();
    assert_eq!((names.len(), distinct.len()), (103, 103));
}

#[test]
fn commits_and_what_moves_no_branch() {
    assert_all(&committing::rows());
}

#[test]
fn switches_restores_and_resets() {
    assert_all(&switching::rows());
}

#[test]
fn merges_of_every_kind() {
    assert_all(&merging::rows());
}

#[test]
fn pulls_of_every_kind() {
    assert_all(&pulling::rows());
}

#[test]
fn rebases_picks_and_patches() {
    assert_all(&rewriting::rows());
}

#[test]
fn worktrees_clones_submodules_and_other_places() {
    assert_all(&placing::rows());
}

#[test]
fn pushes_of_every_kind() {
    assert_all(&pushing::rows());
}

#[test]
fn what_the_table_leaves_out() {
    assert_all(&beyond::rows());
}
