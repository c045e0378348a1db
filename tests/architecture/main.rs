//! Keeps the layers apart: reads `src/**` and fails on a module or crate that
//! the table below does not grant.

mod mentions;

use std::fs;
use std::path::{Path, PathBuf};

use mentions::{Mention, Target, mentions};

/// What one top-level module may name.
struct Layer {
    module: &'static str,
    modules: &'static [&'static str],
    externals: &'static [&'static str],
    /// Reaches no file, environment, process, network or clock by itself.
    is_pure: bool,
}

const CORE: &[&str] = &["parallel", "revision", "script", "check", "plan", "tree"];
const ADAPTERS: &[&str] = &[
    "project",
    "git",
    "workspace",
    "alembic",
    "database",
    "journal",
    "hook_files",
    "cache",
    "ci_platform",
    "demo_stage",
];

const fn core(
    module: &'static str,
    modules: &'static [&'static str],
    externals: &'static [&'static str],
) -> Layer {
    Layer { module, modules, externals, is_pure: true }
}

/// Adapters know the core and their own crates, never each other.
const fn adapter(module: &'static str, externals: &'static [&'static str]) -> Layer {
    Layer { module, modules: CORE, externals, is_pure: false }
}

const LAYERS: &[Layer] = &[
    core("parallel", &[], &[]),
    core("tree", &[], &["thiserror"]),
    core("revision", &[], &["thiserror"]),
    core(
        "script",
        &["revision", "tree"],
        &[
            "encoding_rs",
            "memchr",
            "ruff_python_ast",
            "ruff_python_parser",
            "ruff_text_size",
            "thiserror",
        ],
    ),
    core("check", &["revision", "script", "tree"], &["strsim", "thiserror"]),
    core("plan", &["revision", "script", "check", "tree"], &["sha2", "shlex", "thiserror"]),
    adapter(
        "project",
        &["configparser", "globset", "schemars", "serde", "strsim", "thiserror", "toml"],
    ),
    adapter("git", &["git2", "globset", "thiserror"]),
    adapter("workspace", &["blake3", "rustix", "tempfile", "thiserror"]),
    adapter("alembic", &["tempfile", "thiserror"]),
    adapter("database", &["sha2", "sqlx", "tempfile", "thiserror", "tokio"]),
    adapter("journal", &["serde", "serde_json", "sqlx", "tempfile", "thiserror", "tokio"]),
    adapter("hook_files", &["tempfile", "thiserror"]),
    adapter("cache", &["blake3", "postcard", "serde", "tempfile"]),
    adapter("ci_platform", &["serde", "serde_json"]),
    adapter("demo_stage", &["tempfile", "thiserror"]),
    Layer {
        module: "ops",
        modules: &[
            "parallel",
            "revision",
            "script",
            "check",
            "plan",
            "tree",
            "project",
            "git",
            "workspace",
            "alembic",
            "database",
            "journal",
            "hook_files",
            "cache",
            "ci_platform",
            "demo_stage",
        ],
        externals: &["thiserror"],
        is_pure: true,
    },
    Layer {
        module: "report",
        modules: &["revision", "script", "check", "plan", "tree", "ops"],
        externals: &[
            "annotate_snippets",
            "anstyle",
            "base64",
            "jiff",
            "percent_encoding",
            "quick_xml",
            "schemars",
            "serde",
            "serde_json",
            "sha2",
            "shlex",
            "similar",
            "unicode_width",
        ],
        is_pure: true,
    },
    Layer {
        module: "cli",
        modules: &["revision", "script", "check", "plan", "tree", "ops", "report", "project"],
        externals: &[
            "anstyle",
            "clap",
            "clap_complete",
            "clap_mangen",
            "schemars",
            "serde",
            "serde_json",
            "shlex",
            "terminal_size",
        ],
        is_pure: false,
    },
    Layer { module: "main", modules: &["cli"], externals: &[], is_pure: false },
    Layer { module: "lib", modules: &[], externals: &[], is_pure: true },
];

/// Files that may name more modules than their layer.
// `cli/error.rs` turns every module's error into advice, so it names them all.
const EXCEPTIONS: &[(&str, &[&str])] = &[("cli/error.rs", ADAPTERS)];

/// What any module's tests may use.
const TEST_CRATES: &[&str] = &["insta", "proptest", "tempfile"];

/// The parts of `std` that reach outside of the process. Threads don't: ours
/// parse, and are joined where they were started (`clippy.toml` forbids sleeping).
const AMBIENT: &[&str] =
    &["env", "fs", "net", "os", "process", "time::Instant", "time::SystemTime"];

/// A file below `src`, by its path there.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// The module that the file is, from the crate's root.
    fn module(&self) -> Vec<String> {
        let stem = self.path.trim_end_matches(".rs").trim_end_matches("/mod");
        match stem {
            "lib" | "main" => Vec::new(),
            stem => stem.split('/').map(str::to_owned).collect(),
        }
    }

    /// The top-level module that the file belongs to.
    fn layer(&self) -> &str {
        let top = self.path.split('/').next().expect("a path has a first part");
        top.trim_end_matches(".rs")
    }

    fn mentions(&self, externals: &[String]) -> Vec<Mention> {
        mentions(&self.text, &self.module(), externals)
    }

    /// One sentence for each name that the file's layer must not use.
    fn violations(&self, externals: &[String]) -> Vec<String> {
        let Some(layer) = LAYERS.iter().find(|layer| layer.module == self.layer()) else {
            return vec![format!(
                "src/{}: `{}` has no row in the table of tests/architecture",
                self.path,
                self.layer()
            )];
        };
        let mut violations: Vec<String> = self
            .mentions(externals)
            .iter()
            .filter_map(|mention| {
                let reason = self.objection(layer, mention)?;
                Some(format!("src/{}:{}: {reason}", self.path, mention.line))
            })
            .collect();
        // One `use` may bring several things from one place.
        violations.dedup();
        violations
    }

    fn objection(&self, layer: &Layer, mention: &Mention) -> Option<String> {
        let own = layer.module;
        match &mention.target {
            Target::Module(module) => {
                let excepted = EXCEPTIONS
                    .iter()
                    .any(|(path, modules)| *path == self.path && modules.contains(&&**module));
                let granted = module == own || layer.modules.contains(&&**module) || excepted;
                (!granted).then(|| {
                    format!("`{own}` must not use `crate::{module}`, only {}", list(layer.modules))
                })
            }
            Target::External(name) => {
                let granted = layer.externals.contains(&&**name)
                    || (mention.is_test && TEST_CRATES.contains(&&**name))
                    // Snapshots and properties of whole files of tests.
                    || ["insta", "proptest"].contains(&&**name);
                (!granted).then(|| {
                    format!(
                        "`{own}` must not use the crate `{name}`, only {}",
                        list(layer.externals)
                    )
                })
            }
            Target::Std(path) => {
                // Tests of the shell set up a real world; the core's have none to set up.
                let judged = layer.is_pure && (!mention.is_test || CORE.contains(&own));
                let ambient = judged.then(|| AMBIENT.iter().find(|part| overlaps(path, part)));
                ambient
                    .flatten()
                    .map(|part| format!("`{own}` must not reach outside through `std::{part}`"))
            }
        }
    }
}

