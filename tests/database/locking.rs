//! One at a time, and nobody for ever.

use std::time::Duration;

use dbm_git::database::{DatabaseError, DatabaseLock, Dialect, Limits, VersionTable};

use crate::subject::Subject;

const SHORT: Limits =
    Limits { connect: Duration::from_secs(5), statement: Duration::from_millis(300) };

fn lock(subject: &Subject) -> Result<DatabaseLock, DatabaseError> {
    DatabaseLock::acquire(&subject.url(), &VersionTable::default(), &SHORT)
}

#[test]
fn a_second_one_is_told_who_has_the_lock_and_gets_it_afterwards() {
    for subject in Subject::all() {
        let held = lock(&subject).expect("free");
        let error = lock(&subject).expect_err("held");
        let DatabaseError::Locked { by, .. } = &error else { panic!("{error:?}") };
        match subject.dialect() {
            Dialect::Sqlite => assert_eq!(*by, format!("pid {}", std::process::id())),
            Dialect::Postgres => {
                assert!(by.starts_with("pid ") && by.contains("(dbm-git, user "), "{by}");
            }
            Dialect::MySql => assert!(by.starts_with("connection "), "{by}"),
        }
        drop(held);
        lock(&subject).expect("free again");
    }
}

#[test]
fn who_waits_gets_the_lock_as_soon_as_it_is_free() {
    for subject in Subject::all() {
        let held = lock(&subject).expect("free");
        let url = subject.url();
        let waiting = std::thread::spawn(move || {
            DatabaseLock::acquire(&url, &VersionTable::default(), &Limits::default()).map(|_| ())
        });
        drop(held);
        waiting.join().expect("no panic").expect("free in time");
    }
}

#[test]
fn others_go_on_reading_and_writing() {
    for subject in Subject::all_at(&["a"]) {
        let _held = lock(&subject).expect("free");
        assert_eq!(subject.rows(), ["a"]);
        subject.replace_rows(&["a"], &["b"]).expect("as expected");
        subject.execute("CREATE TABLE things (id INTEGER)");
    }
}

#[test]
fn another_version_table_has_another_lock() {
    for subject in Subject::all() {
        let _held = lock(&subject).expect("free");
        let table = VersionTable { schema: None, name: "other_version".to_owned() };
        DatabaseLock::acquire(&subject.url(), &table, &SHORT).expect("free");
    }
}

#[test]
fn the_same_file_by_another_path_has_the_same_lock() {
    let subject = Subject::sqlite().at(&["a"]);
    let _held = lock(&subject).expect("free");
    let link = subject.file().with_file_name("link.db");
    std::os::unix::fs::symlink(subject.file(), &link).expect("a link");
    let url = dbm_git::database::DatabaseUrl::for_file(&link);
    let url = dbm_git::database::DatabaseUrl::parse(&url, link.parent().expect("a folder"));
    let again = DatabaseLock::acquire(&url.expect("a URL"), &VersionTable::default(), &SHORT);
    assert!(matches!(again, Err(DatabaseError::Locked { .. })));
}
