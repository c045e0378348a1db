//! What a schema proves, against what the real alembic did: random migrations,
//! some of them run, some only stamped, some taken back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use dbm_git::plan::{Proof, prove};
use dbm_git::script::{Footprint, SchemaObjects, read_footprint};
use tempfile::TempDir;

use crate::operations::{Kinds, Operation, Tables, script};
use crate::python::{Hands, Schema};
use crate::support::Random;

const PROJECTS: u64 = 60;

/// Revisions in a folder, and the database beside them.
struct Project {
    folder: TempDir,
    scripts: Vec<(String, String)>,
}

impl Project {
    fn empty() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::create_dir_all(folder.path().join("migrations/versions")).expect("new folders");
        fs::write(folder.path().join("migrations/env.py"), include_str!("env.py")).expect("a file");
        fs::write(
            folder.path().join("alembic.ini"),
            "[alembic]\nscript_location = migrations\nsqlalchemy.url = sqlite:///db.sqlite\n",
        )
        .expect("a file");
        Self { folder, scripts: Vec::new() }
    }

    /// A line of revisions, each on top of the one before.
    fn generate(random: &mut Random, kinds: Kinds) -> Self {
        let mut project = Self::empty();
        let mut tables = Tables::default();
        for n in 0..random.below(6) + 3 {
            let below = project.scripts.last().map(|(id, _)| id.clone());
            project.add(random, &format!("r{n}"), below.as_deref(), &mut tables, kinds);
        }
        project
    }

    /// Adds a revision that `tables` allow.
    fn add(
        &mut self,
        random: &mut Random,
        id: &str,
        below: Option<&str>,
        tables: &mut Tables,
        kinds: Kinds,
    ) {
        let mut operations = Vec::new();
        for part in 0..random.below(2) + 1 {
            let operation = Operation::random(random, tables, &format!("{id}{part}"), kinds);
            operation.apply(tables);
            operations.push(operation);
        }
        let downs: Vec<String> = below.iter().map(ToString::to_string).collect();
        let text = script(id, id, &downs, &operations);
        let path = self.folder.path().join(format!("migrations/versions/{id}.py"));
        fs::write(path, &text).expect("a file");
        self.scripts.push((id.to_owned(), text));
    }

    fn footprints(&self) -> Vec<Footprint> {
        let footprint = |text: &String| read_footprint(text.as_bytes()).expect("Python");
        self.scripts.iter().map(|(_, text)| footprint(text)).collect()
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("db.sqlite")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn run(&self, hands: &mut Hands, arguments: &[&str]) -> bool {
        let log = self.log().display().to_string();
        let environment = BTreeMap::from([("STORY_LOG", log)]);
        hands.alembic(self.folder.path(), arguments, &environment).code == 0
    }

    /// The schema and all rows of a fresh database that is upgraded to each of
    /// `targets` in turn; `None` if one of them fails.
    fn upgraded(&self, hands: &mut Hands, targets: &[&str]) -> Option<(Schema, Vec<String>)> {
        // It may not be there.
        let _ = fs::remove_file(self.database());
        if !targets.iter().all(|target| self.run(hands, &["upgrade", target])) {
            return None;
        }
        let url = format!("sqlite:///{}", self.database().display());
        let schema = hands.schema(&url);
        let mut rows = Vec::new();
        for table in schema.keys() {
            let found = hands.sql(&url, &[&format!("SELECT note, n FROM {table} ORDER BY 1, 2")]);
            rows.extend(found.iter().map(|row| format!("{table} {row:?}")));
        }
        Some((schema, rows))
    }

    /// The ids of those that ran and were not taken back.
    fn ran(&self) -> BTreeSet<String> {
        let mut ran = BTreeSet::new();
        for line in fs::read_to_string(self.log()).unwrap_or_default().lines() {
            let mut words = line.split(' ');
            match (words.next(), words.next()) {
                (Some("upgrade"), Some(id)) => ran.insert(id.to_owned()),
                (Some("downgrade"), Some(id)) => ran.remove(id),
                _ => panic!("{line}"),
            };
        }
        ran
    }
}

