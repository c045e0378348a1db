//! A migration that fails half way, or cannot be taken back, and a server that
//! goes away: what is left, what is said about it, and the way on.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use crate::gate::Gate;
use crate::project::{Kind, Project};
use crate::support::Run;

/// The end of an upgrade.
const END: &str = "primary_key=True))\n\n\ndef downgrade";

/// `f` ran; `g` and `h` are pending, and `h` goes on with `statements` once it
/// has made its table.
fn h_goes_on_with(project: &Project, statements: &str) {
    project.adds("<base> -> a, root\na -> f, feature");
    project.alembic(["upgrade", "head"], 0);
    project.server.execute("INSERT INTO t_f (id) VALUES (7)");
    assert_eq!(project.status(), "up-to-date", "{:?}", project.kind);
    project.adds("f -> g, good\ng -> h, half");
    project.edit("h_half.py", END, &goes_on_with(statements));
}

fn goes_on_with(statements: &str) -> String {
    END.replace("\n\n\n", &format!("\n    {statements}\n\n\n"))
}

const NO_TABLE: &str = "op.execute(\"INSERT INTO t_nowhere (id) VALUES (1)\")";

#[track_caller]
fn says(run: &Run, words: &[&str]) {
    for words in words {
        assert!(run.stderr.contains(words), "no `{words}` in {run}");
    }
}

#[test]
fn with_transactions_nothing_is_left_of_an_upgrade_that_fails_half_way() {
    let project = Project::postgres();
    h_goes_on_with(&project, NO_TABLE);
    let failed = project.dbm(["sync"], 4);
    says(&failed, &["upgrading to `h` failed in ", "which is at `f`, as before"]);
    assert!(!failed.stderr.contains("dbm-git undo"), "{failed}");
    assert_eq!(project.database(), "f: t_a t_f");
    assert_eq!(project.status(), "behind");
    assert!(project.dbm(["recover"], 0).stdout.contains("nothing to recover"));
    project.edit("h_half.py", NO_TABLE, "pass");
    project.sync();
    assert_eq!(project.database(), "h: t_a t_f t_g t_h");
    assert_eq!(project.ids("t_f"), "7");
}

#[test]
fn without_transactions_what_is_left_is_told_and_what_was_completed_can_be_undone() {
    let project = Project::mariadb();
    h_goes_on_with(&project, NO_TABLE);
    let failed = project.dbm(["sync"], 4);
    says(
        &failed,
        &[
            "which is at `g`, with a part of what failed: the table `t_h` is there",
            "do it by hand, then `dbm-git sync`",
            "`dbm-git undo 1` takes the steps back that were done",
        ],
    );
    assert_eq!(project.database(), "g: t_a t_f t_g t_h");
    assert_eq!(project.component().pending, ["h"]);
    assert_eq!(project.status(), "behind");
    // Nobody runs half a migration again as if nothing was there.
    let again = project.dbm(["sync"], 4);
    says(&again, &["it is there although the version rows don't say so"]);
    project.dbm(["undo", "1"], 0);
    assert_eq!(project.database(), "f: t_a t_f t_h");
    assert_eq!(project.ids("t_f"), "7");
    project.server.execute("DROP TABLE t_h");
    project.edit("h_half.py", NO_TABLE, "pass");
    project.sync();
    assert_eq!(project.database(), "h: t_a t_f t_g t_h");
    assert_eq!(project.ids("t_f"), "7");
}

#[test]
fn a_revision_whose_downgrade_raises_stays_and_that_is_said() {
    for project in Project::both() {
        x_cannot_go_down(&project, "raise NotImplementedError");
        let refused = project.dbm(["sync"], 1);
        says(&refused, &["tried out on a copy of the database, taking down `x` did not work"]);
        let failed = project.dbm(["sync", "--no-verify"], 4);
        says(
            &failed,
            &[
                "taking down `x` failed in ",
                "which is at `x`, as before",
                "this revision cannot be taken back; restore a backup instead",
            ],
        );
        assert_eq!(project.database(), "x: t_a t_x", "{:?}", project.kind);
        assert_eq!(project.status(), "foreign, foreign x", "{:?}", project.kind);
    }
}

#[test]
fn a_revision_whose_downgrade_does_nothing_is_not_taken_for_gone() {
    for project in Project::both() {
        x_cannot_go_down(&project, "pass");
        let refused = project.dbm(["sync"], 1);
        says(&refused, &["`x`", "nothing was changed"]);
        assert_eq!(project.database(), "x: t_a t_x", "{:?}", project.kind);
    }
}

/// `x`, of another branch, is in the database.
fn x_cannot_go_down(project: &Project, downgrade: &str) {
    project.adds("<base> -> a, root");
    project.branch("other");
    project.repo.write_revisions("a -> x, elsewhere");
    project.edit("x_elsewhere.py", "op.drop_table('t_x')", downgrade);
    project.repo.commit("Add x");
    project.alembic(["upgrade", "head"], 0);
    assert_eq!(project.status(), "up-to-date", "{:?}", project.kind);
    project.switch("main");
    assert_eq!(project.status(), "foreign, foreign x", "{:?}", project.kind);
}

