//! A snapshot takes the place of the database, and what was there is a snapshot.
//!
//! The order, and what a death leaves behind:
//!
//! 1. *Write down* what will be kept, and where. Died here: nothing has changed.
//! 2. *Write down* the exchange. Died here: found not to have been made, and called off.
//! 3. *Make* it, all at once: what is there is kept, and the snapshot takes its place. A
//!    dump is loaded bit by bit. Died in between: what was there is kept by then, and
//!    whoever comes next loads the snapshot again, or that.
//! 4. *Settle* the ledger, which is then the snapshot's. Died before: found to have
//!    been made, and settled by whoever comes next.
//! 5. *End* it: what was kept is complete, and what was restored is no snapshot any more.

use super::super::OpsError;
use super::super::database_target::DatabaseTarget;
use super::super::host::Host;
use super::super::look::{Look, Moment, look, reach, read_rows, worktree};
use super::super::session::Session;
use super::super::transaction::RecoverMode;
use super::super::write_access::WriteAccess;
use super::take::{Taking, planned, store_of, sweep, whose};
use crate::database::{DatabaseLock, ExchangeProgress, Limits, SnapshotStore};
use crate::journal::{Exchange, ExchangeId, ExchangeState, Journal, NewExchange, OperationId};
use crate::plan::{DatabaseSnapshot, SnapshotKind};
use crate::project::Component;
use crate::workspace::fault;

/// What is to be exchanged.
#[derive(Clone, Debug)]
pub struct ExchangeRequest {
    pub operation: OperationId,
    pub restored: DatabaseSnapshot,
    /// Whose data are there now.
    pub keeps_for: Taking,
    /// The exchange that this one takes back.
    pub undoes: Option<ExchangeId>,
    pub limits: Limits,
}

/// Puts a snapshot in the database's place; returns what was there before, as one.
pub fn exchange(
    session: &Session,
    component: &Component,
    host: &Host,
    look: &mut Look,
    request: &ExchangeRequest,
    journal: &mut Journal,
) -> Result<Option<DatabaseSnapshot>, OpsError> {
    let target = look.target.clone();
    let store = store_of(session, host, &target, request.limits)?;
    sweep(&store, &target.identity, journal)?;
    let restored = &request.restored;
    if !store.holds(&restored.place)? {
        return Err(OpsError::SnapshotGone { id: restored.id, place: restored.place.clone() });
    }
    let _lock = lock(&store, &target, &request.limits)?;
    refuse_if_moved(look, request.limits)?;
    let kept = keep(session, component, look, &store, request, journal)?;
    worktree(session).set_mark()?;
    let new = NewExchange {
        operation: request.operation,
        component: component.name.clone(),
        restored: restored.id,
        kept: kept.as_ref().map(|kept| kept.id),
        content: look.observation.fingerprint.content.clone(),
        undoes: request.undoes,
    };
    let id = journal.begin_exchange(&new)?;
    let begun = Exchange { id, state: ExchangeState::Started, exchange: new };
    fault::point("exchange: written down");
    let place = kept.as_ref().map(|kept| kept.place.as_str());
    if let Err(error) = store.exchange(&restored.place, place, fault::point) {
        if progress(look, &store, &begun, kept.as_ref(), request.limits)?
            == ExchangeProgress::Untouched
        {
            call_off(session, component, look, &store, &begun, journal)?;
            worktree(session).clear_mark()?;
        }
        return Err(error.into());
    }
    fault::point("exchange: made");
    finish(session, component, look, &store, &begun, Sureness::Seen, journal)?;
    worktree(session).clear_mark()?;
    Ok(kept)
}

/// One dbm-git at a time, where a lock may be held: on PostgreSQL nobody may be
/// connected, not even for that.
fn lock(
    store: &SnapshotStore<'_>,
    target: &DatabaseTarget,
    limits: &Limits,
) -> Result<Option<DatabaseLock>, OpsError> {
    match target.direct().filter(|_| store.kind().is_in_folder()) {
        Some((url, table)) => Ok(Some(DatabaseLock::acquire(url, table, limits)?)),
        None => Ok(None),
    }
}

/// Nobody may have been at the database since the look.
fn refuse_if_moved(look: &Look, limits: Limits) -> Result<(), OpsError> {
    let now = read_rows(&look.target, &limits)?;
    if now == look.observation {
        return Ok(());
    }
    Err(OpsError::DatabaseMoved {
        database: look.target.shown.clone(),
        expected: super::super::shown(&look.observation.rows),
        found: super::super::shown(&now.rows),
    })
}

