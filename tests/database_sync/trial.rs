//! `sync --verify`: a plan runs on a copy first, with all data, and only one that ran
//! there touches the database.

use serde_json::Value;

use crate::project::{Kind, Project};
use crate::support::{Run, TestRepo, VERSIONS, test_python};
use dbm_git::database::{DatabaseUrl, UrlParts, stray_databases};

/// A project of any kind.
enum Any {
    File(TestRepo),
    Server(Box<Project>),
}

impl Any {
    fn all() -> [Self; 3] {
        let [postgres, mariadb] = Project::both().map(|project| Self::Server(Box::new(project)));
        [Self::File(TestRepo::new()), postgres, mariadb]
    }

    fn repo(&self) -> &TestRepo {
        match self {
            Self::File(repo) => repo,
            Self::Server(project) => &project.repo,
        }
    }

    /// By what a copy of it is made.
    fn copied_by(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Server(project) if project.kind == Kind::Postgres => "template",
            Self::Server(_) => "dump",
        }
    }

    #[track_caller]
    fn adds(&self, notation: &str) {
        self.repo().write_revisions(notation);
        self.repo().commit(&format!("Add {}", notation.trim()));
    }

    /// Has a script's `upgrade` go on with a statement.
    #[track_caller]
    fn goes_on(&self, file: &str, statement: &str) {
        let path = format!("{VERSIONS}/{file}");
        let (text, end) = (self.repo().read(&path), "primary_key=True))\n");
        assert!(text.contains(end), "{text}");
        self.repo().write(&path, text.replace(end, &format!("{end}    {statement}\n")));
    }

    #[track_caller]
    fn execute(&self, sql: &str) {
        self.query(sql);
    }

    /// The first column of what a statement gives, as text.
    #[track_caller]
    fn query(&self, sql: &str) -> Vec<String> {
        match self {
            Self::Server(project) => project.server.column(sql),
            Self::File(repo) => {
                let program = "import sqlite3, sys\nc = sqlite3.connect('db.sqlite', isolation_level=None)\n\
                               for row in c.execute(sys.argv[1]): print(row[0])";
                let run = Run::of(repo.command(test_python()).args(["-c", program, sql]));
                run.expect_code(0).stdout.lines().map(str::to_owned).collect()
            }
        }
    }

    /// Version rows and the ids of a table.
    #[track_caller]
    fn state(&self, table: &str) -> String {
        let text = if self.copied_by() == "dump" { "char" } else { "text" };
        let ids = self.query(&format!("SELECT CAST(id AS {text}) FROM {table} ORDER BY id"));
        let rows = self.query("SELECT version_num FROM alembic_version ORDER BY 1");
        format!("{}: {}", rows.join(" "), ids.join(" "))
    }

    #[track_caller]
    fn dbm<const N: usize>(&self, arguments: [&str; N], code: i32) -> Run {
        self.repo().dbm(arguments).expect_code(code)
    }

    /// What JSON says of the only component.
    #[track_caller]
    fn json<const N: usize>(&self, arguments: [&str; N], code: i32) -> Value {
        let run = self.dbm(arguments, code);
        let report: Value =
            serde_json::from_str(&run.stdout).unwrap_or_else(|e| panic!("{e}\n{run}"));
        report["components"][0].clone()
    }

    /// No scratch database is left.
    #[track_caller]
    fn nothing_is_left(&self) {
        let scratch = self.repo().path().join(".git/dbm-git/scratch");
        let left: Vec<_> = std::fs::read_dir(scratch).into_iter().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
        if let Self::Server(project) = self {
            let strays = stray_databases(&project.server.database_url()).expect("asked");
            assert_eq!(strays, Vec::<String>::new());
        }
    }

    /// `f` ran on top of `a`, and has been put on top of `m`, which never ran.
    #[track_caller]
    fn m_was_skipped(&self) {
        self.adds("<base> -> a, root\na -> f, feature");
        self.repo().alembic(["upgrade", "head"]).expect_code(0);
        self.execute("INSERT INTO t_f (id) VALUES (7)");
        self.dbm(["status"], 0);
        self.adds("a -> m, main");
        let path = format!("{VERSIONS}/f_feature.py");
        let text = self.repo().read(&path);
        self.repo().write(&path, text.replace("None] = 'a'\n", "None] = 'm'\n"));
    }
}

const SEVEN: &str = "op.execute('INSERT INTO t_a (id) VALUES (7)')";

