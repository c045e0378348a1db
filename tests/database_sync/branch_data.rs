//! A database per branch: real switches, with the hooks in place, and what
//! `snapshots` does about the same databases by hand.

use std::path::Path;

use dbm_git::database::DatabaseUrl;

use crate::support::{Run, Server, StatusJson, TestRepo, test_python};

/// A clone at `a`, which has landed, with hooks that keep a database per branch.
struct Kept {
    repo: TestRepo,
    server: Option<Server>,
}

/// One on a SQLite file, and one on PostgreSQL.
fn both() -> [Kept; 2] {
    [Kept::with(None), Kept::with(Some(Server::postgres()))]
}

fn on_a_file() -> Kept {
    Kept::with(None)
}

impl Kept {
    fn with(server: Option<Server>) -> Self {
        let repo = TestRepo::new();
        if let Some(server) = &server {
            let ini = repo.read("alembic.ini");
            let url = server.url().replace('%', "%%");
            repo.write("alembic.ini", ini.replace("sqlite:///db.sqlite", &url));
        }
        let repo = repo.adds("<base> -> a, root").publish("main");
        repo.alembic(["upgrade", "head"]).expect_code(0);
        repo.dbm(["install"]).expect_code(0);
        repo.git(["config", "dbm-git.branchData", "snapshot"]);
        Self { repo, server }
    }

    /// On a new branch with `f`, which has run.
    fn on_feature(self) -> Self {
        self.heard(&["switch", "--quiet", "--create", "feature"]);
        self.adds("a -> f, mine");
        self
    }

    /// Commits revisions, and runs them.
    fn adds(&self, notation: &str) {
        self.repo.write_revisions(notation);
        self.repo.commit(notation);
        self.repo.alembic(["upgrade", "heads"]).expect_code(0);
        // As a person would who looks at it now and then.
        assert_eq!(self.state(), "up-to-date");
    }

    /// Runs git, which has to succeed, and returns what the hooks have said.
    #[track_caller]
    fn heard(&self, words: &[&str]) -> String {
        let run = self.repo.try_git(words).expect_code(0);
        let lines = run.stderr.lines().filter(|line| line.starts_with("dbm-git:"));
        let said: String = lines.map(|line| format!("{line}\n")).collect();
        assert!(said.lines().count() <= 6, "{said}");
        said
    }

    #[track_caller]
    fn switch(&self, branch: &str) -> String {
        self.heard(&["switch", "--quiet", branch])
    }

    /// Runs SQL, and returns the first column of what the last statement gave.
    #[track_caller]
    fn sql(&self, statements: &[&str]) -> Vec<String> {
        if let Some(server) = &self.server {
            let (last, first) = statements.split_last().expect("a statement");
            first.iter().for_each(|statement| server.execute(statement));
            return server.column(&format!("SELECT x::text FROM ({last}) AS t(x)"));
        }
        let script = "import sqlite3, sys\n\
                      c = sqlite3.connect('db.sqlite')\n\
                      for s in sys.argv[1:]: rows = c.execute(s).fetchall()\n\
                      c.commit()\n\
                      print('\\n'.join(str(r[0]) for r in rows))";
        let mut python = self.repo.command(test_python());
        let run = Run::of(python.args(["-c", script]).args(statements)).expect_code(0);
        run.stdout.lines().map(str::to_owned).collect()
    }

    fn execute(&self, sql: &str) {
        self.sql(&[sql, "SELECT 1"]);
    }

    #[track_caller]
    fn count(&self, table: &str) -> String {
        self.sql(&[&format!("SELECT count(*) FROM {table}")]).remove(0)
    }

    /// Version rows and tables: `f: t_a t_f`.
    #[track_caller]
    fn database(&self) -> String {
        let rows = self.sql(&["SELECT version_num FROM alembic_version ORDER BY 1"]);
        let tables = match &self.server {
            Some(_) => "SELECT tablename FROM pg_tables WHERE tablename LIKE 't\\_%' ORDER BY 1",
            None => "SELECT name FROM sqlite_master WHERE name LIKE 't\\_%' ESCAPE '\\' ORDER BY 1",
        };
        format!("{}: {}", rows.join(" "), self.sql(&[tables]).join(" "))
    }

