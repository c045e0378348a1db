//! SQLite files as applications leave them, looked at without a trace.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use dbm_git::database::{DatabaseError, DatabaseUrl, Limits, VersionTable, observe};
use tempfile::TempDir;

use crate::subject::{Open, VERSION_TABLE, open_file};

/// A folder with a database `app.db` and whatever belongs to it.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn open(&self) -> Open {
        open_file(&self.path().join("app.db"))
    }

    /// The files with their contents.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let entries = fs::read_dir(self.path()).expect("a folder");
        entries
            .map(|entry| {
                let path = entry.expect("an entry").path();
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                (name, fs::read(path).expect("a file"))
            })
            .collect()
    }

    fn names(&self) -> Vec<String> {
        self.files().into_keys().collect()
    }

    /// What lies here now, as a copy that nobody has open; without `-shm`.
    fn copy(&self) -> Self {
        let copy = Self::new();
        for (name, content) in self.files() {
            if !name.ends_with("-shm") {
                fs::write(copy.path().join(name), content).expect("a file");
            }
        }
        copy
    }

    fn look(&self) -> Result<Vec<String>, DatabaseError> {
        let url = DatabaseUrl::parse("sqlite:///app.db", self.path()).expect("a URL");
        observe(&url, &VersionTable::default(), &Limits::default()).map(|seen| seen.rows)
    }

    /// Looks, and finds every byte where it was.
    #[track_caller]
    fn has(&self, rows: &[&str]) {
        let before = self.files();
        assert_eq!(self.look().expect("a look"), rows);
        self.is_as(&before);
    }

    #[track_caller]
    fn is_as(&self, before: &BTreeMap<String, Vec<u8>>) {
        let after = self.files();
        assert_eq!(self.names(), before.keys().cloned().collect::<Vec<_>>());
        for (name, content) in before {
            assert!(after[name] == *content, "{name} has changed");
        }
    }
}

/// In WAL mode, with a log that nothing has been moved out of.
fn logging(folder: &Folder) -> Open {
    let mut writer = folder.open();
    writer.execute("PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0");
    writer.execute(&format!("{VERSION_TABLE}; INSERT INTO alembic_version VALUES ('a')"));
    writer
}

#[test]
fn a_look_leaves_no_trace_beside_the_file() {
    let folder = Folder::new();
    folder.open().execute(&format!("{VERSION_TABLE}; INSERT INTO alembic_version VALUES ('a')"));
    folder.has(&["a"]);
    // In WAL mode and closed: the log and what belongs to it are gone.
    folder.open().execute("PRAGMA journal_mode = WAL");
    assert_eq!(folder.names(), ["app.db"]);
    folder.has(&["a"]);
}

#[test]
fn a_log_that_was_left_behind_is_read_without_a_trace() {
    let folder = Folder::new();
    let writer = logging(&folder);
    let copy = folder.copy();
    drop(writer);
    assert_eq!(copy.names(), ["app.db", "app.db-wal"]);
    copy.has(&["a"]);
    // Whoever comes next finds everything.
    assert_eq!(copy.open().column("SELECT version_num FROM alembic_version"), ["a"]);
}

#[test]
fn an_application_may_have_the_database_open() {
    let folder = Folder::new();
    let mut writer = logging(&folder);
    assert_eq!(folder.names(), ["app.db", "app.db-shm", "app.db-wal"]);
    assert_eq!(folder.look().expect("a look"), ["a"]);
    writer.execute("BEGIN; UPDATE alembic_version SET version_num = 'b'");
    assert_eq!(folder.look().expect("a look"), ["a"]);
    writer.execute("COMMIT");
    assert_eq!(folder.look().expect("a look"), ["b"]);
    writer.execute("PRAGMA wal_checkpoint(TRUNCATE)");
    assert_eq!(folder.look().expect("a look"), ["b"]);
    assert_eq!(folder.names(), ["app.db", "app.db-shm", "app.db-wal"]);
}

#[test]
fn a_folder_that_nobody_may_write_to_can_be_looked_at() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    folder.open().execute(&format!(
        "PRAGMA journal_mode = WAL; {VERSION_TABLE}; INSERT INTO alembic_version VALUES ('a')"
    ));
    let allow = |mode: u32| {
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(mode)).expect("our folder");
    };
    allow(0o500);
    folder.has(&["a"]);
    allow(0o700);
}

#[test]
fn an_empty_file_is_a_database_that_holds_nothing() {
    let folder = Folder::new();
    fs::write(folder.path().join("app.db"), "").expect("a file");
    folder.has(&[]);
}

#[test]
fn what_is_no_database_is_said_to_be_none() {
    let folder = Folder::new();
    for content in ["SQLite format 4\0 and so on", "short", "-- a dump\nCREATE TABLE a (b);\n"] {
        fs::write(folder.path().join("app.db"), content).expect("a file");
        let before = folder.files();
        let error = folder.look().expect_err("not a database");
        assert!(matches!(error, DatabaseError::NotADatabase { .. }), "{error:?}");
        assert!(error.to_string().ends_with("app.db` is not a SQLite database"), "{error}");
        folder.is_as(&before);
    }
    let folder = Folder::new();
    fs::create_dir(folder.path().join("app.db")).expect("a folder");
    let error = folder.look().expect_err("a folder is not a database");
    assert!(matches!(error, DatabaseError::File { .. }), "{error:?}");
}

#[test]
fn a_write_that_was_cut_off_is_left_to_whoever_writes_next() {
    let folder = Folder::new();
    let mut writer = folder.open();
    writer.execute(&format!("{VERSION_TABLE}; INSERT INTO alembic_version VALUES ('a')"));
    writer.execute("CREATE TABLE things (id INTEGER PRIMARY KEY, text TEXT)");
    // Too much for the cache, so that the file itself is being written.
    writer.execute(
        "PRAGMA cache_size = 2; BEGIN; UPDATE alembic_version SET version_num = 'b'; \
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) \
         INSERT INTO things SELECT i, hex(randomblob(100)) FROM n",
    );
    let copy = folder.copy();
    assert_eq!(copy.names(), ["app.db", "app.db-journal"]);
    let before = copy.files();
    let error = copy.look().expect_err("cut off");
    assert!(matches!(error, DatabaseError::Unfinished { .. }), "{error:?}");
    copy.is_as(&before);
    assert_eq!(copy.open().column("SELECT version_num FROM alembic_version"), ["a"]);
    copy.has(&["a"]);
}
