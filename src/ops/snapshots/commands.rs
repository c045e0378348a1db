//! What `dbm-git snapshots` does: lists, saves, restores, drops and prunes.

use super::super::database_target::{Asking, database_target};
use super::super::host::Host;
use super::super::look::{Look, Moment, look, reach};
use super::super::session::Session;
use super::super::write_access::WriteAccess;
use super::super::{OpsError, Repository};
use super::exchange::{ExchangeRequest, exchange};
use super::take::{Taking, bounds, delete_all, folder, store_of, take, whose};
use crate::database::{Limits, snapshot_files};
use crate::journal::{Journal, OperationId, OperationKind};
use crate::plan::{Bounds, DatabaseSnapshot, Pruning, SnapshotId, find_snapshot, prune, worn_out};
use crate::project::Component;

/// What there is, and what has become of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SnapshotsOutcome {
    pub operation: Option<OperationId>,
    pub dry_run: bool,
    pub saved: Vec<DatabaseSnapshot>,
    pub restored: Vec<Restored>,
    pub dropped: Vec<DatabaseSnapshot>,
    /// All that there are afterwards, the oldest first.
    pub snapshots: Vec<DatabaseSnapshot>,
    pub bounds: Bounds,
    /// Unix seconds.
    pub now: i64,
}

/// A snapshot that takes a database's place, or would.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    pub component: String,
    pub database: String,
    pub snapshot: DatabaseSnapshot,
    /// The version rows from before.
    pub rows_before: Vec<String>,
    /// What was there before; `None` in a dry run, and where there was nothing.
    pub kept: Option<DatabaseSnapshot>,
}

/// One component's database, and the snapshot that is to take its place.
pub struct PreparedRestore<'a> {
    component: &'a Component,
    look: Look,
    snapshot: DatabaseSnapshot,
}

/// All snapshots of the clone.
pub fn list(repository: &Repository, now: i64) -> Result<SnapshotsOutcome, OpsError> {
    let snapshots = match Journal::open_existing(repository.common_dir())? {
        Some(mut journal) => journal.snapshots()?,
        None => Vec::new(),
    };
    let bounds = bounds(repository);
    Ok(SnapshotsOutcome { snapshots, bounds, now, ..SnapshotsOutcome::default() })
}

/// Takes a snapshot of each selected component's database.
pub fn save(
    session: &Session,
    host: &Host,
    name: Option<&str>,
    access: &mut WriteAccess,
) -> Result<SnapshotsOutcome, OpsError> {
    let (name, now) = (name.map(str::to_owned), access.started_at());
    let mut outcome = SnapshotsOutcome::default();
    for component in session.components()? {
        let journal = access.journal();
        let reached = reach(session, component, host, journal)?;
        let looked = look(session, component, reached, Moment::AnyTime, Some(&mut *journal))?;
        let taking = Taking { name: name.clone(), branch: whose(session, &looked), now };
        let all = journal.snapshots()?;
        let is_same = |s: &DatabaseSnapshot| {
            s.identity == looked.target.identity && s.name.is_some() && s.name == taking.name
        };
        if let Some(name) = taking.name.clone().filter(|_| all.iter().any(is_same)) {
            return Err(OpsError::SnapshotExists { name });
        }
        let store = store_of(session, host, &looked.target, Limits::default())?;
        let pruning = room_for(session, &all, store.bytes()?)?;
        let taken = take(session, component, host, &looked, &taking, Limits::long(), journal)?;
        outcome.saved.push(taken);
        outcome.dropped.extend(delete_all(session, host, &pruning.dropped, journal)?);
    }
    complete(session, outcome, access)
}

/// What goes so that one more snapshot fits in.
fn room_for(session: &Session, all: &[DatabaseSnapshot], bytes: u64) -> Result<Pruning, OpsError> {
    let branches = session.repository.local_branches()?;
    let pruning = prune(all, &branches, bounds(&session.repository), Some(bytes), &[]);
    if pruning.is_enough {
        return Ok(pruning);
    }
    let bytes = all.iter().map(|s| s.bytes).sum::<u64>() + bytes;
    Err(OpsError::NoRoomForSnapshot { count: all.len() + 1, bytes })
}

