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

/// One on a SQLite file, and one on each server.
fn all() -> [Kept; 3] {
    [None, Some(Server::postgres()), Some(Server::mariadb())].map(Kept::with)
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
            return server.column(&match self.is_mariadb() {
                true => format!("WITH t(x) AS ({last}) SELECT CAST(x AS CHAR) FROM t"),
                false => format!("SELECT x::text FROM ({last}) AS t(x)"),
            });
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

    fn is_mariadb(&self) -> bool {
        self.server.as_ref().is_some_and(|server| server.url().starts_with("mysql"))
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
            Some(_) if self.is_mariadb() => {
                "SELECT table_name FROM information_schema.tables \
                  WHERE table_schema = database() AND table_name LIKE 't\\_%' ORDER BY 1"
            }
            Some(_) => "SELECT tablename FROM pg_tables WHERE tablename LIKE 't\\_%' ORDER BY 1",
            None => "SELECT name FROM sqlite_master WHERE name LIKE 't\\_%' ESCAPE '\\' ORDER BY 1",
        };
        let mut tables = self.sql(&[tables]);
        // A server need not keep the order of what is selected from.
        tables.sort();
        format!("{}: {}", rows.join(" "), tables.join(" "))
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
        if let Some(server) = self.server.as_ref().filter(|_| !self.is_mariadb()) {
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
    let store = dbm_git::database::SnapshotStore::of(&url, Path::new("/"), &[], limits);
    let place = store.new_place();
    place.rsplit_once('_').expect("a prefix").0.to_owned()
}

const MANY: &str = "INSERT INTO t_f (id) \
                    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
                    SELECT i FROM n";

/// It recurs a thousand times at most.
const MANY_ON_MARIADB: &str = "INSERT INTO t_f (id) SELECT seq FROM seq_1_to_10000";

#[test]
fn a_switch_to_main_and_back_brings_ten_thousand_rows_back() {
    for kept in all().map(Kept::on_feature) {
        kept.execute(if kept.is_mariadb() { MANY_ON_MARIADB } else { MANY });
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
    for kept in all().map(Kept::on_feature) {
        kept.switch("main");
        for round in 0..3 {
            // MariaDB takes a zero for the next number.
            kept.execute(&format!("INSERT INTO t_a (id) VALUES ({round} + 1)"));
            kept.switch("feature");
            assert_eq!((kept.count("t_f"), kept.count("t_a")), (round.to_string(), "0".to_owned()));
            assert_eq!(kept.kept(), "main@a");
            kept.execute(&format!("INSERT INTO t_f (id) VALUES ({round} + 1)"));
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

#[test]
fn a_server_whose_database_is_in_use_is_left_alone_and_says_by_whom() {
    let kept = Kept::with(Some(Server::postgres())).on_feature();
    let server = kept.server.as_ref().expect("a server");
    let shell = || {
        let mut session = server.session();
        session.execute("SET application_name = 'a shell'");
        session
    };
    // Each has a number of its own.
    let plain = |said: String| {
        let (start, rest) = said.split_once("`postgresql").expect("a URL");
        let (_, rest) = rest.split_once(" is in use by pid ").expect("a number");
        format!("{start}URL is in use by{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
    };
    let session = shell();
    insta::assert_snapshot!(plain(kept.switch("main")), @"
    dbm-git: the data stay as they are: URL is in use by (a shell, user postgres); afterwards `dbm-git snapshots save && dbm-git sync` does it
    dbm-git: your database has run `f`, which is not here: `dbm-git sync` brings it in line
    ");
    drop(session);
    assert_eq!((kept.database().as_str(), kept.kept().as_str()), ("f: t_a t_f", ""));
    kept.repo.dbm(["snapshots", "save"]).expect_code(0);
    kept.repo.dbm(["sync"]).expect_code(0);
    assert_eq!((kept.database().as_str(), kept.kept().as_str()), ("a: t_a", "feature@f"));
    let session = shell();
    insta::assert_snapshot!(plain(kept.switch("feature")), @"
    dbm-git: 1 new revision (`f`): `dbm-git status` compares your database
    dbm-git: the data stay as they are: URL is in use by (a shell, user postgres); afterwards `dbm-git snapshots restore 2` does it
    ");
    drop(session);
    kept.repo.dbm(["snapshots", "restore", "feature"]).expect_code(0);
    assert_eq!((kept.database().as_str(), kept.kept().as_str()), ("f: t_a t_f", "feature@a"));
}

#[test]
fn what_is_not_committed_comes_along_and_so_do_its_data() {
    let kept = on_a_file().on_feature();
    kept.switch("main");
    kept.repo.write_revisions("a -> u, not yet");
    kept.repo.alembic(["upgrade", "head"]).expect_code(0);
    assert_eq!(kept.state(), "up-to-date");
    // Two heads, and one of them is only here.
    insta::assert_snapshot!(kept.switch("feature"), @"
    dbm-git: the heads `f`, `u` have diverged
    dbm-git: `dbm-git rebase` puts your revisions on top, `dbm-git merge` merges
    dbm-git: the data stay as they are: the database has run `u`, which is not committed
    ");
    assert_eq!((kept.database().as_str(), kept.kept().as_str()), ("u: t_a t_u", "feature@f"));
    assert_eq!(kept.switch("main"), "");
}

#[test]
fn what_was_stashed_stays_behind_and_its_data_wait_for_it() {
    let kept = on_a_file().on_feature();
    kept.repo.write_revisions("f -> u, not yet");
    kept.repo.alembic(["upgrade", "head"]).expect_code(0);
    // Its script was seen, and so it can be taken down without its file.
    assert_eq!(kept.state(), "up-to-date");
    kept.execute("INSERT INTO t_u (id) VALUES (1)");
    kept.repo.git(["stash", "--quiet", "--include-untracked"]);
    insta::assert_snapshot!(kept.switch("main"), @"dbm-git: kept the data of `feature` (snapshot 1), and took `u`, `f` down");
    assert_eq!(kept.database(), "a: t_a");
    insta::assert_snapshot!(kept.switch("feature"), @"
    dbm-git: 1 new revision (`f`): `dbm-git status` compares your database
    dbm-git: the data of `feature` wait for `u`, which is not here: `dbm-git snapshots restore 1`
    ");
    kept.repo.git(["stash", "pop", "--quiet"]);
    kept.repo.dbm(["snapshots", "restore", "1"]).expect_code(0);
    assert_eq!((kept.database().as_str(), kept.count("t_u").as_str()), ("u: t_a t_f t_u", "1"));
    assert_eq!(kept.state(), "up-to-date");
}

#[test]
fn with_files_that_have_not_landed_no_alembic_is_run_and_the_data_are_kept_all_the_same() {
    let kept = on_a_file();
    kept.repo.git(["switch", "--quiet", "--create", "proposal"]);
    kept.repo.write_revisions("a -> s, strange");
    kept.repo.commit("Strange");
    kept.repo.git(["switch", "--quiet", "main"]);
    let kept = kept.on_feature();
    kept.execute("INSERT INTO t_f (id) VALUES (1)");
    insta::assert_snapshot!(kept.switch("proposal"), @"
    dbm-git: 1 new revision (`s`): `dbm-git status` compares your database
    dbm-git: kept the data of `feature` (snapshot 1); not brought in line, since this commit has not landed: `dbm-git sync` does it
    ");
    assert_eq!((kept.database().as_str(), kept.kept().as_str()), ("f: t_a t_f", "feature@f"));
    kept.repo.dbm(["sync"]).expect_code(0);
    assert_eq!(kept.database(), "s: t_a t_s");
    // To bring data back nothing of the branch is run.
    insta::assert_snapshot!(kept.switch("feature"), @"dbm-git: kept the data of `proposal` (snapshot 2), brought the data of `feature` back (`dbm-git undo 2`)");
    assert_eq!((kept.count("t_f").as_str(), kept.state().as_str()), ("1", "up-to-date"));
}

#[test]
fn worktrees_that_share_a_database_keep_it_as_it_is() {
    let kept = Kept::with(Some(Server::postgres()));
    let (linked, run) = kept.repo.worktree("linked", "other");
    run.expect_code(0);
    linked.dbm(["status"]).expect_code(0);
    let kept = kept.on_feature();
    insta::assert_snapshot!(kept.switch("main"), @"
    dbm-git: the data stay as they are: other worktrees share this database
    dbm-git: your database has run `f`, which is not here: `dbm-git sync` brings it in line
    ");
    assert_eq!((kept.database().as_str(), kept.kept().as_str()), ("f: t_a t_f", ""));
}

#[test]
fn a_branch_with_more_than_a_hook_can_take_down_is_kept_and_synced_by_hand() {
    let kept = on_a_file().on_feature();
    for notation in ["f -> g, more", "g -> h, still more", "h -> i, and more"] {
        kept.adds(notation);
    }
    kept.execute("INSERT INTO t_i (id) VALUES (1)");
    insta::assert_snapshot!(kept.switch("main"), @"dbm-git: kept the data of `feature` (snapshot 1); not brought in line, since it may take more than two seconds: `dbm-git sync` does it");
    kept.repo.dbm(["sync"]).expect_code(0);
    assert_eq!(kept.database(), "a: t_a");
    kept.switch("feature");
    assert_eq!(
        (kept.database().as_str(), kept.count("t_i").as_str()),
        ("i: t_a t_f t_g t_h t_i", "1")
    );
}

#[test]
fn a_named_snapshot_comes_back_as_often_as_one_likes_and_undo_takes_it_back() {
    for kept in all() {
        kept.execute("INSERT INTO t_a (id) VALUES (1)");
        kept.repo.dbm(["snapshots", "save", "demo"]).expect_code(0);
        let again = kept.repo.dbm(["snapshots", "save", "demo"]).expect_code(2);
        assert!(again.stderr.contains("there is a snapshot `demo` already"), "{again}");
        for round in 2..4 {
            kept.execute(&format!("INSERT INTO t_a (id) VALUES ({round})"));
            kept.repo.dbm(["snapshots", "restore", "demo", "--dry-run"]).expect_code(0);
            assert_eq!(kept.count("t_a"), "2");
            kept.repo.dbm(["snapshots", "restore", "demo"]).expect_code(0);
            assert_eq!((kept.count("t_a").as_str(), kept.state().as_str()), ("1", "up-to-date"));
        }
        assert_eq!(kept.kept(), "=demo@a main@a main@a");
        kept.repo.dbm(["undo"]).expect_code(0);
        assert_eq!((kept.count("t_a").as_str(), kept.state().as_str()), ("2", "up-to-date"));
        let older = kept.repo.dbm(["undo", "1"]).expect_code(0);
        assert!(older.stdout.contains("operation 1"), "{older}");
        kept.repo.dbm(["snapshots", "prune"]).expect_code(0);
        assert_eq!(kept.kept(), "=demo@a main@a");
        let again = kept.repo.dbm(["snapshots", "restore", "main"]).expect_code(0);
        assert!(again.stdout.contains("with the data of main"), "{again}");
        kept.repo.dbm(["snapshots", "drop", "demo"]).expect_code(0);
        kept.repo.dbm(["snapshots", "drop", "main"]).expect_code(0);
        assert_eq!(kept.kept(), "");
        // What it was exchanged for is deleted by now.
        let gone = kept.repo.dbm(["undo"]).expect_code(1);
        assert!(gone.stderr.contains("is no snapshot any more"), "{gone}");
        let none = kept.repo.dbm(["snapshots", "restore", "demo"]).expect_code(2);
        assert!(none.stderr.contains("there is no snapshot `demo`"), "{none}");
    }
}

#[test]
fn doctor_names_what_is_gone_and_what_nobody_knows() {
    for kept in [on_a_file(), Kept::with(Some(Server::mariadb()))] {
        kept.repo.dbm(["snapshots", "save", "demo"]).expect_code(0);
        let folder = kept.repo.path().join(".git/dbm-git/snapshots");
        let file = std::fs::read_dir(&folder).expect("a folder").next().expect("a file");
        let file = file.expect("an entry").path();
        std::fs::rename(&file, folder.join("lost.snapshot")).expect("renamed");
        let run = kept.repo.dbm(["doctor"]);
        assert!(run.stdout.contains("of snapshot 1 (`demo`) nothing is left"), "{run}");
        assert!(run.stdout.contains("`lost.snapshot` in "), "{run}");
        let refused = kept.repo.dbm(["snapshots", "restore", "demo"]).expect_code(1);
        assert!(refused.stderr.contains("`dbm-git snapshots drop 1`"), "{refused}");
        kept.repo.dbm(["snapshots", "drop", "1"]).expect_code(0);
        let said = kept.repo.dbm(["uninstall"]).expect_code(0);
        assert!(!said.stderr.contains("stay"), "{said}");
        kept.repo.dbm(["snapshots", "save"]).expect_code(0);
        kept.repo.dbm(["install"]).expect_code(0);
        let said = kept.repo.dbm(["uninstall"]).expect_code(0);
        assert!(said.stderr.contains("1 snapshot of a database stays"), "{said}");
    }
}

#[test]
fn the_limits_hold_and_what_goes_is_named() {
    let kept = on_a_file().on_feature();
    kept.repo.git(["config", "dbm-git.snapshotCount", "1"]);
    kept.switch("main");
    kept.repo.git(["switch", "--quiet", "--create", "second"]);
    kept.adds("a -> s, second");
    insta::assert_snapshot!(kept.switch("main"), @"
    dbm-git: kept the data of `second` (snapshot 2), and took `s` down
    dbm-git: dropped the oldest snapshot, `feature`, to make room (`dbm-git.snapshotCount`)
    ");
    assert_eq!(kept.kept(), "second@s");
    kept.repo.git(["config", "dbm-git.snapshotSize", "1k"]);
    insta::assert_snapshot!(kept.switch("second"), @"
    dbm-git: 1 new revision (`s`): `dbm-git status` compares your database
    dbm-git: the data stay as they are: there is no room for a snapshot; `dbm-git snapshots` shows what takes it
    ");
    assert_eq!((kept.database().as_str(), kept.kept().as_str()), ("a: t_a", "second@s"));
}

#[test]
fn a_table_that_somebody_works_on_on_mariadb_keeps_the_switch_from_changing_anything() {
    let kept = Kept::with(Some(Server::mariadb())).on_feature();
    kept.switch("main");
    let server = kept.server.as_ref().expect("a server");
    // Each has a number of its own.
    let plain = |said: String| {
        let (start, rest) = said.split_once("`mysql").expect("a URL");
        let (_, rest) = rest.split_once(" is locked by connection ").expect("a number");
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        format!("{start}URL is locked by connection{rest}")
    };
    let mut session = server.session();
    session.execute("START TRANSACTION; INSERT INTO t_a (id) VALUES (1)");
    insta::assert_snapshot!(plain(kept.switch("feature")), @"
    dbm-git: 1 new revision (`f`): `dbm-git status` compares your database
    dbm-git: the data stay as they are: URL is locked by connection (user root); afterwards `dbm-git snapshots restore 1` does it
    ");
    assert_eq!((kept.database().as_str(), kept.kept().as_str()), ("a: t_a", "feature@f"));
    let refused = kept.repo.dbm(["snapshots", "restore", "feature"]).expect_code(4);
    assert!(refused.stderr.contains("try again when they are done"), "{refused}");
    session.execute("COMMIT");
    kept.repo.dbm(["snapshots", "restore", "feature"]).expect_code(0);
    assert_eq!((kept.database().as_str(), kept.kept().as_str()), ("f: t_a t_f", "feature@a"));
    kept.repo.dbm(["undo"]).expect_code(0);
    assert_eq!((kept.count("t_a").as_str(), kept.state().as_str()), ("1", "behind"));
}

#[test]
fn what_is_too_much_for_a_hook_on_mariadb_comes_back_by_hand() {
    let kept = Kept::with(Some(Server::mariadb())).on_feature();
    kept.execute("CREATE TABLE big (id INT PRIMARY KEY, text LONGTEXT)");
    for id in 0..4 {
        kept.execute(&format!("INSERT INTO big VALUES ({id}, repeat('x', 4000000))"));
    }
    kept.execute("ANALYZE TABLE big");
    insta::assert_snapshot!(kept.switch("main"), @"
    dbm-git: the data stay as they are, since it may take 3 s: `dbm-git snapshots save && dbm-git sync` does it
    dbm-git: your database has run `f`, which is not here: `dbm-git sync` brings it in line
    ");
    kept.repo.dbm(["snapshots", "save"]).expect_code(0);
    kept.repo.dbm(["sync"]).expect_code(0);
    insta::assert_snapshot!(kept.switch("feature"), @"
    dbm-git: 1 new revision (`f`): `dbm-git status` compares your database
    dbm-git: the data stay as they are, since it may take 11 s: `dbm-git snapshots restore 1` does it
    ");
    kept.repo.dbm(["snapshots", "restore", "feature"]).expect_code(0);
    assert_eq!(kept.database(), "f: t_a t_f");
    assert_eq!(kept.sql(&["SELECT sum(length(text)) FROM big"]), ["16000000"]);
}
