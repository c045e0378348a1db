//! One dbm-git at a time changes a database, from whichever machine. The lock
//! is the server's or the kernel's: it ends with its holder, and is never stale.

use sha2::{Digest, Sha256};
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use tokio::runtime::Runtime;

use super::lock_file::LockFile;
use super::session::{batch, pairs, runtime, within};
use super::url::{DatabaseUrl, Place};
use super::{DatabaseError, Limits, VersionTable, mysql, postgres};

/// The right to change a database's revisions, held until dropped.
pub struct DatabaseLock {
    held: Option<Held>,
    runtime: Option<Runtime>,
}

enum Held {
    File(LockFile),
    Postgres(PgConnection),
    MySql(MySqlConnection),
}

impl DatabaseLock {
    /// Takes the lock; waits for whoever has it as long as a statement may take.
    pub fn acquire(
        url: &DatabaseUrl,
        table: &VersionTable,
        limits: &Limits,
    ) -> Result<Self, DatabaseError> {
        let runtime = runtime()?;
        let acquiring = async {
            match url.place() {
                Place::Sqlite(_) => {
                    let name = format!("dbm-git-{}.lock", &url.identity(table)[..40]);
                    LockFile::acquire(url, std::env::temp_dir().join(name), limits)
                        .await
                        .map(Held::File)
                }
                Place::Postgres(server) => {
                    let key = i64::from_be_bytes(hash(table)[..8].try_into().expect("8 bytes"));
                    postgres::lock(url, server, key, limits).await.map(Held::Postgres)
                }
                Place::MySql(server) => {
                    // Names are the server's, so the database is part of it.
                    let database = server.name.as_deref().unwrap_or_default();
                    let schema = table.schema.as_deref().unwrap_or(database);
                    let table = VersionTable { schema: Some(schema.to_owned()), ..table.clone() };
                    let name: String =
                        hash(&table)[..20].iter().map(|b| format!("{b:02x}")).collect();
                    let name = format!("dbm-git {name}");
                    mysql::lock(url, server, &name, limits).await.map(Held::MySql)
                }
            }
        };
        // A server is asked twice: for the lock, and for who has it.
        let held = runtime.block_on(within(url, limits.overall() * 2, acquiring));
        match held {
            Ok(held) => Ok(Self { held: Some(held), runtime: Some(runtime) }),
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }
}

impl DatabaseLock {
    /// Runs a statement in the very session that holds the lock; nothing of a file.
    pub(super) fn run(&mut self, sql: &str) -> Result<Vec<(String, Option<String>)>, sqlx::Error> {
        let (Some(held), Some(runtime)) = (&mut self.held, &self.runtime) else {
            return Ok(Vec::new());
        };
        runtime.block_on(async {
            match held {
                Held::File(_) => Ok(Vec::new()),
                Held::Postgres(connection) => {
                    pairs(&batch(connection, sql.to_owned()).await.complete()?)
                }
                Held::MySql(connection) => {
                    pairs(&batch(connection, sql.to_owned()).await.complete()?)
                }
            }
        })
    }
}

impl Drop for DatabaseLock {
    fn drop(&mut self) {
        let (Some(held), Some(runtime)) = (self.held.take(), self.runtime.take()) else { return };
        // The session's end frees the lock, said goodbye or not.
        runtime.block_on(async {
            match held {
                Held::File(file) => file.free(),
                Held::Postgres(connection) => postgres::hang_up(connection).await,
                Held::MySql(connection) => mysql::hang_up(connection).await,
            }
        });
        runtime.shutdown_background();
    }
}

impl std::fmt::Debug for DatabaseLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DatabaseLock")
    }
}

/// The same for everybody who changes this table of a database.
fn hash(table: &VersionTable) -> [u8; 32] {
    Sha256::digest(format!("dbm-git lock\0{table}")).into()
}
