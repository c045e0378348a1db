//! What a release consists of, built once for all tests.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::support::{Run, TestRepo, test_python};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A program that `tests/run` puts beside the tests' environment.
#[track_caller]
pub fn tool(name: &str) -> PathBuf {
    let folder = std::env::var_os("DBM_GIT_TEST_PACKAGING").expect("run tests/run, which sets it");
    let tool = Path::new(&folder).join(name);
    assert!(tool.exists(), "{} is missing: run tests/run", tool.display());
    tool
}

/// A command in our own source tree, with this machine's toolchain.
pub fn in_source(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(ROOT);
    // What cargo tells its tests is not for another build.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name == "CARGO" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        {
            command.env_remove(name);
        }
    }
    command.env_remove("LD_LIBRARY_PATH");
    command
}

/// A new folder for what is built.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        std::fs::remove_dir_all(&folder).expect("removed");
    }
    std::fs::create_dir_all(&folder).expect("a new folder");
    folder
}

/// The only file in `folder` whose name ends so.
#[track_caller]
pub fn only_file(folder: &Path, end: &str) -> PathBuf {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.to_string_lossy().ends_with(end))
        .collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files.remove(0)
}

/// Our wheel, alone in its folder.
pub fn wheel() -> &'static Path {
    static WHEEL: OnceLock<PathBuf> = OnceLock::new();
    WHEEL.get_or_init(|| {
        writeln!(std::io::stderr(), "packages: a release build, which takes minutes")
            .expect("stderr");
        let out = folder("wheel");
        Run::of(
            in_source(tool("maturin"))
                .args(["build", "--release", "--interpreter"])
                .arg(test_python())
                .arg("--out")
                .arg(&out),
        )
        .expect_code(0);
        only_file(&out, ".whl")
    })
}

/// The folder with our release archive and its checksum.
pub fn release() -> &'static Path {
    static RELEASE: OnceLock<PathBuf> = OnceLock::new();
    RELEASE.get_or_init(|| {
        wheel();
        let out = folder("release");
        Run::of(in_source(".ci/release").arg(&out)).expect_code(0);
        out
    })
}

/// Reads YAML by the Python that pre-commit reads it with: one value per document.
#[track_caller]
pub fn yaml(text: &str) -> Vec<serde_json::Value> {
    let repo = TestRepo::empty();
    repo.write("file.yml", text);
    let program = "import json, yaml; \
                   print(json.dumps(list(yaml.safe_load_all(open('file.yml')))))";
    Run::of(repo.command(test_python()).args(["-c", program])).expect_code(0).json()
}

/// A project on a branch that is fine by itself; merged with `origin/main` it has
/// two heads where `diverges`.
pub fn pull_request(diverges: bool) -> TestRepo {
    let repo = TestRepo::new().adds("<base> -> a, root").publish("main");
    let repo = repo.branch("orders").adds("a -> b, add orders");
    if !diverges {
        return repo;
    }
    repo.on("main", "a -> c, add invoices").publish("main").switch("orders")
}
