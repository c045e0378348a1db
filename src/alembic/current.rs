//! Where alembic says that a database is, and which database that is.

use std::time::Duration;

use super::Target;
use super::run::{AlembicError, run_unmasked};

/// What `alembic current -v` tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// What alembic calls current, sorted: of all that the version rows imply,
    /// the revisions that no other one of them follows. These are the rows
    /// themselves where none is below another or depends on one, as among stubs;
    /// else a row below another is left out, and a dependency is listed that has
    /// no row.
    pub rows: Vec<String>,
    /// The database's URL as alembic shows it, the password as `***`.
    pub url: Option<String>,
    /// Whether `env.py` looks at several databases, as Alembic's multidb template
    /// does; then the rows are those of all of them, and `url` is of the first.
    pub is_several: bool,
}

/// Asks the project's alembic where its database is. Changes nothing: `current`
/// does not even create the version table (ALEMBIC.md 1.5).
pub fn current(
    target: &Target,
    environment: &[(String, String)],
    limit: Duration,
) -> Result<Current, AlembicError> {
    let answer = run_unmasked(target, &["current", "-v"], environment, limit, &mut |_| {})?;
    Ok(parse_current(&answer))
}

/// The rows are those of lines `Rev: aaaa00000002 (head)`; whatever else there
/// is, messages of revisions included, is indented or has another start.
fn parse_current(answer: &str) -> Current {
    let urls: Vec<&str> = answer
        .lines()
        .filter_map(|line| line.strip_prefix("Current revision(s) for ")?.strip_suffix(':'))
        .collect();
    let mut rows: Vec<String> = answer
        .lines()
        .filter_map(|line| line.strip_prefix("Rev: "))
        .map(|line| without_marks(line).to_owned())
        .collect();
    rows.sort();
    rows.dedup();
    // One schema per tenant: several looks at the same URL.
    Current { rows, url: urls.first().map(|&url| url.to_owned()), is_several: urls.len() > 1 }
}

/// `aaaa00000002 (head) (mergepoint)` → `aaaa00000002`.
fn without_marks(line: &str) -> &str {
    let mut id = line.trim();
    const MARKS: [&str; 4] = [" (head)", " (branchpoint)", " (mergepoint)", " (current)"];
    while let Some(shorter) = MARKS.iter().find_map(|mark| id.strip_suffix(mark)) {
        id = shorter;
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(answer: &str, rows: &[&str], url: Option<&str>, is_several: bool) {
        let current = parse_current(answer);
        assert_eq!(current.rows, rows, "{answer}");
        assert_eq!((current.url.as_deref(), current.is_several), (url, is_several), "{answer}");
    }

    #[test]
    fn rows_and_url_are_read_off_what_current_prints() {
        check(
            "Current revision(s) for postgresql+psycopg://me:***@localhost/x:\n\
             Rev: merg00000001 (head) (mergepoint)\n\
             Merges: aaaa00000002, feat00000001\n\
             Path: /p/migrations/versions/merg00000001_merge_a_b.py\n\n\
             \x20   merge a b\n    Rev: not (head)\n    \n    Revision ID: merg00000001\n\n\
             Rev: aaaa 2 (head)\nParent: <base>\n\n",
            &["aaaa 2", "merg00000001"],
            Some("postgresql+psycopg://me:***@localhost/x"),
            false,
        );
    }

    #[test]
    fn an_empty_database_has_no_rows_but_a_url() {
        let empty = "Loading the application …\nCurrent revision(s) for sqlite:///db.sqlite:\n";
        check(empty, &[], Some("sqlite:///db.sqlite"), false);
        check("", &[], None, false);
    }

    #[test]
    fn several_databases_behind_one_environment_are_told() {
        check(
            "Current revision(s) for sqlite:///a:\nRev: x (head)\n\
             Current revision(s) for sqlite:///b:\nRev: x (head)\nRev: y\n",
            &["x", "y"],
            Some("sqlite:///a"),
            true,
        );
    }
}
