//! Steps in a database: `sync` killed at any point, or at any moment, can be
//! finished or taken back, and no revision runs twice on the way.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use super::FAULT;
use super::python::{AlembicServer, Hands};
use super::support::{Random, Run, Server, StatusJson, TestRepo, VERSIONS};

/// Has every migration write a line, whatever becomes of its transaction.
const LOG: &str = "DBM_GIT_TEST_RAN";

/// A repository whose database has a skipped revision, a foreign one and one
/// that is pending, with rows in all of its tables.
///
/// ```text
/// the database: a -> f -> x
/// the files:    a -> m -> f -> p
/// ```
struct Project {
    repo: TestRepo,
    server: Option<Server>,
    /// Where an `alembic` is that starts at once.
    tools: PathBuf,
    /// What the repository and the file of the database had when they were made.
    saved: BTreeMap<PathBuf, Vec<u8>>,
}

impl Project {
    fn on_a_file(alembic: &AlembicServer) -> Self {
        Self::with(alembic, None)
    }

    fn with(alembic: &AlembicServer, server: Option<Server>) -> Self {
        let repo = TestRepo::new();
        if let Some(server) = &server {
            let ini = repo.read("alembic.ini");
            let url = server.url().replace('%', "%%");
            repo.write("alembic.ini", ini.replace("sqlite:///db.sqlite", &url));
        }
        let tools = repo.home().join("bin");
        alembic.write_client(&tools, &BTreeMap::new());
        let mut project = Self { repo, server, tools, saved: BTreeMap::new() };
        project.add("<base> -> a, root\na -> f, feature");
        project.repo.git(["switch", "--quiet", "--create", "other"]);
        project.add("f -> x, elsewhere");
        project.alembic(&["upgrade", "head"]);
        for table in ["t_a", "t_f", "t_x"] {
            project.execute(&format!("INSERT INTO {table} (id) VALUES (7)"));
        }
        assert_eq!(project.state(), "up-to-date");
        project.repo.git(["switch", "--quiet", "main"]);
        project.add("a -> m, main work\nf -> p, pending");
        let path = format!("{VERSIONS}/f_feature.py");
        let text = project.repo.read(&path);
        let down = "down_revision: Union[str, Sequence[str], None] = ";
        project.repo.write(&path, text.replace(&format!("{down}'a'"), &format!("{down}'m'")));
        project.repo.commit("Rewrite by hand");
        assert_eq!(project.state(), "foreign");
        project.forget_what_ran();
        project.saved = project.files();
        project
    }

    /// Commits scripts that log what they do.
    fn add(&self, notation: &str) {
        self.repo.write_revisions(notation);
        for (path, bytes) in self.repo.files_in(VERSIONS) {
            let text = String::from_utf8(bytes).expect("a script");
            if text.contains(LOG) {
                continue;
            }
            let id =
                path.rsplit('/').next().and_then(|name| name.split('_').next()).expect("an id");
            // Plain enough for a footprint that is known completely.
            let log = |way: &str| {
                format!("    print('{way} {id}', file=open(os.environ['{LOG}'], 'a'))\n")
            };
            let text = ["upgrade", "downgrade"].iter().fold(text, |text, name| {
                let start = format!("def {name}() -> None:\n");
                text.replace(&start, &format!("{start}{}", log(name)))
            });
            let text =
                text.replace("import sqlalchemy as sa\n", "import sqlalchemy as sa\nimport os\n");
            self.repo.write(&path, text);
        }
        self.repo.commit("Add scripts");
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.repo.command(program);
        let path = std::env::var("PATH").expect("a PATH");
        command.env("PATH", format!("{}:{path}", self.tools.display())).env(LOG, self.log());
        command
    }

    fn dbm(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(env!("CARGO_BIN_EXE_dbm-git"));
        command.args(arguments);
        command
    }

