//! What a look at a database sees, and what changes when somebody was there.

use std::path::Path;

use dbm_git::database::{
    DatabaseError, DatabaseUrl, Dialect, Limits, VersionTable, observe, observe_all,
};
use dbm_git::plan::Observation;

use crate::proxy::{Proxy, refused_port, socket_to};
use crate::subject::{Subject, VERSION_TABLE, open_file};
use crate::support::Server;

#[test]
fn the_rows_are_those_of_the_version_table() {
    for subject in Subject::all() {
        let dialect = subject.dialect();
        assert_eq!(subject.rows(), [""; 0], "{dialect:?}: no table");
        subject.execute(VERSION_TABLE);
        assert_eq!(subject.rows(), [""; 0], "{dialect:?}: an empty table");
        subject.execute("INSERT INTO alembic_version VALUES ('b'), ('a')");
        assert_eq!(subject.rows(), ["a", "b"], "{dialect:?}");
    }
}

#[test]
fn a_file_that_is_not_there_has_no_rows_and_is_not_made() {
    let subject = Subject::sqlite();
    let seen = subject.observe();
    assert_eq!(seen.rows, [""; 0]);
    assert_eq!((seen.fingerprint.identity.as_str(), seen.fingerprint.content.as_str()), ("-", "-"));
    assert!(!subject.file().exists());
}

#[test]
fn the_table_may_have_any_name() {
    let name = "Ver\"sions `of` it's; DROP";
    for subject in Subject::all() {
        let quote = if subject.dialect() == Dialect::MySql { "`" } else { "\"" };
        let quoted = format!("{quote}{}{quote}", name.replace(quote, &quote.repeat(2)));
        subject.execute(&format!("CREATE TABLE {quoted} (version_num VARCHAR(32) NOT NULL)"));
        subject.execute(&format!("INSERT INTO {quoted} VALUES ('a')"));
        let table = VersionTable { schema: None, name: name.to_owned() };
        let seen = observe(&subject.url(), &table, &Limits::default()).expect("a look");
        assert_eq!(seen.rows, ["a"], "{:?}", subject.dialect());
        assert_eq!(subject.rows(), [""; 0], "{:?}: the usual one", subject.dialect());
    }
}

#[test]
fn the_table_may_be_in_another_schema() {
    let (own, other) = (Server::mariadb(), Server::mariadb());
    other.execute(VERSION_TABLE);
    other.execute("INSERT INTO alembic_version VALUES ('a')");
    let schema = |name: &str| VersionTable { schema: Some(name.to_owned()), ..Default::default() };
    let look = |server: &Server, table: &VersionTable| {
        observe(&server.database_url(), table, &Limits::default()).expect("a look")
    };
    assert_eq!(look(&own, &schema(other.name())).rows, ["a"]);
    assert_eq!(look(&own, &VersionTable::default()).rows, [""; 0]);
    assert_eq!(look(&own, &schema("no such schema")).rows, [""; 0]);

    let server = Server::postgres();
    server.execute(&format!(
        "CREATE SCHEMA \"The other\"; SET search_path = \"The other\"; {VERSION_TABLE}"
    ));
    server.execute("INSERT INTO \"The other\".alembic_version VALUES ('a')");
    assert_eq!(look(&server, &schema("The other")).rows, ["a"]);
    assert_eq!(look(&server, &VersionTable::default()).rows, [""; 0]);
    assert_eq!(look(&server, &schema("no such schema")).rows, [""; 0]);
    // An option of the URL may say so too, as for psycopg.
    let url = format!("{}?options=-csearch_path%3D%22The\\%20other%22", server.url());
    let url = DatabaseUrl::parse(&url, Path::new("/")).expect("a URL");
    let seen = observe(&url, &VersionTable::default(), &Limits::default()).expect("a look");
    assert_eq!(seen.rows, ["a"]);
}

/// What a deed does to the fingerprint: nothing, its content, or its identity.
#[track_caller]
fn changes(subject: &Subject, deed: &str, expected: &str) {
    changed_by(subject, deed, expected, || subject.execute(deed));
}

