//! What went wrong, read off what alembic, SQLAlchemy and the drivers print.
//!
//! A guess by the words of known versions, good for advice and never for a
//! decision: output that is not recognised is no trouble of a known sort.

use super::AlembicError;

/// Why alembic failed, as far as its output tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The files have two heads where one was meant.
    MultipleHeads,
    /// A revision that was named, or that the database names, is in no file.
    RevisionNotFound {
        id: String,
    },
    /// A file names `id` as its down revision (or dependency), and no file is `id`.
    MigrationFileMissing {
        id: String,
    },
    /// The database names a revision beside another one that stands above it.
    Overlaps,
    /// What needs a database at the heads found another.
    NotUpToDate,
    /// `downgrade` refuses to run.
    Irreversible,
    /// A script or `env.py` does not parse.
    SyntaxError,
    /// Python cannot import this: a dependency is missing, or the folder is wrong.
    ModuleNotFound {
        module: String,
    },
    /// The tool that runs things in the project's environment has no alembic there.
    NoAlembic,
    /// A table, column, index, type or constraint is there already.
    AlreadyExists {
        what: String,
    },
    /// One that is needed is not there.
    DoesNotExist {
        what: String,
    },
    ConstraintViolation {
        what: String,
    },
    ConnectionRefused,
    /// It was there, and broke off in the middle.
    ConnectionLost,
    Authentication,
    UnknownDatabase {
        name: String,
    },
    LockTimeout,
}

/// The trouble behind an error; `None` if it is of no known sort.
pub fn classify(error: &AlembicError) -> Option<Trouble> {
    match error {
        AlembicError::Failed { trouble, .. } => trouble.clone(),
        AlembicError::Spawn { .. }
        | AlembicError::Killed { .. }
        | AlembicError::TimedOut { .. }
        | AlembicError::Scratch { .. }
        | AlembicError::ScratchPath { .. } => None,
    }
}

/// The last trouble that the lines tell of: in a chain of Python's exceptions
/// the last one is what the others led to.
pub fn classify_output<'a>(lines: impl Iterator<Item = &'a str>) -> Option<Trouble> {
    let mut found = None;
    // Who raised what comes next: the last frame of a traceback and its source line.
    let mut frame = Frame::Other;
    for line in lines {
        let trouble = of_alembic(line)
            .or_else(|| of_python(line, frame))
            .or_else(|| of_connection(line))
            .or_else(|| exception(line).and_then(of_database));
        // `KeyError: 'x'` follows the warning that says what it means.
        found = trouble.or(found);
        frame = frame.after(line);
    }
    found
}

/// Where in a traceback one is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Frame {
    Other,
    /// `File "…", line 9, in downgrade`
    Downgrade,
    /// The source line of that frame, which raises by itself.
    DowngradeRaises,
}

impl Frame {
    fn after(self, line: &str) -> Self {
        let line = line.trim();
        if line.starts_with("File \"") {
            return if line.ends_with(", in downgrade") { Self::Downgrade } else { Self::Other };
        }
        match self {
            Self::Downgrade if line.starts_with("raise ") || line.contains(": raise ") => {
                Self::DowngradeRaises
            }
            // `^^^^` below it, and the lines of a statement that takes several.
            kept => kept,
        }
    }
}

