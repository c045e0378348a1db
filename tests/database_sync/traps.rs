//! S1, S1b, S2, S5, S7, H1 and H2 on servers, as `tests/traps` has them on SQLite.

use crate::project::Project;
use crate::support::VERSIONS;

/// `f` ran, on top of `a`; `m` has arrived beside it since.
///
/// ```text
/// a -> f   ran
///  `-> m
/// ```
fn f_ran_and_m_arrived() -> [Project; 2] {
    Project::both().map(|project| {
        project.adds("<base> -> a, root\na -> f, feature");
        project.alembic(["upgrade", "head"], 0);
        project.server.execute("INSERT INTO t_f (id) VALUES (7)");
        assert_eq!(project.status(), "up-to-date", "{:?}", project.kind);
        project.adds("a -> m, main work");
        project
    })
}

/// `m` is there now, and what was in `t_f` still is.
#[track_caller]
fn is_repaired(project: &Project) {
    assert_eq!(project.database(), "f: t_a t_f t_m", "{:?}", project.kind);
    assert_eq!(project.ids("t_f"), "7", "{:?}", project.kind);
}

#[test]
fn s1_what_lies_below_a_rewritten_revision_is_run_and_no_data_is_lost() {
    for project in f_ran_and_m_arrived() {
        project.repoint("f_feature.py", "'a'", "'m'");
        project.alembic(["upgrade", "head"], 0);
        assert_eq!(project.database(), "f: t_a t_f", "the trap: alembic skips m");
        assert_eq!(project.status(), "skipped, skipped m", "{:?}", project.kind);
        project.sync();
        is_repaired(&project);
    }
}

#[test]
fn s1_without_any_earlier_look_the_schema_tells() {
    for project in Project::both() {
        project.adds("<base> -> a, root\na -> f, feature");
        project.alembic(["upgrade", "head"], 0);
        project.server.execute("INSERT INTO t_f (id) VALUES (7)");
        project.adds("a -> m, main work");
        project.repoint("f_feature.py", "'a'", "'m'");
        project.repo.commit("Rewrite by hand");
        assert_eq!(project.status(), "skipped, skipped m", "{:?}", project.kind);
        project.sync();
        is_repaired(&project);
    }
}

#[test]
fn s1b_the_half_repair_by_stamping_is_finished() {
    for project in f_ran_and_m_arrived() {
        project.repoint("f_feature.py", "'a'", "'m'");
        assert_eq!(project.status(), "skipped, skipped m", "{:?}", project.kind);
        project.alembic(["stamp", "a"], 0);
        project.alembic(["upgrade", "m"], 0);
        // F fails: its table is there.
        project.alembic(["upgrade", "head"], 1);
        assert_eq!(project.database(), "m: t_a t_f t_m");
        project.sync();
        is_repaired(&project);
    }
}

#[test]
fn s2_overlapping_rows_are_cleaned_and_nothing_is_dropped() {
    for project in f_ran_and_m_arrived() {
        project.alembic(["upgrade", "heads"], 0);
        assert_eq!(project.status(), "diverged", "{:?}", project.kind);
        project.repoint("f_feature.py", "'a'", "'m'");
        project.alembic(["upgrade", "head"], 255);
        assert_eq!(project.status(), "overlapping", "{:?}", project.kind);
        project.sync();
        is_repaired(&project);
    }
}

#[test]
fn s5_only_one_of_two_branches_goes_down() {
    for project in f_ran_and_m_arrived() {
        project.alembic(["upgrade", "heads"], 0);
        assert_eq!(project.status(), "diverged", "{:?}", project.kind);
        project.server.execute("INSERT INTO t_m (id) VALUES (8)");
        project.repo.remove(&format!("{VERSIONS}/f_feature.py"));
        project.repo.commit("Drop the feature");
        assert_eq!(project.status(), "foreign, foreign f", "{:?}", project.kind);
        project.sync();
        assert_eq!(project.database(), "m: t_a t_m", "{:?}", project.kind);
        assert_eq!(project.ids("t_m"), "8", "{:?}", project.kind);
    }
}

#[test]
fn s7_what_is_inserted_below_is_run() {
    for project in Project::both() {
        project.adds("<base> -> a, root\na -> c, top");
        project.alembic(["upgrade", "head"], 0);
        project.server.execute("INSERT INTO t_c (id) VALUES (7)");
        assert_eq!(project.status(), "up-to-date", "{:?}", project.kind);
        project.adds("a -> b, inserted");
        project.repoint("c_top.py", "'a'", "'b'");
        project.alembic(["upgrade", "head"], 0);
        assert_eq!(project.status(), "skipped, skipped b", "{:?}", project.kind);
        project.sync();
        assert_eq!(project.database(), "c: t_a t_b t_c", "{:?}", project.kind);
        assert_eq!(project.ids("t_c"), "7", "{:?}", project.kind);
    }
}

#[test]
fn h1_what_a_downgraded_merge_leaves_behind_goes_where_its_files_are_gone() {
    for project in Project::both() {
        project.adds("<base> -> a, root\na -> r, release");
        project.branch("develop");
        project.adds("a -> d, develop\nr, d -> x, merge");
        project.alembic(["upgrade", "head"], 0);
        project.server.execute("INSERT INTO t_r (id) VALUES (7)");
        assert_eq!(project.status(), "up-to-date", "{:?}", project.kind);
        project.alembic(["downgrade", "r"], 0);
        assert_eq!(project.database(), "d r: t_a t_d t_r", "{:?}", project.kind);
        project.switch("main");
        project.alembic(["current"], 255);
        assert_eq!(project.status(), "foreign, foreign d", "{:?}", project.kind);
        project.sync();
        assert_eq!(project.database(), "r: t_a t_r", "{:?}", project.kind);
        assert_eq!(project.ids("t_r"), "7", "{:?}", project.kind);
    }
}

#[test]
fn h2_a_revision_of_another_branch_goes_down_with_its_own_script() {
    for project in Project::both() {
        project.adds("<base> -> a, root");
        project.branch("feature");
        project.adds("a -> f, feature");
        project.alembic(["upgrade", "head"], 0);
        project.server.execute("INSERT INTO t_a (id) VALUES (7)");
        project.switch("main");
        project.adds("a -> m, main work");
        project.alembic(["upgrade", "head"], 255);
        assert_eq!(project.status(), "foreign, foreign f", "{:?}", project.kind);
        project.sync();
        assert_eq!(project.database(), "m: t_a t_m", "{:?}", project.kind);
        project.switch("feature");
        assert_eq!(project.status(), "foreign, foreign m", "{:?}", project.kind);
        project.sync();
        assert_eq!(project.database(), "f: t_a t_f", "{:?}", project.kind);
        assert_eq!(project.ids("t_a"), "7", "{:?}", project.kind);
    }
}
