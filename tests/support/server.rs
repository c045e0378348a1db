//! Real database servers, one of each kind for a test binary, with a fresh
//! database for each test.
//!
//! A server is started by testcontainers, else it is the one of a URL in the
//! environment, else it is started from programs of this machine; the run says
//! which. What was started is gone when the test binary is, however that ends:
//! a guard process waits for the end of a pipe that only this process has open.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{OnceLock, mpsc};
use std::thread;
use std::time::Duration;

use dbm_git::database::{DatabaseUrl, UrlParts};
use sqlx::mysql::MySqlConnection;
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Row};
use testcontainers::core::{IntoContainerPort, Mount, WaitFor};
use testcontainers::runners::SyncRunner;
use testcontainers::{Container, GenericImage, ImageExt};
use tokio::runtime::Runtime;

/// Of the servers that are started here.
const PASSWORD: &str = "dbm-git test";
/// How long a server may take until it listens.
const START: Duration = Duration::from_secs(120);

static POSTGRES: OnceLock<Started> = OnceLock::new();
static MARIADB: OnceLock<Started> = OnceLock::new();
static DATABASES: AtomicU32 = AtomicU32::new(0);

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Postgres,
    MariaDb,
}

/// A fresh database on a running server; dropped with this value.
pub struct Server {
    kind: Kind,
    admin: &'static UrlParts,
    name: String,
}

/// A connection that stays open, for transactions and locks.
pub struct Session {
    runtime: Runtime,
    connection: Open,
}

enum Open {
    Postgres(PgConnection),
    MariaDb(MySqlConnection),
}

/// A running server and what keeps it running: nothing for one of the environment.
struct Started {
    admin: UrlParts,
    _guard: Option<Guard>,
    _container: Option<Container<GenericImage>>,
}

/// A shell that cleans up once this process is gone.
struct Guard {
    _process: Child,
    /// Open as long as this process lives.
    _pipe: ChildStdin,
}

impl Server {
    /// A fresh database on PostgreSQL.
    pub fn postgres() -> Self {
        Self::fresh(Kind::Postgres)
    }

    /// A fresh database on MariaDB.
    pub fn mariadb() -> Self {
        Self::fresh(Kind::MariaDb)
    }

    fn fresh(kind: Kind) -> Self {
        let server = match kind {
            Kind::Postgres => &POSTGRES,
            Kind::MariaDb => &MARIADB,
        };
        let admin = &server.get_or_init(|| start(kind)).admin;
        let number = DATABASES.fetch_add(1, Ordering::Relaxed);
        let name = format!("dbm_git_{}_{number}", std::process::id());
        let server = Self { kind, admin, name };
        server.create();
        server
    }

    /// The URL as SQLAlchemy takes it, for psycopg or PyMySQL.
    pub fn url(&self) -> String {
        let admin = self.admin;
        let user = admin.user.as_deref().unwrap_or_default();
        self.url_of(user, admin.password.as_ref().map_or("", |password| password.reveal()))
    }

    /// The same for another user.
    pub fn url_of(&self, user: &str, password: &str) -> String {
        let scheme = match self.kind {
            Kind::Postgres => "postgresql+psycopg",
            Kind::MariaDb => "mysql+pymysql",
        };
        url(scheme, self.admin, user, password, &self.name)
    }

    pub fn database_url(&self) -> DatabaseUrl {
        DatabaseUrl::parse(&self.url(), Path::new("/")).expect("a database URL")
    }

