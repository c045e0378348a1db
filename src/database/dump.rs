//! The servers' own tools for dumps. No password is ever among their arguments,
//! which everybody on the machine can read: PostgreSQL's takes it from its
//! environment, MySQL's and MariaDB's from a file that only we can read.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread;

use tempfile::NamedTempFile;

use super::DatabaseError;
use super::mysql::{Address, address};
use super::postgres;
use super::url::{DatabaseUrl, Server, TlsMode};

/// A table that says that a database is being exchanged for a dump: in none of them.
pub(super) const MARK: &str = "dbm_git_exchange";

/// What the last line of a dump begins with, if all of it was written.
const END_MARK: &[u8] = b"-- Dump completed";

const READ_DUMP: &str = "read the dump";

/// How many lines of a tool's complaints an error keeps: the end is what tells.
const KEPT_LINES: usize = 30;

/// What a dump is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To be put back one day, all of it.
    Keep,
    /// To be tried something out on: what runs by itself would do so there, too.
    TryOut,
}

/// The dump tools of MariaDB or MySQL, the better one first.
pub(super) fn mysql_names(is_mariadb: bool) -> &'static [&'static str] {
    if is_mariadb { &["mariadb-dump", "mysqldump"] } else { &["mysqldump", "mariadb-dump"] }
}

/// Their clients.
pub(super) fn client_names(is_mariadb: bool) -> &'static [&'static str] {
    if is_mariadb { &["mariadb", "mysql"] } else { &["mysql", "mariadb"] }
}

/// The first of `names` that is in one of the folders.
pub(super) fn find(names: &[&str], path: &[PathBuf]) -> Result<PathBuf, DatabaseError> {
    names
        .iter()
        .flat_map(|name| path.iter().map(move |folder| folder.join(name)))
        .find(|tool| is_program(tool))
        .ok_or_else(|| DatabaseError::NoDumpTool { tool: names.join("` or `") })
}

/// `pg_dump`, in the format of its own from which anything can be restored.
#[expect(clippy::disallowed_methods, reason = "the one place that runs a dump tool")]
pub(super) fn postgres(
    tool: &Path,
    url: &DatabaseUrl,
    server: &Server,
    target: &Path,
) -> Result<(), DatabaseError> {
    let mut command = Command::new(tool);
    command.args(["--format=custom", "--lock-wait-timeout=10s", "--file"]).arg(target);
    command.stdin(Stdio::null());
    run(tool, url, connected(command, server))
}

/// `pg_restore` of such a dump into an empty database, all of it or an error. What is
/// the server's, or runs by itself, stays out.
#[expect(clippy::disallowed_methods, reason = "the one place that runs a dump tool")]
pub(super) fn restore_postgres(
    tool: &Path,
    url: &DatabaseUrl,
    server: &Server,
    dump: &Path,
) -> Result<(), DatabaseError> {
    let mut command = Command::new(tool);
    command
        .args(["--exit-on-error", "--no-owner", "--no-privileges"])
        .args(["--no-publications", "--no-subscriptions"])
        .args(["--dbname", server.name.as_deref().unwrap_or_default()])
        .arg(dump)
        .stdin(Stdio::null());
    run(tool, url, connected(command, server))
}

