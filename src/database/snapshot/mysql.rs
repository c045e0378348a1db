//! MySQL and MariaDB: a snapshot is a dump, and an exchange empties the database and
//! loads one.
//!
//! Neither server does that at once. What is there is therefore kept first, complete,
//! and a table in the database says that it is being exchanged: from before the dump is
//! made until after the other one is loaded. The two tell at any moment how far it has
//! come:
//!
//! | kept  | mark  |                                                      |
//! |-------|-------|------------------------------------------------------|
//! | no    | -     | nothing has changed                                  |
//! | whole | there | anything may be in the database: it is loaded again  |
//! | whole | none  | the snapshot is in its place                         |

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use sqlx::Row;
use sqlx::mysql::{MySqlConnection, MySqlRow};
use tokio::runtime::Runtime;

use super::super::dump::{self, MARK};
use super::super::mysql::{connect, failed, hang_up, is_mariadb};
use super::super::session::{batch, block_on, pairs_of, runtime};
use super::super::url::{DatabaseUrl, Server};
use super::super::{DatabaseError, Dialect, Limits, backup};
use super::delete_snapshot_file;

const ASK: &str = "ask what is in";
const LOCK: &str = "lock the tables of";
const BEGIN: &str = "mark the exchange in";
const EMPTY: &str = "empty";
const END: &str = "end the exchange in";

/// Longer nobody waits for a lock, however long a dump may take.
const LOCK_SECONDS: u128 = 10;

/// How far an exchange has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExchangeProgress {
    /// What was there before is there.
    Untouched,
    /// Anything may be there; what was there before is kept.
    Torn,
    /// The snapshot is there; what was there before is kept.
    Made,
}

/// A database of which dumps are taken.
pub(super) struct Dumped<'a> {
    pub origin: &'a DatabaseUrl,
    pub server: &'a Server,
    /// Where the server's tools are looked for.
    pub path: &'a [PathBuf],
    pub limits: Limits,
}

