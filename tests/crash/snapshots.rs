//! A database per branch: the hook killed at any point of a switch loses no row,
//! and whoever comes next finishes it or takes it back.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Command, Output};

use super::FAULT;
use super::python::{AlembicServer, Hands};
use super::steps::point_of;
use super::support::{Run, Server, StatusJson, TestRepo};

/// A clone without hooks, of which the one that git would have called is called here.
///
/// ```text
/// main:    a
/// feature: a -> f
/// ```
struct Project {
    repo: TestRepo,
    server: Option<Server>,
    /// Where an `alembic` is that starts at once.
    tools: PathBuf,
}

const ON_FEATURE: &str = "f t_a[] t_f[[\"7\"]]";
const ON_MAIN: &str = "a t_a[]";

impl Project {
    /// On the branch `feature`, with a row in its table.
    fn on_feature(alembic: &AlembicServer, server: Option<Server>) -> Self {
        let repo = TestRepo::new();
        if let Some(server) = &server {
            let ini = repo.read("alembic.ini");
            let url = server.url().replace('%', "%%");
            repo.write("alembic.ini", ini.replace("sqlite:///db.sqlite", &url));
        }
        let repo = repo.adds("<base> -> a, root").publish("main");
        repo.git(["config", "dbm-git.branchData", "snapshot"]);
        repo.git(["switch", "--quiet", "--create", "feature"]);
        let repo = repo.adds("a -> f, mine");
        let tools = repo.home().join("bin");
        alembic.write_client(&tools, &BTreeMap::new());
        let project = Self { repo, server, tools };
        let program = project.tools.join("alembic");
        let mut upgrade = project.command(program.to_str().expect("a plain path"));
        Run::of(upgrade.args(["upgrade", "head"])).expect_code(0);
        Hands::start().sql(&project.url(), &["INSERT INTO t_f (id) VALUES (7)"]);
        project.assert_up_to_date("at first");
        project
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.repo.command(program);
        let path = std::env::var("PATH").expect("a PATH");
        command.env("PATH", format!("{}:{path}", self.tools.display()));
        command
    }

    fn dbm(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_dbm-git"));
        command.args(arguments);
        command
    }

    fn url(&self) -> String {
        match &self.server {
            Some(server) => server.url(),
            None => format!("sqlite:///{}", self.repo.path().join("db.sqlite").display()),
        }
    }

    /// Version rows, tables, and the ids in them.
    fn content(&self, hands: &mut Hands) -> String {
        let url = self.url();
        let mut text: Vec<String> = hands.version_rows(&url).into_iter().collect();
        // What says that it is being exchanged is not the project's.
        for table in hands.schema(&url).keys().filter(|&table| table != "dbm_git_exchange") {
            let rows = hands.sql(&url, &[&format!("SELECT id FROM {table} ORDER BY id")]);
            text.push(format!("{table}{rows:?}"));
        }
        text.join(" ")
    }

    /// Checks a branch out, and calls the hook, which dies at a point.
    fn switch(&self, branch: &str, point: usize) -> Output {
        let before = self.repo.git(["rev-parse", "HEAD"]);
        self.repo.git(["switch", "--quiet", branch]);
        self.hook(before.trim(), point)
    }

    fn hook(&self, before: &str, point: usize) -> Output {
        let after = self.repo.git(["rev-parse", "HEAD"]);
        let mut hook = self.dbm(&["hook", "post-checkout", before, after.trim(), "1"]);
        hook.env(FAULT, point.to_string()).output().expect("started")
    }

    /// The same, and nobody dies.
    #[track_caller]
    fn switch_whole(&self, branch: &str) {
        assert_eq!(point_of(&self.switch(branch, usize::MAX)), None);
    }

    #[track_caller]
    fn hook_again(&self) {
        assert_eq!(point_of(&self.hook(&"1".repeat(40), usize::MAX)), None);
    }

    #[track_caller]
    fn assert_up_to_date(&self, story: &str) {
        let run = Run::of(&mut self.dbm(&["status", "--format", "json"])).expect_code(0);
        let json: StatusJson = run.json();
        assert_eq!(json.components[0].state, "up-to-date", "{story}");
    }