fn of_alembic(line: &str) -> Option<Trouble> {
    if line.contains("Multiple head revisions are present")
        || line.contains("Multiple heads are present")
        || line.contains("The script directory has multiple heads")
    {
        return Some(Trouble::MultipleHeads);
    }
    if let Some(id) = between(line, "Can't locate revision identified by '", "'") {
        return Some(Trouble::RevisionNotFound { id: id.to_owned() });
    }
    // The first is of `upgrade`, the second of files that name each other.
    if let Some(rest) = between(line, "Revision ", " is not present")
        && let Some((id, _)) = rest.split_once(" referenced from ")
    {
        return Some(Trouble::MigrationFileMissing { id: id.to_owned() });
    }
    if line.contains("overlaps with other requested revisions") {
        return Some(Trouble::Overlaps);
    }
    if line.contains("Target database is not up to date") {
        return Some(Trouble::NotUpToDate);
    }
    let no_alembic = [
        // uv, poetry, pdm, pipenv, flask and Python, in this order.
        "error: Failed to spawn: ",
        "Command not found: ",
        " is not found in your PATH",
        " could not be found within PATH",
        "Error: No such command 'db'",
        "No module named alembic",
        "No module named flask",
    ];
    let is_shells = line.ends_with(": command not found")
        || line.contains("sh: ") && line.ends_with(": not found");
    (is_shells || no_alembic.iter().any(|words| line.contains(words))).then_some(Trouble::NoAlembic)
}

fn of_python(line: &str, frame: Frame) -> Option<Trouble> {
    if let Some(module) = between(line, "No module named '", "'") {
        return Some(Trouble::ModuleNotFound { module: module.to_owned() });
    }
    if line.starts_with("SyntaxError: ") || line.starts_with("IndentationError: ") {
        return Some(Trouble::SyntaxError);
    }
    let (name, _) = line.split_once(':').unwrap_or((line, ""));
    let raised = match frame {
        Frame::Downgrade => name == "NotImplementedError",
        Frame::DowngradeRaises => is_dotted(name),
        Frame::Other => false,
    };
    raised.then_some(Trouble::Irreversible)
}

fn of_connection(line: &str) -> Option<Trouble> {
    let refused = [
        "Connection refused",
        "Connect call failed",
        "Can't connect to",
        "could not translate host name",
        "failed to resolve host",
        "connection is bad: ",
        "could not connect to server",
        "unable to open database file",
        "Temporary failure in name resolution",
        "connection timeout expired",
    ];
    if refused.iter().any(|words| line.contains(words)) {
        return Some(Trouble::ConnectionRefused);
    }
    let lost = [
        "terminating connection due to",
        "server closed the connection unexpectedly",
        "SSL connection has been closed unexpectedly",
        "connection was closed in the middle of operation",
        "the connection is lost",
        "(1927, ",
        "(2006, ",
        "(2013, ",
    ];
    if lost.iter().any(|words| line.contains(words)) {
        return Some(Trouble::ConnectionLost);
    }
    let denied = ["password authentication failed", "no pg_hba.conf entry", "(1045, ", "(1698, "];
    if denied.iter().any(|words| line.contains(words))
        || line.contains("fe_sendauth: no password supplied")
        || (line.contains("role \"") && line.ends_with("\" does not exist"))
    {
        return Some(Trouble::Authentication);
    }
    let name = between(line, "FATAL:  database \"", "\" does not exist")
        .or_else(|| between(line, "InvalidCatalogNameError: database \"", "\""))
        .or_else(|| between(line, "(1049, \"Unknown database '", "'"));
    name.map(|name| Trouble::UnknownDatabase { name: name.to_owned() })
}

/// `sqlalchemy.exc.IntegrityError: (psycopg.errors.UniqueViolation) duplicate …`,
/// for a message `duplicate …`.
fn exception(line: &str) -> Option<(&str, &str)> {
    let (name, message) = line.split_once(": ")?;
    if !is_dotted(name) || !name.contains('.') {
        return None;
    }
    let inner = message.strip_prefix('(').and_then(|rest| rest.split_once(") "));
    Some(match inner {
        Some((inner, message)) if is_dotted(inner) => (name, message),
        _ => (name, message),
    })
}

fn is_dotted(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))
}