impl Dumped<'_> {
    /// Writes all that is there to `target`.
    pub fn dump(&self, target: &Path) -> Result<(), DatabaseError> {
        self.refuse_what_no_dump_brings_back()?;
        backup(self.origin, target, self.path)
    }

    /// Keeps what is there, and puts the dump `restored` in its place. `pass` is told of
    /// each point at which a death would leave something else.
    pub fn exchange(
        &self,
        restored: &Path,
        kept: &Path,
        pass: fn(&str),
    ) -> Result<(), DatabaseError> {
        self.refuse_what_no_dump_brings_back()?;
        let client = self.client()?;
        let mut session = self.open()?;
        session.run(BEGIN, &mark_statement(kept))?;
        pass("exchange: marked");
        if let Err(error) = self.keep(&mut session, kept, pass) {
            // Without it nothing has changed, whatever the mark says.
            delete(kept)?;
            return Err(error);
        }
        self.fill(session, &client, restored, pass).or_else(|error| self.turn_back(kept, error))
    }

    /// Goes on with an exchange of which a part was done.
    pub fn finish(
        &self,
        restored: &Path,
        kept: &Path,
        pass: fn(&str),
    ) -> Result<(), DatabaseError> {
        let client = self.client()?;
        self.fill(self.open()?, &client, restored, pass)
            .or_else(|error| self.turn_back(kept, error))
    }

    /// Brings back what was there before an exchange of which a part was done.
    pub fn put_back(&self, kept: &Path) -> Result<(), DatabaseError> {
        let client = self.client()?;
        let mut session = self.open()?;
        session.empty()?;
        session.close();
        self.load(&client, kept)?;
        delete(kept)
    }

    /// How far the exchange has come that keeps what is there as `kept`.
    pub fn progress(&self, kept: &Path) -> Result<ExchangeProgress, DatabaseError> {
        if !kept.exists() {
            return Ok(ExchangeProgress::Untouched);
        }
        let is_marked = self.mark()?.is_some_and(|place| place == name(kept));
        Ok(if is_marked { ExchangeProgress::Torn } else { ExchangeProgress::Made })
    }

    /// Takes away what an exchange has left that was not made.
    pub fn abandon(&self, kept: &Path) -> Result<(), DatabaseError> {
        delete(kept)?;
        match self.mark()? {
            Some(place) if place == name(kept) => {
                self.open()?.run(END, &unmark_statement()).map(drop)
            }
            _ => Ok(()),
        }
    }

    /// How many tables there are.
    pub fn tables(&self) -> Result<u64, DatabaseError> {
        let sql = "SELECT CAST(count(*) AS CHAR) FROM information_schema.tables \
                    WHERE table_schema = database() AND table_type = 'BASE TABLE'";
        let found = block_on(pairs_of(self.origin, sql, ASK, &self.limits))?;
        Ok(found.first().and_then(|(count, _)| count.parse().ok()).unwrap_or(0))
    }

    /// The place in the mark, if there is one.
    fn mark(&self) -> Result<Option<String>, DatabaseError> {
        let sql = format!(
            "SELECT CAST(table_comment AS CHAR) FROM information_schema.tables \
              WHERE table_schema = database() AND table_name = '{MARK}'"
        );
        let found = block_on(pairs_of(self.origin, &sql, ASK, &self.limits))?;
        Ok(found.into_iter().next().map(|(place, _)| place))
    }

    /// Writes down what is there, with nobody able to write until all of it is locked.
    fn keep(
        &self,
        session: &mut Exchanging<'_>,
        kept: &Path,
        pass: fn(&str),
    ) -> Result<(), DatabaseError> {
        let tables = session.tables()?;
        session.lock(&tables, "READ")?;
        let before = session.sums()?;
        backup(self.origin, kept, self.path)?;
        pass("exchange: kept");
        // Between the two locks somebody may have come in who was waiting.
        session.lock(&tables, "WRITE")?;
        if session.tables()? != tables || session.sums()? != before {
            return Err(DatabaseError::WrittenMeanwhile { url: self.origin.shown().to_owned() });
        }
        Ok(())
    }

    fn fill(
        &self,
        mut session: Exchanging<'_>,
        client: &Path,
        restored: &Path,
        pass: fn(&str),
    ) -> Result<(), DatabaseError> {
        session.empty()?;
        session.close();
        pass("exchange: emptied");
        self.load(client, restored)?;
        pass("exchange: loaded");
        self.open()?.run(END, &unmark_statement()).map(drop)
    }

    /// After a snapshot that could not be loaded.
    fn turn_back(&self, kept: &Path, error: DatabaseError) -> Result<(), DatabaseError> {
        match self.put_back(kept) {
            Ok(()) => Err(error),
            Err(source) => Err(DatabaseError::HalfExchanged {
                url: self.origin.shown().to_owned(),
                load: error.to_string(),
                kept: kept.to_path_buf(),
                source: Box::new(source),
            }),
        }
    }

    /// A client that has outlived its dbm-git is known by the lock that its session holds.
    fn load(&self, client: &Path, dump: &Path) -> Result<(), DatabaseError> {
        let seconds = lock_seconds(&self.limits);
        let first = format!(
            "SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds};\n\
             SELECT GET_LOCK('{}', {seconds});\n",
            load_lock(self.server)
        );
        dump::restore_mysql(client, self.origin, self.server, &first, dump)
    }

    fn client(&self) -> Result<PathBuf, DatabaseError> {
        let is_mariadb = block_on(is_mariadb(self.origin, self.server, &self.limits))?;
        dump::find(dump::client_names(is_mariadb), self.path)
    }

    fn open(&self) -> Result<Exchanging<'_>, DatabaseError> {
        Exchanging::open(self.origin, self.server, self.limits)
    }

    /// A dump has no history of rows; what belongs to others than this user is made by
    /// nobody but them; and what was half done is not what anybody wants to keep.
    fn refuse_what_no_dump_brings_back(&self) -> Result<(), DatabaseError> {
        let owned = |kind: &str, table: &str| {
            format!(
                "SELECT CAST(concat('the {kind} `', {kind}_name, '`, which belongs to ', definer) \
                        AS CHAR) \
                   FROM (SELECT {column} AS {kind}_name, definer FROM information_schema.{table} \
                          WHERE {schema} = database()) AS {table}_here \
                  WHERE definer <> current_user() AND NOT EXISTS ( \
                        SELECT 1 FROM information_schema.user_privileges \
                         WHERE privilege_type IN \
                               ('SUPER', 'SET USER', 'SET_USER_ID', 'SET_ANY_DEFINER') \
                           AND grantee = concat('''', substring_index(current_user(), '@', 1), \
                               '''@''', substring_index(current_user(), '@', -1), ''''))",
                column =
                    if kind == "view" { "table_name".to_owned() } else { format!("{kind}_name") },
                schema = if kind == "view" {
                    "table_schema".to_owned()
                } else {
                    format!("{kind}_schema")
                },
            )
        };
        let sql = format!(
            "SELECT CAST(concat('the table `', table_name, '`, which keeps a history') AS CHAR) \
               FROM information_schema.tables \
              WHERE table_schema = database() AND table_type = 'SYSTEM VERSIONED' UNION ALL \
             SELECT 'an exchange that is not finished (`{MARK}`)' FROM information_schema.tables \
              WHERE table_schema = database() AND table_name = '{MARK}' UNION ALL \
             {} UNION ALL {} UNION ALL {} UNION ALL {} LIMIT 1",
            owned("view", "views"),
            owned("routine", "routines"),
            owned("trigger", "triggers"),
            owned("event", "events"),
        );
        let found = block_on(pairs_of(self.origin, &sql, ASK, &self.limits))?;
        match found.into_iter().next() {
            None => Ok(()),
            Some((what, _)) => {
                Err(DatabaseError::NoSnapshot { url: self.origin.shown().to_owned(), what })
            }
        }
    }
}

