//! How a database is told to be the one that was looked at last, untouched.

/// What changes when somebody has been at a database, read off its catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// Another one after the database was dropped, made anew or restored.
    pub identity: String,
    /// Another one after the version rows or the schema were written.
    pub content: String,
}

/// What one look at a database saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Observation {
    /// Version rows, sorted.
    pub rows: Vec<String>,
    pub fingerprint: Fingerprint,
}
