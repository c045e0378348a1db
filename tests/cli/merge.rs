//! `dbm-git merge`.

use super::support::{RebaseJson, TestRepo, VERSIONS};
use super::{changes, diverged, down_revision};

/// The one file that is new.
#[track_caller]
fn created(repo: &TestRepo) -> String {
    let status = changes(repo);
    let path = status.strip_prefix("?? ").unwrap_or_else(|| panic!("{status}"));
    path.to_owned()
}

#[test]
fn a_merge_revision_is_written_over_the_heads() {
    let repo = diverged();
    insta::assert_snapshot!(repo.dbm(["merge"]), @"
    f, m -> 1c5349cc5dec (mergepoint), written to migrations/versions/1c5349cc5dec_merge_f_m.py
    own and landed revisions touch nothing in common
    1 merge revision written. Undo with: dbm-git undo
    ");
    let path = created(&repo);
    insta::assert_snapshot!(repo.read(&path), @r#"
    """merge f, m

    Revision ID: 1c5349cc5dec
    Revises: f, m
    Create Date: 2026-01-01 00:00:00.000000

    """
    from typing import Sequence, Union

    from alembic import op
    import sqlalchemy as sa


    # revision identifiers, used by Alembic.
    revision: str = '1c5349cc5dec'
    down_revision: Union[str, Sequence[str], None] = ('f', 'm')
    branch_labels: Union[str, Sequence[str], None] = None
    depends_on: Union[str, Sequence[str], None] = None


    def upgrade() -> None:
        """Upgrade schema."""
        pass


    def downgrade() -> None:
        """Downgrade schema."""
        pass
    "#);
    repo.dbm(["check"]).expect_code(0);
    assert_eq!(down_revision(&repo, "f_feature.py"), "'a'");
    insta::assert_snapshot!(repo.dbm(["merge"]), @"
    nothing to do: no own revision has diverged from the landed ones
    ");
}

#[test]
fn two_clones_write_the_identical_file() {
    let repo = diverged().publish("feature");
    let other = repo.colleague("other");
    other.git(["switch", "--quiet", "feature"]);
    repo.dbm(["merge"]).expect_code(0);
    other.dbm(["merge"]).expect_code(0);
    let path = created(&repo);
    assert_eq!(created(&other), path);
    assert_eq!(other.read(&path), repo.read(&path));

    // So git merges them without a word.
    repo.commit("Merge heads here");
    other.commit("Merge heads there");
    other.git(["push", "--quiet", "origin", "feature"]);
    repo.git(["pull", "--quiet", "--no-rebase", "--no-edit", "origin", "feature"]);
    repo.dbm(["check"]).expect_code(0);
}

#[test]
fn the_real_alembic_accepts_the_merge_revision() {
    let repo = diverged();
    repo.dbm(["merge", "-m", "bring it together"]).expect_code(0);
    let heads = repo.alembic(["heads"]).expect_code(0);
    assert_eq!(heads.stdout.lines().count(), 1, "{heads}");
    repo.alembic(["upgrade", "head"]).expect_code(0);
    assert!(created(&repo).ends_with("_bring_it_together.py"));
}

#[test]
fn a_merge_can_be_committed_and_dry_run() {
    let repo = diverged();
    let dry: RebaseJson =
        repo.dbm(["merge", "--dry-run", "--format", "json"]).expect_code(0).json();
    assert!(dry.dry_run && dry.operation.is_none());
    let [path] = dry.components[0].created.as_slice() else { panic!("{dry:?}") };
    assert_eq!(changes(&repo), "");
    repo.dbm(["merge", "--commit"]).expect_code(0);
    assert_eq!(changes(&repo), "");
    assert_eq!(repo.git(["show", "--format=", "--name-only", "HEAD"]), *path);
}

#[test]
fn an_existing_file_is_never_overwritten() {
    let repo = diverged();
    let dry: RebaseJson = repo.dbm(["merge", "--dry-run", "--format", "json"]).json();
    let path = &dry.components[0].created[0];
    repo.write(path, "# mine\n");
    repo.write(".git/info/exclude", format!("{VERSIONS}/*mine*\n"));
    let run = repo.dbm(["merge"]).expect_code(1);
    assert!(run.stderr.contains(path.as_str()), "{run}");
    assert_eq!(repo.read(path), "# mine\n");
}