/// A session that locks and empties the database.
struct Exchanging<'a> {
    origin: &'a DatabaseUrl,
    limits: Limits,
    load_lock: String,
    runtime: Runtime,
    connection: MySqlConnection,
}

impl<'a> Exchanging<'a> {
    /// Opens one, once no load is at work that a killed process has left.
    fn open(
        origin: &'a DatabaseUrl,
        server: &Server,
        limits: Limits,
    ) -> Result<Self, DatabaseError> {
        let runtime = runtime()?;
        let connection = runtime.block_on(connect(origin, server, &limits))?;
        let load_lock = load_lock(server);
        let mut session = Self { origin, limits, load_lock, runtime, connection };
        let seconds = lock_seconds(&limits);
        // What is dropped and made at once is nobody's to check in between.
        let sql = format!(
            "SET SESSION lock_wait_timeout = {seconds}, innodb_lock_wait_timeout = {seconds}, \
                         wait_timeout = 604800, foreign_key_checks = 0; \
             SELECT CAST(coalesce(GET_LOCK('{}', {seconds}), 0) AS CHAR)",
            session.load_lock
        );
        match session.column(LOCK, &sql)?.first().map(String::as_str) {
            Some("1") => Ok(session),
            _ => Err(DatabaseError::Locked {
                url: origin.shown().to_owned(),
                by: "a dump that is being loaded".to_owned(),
            }),
        }
    }

    /// Tables with rows; sequences and views hold none of their own.
    fn tables(&mut self) -> Result<Vec<String>, DatabaseError> {
        let sql = format!(
            "SELECT CAST(table_name AS CHAR) FROM information_schema.tables \
              WHERE table_schema = database() AND table_type = 'BASE TABLE' \
                AND table_name <> '{MARK}' ORDER BY 1"
        );
        self.column(ASK, &sql)
    }

    fn lock(&mut self, tables: &[String], way: &str) -> Result<(), DatabaseError> {
        if tables.is_empty() {
            return Ok(());
        }
        let locks: Vec<String> =
            tables.iter().map(|table| format!("{} {way}", quoted(table))).collect();
        self.run(LOCK, &format!("LOCK TABLES {}", locks.join(", "))).map(drop).map_err(|error| {
            match error {
                DatabaseError::Locked { url, by } => {
                    DatabaseError::Locked { url, by: self.writers().unwrap_or(by) }
                }
                error => error,
            }
        })
    }

    /// Who has a transaction open in this database, as far as this user may know.
    fn writers(&mut self) -> Option<String> {
        let sql = "SELECT DISTINCT CAST(concat('connection ', p.id, ' (user ', p.user, ')') AS CHAR) \
                     FROM information_schema.innodb_trx t \
                     JOIN information_schema.processlist p ON p.id = t.trx_mysql_thread_id \
                    WHERE p.db = database() AND p.id <> connection_id() ORDER BY 1";
        let writers = self.column(ASK, sql).ok()?;
        (!writers.is_empty()).then(|| writers.join(", "))
    }

    /// What tells one content of the tables from another. `CHECKSUM TABLE` would do, but
    /// for virtual columns, which it sums without having them computed.
    fn sums(&mut self) -> Result<Vec<String>, DatabaseError> {
        let columns = format!(
            "SELECT CAST(c.table_name AS CHAR), CAST(c.column_name AS CHAR) \
               FROM information_schema.columns c JOIN information_schema.tables t \
                 ON t.table_schema = c.table_schema AND t.table_name = c.table_name \
              WHERE t.table_schema = database() AND t.table_type = 'BASE TABLE' \
                AND t.table_name <> '{MARK}' AND c.extra NOT LIKE '%VIRTUAL%' \
              ORDER BY 1, c.ordinal_position"
        );
        let mut tables: Vec<(String, Vec<String>)> = Vec::new();
        for row in self.run(ASK, &columns)? {
            let (table, column): (String, String) = (self.text(&row, 0)?, self.text(&row, 1)?);
            match tables.last_mut().filter(|(last, _)| *last == table) {
                Some((_, columns)) => columns.push(column),
                None => tables.push((table, vec![column])),
            }
        }
        let sums: Vec<String> = tables.iter().map(|(table, columns)| sum(table, columns)).collect();
        self.column(ASK, &sums.join("; "))
    }

