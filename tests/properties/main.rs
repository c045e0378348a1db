//! What has to hold whatever the input: rebases on random histories, judged by
//! ourselves and by the real alembic, and the laws of the notation, the graph,
//! the header parser and the edits.

mod alembic;
mod judge;
mod laws;
mod planning;
mod scenario;
mod spelling;
#[path = "../support/mod.rs"]
mod support;
