//! The table in `src/alembic/scratch.rs`: which command takes exactly one
//! revision up or down among stubs, and what becomes of the rows.

use std::path::Path;

use dbm_git::alembic::{AlembicError, ScratchProject, Trouble, classify, run_target};

use super::{ENV, Folder, LIMIT, alembics, named, rows, script, sql, stub, tables, target};

/// A graph of `v` and stubs, and the rows of the version table.
struct Case {
    /// What follows `down_revision = ` in `v`, further lines of its header included.
    v: &'static str,
    stubs: &'static [(&'static str, &'static str)],
    /// With `v`'s table there or not, as these say.
    rows: &'static str,
}

/// What `command` does: the rows afterwards, or the last line of the complaint.
fn after(alembic: &Path, case: &Case, command: &[&str]) -> Result<String, AlembicError> {
    let project = Folder::new(&[
        ("alembic.ini", "[alembic]\nscript_location = m\nsqlalchemy.url = sqlite:///db.sqlite\n"),
        ("m/env.py", ENV),
        ("m/versions/other.py", "raise RuntimeError('the project\\'s own scripts are not read')\n"),
    ]);
    let database = project.at("db.sqlite");
    sql(&database, &["CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)"]);
    for row in case.rows.split(' ') {
        sql(&database, &[&format!("INSERT INTO alembic_version VALUES ('{row}')")]);
    }
    let has_run = case.rows.split(' ').any(|row| row == "v");
    if has_run {
        sql(&database, &["CREATE TABLE t_v (id INTEGER)"]);
    }
    let mut scripts = vec![("v", script("v", case.v))];
    scripts.extend(case.stubs.iter().map(|&(id, header)| (id, stub(id, header))));
    let files = project.files(Some("alembic.ini"), "m");
    let base = target(alembic, &project.path(), &files);
    let parent = project.at(".git/dbm-git");
    let scratch = ScratchProject::create(&parent, &base, &files, &named(&scripts), None)?;
    run_target(scratch.target(), command, &[], LIMIT, &mut |_| {})?;
    let moved = if has_run { "" } else { "t_v" };
    assert_eq!(tables(&database), moved, "exactly `v` ran: {command:?}");
    Ok(rows(&database))
}

#[track_caller]
fn check(case: &Case, command: &[&str], expected: &str) {
    for alembic in alembics() {
        let rows = after(&alembic, case, command).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(rows, expected, "{command:?} on {} with {}", case.rows, alembic.display());
    }
}

#[track_caller]
fn refused(case: &Case, command: &[&str], expected: &str) {
    for alembic in alembics() {
        let error = after(&alembic, case, command).expect_err("refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
}

const BASE: &str = "None";

#[test]
fn a_base_goes_down_and_up_beside_stubs() {
    let stubs = &[("r", BASE), ("s", BASE)];
    check(&Case { v: BASE, stubs, rows: "r s v" }, &["downgrade", "v@base"], "r s");
    check(&Case { v: BASE, stubs, rows: "r s" }, &["upgrade", "v"], "r s v");
    check(&Case { v: BASE, stubs: &[], rows: "v" }, &["downgrade", "v@base"], "");
}

#[test]
fn above_a_stub_the_stubs_row_comes_and_goes() {
    let stubs = &[("r", BASE), ("s", BASE)];
    check(&Case { v: "'r'", stubs, rows: "s v" }, &["downgrade", "v@r"], "r s");
    check(&Case { v: "'r'", stubs, rows: "r s" }, &["upgrade", "v"], "s v");
}

#[test]
fn above_two_stubs_both_rows_come_and_go() {
    let (v, stubs) = ("('r', 's')", &[("r", BASE), ("s", BASE), ("x", BASE)]);
    check(&Case { v, stubs, rows: "v x" }, &["downgrade", "v@r"], "r s x");
    check(&Case { v, stubs, rows: "v x" }, &["downgrade", "v@s"], "r s x");
    check(&Case { v, stubs, rows: "r s x" }, &["upgrade", "v"], "v x");
    refused(&Case { v, stubs, rows: "v x" }, &["downgrade", "v@-1"], "Ambiguous walk");
}

#[test]
fn labels_change_nothing_unless_two_scripts_have_them() {
    let (v, stubs) = ("None\nbranch_labels = ('lab',)", &[("r", BASE)]);
    check(&Case { v, stubs, rows: "r v" }, &["downgrade", "v@base"], "r");
    check(&Case { v, stubs, rows: "r" }, &["upgrade", "v"], "r v");
    let stubs = &[("r", "None\nbranch_labels = ('lab',)")];
    refused(&Case { v, stubs, rows: "r v" }, &["downgrade", "v@base"], "'lab' in revision");
}

#[test]
fn a_dependency_on_a_stub_acts_like_a_down_revision_and_a_missing_one_is_an_error() {
    let (v, stubs) = ("None\ndepends_on = 'r'", &[("r", BASE), ("s", BASE)]);
    check(&Case { v, stubs, rows: "s v" }, &["downgrade", "v@base"], "r s");
    check(&Case { v, stubs, rows: "r s" }, &["upgrade", "v"], "s v");
    let v = "None\ndepends_on = 'gone'";
    refused(&Case { v, stubs, rows: "s v" }, &["downgrade", "v@base"], "KeyError: 'gone'");
}

/// Why no stub may stand above `v`: alembic takes it down too, rows or not.
#[test]
fn a_stub_that_depends_on_it_goes_down_along_with_it() {
    let stubs = &[("r", "None\ndepends_on = 'v'"), ("s", BASE)];
    check(&Case { v: BASE, stubs, rows: "r s v" }, &["downgrade", "v@base"], "s");
}

#[test]
fn a_row_without_a_stub_is_an_error_of_a_known_sort() {
    for alembic in alembics() {
        let case = Case { v: BASE, stubs: &[("r", BASE)], rows: "elsewhere r v" };
        let error = after(&alembic, &case, &["downgrade", "v@base"]).expect_err("refused");
        let trouble = Trouble::RevisionNotFound { id: "elsewhere".to_owned() };
        assert_eq!(classify(&error), Some(trouble), "{error}");
    }
}

#[test]
fn other_ids_that_begin_alike_are_left_alone() {
    let stubs = &[("v1", BASE), ("v12345", BASE), ("vv", BASE)];
    check(
        &Case { v: BASE, stubs, rows: "v v1 v12345 vv" },
        &["downgrade", "v@base"],
        "v1 v12345 vv",
    );
}