    /// The database's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn host(&self) -> &str {
        self.admin.host.as_deref().unwrap_or("localhost")
    }

    pub fn port(&self) -> u16 {
        self.admin.port.unwrap_or(if self.kind == Kind::Postgres { 5432 } else { 3306 })
    }

    /// Runs any number of statements.
    #[track_caller]
    pub fn execute(&self, sql: &str) {
        self.session().execute(sql);
    }

    /// The first column of a query, which has to be text.
    #[track_caller]
    pub fn column(&self, sql: &str) -> Vec<String> {
        self.session().column(sql)
    }

    /// A connection to the database.
    #[track_caller]
    pub fn session(&self) -> Session {
        Session::open(self.kind, self.admin, &self.name).expect("a connection")
    }

    /// A connection to another database of the same server.
    #[track_caller]
    pub fn session_in(&self, name: &str) -> Session {
        Session::open(self.kind, self.admin, name).expect("a connection")
    }

    /// Drops the database and makes it anew, with nothing in it.
    #[track_caller]
    pub fn recreate(&self) {
        self.try_drop().expect("the database can be dropped");
        self.create();
    }

    #[track_caller]
    fn create(&self) {
        let mut session = self.admin_session().expect("a connection");
        let letters = if self.kind == Kind::Postgres { "" } else { " CHARACTER SET utf8mb4" };
        session.execute(&format!("CREATE DATABASE {}{letters}", self.name));
    }

    fn try_drop(&self) -> Result<(), sqlx::Error> {
        let force = if self.kind == Kind::Postgres { " WITH (FORCE)" } else { "" };
        self.admin_session()?.run(&format!("DROP DATABASE IF EXISTS {}{force}", self.name))
    }

    fn admin_session(&self) -> Result<Session, sqlx::Error> {
        let usual = if self.kind == Kind::Postgres { "postgres" } else { "mysql" };
        let name = self.admin.database.as_deref().filter(|name| !name.is_empty());
        Session::open(self.kind, self.admin, name.unwrap_or(usual))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A server of the environment lives on. If it is not there any more, so be it.
        let _ = self.try_drop();
    }
}

impl Session {
    fn open(kind: Kind, admin: &UrlParts, name: &str) -> Result<Self, sqlx::Error> {
        let runtime = runtime();
        let user = admin.user.as_deref().unwrap_or_default();
        let password = admin.password.as_ref().map_or("", |password| password.reveal());
        let connection = runtime.block_on(async {
            match kind {
                Kind::Postgres => {
                    let url = url("postgres", admin, user, password, name);
                    PgConnection::connect(&url).await.map(Open::Postgres)
                }
                Kind::MariaDb => {
                    let url = url("mysql", admin, user, password, name);
                    MySqlConnection::connect(&url).await.map(Open::MariaDb)
                }
            }
        });
        Ok(Self { connection: connection?, runtime })
    }

