//! `undo`: the database first, while the files that know the way down are
//! still there, then the files.

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
    let undone = access.undoable(id)?;
    if let Some(host) = host {
        let steps = access.journal().steps(undone)?;
        let session =
            if steps.is_empty() { None } else { Some(Session::open(SessionOptions::default())?) };
        for (session, step) in session.iter().flat_map(|s| steps.iter().map(move |step| (s, step)))
        {
            line(&format!(
                "{}: going down to {} in `{}`; what the migrations above it created is dropped, \
                 and the data in it with it",
                step.component,
                if step.rows_before.is_empty() {
                    "the state before any revision".to_owned()
                } else {
                    crate::plan::list(&step.rows_before)
                },
                step.database,
            ));
            take_down(session, step, host, line)?;
        }
    }
    Ok(access.undo(repository, Some(undone))?)
}
