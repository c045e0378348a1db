//! Backups hold everything, and come back.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use dbm_git::database::{DatabaseError, DatabaseUrl, Dialect, UrlParts, backup, restore_file};

use crate::failing::SPECIAL;
use crate::subject::{Subject, open_file};
use crate::support::{Server, program, test_python};

const THINGS: &str = "CREATE TABLE things (id INTEGER PRIMARY KEY, name VARCHAR(40)); \
                      INSERT INTO things VALUES (1, 'one'), (2, 'two'), (3, 'Zoë \u{1f418}')";

/// Where the servers' own tools are.
#[track_caller]
pub fn tools(dialect: Dialect) -> Vec<PathBuf> {
    let (name, package) = match dialect {
        Dialect::Sqlite => return Vec::new(),
        Dialect::Postgres => ("pg_dump", "postgresql-client"),
        Dialect::MySql => ("mariadb-dump", "mariadb-client"),
    };
    let tool = program(name, &["/usr/lib/postgresql/*/bin"]);
    let tool = tool.unwrap_or_else(|| panic!("there is no `{name}`: install {package}"));
    vec![tool.parent().expect("a folder").to_path_buf()]
}

#[track_caller]
fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("a program");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {text}");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

fn password_of(subject: &Subject) -> String {
    let url = UrlParts::parse(&subject.text()).expect("a URL");
    url.password.map_or(String::new(), |password| password.reveal().to_owned())
}

#[test]
fn a_backup_is_complete_and_readable_by_its_owner_alone() {
    for subject in Subject::all_at(&["a"]) {
        subject.execute(THINGS);
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("copy");
        backup(&subject.url(), &target, &tools(subject.dialect())).expect("a backup");
        assert_eq!(names(folder.path()), ["copy"], "{:?}", subject.dialect());
        let mode = fs::metadata(&target).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{:?}", subject.dialect());
        subject.recreate();
        put_back(&subject, &target);
        assert_eq!(subject.rows(), ["a"], "{:?}", subject.dialect());
        let things = subject.column("SELECT name FROM things ORDER BY id");
        assert_eq!(things, ["one", "two", "Zoë \u{1f418}"], "{:?}", subject.dialect());
        // A second one takes the place of the first.
        backup(&subject.url(), &target, &tools(subject.dialect())).expect("a backup");
        assert_eq!(names(folder.path()), ["copy"], "{:?}", subject.dialect());
    }
}