#[track_caller]
fn changed_by(subject: &Subject, deed: &str, expected: &str, act: impl FnOnce()) {
    let before = subject.observe().fingerprint;
    act();
    let after = subject.observe().fingerprint;
    let found = if before.identity != after.identity {
        "identity"
    } else if before.content != after.content {
        "content"
    } else {
        "nothing"
    };
    assert_eq!(found, expected, "{:?}: {deed}\n{before:?}\n{after:?}", subject.dialect());
}

/// Lets the server's clock show another second, which is as fine as MariaDB notes it.
fn next_second(subject: &Subject) {
    if subject.dialect() == Dialect::MySql {
        let mut session = subject.open();
        // The clock by which its files are dated is a tick behind.
        let now = "SELECT CAST(floor(unix_timestamp(now(3)) - 0.05) AS CHAR)";
        let before = session.column(now);
        while session.column(now) == before {}
    }
}

#[test]
fn an_application_at_work_changes_no_fingerprint() {
    for subject in Subject::all_at(&["a"]) {
        subject.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name VARCHAR(20))");
        next_second(&subject);
        changes(&subject, "INSERT INTO things VALUES (1, 'one'), (2, 'two')", "nothing");
        changes(&subject, "UPDATE things SET name = 'three' WHERE id = 1", "nothing");
        changes(&subject, "DELETE FROM things", "nothing");
        let housekeeping: &[&str] = match subject.dialect() {
            // Its `VACUUM` and its first `ANALYZE` change the schema.
            Dialect::Sqlite => &["CREATE TEMPORARY TABLE mine (id INTEGER)"],
            Dialect::Postgres => &[
                "VACUUM ANALYZE",
                "CREATE TEMPORARY TABLE mine (id INTEGER); INSERT INTO mine VALUES (1)",
                "TRUNCATE things",
            ],
            Dialect::MySql => &["ANALYZE TABLE things", "CREATE TEMPORARY TABLE mine (id INTEGER)"],
        };
        for deed in housekeeping {
            changes(&subject, deed, "nothing");
        }
    }
}

#[test]
fn a_change_of_the_schema_changes_the_content() {
    for subject in Subject::all_at(&["a"]) {
        for deed in [
            "CREATE TABLE things (id INTEGER PRIMARY KEY, name VARCHAR(20))",
            "ALTER TABLE things ADD COLUMN size INTEGER",
            "CREATE INDEX things_by_name ON things (name)",
            "ALTER TABLE things DROP COLUMN size",
            "CREATE TABLE others (id INTEGER PRIMARY KEY)",
            "DROP TABLE others",
        ] {
            next_second(&subject);
            changes(&subject, deed, "content");
        }
    }
}

#[test]
fn rows_that_were_written_again_are_told_where_the_server_can_tell() {
    for subject in Subject::all_at(&["a"]) {
        let expected = match subject.dialect() {
            Dialect::Postgres => "content",
            Dialect::Sqlite | Dialect::MySql => "nothing",
        };
        changes(&subject, "UPDATE alembic_version SET version_num = 'a'", expected);
    }
}

#[test]
fn a_version_table_that_was_made_anew_changes_the_fingerprint() {
    for subject in Subject::all_at(&["a"]) {
        let expected = match subject.dialect() {
            Dialect::Postgres | Dialect::MySql => "identity",
            // The schema cookie is all there is.
            Dialect::Sqlite => "content",
        };
        next_second(&subject);
        let deed = format!(
            "DROP TABLE alembic_version; {VERSION_TABLE}; INSERT INTO alembic_version VALUES ('a')"
        );
        changes(&subject, &deed, expected);
    }
}

#[test]
fn a_database_that_was_made_anew_changes_its_identity() {
    for subject in Subject::all_at(&["a"]) {
        next_second(&subject);
        changed_by(&subject, "recreated", "identity", || {
            subject.recreate();
            subject.execute(VERSION_TABLE);
            subject.execute("INSERT INTO alembic_version VALUES ('a')");
        });
    }
}