    #[track_caller]
    fn state(&self) -> String {
        let json: StatusJson = self.repo.dbm(["status", "--format", "json"]).expect_code(0).json();
        json.components[0].state.clone()
    }

    /// The snapshots, as `feature@f main@a`.
    #[track_caller]
    fn kept(&self) -> String {
        let answer = self.repo.dbm(["snapshots", "--format", "json"]).expect_code(0);
        let json: serde_json::Value = answer.json();
        let snapshots = json["snapshots"].as_array().expect("a list").iter();
        let shown = |snapshot: &serde_json::Value| {
            let text = |key: &str| snapshot[key].as_str().unwrap_or("?").to_owned();
            let title = match snapshot["name"].as_str() {
                Some(name) => format!("={name}"),
                None => text("branch"),
            };
            format!("{title}@{}", snapshot["rows"][0].as_str().unwrap_or("-"))
        };
        snapshots.map(shown).collect::<Vec<_>>().join(" ")
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        // Those of the server outlive the database that they were taken of.
        if let Some(server) = &self.server {
            let sql =
                "SELECT datname::text FROM pg_database WHERE datname LIKE 'dbm\\_git\\_snapshot%'";
            let digits = prefix_of(server);
            for name in server.column(sql).iter().filter(|name| name.contains(&digits)) {
                server.execute(&format!("DROP DATABASE {name}"));
            }
        }
    }
}

/// What is in the names of the snapshots of this server's database, and of no other's.
fn prefix_of(server: &Server) -> String {
    let url = DatabaseUrl::parse(&server.url(), Path::new("/")).expect("a URL");
    let limits = dbm_git::database::Limits::default();
    let store = dbm_git::database::SnapshotStore::of(&url, Path::new("/"), limits);
    let place = store.expect("PostgreSQL").new_place();
    place.rsplit_once('_').expect("a prefix").0.to_owned()
}

const MANY: &str = "INSERT INTO t_f (id) \
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
                    SELECT i FROM n";

#[test]
fn a_switch_to_main_and_back_brings_ten_thousand_rows_back() {
    for kept in both().map(Kept::on_feature) {
        kept.execute(MANY);
        insta::allow_duplicates! {
            insta::assert_snapshot!(kept.switch("main"), @"dbm-git: kept the data of `feature` (snapshot 1), and took `f` down");
        }
        assert_eq!((kept.database().as_str(), kept.state().as_str()), ("a: t_a", "up-to-date"));
        kept.repo.alembic(["current", "--check-heads"]).expect_code(0);
        insta::allow_duplicates! {
            insta::assert_snapshot!(kept.switch("feature"), @"dbm-git: kept the data of `main` (snapshot 2), brought the data of `feature` back (`dbm-git undo 2`)");
        }
        assert_eq!(kept.count("t_f"), "10000");
        assert_eq!((kept.database().as_str(), kept.state().as_str()), ("f: t_a t_f", "up-to-date"));
        kept.repo.alembic(["current", "--check-heads"]).expect_code(0);
    }
}

#[test]
fn each_branch_has_its_own_data_however_often_it_is_left() {
    for kept in both().map(Kept::on_feature) {
        kept.switch("main");
        for round in 0..3 {
            kept.execute(&format!("INSERT INTO t_a (id) VALUES ({round})"));
            kept.switch("feature");
            assert_eq!((kept.count("t_f"), kept.count("t_a")), (round.to_string(), "0".to_owned()));
            assert_eq!(kept.kept(), "main@a");
            kept.execute(&format!("INSERT INTO t_f (id) VALUES ({round})"));
            kept.switch("main");
            assert_eq!(kept.count("t_a"), (round + 1).to_string());
            assert_eq!((kept.database().as_str(), kept.kept().as_str()), ("a: t_a", "feature@f"));
            assert_eq!(kept.state(), "up-to-date");
        }
    }
}

#[test]
fn without_being_asked_to_a_switch_changes_no_database() {
    let kept = on_a_file().on_feature();
    kept.repo.git(["config", "--unset", "dbm-git.branchData"]);
    kept.execute("INSERT INTO t_f (id) VALUES (1)");
    insta::assert_snapshot!(kept.switch("main"), @"dbm-git: your database has run `f`, which is not here: `dbm-git sync` brings it in line");
    assert_eq!((kept.database().as_str(), kept.kept().as_str()), ("f: t_a t_f", ""));
}