/// Whether `path` is `part`, lies in it, or is a module that brings it along.
fn overlaps(path: &str, part: &str) -> bool {
    let within = |inner: &str, outer: &str| {
        inner.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let path = path.trim_end_matches("::*").trim_end_matches("::self");
    within(path, part) || within(part, path)
}

fn list(names: &[&str]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn sources(folder: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let mut sources: Vec<Source> = rust_files(&root)
        .into_iter()
        .map(|file| {
            let path = file.strip_prefix(&root).expect("below src").to_string_lossy();
            Source {
                path: path.replace('\\', "/"),
                text: fs::read_to_string(&file).expect("a readable source"),
            }
        })
        .collect();
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    sources
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder)
        .expect("a readable folder")
        .map(|entry| entry.expect("a readable entry").path())
        .flat_map(|path| if path.is_dir() { rust_files(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect()
}

/// All dependencies by the names they have in Rust.
fn externals() -> Vec<String> {
    ["dependencies", "dev-dependencies"].into_iter().flat_map(externals_of).collect()
}

/// Those of one table of the manifest.
fn externals_of(table: &str) -> Vec<String> {
    let manifest: toml::Table = include_str!("../../Cargo.toml").parse().expect("a manifest");
    let table = manifest[table].as_table().expect("a table");
    table.keys().map(|name| name.replace('-', "_")).collect()
}

#[test]
fn every_module_keeps_to_its_layer() {
    let externals = externals();
    let violations: Vec<String> =
        sources("src").iter().flat_map(|source| source.violations(&externals)).collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

/// The first cells, in code, of the rows of ARCHITECTURE.md's tables.
fn documented() -> Vec<&'static str> {
    include_str!("../../ARCHITECTURE.md")
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .collect()
}

#[test]
fn the_map_shows_every_module() {
    let documented = documented();
    let missing: Vec<_> = LAYERS
        .iter()
        .map(|layer| layer.module)
        .filter(|module| !["lib", "main"].contains(module) && !documented.contains(module))
        .collect();
    assert!(missing.is_empty(), "{missing:?} have no row in ARCHITECTURE.md");
}

/// Named only to switch on a feature of what another dependency brings.
const FOR_A_FEATURE: &[&str] = &["libz_sys"];

#[test]
fn every_dependency_has_a_reason_and_is_used() {
    let (documented, externals) = (documented(), externals());
    for name in &externals {
        let is_documented = documented.iter().any(|row| row.replace('-', "_") == *name);
        assert!(is_documented, "`{name}` has no reason in ARCHITECTURE.md");
    }
    for (table, folders) in
        [("dependencies", &["src"][..]), ("dev-dependencies", &["src", "tests"][..])]
    {
        let sources: Vec<Source> = folders.iter().flat_map(|folder| sources(folder)).collect();
        for name in
            externals_of(table).into_iter().filter(|name| !FOR_A_FEATURE.contains(&name.as_str()))
        {
            let target = Target::External(name.clone());
            let is_used = sources
                .iter()
                .any(|source| source.mentions(&externals).iter().any(|m| m.target == target));
            assert!(is_used, "nothing in {folders:?} uses `{name}`");
        }
    }
}

#[test]
fn the_tests_that_prove_the_invariants_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let code: String = ["src", "tests"]
        .iter()
        .flat_map(|folder| rust_files(&root.join(folder)))
        .map(|file| fs::read_to_string(file).expect("a readable source"))
        .collect();
    let named: Vec<&str> = include_str!("../../ARCHITECTURE.md")
        .lines()
        .filter(|line| line.starts_with('|'))
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|word| word.starts_with(|c: char| c.is_ascii_lowercase()))
        .filter(|word| word.matches('_').count() > 2 && !word.contains(['/', '.']))
        .collect();
    assert!(named.len() > 10, "{named:?}");
    for name in named {
        assert!(code.contains(&format!("fn {name}()")), "there is no test `{name}`");
    }
}

#[test]
fn the_sources_are_really_read() {
    let externals = externals();
    let names = |layer: &str, target: Target| {
        let named = |source: &Source| {
            source.layer() == layer
                && source.mentions(&externals).iter().any(|m| m.target == target)
        };
        assert!(sources("src").iter().any(named), "`{layer}` names {target:?}");
    };
    names("plan", Target::Module("revision".to_owned()));
    names("script", Target::External("ruff_python_parser".to_owned()));
    names("git", Target::External("git2".to_owned()));
    names("revision", Target::Std("fmt".to_owned()));
}

#[track_caller]
fn check(path: &str, text: &str, expected: &[&str]) {
    let source = Source { path: path.to_owned(), text: text.to_owned() };
    assert_eq!(source.violations(&externals()), expected, "{text}");
}

#[test]
fn the_core_must_not_know_adapters_or_their_crates() {
    check(
        "revision/graph.rs",
        "use std::fmt;\nuse crate::git::Repository;\nuse git2::Oid;\n",
        &[
            "src/revision/graph.rs:2: `revision` must not use `crate::git`, only nothing",
            "src/revision/graph.rs:3: `revision` must not use the crate `git2`, only thiserror",
        ],
    );
    check(
        "plan/rebase.rs",
        "#[derive(serde::Serialize)]\nstruct A;",
        &[
            "src/plan/rebase.rs:1: `plan` must not use the crate `serde`, only sha2, shlex, thiserror",
        ],
    );
    check(
        "tree.rs",
        "fn f() { super::workspace::apply() }",
        &["src/tree.rs:1: `tree` must not use `crate::workspace`, only nothing"],
    );
}

#[test]
fn names_inside_of_use_trees_paths_and_types_are_found() {
    let objection = "src/revision/id.rs:1: `revision` must not use `crate::git`, only nothing";
    for text in [
        "use crate::{revision::{Node, walk}, git::{self, Oid}};",
        "use crate::git;",
        "use crate::git as g;",
        "pub use super::super::git::Oid;",
        "pub(in crate::git) fn f() {}",
        "fn f(x: Vec<crate::git::Oid>) {}",
        "mod inner { use super::super::super::git::Oid; }",
        "fn f() { let x = Some(1).map(crate::git::open); }",
        "fn f() -> <A as crate::git::T>::B {}",
        "use r#crate::git;",
    ] {
        check("revision/id.rs", text, &[objection]);
    }
    check(
        "revision/id.rs",
        "use crate::*;",
        &["src/revision/id.rs:1: `revision` must not use `crate::*`, only nothing"],
    );
    for text in ["use git2;", "use ::git2::Oid;", "extern crate git2;", "fn f(x: &::git2::Oid) {}"]
    {
        let objection = "the crate `git2`, only thiserror";
        let objection = format!("src/revision/id.rs:1: `revision` must not use {objection}");
        check("revision/id.rs", text, &[&objection]);
    }
}

#[test]
fn comments_and_literals_name_nothing() {
    for text in [
        "// crate::git::open\n",
        "/* crate::git /* git2::Oid */ crate::git */",
        "//! [`workspace`](crate::workspace)\n",
        "const A: &str = \"crate::git \\\" git2::Oid\";",
        "const A: &str = r#\"crate::git \" git2::Oid\"#;",
        "const A: &[u8] = b\"crate::git\"; const B: char = '\"'; const C: char = '\\'';",
        "fn f<'git2>(x: &'git2 str) { x.git2::<A>(); self::walk::git2(); }",
    ] {
        check("revision/id.rs", text, &[]);
    }
    // After a lifetime or a character the reading goes on.
    check(
        "revision/id.rs",
        "fn f<'a>(x: &'a str, y: char) { if y == 'x' || y == '\\u{41}' { crate::git::f() } }",
        &["src/revision/id.rs:1: `revision` must not use `crate::git`, only nothing"],
    );
}

#[test]
fn pure_layers_must_not_reach_outside() {
    let objection =
        |part| format!("src/check/a.rs:1: `check` must not reach outside through `std::{part}`");
    for (text, part) in [
        ("use std::{fmt, fs};", "fs"),
        ("fn f() { std::env::var(\"A\"); }", "env"),
        ("use std::process::Command;", "process"),
        ("use std::time::{Duration, Instant};", "time::Instant"),
        ("use std::time;", "time::Instant"),
        ("#[cfg(test)]\nmod tests { use std::fs::File; }", "fs"),
    ] {
        let line = if text.contains('\n') { ":2:" } else { ":1:" };
        check("check/a.rs", text, &[&objection(part).replace(":1:", line)]);
    }
    check("check/a.rs", "use std::time::Duration;\nuse std::collections::HashMap;", &[]);
    check("ops/a.rs", "#[cfg(test)]\nmod tests { use std::fs; use tempfile::TempDir; }", &[]);
    check(
        "ops/a.rs",
        "use std::fs;\n#[cfg(test)]\nmod tests {}\nuse tempfile::TempDir;",
        &[
            "src/ops/a.rs:1: `ops` must not reach outside through `std::fs`",
            "src/ops/a.rs:4: `ops` must not use the crate `tempfile`, only thiserror",
        ],
    );
}

#[test]
fn adapters_must_not_know_each_other_nor_the_shell() {
    for (path, text, module) in [
        ("journal/mod.rs", "use crate::workspace::Root;", "workspace"),
        ("hook_files.rs", "use super::git::Repository;", "git"),
        ("database/url.rs", "use crate::report::StatusReport;", "report"),
        ("project/read.rs", "fn f() { crate::cli::run() }", "cli"),
    ] {
        let layer = path.split(['/', '.']).next().expect("a first part");
        let objection = format!("`{layer}` must not use `crate::{module}`, only {}", list(CORE));
        check(path, text, &[&format!("src/{path}:1: {objection}")]);
    }
    check(
        "git/trees.rs",
        "use crate::tree::Tree;\nuse git2::Oid;\nuse std::process::Command;",
        &[],
    );
}

#[test]
fn the_edge_goes_through_operations_and_only_its_errors_know_adapters() {
    check(
        "cli/commands/check.rs",
        "use crate::{git::Repository, ops::check, report::CheckReport};",
        &[concat!(
            "src/cli/commands/check.rs:1: `cli` must not use `crate::git`, only ",
            "revision, script, check, plan, tree, ops, report, project"
        )],
    );
    check("cli/error.rs", "use crate::{git::GitError, journal::JournalError};", &[]);
    check(
        "report/check.rs",
        "use crate::git::Repository;",
        &[concat!(
            "src/report/check.rs:1: `report` must not use `crate::git`, only ",
            "revision, script, check, plan, tree, ops"
        )],
    );
    check("main.rs", "fn main() { dbm_git::cli::run() }", &[]);
    check(
        "main.rs",
        "fn main() { dbm_git::ops::run() }",
        &["src/main.rs:1: `main` must not use `crate::ops`, only cli"],
    );
}

#[test]
fn a_module_without_a_row_is_refused() {
    check(
        "utils/mod.rs",
        "",
        &["src/utils/mod.rs: `utils` has no row in the table of tests/architecture"],
    );
}
