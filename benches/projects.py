"""Alembic projects in git repositories, for the benchmarks."""

import subprocess

SCRIPT = '''"""a change

Revision ID: {id}
Revises: {revises}
Create Date: 2026-01-01 00:00:00.000000

"""
from alembic import op
import sqlalchemy as sa

revision = {id!r}
down_revision = {down!r}
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "t_{id}",
        sa.Column("id", sa.Integer(), primary_key=True),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.func.now()),
    )
    op.create_index("ix_t_{id}_name", "t_{id}", ["name"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_t_{id}_name", table_name="t_{id}")
    op.drop_table("t_{id}")
'''


def write_project(folder, revisions):
    """Writes `revisions`, pairs of id and down revisions, as a project in a git repository."""
    versions = folder / "migrations" / "versions"
    versions.mkdir(parents=True)
    (folder / "alembic.ini").write_text("[alembic]\nscript_location = migrations\n")
    (folder / "migrations" / "env.py").write_text("")
    for revision, downs in revisions:
        down = None if not downs else downs[0] if len(downs) == 1 else tuple(downs)
        text = SCRIPT.format(id=revision, revises=", ".join(downs), down=down)
        (versions / f"{revision}_a_change.py").write_text(text)
    git = ["git", "-c", "user.name=b", "-c", "user.email=b@example.org", "-C", str(folder)]
    subprocess.run([*git, "init", "-q", "-b", "main"], check=True)
    subprocess.run([*git, "add", "-A"], check=True)
    subprocess.run([*git, "commit", "-q", "-m", "all"], check=True)


def linear(count):
    ids = [f"{n:012x}" for n in range(1, count + 1)]
    return list(zip(ids, [[]] + [[i] for i in ids]))