/// Writes down what will be kept; `None` where nothing is there.
fn keep(
    session: &Session,
    component: &Component,
    look: &Look,
    store: &SnapshotStore<'_>,
    request: &ExchangeRequest,
    journal: &mut Journal,
) -> Result<Option<DatabaseSnapshot>, OpsError> {
    if !store.has_origin() {
        return Ok(None);
    }
    let mut kept = planned(session, component, look, store, &request.keeps_for)?;
    kept.id = journal.begin_snapshot(&kept)?;
    fault::point("snapshot: written down");
    Ok(Some(kept))
}

/// How far an exchange has come that was written down. The name under which the database
/// is kept is new: on PostgreSQL it tells. A file is copied first, and has another
/// fingerprint once it was written. What is loaded bit by bit has a mark.
fn progress(
    look: &Look,
    store: &SnapshotStore<'_>,
    begun: &Exchange,
    kept: Option<&DatabaseSnapshot>,
    limits: Limits,
) -> Result<ExchangeProgress, OpsError> {
    if let Some(kept) = kept
        && let Some(progress) = store.progress(&kept.place)?
    {
        return Ok(progress);
    }
    let progress = |is_made| match is_made {
        true => ExchangeProgress::Made,
        false => ExchangeProgress::Untouched,
    };
    if let Some(kept) = kept
        && (store.kind() == SnapshotKind::Database || !store.holds(&kept.place)?)
    {
        return Ok(progress(store.holds(&kept.place)?));
    }
    let now = read_rows(&look.target, &limits)?;
    Ok(progress(now.fingerprint.content != begun.exchange.content))
}

fn call_off(
    session: &Session,
    component: &Component,
    look: &mut Look,
    store: &SnapshotStore<'_>,
    begun: &Exchange,
    journal: &mut Journal,
) -> Result<(), OpsError> {
    let kept = kept_of(begun, journal)?;
    if let Some(kept) = &kept {
        store.abandon(&kept.place)?;
        // What was loaded has another fingerprint than what was dumped, and is the same.
        if store.kind() == SnapshotKind::Dump {
            adopt(session, component, look, kept, journal)?;
        }
    }
    fault::point("exchange: abandoned");
    journal.call_exchange_off(begun.id)?;
    fault::point("exchange: called off");
    if let Some(kept) = kept {
        // What was copied is still there as it was.
        store.delete(&kept.place)?;
        journal.forget_snapshot(kept.id)?;
    }
    Ok(())
}

fn kept_of(begun: &Exchange, journal: &mut Journal) -> Result<Option<DatabaseSnapshot>, OpsError> {
    match begun.exchange.kept {
        Some(id) => Ok(journal.snapshot(id)?),
        None => Ok(None),
    }
}

/// Has the ledger say of the database what is known of the snapshot that is there now.
fn adopt(
    session: &Session,
    component: &Component,
    look: &mut Look,
    there: &DatabaseSnapshot,
    journal: &mut Journal,
) -> Result<(), OpsError> {
    let now = read_rows(&look.target, &Limits::default())?;
    if there.rows != now.rows {
        return Ok(());
    }
    look.ledger = there.ledger.clone();
    look.observation = now.clone();
    match there.ledger.seen {
        Some(_) => look.settle(session, component, journal, now),
        None => look.remember(session, journal, &[]),
    }
}

/// How it is known that an exchange was made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sureness {
    Seen,
    /// A file was written since; by whom is not certain.
    Concluded,
}

/// Settles the ledger, and ends the exchange.
fn finish(
    session: &Session,
    component: &Component,
    look: &mut Look,
    store: &SnapshotStore<'_>,
    made: &Exchange,
    sureness: Sureness,
    journal: &mut Journal,
) -> Result<(), OpsError> {
    let restored = journal.snapshot(made.exchange.restored)?;
    if let Some(restored) = &restored {
        adopt(session, component, look, restored, journal)?;
    }
    fault::point("exchange: settled");
    // What a person has named stays, and where a file may have been written by somebody
    // else the copy does. On a server it is the database itself by now.
    let is_named = restored.as_ref().is_some_and(|restored| restored.name.is_some());
    let stays = match store.kind() {
        SnapshotKind::File => is_named || sureness == Sureness::Concluded,
        SnapshotKind::Dump => is_named,
        SnapshotKind::Database => false,
    };
    let bytes = match kept_of(made, journal)? {
        Some(kept) => store.bytes_of(&kept.place)?,
        None => 0,
    };
    journal.end_exchange(made, bytes, stays)?;
    fault::point("exchange: ended");
    if let Some(restored) = restored.filter(|_| !stays) {
        store.delete(&restored.place)?;
        fault::point("snapshot: deleted");
        journal.forget_snapshot(restored.id)?;
    }
    Ok(())
}