fn of_database((name, message): (&str, &str)) -> Option<Trouble> {
    // MySQL's come as Python tuples: `(1062, "Duplicate entry …")`.
    let number = between(message, "(", ", ").and_then(|digits| digits.parse::<u32>().ok());
    let told = || {
        let text = match number {
            Some(_) => message.split_once(", ").map_or(message, |(_, text)| unquoted(text)),
            None => message,
        };
        text.to_owned()
    };
    let is_any = |words: &[&str]| words.iter().any(|words| message.contains(words));
    match number {
        Some(1205 | 1213) => return Some(Trouble::LockTimeout),
        Some(1050 | 1060 | 1061 | 1826 | 1022) => {
            return Some(Trouble::AlreadyExists { what: told() });
        }
        Some(1051 | 1054 | 1091 | 1146) => return Some(Trouble::DoesNotExist { what: told() }),
        Some(1048 | 1062 | 1364 | 1451 | 1452 | 3819 | 4025) => {
            return Some(Trouble::ConstraintViolation { what: told() });
        }
        _ => {}
    }
    if is_any(&[
        "database is locked",
        "database table is locked",
        "due to lock timeout",
        "could not obtain lock",
        "deadlock detected",
    ]) {
        return Some(Trouble::LockTimeout);
    }
    if name.ends_with("IntegrityError")
        || is_any(&["violates", "constraint failed", "NOT NULL column with default value NULL"])
        || message.contains(" contains null values")
    {
        return Some(Trouble::ConstraintViolation { what: told() });
    }
    if is_any(&[" already exists", "duplicate column name: "]) {
        return Some(Trouble::AlreadyExists { what: told() });
    }
    if is_any(&[" does not exist", "no such table: ", "no such column: ", "no such index: "]) {
        return Some(Trouble::DoesNotExist { what: told() });
    }
    None
}