    #[track_caller]
    fn alembic(&self, arguments: &[&str]) {
        let alembic = self.tools.join("alembic");
        let mut command = self.command(alembic.to_str().expect("a plain path"));
        Run::of(command.args(arguments)).expect_code(0);
    }

    fn execute(&self, sql: &str) {
        match &self.server {
            Some(server) => server.execute(sql),
            None => {
                let mut hands = Hands::start();
                hands.sql(&self.url(), &[sql]);
            }
        }
    }

    fn url(&self) -> String {
        match &self.server {
            Some(server) => server.url(),
            None => format!("sqlite:///{}", self.repo.path().join("db.sqlite").display()),
        }
    }

    fn log(&self) -> PathBuf {
        self.repo.home().join("ran")
    }

    /// What ran since this was asked last, in order.
    fn what_ran(&self) -> Vec<String> {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn forget_what_ran(&self) {
        fs::write(self.log(), "").expect("a writable home");
    }

    #[track_caller]
    fn status(&self) -> String {
        Run::of(&mut self.dbm(&["status", "--format", "json"])).expect_code(0).stdout
    }

    #[track_caller]
    fn state(&self) -> String {
        let json: StatusJson = serde_json::from_str(&self.status()).expect("JSON");
        json.components[0].state.clone()
    }

    /// Version rows, tables, and the ids in them.
    fn content(&self, hands: &mut Hands) -> String {
        let url = self.url();
        let mut text: Vec<String> = hands.version_rows(&url).into_iter().collect();
        for table in hands.schema(&url).keys() {
            let rows = hands.sql(&url, &[&format!("SELECT id FROM {table} ORDER BY id")]);
            text.push(format!("{table}{rows:?}"));
        }
        text.join(" ")
    }

    /// The files that change when a database does.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let root = self.repo.path();
        let mut folders = vec![root.clone(), root.join(".git/dbm-git")];
        let mut files = BTreeMap::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).into_iter().flatten() {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    if folder != root {
                        folders.push(path);
                    }
                } else {
                    files.insert(path.clone(), fs::read(path).expect("a file"));
                }
            }
        }
        files
    }

    /// Puts all of them back, in place: the database stays the same file.
    fn reset(&self) {
        for path in self.files().keys().filter(|path| !self.saved.contains_key(*path)) {
            fs::remove_file(path).expect("a file");
        }
        for (path, bytes) in &self.saved {
            fs::write(path, bytes).expect("a writable file");
        }
        self.forget_what_ran();
    }

    /// One whose migrations do a lot, and say so.
    fn talkative(alembic: &AlembicServer, server: Option<Server>) -> Self {
        let mut project = Self::with(alembic, server);
        for (path, bytes) in project.repo.files_in(VERSIONS) {
            let text = String::from_utf8(bytes).expect("a script");
            let long: String = (0..20)
                .map(|n| {
                    format!(
                        "    print('working', {n})\n    \
                         op.create_table('w{n}', sa.Column('id', sa.Integer()))\n    \
                         op.drop_table('w{n}')\n"
                    )
                })
                .collect();
            let talks = |text: String, name: &str| {
                let (start, body) = text.split_once(name).expect("a function");
                let end = body.find("\n\n\n").map_or(body.len(), |end| end + 1);
                format!("{start}{name}{}{long}{}", &body[..end], &body[end..])
            };
            // Only what has not run may change; what goes down is another text.
            if path.contains("/m_") || path.contains("/p_") {
                project.repo.write(&path, talks(text, "def upgrade() -> None:\n"));
            }
        }
        project.repo.commit("Talk");
        assert_eq!(project.state(), "foreign");
        project.saved = project.files();
        project
    }

    /// Kills `sync`, with all that is in its process group, once it has said
    /// that much; `false` if it was done by then.
    fn is_killed_after(&self, bytes: usize) -> bool {
        let mut command = self.dbm(&["sync", "--no-verify"]);
        command.process_group(0).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut sync = command.spawn().expect("started");
        let mut stderr = sync.stderr.take().expect("piped");
        let read = io::copy(&mut (&mut stderr).take(bytes as u64), &mut io::sink());
        read.expect("readable");
        let group = format!("-{}", sync.id());
        // It may be gone by now.
        Run::of(Command::new("kill").args(["-s", "KILL", "--", &group]));
        let status = sync.wait().expect("an end");
        !status.success()
    }

    /// `sync` that dies at a point.
    fn sync_until(&self, point: usize) -> Output {
        let mut command = self.dbm(&["sync", "--no-verify"]);
        command.env(FAULT, point.to_string()).output().expect("started")
    }
}