/// Settles the exchanges of an operation that was interrupted; says whether any was made.
pub fn recover_exchanges(
    session: &Session,
    host: &Host,
    operation: OperationId,
    mode: RecoverMode,
    access: &mut WriteAccess,
) -> Result<bool, OpsError> {
    let exchanges = access.journal().exchanges(operation)?;
    let mut is_any_made = false;
    for begun in exchanges.iter().filter(|e| e.state == ExchangeState::Started) {
        is_any_made |= recover_exchange(session, host, begun, mode, access)?;
    }
    worktree(session).clear_mark()?;
    if mode == RecoverMode::Rollback && is_any_made {
        undo_exchanges(session, host, operation, access)?;
    }
    Ok(is_any_made && mode != RecoverMode::Rollback)
}

fn recover_exchange(
    session: &Session,
    host: &Host,
    begun: &Exchange,
    mode: RecoverMode,
    access: &mut WriteAccess,
) -> Result<bool, OpsError> {
    let kept = kept_of(begun, access.journal())?;
    let component = session.component(&begun.exchange.component)?;
    let mut looked = look_at(session, component, host, access)?;
    let target = looked.target.clone();
    let store = store_of(session, host, &target, Limits::default())?;
    let _lock = lock(&store, &target, &Limits::default())?;
    let mut progress = progress(&looked, &store, begun, kept.as_ref(), Limits::default())?;
    let journal = access.journal();
    if let Some(kept) = kept.filter(|_| progress == ExchangeProgress::Torn) {
        progress = untorn(&store, begun, &kept, mode, journal)?;
    }
    if progress == ExchangeProgress::Untouched {
        call_off(session, component, &mut looked, &store, begun, journal)?;
        return Ok(false);
    }
    finish(session, component, &mut looked, &store, begun, Sureness::Concluded, journal)?;
    Ok(true)
}

/// Goes on with an exchange of which a part was done, or brings back what was there.
fn untorn(
    store: &SnapshotStore<'_>,
    begun: &Exchange,
    kept: &DatabaseSnapshot,
    mode: RecoverMode,
    journal: &mut Journal,
) -> Result<ExchangeProgress, OpsError> {
    let restored = journal.snapshot(begun.exchange.restored)?;
    match restored.filter(|_| mode != RecoverMode::Rollback) {
        Some(restored) if store.holds(&restored.place)? => {
            store.finish(&restored.place, &kept.place, fault::point)?;
            Ok(ExchangeProgress::Made)
        }
        // It may be the snapshot that has been lost since.
        _ => {
            store.put_back(&kept.place)?;
            Ok(ExchangeProgress::Untouched)
        }
    }
}

/// Takes the exchanges of an operation back: what was there before comes back, and
/// what is there now is a snapshot.
pub fn undo_exchanges(
    session: &Session,
    host: &Host,
    operation: OperationId,
    access: &mut WriteAccess,
) -> Result<(), OpsError> {
    let exchanges = access.journal().exchanges(operation)?;
    let done = exchanges.into_iter().filter(|e| e.state == ExchangeState::Done).rev();
    for undone in done {
        let kept = undone.exchange.kept;
        let restored = access.journal().snapshots()?.into_iter().find(|s| Some(s.id) == kept);
        let restored = restored.ok_or(OpsError::NothingKept { operation })?;
        let component = session.component(&undone.exchange.component)?;
        let mut looked = look_at(session, component, host, access)?;
        let branch = whose(session, &looked);
        let request = ExchangeRequest {
            operation,
            restored,
            keeps_for: Taking { name: None, branch, now: access.started_at() },
            undoes: Some(undone.id),
            limits: Limits::default(),
        };
        exchange(session, component, host, &mut looked, &request, access.journal())?;
    }
    Ok(())
}

fn look_at(
    session: &Session,
    component: &Component,
    host: &Host,
    access: &mut WriteAccess,
) -> Result<Look, OpsError> {
    let reached = reach(session, component, host, access.journal())?;
    look(session, component, reached, Moment::AnyTime, Some(access.journal()))
}