/// The same command, with what libpq has to know of the server.
fn connected(mut command: Command, server: &Server) -> Command {
    let places: Vec<(String, String)> = server
        .endpoints
        .iter()
        .map(postgres::address)
        .map(|(host, port)| (host, port.to_string()))
        .collect();
    // libpq tries several in their order, as we do.
    let (hosts, ports): (Vec<String>, Vec<String>) = places.into_iter().unzip();
    command
        .arg("--no-password")
        .env("PGHOST", hosts.join(","))
        .env("PGPORT", ports.join(","))
        .env("PGAPPNAME", "dbm-git")
        .env("PGCONNECT_TIMEOUT", "10")
        // What they name is not what was looked at.
        .env_remove("PGHOSTADDR")
        .env_remove("PGSERVICE")
        .env(
            "PGSSLMODE",
            match server.tls.mode {
                TlsMode::Disable => "disable",
                TlsMode::Prefer => "prefer",
                TlsMode::Require => "require",
                TlsMode::VerifyCa => "verify-ca",
                TlsMode::VerifyFull => "verify-full",
            },
        );
    let mut set = |name: &str, value: Option<&std::ffi::OsStr>| {
        if let Some(value) = value {
            command.env(name, value);
        }
    };
    set("PGUSER", server.user.as_ref().map(AsRef::as_ref));
    set("PGDATABASE", server.name.as_ref().map(AsRef::as_ref));
    set("PGPASSWORD", server.password.as_ref().map(|password| password.reveal().as_ref()));
    set("PGSSLROOTCERT", server.tls.root.as_ref().map(AsRef::as_ref));
    set("PGSSLCERT", server.tls.certificate.as_ref().map(AsRef::as_ref));
    set("PGSSLKEY", server.tls.key.as_ref().map(AsRef::as_ref));
    command
}

/// `mysqldump` or `mariadb-dump`, of one moment.
#[expect(clippy::disallowed_methods, reason = "the one place that runs a dump tool")]
pub(super) fn mysql(
    tool: &Path,
    url: &DatabaseUrl,
    server: &Server,
    target: &Path,
    purpose: Purpose,
) -> Result<(), DatabaseError> {
    let name = server.name.as_deref().unwrap_or_default();
    let options =
        option_file(server).map_err(|source| DatabaseError::Spawn { tool: shown(tool), source })?;
    let mut defaults = std::ffi::OsString::from("--defaults-file=");
    defaults.push(options.path());
    let mut result = std::ffi::OsString::from("--result-file=");
    result.push(target);
    let mut command = Command::new(tool);
    command
        // It has to be the first.
        .arg(defaults)
        .args(["--single-transaction", "--quick", "--routines", "--triggers"])
        .args((purpose == Purpose::Keep).then_some("--events"))
        .args(["--hex-blob", "--no-tablespaces", "--default-character-set=utf8mb4"])
        // A row may be as long as the server takes it.
        .arg("--max-allowed-packet=1G")
        // What MySQL's adds where transactions have ids can be put back by nobody; MariaDB's
        // does not know it, and is told by another name or warns.
        .args((shown(tool) == "mysqldump").then_some("--loose-set-gtid-purged=OFF"))
        .arg(format!("--ignore-table={name}.{MARK}"))
        .arg(result)
        .args(["--", name])
        .stdin(Stdio::null());
    run(tool, url, command)?;
    match is_whole(target) {
        Ok(true) => Ok(()),
        Ok(false) => {
            Err(DatabaseError::TornDump { tool: shown(tool), url: url.shown().to_owned() })
        }
        Err(source) => {
            Err(DatabaseError::File { action: READ_DUMP, path: target.to_path_buf(), source })
        }
    }
}

/// Whether a tool has written a dump to its end.
fn is_whole(dump: &Path) -> io::Result<bool> {
    let mut file = File::open(dump)?;
    // The mark, a date and a line's end.
    let tail = file.metadata()?.len().min(200);
    file.seek(SeekFrom::End(-i64::try_from(tail).unwrap_or_default()))?;
    let mut end = Vec::new();
    file.read_to_end(&mut end)?;
    let last = end.trim_ascii_end().rsplit(|&byte| byte == b'\n').next().unwrap_or_default();
    Ok(last.starts_with(END_MARK))
}

