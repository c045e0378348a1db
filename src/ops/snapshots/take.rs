//! Taking snapshots and deleting them: written down before there is anything,
//! and until nothing is left.

use std::path::PathBuf;

use super::super::database_target::{Asking, DatabaseTarget, database_target};
use super::super::host::Host;
use super::super::look::Look;
use super::super::session::Session;
use super::super::{OpsError, Repository};
use crate::database::{Limits, SnapshotStore, delete_snapshot_file};
use crate::journal::Journal;
use crate::plan::{Bounds, DatabaseSnapshot, SnapshotId, parse_bytes};
use crate::project::Component;
use crate::workspace::fault;

/// What a snapshot is called by, beside its number.
#[derive(Clone, Debug, Default)]
pub struct Taking {
    pub name: Option<String>,
    pub branch: Option<String>,
    pub now: i64,
}

/// Whose data a database has: the checked-out branch's, unless revisions have run that
/// it does not have. Then nobody has done anything about it since the other one was left.
pub fn whose(session: &Session, look: &Look) -> Option<String> {
    match look.view.foreign.is_empty() {
        true => session.repository.branch(),
        false => session.repository.branch_left(),
    }
}

/// Where the files lie.
pub fn folder(repository: &Repository) -> PathBuf {
    repository.common_dir().join("dbm-git").join("snapshots")
}

/// How much this clone keeps: `dbm-git.snapshotCount` and `dbm-git.snapshotSize`.
pub fn bounds(repository: &Repository) -> Bounds {
    let usual = Bounds::default();
    let count = repository.config("dbm-git.snapshotCount").and_then(|text| text.parse().ok());
    let bytes = repository.config("dbm-git.snapshotSize").and_then(|text| parse_bytes(&text));
    Bounds { count: count.unwrap_or(usual.count), bytes: bytes.unwrap_or(usual.bytes) }
}

/// Where snapshots of a database are, which has to be on this machine.
pub fn store_of<'a>(
    session: &Session,
    host: &'a Host,
    target: &'a DatabaseTarget,
    limits: Limits,
) -> Result<SnapshotStore<'a>, OpsError> {
    let refused = || OpsError::NoSnapshotOf { database: target.shown.clone() };
    let (url, table) = target.direct().filter(|_| target.is_local).ok_or_else(refused)?;
    let store = SnapshotStore::of(url, &folder(&session.repository), &host.path, limits);
    store.refuse_without(table)?;
    Ok(store)
}

/// The row of a snapshot of what a look has seen, before there is one.
pub(super) fn planned(
    session: &Session,
    component: &Component,
    look: &Look,
    store: &SnapshotStore<'_>,
    taking: &Taking,
) -> Result<DatabaseSnapshot, OpsError> {
    let is_explained = look.ledger.seen.as_ref() == Some(&look.observation);
    let mut ledger = look.ledger.clone();
    ledger.seen = ledger.seen.filter(|_| is_explained);
    Ok(DatabaseSnapshot {
        id: SnapshotId(0),
        name: taking.name.clone(),
        branch: taking.branch.clone(),
        commit: session.repository.head()?.map(|commit| commit.to_string()),
        component: component.name.clone(),
        database: look.target.shown.clone(),
        identity: look.target.identity.clone(),
        kind: store.kind(),
        place: store.new_place(),
        rows: look.observation.rows.clone(),
        ledger,
        bytes: store.bytes()?,
        created_at: taking.now,
    })
}

/// Takes a snapshot of the database that a look was at.
pub fn take(
    session: &Session,
    component: &Component,
    host: &Host,
    look: &Look,
    taking: &Taking,
    limits: Limits,
    journal: &mut Journal,
) -> Result<DatabaseSnapshot, OpsError> {
    let store = store_of(session, host, &look.target, limits)?;
    sweep(&store, &look.target.identity, journal)?;
    let mut snapshot = planned(session, component, look, &store, taking)?;
    snapshot.id = journal.begin_snapshot(&snapshot)?;
    fault::point("snapshot: written down");
    match store.take(&snapshot.place) {
        Ok(bytes) => snapshot.bytes = bytes,
        Err(error) => {
            // What cannot be deleted now is torn, and swept by the next one.
            if store.delete(&snapshot.place).is_ok() {
                journal.forget_snapshot(snapshot.id)?;
            }
            return Err(error.into());
        }
    }
    fault::point("snapshot: taken");
    journal.keep_snapshot(snapshot.id, snapshot.bytes)?;
    fault::point("snapshot: kept");
    Ok(snapshot)
}

/// Deletes what a killed process has left half made or half deleted.
pub(super) fn sweep(
    store: &SnapshotStore<'_>,
    identity: &str,
    journal: &mut Journal,
) -> Result<(), OpsError> {
    store.sweep();
    for torn in journal.torn_snapshots()?.iter().filter(|torn| torn.identity == identity) {
        store.delete(&torn.place)?;
        journal.forget_snapshot(torn.id)?;
    }
    Ok(())
}

/// Deletes snapshots for good.
pub fn delete_all(
    session: &Session,
    host: &Host,
    ids: &[SnapshotId],
    journal: &mut Journal,
) -> Result<Vec<DatabaseSnapshot>, OpsError> {
    let mut deleted = Vec::new();
    for snapshot in journal.snapshots()?.into_iter().filter(|s| ids.contains(&s.id)) {
        delete(session, host, &snapshot, journal)?;
        deleted.push(snapshot);
    }
    Ok(deleted)
}

fn delete(
    session: &Session,
    host: &Host,
    snapshot: &DatabaseSnapshot,
    journal: &mut Journal,
) -> Result<(), OpsError> {
    if snapshot.kind.is_in_folder() {
        journal.begin_dropping(snapshot.id)?;
        fault::point("snapshot: to be deleted");
        delete_snapshot_file(&folder(&session.repository), &snapshot.place)?;
    } else {
        // Its server is that of its database, which has to be known still.
        let target = origin(session, host, snapshot, journal)?;
        journal.begin_dropping(snapshot.id)?;
        fault::point("snapshot: to be deleted");
        store_of(session, host, &target, Limits::default())?.delete(&snapshot.place)?;
    }
    fault::point("snapshot: deleted");
    Ok(journal.forget_snapshot(snapshot.id)?)
}

/// The database that a snapshot was taken of.
fn origin(
    session: &Session,
    host: &Host,
    snapshot: &DatabaseSnapshot,
    journal: &mut Journal,
) -> Result<DatabaseTarget, OpsError> {
    let component = session.component(&snapshot.component)?;
    let target = database_target(session, component, host, Some(journal), Asking::Never)?;
    if target.identity != snapshot.identity {
        return Err(OpsError::DatabaseMoved {
            database: target.shown,
            expected: format!("`{}`", snapshot.database),
            found: "another database".to_owned(),
        });
    }
    Ok(target)
}
