"""Medians of whole processes, side by side: dbm-git and alembic on the same projects.

The projects are the 484 revisions of lablup/backend.ai (tests/fixtures/graphs)
and linear histories of 500 to 10,000 revisions with bodies of usual size.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
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


def fixture(name):
    data = json.loads(Path("tests/fixtures/graphs", name).read_text())
    return [(r["revision"], r["down_revision"]) for r in data["revisions"]]


def median(command, folder, runs):
    """Median seconds of `runs` runs, after one that is not counted."""
    times = []
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    for _ in range(runs + 1):
        start = time.perf_counter()
        done = subprocess.run(
            command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        times.append(time.perf_counter() - start)
        if done.returncode != 0:
            sys.exit(f"{command} failed in {folder}: {done.stderr.decode()}")
    return statistics.median(times[1:])


def main():
    dbm_git = str(Path(sys.argv[1]).resolve())
    # Not resolved: a link to the interpreter would lead out of its environment.
    alembic = os.path.join(os.path.dirname(os.path.abspath(sys.executable)), "alembic")
    projects = [("lablup/backend.ai, 484 revisions", fixture("lablup__backend.ai__0.json"), True)]
    projects += [(f"linear, {n} revisions", linear(n), n <= 500) for n in (500, 2000, 10000)]
    print("| project | `dbm-git check` | `alembic heads` | ratio |")
    print("|---|---|---|---|")
    with tempfile.TemporaryDirectory() as scratch:
        for at, (name, revisions, with_alembic) in enumerate(projects):
            folder = Path(scratch, str(at))
            write_project(folder, revisions)
            ours = median([dbm_git, "check", "--quiet"], folder, 15)
            row = f"| {name} | {ours * 1000:.1f} ms |"
            if with_alembic:
                theirs = median([alembic, "heads"], folder, 5)
                row += f" {theirs * 1000:.0f} ms | {theirs / ours:.0f} |"
            else:
                row += " – | – |"
            print(row, flush=True)


main()
