//! Locks that somebody else holds: the wait ends, and says for whom it was.

use dbm_git::database::{DatabaseLock, Limits, VersionTable};

use crate::project::{Kind, Project};

/// `g`, which alters the table of `f`, is pending, and waits for locks only shortly.
fn g_alters_the_table_of_f(project: &Project) {
    let limit = match project.kind {
        Kind::Postgres => "options=-c%20lock_timeout%3D200",
        Kind::MariaDb => "init_command=SET%20lock_wait_timeout%3D1",
    };
    project.set_url(&format!("{}?{limit}", project.server.url()));
    project.adds("<base> -> a, root\na -> f, feature");
    project.alembic(["upgrade", "head"], 0);
    project.server.execute("INSERT INTO t_f (id) VALUES (7)");
    assert_eq!(project.status(), "up-to-date", "{:?}", project.kind);
    project.repo.write_revisions("f -> g, alter");
    let made = "op.create_table('t_g', sa.Column(\"id\", sa.Integer(), primary_key=True))";
    project.edit("g_alter.py", made, "op.add_column('t_f', sa.Column('more', sa.Integer()))");
    project.edit("g_alter.py", "op.drop_table('t_g')", "op.drop_column('t_f', 'more')");
    project.repo.commit("Alter f");
}

#[test]
fn a_table_that_somebody_holds_is_given_up_and_taken_later() {
    for project in Project::both() {
        g_alters_the_table_of_f(&project);
        let mut other = project.server.session();
        other.execute(match project.kind {
            Kind::Postgres => "BEGIN; LOCK TABLE t_f IN ACCESS EXCLUSIVE MODE",
            Kind::MariaDb => "LOCK TABLES t_f WRITE",
        });
        let failed = project.dbm(["sync"], 4);
        assert!(failed.stderr.contains("which is at `f`, as before"), "{failed}");
        assert!(failed.stderr.contains("somebody else holds a lock"), "{failed}");
        assert_eq!(project.status(), "behind", "{:?}", project.kind);
        drop(other);
        project.sync();
        assert_eq!(project.ids("t_f"), "7", "{:?}", project.kind);
    }
}

#[test]
fn another_dbm_git_at_the_same_database_is_waited_for_and_then_named() {
    for project in Project::both() {
        g_alters_the_table_of_f(&project);
        let url = project.server.database_url();
        let held = DatabaseLock::acquire(&url, &VersionTable::default(), &Limits::default());
        let failed = project.dbm(["sync"], 4);
        let by = match project.kind {
            Kind::Postgres => "pid ",
            Kind::MariaDb => "connection ",
        };
        assert!(failed.stderr.contains(by), "{failed}");
        assert_eq!(project.database(), "f: t_a t_f", "{:?}", project.kind);
        assert!(project.dbm(["recover"], 0).stdout.contains("nothing to recover"));
        drop(held.expect("free"));
        project.sync();
        assert_eq!(project.ids("t_f"), "7", "{:?}", project.kind);
    }
}
