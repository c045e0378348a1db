//! Snapshots hold everything, and change places with the database at once.

use std::fs;
use std::path::Path;

use dbm_git::database::{DatabaseError, Limits, SnapshotStore, delete_snapshot_file};

use crate::subject::Subject;

const THINGS: &str = "CREATE TABLE things (id INTEGER PRIMARY KEY, name VARCHAR(40)); \
                      INSERT INTO things VALUES (1, 'one'), (2, 'two')";

fn subjects() -> [Subject; 2] {
    [Subject::sqlite(), Subject::postgres()].map(|subject| subject.at(&["a"]))
}

/// Does something with the snapshots of a database, of which files are in `folder`.
fn with_store<T>(
    subject: &Subject,
    folder: &Path,
    work: impl FnOnce(&SnapshotStore<'_>) -> Result<T, DatabaseError>,
) -> Result<T, DatabaseError> {
    let url = subject.url();
    work(&SnapshotStore::of(&url, folder, Limits::default())?)
}

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
        store.exchange(restored, Some(&kept))?;
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
        store.exchange(&first, Some(&store.new_place()))
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
            store.exchange(&kept, Some(&store.new_place()))
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
fn of_a_server_that_cannot_put_one_back_at_once_no_snapshot_is_taken() {
    let subject = Subject::mariadb().at(&["a"]);
    let error = with_store(&subject, Path::new("/"), |_| Ok(())).expect_err("refused");
    assert!(matches!(error, DatabaseError::NoSnapshot { .. }), "{error:?}");
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
