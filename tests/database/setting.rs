//! Version rows are set all at once, and only where they are what was expected.

use dbm_git::database::{DatabaseError, Dialect, Limits, VersionTable, observe, replace_rows};

use crate::subject::{Subject, VERSION_TABLE};

#[test]
fn rows_are_replaced() {
    for subject in Subject::all_at(&["a", "b"]) {
        subject.replace_rows(&["b", "a"], &["it's \\ new"]).expect("as expected");
        assert_eq!(subject.rows(), ["it's \\ new"], "{:?}", subject.dialect());
        subject.replace_rows(&["it's \\ new"], &[]).expect("as expected");
        assert_eq!(subject.rows(), [""; 0], "{:?}", subject.dialect());
        subject.replace_rows(&[], &["c", "d"]).expect("as expected");
        assert_eq!(subject.rows(), ["c", "d"], "{:?}", subject.dialect());
    }
}

#[test]
fn rows_that_moved_stay_as_they_are() {
    for subject in Subject::all_at(&["a"]) {
        let error = subject.replace_rows(&["b"], &["c"]).expect_err("moved");
        let DatabaseError::RowsMoved { expected, found, .. } = &error else { panic!("{error:?}") };
        assert_eq!(
            (expected.as_slice(), found.as_slice()),
            (&["b".to_owned()][..], &["a".to_owned()][..])
        );
        assert_eq!(subject.rows(), ["a"], "{:?}", subject.dialect());
    }
}

#[test]
fn a_change_that_fails_halfway_leaves_the_rows_of_before() {
    for subject in Subject::all_at(&["a"]) {
        let error = subject.replace_rows(&["a"], &["b", "c", "c"]).expect_err("the key is unique");
        assert!(matches!(error, DatabaseError::Failed { .. }), "{error:?}");
        assert_eq!(subject.rows(), ["a"], "{:?}", subject.dialect());
        // Nothing is left open that others would wait for.
        subject.replace_rows(&["a"], &["b"]).expect("as expected");
    }
}

#[test]
fn no_table_and_no_file_is_made() {
    for subject in Subject::all() {
        let error = subject.replace_rows(&[], &["a"]).expect_err("no table");
        assert!(matches!(error, DatabaseError::NoVersionTable { .. }), "{error:?}");
        subject.replace_rows(&[], &[]).expect("nothing to do");
        if subject.dialect() == Dialect::Sqlite {
            assert!(!subject.file().exists());
        }
        subject.execute("CREATE TABLE things (id INTEGER)");
        let error = subject.replace_rows(&[], &["a"]).expect_err("no table");
        assert!(matches!(error, DatabaseError::NoVersionTable { .. }), "{error:?}");
        subject.execute(VERSION_TABLE);
        subject.replace_rows(&[], &["a"]).expect("as expected");
    }
}

#[test]
fn rows_of_another_table_are_not_touched() {
    for subject in Subject::all_at(&["a"]) {
        subject.execute(&VERSION_TABLE.replace("alembic_version", "other_version"));
        let table = VersionTable { schema: None, name: "other_version".to_owned() };
        let limits = Limits::default();
        replace_rows(&subject.url(), &table, &limits, &[], &["x".to_owned()]).expect("empty");
        assert_eq!(observe(&subject.url(), &table, &limits).expect("a look").rows, ["x"]);
        assert_eq!(subject.rows(), ["a"], "{:?}", subject.dialect());
    }
}