fn objects(hands: &mut Hands, database: &Path) -> SchemaObjects {
    let mut schema = SchemaObjects::default();
    if !database.exists() {
        return schema;
    }
    let url = &format!("sqlite:///{}", database.display());
    let names = hands.sql(url, &["SELECT type, name FROM sqlite_master"]);
    for row in names {
        match row.as_slice() {
            [kind, name] if kind == "table" => {
                let columns =
                    hands.sql(url, &[&format!("SELECT name FROM pragma_table_info('{name}')")]);
                schema.tables.insert(name.clone(), columns.into_iter().flatten().collect());
            }
            [kind, name] if kind == "index" => {
                schema.indexes.insert(name.clone());
            }
            row => panic!("{row:?}"),
        }
    }
    schema
}

/// How many revisions were judged, and how many of those something was proved of.
fn judge(kinds: Kinds, seeds: impl Iterator<Item = u64>) -> (usize, usize) {
    let mut hands = Hands::start();
    let (mut judged, mut proved) = (0, 0);
    for seed in seeds {
        let random = &mut Random::new(seed);
        let project = Project::generate(random, kinds);
        // Those that failed halfway, of which nobody can tell.
        let mut half_done = BTreeSet::new();
        for (id, _) in &project.scripts {
            let what = if random.chance(25) { "stamp" } else { "upgrade" };
            if !project.run(&mut hands, &[what, id]) {
                half_done.insert(id.clone());
                project.run(&mut hands, &["stamp", id]);
            }
            if half_done.is_empty()
                && random.chance(10)
                && !project.run(&mut hands, &["downgrade", "-1"])
            {
                half_done.insert(id.clone());
            }
        }
        let (ran, schema) = (project.ran(), objects(&mut hands, &project.database()));
        let footprints = project.footprints();
        for (at, (id, text)) in project.scripts.iter().enumerate() {
            if half_done.contains(id) || footprints[at].upgrade.creates.is_empty() {
                continue;
            }
            let others: Vec<&Footprint> =
                footprints.iter().enumerate().filter(|(n, _)| *n != at).map(|(_, f)| f).collect();
            judged += 1;
            let Some(proof) = prove(&footprints[at], &others, &schema) else { continue };
            proved += 1;
            let expected = if ran.contains(id) { Proof::Ran } else { Proof::DidNotRun };
            assert_eq!(proof, expected, "seed {seed}, {id}, ran {ran:?}\n{schema:?}\n{text}");
        }
    }
    (judged, proved)
}

#[test]
fn a_schema_never_proves_what_is_not_so() {
    judge(Kinds::All, 0..PROJECTS);
}

#[test]
fn most_revisions_without_raw_sql_are_proved_one_way_or_the_other() {
    let (judged, proved) = judge(Kinds::AllButRawSql, 1_000..1_000 + PROJECTS);
    assert!(judged > 200, "{judged}");
    assert!(proved * 100 >= judged * 60, "{proved} of {judged}");
}

#[test]
fn disjoint_revisions_can_run_in_either_order() {
    let mut hands = Hands::start();
    let mut disjoint = 0;
    for seed in 2_000..2_000 + PROJECTS {
        let random = &mut Random::new(seed);
        let mut project = Project::empty();
        let mut tables = Tables::default();
        project.add(random, "one", None, &mut tables, Kinds::All);
        project.add(random, "two", Some("one"), &mut tables, Kinds::All);
        project.add(random, "a", Some("two"), &mut tables.clone(), Kinds::All);
        project.add(random, "b", Some("two"), &mut tables.clone(), Kinds::All);
        let footprints = project.footprints();
        if !footprints[2].upgrade.is_disjoint(&footprints[3].upgrade) {
            continue;
        }
        disjoint += 1;
        let one = project.upgraded(&mut hands, &["two", "a", "b"]);
        let other = project.upgraded(&mut hands, &["two", "b", "a"]);
        assert!(one.is_some(), "seed {seed}: {:#?}", project.scripts);
        assert_eq!(one, other, "seed {seed}: {:#?}", project.scripts);
    }
    assert!(disjoint >= 10, "{disjoint}");
}
