//! A database of a story, on a file or on a server, and what really ran in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::python::Schema;
use crate::support::Server;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    Sqlite,
    Postgres,
    MariaDb,
}

impl Dialect {
    /// The one that `DBM_GIT_STORY_DIALECT` names.
    pub fn of_environment() -> Self {
        match std::env::var("DBM_GIT_STORY_DIALECT").as_deref() {
            Err(_) | Ok("sqlite") => Self::Sqlite,
            Ok("postgresql") => Self::Postgres,
            Ok("mariadb") => Self::MariaDb,
            Ok(other) => {
                panic!("DBM_GIT_STORY_DIALECT is none of sqlite, postgresql, mariadb: {other}")
            }
        }
    }

    fn server(self) -> Server {
        match self {
            Self::Sqlite => panic!("SQLite has no server"),
            Self::Postgres => Server::postgres(),
            Self::MariaDb => Server::mariadb(),
        }
    }
}

enum Place {
    File(PathBuf),
    Server(Server, Dialect),
}

/// A database, and what ran in it, in order: up or down, and which revision.
pub struct Database {
    place: Place,
    ran: Vec<(bool, String)>,
    /// What had run when it was copied.
    copied: Option<Vec<(bool, String)>>,
    /// What dbm-git saw at its last look.
    seen: Option<Seen>,
    /// Revisions that ran, or were taken back, between two looks to which the
    /// database was the same.
    unseen: BTreeSet<String>,
}

/// All that a look can see of a database.
#[derive(PartialEq, Eq)]
pub struct Shown {
    pub rows: BTreeSet<String>,
    pub schema: Schema,
    /// SQLite's count of changes to the schema.
    pub cookie: String,
}

struct Seen {
    shown: Shown,
    ran: BTreeSet<String>,
    /// How many steps it took until then.
    steps: usize,
}

impl Database {
    /// An empty one; a file is not made.
    pub fn new(dialect: Dialect, path: PathBuf) -> Self {
        let place = match dialect {
            Dialect::Sqlite => Place::File(path),
            server => Place::Server(server.server(), server),
        };
        Self { place, ran: Vec::new(), copied: None, seen: None, unseen: BTreeSet::new() }
    }

    pub fn url(&self) -> String {
        match &self.place {
            Place::File(path) => format!("sqlite:///{}", path.display()),
            Place::Server(server, _) => server.url(),
        }
    }

    /// What a story calls it.
    pub fn name(&self) -> String {
        match &self.place {
            Place::File(path) => path.file_name().expect("a file").to_string_lossy().into_owned(),
            Place::Server(server, _) => server.name().to_owned(),
        }
    }

    /// Whether the log means this one.
    pub fn is(&self, name: &str) -> bool {
        match &self.place {
            Place::File(path) => path == Path::new(name),
            Place::Server(server, _) => server.name() == name,
        }
    }

    /// Takes in that a revision ran, or was taken back.
    pub fn record(&mut self, is_up: bool, uid: &str) {
        self.ran.push((is_up, uid.to_owned()));
    }

    /// The revisions that ran and were not taken back.
    pub fn ran(&self) -> BTreeSet<String> {
        let mut ran = BTreeSet::new();
        for (is_up, uid) in &self.ran {
            if *is_up {
                ran.insert(uid.clone())
            } else {
                ran.remove(uid)
            };
        }
        ran
    }

    pub fn steps(&self) -> usize {
        self.ran.len()
    }

    /// Holds what a look is about to see against what the last one saw.
    ///
    /// Somebody who gives a number to another file makes alembic run revisions
    /// twice and take them back once, and be at the same row after it. Of those
    /// that only write data nothing is left to see then but the data, which an
    /// application writes as well: whatever dbm-git says of them, there is a story
    /// in which it would be wrong. PostgreSQL alone tells that the row was written.
    pub fn compare(&mut self, shown: &Shown) {
        let Some(seen) = &self.seen else { return };
        let ran = self.ran();
        if seen.shown == *shown && !self.tells_of_written_rows() {
            self.unseen.extend(ran.symmetric_difference(&seen.ran).cloned());
        } else {
            for (_, uid) in self.ran.iter().skip(seen.steps) {
                self.unseen.remove(uid);
            }
        }
    }

    /// Takes in what dbm-git leaves, `before` steps after the beginning: what it
    /// has run itself it knows.
    pub fn look(&mut self, shown: Shown, before: usize) {
        for (_, uid) in self.ran.iter().skip(before) {
            self.unseen.remove(uid);
        }
        self.seen = Some(Seen { shown, ran: self.ran(), steps: self.ran.len() });
    }

    /// What nobody can know to have run, or not.
    pub fn unseen(&self) -> &BTreeSet<String> {
        &self.unseen
    }

    fn tells_of_written_rows(&self) -> bool {
        matches!(self.place, Place::Server(_, Dialect::Postgres))
    }

    /// What ran after the first `before` steps although it had run already.
    pub fn ran_twice(&self, before: usize) -> Vec<String> {
        let mut ran = BTreeSet::new();
        let mut twice = Vec::new();
        for (at, (is_up, uid)) in self.ran.iter().enumerate() {
            let is_new = if *is_up { ran.insert(uid) } else { ran.remove(uid) };
            if *is_up && !is_new && at >= before {
                twice.push(uid.clone());
            }
        }
        twice
    }

    /// Makes it empty, as if it had never been there.
    pub fn drop(&mut self) {
        match &self.place {
            // It may not be there.
            Place::File(path) => drop(fs::remove_file(path)),
            Place::Server(server, _) => server.recreate(),
        }
        self.ran.clear();
        self.unseen.clear();
        self.seen = None;
    }

    /// Puts a copy aside; whether that could be done.
    pub fn copy(&mut self, spare: &Self) -> bool {
        match (&self.place, &spare.place) {
            (Place::File(path), _) if path.exists() => {
                fs::copy(path, copy_of(path)).expect("room for a copy");
            }
            (Place::Server(server, Dialect::Postgres), Place::Server(spare, _)) => {
                let name = server.name();
                spare.execute(&format!("DROP DATABASE IF EXISTS {name}_copy"));
                spare.execute(&format!("CREATE DATABASE {name}_copy TEMPLATE {name}"));
            }
            _ => return false,
        }
        self.copied = Some(self.ran.clone());
        true
    }

    /// Puts the copy in its place; whether there was one.
    pub fn restore(&mut self, spare: &Self) -> bool {
        let Some(ran) = self.copied.clone() else { return false };
        match (&self.place, &spare.place) {
            (Place::File(path), _) => {
                fs::copy(copy_of(path), path).expect("the copy");
            }
            (Place::Server(server, _), Place::Server(spare, _)) => {
                let name = server.name();
                spare.execute(&format!("DROP DATABASE {name}"));
                spare.execute(&format!("CREATE DATABASE {name} TEMPLATE {name}_copy"));
            }
            (Place::Server(..), Place::File(_)) => panic!("a story has one kind of database"),
        }
        self.ran = ran;
        true
    }
}

/// What a server has of a database that is gone is not dropped with it.
impl Drop for Database {
    fn drop(&mut self) {
        if let (Place::Server(server, Dialect::Postgres), Some(_)) = (&self.place, &self.copied) {
            server.execute(&format!("DROP DATABASE IF EXISTS {}_copy", server.name()));
        }
    }
}

fn copy_of(path: &Path) -> PathBuf {
    path.with_extension("sqlite.copy")
}
