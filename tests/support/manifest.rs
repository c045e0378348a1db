//! A repository that pre-commit and prek install our hooks from: with our real
//! `.pre-commit-hooks.yaml`, and a wheel that is there already. Of our own one pip
//! would build dbm-git again, which takes minutes each time.

use std::path::Path;

use super::TestRepo;

const MANIFEST: &str = include_str!("../../.pre-commit-hooks.yaml");

/// What pip calls in place of maturin.
const BACKEND: &str = r#"
import pathlib, shutil


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    wheel = pathlib.Path(__file__).with_name("wheel.txt").read_text()
    return pathlib.Path(shutil.copy(wheel, wheel_directory)).name
"#;

const PROJECT: &str = r#"
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]

[project]
name = "dbm-git"
dynamic = ["version"]
"#;

impl TestRepo {
    /// Such a repository in a sibling folder; pip gets `wheel` out of it.
    #[track_caller]
    pub fn manifest_repository(&self, wheel: &Path) -> TestRepo {
        let repo = self.beside("dbm-git");
        std::fs::create_dir(repo.path()).expect("a new folder");
        repo.git(["init", "--quiet", "--initial-branch=main"]);
        repo.write(".pre-commit-hooks.yaml", MANIFEST);
        repo.write("backend.py", BACKEND);
        repo.write("pyproject.toml", PROJECT);
        repo.write("wheel.txt", wheel.display().to_string());
        repo.commit("Release");
        repo
    }

    /// Lines of `.pre-commit-config.yaml` that name hooks of such a repository.
    pub fn uses_of_manifest(&self, ids: &[&str]) -> String {
        let hooks: String = ids.iter().map(|id| format!("  - id: {id}\n")).collect();
        let rev = self.git(["rev-parse", "HEAD"]);
        format!("- repo: {}\n  rev: {rev}\n  hooks:\n{hooks}", self.path().display())
    }
}
