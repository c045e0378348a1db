//! A password in a URL is found in none of more than a thousand outputs, nor in
//! any file that dbm-git keeps: whatever the command, wherever the URL stands,
//! whatever alembic says about it.
#![expect(clippy::disallowed_methods, reason = "tests set up and look at the real world")]

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Mutex;

use super::support::TestRepo;

/// A password that has to be escaped in a URL, and the ways to write it.
const PASSWORD: &str = "s3cr%et/p@ss";
const ESCAPED: &str = "s3cr%25et%2Fp%40ss";
const LOWER: &str = "s3cr%25et%2fp%40ss";
/// As an ini writes the percent signs of the escaped one.
const IN_INI: &str = "s3cr%%25et%%2Fp%%40ss";
/// One that needs no escaping.
const PLAIN: &str = "hunter2secret";

const NEEDLES: [&str; 5] = [PASSWORD, ESCAPED, LOWER, IN_INI, PLAIN];

/// An alembic that says all that it was told, in every way that drivers and
/// tracebacks have, and fails.
const TALKATIVE: &str = r#"#!/bin/sh
echo "args: $*"
echo "variable: $APP_DATABASE_URL"
while [ $# -gt 0 ]; do
    if [ "$1" = "-c" ]; then cat "$2"; fi
    shift
done
cat alembic.ini
cat alembic.ini >&2
echo "sqlalchemy.exc.OperationalError: connection to $APP_DATABASE_URL failed" >&2
exit 1
"#;

/// Where the URL stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    InTheIni,
    InTheVariable,
    InTheConfiguration,
    OnTheCommandLine,
}

const EVERYWHERE: [Stands; 4] =
    [Stands::InTheIni, Stands::InTheVariable, Stands::InTheConfiguration, Stands::OnTheCommandLine];

/// URLs with a password: reachable, refused, of a foreign dialect, malformed.
fn urls() -> Vec<String> {
    let mut urls = Vec::new();
    for password in [ESCAPED, PLAIN] {
        for place in [
            // Nobody listens at port 1.
            format!("postgresql+psycopg://me:{password}@127.0.0.1:1/app"),
            format!("postgresql://127.0.0.1:1/app?user=me&password={password}"),
            format!("mysql+pymysql://me:{password}@127.0.0.1:1/app?ssl_key_passphrase={password}"),
            format!("sqlite:///db.sqlite?password={password}"),
            format!("oracle+cx_oracle://me:{password}@127.0.0.1:1/app"),
            format!("mssql+pyodbc:///?odbc_connect=DRIVER%3Dx%3BPWD%3D{password}"),
            format!("postgresql://me:{password}@[::1/app"),
            format!("me:{password}@127.0.0.1/app"),
        ] {
            urls.push(place);
        }
    }
    urls.push(format!("postgresql+psycopg://me:{LOWER}@127.0.0.1:1/app"));
    urls
}

/// What is run; with no database URL on the command line where it takes none.
const COMMANDS: [(&[&str], bool); 16] = [
    (&["status"], true),
    (&["sync", "--allow-remote"], true),
    (&["sync", "--dry-run"], true),
    (&["migrate"], true),
    (&["migrate", "--dry-run", "--direction", "downgrade", "--target", "base"], true),
    (&["create", "-m", "more", "--autogenerate"], true),
    (&["create", "-m", "more"], false),
    (&["rebase", "--apply"], true),
    (&["merge", "--apply"], true),
    (&["check"], false),
    (&["doctor"], true),
    (&["hook", "post-merge", "0"], false),
    (&["hook", "post-checkout", "HEAD~1", "HEAD", "1"], false),
    (&["undo"], true),
    (&["recover", "--rollback"], false),
    (&["log"], false),
];

