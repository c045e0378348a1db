//! What goes wrong is told apart, within its time, and without the password.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use dbm_git::database::{
    DatabaseError, DatabaseLock, DatabaseUrl, Dialect, Limits, VersionTable, backup, observe,
    observe_all, replace_rows, schema_objects,
};

use crate::proxy::{answering, black_hole, refused_port};
use crate::subject::Subject;
use crate::support::Server;

/// Nothing of any error may show it.
const PASSWORD: &str = "s3cret";

const SHORT: Limits =
    Limits { connect: Duration::from_millis(200), statement: Duration::from_millis(300) };

#[track_caller]
fn failure(url: &str, limits: &Limits) -> DatabaseError {
    let url = DatabaseUrl::parse(url, Path::new("/")).expect("a database URL");
    let error = observe(&url, &VersionTable::default(), limits).expect_err("a failure");
    is_hidden(&error);
    error
}

#[track_caller]
fn is_hidden(error: &DatabaseError) {
    let mut shown = format!("{error} {error:?}");
    let mut cause: Option<&dyn Error> = error.source();
    while let Some(error) = cause {
        shown += &format!(" {error} {error:?}");
        cause = error.source();
    }
    assert!(!shown.contains(PASSWORD), "{shown}");
}

#[test]
fn no_failure_shows_the_password() {
    let table = VersionTable::default();
    let limits = Limits::default();
    for scheme in ["postgresql", "mysql+pymysql"] {
        let port = refused_port();
        let url = format!(
            "{scheme}://me:{PASSWORD}@127.0.0.1:{port}/d?password={PASSWORD}&passwd={PASSWORD}"
        );
        let url = DatabaseUrl::parse(&url, Path::new("/")).expect("a database URL");
        assert!(!format!("{url:?} {}", url.shown()).contains(PASSWORD));
        is_hidden(&observe(&url, &table, &limits).expect_err("nobody is there"));
        is_hidden(&replace_rows(&url, &table, &limits, &[], &[]).expect_err("nobody is there"));
        is_hidden(&schema_objects(&url, &limits).expect_err("nobody is there"));
        is_hidden(&DatabaseLock::acquire(&url, &table, &limits).expect_err("nobody is there"));
        let folder = tempfile::tempdir().expect("a folder");
        let target = folder.path().join("copy");
        is_hidden(&backup(&url, &target, &[]).expect_err("nobody is there"));
        for look in observe_all(&[(url, table.clone())], &limits) {
            is_hidden(&look.expect_err("nobody is there"));
        }
    }
}

#[test]
fn a_wrong_password_is_told_from_a_wrong_database() {
    for server in [Server::postgres(), Server::mariadb()] {
        let admin = server.database_url();
        let user = admin.shown().split_once("://").expect("a URL").1;
        let user = user.split(':').next().expect("a user");
        let error = failure(&server.url_of(user, PASSWORD), &Limits::default());
        assert!(matches!(error, DatabaseError::Authentication { .. }), "{error:?}");
        let error = failure(&server.url_of("nobody_we_know", PASSWORD), &Limits::default());
        assert!(matches!(error, DatabaseError::Authentication { .. }), "{error:?}");
        let elsewhere = server.url().replace(server.name(), "no_such_database");
        let error = failure(&elsewhere, &Limits::default());
        assert!(matches!(error, DatabaseError::UnknownDatabase { .. }), "{error:?}");
    }
}

#[test]
fn nobody_there_is_told_from_somebody_who_does_not_answer() {
    for scheme in ["postgresql", "mysql+pymysql"] {
        let url = |port: u16| format!("{scheme}://me:{PASSWORD}@127.0.0.1:{port}/d");
        let error = failure(&url(refused_port()), &Limits::default());
        assert!(matches!(error, DatabaseError::Unreachable { .. }), "{error:?}");
        let (_listener, port) = black_hole();
        let error = failure(&url(port), &SHORT);
        assert!(matches!(error, DatabaseError::TimedOut { .. }), "{error:?}");
        let error = failure(&url(port), &Limits::hook());
        assert!(matches!(error, DatabaseError::TimedOut { .. }), "{error:?}");
        let no_socket = format!("{scheme}://me:{PASSWORD}@/d?host=/no/such&unix_socket=/no/such");
        let error = failure(&no_socket, &Limits::default());
        assert!(matches!(error, DatabaseError::Unreachable { .. }), "{error:?}");
    }
}

#[test]
fn the_next_host_is_asked_where_one_is_not_there() {
    let server = Server::postgres();
    let own = format!("@{}:{}/{}", server.host(), server.port(), server.name());
    let (refused, name) = (refused_port(), server.name());
    let several =
        format!("@/{name}?host=127.0.0.1:{refused}&host={}:{}", server.host(), server.port());
    let url = DatabaseUrl::parse(&server.url().replace(&own, &several), Path::new("/"));
    observe(&url.expect("a URL"), &VersionTable::default(), &Limits::default()).expect("a look");
}

