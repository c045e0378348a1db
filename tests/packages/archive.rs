//! `install.sh` with a release archive, and `.ci/release`, which makes one.

use std::path::{Path, PathBuf};

use super::release::{in_source, only_file, release};
use super::support::{Run, TestRepo};

/// A repository with an archive in it, of a program that says `version`.
struct Scene {
    repo: TestRepo,
}

impl Scene {
    fn new() -> Self {
        let scene = Self { repo: TestRepo::empty() };
        scene.pack("#!/bin/sh\necho dbm-git 7.7\n");
        scene
    }

    /// Makes `release.tar.gz` of a program with this text.
    #[track_caller]
    fn pack(&self, program: &str) {
        self.repo.write("dbm-git-platform/dbm-git", program);
        self.shell("tar -czf release.tar.gz dbm-git-platform");
    }

    #[track_caller]
    fn shell(&self, line: &str) -> String {
        Run::of(self.repo.command("sh").args(["-c", line])).expect_code(0).stdout
    }

    fn checksum(&self) -> String {
        self.shell("sha256sum <release.tar.gz").split(' ').next().expect("a sum").to_owned()
    }

    fn installed(&self) -> PathBuf {
        self.repo.home().join(".local/bin/dbm-git")
    }

    /// Runs install.sh, and shows what it has said and done.
    fn install(&self, args: &[&str]) -> String {
        let run = Run::of(
            self.repo
                .command("sh")
                .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/install.sh"))
                .args(args)
                .env("TMPDIR", self.repo.home()),
        );
        let left: Vec<_> = std::fs::read_dir(self.repo.home())
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name())
            .filter(|name| name != ".local" && name != "programs")
            .collect();
        assert!(left.is_empty(), "left behind: {left:?}");
        run.to_string().replace(&self.repo.home().display().to_string(), "<home>")
    }

    #[track_caller]
    fn refuses(&self, args: &[&str]) -> String {
        let said = self.install(args);
        assert!(said.ends_with("--- exit 1\n"), "{said}");
        assert!(!self.installed().exists(), "{said}");
        said
    }
}

const ARCHIVE: [&str; 2] = ["--archive", "release.tar.gz"];

fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&ARCHIVE, more].concat()
}

const INSTALLED: &str = "installed <home>/.local/bin/dbm-git (dbm-git 7.7)\n";

