//! SQLAlchemy's database URLs, understood: which database is meant, and how it
//! may be shown. A password never leaves [`Secret`](super::Secret).

mod database_url;
mod parts;
mod percent;
mod server;
mod spellings;
mod sqlite_file;

pub use database_url::DatabaseUrl;
pub(super) use database_url::Place;
pub use parts::UrlParts;
pub(super) use server::{Endpoint, Server, TlsMode};
pub use spellings::secrets_in;
