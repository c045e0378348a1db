//! Bad input and bad surroundings: whatever lies in a repository, there is an
//! answer or a clear error with its exit code, and nobody waits for ever.
#![cfg(unix)]
#![expect(clippy::disallowed_methods, reason = "tests set up and look at the real world")]

#[path = "../support/mod.rs"]
mod support;

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::process::{Command, Stdio};

use support::{CheckJson, ErrorJson, GraphJson, RebaseJson, Run, TestRepo, VERSIONS};

/// `a -> b` on `main`, and a feature branch checked out.
fn small() -> TestRepo {
    TestRepo::new().adds("<base> -> a\na -> b").branch("feature")
}

/// ```text
/// a ── m         (main)
///  └── f ── g    (feature, where main is merged)
/// ```
fn diverged() -> TestRepo {
    TestRepo::new()
        .adds("<base> -> a")
        .branch("feature")
        .adds("a -> f\nf -> g")
        .on("main", "a -> m")
        .merge_into("feature")
}

impl TestRepo {
    fn mkfifo(&self, path: &str) {
        let made = Command::new("mkfifo").arg(self.path().join(path)).status();
        assert!(made.expect("mkfifo runs").success());
    }

    fn link(&self, target: &str, path: &str) {
        symlink(target, self.path().join(path)).expect("a new link");
    }

    /// Code, file name and reason of each finding of `check` with `args`.
    #[track_caller]
    fn findings(&self, args: &[&str]) -> String {
        let run = self.dbm(["check", "--format", "json"].iter().chain(args));
        let check: CheckJson = run.json();
        let findings = check.components.iter().flat_map(|component| &component.findings);
        let line = |finding: &support::FindingJson| {
            let path = finding.path.as_deref().unwrap_or("-").rsplit('/').next();
            let reason = finding.message.split_once(": ").map_or("", |(_, reason)| reason);
            let line = format!("{} {} {reason}", finding.code, path.unwrap_or_default());
            line.trim_end().to_owned() + "\n"
        };
        findings.map(line).collect()
    }
}

/// The error that `run` answers, in JSON on stdout.
#[track_caller]
fn refusal(run: &Run) -> String {
    let error: ErrorJson = run.json();
    format!("{} {}: {}", run.code, error.error.kind, error.error.message)
}

