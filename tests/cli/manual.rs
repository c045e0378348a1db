//! The manual pages, as the programs that show them see them.

use super::support::{Run, TestRepo};

#[test]
fn the_main_page_is_an_answer() {
    let run = TestRepo::empty().dbm(["man"]).expect_code(0);
    assert!(run.stdout.contains(".TH dbm-git 1 "), "{run}");
    assert_eq!(run.stderr, "");
}

#[test]
fn all_pages_go_into_a_folder_and_mandoc_and_man_understand_them() {
    let repo = TestRepo::empty();
    let run = repo.dbm(["man", "--dir", "share/man1"]).expect_code(0);
    assert_eq!(run.stdout, "");
    let pages = repo.files_in("share/man1");
    assert!(pages.len() > 15, "{run}");
    for (path, bytes) in pages {
        // Errors alone: of the style of what clap_mangen writes both have opinions.
        let lint = ["-T", "lint", "-W", "error", &path];
        let run = Run::of(repo.command("mandoc").args(lint)).expect_code(0);
        assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""), "{path}");
        let run = Run::of(repo.command("man").args(["--warnings", "-l", &path])).expect_code(0);
        assert_eq!(run.stderr, "", "{path}");
        assert!(run.stdout.contains("dbm-git manual"), "{path}: {run}");
        let text = String::from_utf8(bytes).expect("UTF-8");
        assert!(!text.contains("``") && text.contains(".SH NAME"), "{path}: {text}");
    }
}

#[test]
fn where_pages_cannot_be_written_it_says_so() {
    let repo = TestRepo::empty();
    repo.write("taken", "");
    let run = repo.dbm(["man", "--dir", "taken"]).expect_code(3);
    assert!(run.stderr.contains("cannot write `taken`"), "{run}");
}
