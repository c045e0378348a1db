//! `.pre-commit-hooks.yaml`, read by pre-commit and prek, with our real program.
//! `tests/managers` holds what they call against what git calls.

use std::path::PathBuf;

use super::release::{pull_request, tool, wheel};
use super::support::{Run, TestRepo, test_python};

/// Both of them, and what they are called.
fn managers() -> [PathBuf; 2] {
    let programs = test_python().parent().expect("a folder").to_path_buf();
    ["pre-commit", "prek"].map(|name| programs.join(name))
}

#[track_caller]
fn run(repo: &TestRepo, program: &PathBuf, args: &[&str]) -> Run {
    let system = std::env::var_os("PATH").expect("programs of the system");
    // prek has uv install for it, and would fetch one.
    let folders = [tool("uv"), test_python()].map(|p| p.parent().expect("a folder").to_path_buf());
    let path = std::env::join_paths(folders.into_iter().chain(std::env::split_paths(&system)));
    Run::of(repo.command(program).args(args).env("PATH", path.expect("plain folders")))
}

#[test]
fn tried_out_it_checks_what_is_staged() {
    for manager in managers() {
        let repo = TestRepo::new().adds("<base> -> a, root").publish("main");
        let ours = repo.manifest_repository(wheel());
        let ours = ours.path().display().to_string();
        let try_repo = || run(&repo, &manager, &["try-repo", &ours, "dbm-git-check"]);
        repo.write_revisions("a -> b, add orders\na -> c, add invoices");
        let said = try_repo().expect_code(0).stdout;
        assert!(said.contains("Passed"), "not staged:\n{said}");
        repo.git(["add", "--all"]);
        let said = try_repo().expect_code(1).stdout;
        assert!(said.contains("error[DBM001]: heads `b` and `c` have diverged"), "{said}");
    }
}

#[test]
fn installed_it_blocks_a_push_and_speaks_up_after_a_merge() {
    for manager in managers() {
        let repo = pull_request(true);
        let ours = repo.manifest_repository(wheel());
        let types = ["pre-commit", "pre-push", "post-merge"];
        let text = format!(
            "default_install_hook_types: [{}]\nrepos:\n{}",
            types.join(", "),
            ours.uses_of_manifest(&["dbm-git-check", "dbm-git-pre-push", "dbm-git-post-merge"])
        );
        repo.write(".pre-commit-config.yaml", text);
        repo.commit("Use dbm-git");
        run(&repo, &manager, &["install"]).expect_code(0);
        let git = |args: &[&str]| run(&repo, &PathBuf::from("git"), args);
        let said = git(&["merge", "--no-edit", "origin/main"]).expect_code(0).to_string();
        assert!(said.contains("dbm-git: the heads `b`, `c` have diverged"), "{said}");
        let said = git(&["push", "origin", "orders"]).expect_code(1).to_string();
        assert!(said.contains("dbm-git: DBM001: heads `b` and `c` have diverged"), "{said}");
        let pushed = repo.try_git(["rev-parse", "--verify", "--quiet", "origin/orders"]);
        assert_ne!(pushed.code, 0, "{pushed}");
    }
}