#[test]
fn a_connection_that_must_be_secure_is_never_an_open_one() {
    let port = answering(b"N");
    let url = format!("postgresql://me:{PASSWORD}@127.0.0.1:{port}/d?sslmode=require");
    let error = failure(&url, &Limits::default());
    assert!(matches!(error, DatabaseError::Tls { .. }), "{error:?}");
    // Nor does a certificate that nobody knows do for one that must be known.
    let port = answering(b"S");
    let url = format!(
        "postgresql://me:{PASSWORD}@127.0.0.1:{port}/d?sslmode=verify-full&sslrootcert=/no/such.pem"
    );
    let error = failure(&url, &Limits::default());
    assert!(
        matches!(error, DatabaseError::Tls { .. } | DatabaseError::Unreachable { .. }),
        "{error:?}"
    );
    // A greeting of protocol 10 that offers no TLS.
    let server = Server::mariadb();
    let error = failure(&(server.url() + "?ssl_ca=/no/such.pem"), &Limits::default());
    assert!(
        matches!(error, DatabaseError::Tls { .. } | DatabaseError::Unreachable { .. }),
        "{error:?}"
    );
}

#[test]
fn what_is_no_database_server_is_an_error() {
    let port = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    failure(&format!("postgresql://me:{PASSWORD}@127.0.0.1:{port}/d"), &SHORT);
    failure(&format!("mysql+pymysql://me:{PASSWORD}@127.0.0.1:{port}/d"), &SHORT);
}

#[test]
fn a_table_that_somebody_has_locked_is_waited_for_and_then_told() {
    for subject in Subject::all_at(&["a"]) {
        let mut session = subject.open();
        session.execute(match subject.dialect() {
            Dialect::Sqlite => "BEGIN EXCLUSIVE",
            Dialect::Postgres => "BEGIN; LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE",
            Dialect::MySql => "LOCK TABLES alembic_version WRITE",
        });
        let limits = Limits { statement: Duration::from_secs(2), ..Limits::default() };
        let error = observe(&subject.url(), &VersionTable::default(), &limits).expect_err("locked");
        is_hidden(&error);
        let DatabaseError::Locked { by, .. } = &error else {
            panic!("{:?}: {error:?}", subject.dialect())
        };
        if subject.dialect() == Dialect::Postgres {
            assert!(by.starts_with("pid "), "{by}");
        }
        let error = replace_rows(
            &subject.url(),
            &VersionTable::default(),
            &limits,
            &["a".to_owned()],
            &["b".to_owned()],
        );
        let error = error.expect_err("locked");
        assert!(matches!(error, DatabaseError::Locked { .. }), "{error:?}");
        session.execute(match subject.dialect() {
            Dialect::Sqlite | Dialect::Postgres => "COMMIT",
            Dialect::MySql => "UNLOCK TABLES",
        });
        assert_eq!(subject.rows(), ["a"], "{:?}", subject.dialect());
    }
}

#[test]
fn a_table_that_cannot_be_read_is_an_error_and_not_an_empty_one() {
    for subject in Subject::all() {
        subject.execute("CREATE TABLE alembic_version (number INTEGER)");
        let error = subject.try_observe().expect_err("no such column");
        assert!(matches!(error, DatabaseError::Failed { .. }), "{error:?}");
    }
}

#[test]
fn a_user_who_may_not_read_the_table_gets_an_error() {
    let subject = Subject::postgres().at(&["a"]);
    let user = format!("{}_reader", subject.server().name());
    subject.execute(&format!("CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'"));
    let error = failure(&subject.server().url_of(&user, PASSWORD), &Limits::default());
    assert!(matches!(error, DatabaseError::Failed { .. }), "{error:?}");
    subject.execute(&format!("DROP ROLE {user}"));
}

/// All that is special to somebody: a URL, a shell, SQL, an ini, an option file.
/// Nothing beyond ASCII, of which PyMySQL and the server have different ideas.
pub const SPECIAL: &str = "p@s:s/w%r d\"'\\#;?&=+[e]$`{";

#[test]
fn a_password_may_be_full_of_special_characters() {
    let literal = SPECIAL.replace('\'', "''");
    let server = Server::postgres();
    let user = format!("{}_special", server.name());
    server.execute(&format!("CREATE ROLE {user} LOGIN PASSWORD '{literal}'"));
    let url = server.url_of(&user, SPECIAL);
    sqlalchemy_connects(&url);
    let url = DatabaseUrl::parse(&url, Path::new("/")).expect("a URL");
    observe(&url, &VersionTable::default(), &Limits::default()).expect("a look");
    server.execute(&format!("DROP ROLE {user}"));

    let server = Server::mariadb();
    let (user, name) = (format!("{}_special", server.name()), server.name());
    let literal = literal.replace('\\', "\\\\");
    server.execute(&format!(
        "CREATE USER {user}@'%' IDENTIFIED BY '{literal}'; GRANT ALL ON {name}.* TO {user}@'%'"
    ));
    let url = server.url_of(&user, SPECIAL);
    sqlalchemy_connects(&url);
    let url = DatabaseUrl::parse(&url, Path::new("/")).expect("a URL");
    observe(&url, &VersionTable::default(), &Limits::default()).expect("a look");
    server.execute(&format!("DROP USER {user}@'%'"));
}

/// The URL is right in SQLAlchemy's eyes too.
#[track_caller]
fn sqlalchemy_connects(url: &str) {
    let script = "import sys, sqlalchemy; sqlalchemy.create_engine(sys.argv[1]).connect()";
    let output = std::process::Command::new(crate::support::test_python())
        .args(["-c", script, url])
        .output()
        .expect("Python");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
