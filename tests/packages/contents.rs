//! The source packages, for crates.io and PyPI, hold what a build needs.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::release::{in_source, only_file, tool};
use super::support::Run;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let files = entries.flat_map(|entry| {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files_below(&path) } else { vec![path] }
    });
    files.collect()
}

/// `a/b/../c` is `a/c`.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}

/// The files that `include_str!` and its like name in a source.
fn embedded_in(source: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(source).expect("a readable source");
    let folder = source.parent().expect("a folder");
    let after = ["include_str!(\"", "include_bytes!(\""].into_iter().flat_map(|macro_| {
        text.match_indices(macro_).map(|(at, found)| &text[at + found.len()..]).collect::<Vec<_>>()
    });
    after.filter_map(|rest| rest.split('"').next()).map(|name| normal(&folder.join(name))).collect()
}

/// What the build reads, as paths from the root.
fn needed() -> BTreeSet<String> {
    let root = Path::new(ROOT);
    let sources = files_below(&root.join("src"));
    let embedded: Vec<PathBuf> = sources.iter().flat_map(|source| embedded_in(source)).collect();
    let named = ["Cargo.lock", "Cargo.toml", "README.md", "LICENSE-APACHE", "LICENSE-MIT"];
    let named = named.iter().map(|name| root.join(name));
    let migrations = files_below(&root.join("migrations"));
    let all = sources.into_iter().chain(embedded).chain(named).chain(migrations);
    all.map(|path| {
        let path = path.strip_prefix(root).expect("inside").to_path_buf();
        path.to_str().expect("a plain name").to_owned()
    })
    .collect()
}

#[track_caller]
fn check(package: &BTreeSet<String>) {
    let needed = needed();
    assert!(needed.contains("hooks/block.sh") && needed.contains("migrations/0001_journal.sql"));
    let missing: Vec<_> = needed.difference(package).collect();
    assert!(missing.is_empty(), "missing: {missing:?}");
    let folders: BTreeSet<&str> =
        needed.iter().filter_map(|path| Some(path.split_once('/')?.0)).collect();
    let folder = |path: &&String| path.split_once('/').map(|(folder, _)| folder.to_owned());
    let superfluous: Vec<_> = package
        .iter()
        .filter(|path| folder(path).is_some_and(|folder| !folders.contains(&&*folder)))
        .collect();
    assert!(superfluous.is_empty(), "superfluous: {superfluous:?}");
}

#[test]
fn the_crate_has_what_a_build_needs_and_no_folder_more() {
    let run = Run::of(in_source("cargo").args(["package", "--list", "--allow-dirty", "--locked"]));
    check(&run.expect_code(0).stdout.lines().map(str::to_owned).collect());
}

#[test]
fn the_source_distribution_has_what_a_build_needs_and_no_folder_more() {
    let out = tempfile::tempdir().expect("a temporary folder");
    Run::of(in_source(tool("maturin")).args(["sdist", "--out"]).arg(out.path())).expect_code(0);
    let archive = only_file(out.path(), ".tar.gz");
    let list = Run::of(in_source("tar").arg("-tzf").arg(archive)).expect_code(0).stdout;
    let files: BTreeSet<String> =
        list.lines().filter_map(|line| Some(line.split_once('/')?.1.to_owned())).collect();
    assert!(files.contains("pyproject.toml") && files.contains("PKG-INFO"), "{files:?}");
    check(&files);
}
