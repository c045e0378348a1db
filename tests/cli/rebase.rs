//! `dbm-git rebase`.

use super::support::{ErrorJson, MetAt, RebaseJson, TestRepo, VERSIONS, write_alembic_project};
use super::{changes, diverged, down_revision, unmerged};

#[test]
fn own_revisions_are_put_on_the_landed_head() {
    let repo = diverged();
    let before = repo.read(&format!("{VERSIONS}/f_feature.py"));
    insta::assert_snapshot!(repo.dbm(["rebase"]), @"
    m -> f (was a -> f)
    own and landed revisions touch nothing in common
    1 revision rebased. Undo with: dbm-git undo
    ");
    let after = repo.read(&format!("{VERSIONS}/f_feature.py"));
    assert_eq!(after, before.replace("Revises: a", "Revises: m").replace("= 'a'", "= 'm'"));
    assert_eq!(changes(&repo), " M migrations/versions/f_feature.py");
    repo.dbm(["check"]).expect_code(0);
    insta::assert_snapshot!(repo.dbm(["rebase"]), @"
    nothing to do: no own revision has diverged from the landed ones
    --- stderr
    note: `migrations/versions/f_feature.py` is changed and not committed yet
    ");
}

#[test]
fn a_dry_run_shows_the_diff_and_changes_nothing() {
    let repo = diverged();
    insta::assert_snapshot!(repo.dbm(["rebase", "--dry-run"]), @r#"
    --- a/migrations/versions/f_feature.py
    +++ b/migrations/versions/f_feature.py
    @@ -1,7 +1,7 @@
     """feature
     
     Revision ID: f
    -Revises: a
    +Revises: m
     Create Date: 2026-01-01 00:00:00.000000
     
     """
    @@ -13,7 +13,7 @@
     
     # revision identifiers, used by Alembic.
     revision: str = 'f'
    -down_revision: Union[str, Sequence[str], None] = 'a'
    +down_revision: Union[str, Sequence[str], None] = 'm'
     branch_labels: Union[str, Sequence[str], None] = None
     depends_on: Union[str, Sequence[str], None] = None
     

    m -> f (was a -> f)
    own and landed revisions touch nothing in common
    dry run, nothing was changed; it would be: 1 revision rebased
    "#);
    assert_eq!(changes(&repo), "");
    assert!(!repo.has(".git/dbm-git/state.db"), "nothing is recorded either");
    let run = repo.dbm(["rebase", "--dry-run", "--format", "json"]).expect_code(0);
    let report: RebaseJson = run.json();
    assert!(report.dry_run && report.operation.is_none());
    assert_eq!(changes(&repo), "");
}

#[test]
fn the_json_tells_what_moved() {
    let repo = diverged();
    let report: RebaseJson = repo.dbm(["rebase", "--format", "json"]).expect_code(0).json();
    assert_eq!((report.version, report.dry_run), (1, false));
    assert_eq!(report.operation, Some(1.into()));
    let [component] = report.components.as_slice() else { panic!("{report:?}") };
    assert_eq!((component.name.as_str(), component.refused.as_deref()), ("default", None));
    let [moved] = component.moved.as_slice() else { panic!("{component:?}") };
    assert_eq!(
        (moved.revision.as_str(), moved.path.as_str()),
        ("f", "migrations/versions/f_feature.py")
    );
    assert_eq!(
        (moved.from.as_slice(), moved.to.as_slice()),
        (&["a".to_owned()][..], &["m".to_owned()][..])
    );
    assert_eq!(component.heads, ["f"]);
    assert!(
        component.renamed.is_empty()
            && component.created.is_empty()
            && component.deleted.is_empty()
    );
}

#[test]
fn before_the_merge_there_is_nothing_to_rebase_yet() {
    let repo = unmerged();
    insta::assert_snapshot!(repo.dbm(["rebase"]), @"
    nothing to do: no own revision has diverged from the landed ones
    --- stderr
    note: origin/main has commits that are not merged here; after `git merge origin/main` there may be something to rebase
    ");
}

#[test]
fn a_commit_takes_exactly_the_changed_files() {
    let repo = diverged();
    repo.write("staged.txt", "mine\n");
    repo.git(["add", "staged.txt"]);
    repo.write("untracked.txt", "mine too\n");
    let run = repo.dbm(["rebase", "--commit"]).expect_code(0);
    let id = repo.git(["rev-parse", "--short=9", "HEAD"]);
    insta::assert_snapshot!(run.to_string().replace(&id, "COMMIT"), @"
    m -> f (was a -> f)
    own and landed revisions touch nothing in common
    1 revision rebased, committed as COMMIT. Undo with: dbm-git undo
    ");
    insta::assert_snapshot!(repo.git(["show", "--format=%an: %B", "--name-status", "HEAD"]), @"
    Ada Author: Rebase migration f onto m

    m -> f


    M	migrations/versions/f_feature.py
    ");
    assert_eq!(changes(&repo), "A  staged.txt\n?? untracked.txt");
}

#[test]
fn the_last_commit_can_be_amended_unless_it_has_landed() {
    let repo = diverged();
    repo.write("text.txt", "mine\n");
    repo.commit("Write");
    let before = repo.git(["rev-parse", "HEAD"]);
    repo.write("staged.txt", "mine\n");
    repo.git(["add", "staged.txt"]);
    let run = repo.dbm(["rebase", "--amend"]).expect_code(0);
    assert!(run.stdout.contains("1 revision rebased, committed as "), "{run}");
    insta::assert_snapshot!(repo.git(["show", "--format=%an: %s", "--name-status", "HEAD"]), @"
    Ada Author: Write

    M	migrations/versions/f_feature.py
    A	text.txt
    ");
    assert_eq!(repo.git(["rev-parse", "HEAD^"]), repo.git(["rev-parse", &format!("{before}^")]));
    assert_eq!(changes(&repo), "A  staged.txt");
    let landed = TestRepo::new().adds("<base> -> a\na -> m").publish("main").writes("a -> f");
    let run = landed.dbm(["rebase", "--amend"]).expect_code(1);
    assert!(run.stderr.contains("is the last commit and is on origin/main already"), "{run}");
    assert_eq!(down_revision(&landed, "f_.py"), "'a'");
}

#[test]
fn a_commit_is_refused_where_it_would_take_other_changes_along() {
    let repo = diverged();
    let path = format!("{VERSIONS}/f_feature.py");
    repo.write(&path, repo.read(&path) + "# thought of something\n");
    insta::assert_snapshot!(repo.dbm(["rebase", "--commit"]), @"
    --- stderr
    error: default: `migrations/versions/f_feature.py` has changes that are not committed, so they would be committed too
      caused by: nothing was changed
    --- exit 1
    ");
    assert_eq!(down_revision(&repo, "f_feature.py"), "'a'");
    repo.dbm(["rebase"]).expect_code(0);
    assert!(repo.read(&path).ends_with("# thought of something\n"));
}

#[test]
fn uncommitted_and_untracked_revisions_are_moved_like_others() {
    let repo = TestRepo::new().adds("<base> -> a, root").publish("main");
    repo.write_revisions("a -> f, feature");
    let other = repo.colleague("other");
    other.write_revisions("a -> m, main work");
    other.commit("Land m");
    other.git(["push", "--quiet", "origin", "main"]);
    repo.git(["pull", "--quiet", "origin", "main"]);
    repo.dbm(["rebase"]).expect_code(0);
    assert_eq!(down_revision(&repo, "f_feature.py"), "'m'");
    assert_eq!(changes(&repo), "?? migrations/versions/f_feature.py");
}

#[test]
fn without_upstream_onto_says_what_stays() {
    let repo = TestRepo::new().adds("<base> -> a\na -> b\na -> c");
    insta::assert_snapshot!(repo.dbm(["rebase"]), @"
    --- stderr
    error: default: nothing tells landed revisions from own ones: there is no upstream and no merge
      caused by: nothing was changed
    hint: say what stays: `dbm-git rebase --onto REVISION`, or name upstream with --base
    --- exit 1
    ");
    insta::assert_snapshot!(repo.dbm(["rebase", "--onto", "c"]), @"
    c -> b (was a -> b)
    1 revision rebased. Undo with: dbm-git undo
    ");
    assert_eq!(
        (down_revision(&repo, "b_.py"), down_revision(&repo, "c_.py")),
        ("'c'".into(), "'a'".into())
    );
}

#[test]
fn a_landed_revision_moves_only_where_that_is_said() {
    let repo = TestRepo::new()
        .adds("<base> -> a\na -> b, first\na -> c, second")
        .publish("main")
        .branch("mend");
    insta::assert_snapshot!(repo.dbm(["rebase", "c", "--onto", "b"]), @"
    --- stderr
    error: default: `migrations/versions/c_second.py` has landed: say --landed to rewrite it all the same
      caused by: nothing was changed
    --- exit 1
    ");
    assert_eq!(changes(&repo), "");
    insta::assert_snapshot!(repo.dbm(["rebase", "c", "--onto", "b", "--landed"]), @"
    b -> c (was a -> c)
    1 revision rebased. Undo with: dbm-git undo
    --- stderr
    warning: a database that has run a moved revision will skip what now lies below it, and say nothing
    ");
    assert_eq!(down_revision(&repo, "c_second.py"), "'b'");
    repo.dbm(["check", "--at", "HEAD"]).expect_code(1);
}

/// `feature` and `main` conflict in a note; `f` and `m` diverge.
fn in_the_middle_of_a_merge(
    prepare: impl FnOnce(&TestRepo),
    land: impl FnOnce(&TestRepo),
) -> TestRepo {
    let repo = TestRepo::new().adds("<base> -> a, root").branch("feature");
    repo.write_revisions("a -> f, feature");
    prepare(&repo);
    repo.commit("Work");
    let repo = repo.switch("main");
    repo.write_revisions("a -> m, main work");
    land(&repo);
    repo.commit("Land");
    let repo = repo.publish("main").switch("feature");
    assert_eq!(repo.try_git(["merge", "main"]).code, 1);
    repo
}

#[test]
fn in_the_middle_of_a_merge_the_changes_are_staged() {
    let repo = in_the_middle_of_a_merge(
        |repo| repo.write("notes.txt", "ours\n"),
        |repo| repo.write("notes.txt", "theirs\n"),
    );
    insta::assert_snapshot!(repo.dbm(["rebase"]), @"
    m -> f (was a -> f)
    own and landed revisions touch nothing in common
    1 revision rebased and staged for the merge in progress. Undo with: dbm-git undo
    ");
    assert_eq!(
        repo.git(["diff", "--name-only", "--diff-filter=U"]),
        "notes.txt",
        "the conflict stays unresolved"
    );
    repo.write("notes.txt", "both\n");
    repo.git(["add", "notes.txt"]);
    repo.git(["commit", "--quiet", "--no-edit"]);
    repo.dbm(["check", "--at", "HEAD"]).expect_code(0);
    assert_eq!(changes(&repo), "");
}

#[test]
fn a_conflicted_script_is_refused() {
    let repo = in_the_middle_of_a_merge(
        |repo| repo.write_revisions("a -> both, ours"),
        |repo| {
            repo.write_revisions("m -> both, ours");
        },
    );
    let before = repo.read(&format!("{VERSIONS}/both_ours.py"));
    assert!(before.contains("<<<<<<<"), "{before}");
    insta::assert_snapshot!(repo.dbm(["rebase"]), @"
    --- stderr
    error: default: `migrations/versions/both_ours.py`:4 has to be mended first: conflict markers: the file was left in the middle of a merge
      caused by: nothing was changed
    hint: `dbm-git check` shows all that is broken
    --- exit 1
    ");
    assert_eq!(repo.read(&format!("{VERSIONS}/both_ours.py")), before);
    assert_eq!(down_revision(&repo, "f_feature.py"), "'a'");
}

#[test]
fn a_revision_that_others_have_stays_unless_it_is_said() {
    let repo = diverged();
    repo.git(["push", "--quiet", "origin", "feature:colleague"]);
    insta::assert_snapshot!(repo.dbm(["rebase"]), @"
    --- stderr
    error: default: `f` would have to be rewritten, but other branches have them too (say --include-shared to move them all the same)
      caused by: nothing was changed
    hint: others may have run them: talk to them, then say --include-shared
    --- exit 1
    ");
    assert_eq!(changes(&repo), "");
    repo.dbm(["rebase", "--include-shared"]).expect_code(0);
    assert_eq!(down_revision(&repo, "f_feature.py"), "'m'");
}

#[test]
fn ones_own_pushed_branch_is_not_shared() {
    let repo = diverged().publish("feature");
    repo.dbm(["rebase"]).expect_code(0);
}

#[test]
fn where_one_component_is_refused_none_is_changed() {
    let repo = TestRepo::empty();
    write_alembic_project(&repo);
    for (folder, ini) in [("one", "alembic-one.ini"), ("two", "alembic-two.ini")] {
        for file in ["env.py", "script.py.mako"] {
            repo.write(&format!("{folder}/{file}"), repo.read(&format!("migrations/{file}")));
        }
        repo.write(ini, repo.read("alembic.ini").replace("migrations", folder));
    }
    repo.remove("alembic.ini");
    repo.remove_folder("migrations");
    let write = |notation: &str| {
        repo.write_revisions(notation);
        for folder in ["one", "two"] {
            for entry in std::fs::read_dir(repo.path().join(VERSIONS)).expect("a folder") {
                let name = entry.expect("an entry").file_name().into_string().expect("plain");
                let text = repo.read(&format!("{VERSIONS}/{name}"));
                repo.write(&format!("{folder}/versions/{name}"), text);
            }
        }
        repo.remove_folder("migrations");
    };
    write("<base> -> a");
    repo.commit("Start");
    repo.git(["switch", "--quiet", "--create", "feature"]);
    write("a -> f");
    repo.commit("Work");
    repo.git(["switch", "--quiet", "main"]);
    write("a -> m");
    repo.commit("Land");
    let repo = repo.publish("main").switch("feature");
    repo.git(["merge", "--quiet", "--no-edit", "main"]);

    // `f` of `two` is on somebody else's branch as well.
    repo.git(["switch", "--quiet", "--create", "colleague"]);
    repo.git(["rm", "--quiet", "one/versions/f_.py"]);
    repo.git(["commit", "--quiet", "-m", "Only two"]);
    repo.git(["push", "--quiet", "origin", "colleague"]);
    let repo = repo.switch("feature");

    let report: RebaseJson = repo.dbm(["rebase", "--format", "json"]).expect_code(1).json();
    let refused: Vec<_> =
        report.components.iter().map(|c| (c.name.as_str(), c.refused.is_some())).collect();
    assert_eq!(refused, [("one", false), ("two", true)]);
    assert!(report.operation.is_none());
    assert_eq!(changes(&repo), "");
    insta::assert_snapshot!(repo.dbm(["rebase"]), @"
    --- stderr
    error: two: `f` would have to be rewritten, but other branches have them too (say --include-shared to move them all the same)
      caused by: nothing was changed
    hint: others may have run them: talk to them, then say --include-shared
    --- exit 1
    ");
    assert_eq!(changes(&repo), "");

    insta::assert_snapshot!(repo.dbm(["rebase", "--component", "one"]), @"
    m -> f (was a -> f)
    own and landed revisions touch nothing in common
    1 revision rebased. Undo with: dbm-git undo
    ");
    assert_eq!(changes(&repo), " M one/versions/f_.py");
}

#[test]
fn a_broken_history_is_refused_with_what_shows_it() {
    let repo = diverged();
    repo.write(&format!("{VERSIONS}/x.py"), "revision = 'x'\ndown_revision = 'nowhere'\n");
    insta::assert_snapshot!(repo.dbm(["rebase"]), @"
    --- stderr
    error: default: `migrations/versions/x.py`:2 has to be mended first: its down revision `nowhere` is not in the tree
      caused by: nothing was changed
    hint: `dbm-git check` shows all that is broken
    --- exit 1
    ");
    assert_eq!(down_revision(&repo, "f_feature.py"), "'a'");
}

#[test]
fn contradicting_flags_are_wrong_usage() {
    let repo = diverged();
    for args in [
        &["rebase", "f"][..],
        &["rebase", "--landed"],
        &["rebase", "--dry-run", "--commit"],
        &["rebase", "--at", "main"],
        &["rebase", "--database-url", "sqlite:///x"],
    ] {
        let args = [args, &["--format", "json"]].concat();
        let error: ErrorJson = repo.dbm(&args).expect_code(2).json();
        assert_eq!((error.version, error.error.kind.as_str()), (1, "usage"), "{args:?}");
    }
    assert_eq!(changes(&repo), "");
}

#[test]
fn what_a_hook_of_the_users_refuses_to_commit_is_not_left_staged() {
    use std::os::unix::fs::PermissionsExt as _;
    let repo = diverged();
    repo.write(".git/hooks/pre-commit", "#!/bin/sh\necho no >&2\nexit 1\n");
    let hook = repo.path().join(".git/hooks/pre-commit");
    std::fs::set_permissions(hook, std::fs::Permissions::from_mode(0o755)).expect("ours");
    let run = repo.dbm(["rebase", "--commit"]).expect_code(1);
    assert!(run.stderr.contains("`git commit` them, or `dbm-git undo`"), "{run}");
    assert_eq!(changes(&repo), " M migrations/versions/f_feature.py");
    repo.dbm(["undo"]).expect_code(0);
    assert_eq!(changes(&repo), "");
}

/// Own `f` and landed `m`, which both do something to `users`.
fn beside(own: &str, landed: &str) -> TestRepo {
    let repo = TestRepo::new().on("main", "<base> -> a").branch("feature");
    let write = |id: &str, operation: &str| {
        let text = format!(
            "from alembic import op\nimport sqlalchemy as sa\n\nrevision = '{id}'\n\
             down_revision = 'a'\nbranch_labels = None\ndepends_on = None\n\n\n\
             def upgrade() -> None:\n    {operation}\n\n\ndef downgrade() -> None:\n    pass\n"
        );
        repo.write(&format!("migrations/versions/{id}.py"), text);
        repo.commit(id);
    };
    write("f", own);
    repo.git(["switch", "--quiet", "main"]);
    write("m", landed);
    repo.git(["switch", "--quiet", "feature"]);
    let repo = repo.publish("main");
    repo.git(["merge", "--quiet", "--no-edit", "main"]);
    repo
}

#[test]
fn operations_that_meet_are_shown_with_both_places() {
    let own = "op.drop_column('users', 'name')";
    let repo = beside(own, "op.create_index('ix_name', 'users', ['name'])");
    insta::assert_snapshot!(repo.dbm(["rebase"]), @"
    m -> f (was a -> f)
    warning: `f` and `m`, landed, meet on column `users.name`
      own     migrations/versions/f.py:11
      landed  migrations/versions/m.py:11
    hint: `dbm-git verify` runs them on a scratch database
    1 revision rebased. Undo with: dbm-git undo
    ");
    repo.dbm(["undo"]).expect_code(0);
    let report: RebaseJson = repo.dbm(["rebase", "--format", "json"]).json();
    let [component] = report.components.as_slice() else { panic!("{report:?}") };
    let [met] = component.met.as_slice() else { panic!("{report:?}") };
    assert_eq!((met.thing.as_str(), component.independent), ("column `users.name`", Some(false)));
    let at = |revision: &str| MetAt {
        revision: revision.to_owned(),
        path: format!("migrations/versions/{revision}.py"),
        line: 11,
    };
    assert_eq!((&met.own, &met.landed), (&at("f"), &at("m")));
}

#[test]
fn a_check_warns_of_operations_that_meet_and_can_be_told_not_to() {
    let own = "op.add_column('users', sa.Column('name', sa.Text()))";
    let repo = beside(own, "op.add_column('users', sa.Column('name', sa.String(9)))");
    let warned = |repo: &TestRepo| repo.dbm(["check", "--base", "origin/main"]).stdout;
    let said = warned(&repo);
    let at = said.find("warning[").expect("a warning");
    insta::assert_snapshot!(said[at..], @"
    warning[DBM101]: `f` and `m`, landed on origin/main, meet on column `users.name`
      --> migrations/versions/f.py:11:5
       |
    11 |     op.add_column('users', sa.Column('name', sa.Text()))
       |     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^ own
       |
      ::: migrations/versions/m.py:11:5
       |
    11 |     op.add_column('users', sa.Column('name', sa.String(9)))
       |     ------------------------------------------------------- landed on origin/main
       |
       = help: `dbm-git rebase --verify` tries the new order out on a scratch database

    1 error, 1 warning
    ");
    let silent = format!("{own}  # dbm-git: ignore DBM101 the other one goes");
    let text = repo.read("migrations/versions/f.py").replace(own, &silent);
    repo.write("migrations/versions/f.py", text);
    let said = warned(&repo);
    assert!(!said.contains("[DBM101]"), "{said}");
    assert!(said.contains("ignored: DBM101 in migrations/versions/f.py:11"), "{said}");
}

#[test]
fn raw_sql_leaves_it_open_whether_they_meet() {
    let repo = beside("op.execute('SELECT f()')", "op.drop_table('users')");
    let report: RebaseJson = repo.dbm(["rebase", "--format", "json"]).json();
    assert_eq!((report.components[0].met.len(), report.components[0].independent), (0, None));
}