/// `mariadb` or `mysql`, told the statements `first` and then such a dump; it ends at the
/// first error. The dump goes through us: no client loads on after its dbm-git was killed.
#[expect(clippy::disallowed_methods, reason = "the one place that runs a dump tool")]
pub(super) fn restore_mysql(
    tool: &Path,
    url: &DatabaseUrl,
    server: &Server,
    first: &str,
    dump: &Path,
) -> Result<(), DatabaseError> {
    let failed = |source| DatabaseError::Spawn { tool: shown(tool), source };
    let name = server.name.as_deref().unwrap_or_default();
    let options = option_file(server).map_err(failed)?;
    let mut defaults = std::ffi::OsString::from("--defaults-file=");
    defaults.push(options.path());
    let mut command = Command::new(tool);
    command
        .arg(defaults)
        .args(["--batch", "--default-character-set=utf8mb4", "--max-allowed-packet=1G"])
        .args(["--", name])
        .stdin(Stdio::piped());
    let file = File::open(dump).map_err(|source| DatabaseError::File {
        action: READ_DUMP,
        path: dump.to_path_buf(),
        source,
    })?;
    let output = fed(command, first.as_bytes().chain(file)).map_err(failed)?;
    judged(tool, url, &output)
}

/// What becomes of a program that is told `input`, all of it unless it wants no more.
fn fed(mut command: Command, mut input: impl Read + Send) -> io::Result<Output> {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
    let stdin = child.stdin.take();
    thread::scope(|scope| {
        // It may complain while it is still being told.
        let telling = scope.spawn(move || {
            let Some(mut stdin) = stdin else { return Ok(0) };
            io::copy(&mut input, &mut stdin)
        });
        let output = child.wait_with_output();
        match telling.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
            _ => output,
        }
    })
}

fn option_file(server: &Server) -> io::Result<NamedTempFile> {
    // The escapes of https://dev.mysql.com/doc/refman/8.4/en/option-files.html
    let quoted = |value: &str| {
        let escaped = value.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
        format!("\"{}\"", escaped.replace('\t', "\\t"))
    };
    let mut lines = vec!["[client]".to_owned()];
    let mut set = |name: &str, value: &str| lines.push(format!("{name}={}", quoted(value)));
    match address(server.endpoints.first().expect("a server has an endpoint")) {
        Address::Socket(path) => {
            set("protocol", "socket");
            set("socket", &path.to_string_lossy());
        }
        Address::Tcp(host, port) => {
            set("protocol", "tcp");
            set("host", &host);
            set("port", &port.to_string());
        }
    }
    if let Some(user) = &server.user {
        set("user", user);
    }
    if let Some(password) = &server.password {
        set("password", password.reveal());
    }
    let paths = [
        ("ssl-ca", &server.tls.root),
        ("ssl-cert", &server.tls.certificate),
        ("ssl-key", &server.tls.key),
    ];
    for (name, path) in paths {
        if let Some(path) = path {
            set(name, &path.to_string_lossy());
        }
    }
    let mut file = tempfile::Builder::new().prefix("dbm-git-").suffix(".cnf").tempfile()?;
    writeln!(file, "{}", lines.join("\n"))?;
    file.flush()?;
    Ok(file)
}

fn run(tool: &Path, url: &DatabaseUrl, mut command: Command) -> Result<(), DatabaseError> {
    let output = command
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .output()
        .map_err(|source| DatabaseError::Spawn { tool: shown(tool), source })?;
    judged(tool, url, &output)
}

/// An error with the end of what a tool has said, unless it has succeeded.
fn judged(tool: &Path, url: &DatabaseUrl, output: &Output) -> Result<(), DatabaseError> {
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text.trim().lines().collect();
    let mut kept = lines[lines.len().saturating_sub(KEPT_LINES)..].join("\n");
    for secret in url.secrets() {
        kept = kept.replace(secret.reveal(), "***");
    }
    Err(DatabaseError::Dump {
        tool: shown(tool),
        url: url.shown().to_owned(),
        status: output.status.to_string(),
        output: kept,
    })
}

fn shown(tool: &Path) -> String {
    tool.file_name().unwrap_or(tool.as_os_str()).to_string_lossy().into_owned()
}

#[cfg(unix)]
fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(not(unix))]
fn is_program(path: &Path) -> bool {
    path.is_file()
}
