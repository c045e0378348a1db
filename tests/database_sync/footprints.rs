//! What a footprint says of generated migrations, held against what the real
//! alembic then did to the catalogue: nothing may change that the footprint does
//! not name, unless it calls the function opaque.

mod migrations;

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use dbm_git::database::{DatabaseUrl, Limits, VersionTable, describe_schema};
use dbm_git::plan::{SchemaDescription, SchemaDifference};
use dbm_git::script::{SchemaObject, Touches, read_footprint};

use self::migrations::{Kind, Migrations};
use super::support::{Random, Server, TestRepo, VERSIONS, test_python};

/// The real alembic, kept running.
struct Upgrades {
    process: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
}

impl Upgrades {
    fn start(repo: &TestRepo) -> Self {
        let mut process = repo
            .command(test_python())
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle/upgrades.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let questions = process.stdin.take();
        let answers = BufReader::new(process.stdout.take().expect("stdout is piped"));
        Self { process, questions, answers }
    }

    fn upgrade(&mut self, revision: &str) -> String {
        let questions = self.questions.as_mut().expect("open until dropped");
        writeln!(questions, "{revision}").expect("alembic reads");
        let mut answer = String::new();
        self.answers.read_line(&mut answer).expect("alembic answers");
        answer.trim().to_owned()
    }
}

impl Drop for Upgrades {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ = self.process.wait();
    }
}

/// What was looked at, so that a run that looks at nothing fails.
#[derive(Debug, Default)]
struct Seen {
    revisions: usize,
    opaque: usize,
    differences: usize,
    created: usize,
    dropped: usize,
}

/// A project of `count` generated revisions, each upgraded to and looked at.
fn look(kind: Kind, url: &str, seed: u64, count: usize) -> Seen {
    let repo = TestRepo::new();
    let ini = repo.read("alembic.ini");
    let line = ini.lines().find(|line| line.starts_with("sqlalchemy.url")).expect("a URL");
    let url_line = format!("sqlalchemy.url = {}", url.replace('%', "%%"));
    repo.write("alembic.ini", ini.replace(line, &url_line));
    let database = DatabaseUrl::parse(url, &repo.path()).expect("a database URL");
    let mut migrations = Migrations::new(kind, Random::new(seed));
    let mut alembic = Upgrades::start(&repo);
    let schema = || {
        describe_schema(&database, &VersionTable::default(), &Limits::default())
            .expect("the catalogue")
    };
    let mut seen = Seen::default();
    // An empty one has extensions, too; a file is made by the first upgrade.
    let mut before = match kind {
        Kind::Sqlite => SchemaDescription::default(),
        Kind::Postgres | Kind::MariaDb => schema(),
    };
    for at in 1..=count {
        let (id, down) = (format!("r{at}"), format!("r{}", at - 1));
        let text = migrations.next(&id, (at > 1).then_some(down.as_str()));
        repo.write(&format!("{VERSIONS}/{id}.py"), &text);
        assert_eq!(alembic.upgrade(&id), "done", "seed {seed}: {text}");
        let after = schema();
        let footprint = read_footprint(text.as_bytes()).expect("Python");
        let touches = footprint.upgrade;
        let differences = before.differences(&after);
        for difference in &differences {
            assert!(
                is_named(&touches, difference),
                "seed {seed}: nothing says that `{}` changes: {touches:#?}\n{text}",
                difference.thing
            );
        }
        for (objects, schema, is_there) in
            [(&touches.creates, &after, true), (&touches.drops, &after, false)]
        {
            let is_sure = |object: &&SchemaObject| !is_mentioned(&touches, object);
            for object in objects.iter().filter(is_sure) {
                assert_eq!(has(schema, object), is_there, "seed {seed}: {object} in {text}");
            }
        }
        seen.revisions += 1;
        seen.opaque += usize::from(touches.is_opaque);
        seen.differences += differences.len();
        seen.created += touches.creates.len();
        seen.dropped += touches.drops.len();
        before = after;
    }
    seen
}

/// Whether the footprint names what has changed, or says that it does not know.
fn is_named(touches: &Touches, difference: &SchemaDifference) -> bool {
    let (kind, name) = difference.thing.split_once(' ').expect("a kind and a name");
    let (name, table) = match name.rsplit_once(" of ") {
        Some((name, table)) => (name, table),
        None => (name, name),
    };
    match kind {
        // What raw SQL does to types is not looked at.
        "enum" => touches.may_change_type(name) || touches.is_opaque,
        _ => {
            touches.tables.contains(table)
                || touches.mentions(&SchemaObject::Index(name.to_owned()), table)
        }
    }
}

/// Whether raw SQL or what only Python could follow may have a hand in it, too.
fn is_mentioned(touches: &Touches, object: &SchemaObject) -> bool {
    let table = match object {
        SchemaObject::Table(table) | SchemaObject::Column { table, .. } => table,
        SchemaObject::Index(_) => touches.table_of(object).unwrap_or_default(),
    };
    touches.mentions(object, table)
}

fn has(schema: &SchemaDescription, object: &SchemaObject) -> bool {
    match object {
        SchemaObject::Table(table) => schema.things.contains_key(&format!("table {table}")),
        SchemaObject::Column { table, column } => {
            schema.things.contains_key(&format!("column {column} of {table}"))
        }
        SchemaObject::Index(index) => {
            let start = format!("index {index} of ");
            schema.things.keys().any(|thing| thing.starts_with(&start))
        }
    }
}

/// A few projects for every run, and one on a server, which takes longer;
/// `DBM_GIT_TEST_FOOTPRINTS` says how many instead.
fn seeds(kind: Kind) -> std::ops::Range<u64> {
    let wanted = std::env::var("DBM_GIT_TEST_FOOTPRINTS").ok();
    let usual = if kind == Kind::Sqlite { 3 } else { 1 };
    0..wanted.map_or(usual, |count| count.parse().expect("a number"))
}

#[track_caller]
fn check(kind: Kind, mut url: impl FnMut() -> (String, Option<Server>)) {
    let mut all = Seen::default();
    for seed in seeds(kind) {
        let (url, _server) = url();
        let seen = look(kind, &url, seed, 40);
        all.revisions += seen.revisions;
        all.opaque += seen.opaque;
        all.differences += seen.differences;
        all.created += seen.created;
        all.dropped += seen.dropped;
    }
    let each = all.revisions;
    assert!(all.differences > each && all.created > each / 2 && all.dropped > each / 10, "{all:?}");
    // Who calls everything opaque misses nothing.
    assert!(all.opaque < each / 3, "{all:?}");
}

#[test]
fn on_sqlite_no_change_of_the_catalogue_is_missed() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut count = 0;
    check(Kind::Sqlite, || {
        count += 1;
        (format!("sqlite:///{}/{count}.db", folder.path().display()), None)
    });
}

#[test]
fn on_postgresql_no_change_of_the_catalogue_is_missed() {
    check(Kind::Postgres, || {
        let server = Server::postgres();
        (server.url(), Some(server))
    });
}

#[test]
fn on_mariadb_no_change_of_the_catalogue_is_missed() {
    check(Kind::MariaDb, || {
        let server = Server::mariadb();
        (server.url(), Some(server))
    });
}
