//! What a URL says, held against the real SQLAlchemy.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use dbm_git::database::UrlParts;
use serde::Deserialize;

use crate::support::{Random, test_python};

/// Reads a JSON string per line, and answers with what `make_url` makes of it.
const ORACLE: &str = r#"
import json, sys
from sqlalchemy.engine import make_url

def answer(text):
    try:
        url = make_url(text)
    except Exception as error:
        return None
    return {
        "scheme": url.drivername, "user": url.username, "password": url.password,
        "host": url.host, "port": url.port, "database": url.database,
        "query": {k: [v] if isinstance(v, str) else list(v) for k, v in url.query.items()},
        "shown": url.render_as_string(hide_password=True),
    }

for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))))
"#;

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    scheme: String,
    user: Option<String>,
    password: Option<String>,
    host: Option<String>,
    port: Option<i64>,
    database: Option<String>,
    query: BTreeMap<String, Vec<String>>,
    shown: String,
}

fn ask(urls: &[String]) -> Vec<Option<Answer>> {
    let mut python = Command::new(test_python())
        .args(["-c", ORACLE])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("Python");
    let mut questions = String::new();
    for url in urls {
        questions += &serde_json::to_string(url).expect("JSON");
        questions.push('\n');
    }
    let mut stdin = python.stdin.take().expect("piped");
    let writer = std::thread::spawn(move || stdin.write_all(questions.as_bytes()));
    let output = python.wait_with_output().expect("Python");
    writer.join().expect("no panic").expect("all questions are read");
    let answers = String::from_utf8(output.stdout).expect("UTF-8");
    answers.lines().map(|line| serde_json::from_str(line).expect("an answer")).collect()
}

fn ours(url: &str) -> Option<Answer> {
    let parts = UrlParts::parse(url)?;
    let mut query: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in &parts.query {
        query.entry(key.clone()).or_default().push(value.reveal().to_owned());
    }
    Some(Answer {
        shown: parts.shown(),
        scheme: parts.scheme.clone(),
        user: parts.user.clone(),
        password: parts.password.as_ref().map(|password| password.reveal().to_owned()),
        host: parts.host.clone(),
        port: parts.port.map(i64::from),
        database: parts.database.clone(),
        query,
    })
}

#[track_caller]
fn compare(urls: &[String]) {
    let answers = ask(urls);
    assert_eq!(answers.len(), urls.len());
    for (url, theirs) in urls.iter().zip(answers) {
        let mut ours = ours(url);
        let is_port = |port: i64| u16::try_from(port).is_ok();
        if theirs.as_ref().and_then(|theirs| theirs.port).is_some_and(|port| !is_port(port)) {
            assert_eq!(ours, None, "{url}");
            continue;
        }
        if let (Some(ours), Some(theirs)) = (&mut ours, &theirs) {
            // There SQLAlchemy shows a part of the password; see `UrlParts::shown`.
            let is_stray = |part: &Option<String>| part.as_ref().is_some_and(|p| p.contains('@'));
            if theirs.password.is_some() && (is_stray(&theirs.host) || is_stray(&theirs.database)) {
                assert!(ours.shown.contains(":***@***@"), "{url}: {}", ours.shown);
                ours.shown.clone_from(&theirs.shown);
            }
        }
        assert_eq!(ours, theirs, "{url}");
    }
}

#[test]
fn a_url_says_what_it_says_to_sqlalchemy() {
    let urls = [
        "postgresql://scott:tiger@localhost/mydatabase",
        "postgresql+psycopg2://scott:tiger@localhost:5432/mydatabase",
        "postgresql+asyncpg://user:p%40ss%3Aw%2Frd%25@host/db?ssl=require",
        "postgresql+pg8000://me@/db?unix_sock=/tmp/.s.PGSQL.5432",
        "postgresql://user:a+b@host/db",
        "postgresql://user:a%2Bb%20c@host/db+name?options=-c%20search_path%3Da+b",
        "postgresql://me:pass/with:slash?and#more@host/db",
        "postgresql://me:p@ss@host/db",
        "postgresql://me@host:5432/db",
        "postgresql://me@host:5432/db?x=a@b",
        "postgresql://a@b@host/db",
        "postgresql://[::1]:5432/db",
        "postgresql://u:p@[fe80::1%25eth0]/db",
        "postgresql:///db?host=/var/run/postgresql&port=5433",
        "postgresql:///?host=a:1&host=b:2",
        "postgresql://host",
        "postgresql://host/",
        "postgresql://",
        "postgresql://:@h",
        "postgresql://@h/",
        "postgresql://h:/db",
        "postgresql://h:port/db",
        "postgres://legacy@h/d",
        "mysql+pymysql://root:%21%23%24%26@127.0.0.1:3306/d?charset=utf8mb4&unix_socket=/a%20b",
        "mysql+mysqldb://u:ü@hôst/d%C3%A9?x=%FF&empty=&novalue&y=1=2",
        "mariadb+mariadbconnector://u:p@h/d?ssl_ca=/ca.pem&ssl_ca=/other.pem",
        "sqlite://",
        "sqlite:///",
        "sqlite:///:memory:",
        "sqlite:///relative/path.db",
        "sqlite:////absolute/path.db",
        "sqlite+aiosqlite:///a%20b@c:d.db?timeout=5",
        "sqlite:///file:app.db?mode=ro&uri=true",
        "sqlite:///C:\\path\\app.db",
        "not a url",
        "a-b://h/d",
        "://h/d",
        "",
    ];
    compare(&urls.map(str::to_owned));
}

#[test]
fn generated_urls_say_what_they_say_to_sqlalchemy() {
    let mut random = Random::new(7);
    let urls: Vec<String> = (0..3000).map(|_| generated(&mut random)).collect();
    compare(&urls);
}

fn generated(random: &mut Random) -> String {
    let schemes = &["postgresql", "mysql+pymysql", "sqlite", "postgresql+psycopg"];
    let mut url = format!("{}://", random.pick(schemes));
    if random.chance(70) {
        url += &text(random);
        if random.chance(80) {
            url += &format!(":{}", text(random));
        }
        url.push('@');
    }
    if random.chance(80) {
        let hosts = &["localhost", "db.example", "[::1]", "[fe80::1]", "[", "127.0.0.1", "a-b_c"];
        url += *random.pick(hosts.as_slice());
    }
    if random.chance(40) {
        url += &format!(":{}", random.below(65536));
    }
    if random.chance(80) {
        url += &format!("/{}", text(random));
    }
    for at in 0..random.below(4) {
        let keys = &["host", "sslmode", "x y", "options", "é"];
        url.push(if at == 0 { '?' } else { '&' });
        url += &format!("{}={}", random.pick(keys), text(random));
    }
    url
}

/// What people and programs put between the marks of a URL, the marks themselves included.
fn text(random: &mut Random) -> String {
    let pieces = &[
        "a",
        "B",
        "7",
        "-",
        ".",
        "~",
        "+",
        " ",
        "%20",
        "%2B",
        "%40",
        "%3a",
        "%2F",
        "%25",
        "%",
        "%zz",
        "%C3%A9",
        "é",
        "@",
        ":",
        "/",
        "?",
        "#",
        "&",
        "=",
        ";",
        "!",
        "$",
        "'",
        "\"",
        "\\",
        "[",
        "]",
        "%f0%9f%90%98",
    ];
    (0..random.below(6)).map(|_| *random.pick(pieces)).collect()
}
