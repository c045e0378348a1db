//! The world of a story: two people's clones, an origin between them, their
//! databases, and what is known to have really happened.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use dbm_git::script::{FieldValue, parse_script};
use serde_json::Value;

use crate::database::{Database, Dialect, Shown};
use crate::operations::{Kinds, Operation, Tables, script};
use crate::python::{AlembicServer, Ended, Hands, Schema};
use crate::story::{Act, Event, Setting, Who};
use crate::support::{Random, Run, TestRepo, VERSIONS};

/// What must not be, and was seen all the same.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The same for all failures of a kind.
    pub cause: String,
    pub detail: String,
}

impl Failure {
    pub fn new(cause: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { cause: cause.into(), detail: detail.into() }
    }
}

/// A revision file of a working tree.
#[derive(Clone, Debug)]
pub struct File {
    pub path: String,
    pub uid: String,
    pub id: String,
    pub downs: Vec<String>,
}

pub struct World<'p> {
    pub hands: &'p mut Hands,
    seed: u64,
    pub setting: Setting,
    ada: TestRepo,
    bob: TestRepo,
    tree: TestRepo,
    databases: Vec<Database>,
    /// Where the files are tried out.
    fresh: Database,
    operations: BTreeMap<String, Vec<Operation>>,
    /// The ids of revisions that were written where dbm-git is not.
    ids_of_others: BTreeMap<String, String>,
    /// What happened, as one would type it.
    pub transcript: Vec<String>,
    /// How many lines of the log have been read.
    read: usize,
    pub tally: BTreeMap<String, usize>,
    has_lost_ledger: bool,
}

const INI: &str = "\
[alembic]
script_location = %(here)s/migrations
prepend_sys_path = .
path_separator = os
";

const CONFIGURATION: &str = "\
[components.default]
config = \"alembic.ini\"
database-url-env = \"DATABASE_URL\"
";

impl<'p> World<'p> {
    /// A project with two revisions that both have.
    pub fn new(
        hands: &'p mut Hands,
        server: &AlembicServer,
        dialect: Dialect,
        seed: u64,
        mut setting: Setting,
    ) -> Self {
        setting.url_in_environment |= dialect != Dialect::Sqlite;
        let ada = TestRepo::empty();
        let url = match setting {
            Setting { url_in_environment: true, .. } => "driver://user:pass@localhost/dbname",
            Setting { shared_database: true, .. } => "sqlite:///../shared.sqlite",
            _ => "sqlite:///db.sqlite",
        };
        ada.write("alembic.ini", format!("{INI}sqlalchemy.url = {url}\n"));
        ada.write("migrations/env.py", include_str!("env.py"));
        ada.write("migrations/script.py.mako", include_str!("../../src/script/generic.py.mako"));
        ada.write(".gitignore", "__pycache__/\n/db.sqlite*\n");
        if setting.url_in_environment {
            ada.write("dbm-git.toml", CONFIGURATION);
        }
        ada.commit("Set up alembic");
        let (bob, tree) = (ada.beside("bob"), ada.beside("tree"));
        let outside = ada.home().parent().expect("a folder around").to_path_buf();
        let outside = fs::canonicalize(outside).expect("it is there");
        let folders: &[&str] =
            if setting.shared_database { &["shared.sqlite"] } else { &["repo", "bob", "tree"] };
        let databases = folders.iter().map(|folder| {
            let path = outside.join(folder);
            let is_folder = !setting.shared_database;
            Database::new(dialect, if is_folder { path.join("db.sqlite") } else { path })
        });
        let mut world = Self {
            hands,
            seed,
            setting,
            ada,
            bob,
            tree,
            databases: databases.collect(),
            fresh: Database::new(dialect, outside.join("fresh.sqlite")),
            operations: BTreeMap::new(),
            ids_of_others: BTreeMap::new(),
            transcript: Vec::new(),
            read: 0,
            tally: BTreeMap::new(),
            has_lost_ledger: false,
        };
        let log = BTreeMap::from([("STORY_LOG", world.log().display().to_string())]);
        server.write_client(&outside.join("bin"), &log);
        for n in 1..=2 {
            world.create(Who::Ada, &format!("root{n}"), 9_000 + n);
        }
        world.ada.commit("Add the first revisions");
        world.ada = world.ada.publish("main");
        world.ada.git(["branch", "--quiet", "--set-upstream-to", "origin/main"]);
        world.ada.colleague("bob");
        if setting.hooks {
            world.dbm(Who::Ada, &["install"]);
            if setting.hooks_sync {
                for event in ["postMerge", "postCheckout", "postRewrite"] {
                    world.git(Who::Ada, &["config", &format!("dbm-git.{event}"), "sync"]);
                }
            }
        }
        world
    }

