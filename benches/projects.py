"""Alembic projects in git repositories, for the benchmarks: the same ones each time."""

import json
import random
import subprocess
from pathlib import Path

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

ENV = '''from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(context.config.get_main_option("sqlalchemy.url"), poolclass=pool.NullPool)

with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
'''


def fixture(name):
    """The graph of a real project: pairs of id and down revisions."""
    data = json.loads(Path("tests/fixtures/graphs", name).read_text())
    return [(r["revision"], r["down_revision"]) for r in data["revisions"]]


def ids(count):
    return [f"{n:012x}" for n in range(1, count + 1)]


def linear(count):
    return list(zip(ids(count), [[]] + [[i] for i in ids(count)]))


def bushy(count):
    """Branches of up to five revisions that are merged again, as in a busy team."""
    chance, revisions, heads = random.Random(count), [], []
    for i in ids(count):
        if len(heads) > 1 and (chance.random() < 0.25 or len(heads) > 4):
            down, heads = sorted(heads[:2]), heads[2:]
        elif heads and chance.random() < 0.7:
            down, heads = [heads[0]], heads[1:]
        else:
            down = [chance.choice(revisions)[0]] if revisions else []
        revisions.append((i, down))
        heads.append(i)
    if len(heads) > 1:
        revisions.append(("f" * 12, heads))
    return revisions


def git(folder, *words):
    # No cleaning up behind our back while something is timed, or in its own way.
    user = ["-c", "user.name=b", "-c", "user.email=b@example.org", "-c", "gc.auto=0"]
    subprocess.run(["git", *user, "-C", str(folder), *words], check=True)


def commit(folder, message):
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", message)


def write_revision(versions, revision, downs):
    down = None if not downs else downs[0] if len(downs) == 1 else tuple(downs)
    text = SCRIPT.format(id=revision, revises=", ".join(downs), down=down)
    (versions / f"{revision}_a_change.py").write_text(text)


def write_component(folder, revisions):
    versions = folder / "versions"
    versions.mkdir(parents=True)
    (folder / "env.py").write_text(ENV)
    for revision, downs in revisions:
        write_revision(versions, revision, downs)


def write_files(folder, count):
    """Other files, three hundred folders of them."""
    for n in range(count):
        path = folder / "src" / f"package_{n % 300}" / f"module_{n}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"VALUE = {n}\n")


def write_project(folder, revisions, files=0, components=1):
    """Writes `revisions` as a project in a git repository, packed as a clone is.

    Of several components each has them all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for n in range(components):
        name = "migrations" if components == 1 else f"migrations_{n}"
        ini = "alembic.ini" if components == 1 else f"alembic-c{n}.ini"
        url = f"sqlite:///{folder}/{name}.db"
        (folder / ini).write_text(f"[alembic]\nscript_location = {name}\nsqlalchemy.url = {url}\n")
        write_component(folder / name, revisions)
    (folder / ".gitignore").write_text("*.db\n__pycache__\n")
    write_files(folder, files)
    git(folder, "init", "-q", "-b", "main")
    commit(folder, "all")
    git(folder, "gc", "-q")


def diverge(folder, head):
    """One revision on `main` and one on `feature`, which is checked out."""
    versions = folder / "migrations" / "versions"
    git(folder, "switch", "-q", "-c", "feature")
    write_revision(versions, "e" * 12, [head])
    commit(folder, "ours")
    git(folder, "switch", "-q", "main")
    write_revision(versions, "f" * 12, [head])
    commit(folder, "theirs")
    git(folder, "switch", "-q", "feature")
