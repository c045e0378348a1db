//! Snapshots hold everything, and change places with the database at once.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use dbm_git::database::{
    DatabaseError, Dialect, ExchangeProgress, Limits, SnapshotStore, VersionTable,
    delete_snapshot_file,
};

use crate::copying::{stand_in, tools};
use crate::subject::Subject;

const THINGS: &str = "CREATE TABLE things (id INTEGER PRIMARY KEY, name VARCHAR(40)); \
                      INSERT INTO things VALUES (1, 'one'), (2, 'two')";

fn subjects() -> [Subject; 3] {
    Subject::all_at(&["a"])
}

/// Does something with the snapshots of a database, of which files are in `folder`.
fn with_store<T>(
    subject: &Subject,
    folder: &Path,
    work: impl FnOnce(&SnapshotStore<'_>) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    with_tools(subject, folder, &tools(subject.dialect()), work)
}

/// The same, with the server's tools from elsewhere.
fn with_tools<T>(
    subject: &Subject,
    folder: &Path,
    path: &[PathBuf],
    work: impl FnOnce(&SnapshotStore<'_>) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    // No test waits long for a lock that nobody gives back.
    let limits = Limits { statement: Duration::from_millis(1500), ..Limits::default() };
    work(&SnapshotStore::of(&subject.url(), folder, path, limits))
}

/// Nobody watches how far an exchange has come.
fn unwatched(_point: &str) {}

#[track_caller]
fn take(subject: &Subject, folder: &Path) -> String {
    let taken = with_store(subject, folder, |store| {
        let place = store.new_place();
        assert!(store.take(&place)? > 0 && store.holds(&place)?);
        Ok(place)
    });
    taken.expect("a snapshot")
}

/// Puts `restored` in the place of what is there, which is then at the place returned.
#[track_caller]
fn exchange(subject: &Subject, folder: &Path, restored: &str) -> String {
    let exchanged = with_store(subject, folder, |store| {
        let kept = store.new_place();
        store.exchange(restored, Some(&kept), unwatched)?;
        assert!(store.holds(&kept)? && store.bytes_of(&kept)? > 0);
        Ok(kept)
    });
    exchanged.expect("exchanged")
}

#[track_caller]
fn clean_up(subject: &Subject, folder: &Path) {
    with_store(subject, folder, |store| {
        for place in store.places()? {
            store.delete(&place)?;
            store.delete(&place)?;
        }
        assert_eq!(store.places()?, [""; 0]);
        Ok(())
    })
    .expect("deleted");
}

#[test]
fn an_exchange_brings_everything_back_and_loses_nothing() {
    for subject in subjects() {
        let folder = tempfile::tempdir().expect("a folder");
        let names = || subject.column("SELECT name FROM things ORDER BY id");
        subject.execute(THINGS);
        let first = take(&subject, folder.path());
        let before = subject.observe();
        subject.execute(
            "DELETE FROM things WHERE id = 1; UPDATE alembic_version SET version_num = 'b'",
        );
        if subject.dialect() == Dialect::MySql {
            // MariaDB notes the second in which a table was made.
            let now = "SELECT CAST(now() AS CHAR)";
            let second = subject.column(now);
            while subject.column(now) == second {}
        }
        let second = exchange(&subject, folder.path(), &first);
        assert_eq!((names(), subject.rows()), (vec!["one".into(), "two".into()], vec!["a".into()]));
        assert_ne!(subject.observe().fingerprint, before.fingerprint, "{:?}", subject.dialect());
        exchange(&subject, folder.path(), &second);
        assert_eq!((names(), subject.rows()), (vec!["two".into()], vec!["b".into()]));
        clean_up(&subject, folder.path());
    }
}

#[test]
fn a_file_that_somebody_is_writing_to_is_left_alone() {
    let subject = Subject::sqlite().at(&["a"]);
    let folder = tempfile::tempdir().expect("a folder");
    subject.execute(THINGS);
    let first = take(&subject, folder.path());
    let mut writer = subject.open();
    writer.execute("BEGIN IMMEDIATE; INSERT INTO things VALUES (3, 'three')");
    let error = with_store(&subject, folder.path(), |store| {
        store.exchange(&first, Some(&store.new_place()), unwatched)
    });
    assert!(matches!(error, Err(DatabaseError::Locked { .. })), "{error:?}");
    writer.execute("COMMIT");
    with_store(&subject, folder.path(), |store| {
        assert_eq!(store.places()?, [first.as_str()]);
        Ok(())
    })
    .expect("asked");
    let kept = exchange(&subject, folder.path(), &first);
    assert_eq!(subject.column("SELECT count(*) || '' FROM things"), ["2"]);
    exchange(&subject, folder.path(), &kept);
    assert_eq!(subject.column("SELECT count(*) || '' FROM things"), ["3"]);
}

#[test]
fn a_server_whose_database_is_in_use_says_by_whom_and_does_nothing() {
    let subject = Subject::postgres().at(&["a"]);
    let folder = tempfile::tempdir().expect("a folder");
    let kept = take(&subject, folder.path());
    let mut session = subject.server().session();
    session.execute("SET application_name = 'a shell'");
    let refused = [
        with_store(&subject, folder.path(), |store| store.take(&store.new_place()).map(drop)),
        with_store(&subject, folder.path(), |store| {
            store.exchange(&kept, Some(&store.new_place()), unwatched)
        }),
    ];
    for error in refused.map(|result| result.expect_err("in use")) {
        assert!(matches!(error, DatabaseError::InUse { .. }), "{error:?}");
        let text = error.to_string();
        assert!(text.contains("is in use by pid ") && text.contains(" (a shell, user "), "{text}");
    }
    with_store(&subject, folder.path(), |store| {
        assert_eq!(store.places()?, [kept.as_str()]);
        Ok(())
    })
    .expect("asked");
    drop(session);
    exchange(&subject, folder.path(), &kept);
    clean_up(&subject, folder.path());
}

#[test]
fn on_a_server_a_copy_has_what_is_set_for_the_whole_database() {
    let subject = Subject::postgres().at(&["a"]);
    let folder = tempfile::tempdir().expect("a folder");
    let name = subject.server().name();
    subject.execute(&format!(
        "ALTER DATABASE {name} SET search_path TO \"$user\", public, other; \
         ALTER DATABASE {name} SET statement_timeout TO '17s'; \
         REVOKE CONNECT ON DATABASE {name} FROM PUBLIC; \
         ALTER DATABASE {name} CONNECTION LIMIT 33"
    ));
    let set = || {
        let about = |what: &str| {
            subject.column(&format!(
                "SELECT {what}::text FROM pg_database d \
                   LEFT JOIN pg_db_role_setting s ON s.setdatabase = d.oid AND s.setrole = 0 \
                  WHERE datname = current_database()"
            ))
        };
        let rights = "(SELECT array_agg(r ORDER BY r::text) FROM unnest(datacl) r)";
        [rights, "datconnlimit", "setconfig", "pg_get_userbyid(datdba)"].map(about)
    };
    let before = set();
    let kept = take(&subject, folder.path());
    exchange(&subject, folder.path(), &kept);
    assert_eq!(set(), before);
    clean_up(&subject, folder.path());
}

#[test]
fn nothing_but_a_snapshot_is_deleted() {
    let folder = tempfile::tempdir().expect("a folder");
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).expect("a folder");
    for name in ["app.db", "app.snapshot"] {
        fs::write(folder.path().join(name), "").expect("a file");
    }
    for place in ["../app.db", "../app.snapshot", "app.snapshot", ""] {
        delete_snapshot_file(&inside, place).expect("nothing to do");
    }
    assert!(folder.path().join("app.db").exists() && folder.path().join("app.snapshot").exists());
    delete_snapshot_file(folder.path(), "app.snapshot").expect("deleted");
    assert!(!folder.path().join("app.snapshot").exists());
}

/// What a dump has to bring back, and what an exchange has to take away first.
const ZOO: &[&str] = &[
    "CREATE TABLE parents (id INT AUTO_INCREMENT PRIMARY KEY, n INT, \
       name VARCHAR(40) CHARACTER SET latin1, other VARCHAR(40) COLLATE utf8mb4_bin, \
       twice INT AS (n * 2) STORED, thrice INT AS (n * 3) VIRTUAL, raw VARBINARY(8), \
       at TIMESTAMP NULL, INDEX by_thrice (thrice)) AUTO_INCREMENT = 70",
    "INSERT INTO parents (n, name, other, raw, at) VALUES \
       (1, 'Zoë', '\u{1f418}''s; \\\\', x'00ff0a1a', '2020-01-01 00:00:01'), (2, NULL, '', NULL, NULL)",
    "DELETE FROM parents WHERE n = 2",
    "CREATE TABLE children (id INT PRIMARY KEY, parent INT, \
       FOREIGN KEY (parent) REFERENCES parents (id) ON DELETE CASCADE)",
    "INSERT INTO children VALUES (1, 70)",
    "CREATE TABLE others (id INT PRIMARY KEY) ENGINE = MyISAM",
    "INSERT INTO others VALUES (5)",
    "CREATE VIEW seen AS SELECT name FROM parents",
    "CREATE TRIGGER noted AFTER INSERT ON children FOR EACH ROW INSERT INTO others VALUES (new.id)",
    "CREATE PROCEDURE proc() SELECT 1",
    "CREATE FUNCTION func() RETURNS INT DETERMINISTIC RETURN 3",
    "CREATE EVENT happens ON SCHEDULE EVERY 1 DAY DO DELETE FROM others",
    "CREATE SEQUENCE counter START WITH 5",
    "DO NEXTVAL(counter)",
];

/// All that one can ask of it.
fn zoo(subject: &Subject) -> Vec<String> {
    let mut told = vec![];
    for (kind, column) in [
        ("TABLE parents", "Create Table"),
        ("TABLE children", "Create Table"),
        ("TABLE others", "Create Table"),
        ("VIEW seen", "Create View"),
        ("TRIGGER noted", "SQL Original Statement"),
        ("PROCEDURE proc", "Create Procedure"),
        ("FUNCTION func", "Create Function"),
        ("EVENT happens", "Create Event"),
    ] {
        told.push(subject.server().session().named(&format!("SHOW CREATE {kind}"), column));
    }
    for sql in [
        "SELECT CAST(concat_ws('|', id, n, hex(name), hex(other), twice, thrice, hex(raw), \
                unix_timestamp(at)) AS CHAR) FROM parents",
        "SELECT CAST(concat(id, '|', parent) AS CHAR) FROM children",
        "SELECT CAST(id AS CHAR) FROM others",
        "SELECT CAST(func() AS CHAR)",
        "SELECT CAST(table_name AS CHAR) FROM information_schema.tables \
          WHERE table_schema = database() ORDER BY 1",
    ] {
        told.extend(subject.column(sql));
    }
    told
}

#[test]
fn a_dump_brings_back_all_that_a_server_can_hold() {
    let (subject, bare) = (
        Subject::mariadb().at(&["a"]),
        "SELECT CAST(count(*) AS CHAR) FROM \
        (SELECT table_name FROM information_schema.tables WHERE table_schema = database() \
         UNION ALL SELECT routine_name FROM information_schema.routines \
          WHERE routine_schema = database() \
         UNION ALL SELECT event_name FROM information_schema.events \
          WHERE event_schema = database()) AS things",
    );
    let folder = tempfile::tempdir().expect("a folder");
    let empty = take(&subject, folder.path());
    ZOO.iter().for_each(|statement| subject.execute(statement));
    let before = zoo(&subject);
    let full = exchange(&subject, folder.path(), &empty);
    assert_eq!((subject.column(bare), subject.rows()), (vec!["1".into()], vec!["a".into()]));
    let other = exchange(&subject, folder.path(), &full);
    assert_eq!(zoo(&subject), before);
    // The next row gets the next number, and what refers to one goes with it.
    subject.execute("INSERT INTO parents (n) VALUES (9); DELETE FROM parents WHERE id = 70");
    assert_eq!(subject.column("SELECT CAST(id AS CHAR) FROM parents"), ["72"]);
    assert_eq!(subject.column("SELECT CAST(count(*) AS CHAR) FROM children"), ["0"]);
    assert_eq!(subject.column("SELECT CAST(NEXTVAL(counter) AS CHAR)"), ["1005"]);
    exchange(&subject, folder.path(), &other);
    clean_up(&subject, folder.path());
}

/// How far the exchange is that keeps what is there at `kept`.
#[track_caller]
fn progress(subject: &Subject, folder: &Path, kept: &str) -> ExchangeProgress {
    let progress = with_store(subject, folder, |store| store.progress(kept));
    progress.expect("asked").expect("of a dump")
}

/// Tries to put `restored` in the place of what is there: where that would be kept, and why not.
#[track_caller]
fn refused(
    subject: &Subject,
    folder: &Path,
    path: &[PathBuf],
    restored: &str,
) -> (String, DatabaseError) {
    let mut place = String::new();
    let result = with_tools(subject, folder, path, |store| {
        place = store.new_place();
        store.exchange(restored, Some(&place), unwatched)
    });
    (place, result.expect_err("refused"))
}

#[test]
fn tables_that_somebody_works_on_are_left_alone_after_a_while() {
    let subject = Subject::mariadb().at(&["a"]);
    let folder = tempfile::tempdir().expect("a folder");
    subject.execute(THINGS);
    let first = take(&subject, folder.path());
    // Who writes keeps it from being read as of one moment, who reads from being dropped.
    for work in ["INSERT INTO things VALUES (3, 'three')", "SELECT * FROM things"] {
        let mut session = subject.server().session();
        session.execute(&format!("START TRANSACTION; {work}"));
        let tools = tools(Dialect::MySql);
        let (place, error) = refused(&subject, folder.path(), &tools, &first);
        assert!(matches!(error, DatabaseError::Locked { .. }), "{work}: {error:?}");
        assert!(error.to_string().contains(" is locked by connection "), "{error}");
        assert_eq!(progress(&subject, folder.path(), &place), ExchangeProgress::Untouched);
        with_store(&subject, folder.path(), |store| {
            store.abandon(&place)?;
            assert_eq!(store.places()?, [first.as_str()]);
            Ok(())
        })
        .expect("asked");
        session.execute("COMMIT");
    }
    let kept = exchange(&subject, folder.path(), &first);
    exchange(&subject, folder.path(), &kept);
    assert_eq!(subject.column("SELECT CAST(count(*) AS CHAR) FROM things"), ["3"]);
    clean_up(&subject, folder.path());
}

#[test]
fn what_is_written_while_a_dump_is_made_is_not_lost() {
    let subject = Subject::mariadb().at(&["a"]);
    let folder = tempfile::tempdir().expect("a folder");
    subject.execute(THINGS);
    let first = take(&subject, folder.path());
    let tool = tools(Dialect::MySql)[0].clone();
    let name = subject.server().name();
    // Writes once the tables are free again, which the dump is what keeps them from being.
    let (host, port) = (subject.server().host(), subject.server().port());
    let url = dbm_git::database::UrlParts::parse(&subject.text()).expect("a URL");
    let password = url.password.as_ref().map_or("", |password| password.reveal());
    let write = format!(
        "MYSQL_PWD='{password}' {}/mariadb --no-defaults --protocol=tcp -h {host} -P {port} -u {} \
         -e \"INSERT INTO things VALUES (3, 'three')\" {name} > /dev/null 2>&1 < /dev/null &",
        tool.display(),
        url.user.as_deref().unwrap_or("root"),
    );
    let waits = format!(
        "until MYSQL_PWD='{password}' {}/mariadb --no-defaults --protocol=tcp -h {host} -P {port} \
         -u {} -e 'SHOW PROCESSLIST' | grep -q 'INSERT INTO things'; do :; done",
        tool.display(),
        url.user.as_deref().unwrap_or("root"),
    );
    stand_in(
        folder.path(),
        "mariadb-dump",
        &format!("{}/mariadb-dump \"$@\" || exit 1\n{write}\n{waits}", tool.display()),
    );
    let path = [folder.path().to_path_buf(), tool];
    let (place, error) = refused(&subject, folder.path(), &path, &first);
    assert!(matches!(error, DatabaseError::WrittenMeanwhile { .. }), "{error:?}");
    assert_eq!(progress(&subject, folder.path(), &place), ExchangeProgress::Untouched);
    assert_eq!(subject.column("SELECT CAST(count(*) AS CHAR) FROM things"), ["3"]);
    with_store(&subject, folder.path(), |store| store.abandon(&place)).expect("abandoned");
    clean_up(&subject, folder.path());
}

#[test]
fn a_dump_that_does_not_load_leaves_what_was_there() {
    let subject = Subject::mariadb().at(&["a"]);
    let folder = tempfile::tempdir().expect("a folder");
    let first = take(&subject, folder.path());
    subject.execute(THINGS);
    let file = folder.path().join(&first);
    let text = fs::read_to_string(&file).expect("a dump");
    fs::write(&file, format!("{text}\nCREATE TABLE half (id INT);\nNONSENSE;\n")).expect("written");
    let (place, error) = refused(&subject, folder.path(), &tools(Dialect::MySql), &first);
    assert!(error.to_string().contains("NONSENSE"), "{error}");
    assert_eq!(progress(&subject, folder.path(), &place), ExchangeProgress::Untouched);
    with_store(&subject, folder.path(), |store| store.abandon(&place)).expect("abandoned");
    assert_eq!(subject.column("SELECT name FROM things ORDER BY id"), ["one", "two"]);
    assert_eq!(subject.column("SHOW TABLES"), ["alembic_version", "things"]);
    clean_up(&subject, folder.path());
}

#[test]
fn with_a_client_that_loads_nothing_both_dumps_stay_and_are_loaded_later() {
    let subject = Subject::mariadb().at(&["a"]);
    let folder = tempfile::tempdir().expect("a folder");
    let first = take(&subject, folder.path());
    subject.execute(THINGS);
    stand_in(folder.path(), "mariadb", "cat > /dev/null; echo 'no space left' >&2; exit 3");
    let mut path = vec![folder.path().to_path_buf()];
    path.extend(tools(Dialect::MySql));
    let (place, error) = refused(&subject, folder.path(), &path, &first);
    assert!(matches!(error, DatabaseError::HalfExchanged { .. }), "{error:?}");
    assert_eq!(progress(&subject, folder.path(), &place), ExchangeProgress::Torn);
    // Nobody takes a snapshot of that.
    let torn = with_store(&subject, folder.path(), |store| store.take(&store.new_place()));
    assert!(matches!(torn, Err(DatabaseError::NoSnapshot { .. })), "{torn:?}");
    with_store(&subject, folder.path(), |store| store.finish(&first, &place, unwatched))
        .expect("loaded");
    assert_eq!(progress(&subject, folder.path(), &place), ExchangeProgress::Made);
    assert_eq!(subject.column("SHOW TABLES"), ["alembic_version"]);
    exchange(&subject, folder.path(), &place);
    assert_eq!(subject.column("SELECT name FROM things ORDER BY id"), ["one", "two"]);
    clean_up(&subject, folder.path());
}

#[test]
fn what_no_dump_brings_back_keeps_a_snapshot_from_being_taken() {
    let subject = Subject::mariadb().at(&["a"]);
    let folder = tempfile::tempdir().expect("a folder");
    subject.execute("CREATE TABLE past (id INT PRIMARY KEY) WITH SYSTEM VERSIONING");
    let refused = with_store(&subject, folder.path(), |store| store.take(&store.new_place()));
    let text = refused.expect_err("refused").to_string();
    assert!(text.ends_with("because of the table `past`, which keeps a history"), "{text}");
    clean_up(&subject, folder.path());
}

#[test]
fn a_version_table_in_another_database_keeps_a_snapshot_from_being_taken() {
    let subject = Subject::mariadb();
    let refuse = |schema: Option<&str>| {
        let schema = schema.map(str::to_owned);
        let table = VersionTable { schema, ..VersionTable::default() };
        with_store(&subject, Path::new("/"), |store| store.refuse_without(&table))
    };
    refuse(None).expect("its own");
    refuse(Some(subject.server().name())).expect("its own");
    let text = refuse(Some("other")).expect_err("another").to_string();
    assert!(text.ends_with("`other.alembic_version`, which is in another database"), "{text}");
}

#[test]
fn without_the_tools_of_its_server_nothing_is_taken_or_exchanged() {
    let subject = Subject::mariadb().at(&["a"]);
    let folder = tempfile::tempdir().expect("a folder");
    let first = take(&subject, folder.path());
    let taken =
        with_tools(&subject, folder.path(), &[], |store| store.take(&store.new_place()).map(drop));
    let (place, error) = refused(&subject, folder.path(), &[], &first);
    for error in [taken.expect_err("no tool"), error] {
        assert!(matches!(error, DatabaseError::NoDumpTool { .. }), "{error:?}");
    }
    assert_eq!(progress(&subject, folder.path(), &place), ExchangeProgress::Untouched);
    assert_eq!(subject.column("SHOW TABLES"), ["alembic_version"]);
    clean_up(&subject, folder.path());
}

#[test]
fn what_a_killed_dump_has_left_is_swept_and_nothing_else() {
    let subject = Subject::sqlite().at(&["a"]);
    let folder = tempfile::tempdir().expect("a folder");
    let kept = take(&subject, folder.path());
    for name in [".dbm-git-1a2b.tmp", "notes.tmp", ".dbm-git-notes"] {
        fs::write(folder.path().join(name), "half").expect("a file");
    }
    with_store(&subject, folder.path(), |store| {
        store.sweep();
        assert!(store.holds(&kept)?);
        Ok(())
    })
    .expect("swept");
    let left = |name: &str| folder.path().join(name).exists();
    assert!(!left(".dbm-git-1a2b.tmp") && left("notes.tmp") && left(".dbm-git-notes"));
}

#[test]
fn a_load_that_goes_on_after_a_kill_is_waited_for() {
    let subject = Subject::mariadb().at(&["a"]);
    let folder = tempfile::tempdir().expect("a folder");
    let first = take(&subject, folder.path());
    subject.execute(THINGS);
    let name = subject.server().name();
    // The client stands still in the middle, with its lock.
    let text = fs::read_to_string(folder.path().join(&first)).expect("a dump");
    let slow = folder.path().join("slow.snapshot");
    let sleeping = "CREATE TABLE half (id INT); DO SLEEP(600);\n";
    fs::write(&slow, format!("{text}\n{sleeping}")).expect("written");
    let path = tools(Dialect::MySql);
    let url = subject.url();
    std::thread::scope(|scope| {
        let store = SnapshotStore::of(&url, folder.path(), &path, Limits::default());
        let kept = store.new_place();
        let place = kept.clone();
        let loading = scope.spawn(move || store.exchange("slow.snapshot", Some(&place), unwatched));
        let sleeping = format!(
            "SELECT CAST(id AS CHAR) FROM information_schema.processlist \
              WHERE db = '{name}' AND info LIKE 'DO SLEEP%'"
        );
        let mut sleepers = subject.column(&sleeping);
        while sleepers.is_empty() {
            assert!(!loading.is_finished(), "it has not come to that");
            sleepers = subject.column(&sleeping);
        }
        let error =
            with_store(&subject, folder.path(), |store| store.finish(&first, &kept, unwatched));
        let error = error.expect_err("a load is at work");
        assert!(
            error.to_string().ends_with(" is locked by a dump that is being loaded"),
            "{error}"
        );
        sleepers.iter().for_each(|id| subject.execute(&format!("KILL {id}")));
        assert!(loading.join().expect("an end").is_err());
    });
    // It has put back what was there.
    assert_eq!(subject.column("SELECT name FROM things ORDER BY id"), ["one", "two"]);
    clean_up(&subject, folder.path());
}
