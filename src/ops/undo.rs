//! `undo`: the database first, while the files that know the way down are
//! still there, then the files. So whether the files can go back is known
//! before the database loses anything.

use super::OpsError;
use super::apply::take_down;
use super::session::{Session, SessionOptions};
use super::status::Host;
use super::transaction::UndoOutcome;
use super::write_access::WriteAccess;
use crate::git::Repository;
use crate::journal::OperationId;

/// Takes operation `id` back, the last one by default. `line` hears what
/// happens to a database.
pub fn undo(
    repository: &Repository,
    access: &mut WriteAccess,
    id: Option<OperationId>,
    host: Option<&Host>,
    line: &mut dyn FnMut(&str),
) -> Result<UndoOutcome, OpsError> {
    let undone = access.undoable(repository, id)?;
    if let Some(host) = host {
        let steps = access.journal().steps(undone)?;
        let session =
            if steps.is_empty() { None } else { Some(Session::open(SessionOptions::default())?) };
        for (session, step) in session.iter().flat_map(|s| steps.iter().map(move |step| (s, step)))
        {
            take_down(session, step, host, line)?;
        }
    }
    Ok(access.undo(repository, Some(undone))?)
}