#[test]
fn a_checksum_beside_the_archive_is_found() {
    let scene = Scene::new();
    scene.shell("sha256sum release.tar.gz >release.tar.gz.sha256");
    insta::assert_snapshot!(scene.install(&ARCHIVE), @r#"
    installed <home>/.local/bin/dbm-git (dbm-git 7.7)
    --- stderr
    warning: <home>/.local/bin is not on PATH
      hint: add this line to your shell's start file: export PATH="<home>/.local/bin:$PATH"
    "#);
    insta::assert_snapshot!(scene.install(&["--uninstall"]), @"removed <home>/.local/bin/dbm-git");
}

#[test]
fn a_checksum_can_be_given() {
    let scene = Scene::new();
    let checksum = scene.checksum().to_uppercase();
    let said = scene.install(&with(&["--checksum", &checksum]));
    assert!(said.starts_with(INSTALLED), "{said}");
}

#[test]
fn a_checksum_can_be_in_a_file_of_many() {
    for line in ["SUM  release.tar.gz", "SUM *release.tar.gz", "SUM"] {
        let scene = Scene::new();
        let other = format!("{}  other.tar.gz\n", "0".repeat(64));
        scene.repo.write("sums", other + &line.replace("SUM", &scene.checksum()) + "\n");
        let said = scene.install(&with(&["--checksum-file", "sums"]));
        assert!(said.starts_with(INSTALLED), "{line}\n{said}");
    }
}

#[test]
fn without_a_checksum_it_refuses_unless_told_otherwise() {
    let scene = Scene::new();
    insta::assert_snapshot!(scene.refuses(&ARCHIVE), @"
    --- stderr
    install.sh: nothing tells what release.tar.gz must be: there is no release.tar.gz.sha256
      hint: put it beside the archive, or say --checksum SHA256
      hint: --no-checksum trusts the archive as it is
    --- exit 1
    ");
    let said = scene.install(&with(&["--no-checksum"]));
    assert!(said.starts_with(INSTALLED), "{said}");
}

#[test]
fn an_archive_that_is_another_one_is_refused() {
    let scene = Scene::new();
    scene.shell("sha256sum release.tar.gz >release.tar.gz.sha256");
    scene.pack("#!/bin/sh\necho evil\n");
    let said = scene.refuses(&ARCHIVE).replace(&scene.checksum(), "<found>");
    let expected = scene.shell("cut -c 1-64 release.tar.gz.sha256");
    insta::assert_snapshot!(said.replace(expected.trim(), "<expected>"), @"
    --- stderr
    install.sh: release.tar.gz has the checksum <found> and must have <expected>; nothing was installed
      hint: download it again
    --- exit 1
    ");
}

#[test]
fn what_is_no_checksum_is_refused() {
    let scene = Scene::new();
    scene.repo.write("sums", format!("{}  other.tar.gz\n", scene.checksum()));
    insta::assert_snapshot!(scene.refuses(&with(&["--checksum-file", "sums"])), @"
    --- stderr
    install.sh: sums has no line for release.tar.gz
    --- exit 1
    ");
    insta::assert_snapshot!(scene.refuses(&with(&["--checksum-file", "none"])), @"
    --- stderr
    install.sh: cannot read none
    --- exit 1
    ");
    insta::assert_snapshot!(scene.refuses(&with(&["--checksum", "12ab"])), @"
    --- stderr
    install.sh: not a SHA-256 checksum: 12ab
    --- exit 1
    ");
    insta::assert_snapshot!(scene.refuses(&with(&["--checksum", ""])), @"
    --- stderr
    install.sh: --checksum needs 64 hexadecimal digits
    --- exit 1
    ");
    insta::assert_snapshot!(scene.refuses(&with(&["--checksum", "12ab", "--no-checksum"])), @"
    --- stderr
    install.sh: --checksum, --checksum-file and --no-checksum exclude each other
    --- exit 1
    ");
    insta::assert_snapshot!(scene.refuses(&["--checksum", "12ab"]), @"
    --- stderr
    install.sh: a checksum is for an --archive, and there is none
    --- exit 1
    ");
}

#[test]
fn what_is_no_archive_of_ours_is_refused() {
    let scene = Scene::new();
    insta::assert_snapshot!(scene.refuses(&["--archive", "none.tar.gz", "--no-checksum"]), @"
    --- stderr
    install.sh: cannot read the archive none.tar.gz
    --- exit 1
    ");
    scene.shell(
        "mkdir other && mv dbm-git-platform/dbm-git other/program && tar -czf release.tar.gz other",
    );
    insta::assert_snapshot!(scene.refuses(&with(&["--no-checksum"])), @"
    --- stderr
    install.sh: there is no dbm-git in release.tar.gz
    --- exit 1
    ");
}

#[test]
fn a_program_of_another_platform_does_not_replace_the_one_that_is_there() {
    let scene = Scene::new();
    scene.install(&with(&["--no-checksum"]));
    scene.pack("#!/bin/sh\necho 'exec format error' >&2\nexit 126\n");
    let said = scene.install(&with(&["--no-checksum"]));
    let machine = scene.shell("uname -sm");
    insta::assert_snapshot!(said.replace(machine.trim(), "<machine>"), @"
    --- stderr
    exec format error
    install.sh: the program does not run on this machine (<machine>), nothing was installed
      hint: is the archive one for it?
    --- exit 1
    ");
    let run = Run::of(scene.repo.command(scene.installed()).arg("--version")).expect_code(0);
    assert_eq!(run.stdout, "dbm-git 7.7\n");
}

#[test]
fn what_our_own_release_has_can_be_installed() {
    let scene = Scene::new();
    let archive = only_file(release(), ".tar.gz");
    let said = scene.install(&["--archive", &archive.display().to_string()]);
    let version = env!("CARGO_PKG_VERSION");
    assert!(said.starts_with(&INSTALLED.replace("7.7", version)), "{said}");

    let list = Run::of(scene.repo.command("tar").arg("-tzf").arg(&archive)).expect_code(0).stdout;
    let folder = list.lines().next().expect("a folder").to_owned();
    insta::assert_snapshot!(list.replace(&folder, "<folder>/"), @"
    <folder>/
    <folder>/CHANGELOG.md
    <folder>/LICENSE-APACHE
    <folder>/LICENSE-MIT
    <folder>/README.md
    <folder>/completions/
    <folder>/completions/dbm-git.bash
    <folder>/completions/dbm-git.elvish
    <folder>/completions/dbm-git.fish
    <folder>/completions/dbm-git.powershell
    <folder>/completions/dbm-git.zsh
    <folder>/dbm-git
    ");
}

#[test]
fn the_same_sources_make_the_same_archive() {
    let again = tempfile::tempdir().expect("a temporary folder");
    Run::of(in_source(".ci/release").arg(again.path())).expect_code(0);
    let bytes = |folder: &Path| std::fs::read(only_file(folder, ".tar.gz")).expect("readable");
    assert!(bytes(release()) == bytes(again.path()));
}