    /// Runs any number of statements.
    #[track_caller]
    pub fn execute(&mut self, sql: &str) {
        self.run(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn run(&mut self, sql: &str) -> Result<(), sqlx::Error> {
        let statements = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        match &mut self.connection {
            Open::Postgres(connection) => {
                self.runtime.block_on(statements.execute(connection)).map(|_| ())
            }
            Open::MariaDb(connection) => {
                self.runtime.block_on(statements.execute(connection)).map(|_| ())
            }
        }
    }

    /// A column of the only row that MariaDB answers with, by its name.
    #[track_caller]
    pub fn named(&mut self, sql: &str, column: &str) -> String {
        let statement = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let Open::MariaDb(connection) = &mut self.connection else { panic!("not of MariaDB") };
        let row = self.runtime.block_on(statement.fetch_one(connection));
        let text = row.and_then(|row| row.try_get_unchecked(column));
        text.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The first column of a query, which has to be text.
    #[track_caller]
    pub fn column(&mut self, sql: &str) -> Vec<String> {
        let statement = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
        let column: Result<Vec<String>, sqlx::Error> = match &mut self.connection {
            Open::Postgres(connection) => self
                .runtime
                .block_on(statement.fetch_all(connection))
                .and_then(|rows| rows.iter().map(|row| row.try_get(0)).collect()),
            Open::MariaDb(connection) => self
                .runtime
                .block_on(statement.fetch_all(connection))
                .and_then(|rows| rows.iter().map(|row| row.try_get(0)).collect()),
        };
        column.unwrap_or_else(|error| panic!("{sql}: {error}"))
    }
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn url(scheme: &str, admin: &UrlParts, user: &str, password: &str, name: &str) -> String {
    let escaped = |text: &str| -> String {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_.-~".contains(&byte);
        let escape = |byte: u8| {
            if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
        };
        text.bytes().map(escape).collect()
    };
    let host = match admin.host.as_deref().unwrap_or("localhost") {
        host if host.contains(':') => format!("[{host}]"),
        host => host.to_owned(),
    };
    let port = admin.port.map(|port| format!(":{port}")).unwrap_or_default();
    let query: Vec<String> = admin
        .query
        .iter()
        .map(|(key, value)| format!("{}={}", escaped(key), escaped(value.reveal())))
        .collect();
    let mark = if query.is_empty() { "" } else { "?" };
    let (user, password, query) = (escaped(user), escaped(password), query.join("&"));
    format!("{scheme}://{user}:{password}@{host}{port}/{name}{mark}{query}")
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Postgres => "PostgreSQL",
            Self::MariaDb => "MariaDB",
        }
    }

    fn image(self) -> (&'static str, &'static str) {
        match self {
            Self::Postgres => ("postgres", "15"),
            Self::MariaDb => ("mariadb", "10.11"),
        }
    }

    fn variable(self) -> &'static str {
        match self {
            Self::Postgres => "DBM_GIT_TEST_POSTGRES_URL",
            Self::MariaDb => "DBM_GIT_TEST_MARIADB_URL",
        }
    }

    fn package(self) -> &'static str {
        match self {
            Self::Postgres => "postgresql",
            Self::MariaDb => "mariadb-server",
        }
    }

    fn admin(self, host: &str, port: u16) -> UrlParts {
        let (scheme, user) = match self {
            Self::Postgres => ("postgresql", "postgres"),
            Self::MariaDb => ("mysql", "root"),
        };
        let password = PASSWORD.replace(' ', "%20");
        UrlParts::parse(&format!("{scheme}://{user}:{password}@{host}:{port}")).expect("a URL")
    }
}

/// Starts or finds a server, and says which.
fn start(kind: Kind) -> Started {
    let name = kind.name();
    let container = start_container(kind);
    let no_container = match container {
        Ok(started) => {
            let (image, tag) = kind.image();
            say(&format!("{name} by testcontainers ({image}:{tag})"));
            return started;
        }
        Err(reason) => reason,
    };
    if let Some(text) = std::env::var(kind.variable()).ok().filter(|text| !text.is_empty()) {
        let admin = UrlParts::parse(&text);
        let admin = admin.unwrap_or_else(|| panic!("{} is not a database URL", kind.variable()));
        say(&format!("{name} by the URL in {} ({no_container})", kind.variable()));
        return Started { admin, _guard: None, _container: None };
    }
    match start_local(kind) {
        Ok((started, programs)) => {
            let programs = programs.display();
            say(&format!("{name} by the programs in {programs} ({no_container})"));
            started
        }
        Err(reason) => panic!(
            "there is no {name} for the tests: no container ({no_container}), no URL in {}, and \
             no programs ({reason}). Install Docker and run tests/images/build, or set the \
             variable to the URL of a user who may create databases, or install the package \
             {}",
            kind.variable(),
            kind.package(),
        ),
    }
}

/// Past what the test harness would keep to itself.
fn say(text: &str) {
    writeln!(io::stderr(), "database tests: {text}").expect("stderr");
}