#[test]
fn what_is_no_file_is_a_finding_and_not_waited_for() {
    let repo = small();
    repo.mkfifo(&format!("{VERSIONS}/pipe.py"));
    repo.link("/dev/zero", &format!("{VERSIONS}/zero.py"));
    repo.link("loop.py", &format!("{VERSIONS}/loop.py"));
    std::fs::create_dir(repo.path().join(VERSIONS).join("folder.py")).expect("made");
    insta::assert_snapshot!(repo.findings(&[]), @"
    DBM005 loop.py the symlink points at nothing in this repository
    DBM005 pipe.py it is no file, and Python would hang
    DBM005 zero.py the symlink points at nothing in this repository
    ");
}

#[test]
fn a_configuration_that_is_no_file_is_an_error() {
    for name in ["dbm-git.toml", "pyproject.toml"] {
        let (pipe, device) = (small(), small());
        pipe.mkfifo(name);
        device.link("/dev/zero", name);
        for repo in [pipe, device] {
            let run = repo.dbm(["check", "--format", "json"]);
            let expected = format!("3 environment: `{name}` is a device, a pipe or a socket");
            assert_eq!(refusal(&run), expected);
        }
    }
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let repo = small();
    let large = File::create(repo.path().join(VERSIONS).join("large.py")).expect("created");
    large.set_len(1 << 40).expect("a sparse file");
    insta::assert_snapshot!(
        repo.findings(&[]),
        @"DBM005 large.py `migrations/versions/large.py` is larger than 64 MB"
    );
}

#[test]
fn links_at_each_other_are_followed_once() {
    let repo = small();
    repo.link("two.py", &format!("{VERSIONS}/one.py"));
    repo.link("one.py", &format!("{VERSIONS}/two.py"));
    repo.link("../../../..", &format!("{VERSIONS}/above.py"));
    repo.commit("Link");
    let expected = repo.findings(&[]);
    insta::assert_snapshot!(expected, @"
    DBM005 above.py the symlink points at nothing in this repository
    DBM005 one.py the symlink points at nothing in this repository
    DBM005 two.py the symlink points at nothing in this repository
    ");
    assert_eq!(repo.findings(&["--staged"]), expected);
    assert_eq!(repo.findings(&["--at", "HEAD"]), expected);
}

#[test]
fn a_linked_version_folder_is_the_same_in_every_snapshot() {
    let repo = small();
    std::fs::rename(repo.path().join(VERSIONS), repo.path().join("real")).expect("moved");
    repo.link("../real", VERSIONS);
    repo.commit("Move");
    for args in [vec![], vec!["--staged"], vec!["--at", "HEAD"]] {
        let args = ["check", "--format", "json"].into_iter().chain(args);
        let check: CheckJson = repo.dbm(args).json();
        assert_eq!(check.components[0].heads, ["b"]);
    }
}

#[test]
fn a_name_that_is_no_text_is_a_finding_in_every_snapshot() {
    let repo = small();
    let name = OsStr::from_bytes(b"x\xff.py");
    File::create(repo.path().join(VERSIONS).join(name)).expect("created");
    repo.commit("Add");
    for args in [&[][..], &["--staged"], &["--at", "HEAD"]] {
        assert_eq!(repo.findings(args), "DBM005 x\u{fffd}.py its name is not UTF-8\n");
    }
}

#[test]
fn a_file_of_nothing_but_operators_is_a_finding() {
    let repo = small();
    for (name, link, levels) in [
        ("plus", "1+", 1_000_000),
        ("dots", "a.", 1_000_000),
        ("not", "not ", 1_000_000),
        ("lambda", "lambda:", 1_000_000),
        ("else", "1 if a else ", 300_000),
        ("brackets", "[", 1_000_000),
        ("braces", "f'{", 1_000),
    ] {
        repo.write(&format!("{VERSIONS}/{name}.py"), format!("x = {}1", link.repeat(levels)));
    }
    insta::assert_snapshot!(repo.findings(&[]), @"
    DBM005 braces.py more than 200 nested brackets, which Python refuses too
    DBM005 brackets.py more than 200 nested brackets, which Python refuses too
    DBM005 dots.py an expression of more than 8000 operators
    DBM005 else.py an expression of more than 8000 operators
    DBM005 lambda.py an expression of more than 8000 operators
    DBM005 not.py an expression of more than 8000 operators
    DBM005 plus.py an expression of more than 8000 operators
    ");
}

/// The parser is also asked outside of its own threads, which have large stacks.
#[test]
fn as_many_operators_as_are_allowed_fit_any_stack() {
    let repo = small();
    let deep = format!("x = {}1\nrevision = 'far'\n", "not ".repeat(7_900));
    repo.git(["switch", "--quiet", "--create", "other"]);
    repo.write(&format!("{VERSIONS}/far.py"), deep);
    repo.commit("Add far");
    let repo = repo.switch("feature").writes("far -> c");
    let found = repo.dbm(["check"]).expect_code(1).stdout;
    assert!(found.contains("but on `other` in `migrations/versions/far.py`"), "{found}");
}

#[test]
fn any_encoding_is_decoded_in_one_go() {
    let repo = small();
    let comment = b"\xc4\xe3".repeat(1_000_000);
    let header = b"\nrevision = 'c'\ndown_revision = 'b'\n".to_vec();
    let file = [b"# coding: gbk\n# ".to_vec(), comment, header].concat();
    repo.write(&format!("{VERSIONS}/c.py"), file);
    let graph: GraphJson = repo.dbm(["graph", "--format", "json"]).expect_code(0).json();
    assert_eq!(graph.components[0].heads, ["c"]);
}

#[test]
fn a_million_assignments_take_no_square_of_time() {
    let repo = small();
    let text = "x = 1\ny = x\n".repeat(200_000);
    repo.write(
        &format!("{VERSIONS}/data.py"),
        format!("{text}revision = 'd'\ndown_revision = 'b'\n"),
    );
    let graph: GraphJson = repo.dbm(["graph", "--format", "json"]).expect_code(0).json();
    assert_eq!(graph.components[0].heads, ["d"]);
}

#[test]
fn histories_of_any_shape_are_read_without_recursion() {
    let line: String = (1..2_000).map(|n| format!("r{} -> r{n}\n", n - 1)).collect();
    let ring = line.clone() + "r1999 -> r0";
    let fan: String = (0..1_000).map(|n| format!("r0 -> h{n}\n")).collect();
    let heads: Vec<String> = (0..1_000).map(|n| format!("h{n}")).collect();
    for (history, code, expected) in [
        (format!("<base> -> r0\n{line}"), 0, ""),
        (ring, 1, "DBM004 r0_.py\n"),
        (format!("<base> -> r0\n{fan}"), 1, "DBM001 h0_.py\n"),
        (format!("<base> -> r0\n{fan}{} -> m", heads.join(", ")), 0, ""),
    ] {
        let repo = TestRepo::new().writes(&history);
        assert_eq!(repo.findings(&[]), expected);
        repo.dbm(["check"]).expect_code(code);
        repo.dbm(["graph"]).expect_code(0);
    }
}

#[test]
fn an_interpolation_bomb_is_defused() {
    let repo = diverged();
    let many = |name: &str| format!("%({name})s").repeat(1_000);
    let ini = format!(
        "[alembic]\nscript_location = {}\na = {}\nb = {}\nc = x\n",
        many("a"),
        many("b"),
        many("c")
    );
    repo.write("alembic.ini", ini);
    let run = repo.dbm(["check"]).expect_code(1);
    assert!(run.stderr.contains("its interpolation is too long"), "{run}");
}

#[test]
fn a_file_template_may_ask_for_any_width() {
    let repo = diverged();
    let ini =
        "[alembic]\nscript_location = migrations\nfile_template = %%(day)99999999d_%%(rev)s\n";
    repo.write("alembic.ini", ini);
    let run = repo.dbm(["merge", "--format", "json"]);
    // No file system takes the name, and that is said.
    let said = refusal(&run);
    assert!(said.starts_with("1 refused: cannot read `migrations/versions/0000"), "{said}");
    assert_eq!(repo.git(["status", "--porcelain", "--", VERSIONS]), "");
}

#[test]
fn two_components_may_share_their_files() {
    let repo = diverged();
    repo.write(
        "dbm-git.toml",
        "[components.one]\nscript-location = 'migrations'\n\n[components.two]\nscript-location = 'migrations'\n",
    );
    let rebase: RebaseJson = repo.dbm(["rebase", "--format", "json"]).expect_code(0).json();
    assert_eq!(rebase.components.len(), 2);
    assert_eq!(repo.findings(&[]), "");
    repo.dbm(["undo"]).expect_code(0);
    assert_eq!(repo.git(["status", "--porcelain"]), "?? dbm-git.toml");
}

#[test]
fn an_object_that_is_missing_hides_one_file_only() {
    let repo = diverged();
    repo.git(["switch", "--quiet", "main"]);
    let repo = repo.adds("m -> n");
    let blob = repo.git(["rev-parse", &format!("main:{VERSIONS}/n_.py")]);
    repo.git(["switch", "--quiet", "feature"]);
    repo.remove(&format!(".git/objects/{}/{}", &blob[..2], &blob[2..]));
    insta::assert_snapshot!(repo.findings(&["--base", "main"]), @"
    DBM001 g_.py
    DBM005 n_.py `migrations/versions/n_.py` is not in this clone's object store
    ");
}

#[test]
fn what_a_sparse_checkout_leaves_out_is_not_deleted() {
    let repo = diverged();
    repo.git(["sparse-checkout", "set", "--no-cone", "/*", "!/migrations/versions/[af]_.py"]);
    assert!(!repo.has(&format!("{VERSIONS}/a_.py")));
    assert_eq!(repo.findings(&[]), "DBM001 g_.py\n");
    // What is not there cannot be edited.
    let run = repo.dbm(["rebase", "--format", "json"]);
    let expected = "`migrations/versions/f_.py` is not checked out here";
    assert!(run.stdout.contains(expected), "{run}");
    repo.git(["sparse-checkout", "disable"]);
    repo.dbm(["rebase"]).expect_code(0);
    assert_eq!(repo.findings(&[]), "");
}

#[test]
fn control_characters_are_shown_and_not_sent() {
    let repo = small();
    let nasty = "\x1b[31m\x07\u{202e}";
    repo.write(
        &format!("{VERSIONS}/{nasty}.py"),
        format!("\"\"\"{nasty}\"\"\"\nrevision = '{nasty}'\ndown_revision = 'no{nasty}'\nbranch_labels = 'l{nasty}'\n"),
    );
    repo.write("dbm-git.toml", format!("upstream = \"{}\"\n", "\\u001b[31m"));
    for args in [&["check"][..], &["graph"], &["status"], &["rebase", "--onto", nasty], &["log"]] {
        for config in [true, false] {
            if !config && repo.has("dbm-git.toml") {
                repo.remove("dbm-git.toml");
            }
            let run = repo.dbm(args.iter().chain(&["--color", "never"]));
            let shown = format!("{}{}", run.stdout, run.stderr);
            assert!(!shown.contains(['\x1b', '\x07', '\u{202e}']), "{args:?}: {shown:?}");
        }
    }
}

#[test]
fn an_answer_that_cannot_be_written_is_an_error() {
    let repo = small();
    let full = || Stdio::from(File::options().write(true).open("/dev/full").expect("there"));
    let output = repo.dbm_command().args(["graph"]).stdout(full()).output().expect("runs");
    assert_eq!(output.status.code(), Some(3));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.starts_with("error: cannot write the answer\n"), "{said}");
}

#[test]
fn json_is_answered_in_every_state_of_the_repository() {
    type Spoil = fn(&TestRepo);
    let states: [(&str, Spoil, i32); 7] = [
        ("HEAD is garbage", |r| r.write(".git/HEAD", b"\xff\x00"), 3),
        ("HEAD is a loop", |r| r.write(".git/HEAD", "ref: HEAD\n"), 3),
        ("the configuration is garbage", |r| r.write(".git/config", b"[[\xff"), 3),
        ("dbm-git.toml is garbage", |r| r.write("dbm-git.toml", b"\xff\xfe"), 3),
        ("the journal is garbage", |r| r.write(".git/dbm-git/state.db", "x".repeat(9_000)), 3),
        (
            "the journal is a pipe",
            |r| {
                std::fs::create_dir_all(r.path().join(".git/dbm-git")).expect("made");
                r.mkfifo(".git/dbm-git/state.db");
            },
            3,
        ),
        ("the index is garbage", |r| r.write(".git/index", "DIRCx"), 3),
    ];
    for (state, make, code) in states {
        let repo = diverged();
        make(&repo);
        let run = repo.dbm(["rebase", "--format", "json"]);
        let error: ErrorJson = run.json();
        assert_eq!((run.code, error.version), (code, 1), "{state}: {run}");
    }
    let repo = diverged();
    repo.git(["config", "core.bare", "true"]);
    let run = repo.dbm(["rebase", "--format", "json"]);
    assert_eq!(refusal(&run), "3 environment: this repository is bare: it has no working tree");
}