    fn outside(&self) -> PathBuf {
        self.ada.home().parent().expect("a folder around").to_path_buf()
    }

    fn log(&self) -> PathBuf {
        self.outside().join("log")
    }

    fn environment(&self, who: Who) -> BTreeMap<&'static str, String> {
        let mut environment = BTreeMap::from([("STORY_LOG", self.log().display().to_string())]);
        if self.setting.url_in_environment {
            environment.insert("DATABASE_URL", self.database(who).url());
        }
        environment
    }

    pub fn repo(&self, who: Who) -> &TestRepo {
        match who {
            Who::Ada => &self.ada,
            Who::Bob => &self.bob,
            Who::Tree => &self.tree,
        }
    }

    fn at(&self, who: Who) -> usize {
        match who {
            _ if self.setting.shared_database => 0,
            Who::Ada => 0,
            Who::Bob => 1,
            Who::Tree => 2,
        }
    }

    pub fn database(&self, who: Who) -> &Database {
        &self.databases[self.at(who)]
    }

    fn tell(&mut self, who: Who, line: &str) {
        let folder = match who {
            Who::Ada => "repo",
            Who::Bob => "bob",
            Who::Tree => "tree",
        };
        self.transcript.push(format!("(cd {folder} && {line})"));
    }

    fn note(&mut self, line: impl AsRef<str>) {
        self.transcript.push(format!("    # {}", line.as_ref()));
    }

    fn command(&self, who: Who, program: &str) -> Command {
        let mut command = self.repo(who).command(program);
        let path = command
            .get_envs()
            .find_map(|(name, value)| (name == "PATH").then_some(value?))
            .expect("commands have a PATH");
        let folders =
            std::iter::once(self.outside().join("bin")).chain(std::env::split_paths(path));
        let path = std::env::join_paths(folders).expect("folders of PATH hold no separator");
        command.env("PATH", path).envs(self.environment(who));
        command
    }

    /// Runs git, whatever becomes of it.
    fn git(&mut self, who: Who, arguments: &[&str]) -> Run {
        self.tell(who, &format!("git {}", arguments.join(" ")));
        let files = self.repo(who).files_in(VERSIONS);
        let run = Run::of(self.command(who, "git").args(arguments));
        if let Some(line) = run.stderr.lines().find(|line| line.contains("to your database (")) {
            self.note(line);
            self.count("hook sync");
        }
        if run.code != 0 {
            self.note(format!("exit {}", run.code));
        }
        self.absorb();
        if who != Who::Bob && self.setting.hooks && self.repo(who).files_in(VERSIONS) != files {
            // A hook has looked.
            let steps = self.compare(who);
            self.look(who, steps);
        }
        run
    }

    /// Runs dbm-git, whatever becomes of it.
    pub fn dbm(&mut self, who: Who, arguments: &[&str]) -> Run {
        let steps = self.compare(who);
        let run = self.run_dbm(who, arguments);
        self.look(who, steps);
        run
    }

    /// Holds the database of now against the last look at it; how many steps it
    /// has had.
    pub fn compare(&mut self, who: Who) -> usize {
        let (shown, at) = (self.shown(who), self.at(who));
        self.databases[at].compare(&shown);
        self.databases[at].steps()
    }

    fn look(&mut self, who: Who, before: usize) {
        let (shown, at) = (self.shown(who), self.at(who));
        self.databases[at].look(shown, before);
    }

    fn shown(&mut self, who: Who) -> Shown {
        let (rows, schema) = (self.version_rows(who), self.schema(who));
        let url = self.database(who).url();
        let cookie = match url.starts_with("sqlite") && !schema.is_empty() {
            true => self.hands.sql(&url, &["PRAGMA schema_version"]).concat().concat(),
            false => String::new(),
        };
        Shown { rows, schema, cookie }
    }

    fn run_dbm(&mut self, who: Who, arguments: &[&str]) -> Run {
        self.tell(who, &format!("dbm-git {}", arguments.join(" ")));
        let run = Run::of(self.command(who, env!("CARGO_BIN_EXE_dbm-git")).args(arguments));
        if run.code != 0 {
            self.note(format!("exit {}", run.code));
        }
        self.absorb();
        run
    }

    fn alembic(&mut self, who: Who, arguments: &[&str]) -> Ended {
        self.tell(who, &format!("alembic {}", arguments.join(" ")));
        let environment = self.environment(who);
        let folder = self.repo(who).path();
        let ended = self.hands.alembic(&folder, arguments, &environment);
        if ended.code != 0 {
            let last = ended.output.trim().lines().last().unwrap_or_default().to_owned();
            self.note(format!("exit {}: {last}", ended.code));
        }
        self.absorb();
        ended
    }

    /// Takes in what has run since the last time.
    fn absorb(&mut self) {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().skip(self.read).collect();
        self.read += lines.len();
        for line in lines {
            let mut words = line.splitn(3, ' ');
            let (what, uid, path) = (words.next(), words.next(), words.next());
            let (Some(what), Some(uid), Some(path)) = (what, uid, path) else {
                panic!("{line:?} is no line of the log");
            };
            self.transcript.push(format!("    # ran: {what} {uid}"));
            let meant = self.databases.iter_mut().find(|database| database.is(path));
            if let Some(database) = meant {
                database.record(what == "upgrade", uid);
            }
        }
    }

    /// The revision files of a working tree.
    pub fn files(&self, who: Who) -> Vec<File> {
        let mut files = Vec::new();
        for (path, bytes) in self.repo(who).files_in(VERSIONS) {
            let Ok(parsed) = parse_script(&bytes) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            let uid = text.split("UID = \"").nth(1).and_then(|rest| rest.split('"').next());
            let texts = |value: &FieldValue| match value {
                FieldValue::Text(text) => vec![text.clone()],
                FieldValue::Sequence(parts) => parts
                    .iter()
                    .filter_map(|part| match part {
                        dbm_git::script::Element::Text { value, .. } => Some(value.clone()),
                        dbm_git::script::Element::Dynamic { .. } => None,
                    })
                    .collect(),
                FieldValue::None | FieldValue::Dynamic { .. } => Vec::new(),
            };
            let id = parsed.header.revision.as_ref().map(|field| texts(&field.value));
            let Some(id) = id.and_then(|ids| ids.into_iter().next()) else { continue };
            let downs = parsed.header.down_revision.as_ref().map(|field| texts(&field.value));
            files.push(File {
                path,
                // Merge revisions are written by others, and have none.
                uid: uid.map_or_else(|| format!("id:{id}"), str::to_owned),
                id,
                downs: downs.unwrap_or_default(),
            });
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files
    }

    pub fn heads(files: &[File]) -> Vec<String> {
        let named: BTreeSet<&String> = files.iter().flat_map(|file| &file.downs).collect();
        let heads: BTreeSet<&String> =
            files.iter().map(|file| &file.id).filter(|id| !named.contains(id)).collect();
        heads.into_iter().cloned().collect()
    }

    /// The files at or below the given ids, the lowest first.
    pub fn below(files: &[File], ids: impl IntoIterator<Item = String>) -> Vec<&File> {
        let mut found: BTreeSet<usize> = BTreeSet::new();
        let mut open: Vec<String> = ids.into_iter().collect();
        while let Some(id) = open.pop() {
            for (at, file) in files.iter().enumerate().filter(|(_, file)| file.id == id) {
                if found.insert(at) {
                    open.extend(file.downs.iter().cloned());
                }
            }
        }
        let mut sorted: Vec<&File> = Vec::new();
        while sorted.len() < found.len() {
            let before = sorted.len();
            for file in found.iter().map(|&at| &files[at]) {
                let is_in = |id: &String| {
                    sorted.iter().any(|f| f.id == *id) || !files.iter().any(|f| f.id == *id)
                };
                if !sorted.iter().any(|f| f.path == file.path) && file.downs.iter().all(is_in) {
                    sorted.push(file);
                }
            }
            if sorted.len() == before {
                // A cycle.
                break;
            }
        }
        sorted
    }

    /// Whether the files name each revision once, and none that is missing.
    pub fn is_sound(files: &[File]) -> bool {
        let ids: BTreeSet<&String> = files.iter().map(|file| &file.id).collect();
        ids.len() == files.len()
            && files.iter().all(|file| file.downs.iter().all(|down| ids.contains(down)))
            && Self::below(files, Self::heads(files)).len() == files.len()
    }

    fn create(&mut self, who: Who, uid: &str, serial: u64) {
        let mut random = Random::new(self.seed.wrapping_mul(31).wrapping_add(serial));
        let files = self.files(who);
        let heads = Self::heads(&files);
        let downs: Vec<String> =
            if heads.is_empty() { Vec::new() } else { vec![random.pick(&heads).clone()] };
        let mut tables = Tables::default();
        for file in Self::below(&files, downs.clone()) {
            for operation in self.operations.get(&file.uid).into_iter().flatten() {
                operation.apply(&mut tables);
            }
        }
        let operation = Operation::random(&mut random, &tables, uid, Kinds::Commuting);
        let id = match self.setting.sequential_ids {
            true => {
                let last = files.iter().filter_map(|file| file.id.parse::<u32>().ok()).max();
                format!("{:04}", last.unwrap_or(0) + 1)
            }
            false => random.hex_id(),
        };
        let path = format!("{VERSIONS}/{id}_{uid}.py");
        let operations = vec![operation];
        self.tell(who, &format!("edit {path}"));
        let from = downs.first().map_or("<base>", String::as_str).to_owned();
        self.note(format!("{from} -> {id}, {}", operations[0]));
        self.repo(who).write(&path, script(uid, &id, &downs, &operations));
        self.operations.insert(uid.to_owned(), operations);
        if who == Who::Bob {
            self.ids_of_others.insert(uid.to_owned(), id);
        }
    }

    fn branch(&self, who: Who) -> String {
        self.repo(who).git(["branch", "--show-current"])
    }

    /// Lets an event happen, if it can.
    pub fn happen(&mut self, event: &Event) {
        let who = event.who;
        if !self.repo(who).path().exists() {
            return;
        }
        match event.act {
            Act::Create { commit } => {
                self.create(who, &format!("u{:02}", event.serial), event.serial);
                if commit {
                    self.commit(who, &["commit", "--quiet", "-m", "Work"]);
                }
            }
            Act::Commit => self.commit(who, &["commit", "--quiet", "-m", "Work"]),
            Act::Amend => self.commit(who, &["commit", "--quiet", "--amend", "--no-edit"]),
            Act::Upgrade => {
                self.alembic(who, &["upgrade", "heads"]);
            }
            Act::UpgradeOne => {
                self.alembic(who, &["upgrade", "+1"]);
            }
            Act::DowngradeOne => {
                self.alembic(who, &["downgrade", "-1"]);
            }
            Act::Insert => self.insert(who, event.serial),
            Act::Fetch => {
                self.git(who, &["fetch", "--quiet", "origin"]);
            }
            Act::Push { force } => {
                let branch = self.branch(who);
                let force = if force { "--force" } else { "--no-force" };
                self.git(who, &["push", "--quiet", force, "origin", &branch]);
            }
            Act::PullMerge => self.pull(who, "--no-rebase"),
            Act::PullRebase => self.pull(who, "--rebase"),
            Act::Switch => self.switch(who),
            Act::MergeOther => {
                let other = self.other_branch(who);
                if self.git(who, &["merge", "--quiet", "--no-edit", &other]).code != 0 {
                    self.git(who, &["merge", "--abort"]);
                }
            }
            Act::ResetToUpstream => {
                self.git(who, &["reset", "--quiet", "--hard", "origin/main"]);
            }
            Act::ResetOneBack => {
                self.git(who, &["reset", "--quiet", "--hard", "HEAD~1"]);
            }
            Act::Stash => {
                if self.repo(who).git(["stash", "list"]).is_empty() {
                    self.git(who, &["stash", "push", "--quiet", "--include-untracked"]);
                } else {
                    self.git(who, &["stash", "pop", "--quiet"]);
                }
            }
            Act::EditDownRevision => self.edit_down_revision(who, event.serial),
            Act::DropDatabase => self.drop_database(who),
            Act::CopyDatabase => self.copy_database(who),
            Act::RestoreDatabase => self.restore_database(who),
            Act::AddWorktree => {
                if !self.tree.path().exists() {
                    self.git(who, &["worktree", "add", "--quiet", "-b", "linked", "../tree"]);
                }
            }
            Act::ForgetLedger => {
                self.tell(who, "rm -f .git/dbm-git/state.db*");
                self.has_lost_ledger = true;
                for name in ["state.db", "state.db-wal", "state.db-shm"] {
                    // It may not be there.
                    let _ = fs::remove_file(self.ada.path().join(".git/dbm-git").join(name));
                }
            }
            Act::DbmRebase { apply } => self.plan(who, "rebase", apply),
            Act::DbmMerge { apply } => self.plan(who, "merge", apply),
            Act::DbmUndo => {
                self.dbm(who, &["undo"]);
            }
            // These are judged.
            Act::DbmStatus | Act::DbmSync => {}
        }
    }

    fn commit(&mut self, who: Who, arguments: &[&str]) {
        self.git(who, &["add", "--all"]);
        if !self.repo(who).git(["status", "--porcelain"]).is_empty() {
            self.git(who, arguments);
        }
    }

    fn pull(&mut self, who: Who, how: &str) {
        let code = self.git(who, &["pull", "--quiet", how, "origin", "main"]).code;
        let git = self.repo(who).git(["rev-parse", "--absolute-git-dir"]);
        if code != 0 && Path::new(&git).join("MERGE_HEAD").exists() {
            self.git(who, &["merge", "--abort"]);
        }
        if code != 0 && Path::new(&git).join("rebase-merge").exists() {
            self.git(who, &["rebase", "--abort"]);
        }
    }

    fn other_branch(&self, who: Who) -> String {
        let other = match (self.branch(who).as_str(), who) {
            ("main", _) => "side",
            (_, Who::Tree) => "linked",
            _ => "main",
        };
        other.to_owned()
    }

    fn switch(&mut self, who: Who) {
        let other = self.other_branch(who);
        let is_there =
            self.repo(who).try_git(["rev-parse", "--verify", "--quiet", &other]).code == 0;
        if is_there {
            self.git(who, &["switch", "--quiet", &other]);
        } else {
            self.git(who, &["switch", "--quiet", "--create", &other]);
        }
    }

    /// Puts one head's own revisions on top of another head.
    fn edit_down_revision(&mut self, who: Who, serial: u64) {
        let files = self.files(who);
        let heads = Self::heads(&files);
        let [low, high, ..] = heads.as_slice() else { return };
        let (low, high) = if serial.is_multiple_of(2) { (low, high) } else { (high, low) };
        let below: BTreeSet<&str> =
            Self::below(&files, [low.clone()]).iter().map(|file| file.path.as_str()).collect();
        let own = Self::below(&files, [high.clone()])
            .into_iter()
            .find(|file| !below.contains(file.path.as_str()) && file.downs.len() == 1);
        let Some(own) = own else { return };
        let (from, path) = (&own.downs[0], &own.path);
        let old = format!("down_revision = '{from}'");
        let new = format!("down_revision = '{low}'");
        self.tell(who, &format!("sed -i \"s/^{old}/{new}/\" {path}"));
        let text = self.repo(who).read(path).replace(&old, &new);
        self.repo(who).write(path, text);
    }

    fn insert(&mut self, who: Who, serial: u64) {
        let tables: Vec<String> = self.schema(who).into_keys().collect();
        if tables.is_empty() {
            return;
        }
        let table = &tables[usize::try_from(serial).expect("small") % tables.len()];
        let statement = format!("INSERT INTO {table} (note) VALUES ('row {serial}')");
        let (url, name) = (self.database(who).url(), self.database(who).name());
        self.tell(who, &format!("sql {name} \"{statement}\""));
        self.hands.sql(&url, &[&statement]);
    }

    fn drop_database(&mut self, who: Who) {
        let name = self.database(who).name();
        self.tell(who, &format!("drop {name}"));
        let at = self.at(who);
        self.databases[at].drop();
    }

    fn copy_database(&mut self, who: Who) {
        let at = self.at(who);
        if self.databases[at].copy(&self.fresh) {
            let name = self.database(who).name();
            self.tell(who, &format!("cp {name} {name}.copy"));
        }
    }

    fn restore_database(&mut self, who: Who) {
        let at = self.at(who);
        if self.databases[at].restore(&self.fresh) {
            let name = self.database(who).name();
            self.tell(who, &format!("cp {name}.copy {name}"));
        }
    }

    fn plan(&mut self, who: Who, command: &str, apply: bool) {
        let mut arguments = vec![command];
        if apply {
            arguments.push("--apply");
        }
        self.dbm(who, &arguments);
    }

    /// The rows of all tables that the story put there.
    pub fn rows(&mut self, who: Who) -> BTreeMap<String, BTreeSet<String>> {
        let url = self.database(who).url();
        let tables: Vec<String> = self.schema(who).into_keys().collect();
        let mut rows = BTreeMap::new();
        for table in tables {
            let statement = format!("SELECT note FROM {table} WHERE note LIKE 'row %'");
            let notes = self.hands.sql(&url, &[&statement]).into_iter().flatten();
            // Those of a migration are its own.
            let notes = notes.filter(|note| !note.starts_with("row of")).collect();
            rows.insert(table, notes);
        }
        rows
    }

    pub fn schema(&mut self, who: Who) -> Schema {
        let url = self.database(who).url();
        self.hands.schema(&url)
    }

    /// The schema without what was made by revisions whose files have never been in
    /// the clone: where a number that they share with one of its own has hidden
    /// them, there is nothing by which to take them down, and not even to tell what
    /// they have left from what somebody has made by hand.
    pub fn schema_without_strangers(&mut self, who: Who) -> Schema {
        let mut schema = self.schema(who);
        let strangers = self.strangers(who);
        for operation in strangers.iter().filter_map(|uid| self.operations.get(uid)).flatten() {
            operation.forget(&mut schema);
        }
        schema
    }

    /// What ran from files that have never been in the clone.
    fn strangers(&self, who: Who) -> Vec<String> {
        let known = self.repo(who).git(["log", "--all", "--reflog", "--format=", "--name-only"]);
        let is_stranger = |uid: &String| {
            self.ids_of_others.contains_key(uid) && !known.contains(&format!("_{uid}.py"))
        };
        self.database(who).ran().into_iter().filter(is_stranger).collect()
    }

    /// Revisions of `files` of which nobody here can know whether they ran: each
    /// has the number of a stranger that ran, so that the row is the same, and
    /// writes only data, so that the schema is.
    pub fn hidden_by_strangers(&self, who: Who, files: &[File]) -> BTreeSet<String> {
        let shows_nothing = |file: &&File| {
            let operations = self.operations.get(&file.uid);
            operations.is_some_and(|all| all.iter().all(Operation::writes_only_data))
                && self.ids_of_others.values().any(|id| *id == file.id)
        };
        let perhaps: Vec<&File> = files.iter().filter(shows_nothing).collect();
        if perhaps.is_empty() {
            return BTreeSet::new();
        }
        let strangers = self.strangers(who);
        let numbers: Vec<&String> =
            strangers.iter().filter_map(|uid| self.ids_of_others.get(uid)).collect();
        let hidden = perhaps.into_iter().filter(|file| numbers.contains(&&file.id));
        hidden.map(|file| file.uid.clone()).collect()
    }

    pub fn version_rows(&mut self, who: Who) -> BTreeSet<String> {
        let url = self.database(who).url();
        self.hands.version_rows(&url)
    }

    /// The schema and the version rows of a fresh database; `None` if the files
    /// don't work at all.
    pub fn fresh(&mut self, who: Who) -> Option<(Schema, BTreeSet<String>)> {
        self.fresh.drop();
        let url = self.fresh.url();
        let environment =
            BTreeMap::from([("STORY_URL", url.clone()), ("STORY_LOG", "/dev/null".to_owned())]);
        let folder = self.repo(who).path();
        let ended = self.hands.alembic(&folder, &["upgrade", "heads"], &environment);
        if ended.code != 0 {
            let last = ended.output.trim().lines().last().unwrap_or_default();
            self.note(format!("these files don't work: {last}"));
            return None;
        }
        Some((self.hands.schema(&url), self.hands.version_rows(&url)))
    }

    /// What keeps dbm-git from knowing what happened.
    pub fn circumstances(&self, who: Who) -> Vec<&'static str> {
        let mut found = Vec::new();
        if self.setting.shared_database {
            found.push("shared database");
        }
        if !self.setting.hooks {
            found.push("no hooks");
        }
        if self.has_lost_ledger {
            found.push("ledger deleted");
        }
        if who == Who::Tree {
            found.push("linked worktree");
        }
        found
    }

    pub fn count(&mut self, what: impl Into<String>) {
        *self.tally.entry(what.into()).or_default() += 1;
    }

    /// Output in JSON, or a failure.
    pub fn json(run: &Run) -> Result<Value, Failure> {
        serde_json::from_str(&run.stdout)
            .map_err(|error| Failure::new("no JSON", format!("{error}\n{run}")))
    }
}
