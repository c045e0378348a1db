//! What a revision changes that a scratch database does not hold: nothing takes that
//! back, so that it is not tried out.

use super::OpsError;
use crate::database::Dialect;
use crate::script::{read_footprint, server_statements};
use crate::tree::RepoPath;

/// Refuses a script that would change more than a database of its own.
///
/// # Errors
/// [`OpsError::BeyondScratch`].
pub fn refuse_beyond(dialect: Dialect, path: &RepoPath, bytes: &[u8]) -> Result<(), OpsError> {
    if dialect == Dialect::Sqlite {
        return Ok(());
    }
    let beyond =
        |line: u32, what: String| OpsError::BeyondScratch { path: path.clone(), line, what };
    if let Some(found) = server_statements(bytes).into_iter().next() {
        return Err(beyond(found.line, format!("`{}` is the whole server's", found.what)));
    }
    // MySQL's schemas are databases, and the named one is somebody's.
    let footprint = read_footprint(bytes).unwrap_or_default();
    let mut tables = footprint.upgrade.tables.iter().chain(&footprint.downgrade.tables);
    match tables.find(|table| dialect == Dialect::MySql && table.contains('.')) {
        Some(table) => Err(beyond(1, format!("`{table}` is in another database"))),
        None => Ok(()),
    }
}
