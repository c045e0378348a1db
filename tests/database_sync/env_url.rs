//! Projects whose `env.py` makes the URL: dbm-git has no password there, and
//! asks and changes the database through alembic alone.

use crate::project::Project;
use crate::support::Run;

/// The ini names what alembic's template does, and `env.py` the server.
fn project() -> Project {
    let project = Project::postgres();
    let env = project.repo.read("migrations/env.py");
    let (imports, rest) = env.split_once("config = context.config\n").expect("a config");
    let url = project.server.url().replace('%', "%%");
    project.repo.write(
        "migrations/env.py",
        format!(
            "{imports}config = context.config\n\
             config.set_main_option('sqlalchemy.url', '{url}')\n{rest}"
        ),
    );
    project.set_url("driver://user:pass@localhost/dbname");
    project.adds("<base> -> a, root\na -> b, second");
    project
}

#[track_caller]
fn says(run: &Run, words: &[&str]) {
    for words in words {
        assert!(run.stdout.contains(words) || run.stderr.contains(words), "no `{words}` in {run}");
    }
}

#[test]
fn what_only_env_py_knows_is_migrated_and_undone_through_alembic() {
    let project = project();
    assert_eq!(project.status(), "no-revision");
    project.dbm(["migrate", "--target", "+1"], 0);
    assert_eq!(project.database(), "a: t_a");
    assert_eq!(project.status(), "behind");
    project.dbm(["migrate"], 0);
    assert_eq!(project.database(), "b: t_a t_b");
    assert_eq!(project.status(), "up-to-date");

    // A copy would need the password.
    says(
        &project.dbm(["migrate", "--direction", "downgrade", "--target", "-1"], 1),
        &["--no-backup"],
    );
    assert_eq!(project.database(), "b: t_a t_b");
    project.dbm(["migrate", "--direction", "downgrade", "--target", "-1", "--no-backup"], 0);
    assert_eq!(project.database(), "a: t_a");
    project.dbm(["undo"], 0);
    assert_eq!(project.database(), "b: t_a t_b");
    project.dbm(["undo", "2"], 0);
    assert_eq!(project.database(), "a: t_a");
    assert_eq!(project.status(), "behind");
}

#[test]
fn what_only_env_py_knows_is_synced_through_alembic() {
    let project = project();
    project.dbm(["migrate"], 0);
    project.branch("feature");
    project.adds("b -> f, feature");
    project.dbm(["sync"], 0);
    assert_eq!(project.database(), "f: t_a t_b t_f");

    project.switch("main");
    project.adds("b -> m, main");
    project.repo.git(["merge", "--quiet", "feature"]);
    project.repoint("f_feature.py", "'b'", "'m'");
    project.repo.commit("Put f on top of m");
    assert_eq!(project.status(), "skipped, skipped m");
    says(&project.dbm(["sync"], 1), &["--no-backup"]);
    project.dbm(["sync", "--no-backup"], 0);
    assert_eq!(project.database(), "f: t_a t_b t_f t_m");
    project.is_in_order();
}

#[test]
fn a_failure_behind_env_py_says_where_the_database_is() {
    let project = project();
    project.dbm(["migrate"], 0);
    project.adds("b -> c, broken");
    let end = "primary_key=True))\n\n\ndef downgrade";
    project.edit(
        "c_broken.py",
        end,
        &end.replace("\n\n\n", "\n    raise RuntimeError('no')\n\n\n"),
    );
    let failed = project.dbm(["migrate"], 4);
    says(
        &failed,
        &["upgrading to `c` failed in ", "which is at `b`, as before", "RuntimeError: no"],
    );
    assert_eq!(project.database(), "b: t_a t_b");
    assert_eq!(project.status(), "behind");
}