#[test]
fn a_plan_that_fails_with_the_data_leaves_the_database_alone() {
    for any in Any::all() {
        any.adds("<base> -> a, root");
        any.repo().alembic(["upgrade", "head"]).expect_code(0);
        any.execute("INSERT INTO t_a (id) VALUES (7)");
        any.adds("a -> b, more");
        any.goes_on("b_more.py", SEVEN);
        let run = any.dbm(["sync", "--verify"], 1);
        for words in [
            "tried out on a copy of the database, upgrading to `b` did not work: alembic failed",
            "b_more.py",
            "nothing was changed",
            "`dbm-git sync --dry-run --verify` tries again",
        ] {
            assert!(run.stderr.contains(words), "no `{words}` in {run}");
        }
        assert_eq!(any.state("t_a"), "a: 7");
        let said = any.json(["sync", "--dry-run", "--verify", "--format", "json"], 1);
        let trial = &said["trial"];
        assert_eq!(trial["verdict"], "failed", "{said}");
        assert_eq!(trial["copied_by"], any.copied_by());
        assert_eq!(trial["revisions"], serde_json::json!(["b"]));
        assert!(trial["error"].as_str().is_some_and(|e| e.contains("b_more.py")), "{said}");
        any.nothing_is_left();
        any.execute("DELETE FROM t_a");
        let run = any.dbm(["sync", "--verify"], 0);
        assert!(run.stdout.contains("tried out on a copy first: it runs, and the schema"), "{run}");
        assert_eq!(any.state("t_a"), "b: 7");
        any.nothing_is_left();
    }
}

#[test]
fn what_mends_is_tried_out_unasked_and_a_replay_that_runs_there_keeps_the_data() {
    for any in Any::all() {
        any.m_was_skipped();
        // Nobody can tell by reading whether that meets `f`.
        any.goes_on("m_main.py", "op.execute('SELECT 1')");
        let said = any.json(["sync", "--dry-run", "--format", "json"], 0);
        assert_eq!((&said["strategy"], &said["no_replay"]), (&"replay".into(), &Value::Null));
        assert_eq!(said["trial"]["verdict"], "passed", "{said}");
        assert_eq!(said["trial"]["copied_by"], any.copied_by());
        assert_eq!(any.state("t_f"), "f: 7");
        // Without a trial only going down and up again is known to be sound.
        let untried = any.json(["sync", "--dry-run", "--no-verify", "--format", "json"], 0);
        assert_eq!((&untried["strategy"], &untried["trial"]), (&"downgrade".into(), &Value::Null));
        any.dbm(["sync"], 0);
        assert_eq!(any.state("t_f"), "f: 7");
        assert_eq!(any.state("t_m"), "f: ");
        any.nothing_is_left();
    }
}

#[test]
fn unasked_no_more_is_copied_than_is_cheap() {
    let any = Any::File(TestRepo::new());
    any.m_was_skipped();
    any.execute("CREATE TABLE blobs AS SELECT zeroblob(70 << 20) AS content");
    let run = any.dbm(["sync", "--dry-run"], 0);
    assert!(run.stdout.contains("not tried out on a copy: it would take 7"), "{run}");
    let run = any.dbm(["sync", "--dry-run", "--verify"], 0);
    assert!(run.stdout.contains("tried out on a copy first"), "{run}");
    // What decides is worth any size: what else could be done would lose data.
    any.goes_on("m_main.py", "op.execute('SELECT 1')");
    let said = any.json(["sync", "--dry-run", "--format", "json"], 0);
    assert_eq!(
        (&said["strategy"], &said["trial"]["verdict"]),
        (&"replay".into(), &"passed".into())
    );
}

/// A column that somebody has added by hand is no reason to leave a database as it is.
#[test]
fn what_differed_before_is_told_and_not_held_against_the_plan() {
    let any = Any::File(TestRepo::new());
    any.m_was_skipped();
    any.execute("ALTER TABLE t_f ADD COLUMN mine INTEGER");
    let run = any.dbm(["sync"], 0);
    let words = "it runs; the column `t_f.mine` differs from a new database, as before";
    assert!(run.stdout.contains(words), "{run}");
    assert_eq!(any.state("t_f"), "f: 7");
}

#[test]
fn a_rebase_that_would_fail_in_the_database_changes_no_file() {
    let [file, postgres, _] = Any::all();
    for any in [file, postgres] {
        any.adds("<base> -> a, root");
        any.repo().git(["branch", "landed"]);
        any.adds("a -> f, feature");
        any.repo().alembic(["upgrade", "head"]).expect_code(0);
        any.execute("INSERT INTO t_a (id) VALUES (7)");
        any.dbm(["status"], 0);
        any.repo().git(["switch", "--quiet", "landed"]);
        any.repo().write_revisions("a -> m, main");
        any.goes_on("m_main.py", SEVEN);
        any.repo().commit("Add m");
        any.repo().git(["switch", "--quiet", "main"]);
        any.repo().git(["merge", "--quiet", "--no-edit", "landed"]);
        let before = any.repo().files_in(VERSIONS);
        let run = any.dbm(["rebase", "--base", "landed", "--apply"], 1);
        let words = "did not work: alembic failed at migrations/versions/m_main.py";
        assert!(run.stderr.contains(words), "{run}");
        assert_eq!(any.repo().files_in(VERSIONS), before);
        assert_eq!(any.state("t_a"), "f: 7");
        any.execute("DELETE FROM t_a");
        let run = any.dbm(["rebase", "--base", "landed", "--apply"], 0);
        assert!(run.stdout.contains("default: tried out on a copy first"), "{run}");
        assert_eq!(any.state("t_a"), "f: 7");
        any.nothing_is_left();
    }
}