/// As its user would put a backup back.
#[track_caller]
fn put_back(subject: &Subject, copy: &Path) {
    let url = subject.text();
    let url = UrlParts::parse(&url).expect("a URL");
    let user = url.user.clone().unwrap_or_default();
    let password = url.password.as_ref().map_or("", |password| password.reveal());
    match subject.dialect() {
        Dialect::Sqlite => restore_file(&subject.url(), copy).expect("a restored file"),
        Dialect::Postgres => {
            let server = subject.server();
            run(Command::new(tools(Dialect::Postgres)[0].join("pg_restore"))
                .args(["--exit-on-error", "--host", server.host(), "--username", &user])
                .args(["--port", &server.port().to_string(), "--dbname", server.name()])
                .arg(copy)
                .env("PGPASSWORD", password));
        }
        Dialect::MySql => {
            let server = subject.server();
            let output = Command::new(tools(Dialect::MySql)[0].join("mariadb"))
                .args(["--no-defaults", "--protocol=tcp", "--host", server.host()])
                .args(["--user", &user, "--port", &server.port().to_string(), server.name()])
                .env("MYSQL_PWD", password)
                .stdin(fs::File::open(copy).expect("a backup"))
                .output()
                .expect("the client");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

#[test]
fn a_restored_database_is_not_taken_for_the_one_from_before() {
    for subject in Subject::all_at(&["a"]) {
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("copy");
        backup(&subject.url(), &target, &tools(subject.dialect())).expect("a backup");
        let before = subject.observe();
        if subject.dialect() == Dialect::MySql {
            // MariaDB notes the second in which a table was made.
            let now = "SELECT CAST(now() AS CHAR)";
            let second = subject.column(now);
            while subject.column(now) == second {}
        }
        if subject.dialect() == Dialect::Postgres {
            subject.execute("DROP TABLE alembic_version");
        }
        put_back(&subject, &target);
        let after = subject.observe();
        assert_eq!(after.rows, before.rows);
        assert_ne!(after.fingerprint, before.fingerprint, "{:?}", subject.dialect());
    }
}

#[test]
fn without_a_tool_there_is_no_backup_and_no_file() {
    for subject in [Subject::postgres(), Subject::mariadb()] {
        let folder = tempfile::tempdir().expect("a folder");
        let error = backup(&subject.url(), &folder.path().join("copy"), &[]).expect_err("no tool");
        assert!(matches!(error, DatabaseError::NoDumpTool { .. }), "{error:?}");
        assert_eq!(names(folder.path()), [""; 0]);
    }
}

/// A tool that does what the shell script says.
pub fn stand_in(folder: &Path, name: &str, script: &str) {
    let tool = folder.join(name);
    fs::write(&tool, format!("#!/bin/sh\n{script}\n")).expect("a file");
    fs::set_permissions(tool, fs::Permissions::from_mode(0o755)).expect("our file");
}

#[test]
fn a_tool_that_fails_leaves_no_file_and_is_quoted_without_the_password() {
    for subject in [Subject::postgres(), Subject::mariadb()] {
        let folder = tempfile::tempdir().expect("a folder");
        let name = if subject.dialect() == Dialect::Postgres { "pg_dump" } else { "mariadb-dump" };
        let password = password_of(&subject);
        stand_in(folder.path(), name, &format!("echo 'bad {password} here' >&2; exit 3"));
        let path = [folder.path().to_path_buf()];
        let error = backup(&subject.url(), &folder.path().join("copy"), &path).expect_err("failed");
        let text = format!("{error} {error:?}");
        assert!(text.contains("bad *** here") && !text.contains(&password), "{text}");
        assert_eq!(names(folder.path()), [name]);
    }
}

#[test]
fn a_dump_that_was_not_written_to_its_end_is_no_backup() {
    let subject = Subject::mariadb().at(&["a"]);
    let folder = tempfile::tempdir().expect("a folder");
    let tool = tools(Dialect::MySql)[0].join("mariadb-dump");
    // As one that was stopped without knowing how to say so.
    let cut = "for a; do case $a in --result-file=*) f=${a#*=};; esac; done; \
               head -n -1 \"$f\" > \"$f.cut\"; cat \"$f.cut\" > \"$f\"; rm \"$f.cut\"";
    let script = format!("{} \"$@\" || exit 1; {cut}", tool.display());
    stand_in(folder.path(), "mariadb-dump", &script);
    let path = [folder.path().to_path_buf()];
    let error = backup(&subject.url(), &folder.path().join("copy"), &path).expect_err("cut");
    assert!(matches!(error, DatabaseError::TornDump { .. }), "{error:?}");
    assert_eq!(names(folder.path()), ["mariadb-dump"]);
}

#[test]
fn a_tool_never_has_the_password_among_its_arguments() {
    for subject in [Subject::postgres(), Subject::mariadb()] {
        let folder = tempfile::tempdir().expect("a folder");
        let (is_postgres, name) = match subject.dialect() {
            Dialect::Postgres => (true, "pg_dump"),
            _ => (false, "mariadb-dump"),
        };
        let seen = folder.path().display();
        stand_in(
            folder.path(),
            name,
            &format!(
                "printf '%s\\n' \"$@\" > {seen}/arguments\nprintf %s \"$PGPASSWORD\" > {seen}/variable\n\
                 for a; do case $a in --defaults-file=*) cp -p \"${{a#*=}}\" {seen}/options;; \
                 --result-file=*) echo '-- Dump completed' > \"${{a#*=}}\";; esac; done"
            ),
        );
        let path = [folder.path().to_path_buf()];
        backup(&subject.url(), &folder.path().join("copy"), &path).expect("a backup");
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).expect("a file");
        let password = password_of(&subject);
        assert!(!read("arguments").contains(&password), "{}", read("arguments"));
        if is_postgres {
            assert_eq!(read("variable"), password);
        } else {
            assert!(read("options").contains(&format!("password=\"{password}\"")));
            let mode = fs::metadata(folder.path().join("options")).expect("a file").permissions();
            assert_eq!(mode.mode() & 0o777, 0o600);
        }
    }
}

#[test]
fn a_tool_gets_a_password_full_of_special_characters() {
    let literal = SPECIAL.replace('\'', "''");
    let folder = tempfile::tempdir().expect("a folder");
    for server in [Server::postgres(), Server::mariadb()] {
        let dialect = server.database_url().dialect();
        let (user, name) = (format!("{}_dump", server.name()), server.name());
        let (user, drop) = if dialect == Dialect::Postgres {
            server.execute(&format!("CREATE ROLE {user} LOGIN SUPERUSER PASSWORD '{literal}'"));
            (user.clone(), format!("DROP ROLE {user}"))
        } else {
            let literal = literal.replace('\\', "\\\\");
            server.execute(&format!(
                "CREATE USER {user}@'%' IDENTIFIED BY '{literal}'; GRANT ALL ON {name}.* TO {user}@'%'"
            ));
            (user.clone(), format!("DROP USER {user}@'%'"))
        };
        let url = DatabaseUrl::parse(&server.url_of(&user, SPECIAL), Path::new("/"));
        let target = folder.path().join("copy");
        backup(&url.expect("a URL"), &target, &tools(dialect)).expect("a backup");
        server.execute(&drop);
    }
}

/// Everything that SQLite can hold and that is not easily put back.
const ZOO: &str = "
PRAGMA user_version = 7; PRAGMA application_id = 42;
CREATE TABLE plain (a, b TEXT DEFAULT 'x''y', \"odd \"\"name\" INTEGER CHECK (a <> 5));
INSERT INTO plain VALUES (1, 'one', 1), (2.5, NULL, 2), (x'00ff', 'blob', 3);
DELETE FROM plain WHERE a = 1;
CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE);
INSERT INTO counted (name) VALUES ('a'), ('b'), ('c'); DELETE FROM counted WHERE id = 3;
CREATE TABLE keyed (k TEXT PRIMARY KEY, v) WITHOUT ROWID;
INSERT INTO keyed VALUES ('k', 1);
CREATE TABLE strict (n INTEGER, made INTEGER AS (n * 2) STORED, shown TEXT AS (n || '!')) STRICT;
INSERT INTO strict (n) VALUES (3);
CREATE TABLE rowid_taken (rowid TEXT, _rowid_ TEXT);
INSERT INTO rowid_taken VALUES ('r', 's');
CREATE TABLE child (id INTEGER PRIMARY KEY, parent REFERENCES counted (id) ON DELETE CASCADE);
INSERT INTO child VALUES (1, 2);
CREATE INDEX by_b ON plain (b COLLATE NOCASE DESC) WHERE b IS NOT NULL;
CREATE UNIQUE INDEX by_expression ON counted (lower(name));
CREATE VIEW seen AS SELECT a FROM plain;
CREATE TRIGGER noted AFTER INSERT ON plain BEGIN INSERT INTO keyed VALUES (new.b, new.a); END;
CREATE VIRTUAL TABLE words USING fts5(text);
INSERT INTO words VALUES ('hello world'), ('something else');
ANALYZE;
";

/// What Python's SQLite makes of a file: its dump, its pragmas, its integrity.
#[track_caller]
fn content(file: &Path) -> String {
    let script = "
import sqlite3, sys
c = sqlite3.connect(sys.argv[1])
for name in ('user_version', 'application_id', 'integrity_check', 'foreign_key_check'):
    print(name, c.execute('PRAGMA ' + name).fetchall())
print('rowids', c.execute('SELECT rowid FROM plain').fetchall())
print('words', c.execute(\"SELECT rowid FROM words WHERE words MATCH 'world'\").fetchall())
print('sequence', c.execute('SELECT * FROM sqlite_sequence').fetchall())
print('statistics', sorted(map(str, c.execute('SELECT * FROM sqlite_stat1').fetchall())))
for row in sorted(map(str, c.execute('SELECT type, name, tbl_name, sql FROM sqlite_master'))):
    print(row)
for (name,) in c.execute(\"SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 1\").fetchall():
    print(name, c.execute('SELECT * FROM ' + name).fetchall())
";
    let output =
        Command::new(test_python()).args(["-c", script]).arg(file).output().expect("Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn a_sqlite_file_comes_back_with_everything_in_it() {
    let subject = Subject::sqlite();
    let file = subject.file();
    subject.execute(ZOO);
    let before = content(&file);
    let copy = file.with_file_name("copy.db");
    backup(&subject.url(), &copy, &[]).expect("a backup");
    assert_eq!(content(&copy), before);
    subject.execute(
        "PRAGMA user_version = 8; DROP TABLE words; DROP VIEW seen; DROP TRIGGER noted; \
         DROP TABLE child; ALTER TABLE counted ADD COLUMN more; DELETE FROM plain; \
         INSERT INTO counted (name) VALUES ('d'); CREATE TABLE later (id INTEGER); \
         CREATE VIEW later_view AS SELECT * FROM later; CREATE VIRTUAL TABLE tree USING rtree(a, b, c)",
    );
    restore_file(&subject.url(), &copy).expect("a restored file");
    assert_eq!(content(&file), before);
    // A second time it is the same again.
    restore_file(&subject.url(), &copy).expect("a restored file");
    assert_eq!(content(&file), before);
}

#[test]
fn who_has_a_restored_file_open_sees_what_came_back() {
    for mode in ["DELETE", "WAL"] {
        let subject = Subject::sqlite();
        let copy = subject.file().with_file_name("copy.db");
        let mut application = subject.open();
        application.execute(&format!("PRAGMA journal_mode = {mode}; {THINGS}"));
        backup(&subject.url(), &copy, &[]).expect("a backup");
        application.execute("DROP TABLE things; CREATE TABLE others (id INTEGER)");
        restore_file(&subject.url(), &copy).expect("a restored file");
        let names = application.column("SELECT name FROM things WHERE id < 3 ORDER BY id");
        assert_eq!(names, ["one", "two"], "{mode}");
        let tables = application.column("SELECT name FROM sqlite_master ORDER BY name");
        assert_eq!(tables, ["things"], "{mode}");
        application.execute("INSERT INTO things VALUES (4, 'four')");
    }
}

#[test]
fn a_backup_is_of_one_moment_while_others_write() {
    let subject = Subject::sqlite();
    let copy = subject.file().with_file_name("copy.db");
    let mut application = subject.open();
    application.execute(&format!("PRAGMA journal_mode = WAL; {THINGS}"));
    application.execute("BEGIN; DELETE FROM things");
    backup(&subject.url(), &copy, &[]).expect("a backup");
    application.execute("COMMIT");
    let names = open_file(&copy).column("SELECT name FROM things WHERE id < 3 ORDER BY id");
    assert_eq!(names, ["one", "two"]);
}

#[test]
fn a_restore_that_cannot_be_done_changes_nothing() {
    let subject = Subject::sqlite();
    subject.execute(ZOO);
    let before = content(&subject.file());
    let copy = subject.file().with_file_name("copy.db");
    let error = restore_file(&subject.url(), &copy).expect_err("no such backup");
    assert!(matches!(error, DatabaseError::File { .. }), "{error:?}");
    fs::write(&copy, "not a database at all, nor ever was").expect("a file");
    let error = restore_file(&subject.url(), &copy).expect_err("no database");
    assert!(matches!(error, DatabaseError::NotADatabase { .. }), "{error:?}");
    // A copy that makes the transaction fail after half of the work.
    fs::remove_file(&copy).expect("a file");
    open_file(&copy).execute(
        "CREATE TABLE a (b); INSERT INTO a VALUES (1), (1); CREATE INDEX i ON a (b); \
         PRAGMA writable_schema = ON; \
         UPDATE sqlite_master SET sql = 'CREATE UNIQUE INDEX i ON a (b)' WHERE name = 'i'",
    );
    let error = restore_file(&subject.url(), &copy).expect_err("two rows with one key");
    assert!(matches!(error, DatabaseError::Failed { .. }), "{error:?}");
    assert_eq!(content(&subject.file()), before);
    // While somebody writes there is nothing to be had, and nothing is changed.
    let good = subject.file().with_file_name("good.db");
    backup(&subject.url(), &good, &[]).expect("a backup");
    let mut application = subject.open();
    application.execute("BEGIN IMMEDIATE");
    let error = restore_file(&subject.url(), &good).expect_err("locked");
    assert!(matches!(error, DatabaseError::Locked { .. }), "{error:?}");
    application.execute("ROLLBACK");
    assert_eq!(content(&subject.file()), before);
}

#[test]
fn a_file_that_is_gone_comes_back_without_what_it_left_behind() {
    let subject = Subject::sqlite();
    let (file, copy) = (subject.file(), subject.file().with_file_name("copy.db"));
    subject.execute(ZOO);
    let before = content(&file);
    backup(&subject.url(), &copy, &[]).expect("a backup");
    // A log that would be played back into a file that it does not belong to.
    let mut application = subject.open();
    application.execute("PRAGMA journal_mode = WAL; DELETE FROM plain; DROP TABLE keyed");
    let log = fs::read(file.with_file_name("app.db-wal")).expect("a log");
    drop(application);
    fs::remove_file(&file).expect("a file");
    fs::write(file.with_file_name("app.db-wal"), log).expect("a file");
    restore_file(&subject.url(), &copy).expect("a restored file");
    assert_eq!(content(&file), before);

    fs::remove_file(&file).expect("a file");
    fs::write(&copy, "not a database at all, nor ever was").expect("a file");
    restore_file(&subject.url(), &copy).expect_err("no database");
    assert!(!file.exists());
}

#[test]
fn a_missing_database_has_no_backup() {
    let subject = Subject::sqlite();
    let folder = tempfile::tempdir().expect("a folder");
    let error = backup(&subject.url(), &folder.path().join("copy"), &[]).expect_err("no file");
    assert!(matches!(error, DatabaseError::File { .. }), "{error:?}");
    assert_eq!(names(folder.path()), [""; 0]);
}