#[test]
fn several_databases_are_looked_at_at_once() {
    let [file, postgres, mariadb] = Subject::all_at(&["a"]);
    postgres.execute("UPDATE alembic_version SET version_num = 'b'");
    mariadb.execute("UPDATE alembic_version SET version_num = 'c'");
    let nobody = format!("postgresql://127.0.0.1:{}/d", refused_port());
    let nobody = DatabaseUrl::parse(&nobody, Path::new("/")).expect("a URL");
    let urls = [mariadb.url(), nobody, file.url(), postgres.url()];
    let looks = observe_all(&urls.map(|url| (url, VersionTable::default())), &Limits::default());
    let rows: Vec<Option<Vec<String>>> =
        looks.iter().map(|look| look.as_ref().ok().map(|seen| seen.rows.clone())).collect();
    let at = |row: &str| Some(vec![row.to_owned()]);
    assert_eq!(rows, [at("c"), None, at("a"), at("b")]);
    assert!(matches!(looks[1], Err(DatabaseError::Unreachable { .. })), "{:?}", looks[1]);
}

/// Looks through a proxy and counts how often we spoke after having listened.
fn turns(server: &Server, url: impl Fn(u16) -> String) -> usize {
    server.execute(VERSION_TABLE);
    let proxy = Proxy::to(server.host(), server.port());
    let url = DatabaseUrl::parse(&url(proxy.port), Path::new("/")).expect("a URL");
    observe(&url, &VersionTable::default(), &Limits::default()).expect("a look");
    proxy.turns()
}

#[test]
fn a_look_takes_one_round_trip_once_there_is_a_connection() {
    let through = |server: &Server, port: u16| {
        let own = format!("@{}:{}/", server.host(), server.port());
        server.url().replace(&own, &format!("@127.0.0.1:{port}/"))
    };
    let server = Server::postgres();
    // The start, two for the password, the look, goodbye.
    assert_eq!(turns(&server, |port| through(&server, port) + "?sslmode=disable"), 5);
    let server = Server::mariadb();
    // The password, the look, goodbye.
    assert_eq!(turns(&server, |port| through(&server, port) + "?ssl_disabled=true"), 3);
}

#[test]
fn a_server_may_listen_on_a_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let look = |url: String| {
        let url = DatabaseUrl::parse(&url, Path::new("/")).expect("a URL");
        assert!(url.is_local(&[]));
        observe(&url, &VersionTable::default(), &Limits::default()).expect("a look").rows
    };
    let server = Server::postgres();
    server.execute(&format!("{VERSION_TABLE}; INSERT INTO alembic_version VALUES ('a')"));
    socket_to(&folder.path().join(".s.PGSQL.5432"), server.host(), server.port());
    let place = format!("@{}:{}/{}", server.host(), server.port(), server.name());
    let url = server.url().replace(&place, &format!("@/{}", server.name()));
    assert_eq!(look(format!("{url}?host={}", folder.path().display())), ["a"]);

    let server = Server::mariadb();
    server.execute(&format!("{VERSION_TABLE}; INSERT INTO alembic_version VALUES ('a')"));
    let socket = folder.path().join("my.sock");
    socket_to(&socket, server.host(), server.port());
    let place = format!("@{}:{}/{}", server.host(), server.port(), server.name());
    let url = server.url().replace(&place, &format!("@localhost/{}", server.name()));
    assert_eq!(look(format!("{url}?unix_socket={}", socket.display())), ["a"]);
}

#[test]
fn a_look_sees_what_was_committed_and_nothing_else() {
    for subject in Subject::all_at(&["a"]) {
        let mut session = subject.open();
        if subject.dialect() == Dialect::Sqlite {
            session.execute("PRAGMA journal_mode = WAL");
        }
        session.execute("BEGIN");
        session.execute("UPDATE alembic_version SET version_num = 'b'");
        assert_eq!(subject.rows(), ["a"], "{:?}", subject.dialect());
        session.execute("COMMIT");
        assert_eq!(subject.rows(), ["b"], "{:?}", subject.dialect());
    }
}

#[test]
fn a_link_to_a_file_is_that_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("app.db");
    open_file(&file).execute(&format!("{VERSION_TABLE}; INSERT INTO alembic_version VALUES ('a')"));
    std::os::unix::fs::symlink(&file, folder.path().join("link.db")).expect("a link");
    let look = |name: &str| -> Observation {
        let url = DatabaseUrl::parse(&format!("sqlite:///{name}"), folder.path()).expect("a URL");
        observe(&url, &VersionTable::default(), &Limits::default()).expect("a look")
    };
    assert_eq!(look("app.db"), look("link.db"));
    assert_eq!(look("link.db").rows, ["a"]);
}
