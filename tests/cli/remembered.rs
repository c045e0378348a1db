//! What `check` remembers: it says the same as one that remembers nothing.

#![expect(clippy::disallowed_methods, reason = "the tests change what is read, behind our back")]

use std::fs;
use std::os::unix::fs::symlink;

use super::diverged;
use super::support::{TestRepo, VERSIONS};

/// Everything that is remembered is forgotten.
fn forget(repo: &TestRepo) {
    for name in ["answers", "headers"] {
        let file = repo.path().join(".git/dbm-git").join(name);
        if file.exists() {
            fs::remove_file(file).expect("removed");
        }
    }
}

fn has(repo: &TestRepo, name: &str) -> bool {
    repo.path().join(".git/dbm-git").join(name).exists()
}

/// Runs `check` until its answer is remembered: files have to be a few
/// milliseconds old for that.
#[track_caller]
fn remembered(repo: &TestRepo, words: &[&str]) -> String {
    for _ in 0..1000 {
        let said = repo.dbm(words).to_string();
        if has(repo, "answers") {
            return said;
        }
    }
    panic!("never remembered");
}

/// What is said is what somebody says who remembers nothing; both times.
#[track_caller]
fn same(repo: &TestRepo, words: &[&str]) -> String {
    let said = repo.dbm(words).to_string();
    assert_eq!(repo.dbm(words).to_string(), said, "remembered");
    forget(repo);
    assert_eq!(repo.dbm(words).to_string(), said, "forgotten");
    said
}

#[test]
fn an_answer_is_said_again_without_reading_a_script() {
    let repo = diverged();
    for words in [
        ["check", "--color=never"].as_slice(),
        &["check", "--format", "json"],
        &["check", "--base", "origin/main"],
        &["check", "--at", "HEAD", "--format", "sarif"],
    ] {
        forget(&repo);
        let said = remembered(&repo, words);
        fs::remove_file(repo.path().join(".git/dbm-git/headers")).expect("written");
        assert_eq!(repo.dbm(words).to_string(), said);
        assert!(!has(&repo, "headers"), "{words:?} parsed again");
    }
}

/// What changes, in words, and the change.
type Change<'a> = (&'a str, Box<dyn Fn() + 'a>);

#[test]
fn whatever_decides_about_an_answer_changes_it() {
    let repo = diverged();
    let json = &["check", "--format", "json"];
    let mut last = remembered(&repo, json);
    let script = format!("{VERSIONS}/f_feature.py");
    let text = repo.read(&script);
    let changes: Vec<Change<'_>> = vec![
        // The same size, and the time of its last change set back.
        (
            "an edit",
            Box::new(|| {
                let before = fs::metadata(repo.path().join(&script)).expect("there");
                repo.write(&script, text.replace("= 'a'", "= 'm'"));
                let file = fs::File::options().write(true).open(repo.path().join(&script));
                let modified = before.modified().expect("a time");
                file.expect("writable").set_modified(modified).expect("set");
            }),
        ),
        ("the edit undone", Box::new(|| repo.write(&script, &text))),
        (
            "a file more",
            Box::new(|| {
                repo.write(&format!("{VERSIONS}/x.py"), "revision = 'x'\ndown_revision = 'f'\n");
            }),
        ),
        (
            "a file renamed",
            Box::new(|| {
                let place = |name: &str| repo.path().join(VERSIONS).join(name);
                fs::rename(place("x.py"), place("y.py")).expect("renamed");
                repo.write(&format!("{VERSIONS}/y.py"), "revision = 'y'\ndown_revision = 'f'\n");
            }),
        ),
        (
            "a file that is not UTF-8",
            Box::new(|| {
                fs::write(repo.path().join(VERSIONS).join("y.py"), b"\xff\n").expect("written");
            }),
        ),
        (
            "a configuration",
            Box::new(|| {
                repo.write("dbm-git.toml", "[components.other]\nconfig = \"alembic.ini\"\n");
            }),
        ),
        (
            "a suppression",
            Box::new(|| {
                let more = "[[ignore]]\ncodes = [\"DBM005\"]\nreason = \"as it is\"\n";
                repo.write("dbm-git.toml", repo.read("dbm-git.toml") + more);
            }),
        ),
        (
            "upstream",
            Box::new(|| {
                repo.git(["update-ref", "refs/remotes/origin/main", "HEAD"]);
            }),
        ),
    ];
    for (what, change) in changes {
        change();
        let said = same(&repo, json);
        assert_ne!(said, last, "{what}");
        last = remembered(&repo, json);
        assert_eq!(last, said, "{what}");
    }
}

#[test]
fn what_links_lead_to_and_other_branches_hold_is_looked_at_each_time() {
    let repo = TestRepo::new().adds("<base> -> a, root");
    let elsewhere = repo.path().join("elsewhere.py");
    fs::write(&elsewhere, "revision = 'b'\ndown_revision = 'a'\n").expect("written");
    symlink("../../elsewhere.py", repo.path().join(VERSIONS).join("b.py")).expect("linked");
    assert!(same(&repo, &["check"]).contains("head b"));
    fs::write(&elsewhere, "revision = 'c'\ndown_revision = 'a'\n").expect("written");
    assert!(same(&repo, &["check"]).contains("head c"));
    fs::write(&elsewhere, "revision = 'c'\ndown_revision = 'z'\n").expect("written");
    fs::rename(&elsewhere, repo.path().join(VERSIONS).join("b.py")).expect("renamed");
    assert!(!same(&repo, &["check"]).contains("`other`"));
    repo.git(["switch", "--quiet", "-c", "other"]);
    repo.write(&format!("{VERSIONS}/z.py"), "revision = 'z'\ndown_revision = 'a'\n");
    repo.git(["add", &format!("{VERSIONS}/z.py")]);
    repo.git(["commit", "--quiet", "-m", "z"]);
    repo.git(["switch", "--quiet", "main"]);
    let said = same(&repo, &["check"]);
    assert!(said.contains("on `other`"), "{said}");
}

#[test]
fn each_worktree_remembers_its_own_answers_and_a_damaged_memory_is_none() {
    let repo = TestRepo::new().adds("<base> -> a, root");
    let (linked, _) = repo.worktree("linked", "other");
    let linked = linked.adds("a -> b, more");
    let said = remembered(&repo, &["check"]);
    assert_eq!(repo.dbm(["check"]).stdout, said);
    assert!(same(&linked, &["check"]).contains("head b"));
    assert!(said.contains("head a"));
    for name in ["answers", "headers"] {
        let file = repo.path().join(".git/dbm-git").join(name);
        for garbage in [b"".as_slice(), b"garbage", &[0; 64]] {
            fs::write(&file, garbage).expect("written");
            assert_eq!(repo.dbm(["check"]).to_string(), said);
        }
    }
    fs::remove_dir_all(repo.path().join(".git/dbm-git")).expect("removed");
    fs::write(repo.path().join(".git/dbm-git"), "a file in the way").expect("written");
    assert_eq!(repo.dbm(["check"]).stdout, said);
}
