//! Generated projects: sound histories of any shape, in files whose headers say
//! the same thing in different ways.

use std::collections::HashSet;

use crate::support::{Random, TestRepo};

/// A project in a folder of its own, named by its seed.
pub struct Project {
    pub name: String,
    pub version_locations: Vec<String>,
    pub recursive: bool,
    pub revisions: Vec<Revision>,
    /// Files that alembic does not take for scripts.
    strays: Vec<String>,
}

/// A revision as it is meant, and the file that says so.
pub struct Revision {
    pub id: String,
    pub down_revisions: Vec<String>,
    pub depends_on: Vec<String>,
    pub branch_labels: Vec<String>,
    pub message: String,
    pub path: String,
    text: Vec<u8>,
}

impl Project {
    /// The project of `seed`, always the same.
    pub fn generate(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let name = format!("p{seed:03}");
        let Layout { locations, folders, recursive } = layout(&mut random);
        let inside = |folder: &str| format!("{name}/{folder}").trim_end_matches('/').to_owned();
        let style = *random.pick(&[IdStyle::Hex, IdStyle::Sequential, IdStyle::Words]);
        let mut revisions: Vec<Revision> = Vec::new();
        // Sets of positions: everything below and including each revision.
        let mut below: Vec<HashSet<usize>> = Vec::new();
        for position in 0..1 + random.below(24) {
            let downs = down_revisions(&mut random, &below);
            let mut reach: HashSet<usize> = downs.iter().flat_map(|&d| below[d].clone()).collect();
            reach.insert(position);
            below.push(reach);
            let mut revision = Revision {
                id: style.id(&mut random, position),
                down_revisions: downs.iter().map(|&d| revisions[d].id.clone()).collect(),
                depends_on: dependencies(&mut random, &revisions),
                branch_labels: labels(&mut random, position),
                message: message(&mut random),
                path: String::new(),
                text: Vec::new(),
            };
            // Without a `revision` line the name of the file has to be the id.
            let is_legacy = style == IdStyle::Hex && random.chance(5);
            let file = file_name(&mut random, &revision.id, is_legacy);
            revision.path = format!("{}/{file}", inside(random.pick(&folders).as_str()));
            revision.text =
                Speller { random: &mut random, bound: String::new() }.script(&revision, is_legacy);
            revisions.push(revision);
        }
        let strays = strays(&mut random, &folders).iter().map(|path| inside(path)).collect();
        let version_locations = locations.iter().map(|folder| inside(folder)).collect();
        Self { name, version_locations, recursive, revisions, strays }
    }

    /// Writes all files of the project.
    pub fn write_to(&self, repo: &TestRepo) {
        for revision in &self.revisions {
            repo.write(&revision.path, &revision.text);
        }
        for path in &self.strays {
            repo.write(path, "revision = \"stray\"\ndown_revision = \"nowhere\"\n");
        }
        repo.write(&format!("{}/README", self.name), "Generic single-database configuration.\n");
    }
}

/// Where scripts lie: the configured locations, and the folders that alembic
/// then looks into.
struct Layout {
    locations: Vec<String>,
    folders: Vec<String>,
    recursive: bool,
}

fn layout(random: &mut Random) -> Layout {
    let (locations, folders, recursive): (&[&str], &[&str], bool) = *random.pick(&[
        (&["versions"][..], &["versions"][..], false),
        // The script location itself; the empty name is the project's folder.
        (&[""], &[""], false),
        (&["versions", "plugins/b", "plugins/a"], &["versions", "plugins/a", "plugins/b"], false),
        // A location inside of another, which does not look into it.
        (&["versions", "versions/2024"], &["versions", "versions/2024"], false),
        (&["versions"], &["versions", "versions/2024", "versions/2024/q1", "versions/x y"], true),
        // Found twice, loaded once.
        (&["versions", "versions/2024"], &["versions", "versions/2024", "versions/2025"], true),
        (&["gone", "versions"], &["versions"], false),
    ]);
    let owned = |list: &[&str]| list.iter().map(|&text| text.to_owned()).collect();
    Layout { locations: owned(locations), folders: owned(folders), recursive }
}

