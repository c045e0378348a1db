//! Copying a database file as it is at one moment.

use std::fs::OpenOptions;
use std::path::Path;

use super::open::reading;
use crate::database::url::DatabaseUrl;
use crate::database::{DatabaseError, Limits};

const ACTION: &str = "copy";

/// Writes a copy of the database into the empty file `target`: what was
/// committed when the copying began, while others go on writing.
pub(in crate::database) async fn copy_to(
    url: &DatabaseUrl,
    file: &Path,
    target: &Path,
    limits: &Limits,
) -> Result<(), DatabaseError> {
    let name = target.to_string_lossy().into_owned();
    let copied = reading(url, file, limits, ACTION, async |connection| {
        // A second attempt finds what the first one wrote.
        OpenOptions::new().write(true).truncate(true).open(target)?;
        sqlx::query("VACUUM INTO ?").bind(&name).execute(connection).await
    })
    .await?;
    copied.map(|_| ()).ok_or_else(|| DatabaseError::File {
        action: ACTION,
        path: file.to_path_buf(),
        source: std::io::ErrorKind::NotFound.into(),
    })
}