/// What ran when everything went well.
const ALL: [&str; 3] = ["downgrade x", "upgrade m", "upgrade p"];
const BEFORE: &str = "x t_a[[\"7\"]] t_f[[\"7\"]] t_x[[\"7\"]]";
/// The first point at which the operation is written down, and its steps are not.
const FIRST_STEP: usize = 7;
/// A point between the running of a step and its mark.
const MIDDLE: usize = 15;
const AFTER: &str = "p t_a[[\"7\"]] t_f[[\"7\"]] t_m[] t_p[]";

/// Has it end well, whatever is in the way.
#[track_caller]
fn finish(project: &Project, hands: &mut Hands, point: &str) {
    Run::of(&mut project.dbm(&["recover"])).expect_code(0);
    // What was not even written down is not finished by anybody.
    Run::of(&mut project.dbm(&["sync", "--no-verify"])).expect_code(0);
    assert_eq!(project.content(hands), AFTER, "{point}");
    assert_eq!(project.state(), "up-to-date", "{point}");
}

#[test]
fn a_sync_killed_at_any_point_is_finished_and_nothing_runs_twice() {
    let (alembic, mut hands) = (AlembicServer::start(), Hands::start());
    let project = Project::on_a_file(&alembic);
    assert_eq!(project.content(&mut hands), BEFORE);
    let mut points = Vec::new();
    for number in 1.. {
        let output = project.sync_until(number);
        let Some(name) = point_of(&output) else { break };
        finish(&project, &mut hands, &name);
        assert_eq!(project.what_ran(), ALL, "{name}");
        points.push(name);
        project.reset();
    }
    assert!(points.len() > 20, "{points:?}");
}

#[test]
fn a_sync_killed_at_any_point_is_taken_back_with_all_data() {
    let (alembic, mut hands) = (AlembicServer::start(), Hands::start());
    let project = Project::on_a_file(&alembic);
    let status = project.status();
    let mut ends = Vec::new();
    for number in 1.. {
        let output = project.sync_until(number);
        let Some(name) = point_of(&output) else { break };
        Run::of(&mut project.dbm(&["recover", "--rollback"])).expect_code(0);
        let content = project.content(&mut hands);
        if content != AFTER {
            assert_eq!(content, BEFORE, "{name}");
            assert_eq!(project.status(), status, "{name}");
            // And all is as if it had never begun.
            Run::of(&mut project.dbm(&["sync", "--no-verify"])).expect_code(0);
            assert_eq!(project.content(&mut hands), AFTER, "{name}");
        }
        assert_eq!(project.state(), "up-to-date", "{name}");
        ends.push(content == AFTER);
        project.reset();
    }
    // Once the last step is marked as done, and when all is done, nothing is left to take back.
    let is_done = |at: usize| at + 2 >= ends.len();
    assert!(ends.iter().enumerate().all(|(at, &end)| end == is_done(at)), "{ends:?}");
}