    /// Drops all that there is, but for the mark.
    fn empty(&mut self) -> Result<(), DatabaseError> {
        let sql = format!(
            "SELECT CAST(table_type AS CHAR), CAST(table_name AS CHAR) \
               FROM information_schema.tables \
              WHERE table_schema = database() AND table_name <> '{MARK}'; \
             SELECT CAST(routine_type AS CHAR), CAST(routine_name AS CHAR) \
               FROM information_schema.routines WHERE routine_schema = database(); \
             SELECT 'EVENT', CAST(event_name AS CHAR) \
               FROM information_schema.events WHERE event_schema = database()"
        );
        let mut tables = Vec::new();
        let mut others = vec!["UNLOCK TABLES".to_owned()];
        for row in self.run(ASK, &sql)? {
            let (kind, name) = (self.text(&row, 0)?, quoted(&self.text(&row, 1)?));
            match kind.as_str() {
                "BASE TABLE" | "SYSTEM VERSIONED" => tables.push(name),
                kind => others.push(format!("DROP {kind} IF EXISTS {name}")),
            }
        }
        // All in one go, with the locks that they have: nobody writes to what is going.
        if !tables.is_empty() {
            self.run(EMPTY, &format!("DROP TABLE IF EXISTS {}", tables.join(", ")))?;
        }
        self.run(EMPTY, &others.join("; ")).map(drop)
    }

    fn run(&mut self, action: &'static str, sql: &str) -> Result<Vec<MySqlRow>, DatabaseError> {
        if sql.is_empty() {
            return Ok(Vec::new());
        }
        let answer = self.runtime.block_on(batch(&mut self.connection, sql.to_owned()));
        answer.complete().map_err(|error| failed(self.origin, &self.limits, action, error))
    }

    fn column(&mut self, action: &'static str, sql: &str) -> Result<Vec<String>, DatabaseError> {
        let rows = self.run(action, sql)?;
        rows.iter().map(|row| self.text(row, 0)).collect()
    }

    fn text(&self, row: &MySqlRow, at: usize) -> Result<String, DatabaseError> {
        row.try_get(at).map_err(|error| failed(self.origin, &self.limits, ASK, error))
    }

    /// Frees the locks before somebody else wants them.
    fn close(self) {
        let Self { load_lock, runtime, mut connection, .. } = self;
        runtime.block_on(async {
            // The session's end does it, too, but later.
            let free = format!("DO RELEASE_LOCK('{load_lock}')");
            let _ = batch(&mut connection, free).await;
            hang_up(connection).await;
        });
        runtime.shutdown_background();
    }
}

/// A number for all rows of a table, in whichever order.
fn sum(table: &str, columns: &[String]) -> String {
    let values: Vec<String> =
        columns.iter().map(|column| format!("coalesce(crc32({}), '-')", quoted(column))).collect();
    format!(
        "SELECT CAST(concat({}, ' ', count(*), ' ', \
                     coalesce(sum(crc32(concat_ws(' ', {}))), 0)) AS CHAR) FROM {}",
        Dialect::MySql.literal(table),
        values.join(", "),
        quoted(table)
    )
}

fn mark_statement(kept: &Path) -> String {
    // Letters and digits of our own.
    format!("CREATE TABLE {MARK} (id INT PRIMARY KEY) COMMENT = '{}'", name(kept))
}

fn unmark_statement() -> String {
    format!("DROP TABLE IF EXISTS {MARK}")
}

/// Names are the server's, so the database is a part of it.
fn load_lock(server: &Server) -> String {
    let hash = Sha256::digest(server.name.as_deref().unwrap_or_default());
    let digits: String = hash[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    format!("dbm-git load {digits}")
}

/// In whole seconds.
fn lock_seconds(limits: &Limits) -> u128 {
    limits.lock_seconds().min(LOCK_SECONDS)
}

fn name(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn quoted(name: &str) -> String {
    Dialect::MySql.quoted(name)
}

fn delete(kept: &Path) -> Result<(), DatabaseError> {
    delete_snapshot_file(kept.parent().unwrap_or(Path::new("")), &name(kept))
}