fn start_container(kind: Kind) -> Result<Started, String> {
    let docker = program("docker", &[]).ok_or("no docker program")?;
    let is_there = Command::new(&docker)
        .args(["version", "--format", "{{.Server.Version}}"])
        .stdin(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success());
    if !is_there {
        return Err("no Docker engine answers".to_owned());
    }
    let token = token(kind);
    let guard = Guard::new(
        "docker ps --all --quiet --filter \"label=dbm-git.test-server=$1\" |
             while read -r id; do docker rm --force --volumes \"$id\"; done",
        &[&token],
        Stdio::null(),
    );
    let (image, tag) = kind.image();
    let (port, ready, variable, data) = match kind {
        Kind::Postgres => (
            5432,
            "database system is ready to accept connections",
            "POSTGRES_PASSWORD",
            "/var/lib/postgresql/data",
        ),
        // While it is set up it listens on port 0.
        Kind::MariaDb => (3306, "port: 3306", "MARIADB_ROOT_PASSWORD", "/var/lib/mysql"),
    };
    let request = GenericImage::new(image, tag)
        .with_exposed_port(port.tcp())
        .with_wait_for(WaitFor::message_on_stderr(ready))
        .with_env_var(variable, PASSWORD)
        // In memory: nothing of it is kept, and layers of a container are slow.
        .with_mount(Mount::tmpfs_mount(data))
        .with_label("dbm-git.test-server", token)
        .with_startup_timeout(START);
    let container = request.start().map_err(|error| first_line(&error))?;
    let host = container.get_host().map_err(|error| first_line(&error))?.to_string();
    let port = container.get_host_port_ipv4(port.tcp()).map_err(|error| first_line(&error))?;
    // What Docker says is `localhost` may be a server of this machine on IPv6.
    let host = if host == "localhost" { "127.0.0.1" } else { &host };
    Ok(Started { admin: kind.admin(host, port), _guard: Some(guard), _container: Some(container) })
}

fn first_line(error: &dyn std::fmt::Display) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// A server of this machine's programs, with its data in a temporary folder.
fn start_local(kind: Kind) -> Result<(Started, PathBuf), String> {
    let (tool, script) = match kind {
        Kind::Postgres => ("postgres", POSTGRES_SCRIPT),
        Kind::MariaDb => ("mariadbd", MARIADB_SCRIPT),
    };
    let folders = ["/usr/sbin", "/usr/local/sbin", "/usr/lib/postgresql/*/bin"];
    let found = program(tool, &folders).ok_or_else(|| format!("no program `{tool}`"))?;
    let programs = found.parent().expect("a folder").to_path_buf();
    // Free now, and taken by nobody else in the next second.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    drop(listener);
    let token = token(kind);
    let folder = std::env::temp_dir().join(&token);
    let mut guard = Guard::new(
        script,
        &[&folder.to_string_lossy(), &programs.to_string_lossy(), &port.to_string(), PASSWORD],
        Stdio::piped(),
    );
    let stderr = guard._process.stderr.take().expect("piped");
    let (sender, lines) = mpsc::channel();
    // Reads on to the end, so that the server never waits for somebody to read.
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            // Nobody listens once it is ready.
            let _ = sender.send(line);
        }
    });
    let is_ready = |line: &str| match kind {
        Kind::Postgres => line.contains("database system is ready to accept connections"),
        Kind::MariaDb => line.contains(&format!("port: {port}")),
    };
    let mut said = Vec::new();
    loop {
        match lines.recv_timeout(START) {
            Ok(line) if is_ready(&line) => break,
            Ok(line) if line != "the server has ended" => said.push(line),
            _ => return Err(format!("`{tool}` did not start: {}", said.join("; "))),
        }
    }
    let admin = kind.admin("127.0.0.1", port);
    Ok((Started { admin, _guard: Some(guard), _container: None }, programs))
}

/// `$1` folder, `$2` programs, `$3` port, `$4` password. A server must not run
/// as root, so root gives the folder to the package's user, or to nobody.
const POSTGRES_SCRIPT: &str = r#"
as=
mkdir -m 700 "$1" || exit 1
printf '%s' "$4" >"$1/password"
if [ "$(id -u)" -eq 0 ]; then
    user=$(id -un postgres 2>/dev/null || echo nobody)
    chown -R "$user" "$1"
    as="setpriv --reuid=$user --regid=$(id -g "$user") --clear-groups"