#[test]
fn where_there_can_be_no_trial_one_that_was_asked_for_is_an_error() {
    for project in Project::both() {
        let (user, name) = (format!("{}_plain", project.server.name()), project.server.name());
        let (grant, drop) = match project.kind {
            Kind::Postgres => (
                format!(
                    "CREATE ROLE {user} LOGIN PASSWORD 'pw'; ALTER DATABASE {name} OWNER TO {user}; \
                     ALTER SCHEMA public OWNER TO {user}"
                ),
                format!("REASSIGN OWNED BY {user} TO postgres; DROP ROLE {user}"),
            ),
            Kind::MariaDb => (
                format!(
                    "CREATE USER {user}@'%' IDENTIFIED BY 'pw'; GRANT ALL ON {name}.* TO {user}@'%'"
                ),
                format!("DROP USER {user}@'%'"),
            ),
        };
        project.server.execute(&grant);
        project.set_url(&project.server.url_of(&user, "pw"));
        project.repo.commit("Be somebody else");
        let any = Any::Server(Box::new(project));
        any.m_was_skipped();
        let run = any.dbm(["sync", "--verify"], 4);
        assert!(run.stderr.contains("may not create databases"), "{run}");
        assert!(run.stderr.contains("hint: let it: `ALTER ROLE .. CREATEDB`"), "{run}");
        assert_eq!(any.state("t_f"), "f: 7");
        let run = any.dbm(["sync"], 0);
        assert!(run.stdout.contains("not tried out on a copy: no copy of"), "{run}");
        assert_eq!(any.state("t_f"), "f: 7");
        any.nothing_is_left();
        let Any::Server(project) = any else { unreachable!() };
        project.server.execute(&drop);
    }
}

#[test]
fn nothing_is_tried_out_on_another_machine() {
    for project in Project::both() {
        project.adds("<base> -> a, root");
        // This one, by an address that is not known to be.
        let url = project.server.url().replace("@127.0.0.1:", "@0.0.0.0:");
        assert!(UrlParts::parse(&url).is_some_and(|url| url.host.as_deref() == Some("0.0.0.0")));
        let arguments = ["sync", "--dry-run", "--verify", "--allow-remote", "--database-url", &url];
        let run = project.dbm(arguments, 1);
        assert!(run.stderr.contains("it is not on this machine"), "{run}");
    }
}

#[test]
fn who_keeps_postgresql_from_copying_is_named() {
    let project = Project::postgres();
    project.adds("<base> -> a, root");
    let mut other = project.server.session();
    let pid = other.column("SELECT pg_backend_pid()::text").remove(0);
    let run = project.dbm(["sync", "--verify"], 0);
    let words = format!("made by dump and restore, since pid {pid} (");
    assert!(run.stdout.contains(&words), "{run}");
    assert_eq!(project.database(), "a: t_a");
}

/// Killed, it leaves a copy that `doctor` names and the next one drops, and a database
/// that nothing has been done to.
#[test]
fn a_trial_that_is_killed_leaves_nothing_that_the_next_one_does_not_drop() {
    for project in Project::both() {
        project.adds("<base> -> a, root");
        let url: DatabaseUrl = project.server.database_url();
        let list = match project.kind {
            Kind::Postgres => "SELECT datname::text FROM pg_database",
            Kind::MariaDb => "SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata",
        };
        // Another session than those of the origin, which would be in the way of its copy.
        let mut admin = project.server.session_in(match project.kind {
            Kind::Postgres => "postgres",
            Kind::MariaDb => "mysql",
        });
        let before = admin.column(list);
        let mut command = project.repo.dbm_command();
        let mut running = command.args(["sync", "--verify"]).spawn().expect("started");
        let made = loop {
            let now = admin.column(list).into_iter();
            if let Some(new) =
                now.into_iter().find(|n| n.starts_with("dbm_git_scratch_") && !before.contains(n))
            {
                break new;
            }
            assert!(running.try_wait().expect("asked").is_none(), "it ended before it was seen");
        };
        running.kill().expect("killed");
        running.wait().expect("ended");
        let run = project.repo.dbm(["doctor"]).to_string();
        assert!(run.contains(&format!("`{made}` on its server, which nobody uses")), "{run}");
        project.dbm(["sync", "--verify"], 0);
        assert_eq!(project.database(), "a: t_a");
        assert!(!admin.column(list).contains(&made), "{made} is still there");
        assert_eq!(stray_databases(&url).expect("asked"), Vec::<String>::new());
    }
}