#[test]
fn a_recovery_of_steps_killed_at_any_point_can_be_recovered() {
    let (alembic, mut hands) = (AlembicServer::start(), Hands::start());
    let project = Project::on_a_file(&alembic);
    let mut points = 0;
    for number in 1.. {
        let died = point_of(&project.sync_until(MIDDLE)).expect("dead");
        assert!(died.contains("`step: ran`"), "{died}");
        Run::of(&mut project.dbm(&["sync", "--no-verify"])).expect_code(5);
        let mut recover = project.dbm(&["recover"]);
        let output = recover.env(FAULT, number.to_string()).output().expect("started");
        let Some(name) = point_of(&output) else { break };
        finish(&project, &mut hands, &name);
        assert_eq!(project.what_ran(), ALL, "{name}");
        points += 1;
        project.reset();
    }
    assert!(points > 10, "only {points} points");
}

#[test]
fn on_postgresql_too_a_sync_killed_at_any_step_is_finished_and_nothing_runs_twice() {
    let (alembic, mut hands) = (AlembicServer::start(), Hands::start());
    let mut points = 0;
    for number in FIRST_STEP.. {
        let project = Project::with(&alembic, Some(Server::postgres()));
        let Some(name) = point_of(&project.sync_until(number)) else { break };
        assert!(name.contains("`step"), "{name}");
        finish(&project, &mut hands, &name);
        assert_eq!(project.what_ran(), ALL, "{name}");
        points += 1;
    }
    assert!(points > 15, "only {points} points");
}

#[test]
fn on_postgresql_a_sync_killed_at_any_step_is_taken_back_with_what_was_not_dropped() {
    let (alembic, mut hands) = (AlembicServer::start(), Hands::start());
    let (mut whole, mut dropped) = (0, 0);
    for number in FIRST_STEP.. {
        let project = Project::with(&alembic, Some(Server::postgres()));
        let status = project.status();
        let Some(name) = point_of(&project.sync_until(number)) else { break };
        Run::of(&mut project.dbm(&["recover", "--rollback"])).expect_code(0);
        match project.content(&mut hands).as_str() {
            BEFORE => whole += 1,
            // There was nothing left to take back.
            AFTER => continue,
            content => {
                assert_eq!(content, without_what_was_dropped(BEFORE), "{name}");
                dropped += 1;
            }
        }
        assert_eq!(project.status(), status, "{name}");
        Run::of(&mut project.dbm(&["sync", "--no-verify"])).expect_code(0);
        assert_eq!(project.content(&mut hands), AFTER, "{name}");
        assert_eq!(project.state(), "up-to-date", "{name}");
    }
    assert!(whole > 3 && dropped > 10, "{whole}, {dropped}");
}

/// How often a sync is killed at moments that nobody has chosen; a variable of
/// the environment has it happen more often.
const KILLS: (&str, usize) = ("DBM_GIT_TEST_KILLS", 20);

fn kills() -> usize {
    std::env::var(KILLS.0).map_or(KILLS.1, |rounds| rounds.parse().expect("a number"))
}

#[test]
fn a_sync_killed_at_any_moment_is_finished_or_taken_back_with_all_data() {
    let rounds = kills();
    let (alembic, mut hands) = (AlembicServer::start(), Hands::start());
    let project = Project::talkative(&alembic, None);
    let status = project.status();
    let said = Run::of(&mut project.dbm(&["sync", "--no-verify"])).expect_code(0).stderr.len();
    project.reset();
    let mut random = Random::new(20);
    let mut interrupted = 0;
    for round in 0..rounds {
        let bytes = random.below(said);
        let is_back = random.chance(50);
        if !project.is_killed_after(bytes) {
            assert_eq!(project.content(&mut hands), AFTER, "round {round}");
            project.reset();
            continue;
        }
        let mode = if is_back { "--rollback" } else { "--finish" };
        let recover = Run::of(&mut project.dbm(&["recover", mode]));
        assert_eq!(recover.code, 0, "round {round}, {bytes} bytes: {recover}");
        // Killed before it began, or after its last step, it has left nothing open.
        let was_open = !recover.stdout.contains("nothing to recover");
        interrupted += usize::from(was_open);
        if !was_open {
            let content = project.content(&mut hands);
            assert!([BEFORE, AFTER].contains(&content.as_str()), "round {round}: {content}");
        } else if is_back {
            assert_eq!(project.content(&mut hands), BEFORE, "round {round}, {bytes} bytes");
            assert_eq!(project.status(), status, "round {round}, {bytes} bytes");
        }
        Run::of(&mut project.dbm(&["sync", "--no-verify"])).expect_code(0);
        assert_eq!(project.content(&mut hands), AFTER, "round {round}, {bytes} bytes");
        assert_eq!(project.state(), "up-to-date", "round {round}, {bytes} bytes");
        project.reset();
    }
    // If none was met in the middle, this test has looked at nothing.
    assert!(interrupted * 3 > rounds, "{interrupted} of {rounds}");
}

