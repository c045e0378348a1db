//! The rows are those that the real alembic has written and shows.

use dbm_git::revision::parse_history;

use crate::subject::Subject;
use crate::support::{TestRepo, file_name, script};

#[test]
fn the_rows_are_those_that_alembic_wrote() {
    for subject in Subject::all() {
        let repo = TestRepo::new();
        // An ini has its own use for `%`.
        let url = subject.text().replace('%', "%%");
        repo.write("alembic.ini", repo.read("alembic.ini").replace("sqlite:///db.sqlite", &url));
        let history = "<base> -> a, one\na -> b, two\na -> c, three";
        for revision in parse_history(history).expect("a history") {
            repo.write(&format!("migrations/versions/{}", file_name(&revision)), script(&revision));
        }
        let alembic = |arguments: &[&str]| {
            let run = repo.alembic(arguments.to_vec());
            assert_eq!(run.code, 0, "{run}");
            run
        };
        alembic(&["upgrade", "a"]);
        assert_eq!(subject.rows(), ["a"], "{:?}", subject.dialect());
        let before = subject.observe();
        alembic(&["current"]);
        assert_eq!(subject.observe(), before, "{:?}", subject.dialect());
        alembic(&["upgrade", "heads"]);
        assert_eq!(subject.rows(), ["b", "c"], "{:?}", subject.dialect());
        // What we set is what alembic goes by.
        subject.replace_rows(&["b", "c"], &["c"]).expect("as expected");
        let current = alembic(&["current"]);
        assert_eq!(current.stdout.lines().collect::<Vec<_>>(), ["c (head)"]);
        alembic(&["stamp", "--purge", "base"]);
        assert_eq!(subject.rows(), [""; 0], "{:?}", subject.dialect());
    }
}