/// `"Duplicate column name 'u'")` → `Duplicate column name 'u'`.
fn unquoted(text: &str) -> &str {
    let text = text.trim_end_matches(')');
    let inner = |quote| text.strip_prefix(quote).and_then(|text| text.strip_suffix(quote));
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let rest = &text[text.find(before)? + before.len()..];
    Some(&rest[..rest.find(after)?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(output: &str, expected: Option<Trouble>) {
        assert_eq!(classify_output(output.lines()), expected, "{output}");
    }

    fn some(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn what_alembic_says_itself() {
        check(
            "FAILED: Multiple head revisions are present for given argument 'head'; please specify a specific target revision, '<branchname>@head' to narrow to a specific head, or 'heads' for all heads",
            Some(Trouble::MultipleHeads),
        );
        check(
            "FAILED: Multiple heads are present; please specify the head revision on which the new revision should be based, or perform a merge.",
            Some(Trouble::MultipleHeads),
        );
        check(
            "ERROR [flask_migrate] Error: Can't locate revision identified by 'dead00000001'",
            Some(Trouble::RevisionNotFound { id: some("dead00000001") }),
        );
        check(
            "FAILED: Requested revision b1 overlaps with other requested revisions a1",
            Some(Trouble::Overlaps),
        );
        check("FAILED: Target database is not up to date.", Some(Trouble::NotUpToDate));
        check(
            "…/revision.py:241: UserWarning: Revision gone1 referenced from gone1 -> b1 (head), b is not present\n  util.warn(\nKeyError: 'gone1'",
            Some(Trouble::MigrationFileMissing { id: some("gone1") }),
        );
        check("FAILED: No 'script_location' key found in configuration.", None);
        check("", None);
    }

    #[test]
    fn what_python_says() {
        check(
            "ModuleNotFoundError: No module named 'app'",
            Some(Trouble::ModuleNotFound { module: some("app") }),
        );
        check(
            "  File \"x.py\", line 5\n    <<<<<<<\n    ^^\nSyntaxError: invalid syntax",
            Some(Trouble::SyntaxError),
        );
        for line in [
            "/venv/bin/python: No module named alembic",
            "error: Failed to spawn: alembic",
            "/bin/sh: 1: alembic: not found",
            "bash: line 1: alembic: command not found",
            "Command not found: alembic",
            "[PdmUsageError]: Command 'alembic' is not found in your PATH.",
            "Error: the command alembic could not be found within PATH or Pipfile's [scripts].",
            "Error: No such command 'db'.",
        ] {
            check(line, Some(Trouble::NoAlembic));
        }
    }

    #[test]
    fn a_downgrade_that_raises_is_irreversible_and_one_that_fails_is_not() {
        let traceback =
            |frames: &str, end: &str| format!("Traceback (most recent call last):\n{frames}{end}");
        let downgrade = "  File \"/x/versions/b1.py\", line 27, in downgrade\n";
        check(
            &traceback(
                downgrade,
                "    raise NotImplementedError(\"no way back\")\nNotImplementedError: no way back",
            ),
            Some(Trouble::Irreversible),
        );
        check(
            &traceback(
                downgrade,
                "    raise Exception(\n               ^^^^\nException: Irreversible migration",
            ),
            Some(Trouble::Irreversible),
        );
        check(
            &traceback(
                downgrade,
                "    def downgrade(): raise RuntimeError(\"no\")\n    ^^^\nRuntimeError: no",
            ),
            Some(Trouble::Irreversible),
        );
        let op = "    op.drop_table('t')\n  File \"/x/op.py\", line 3, in drop_table\n    raise ValueError(x)\n";
        check(&traceback(&(downgrade.to_owned() + op), "ValueError: x"), None);
        let upgrade = downgrade.replace("downgrade", "upgrade");
        check(&traceback(&upgrade, "    raise ValueError(x)\nValueError: x"), None);
    }

    #[test]
    fn what_breaks_a_connection_off() {
        for line in [
            "sqlalchemy.exc.OperationalError: (psycopg.errors.AdminShutdown) terminating connection due to administrator command",
            "sqlalchemy.exc.OperationalError: (psycopg.OperationalError) consuming input failed: server closed the connection unexpectedly",
            "sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (1927, 'Connection was killed')",
            "sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (2013, 'Lost connection to MySQL server during query')",
        ] {
            check(line, Some(Trouble::ConnectionLost));
        }
    }

    #[test]
    fn what_keeps_from_connecting() {
        for line in [
            "sqlalchemy.exc.OperationalError: (psycopg.OperationalError) connection failed: connection to server at \"127.0.0.1\", port 1 failed: Connection refused",
            "ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 1)",
            "sqlalchemy.exc.OperationalError: (psycopg.OperationalError) failed to resolve host 'no.such.host.invalid': [Errno -2] Name or service not known",
            "sqlalchemy.exc.OperationalError: (psycopg.OperationalError) connection is bad: connection to server on socket \"/nowhere/.s.PGSQL.5432\" failed: No such file or directory",
            "sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (2003, \"Can't connect to MySQL server on '127.0.0.1' ([Errno 111] Connection refused)\")",
            "sqlalchemy.exc.OperationalError: (sqlite3.OperationalError) unable to open database file",
        ] {
            check(line, Some(Trouble::ConnectionRefused));
        }
        for line in [
            "sqlalchemy.exc.OperationalError: (psycopg2.OperationalError) connection to server at \"127.0.0.1\", port 54329 failed: FATAL:  password authentication failed for user \"me\"",
            "asyncpg.exceptions.InvalidPasswordError: password authentication failed for user \"me\"",
            "sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (1045, \"Access denied for user 'me'@'localhost' (using password: YES)\")",
        ] {
            check(line, Some(Trouble::Authentication));
        }
        for line in [
            "sqlalchemy.exc.OperationalError: (psycopg.OperationalError) connection failed: connection to server at \"127.0.0.1\", port 54329 failed: FATAL:  database \"nodb\" does not exist",
            "asyncpg.exceptions.InvalidCatalogNameError: database \"nodb\" does not exist",
            "sqlalchemy.exc.OperationalError: (pymysql.err.OperationalError) (1049, \"Unknown database 'nodb'\")",
        ] {
            check(line, Some(Trouble::UnknownDatabase { name: some("nodb") }));
        }
    }

    #[test]
    fn what_the_database_objects_to() {
        let background = "\n[SQL: \nCREATE TABLE t (\n\tid INTEGER\n)\n\n]\n(Background on this error at: https://sqlalche.me/e/21/e3q8)";
        for (line, what) in [
            ("(sqlite3.OperationalError) table t already exists", "table t already exists"),
            ("(sqlite3.OperationalError) duplicate column name: u", "duplicate column name: u"),
            (
                "(psycopg.errors.DuplicateTable) relation \"t\" already exists",
                "relation \"t\" already exists",
            ),
            (
                "(pymysql.err.OperationalError) (1050, \"Table 't' already exists\")",
                "Table 't' already exists",
            ),
            (
                "(pymysql.err.OperationalError) (1060, \"Duplicate column name 'u'\")",
                "Duplicate column name 'u'",
            ),
        ] {
            let line = format!("sqlalchemy.exc.OperationalError: {line}{background}");
            check(&line, Some(Trouble::AlreadyExists { what: some(what) }));
        }
        for (line, what) in [
            ("(sqlite3.OperationalError) no such table: nothere", "no such table: nothere"),
            (
                "(psycopg.errors.UndefinedColumn) column \"zz\" of relation \"t\" does not exist",
                "column \"zz\" of relation \"t\" does not exist",
            ),
            (
                "(pymysql.err.OperationalError) (1051, \"Unknown table 'x.nothere'\")",
                "Unknown table 'x.nothere'",
            ),
        ] {
            let line = format!("sqlalchemy.exc.ProgrammingError: {line}{background}");
            check(&line, Some(Trouble::DoesNotExist { what: some(what) }));
        }
        for (line, what) in [
            (
                "IntegrityError: (sqlite3.IntegrityError) UNIQUE constraint failed: t.u",
                "UNIQUE constraint failed: t.u",
            ),
            (
                "IntegrityError: (psycopg.errors.NotNullViolation) null value in column \"nn\" of relation \"t\" violates not-null constraint",
                "null value in column \"nn\" of relation \"t\" violates not-null constraint",
            ),
            (
                "IntegrityError: (pymysql.err.IntegrityError) (1062, \"Duplicate entry '1' for key 'u'\")",
                "Duplicate entry '1' for key 'u'",
            ),
            (
                "OperationalError: (pymysql.err.OperationalError) (4025, 'CONSTRAINT `ck.a` failed for `x`.`ck`')",
                "CONSTRAINT `ck.a` failed for `x`.`ck`",
            ),
        ] {
            let line = format!("sqlalchemy.exc.{line}{background}");
            check(&line, Some(Trouble::ConstraintViolation { what: some(what) }));
        }
        for line in [
            "(psycopg.errors.LockNotAvailable) canceling statement due to lock timeout",
            "(sqlite3.OperationalError) database is locked",
            "(pymysql.err.OperationalError) (1205, 'Lock wait timeout exceeded; try restarting transaction')",
        ] {
            let line = format!("sqlalchemy.exc.OperationalError: {line}{background}");
            check(&line, Some(Trouble::LockTimeout));
        }
    }

    #[test]
    fn the_words_of_a_statement_are_no_message() {
        check("[SQL: insert into log values ('table t already exists')]", None);
        check("INFO: it does not exist", None);
    }

    #[test]
    fn the_last_exception_of_a_chain_counts() {
        check(
            "psycopg.errors.DuplicateTable: relation \"t\" already exists\n\nDuring handling of the above exception, another exception occurred:\n\nsqlalchemy.exc.OperationalError: (psycopg.OperationalError) deadlock detected",
            Some(Trouble::LockTimeout),
        );
    }
}