/// What was dropped on a server does not come back.
fn without_what_was_dropped(content: &str) -> String {
    content.replace("t_x[[\"7\"]]", "t_x[]")
}

#[test]
fn on_postgresql_a_sync_killed_at_any_moment_is_finished_or_taken_back() {
    let rounds = kills();
    let (alembic, mut hands) = (AlembicServer::start(), Hands::start());
    let whole = Project::talkative(&alembic, Some(Server::postgres()));
    let said = Run::of(&mut whole.dbm(&["sync", "--no-verify"])).expect_code(0).stderr.len();
    let mut random = Random::new(21);
    let mut interrupted = 0;
    for round in 0..rounds {
        let project = Project::talkative(&alembic, Some(Server::postgres()));
        let status = project.status();
        let bytes = random.below(said);
        let is_back = random.chance(50);
        let round = format!("round {round}, {bytes} of {said} bytes, back: {is_back}");
        if project.is_killed_after(bytes) {
            let mode = if is_back { "--rollback" } else { "--finish" };
            let recover = Run::of(&mut project.dbm(&["recover", mode]));
            assert_eq!(recover.code, 0, "{round}: {recover}");
            let was_open = !recover.stdout.contains("nothing to recover");
            interrupted += usize::from(was_open);
            let content = project.content(&mut hands);
            if was_open && is_back {
                let dropped = without_what_was_dropped(BEFORE);
                assert!([BEFORE, &dropped].contains(&content.as_str()), "{round}: {content}");
                assert_eq!(project.status(), status, "{round}");
            } else {
                assert!([BEFORE, AFTER].contains(&content.as_str()), "{round}: {content}");
            }
        }
        Run::of(&mut project.dbm(&["sync", "--no-verify"])).expect_code(0);
        assert_eq!(project.content(&mut hands), AFTER, "{round}");
        assert_eq!(project.state(), "up-to-date", "{round}");
        assert_no_revision_ran_twice(&project.what_ran(), &round);
    }
    // If none was met in the middle, this test has looked at nothing.
    assert!(interrupted * 6 > rounds, "{interrupted} of {rounds}");
}

/// Between two upgrades of a revision there is a downgrade, as far as their
/// transactions were committed: what was rolled back has logged nothing more.
#[track_caller]
fn assert_no_revision_ran_twice(ran: &[String], story: &str) {
    let mut applied = BTreeMap::from([("f", true), ("a", true), ("x", true)]);
    for line in ran {
        let (way, id) = line.split_once(' ').expect("a way and an id");
        let is_up = way == "upgrade";
        let before = applied.insert(id, is_up).unwrap_or(false);
        assert_ne!(before, is_up, "{story}: {line} in {ran:?}");
    }
}

