//! Scratch databases that hold what another one does.

use std::path::{Path, PathBuf};

use dbm_git::database::{
    CopyWay, DatabaseError, DatabaseUrl, Dialect, ScratchDatabase, database_size, stray_databases,
};

use crate::copying::{stand_in, tools};
use crate::subject::{Open, Subject, open_file};

const THINGS: &str = "CREATE TABLE things (id INTEGER PRIMARY KEY, name VARCHAR(40)); \
                      CREATE INDEX ix_things ON things (name); \
                      INSERT INTO things VALUES (1, 'one'), (2, 'Zoë \u{1f418}')";
const NAMES: &str = "SELECT name FROM things ORDER BY id";

struct Copied {
    scratch: ScratchDatabase,
    way: CopyWay,
    _folder: tempfile::TempDir,
}

fn try_copy(url: &DatabaseUrl, path: &[PathBuf]) -> Result<Copied, DatabaseError> {
    let folder = tempfile::tempdir().expect("a folder");
    let (scratch, way) = ScratchDatabase::copy(url, folder.path(), path)?;
    Ok(Copied { scratch, way, _folder: folder })
}

#[track_caller]
fn copy(subject: &Subject) -> Copied {
    try_copy(&subject.url(), &tools(subject.dialect())).expect("a copy")
}

impl Copied {
    /// The first column of a query in the copy.
    #[track_caller]
    fn column(&self, subject: &Subject, sql: &str) -> Vec<String> {
        match self.scratch.url().file() {
            Some(file) => open_file(file).column(sql),
            None => Open::Server(subject.server().session_in(&self.name())).column(sql),
        }
    }

    fn name(&self) -> String {
        let url = self.scratch.url().shown().split('?').next().unwrap_or_default();
        url.rsplit('/').next().expect("a name").to_owned()
    }
}

/// The databases of the server that look like scratch ones of this origin.
fn left(subject: &Subject, prefix: &str) -> Vec<String> {
    let sql = match subject.dialect() {
        Dialect::Postgres => "SELECT datname::text FROM pg_database",
        _ => "SELECT CAST(schema_name AS CHAR) FROM information_schema.schemata",
    };
    subject.column(sql).into_iter().filter(|name| name.starts_with(prefix)).collect()
}

/// What the names of a subject's scratch databases begin with.
fn prefix_of(subject: &Subject) -> String {
    let empty = ScratchDatabase::create(&subject.url(), Path::new("/")).expect("made");
    let name = empty.url().shown().rsplit('/').next().expect("a name").to_owned();
    name[..name.len() - 16].to_owned()
}

fn servers() -> [Subject; 2] {
    [Subject::postgres().at(&["a"]), Subject::mariadb().at(&["a"])]
}

#[test]
fn a_copy_holds_all_and_is_gone_when_dropped() {
    for subject in Subject::all_at(&["a"]) {
        subject.execute(THINGS);
        let copied = copy(&subject);
        let expected = match subject.dialect() {
            Dialect::Sqlite => CopyWay::File,
            Dialect::Postgres => CopyWay::Template,
            Dialect::MySql => CopyWay::Dump { connected: Vec::new() },
        };
        assert_eq!(copied.way, expected);
        assert_eq!(copied.column(&subject, NAMES), ["one", "Zoë \u{1f418}"], "{expected:?}");
        assert_eq!(copied.column(&subject, "SELECT version_num FROM alembic_version"), ["a"]);
        assert_ne!(copied.scratch.url().shown(), subject.url().shown());
        // Nobody takes it for a stray one, and the origin stays in use as ever.
        assert_eq!(stray_databases(&subject.url()).expect("asked"), [""; 0]);
        subject.execute("INSERT INTO things VALUES (3, 'three')");
        assert_eq!(copied.column(&subject, NAMES).len(), 2);
        if subject.dialect() != Dialect::Sqlite {
            let name = copied.name();
            assert_eq!(left(&subject, &name), [name.as_str()]);
            drop(copied);
            assert_eq!(left(&subject, &name), [""; 0]);
        }
    }
}

#[test]
fn a_file_that_is_not_there_yet_is_copied_as_nothing() {
    let copied = copy(&Subject::sqlite());
    assert!(!copied.scratch.url().file().expect("a file").exists());
}

#[test]
fn while_others_are_connected_postgresql_is_copied_by_its_tools_and_they_are_named() {
    let subject = Subject::postgres().at(&["a"]);
    subject.execute(THINGS);
    let mut other = subject.open();
    let pid = other.column("SELECT pg_backend_pid()::text").remove(0);
    other.execute("SET application_name = 'their app'");
    let copied = copy(&subject);
    let expected = format!("pid {pid} (their app, user postgres)");
    assert_eq!(copied.way, CopyWay::Dump { connected: vec![expected.clone()] });
    assert_eq!(copied.column(&subject, NAMES), ["one", "Zoë \u{1f418}"]);
    // Without the tools there is no other way, and it says who is in it.
    let error = try_copy(&subject.url(), &[]).err().expect("refused");
    let DatabaseError::NoCopy { source, .. } = &error else { panic!("{error:?}") };
    assert!(matches!(**source, DatabaseError::NoDumpTool { .. }), "{source:?}");
    assert!(error.to_string().contains(&expected), "{error}");
    drop(copied);
    assert_eq!(left(&subject, &prefix_of(&subject)), [""; 0]);
}

