//! A remote with a proposal to merge, and the clones that platforms make of it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{CheckJson, Run, TestRepo};

/// What landed on main beside the proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Story {
    /// Nothing but text.
    Clean,
    /// A revision, before the platform merged main with the proposal.
    Diverged,
    /// Text, after it.
    MovedOn,
    /// A revision, after it.
    DivergedSince,
}

impl Story {
    pub const ALL: [Self; 4] = [Self::Clean, Self::Diverged, Self::MovedOn, Self::DivergedSince];

    /// What is found, wherever the proposal is judged as merged.
    pub fn findings(self) -> &'static [&'static str] {
        match self {
            Self::Clean | Self::MovedOn => &[],
            Self::Diverged | Self::DivergedSince => &["DBM015"],
        }
    }
}

/// Where the repository that proposals come to is kept, and its commits.
pub struct Forge {
    pub ada: TestRepo,
    /// The platform's merge of main and the proposal.
    pub merge: String,
    /// What main was at then.
    pub base: String,
    pub proposal: String,
    /// What both have in common.
    pub fork_point: String,
}

impl Forge {
    #[track_caller]
    pub fn new(story: Story) -> Self {
        let ada = TestRepo::new().adds("<base> -> a, root");
        for n in 0..3 {
            ada.write("notes.txt", format!("{n}\n"));
            ada.commit("Take notes");
        }
        let ada = ada.publish("main");
        let fork_point = ada.git(["rev-parse", "HEAD"]);
        let ada = ada.branch("proposal").adds("a -> f, feature").publish("proposal");
        let proposal = ada.git(["rev-parse", "HEAD"]);
        let mut ada = ada.switch("main");
        let land = |ada: TestRepo, revision: bool| match revision {
            true => ada.adds("a -> m, main work"),
            false => {
                ada.write("text.txt", "text\n");
                ada.commit("Write");
                ada
            }
        };
        ada = land(ada, story == Story::Diverged).publish("main");
        let base = ada.git(["rev-parse", "HEAD"]);
        ada.git(["switch", "--quiet", "--detach"]);
        ada.git(["merge", "--quiet", "--no-edit", "--no-ff", "proposal"]);
        let merge = ada.git(["rev-parse", "HEAD"]);
        for name in ["pull/1/merge", "merge-requests/1/merge"] {
            ada.git(["push", "--quiet", "origin", &format!("HEAD:refs/{name}")]);
        }
        ada.git(["push", "--quiet", "origin", "proposal:refs/pull/1/head"]);
        ada = ada.switch("main");
        if matches!(story, Story::MovedOn | Story::DivergedSince) {
            ada.write("more.txt", "more\n");
            ada = land(ada, story == Story::DivergedSince).publish("main");
        }
        Self { ada, merge, base, proposal, fork_point }
    }

    /// A clone as most platforms make it: one commit, and no branch.
    #[track_caller]
    pub fn checkout(&self, commit: &str) -> Job {
        self.clone_of(commit, &["--depth=1"])
    }

    /// The same with some more commits.
    #[track_caller]
    pub fn deep_checkout(&self, commit: &str, depth: u32) -> Job {
        self.clone_of(commit, &[&format!("--depth={depth}")])
    }

    /// The same with all history.
    #[track_caller]
    pub fn whole_checkout(&self, commit: &str) -> Job {
        let job = self.clone_of(commit, &[]);
        job.repo.git(["fetch", "--quiet", "origin"]);
        job
    }

    #[track_caller]
    fn clone_of(&self, commit: &str, depth: &[&str]) -> Job {
        let repo = self.ada.beside("job");
        fs::create_dir(repo.path()).expect("a new folder");
        repo.git(["init", "--quiet", "--initial-branch=unborn"]);
        let url = format!("file://{}", self.ada.origin().display());
        repo.git(["remote", "add", "origin", &url]);
        let fetch = ["fetch", "--quiet", "--no-tags"];
        let wanted = ["origin", commit];
        repo.git(fetch.iter().chain(depth).chain(&wanted));
        repo.git(["checkout", "--quiet", "--detach", "FETCH_HEAD"]);
        Job { repo, variables: Vec::new() }
    }
}

/// A clone with the variables of a platform.
pub struct Job {
    pub repo: TestRepo,
    variables: Vec<(String, String)>,
}

impl Job {
    pub fn set(mut self, variables: &[(&str, &str)]) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.variables.extend(variables.iter().map(owned));
        self
    }

    /// GitHub Actions, with the event's payload in a file.
    pub fn github(self, event: &str, git_ref: &str, payload: &str) -> Self {
        let path = self.repo.home().join("event.json");
        fs::write(&path, payload).expect("a new file");
        self.set(&[
            ("CI", "true"),
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", event),
            ("GITHUB_REF", git_ref),
            ("GITHUB_EVENT_PATH", path.to_str().expect("a plain path")),
        ])
    }

    fn trace(&self) -> PathBuf {
        self.repo.home().join("trace")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.repo.dbm_command();
        command.args(arguments).envs(self.variables.iter().cloned());
        command.env("GIT_TRACE2_EVENT", self.trace());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        Run::of(&mut self.command(arguments))
    }

    /// The codes that `check` finds.
    #[track_caller]
    pub fn codes(&self, arguments: &[&str]) -> Vec<String> {
        let run = self.run(&[&["check", "--format", "json"], arguments].concat());
        let check: CheckJson = run.json();
        let codes: Vec<String> =
            check.components.iter().flat_map(|c| &c.findings).map(|f| f.code.clone()).collect();
        assert_eq!(run.code, i32::from(!codes.is_empty()), "{run}");
        codes
    }

    /// How often git was sent to fetch.
    pub fn fetches(&self) -> usize {
        let trace = fs::read_to_string(self.trace()).unwrap_or_default();
        let is_fetch = |line: &&str| {
            line.contains("\"event\":\"start\"") && line.contains("\"fetch\",\"--quiet\"")
        };
        trace.lines().filter(is_fetch).count()
    }
}

/// The payload of a pull request's event.
pub fn payload(forge: &Forge) -> String {
    format!(
        r#"{{"pull_request": {{"number": 1,
             "head": {{"sha": "{}", "ref": "proposal"}},
             "base": {{"sha": "{}", "ref": "main"}}}},
           "repository": {{"default_branch": "main"}}}}"#,
        forge.proposal, forge.base
    )
}