#[test]
fn an_undo_killed_at_any_point_is_undone_by_the_next_one() {
    let (alembic, mut hands) = (AlembicServer::start(), Hands::start());
    let project = Project::on_a_file(&alembic);
    let status = project.status();
    let mut points = BTreeMap::new();
    for number in 1.. {
        Run::of(&mut project.dbm(&["sync", "--no-verify"])).expect_code(0);
        let mut undo = project.dbm(&["undo"]);
        let output = undo.env(FAULT, number.to_string()).output().expect("started");
        let Some(name) = point_of(&output) else { break };
        Run::of(&mut project.dbm(&["recover", "--rollback"])).expect_code(0);
        let (content, ran) = (project.content(&mut hands), project.what_ran());
        let dropped = without_what_was_dropped(BEFORE);
        let ends = [BEFORE, &dropped];
        let again = Run::of(&mut project.dbm(&["undo", "1"]));
        // It may have been done by then.
        assert!([0, 1].contains(&again.code), "{name}: {again}");
        if ends.contains(&content.as_str()) {
            assert_eq!(project.what_ran(), ran, "{name}: what was undone is left alone");
        }
        let content = project.content(&mut hands);
        assert!(ends.contains(&content.as_str()), "{name}: {content}");
        assert_eq!(project.status(), status, "{name}");
        assert_no_revision_ran_twice(&project.what_ran(), &name);
        *points.entry(name).or_insert(0) += 1;
        project.reset();
    }
    assert!(points.len() > 5, "only {points:?}");
}

/// Two components on two databases, each with a revision that is pending.
fn two_databases(alembic: &AlembicServer) -> (Project, Server) {
    let second = Server::postgres();
    let project = Project::with(alembic, Some(Server::postgres()));
    let repo = &project.repo;
    repo.git(["reset", "--quiet", "--hard", "other"]);
    for path in ["env.py", "script.py.mako", "versions/a_root.py", "versions/f_feature.py"] {
        repo.write(&format!("more/{path}"), repo.read(&format!("migrations/{path}")));
    }
    let url = second.url().replace('%', "%%");
    repo.write("more.ini", format!("[alembic]\nscript_location = more\nsqlalchemy.url = {url}\n"));
    repo.write(
        "dbm-git.toml",
        "[components.one]\nconfig = \"alembic.ini\"\n[components.two]\nconfig = \"more.ini\"\n",
    );
    project.alembic(&["-c", "more.ini", "upgrade", "a"]);
    project.add("x -> y, later");
    project.forget_what_ran();
    (project, second)
}

fn rows_of(hands: &mut Hands, urls: [&str; 2]) -> String {
    urls.map(|url| hands.version_rows(url).into_iter().collect::<Vec<_>>().join(" ")).join(", ")
}

#[test]
fn of_several_databases_all_are_taken_back_or_none() {
    let (alembic, mut hands) = (AlembicServer::start(), Hands::start());
    let mut taken_back = 0;
    for number in FIRST_STEP.. {
        let (project, second) = two_databases(&alembic);
        let (first, second) = (project.url(), second.url());
        let status = project.status();
        let Some(name) = point_of(&project.sync_until(number)) else { break };
        let was_first_done = rows_of(&mut hands, [&first, &second]).starts_with('y');
        let recover = Run::of(&mut project.dbm(&["recover", "--rollback"])).expect_code(0);
        // Between the two, and behind both, nothing is open.
        if !recover.stdout.contains("nothing to recover") {
            assert_eq!(rows_of(&mut hands, [&first, &second]), "x, a", "{name}");
            assert_eq!(project.status(), status, "{name}");
            taken_back += usize::from(was_first_done);
        }
        Run::of(&mut project.dbm(&["sync", "--no-verify"])).expect_code(0);
        assert_eq!(rows_of(&mut hands, [&first, &second]), "y, f", "{name}");
    }
    assert!(taken_back > 3, "{taken_back}");
}

/// The name of the point at which it died; `None` if it did not.
#[track_caller]
pub fn point_of(output: &Output) -> Option<String> {
    let stderr = String::from_utf8_lossy(&output.stderr);
    if output.status.success() {
        return None;
    }
    let line = stderr.lines().find(|line| line.starts_with("dying at fault point"));
    Some(line.unwrap_or_else(|| panic!("it failed by itself: {stderr}")).to_owned())
}