/// A project whose database URL stands there, with the talkative alembic.
fn project(stands: Stands, url: &str) -> (TestRepo, OsString) {
    let repo = TestRepo::new();
    let mut toml = "[components.default]\nconfig = \"alembic.ini\"\n".to_owned();
    match stands {
        Stands::InTheIni => {
            let ini = repo.read("alembic.ini");
            let url = url.replace('%', "%%");
            repo.write("alembic.ini", ini.replace("sqlite:///db.sqlite", &url));
        }
        Stands::InTheVariable => toml += "database-url-env = \"APP_DATABASE_URL\"\n",
        Stands::InTheConfiguration => toml += &format!("database-url = \"{url}\"\n"),
        Stands::OnTheCommandLine => {}
    }
    repo.write("dbm-git.toml", toml);
    let repo = repo.adds("<base> -> a, root").publish("main");
    let repo = repo.branch("feature").adds("a -> f, mine").on("main", "a -> m, theirs");
    let repo = repo.publish("main").switch("feature");
    let tools = repo.home().join("bin");
    fs::create_dir_all(&tools).expect("a folder");
    let alembic = tools.join("alembic");
    fs::write(&alembic, TALKATIVE).expect("written");
    fs::set_permissions(&alembic, fs::Permissions::from_mode(0o755)).expect("set");
    let system = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(tools).chain(std::env::split_paths(&system));
    (repo, std::env::join_paths(path).expect("plain names"))
}

/// Fails if any spelling of a password is in there.
#[track_caller]
fn is_clean(what: &str, bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    for needle in NEEDLES {
        if let Some(at) = text.find(needle) {
            let from = text[..at].rfind('\n').map_or(0, |line| line + 1);
            let line = text[from..].lines().next().unwrap_or_default();
            panic!("{what} shows `{needle}`:\n{line}\n--- all of it:\n{text}");
        }
    }
}

/// Looks through all files below `folder`, and returns how many there were.
fn look_through(folder: &Path, what: &str) -> usize {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let mut files = 0;
    for entry in entries {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            files += look_through(&path, what);
        } else {
            let bytes = fs::read(&path).expect("readable");
            is_clean(&format!("{what}: {}", path.display()), &bytes);
            files += 1;
        }
    }
    files
}

fn run(mut command: Command, words: &[&str], format: Option<&str>) -> Output {
    command.args(words);
    if let Some(format) = format {
        command.args(["--format", format]);
    }
    command.output().expect("it runs")
}

/// Runs all commands with one URL in one place; returns how many outputs and
/// files were looked through.
fn look_at_all(stands: Stands, url: &str) -> (usize, usize) {
    let (repo, path) = project(stands, url);
    let mut outputs = 0;
    let keeps = repo.path().join(".git/dbm-git");
    for (at, (words, takes_url)) in COMMANDS.into_iter().enumerate() {
        let mut words = words.to_vec();
        if stands == Stands::OnTheCommandLine {
            if !takes_url {
                continue;
            }
            words.extend(["--database-url", url]);
        }
        let is_hook = words[0] == "hook";
        if is_hook {
            // Something has to have changed.
            let _ = fs::remove_file(keeps.join("seen"));
        }
        // Both forms meet every command, with one half of the URLs each.
        let format = (!is_hook && (at + url.len()).is_multiple_of(2)).then_some("json");
        let mut command = repo.dbm_command();
        command.env("PATH", &path);
        if stands == Stands::InTheVariable {
            command.env("APP_DATABASE_URL", url);
        }
        let output = run(command, &words, format);
        let what = format!("{words:?} {format:?}, {url} {stands:?}");
        is_clean(&what, &output.stdout);
        is_clean(&what, &output.stderr);
        assert_ne!(output.status.code(), Some(101), "{what} ended by a panic");
        outputs += 2;
    }
    (outputs, look_through(&keeps, &format!("{url} {stands:?}")))
}

#[test]
fn a_password_is_found_in_no_output_and_no_file_that_is_kept() {
    let work: Vec<(Stands, String)> =
        EVERYWHERE.iter().flat_map(|s| urls().into_iter().map(|url| (*s, url))).collect();
    let work = Mutex::new(work.into_iter());
    let totals = Mutex::new((0, 0));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let Some((stands, url)) = work.lock().expect("whole").next() else { break };
                    let (outputs, files) = look_at_all(stands, &url);
                    let mut totals = totals.lock().expect("whole");
                    *totals = (totals.0 + outputs, totals.1 + files);
                }
            });
        }
    });
    let (outputs, files) = *totals.lock().expect("whole");
    assert!(outputs > 1_000 && files > 100, "only {outputs} outputs and {files} files");
}

#[test]
fn the_search_finds_what_is_there() {
    let repo = TestRepo::new();
    for needle in NEEDLES {
        repo.write("sub/kept.txt", format!("some\nurl://me:{needle}@host\n"));
        let search = || look_through(&repo.path().join("sub"), "a file");
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(search)).is_err());
    }
}