/// Files beside the scripts that are none by their name or folder.
fn strays(random: &mut Random, folders: &[String]) -> Vec<String> {
    ["__init__.py", "__init__x.py", ".#lock.py", "old.py.orig", "a.pyi", "__pycache__/stray.py"]
        .iter()
        .filter(|_| random.chance(20))
        .map(|name| format!("{}/{name}", folders[0]).trim_start_matches('/').to_owned())
        .collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum IdStyle {
    Hex,
    Sequential,
    Words,
}

impl IdStyle {
    fn id(self, random: &mut Random, position: usize) -> String {
        match self {
            Self::Hex => random.hex_id(),
            Self::Sequential => format!("{:04}", position + 1),
            Self::Words => {
                let word = random.pick(&["add_user", "größe", "drop table", "django", "Kilo_"]);
                format!("{word}{position}")
            }
        }
    }
}

/// Positions of down revisions, no one of which is an ancestor of another.
fn down_revisions(random: &mut Random, below: &[HashSet<usize>]) -> Vec<usize> {
    let count = below.len();
    if count == 0 || random.chance(6) {
        return Vec::new();
    }
    let wanted = if random.chance(20) { 2 + random.below(2) } else { 1 };
    if wanted == 1 {
        // Mostly the newest revision, so that chains grow long.
        return vec![if random.chance(70) { count - 1 } else { random.below(count) }];
    }
    let mut downs: Vec<usize> = Vec::new();
    for _ in 0..3 * wanted {
        let next = random.below(count);
        let apart = |&d: &usize| !below[d].contains(&next) && !below[next].contains(&d);
        if downs.len() < wanted && downs.iter().all(apart) {
            downs.push(next);
        }
    }
    downs
}

/// Earlier revisions, by id or by a label of theirs.
fn dependencies(random: &mut Random, revisions: &[Revision]) -> Vec<String> {
    if revisions.is_empty() || !random.chance(12) {
        return Vec::new();
    }
    let mut names: Vec<String> = Vec::new();
    for _ in 0..1 + random.below(2) {
        let revision = random.pick(revisions);
        let name = revision.branch_labels.first().filter(|_| random.chance(70));
        let name = name.unwrap_or(&revision.id);
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    names
}

fn labels(random: &mut Random, position: usize) -> Vec<String> {
    let count = if random.chance(10) { 1 + random.below(2) } else { 0 };
    (0..count).map(|n| format!("label_{position}_{n}")).collect()
}

fn message(random: &mut Random) -> String {
    let messages = ["", "create tables", "Add users & things (v1.0)!", "two\nlines", "-> x, y"];
    (*random.pick(&messages)).to_owned()
}

fn file_name(random: &mut Random, id: &str, is_legacy: bool) -> String {
    if is_legacy {
        return format!("{id}.py");
    }
    match random.below(5) {
        0 => format!("{:04}_{id}.py", random.below(10_000)),
        1 => format!(".{id}.py"),
        2 => format!("{id} and a space.py"),
        3 => format!("2024_{:02}_{id}.py", random.below(12)),
        _ => format!("{id}_x.py"),
    }
}

/// Writes one script; `bound` collects the literals that values refer to by name.
struct Speller<'a> {
    random: &'a mut Random,
    bound: String,
}

impl Speller<'_> {
    fn script(mut self, revision: &Revision, is_legacy: bool) -> Vec<u8> {
        let names = [&revision.down_revisions, &revision.depends_on].into_iter().flatten();
        let is_latin = self.random.chance(8)
            && names.chain([&revision.id, &revision.message]).all(|name| name.is_ascii());
        let docstring = self.docstring(revision);
        let header = self.header(revision, is_legacy);
        let decoy = *self.random.pick(DECOYS);
        let text = format!(
            "{docstring}from typing import Sequence, Union\n{decoy}{bound}\n{header}{FUNCTIONS}",
            bound = self.bound
        );
        self.encode(&text, is_latin)
    }

    /// Names are ASCII where the file is Latin-1: we read its other bytes as `x`.
    fn encode(&mut self, text: &str, is_latin: bool) -> Vec<u8> {
        let text =
            if self.random.chance(15) { text.replace('\n', "\r\n") } else { text.to_owned() };
        if is_latin {
            let coded = format!("# -*- coding: latin-1 -*-\n# déjà vu\n{text}");
            return coded
                .chars()
                .map(|c| u8::try_from(u32::from(c)).expect("only Latin-1 letters"))
                .collect();
        }
        let mark = if self.random.chance(8) { "\u{feff}" } else { "" };
        format!("{mark}{text}").into_bytes()
    }

    /// The message, and for some the lines that repeat the header.
    fn docstring(&mut self, revision: &Revision) -> String {
        let message = &revision.message;
        if message.is_empty() {
            return (*self.random.pick(&["", "# no docstring\n", "\"\"\n"])).to_owned();
        }
        let lines = format!(
            "Revision ID: {}\nRevises: {}\n",
            revision.id,
            revision.down_revisions.join(", ")
        );
        match self.random.below(5) {
            0 => format!("\"\"\"{message}\"\"\"\n"),
            1 => format!("# a comment first\n\nr'''{message}\n\n{lines}'''\n"),
            2 => format!("u\"\"\"\n{message}\n\n{lines}\"\"\"\n"),
            3 if !message.contains('\n') => format!("'{message}'\n"),
            _ => format!("\"\"\"{message}\n\n{lines}\n\"\"\"\n"),
        }
    }

    fn header(&mut self, revision: &Revision, is_legacy: bool) -> String {
        let id = self.item(&revision.id);
        let down = self.value(&revision.down_revisions);
        let mut text = String::new();
        if self.random.chance(8) {
            text += "down_revision = \"changed below\"\n";
        }
        // An unparenthesised tuple can be the whole value only.
        match self.random.below(if is_legacy { 1 } else { 8 }) {
            0 if is_legacy => text += &self.assign("down_revision", &down),
            1 => text += &format!("revision, down_revision = {id}, ({down})\n"),
            2 => text += &format!("revision = {id}; down_revision = {down}\n"),
            3 => text += &(self.assign("down_revision", &down) + &self.assign("revision", &id)),
            _ => text += &(self.assign("revision", &id) + &self.assign("down_revision", &down)),
        }
        let (labels, dependencies) = (&revision.branch_labels, &revision.depends_on);
        if labels.is_empty() && dependencies.is_empty() && self.random.chance(50) {
            text += *self.random.pick(&["", "branch_labels = depends_on = None\n"]);
            return text;
        }
        let labels = self.value(labels);
        text += &self.assign("branch_labels", &labels);
        // Alembic takes a base that depends on `""` for a dependency cycle.
        let is_base = revision.down_revisions.is_empty();
        let dependencies = if dependencies.is_empty() && !is_base && self.random.chance(10) {
            "\"\"".to_owned()
        } else {
            self.value(dependencies)
        };
        text + &self.assign("depends_on", &dependencies)
    }

    fn assign(&mut self, name: &str, value: &str) -> String {
        let annotation = *self.random.pick(&[
            "",
            "",
            "",
            ": str",
            ": Union[str, Sequence[str], None]",
            ": str | Sequence[str] | None",
            ": \"tuple[str, str]\"",
            ": None",
        ]);
        let before = *self.random.pick(&["", "", "", "\\\n    "]);
        let after = *self.random.pick(&["", "", "", "  # revision = \"zzz\"", "   ", ";"]);
        format!("{name}{annotation} = {before}{value}{after}\n")
    }

    /// No, one or several strings.
    fn value(&mut self, items: &[String]) -> String {
        let items: Vec<String> = items.iter().map(|item| self.item(item)).collect();
        match items.as_slice() {
            [] => (*self.random.pick(&["None", "None", "None", "()", "[]"])).to_owned(),
            [one] => match self.random.below(8) {
                0 => format!("({one},)"),
                1 => format!("[{one}]"),
                2 => format!("{{{one}}}"),
                3 => format!("(  # why\n    {one}\n)"),
                _ => one.clone(),
            },
            many => match self.random.below(5) {
                0 => format!("[{}]", many.join(", ")),
                1 => format!("(\n    {},  # a comment, with 'quotes'\n)", many.join(",\n    ")),
                2 => many.join(", "),
                3 => format!("({},)", many.join(", ")),
                _ => format!("({})", many.join(", ")),
            },
        }
    }

    /// One string, or a name that is bound to it.
    fn item(&mut self, text: &str) -> String {
        let literal = self.literal(text);
        if !self.random.chance(8) {
            return literal;
        }
        let name = format!("name_{}", self.bound.lines().count());
        self.bound += &format!("{name} = {literal}\n");
        name
    }

    fn literal(&mut self, text: &str) -> String {
        let middle = text.char_indices().nth(text.chars().count() / 2).map_or(0, |(at, _)| at);
        let (left, right) = text.split_at(middle);
        let first = text.chars().next().expect("names are not empty");
        match self.random.below(14) {
            0 => format!("'''{text}'''"),
            1 => format!("\"\"\"{text}\"\"\""),
            2 => format!("r'{text}'"),
            3 => format!("u\"{text}\""),
            4 => format!("'{left}' \"{right}\""),
            5 => format!("(\"{text}\")"),
            6 => format!("('{left}'\n    R'{right}')"),
            7 => format!("\"\\x{:02x}{}\"", u32::from(first), &text[first.len_utf8()..]),
            8 => format!("'\\u{:04x}{}'", u32::from(first), &text[first.len_utf8()..]),
            9 | 10 => format!("\"{text}\""),
            _ => format!("'{text}'"),
        }
    }
}

/// What looks like a header and is none.
const DECOYS: &[&str] = &[
    "",
    "",
    "def helper():\n    down_revision = \"decoy\"\n    return down_revision\n",
    "class Holder:\n    revision = \"decoy\"\n    depends_on = \"decoy\"\n",
    "TEXT = \"\"\"\ndown_revision = 'decoy'\n\"\"\"\n",
    "# branch_labels = (\"decoy\",)\n",
    "revision_note = \"decoy\"\n",
];

const FUNCTIONS: &str = "\n\ndef upgrade():\n    pass\n\n\ndef downgrade():\n    pass\n";