fi
$as "$2/initdb" --pgdata="$1/data" --username=postgres --pwfile="$1/password" --no-sync \
    --auth=scram-sha-256 --encoding=UTF8 --locale=C >"$1/log" 2>&1 || cat "$1/log" >&2
{
    $as "$2/postgres" -D "$1/data" -k "$1" -c listen_addresses=127.0.0.1 -p "$3" -c fsync=off
    echo 'the server has ended' >&2
} &
wait_for_end
kill -INT "$(head -n 1 "$1/data/postmaster.pid")"
wait
rm -rf "$1"
"#;

const MARIADB_SCRIPT: &str = r#"
user=$(id -un)
mkdir -m 700 "$1" || exit 1
printf "ALTER USER root@localhost IDENTIFIED BY '%s';\nCREATE USER root@'127.0.0.1' IDENTIFIED BY '%s';\nGRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n" "$4" "$4" >"$1/init.sql"
if [ "$user" = root ]; then
    user=$(id -un mysql 2>/dev/null || echo nobody)
    chown -R "$user" "$1"
fi
install=$(PATH="$PATH:$2:${2%/*}/bin" command -v mariadb-install-db || echo mariadb-install-db)
"$install" --no-defaults --user="$user" --datadir="$1/data" --skip-test-db \
    --auth-root-authentication-method=normal >"$1/log" 2>&1 || cat "$1/log" >&2
{
    "$2/mariadbd" --no-defaults --user="$user" --datadir="$1/data" --socket="$1/socket" \
        --pid-file="$1/pid" --bind-address=127.0.0.1 --port="$3" --init-file="$1/init.sql"
    echo 'the server has ended' >&2
} &
wait_for_end
kill -TERM "$(cat "$1/pid")"
wait
rm -rf "$1"
"#;

impl Guard {
    /// Runs a script that may do something, then has to `wait_for_end`, and
    /// cleans up after that; one that does not wait only cleans up.
    fn new(script: &str, arguments: &[&str], stderr: Stdio) -> Self {
        let waits = script.contains("wait_for_end");
        let script = format!(
            "wait_for_end() {{ cat >/dev/null; }}\n{}\n{script}\n{}",
            if waits { "" } else { "wait_for_end" },
            // `tests/run` waits until nothing is left in there.
            "[ -z \"$entry\" ] || rm -f \"$entry\"",
        );
        let mut command = Command::new("sh");
        command.args(["-c", &script, "guard"]).args(arguments).env("entry", "");
        if let Some(folder) = std::env::var_os("DBM_GIT_TEST_SERVERS") {
            let entry = PathBuf::from(folder).join(arguments[0].replace('/', "-"));
            fs::write(&entry, "").expect("a writable folder");
            command.env("entry", entry);
        }
        let mut process = command
            // What stops the tests from the keyboard must not stop the guard.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(stderr)
            .spawn()
            .expect("a shell");
        let pipe = process.stdin.take().expect("piped");
        Self { _process: process, _pipe: pipe }
    }
}

/// Tells this server from those of other runs.
fn token(kind: Kind) -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let moment = now.expect("after 1970").as_micros();
    format!("dbm-git-{}-{}-{moment:x}", kind.name().to_lowercase(), std::process::id())
}

/// A program in PATH, or in other folders, of which a `*` stands for any, the last first.
pub fn program(name: &str, folders: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for folder in folders {
        match folder.split_once("/*") {
            None => places.push(folder.into()),
            Some((above, below)) => {
                let entries = fs::read_dir(above).into_iter().flatten().flatten();
                let mut versions: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
                versions.sort_by_key(|path| {
                    path.file_name().and_then(|n| n.to_str()).and_then(|n| n.parse::<u32>().ok())
                });
                let below = below.trim_start_matches('/');
                places.extend(versions.iter().rev().map(|version| version.join(below)));
            }
        }
    }
    places.into_iter().map(|folder| folder.join(name)).find(|program| program.is_file())
}