#[test]
fn who_does_not_own_a_database_copies_it_by_the_tools() {
    let subject = Subject::postgres().at(&["a"]);
    subject.execute(THINGS);
    let user = format!("{}_reader", subject.server().name());
    subject.execute(&format!(
        "CREATE ROLE {user} LOGIN CREATEDB PASSWORD 'pw' IN ROLE pg_read_all_data"
    ));
    let url = DatabaseUrl::parse(&subject.server().url_of(&user, "pw"), Path::new("/"));
    let copied = try_copy(&url.expect("a URL"), &tools(Dialect::Postgres)).expect("a copy");
    assert_eq!(copied.way, CopyWay::Dump { connected: Vec::new() });
    assert_eq!(copied.column(&subject, NAMES).len(), 2);
    drop(copied);
    subject.execute(&format!("DROP ROLE {user}"));
}

#[test]
fn who_may_not_create_databases_is_told_so_and_nothing_is_left() {
    for subject in servers() {
        subject.execute(THINGS);
        let (user, name) =
            (format!("{}_plain", subject.server().name()), subject.server().name().to_owned());
        let drop = match subject.dialect() {
            Dialect::Postgres => {
                subject.execute(&format!(
                    "CREATE ROLE {user} LOGIN PASSWORD 'pw' IN ROLE pg_read_all_data"
                ));
                format!("DROP ROLE {user}")
            }
            _ => {
                subject.execute(&format!(
                    "CREATE USER {user}@'%' IDENTIFIED BY 'pw'; GRANT ALL ON {name}.* TO {user}@'%'"
                ));
                format!("DROP USER {user}@'%'")
            }
        };
        let url = DatabaseUrl::parse(&subject.server().url_of(&user, "pw"), Path::new("/"));
        let copied = try_copy(&url.expect("a URL"), &tools(subject.dialect()));
        let error = copied.err().expect("refused");
        let DatabaseError::NoCopy { source, .. } = &error else { panic!("{error:?}") };
        assert!(matches!(**source, DatabaseError::MayNotCreate { .. }), "{source:?}");
        subject.execute(&drop);
        assert_eq!(left(&subject, &prefix_of(&subject)), [""; 0]);
    }
}

#[test]
fn a_restore_that_stops_half_way_is_no_copy() {
    for subject in servers() {
        subject.execute(THINGS);
        let _other = (subject.dialect() == Dialect::Postgres).then(|| subject.open());
        let folder = tempfile::tempdir().expect("a folder");
        let name = if subject.dialect() == Dialect::Postgres { "pg_restore" } else { "mariadb" };
        stand_in(folder.path(), name, "echo 'no space left' >&2; exit 3");
        let mut path = vec![folder.path().to_path_buf()];
        path.extend(tools(subject.dialect()));
        let error = try_copy(&subject.url(), &path).err().expect("refused");
        let DatabaseError::NoCopy { source, .. } = &error else { panic!("{error:?}") };
        assert!(source.to_string().contains("no space left"), "{source}");
        assert_eq!(left(&subject, &prefix_of(&subject)), [""; 0]);
    }
}

#[test]
fn what_would_reach_out_of_a_copy_is_not_copied() {
    let foreign = "CREATE EXTENSION postgres_fdw; \
                   CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw";
    let subject = Subject::postgres().at(&["a"]);
    subject.execute(foreign);
    refused(&subject, "the foreign server elsewhere");
    let subject = Subject::mariadb().at(&["a"]);
    subject.execute(THINGS);
    let name = subject.server().name().to_owned();
    subject.execute(&format!(
        "CREATE TRIGGER noted AFTER INSERT ON things FOR EACH ROW \
         DELETE FROM {name}.alembic_version"
    ));
    refused(&subject, "the trigger noted");
}

#[track_caller]
fn refused(subject: &Subject, what: &str) {
    let error = try_copy(&subject.url(), &tools(subject.dialect())).err().expect("refused");
    assert!(matches!(error, DatabaseError::ReachesOut { .. }), "{error:?}");
    assert!(error.to_string().ends_with(&format!("because of {what}")), "{error}");
}

#[test]
fn what_is_set_for_the_database_is_set_for_its_copy() {
    let subject = Subject::postgres().at(&["a"]);
    let name = subject.server().name().to_owned();
    subject.execute(&format!(
        "CREATE SCHEMA app; ALTER DATABASE {name} SET search_path = app, \"$user\", public"
    ));
    let template = copy(&subject);
    let _other = subject.open();
    for copied in [template, copy(&subject)] {
        let path = copied.column(&subject, "SHOW search_path");
        assert_eq!(path, ["app, \"$user\", public"], "{:?}", copied.way);
    }
}

#[test]
fn what_runs_by_itself_does_not_run_in_a_copy() {
    let subject = Subject::mariadb().at(&["a"]);
    subject.execute("CREATE EVENT tidy ON SCHEDULE EVERY 1 SECOND DO DELETE FROM alembic_version");
    let copied = copy(&subject);
    let events = format!(
        "SELECT CAST(event_name AS CHAR) FROM information_schema.events WHERE event_schema = '{}'",
        copied.name()
    );
    assert_eq!(subject.column(&events), [""; 0]);
}

#[test]
fn a_database_has_a_size() {
    for subject in Subject::all() {
        let before = database_size(&subject.url()).expect("asked");
        subject.execute(THINGS);
        assert!(database_size(&subject.url()).expect("asked") > before, "{:?}", subject.dialect());
    }
}