/// Finds the snapshot that is meant for each selected component, and looks at its database.
pub fn restore_plan<'a>(
    session: &'a Session,
    host: &Host,
    meant: &str,
    journal: &mut Journal,
) -> Result<Vec<PreparedRestore<'a>>, OpsError> {
    let all = journal.snapshots()?;
    let mut prepared = Vec::new();
    for component in session.components()? {
        let target = database_target(session, component, host, Some(journal), Asking::Never)?;
        let own: Vec<DatabaseSnapshot> =
            all.iter().filter(|s| s.identity == target.identity).cloned().collect();
        let Some(snapshot) = find_snapshot(&own, meant).cloned() else { continue };
        let reached = reach(session, component, host, journal)?;
        let look = look(session, component, reached, Moment::AnyTime, Some(&mut *journal))?;
        store_of(session, host, &look.target, Limits::default())?;
        prepared.push(PreparedRestore { component, look, snapshot });
    }
    if prepared.is_empty() {
        return Err(OpsError::NoSuchSnapshot { name: meant.to_owned() });
    }
    Ok(prepared)
}

/// What a restore would do.
pub fn survey(
    session: &Session,
    prepared: &[PreparedRestore<'_>],
    access: &mut WriteAccess,
) -> Result<SnapshotsOutcome, OpsError> {
    let restored = prepared.iter().map(|p| p.restored(None)).collect();
    let outcome = SnapshotsOutcome { dry_run: true, restored, ..SnapshotsOutcome::default() };
    complete(session, outcome, access)
}

/// Puts the snapshots in their databases' place, as one operation.
pub fn restore(
    session: &Session,
    host: &Host,
    prepared: Vec<PreparedRestore<'_>>,
    access: &mut WriteAccess,
) -> Result<SnapshotsOutcome, OpsError> {
    let titles: Vec<String> = prepared.iter().map(|p| p.snapshot.title()).collect();
    let summary = format!("restored {}", crate::plan::list(&titles));
    let operation = access.begin_steps(session, OperationKind::Restore, &summary)?;
    let mut outcome =
        SnapshotsOutcome { operation: Some(operation), ..SnapshotsOutcome::default() };
    let now = access.started_at();
    for mut prepared in prepared {
        let before = prepared.restored(None);
        let journal = access.journal();
        let restored = to_be_put_back(session, host, &prepared, now, journal)?;
        let keeps_for = Taking { name: None, branch: whose(session, &prepared.look), now };
        let request = ExchangeRequest {
            operation,
            restored,
            keeps_for,
            undoes: None,
            limits: Limits::long(),
        };
        let look = &mut prepared.look;
        let kept = exchange(session, prepared.component, host, look, &request, access.journal())?;
        outcome.restored.push(Restored { kept, ..before });
    }
    complete(session, outcome, access)
}

/// The snapshot, or a copy of one that has to stay: on a server it becomes the database.
fn to_be_put_back(
    session: &Session,
    host: &Host,
    prepared: &PreparedRestore<'_>,
    now: i64,
    journal: &mut Journal,
) -> Result<DatabaseSnapshot, OpsError> {
    let snapshot = &prepared.snapshot;
    if snapshot.name.is_none() || snapshot.kind.is_in_folder() {
        return Ok(snapshot.clone());
    }
    let store = store_of(session, host, &prepared.look.target, Limits::long())?;
    let place = store.new_place();
    let mut copy =
        DatabaseSnapshot { name: None, branch: None, created_at: now, place, ..snapshot.clone() };
    copy.id = journal.begin_snapshot(&copy)?;
    store.copy(&snapshot.place, &copy.place)?;
    journal.keep_snapshot(copy.id, copy.bytes)?;
    Ok(copy)
}

impl PreparedRestore<'_> {
    fn restored(&self, kept: Option<DatabaseSnapshot>) -> Restored {
        Restored {
            component: self.component.name.clone(),
            database: self.look.target.shown.clone(),
            snapshot: self.snapshot.clone(),
            rows_before: self.look.observation.rows.clone(),
            kept,
        }
    }
}

