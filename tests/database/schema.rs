//! What a database holds, by the names that migrations use.

use std::collections::BTreeSet;

use dbm_git::database::{Dialect, Limits, schema_objects};
use dbm_git::script::SchemaObject;

use crate::subject::Subject;

#[track_caller]
fn objects(subject: &Subject) -> dbm_git::script::SchemaObjects {
    schema_objects(&subject.url(), &Limits::default()).expect("a schema")
}

#[test]
fn tables_columns_and_indexes_are_found() {
    for subject in Subject::all() {
        // By qualified names MySQL shows those of all databases.
        let tables = objects(&subject).tables.into_keys().filter(|table| !table.contains('.'));
        assert_eq!(tables.collect::<Vec<_>>(), Vec::<String>::new(), "{:?}", subject.dialect());
        subject.execute(
            "CREATE TABLE things (id INTEGER PRIMARY KEY, name VARCHAR(20) UNIQUE); \
             CREATE INDEX things_by_name ON things (name); \
             CREATE VIEW shown AS SELECT name FROM things",
        );
        let found = objects(&subject);
        let column = |table: &str, column: &str| SchemaObject::Column {
            table: table.to_owned(),
            column: column.to_owned(),
        };
        for there in [
            SchemaObject::Table("things".to_owned()),
            column("things", "id"),
            column("things", "name"),
            SchemaObject::Index("things_by_name".to_owned()),
        ] {
            assert!(found.contains(&there), "{:?}: {there:?} {found:?}", subject.dialect());
        }
        for absent in [
            SchemaObject::Table("others".to_owned()),
            SchemaObject::Table("shown".to_owned()),
            column("things", "size"),
            SchemaObject::Index("things".to_owned()),
        ] {
            assert!(!found.contains(&absent), "{:?}: {absent:?}", subject.dialect());
        }
    }
}

#[test]
fn a_dropped_column_is_gone() {
    for subject in Subject::all() {
        subject.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, name VARCHAR(20))");
        subject.execute("ALTER TABLE things DROP COLUMN name");
        let columns = objects(&subject).tables["things"].clone();
        assert_eq!(columns, BTreeSet::from(["id".to_owned()]), "{:?}", subject.dialect());
    }
}

#[test]
fn everything_is_found_by_its_schema_too() {
    for subject in Subject::all() {
        let schema = match subject.dialect() {
            Dialect::Sqlite => "main",
            Dialect::Postgres => "public",
            Dialect::MySql => subject.server().name(),
        };
        subject.execute("CREATE TABLE things (id INTEGER PRIMARY KEY)");
        subject.execute("CREATE INDEX things_by_id ON things (id)");
        let found = objects(&subject);
        assert!(found.tables[&format!("{schema}.things")].contains("id"));
        assert!(found.indexes.contains(&format!("{schema}.things_by_id")));
    }
}

#[test]
fn what_another_schema_has_is_found_by_its_schema_only() {
    let subject = Subject::postgres();
    subject.execute("CREATE SCHEMA audit; CREATE TABLE audit.events (id INTEGER PRIMARY KEY)");
    subject.execute("CREATE TEMPORARY TABLE mine (id INTEGER)");
    let found = objects(&subject);
    let tables: Vec<&str> = found.tables.keys().map(String::as_str).collect();
    assert_eq!(tables, ["audit.events"]);
    let indexes: Vec<&str> = found.indexes.iter().map(String::as_str).collect();
    assert_eq!(indexes, ["audit.events_pkey"]);
}