    /// Nothing lies about that no row tells of, nor the other way round.
    #[track_caller]
    fn assert_tidy(&self, story: &str) {
        let doctor = Run::of(&mut self.dbm(&["doctor", "--format", "json"]));
        assert!(!doctor.stdout.contains("\"snapshots\""), "{story}: {doctor}");
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let Some(server) = &self.server else { return };
        let run = Run::of(&mut self.dbm(&["snapshots", "--format", "json"]));
        let json: serde_json::Value = run.json();
        for snapshot in json["snapshots"].as_array().into_iter().flatten() {
            if snapshot["kind"] != "database" {
                continue;
            }
            let place = snapshot["place"].as_str().expect("a name");
            server.execute(&format!("DROP DATABASE IF EXISTS {place}"));
        }
    }
}

/// Who comes next after the hook was killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Hook,
    Recover,
    Rollback,
}

/// Kills the hook at every point of the exchange of two branches' data.
fn exchanges(server: Option<Server>, next: Next) {
    let (alembic, mut hands) = (AlembicServer::start(), Hands::start());
    let is_loaded = server.as_ref().is_some_and(|server| server.url().starts_with("mysql"));
    let project = Project::on_feature(&alembic, server);
    project.switch_whole("main");
    project.switch_whole("feature");
    let mut points = Vec::new();
    for number in 1.. {
        assert_eq!(project.content(&mut hands), ON_FEATURE);
        let Some(name) = point_of(&project.switch("main", number)) else { break };
        let story = format!("{next:?} after {name}");
        let found = project.content(&mut hands);
        // A server that loads a dump bit by bit has neither the one nor the other then.
        let is_torn = is_loaded && name.contains("`exchange: emptied`");
        assert!(!is_torn || found.is_empty(), "{story}: {found}");
        assert!(is_torn || [ON_FEATURE, ON_MAIN].contains(&found.as_str()), "{story}: {found}");
        match next {
            Next::Hook => {}
            Next::Recover => drop(Run::of(&mut project.dbm(&["recover"])).expect_code(0)),
            Next::Rollback => {
                let run = Run::of(&mut project.dbm(&["recover", "--rollback"])).expect_code(0);
                if !run.stdout.contains("nothing to recover") {
                    assert_eq!(project.content(&mut hands), ON_FEATURE, "{story}");
                }
            }
        }
        project.hook_again();
        assert_eq!(project.content(&mut hands), ON_MAIN, "{story}");
        project.assert_up_to_date(&story);
        project.switch_whole("feature");
        assert_eq!(project.content(&mut hands), ON_FEATURE, "{story}");
        project.assert_up_to_date(&story);
        project.assert_tidy(&story);
        points.push(name);
    }
    assert!(points.iter().any(|name| name.contains("`exchange: made`")), "{points:?}");
}

#[test]
fn an_exchange_of_files_killed_at_any_point_loses_nothing() {
    exchanges(None, Next::Hook);
    exchanges(None, Next::Recover);
    exchanges(None, Next::Rollback);
}

#[test]
fn an_exchange_on_postgresql_killed_at_any_point_loses_nothing() {
    exchanges(Some(Server::postgres()), Next::Hook);
    exchanges(Some(Server::postgres()), Next::Recover);
    exchanges(Some(Server::postgres()), Next::Rollback);
}

#[test]
fn an_exchange_of_dumps_killed_at_any_point_loses_nothing() {
    for next in [Next::Hook, Next::Recover, Next::Rollback] {
        exchanges(Some(Server::mariadb()), next);
    }
}

/// Kills the hook at every point of the first switch, at which revisions go down.
fn descents(server: impl Fn() -> Option<Server>) {
    let (alembic, mut hands) = (AlembicServer::start(), Hands::start());
    let mut points = Vec::new();
    for number in 1.. {
        let project = Project::on_feature(&alembic, server());
        let Some(name) = point_of(&project.switch("main", number)) else { break };
        Run::of(&mut project.dbm(&["recover"])).expect_code(0);
        project.hook_again();
        assert_eq!(project.content(&mut hands), ON_MAIN, "{name}");
        project.assert_up_to_date(&name);
        project.switch_whole("feature");
        assert_eq!(project.content(&mut hands), ON_FEATURE, "{name}");
        project.assert_up_to_date(&name);
        project.assert_tidy(&name);
        points.push(name);
    }
    assert!(points.iter().any(|name| name.contains("`step: ran`")), "{points:?}");
}

#[test]
fn a_first_switch_killed_at_any_point_loses_nothing() {
    descents(|| None);
}

#[test]
fn a_first_switch_on_postgresql_killed_at_any_point_loses_nothing() {
    descents(|| Some(Server::postgres()));
}

#[test]
fn a_first_switch_on_mariadb_killed_at_any_point_loses_nothing() {
    descents(|| Some(Server::mariadb()));
}