/// Deletes the snapshot that is meant, of each database that has one.
pub fn drop_named(
    session: &Session,
    host: &Host,
    meant: &str,
    access: &mut WriteAccess,
) -> Result<SnapshotsOutcome, OpsError> {
    let all = access.journal().snapshots()?;
    let mut identities: Vec<&String> = all.iter().map(|s| &s.identity).collect();
    identities.sort();
    identities.dedup();
    let mut ids: Vec<SnapshotId> = Vec::new();
    for identity in identities {
        let own: Vec<DatabaseSnapshot> =
            all.iter().filter(|s| s.identity == *identity).cloned().collect();
        ids.extend(find_snapshot(&own, meant).map(|s| s.id));
    }
    if ids.is_empty() {
        return Err(OpsError::NoSuchSnapshot { name: meant.to_owned() });
    }
    let dropped = delete_all(session, host, &ids, access.journal())?;
    complete(session, SnapshotsOutcome { dropped, ..SnapshotsOutcome::default() }, access)
}

/// Deletes what nothing would bring back, and what is beyond the bounds.
pub fn prune_all(
    session: &Session,
    host: &Host,
    dry_run: bool,
    access: &mut WriteAccess,
) -> Result<SnapshotsOutcome, OpsError> {
    let all = access.journal().snapshots()?;
    let branches = session.repository.local_branches()?;
    let mut ids = worn_out(&all, &branches);
    let rest: Vec<DatabaseSnapshot> =
        all.iter().filter(|s| !ids.contains(&s.id)).cloned().collect();
    ids.extend(prune(&rest, &branches, bounds(&session.repository), None, &[]).dropped);
    let dropped = match dry_run {
        true => all.into_iter().filter(|s| ids.contains(&s.id)).collect(),
        false => delete_all(session, host, &ids, access.journal())?,
    };
    let outcome = SnapshotsOutcome { dry_run, dropped, ..SnapshotsOutcome::default() };
    complete(session, outcome, access)
}

fn complete(
    session: &Session,
    outcome: SnapshotsOutcome,
    access: &mut WriteAccess,
) -> Result<SnapshotsOutcome, OpsError> {
    let snapshots = access.journal().snapshots()?;
    let bounds = bounds(&session.repository);
    Ok(SnapshotsOutcome { snapshots, bounds, now: access.started_at(), ..outcome })
}

/// Snapshots of which nothing is left, and copies that no snapshot tells of.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Astray {
    pub gone: Vec<DatabaseSnapshot>,
    pub unknown: Vec<String>,
}

/// Holds what is written down against what there is, for one component's server, or
/// for the files where there is none.
pub fn astray(
    session: &Session,
    host: &Host,
    component: Option<&Component>,
) -> Result<Astray, OpsError> {
    let repository = &session.repository;
    let known = match Journal::open_existing(repository.common_dir())? {
        Some(mut journal) => journal.all_snapshots()?,
        None => Vec::new(),
    };
    let (is_in_folder, identity, places) = match component {
        None => (true, None, snapshot_files(&folder(repository))),
        Some(component) => {
            let target = database_target(session, component, host, None, Asking::Never)?;
            let store = store_of(session, host, &target, Limits::default())?;
            if store.kind().is_in_folder() {
                return Ok(Astray::default());
            }
            (false, Some(target.identity.clone()), store.places()?)
        }
    };
    let is_here = |s: &&DatabaseSnapshot| {
        s.kind.is_in_folder() == is_in_folder
            && identity.as_ref().is_none_or(|identity| *identity == s.identity)
    };
    let gone = known.iter().filter(is_here).filter(|s| !places.contains(&s.place)).cloned();
    let unknown = places.iter().filter(|place| !known.iter().any(|s| s.place == **place)).cloned();
    Ok(Astray { gone: gone.collect(), unknown: unknown.collect() })
}