#[test]
fn a_server_that_ends_the_connection_in_the_middle_is_told_from_a_bad_migration() {
    for project in Project::both() {
        let (ends, left, after) = match project.kind {
            Kind::Postgres => {
                ("SELECT pg_terminate_backend(pg_backend_pid())", "at `f`, as before", "f: t_a t_f")
            }
            Kind::MariaDb => (
                "KILL CONNECTION_ID()",
                "at `g`, with a part of what failed: the table `t_h` is there",
                "g: t_a t_f t_g t_h",
            ),
        };
        let ends = format!("op.execute(\"{ends}\")");
        h_goes_on_with(&project, &ends);
        let failed = project.dbm(["sync"], 4);
        says(&failed, &[left, "the server ended the connection"]);
        assert_eq!(project.database(), after, "{:?}", project.kind);
        assert!(project.dbm(["recover"], 0).stdout.contains("nothing to recover"));
        project.edit("h_half.py", &ends, "pass");
        if project.kind == Kind::MariaDb {
            project.server.execute("DROP TABLE t_h");
        }
        project.sync();
        assert_eq!(project.ids("t_f"), "7", "{:?}", project.kind);
    }
}

/// Where the migration waits until the server is gone.
const PIPE: &str = "DBM_GIT_TEST_PIPE";

/// Has the server vanish in the middle of `h`, and come back once `sync` ended.
fn the_server_vanishes(project: &Project) {
    let gate = Gate::to(project.server.host(), project.server.port());
    let own = format!(":{}/", project.server.port());
    project.set_url(&project.server.url().replace(&own, &format!(":{}/", gate.port)));
    let waits = format!(
        "import os\n    if '{PIPE}' in os.environ:\n        print('in the middle')\n        \
         open(os.environ['{PIPE}']).read()\n    op.execute('SELECT 1')"
    );
    h_goes_on_with(project, &waits);
    let pipe = project.repo.home().join("pipe");
    Run::of(Command::new("mkfifo").arg(&pipe)).expect_code(0);
    let mut command = project.repo.dbm_command();
    command.arg("sync").env(PIPE, &pipe).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut sync = command.spawn().expect("started");
    let stderr = BufReader::new(sync.stderr.take().expect("piped"));
    let mut said = String::new();
    for line in stderr.lines().map_while(Result::ok) {
        if line.contains("in the middle") {
            gate.close();
            // It goes on when the pipe is closed.
            drop(OpenOptions::new().write(true).open(&pipe).expect("somebody who reads"));
        }
        said += &line;
        said.push('\n');
    }
    assert_eq!(sync.wait().expect("an end").code(), Some(4), "{said}");
    for words in ["and nobody can tell how far it came", "`dbm-git recover` finds out"] {
        assert!(said.contains(words), "{said}");
    }
    gate.open();
}

#[test]
fn when_the_server_is_back_recover_finds_out_how_far_it_came() {
    let project = Project::postgres();
    the_server_vanishes(&project);
    says(&project.dbm(["sync"], 5), &["dbm-git recover"]);
    project.dbm(["recover"], 0);
    project.is_in_order();
    assert_eq!(project.database(), "h: t_a t_f t_g t_h");
    assert_eq!(project.ids("t_f"), "7");

    let project = Project::postgres();
    the_server_vanishes(&project);
    project.dbm(["recover", "--rollback"], 0);
    assert_eq!(project.database(), "f: t_a t_f");
    assert_eq!(project.status(), "behind");
}

#[test]
fn without_transactions_recover_goes_on_with_nothing_that_is_half_done() {
    let project = Project::mariadb();
    the_server_vanishes(&project);
    let refused = project.dbm(["recover"], 5);
    says(&refused, &["a part of that was done", "mend the schema by hand"]);
    assert_eq!(project.database(), "g: t_a t_f t_g t_h");
    project.server.execute("DROP TABLE t_h");
    project.dbm(["recover", "--discard"], 0);
    project.sync();
    assert_eq!(project.database(), "h: t_a t_f t_g t_h");
    assert_eq!(project.ids("t_f"), "7");
}

#[test]
fn a_skipped_revision_that_fails_by_itself_is_named_by_its_own_file_and_line() {
    let project = Project::postgres();
    project.adds("<base> -> a, root\na -> f, feature");
    project.alembic(["upgrade", "head"], 0);
    assert_eq!(project.status(), "up-to-date");
    project.adds("a -> m, main");
    project.repoint("f_feature.py", "'a'", "'m'");
    project.edit("m_main.py", END, &goes_on_with("raise RuntimeError('not today')"));
    project.repo.commit("Rewrite by hand");
    assert_eq!(project.status(), "skipped, skipped m");
    let text = project.repo.read("migrations/versions/m_main.py");
    let line = 1 + text.lines().position(|line| line.contains("not today")).expect("a line");
    let failed = project.dbm(["sync", "--strategy", "replay", "--no-verify"], 4);
    let place = format!(" at migrations/versions/m_main.py:{line}: RuntimeError: not today");
    says(&failed, &["running `m` by itself failed in ", "which is at `f`, as before", &place]);
    assert_eq!(project.database(), "f: t_a t_f");
}
